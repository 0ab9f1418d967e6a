
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The half of the store's jobs that runs in a thread.  It touches the job,
 * the job's pool and the job's handle, nothing else; it does not log.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_http_edge_store_lane.h"


#if (NGX_EDGE_SQLITE)


static ngx_int_t ngx_http_edge_store_run_kind(ngx_http_edge_store_job_t *job,
    ngx_edge_store_t *store);
static ngx_int_t ngx_http_edge_store_run_put(ngx_http_edge_store_job_t *job,
    ngx_edge_store_t *store);


ngx_uint_t
ngx_http_edge_store_built(void)
{
    return 1;
}


void
ngx_http_edge_store_run(void *data, ngx_log_t *log)
{
    ngx_http_edge_store_job_t *job = data;

    ngx_http_edge_store_handle_t  *handle;

    handle = job->handle;
    job->rc = NGX_ERROR;

    if (handle->store == NULL) {
        handle->store = ngx_edge_store_open(
                                       (char *) job->lane->file->path.data,
                                       job->err, sizeof(job->err));
        if (handle->store == NULL) {
            return;
        }
    }

    job->rc = ngx_http_edge_store_run_kind(job, handle->store);

    if (job->rc == NGX_ERROR) {
        (void) ngx_cpystrn(job->err,
                           (u_char *) ngx_edge_store_error(handle->store),
                           sizeof(job->err));

        /* the next job finds out whether the file is well again */

        ngx_http_edge_store_close(handle);
    }
}


static ngx_int_t
ngx_http_edge_store_run_kind(ngx_http_edge_store_job_t *job,
    ngx_edge_store_t *store)
{
    switch (job->kind) {

    case ngx_http_edge_store_search:
        return ngx_edge_store_search(store, &job->scope, &job->query,
                                     job->pool, &job->passages);

    case ngx_http_edge_store_get:
        return ngx_edge_store_get(store, &job->scope, &job->id, job->pool,
                                  &job->doc, job->nchunks);

    case ngx_http_edge_store_delete:
        return ngx_edge_store_delete(store, &job->scope, &job->id);

    case ngx_http_edge_store_put:
        break;
    }

    return ngx_http_edge_store_run_put(job, store);
}


/* What stops one document (a full disk, a lock held too long) would stop the
 * next one too: those behind it stay failed. */

static ngx_int_t
ngx_http_edge_store_run_put(ngx_http_edge_store_job_t *job,
    ngx_edge_store_t *store)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < job->ndocs; i++) {
        rc = ngx_edge_store_put(store, &job->scope, &job->docs[i],
                                &job->chunk, job->pool, &job->status[i],
                                &job->nchunks[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


void
ngx_http_edge_store_close(ngx_http_edge_store_handle_t *handle)
{
    if (handle->store) {
        ngx_edge_store_close(handle->store);
        handle->store = NULL;
    }
}


#else


ngx_uint_t
ngx_http_edge_store_built(void)
{
    return 0;
}


/* Not called: no store passes the configuration. */

void
ngx_http_edge_store_run(void *data, ngx_log_t *log)
{
    ngx_http_edge_store_job_t *job = data;

    job->rc = NGX_ERROR;
}


void
ngx_http_edge_store_close(ngx_http_edge_store_handle_t *handle)
{
    handle->store = NULL;
}


#endif
