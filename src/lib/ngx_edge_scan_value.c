
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the pull parser's scalars are worth.  Grammar and position are in
 * ngx_edge_scan.c, decoding in ngx_edge_scan_decode.c.
 */


#include "lib/ngx_edge_scan.h"

#include <float.h>


static double ngx_edge_scan_double(const u_char *p, const u_char *last);


ngx_int_t
ngx_edge_scan_string_or_skip(ngx_edge_scan_t *s, ngx_str_t *raw)
{
    if (ngx_edge_scan_type(s) == ngx_edge_scan_type_string) {
        return ngx_edge_scan_string(s, raw);
    }

    ngx_str_null(raw);

    return (ngx_edge_scan_skip(s) == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_edge_scan_number(ngx_edge_scan_t *s, double *n)
{
    double      value;
    ngx_str_t   text;
    ngx_uint_t  number;

    number = (ngx_edge_scan_type(s) == ngx_edge_scan_type_number);

    if (ngx_edge_scan_raw(s, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    value = number ? ngx_edge_scan_double(text.data, s->pos) : 0;

    if (!number || value < -DBL_MAX || value > DBL_MAX) {
        s->error = 1;
        s->pos = s->last;
        return NGX_ERROR;
    }

    *n = value;

    return NGX_OK;
}


/*
 * The value of a number of good grammar.  strtod() is no choice: it needs an
 * end and obeys the locale.  19 digits count, which is more than a double
 * holds; the last bit may differ from the nearest double.
 */

static double
ngx_edge_scan_double(const u_char *p, const u_char *last)
{
    uint64_t     mantissa;
    ngx_int_t    exp, e, sign;
    ngx_uint_t   minus, point;
    long double  value, power;

    minus = (*p == '-');
    p += minus;
    mantissa = 0;
    exp = 0;
    point = 0;

    for ( /* void */ ; p < last && (*p | 0x20) != 'e'; p++) {

        if (*p == '.') {
            point = 1;
            continue;
        }

        if (mantissa < 1000000000000000000ULL) {
            mantissa = mantissa * 10 + (*p - '0');
            exp -= point;

        } else {
            exp += !point;
        }
    }

    if (p < last) {
        p++;
        sign = (*p == '-') ? -1 : 1;
        p += (*p == '-' || *p == '+');

        for (e = 0; p < last; p++) {
            e = ngx_min(e * 10 + (*p - '0'), 100000);
        }

        exp += sign * e;
    }

    value = (long double) mantissa;
    power = 10;

    for (e = ngx_min(ngx_abs(exp), 100000); e && value != 0; e >>= 1) {

        if (e & 1) {
            value = (exp < 0) ? value / power : value * power;
        }

        power *= power;
    }

    return (double) (minus ? -value : value);
}


ngx_int_t
ngx_edge_scan_uint(ngx_edge_scan_t *s, uint64_t *n)
{
    u_char     *p;
    uint64_t    value;
    ngx_str_t   text;

    if (ngx_edge_scan_raw(s, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    value = 0;

    for (p = text.data; p < s->pos; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        value = value * 10 + (*p - '0');

        if (value > ((uint64_t) 1 << 53)) {
            return NGX_DECLINED;
        }
    }

    *n = value;

    return NGX_OK;
}
