
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * TLS to a server.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_TLS_H_INCLUDED_
#define _NGX_EDGE_REDIS_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* For the configuration; ca empty: the system's.  An error was logged. */
ngx_int_t ngx_edge_redis_tls_init(ngx_conf_t *cf, ngx_edge_redis_t *redis,
    ngx_str_t *ca);

/* Shakes hands; NGX_AGAIN: done will be called when that has ended. */
ngx_int_t ngx_edge_redis_tls_start(ngx_edge_redis_conn_t *rc,
    void (*done)(ngx_connection_t *c));

/* NULL if hands were shaken with the right one, else why not. */
const char *ngx_edge_redis_tls_fault(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_TLS_H_INCLUDED_ */
