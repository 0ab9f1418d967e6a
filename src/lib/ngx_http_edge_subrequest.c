
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Makes, bounds and ends subrequests; what the answer means is the caller's
 * business, how its bytes are caught is the sub filter's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_subrequest.h"


#define NGX_HTTP_EDGE_SUB_POOL       4096
#define NGX_HTTP_EDGE_SUB_POOL_LONG  1008


static ngx_pool_t *ngx_http_edge_sub_create_pool(ngx_http_request_t *r,
    size_t size);
static void ngx_http_edge_sub_pool_cleanup(void *data);
static ngx_int_t ngx_http_edge_sub_spare(ngx_http_edge_sub_t *sub);
static ngx_int_t ngx_http_edge_sub_init_request(ngx_http_edge_sub_t *sub);
static ngx_int_t ngx_http_edge_sub_init_headers(ngx_http_edge_sub_t *sub);
static ngx_table_elt_t *ngx_http_edge_sub_push_header(ngx_http_request_t *sr,
    const char *key, const char *lowcase_key, ngx_str_t *value);
static ngx_int_t ngx_http_edge_sub_init_body(ngx_http_edge_sub_t *sub);
static ngx_int_t ngx_http_edge_sub_finished(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static ngx_http_edge_sub_result_e ngx_http_edge_sub_judge(
    ngx_http_edge_sub_t *sub, ngx_int_t rc);
static void ngx_http_edge_sub_timeout_handler(ngx_event_t *ev);
static void ngx_http_edge_sub_stop_handler(ngx_event_t *ev);
static void ngx_http_edge_sub_cleanup(void *data);
static void ngx_http_edge_sub_release(ngx_http_edge_sub_t *sub);


static ngx_str_t  ngx_http_edge_sub_method_get = ngx_string("GET");
static ngx_str_t  ngx_http_edge_sub_method_post = ngx_string("POST");
static ngx_str_t  ngx_http_edge_sub_method_put = ngx_string("PUT");


ngx_pool_t *
ngx_http_edge_sub_pool(ngx_http_request_t *r)
{
    return ngx_http_edge_sub_create_pool(r, NGX_HTTP_EDGE_SUB_POOL);
}


ngx_pool_t *
ngx_http_edge_sub_pool_long(ngx_http_request_t *r)
{
    return ngx_http_edge_sub_create_pool(r, NGX_HTTP_EDGE_SUB_POOL_LONG);
}


static ngx_pool_t *
ngx_http_edge_sub_create_pool(ngx_http_request_t *r, size_t size)
{
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(size, r->connection->log);

    if (pool) {
        cln->handler = ngx_http_edge_sub_pool_cleanup;
        cln->data = pool;
    }

    return pool;
}


static void
ngx_http_edge_sub_pool_cleanup(void *data)
{
    ngx_destroy_pool(data);
}


void
ngx_http_edge_sub_pool_free(ngx_http_request_t *r, ngx_pool_t *pool)
{
    ngx_pool_cleanup_t  *cln;

    if (pool == NULL) {
        return;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_edge_sub_pool_cleanup
            && cln->data == pool)
        {
            cln->handler = NULL;
            break;
        }
    }

    ngx_destroy_pool(pool);
}


void
ngx_http_edge_sub_free(ngx_http_edge_sub_t *sub)
{
    ngx_log_t           *log;
    ngx_http_log_ctx_t  *ctx;

    if (!sub->finished) {
        return;
    }

    /* a thread may still read a cached answer for it: left to the end */

    if (sub->main->blocked) {
        return;
    }

    log = sub->main->connection->log;
    ctx = log->data;

    if (ctx->current_request == sub->request) {
        ngx_http_set_log_request(log, sub->main);
    }

    if (sub->cleanup) {
        sub->cleanup->handler = NULL;
    }

    ngx_http_edge_sub_pool_free(sub->main, sub->pool);
}


void
ngx_http_edge_sub_free_body(ngx_http_edge_sub_t *sub)
{
    ngx_http_upstream_t  *u;

    if (!sub->started) {
        return;
    }

    if (!sub->finished) {
        u = sub->request->upstream;

        /* behind the header of an answer nginx does not try again */

        if (u == NULL || !u->header_sent || !u->request_body_sent) {
            return;
        }
    }

    if (sub->body.data) {
        (void) ngx_pfree(sub->pool, sub->body.data);   /* a small one stays */
        ngx_str_null(&sub->body);
    }
}


ngx_int_t
ngx_http_edge_sub_start(ngx_http_edge_sub_t *sub)
{
    ngx_int_t            rc;
    ngx_uint_t           flags;
    ngx_pool_t          *pool;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = sub->main;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_edge_sub_cleanup;
    cln->data = sub;
    sub->cleanup = cln;

    sub->post.handler = ngx_http_edge_sub_finished;
    sub->post.data = sub;

    sub->timer.handler = ngx_http_edge_sub_timeout_handler;
    sub->timer.data = sub;
    sub->timer.log = r->connection->log;

    sub->stop.handler = ngx_http_edge_sub_stop_handler;
    sub->stop.data = sub;
    sub->stop.log = r->connection->log;

    flags = sub->stream ? 0 : NGX_HTTP_SUBREQUEST_BACKGROUND;

    /* a subrequest takes all its memory, and itself, from its parent's pool */

    pool = r->pool;
    r->pool = sub->pool;

    rc = ngx_http_subrequest(r, &sub->uri, &sub->args, &sub->request,
                             &sub->post, flags);
    r->pool = pool;

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    sub->started = 1;

    /* the subrequest is only posted: it starts with what is set here, and
     * must not start with anything less */

    if (ngx_http_edge_sub_init_request(sub) != NGX_OK) {
        ngx_http_edge_sub_cancel(sub, ngx_http_edge_sub_failed);
        return NGX_OK;
    }

    if (sub->timeout) {
        ngx_add_timer(&sub->timer, sub->timeout);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_sub_init_request(ngx_http_edge_sub_t *sub)
{
    ngx_http_request_t         *sr;
    ngx_http_core_main_conf_t  *cmcf;

    sr = sub->request;

    if (ngx_http_edge_sub_spare(sub) != NGX_OK) {
        return NGX_ERROR;
    }

    sr->method = sub->method;

    switch (sub->method) {

    case NGX_HTTP_POST:
        sr->method_name = ngx_http_edge_sub_method_post;
        break;

    case NGX_HTTP_PUT:
        sr->method_name = ngx_http_edge_sub_method_put;
        break;

    default:
        sr->method_name = ngx_http_edge_sub_method_get;
    }

    /*
     * nginx shares the variables of the parent, and what was evaluated there
     * (a map on $http_authorization, say) would stay visible here
     */

    cmcf = ngx_http_get_module_main_conf(sr, ngx_http_core_module);

    sr->variables = ngx_pcalloc(sr->pool, cmcf->variables.nelts
                                          * sizeof(ngx_http_variable_value_t));
    if (sr->variables == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_edge_sub_init_body(sub) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_edge_sub_init_headers(sub);
}


/* nginx makes room for twenty headers of a response, which a call has no use
 * for; in a pool of small blocks that room can go back. */

static ngx_int_t
ngx_http_edge_sub_spare(ngx_http_edge_sub_t *sub)
{
    ngx_list_t  *list;

    list = &sub->request->headers_out.headers;

    if (ngx_pfree(sub->pool, list->part.elts) != NGX_OK) {
        return NGX_OK;
    }

    return ngx_list_init(list, sub->pool, 4, sizeof(ngx_table_elt_t));
}


/*
 * The struct that nginx copied shares its list with the parent, so it is made
 * anew: nothing the client sent is in it but the name of the server.
 */

static ngx_int_t
ngx_http_edge_sub_init_headers(ngx_http_edge_sub_t *sub)
{
    u_char              *p;
    ngx_str_t            value, server;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *sr;

    sr = sub->request;
    server = sr->headers_in.server;

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    sr->headers_in.server = server;
    sr->headers_in.keep_alive_n = -1;
    sr->headers_in.content_length_n = -1;

    if (ngx_list_init(&sr->headers_in.headers, sr->pool, 2,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (sub->body.len == 0) {
        return NGX_OK;
    }

    ngx_str_set(&value, "application/json");

    h = ngx_http_edge_sub_push_header(sr, "Content-Type", "content-type",
                                      &value);
    if (h == NULL) {
        return NGX_ERROR;
    }

    sr->headers_in.content_type = h;

    p = ngx_pnalloc(sr->pool, NGX_SIZE_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%uz", sub->body.len) - p;

    h = ngx_http_edge_sub_push_header(sr, "Content-Length", "content-length",
                                      &value);
    if (h == NULL) {
        return NGX_ERROR;
    }

    sr->headers_in.content_length = h;
    sr->headers_in.content_length_n = sub->body.len;

    return NGX_OK;
}


static ngx_table_elt_t *
ngx_http_edge_sub_push_header(ngx_http_request_t *sr, const char *key,
    const char *lowcase_key, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->lowcase_key = (u_char *) lowcase_key;
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    h->value = *value;

    return h;
}


static ngx_int_t
ngx_http_edge_sub_init_body(ngx_http_edge_sub_t *sub)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    /* client_max_body_size is for what clients send: nginx asks this bit
     * before it compares; the filter module takes it off right behind that */

    sub->request->discard_body = 1;

    /* without a body of its own it would send the client's */

    rb = ngx_pcalloc(sub->request->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    sub->request->request_body = rb;

    if (sub->body.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(sub->request->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    /* start and end let a retry by proxy_next_upstream rewind it */

    b->start = sub->body.data;
    b->pos = b->start;
    b->end = b->start + sub->body.len;
    b->last = b->end;
    b->memory = 1;
    b->last_buf = 1;

    cl = ngx_alloc_chain_link(sub->request->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    rb->bufs = cl;
    rb->buf = b;

    return NGX_OK;
}


/*
 * The post_subrequest handler: may be called twice (for a streamed answer that
 * a slow client has not taken yet) and with any rc.  Returns NGX_OK so that
 * nginx makes no error page of its own for the subrequest.
 */

static ngx_int_t
ngx_http_edge_sub_finished(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_http_edge_sub_t  *sub = data;

    if (sub->finished) {
        return NGX_OK;
    }

    if (sr->connection->error
        || sr->connection->timedout
        || rc == NGX_HTTP_CLIENT_CLOSED_REQUEST)
    {
        /* the client is gone, or has taken nothing for as long as
         * send_timeout: nginx ends the whole request */
        ngx_http_edge_sub_release(sub);
        return NGX_ERROR;
    }

    if (sr->buffered || sr->postponed) {
        return NGX_OK;
    }

    sub->finished = 1;
    sub->result = ngx_http_edge_sub_judge(sub, rc);
    sr->discard_body = 0;

    ngx_http_edge_sub_release(sub);

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, sr->connection->log, 0,
                   "edge sub: \"%V\" %s, status %ui, rc %i",
                   &sub->uri, ngx_http_edge_sub_result_name(sub),
                   sub->status, rc);

    if (sub->done) {
        sub->done(sub);
    }

    /* nobody else wakes the parent of a background subrequest; the parent of
     * an active one is posted by nginx */

    if (sr->background
        && ngx_http_post_request(sr->main, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_edge_sub_result_e
ngx_http_edge_sub_judge(ngx_http_edge_sub_t *sub, ngx_int_t rc)
{
    if (sub->result != ngx_http_edge_sub_ok) {
        return sub->result;            /* cancelled with this result */
    }

    if (sub->too_large) {
        return ngx_http_edge_sub_too_large;
    }

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
        return ngx_http_edge_sub_timeout;
    }

    if (rc == NGX_HTTP_BAD_GATEWAY) {
        return sub->status ? ngx_http_edge_sub_truncated
                           : ngx_http_edge_sub_unreachable;
    }

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        sub->status = rc;
        return ngx_http_edge_sub_status;
    }

    if (sub->status == 0) {
        /* nginx lets by what is no HTTP, as a body without a header */
        return (rc == NGX_OK) ? ngx_http_edge_sub_unreachable
                              : ngx_http_edge_sub_failed;
    }

    /* a body cut short ends with rc NGX_OK too, but without the end mark */

    if (!sub->whole) {
        return ngx_http_edge_sub_truncated;
    }

    if (sub->status < 200 || sub->status >= 300) {
        return ngx_http_edge_sub_status;
    }

    return ngx_http_edge_sub_ok;
}


void
ngx_http_edge_sub_cancel(ngx_http_edge_sub_t *sub,
    ngx_http_edge_sub_result_e result)
{
    ngx_http_request_t  *sr;

    if (!sub->started || sub->finished) {
        return;
    }

    sr = sub->request;
    sub->result = result;

    if (sr->upstream && sr->upstream->cleanup) {

        /* the cleanup ends in a finalize with NGX_DONE, which takes a count */

        sr->main->count++;
        (*sr->upstream->cleanup)(sr);
    }

    sr->write_event_handler = ngx_http_request_empty_handler;
    sr->buffered = 0;

    ngx_http_finalize_request(sr, NGX_OK);
}


void
ngx_http_edge_sub_stop(ngx_http_edge_sub_t *sub,
    ngx_http_edge_sub_result_e result)
{
    if (sub->finished || sub->stop.posted) {
        return;
    }

    sub->stop_result = result;

    ngx_post_event(&sub->stop, &ngx_posted_events);
}


ngx_http_edge_sub_t *
ngx_http_edge_sub_get(ngx_http_request_t *r)
{
    if (r == r->main
        || r->post_subrequest == NULL
        || r->post_subrequest->handler != ngx_http_edge_sub_finished)
    {
        return NULL;
    }

    return r->post_subrequest->data;
}


const char *
ngx_http_edge_sub_result_name(const ngx_http_edge_sub_t *sub)
{
    switch (sub->result) {

    case ngx_http_edge_sub_ok:
        return "ok";

    case ngx_http_edge_sub_status:
        return "bad status";

    case ngx_http_edge_sub_timeout:
        return "timeout";

    case ngx_http_edge_sub_unreachable:
        return "unreachable";

    case ngx_http_edge_sub_truncated:
        return "truncated answer";

    case ngx_http_edge_sub_too_large:
        return "answer over the limit";

    default:
        return "not made";
    }
}


static void
ngx_http_edge_sub_timeout_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_edge_sub_t  *sub;

    sub = ev->data;
    c = sub->request->connection;

    ngx_http_set_log_request(c->log, sub->request);

    ngx_http_edge_sub_cancel(sub, ngx_http_edge_sub_timeout);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_sub_stop_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_edge_sub_t  *sub;

    sub = ev->data;
    c = sub->request->connection;

    ngx_http_set_log_request(c->log, sub->request);

    ngx_http_edge_sub_cancel(sub, sub->stop_result);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_sub_cleanup(void *data)
{
    ngx_http_edge_sub_t  *sub = data;

    sub->finished = 1;
    ngx_http_edge_sub_release(sub);
}


/* Safe to call twice. */

static void
ngx_http_edge_sub_release(ngx_http_edge_sub_t *sub)
{
    if (sub->timer.timer_set) {
        ngx_del_timer(&sub->timer);
    }

    if (sub->stop.posted) {
        ngx_delete_posted_event(&sub->stop);
    }
}
