
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading of rates.  It is done for each request where a rate comes from a
 * variable, so it makes no copies.
 */


#include "limit/ngx_edge_rate.h"


#define NGX_EDGE_RATE_SECOND  ((int64_t) 1000000)


ngx_int_t
ngx_edge_rate_parse(const ngx_str_t *text, u_char unit, ngx_edge_rate_t *rate)
{
    u_char   *p, *last;
    int64_t   n;

    p = text->data;
    last = p + text->len;
    n = 0;

    while (p < last && *p >= '0' && *p <= '9') {
        n = n * 10 + (*p++ - '0');

        if (n > NGX_EDGE_RATE_MAX) {
            return NGX_ERROR;
        }
    }

    if (n == 0 || last - p != 3 || p[0] != unit || p[1] != '/') {
        return NGX_ERROR;
    }

    switch (p[2]) {

    case 's':
        rate->window = NGX_EDGE_RATE_SECOND;
        break;

    case 'm':
        rate->window = 60 * NGX_EDGE_RATE_SECOND;
        break;

    case 'h':
        rate->window = 3600 * NGX_EDGE_RATE_SECOND;
        break;

    case 'd':
        rate->window = 86400 * NGX_EDGE_RATE_SECOND;
        break;

    default:
        return NGX_ERROR;
    }

    if (unit == 'r' && n > rate->window) {
        return NGX_ERROR;
    }

    rate->limit = n;
    rate->unit = unit;
    rate->period = p[2];

    return NGX_OK;
}
