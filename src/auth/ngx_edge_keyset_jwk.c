
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A JSON Web Key (RFC 7517; RFC 7518 section 6 for EC, RSA and oct, RFC 8037
 * for OKP) made a key.  Members that make a key private are not read.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include "auth/ngx_edge_keyset_key.h"
#include "lib/ngx_edge_base64url.h"


typedef struct {
    ngx_pool_t             *scratch;
    const ngx_edge_json_t  *json;
    ngx_uint_t              flags;
    ngx_uint_t              allowed;   /* bits of algorithms */
    ngx_edge_keyset_key_t  *key;
    const char            **reason;
} ngx_edge_keyset_jwk_t;


typedef struct {
    ngx_str_t               name;
    ngx_int_t             (*handler)(ngx_edge_keyset_jwk_t *jwk);
} ngx_edge_keyset_kty_t;


typedef struct {
    ngx_str_t               name;
    size_t                  size;      /* of a coordinate, or the key */
    int                     type;      /* OKP */
    const char             *group;     /* EC */
} ngx_edge_keyset_crv_t;


static ngx_int_t ngx_edge_keyset_jwk_key(ngx_edge_keyset_jwk_t *jwk);
static void ngx_edge_keyset_jwk_wipe(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_kid(ngx_pool_t *pool,
    ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_purpose(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_ops(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_rsa(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_rsa_key(ngx_edge_keyset_jwk_t *jwk,
    OSSL_PARAM_BLD *bld, const BIGNUM *n, const BIGNUM *e);
static ngx_int_t ngx_edge_keyset_jwk_ec(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_okp(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_oct(ngx_edge_keyset_jwk_t *jwk);
static ngx_int_t ngx_edge_keyset_jwk_pkey(ngx_edge_keyset_jwk_t *jwk,
    const char *type, OSSL_PARAM *params);
static ngx_int_t ngx_edge_keyset_jwk_text(ngx_edge_keyset_jwk_t *jwk,
    const char *name, ngx_str_t *text);
static ngx_int_t ngx_edge_keyset_jwk_bytes(ngx_edge_keyset_jwk_t *jwk,
    const char *name, ngx_str_t *bytes);
static const ngx_edge_keyset_crv_t *ngx_edge_keyset_jwk_crv(
    ngx_edge_keyset_jwk_t *jwk, const ngx_edge_keyset_crv_t *crv);


static const ngx_edge_keyset_kty_t  ngx_edge_keyset_ktys[] = {
    { ngx_string("RSA"), ngx_edge_keyset_jwk_rsa },
    { ngx_string("EC"), ngx_edge_keyset_jwk_ec },
    { ngx_string("OKP"), ngx_edge_keyset_jwk_okp },
    { ngx_string("oct"), ngx_edge_keyset_jwk_oct },
    { ngx_null_string, NULL }
};


static const ngx_edge_keyset_crv_t  ngx_edge_keyset_ec_crvs[] = {
    { ngx_string("P-256"), 32, 0, "prime256v1" },
    { ngx_string("P-384"), 48, 0, "secp384r1" },
    { ngx_string("P-521"), 66, 0, "secp521r1" },
    { ngx_string("secp256k1"), 32, 0, "secp256k1" },
    { ngx_null_string, 0, 0, NULL }
};


static const ngx_edge_keyset_crv_t  ngx_edge_keyset_okp_crvs[] = {
    { ngx_string("Ed25519"), 32, EVP_PKEY_ED25519, NULL },
    { ngx_string("Ed448"), 57, EVP_PKEY_ED448, NULL },
    { ngx_null_string, 0, 0, NULL }
};


static const char *const  ngx_edge_keyset_private[] = {
    "k", "d", "p", "q", "dp", "dq", "qi", NULL
};


ngx_int_t
ngx_edge_keyset_jwk(ngx_pool_t *pool, ngx_pool_t *scratch,
    const ngx_edge_json_t *json, ngx_uint_t flags, ngx_edge_keyset_key_t *key,
    const char **reason)
{
    ngx_int_t              rc;
    ngx_edge_keyset_jwk_t  jwk;

    if (ngx_edge_json_type(json) != ngx_edge_json_type_object) {
        *reason = "no JSON object";
        return NGX_DECLINED;
    }

    jwk.scratch = scratch;
    jwk.json = json;
    jwk.flags = flags;
    jwk.allowed = (ngx_uint_t) -1;
    jwk.key = key;
    jwk.reason = reason;

    rc = ngx_edge_keyset_jwk_kid(pool, &jwk);

    if (rc == NGX_OK) {
        rc = ngx_edge_keyset_jwk_purpose(&jwk);
    }

    if (rc == NGX_OK) {
        rc = ngx_edge_keyset_jwk_key(&jwk);
    }

    ngx_edge_keyset_jwk_wipe(&jwk);

    return rc;
}


static ngx_int_t
ngx_edge_keyset_jwk_key(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_str_t                     kty;
    const ngx_edge_keyset_kty_t  *type;

    if (ngx_edge_keyset_jwk_text(jwk, "kty", &kty) != NGX_OK
        || kty.data == NULL)
    {
        *jwk->reason = "kty is missing or no string";
        return NGX_DECLINED;
    }

    for (type = ngx_edge_keyset_ktys; type->handler; type++) {

        if (kty.len == type->name.len
            && ngx_memcmp(kty.data, type->name.data, kty.len) == 0)
        {
            return type->handler(jwk);
        }
    }

    *jwk->reason = "kty is not known";

    return NGX_DECLINED;
}


/* The tree goes back to the heap: without what was secret in it. */

static void
ngx_edge_keyset_jwk_wipe(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_str_t           text;
    const char *const  *name;

    for (name = ngx_edge_keyset_private; *name; name++) {

        if (ngx_edge_keyset_jwk_text(jwk, *name, &text) == NGX_OK
            && text.data)
        {
            ngx_explicit_memzero(text.data, text.len);
        }
    }
}


static ngx_int_t
ngx_edge_keyset_jwk_kid(ngx_pool_t *pool, ngx_edge_keyset_jwk_t *jwk)
{
    u_char     *p;
    ngx_str_t   kid;

    if (ngx_edge_keyset_jwk_text(jwk, "kid", &kid) != NGX_OK) {
        *jwk->reason = "kid is no string";
        return NGX_DECLINED;
    }

    if (kid.data == NULL) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, kid.len + 1);   /* one may be empty */
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, kid.data, kid.len);

    jwk->key->kid.data = p;
    jwk->key->kid.len = kid.len;

    return NGX_OK;
}


/* use, key_ops and alg: NGX_OK if the key may verify, with jwk->allowed. */

static ngx_int_t
ngx_edge_keyset_jwk_purpose(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_str_t           text;
    ngx_edge_jwt_alg_e  alg;

    if (ngx_edge_keyset_jwk_text(jwk, "use", &text) != NGX_OK
        || (text.data && !(text.len == 3
                           && ngx_memcmp(text.data, "sig", 3) == 0)))
    {
        *jwk->reason = "use is not sig";
        return NGX_DECLINED;
    }

    if (ngx_edge_keyset_jwk_ops(jwk) != NGX_OK) {
        *jwk->reason = "key_ops is without verify";
        return NGX_DECLINED;
    }

    if (ngx_edge_keyset_jwk_text(jwk, "alg", &text) != NGX_OK) {
        *jwk->reason = "alg is no string";
        return NGX_DECLINED;
    }

    if (text.data == NULL) {
        return NGX_OK;
    }

    alg = ngx_edge_jwt_alg(&text);

    if (alg == ngx_edge_jwt_alg_unknown) {
        *jwk->reason = "alg is not for signatures we know";
        return NGX_DECLINED;
    }

    jwk->allowed = ngx_edge_jwt_alg_bit(alg);

    if (alg == ngx_edge_jwt_alg_eddsa) {
        jwk->allowed = ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed25519)
                       | ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed448);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_keyset_jwk_ops(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_str_t         op;
    ngx_uint_t        i;
    ngx_edge_json_t  *ops, *value;

    ops = ngx_edge_json_get(jwk->json, "key_ops");
    if (ops == NULL) {
        return NGX_OK;
    }

    if (ngx_edge_json_type(ops) != ngx_edge_json_type_array) {
        return NGX_DECLINED;
    }

    for (i = 0; i < ngx_edge_json_size(ops); i++) {

        value = ngx_edge_json_at(ops, i);

        if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
            return NGX_DECLINED;
        }

        ngx_edge_json_string(value, &op);

        if (op.len == 6 && ngx_memcmp(op.data, "verify", 6) == 0) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_keyset_jwk_rsa(ngx_edge_keyset_jwk_t *jwk)
{
    BIGNUM          *bn_n, *bn_e;
    ngx_int_t        rc;
    ngx_str_t        n, e;
    OSSL_PARAM_BLD  *bld;

    rc = ngx_edge_keyset_jwk_bytes(jwk, "n", &n);
    if (rc != NGX_OK) {
        *jwk->reason = "n is missing or no base64url";
        return rc;
    }

    rc = ngx_edge_keyset_jwk_bytes(jwk, "e", &e);
    if (rc != NGX_OK) {
        *jwk->reason = "e is missing or no base64url";
        return rc;
    }

    bn_n = BN_bin2bn(n.data, n.len, NULL);
    bn_e = BN_bin2bn(e.data, e.len, NULL);
    bld = OSSL_PARAM_BLD_new();

    rc = NGX_ERROR;

    if (bn_n && bn_e && bld) {
        rc = ngx_edge_keyset_jwk_rsa_key(jwk, bld, bn_n, bn_e);
    }

    OSSL_PARAM_BLD_free(bld);
    BN_free(bn_e);
    BN_free(bn_n);

    return rc;
}


static ngx_int_t
ngx_edge_keyset_jwk_rsa_key(ngx_edge_keyset_jwk_t *jwk, OSSL_PARAM_BLD *bld,
    const BIGNUM *n, const BIGNUM *e)
{
    ngx_int_t    rc;
    OSSL_PARAM  *params;

    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1
        || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
    {
        return NGX_ERROR;
    }

    params = OSSL_PARAM_BLD_to_param(bld);
    if (params == NULL) {
        return NGX_ERROR;
    }

    *jwk->reason = "n or e is no part of an RSA key";

    rc = ngx_edge_keyset_jwk_pkey(jwk, "RSA", params);

    OSSL_PARAM_free(params);

    return rc;
}


static ngx_int_t
ngx_edge_keyset_jwk_ec(ngx_edge_keyset_jwk_t *jwk)
{
    u_char                        point[1 + 2 * NGX_EDGE_KEYSET_COORDINATE];
    ngx_int_t                     rc;
    ngx_str_t                     x, y;
    OSSL_PARAM                    params[3];
    const ngx_edge_keyset_crv_t  *crv;

    crv = ngx_edge_keyset_jwk_crv(jwk, ngx_edge_keyset_ec_crvs);
    if (crv == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_edge_keyset_jwk_bytes(jwk, "x", &x);

    if (rc == NGX_OK) {
        rc = ngx_edge_keyset_jwk_bytes(jwk, "y", &y);
    }

    if (rc != NGX_OK) {
        *jwk->reason = "x or y is missing or no base64url";
        return rc;
    }

    if (x.len != crv->size || y.len != crv->size) {
        *jwk->reason = "x or y has not the length of its curve";
        return NGX_DECLINED;
    }

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    ngx_memcpy(point + 1, x.data, x.len);
    ngx_memcpy(point + 1 + x.len, y.data, y.len);

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *) crv->group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, 1 + x.len + y.len);
    params[2] = OSSL_PARAM_construct_end();

    *jwk->reason = "point is not on its curve, or OpenSSL lacks the curve";

    return ngx_edge_keyset_jwk_pkey(jwk, "EC", params);
}


static ngx_int_t
ngx_edge_keyset_jwk_okp(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_int_t                     rc;
    ngx_str_t                     x;
    const ngx_edge_keyset_crv_t  *crv;

    crv = ngx_edge_keyset_jwk_crv(jwk, ngx_edge_keyset_okp_crvs);
    if (crv == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_edge_keyset_jwk_bytes(jwk, "x", &x);
    if (rc != NGX_OK) {
        *jwk->reason = "x is missing or no base64url";
        return rc;
    }

    if (x.len != crv->size) {
        *jwk->reason = "x has not the length of its curve";
        return NGX_DECLINED;
    }

    *jwk->reason = "OpenSSL lacks the curve";

    jwk->key->pkey = EVP_PKEY_new_raw_public_key(crv->type, NULL, x.data,
                                                 x.len);
    if (jwk->key->pkey == NULL) {
        return ngx_edge_keyset_failed();
    }

    return ngx_edge_keyset_key_public(jwk->key, jwk->allowed, jwk->reason);
}


static ngx_int_t
ngx_edge_keyset_jwk_oct(ngx_edge_keyset_jwk_t *jwk)
{
    ngx_int_t  rc;
    ngx_str_t  k;

    if (jwk->flags & NGX_EDGE_KEYSET_PUBLIC) {
        *jwk->reason = "a symmetric key from a public place";
        return NGX_DECLINED;
    }

    rc = ngx_edge_keyset_jwk_bytes(jwk, "k", &k);

    if (rc == NGX_OK) {
        rc = ngx_edge_keyset_key_secret(jwk->key, &k, jwk->allowed,
                                        jwk->reason);
        ngx_explicit_memzero(k.data, k.len);

    } else {
        *jwk->reason = "k is missing or no base64url";
    }

    return rc;
}


static ngx_int_t
ngx_edge_keyset_jwk_pkey(ngx_edge_keyset_jwk_t *jwk, const char *type,
    OSSL_PARAM *params)
{
    int            made;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (ctx == NULL) {
        return ngx_edge_keyset_failed();
    }

    made = EVP_PKEY_fromdata_init(ctx) == 1
           && EVP_PKEY_fromdata(ctx, &jwk->key->pkey, EVP_PKEY_PUBLIC_KEY,
                                params)
              == 1;

    EVP_PKEY_CTX_free(ctx);

    if (!made) {
        return ngx_edge_keyset_failed();
    }

    return ngx_edge_keyset_key_public(jwk->key, jwk->allowed, jwk->reason);
}


/* A member that is a string, text->data NULL if it is absent; NGX_DECLINED:
 * it is something else. */

static ngx_int_t
ngx_edge_keyset_jwk_text(ngx_edge_keyset_jwk_t *jwk, const char *name,
    ngx_str_t *text)
{
    ngx_edge_json_t  *value;

    ngx_str_null(text);

    value = ngx_edge_json_get(jwk->json, name);
    if (value == NULL) {
        return NGX_OK;
    }

    if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
        return NGX_DECLINED;
    }

    ngx_edge_json_string(value, text);

    return NGX_OK;
}


/* A member in base64url, decoded in scratch memory. */

static ngx_int_t
ngx_edge_keyset_jwk_bytes(ngx_edge_keyset_jwk_t *jwk, const char *name,
    ngx_str_t *bytes)
{
    ngx_str_t  text;

    if (ngx_edge_keyset_jwk_text(jwk, name, &text) != NGX_OK
        || text.len == 0)
    {
        return NGX_DECLINED;
    }

    bytes->data = ngx_pnalloc(jwk->scratch,
                              ngx_edge_base64url_decoded(text.len));
    if (bytes->data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_edge_base64url_decode(bytes, text.data, text.len) != NGX_OK) {
        ngx_explicit_memzero(bytes->data,
                             ngx_edge_base64url_decoded(text.len));
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static const ngx_edge_keyset_crv_t *
ngx_edge_keyset_jwk_crv(ngx_edge_keyset_jwk_t *jwk,
    const ngx_edge_keyset_crv_t *crv)
{
    ngx_str_t  name;

    if (ngx_edge_keyset_jwk_text(jwk, "crv", &name) != NGX_OK
        || name.data == NULL)
    {
        *jwk->reason = "crv is missing or no string";
        return NULL;
    }

    for ( /* void */ ; crv->name.len; crv++) {

        if (name.len == crv->name.len
            && ngx_memcmp(name.data, crv->name.data, name.len) == 0)
        {
            return crv;
        }
    }

    *jwk->reason = "crv is not known";

    return NULL;
}
