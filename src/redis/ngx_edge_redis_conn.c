
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
#include "redis/ngx_edge_redis_cluster.h"
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_greet.h"
#include "redis/ngx_edge_redis_out.h"
#include "redis/ngx_edge_redis_resolve.h"
#include "redis/ngx_edge_redis_socket.h"
#include "redis/ngx_edge_redis_tls.h"


#define NGX_EDGE_REDIS_BACKOFF_MIN  50
#define NGX_EDGE_REDIS_BACKOFF_MAX  3200

/* Bytes that a silent server may be behind with. */
#define NGX_EDGE_REDIS_SILENT_MAX   (256 * 1024)
#define NGX_EDGE_REDIS_READ_SIZE    16384
#define NGX_EDGE_REDIS_PIECE_SIZE   4096

#define NGX_EDGE_REDIS_FAULT_MAX    128

/* Seconds between lines of a server that is always a little too slow, or that
 * fails in several ways. */
#define NGX_EDGE_REDIS_TELL_AGAIN   10


static ngx_uint_t ngx_edge_redis_conn_works(const ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_open(ngx_edge_redis_conn_t *rc);
static ngx_int_t ngx_edge_redis_conn_linked(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_secured(ngx_connection_t *c);
static void ngx_edge_redis_conn_close(ngx_edge_redis_conn_t *rc);
static ngx_msec_t ngx_edge_redis_conn_pause(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_edge_redis_conn_read(ngx_edge_redis_conn_t *rc,
    const u_char *data, size_t len);
static ngx_int_t ngx_edge_redis_conn_replies(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_heard(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_write_handler(ngx_event_t *wev);
static void ngx_edge_redis_conn_flush_handler(ngx_event_t *ev);
static void ngx_edge_redis_conn_write(ngx_edge_redis_conn_t *rc);
static void ngx_edge_redis_conn_timer_handler(ngx_event_t *ev);


void
ngx_edge_redis_conn_events(ngx_edge_redis_conn_t *rc)
{
    rc->timer.handler = ngx_edge_redis_conn_timer_handler;
    rc->timer.data = rc;
    rc->timer.log = ngx_cycle->log;
    rc->timer.cancelable = 1;

    rc->flush.handler = ngx_edge_redis_conn_flush_handler;
    rc->flush.data = rc;
    rc->flush.log = ngx_cycle->log;
}


ngx_uint_t
ngx_edge_redis_conn_ready(const ngx_edge_redis_conn_t *rc)
{
    return ngx_edge_redis_conn_works(rc) && !ngx_edge_redis_out_full(rc);
}


/* What a request has taken is given back in the order of the commands, also by
 * a server that carries them all out later. */

ngx_uint_t
ngx_edge_redis_conn_takes(const ngx_edge_redis_conn_t *rc)
{
    if (ngx_edge_redis_conn_ready(rc)) {
        return 1;
    }

    return rc->stalled && !rc->leaving && !rc->failed
           && rc->out.last - rc->out.pos < NGX_EDGE_REDIS_SILENT_MAX;
}


static ngx_uint_t
ngx_edge_redis_conn_works(const ngx_edge_redis_conn_t *rc)
{
    return rc->state == ngx_edge_redis_st_ready && !rc->stalled
           && !rc->leaving && !rc->failed;
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

    /* one that was sent to rest meanwhile may still wait for replies */

    if (rc->timer.timer_set && !rc->leaving) {
        ngx_del_timer(&rc->timer);
    }

    if (rc->redis->map) {
        ngx_edge_redis_cluster_changed(rc);
    }
}


void
ngx_edge_redis_conn_fail(ngx_edge_redis_conn_t *rc, const char *fault,
    const ngx_edge_redis_reply_t *reply)
{
    size_t     i;
    u_char     text[NGX_EDGE_REDIS_FAULT_MAX];
    uint32_t   hash;
    ngx_str_t  s;

    rc->failed = 1;

    /* a loss is told once, and later again if its cause became another */

    ngx_edge_redis_reply_str(reply, &s);

    hash = ngx_crc32_long((u_char *) fault, ngx_strlen(fault))
           ^ ngx_crc32_long(s.data, s.len);

    if (rc->lost
        && (rc->told == hash
            || ngx_time() - rc->told_at < NGX_EDGE_REDIS_TELL_AGAIN))
    {
        return;
    }

    rc->lost = 1;
    rc->told = hash;
    rc->told_at = ngx_time();

    /* what a server says is not trusted to be fit for a log */

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
ngx_edge_redis_conn_wake(ngx_edge_redis_conn_t *rc)
{
    if (!rc->resting) {
        return;
    }

    rc->resting = 0;

    /* what is still on its way to its rest comes back by itself */

    if (rc->state == ngx_edge_redis_st_closed) {
        ngx_edge_redis_conn_open(rc);
    }
}


/* It may be one whose reply is being read: nothing is closed here. */

void
ngx_edge_redis_conn_rest(ngx_edge_redis_conn_t *rc)
{
    if (rc->resting) {
        return;
    }

    rc->resting = 1;
    rc->lost = 0;

    if (rc->timer.timer_set) {
        ngx_del_timer(&rc->timer);
    }

    if (rc->state != ngx_edge_redis_st_closed) {
        rc->leaving = 1;

        ngx_add_timer(&rc->timer, ngx_queue_empty(&rc->sent)
                                  ? 1 : rc->redis->connect_timeout);
    }
}


void
ngx_edge_redis_conn_late(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_pending_t *p)
{
    if (!ngx_edge_redis_conn_works(rc) || p->reads != rc->reads) {
        return;
    }

    rc->stalled = 1;

    if (ngx_time() - rc->warned >= NGX_EDGE_REDIS_TELL_AGAIN) {
        rc->warned = ngx_time();

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "edge redis: \"%V\" waits for %V, which is silent",
                      &rc->redis->name, &rc->server->text);
    }

    ngx_add_timer(&rc->timer, rc->redis->connect_timeout);
}


static void
ngx_edge_redis_conn_open(ngx_edge_redis_conn_t *rc)
{
    rc->state = ngx_edge_redis_st_connecting;

    rc->reader = ngx_edge_redis_reader_create(ngx_cycle->log);

    if (rc->reader == NULL || ngx_edge_redis_greet(rc) != NGX_OK) {
        ngx_edge_redis_conn_fail(rc, "no memory", NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    if (rc->server->host.len) {
        ngx_edge_redis_resolve(rc);
        return;
    }

    ngx_edge_redis_conn_linkable(rc, &rc->server->addr, NULL);
}


void
ngx_edge_redis_conn_linkable(ngx_edge_redis_conn_t *rc, const ngx_addr_t *addr,
    const char *fault)
{
    ngx_connection_t  *c;

    if (fault) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    c = ngx_edge_redis_socket_open(addr, &fault);

    if (c == NULL) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    c->data = rc;
    c->read->handler = ngx_edge_redis_conn_read_handler;
    c->write->handler = ngx_edge_redis_conn_write_handler;

    rc->connection = c;

    ngx_add_timer(&rc->timer, rc->redis->connect_timeout);
}


/* The first event of a socket: is it connected, or why not?  NGX_AGAIN: hands
 * are being shaken, and the events are not ours. */

static ngx_int_t
ngx_edge_redis_conn_linked(ngx_edge_redis_conn_t *rc)
{
    ngx_int_t    n;
    const char  *fault;

    if (rc->linked) {
        return NGX_OK;
    }

    fault = ngx_edge_redis_socket_fault(rc->connection);

    if (fault) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        return NGX_ERROR;
    }

    if (rc->redis->tls) {
        n = ngx_edge_redis_tls_start(rc, ngx_edge_redis_conn_secured);

        if (n == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        fault = (n == NGX_OK) ? ngx_edge_redis_tls_fault(rc)
                              : "the TLS handshake failed";
        if (fault) {
            ngx_edge_redis_conn_fail(rc, fault, NULL);
            return NGX_ERROR;
        }
    }

    rc->linked = 1;

    ngx_edge_redis_out_flush(rc);

    return NGX_OK;
}


static void
ngx_edge_redis_conn_secured(ngx_connection_t *c)
{
    const char             *fault;
    ngx_edge_redis_conn_t  *rc;

    rc = c->data;

    fault = ngx_edge_redis_tls_fault(rc);

    if (fault) {
        ngx_edge_redis_conn_fail(rc, fault, NULL);
        ngx_edge_redis_conn_close(rc);
        return;
    }

    c->read->handler = ngx_edge_redis_conn_read_handler;
    c->write->handler = ngx_edge_redis_conn_write_handler;

    rc->linked = 1;

    ngx_edge_redis_out_flush(rc);

    /* what came with the end of the handshake gives no event */

    ngx_post_event(c->read, &ngx_posted_events);
}


/* Whoever waits is told when all is in order again: he may send or cancel. */

static void
ngx_edge_redis_conn_close(ngx_edge_redis_conn_t *rc)
{
    ngx_queue_t                lost, *q;
    ngx_edge_redis_pending_t  *p;

    ngx_edge_redis_conn_drop(rc);

    if (!rc->resting) {
        ngx_add_timer(&rc->timer, ngx_edge_redis_conn_pause(rc));
    }

    rc->state = ngx_edge_redis_st_closed;
    rc->linked = 0;
    rc->failed = 0;
    rc->stalled = 0;
    rc->leaving = 0;

    if (rc->redis->map) {
        ngx_edge_redis_cluster_changed(rc);
    }

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


void
ngx_edge_redis_conn_drop(ngx_edge_redis_conn_t *rc)
{
    ngx_edge_redis_resolve_cancel(rc);

    if (rc->connection) {
        ngx_edge_redis_socket_close(rc->connection);
        rc->connection = NULL;
    }

    if (rc->reader) {
        ngx_edge_redis_reader_free(rc->reader);
        rc->reader = NULL;
    }

    ngx_edge_redis_out_free(rc);

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
    ngx_int_t               linked;
    u_char                  data[NGX_EDGE_REDIS_READ_SIZE];
    ngx_connection_t       *c;
    ngx_edge_redis_conn_t  *rc;

    c = rev->data;
    rc = c->data;

    linked = ngx_edge_redis_conn_linked(rc);

    if (linked != NGX_OK) {
        if (linked == NGX_ERROR) {
            ngx_edge_redis_conn_close(rc);
        }

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

    } while (ngx_edge_redis_conn_read(rc, data, n) == NGX_OK);

    ngx_edge_redis_conn_close(rc);
}


/* NGX_ERROR: the connection has to be closed.  hiredis moves all that it has
 * not read yet for each reply, so it gets a little at a time. */

static ngx_int_t
ngx_edge_redis_conn_read(ngx_edge_redis_conn_t *rc, const u_char *data,
    size_t len)
{
    size_t         n;
    const u_char  *last;

    for (last = data + len; data < last; data += n) {
        n = ngx_min(last - data, NGX_EDGE_REDIS_PIECE_SIZE);

        if (ngx_edge_redis_reader_feed(rc->reader, data, n) != NGX_OK) {
            ngx_edge_redis_conn_fail(rc, "a reply is too large", NULL);
            return NGX_ERROR;
        }

        if (ngx_edge_redis_conn_replies(rc) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
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

    if (!rc->leaving && rc->timer.timer_set) {
        ngx_del_timer(&rc->timer);
    }
}


static void
ngx_edge_redis_conn_write_handler(ngx_event_t *wev)
{
    ngx_int_t               linked;
    ngx_connection_t       *c;
    ngx_edge_redis_conn_t  *rc;

    c = wev->data;
    rc = c->data;

    linked = ngx_edge_redis_conn_linked(rc);

    if (linked != NGX_OK) {
        if (linked == NGX_ERROR) {
            ngx_edge_redis_conn_close(rc);
        }

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
    if (ngx_edge_redis_out_write(rc) == NGX_ERROR
        || ngx_handle_write_event(rc->connection->write, 0) != NGX_OK)
    {
        ngx_edge_redis_conn_fail(rc, "the connection broke", NULL);
        ngx_edge_redis_conn_close(rc);
    }
}


static void
ngx_edge_redis_conn_timer_handler(ngx_event_t *ev)
{
    const char             *fault;
    ngx_edge_redis_conn_t  *rc;

    rc = ev->data;

    if (rc->state == ngx_edge_redis_st_closed) {
        ngx_edge_redis_conn_open(rc);
        return;
    }

    /* why one leaves was told when that began */

    if (!rc->leaving) {
        fault = (rc->state == ngx_edge_redis_st_connecting)
                ? "it does not greet in time" : "it hangs";

        ngx_edge_redis_conn_fail(rc, fault, NULL);
    }

    ngx_edge_redis_conn_close(rc);
}
