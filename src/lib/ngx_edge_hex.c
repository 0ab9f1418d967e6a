
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Four bytes a step: each half of a byte gets a byte of a word, and all of
 * them become digits at once.
 */


#include "lib/ngx_edge_hex.h"


#define NGX_EDGE_HEX_EACH  0x0101010101010101ULL


u_char *
ngx_edge_hex(u_char *p, const u_char *data, size_t len)
{
    uint64_t       n, letter;
    const u_char  *end;

    for (end = data + len; data < end; data += 4, p += 8) {

        /* as a big-endian number, whose bytes move apart; then their halves */

        n = (uint64_t) data[0] << 48 | (uint64_t) data[1] << 32
            | (uint64_t) data[2] << 16 | data[3];
        n = (n << 4 | n) & 0x0f0f0f0f0f0f0f0fULL;

        letter = (n + 6 * NGX_EDGE_HEX_EACH) >> 4 & NGX_EDGE_HEX_EACH;
        n += '0' * NGX_EDGE_HEX_EACH + letter * ('a' - '0' - 10);

        p[0] = (u_char) (n >> 56);
        p[1] = (u_char) (n >> 48);
        p[2] = (u_char) (n >> 40);
        p[3] = (u_char) (n >> 32);
        p[4] = (u_char) (n >> 24);
        p[5] = (u_char) (n >> 16);
        p[6] = (u_char) (n >> 8);
        p[7] = (u_char) n;
    }

    return p;
}
