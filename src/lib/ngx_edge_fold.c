
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sixteen bytes go into one multiplication whose two halves are folded
 * together; four sums run side by side, since one alone would wait for its
 * multiplication every time.
 */


#include "lib/ngx_edge_fold.h"


#define NGX_EDGE_FOLD_1  0x8f1bbcdcbfa53e0bULL
#define NGX_EDGE_FOLD_2  0x3c6ef372fe94f82bULL
#define NGX_EDGE_FOLD_3  0xa54ff53a5f1d36f1ULL
#define NGX_EDGE_FOLD_4  0x510e527fade682d1ULL

__extension__ typedef unsigned __int128  ngx_edge_fold_wide_t;


static ngx_inline uint64_t ngx_edge_fold_word(const u_char *p);
static ngx_inline uint64_t ngx_edge_fold_pair(uint64_t sum, const u_char *p,
    uint64_t k);
static ngx_inline uint64_t ngx_edge_fold_mix(uint64_t a, uint64_t b);


uint64_t
ngx_edge_fold(const u_char *p, size_t len)
{
    size_t    left;
    u_char    tail[16];
    uint64_t  a, b, c, d;

    a = NGX_EDGE_FOLD_4 ^ len;
    b = NGX_EDGE_FOLD_3;
    c = NGX_EDGE_FOLD_2;
    d = NGX_EDGE_FOLD_1;

    for (left = len; left >= 64; left -= 64, p += 64) {
        a = ngx_edge_fold_pair(a, p, NGX_EDGE_FOLD_1);
        b = ngx_edge_fold_pair(b, p + 16, NGX_EDGE_FOLD_2);
        c = ngx_edge_fold_pair(c, p + 32, NGX_EDGE_FOLD_3);
        d = ngx_edge_fold_pair(d, p + 48, NGX_EDGE_FOLD_4);
    }

    for ( /* void */ ; left >= 16; left -= 16, p += 16) {
        a = ngx_edge_fold_pair(a, p, NGX_EDGE_FOLD_1);
    }

    if (left) {
        ngx_memzero(tail, sizeof(tail));
        ngx_memcpy(tail, p, left);
        b = ngx_edge_fold_pair(b, tail, NGX_EDGE_FOLD_2);
    }

    a = ngx_edge_fold_mix(a ^ NGX_EDGE_FOLD_2, b ^ NGX_EDGE_FOLD_1);
    c = ngx_edge_fold_mix(c ^ NGX_EDGE_FOLD_4, d ^ NGX_EDGE_FOLD_3);

    return ngx_edge_fold_mix(a ^ NGX_EDGE_FOLD_3, c ^ NGX_EDGE_FOLD_4);
}


static ngx_inline uint64_t
ngx_edge_fold_pair(uint64_t sum, const u_char *p, uint64_t k)
{
    return sum + ngx_edge_fold_mix(ngx_edge_fold_word(p) ^ sum,
                                   ngx_edge_fold_word(p + 8) ^ k);
}


static ngx_inline uint64_t
ngx_edge_fold_word(const u_char *p)
{
    uint64_t  w;

    ngx_memcpy(&w, p, sizeof(uint64_t));

    return w;
}


static ngx_inline uint64_t
ngx_edge_fold_mix(uint64_t a, uint64_t b)
{
    ngx_edge_fold_wide_t  n;

    n = (ngx_edge_fold_wide_t) a * b;

    return (uint64_t) n ^ (uint64_t) (n >> 64);
}
