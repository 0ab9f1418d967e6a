
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The OpenAI embeddings API: POST embeddings, one vector per input.  A vector
 * is checked for its length and handed on as the JSON text that came: it goes
 * into Qdrant's request as it is, without a number being converted.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_EMBED_REQUEST_MAX  (8 * 1024 * 1024)

/* an answer's limit: bytes of one number, and of all but the numbers */
#define NGX_HTTP_EDGE_EMBED_NUMBER       32
#define NGX_HTTP_EDGE_EMBED_FRAME        65536


static const char *ngx_http_edge_embed_item(ngx_http_edge_rag_ctx_t *ctx,
    ngx_edge_scan_t *s, ngx_uint_t place, ngx_str_t *vectors, ngx_uint_t n);


ngx_http_edge_sub_t *
ngx_http_edge_embed_call(ngx_http_edge_rag_ctx_t *ctx,
    const ngx_str_t *inputs, ngx_uint_t n)
{
    ngx_uint_t                         i;
    ngx_edge_buf_t                     b;
    ngx_http_edge_sub_t               *sub;
    const ngx_http_edge_embed_conf_t  *conf;

    conf = ctx->conf->embed;

    ngx_http_edge_rag_begin(ctx, &b, 512, NGX_HTTP_EDGE_EMBED_REQUEST_MAX);

    ngx_edge_buf_lit(&b, "{\"model\":");
    ngx_edge_buf_json(&b, conf->model.data, conf->model.len);
    ngx_edge_buf_lit(&b, ",\"input\":[");

    for (i = 0; i < n; i++) {

        if (i) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_edge_buf_json(&b, inputs[i].data, inputs[i].len);
    }

    ngx_edge_buf_lit(&b, "],\"encoding_format\":\"float\"");

    /* only these models can be asked for a shorter vector; other servers
     * refuse the member */

    if (conf->model.len >= sizeof("text-embedding-3") - 1
        && ngx_strncmp(conf->model.data, "text-embedding-3",
                       sizeof("text-embedding-3") - 1)
           == 0)
    {
        ngx_edge_buf_lit(&b, ",\"dimensions\":");
        ngx_edge_buf_int(&b, conf->dimensions);
    }

    ngx_edge_buf_byte(&b, '}');

    sub = ngx_http_edge_rag_sub(ctx, &conf->uri, &b);
    if (sub == NULL) {
        return NULL;
    }

    sub->timeout = ctx->conf->timeout.embed;
    sub->limit = NGX_HTTP_EDGE_EMBED_FRAME
                 + n * conf->dimensions * NGX_HTTP_EDGE_EMBED_NUMBER;

    return sub;
}


const char *
ngx_http_edge_embed_read(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_sub_t *sub, ngx_str_t *vectors, ngx_uint_t n)
{
    ngx_str_t         key;
    ngx_uint_t        i;
    const char       *fault;
    ngx_edge_scan_t   s;

    ngx_memzero(vectors, n * sizeof(ngx_str_t));

    ngx_edge_scan_init(&s, sub->answer.data, sub->answer.len);

    if (ngx_edge_scan_object(&s) != NGX_OK) {
        return "the answer is not a JSON object";
    }

    while (ngx_edge_scan_member(&s, &key) == NGX_OK) {

        if (!ngx_edge_scan_is(&key, "data")) {
            (void) ngx_edge_scan_skip(&s);     /* errors are sticky */
            continue;
        }

        if (ngx_edge_scan_array(&s) != NGX_OK) {
            return "\"data\" is not a list";
        }

        for (i = 0; ngx_edge_scan_element(&s) == NGX_OK; i++) {
            fault = ngx_http_edge_embed_item(ctx, &s, i, vectors, n);

            if (fault) {
                return fault;
            }
        }
    }

    if (ngx_edge_scan_end(&s) != NGX_OK) {
        return "the answer is not JSON";
    }

    for (i = 0; i < n; i++) {
        if (vectors[i].len == 0) {
            return "a vector is missing";
        }
    }

    return NULL;
}


/* {"index":0,"embedding":[...]}; without an index the place counts. */

static const char *
ngx_http_edge_embed_item(ngx_http_edge_rag_ctx_t *ctx, ngx_edge_scan_t *s,
    ngx_uint_t place, ngx_str_t *vectors, ngx_uint_t n)
{
    uint64_t    index;
    ngx_str_t   key, vector;
    ngx_uint_t  dimensions;

    index = place;
    dimensions = 0;
    ngx_str_null(&vector);

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return "\"data\" holds something else than objects";
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "embedding")) {
            if (ngx_edge_scan_vector(s, &vector, &dimensions) != NGX_OK) {
                return "a vector is not a list of numbers";
            }

        } else if (ngx_edge_scan_is(&key, "index")) {
            if (ngx_edge_scan_uint(s, &index) == NGX_ERROR) {
                return "an index is not a number";
            }

        } else {
            (void) ngx_edge_scan_skip(s);      /* errors are sticky */
        }
    }

    if (dimensions != ctx->conf->embed->dimensions) {
        return "a vector has the wrong size";
    }

    if (index >= n || vectors[index].len) {
        return "an index is wrong";
    }

    vectors[index] = vector;

    return NULL;
}
