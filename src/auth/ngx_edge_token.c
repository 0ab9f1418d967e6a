
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Taking a compact token apart.  Knows what a header may ask for, not what a
 * claim means.
 */


#include "auth/ngx_edge_token.h"
#include "auth/ngx_edge_members.h"
#include "lib/ngx_edge_base64url.h"


#define NGX_EDGE_TOKEN_TYP_MAX  64


static ngx_int_t ngx_edge_token_header(ngx_pool_t *pool,
    ngx_edge_token_t *token, const char **reason);
static ngx_int_t ngx_edge_token_member(ngx_edge_members_t *m,
    ngx_edge_scan_t *s, const ngx_str_t *name, ngx_edge_token_t *token);
static ngx_int_t ngx_edge_token_string(ngx_edge_members_t *m,
    ngx_edge_scan_t *s, size_t max, ngx_str_t *text);


ngx_int_t
ngx_edge_token_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_edge_token_t *token, const char **reason)
{
    u_char     *p, *last, *dot, *dot2;
    size_t      h, c, s;
    ngx_int_t   rc;

    ngx_memzero(token, sizeof(ngx_edge_token_t));

    p = text->data;
    last = text->len ? p + text->len : p;

    dot = text->len ? memchr(p, '.', text->len) : NULL;
    dot2 = dot ? memchr(dot + 1, '.', last - dot - 1) : NULL;

    if (dot2 == NULL) {
        *reason = "not three parts";
        return NGX_DECLINED;
    }

    token->signing.data = p;
    token->signing.len = dot2 - p;

    h = dot - p;
    c = dot2 - dot - 1;
    s = last - dot2 - 1;

    if (h > ngx_edge_base64url_encoded(NGX_EDGE_TOKEN_HEADER_MAX)) {
        *reason = "header too large";
        return NGX_DECLINED;
    }

    token->header.data = ngx_pnalloc(pool, ngx_edge_base64url_decoded(h)
                                           + ngx_edge_base64url_decoded(c)
                                           + ngx_edge_base64url_decoded(s));
    if (token->header.data == NULL) {
        return NGX_ERROR;
    }

    token->payload.data = token->header.data + ngx_edge_base64url_decoded(h);
    token->signature.data = token->payload.data
                            + ngx_edge_base64url_decoded(c);

    /* a dot behind the second one is no base64url */

    if (ngx_edge_base64url_decode(&token->header, p, h) != NGX_OK
        || ngx_edge_base64url_decode(&token->payload, dot + 1, c) != NGX_OK
        || ngx_edge_base64url_decode(&token->signature, dot2 + 1, s)
           != NGX_OK)
    {
        *reason = memchr(dot2 + 1, '.', s) ? "not three parts"
                                           : "not base64url";
        return NGX_DECLINED;
    }

    rc = ngx_edge_token_header(pool, token, reason);

    if (rc == NGX_OK && token->signature.len == 0) {
        *reason = "no signature";
        return NGX_DECLINED;
    }

    return rc;
}


static ngx_int_t
ngx_edge_token_header(ngx_pool_t *pool, ngx_edge_token_t *token,
    const char **reason)
{
    ngx_int_t                  rc;
    ngx_str_t                  name;
    ngx_edge_scan_t            s;
    ngx_edge_members_t         m;
    ngx_edge_members_object_t  o;

    ngx_edge_members_init(&m, pool);
    ngx_edge_scan_init(&s, token->header.data, token->header.len);

    rc = ngx_edge_members_enter(&m, &s, &o);

    while (rc == NGX_OK) {
        rc = ngx_edge_members_next(&m, &s, &o, &name);

        if (rc == NGX_OK) {
            rc = ngx_edge_token_member(&m, &s, &name, token);
        }
    }

    if (rc == NGX_DONE) {
        rc = ngx_edge_members_end(&m, &s);
    }

    if (rc == NGX_OK && token->alg == ngx_edge_jwt_alg_unknown) {
        m.reason = "no alg";
        rc = NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        *reason = m.reason;
    }

    return rc;
}


static ngx_int_t
ngx_edge_token_member(ngx_edge_members_t *m, ngx_edge_scan_t *s,
    const ngx_str_t *name, ngx_edge_token_t *token)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (name->len == 3) {

        if (ngx_edge_scan_is(name, "alg")) {
            rc = ngx_edge_token_string(m, s, NGX_EDGE_TOKEN_TYP_MAX, &text);

            if (rc != NGX_OK) {
                m->reason = "alg is no algorithm";
                return rc;
            }

            token->alg = ngx_edge_jwt_alg(&text);

            if (token->alg == ngx_edge_jwt_alg_unknown) {
                m->reason = "alg is not supported";
                return NGX_DECLINED;
            }

            return NGX_OK;
        }

        if (ngx_edge_scan_is(name, "kid")) {
            m->reason = "kid is no string, or too long";
            return ngx_edge_token_string(m, s, NGX_EDGE_TOKEN_KID_MAX,
                                         &token->kid);
        }

        if (ngx_edge_scan_is(name, "typ")) {
            m->reason = "typ is no string, or too long";
            return ngx_edge_token_string(m, s, NGX_EDGE_TOKEN_TYP_MAX,
                                         &token->typ);
        }

        /* an unencoded payload (RFC 7797) would be something else than what
         * the claims are read from */

        if (ngx_edge_scan_is(name, "b64")) {

            if (ngx_edge_scan_type(s) != ngx_edge_scan_type_true) {
                m->reason = "b64 is not true";
                return NGX_DECLINED;
            }

        } else if (ngx_edge_scan_is(name, "zip")
                   || ngx_edge_scan_is(name, "enc"))
        {
            m->reason = "zip or enc in a signed token";
            return NGX_DECLINED;
        }

    } else if (ngx_edge_scan_is(name, "crit")) {
        m->reason = "crit names what is not understood";
        return NGX_DECLINED;
    }

    return ngx_edge_members_skip(m, s);
}


/* A string of at most max bytes: NGX_OK with data never NULL. */

static ngx_int_t
ngx_edge_token_string(ngx_edge_members_t *m, ngx_edge_scan_t *s, size_t max,
    ngx_str_t *text)
{
    ngx_str_t  raw;

    if (ngx_edge_scan_string(s, &raw) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_edge_scan_decode(m->pool, &raw, text) != NGX_OK) {
        return NGX_ERROR;
    }

    return (text->len <= max) ? NGX_OK : NGX_DECLINED;
}
