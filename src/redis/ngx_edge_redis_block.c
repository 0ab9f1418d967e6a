
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
#include "redis/ngx_edge_redis_block.h"
#include "redis/ngx_edge_redis_cluster.h"
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_node.h"


ngx_int_t
ngx_edge_redis_start(ngx_edge_redis_t *redis, ngx_cycle_t *cycle)
{
    ngx_uint_t                i;
    ngx_edge_redis_conn_t    *rc;
    ngx_edge_redis_server_t  *servers;

    ngx_queue_init(&redis->conns);
    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->put_off);

    ngx_memzero(&redis->timer, sizeof(ngx_event_t));

    redis->timer.handler = ngx_edge_redis_expire;
    redis->timer.data = redis;
    redis->timer.log = cycle->log;

    ngx_memzero(&redis->resume, sizeof(ngx_event_t));

    redis->resume.handler = ngx_edge_redis_resume;
    redis->resume.data = redis;
    redis->resume.log = cycle->log;
    redis->resume.cancelable = 1;

    if (redis->cluster && ngx_edge_redis_cluster_start(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    servers = redis->servers.elts;

    for (i = 0; i < redis->servers.nelts; i++) {

        rc = ngx_edge_redis_conn_create(redis);
        if (rc == NULL) {
            return NGX_ERROR;
        }

        rc->server = &servers[i];
        rc->seed = 1;

        ngx_edge_redis_conn_wake(rc);
    }

    return NGX_OK;
}


void
ngx_edge_redis_end(ngx_edge_redis_t *redis)
{
    ngx_queue_t  *q;

    if (redis->conns.prev == NULL) {
        return;
    }

    while (!ngx_queue_empty(&redis->put_off)) {
        q = ngx_queue_head(&redis->put_off);

        ngx_queue_remove(q);
        ngx_edge_redis_discard(ngx_queue_data(q, ngx_edge_redis_pending_t,
                                              sent));
    }

    while (!ngx_queue_empty(&redis->conns)) {
        q = ngx_queue_head(&redis->conns);

        ngx_edge_redis_conn_end(ngx_queue_data(q, ngx_edge_redis_conn_t,
                                               queue));
    }

    ngx_edge_redis_cluster_end(redis);

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->resume.timer_set) {
        ngx_del_timer(&redis->resume);
    }
}


ngx_edge_redis_conn_t *
ngx_edge_redis_route(ngx_edge_redis_t *redis, const ngx_str_t *key,
    ngx_uint_t quiet)
{
    ngx_queue_t            *q;
    ngx_edge_redis_conn_t  *rc;

    if (redis->conns.prev == NULL) {
        return NULL;
    }

    if (redis->map) {
        rc = ngx_edge_redis_cluster_route(redis, key);

        if (rc == NULL) {
            return NULL;
        }

    } else {
        q = ngx_queue_head(&redis->conns);
        rc = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);
    }

    return (quiet ? ngx_edge_redis_conn_takes(rc)
                  : ngx_edge_redis_conn_ready(rc)) ? rc : NULL;
}


ngx_uint_t
ngx_edge_redis_ready(ngx_edge_redis_t *redis)
{
    ngx_str_t  any;

    ngx_str_null(&any);

    return ngx_edge_redis_route(redis, &any, 0) != NULL;
}
