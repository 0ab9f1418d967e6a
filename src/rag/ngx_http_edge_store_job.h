
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Work for the embedded store, done in nginx's thread pool.  A worker has a
 * few reading connections and one writing connection per file; a job waits in
 * a bounded queue for one of its kind.
 *
 * Ownership: a job lives in a pool of its own, made with ngx_create_pool(),
 * because the thread must not touch the request's.  The maker fills the input
 * with copies in job->pool, posts it, and gets it back in job->done (called
 * on the event loop, never from inside post).  A request that ends earlier
 * calls abandon: done is not called any more and the job frees itself.
 */


#ifndef _NGX_HTTP_EDGE_STORE_JOB_H_INCLUDED_
#define _NGX_HTTP_EDGE_STORE_JOB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_store.h"


typedef struct ngx_http_edge_store_s         ngx_http_edge_store_t;
typedef struct ngx_http_edge_store_job_s     ngx_http_edge_store_job_t;
typedef struct ngx_http_edge_store_lane_s    ngx_http_edge_store_lane_t;
typedef struct ngx_http_edge_store_handle_s  ngx_http_edge_store_handle_t;


typedef enum {
    ngx_http_edge_store_search = 0,
    ngx_http_edge_store_get,
    ngx_http_edge_store_put,
    ngx_http_edge_store_delete
} ngx_http_edge_store_kind_e;


struct ngx_http_edge_store_job_s {
    ngx_http_edge_store_kind_e    kind;
    ngx_pool_t                   *pool;

    /* input, in job->pool */
    ngx_edge_store_scope_t        scope;
    ngx_edge_store_query_t        query;       /* search */
    ngx_edge_document_t          *docs;        /* put: one transaction each */
    ngx_uint_t                    ndocs;
    ngx_edge_chunk_conf_t         chunk;       /* put */
    ngx_str_t                     id;          /* get, delete */

    /* output, in job->pool */
    ngx_int_t                     rc;          /* as the store's calls; put:
                                                  NGX_ERROR if any failed */
    ngx_array_t                   passages;    /* of ngx_edge_passage_t */
    ngx_edge_document_t           doc;
    ngx_edge_document_status_e   *status;      /* one per docs */
    ngx_uint_t                   *nchunks;     /* one per docs; get: [0] */
    u_char                        err[256];    /* for the log, NUL-ended */

    void                        (*done)(ngx_http_edge_store_job_t *job);
    void                         *data;        /* the caller's */

    /* private to the unit */
    ngx_http_edge_store_t        *store;
    ngx_http_edge_store_lane_t   *lane;        /* NULL: not posted, or done */
    ngx_http_edge_store_handle_t *handle;      /* NULL: waits in the lane */
    ngx_queue_t                   queue;
    unsigned                      abandoned:1;
};


/* At configuration: the store of a file; checks that its directory exists and
 * registers the thread pool; NULL after an error was logged.  path is
 * NUL-ended.  Stores of one path share their connections. */
ngx_http_edge_store_t *ngx_http_edge_store_add(ngx_conf_t *cf,
    ngx_str_t *path);

/* At worker exit, after the threads have ended: closes the connections. */
void ngx_http_edge_store_exit(ngx_cycle_t *cycle);

/* A zeroed job with its pool; NULL: no memory.  Later errors go to the cycle's
 * log, since the job may outlive log. */
ngx_http_edge_store_job_t *ngx_http_edge_store_job_create(
    ngx_http_edge_store_t *store, ngx_log_t *log);

/* NGX_OK: done will be called.  NGX_DECLINED: the queue is full; NGX_ERROR;
 * after these two the caller still owns the job. */
ngx_int_t ngx_http_edge_store_job_post(ngx_http_edge_store_job_t *job);

/* A job that waits is dropped; one that runs is finished and thrown away.  Safe
 * for a job that was not posted or is done. */
void ngx_http_edge_store_job_abandon(ngx_http_edge_store_job_t *job);
void ngx_http_edge_store_job_free(ngx_http_edge_store_job_t *job);


#endif /* _NGX_HTTP_EDGE_STORE_JOB_H_INCLUDED_ */
