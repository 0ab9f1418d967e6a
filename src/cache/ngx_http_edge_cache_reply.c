
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A stored response as a response again.  nginx's own filters do what depends
 * on the request: 304 and 412 by its conditions, ranges, compression.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_edge_decimal.h"
#include "lib/ngx_http_edge_headers.h"


#define NGX_HTTP_EDGE_CACHE_STATUS_MAX  128


static ngx_int_t ngx_http_edge_cache_set_fields(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_set_field(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_edge_cache_set_control(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_edge_cache_hit_status(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);


ngx_int_t
ngx_http_edge_cache_send(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e)
{
    u_char           *p;
    ngx_buf_t        *b;
    ngx_int_t         rc;
    ngx_chain_t       out;
    const ngx_str_t  *type, *body;

    type = &e->part[ngx_edge_cache_part_type];
    body = &e->part[ngx_edge_cache_part_body];

    r->headers_out.status = e->status;
    r->headers_out.content_length_n = body->len;
    r->headers_out.last_modified_time = e->modified;

    if (type->len) {
        p = ngx_strlchr(type->data, type->data + type->len, ';');

        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = p ? (size_t) (p - type->data)
                                            : type->len;
    }

    if (ngx_http_edge_cache_set_fields(r, e) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->allow_ranges = (e->status == NGX_HTTP_OK);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = (body->len != 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_edge_cache_set_fields(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e)
{
    ngx_str_t         rest, name, value;
    ngx_table_elt_t  *h;

    rest = e->part[ngx_edge_cache_part_fields];

    while (ngx_edge_cache_field_next(&rest, &name, &value)) {

        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));

        h->hash = 1;
        h->key = name;
        h->value = value;

        if (ngx_http_edge_cache_set_field(r, h) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* nginx's filters know these fields by a pointer of their own. */

static ngx_int_t
ngx_http_edge_cache_set_field(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    if (ngx_http_edge_header_is(h, "ETag")) {
        r->headers_out.etag = h;

    } else if (ngx_http_edge_header_is(h, "Last-Modified")) {
        r->headers_out.last_modified = h;

    } else if (ngx_http_edge_header_is(h, "Content-Encoding")) {
        r->headers_out.content_encoding = h;

    } else if (ngx_http_edge_header_is(h, "Expires")) {
        r->headers_out.expires = h;

    } else if (ngx_http_edge_header_is(h, "Cache-Control")) {
        return ngx_http_edge_cache_set_control(r, h);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_set_control(ngx_http_request_t *r, ngx_table_elt_t *h)
{
#if (nginx_version >= 1023000)

    ngx_table_elt_t  **last;

    for (last = &r->headers_out.cache_control; *last; last = &(*last)->next) {
        /* void */
    }

    *last = h;

#else

    ngx_array_t       *control;
    ngx_table_elt_t  **last;

    control = &r->headers_out.cache_control;

    if (control->elts == NULL
        && ngx_array_init(control, r->pool, 1, sizeof(ngx_table_elt_t *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    last = ngx_array_push(control);
    if (last == NULL) {
        return NGX_ERROR;
    }

    *last = h;

#endif

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_status(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   value;

    /* an error may have come between a hit and its response */

    if (ctx->hit) {
        return ctx->entry ? ngx_http_edge_cache_hit_status(r, ctx) : NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_HTTP_EDGE_CACHE_STATUS_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    p = ngx_sprintf(p, "ai-edge; fwd=%s", ctx->forward);

    if (r->upstream && r->upstream->headers_in.status_n) {
        p = ngx_sprintf(p, "; fwd-status=%ui",
                        r->upstream->headers_in.status_n);
    }

    /* only what is sure now: a length that fits */

    if (ctx->storing && r->upstream->headers_in.content_length_n >= 0) {
        p = ngx_sprintf(p, "; stored");
    }

    if (ctx->seek.waited) {
        p = ngx_sprintf(p, "; collapsed");
    }

    value.len = p - value.data;

    return ngx_http_edge_header_add(r, "Cache-Status", &value);
}


/* No entry has an Age among its fields. */

static ngx_int_t
ngx_http_edge_cache_hit_status(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    ngx_str_t  status, age;

    if (ngx_http_edge_cache_hit_texts(r, ctx->entry, ctx->seek.waited,
                                      &status, &age)
        != NGX_OK
        || ngx_http_edge_header_add(r, "Cache-Status", &status) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_edge_header_add(r, "Age", &age);
}


/* Of every hit, so written without ngx_sprintf(). */

ngx_int_t
ngx_http_edge_cache_hit_texts(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e, ngx_uint_t waited, ngx_str_t *status,
    ngx_str_t *age)
{
    time_t   now;
    u_char  *p;

    p = ngx_pnalloc(r->pool, sizeof("ai-edge; hit; ttl=; collapsed")
                             + 2 * NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    now = ngx_time();

    status->data = p;
    p = ngx_cpymem(p, "ai-edge; hit; ttl=", sizeof("ai-edge; hit; ttl=") - 1);
    p = ngx_edge_decimal(p, e->expires - now);

    if (waited) {
        p = ngx_cpymem(p, "; collapsed", sizeof("; collapsed") - 1);
    }

    status->len = p - status->data;

    age->data = p;
    p = ngx_edge_decimal(p, e->age + ngx_max(now - e->stored, 0));
    age->len = p - age->data;

    return NGX_OK;
}
