
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of key sets without memory, nginx's and OpenSSL's: each allocation
 * fails once, and nothing is lost.
 */


/* sources: auth/ngx_edge_keyset.c auth/ngx_edge_keyset_jwk.c */
/* sources: auth/ngx_edge_keyset_key.c auth/ngx_edge_keyset_pem.c */
/* sources: auth/ngx_edge_keyset_verify.c auth/ngx_edge_jwt.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_json.c */
/* sources: lib/ngx_edge_utf8.c */
/* libs: -ljansson -lcrypto */

#include "keyset_fixture.h"


#define K32  "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
#define OCT  "{\"kty\":\"oct\",\"k\":\"" K32 "\"}"


static EVP_PKEY   *rsa, *p256, *ed25519;
static ngx_int_t   openssl_left = -1;   /* allocations that succeed */
static ngx_int_t   openssl_blocks;


static void *
counted_malloc(size_t size, const char *file, int line)
{
    void  *p;

    if (openssl_left == 0) {
        return NULL;
    }

    if (openssl_left > 0) {
        openssl_left--;
    }

    p = malloc(size);
    openssl_blocks += (p != NULL);

    return p;
}


static void *
counted_realloc(void *p, size_t size, const char *file, int line)
{
    if (p == NULL) {
        return counted_malloc(size, file, line);
    }

    if (openssl_left == 0) {
        return NULL;
    }

    if (openssl_left > 0) {
        openssl_left--;
    }

    return realloc(p, size);
}


static void
counted_free(void *p, const char *file, int line)
{
    openssl_blocks -= (p != NULL);
    free(p);
}


/* Each allocation fails once: NULL, and all is freed with the pool. */

static void
walk(const char *keys, ngx_int_t *left, ngx_uint_t n)
{
    ngx_int_t           i;
    ngx_pool_t         *pool;
    ngx_str_t           s;
    ngx_edge_keyset_t  *set;

    s = unit_str(keys);

    for (i = 0; i < 20000; i++) {
        pool = ngx_create_pool(4096, &ngx_stub_log);

        *left = i;
        set = ngx_edge_keyset_create(pool, &ngx_stub_log, NGX_LOG_ERR,
                                     &fixture_source, &s, 0);
        *left = -1;

        CHECK(ERR_peek_error() == 0);
        ERR_clear_error();

        if (set && ngx_edge_keyset_count(set) == n) {
            ngx_destroy_pool(pool);
            break;
        }

        ngx_destroy_pool(pool);
    }

    CHECK(i > 2 && i < 20000);
}


static void
test_memory(void)
{
    char       *jwks, *pem;
    ngx_int_t   blocks;

    jwks = text("{\"keys\":[%s,%s,%s,%s]}", jwk_of(rsa, ",\"kid\":\"a\""),
                jwk_of(p256, ""), jwk_of(ed25519, ""), OCT);
    pem = text("%s%s%s", pem_of(rsa), certificate(p256), pem_of(ed25519));

    walk(jwks, &ngx_stub_alloc_budget, 4);
    walk(pem, &ngx_stub_alloc_budget, 3);

    /* some of OpenSSL's own allocations are once for the process */

    walk(jwks, &openssl_left, 4);
    walk(pem, &openssl_left, 3);

    blocks = openssl_blocks;
    walk(jwks, &openssl_left, 4);
    walk(pem, &openssl_left, 3);
    CHECK_INT(openssl_blocks, blocks);
}


/* Without memory a signature is not called wrong, but for EdDSA where OpenSSL
 * does not tell, and never right. */

static void
test_memory_verify(void)
{
    ngx_uint_t           i, j;
    ngx_int_t            rc;
    ngx_edge_token_t     tokens[4];
    ngx_edge_keyset_t   *set;

    set = create(text("{\"keys\":[%s,%s,%s,%s]}", jwk_of(rsa, ""),
                      jwk_of(p256, ""), jwk_of(ed25519, ""), OCT));

    tokens[0] = sign(ALG(rs256), rsa);
    tokens[1] = sign(ALG(es256), p256);
    tokens[2] = sign(ALG(eddsa), ed25519);
    tokens[3] = sign_secret(ALG(hs256), "0123456789abcdef0123456789abcdef",
                            32);

    for (i = 0; i < 4; i++) {
        for (j = 0; j < 1000; j++) {
            openssl_left = j;
            rc = verify(set, &tokens[i]);
            openssl_left = -1;

            if (rc == NGX_OK) {
                break;
            }

            CHECK(rc == NGX_ERROR || (i == 2 && rc == NGX_DECLINED));
        }

        CHECK_INT(verify(set, &tokens[i]), NGX_OK);
    }
}


int
main(void)
{
    /* before anything else of OpenSSL */

    CHECK(CRYPTO_set_mem_functions(counted_malloc, counted_realloc,
                                   counted_free)
          == 1);

    fixture_pool = ngx_create_pool(4096, &ngx_stub_log);

    rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);
    p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    RUN(test_memory);
    RUN(test_memory_verify);

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(ed25519);
    ngx_destroy_pool(fixture_pool);

    return unit_summary();
}
