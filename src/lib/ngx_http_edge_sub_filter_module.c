
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The filter that catches the answers of our subrequests: into memory, bounded,
 * or on to the stream handler of the call.  Other requests pass untouched.
 *
 * It never returns NGX_ERROR from the body filter: nginx takes that as a broken
 * client connection.  An answer over its limit is dropped and the call is
 * cancelled from the event loop.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_subrequest.h"


#define NGX_HTTP_EDGE_SUB_FIRST_SIZE  4096
#define NGX_HTTP_EDGE_SUB_STREAM_BUF  1008     /* of a body that streams */


static ngx_int_t ngx_http_edge_sub_rewrite(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_sub_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_sub_shrink(ngx_http_request_t *r,
    ngx_http_upstream_t *u);
static ngx_int_t ngx_http_edge_sub_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_edge_sub_capture(ngx_http_edge_sub_t *sub,
    ngx_chain_t *in);
static ngx_int_t ngx_http_edge_sub_reserve(ngx_http_edge_sub_t *sub,
    size_t len);
static ngx_int_t ngx_http_edge_sub_filter_init(ngx_conf_t *cf);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_http_module_t  ngx_http_edge_sub_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_sub_filter_init,         /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_sub_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_sub_filter_module_ctx,  /* module context */
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


/* The first phase behind the choice of the location, where nginx has compared
 * the body's length: left on, the bit would make it read the client. */

static ngx_int_t
ngx_http_edge_sub_rewrite(ngx_http_request_t *r)
{
    if (ngx_http_edge_sub_get(r)) {
        r->discard_body = 0;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_sub_header_filter(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;
    ngx_http_edge_sub_t  *sub;

    sub = ngx_http_edge_sub_get(r);

    if (sub == NULL) {
        return ngx_http_next_header_filter(r);
    }

    /* no filter behind us has work with a header that is not sent */

    r->header_sent = 1;
    r->filter_need_in_memory = 1;

    sub->status = r->headers_out.status;
    sub->streaming = (sub->stream != NULL && sub->status == NGX_HTTP_OK);

    /* read the upstream as fast as we take it, not through a temporary file;
     * an answer that proxy_cache stores needs the buffered way */

    u = r->upstream;

    sub->framed = (u == NULL
                   || u->headers_in.chunked
                   || u->headers_in.content_length_n >= 0);

    if (u && !u->cacheable && !u->store) {
        u->buffering = 0;
    }

    if (!sub->streaming
        && r->headers_out.content_length_n > (off_t) sub->limit)
    {
        sub->too_large = 1;
        return NGX_ERROR;              /* ends the subrequest, not the client */
    }

    if (sub->streaming && u && !u->buffering) {
        return ngx_http_edge_sub_shrink(r, u);
    }

    return NGX_OK;
}


/* A buffer that holds an upstream's header is too much for the body of a
 * stream, which comes in small pieces for a long time.  What was read of it is
 * taken along; the header has been copied out. */

static ngx_int_t
ngx_http_edge_sub_shrink(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    size_t      len;
    u_char     *p;
    ngx_buf_t  *b;

    b = &u->buffer;
    len = b->last - b->pos;

    if (u->peer.connection == NULL         /* no buffer of this request */
        || len > NGX_HTTP_EDGE_SUB_STREAM_BUF
        || b->end - b->start <= NGX_HTTP_EDGE_SUB_STREAM_BUF)
    {
        return NGX_OK;
    }

    p = ngx_palloc(r->pool, NGX_HTTP_EDGE_SUB_STREAM_BUF);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, b->pos, len);

    (void) ngx_pfree(r->pool, b->start);   /* a small one stays */

    b->start = p;
    b->pos = p;
    b->last = p + len;
    b->end = p + NGX_HTTP_EDGE_SUB_STREAM_BUF;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_sub_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t          *cl;
    ngx_http_edge_sub_t  *sub;

    sub = ngx_http_edge_sub_get(r);

    if (sub == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        if (cl->buf->last_buf || cl->buf->last_in_chain) {
            sub->whole = 1;
        }
    }

    if (sub->streaming) {
        return sub->stream(sub, in);
    }

    ngx_http_edge_sub_capture(sub, in);

    return NGX_OK;
}


static void
ngx_http_edge_sub_capture(ngx_http_edge_sub_t *sub, ngx_chain_t *in)
{
    size_t      len;
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ngx_buf_special(b)) {
            continue;
        }

        len = b->last - b->pos;

        if (!sub->stop.posted && !sub->finished && len) {

            if (ngx_http_edge_sub_reserve(sub, len) == NGX_OK) {
                ngx_memcpy(sub->answer.data + sub->answer.len, b->pos, len);
                sub->answer.len += len;

            } else {
                ngx_http_edge_sub_stop(sub, ngx_http_edge_sub_too_large);
            }
        }

        b->pos = b->last;
    }
}


static ngx_int_t
ngx_http_edge_sub_reserve(ngx_http_edge_sub_t *sub, size_t len)
{
    off_t    known;
    size_t   size;
    u_char  *p;

    len += sub->answer.len;

    if (len > sub->limit) {
        return NGX_DECLINED;
    }

    if (len <= sub->size) {
        return NGX_OK;
    }

    known = sub->request->headers_out.content_length_n;

    if (known >= (off_t) len) {
        size = (size_t) known;

    } else {
        size = sub->size ? sub->size * 2 : NGX_HTTP_EDGE_SUB_FIRST_SIZE;
        size = ngx_min(ngx_max(size, len), sub->limit);
    }

    p = ngx_pnalloc(sub->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (sub->answer.len) {
        ngx_memcpy(p, sub->answer.data, sub->answer.len);

        /* a large block can go back; a small one stays with the pool */
        (void) ngx_pfree(sub->request->pool, sub->answer.data);
    }

    sub->answer.data = p;
    sub->size = size;

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_sub_output(ngx_http_edge_sub_t *sub, ngx_chain_t *out)
{
    return ngx_http_next_body_filter(sub->request, out);
}


static ngx_int_t
ngx_http_edge_sub_filter_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_sub_rewrite;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_edge_sub_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_edge_sub_body_filter;

    return NGX_OK;
}
