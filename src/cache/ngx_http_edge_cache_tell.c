
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions on their way to Redis.  The request that made one does not wait, so
 * it is the worker's: one is sent every second until Redis has taken it, or
 * until there is a newer one, or a question has told it.  What a worker cannot
 * tell before it ends, or has no memory for, the next question finds untold in
 * the zone.
 *
 * Nothing is sent twice: a version whose answer was lost may have arrived, and
 * been followed by another instance's; sent again, it would bring back answers
 * from before that one.
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
    uint64_t                     version;
    uint64_t                     offered;  /* in its place */
    ngx_str_t                    key;
    u_char                       text[1];
} ngx_http_edge_cache_tell_t;


static void ngx_http_edge_cache_tell_send(ngx_http_edge_cache_tell_t *tell);
static void ngx_http_edge_cache_tell_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_edge_cache_tell_again(ngx_event_t *ev);
static void ngx_http_edge_cache_tell_free(ngx_http_edge_cache_tell_t *tell);


static ngx_uint_t  ngx_http_edge_cache_tells;


ngx_int_t
ngx_http_edge_cache_version_set(ngx_http_edge_cache_zone_t *zone,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key, uint64_t version)
{
    u_char     text[NGX_HTTP_EDGE_CACHE_DIGITS];
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "SET");
    argv[1] = *key;
    argv[2].data = text;
    argv[2].len = ngx_sprintf(text, "%016xL", version) - text;

    return ngx_edge_redis_send(zone->redis, cmd, key, 3, argv);
}


void
ngx_http_edge_cache_version_tell(ngx_http_edge_cache_zone_t *zone, uint64_t id,
    const ngx_str_t *key, uint64_t version)
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
    tell->version = version;
    tell->offered = version;
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
    if (ngx_http_edge_cache_version_set(tell->zone, &tell->cmd, &tell->key,
                                        tell->offered)
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
        ngx_edge_cache_version_told(tell->zone->l1, tell->id, tell->version,
                                    tell->offered, ngx_current_msec);
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
    ngx_edge_cache_known_t       known;
    ngx_http_edge_cache_tell_t  *tell;

    tell = ev->data;

    if (!ngx_edge_cache_version_look(tell->zone->l1, tell->id, &known)
        || !known.untold
        || known.version != tell->version
        || ngx_exiting)
    {
        ngx_http_edge_cache_tell_free(tell);
        return;
    }

    tell->offered = ngx_edge_random_word() | 1;

    ngx_http_edge_cache_tell_send(tell);
}


static void
ngx_http_edge_cache_tell_free(ngx_http_edge_cache_tell_t *tell)
{
    ngx_http_edge_cache_tells--;

    ngx_free(tell);
}
