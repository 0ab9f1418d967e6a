
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The half of the store's jobs that runs on the event loop: which job waits,
 * which connection runs it, who gets it back.  Knows nginx's thread pool and
 * nothing of what the jobs do.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_http_edge_store_lane.h"


#define NGX_HTTP_EDGE_STORE_READS   1024       /* jobs that may wait */
#define NGX_HTTP_EDGE_STORE_WRITES  256


/* At configuration only the path is known; all else is a worker's. */

struct ngx_http_edge_store_s {
    ngx_str_t     path;                /* NUL-ended */
};


/* A worker's files: made by the first job, freed by exit. */

typedef struct {
    ngx_pool_t   *pool;
    ngx_queue_t   files;
} ngx_http_edge_store_worker_t;


static ngx_int_t ngx_http_edge_store_check_path(ngx_conf_t *cf,
    ngx_str_t *path);
static ngx_http_edge_store_file_t *ngx_http_edge_store_file(
    ngx_http_edge_store_t *store);
static ngx_http_edge_store_file_t *ngx_http_edge_store_file_create(
    ngx_str_t *path);
static void ngx_http_edge_store_lane_init(ngx_http_edge_store_lane_t *lane,
    ngx_http_edge_store_file_t *file, ngx_uint_t nhandles,
    ngx_uint_t max_waiting);
static void ngx_http_edge_store_lane_exit(ngx_http_edge_store_lane_t *lane);
static ngx_http_edge_store_handle_t *ngx_http_edge_store_idle(
    ngx_http_edge_store_lane_t *lane);
static ngx_int_t ngx_http_edge_store_job_prepare(
    ngx_http_edge_store_job_t *job);
static ngx_int_t ngx_http_edge_store_job_start(
    ngx_http_edge_store_job_t *job, ngx_http_edge_store_lane_t *lane,
    ngx_http_edge_store_handle_t *handle);
static void ngx_http_edge_store_completed(ngx_event_t *ev);
static void ngx_http_edge_store_next(ngx_http_edge_store_lane_t *lane);
static void ngx_http_edge_store_job_finish(ngx_http_edge_store_job_t *job);
static void ngx_http_edge_store_note(ngx_http_edge_store_lane_t *lane,
    ngx_http_edge_store_job_t *job);


static ngx_str_t  ngx_http_edge_store_threads = ngx_string("default");

static ngx_http_edge_store_worker_t  ngx_http_edge_store_worker;


ngx_http_edge_store_t *
ngx_http_edge_store_add(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_http_edge_store_t  *store;

    if (!ngx_http_edge_store_built()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "edge rag: \"store\" needs SQLite at build time "
                           "(package libsqlite3-dev)");
        return NULL;
    }

    if (ngx_http_edge_store_check_path(cf, path) != NGX_OK) {
        return NULL;
    }

    if (ngx_thread_pool_add(cf, NULL) == NULL) {
        return NULL;
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_store_t));
    if (store == NULL) {
        return NULL;
    }

    store->path = *path;

    return store;
}


static ngx_int_t
ngx_http_edge_store_check_path(ngx_conf_t *cf, ngx_str_t *path)
{
    u_char           *p;
    ngx_str_t         dir;
    ngx_file_info_t   fi;

    for (p = path->data + path->len; p > path->data && p[-1] != '/'; p--) {
        /* void */
    }

    dir.len = ngx_max(p - path->data, 1);

    dir.data = ngx_pnalloc(cf->temp_pool, dir.len + 1);
    if (dir.data == NULL) {
        return NGX_ERROR;
    }

    dir.data[0] = '.';
    ngx_memcpy(dir.data, path->data, p - path->data);
    dir.data[dir.len] = '\0';

    if (ngx_file_info(dir.data, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "edge rag: no directory for store \"%V\"", path);
        return NGX_ERROR;
    }

    if (p == path->data + path->len
        || (ngx_file_info(path->data, &fi) != NGX_FILE_ERROR
            && !ngx_is_file(&fi)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "edge rag: store \"%V\" is not a file", path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_edge_store_exit(ngx_cycle_t *cycle)
{
    ngx_queue_t                   *q;
    ngx_http_edge_store_file_t    *file;
    ngx_http_edge_store_worker_t  *worker;

    worker = &ngx_http_edge_store_worker;

    if (worker->pool == NULL) {
        return;
    }

    for (q = ngx_queue_head(&worker->files);
         q != ngx_queue_sentinel(&worker->files);
         q = ngx_queue_next(q))
    {
        file = ngx_queue_data(q, ngx_http_edge_store_file_t, queue);

        ngx_http_edge_store_lane_exit(&file->reads);
        ngx_http_edge_store_lane_exit(&file->writes);
    }

    ngx_destroy_pool(worker->pool);
    worker->pool = NULL;
}


/* No request will ask for its job any more: also those that a thread has
 * finished, but the event loop has not seen, are freed here. */

static void
ngx_http_edge_store_lane_exit(ngx_http_edge_store_lane_t *lane)
{
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_http_edge_store_handle_t  *handle;

    for (i = 0; i < lane->nhandles; i++) {
        handle = &lane->handles[i];

        ngx_http_edge_store_close(handle);

        if (handle->job) {
            ngx_http_edge_store_job_free(handle->job);
            handle->job = NULL;
        }
    }

    while (!ngx_queue_empty(&lane->jobs)) {
        q = ngx_queue_head(&lane->jobs);
        ngx_queue_remove(q);
        ngx_http_edge_store_job_free(
                     ngx_queue_data(q, ngx_http_edge_store_job_t, queue));
    }
}


/* The worker's connections to the store's file; found by the path, because a
 * configuration, and the store object with it, may be replaced. */

static ngx_http_edge_store_file_t *
ngx_http_edge_store_file(ngx_http_edge_store_t *store)
{
    ngx_queue_t                   *q;
    ngx_http_edge_store_file_t    *file;
    ngx_http_edge_store_worker_t  *worker;

    worker = &ngx_http_edge_store_worker;

    if (worker->pool == NULL) {
        worker->pool = ngx_create_pool(4096, ngx_cycle->log);
        if (worker->pool == NULL) {
            return NULL;
        }

        ngx_queue_init(&worker->files);
    }

    for (q = ngx_queue_head(&worker->files);
         q != ngx_queue_sentinel(&worker->files);
         q = ngx_queue_next(q))
    {
        file = ngx_queue_data(q, ngx_http_edge_store_file_t, queue);

        if (file->path.len == store->path.len
            && ngx_strncmp(file->path.data, store->path.data,
                           store->path.len)
               == 0)
        {
            return file;
        }
    }

    return ngx_http_edge_store_file_create(&store->path);
}


static ngx_http_edge_store_file_t *
ngx_http_edge_store_file_create(ngx_str_t *path)
{
    ngx_http_edge_store_file_t    *file;
    ngx_http_edge_store_worker_t  *worker;

    worker = &ngx_http_edge_store_worker;

    file = ngx_pcalloc(worker->pool, sizeof(ngx_http_edge_store_file_t));
    if (file == NULL) {
        return NULL;
    }

    file->path.len = path->len;

    file->path.data = ngx_pnalloc(worker->pool, path->len + 1);
    if (file->path.data == NULL) {
        return NULL;
    }

    (void) ngx_cpystrn(file->path.data, path->data, path->len + 1);

    file->threads = ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle,
                                        &ngx_http_edge_store_threads);
    if (file->threads == NULL) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "edge rag: no thread pool for store \"%V\"", path);
        return NULL;
    }

    ngx_http_edge_store_lane_init(&file->reads, file,
                                  NGX_HTTP_EDGE_STORE_READERS,
                                  NGX_HTTP_EDGE_STORE_READS);
    ngx_http_edge_store_lane_init(&file->writes, file, 1,
                                  NGX_HTTP_EDGE_STORE_WRITES);

    ngx_queue_insert_tail(&worker->files, &file->queue);

    return file;
}


static void
ngx_http_edge_store_lane_init(ngx_http_edge_store_lane_t *lane,
    ngx_http_edge_store_file_t *file, ngx_uint_t nhandles,
    ngx_uint_t max_waiting)
{
    lane->file = file;
    lane->nhandles = nhandles;
    lane->max_waiting = max_waiting;

    ngx_queue_init(&lane->jobs);
}


static ngx_http_edge_store_handle_t *
ngx_http_edge_store_idle(ngx_http_edge_store_lane_t *lane)
{
    ngx_uint_t  i;

    for (i = 0; i < lane->nhandles; i++) {
        if (lane->handles[i].job == NULL) {
            return &lane->handles[i];
        }
    }

    return NULL;
}


ngx_http_edge_store_job_t *
ngx_http_edge_store_job_create(ngx_http_edge_store_t *store, ngx_log_t *log)
{
    ngx_pool_t                 *pool;
    ngx_http_edge_store_job_t  *job;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NULL;
    }

    job = ngx_pcalloc(pool, sizeof(ngx_http_edge_store_job_t));
    if (job == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    pool->log = ngx_cycle->log;

    job->pool = pool;
    job->store = store;

    return job;
}


ngx_int_t
ngx_http_edge_store_job_post(ngx_http_edge_store_job_t *job)
{
    ngx_http_edge_store_file_t    *file;
    ngx_http_edge_store_lane_t    *lane;
    ngx_http_edge_store_handle_t  *handle;

    file = ngx_http_edge_store_file(job->store);

    if (file == NULL || ngx_http_edge_store_job_prepare(job) != NGX_OK) {
        return NGX_ERROR;
    }

    lane = (job->kind == ngx_http_edge_store_search
            || job->kind == ngx_http_edge_store_get)
           ? &file->reads : &file->writes;

    if (ngx_queue_empty(&lane->jobs)) {
        handle = ngx_http_edge_store_idle(lane);

        if (handle) {
            return ngx_http_edge_store_job_start(job, lane, handle);
        }
    }

    if (lane->waiting == lane->max_waiting) {
        return NGX_DECLINED;
    }

    ngx_queue_insert_tail(&lane->jobs, &job->queue);
    lane->waiting++;

    job->lane = lane;

    return NGX_OK;
}


/* Room for the results, so that the owner finds it whatever happens. */

static ngx_int_t
ngx_http_edge_store_job_prepare(ngx_http_edge_store_job_t *job)
{
    ngx_uint_t  n;

    n = ngx_max(job->ndocs, 1);

    job->status = ngx_pcalloc(job->pool,
                              n * sizeof(ngx_edge_document_status_e));
    if (job->status == NULL) {
        return NGX_ERROR;
    }

    job->nchunks = ngx_pcalloc(job->pool, n * sizeof(ngx_uint_t));
    if (job->nchunks == NULL) {
        return NGX_ERROR;
    }

    return ngx_array_init(&job->passages, job->pool, 8,
                          sizeof(ngx_edge_passage_t));
}


static ngx_int_t
ngx_http_edge_store_job_start(ngx_http_edge_store_job_t *job,
    ngx_http_edge_store_lane_t *lane, ngx_http_edge_store_handle_t *handle)
{
    ngx_thread_task_t  *task;

    task = ngx_thread_task_alloc(job->pool, 0);
    if (task == NULL) {
        return NGX_ERROR;
    }

    task->ctx = job;
    task->handler = ngx_http_edge_store_run;
    task->event.data = job;
    task->event.handler = ngx_http_edge_store_completed;
    task->event.log = ngx_cycle->log;

    job->lane = lane;
    job->handle = handle;
    handle->job = job;

    if (ngx_thread_task_post(lane->file->threads, task) != NGX_OK) {
        job->lane = NULL;
        job->handle = NULL;
        handle->job = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* A thread has run a job. */

static void
ngx_http_edge_store_completed(ngx_event_t *ev)
{
    ngx_http_edge_store_job_t   *job;
    ngx_http_edge_store_lane_t  *lane;

    job = ev->data;
    lane = job->lane;

    ngx_http_edge_store_note(lane, job);

    job->handle->job = NULL;

    ngx_http_edge_store_next(lane);
    ngx_http_edge_store_job_finish(job);
}


static void
ngx_http_edge_store_next(ngx_http_edge_store_lane_t *lane)
{
    ngx_queue_t                   *q;
    ngx_http_edge_store_job_t     *job;
    ngx_http_edge_store_handle_t  *handle;

    while (!ngx_queue_empty(&lane->jobs)) {
        handle = ngx_http_edge_store_idle(lane);
        if (handle == NULL) {
            return;
        }

        q = ngx_queue_head(&lane->jobs);
        ngx_queue_remove(q);
        lane->waiting--;

        job = ngx_queue_data(q, ngx_http_edge_store_job_t, queue);

        if (ngx_http_edge_store_job_start(job, lane, handle) != NGX_OK) {
            job->rc = NGX_ERROR;
            ngx_http_edge_store_job_finish(job);
        }
    }
}


/* Hands a job back; it may be freed in done. */

static void
ngx_http_edge_store_job_finish(ngx_http_edge_store_job_t *job)
{
    job->lane = NULL;
    job->handle = NULL;

    if (job->abandoned) {
        ngx_http_edge_store_job_free(job);
        return;
    }

    job->done(job);
}


/* One line when a store begins to fail, one when it is well again. */

static void
ngx_http_edge_store_note(ngx_http_edge_store_lane_t *lane,
    ngx_http_edge_store_job_t *job)
{
    const char  *what;

    what = (lane == &lane->file->reads) ? "reading" : "writing";

    if (job->rc == NGX_ERROR) {
        if (!lane->failing) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "edge rag: %s store \"%V\" failed: %s",
                          what, &lane->file->path, job->err);
        }

        lane->failing = 1;
        return;
    }

    if (lane->failing) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "edge rag: %s store \"%V\" works again",
                      what, &lane->file->path);
    }

    lane->failing = 0;
}


void
ngx_http_edge_store_job_abandon(ngx_http_edge_store_job_t *job)
{
    if (job->handle) {
        job->abandoned = 1;             /* a thread has it */
        return;
    }

    if (job->lane) {
        ngx_queue_remove(&job->queue);
        job->lane->waiting--;
    }

    ngx_http_edge_store_job_free(job);
}


void
ngx_http_edge_store_job_free(ngx_http_edge_store_job_t *job)
{
    ngx_destroy_pool(job->pool);
}
