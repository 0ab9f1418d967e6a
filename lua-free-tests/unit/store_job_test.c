
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the queues of the store's jobs: order, bounds, abandoning, exit.
 * The thread pool here is a list of tasks that the test runs when it wants,
 * so that every order of events can be made; the store is the real one.
 */

/* sources: rag/ngx_http_edge_store_job.c rag/ngx_http_edge_store_run.c */
/* sources: rag/ngx_edge_store.c rag/ngx_edge_store_sql.c */
/* sources: rag/ngx_edge_store_search.c rag/ngx_edge_terms.c */
/* sources: rag/ngx_edge_termset.c rag/ngx_edge_chunk.c */
/* sources: rag/ngx_edge_document.c rag/ngx_edge_filter_match.c */
/* sources: rag/ngx_edge_time.c lib/ngx_edge_utf8.c lib/ngx_edge_buf.c */
/* sources: rag/ngx_edge_digest.c rag/ngx_edge_acl.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lsqlite3 -lcrypto -lm */

#include <sqlite3.h>
#include "unit.h"
#include "rag/ngx_http_edge_store_lane.h"


#define TASKS  2000


static char                   dir[] = "/tmp/edge_job_XXXXXX";
static char                   path[64];
static ngx_uint_t             refuse;      /* post of a task fails */
static ngx_uint_t             ntasks;
static ngx_thread_task_t     *tasks[TASKS];
static ngx_uint_t             ndone;
static ngx_int_t              last_rc;
static ngx_uint_t             last_count;
static const char            *last_data;
static char                   order[8000];
static ngx_http_edge_store_t *store;
static ngx_conf_t             cf;
static ngx_cycle_t            cycle;


ngx_thread_pool_t *
ngx_thread_pool_add(ngx_conf_t *conf, ngx_str_t *name)
{
    return (ngx_thread_pool_t *) tasks;
}


ngx_thread_pool_t *
ngx_thread_pool_get(ngx_cycle_t *c, ngx_str_t *name)
{
    return (ngx_thread_pool_t *) tasks;
}


ngx_thread_task_t *
ngx_thread_task_alloc(ngx_pool_t *pool, size_t size)
{
    ngx_thread_task_t  *task;

    task = ngx_pcalloc(pool, sizeof(ngx_thread_task_t) + size);

    if (task) {
        task->ctx = task + 1;
    }

    return task;
}


ngx_int_t
ngx_thread_task_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task)
{
    if (refuse) {
        return NGX_ERROR;
    }

    tasks[ntasks++] = task;

    return NGX_OK;
}


/* The thread: runs task i and leaves its completion for the loop. */
static void
work(ngx_uint_t i)
{
    tasks[i]->handler(tasks[i]->ctx, &ngx_stub_log);
}


/* The event loop: the completion of task i. */
static void
complete(ngx_uint_t i)
{
    ngx_event_t  *ev;

    ev = &tasks[i]->event;
    ntasks--;
    ngx_memmove(&tasks[i], &tasks[i + 1],
                (ntasks - i) * sizeof(ngx_thread_task_t *));
    ev->handler(ev);
}


static void
run_all(void)
{
    while (ntasks) {
        work(0);
        complete(0);
    }
}


static void
done(ngx_http_edge_store_job_t *job)
{
    ndone++;
    last_rc = job->rc;
    last_data = job->data;
    last_count = (job->kind == ngx_http_edge_store_put) ? job->nchunks[0]
                                                        : job->passages.nelts;
    strncat(order, job->data, sizeof(order) - strlen(order) - 1);

    ngx_http_edge_store_job_free(job);
}


static ngx_http_edge_store_job_t *
new_job(ngx_http_edge_store_kind_e kind, const char *name)
{
    ngx_http_edge_store_job_t  *job;

    job = ngx_http_edge_store_job_create(store, &ngx_stub_log);

    job->kind = kind;
    job->done = done;
    job->data = (void *) name;
    job->scope.tenant = unit_str("acme");
    job->scope.module = unit_str("planning");
    job->query.question = unit_str("words");
    job->query.top_k = 3;
    job->chunk.target = 1200;
    job->id = unit_str("d");

    if (kind == ngx_http_edge_store_put) {
        job->docs = ngx_pcalloc(job->pool, sizeof(ngx_edge_document_t));
        job->docs[0].id = unit_str("d");
        job->docs[0].text = unit_str("some words");
        job->ndocs = 1;
    }

    return job;
}


static void
post(ngx_http_edge_store_kind_e kind, const char *name)
{
    CHECK_INT(ngx_http_edge_store_job_post(new_job(kind, name)), NGX_OK);
}


static void
begin(void)
{
    ngx_str_t  s;

    (void) unlink(path);

    ndone = 0;
    refuse = 0;
    order[0] = '\0';

    s = unit_str(path);
    store = ngx_http_edge_store_add(&cf, &s);
    CHECK(store != NULL);
}


static void
end(void)
{
    ngx_http_edge_store_exit(&cycle);
    ntasks = 0;
}


static void
test_put_then_search(void)
{
    begin();

    post(ngx_http_edge_store_put, "p");
    CHECK_INT(ndone, 0);                        /* never from inside post */
    run_all();
    CHECK_INT(ndone, 1);
    CHECK_INT(last_rc, NGX_OK);
    CHECK_INT(last_count, 1);

    post(ngx_http_edge_store_search, "s");
    run_all();
    CHECK_INT(last_rc, NGX_OK);
    CHECK_INT(last_count, 1);

    post(ngx_http_edge_store_get, "g");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    post(ngx_http_edge_store_delete, "d");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    post(ngx_http_edge_store_get, "g");
    run_all();
    CHECK_INT(last_rc, NGX_DECLINED);
    CHECK_INT(ndone, 5);

    end();
}


static void
test_one_writer_four_readers(void)
{
    begin();

    post(ngx_http_edge_store_put, "1");
    post(ngx_http_edge_store_put, "2");
    post(ngx_http_edge_store_delete, "3");
    CHECK_INT(ntasks, 1);

    post(ngx_http_edge_store_search, "a");
    post(ngx_http_edge_store_search, "b");
    post(ngx_http_edge_store_search, "c");
    post(ngx_http_edge_store_get, "d");
    post(ngx_http_edge_store_search, "e");
    CHECK_INT(ntasks, 5);

    work(1);                                    /* "a", and out of turn "c" */
    work(3);
    complete(3);
    CHECK_INT(ntasks, 5);                       /* "e" took the place */
    CHECK_MEM(order, strlen(order), "c");
    complete(1);
    CHECK_INT(ntasks, 4);

    run_all();
    CHECK_INT(ndone, 8);
    CHECK(strchr(order, '1') < strchr(order, '2'));
    CHECK(strchr(order, '2') < strchr(order, '3'));

    end();
}


static void
test_bounds(void)
{
    ngx_uint_t                  i, declined;
    ngx_http_edge_store_job_t  *job;

    begin();

    declined = 0;

    for (i = 0; i < 4 + 1024 + 3; i++) {
        job = new_job(ngx_http_edge_store_search, "s");

        if (ngx_http_edge_store_job_post(job) == NGX_DECLINED) {
            ngx_http_edge_store_job_free(job);
            declined++;
        }
    }

    CHECK_INT(declined, 3);

    for (i = 0; i < 1 + 256 + 2; i++) {
        job = new_job(ngx_http_edge_store_put, "p");

        if (ngx_http_edge_store_job_post(job) == NGX_DECLINED) {
            ngx_http_edge_store_job_free(job);
            declined++;
        }
    }

    CHECK_INT(declined, 5);

    run_all();
    CHECK_INT(ndone, 4 + 1024 + 1 + 256);

    post(ngx_http_edge_store_search, "s");
    run_all();
    CHECK_INT(ndone, 4 + 1024 + 1 + 256 + 1);

    end();
}


static void
test_abandon(void)
{
    ngx_http_edge_store_job_t  *running, *waiting, *fresh;

    begin();

    running = new_job(ngx_http_edge_store_put, "r");
    waiting = new_job(ngx_http_edge_store_put, "w");
    fresh = new_job(ngx_http_edge_store_put, "f");

    CHECK_INT(ngx_http_edge_store_job_post(running), NGX_OK);
    CHECK_INT(ngx_http_edge_store_job_post(waiting), NGX_OK);
    post(ngx_http_edge_store_put, "n");

    ngx_http_edge_store_job_abandon(running);
    ngx_http_edge_store_job_abandon(waiting);
    ngx_http_edge_store_job_abandon(fresh);

    CHECK_INT(ntasks, 1);
    run_all();
    CHECK_MEM(order, strlen(order), "n");

    /* between the thread's end and the loop's turn */

    running = new_job(ngx_http_edge_store_search, "r");
    CHECK_INT(ngx_http_edge_store_job_post(running), NGX_OK);
    work(0);
    ngx_http_edge_store_job_abandon(running);
    complete(0);
    CHECK_INT(ndone, 1);

    end();
}


static void
test_pool_refuses(void)
{
    ngx_http_edge_store_job_t  *job;

    begin();

    refuse = 1;
    job = new_job(ngx_http_edge_store_put, "p");
    CHECK_INT(ngx_http_edge_store_job_post(job), NGX_ERROR);
    CHECK_INT(ndone, 0);

    refuse = 0;
    CHECK_INT(ngx_http_edge_store_job_post(job), NGX_OK);
    post(ngx_http_edge_store_put, "q");
    post(ngx_http_edge_store_put, "r");

    /* those that were accepted are told */

    refuse = 1;
    work(0);
    complete(0);
    CHECK_INT(ndone, 3);
    CHECK_MEM(order, strlen(order), "qrp");

    refuse = 0;
    post(ngx_http_edge_store_put, "s");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    end();
}


static void
test_broken_file(void)
{
    FILE        *f;
    ngx_uint_t   lines;

    begin();

    f = fopen(path, "w");
    fputs("this is no database, nor will it be one, as anybody can see", f);
    fclose(f);

    lines = ngx_stub_log_lines;

    post(ngx_http_edge_store_search, "a");
    run_all();
    CHECK_INT(last_rc, NGX_ERROR);
    CHECK_INT(ngx_stub_log_lines, lines + 1);
    CHECK(strstr((char *) ngx_stub_log_last, "reading store") != NULL);

    post(ngx_http_edge_store_search, "b");
    run_all();
    CHECK_INT(last_rc, NGX_ERROR);
    CHECK_INT(ngx_stub_log_lines, lines + 1);

    (void) unlink(path);

    post(ngx_http_edge_store_search, "c");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    end();
}


static void
remove_file(void)
{
    char        name[80];
    ngx_uint_t  i;

    static const char *const  tails[] = { "", "-wal", "-shm" };

    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void) unlink(name);
    }
}


/* A connection that met an error is not used again. */
static void
test_reopened_after_error(void)
{
    sqlite3  *db;

    begin();

    post(ngx_http_edge_store_put, "p");
    post(ngx_http_edge_store_search, "s");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "DROP TABLE chunk_terms", NULL, NULL, NULL),
              SQLITE_OK);
    sqlite3_close(db);

    post(ngx_http_edge_store_search, "s");
    run_all();
    CHECK_INT(last_rc, NGX_ERROR);

    remove_file();

    post(ngx_http_edge_store_search, "s");
    run_all();
    CHECK_INT(last_rc, NGX_OK);

    end();
}


/* A worker goes while jobs run, have run and wait: all is freed. */
static void
test_exit(void)
{
    ngx_uint_t  i;

    begin();

    for (i = 0; i < 8; i++) {
        post(ngx_http_edge_store_search, "s");
        post(ngx_http_edge_store_put, "p");
    }

    for (i = 0; i < ntasks; i++) {
        work(i);
    }

    end();
    CHECK_INT(ndone, 0);

    begin();
    end();
    ngx_http_edge_store_exit(&cycle);
}


static void
test_paths(void)
{
    char       name[100];
    ngx_str_t  s;

    s = unit_str("/nonexistent/docs.db");
    CHECK(ngx_http_edge_store_add(&cf, &s) == NULL);
    CHECK(strstr((char *) ngx_stub_log_last, "no directory") != NULL);

    s = unit_str(dir);
    CHECK(ngx_http_edge_store_add(&cf, &s) == NULL);
    CHECK(strstr((char *) ngx_stub_log_last, "not a file") != NULL);

    snprintf(name, sizeof(name), "%s/", dir);
    s = unit_str(name);
    CHECK(ngx_http_edge_store_add(&cf, &s) == NULL);

    s = unit_str("docs.db");
    CHECK(ngx_http_edge_store_add(&cf, &s) != NULL);

    s = unit_str("/docs.db");
    CHECK(ngx_http_edge_store_add(&cf, &s) != NULL);
}


int
main(void)
{
    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    snprintf(path, sizeof(path), "%s/docs.db", dir);

    cycle.log = &ngx_stub_log;
    ngx_cycle = &cycle;
    cf.pool = ngx_create_pool(4096, &ngx_stub_log);
    cf.temp_pool = cf.pool;
    cf.cycle = &cycle;
    cf.log = &ngx_stub_log;

    RUN(test_put_then_search);
    RUN(test_one_writer_four_readers);
    RUN(test_bounds);
    RUN(test_abandon);
    RUN(test_pool_refuses);
    RUN(test_broken_file);
    RUN(test_reopened_after_error);
    RUN(test_exit);
    RUN(test_paths);

    ngx_destroy_pool(cf.pool);

    remove_file();
    (void) rmdir(dir);

    return unit_summary();
}
