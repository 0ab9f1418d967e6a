
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing of integers.
 */


#include "lib/ngx_edge_decimal.h"


u_char *
ngx_edge_decimal(u_char *p, int64_t n)
{
    u_char    *first, digits[NGX_INT64_LEN];
    uint64_t   u;

    u = (n < 0) ? 0 - (uint64_t) n : (uint64_t) n;
    first = digits + sizeof(digits);

    do {
        *--first = (u_char) ('0' + u % 10);
        u /= 10;
    } while (u);

    if (n < 0) {
        *--first = '-';
    }

    return ngx_cpymem(p, first, digits + sizeof(digits) - first);
}
