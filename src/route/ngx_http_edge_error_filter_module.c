
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * In locations with edge_route: X-Request-Id on every response, and a body a
 * program can read in place of the HTML pages nginx makes.
 *
 * nginx marks such a page by r->err_status, but the mark stays when an
 * error_page leads to other content.  That content is the operator's and is
 * left alone; a handler in REWRITE, which runs before anything in the new
 * location can answer, notes the mark it came with.  A later error with
 * another status (or after "error_page =", which takes the mark off) is
 * nginx's own again.
 *
 * Responses of upstreams and of "return code text" bear no mark.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_error_body.h"
#include "route/ngx_http_edge_route.h"


typedef struct {
    ngx_uint_t    status;    /* r->err_status when the location was entered */
    ngx_str_t     body;      /* ours; data NULL: nginx's goes out */
    unsigned      sent:1;    /* our body was handed on */
} ngx_http_edge_error_ctx_t;


static ngx_int_t ngx_http_edge_error_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_edge_error_is_ours(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_error_replace(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_error_retry_after(ngx_http_request_t *r,
    const ngx_http_edge_failure_t *failure);
static ngx_int_t ngx_http_edge_error_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_edge_error_send(ngx_http_request_t *r,
    ngx_http_edge_error_ctx_t *ctx);
static ngx_int_t ngx_http_edge_error_rewrite(ngx_http_request_t *r);
static ngx_http_edge_error_ctx_t *ngx_http_edge_error_ctx(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_error_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_edge_error_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_error_filter_init,       /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_error_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_error_filter_module_ctx, /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_edge_error_header_filter(ngx_http_request_t *r)
{
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_route_loc_conf_t  *rlcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_route_module);

    if (rlcf->mode == NGX_HTTP_EDGE_ROUTE_OFF) {
        return ngx_http_next_header_filter(r);
    }

    /* the lookup tells in which dialect the client wants its errors */

    rec = ngx_http_edge_route_resolve(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_edge_header_set(r, "X-Request-Id", &rec->request_id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_edge_error_is_ours(r)
        && ngx_http_edge_error_replace(r, rec) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_uint_t
ngx_http_edge_error_is_ours(ngx_http_request_t *r)
{
    ngx_http_edge_error_ctx_t  *ctx;

    if (r->err_status < NGX_HTTP_BAD_REQUEST) {
        return 0;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_error_filter_module);

    return ctx == NULL || ctx->status != r->err_status;
}


static ngx_int_t
ngx_http_edge_error_replace(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec)
{
    ngx_http_edge_error_ctx_t  *ctx;

    ctx = ngx_http_edge_error_ctx(r);

    if (ctx == NULL
        || ngx_http_edge_error_body(r, rec, r->headers_out.status, &ctx->body)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rec->failure.status == r->headers_out.status
        && ngx_http_edge_error_retry_after(r, &rec->failure) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_edge_content_type(r, rec->openai ? NGX_HTTP_EDGE_OPENAI_TYPE
                                              : NGX_HTTP_EDGE_PROBLEM_TYPE);

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = ctx->body.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_error_retry_after(ngx_http_request_t *r,
    const ngx_http_edge_failure_t *failure)
{
    u_char     *p;
    ngx_str_t   value;

    if (failure->retry_after <= 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%T", failure->retry_after) - p;

    return ngx_http_edge_header_set(r, "Retry-After", &value);
}


static ngx_int_t
ngx_http_edge_error_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t                *cl;
    ngx_http_edge_error_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_error_filter_module);

    if (r != r->main || ctx == NULL || ctx->body.data == NULL || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    /* nginx's page goes nowhere, and is done with */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->sent) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->sent = 1;

    return ngx_http_edge_error_send(r, ctx);
}


static ngx_int_t
ngx_http_edge_error_send(ngx_http_request_t *r,
    ngx_http_edge_error_ctx_t *ctx)
{
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->body.data;
    b->last = ctx->body.data + ctx->body.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out = ngx_alloc_chain_link(r->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    out->buf = b;
    out->next = NULL;

    return ngx_http_next_body_filter(r, out);
}


/* Runs again in every location that the request is led to; an internal
 * redirect has taken the context away by then. */

static ngx_int_t
ngx_http_edge_error_rewrite(ngx_http_request_t *r)
{
    ngx_http_edge_error_ctx_t  *ctx;

    if (r != r->main || r->err_status == 0) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_edge_error_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->status = r->err_status;

    return NGX_DECLINED;
}


static ngx_http_edge_error_ctx_t *
ngx_http_edge_error_ctx(ngx_http_request_t *r)
{
    ngx_http_edge_error_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_error_filter_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_error_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_edge_error_filter_module);

    return ctx;
}


static ngx_int_t
ngx_http_edge_error_filter_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_error_rewrite;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_edge_error_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_edge_error_body_filter;

    return NGX_OK;
}
