
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks that differ by their text only.  The bytes before the text being the
 * same, a reader of JSON is at the same place in the same state when it comes
 * to the text; behind a string that is whole it is again.
 */


#include "lib/ngx_edge_scan.h"
#include "rag/ngx_edge_repeat.h"


#define NGX_EDGE_REPEAT_STEP  128


void
ngx_edge_repeat_keep(ngx_edge_repeat_t *repeat, ngx_pool_t *pool,
    const ngx_str_t *json, const ngx_str_t *text)
{
    size_t  len, before;

    repeat->before = 0;

    len = json->len - text->len;

    if (text->len == 0 || len > NGX_EDGE_REPEAT_MAX) {
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

    before = text->data - json->data;

    repeat->before = before;
    repeat->behind = len - before;

    ngx_memcpy(repeat->data, json->data, before);
    ngx_memcpy(repeat->data + before, text->data + text->len, len - before);
}


ngx_int_t
ngx_edge_repeat_read(const ngx_edge_repeat_t *repeat, const ngx_str_t *json,
    ngx_str_t *text)
{
    size_t           before, behind;
    ngx_str_t        inside;
    ngx_edge_scan_t  s;

    before = repeat->before;
    behind = repeat->behind;

    if (before == 0
        || json->len < before + behind
        || ngx_memcmp(json->data, repeat->data, before) != 0
        || ngx_memcmp(json->data + json->len - behind, repeat->data + before,
                      behind) != 0)
    {
        return NGX_DECLINED;
    }

    /* the string must end where those bytes begin, and with their quote */

    ngx_edge_scan_init(&s, json->data + before - 1, json->len - before + 1);

    if (ngx_edge_scan_string(&s, &inside) != NGX_OK
        || inside.len != json->len - before - behind)
    {
        return NGX_DECLINED;
    }

    *text = inside;

    return NGX_OK;
}
