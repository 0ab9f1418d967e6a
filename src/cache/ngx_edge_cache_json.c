
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The canonical form.  Recursion is bounded by the parser's depth.
 */


#include "cache/ngx_edge_cache_json.h"
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_json.h"


typedef struct {
    ngx_str_t         name;
    ngx_edge_json_t  *value;
} ngx_edge_cache_json_member_t;


static ngx_int_t ngx_edge_cache_json_value(ngx_edge_buf_t *b,
    const ngx_edge_json_t *value);
static ngx_int_t ngx_edge_cache_json_object(ngx_edge_buf_t *b,
    const ngx_edge_json_t *object);
static void ngx_edge_cache_json_number(ngx_edge_buf_t *b,
    const ngx_edge_json_t *value);
static int ngx_libc_cdecl ngx_edge_cache_json_compare(const void *one,
    const void *two);


ngx_int_t
ngx_edge_cache_json(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *canonical)
{
    ngx_edge_buf_t          b;
    ngx_edge_json_t        *root;
    ngx_edge_json_error_t   error;

    ngx_memzero(&error, sizeof(ngx_edge_json_error_t));

    root = ngx_edge_json_parse(pool, text, NGX_EDGE_JSON_DEPTH, &error);

    if (root == NULL) {
        return error.detail ? NGX_DECLINED : NGX_ERROR;
    }

    /* a number may become longer than it was written, nothing else */

    ngx_edge_buf_init(&b, pool, text->len + 64, 20 * text->len + 64);

    if (ngx_edge_cache_json_value(&b, root) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_edge_buf_done(&b, canonical);
}


static ngx_int_t
ngx_edge_cache_json_value(ngx_edge_buf_t *b, const ngx_edge_json_t *value)
{
    ngx_str_t   text;
    ngx_uint_t  i;

    switch (ngx_edge_json_type(value)) {

    case ngx_edge_json_type_object:
        return ngx_edge_cache_json_object(b, value);

    case ngx_edge_json_type_array:
        ngx_edge_buf_byte(b, '[');

        for (i = 0; i < ngx_edge_json_size(value); i++) {

            if (ngx_edge_cache_json_value(b, ngx_edge_json_at(value, i))
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            ngx_edge_buf_byte(b, ',');
        }

        ngx_edge_buf_byte(b, ']');
        break;

    case ngx_edge_json_type_string:
        ngx_edge_json_string(value, &text);
        ngx_edge_buf_json(b, text.data, text.len);
        break;

    case ngx_edge_json_type_number:
        ngx_edge_cache_json_number(b, value);
        break;

    case ngx_edge_json_type_bool:
        ngx_edge_buf_byte(b, ngx_edge_json_bool(value) ? 't' : 'f');
        break;

    default: /* ngx_edge_json_type_null */
        ngx_edge_buf_byte(b, 'n');
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_cache_json_object(ngx_edge_buf_t *b, const ngx_edge_json_t *object)
{
    void                          *iter;
    ngx_uint_t                     i, n;
    ngx_edge_cache_json_member_t  *member;

    n = ngx_edge_json_size(object);

    member = ngx_palloc(b->pool,
                        (n + 1) * sizeof(ngx_edge_cache_json_member_t));
    if (member == NULL) {
        return NGX_ERROR;
    }

    iter = NULL;

    for (i = 0; i < n; i++) {
        if (!ngx_edge_json_member(object, &iter, &member[i].name,
                                  &member[i].value))
        {
            break;
        }
    }

    n = i;

    ngx_qsort(member, n, sizeof(ngx_edge_cache_json_member_t),
              ngx_edge_cache_json_compare);

    ngx_edge_buf_byte(b, '{');

    for (i = 0; i < n; i++) {
        ngx_edge_buf_json(b, member[i].name.data, member[i].name.len);
        ngx_edge_buf_byte(b, ':');

        if (ngx_edge_cache_json_value(b, member[i].value) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_edge_buf_byte(b, ',');
    }

    ngx_edge_buf_byte(b, '}');

    return NGX_OK;
}


/* One that is no integer by its bits: decimal digits could be too few. */

static void
ngx_edge_cache_json_number(ngx_edge_buf_t *b, const ngx_edge_json_t *value)
{
    double   d;
    int64_t  n;
    u_char   hex[2 * sizeof(double)];

    if (ngx_edge_json_integer(value, &n)) {
        ngx_edge_buf_int(b, n);
        return;
    }

    d = ngx_edge_json_number(value);

    (void) ngx_hex_dump(hex, (u_char *) &d, sizeof(double));

    ngx_edge_buf_byte(b, 'd');
    ngx_edge_buf_add(b, hex, sizeof(hex));
}


static int ngx_libc_cdecl
ngx_edge_cache_json_compare(const void *one, const void *two)
{
    int                                  rc;
    const ngx_edge_cache_json_member_t  *a, *b;

    a = one;
    b = two;

    rc = ngx_memcmp(a->name.data, b->name.data,
                    ngx_min(a->name.len, b->name.len));

    if (rc) {
        return rc;
    }

    return (a->name.len < b->name.len) ? -1 : (a->name.len > b->name.len);
}
