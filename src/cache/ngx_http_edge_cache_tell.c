
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions on their way to Redis.  The request that made one does not wait, so
 * it is the worker's: one is offered every second until Redis has taken it, or
 * until there is a newer one, or a question has seen to it.  What a worker
 * cannot tell before it ends, or has no memory for, the next question finds on
 * offer in the zone.
 *
 * Nothing is offered twice: one whose answer was lost may have arrived, and
 * been followed by another instance's; sent again, it would bring back answers
 * from before that one.  For the same reason it is never the version that the
 * zone has until then: that may have answers which were made without Redis.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_edge_random.h"


#define NGX_HTTP_EDGE_CACHE_AGAIN  1000    /* ms */
#define NGX_HTTP_EDGE_CACHE_TELLS  4096    /* of a worker at once */


typedef struct {
    ngx_edge_redis_cmd_t         cmd;
    ngx_event_t                  timer;
    ngx_http_edge_cache_zone_t  *zone;
    uint64_t                     id;
    uint64_t                     version;  /* of the zone */
    uint64_t                     offer;    /* in its place */
    ngx_msec_t                   sent;     /* when that was */
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
    tell->offer = known->offer;
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
    u_char     text[NGX_HTTP_EDGE_CACHE_DIGITS];
    ngx_str_t  argv[3];

    tell->sent = ngx_current_msec;

    ngx_str_set(&argv[0], "SET");
    argv[1] = tell->key;
    argv[2].data = text;
    argv[2].len = ngx_sprintf(text, "%016xL", tell->offer) - text;

    if (ngx_edge_redis_send(tell->zone->redis, &tell->cmd, &tell->key, 3, argv)
        != NGX_OK)
    {
        ngx_add_timer(&tell->timer, NGX_HTTP_EDGE_CACHE_AGAIN);
    }
}


static void
ngx_http_edge_cache_tell_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_http_edge_cache_tell_t *tell = cmd->data;

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_status) {
        ngx_edge_cache_version_told(ngx_edge_cache_l1_versions(tell->zone->l1),
                                    tell->id, tell->version, tell->offer,
                                    tell->sent);
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    if (ngx_exiting || ngx_terminate) {
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    ngx_add_timer(&tell->timer, NGX_HTTP_EDGE_CACHE_AGAIN);
}


static void
ngx_http_edge_cache_tell_again(ngx_event_t *ev)
{
    ngx_http_edge_cache_tell_t *tell = ev->data;

    tell->offer = ngx_exiting ? 0 : ngx_edge_cache_version_again(
                                   ngx_edge_cache_l1_versions(tell->zone->l1),
                                   tell->id, tell->version,
                                   ngx_edge_random_word());

    if (tell->offer == 0) {
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
