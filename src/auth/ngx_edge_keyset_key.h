
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of a key set share: one key, and how it is made.  OpenSSL's
 * types appear by their tags only, so that its headers stay in .c files.
 */


#ifndef _NGX_EDGE_KEYSET_KEY_H_INCLUDED_
#define _NGX_EDGE_KEYSET_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "auth/ngx_edge_jwt.h"
#include "auth/ngx_edge_keyset.h"
#include "lib/ngx_edge_json.h"


#define NGX_EDGE_KEYSET_COORDINATE  66   /* bytes, of P-521 */


typedef enum {
    ngx_edge_keyset_hmac = 0,
    ngx_edge_keyset_rsa,
    ngx_edge_keyset_pss,
    ngx_edge_keyset_ec,
    ngx_edge_keyset_eddsa
} ngx_edge_keyset_kind_e;


/* SHA-256, -384 and -512 have the places 0, 1 and 2. */
#define NGX_EDGE_KEYSET_HASHES  3


/* What an algorithm is, by its number. */
typedef struct {
    ngx_edge_keyset_kind_e   kind;
    ngx_uint_t               hash;
    size_t                   size;    /* of a signature; 0: of the modulus */
    const char              *curve;   /* OpenSSL's name of it */
} ngx_edge_keyset_alg_t;


/*
 * A key that can be used.  algs has a bit for each algorithm it is for, and
 * for each of those the context is there: mac for HS, verify for RS, PS and
 * ES; EdDSA needs none.  Written once, while the set is made.
 */
typedef struct {
    ngx_str_t                kid;     /* data NULL: none */
    ngx_uint_t               algs;
    size_t                   size;    /* bytes of the modulus, or a coordinate;
                                         0: other */
    u_char                   order[NGX_EDGE_KEYSET_COORDINATE];
                                      /* of the curve, size bytes */
    struct evp_pkey_st      *pkey;    /* NULL: symmetric */
    struct evp_pkey_ctx_st  *verify[ngx_edge_jwt_alg_max];
    struct evp_mac_ctx_st   *mac[ngx_edge_jwt_alg_max];
} ngx_edge_keyset_key_t;


struct ngx_edge_keyset_s {
    ngx_edge_keyset_key_t   *keys;
    ngx_uint_t               n;
    struct evp_md_ctx_st    *md[NGX_EDGE_KEYSET_HASHES];
    u_char                   digest[NGX_EDGE_KEYSET_DIGEST];
};


extern const ngx_edge_keyset_alg_t  ngx_edge_keyset_algs[];


/*
 * All that make a key: NGX_OK; NGX_DECLINED with a static reason, the key is
 * not usable; NGX_ERROR without memory.  What has been put into the key is
 * freed by ngx_edge_keyset_key_free() in any case, also a second time.
 * allowed: bits of the only algorithms the key may get, all bits if nothing
 * says so.
 */

/* A JSON Web Key.  kid goes to pool; scratch may be gone afterwards. */
ngx_int_t ngx_edge_keyset_jwk(ngx_pool_t *pool, ngx_pool_t *scratch,
    const ngx_edge_json_t *jwk, ngx_uint_t flags, ngx_edge_keyset_key_t *key,
    const char **reason);

/* One PEM block: begins with "-----BEGIN ", ends before the next that does. */
ngx_int_t ngx_edge_keyset_pem(const ngx_str_t *block,
    ngx_edge_keyset_key_t *key, const char **reason);

/* A public key, which key->pkey already owns. */
ngx_int_t ngx_edge_keyset_key_public(ngx_edge_keyset_key_t *key,
    ngx_uint_t allowed, const char **reason);

/* A secret, which is copied. */
ngx_int_t ngx_edge_keyset_key_secret(ngx_edge_keyset_key_t *key,
    const ngx_str_t *secret, ngx_uint_t allowed, const char **reason);

void ngx_edge_keyset_key_free(ngx_edge_keyset_key_t *key);

/* OpenSSL's digest of a place; const struct evp_md_st is its EVP_MD. */
const struct evp_md_st *ngx_edge_keyset_md(ngx_uint_t hash);

/* Empties OpenSSL's queue of errors, where nginx would find them on its next
 * connection.  NGX_ERROR if memory was the cause, else NGX_DECLINED. */
ngx_int_t ngx_edge_keyset_failed(void);


#endif /* _NGX_EDGE_KEYSET_KEY_H_INCLUDED_ */
