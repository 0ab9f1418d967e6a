
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The rules for paths.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "route/ngx_edge_path.h"


static u_char ngx_edge_path_next(const u_char **p, const u_char *last,
    ngx_uint_t *encoded);


ngx_uint_t
ngx_edge_path_plain(const ngx_str_t *target)
{
    u_char         c;
    ngx_uint_t     encoded;
    const u_char  *p, *last;

    enum {
        sw_start = 0,      /* at the first byte of a segment */
        sw_dot,
        sw_dot_dot,
        sw_name
    } state;

    p = target->data;
    last = p + target->len;
    state = sw_name;

    while (p < last && *p != '?' && *p != '#') {
        c = ngx_edge_path_next(&p, last, &encoded);

        if (c == '\\' || c == '\0' || (c == '/' && encoded)) {
            return 0;
        }

        if (c == '/' || c == ';') {

            if (state == sw_dot || state == sw_dot_dot) {
                return 0;
            }

            state = (c == '/') ? sw_start : sw_name;
            continue;
        }

        if (c != '.') {
            state = sw_name;
            continue;
        }

        switch (state) {

        case sw_start:
            state = sw_dot;
            break;

        case sw_dot:
            state = sw_dot_dot;
            break;

        default:
            state = sw_name;
        }
    }

    return state != sw_dot && state != sw_dot_dot;
}


ngx_uint_t
ngx_edge_path_prefix(const ngx_str_t *path)
{
    size_t  i;
    u_char  c;

    if (path->len == 0
        || path->data[0] != '/'
        || path->data[path->len - 1] != '/'
        || ngx_edge_path_doubled(path))
    {
        return 0;
    }

    for (i = 0; i < path->len; i++) {
        c = path->data[i];

        if (c <= ' ' || c == 0x7f
            || c == '%' || c == '?' || c == '#' || c == ';')
        {
            return 0;
        }
    }

    return ngx_edge_path_plain(path);
}


ngx_uint_t
ngx_edge_path_doubled(const ngx_str_t *path)
{
    size_t  i;

    for (i = 1; i < path->len; i++) {
        if (path->data[i] == '/' && path->data[i - 1] == '/') {
            return 1;
        }
    }

    return 0;
}


/* The next byte, decoded; a broken escape is the '%' that it is. */

static u_char
ngx_edge_path_next(const u_char **p, const u_char *last, ngx_uint_t *encoded)
{
    u_char      c;
    ngx_int_t   n;

    c = *(*p)++;
    *encoded = 0;

    if (c != '%' || last - *p < 2) {
        return c;
    }

    n = ngx_hextoi((u_char *) *p, 2);

    if (n == NGX_ERROR) {
        return c;
    }

    *p += 2;
    *encoded = 1;

    return (u_char) n;
}
