
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of hexadecimal text against that of the C library.
 */


/* sources: lib/ngx_edge_hex.c */

#include "unit.h"
#include "lib/ngx_edge_hex.h"


static void
check(const u_char *data, size_t len)
{
    char    expected[129];
    u_char  got[129];
    size_t  i;

    for (i = 0; i < len; i++) {
        (void) snprintf(expected + 2 * i, 3, "%02x", data[i]);
    }

    got[2 * len] = '!';

    CHECK(ngx_edge_hex(got, data, len) == got + 2 * len);
    CHECK(memcmp(got, expected, 2 * len) == 0);
    CHECK(got[2 * len] == '!');
}


static void
test_every_byte_at_every_place(void)
{
    u_char      data[8];
    ngx_uint_t  byte, place;

    for (place = 0; place < sizeof(data); place++) {
        for (byte = 0; byte < 256; byte++) {
            memset(data, (int) (255 - byte), sizeof(data));
            data[place] = (u_char) byte;
            check(data, sizeof(data));
        }
    }
}


static void
test_lengths(void)
{
    size_t  len;
    u_char  data[64];

    for (len = 0; len < sizeof(data); len++) {
        data[len] = (u_char) (len * 37 + 11);
    }

    for (len = 0; len <= sizeof(data); len += 4) {
        check(data, len);
    }
}


int
main(void)
{
    RUN(test_every_byte_at_every_place);
    RUN(test_lengths);

    return unit_summary();
}
