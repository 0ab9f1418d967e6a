
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of minting.  Signatures are checked with OpenSSL, not with libjwt.
 */


/* sources: auth/ngx_edge_identity.c */
/* libs: -ljwt -lcrypto */

#include "unit.h"
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include "auth/ngx_edge_identity.h"


#define SECRET  "0123456789abcdef0123456789abcdef"


static ngx_pool_t  *pool;


/* A private key on a curve, as PEM in pool memory. */

static ngx_str_t
pem_of(const char *curve, EVP_PKEY **pkey)
{
    BIO        *bio;
    char       *data;
    long        len;
    ngx_str_t   pem;

    *pkey = EVP_EC_gen(curve);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, *pkey, NULL, NULL, 0, NULL, NULL);

    len = BIO_get_mem_data(bio, &data);
    pem.len = (size_t) len;
    pem.data = ngx_pnalloc(pool, pem.len);
    ngx_memcpy(pem.data, data, pem.len);

    BIO_free(bio);

    return pem;
}


static size_t
decode(const char *text, size_t len, u_char *out)
{
    size_t     n;
    ngx_str_t  src, dst;

    src.data = (u_char *) text;
    src.len = len;
    dst.data = out;

    n = (ngx_decode_base64url(&dst, &src) == NGX_OK) ? dst.len : 0;
    out[n] = '\0';

    return n;
}


/* The parts of a token: header and payload as text, the signature as bytes;
 * returns the length of what was signed. */

typedef struct {
    char     header[1024];
    char     payload[4096];
    u_char   signature[1024];
    size_t   signature_len;
    size_t   signed_len;
} parts_t;


static void
split(const ngx_str_t *token, parts_t *parts)
{
    char  text[8192], *dot, *last;

    ngx_memzero(parts, sizeof(parts_t));

    CHECK(token->len < sizeof(text));
    ngx_memcpy(text, token->data, token->len);
    text[token->len] = '\0';

    dot = strchr(text, '.');
    last = strrchr(text, '.');

    CHECK(dot != NULL && last != dot);
    if (dot == NULL || last == dot) {
        return;
    }

    decode(text, dot - text, (u_char *) parts->header);
    decode(dot + 1, last - dot - 1, (u_char *) parts->payload);
    parts->signature_len = decode(last + 1, strlen(last + 1),
                                  parts->signature);
    parts->signed_len = last - text;
}


static void
check_has(const char *text, const char *piece)
{
    if (strstr(text, piece) == NULL) {
        printf("%s\n", text);
    }

    CHECK(strstr(text, piece) != NULL);
}


static ngx_edge_identity_signer_t
signer_of(ngx_edge_identity_alg_e alg, ngx_str_t key)
{
    ngx_edge_identity_signer_t  signer;

    ngx_memzero(&signer, sizeof(ngx_edge_identity_signer_t));
    signer.alg = alg;
    signer.key = key;

    return signer;
}


static ngx_edge_identity_claims_t
all_claims(void)
{
    ngx_edge_identity_claims_t  claims;

    claims.iss = unit_str("edge");
    claims.sub = unit_str("u1");
    claims.aud = unit_str("sales");
    claims.tenant = unit_str("acme");
    claims.module = unit_str("sales");
    claims.jti = unit_str("j1");
    claims.iat = 1700000000;
    claims.exp = 1700000060;

    return claims;
}


static void
test_hs256(void)
{
    u_char                      mac[32];
    parts_t                     parts;
    unsigned                    len;
    ngx_str_t                   token;
    ngx_edge_identity_claims_t  claims;
    ngx_edge_identity_signer_t  signer;

    claims = all_claims();
    signer = signer_of(ngx_edge_identity_hs256, unit_str(SECRET));

    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token), NGX_OK);
    split(&token, &parts);

    HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, token.data,
         parts.signed_len, mac, &len);
    CHECK_INT(parts.signature_len, len);
    CHECK(memcmp(parts.signature, mac, len) == 0);

    check_has(parts.header, "\"alg\":\"HS256\"");
    CHECK(strstr(parts.header, "kid") == NULL);
    check_has(parts.payload, "\"iss\":\"edge\"");
    check_has(parts.payload, "\"sub\":\"u1\"");
    check_has(parts.payload, "\"aud\":\"sales\"");
    check_has(parts.payload, "\"tenant\":\"acme\"");
    check_has(parts.payload, "\"module\":\"sales\"");
    check_has(parts.payload, "\"jti\":\"j1\"");
    check_has(parts.payload, "\"iat\":1700000000");
    check_has(parts.payload, "\"exp\":1700000060");
}


static void
test_es256(void)
{
    u_char                      digest[32];
    parts_t                     parts;
    EC_KEY                     *ec;
    EVP_PKEY                   *pkey;
    ECDSA_SIG                  *sig;
    ngx_str_t                   token;
    ngx_edge_identity_claims_t  claims;
    ngx_edge_identity_signer_t  signer;

    claims = all_claims();
    signer = signer_of(ngx_edge_identity_es256, pem_of("P-256", &pkey));
    signer.kid = unit_str("k\"1");

    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token), NGX_OK);
    split(&token, &parts);

    check_has(parts.header, "\"alg\":\"ES256\"");
    check_has(parts.header, "\"kid\":\"k\\\"1\"");
    CHECK_INT(parts.signature_len, 64);

    EVP_Digest(token.data, parts.signed_len, digest, NULL, EVP_sha256(),
               NULL);

    sig = ECDSA_SIG_new();
    ECDSA_SIG_set0(sig, BN_bin2bn(parts.signature, 32, NULL),
                   BN_bin2bn(parts.signature + 32, 32, NULL));
    ec = EVP_PKEY_get1_EC_KEY(pkey);
    CHECK_INT(ECDSA_do_verify(digest, sizeof(digest), sig, ec), 1);

    EC_KEY_free(ec);
    ECDSA_SIG_free(sig);
    EVP_PKEY_free(pkey);
}


static void
test_values(void)
{
    parts_t                     parts;
    ngx_str_t                   token;
    ngx_edge_identity_claims_t  claims;
    ngx_edge_identity_signer_t  signer;

    ngx_memzero(&claims, sizeof(ngx_edge_identity_claims_t));
    signer = signer_of(ngx_edge_identity_hs256, unit_str(SECRET));

    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token), NGX_OK);
    split(&token, &parts);
    CHECK_INT(strcmp(parts.payload, "{\"exp\":0,\"iat\":0}"), 0);

    claims.sub = unit_str("a\",\"tenant\":\"evil\\\n");
    claims.tenant = unit_str("\xed\x95\x9c\xf0\x9f\x99\x82");

    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token), NGX_OK);
    split(&token, &parts);
    check_has(parts.payload,
              "\"sub\":\"a\\\",\\\"tenant\\\":\\\"evil\\\\\\n\"");
    check_has(parts.payload, "\"tenant\":\"\xed\x95\x9c\xf0\x9f\x99\x82\"");

    ngx_str_set(&claims.sub, "u1\0admin");
    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token),
              NGX_ERROR);

    claims.sub = unit_str("\xff");
    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token),
              NGX_ERROR);

    ngx_str_null(&claims.sub);
    ngx_str_set(&signer.kid, "k\0k");
    CHECK_INT(ngx_edge_identity_mint(pool, &signer, &claims, &token),
              NGX_ERROR);
}


static void
test_keys(void)
{
    EVP_PKEY                   *pkey;
    ngx_str_t                   pem;
    ngx_uint_t                  i;
    ngx_edge_identity_signer_t  signer;

    static const char          *curves[] = { "P-384", "P-521", "secp256k1" };

    signer = signer_of(ngx_edge_identity_hs256, unit_str(SECRET));
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_OK);

    signer.key.len--;
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_DECLINED);

    for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        signer = signer_of(ngx_edge_identity_es256,
                           pem_of(curves[i], &pkey));
        EVP_PKEY_free(pkey);
        CHECK_INT(ngx_edge_identity_key(&signer), NGX_DECLINED);
    }

    pem = pem_of("P-256", &pkey);
    EVP_PKEY_free(pkey);

    signer = signer_of(ngx_edge_identity_es256, unit_str(SECRET));
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_DECLINED);

    signer.key = pem;
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_OK);

    signer.key.len /= 2;
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_DECLINED);

    signer.key.len = 0;
    CHECK_INT(ngx_edge_identity_key(&signer), NGX_DECLINED);
}


static void
test_no_memory(void)
{
    ngx_int_t                   rc, budget;
    ngx_str_t                   token;
    ngx_edge_identity_claims_t  claims;
    ngx_edge_identity_signer_t  signer;

    claims = all_claims();
    signer = signer_of(ngx_edge_identity_hs256, unit_str(SECRET));
    signer.kid = unit_str("k1");

    for (budget = 0; budget < 20; budget++) {
        ngx_stub_alloc_budget = budget;
        rc = ngx_edge_identity_mint(pool, &signer, &claims, &token);
        ngx_stub_alloc_budget = -1;

        if (rc == NGX_OK) {
            break;
        }

        CHECK_INT(rc, NGX_ERROR);
    }

    CHECK_INT(budget, 8);        /* six claims, the kid, the token */
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_hs256);
    RUN(test_es256);
    RUN(test_values);
    RUN(test_keys);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
