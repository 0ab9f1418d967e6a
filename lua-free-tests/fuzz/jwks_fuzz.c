
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Key sets: any text is read without harm, twice alike, and a signature that
 * a set accepts is one of this message only.  The input is lines of the flags
 * ("public"), the token's alg, kid ("-": none) and signature, and the keys.
 */


/* sources: auth/ngx_edge_keyset.c auth/ngx_edge_keyset_jwk.c */
/* sources: auth/ngx_edge_keyset_key.c auth/ngx_edge_keyset_pem.c */
/* sources: auth/ngx_edge_keyset_verify.c auth/ngx_edge_jwt.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_json.c lib/ngx_edge_utf8.c */
/* libs: -ljansson -lcrypto */
/* max_len: 4096 */
/* dict: jwks */

#include "fuzz.h"
#include "auth/ngx_edge_keyset.h"
#include "lib/ngx_edge_base64url.h"


static void fuzz_verify(ngx_edge_keyset_t *set, ngx_edge_token_t *token,
    ngx_uint_t flags);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t           line, source;
    ngx_uint_t          flags;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set, *again;

    line = fuzz_take(pool, in, "\n");
    source = fuzz_str("public");
    flags = fuzz_same(&line, &source) ? NGX_EDGE_KEYSET_PUBLIC : 0;

    memset(&token, 0, sizeof(ngx_edge_token_t));
    line = fuzz_take(pool, in, "\n");
    token.alg = ngx_edge_jwt_alg(&line);
    token.signing = fuzz_copy(pool, (u_char *) "header.payload", 14);

    token.kid = fuzz_take(pool, in, "\n");

    if (token.kid.len == 1 && token.kid.data[0] == '-') {
        ngx_str_null(&token.kid);
    }

    line = fuzz_take(pool, in, "\n");
    source.data = ngx_pnalloc(pool, ngx_edge_base64url_decoded(line.len));

    if (ngx_edge_base64url_decode(&source, line.data, line.len) == NGX_OK) {
        token.signature = fuzz_copy(pool, source.data, source.len);
    }

    source = fuzz_str("fuzz");
    set = ngx_edge_keyset_create(pool, pool->log, NGX_LOG_ERR, &source, in,
                                 flags);
    again = ngx_edge_keyset_create(pool, pool->log, NGX_LOG_ERR, &source, in,
                                   flags);
    fuzz_check((set == NULL) == (again == NULL));

    if (set == NULL) {
        return;
    }

    fuzz_check(ngx_edge_keyset_count(set) >= 1);
    fuzz_check(ngx_edge_keyset_count(set) <= NGX_EDGE_KEYSET_MAX);
    fuzz_check(ngx_edge_keyset_count(set) == ngx_edge_keyset_count(again));
    fuzz_check(memcmp(ngx_edge_keyset_digest(set),
                      ngx_edge_keyset_digest(again), NGX_EDGE_KEYSET_DIGEST)
               == 0);

    fuzz_verify(set, &token, flags);
}


static void
fuzz_verify(ngx_edge_keyset_t *set, ngx_edge_token_t *token, ngx_uint_t flags)
{
    ngx_int_t    rc;
    const char  *reason;

    reason = NULL;
    rc = ngx_edge_keyset_verify(set, token, ~(ngx_uint_t) 0, &reason);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED || rc == NGX_AGAIN);
    fuzz_check(rc != NGX_DECLINED || reason);
    fuzz_check(rc != NGX_AGAIN || token->kid.data);
    fuzz_check(ngx_edge_keyset_verify(set, token, ~(ngx_uint_t) 0, &reason)
               == rc);

    if (rc != NGX_OK) {
        return;
    }

    fuzz_check(token->alg != ngx_edge_jwt_alg_unknown);
    fuzz_check(!(flags & NGX_EDGE_KEYSET_PUBLIC)
               || token->alg > ngx_edge_jwt_alg_hs512);

    reason = NULL;
    fuzz_check(ngx_edge_keyset_verify(set, token,
                                      ~(ngx_uint_t)
                                      ngx_edge_jwt_alg_bit(token->alg),
                                      &reason)
               == NGX_DECLINED);
    fuzz_check(reason);

    /* there are points, as keys, of which a signature is for any message */

    if (token->alg >= ngx_edge_jwt_alg_ed25519) {
        return;
    }

    token->signing.data[0] ^= 1;
    fuzz_check(ngx_edge_keyset_verify(set, token, ~(ngx_uint_t) 0, &reason)
               == NGX_DECLINED);
}
