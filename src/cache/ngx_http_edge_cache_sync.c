
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Purges of a zone with a Redis, shared among its instances.  They are a
 * sorted set, edge:purge:{zone}: members are labels, scores the time of the
 * last purge by Redis's clock.  A purge writes one member; every instance
 * reads what is new twice a second, by one of its workers, and so does who
 * purges: nothing of it is on the way of a request.
 *
 * The set has the last 1000 labels.  What falls out becomes a purge of all at
 * the time it was made, so that who did not know it loses too much rather than
 * too little.  A set that is gone, or that knows less than an instance has
 * read there, has lost purges that nobody can name any more: then all is
 * purged.  That it knows less is seen by the last purge that was read: its
 * label, or all, must still have its position or a later one.  The end of the
 * set alone would not tell, if another instance has purged since.
 *
 * A worker's question is idle or pending.  One that fails or is lost is asked
 * again, by whichever worker comes first; how long that may go on is the
 * table's business.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"


#define NGX_HTTP_EDGE_CACHE_LABEL  (2 * NGX_HTTP_EDGE_CACHE_DIGITS)


static void ngx_http_edge_cache_sync_timer(ngx_event_t *ev);
static void ngx_http_edge_cache_sync_label(
    const ngx_edge_cache_label_t *label, u_char *buf, ngx_str_t *text);
static void ngx_http_edge_cache_sync_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_cache_sync_apply(
    ngx_http_edge_cache_zone_t *zone, const ngx_edge_redis_reply_t *reply,
    ngx_edge_cache_label_t *label, uint64_t *top);
static ngx_int_t ngx_http_edge_cache_sync_purge(const ngx_str_t *member,
    const ngx_str_t *score, ngx_edge_cache_label_t *label,
    uint64_t *position);
static void ngx_http_edge_cache_sync_cleanup(void *data);


/* ARGV: from where to read, how far the set has to know, the label to purge
 * or nothing, and the label that was read there or nothing.  Gives what is
 * behind the first, the oldest first. */

static ngx_str_t  ngx_http_edge_cache_sync_text = ngx_string(
    "local key, label, all = KEYS[1], ARGV[3], string.rep('0', 32)\n"
    "local function score(rank)\n"
    "  return tonumber(redis.call('ZRANGE', key, rank, rank,\n"
    "                             'WITHSCORES')[2] or 0)\n"
    "end\n"
    "local function put(n, member)\n"
    "  redis.call('ZADD', key, string.format('%.0f', n), member)\n"
    "end\n"
    "local function at(member)\n"
    "  return tonumber(redis.call('ZSCORE', key, member) or 0)\n"
    "end\n"
    "local last, known = score(-1), tonumber(ARGV[2])\n"
    "if last == 0 or last < known or ARGV[4] ~= ''\n"
    "   and at(ARGV[4]) < known and at(all) < known then label = all end\n"
    "if label ~= '' then\n"
    "  local t = redis.call('TIME')\n"
    "  if label == all then redis.call('DEL', key) end\n"
    "  put(math.max(t[1] * 1000000 + t[2], last + 1, known + 1), label)\n"
    "  local over = redis.call('ZCARD', key) - 1000\n"
    "  if over > 0 then\n"
    "    last = score(over - 1)\n"
    "    redis.call('ZREMRANGEBYRANK', key, 0, over - 1)\n"
    "    if at(all) < last then put(last, all) end\n"
    "  end\n"
    "end\n"
    "return redis.call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf',\n"
    "                  'WITHSCORES')\n");


ngx_int_t
ngx_http_edge_cache_sync_init(ngx_conf_t *cf,
    ngx_http_edge_cache_zone_t *zone)
{
    u_char     *p;
    ngx_str_t  *key;

    key = &zone->sync.key;

    p = ngx_pnalloc(cf->pool, sizeof("edge:purge:{}") + zone->name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    key->data = p;
    key->len = ngx_sprintf(p, "edge:purge:{%V}", &zone->name) - p;

    ngx_edge_redis_script_init(&zone->sync.script,
                               &ngx_http_edge_cache_sync_text);

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_sync_start(ngx_cycle_t *cycle,
    ngx_http_edge_cache_zone_t *zone)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_edge_cache_sync_t  *sync;

    cln = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    sync = &zone->sync;

    cln->handler = ngx_http_edge_cache_sync_cleanup;
    cln->data = sync;

    sync->cmd.done = ngx_http_edge_cache_sync_done;
    sync->cmd.data = zone;

    sync->timer.handler = ngx_http_edge_cache_sync_timer;
    sync->timer.data = zone;
    sync->timer.log = cycle->log;
    sync->timer.cancelable = 1;

    ngx_add_timer(&sync->timer, 1);

    return NGX_OK;
}


static void
ngx_http_edge_cache_sync_timer(ngx_event_t *ev)
{
    ngx_http_edge_cache_zone_t *zone = ev->data;

    ngx_msec_t                   wait;
    ngx_uint_t                   able, gone;
    ngx_http_edge_cache_sync_t  *sync;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    sync = &zone->sync;

    able = (sync->cmd.pending == NULL && ngx_edge_redis_ready(zone->redis));

    if (ngx_edge_cache_purges_turn(ngx_edge_cache_l1_purges(zone->l1),
                                   sync->reader, able, zone->blind, &wait,
                                   &gone))
    {
        /* what does not leave now is asked for at the next turn */

        sync->sent = ngx_current_msec;

        (void) ngx_http_edge_cache_sync_send(zone, &sync->cmd, NULL);
    }

    if (gone) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "edge cache: zone \"%V\" has not heard of purges for "
                      "%M ms, what it has may not stay", &zone->name,
                      zone->blind);
    }

    ngx_add_timer(ev, wait);
}


ngx_int_t
ngx_http_edge_cache_sync_send(ngx_http_edge_cache_zone_t *zone,
    ngx_edge_redis_cmd_t *cmd, const ngx_edge_cache_label_t *label)
{
    uint64_t                from, top;
    ngx_str_t               argv[5];
    u_char                  numbers[2][NGX_INT64_LEN];
    u_char                  labels[2][NGX_HTTP_EDGE_CACHE_LABEL];
    ngx_edge_cache_label_t  newest;

    ngx_edge_cache_purges_from(ngx_edge_cache_l1_purges(zone->l1),
                               zone->sync.reader, &from, &top, &newest);

    argv[0] = zone->sync.key;

    argv[1].data = numbers[0];
    argv[1].len = ngx_sprintf(numbers[0], "%uL", from) - numbers[0];

    argv[2].data = numbers[1];
    argv[2].len = ngx_sprintf(numbers[1], "%uL", top) - numbers[1];

    ngx_http_edge_cache_sync_label(label, labels[0], &argv[3]);
    ngx_http_edge_cache_sync_label(from ? &newest : NULL, labels[1],
                                   &argv[4]);

    return ngx_edge_redis_eval(zone->redis, cmd, &zone->sync.script, 1, 5,
                               argv);
}


/* NULL: none, an empty text. */

static void
ngx_http_edge_cache_sync_label(const ngx_edge_cache_label_t *label,
    u_char *buf, ngx_str_t *text)
{
    text->data = buf;
    text->len = 0;

    if (label) {
        text->len = ngx_sprintf(buf, "%016xL%016xL", label->tenant,
                                label->module)
                    - buf;
    }
}


static void
ngx_http_edge_cache_sync_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_http_edge_cache_zone_t *zone = cmd->data;

    (void) ngx_http_edge_cache_sync_read(zone, reply, zone->sync.sent);
}


ngx_int_t
ngx_http_edge_cache_sync_read(ngx_http_edge_cache_zone_t *zone,
    const ngx_edge_redis_reply_t *reply, ngx_msec_t sent)
{
    uint64_t                  top;
    ngx_str_t                 text;
    ngx_edge_cache_label_t    label;
    ngx_edge_cache_purges_t  *purges;

    purges = ngx_edge_cache_l1_purges(zone->l1);

    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_lost:
        return NGX_ERROR;              /* its loss is told by the client */

    case ngx_edge_redis_array:
        if (ngx_http_edge_cache_sync_apply(zone, reply, &label, &top)
            == NGX_OK)
        {
            break;
        }

        /* fall through */

    default:

        if (ngx_edge_cache_purges_failed(purges)) {

            ngx_edge_redis_reply_str(reply, &text);

            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "edge cache: purges of zone \"%V\" cannot be read "
                          "from \"%V\": %V", &zone->name, &zone->sync.key,
                          &text);
        }

        return NGX_ERROR;
    }

    if (ngx_edge_cache_purges_read(purges, zone->sync.reader, &label, top,
                                   sent, zone->blind))
    {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "edge cache: zone \"%V\" hears of purges again",
                      &zone->name);
    }

    return NGX_OK;
}


/* All of it, with the last one in label and top, or, what is not understood,
 * nothing beyond: then the same is read again. */

static ngx_int_t
ngx_http_edge_cache_sync_apply(ngx_http_edge_cache_zone_t *zone,
    const ngx_edge_redis_reply_t *reply, ngx_edge_cache_label_t *label,
    uint64_t *top)
{
    uint64_t                  position;
    ngx_str_t                 member, score;
    ngx_uint_t                i, n;
    ngx_edge_cache_purges_t  *purges;

    purges = ngx_edge_cache_l1_purges(zone->l1);
    n = ngx_edge_redis_reply_count(reply);

    label->tenant = 0;
    label->module = 0;
    *top = 0;

    for (i = 0; i + 1 < n; i += 2) {

        ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(reply, i),
                                 &member);
        ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(reply, i + 1),
                                 &score);

        if (ngx_http_edge_cache_sync_purge(&member, &score, label, &position)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_edge_cache_purges_add(purges, label, position);

        *top = position;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_sync_purge(const ngx_str_t *member,
    const ngx_str_t *score, ngx_edge_cache_label_t *label, uint64_t *position)
{
    off_t  n;

    n = ngx_atoof(score->data, score->len);

    if (n == NGX_ERROR || n == 0
        || member->len != NGX_HTTP_EDGE_CACHE_LABEL
        || ngx_http_edge_cache_digits(member->data, &label->tenant) != NGX_OK
        || ngx_http_edge_cache_digits(member->data
                                      + NGX_HTTP_EDGE_CACHE_DIGITS,
                                      &label->module)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *position = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_digits(const u_char *p, uint64_t *n)
{
    u_char      c;
    ngx_uint_t  i;

    *n = 0;

    for (i = 0; i < NGX_HTTP_EDGE_CACHE_DIGITS; i++) {
        c = p[i];

        if (c >= '0' && c <= '9') {
            *n = *n << 4 | (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            *n = *n << 4 | (c - 'a' + 10);

        } else {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The process ends. */

static void
ngx_http_edge_cache_sync_cleanup(void *data)
{
    ngx_http_edge_cache_sync_t *sync = data;

    ngx_edge_redis_cancel(&sync->cmd);

    if (sync->timer.timer_set) {
        ngx_del_timer(&sync->timer);
    }
}
