
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What of a request goes into its keys: always tenant, module, method and
 * location first, so that no setting can let two tenants meet.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_edge_cache_json.h"
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_http_edge_body.h"
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_route_api.h"


/* Pieces of a key: those of every request, those of a user's, and those with a
 * body.  Each has its length in front, so fewer of them are another text. */
#define NGX_HTTP_EDGE_CACHE_OF_ALL   9
#define NGX_HTTP_EDGE_CACHE_OF_USER  11
#define NGX_HTTP_EDGE_CACHE_OF_BODY  14


static ngx_int_t ngx_http_edge_cache_user(ngx_http_request_t *r,
    ngx_str_t *iss, ngx_str_t *sub);
static ngx_int_t ngx_http_edge_cache_body(ngx_http_request_t *r,
    ngx_str_t *type, ngx_str_t *body, ngx_str_t *form);
static ngx_uint_t ngx_http_edge_cache_encoded(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_kept(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *name, ngx_str_t *value);


ngx_int_t
ngx_http_edge_cache_make_key(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *method)
{
    ngx_int_t                              rc;
    ngx_str_t                              piece[NGX_HTTP_EDGE_CACHE_OF_BODY];
    ngx_uint_t                             n;
    const ngx_http_edge_record_t          *rec;
    ngx_http_edge_cache_main_conf_t       *cmcf;
    const ngx_http_edge_cache_loc_conf_t  *conf;

    conf = ctx->conf;
    rec = ngx_http_edge_record_get(r);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    ngx_memzero(piece, sizeof(piece));
    n = NGX_HTTP_EDGE_CACHE_OF_ALL;

    ngx_str_set(&piece[0], "response");
    piece[1] = rec->tenant;
    piece[2] = rec->module->name;
    piece[3] = *method;
    piece[4] = conf->id;
    piece[5] = r->headers_in.server;

    if (conf->key) {
        ngx_str_set(&piece[6], "key");

        if (ngx_http_complex_value(r, conf->key, &piece[7]) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        piece[7] = r->uri;

        if (ngx_edge_cache_key_args(r->pool, &r->args, &piece[8]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (conf->scope == NGX_HTTP_EDGE_CACHE_USER) {
        n = NGX_HTTP_EDGE_CACHE_OF_USER;
        rc = ngx_http_edge_cache_user(r, &piece[9], &piece[10]);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (r->method == NGX_HTTP_POST && method->len == sizeof("POST") - 1) {
        n = NGX_HTTP_EDGE_CACHE_OF_BODY;
        rc = ngx_http_edge_cache_body(r, &piece[11], &piece[12], &piece[13]);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_edge_cache_key(cmcf->memo, r->pool, piece, n, ctx->seek.key);
}


/* Who is not known to be somebody shares with nobody. */

static ngx_int_t
ngx_http_edge_cache_user(ngx_http_request_t *r, ngx_str_t *iss,
    ngx_str_t *sub)
{
    ngx_int_t                         rc;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    rc = ngx_http_edge_auth_claim_string(r, cmcf->sub, sub);

    if (rc != NGX_OK || sub->len == 0) {
        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_DECLINED;
    }

    /* a token without an issuer is of the one issuer that the keys have */

    rc = ngx_http_edge_auth_claim_string(r, cmcf->iss, iss);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* form tells a canonical body from one that came with the same bytes. */

static ngx_int_t
ngx_http_edge_cache_body(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *body, ngx_str_t *form)
{
    ngx_int_t     rc;
    ngx_str_t     canonical;
    ngx_chain_t  *cl;

    if (r->request_body == NULL || ngx_http_edge_cache_encoded(r)) {
        return NGX_DECLINED;
    }

    /* reading a file would hold up the request for what is rarely a hit */

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        if (!ngx_buf_in_memory(cl->buf) && !ngx_buf_special(cl->buf)) {
            return NGX_DECLINED;
        }
    }

    if (r->headers_in.content_type) {
        *type = r->headers_in.content_type->value;
    }

    rc = ngx_http_edge_body_get(r, body);

    if (rc != NGX_OK || body->len == 0
        || type->len < sizeof("application/json") - 1
        || ngx_strncasecmp(type->data, (u_char *) "application/json",
                           sizeof("application/json") - 1)
           != 0)
    {
        return rc;
    }

    rc = ngx_edge_cache_json(r->pool, body, &canonical);

    if (rc == NGX_OK) {
        *body = canonical;
        ngx_str_set(form, "canonical");
        return NGX_OK;
    }

    return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;    /* as it came */
}


/* The same bytes mean something else then, which only the target knows. */

static ngx_uint_t
ngx_http_edge_cache_encoded(ngx_http_request_t *r)
{
    ngx_http_edge_header_search_t  search;

    ngx_http_edge_header_search(&search, &r->headers_in.headers,
                                "Content-Encoding");

    return ngx_http_edge_header_next(&search) != NULL;
}


ngx_int_t
ngx_http_edge_cache_keep_headers(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    u_char           *p;
    size_t            len;
    ngx_uint_t        i, n;
    ngx_keyval_t     *kv;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (ctx->headers) {
        return NGX_OK;
    }

    len = 0;
    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            len += h[i].key.len + h[i].value.len;
            n++;
        }
    }

    /* copied: a token is taken out of a Cookie where it stands */

    p = ngx_pnalloc(r->pool, len + 1);
    ctx->headers = ngx_array_create(r->pool, n + 1, sizeof(ngx_keyval_t));

    if (p == NULL || ctx->headers == NULL) {
        return NGX_ERROR;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            kv = ngx_array_push(ctx->headers);

            if (kv == NULL) {
                return NGX_ERROR;
            }

            kv->key.data = p;
            kv->key.len = h[i].key.len;
            ngx_strlow(p, h[i].key.data, h[i].key.len);
            p += h[i].key.len;

            kv->value.data = p;
            kv->value.len = h[i].value.len;
            p = ngx_cpymem(p, h[i].value.data, h[i].value.len);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_variant(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *names,
    u_char key[NGX_EDGE_CACHE_KEY])
{
    ngx_str_t                         rest, name, *piece;
    ngx_array_t                       pieces;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    if (ngx_array_init(&pieces, r->pool, 8, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    piece = ngx_array_push_n(&pieces, 3);
    if (piece == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&piece[0], "variant");
    piece[1].data = ctx->seek.key;
    piece[1].len = NGX_EDGE_CACHE_KEY;
    piece[2] = *names;

    rest = *names;

    while (ngx_edge_cache_list_next(&rest, &name)) {
        piece = ngx_array_push(&pieces);

        if (piece == NULL
            || ngx_http_edge_cache_kept(r, ctx, &name, piece) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_edge_cache_key(cmcf->memo, r->pool, pieces.elts, pieces.nelts,
                              key);
}


/* The values of a field of the request, each behind a line feed, which no
 * value has: so an absent field differs from an empty one. */

static ngx_int_t
ngx_http_edge_cache_kept(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *name, ngx_str_t *value)
{
    u_char        *p;
    size_t         len;
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    kv = ctx->headers->elts;
    len = 0;

    for (i = 0; i < ctx->headers->nelts; i++) {
        len += 1 + kv[i].value.len;
    }

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;

    for (i = 0; i < ctx->headers->nelts; i++) {

        if (kv[i].key.len == name->len
            && ngx_strncmp(kv[i].key.data, name->data, name->len) == 0)
        {
            *p++ = LF;
            p = ngx_cpymem(p, kv[i].value.data, kv[i].value.len);
        }
    }

    value->len = p - value->data;

    return NGX_OK;
}
