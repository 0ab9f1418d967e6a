
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands on their way, and who is told of their ends.  A pending command is
 * freed in one place, deliver; until then it belongs to the connection it was
 * sent to.  Cancelled and late ones only forget who sent them.
 *
 * All commands of a block have the same timeout, so the block's queue of
 * waiting commands is in the order of their deadlines, and one timer does for
 * all: it is that of the first, or an earlier one.  As long as one waits it
 * keeps an exiting worker alive, for the requests.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_sha1.h>
#include "lib/ngx_edge_decimal.h"
#include "redis/ngx_edge_redis_block.h"
#include "redis/ngx_edge_redis_cluster.h"
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_out.h"


/* A cluster that sends a command further than this has lost its way. */
#define NGX_EDGE_REDIS_HOPS   5

#define NGX_EDGE_REDIS_PAUSE  20           /* ms that one is put off */


static ngx_edge_redis_pending_t *ngx_edge_redis_pending(
    ngx_edge_redis_t *redis, ngx_edge_redis_cmd_t *cmd, size_t keep);
static ngx_int_t ngx_edge_redis_put(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, ngx_uint_t argc, const ngx_str_t *argv);
static ngx_int_t ngx_edge_redis_put_again(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, ngx_uint_t whole);
static void ngx_edge_redis_asked(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_edge_redis_again(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, const ngx_edge_redis_reply_t *reply);
static void ngx_edge_redis_put_off(ngx_edge_redis_pending_t *p);
static void ngx_edge_redis_sent(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p);
static void ngx_edge_redis_told(ngx_edge_redis_pending_t *p,
    const ngx_edge_redis_reply_t *reply);


ngx_int_t
ngx_edge_redis_send(ngx_edge_redis_t *redis, ngx_edge_redis_cmd_t *cmd,
    const ngx_str_t *key, ngx_uint_t argc, const ngx_str_t *argv)
{
    ngx_int_t                  n;
    ngx_edge_redis_conn_t     *rc;
    ngx_edge_redis_pending_t  *p;

    rc = ngx_edge_redis_route(redis, key, cmd == NULL);
    if (rc == NULL) {
        return NGX_DECLINED;
    }

    /* only a cluster may want to hear it again */

    p = ngx_edge_redis_pending(redis, cmd, redis->map
                               ? ngx_edge_redis_words_size(argc, argv) : 0);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (redis->map) {
        p->len = ngx_edge_redis_words(p->words, argc, argv) - p->words;
        p->argc = argc;

        n = ngx_edge_redis_put_again(rc, p, 0);

    } else {
        n = ngx_edge_redis_put(rc, p, argc, argv);
    }

    if (n != NGX_OK) {
        ngx_edge_redis_discard(p);
    }

    return n;
}


ngx_int_t
ngx_edge_redis_eval(ngx_edge_redis_t *redis, ngx_edge_redis_cmd_t *cmd,
    ngx_edge_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t argc,
    const ngx_str_t *argv)
{
    u_char                    *last, number[NGX_INT64_LEN];
    ngx_str_t                  count, none;
    ngx_edge_redis_conn_t     *rc;
    ngx_edge_redis_pending_t  *p;

    ngx_str_null(&none);

    rc = ngx_edge_redis_route(redis, nkeys ? &argv[0] : &none, cmd == NULL);
    if (rc == NULL) {
        return NGX_DECLINED;
    }

    count.data = number;
    count.len = ngx_edge_decimal(number, nkeys) - number;

    p = ngx_edge_redis_pending(redis, cmd,
                               ngx_edge_redis_words_size(1, &count)
                               + ngx_edge_redis_words_size(argc, argv));
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_edge_redis_words(p->words, 1, &count);
    last = ngx_edge_redis_words(last, argc, argv);

    p->len = last - p->words;
    p->argc = 1 + argc;
    p->script = script;

    if (ngx_edge_redis_put_again(rc, p, 0) != NGX_OK) {
        ngx_edge_redis_discard(p);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_edge_redis_script_init(ngx_edge_redis_script_t *script,
    const ngx_str_t *text)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    script->text = *text;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, text->data, text->len);
    ngx_sha1_final(digest, &sha1);

    (void) ngx_hex_dump(script->sha1, digest, sizeof(digest));
}


void
ngx_edge_redis_cancel(ngx_edge_redis_cmd_t *cmd)
{
    ngx_edge_redis_pending_t  *p;

    p = cmd->pending;

    if (p) {
        p->cmd = NULL;
        p->wanted = 0;
        cmd->pending = NULL;
    }
}


void
ngx_edge_redis_move(ngx_edge_redis_cmd_t *from, ngx_edge_redis_cmd_t *to)
{
    ngx_edge_redis_pending_t  *p;

    p = from->pending;

    from->pending = NULL;
    to->pending = p;

    if (p) {
        p->cmd = to;
    }
}


ngx_int_t
ngx_edge_redis_send_own(ngx_edge_redis_conn_t *rc, ngx_edge_redis_own_pt own,
    ngx_uint_t argc, const ngx_str_t *argv)
{
    ngx_edge_redis_pending_t  *p;

    p = ngx_calloc(sizeof(ngx_edge_redis_pending_t), ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p->own = own;

    if (ngx_edge_redis_put(rc, p, argc, argv) != NGX_OK) {
        ngx_edge_redis_discard(p);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_edge_redis_deliver(ngx_edge_redis_conn_t *rc, ngx_edge_redis_pending_t *p,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_int_t  again;

    if (p->own) {
        p->own(rc, reply);
        ngx_edge_redis_discard(p);
        return;
    }

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_error) {
        again = ngx_edge_redis_again(rc, p, reply);

        if (again == NGX_OK) {
            return;
        }

        if (again == NGX_ERROR) {
            reply = NULL;
        }
    }

    if (ngx_edge_redis_reply_is_readonly(reply)) {
        ngx_edge_redis_conn_leave(rc, "it is a replica now");
    }

    ngx_edge_redis_told(p, reply);
    ngx_edge_redis_discard(p);
}


/* An error that only means that the command must be sent again, otherwise or
 * to another server.  NGX_DECLINED: it does not; NGX_ERROR: it cannot be. */

static ngx_int_t
ngx_edge_redis_again(ngx_edge_redis_conn_t *rc, ngx_edge_redis_pending_t *p,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_uint_t              ask;
    ngx_edge_redis_conn_t  *to;

    if (p->script && ngx_edge_redis_reply_is_error(reply, "NOSCRIPT")) {
        return p->wanted ? ngx_edge_redis_put_again(rc, p, 1) : NGX_ERROR;
    }

    if (rc->redis->map == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_edge_redis_reply_is_error(reply, "TRYAGAIN")) {
        if (!p->wanted) {
            return NGX_ERROR;
        }

        ngx_edge_redis_put_off(p);
        return NGX_OK;
    }

    to = ngx_edge_redis_cluster_redirect(rc, reply, &ask);

    if (to == NULL) {
        return NGX_DECLINED;
    }

    if (!p->wanted || ++p->hops > NGX_EDGE_REDIS_HOPS) {
        return NGX_ERROR;
    }

    p->ask = ask;

    return ngx_edge_redis_put_again(to, p, 0);
}


void
ngx_edge_redis_discard(ngx_edge_redis_pending_t *p)
{
    if (p->cmd) {
        p->cmd->pending = NULL;
    }

    if (p->waiting.next) {
        ngx_queue_remove(&p->waiting);
        p->redis->timer.cancelable = ngx_queue_empty(&p->redis->waiting);
    }

    ngx_free(p);
}


void
ngx_edge_redis_expire(ngx_event_t *ev)
{
    ngx_queue_t               *q;
    ngx_msec_int_t             left;
    ngx_edge_redis_t          *redis;
    ngx_edge_redis_pending_t  *p;

    redis = ev->data;

    while (!ngx_queue_empty(&redis->waiting)) {
        q = ngx_queue_head(&redis->waiting);
        p = ngx_queue_data(q, ngx_edge_redis_pending_t, waiting);

        left = (ngx_msec_int_t) (p->deadline - ngx_current_msec);

        if (left > 0) {

            /* one that was sent meanwhile may have started it */

            if (!ev->timer_set) {
                ngx_add_timer(ev, left);
            }

            return;
        }

        ngx_queue_remove(q);
        q->next = NULL;

        ngx_edge_redis_conn_late(p->conn, p);

        p->wanted = 0;
        ngx_edge_redis_told(p, NULL);
    }
}


static ngx_edge_redis_pending_t *
ngx_edge_redis_pending(ngx_edge_redis_t *redis, ngx_edge_redis_cmd_t *cmd,
    size_t keep)
{
    ngx_edge_redis_pending_t  *p;

    p = ngx_alloc(sizeof(ngx_edge_redis_pending_t) + keep, ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    ngx_memzero(p, sizeof(ngx_edge_redis_pending_t));

    p->wanted = 1;
    p->deadline = ngx_current_msec + redis->timeout;
    p->cmd = cmd;

    if (cmd) {
        cmd->pending = p;
    }

    p->redis = redis;

    ngx_queue_insert_tail(&redis->waiting, &p->waiting);

    redis->timer.cancelable = 0;

    if (!redis->timer.timer_set) {
        ngx_add_timer(&redis->timer, redis->timeout);
    }

    return p;
}


static ngx_int_t
ngx_edge_redis_put(ngx_edge_redis_conn_t *rc, ngx_edge_redis_pending_t *p,
    ngx_uint_t argc, const ngx_str_t *argv)
{
    u_char  *last;

    last = ngx_edge_redis_out_reserve(rc, sizeof("*" CRLF) + NGX_INT_T_LEN
                                      + ngx_edge_redis_words_size(argc, argv));
    if (last == NULL) {
        return NGX_ERROR;
    }

    last = ngx_edge_redis_words_count(last, argc);

    rc->out.last = ngx_edge_redis_words(last, argc, argv);

    ngx_edge_redis_sent(rc, p);

    return NGX_OK;
}


/* What was kept of a command; a script by its digest, or as a whole, which
 * also makes the server remember it. */

static ngx_int_t
ngx_edge_redis_put_again(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, ngx_uint_t whole)
{
    u_char      *last;
    ngx_str_t    words[2], asking;
    ngx_uint_t   n;

    n = 0;

    if (p->ask) {
        ngx_str_set(&asking, "ASKING");

        if (ngx_edge_redis_send_own(rc, ngx_edge_redis_asked, 1, &asking)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (p->script) {
        n = 2;

        if (whole) {
            ngx_str_set(&words[0], "EVAL");
            words[1] = p->script->text;

        } else {
            ngx_str_set(&words[0], "EVALSHA");
            words[1].len = sizeof(p->script->sha1);
            words[1].data = p->script->sha1;
        }
    }

    last = ngx_edge_redis_out_reserve(rc, sizeof("*" CRLF) + NGX_INT_T_LEN
                                      + ngx_edge_redis_words_size(n, words)
                                      + p->len);
    if (last == NULL) {
        return NGX_ERROR;
    }

    last = ngx_edge_redis_words_count(last, n + p->argc);
    last = ngx_edge_redis_words(last, n, words);

    rc->out.last = ngx_cpymem(last, p->words, p->len);

    ngx_edge_redis_sent(rc, p);

    return NGX_OK;
}


/* If it was refused, so is the command behind it. */

static void
ngx_edge_redis_asked(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply)
{
    /* void */
}


/* While a slot moves, its new server does not take a script whose keys it does
 * not have all, be they new or on their way.  It is asked again until the
 * command's deadline, whose timer does not know that the command is here. */

static void
ngx_edge_redis_put_off(ngx_edge_redis_pending_t *p)
{
    ngx_edge_redis_t  *redis;

    redis = p->redis;

    ngx_queue_insert_tail(&redis->put_off, &p->sent);

    if (!redis->resume.timer_set) {
        ngx_add_timer(&redis->resume, NGX_EDGE_REDIS_PAUSE);
    }
}


void
ngx_edge_redis_resume(ngx_event_t *ev)
{
    ngx_queue_t               *q;
    ngx_edge_redis_t          *redis;
    ngx_edge_redis_pending_t  *p;

    redis = ev->data;

    /* only an answer puts one off, and none is read here */

    while (!ngx_queue_empty(&redis->put_off)) {
        q = ngx_queue_head(&redis->put_off);
        p = ngx_queue_data(q, ngx_edge_redis_pending_t, sent);

        ngx_queue_remove(q);

        if (!p->wanted || !ngx_edge_redis_conn_ready(p->conn)
            || ngx_edge_redis_put_again(p->conn, p, 0) != NGX_OK)
        {
            ngx_edge_redis_deliver(p->conn, p, NULL);
        }
    }
}


static void
ngx_edge_redis_sent(ngx_edge_redis_conn_t *rc, ngx_edge_redis_pending_t *p)
{
    p->conn = rc;
    p->reads = rc->reads;

    ngx_queue_insert_tail(&rc->sent, &p->sent);

    ngx_edge_redis_out_flush(rc);
}


/* The last that is done with a command of a feature: it may be sent again, or
 * its memory freed, by done. */

static void
ngx_edge_redis_told(ngx_edge_redis_pending_t *p,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_edge_redis_cmd_t  *cmd;

    cmd = p->cmd;

    if (cmd) {
        p->cmd = NULL;
        cmd->pending = NULL;
        cmd->done(cmd, reply);
    }
}
