
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Collects a request body.  A request that waits for a thread is "blocked" in
 * nginx's sense: it is not freed before the thread is done, whatever happens
 * to the client.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>
#include "lib/ngx_http_edge_body.h"


typedef struct {
    ngx_http_request_t  *request;
    ngx_str_t           *body;
    u_char              *data;
    size_t               len;
    ngx_chain_t         *in;
    ngx_uint_t           ok;       /* written by the thread */
} ngx_http_edge_body_task_t;


static ngx_uint_t ngx_http_edge_body_in_file(ngx_http_request_t *r);
static void ngx_http_edge_body_thread(void *data, ngx_log_t *log);
static ngx_int_t ngx_http_edge_body_read_buf(ngx_buf_t *b, u_char *dst);
static void ngx_http_edge_body_done(ngx_event_t *ev);


static ngx_str_t  ngx_http_edge_body_pool = ngx_string("default");


ngx_int_t
ngx_http_edge_body_init(ngx_conf_t *cf)
{
    return ngx_thread_pool_add(cf, &ngx_http_edge_body_pool) ? NGX_OK
                                                             : NGX_ERROR;
}


off_t
ngx_http_edge_body_length(ngx_http_request_t *r)
{
    off_t         len;
    ngx_chain_t  *cl;

    len = 0;

    if (r->request_body) {
        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            len += ngx_buf_size(cl->buf);
        }
    }

    return len;
}


ngx_int_t
ngx_http_edge_body_get(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char                     *p;
    ngx_chain_t                *cl;
    ngx_thread_pool_t          *tp;
    ngx_thread_task_t          *task;
    ngx_http_edge_body_task_t  *ctx;

    body->len = (size_t) ngx_http_edge_body_length(r);
    body->data = NULL;

    if (body->len == 0) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    if (cl->next == NULL && ngx_buf_in_memory(cl->buf)) {
        body->data = cl->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, body->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (!ngx_http_edge_body_in_file(r)) {

        body->data = p;

        for ( /* void */ ; cl; cl = cl->next) {
            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }

        return NGX_OK;
    }

    tp = ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle,
                             &ngx_http_edge_body_pool);
    if (tp == NULL) {
        return NGX_ERROR;
    }

    task = ngx_thread_task_alloc(r->pool, sizeof(ngx_http_edge_body_task_t));
    if (task == NULL) {
        return NGX_ERROR;
    }

    ctx = task->ctx;
    ctx->request = r;
    ctx->body = body;
    ctx->data = p;
    ctx->len = body->len;
    ctx->in = cl;

    task->handler = ngx_http_edge_body_thread;
    task->event.handler = ngx_http_edge_body_done;
    task->event.data = ctx;

    if (ngx_thread_task_post(tp, task) != NGX_OK) {
        return NGX_ERROR;
    }

    r->main->blocked++;

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_http_edge_body_in_file(ngx_http_request_t *r)
{
    ngx_chain_t  *cl;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        if (!ngx_buf_in_memory(cl->buf)) {
            return 1;
        }
    }

    return 0;
}


/* Runs in a thread: touches the task and the bufs only. */

static void
ngx_http_edge_body_thread(void *data, ngx_log_t *log)
{
    ngx_http_edge_body_task_t *ctx = data;

    u_char       *p;
    ngx_chain_t  *cl;

    p = ctx->data;

    for (cl = ctx->in; cl; cl = cl->next) {

        if (ngx_http_edge_body_read_buf(cl->buf, p) != NGX_OK) {
            ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                          "edge body: reading a temporary file failed");
            return;
        }

        p += ngx_buf_size(cl->buf);
    }

    ctx->ok = 1;
}


static ngx_int_t
ngx_http_edge_body_read_buf(ngx_buf_t *b, u_char *dst)
{
    off_t    pos;
    ssize_t  n;

    if (ngx_buf_in_memory(b)) {
        ngx_memcpy(dst, b->pos, b->last - b->pos);
        return NGX_OK;
    }

    for (pos = b->file_pos; pos < b->file_last; pos += n, dst += n) {
        n = pread(b->file->fd, dst, b->file_last - pos, pos);

        if (n <= 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_edge_body_done(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_edge_body_task_t  *ctx;

    ctx = ev->data;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (ctx->ok) {
        ctx->body->data = ctx->data;
    }

    r->main->blocked--;

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}
