
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Minting through libjwt.  Its strings end in NUL, so a value with a NUL byte
 * inside is refused rather than cut.  It signs ES256 on any curve, and asks a
 * terminal for a passphrase: so the key is looked at before it gets there.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <jwt.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include "auth/ngx_edge_identity.h"


#define NGX_EDGE_IDENTITY_SECRET_MIN  32    /* RFC 7518 section 3.2 */


static int ngx_edge_identity_passphrase(char *buf, int size, int rwflag,
    void *data);
static ngx_int_t ngx_edge_identity_fill(ngx_pool_t *pool, jwt_t *jwt,
    const ngx_edge_identity_signer_t *signer,
    const ngx_edge_identity_claims_t *claims);
static ngx_int_t ngx_edge_identity_grant(ngx_pool_t *pool, jwt_t *jwt,
    const char *name, const ngx_str_t *value);
static char *ngx_edge_identity_string(ngx_pool_t *pool,
    const ngx_str_t *value);


ngx_int_t
ngx_edge_identity_key(const ngx_edge_identity_signer_t *signer)
{
    BIO        *bio;
    char        name[32];
    EVP_PKEY   *pkey;
    ngx_int_t   rc;

    if (signer->alg == ngx_edge_identity_hs256) {
        return (signer->key.len >= NGX_EDGE_IDENTITY_SECRET_MIN)
               ? NGX_OK : NGX_DECLINED;
    }

    bio = BIO_new_mem_buf(signer->key.data, (int) signer->key.len);
    if (bio == NULL) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    pkey = PEM_read_bio_PrivateKey(bio, NULL, ngx_edge_identity_passphrase,
                                   NULL);

    rc = (pkey
          && EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) == 1
          && ngx_strcmp(name, "prime256v1") == 0)
         ? NGX_OK : NGX_DECLINED;

    EVP_PKEY_free(pkey);
    BIO_free(bio);
    ERR_clear_error();

    return rc;
}


/* There is none. */

static int
ngx_edge_identity_passphrase(char *buf, int size, int rwflag, void *data)
{
    return -1;
}


ngx_int_t
ngx_edge_identity_mint(ngx_pool_t *pool,
    const ngx_edge_identity_signer_t *signer,
    const ngx_edge_identity_claims_t *claims, ngx_str_t *token)
{
    char       *text;
    jwt_t      *jwt;
    jwt_alg_t   alg;
    ngx_int_t   rc;

    if (jwt_new(&jwt) != 0) {
        return NGX_ERROR;
    }

    rc = ngx_edge_identity_fill(pool, jwt, signer, claims);

    if (rc != NGX_OK) {
        jwt_free(jwt);
        return rc;
    }

    alg = (signer->alg == ngx_edge_identity_hs256) ? JWT_ALG_HS256
                                                   : JWT_ALG_ES256;

    text = NULL;

    if (jwt_set_alg(jwt, alg, signer->key.data, (int) signer->key.len) == 0) {
        text = jwt_encode_str(jwt);
    }

    jwt_free(jwt);

    if (text == NULL) {
        return NGX_DECLINED;
    }

    token->len = ngx_strlen(text);
    token->data = ngx_pnalloc(pool, token->len);

    if (token->data) {
        ngx_memcpy(token->data, text, token->len);
    }

    free(text);

    return token->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_edge_identity_fill(ngx_pool_t *pool, jwt_t *jwt,
    const ngx_edge_identity_signer_t *signer,
    const ngx_edge_identity_claims_t *claims)
{
    char        *kid;
    ngx_uint_t   i;

    struct {
        const char       *name;
        const ngx_str_t  *value;
    } grants[] = {
        { "iss", &claims->iss },
        { "sub", &claims->sub },
        { "aud", &claims->aud },
        { "tenant", &claims->tenant },
        { "module", &claims->module },
        { "jti", &claims->jti }
    };

    for (i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (ngx_edge_identity_grant(pool, jwt, grants[i].name,
                                    grants[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (jwt_add_grant_int(jwt, "iat", (long) claims->iat) != 0
        || jwt_add_grant_int(jwt, "exp", (long) claims->exp) != 0)
    {
        return NGX_ERROR;
    }

    if (signer->kid.len == 0) {
        return NGX_OK;
    }

    kid = ngx_edge_identity_string(pool, &signer->kid);

    return (kid && jwt_add_header(jwt, "kid", kid) == 0) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_edge_identity_grant(ngx_pool_t *pool, jwt_t *jwt, const char *name,
    const ngx_str_t *value)
{
    char  *text;

    if (value->len == 0) {
        return NGX_OK;
    }

    text = ngx_edge_identity_string(pool, value);

    return (text && jwt_add_grant(jwt, name, text) == 0) ? NGX_OK : NGX_ERROR;
}


static char *
ngx_edge_identity_string(ngx_pool_t *pool, const ngx_str_t *value)
{
    char  *text;

    if (ngx_strlchr(value->data, value->data + value->len, '\0')) {
        return NULL;
    }

    text = ngx_pnalloc(pool, value->len + 1);

    if (text) {
        ngx_memcpy(text, value->data, value->len);
        text[value->len] = '\0';
    }

    return text;
}
