
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys of entries.  Knows texts and a digest.
 */


#include "cache/ngx_edge_cache_key.h"


#define NGX_EDGE_CACHE_KEY_STACK  512      /* bytes of a usual key's pieces */
#define NGX_EDGE_CACHE_KEY_ARGS   64       /* arguments that are sorted */


static ngx_int_t ngx_edge_cache_key_compare(const ngx_str_t *a,
    const ngx_str_t *b);
static size_t ngx_edge_cache_key_name(const ngx_str_t *arg);


ngx_int_t
ngx_edge_cache_key(ngx_edge_memo_t *memo, ngx_pool_t *pool,
    const ngx_str_t *pieces, ngx_uint_t n, u_char key[NGX_EDGE_CACHE_KEY])
{
    u_char      *p, *last;
    uint32_t     len;
    ngx_str_t    text;
    ngx_uint_t   i;
    u_char       stack[NGX_EDGE_CACHE_KEY_STACK];

    text.len = n * sizeof(uint32_t);

    for (i = 0; i < n; i++) {
        if (pieces[i].len > NGX_MAX_UINT32_VALUE) {
            return NGX_ERROR;
        }

        text.len += pieces[i].len;
    }

    text.data = stack;

    if (text.len > sizeof(stack)) {
        text.data = ngx_pnalloc(pool, text.len);
        if (text.data == NULL) {
            return NGX_ERROR;
        }
    }

    p = text.data;
    last = p + text.len;

    for (i = 0; i < n && p < last; i++) {
        len = (uint32_t) pieces[i].len;
        p = ngx_cpymem(p, &len, sizeof(uint32_t));

        if (len) {
            p = ngx_cpymem(p, pieces[i].data, len);
        }
    }

    return ngx_edge_memo_digest(memo, &text, key);
}


ngx_int_t
ngx_edge_cache_key_args(ngx_pool_t *pool, const ngx_str_t *args,
    ngx_str_t *sorted)
{
    u_char      *p, *last, *end;
    ngx_str_t    arg[NGX_EDGE_CACHE_KEY_ARGS], moved;
    ngx_uint_t   i, n, order;

    *sorted = *args;

    p = args->data;
    last = p + args->len;
    order = 1;

    for (n = 0; p < last; n++) {

        if (n == NGX_EDGE_CACHE_KEY_ARGS) {
            return NGX_OK;
        }

        end = ngx_strlchr(p, last, '&');

        if (end == NULL) {
            end = last;
        }

        moved.data = p;
        moved.len = end - p;
        p = end + 1;

        for (i = n; i > 0; i--) {

            if (ngx_edge_cache_key_compare(&arg[i - 1], &moved) <= 0) {
                break;
            }

            arg[i] = arg[i - 1];
            order = 0;
        }

        arg[i] = moved;
    }

    if (order) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, args->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    sorted->data = p;

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = '&';
        }

        p = ngx_cpymem(p, arg[i].data, arg[i].len);
    }

    sorted->len = p - sorted->data;

    return NGX_OK;
}


/* By name alone: a name that comes twice means a list. */

static ngx_int_t
ngx_edge_cache_key_compare(const ngx_str_t *a, const ngx_str_t *b)
{
    size_t     alen, blen;
    ngx_int_t  rc;

    alen = ngx_edge_cache_key_name(a);
    blen = ngx_edge_cache_key_name(b);

    rc = ngx_memcmp(a->data, b->data, ngx_min(alen, blen));

    if (rc) {
        return rc;
    }

    return (alen < blen) ? -1 : (alen > blen);
}


static size_t
ngx_edge_cache_key_name(const ngx_str_t *arg)
{
    u_char  *p;

    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    return p ? (size_t) (p - arg->data) : arg->len;
}
