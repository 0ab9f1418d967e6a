
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs one request of ours: content handler, wake-ups, deadline and end.
 * Knows no stage; which step comes next is the operation's business.
 *
 * The request is woken by the end of a subrequest, of a store job or of the
 * body's reading; wakes while something is pending, and the spurious ones of
 * the client's connection, do nothing.  The deadline ends all that is pending
 * and lets the operation see the results: it may still have an answer.  The
 * deadline's timer also keeps a worker that exits gracefully alive until the
 * request has ended.
 *
 * When the client leaves, nginx terminates the request: the subrequests'
 * connections are closed by it, and our cleanup abandons the job.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_body.h"
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_rag.h"


#define NGX_HTTP_EDGE_RAG_BLOCKED  100     /* ms until a deadline's next try */


static ngx_int_t ngx_http_edge_rag_open(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_rag_create_op(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_rag_check_body(ngx_http_edge_rag_ctx_t *ctx);
static ngx_uint_t ngx_http_edge_rag_is_json(ngx_http_request_t *r);
static void ngx_http_edge_rag_wake(ngx_http_request_t *r);
static void ngx_http_edge_rag_run(ngx_http_edge_rag_ctx_t *ctx);
static void ngx_http_edge_rag_end(ngx_http_edge_rag_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_edge_rag_deadline(ngx_event_t *ev);
static void ngx_http_edge_rag_sub_done(ngx_http_edge_sub_t *sub);
static void ngx_http_edge_rag_job_done(ngx_http_edge_store_job_t *job);
static void ngx_http_edge_rag_cleanup(void *data);


ngx_int_t
ngx_http_edge_rag_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_http_cleanup_t       *cln;
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_rag_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;

    /* conditions are for what can be cached: a stream behind the header of a
     * 304 would be read as the next response */

    r->disable_not_modified = 1;

    rc = ngx_http_edge_rag_open(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    /* a body that nobody reads must not be taken for the next request */

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_edge_rag_cleanup;
    cln->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_edge_rag_module);

    ctx->deadline.handler = ngx_http_edge_rag_deadline;
    ctx->deadline.data = ctx;
    ctx->deadline.log = r->connection->log;

    ngx_add_timer(&ctx->deadline, ctx->conf->timeout.total);

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_edge_rag_wake;

    rc = ngx_http_edge_body_get(r, &ctx->body);

    if (rc == NGX_ERROR) {
        ngx_http_edge_rag_cleanup(ctx);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    if (rc == NGX_AGAIN) {
        return NGX_DONE;
    }

    ngx_http_edge_rag_run(ctx);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_edge_rag_open(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    ctx->record = ngx_http_edge_record(r);
    if (ctx->record == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->conf = ngx_http_edge_rag_pipeline(r, ctx->record->module);

    if (ctx->conf == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "edge rag: module \"%V\" names no known pipeline",
                      &ctx->record->module->name);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_edge_acl_get(r, &ctx->acl);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_edge_rag_check_body(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_edge_rag_create_op(ctx);
}


static ngx_int_t
ngx_http_edge_rag_create_op(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_int_t  rc;

    switch (ctx->record->endpoint) {

    case ngx_http_edge_endpoint_query:
    case ngx_http_edge_endpoint_search:
    case ngx_http_edge_endpoint_chat:
        rc = ngx_http_edge_query_create(ctx);
        break;

    case ngx_http_edge_endpoint_documents:
        rc = ngx_http_edge_documents_create(ctx);
        break;

    default:
        return NGX_HTTP_NOT_FOUND;
    }

    return (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}


/* What can be said of the body before it is looked at: 413, 415. */

static ngx_int_t
ngx_http_edge_rag_check_body(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!(r->method & (NGX_HTTP_POST|NGX_HTTP_PUT))) {
        return NGX_OK;
    }

    if (ngx_http_edge_body_length(r) > (off_t) ctx->conf->max_body) {
        return ngx_http_edge_fail(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                  "body_too_large",
                                  "the request body is over the limit");
    }

    if (!ngx_http_edge_rag_is_json(r)) {
        return ngx_http_edge_fail(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                  "unsupported_media_type",
                                  "the Content-Type must be "
                                  "application/json");
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_edge_rag_is_json(ngx_http_request_t *r)
{
    u_char     *p, *last;
    ngx_str_t   type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = r->headers_in.content_type->value;

    /* parameters such as charset say nothing about JSON (RFC 8259) */

    last = ngx_strlchr(type.data, type.data + type.len, ';');
    if (last == NULL) {
        last = type.data + type.len;
    }

    p = type.data;

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    return last - p == sizeof("application/json") - 1
           && ngx_strncasecmp(p, (u_char *) "application/json", last - p) == 0;
}


static void
ngx_http_edge_rag_wake(ngx_http_request_t *r)
{
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_rag_module);

    if (ctx == NULL || ctx->ended || ctx->pending || r->main->blocked) {
        return;
    }

    ngx_http_edge_rag_run(ctx);
}


static void
ngx_http_edge_rag_run(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->body.len && ctx->body.data == NULL) {
        /* the temporary file could not be read */
        ngx_http_edge_rag_end(ctx, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    do {
        rc = ctx->step(ctx);

        if (rc == NGX_AGAIN || (rc == NGX_OK && ctx->pending)) {
            return;
        }

    } while (rc == NGX_OK);

    ngx_http_edge_rag_end(ctx, rc);
}


static void
ngx_http_edge_rag_end(ngx_http_edge_rag_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    ngx_http_edge_rag_cleanup(ctx);

    if (rc == NGX_DONE) {
        rc = NGX_OK;

    } else if (rc == NGX_ERROR && !ctx->streaming && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_http_edge_rag_set_deadline(ngx_http_edge_rag_ctx_t *ctx, ngx_msec_t msec)
{
    ngx_add_timer(&ctx->deadline, msec);
}


static void
ngx_http_edge_rag_deadline(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_edge_sub_t      *sub;
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = ev->data;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx->expired = 1;

    if (r->main->blocked) {
        /* a thread reads for it, and cannot be stopped */
        ngx_add_timer(ev, NGX_HTTP_EDGE_RAG_BLOCKED);
        return;
    }

    for (sub = ctx->subs; sub; sub = sub->next) {
        ngx_http_edge_sub_cancel(sub, ngx_http_edge_sub_timeout);
    }

    if (ctx->job_pending) {
        ngx_http_edge_rag_drop_job(ctx);
        ctx->pending--;
    }

    if (ctx->cache_pending) {
        ngx_http_edge_cache_answer_stop(ctx->cached);
        ctx->cache_pending = 0;
        ctx->pending--;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0, "edge rag: deadline passed");

    if (ngx_http_post_request(r, NULL) != NGX_OK) {
        ngx_http_edge_rag_end(ctx, NGX_ERROR);
    }

    ngx_http_run_posted_requests(c);
}


void
ngx_http_edge_rag_begin(ngx_http_edge_rag_ctx_t *ctx, ngx_edge_buf_t *body,
    size_t size, size_t max)
{
    ngx_pool_t  *pool;

    pool = ctx->streaming ? ngx_http_edge_sub_pool_long(ctx->request)
                          : ngx_http_edge_sub_pool(ctx->request);

    ngx_edge_buf_init(body, pool, size, max);

    if (pool == NULL) {
        body->rc = NGX_ERROR;
    }
}


ngx_http_edge_sub_t *
ngx_http_edge_rag_sub(ngx_http_edge_rag_ctx_t *ctx, const ngx_str_t *uri,
    ngx_edge_buf_t *body)
{
    ngx_str_t             text;
    ngx_http_edge_sub_t  *sub;

    if (ngx_edge_buf_done(body, &text) != NGX_OK) {
        return NULL;
    }

    sub = ngx_pcalloc(body->pool, sizeof(ngx_http_edge_sub_t));
    if (sub == NULL) {
        return NULL;
    }

    sub->main = ctx->request;
    sub->pool = body->pool;
    sub->uri = *uri;
    sub->method = NGX_HTTP_POST;
    sub->body = text;

    return sub;
}


void
ngx_http_edge_rag_free(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_sub_t **sub)
{
    ngx_http_edge_sub_t  **p;

    if (*sub == NULL || !(*sub)->finished) {
        return;
    }

    for (p = &ctx->subs; *p; p = &(*p)->next) {
        if (*p == *sub) {
            *p = (*sub)->next;
            break;
        }
    }

    ngx_http_edge_sub_free(*sub);

    *sub = NULL;
}


void
ngx_http_edge_rag_call(ngx_http_edge_rag_ctx_t *ctx, ngx_http_edge_sub_t *sub)
{
    sub->done = ngx_http_edge_rag_sub_done;
    sub->data = ctx;
    sub->next = ctx->subs;
    ctx->subs = sub;

    if (ctx->expired) {
        sub->finished = 1;
        sub->result = ngx_http_edge_sub_timeout;
        return;
    }

    ctx->pending++;

    if (ngx_http_edge_sub_start(sub) != NGX_OK) {
        sub->finished = 1;
        sub->result = ngx_http_edge_sub_failed;
        ctx->pending--;
    }
}


static void
ngx_http_edge_rag_sub_done(ngx_http_edge_sub_t *sub)
{
    ngx_http_edge_rag_ctx_t *ctx = sub->data;

    ctx->pending--;
}


void
ngx_http_edge_rag_post_job(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_store_job_t *job)
{
    ngx_http_edge_rag_drop_job(ctx);

    ctx->job = job;

    job->done = ngx_http_edge_rag_job_done;
    job->data = ctx;
    job->rc = NGX_ERROR;

    if (ctx->expired || ngx_http_edge_store_job_post(job) != NGX_OK) {
        return;
    }

    ctx->job_pending = 1;
    ctx->pending++;
}


static void
ngx_http_edge_rag_job_done(ngx_http_edge_store_job_t *job)
{
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = job->data;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx->job_pending = 0;
    ctx->pending--;

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


void
ngx_http_edge_rag_drop_job(ngx_http_edge_rag_ctx_t *ctx)
{
    if (ctx->job == NULL) {
        return;
    }

    if (ctx->job_pending) {
        ctx->job_pending = 0;
        ngx_http_edge_store_job_abandon(ctx->job);

    } else {
        ngx_http_edge_store_job_free(ctx->job);
    }

    ctx->job = NULL;
}


/* At the end, and when nginx terminates the request; safe to call twice.  The
 * job's results are in its own pool, so it is dropped with the request's. */

static void
ngx_http_edge_rag_cleanup(void *data)
{
    ngx_http_edge_rag_ctx_t *ctx = data;

    ctx->ended = 1;

    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }

    if (ctx->leave) {
        ctx->leave(ctx);
    }

    ngx_http_edge_rag_drop_job(ctx);
}
