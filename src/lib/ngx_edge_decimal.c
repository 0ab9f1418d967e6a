
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing of integers.
 */


#include "lib/ngx_edge_decimal.h"


/* The digits are written where they belong, from the last one on, so that
 * nothing has to be copied: most numbers are short. */

u_char *
ngx_edge_decimal(u_char *p, int64_t n)
{
    u_char    *last;
    uint64_t   u, power;

    u = (uint64_t) n;

    if (n < 0) {
        *p++ = '-';
        u = 0 - u;
    }

    last = p + 1;

    for (power = 10; u >= power; power *= 10) {
        last++;
    }

    p = last;

    do {
        *--p = (u_char) ('0' + u % 10);
        u /= 10;
    } while (u);

    return last;
}
