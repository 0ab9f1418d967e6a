
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A token's signature against a set.  Runs for each token seen for the first
 * time, with contexts made before: nothing is fetched by name here, and but
 * for EdDSA nothing is set up either.  Knows not how keys came to be.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include "auth/ngx_edge_keyset_key.h"


#define NGX_EDGE_KEYSET_HASH_MAX  64
#define NGX_EDGE_KEYSET_TRIES     16       /* signatures checked for a token */
#define NGX_EDGE_KEYSET_DER_MAX   (3 + 2 * (3 + NGX_EDGE_KEYSET_COORDINATE))

#define NGX_EDGE_KEYSET_LENGTH    "signature has a wrong length"
#define NGX_EDGE_KEYSET_MISMATCH  "signature does not match"


/*
 * One verification; the digest is made once for all keys that are tried.  A
 * token without kid fits all keys of its algorithm, and whoever sends one that
 * is no good has all of them tried: so there is an end to it.
 */
typedef struct {
    const ngx_edge_token_t       *token;
    const ngx_edge_keyset_alg_t  *alg;
    const char                  **reason;
    ngx_uint_t                    tries;   /* costly ones, see below */
    unsigned                      size;    /* of the digest; 0: not made yet */
    u_char                        digest[NGX_EDGE_KEYSET_HASH_MAX];
} ngx_edge_keyset_job_t;


static ngx_uint_t ngx_edge_keyset_kid(const ngx_edge_keyset_key_t *key,
    const ngx_edge_token_t *token);
static ngx_int_t ngx_edge_keyset_try(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job);
static ngx_int_t ngx_edge_keyset_try_hmac(EVP_MAC_CTX *mac,
    ngx_edge_keyset_job_t *job);
static ngx_int_t ngx_edge_keyset_try_rsa(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job);
static ngx_int_t ngx_edge_keyset_try_ec(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job);
static ngx_int_t ngx_edge_keyset_try_eddsa(const ngx_edge_keyset_key_t *key,
    ngx_edge_keyset_job_t *job);
static ngx_int_t ngx_edge_keyset_try_pkey(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job,
    const u_char *signature, size_t len);
static ngx_int_t ngx_edge_keyset_hash(ngx_edge_keyset_t *set,
    ngx_edge_keyset_job_t *job);
static ngx_uint_t ngx_edge_keyset_in_order(const u_char *number,
    const ngx_edge_keyset_key_t *key);
static u_char *ngx_edge_keyset_der_integer(u_char *p, const u_char *number,
    size_t size);


ngx_int_t
ngx_edge_keyset_verify(ngx_edge_keyset_t *set, const ngx_edge_token_t *token,
    ngx_uint_t algs, const char **reason)
{
    ngx_int_t               rc;
    ngx_uint_t              i, bit, named, tried;
    ngx_edge_keyset_key_t  *key;
    ngx_edge_keyset_job_t   job;

    if (token->alg <= ngx_edge_jwt_alg_unknown
        || token->alg >= ngx_edge_jwt_alg_max
        || !(algs & ngx_edge_jwt_alg_bit(token->alg)))
    {
        *reason = "algorithm is not allowed";
        return NGX_DECLINED;
    }

    job.token = token;
    job.alg = &ngx_edge_keyset_algs[token->alg];
    job.reason = reason;
    job.tries = 0;
    job.size = 0;

    bit = ngx_edge_jwt_alg_bit(token->alg);
    named = 0;
    tried = 0;

    for (i = 0; i < set->n; i++) {
        key = &set->keys[i];

        if (!ngx_edge_keyset_kid(key, token)) {
            continue;
        }

        named = 1;

        if (!(key->algs & bit)) {
            continue;
        }

        if (job.tries == NGX_EDGE_KEYSET_TRIES) {
            *reason = "too many keys fit it: it needs a kid";
            return NGX_DECLINED;
        }

        rc = ngx_edge_keyset_try(set, key, &job);
        if (rc != NGX_DECLINED) {
            return rc;
        }

        tried = 1;
    }

    if (!named) {
        *reason = "no key has its kid";
        return NGX_AGAIN;
    }

    if (!tried) {
        *reason = "no key is for its algorithm";
    }

    return NGX_DECLINED;
}


/* A set has a key at least, so a token without kid finds one. */

static ngx_uint_t
ngx_edge_keyset_kid(const ngx_edge_keyset_key_t *key,
    const ngx_edge_token_t *token)
{
    if (key->kid.data == NULL || token->kid.data == NULL) {
        return 1;
    }

    return key->kid.len == token->kid.len
           && ngx_memcmp(key->kid.data, token->kid.data, key->kid.len) == 0;
}


static ngx_int_t
ngx_edge_keyset_try(ngx_edge_keyset_t *set, const ngx_edge_keyset_key_t *key,
    ngx_edge_keyset_job_t *job)
{
    switch (job->alg->kind) {

    case ngx_edge_keyset_hmac:
        return ngx_edge_keyset_try_hmac(key->mac[job->token->alg], job);

    case ngx_edge_keyset_rsa:
    case ngx_edge_keyset_pss:
        return ngx_edge_keyset_try_rsa(set, key, job);

    case ngx_edge_keyset_ec:
        return ngx_edge_keyset_try_ec(set, key, job);

    default:
        return ngx_edge_keyset_try_eddsa(key, job);
    }
}


static ngx_int_t
ngx_edge_keyset_try_hmac(EVP_MAC_CTX *mac, ngx_edge_keyset_job_t *job)
{
    size_t            size;
    u_char            code[NGX_EDGE_KEYSET_HASH_MAX];
    ngx_uint_t        ok;
    const ngx_str_t  *signing, *signature;

    signing = &job->token->signing;
    signature = &job->token->signature;

    if (signature->len != job->alg->size) {
        *job->reason = NGX_EDGE_KEYSET_LENGTH;
        return NGX_DECLINED;
    }

    /* without a key: again with the one it has */

    ok = EVP_MAC_init(mac, NULL, 0, NULL) == 1
         && EVP_MAC_update(mac, signing->data, signing->len) == 1
         && EVP_MAC_final(mac, code, &size, sizeof(code)) == 1
         && size == signature->len;

    (void) ngx_edge_keyset_failed();       /* also behind what went well */

    if (!ok) {
        return NGX_ERROR;
    }

    if (CRYPTO_memcmp(code, signature->data, signature->len) != 0) {
        *job->reason = NGX_EDGE_KEYSET_MISMATCH;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* RFC 8017 sections 8.1.2 and 8.2.2: as long as the modulus. */

static ngx_int_t
ngx_edge_keyset_try_rsa(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job)
{
    const ngx_str_t  *signature;

    signature = &job->token->signature;

    if (signature->len != key->size) {
        *job->reason = NGX_EDGE_KEYSET_LENGTH;
        return NGX_DECLINED;
    }

    return ngx_edge_keyset_try_pkey(set, key, job, signature->data,
                                    signature->len);
}


/* RFC 7518 section 3.4: r and s in as many bytes as a coordinate has.  OpenSSL
 * wants them as the DER of SEQUENCE { INTEGER r, INTEGER s }. */

static ngx_int_t
ngx_edge_keyset_try_ec(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job)
{
    u_char           *p, *last, *body, der[NGX_EDGE_KEYSET_DER_MAX];
    size_t            len;
    const ngx_str_t  *signature;

    signature = &job->token->signature;

    if (signature->len != job->alg->size) {
        *job->reason = NGX_EDGE_KEYSET_LENGTH;
        return NGX_DECLINED;
    }

    if (!ngx_edge_keyset_in_order(signature->data, key)
        || !ngx_edge_keyset_in_order(signature->data + key->size, key))
    {
        *job->reason = "signature is out of range";
        return NGX_DECLINED;
    }

    body = der + 3;

    last = ngx_edge_keyset_der_integer(body, signature->data, key->size);
    last = ngx_edge_keyset_der_integer(last, signature->data + key->size,
                                       key->size);
    len = last - body;

    /* the head is written backwards: its length takes one byte or two */

    p = body;
    *--p = (u_char) len;

    if (len > 0x7f) {
        *--p = 0x81;
    }

    *--p = 0x30;

    return ngx_edge_keyset_try_pkey(set, key, job, p, last - p);
}


/* Newer versions of OpenSSL end a context with its first verification, so
 * that here one is made for each. */

static ngx_int_t
ngx_edge_keyset_try_eddsa(const ngx_edge_keyset_key_t *key,
    ngx_edge_keyset_job_t *job)
{
    int                      ok;
    ngx_int_t                rc;
    EVP_MD_CTX              *ctx;
    const ngx_edge_token_t  *token;

    token = job->token;

    if (token->signature.len != (size_t) EVP_PKEY_get_size(key->pkey)) {
        *job->reason = NGX_EDGE_KEYSET_LENGTH;
        return NGX_DECLINED;
    }

    job->tries++;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        (void) ngx_edge_keyset_failed();
        return NGX_ERROR;
    }

    if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) != 1) {
        (void) ngx_edge_keyset_failed();   /* whatever it was */
        EVP_MD_CTX_free(ctx);
        return NGX_ERROR;
    }

    ok = EVP_DigestVerify(ctx, token->signature.data, token->signature.len,
                          token->signing.data, token->signing.len);

    EVP_MD_CTX_free(ctx);

    rc = ngx_edge_keyset_failed();         /* also behind what went well */

    if (ok == 1) {
        return NGX_OK;
    }

    *job->reason = NGX_EDGE_KEYSET_MISMATCH;

    return rc;
}


static ngx_int_t
ngx_edge_keyset_try_pkey(ngx_edge_keyset_t *set,
    const ngx_edge_keyset_key_t *key, ngx_edge_keyset_job_t *job,
    const u_char *signature, size_t len)
{
    int        ok;
    ngx_int_t  rc;

    if (job->size == 0 && ngx_edge_keyset_hash(set, job) != NGX_OK) {
        return NGX_ERROR;
    }

    job->tries++;

    ok = EVP_PKEY_verify(key->verify[job->token->alg], signature, len,
                         job->digest, job->size);

    rc = ngx_edge_keyset_failed();         /* also behind what went well */

    if (ok == 1) {
        return NGX_OK;
    }

    *job->reason = NGX_EDGE_KEYSET_MISMATCH;

    return rc;
}


static ngx_int_t
ngx_edge_keyset_hash(ngx_edge_keyset_t *set, ngx_edge_keyset_job_t *job)
{
    unsigned          size;
    EVP_MD_CTX       *md;
    const ngx_str_t  *signing;

    md = set->md[job->alg->hash];
    signing = &job->token->signing;

    if (EVP_DigestInit_ex(md, NULL, NULL) != 1
        || EVP_DigestUpdate(md, signing->data, signing->len) != 1
        || EVP_DigestFinal_ex(md, job->digest, &size) != 1)
    {
        (void) ngx_edge_keyset_failed();   /* whatever it was */
        return NGX_ERROR;
    }

    job->size = size;

    return NGX_OK;
}


/* Whether a number as long as a coordinate is in 1..order-1. */

static ngx_uint_t
ngx_edge_keyset_in_order(const u_char *number,
    const ngx_edge_keyset_key_t *key)
{
    size_t  i;

    if (ngx_memcmp(number, key->order, key->size) >= 0) {
        return 0;
    }

    for (i = 0; i < key->size; i++) {

        if (number[i]) {
            return 1;
        }
    }

    return 0;
}


/* A positive INTEGER without needless zeros; number is not zero. */

static u_char *
ngx_edge_keyset_der_integer(u_char *p, const u_char *number, size_t size)
{
    while (*number == 0) {
        number++;
        size--;
    }

    *p++ = 0x02;
    *p++ = (u_char) (size + (*number >> 7));

    if (*number & 0x80) {
        *p++ = 0;
    }

    return ngx_cpymem(p, number, size);
}
