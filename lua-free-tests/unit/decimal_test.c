
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of decimal integers against those of the C library.
 */


/* sources: lib/ngx_edge_decimal.c */

#include "unit.h"
#include "lib/ngx_edge_decimal.h"

#include <inttypes.h>


static void
check(int64_t n)
{
    char     expected[32];
    u_char   got[NGX_INT64_LEN + 1];
    u_char  *last;

    (void) snprintf(expected, sizeof(expected), "%" PRId64, n);

    last = ngx_edge_decimal(got, n);
    *last = '\0';

    CHECK(last - got <= (ptrdiff_t) NGX_INT64_LEN);
    CHECK(strcmp((char *) got, expected) == 0);
}


static void
test_borders(void)
{
    int64_t     n;
    ngx_uint_t  i;

    check(0);
    check(INT64_MAX);
    check(INT64_MIN);

    for (n = 1, i = 0; i < 19; i++, n = (i < 19) ? n * 10 : n) {
        check(n);
        check(n - 1);
        check(n + 1);
        check(-n);
        check(-n - 1);
    }
}


int
main(void)
{
    RUN(test_borders);

    return unit_summary();
}
