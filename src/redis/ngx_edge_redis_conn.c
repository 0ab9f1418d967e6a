
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection of a worker to one server, and its life:
 *
 *   closed      the timer opens it, after a pause that doubles with each
 *               failure and is never the same in two workers
 *   connecting  the socket is being connected, the server greeted; the timer
 *               gives up
 *   ready       the server has answered the greeting
 *
 * Replies have no names: they come in the order of the commands.  So a
 * command that is not waited for any more stays in "sent" until its reply came
 * and is dropped.  A server that is silent for a whole timeout is stalled: it
 * gets no more commands, and if it does not speak within the connect timeout
 * the connection is closed; speaking ends the stall.
 *
 * A lost connection loses what was sent: each command is told so once.  All
 * timers are cancelable and the socket is no client's: nothing here keeps a
 * worker from exiting.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_core.h"


#define NGX_EDGE_REDIS_BACKOFF_MIN  50
#define NGX_EDGE_REDIS_BACKOFF_MAX  3200
#define NGX_EDGE_REDIS_READ_SIZE    16384

/* What a server may be behind with, and what is kept when it is not. */
#define NGX_EDGE_REDIS_OUT_MAX      (64 * 1024 * 1024)
#define NGX_EDGE_REDIS_OUT_KEEP     (256 * 1024)

#define NGX_EDGE_REDIS_FAULT_MAX    128


static void ngx_edge_redis_conn_open(ngx_edge_redis_conn_t *rc);
static ngx_int_t ngx_edge_redis_conn_linked(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_close(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_drop(ngx_edge_redis_conn_t *rc);
static ngx_msec_t ngx_edge_redis_conn_pause(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_edge_redis_conn_replies(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_heard(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_write_handler(ngx_event_t *wev);
static void ngx_edge_redis_conn_flush_handler(ngx_event_t *ev);
static void ngx_edge_redis_conn_write(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_timer_handler(ngx_event_t *ev);


ngx_edge_redis_conn_t *
ngx_edge_redis_conn_create(ngx_edge_redis_t *redis,
    ngx_edge_redis_server_t *server)
{
    ngx_edge_redis_conn_t  *rc;

    rc = ngx_calloc(sizeof(ngx_edge_redis_conn_t), ngx_cycle->log);
    if (rc == NULL) {
        return NULL;
    }

    rc->redis = redis;
    rc->server = server;

    ngx_queue_init(&rc->sent);

    rc->timer.handler = ngx_edge_redis_conn_timer_handler;
    rc->timer.data = rc;
    rc->timer.log = ngx_cycle->log;
    rc->timer.cancelable = 1;

    rc->flush.handler = ngx_edge_redis_conn_flush_handler;
    rc->flush.data = rc;
    rc->flush.log = ngx_cycle->log;

    ngx_edge_redis_conn_open(rc);

    return rc;
}


void
ngx_edge_redis_conn_end(ngx_edge_redis_conn_t *rc)
{
    ngx_queue_t               *q;
    ngx_edge_redis_pending_t  *p;

    while (!ngx_queue_empty(&rc->sent)) {
        q = ngx_queue_head(&rc->sent);
        p = ngx_queue_data(q, ngx_edge_redis_pending_t, sent);

        ngx_queue_remove(q);
        ngx_edge_redis_discard(p);
    }

    ngx_edge_redis_conn_drop(rc);

    ngx_free(rc);
}


ngx_uint_t
ngx_edge_redis_conn_ready(const ngx_edge_redis_conn_t *rc)
{
    return rc->state == ngx_edge_redis_st_ready && !rc->stalled
           && !rc->leaving && !rc->failed;
}


u_char *
ngx_edge_redis_conn_reserve(ngx_edge_redis_conn_t *rc, size_t size)
{
    u_char     *p;
    size_t      used, n;
    ngx_buf_t  *b;

    b = &rc->out;

    if ((size_t) (b->end - b->last) >= size) {
        return b->last;
    }

    used = b->last - b->pos;

    if (used > NGX_EDGE_REDIS_OUT_MAX) {
        return NULL;
    }

    n = ngx_max(2 * used + size, 4096);

    p = ngx_alloc(n, ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    if (b->start) {
        ngx_memcpy(p, b->pos, used);

        /* it may hold a password */

        ngx_explicit_memzero(b->start, b->last - b->start);
        ngx_free(b->start);
    }

    b->start = p;
    b->pos = p;
    b->last = p + used;
    b->end = p + n;

    return b->last;
}


void
ngx_edge_redis_conn_flush(ngx_edge_redis_conn_t *rc)
{
    ngx_post_event(&rc->flush, &ngx_posted_events);
}


void
ngx_edge_redis_conn_greeted(ngx_edge_redis_conn_t *rc)
{
    ngx_uint_t  level;

    level = rc->lost ? NGX_LOG_NOTICE : NGX_LOG_INFO;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "edge redis: \"%V\" is connected to %V",
                  &rc->redis->name, &rc->server->text);

    rc->lost = 0;
    rc->state = ngx_edge_redis_st_ready;
    rc->since = ngx_current_msec;

    if (rc->timer.timer_set) {
        ngx_del_timer(&rc->timer);
    }
}


void
ngx_edge_redis_conn_fail(ngx_edge_redis_conn_t *rc, const char *fault,
    const ngx_edge_redis_reply_t *reply)
{
    size_t     i;
    u_char     text[NGX_EDGE_REDIS_FAULT_MAX];
    ngx_str_t  s;

    rc->failed = 1;

    if (rc->lost) {
        return;
    }

    rc->lost = 1;

    /* what a server says is not trusted to be fit for a log */

    ngx_edge_redis_reply_str(reply, &s);

    s.len = ngx_min(s.len, NGX_EDGE_REDIS_FAULT_MAX);

    for (i = 0; i < s.len; i++) {
        text[i] = (s.data[i] >= ' ' && s.data[i] < 0x7f) ? s.data[i] : '?';
    }

    s.data = text;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "edge redis: \"%V\" has lost %V: %s%s%V",
                  &rc->redis->name, &rc->server->text, fault,
                  s.len ? ": " : "", &s);
}


void
ngx_edge_redis_conn_leave(ngx_edge_redis_conn_t *rc, const char *fault)
{
    if (rc->leaving || rc->failed) {
        return;
    }

    ngx_edge_redis_conn_fail(rc, fault, NULL);

    rc->failed = 0;
    rc->leaving = 1;

    if (!rc->timer.timer_set) {
        ngx_add_timer(&rc->timer, rc->redis->connect_timeout);
    }
}


void
ngx_edge_redis_conn_late(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_pending_t *p)
{
    if (!ngx_edge_redis_conn_ready(rc) || p->reads != rc->reads) {
        return;
    }

    rc->stalled = 1;

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "edge redis: \"%V\" waits for %V, which is silent",
                  &rc->redis->name, &rc->server->text);

    ngx_add_timer(&rc->timer, rc->redis->connect_timeout);
}


static void
ngx_edge_redis_conn_open(ngx_edge_redis_conn_t *rc)
{
    const char        *fault;
    ngx_connection_t  *c;

    rc->state = ngx_edge_redis_st_connecting;

    ngx_add_timer(&rc->timer, rc->redis->connect_timeout);

    rc->reader = ngx_edge_redis_reader_create();

    if (rc->reader == NULL || ngx_edge_redis_greet(rc) != NGX_OK) {
        ngx_edge_redis_conn_fail(rc, "no memory", NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    c = ngx_edge_redis_socket_open(&rc->server->addr, &fault);

    if (c == NULL) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    c->data = rc;
    c->read->handler = ngx_edge_redis_conn_read_handler;
    c->write->handler = ngx_edge_redis_conn_write_handler;

    rc->connection = c;
}


/* The first event of a socket: is it connected, or why not? */

static ngx_int_t
ngx_edge_redis_conn_linked(ngx_edge_redis_conn_t *rc)
{
    const char  *fault;

    if (rc->linked) {
        return NGX_OK;
    }

    fault = ngx_edge_redis_socket_fault(rc->connection);

    if (fault) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        return NGX_ERROR;
    }

    rc->linked = 1;

    ngx_edge_redis_conn_flush(rc);

    return NGX_OK;
}


/* Whoever waits is told when all is in order again: he may send or cancel. */

static void
ngx_edge_redis_conn_close(ngx_edge_redis_conn_t *rc)
{
    ngx_queue_t                lost, *q;
    ngx_edge_redis_pending_t  *p;

    ngx_edge_redis_conn_drop(rc);

    ngx_add_timer(&rc->timer, ngx_edge_redis_conn_pause(rc));

    rc->state = ngx_edge_redis_st_closed;
    rc->linked = 0;
    rc->failed = 0;
    rc->stalled = 0;
    rc->leaving = 0;

    ngx_queue_init(&lost);

    if (!ngx_queue_empty(&rc->sent)) {
        ngx_queue_add(&lost, &rc->sent);
        ngx_queue_init(&rc->sent);
    }

    while (!ngx_queue_empty(&lost)) {
        q = ngx_queue_head(&lost);
        p = ngx_queue_data(q, ngx_edge_redis_pending_t, sent);

        ngx_queue_remove(q);
        ngx_edge_redis_deliver(rc, p, NULL);
    }
}


/* Gives back the socket, the memory and the events of a connection. */

static void
ngx_edge_redis_conn_drop(ngx_edge_redis_conn_t *rc)
{
    if (rc->connection) {
        ngx_close_connection(rc->connection);
        rc->connection = NULL;
    }

    if (rc->reader) {
        ngx_edge_redis_reader_free(rc->reader);
        rc->reader = NULL;
    }

    if (rc->out.start) {
        ngx_explicit_memzero(rc->out.start, rc->out.last - rc->out.start);
        ngx_free(rc->out.start);
        ngx_memzero(&rc->out, sizeof(ngx_buf_t));
    }

    if (rc->flush.posted) {
        ngx_delete_posted_event(&rc->flush);
    }

    if (rc->timer.timer_set) {
        ngx_del_timer(&rc->timer);
    }
}


static ngx_msec_t
ngx_edge_redis_conn_pause(ngx_edge_redis_conn_t *rc)
{
    if (rc->state == ngx_edge_redis_st_ready
        && ngx_current_msec - rc->since > NGX_EDGE_REDIS_BACKOFF_MAX)
    {
        rc->backoff = 0;
    }

    rc->backoff = rc->backoff ? ngx_min(2 * rc->backoff,
                                        NGX_EDGE_REDIS_BACKOFF_MAX)
                              : NGX_EDGE_REDIS_BACKOFF_MIN;

    return rc->backoff / 2 + ngx_random() % rc->backoff;
}


static void
ngx_edge_redis_conn_read_handler(ngx_event_t *rev)
{
    ssize_t                 n;
    u_char                  data[NGX_EDGE_REDIS_READ_SIZE];
    ngx_connection_t       *c;
    ngx_edge_redis_conn_t  *rc;

    c = rev->data;
    rc = c->data;

    if (ngx_edge_redis_conn_linked(rc) != NGX_OK) {
        ngx_edge_redis_conn_close(rc);
        return;
    }

    do {
        n = c->recv(c, data, NGX_EDGE_REDIS_READ_SIZE);

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(rev, 0) == NGX_OK) {
                return;
            }

            n = NGX_ERROR;
        }

        if (n <= 0) {
            ngx_edge_redis_conn_fail(rc, n ? "the connection broke"
                                           : "the server closed it", NULL);
            break;
        }

        ngx_edge_redis_conn_heard(rc);

        if (ngx_edge_redis_reader_feed(rc->reader, data, n) != NGX_OK) {
            ngx_edge_redis_conn_fail(rc, "a reply is too large", NULL);
            break;
        }

    } while (ngx_edge_redis_conn_replies(rc) == NGX_OK);

    ngx_edge_redis_conn_close(rc);
}


/* NGX_ERROR: the connection has to be closed. */

static ngx_int_t
ngx_edge_redis_conn_replies(ngx_edge_redis_conn_t *rc)
{
    ngx_int_t                  n;
    ngx_queue_t               *q;
    ngx_edge_redis_reply_t    *reply;
    ngx_edge_redis_pending_t  *p;

    while (!rc->failed) {

        n = ngx_edge_redis_reader_next(rc->reader, &reply);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_edge_redis_conn_fail(rc, "it does not speak the protocol",
                                     NULL);
            break;
        }

        if (ngx_queue_empty(&rc->sent)) {
            ngx_edge_redis_conn_fail(rc, "it says what was not asked", reply);

        } else {
            q = ngx_queue_head(&rc->sent);
            p = ngx_queue_data(q, ngx_edge_redis_pending_t, sent);

            ngx_queue_remove(q);
            ngx_edge_redis_deliver(rc, p, reply);
        }

        ngx_edge_redis_reply_free(reply);
    }

    if (rc->failed || (rc->leaving && ngx_queue_empty(&rc->sent))) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_edge_redis_conn_heard(ngx_edge_redis_conn_t *rc)
{
    rc->reads++;

    if (!rc->stalled) {
        return;
    }

    rc->stalled = 0;

    if (!rc->leaving) {
        ngx_del_timer(&rc->timer);
    }
}


static void
ngx_edge_redis_conn_write_handler(ngx_event_t *wev)
{
    ngx_connection_t       *c;
    ngx_edge_redis_conn_t  *rc;

    c = wev->data;
    rc = c->data;

    if (ngx_edge_redis_conn_linked(rc) != NGX_OK) {
        ngx_edge_redis_conn_close(rc);
        return;
    }

    ngx_edge_redis_conn_write(rc);
}


static void
ngx_edge_redis_conn_flush_handler(ngx_event_t *ev)
{
    ngx_edge_redis_conn_t  *rc;

    rc = ev->data;

    if (rc->linked) {
        ngx_edge_redis_conn_write(rc);
    }
}


static void
ngx_edge_redis_conn_write(ngx_edge_redis_conn_t *rc)
{
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    b = &rc->out;
    c = rc->connection;

    while (b->pos < b->last) {

        n = c->send(c, b->pos, b->last - b->pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_edge_redis_conn_fail(rc, "the connection broke", NULL);
            ngx_edge_redis_conn_close(rc);
            return;
        }

        b->pos += n;
    }

    if (b->pos == b->last && b->start) {

        if (rc->state == ngx_edge_redis_st_connecting) {
            ngx_explicit_memzero(b->start, b->last - b->start);
        }

        if (b->end - b->start > NGX_EDGE_REDIS_OUT_KEEP) {
            ngx_free(b->start);
            ngx_memzero(b, sizeof(ngx_buf_t));

        } else {
            b->pos = b->start;
            b->last = b->start;
        }
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_edge_redis_conn_fail(rc, "the socket cannot be watched", NULL);
        ngx_edge_redis_conn_close(rc);
    }
}


static void
ngx_edge_redis_conn_timer_handler(ngx_event_t *ev)
{
    ngx_edge_redis_conn_t  *rc;

    rc = ev->data;

    switch (rc->state) {

    case ngx_edge_redis_st_closed:
        ngx_edge_redis_conn_open(rc);
        return;

    case ngx_edge_redis_st_connecting:
        ngx_edge_redis_conn_fail(rc, "it does not greet in time", NULL);
        break;

    default: /* ngx_edge_redis_st_ready */
        ngx_edge_redis_conn_fail(rc, "it hangs", NULL);
        break;
    }

    ngx_edge_redis_conn_close(rc);
}
