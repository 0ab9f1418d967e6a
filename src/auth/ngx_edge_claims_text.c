
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Showing claims: as the text of a variable, and as compact JSON.  Nothing that
 * comes out of here has a control character, and no word of a list a comma.
 */


#include "auth/ngx_edge_claims.h"


#define NGX_EDGE_CLAIMS_ESCAPE  (sizeof("\\u0000") - 1)


static size_t ngx_edge_claims_room(const ngx_str_t *raw);
static u_char *ngx_edge_claims_put(u_char *dst, const ngx_str_t *text,
    ngx_uint_t list);
static u_char *ngx_edge_claims_put_json(u_char *dst, const ngx_str_t *json,
    ngx_uint_t list);
static ngx_int_t ngx_edge_claims_put_list(ngx_pool_t *pool, u_char **dst,
    const ngx_str_t *array);
static const u_char *ngx_edge_claims_quoted(const u_char *p,
    const u_char *last);


ngx_int_t
ngx_edge_claims_text(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_str_t *text)
{
    u_char                *p;
    size_t                 room;
    ngx_str_t              raw, plain;
    ngx_edge_scan_type_e   type;

    if (ngx_edge_claims_find(json, path, &type, &raw) != NGX_OK
        || type == ngx_edge_scan_type_null)
    {
        return NGX_DECLINED;
    }

    *text = raw;

    if (type == ngx_edge_scan_type_number
        || type == ngx_edge_scan_type_true
        || type == ngx_edge_scan_type_false)
    {
        return NGX_OK;
    }

    room = ngx_edge_claims_room(&raw);

    if (type == ngx_edge_scan_type_string) {

        if (room == raw.len) {
            return NGX_OK;
        }

        if (ngx_edge_scan_decode(pool, &raw, &plain) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    text->data = ngx_pnalloc(pool, room);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = text->data;

    if (type == ngx_edge_scan_type_string) {
        p = ngx_edge_claims_put(p, &plain, 0);

    } else if (type == ngx_edge_scan_type_object) {
        p = ngx_edge_claims_put_json(p, &raw, 0);

    } else if (ngx_edge_claims_put_list(pool, &p, &raw) != NGX_OK) {
        return NGX_ERROR;
    }

    text->len = p - text->data;

    return NGX_OK;
}


/* What a raw text may need when it is shown: its length, if nothing in it is
 * shown in another way. */

static size_t
ngx_edge_claims_room(const ngx_str_t *raw)
{
    u_char  c;
    size_t  i, room;

    room = raw->len;

    for (i = 0; i < raw->len; i++) {
        c = raw->data[i];

        if (c == '\\' || c == ',' || c == 0x7f) {
            room += NGX_EDGE_CLAIMS_ESCAPE - 1;
        }
    }

    return room;
}


static u_char *
ngx_edge_claims_put(u_char *dst, const ngx_str_t *text, ngx_uint_t list)
{
    u_char  c;
    size_t  i;

    static const u_char  hex[] = "0123456789abcdef";

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c == 0x7f || (list && c == ',')) {
            dst = ngx_cpymem(dst, "\\u00", 4);
            *dst++ = hex[c >> 4];
            *dst++ = hex[c & 15];

        } else {
            *dst++ = c;
        }
    }

    return dst;
}


/*
 * A list's words.  An object or array in it is JSON, in whose strings a comma
 * may be written as an escape too.
 */

static ngx_int_t
ngx_edge_claims_put_list(ngx_pool_t *pool, u_char **dst,
    const ngx_str_t *array)
{
    u_char           *p;
    ngx_str_t         raw, plain;
    ngx_uint_t        n;
    ngx_edge_scan_t   s;

    p = *dst;

    ngx_edge_scan_init(&s, array->data, array->len);
    (void) ngx_edge_scan_array(&s);

    for (n = 0; ngx_edge_scan_element(&s) == NGX_OK; n++) {

        if (n) {
            *p++ = ',';
        }

        if (ngx_edge_scan_type(&s) == ngx_edge_scan_type_string) {
            (void) ngx_edge_scan_string(&s, &raw);

            if (ngx_edge_scan_decode(pool, &raw, &plain) != NGX_OK) {
                return NGX_ERROR;
            }

            p = ngx_edge_claims_put(p, &plain, 1);

        } else {
            (void) ngx_edge_scan_raw(&s, &raw);

            p = ngx_edge_claims_put_json(p, &raw, 1);
        }
    }

    *dst = p;

    return NGX_OK;
}


/* JSON without white space; what its strings hold is escaped as above, which
 * changes how they are written, not what they say. */

static u_char *
ngx_edge_claims_put_json(u_char *dst, const ngx_str_t *json, ngx_uint_t list)
{
    ngx_str_t      text;
    const u_char  *p, *last, *next;

    p = json->data;
    last = p + json->len;

    while (p < last) {

        if (*p == '"') {
            next = ngx_edge_claims_quoted(p, last);

            text.data = (u_char *) p;
            text.len = next - p;
            dst = ngx_edge_claims_put(dst, &text, list);

            p = next;
            continue;
        }

        if (*p > ' ') {
            *dst++ = *p;
        }

        p++;
    }

    return dst;
}


/* The byte behind the string whose first quote is at p < last. */

static const u_char *
ngx_edge_claims_quoted(const u_char *p, const u_char *last)
{
    for (p++; p < last && *p != '"'; p++) {

        if (*p == '\\' && p + 1 < last) {
            p++;
        }
    }

    return (p < last) ? p + 1 : last;
}


ngx_int_t
ngx_edge_claims_compact(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_str_t *text)
{
    u_char        *dst;
    const u_char  *p, *last, *next;

    *text = *json;

    p = json->data;
    last = json->len ? p + json->len : p;

    while (p < last && *p > ' ') {
        p = (*p == '"') ? ngx_edge_claims_quoted(p, last) : p + 1;
    }

    if (p == last) {
        return NGX_OK;
    }

    text->data = ngx_pnalloc(pool, json->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    dst = ngx_cpymem(text->data, json->data, p - json->data);

    while (p < last) {

        if (*p == '"') {
            next = ngx_edge_claims_quoted(p, last);
            dst = ngx_cpymem(dst, p, next - p);
            p = next;
            continue;
        }

        if (*p > ' ') {
            *dst++ = *p;
        }

        p++;
    }

    text->len = dst - text->data;

    return NGX_OK;
}
