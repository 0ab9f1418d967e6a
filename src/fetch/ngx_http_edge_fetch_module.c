
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A module without directives, for nothing but the end of a worker: what
 * libcurl has open must be closed before nginx looks for sockets left over.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "fetch/ngx_edge_fetch.h"


static void ngx_http_edge_fetch_exit_process(ngx_cycle_t *cycle);


static ngx_http_module_t  ngx_http_edge_fetch_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_fetch_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_fetch_module_ctx,       /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_edge_fetch_exit_process,      /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void
ngx_http_edge_fetch_exit_process(ngx_cycle_t *cycle)
{
    ngx_edge_fetch_end();
}
