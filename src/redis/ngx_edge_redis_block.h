
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The connections of a worker that belong to a block, from the start of the
 * process to its end.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_BLOCK_H_INCLUDED_
#define _NGX_EDGE_REDIS_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


ngx_int_t ngx_edge_redis_start(ngx_edge_redis_t *redis, ngx_cycle_t *cycle);
void ngx_edge_redis_end(ngx_edge_redis_t *redis);

/* The connection for a key, an empty one: any; NULL: none is ready, nor would
 * take a command that nobody waits for, if it is quiet. */
ngx_edge_redis_conn_t *ngx_edge_redis_route(ngx_edge_redis_t *redis,
    const ngx_str_t *key, ngx_uint_t quiet);


#endif /* _NGX_EDGE_REDIS_BLOCK_H_INCLUDED_ */
