
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection before and after its life, and the server it is for.  For the
 * files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_NODE_H_INCLUDED_
#define _NGX_EDGE_REDIS_NODE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* A connection of the worker, in the block's queue, closed; it needs a name
 * and to be woken.  NULL: no memory. */
ngx_edge_redis_conn_t *ngx_edge_redis_conn_create(ngx_edge_redis_t *redis);

/* Makes a copy of what a server is called its own. */
void ngx_edge_redis_conn_name(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_server_t *server);

/* An address without a port; NGX_DECLINED: it is none. */
ngx_int_t ngx_edge_redis_parse_addr(ngx_addr_t *addr, ngx_sockaddr_t *sockaddr,
    const ngx_str_t *text);

/* For the end of the process: closes and frees it, nobody is told. */
void ngx_edge_redis_conn_end(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_NODE_H_INCLUDED_ */
