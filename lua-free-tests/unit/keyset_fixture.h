
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys and tokens for the tests of key sets, made with OpenSSL: an EVP_PKEY,
 * its JWK and PEM, and tokens it signs.  All in fixture_pool.
 */


#ifndef _KEYSET_FIXTURE_H_INCLUDED_
#define _KEYSET_FIXTURE_H_INCLUDED_


#include "unit.h"
#include "auth/ngx_edge_keyset.h"
#include "lib/ngx_edge_base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>


#define ALL      ((ngx_uint_t) -1)
#define SIGNING  "eyJhbGciOiJhbnkifQ.eyJzdWIiOiJzb21lYm9keSJ9"

#define ALG(name)  ngx_edge_jwt_alg_##name
#define BIT(name)  ((ngx_uint_t) ngx_edge_jwt_alg_bit(ALG(name)))


static ngx_pool_t  *fixture_pool;
static const char  *fixture_reason;    /* of the last verify() */
static ngx_str_t    fixture_source = ngx_string("keys.json");


/* A text in pool memory, of printf()'s format. */

static char *
text(const char *fmt, ...)
{
    int      n;
    char    *p;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    p = ngx_pnalloc(fixture_pool, n + 1);

    va_start(args, fmt);
    vsnprintf(p, n + 1, fmt, args);
    va_end(args);

    return p;
}


static char *
base64(const u_char *data, size_t len)
{
    u_char  *p, *last;

    p = ngx_pnalloc(fixture_pool, ngx_edge_base64url_encoded(len) + 1);
    last = ngx_edge_base64url_encode(p, data, len);
    *last = '\0';

    return (char *) p;
}


/* A set from a block of exactly the text, gone afterwards. */

static ngx_edge_keyset_t *
create_flags(const char *keys, ngx_uint_t flags)
{
    ngx_str_t           s;
    ngx_edge_keyset_t  *set;

    s.len = strlen(keys);
    s.data = malloc(s.len ? s.len : 1);
    ngx_memcpy(s.data, keys, s.len);

    set = ngx_edge_keyset_create(fixture_pool, &ngx_stub_log, NGX_LOG_EMERG,
                                 &fixture_source, &s, flags);
    free(s.data);

    CHECK(ERR_peek_error() == 0);
    CHECK(set == NULL || ngx_edge_keyset_count(set) > 0);

    return set;
}


static ngx_edge_keyset_t *
create(const char *keys)
{
    return create_flags(keys, 0);
}


static char *
bn_of(EVP_PKEY *pkey, const char *name, size_t size)
{
    u_char   bytes[2048];
    BIGNUM  *bn;

    bn = NULL;
    CHECK(EVP_PKEY_get_bn_param(pkey, name, &bn) == 1);

    if (size == 0) {
        size = BN_num_bytes(bn);
    }

    BN_bn2binpad(bn, bytes, size);
    BN_free(bn);

    return base64(bytes, size);
}


/* The public JWK; more is further members, each behind a comma. */

static char *
jwk_of(EVP_PKEY *pkey, const char *more)
{
    char         curve[32];
    u_char       raw[64];
    size_t       size;
    const char  *crv;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        return text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                    bn_of(pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                    bn_of(pkey, OSSL_PKEY_PARAM_RSA_E, 0), more);
    }

    if (EVP_PKEY_is_a(pkey, "EC")) {
        EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL);
        size = (EVP_PKEY_get_bits(pkey) + 7) / 8;
        crv = strcmp(curve, "secp256k1") == 0 ? curve
              : size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521";

        return text("{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\","
                    "\"y\":\"%s\"%s}", crv,
                    bn_of(pkey, OSSL_PKEY_PARAM_EC_PUB_X, size),
                    bn_of(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, size), more);
    }

    size = sizeof(raw);
    CHECK(EVP_PKEY_get_raw_public_key(pkey, raw, &size) == 1);

    return text("{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"%s}",
                EVP_PKEY_is_a(pkey, "ED448") ? "Ed448" : "Ed25519",
                base64(raw, size), more);
}


static inline char *
jwk_of_secret(const char *secret, size_t len, const char *more)
{
    return text("{\"kty\":\"oct\",\"k\":\"%s\"%s}",
                base64((u_char *) secret, len), more);
}


static char *
bio_text(BIO *bio)
{
    long   len;
    char  *p, *copy;

    len = BIO_get_mem_data(bio, &p);
    copy = text("%.*s", (int) len, p);
    BIO_free(bio);

    return copy;
}


static char *
pem_of(EVP_PKEY *pkey)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, pkey);

    return bio_text(bio);
}


static inline char *
certificate(EVP_PKEY *pkey)
{
    BIO   *bio;
    X509  *cert;

    cert = X509_new();
    X509_set_pubkey(cert, pkey);
    X509_gmtime_adj(X509_getm_notBefore(cert), -20);
    X509_gmtime_adj(X509_getm_notAfter(cert), -10);   /* nobody asks */
    CHECK(X509_sign(cert, pkey, EVP_PKEY_is_a(pkey, "ED25519")
                                ? NULL : EVP_sha256())
          > 0);

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    X509_free(cert);

    return bio_text(bio);
}


static const EVP_MD *
md_of(ngx_edge_jwt_alg_e alg)
{
    switch (alg) {

    case ALG(hs256):
    case ALG(rs256):
    case ALG(ps256):
    case ALG(es256):
    case ALG(es256k):
        return EVP_sha256();

    case ALG(hs384):
    case ALG(rs384):
    case ALG(ps384):
    case ALG(es384):
        return EVP_sha384();

    case ALG(hs512):
    case ALG(rs512):
    case ALG(ps512):
    case ALG(es512):
        return EVP_sha512();

    default:
        return NULL;
    }
}


static ngx_edge_token_t
token_of(ngx_edge_jwt_alg_e alg)
{
    ngx_edge_token_t  token;

    ngx_memzero(&token, sizeof(ngx_edge_token_t));

    token.alg = alg;
    ngx_str_set(&token.signing, SIGNING);

    return token;
}


static inline ngx_edge_token_t
sign_secret(ngx_edge_jwt_alg_e alg, const char *secret, size_t len)
{
    unsigned          n;
    ngx_edge_token_t  token;

    token = token_of(alg);
    token.signature.data = ngx_pnalloc(fixture_pool, 64);

    HMAC(md_of(alg), secret, len, token.signing.data, token.signing.len,
         token.signature.data, &n);
    token.signature.len = n;

    return token;
}


/* DER of r and s to the bytes of both. */

static void
raw_ecdsa(EVP_PKEY *pkey, ngx_str_t *signature)
{
    size_t         size;
    ECDSA_SIG     *sig;
    const u_char  *p;

    p = signature->data;
    size = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    sig = d2i_ECDSA_SIG(NULL, &p, signature->len);

    signature->data = ngx_pnalloc(fixture_pool, 2 * size);
    signature->len = 2 * size;
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature->data, size);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature->data + size, size);

    ECDSA_SIG_free(sig);
}


/* salt: of PSS, as OpenSSL takes it; mgf: its digest, NULL: the same. */

static inline ngx_edge_token_t
sign_pss(ngx_edge_jwt_alg_e alg, EVP_PKEY *pkey, int salt, const EVP_MD *mgf)
{
    EVP_MD_CTX        *md;
    EVP_PKEY_CTX      *ctx;
    ngx_edge_token_t   token;

    token = token_of(alg);
    md = EVP_MD_CTX_new();

    CHECK(EVP_DigestSignInit(md, &ctx, md_of(alg), NULL, pkey) == 1);

    if (alg >= ALG(ps256) && alg <= ALG(ps512)) {
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
        CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1);

        if (mgf) {
            CHECK(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mgf) == 1);
        }
    }

    token.signature.len = EVP_PKEY_get_size(pkey);
    token.signature.data = ngx_pnalloc(fixture_pool, token.signature.len);

    CHECK(EVP_DigestSign(md, token.signature.data, &token.signature.len,
                         token.signing.data, token.signing.len)
          == 1);

    EVP_MD_CTX_free(md);

    if (EVP_PKEY_is_a(pkey, "EC")) {
        raw_ecdsa(pkey, &token.signature);
    }

    return token;
}


static inline ngx_edge_token_t
sign(ngx_edge_jwt_alg_e alg, EVP_PKEY *pkey)
{
    return sign_pss(alg, pkey, RSA_PSS_SALTLEN_DIGEST, NULL);
}


static inline ngx_int_t
verify(ngx_edge_keyset_t *set, const ngx_edge_token_t *token)
{
    ngx_int_t  rc;

    if (set == NULL) {
        return NGX_ABORT;
    }

    fixture_reason = "";
    rc = ngx_edge_keyset_verify(set, token, ALL, &fixture_reason);

    CHECK(ERR_peek_error() == 0);

    return rc;
}


#define CHECK_REASON(words)                                                   \
    CHECK_MEM(fixture_reason, strlen(fixture_reason), words)


#endif /* _KEYSET_FIXTURE_H_INCLUDED_ */
