
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: hashes, checksums, sorting.
 */


#include "ngx_stub.h"
#include <ngx_sha1.h>


static void ngx_stub_crc32_init(void);
static void ngx_stub_sha1_block(ngx_sha1_t *ctx, const u_char *p);


static uint32_t   ngx_stub_crc32_short[16];
uint32_t          ngx_crc32_table256[256];
uint32_t         *ngx_crc32_table_short = ngx_stub_crc32_short;


/* The reflected polynomial of IEEE 802.3, a byte and a nibble at a time. */

__attribute__((constructor))
static void
ngx_stub_crc32_init(void)
{
    uint32_t    crc;
    ngx_uint_t  i, bit;

    for (i = 0; i < 256; i++) {
        crc = i;

        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }

        ngx_crc32_table256[i] = crc;

        if (i % 16 == 0) {

            /* a nibble's entry is the byte's with the nibble on top */

            ngx_stub_crc32_short[i / 16] = crc;
        }
    }
}


ngx_int_t
ngx_crc32_table_init(void)
{
    return NGX_OK;
}


uint32_t
ngx_murmur_hash2(u_char *data, size_t len)
{
    uint32_t        h, k;
    const uint32_t  m = 0x5bd1e995;

    h = (uint32_t) len;

    for ( /* void */ ; len >= 4; data += 4, len -= 4) {
        k = data[0] | data[1] << 8 | data[2] << 16 | (uint32_t) data[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }

    if (len) {
        for (k = 0; len; len--) {
            k = k << 8 | data[len - 1];
        }

        h = (h ^ k) * m;
    }

    h = (h ^ h >> 13) * m;

    return h ^ h >> 15;
}


ngx_uint_t
ngx_hash_key(u_char *data, size_t len)
{
    ngx_uint_t  key;

    for (key = 0; len--; data++) {
        key = ngx_hash(key, *data);
    }

    return key;
}


ngx_uint_t
ngx_hash_key_lc(u_char *data, size_t len)
{
    ngx_uint_t  key;

    for (key = 0; len--; data++) {
        key = ngx_hash(key, ngx_tolower(*data));
    }

    return key;
}


ngx_uint_t
ngx_hash_strlow(u_char *dst, u_char *src, size_t n)
{
    ngx_strlow(dst, src, n);

    return ngx_hash_key(dst, n);
}


/* Stable, as nginx's insertion sort is. */

void
ngx_sort(void *base, size_t n, size_t size,
    ngx_int_t (*cmp)(const void *, const void *))
{
    u_char  *a, *b, *p, tmp;
    size_t   i, j, k;

    p = base;

    for (i = 1; i < n; i++) {
        for (j = i; j && cmp(p + (j - 1) * size, p + j * size) > 0; j--) {

            a = p + (j - 1) * size;
            b = p + j * size;

            for (k = 0; k < size; k++) {
                tmp = a[k];
                a[k] = b[k];
                b[k] = tmp;
            }
        }
    }
}


void
ngx_sha1_init(ngx_sha1_t *ctx)
{
    ctx->a = 0x67452301;
    ctx->b = 0xefcdab89;
    ctx->c = 0x98badcfe;
    ctx->d = 0x10325476;
    ctx->e = 0xc3d2e1f0;
    ctx->bytes = 0;
}


void
ngx_sha1_update(ngx_sha1_t *ctx, const void *data, size_t size)
{
    const u_char  *p;

    for (p = data; size; p++, size--) {
        ctx->buffer[ctx->bytes++ % 64] = *p;

        if (ctx->bytes % 64 == 0) {
            ngx_stub_sha1_block(ctx, ctx->buffer);
        }
    }
}


void
ngx_sha1_final(u_char result[20], ngx_sha1_t *ctx)
{
    u_char      pad, len[8];
    uint32_t    word[5];
    uint64_t    bits;
    ngx_uint_t  i;

    bits = ctx->bytes * 8;

    for (i = 0; i < 8; i++) {
        len[i] = (u_char) (bits >> (56 - 8 * i));
    }

    pad = 0x80;

    do {
        ngx_sha1_update(ctx, &pad, 1);
        pad = 0;
    } while (ctx->bytes % 64 != 56);

    ngx_sha1_update(ctx, len, 8);

    word[0] = ctx->a;
    word[1] = ctx->b;
    word[2] = ctx->c;
    word[3] = ctx->d;
    word[4] = ctx->e;

    for (i = 0; i < 20; i++) {
        result[i] = (u_char) (word[i / 4] >> (24 - 8 * (i % 4)));
    }
}


static void
ngx_stub_sha1_block(ngx_sha1_t *ctx, const u_char *p)
{
    uint32_t    a, b, c, d, e, f, k, t, w[80];
    ngx_uint_t  i;

#define rol(x, n)  ((x) << (n) | (x) >> (32 - (n)))

    for (i = 0; i < 16; i++) {
        w[i] = (uint32_t) p[4 * i] << 24 | p[4 * i + 1] << 16
               | p[4 * i + 2] << 8 | p[4 * i + 3];
    }

    for ( /* void */ ; i < 80; i++) {
        t = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = rol(t, 1);
    }

    a = ctx->a;
    b = ctx->b;
    c = ctx->c;
    d = ctx->d;
    e = ctx->e;

    for (i = 0; i < 80; i++) {

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;

        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;

        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;

        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }

        t = rol(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }

#undef rol

    ctx->a += a;
    ctx->b += b;
    ctx->c += c;
    ctx->d += d;
    ctx->e += e;
}
