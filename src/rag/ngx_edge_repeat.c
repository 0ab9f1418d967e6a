
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks that differ by strings only.  The bytes before the text being the
 * same, a reader of JSON is at the same place in the same state when it comes
 * to the text; behind a string that is whole it is again.
 */


#include "lib/ngx_edge_scan.h"
#include "rag/ngx_edge_repeat.h"


#define NGX_EDGE_REPEAT_STEP  128


static u_char *ngx_edge_repeat_string(u_char *quote, u_char *last,
    ngx_str_t *inside);


void
ngx_edge_repeat_keep(ngx_edge_repeat_t *repeat, ngx_pool_t *pool,
    const ngx_str_t *json, const ngx_str_t *text, const ngx_str_t *padding)
{
    size_t   len;
    u_char  *p, *end, *behind;

    repeat->before = 0;

    if (text->len == 0) {
        return;
    }

    end = text->data + text->len;
    behind = end;
    len = json->len - text->len;

    if (padding->data > end) {
        behind = padding->data + padding->len;
        len -= padding->len;
    }

    if (len > NGX_EDGE_REPEAT_MAX) {
        return;
    }

    if (len > repeat->size) {

        /* they seldom grow: what is left behind is less than 1 KB */

        repeat->size = ngx_align(len, NGX_EDGE_REPEAT_STEP);
        repeat->data = ngx_pnalloc(pool, repeat->size);

        if (repeat->data == NULL) {
            repeat->size = 0;
            return;
        }
    }

    repeat->before = text->data - json->data;
    repeat->between = (behind > end) ? padding->data - end : 0;
    repeat->behind = json->data + json->len - behind;

    p = ngx_cpymem(repeat->data, json->data, repeat->before);
    p = ngx_cpymem(p, end, repeat->between);
    ngx_memcpy(p, behind, repeat->behind);
}


ngx_int_t
ngx_edge_repeat_read(const ngx_edge_repeat_t *repeat, const ngx_str_t *json,
    ngx_str_t *text)
{
    u_char        *p, *last;
    ngx_str_t      inside, padding;
    const u_char  *kept;

    kept = repeat->data;

    if (repeat->before == 0
        || json->len < repeat->before + repeat->between + repeat->behind
        || ngx_memcmp(json->data, kept, repeat->before) != 0)
    {
        return NGX_DECLINED;
    }

    kept += repeat->before;
    last = json->data + json->len;

    p = ngx_edge_repeat_string(json->data + repeat->before - 1, last, &inside);

    if (p && repeat->between) {

        if ((size_t) (last - p) < repeat->between
            || ngx_memcmp(p, kept, repeat->between) != 0)
        {
            return NGX_DECLINED;
        }

        kept += repeat->between;

        p = ngx_edge_repeat_string(p + repeat->between - 1, last, &padding);
    }

    if (p == NULL
        || (size_t) (last - p) != repeat->behind
        || ngx_memcmp(p, kept, repeat->behind) != 0)
    {
        return NGX_DECLINED;
    }

    *text = inside;

    return NGX_OK;
}


/* The quote that ends the string whose first one is at quote, and what is
 * between them; NULL if it is no string. */

static u_char *
ngx_edge_repeat_string(u_char *quote, u_char *last, ngx_str_t *inside)
{
    ngx_edge_scan_t  s;

    ngx_edge_scan_init(&s, quote, last - quote);

    if (ngx_edge_scan_string(&s, inside) != NGX_OK) {
        return NULL;
    }

    return inside->data + inside->len;
}
