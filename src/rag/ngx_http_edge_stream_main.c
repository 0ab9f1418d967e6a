
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's stream as far as the main request writes it: the header and the
 * events before and behind the model's answer.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_STREAM_FIRST  4096       /* of the first events */


ngx_int_t
ngx_http_edge_stream_open(ngx_http_edge_query_t *q)
{
    ngx_int_t            rc;
    ngx_edge_buf_t       b;
    ngx_http_request_t  *r;

    static const ngx_str_t  no = ngx_string("no");

    r = q->ctx->request;

    r->headers_out.status = NGX_HTTP_OK;
    ngx_http_edge_content_type(r, "text/event-stream");

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    /* another nginx in front of this one must not collect the events */

    if (ngx_http_edge_rag_private(r) != NGX_OK
        || ngx_http_edge_header_set(r, "X-Accel-Buffering", &no) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    q->ctx->streaming = 1;

    ngx_http_edge_rag_set_deadline(q->ctx, q->ctx->conf->timeout.stream);

    /* not less than what a pool gives back */

    ngx_edge_buf_init(&b, r->pool, NGX_HTTP_EDGE_STREAM_FIRST, 1024 * 1024);

    q->form->begin(q, &b);

    rc = ngx_http_edge_stream_write(q, &b, 0);

    return (rc == NGX_DONE) ? NGX_OK : rc;
}


ngx_int_t
ngx_http_edge_stream_write(ngx_http_edge_query_t *q, ngx_edge_buf_t *buf,
    ngx_uint_t last)
{
    ngx_str_t            text;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = q->ctx->request;

    if (ngx_edge_buf_done(buf, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->memory = (text.len != 0);
    b->flush = 1;
    b->last_buf = last;
    b->last_in_chain = last;

    out.buf = b;
    out.next = NULL;

    if (ngx_http_output_filter(r, &out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* the sources are often the longest of a stream: not for its whole life */

    if (!last && text.len && b->pos == b->last) {
        (void) ngx_pfree(r->pool, text.data);      /* a small one stays */
    }

    return NGX_DONE;
}
