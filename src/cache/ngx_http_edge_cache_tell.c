
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes on their way to Redis.  The request that made one does not wait, so
 * it is the worker's: Redis is told every second until it has another version,
 * or until there is a newer change.  Told twice it costs a version that nobody
 * needs.  What a worker cannot tell before it ends, or has no memory for, the
 * next question finds untold in the zone.
 *
 * A Redis that is full refuses; so it is asked to forget the version that it
 * has, which it can.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"


#define NGX_HTTP_EDGE_CACHE_AGAIN  1000    /* ms */
#define NGX_HTTP_EDGE_CACHE_TELLS  4096    /* of a worker at once */


typedef struct {
    ngx_edge_redis_cmd_t         cmd;
    ngx_event_t                  timer;
    ngx_http_edge_cache_zone_t  *zone;
    uint64_t                     id;
    uint64_t                     version;  /* of the zone */
    uint64_t                     floor;    /* of what Redis is to have */
    ngx_msec_t                   sent;
    ngx_str_t                    key;
    u_char                       text[1];
} ngx_http_edge_cache_tell_t;


static void ngx_http_edge_cache_tell_send(ngx_http_edge_cache_tell_t *tell);
static void ngx_http_edge_cache_tell_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_edge_cache_tell_again(ngx_event_t *ev);
static void ngx_http_edge_cache_tell_free(ngx_http_edge_cache_tell_t *tell);


static ngx_uint_t  ngx_http_edge_cache_tells;


void
ngx_http_edge_cache_version_tell(ngx_http_edge_cache_zone_t *zone, uint64_t id,
    const ngx_str_t *key, const ngx_edge_cache_known_t *known)
{
    ngx_http_edge_cache_tell_t  *tell;

    if (ngx_http_edge_cache_tells == NGX_HTTP_EDGE_CACHE_TELLS) {
        return;
    }

    tell = ngx_calloc(sizeof(ngx_http_edge_cache_tell_t) + key->len,
                      ngx_cycle->log);
    if (tell == NULL) {
        return;
    }

    ngx_http_edge_cache_tells++;

    tell->zone = zone;
    tell->id = id;
    tell->version = known->version;
    tell->floor = known->shared;
    tell->key.data = tell->text;
    tell->key.len = key->len;
    ngx_memcpy(tell->text, key->data, key->len);

    tell->cmd.done = ngx_http_edge_cache_tell_done;
    tell->cmd.data = tell;

    tell->timer.handler = ngx_http_edge_cache_tell_again;
    tell->timer.data = tell;
    tell->timer.log = ngx_cycle->log;
    tell->timer.cancelable = 1;

    ngx_http_edge_cache_tell_send(tell);
}


static void
ngx_http_edge_cache_tell_send(ngx_http_edge_cache_tell_t *tell)
{
    tell->sent = ngx_current_msec;

    if (ngx_http_edge_cache_version_agree(tell->zone, &tell->cmd, &tell->key,
                                          tell->floor, 1)
        != NGX_OK)
    {
        ngx_add_timer(&tell->timer, NGX_HTTP_EDGE_CACHE_AGAIN);
    }
}


static void
ngx_http_edge_cache_tell_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    uint64_t                     version;
    ngx_str_t                    argv[2];
    ngx_http_edge_cache_tell_t  *tell;

    tell = cmd->data;
    version = ngx_http_edge_cache_version_read(reply);

    if (version) {
        ngx_edge_cache_version_told(ngx_edge_cache_l1_versions(tell->zone->l1),
                                    tell->id, tell->version, version,
                                    tell->sent);
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_error) {
        ngx_str_set(&argv[0], "DEL");
        argv[1] = tell->key;

        (void) ngx_edge_redis_send(tell->zone->redis, NULL, &tell->key, 2,
                                   argv);
    }

    if (ngx_terminate) {
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    ngx_add_timer(&tell->timer, NGX_HTTP_EDGE_CACHE_AGAIN);
}


static void
ngx_http_edge_cache_tell_again(ngx_event_t *ev)
{
    ngx_http_edge_cache_tell_t *tell = ev->data;

    if (ngx_terminate
        || !ngx_edge_cache_version_due(
                                   ngx_edge_cache_l1_versions(tell->zone->l1),
                                   tell->id, tell->version))
    {
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    ngx_http_edge_cache_tell_send(tell);
}


static void
ngx_http_edge_cache_tell_free(ngx_http_edge_cache_tell_t *tell)
{
    ngx_http_edge_cache_tells--;

    ngx_free(tell);
}
