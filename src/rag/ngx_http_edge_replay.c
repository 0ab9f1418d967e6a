
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A kept answer as a stream: the events that its first client got, in the form
 * that this one asked for.
 *
 * All of them are there at once, so many go into one buffer of BUF_MAX bytes,
 * which is filled again when the client has taken it: a slow one costs this
 * buffer, not the whole answer in its longest form.  In between the request
 * waits as nginx waits with any response, with send_timeout; the stream's
 * deadline holds too, and ends it with an "error" event.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_query.h"


/* any one event fits, also one with the longest answer */
#define NGX_HTTP_EDGE_REPLAY_BUF_MAX  40960
#define NGX_HTTP_EDGE_REPLAY_FRAME    256      /* about an event's, but text */


struct ngx_http_edge_replay_s {
    ngx_edge_pieces_t   pieces;
    ngx_edge_buf_t      text;      /* memory of buf */
    ngx_buf_t          *buf;
    unsigned            last:1;    /* buf holds the stream's end */
};


static ngx_http_edge_replay_t *ngx_http_edge_replay_create(
    ngx_http_edge_query_t *q);
static void ngx_http_edge_replay_fill(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp);
static ngx_uint_t ngx_http_edge_replay_room(ngx_edge_buf_t *b, size_t mark);
static ngx_int_t ngx_http_edge_replay_send(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp);
static ngx_int_t ngx_http_edge_replay_rest(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp);
static ngx_int_t ngx_http_edge_replay_wait(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_replay_late(ngx_http_edge_query_t *q);


ngx_int_t
ngx_http_edge_replay(ngx_http_edge_query_t *q)
{
    ngx_int_t                rc;
    ngx_http_edge_replay_t  *rp;

    rp = q->replay;

    if (rp == NULL) {
        rp = ngx_http_edge_replay_create(q);

        if (rp == NULL) {
            return NGX_ERROR;
        }

        q->replay = rp;

    } else {
        rc = ngx_http_edge_replay_rest(q, rp);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    do {
        ngx_http_edge_replay_fill(q, rp);

        rc = ngx_http_edge_replay_send(q, rp);

    } while (rc == NGX_OK);

    return rc;
}


static ngx_http_edge_replay_t *
ngx_http_edge_replay_create(ngx_http_edge_query_t *q)
{
    size_t                   size;
    ngx_pool_t              *pool;
    ngx_http_edge_replay_t  *rp;

    pool = q->ctx->request->pool;

    rp = ngx_pcalloc(pool, sizeof(ngx_http_edge_replay_t));
    if (rp == NULL) {
        return NULL;
    }

    rp->buf = ngx_calloc_buf(pool);
    if (rp->buf == NULL) {
        return NULL;
    }

    rp->pieces = q->pieces;

    size = q->answer.len
           + (q->pieces.n + 4) * NGX_HTTP_EDGE_REPLAY_FRAME;

    ngx_edge_buf_init(&rp->text, pool, size, NGX_HTTP_EDGE_REPLAY_BUF_MAX);

    return rp;
}


/* As many events as there is room for. */

static void
ngx_http_edge_replay_fill(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp)
{
    size_t              mark;
    ngx_str_t           piece;
    ngx_edge_buf_t     *b;
    ngx_edge_pieces_t   here;

    b = &rp->text;
    b->pos = b->start;

    while (rp->pieces.n) {
        here = rp->pieces;
        mark = b->pos - b->start;

        ngx_edge_pieces_next(&rp->pieces, &piece);
        q->form->delta(q, &piece, b);

        if (!ngx_http_edge_replay_room(b, mark)) {
            rp->pieces = here;
            return;
        }
    }

    mark = b->pos - b->start;

    q->form->end(q, b);

    rp->last = ngx_http_edge_replay_room(b, mark);
}


/* 1: what was added behind mark is there; 0: it is for the next buffer.  What
 * does not fit into an empty one is an error. */

static ngx_uint_t
ngx_http_edge_replay_room(ngx_edge_buf_t *b, size_t mark)
{
    if (b->rc == NGX_OK) {
        return 1;
    }

    if (b->rc == NGX_DECLINED && mark) {
        b->pos = b->start + mark;
        b->rc = NGX_OK;
    }

    return 0;
}


/* NGX_OK: the next buffer is to be made; NGX_AGAIN: the client has to read
 * first; NGX_DONE: all is written; NGX_ERROR. */

static ngx_int_t
ngx_http_edge_replay_send(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp)
{
    ngx_str_t            text;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = q->ctx->request;
    b = rp->buf;

    if (ngx_edge_buf_done(&rp->text, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    b->start = text.data;
    b->pos = text.data;
    b->last = text.data + text.len;
    b->end = b->last;
    b->temporary = 1;
    b->flush = 1;
    b->last_buf = rp->last;
    b->last_in_chain = rp->last;

    out.buf = b;
    out.next = NULL;

    if (ngx_http_output_filter(r, &out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rp->last) {
        return NGX_DONE;
    }

    return (b->pos == b->last) ? NGX_OK : ngx_http_edge_replay_wait(r);
}


/* The client may have read on: NGX_OK: it has taken the buffer; else as
 * ngx_http_edge_replay_send(). */

static ngx_int_t
ngx_http_edge_replay_rest(ngx_http_edge_query_t *q,
    ngx_http_edge_replay_t *rp)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = q->ctx->request;
    wev = r->connection->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        return NGX_HTTP_REQUEST_TIME_OUT;
    }

    if (q->ctx->expired) {
        return ngx_http_edge_replay_late(q);
    }

    if (wev->delayed) {
        return ngx_http_edge_replay_wait(r);
    }

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rp->buf->pos != rp->buf->last) {
        return ngx_http_edge_replay_wait(r);
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_replay_wait(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return (ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK)
           ? NGX_AGAIN : NGX_ERROR;
}


/* What waits is still sent, the rest is not. */

static ngx_int_t
ngx_http_edge_replay_late(ngx_http_edge_query_t *q)
{
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, q->ctx->request->pool, 512, 4096);

    q->form->error(q, "service_unavailable", "the stream took too long", &b);

    return ngx_http_edge_stream_write(q, &b, 1);
}
