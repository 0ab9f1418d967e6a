
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 through OpenSSL's EVP.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/evp.h>
#include "lib/ngx_edge_hash.h"


struct ngx_edge_hash_s {
    EVP_MD_CTX  *md;
};


static void ngx_edge_hash_cleanup(void *data);


ngx_edge_hash_t *
ngx_edge_hash_create(ngx_pool_t *pool)
{
    ngx_edge_hash_t     *hash;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_edge_hash_t));
    if (cln == NULL) {
        return NULL;
    }

    hash = cln->data;

    hash->md = EVP_MD_CTX_new();
    if (hash->md == NULL) {
        return NULL;
    }

    cln->handler = ngx_edge_hash_cleanup;

    /* later uses name no type, which would be looked up each time */

    if (EVP_DigestInit_ex(hash->md, EVP_sha256(), NULL) != 1) {
        return NULL;
    }

    return hash;
}


ngx_int_t
ngx_edge_hash(ngx_edge_hash_t *hash, const ngx_str_t *pieces, ngx_uint_t n,
    u_char digest[NGX_EDGE_HASH_SIZE])
{
    ngx_uint_t  i;

    if (EVP_DigestInit_ex(hash->md, NULL, NULL) != 1) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (EVP_DigestUpdate(hash->md, pieces[i].data, pieces[i].len) != 1) {
            return NGX_ERROR;
        }
    }

    return (EVP_DigestFinal_ex(hash->md, digest, NULL) == 1) ? NGX_OK
                                                             : NGX_ERROR;
}


static void
ngx_edge_hash_cleanup(void *data)
{
    ngx_edge_hash_t  *hash = data;

    EVP_MD_CTX_free(hash->md);
}
