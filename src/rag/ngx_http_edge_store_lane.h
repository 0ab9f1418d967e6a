
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A worker's connections to one store file, as the two halves of the job unit
 * see them: the event loop owns all of it, and a thread owns the handle of
 * the job it runs.  Private to the unit.
 */


#ifndef _NGX_HTTP_EDGE_STORE_LANE_H_INCLUDED_
#define _NGX_HTTP_EDGE_STORE_LANE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>
#include "rag/ngx_http_edge_store_job.h"


#define NGX_HTTP_EDGE_STORE_READERS  4


typedef struct ngx_http_edge_store_file_s  ngx_http_edge_store_file_t;


struct ngx_http_edge_store_handle_s {
    ngx_edge_store_t            *store;    /* opened by the first job */
    ngx_http_edge_store_job_t   *job;      /* that runs, NULL: idle */
};


/* Jobs of one kind: so many handles, the rest waits. */

struct ngx_http_edge_store_lane_s {
    ngx_http_edge_store_file_t    *file;
    ngx_http_edge_store_handle_t   handles[NGX_HTTP_EDGE_STORE_READERS];
    ngx_uint_t                     nhandles;
    ngx_queue_t                    jobs;
    ngx_uint_t                     waiting;
    ngx_uint_t                     max_waiting;
    unsigned                       failing:1;  /* the last job failed */
};


struct ngx_http_edge_store_file_s {
    ngx_queue_t                   queue;       /* of the worker's files */
    ngx_str_t                     path;        /* NUL-ended */
    ngx_thread_pool_t            *threads;
    ngx_http_edge_store_lane_t    reads;
    ngx_http_edge_store_lane_t    writes;
};


/* 1 if the embedded store was built in. */
ngx_uint_t ngx_http_edge_store_built(void);

/* In a thread: runs the job of data on its handle. */
void ngx_http_edge_store_run(void *data, ngx_log_t *log);

/* While no thread uses it. */
void ngx_http_edge_store_close(ngx_http_edge_store_handle_t *handle);


#endif /* _NGX_HTTP_EDGE_STORE_LANE_H_INCLUDED_ */
