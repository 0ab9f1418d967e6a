
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sees responses on their way to the client: marks hits, judges and captures
 * the others.  The client gets the response whatever becomes of the capture.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"


#define NGX_HTTP_EDGE_CACHE_FIRST  4096    /* of a body of unknown length */


static ngx_int_t ngx_http_edge_cache_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_edge_cache_capture(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_buf_t *b);
static ngx_int_t ngx_http_edge_cache_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_edge_cache_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_cache_filter_init,       /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_cache_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_cache_filter_module_ctx, /* module context */
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
ngx_http_edge_cache_header_filter(ngx_http_request_t *r)
{
    ngx_http_edge_cache_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_cache_module);

    if (ctx == NULL || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    if (!ctx->hit && ngx_http_edge_cache_judge(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_edge_cache_status(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_edge_cache_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t                *cl;
    ngx_http_edge_cache_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_cache_module);

    if (ctx == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl && ctx->storing; cl = cl->next) {

        if (ngx_http_edge_cache_capture(r, ctx, cl->buf) != NGX_OK) {
            ctx->storing = 0;
            ngx_http_edge_cache_seek_end(&ctx->seek, 0);
            break;
        }

        if (cl->buf->last_buf) {
            ngx_http_edge_cache_store(r, ctx);
        }
    }

    return ngx_http_next_body_filter(r, in);
}


/* NGX_DECLINED: too large, or not in memory. */

static ngx_int_t
ngx_http_edge_cache_capture(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_buf_t *b)
{
    size_t    len, max;
    off_t     known;
    u_char   *p;

    if (ngx_buf_special(b)) {
        return NGX_OK;
    }

    if (!ngx_buf_in_memory(b)) {
        return NGX_DECLINED;
    }

    max = ctx->conf->max_size;
    len = ctx->body.len + (b->last - b->pos);

    if (len > max) {
        return NGX_DECLINED;
    }

    if (len > ctx->room) {
        known = r->upstream->headers_in.content_length_n;

        ctx->room = ngx_max(ctx->room * 2, NGX_HTTP_EDGE_CACHE_FIRST);
        ctx->room = (known >= (off_t) len) ? (size_t) known
                                           : ngx_min(ngx_max(ctx->room, len),
                                                     max);
        p = ngx_pnalloc(r->pool, ctx->room);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (ctx->body.len) {
            ngx_memcpy(p, ctx->body.data, ctx->body.len);
            (void) ngx_pfree(r->pool, ctx->body.data);
        }

        ctx->body.data = p;
    }

    ngx_memcpy(ctx->body.data + ctx->body.len, b->pos, b->last - b->pos);
    ctx->body.len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_edge_cache_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_edge_cache_body_filter;

    return NGX_OK;
}
