
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The model's answer in the client's stream of server-sent events: its call is
 * the active subrequest, and its body handler turns each upstream event into
 * one of ours and flushes it at once.
 *
 * Memory per stream is bounded: one event being read (EVENT_MAX), and output
 * buffers that are used again, of which at most BUSY_MAX bytes wait for the
 * client.  Over that, input is left unread, which makes nginx stop reading
 * the upstream: backpressure down to the model.
 *
 * One timer serves the times of a stream: first_token, idle, and the comment
 * after 15 s in which the client got nothing.  It is not moved per event but
 * looks at the clock when it fires.  A worker that exits ends its streams a
 * little before nginx would cut them off.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_shutdown.h"
#include "lib/ngx_edge_sse.h"
#include "rag/ngx_edge_repeat.h"
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_STREAM_EVENT_MAX  65536
#define NGX_HTTP_EDGE_STREAM_BUF        512    /* of one output buffer */
#define NGX_HTTP_EDGE_STREAM_BUSY_MAX   16384
#define NGX_HTTP_EDGE_STREAM_COMMENT    15000  /* ms of silence */
#define NGX_HTTP_EDGE_STREAM_FRAME      384    /* of an event but its text */

#define NGX_HTTP_EDGE_STREAM_BUFFERED   0x08


/* Reads the events of one call, and goes with the call's pool. */
typedef struct {
    ngx_edge_sse_t          sse;
    ngx_edge_repeat_t       repeat;
} ngx_http_edge_input_t;


struct ngx_http_edge_stream_s {
    ngx_http_edge_query_t  *query;
    ngx_http_edge_sub_t    *sub;
    ngx_http_edge_input_t  *input;

    ngx_chain_t            *in;        /* not read yet */
    ngx_chain_t            *out;       /* made in this pass */
    ngx_chain_t           **last;      /* where the next link of out goes */
    ngx_buf_t              *filling;   /* the last buffer of out */
    ngx_chain_t            *free;
    ngx_chain_t            *busy;

    ngx_msec_t              started;
    ngx_msec_t              received;  /* last byte of the upstream */
    ngx_msec_t              sent;      /* last write to the client */
    ngx_event_t             timer;
    ngx_edge_shutdown_t     shutdown;
    const char             *fault;

    unsigned                begun:1;   /* a piece of the answer was sent */
    unsigned                done:1;    /* [DONE] was read */
    unsigned                stopped:1; /* for the worker's exit */
};


static ngx_int_t ngx_http_edge_stream_body(ngx_http_edge_sub_t *sub,
    ngx_chain_t *in);
static ngx_int_t ngx_http_edge_stream_pass(ngx_http_edge_stream_t *st);
static ngx_int_t ngx_http_edge_stream_read(ngx_http_edge_stream_t *st);
static ngx_int_t ngx_http_edge_stream_event(ngx_http_edge_stream_t *st);
static const char *ngx_http_edge_stream_text(ngx_http_edge_stream_t *st,
    ngx_str_t *text);
static ngx_buf_t *ngx_http_edge_stream_buf(ngx_http_edge_stream_t *st,
    size_t size);
static size_t ngx_http_edge_stream_waiting(ngx_http_edge_stream_t *st);
static void ngx_http_edge_stream_fail(ngx_http_edge_stream_t *st,
    const char *fault);
static void ngx_http_edge_stream_timer(ngx_event_t *ev);
static void ngx_http_edge_stream_arm(ngx_http_edge_stream_t *st);
static ngx_int_t ngx_http_edge_stream_comment(ngx_http_edge_stream_t *st);
static void ngx_http_edge_stream_shutdown(void *data);
static void ngx_http_edge_stream_cleanup(void *data);


ngx_int_t
ngx_http_edge_stream_attach(ngx_http_edge_query_t *q,
    ngx_http_edge_sub_t *sub)
{
    ngx_http_cleanup_t      *cln;
    ngx_http_edge_input_t   *input;
    ngx_http_edge_stream_t  *st;

    input = ngx_pcalloc(sub->pool, sizeof(ngx_http_edge_input_t));
    if (input == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_sse_init(&input->sse, sub->pool, NGX_HTTP_EDGE_STREAM_EVENT_MAX);

    st = q->stream;

    if (st == NULL) {
        st = ngx_pcalloc(q->ctx->request->pool,
                         sizeof(ngx_http_edge_stream_t));
        if (st == NULL) {
            return NGX_ERROR;
        }

        cln = ngx_http_cleanup_add(q->ctx->request, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_edge_stream_cleanup;
        cln->data = st;

        st->query = q;
        st->timer.handler = ngx_http_edge_stream_timer;
        st->timer.data = st;
        st->timer.log = q->ctx->request->connection->log;
        st->sent = ngx_current_msec;

        st->shutdown.handler = ngx_http_edge_stream_shutdown;
        st->shutdown.data = st;

        ngx_edge_shutdown_wait(&st->shutdown);

        q->stream = st;
    }

    /* a second provider: nothing of the first one's answer was sent */

    st->sub = sub;
    st->input = input;
    st->in = NULL;
    st->fault = NULL;
    st->done = 0;
    st->started = ngx_current_msec;
    st->received = ngx_current_msec;

    sub->stream = ngx_http_edge_stream_body;

    ngx_http_edge_stream_arm(st);

    return NGX_OK;
}


ngx_uint_t
ngx_http_edge_stream_begun(ngx_http_edge_query_t *q)
{
    return q->stream && q->stream->begun;
}


const char *
ngx_http_edge_stream_fault(ngx_http_edge_query_t *q)
{
    ngx_http_edge_stream_t  *st;

    st = q->stream;

    if (st->fault) {
        return st->fault;
    }

    if (st->sub->result != ngx_http_edge_sub_ok && !st->done) {
        return NULL;
    }

    if (!st->begun) {
        return "the stream holds no answer";
    }

    /* some servers send no [DONE], but a body that has no length of its own
     * and just stops may have been cut */

    return (st->done || q->has_finish || st->sub->framed)
           ? NULL : "the stream has no end";
}


ngx_uint_t
ngx_http_edge_stream_done(ngx_http_edge_query_t *q)
{
    return q->stream->done;
}


ngx_uint_t
ngx_http_edge_stream_stopped(ngx_http_edge_query_t *q)
{
    ngx_http_edge_stream_t  *st;

    st = q->stream;

    return st && st->stopped && !st->done
           && st->sub->result != ngx_http_edge_sub_ok;
}


/* The body filter of the model's call; in is NULL when the client can take
 * more. */

static ngx_int_t
ngx_http_edge_stream_body(ngx_http_edge_sub_t *sub, ngx_chain_t *in)
{
    ngx_http_edge_query_t    *q;
    ngx_http_edge_stream_t   *st;
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = sub->data;
    q = ctx->op;
    st = q->stream;

    /* the model has the prompt, and may think for long */

    ngx_http_edge_sub_free_body(sub);

    if (in) {
        st->received = ngx_current_msec;

        if (ngx_chain_add_copy(sub->request->pool, &st->in, in) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_edge_stream_pass(st);
}


static ngx_int_t
ngx_http_edge_stream_pass(ngx_http_edge_stream_t *st)
{
    for ( ;; ) {
        st->out = NULL;
        st->last = &st->out;
        st->filling = NULL;

        if (ngx_http_edge_stream_read(st) != NGX_OK) {
            return NGX_ERROR;
        }

        if (st->out == NULL && st->busy == NULL) {
            break;
        }

        if (st->out) {
            st->sent = ngx_current_msec;
        }

        /* also with nothing new: what is busy may go now */

        if (ngx_http_edge_sub_output(st->sub, st->out) == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_chain_update_chains(st->query->ctx->request->pool, &st->free,
                                &st->busy, &st->out,
                                (ngx_buf_tag_t) &ngx_http_edge_rag_module);

        if (st->in == NULL
            || ngx_http_edge_stream_waiting(st)
               >= NGX_HTTP_EDGE_STREAM_BUSY_MAX)
        {
            break;
        }
    }

    if (st->in) {
        st->sub->request->buffered |= NGX_HTTP_EDGE_STREAM_BUFFERED;
        return NGX_AGAIN;
    }

    st->sub->request->buffered &= ~NGX_HTTP_EDGE_STREAM_BUFFERED;

    return NGX_OK;
}


/* Reads input until it ends or enough output waits. */

static ngx_int_t
ngx_http_edge_stream_read(ngx_http_edge_stream_t *st)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    while (st->in
           && ngx_http_edge_stream_waiting(st) < NGX_HTTP_EDGE_STREAM_BUSY_MAX)
    {
        b = st->in->buf;
        rc = NGX_AGAIN;

        if (st->fault) {
            b->pos = b->last;

        } else if (!ngx_buf_special(b)) {
            rc = ngx_edge_sse_read(&st->input->sse, &b->pos, b->last);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_edge_stream_event(st);

        } else if (rc == NGX_DECLINED) {
            ngx_http_edge_stream_fail(st, "an event is too long");
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (b->pos == b->last) {
            cl = st->in;
            st->in = cl->next;
            ngx_free_chain(st->sub->request->pool, cl);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_stream_event(ngx_http_edge_stream_t *st)
{
    ngx_str_t               text;
    ngx_buf_t              *b;
    const char             *fault;
    ngx_edge_buf_t          out;
    ngx_http_edge_query_t  *q;

    q = st->query;

    if (ngx_edge_scan_is(&st->input->sse.data, "[DONE]")) {
        st->done = 1;
    }

    if (st->done) {
        return NGX_OK;
    }

    fault = ngx_http_edge_stream_text(st, &text);

    if (fault) {
        ngx_http_edge_stream_fail(st, fault);
        return NGX_OK;
    }

    if (text.len == 0) {
        return NGX_OK;
    }

    ngx_edge_citation_feed(&q->citation, text.data, text.len);
    ngx_http_edge_query_cache_piece(q, &text);

    /* no escape of the text becomes longer than it was */

    b = ngx_http_edge_stream_buf(st, text.len + NGX_HTTP_EDGE_STREAM_FRAME);
    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_buf_init(&out, NULL, 0, b->end - b->last);
    out.start = b->last;
    out.pos = b->last;
    out.end = b->end;

    q->form->delta(q, &text, &out);

    if (out.rc != NGX_OK) {
        return NGX_ERROR;
    }

    b->last = out.pos;

    if (ngx_http_edge_query_spent(q, &text)) {
        st->done = 1;
        ngx_http_edge_sub_stop(st->sub, ngx_http_edge_sub_failed);
    }

    if (!st->begun) {
        st->begun = 1;
        ngx_http_edge_query_forget(q);
        ngx_http_edge_stream_arm(st);
    }

    return NGX_OK;
}


/* The text of the event that was read.  NULL, or what is wrong with it. */

static const char *
ngx_http_edge_stream_text(ngx_http_edge_stream_t *st, ngx_str_t *text)
{
    ngx_str_t           padding, *data;
    const char         *fault;
    ngx_edge_repeat_t  *repeat;

    data = &st->input->sse.data;
    repeat = &st->input->repeat;

    if (ngx_edge_repeat_read(repeat, data, text) == NGX_OK) {
        return NULL;
    }

    fault = ngx_http_edge_llm_event(st->query, data, text, &padding);

    if (fault == NULL) {

        /* also if it has no text: only what was read last may be repeated */

        ngx_edge_repeat_keep(repeat, st->sub->pool, data, text, &padding);
    }

    return fault;
}


/* The buffer that is being filled if size fits, else a used or a new one.  One
 * that is too small is replaced by one of twice its size at least, so that
 * little is left behind however the texts grow. */

static ngx_buf_t *
ngx_http_edge_stream_buf(ngx_http_edge_stream_t *st, size_t size)
{
    size_t        room;
    ngx_buf_t    *b;
    ngx_pool_t   *pool;
    ngx_chain_t  *cl;

    b = st->filling;

    if (b && (size_t) (b->end - b->last) >= size) {
        return b;
    }

    pool = st->query->ctx->request->pool;

    cl = ngx_chain_get_free_buf(pool, &st->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;

    if (b->start == NULL || (size_t) (b->end - b->start) < size) {

        if (b->start) {
            (void) ngx_pfree(pool, b->start);  /* a small one stays */
        }

        for (room = NGX_HTTP_EDGE_STREAM_BUF; room < size; room *= 2) {
            /* void */
        }

        b->start = ngx_palloc(pool, room);
        if (b->start == NULL) {
            return NULL;
        }

        b->end = b->start + room;
    }

    b->pos = b->start;
    b->last = b->start;
    b->temporary = 1;
    b->flush = 1;
    b->tag = (ngx_buf_tag_t) &ngx_http_edge_rag_module;

    *st->last = cl;
    st->last = &cl->next;
    st->filling = b;

    return b;
}


/* Bytes made for the client that have not gone. */

static size_t
ngx_http_edge_stream_waiting(ngx_http_edge_stream_t *st)
{
    size_t        size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = st->busy; cl; cl = cl->next) {
        size += cl->buf->last - cl->buf->pos;
    }

    for (cl = st->out; cl; cl = cl->next) {
        size += cl->buf->last - cl->buf->pos;
    }

    return size;
}


static void
ngx_http_edge_stream_fail(ngx_http_edge_stream_t *st, const char *fault)
{
    st->fault = fault;
    ngx_http_edge_sub_stop(st->sub, ngx_http_edge_sub_failed);
}


static void
ngx_http_edge_stream_timer(ngx_event_t *ev)
{
    ngx_connection_t                *c;
    ngx_http_edge_stream_t          *st;
    const ngx_http_edge_timeouts_t  *timeout;

    st = ev->data;

    if (st->sub->finished) {
        return;
    }

    c = st->sub->request->connection;
    timeout = &st->query->ctx->conf->timeout;

    ngx_http_set_log_request(c->log, st->sub->request);

    if (!st->begun
        && ngx_current_msec - st->started >= timeout->first_token)
    {
        st->fault = "no first token in time";

    } else if (st->begun && st->in == NULL
               && ngx_current_msec - st->received >= timeout->idle)
    {
        /* with input left unread the client is slow, not the model */
        st->fault = "silence in mid-answer";
    }

    if (st->fault) {
        ngx_http_edge_sub_cancel(st->sub, ngx_http_edge_sub_timeout);

    } else {
        if (st->busy == NULL
            && ngx_current_msec - st->sent >= NGX_HTTP_EDGE_STREAM_COMMENT
            && ngx_http_edge_stream_comment(st) != NGX_OK)
        {
            ngx_http_edge_sub_cancel(st->sub, ngx_http_edge_sub_failed);
        }

        /* with the client gone, our cleanup has run already */

        if (!st->sub->finished) {
            ngx_http_edge_stream_arm(st);
        }
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_stream_arm(ngx_http_edge_stream_t *st)
{
    ngx_msec_int_t                   left, next;
    const ngx_http_edge_timeouts_t  *timeout;

    timeout = &st->query->ctx->conf->timeout;

    next = st->sent + NGX_HTTP_EDGE_STREAM_COMMENT - ngx_current_msec;

    left = st->begun
           ? st->received + timeout->idle - ngx_current_msec
           : st->started + timeout->first_token - ngx_current_msec;

    next = ngx_min(next, left);

    /* what is overdue and could not be done yet is tried again soon */

    ngx_add_timer(&st->timer, (ngx_msec_t) ngx_max(next, 100));
}


/* A comment line: proxies and load balancers count it as life. */

static ngx_int_t
ngx_http_edge_stream_comment(ngx_http_edge_stream_t *st)
{
    ngx_buf_t  *b;

    st->out = NULL;
    st->last = &st->out;
    st->filling = NULL;

    b = ngx_http_edge_stream_buf(st, NGX_HTTP_EDGE_STREAM_BUF);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, ": ka\n\n", sizeof(": ka\n\n") - 1);

    st->sent = ngx_current_msec;

    if (ngx_http_edge_sub_output(st->sub, st->out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_chain_update_chains(st->query->ctx->request->pool, &st->free, &st->busy,
                            &st->out,
                            (ngx_buf_tag_t) &ngx_http_edge_rag_module);

    return NGX_OK;
}


static void
ngx_http_edge_stream_shutdown(void *data)
{
    ngx_connection_t        *c;
    ngx_http_edge_stream_t  *st = data;

    st->stopped = 1;

    if (st->sub->finished) {
        return;                        /* its end is on the way anyway */
    }

    c = st->sub->request->connection;

    ngx_http_set_log_request(c->log, st->sub->request);

    ngx_http_edge_sub_cancel(st->sub, ngx_http_edge_sub_failed);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_stream_cleanup(void *data)
{
    ngx_http_edge_stream_t *st = data;

    ngx_edge_shutdown_leave(&st->shutdown);

    if (st->timer.timer_set) {
        ngx_del_timer(&st->timer);
    }
}
