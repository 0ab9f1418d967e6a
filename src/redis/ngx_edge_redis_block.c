
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The part of a block that a worker has: its connections, from the start of
 * the process to its end.  A connection is opened at once, so that the first
 * request finds it ready.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_core.h"


ngx_int_t
ngx_edge_redis_start(ngx_edge_redis_t *redis, ngx_cycle_t *cycle)
{
    ngx_queue_init(&redis->waiting);

    ngx_memzero(&redis->timer, sizeof(ngx_event_t));

    redis->timer.handler = ngx_edge_redis_expire;
    redis->timer.data = redis;
    redis->timer.log = cycle->log;

    redis->conn = ngx_edge_redis_conn_create(redis, redis->servers.elts);

    return redis->conn ? NGX_OK : NGX_ERROR;
}


void
ngx_edge_redis_end(ngx_edge_redis_t *redis)
{
    if (redis->conn == NULL) {
        return;
    }

    ngx_edge_redis_conn_end(redis->conn);
    redis->conn = NULL;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }
}


ngx_uint_t
ngx_edge_redis_ready(ngx_edge_redis_t *redis)
{
    return redis->conn && ngx_edge_redis_conn_ready(redis->conn);
}
