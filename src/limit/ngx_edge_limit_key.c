
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * SipHash-2-4 of a limit's key, twice with seeds of their own: 128 bits.
 */


#include "limit/ngx_edge_limit_key.h"


#define ngx_edge_sip_rotl(x, n)  (((x) << (n)) | ((x) >> (64 - (n))))


typedef struct {
    uint64_t  a;
    uint64_t  b;
    uint64_t  c;
    uint64_t  d;
} ngx_edge_sip_t;


static uint64_t ngx_edge_sip(const uint64_t *seed, const u_char *p,
    size_t len);
static uint64_t ngx_edge_sip_word(const u_char *p, size_t n);
static ngx_inline void ngx_edge_sip_round(ngx_edge_sip_t *s);


void
ngx_edge_limit_key(const uint64_t *seed, const ngx_str_t *text, uint32_t tag,
    u_char key[NGX_EDGE_SHM_KEY])
{
    uint64_t  hash[2];

    hash[0] = ngx_edge_sip(seed, text->data, text->len);
    hash[1] = ngx_edge_sip(seed + 2, text->data, text->len);

    /* the table looks at the first bytes for the place */

    hash[0] += (uint64_t) tag * 0x9e3779b97f4a7c15ULL;

    ngx_memzero(key, NGX_EDGE_SHM_KEY);
    ngx_memcpy(key, hash, sizeof(hash));
    ngx_memcpy(key + sizeof(hash), &tag, sizeof(uint32_t));
}


static uint64_t
ngx_edge_sip(const uint64_t *seed, const u_char *p, size_t len)
{
    size_t          left;
    uint64_t        m;
    ngx_edge_sip_t  s;

    s.a = seed[0] ^ 0x736f6d6570736575ULL;
    s.b = seed[1] ^ 0x646f72616e646f6dULL;
    s.c = seed[0] ^ 0x6c7967656e657261ULL;
    s.d = seed[1] ^ 0x7465646279746573ULL;

    for (left = len; left >= 8; left -= 8, p += 8) {
        ngx_memcpy(&m, p, 8);
        s.d ^= m;
        ngx_edge_sip_round(&s);
        ngx_edge_sip_round(&s);
        s.a ^= m;
    }

    m = ngx_edge_sip_word(p, left) | ((uint64_t) len << 56);
    s.d ^= m;
    ngx_edge_sip_round(&s);
    ngx_edge_sip_round(&s);
    s.a ^= m;

    s.c ^= 0xff;
    ngx_edge_sip_round(&s);
    ngx_edge_sip_round(&s);
    ngx_edge_sip_round(&s);
    ngx_edge_sip_round(&s);

    return s.a ^ s.b ^ s.c ^ s.d;
}


/* The last n bytes, n < 8. */

static uint64_t
ngx_edge_sip_word(const u_char *p, size_t n)
{
    size_t    i;
    uint64_t  word;

    word = 0;

    for (i = 0; i < n; i++) {
        word |= (uint64_t) p[i] << (8 * i);
    }

    return word;
}


static ngx_inline void
ngx_edge_sip_round(ngx_edge_sip_t *s)
{
    s->a += s->b;
    s->b = ngx_edge_sip_rotl(s->b, 13) ^ s->a;
    s->a = ngx_edge_sip_rotl(s->a, 32);
    s->c += s->d;
    s->d = ngx_edge_sip_rotl(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = ngx_edge_sip_rotl(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = ngx_edge_sip_rotl(s->b, 17) ^ s->c;
    s->c = ngx_edge_sip_rotl(s->c, 32);
}
