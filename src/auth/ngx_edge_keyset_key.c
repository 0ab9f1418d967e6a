
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One key, made of an EVP_PKEY or a secret: what it may verify, whether it is
 * strong enough, and the contexts prepared for that.  Only a secret makes
 * contexts for HS and only a public key those for the rest, so that one can
 * never be taken for the other.  Knows neither JWK nor PEM.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include "auth/ngx_edge_keyset_key.h"


#define NGX_EDGE_KEYSET_RSA_MIN       2048
#define NGX_EDGE_KEYSET_RSA_MAX       16384
#define NGX_EDGE_KEYSET_EXPONENT_MAX  64     /* OpenSSL's own bound where the
                                                modulus is large */


#define NGX_EDGE_KEYSET_HS                                                    \
    (ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_hs256)                             \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_hs384)                            \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_hs512))

#define NGX_EDGE_KEYSET_RS                                                    \
    (ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_rs256)                             \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_rs384)                            \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_rs512))

#define NGX_EDGE_KEYSET_PS                                                    \
    (ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ps256)                             \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ps384)                            \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ps512))

#define NGX_EDGE_KEYSET_CURVES                                                \
    (ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed25519)                           \
     |ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed448))


static ngx_int_t ngx_edge_keyset_key_type(ngx_edge_keyset_key_t *key,
    ngx_uint_t *algs, const char **reason);
static ngx_int_t ngx_edge_keyset_key_rsa(ngx_edge_keyset_key_t *key,
    const char **reason);
static ngx_int_t ngx_edge_keyset_key_rsa_check(const BIGNUM *n,
    const BIGNUM *e, const char **reason);
static ngx_int_t ngx_edge_keyset_key_ec(ngx_edge_keyset_key_t *key,
    ngx_uint_t *algs, const char **reason);
static ngx_int_t ngx_edge_keyset_key_point(ngx_edge_keyset_key_t *key,
    const char **reason);
static ngx_int_t ngx_edge_keyset_key_prepare(ngx_edge_keyset_key_t *key,
    ngx_uint_t alg);
static EVP_MAC_CTX *ngx_edge_keyset_key_mac(const ngx_str_t *secret,
    ngx_uint_t hash);


const ngx_edge_keyset_alg_t  ngx_edge_keyset_algs[ngx_edge_jwt_alg_max] = {
    [ngx_edge_jwt_alg_hs256] = { ngx_edge_keyset_hmac, 0, 32, NULL },
    [ngx_edge_jwt_alg_hs384] = { ngx_edge_keyset_hmac, 1, 48, NULL },
    [ngx_edge_jwt_alg_hs512] = { ngx_edge_keyset_hmac, 2, 64, NULL },
    [ngx_edge_jwt_alg_rs256] = { ngx_edge_keyset_rsa, 0, 0, NULL },
    [ngx_edge_jwt_alg_rs384] = { ngx_edge_keyset_rsa, 1, 0, NULL },
    [ngx_edge_jwt_alg_rs512] = { ngx_edge_keyset_rsa, 2, 0, NULL },
    [ngx_edge_jwt_alg_ps256] = { ngx_edge_keyset_pss, 0, 0, NULL },
    [ngx_edge_jwt_alg_ps384] = { ngx_edge_keyset_pss, 1, 0, NULL },
    [ngx_edge_jwt_alg_ps512] = { ngx_edge_keyset_pss, 2, 0, NULL },
    [ngx_edge_jwt_alg_es256] = { ngx_edge_keyset_ec, 0, 64, "prime256v1" },
    [ngx_edge_jwt_alg_es384] = { ngx_edge_keyset_ec, 1, 96, "secp384r1" },
    [ngx_edge_jwt_alg_es512] = { ngx_edge_keyset_ec, 2, 132, "secp521r1" },
    [ngx_edge_jwt_alg_es256k] = { ngx_edge_keyset_ec, 0, 64, "secp256k1" },
    [ngx_edge_jwt_alg_ed25519] = { ngx_edge_keyset_eddsa, 0, 64, NULL },
    [ngx_edge_jwt_alg_ed448] = { ngx_edge_keyset_eddsa, 0, 114, NULL },
    [ngx_edge_jwt_alg_eddsa] = { ngx_edge_keyset_eddsa, 0, 0, NULL },
};


static const char *const  ngx_edge_keyset_hashes[NGX_EDGE_KEYSET_HASHES] = {
    "SHA256", "SHA384", "SHA512"
};


ngx_int_t
ngx_edge_keyset_key_public(ngx_edge_keyset_key_t *key, ngx_uint_t allowed,
    const char **reason)
{
    ngx_int_t   rc;
    ngx_uint_t  alg, algs;

    algs = 0;                               /* for the compiler */

    rc = ngx_edge_keyset_key_type(key, &algs, reason);
    if (rc != NGX_OK) {
        return rc;
    }

    algs &= allowed;

    for (alg = 0; alg < ngx_edge_jwt_alg_max; alg++) {

        if (!(algs & ngx_edge_jwt_alg_bit(alg))) {
            continue;
        }

        rc = ngx_edge_keyset_key_prepare(key, alg);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* declined: an RSASSA-PSS key that is bound to other parameters */

        if (rc == NGX_OK) {
            key->algs |= ngx_edge_jwt_alg_bit(alg);
        }
    }

    if (key->algs == 0) {
        *reason = "alg is not for its type";
        return NGX_DECLINED;
    }

    if (key->algs & NGX_EDGE_KEYSET_CURVES) {
        key->algs |= ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_eddsa);
    }

    return NGX_OK;
}


/* Everything that a key's type and size let it verify; EdDSA by the name of
 * its curve only. */

static ngx_int_t
ngx_edge_keyset_key_type(ngx_edge_keyset_key_t *key, ngx_uint_t *algs,
    const char **reason)
{
    if (EVP_PKEY_is_a(key->pkey, "RSA")) {
        *algs = NGX_EDGE_KEYSET_RS|NGX_EDGE_KEYSET_PS;
        return ngx_edge_keyset_key_rsa(key, reason);
    }

    if (EVP_PKEY_is_a(key->pkey, "RSA-PSS")) {
        *algs = NGX_EDGE_KEYSET_PS;
        return ngx_edge_keyset_key_rsa(key, reason);
    }

    if (EVP_PKEY_is_a(key->pkey, "EC")) {
        return ngx_edge_keyset_key_ec(key, algs, reason);
    }

    if (EVP_PKEY_is_a(key->pkey, "ED25519")) {
        *algs = ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed25519);
        return NGX_OK;
    }

    if (EVP_PKEY_is_a(key->pkey, "ED448")) {
        *algs = ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed448);
        return NGX_OK;
    }

    *reason = "its type is not for signatures we know";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_keyset_key_rsa(ngx_edge_keyset_key_t *key, const char **reason)
{
    BIGNUM     *n, *e;
    ngx_int_t   rc;

    n = NULL;
    e = NULL;

    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1
        || EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
    {
        *reason = "modulus or exponent is missing";
        rc = ngx_edge_keyset_failed();

    } else {
        key->size = BN_num_bytes(n);
        rc = ngx_edge_keyset_key_rsa_check(n, e, reason);
    }

    BN_free(n);
    BN_free(e);

    return rc;
}


static ngx_int_t
ngx_edge_keyset_key_rsa_check(const BIGNUM *n, const BIGNUM *e,
    const char **reason)
{
    if (BN_num_bits(n) < NGX_EDGE_KEYSET_RSA_MIN) {
        *reason = "RSA modulus under 2048 bits";

    } else if (BN_num_bits(n) > NGX_EDGE_KEYSET_RSA_MAX) {
        *reason = "RSA modulus over 16384 bits";

    } else if (!BN_is_odd(n)) {
        *reason = "RSA modulus is even";

    } else if (!BN_is_odd(e) || BN_is_one(e)) {
        *reason = "RSA exponent is even or below 3";

    } else if (BN_num_bits(e) > NGX_EDGE_KEYSET_EXPONENT_MAX) {
        *reason = "RSA exponent over 64 bits";

    } else {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_keyset_key_ec(ngx_edge_keyset_key_t *key, ngx_uint_t *algs,
    const char **reason)
{
    char        name[32];
    ngx_uint_t  alg;

    *reason = "its curve is not for signatures we know";

    if (EVP_PKEY_get_group_name(key->pkey, name, sizeof(name), NULL) != 1) {
        return ngx_edge_keyset_failed();
    }

    for (alg = 0; alg < ngx_edge_jwt_alg_max; alg++) {

        if (ngx_edge_keyset_algs[alg].curve
            && ngx_strcmp(ngx_edge_keyset_algs[alg].curve, name) == 0)
        {
            break;
        }
    }

    if (alg == ngx_edge_jwt_alg_max) {
        return NGX_DECLINED;
    }

    *algs = ngx_edge_jwt_alg_bit(alg);
    key->size = ngx_edge_keyset_algs[alg].size / 2;

    return ngx_edge_keyset_key_point(key, reason);
}


/* Checks the point, and keeps the order of its curve for the signatures. */

static ngx_int_t
ngx_edge_keyset_key_point(ngx_edge_keyset_key_t *key, const char **reason)
{
    int            n;
    BIGNUM        *order;
    EVP_PKEY_CTX  *ctx;

    *reason = "point is not on its curve";

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL) {
        return ngx_edge_keyset_failed();
    }

    n = EVP_PKEY_public_check(ctx);

    EVP_PKEY_CTX_free(ctx);

    if (n != 1) {
        return ngx_edge_keyset_failed();
    }

    order = NULL;

    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_ORDER, &order)
        != 1)
    {
        return ngx_edge_keyset_failed();
    }

    n = BN_bn2binpad(order, key->order, key->size);

    BN_free(order);

    return (n > 0) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_edge_keyset_key_prepare(ngx_edge_keyset_key_t *key, ngx_uint_t alg)
{
    EVP_PKEY_CTX                 *ctx;
    const ngx_edge_keyset_alg_t  *a;

    a = &ngx_edge_keyset_algs[alg];

    if (a->kind == ngx_edge_keyset_eddsa) {
        return NGX_OK;
    }

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    key->verify[alg] = ctx;

    if (EVP_PKEY_verify_init(ctx) != 1
        || EVP_PKEY_CTX_set_signature_md(ctx, ngx_edge_keyset_md(a->hash))
           != 1)
    {
        return ngx_edge_keyset_failed();
    }

    if (a->kind == ngx_edge_keyset_rsa
        && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
    {
        return ngx_edge_keyset_failed();
    }

    /* RFC 7518 section 3.5: MGF1 with the same hash, a salt as long as it */

    if (a->kind == ngx_edge_keyset_pss
        && (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1
            || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, ngx_edge_keyset_md(a->hash))
               != 1
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST)
               != 1))
    {
        return ngx_edge_keyset_failed();
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_keyset_key_secret(ngx_edge_keyset_key_t *key,
    const ngx_str_t *secret, ngx_uint_t allowed, const char **reason)
{
    EVP_MAC_CTX  *mac;
    ngx_uint_t    alg, bit;

    if ((allowed & NGX_EDGE_KEYSET_HS) == 0) {
        *reason = "alg is not for its type";
        return NGX_DECLINED;
    }

    for (alg = 0; alg < ngx_edge_jwt_alg_max; alg++) {

        bit = ngx_edge_jwt_alg_bit(alg);

        /* RFC 7518 section 3.2: at least as long as the hash */

        if (!(allowed & NGX_EDGE_KEYSET_HS & bit)
            || secret->len < ngx_edge_keyset_algs[alg].size)
        {
            continue;
        }

        mac = ngx_edge_keyset_key_mac(secret, ngx_edge_keyset_algs[alg].hash);
        if (mac == NULL) {
            return NGX_ERROR;
        }

        key->mac[alg] = mac;
        key->algs |= bit;
    }

    if (key->algs == 0) {
        *reason = "secret is shorter than its hash";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Microseconds for HS256 over 300 bytes (SHA-NI, OpenSSL 3.0): HMAC() 1.09,
 * a context as here and EVP_MAC_init() without key for each use 0.30, HMAC_CTX
 * likewise 0.27, copies of SHA256_CTX behind the pads 0.22.  The last two are
 * deprecated, and the last would be an HMAC of our own, for 0.08.
 */

static EVP_MAC_CTX *
ngx_edge_keyset_key_mac(const ngx_str_t *secret, ngx_uint_t hash)
{
    EVP_MAC      *hmac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *mac;

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hmac == NULL) {
        return NULL;
    }

    mac = EVP_MAC_CTX_new(hmac);

    EVP_MAC_free(hmac);                /* the context has a reference */

    if (mac == NULL) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                       (char *) ngx_edge_keyset_hashes[hash],
                                       0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(mac, secret->data, secret->len, params) != 1) {
        EVP_MAC_CTX_free(mac);
        return NULL;
    }

    return mac;
}


/* The context clears its copy of a secret as it frees it. */

void
ngx_edge_keyset_key_free(ngx_edge_keyset_key_t *key)
{
    ngx_uint_t  alg;

    for (alg = 0; alg < ngx_edge_jwt_alg_max; alg++) {
        EVP_PKEY_CTX_free(key->verify[alg]);
        key->verify[alg] = NULL;

        EVP_MAC_CTX_free(key->mac[alg]);
        key->mac[alg] = NULL;
    }

    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
    key->algs = 0;
}


const EVP_MD *
ngx_edge_keyset_md(ngx_uint_t hash)
{
    switch (hash) {

    case 0:
        return EVP_sha256();

    case 1:
        return EVP_sha384();

    default:
        return EVP_sha512();
    }
}


/* An error may be recorded without its number, where memory ran out: then the
 * queue says 0 before it is empty. */

ngx_int_t
ngx_edge_keyset_failed(void)
{
    ngx_int_t      rc;
    unsigned long  error;

    if (ERR_peek_error() == 0 && ERR_peek_last_error() == 0) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    do {
        error = ERR_get_error();

        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
            rc = NGX_ERROR;
        }

    } while (error || ERR_peek_last_error());

    ERR_clear_error();

    return rc;
}
