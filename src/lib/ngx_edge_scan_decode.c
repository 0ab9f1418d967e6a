
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * From the raw text of a JSON string to what it says.
 */


#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"


static u_char ngx_edge_scan_control(u_char c);


ngx_int_t
ngx_edge_scan_decode(ngx_pool_t *pool, const ngx_str_t *raw, ngx_str_t *text)
{
    u_char        *dst;
    const u_char  *p, *last;

    p = raw->data;
    last = p + raw->len;

    if (raw->len == 0 || ngx_strlchr((u_char *) p, (u_char *) last, '\\')
                         == NULL)
    {
        *text = *raw;
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    dst = ngx_pnalloc(pool, raw->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    text->data = dst;

    while (p < last) {

        if (*p != '\\' || last - p < 2) {
            *dst++ = *p++;
            continue;
        }

        if (p[1] == 'u') {
            dst = ngx_edge_utf8_put(dst, ngx_edge_utf8_unescape(&p, last));
            continue;
        }

        *dst++ = ngx_edge_scan_control(p[1]);
        p += 2;
    }

    text->len = dst - text->data;

    return NGX_OK;
}


/* The byte that a backslash and c stand for. */

static u_char
ngx_edge_scan_control(u_char c)
{
    switch (c) {

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return '\n';

    case 'r':
        return '\r';

    case 't':
        return '\t';

    default:
        return c;
    }
}
