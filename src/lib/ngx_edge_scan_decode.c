
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * From the raw text of a JSON string to what it says.
 */


#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"


static u_char ngx_edge_scan_unescape(u_char c);


ngx_int_t
ngx_edge_scan_decode(ngx_pool_t *pool, const ngx_str_t *raw, ngx_str_t *text)
{
    u_char        *dst, c;
    uint32_t       cp;
    const u_char  *p, *last, *next;

    if (raw->len == 0 || memchr(raw->data, '\\', raw->len) == NULL) {
        *text = *raw;
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    dst = ngx_pnalloc(pool, raw->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    p = raw->data;
    last = p + raw->len;

    text->data = dst;                   /* the caller's raw may be its text */

    while (p < last) {

        next = memchr(p, '\\', last - p);
        if (next == NULL) {
            next = last;
        }

        dst = ngx_cpymem(dst, p, next - p);
        p = next;

        if (last - p < 2) {
            break;
        }

        c = ngx_edge_scan_unescape(p[1]);

        if (c) {
            *dst++ = c;
            p += 2;
            continue;
        }

        cp = ngx_edge_utf8_unescape(&p, last);

        if (cp != NGX_EDGE_UTF8_BAD) {
            dst = ngx_edge_utf8_put(dst, cp);
        }
    }

    text->len = dst - text->data;

    return NGX_OK;
}


/* What a backslash and c stand for, 0 if it is nothing, or \u. */

static u_char
ngx_edge_scan_unescape(u_char c)
{
    switch (c) {

    case '"':
    case '\\':
    case '/':
        return c;

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return LF;

    case 'r':
        return CR;

    case 't':
        return '\t';

    default:
        return 0;
    }
}
