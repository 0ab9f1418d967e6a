
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Minting of a short-lived token (RFC 7519) that tells a service behind the
 * edge who is calling.  The only unit that knows libjwt.
 */


#ifndef _NGX_EDGE_IDENTITY_H_INCLUDED_
#define _NGX_EDGE_IDENTITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    ngx_edge_identity_hs256 = 0,
    ngx_edge_identity_es256
} ngx_edge_identity_alg_e;


/* Who signs. */
typedef struct {
    ngx_edge_identity_alg_e   alg;
    ngx_str_t                 key;      /* PEM of a private key on P-256, or a
                                           secret of 32 bytes or more */
    ngx_str_t                 kid;      /* may be empty */
} ngx_edge_identity_signer_t;


/* What is said.  Empty strings are left out. */
typedef struct {
    ngx_str_t                 iss;
    ngx_str_t                 sub;
    ngx_str_t                 aud;
    ngx_str_t                 tenant;
    ngx_str_t                 module;
    ngx_str_t                 jti;
    time_t                    iat;
    time_t                    exp;
} ngx_edge_identity_claims_t;


/* NGX_OK; NGX_DECLINED: the key is not for the algorithm; NGX_ERROR: no
 * memory. */
ngx_int_t ngx_edge_identity_key(const ngx_edge_identity_signer_t *signer);


/* The compact token in pool memory, with a key that passed the above.  NGX_OK;
 * NGX_DECLINED: it could not be signed; NGX_ERROR: no memory, or a value that
 * is no UTF-8 or has a NUL byte. */
ngx_int_t ngx_edge_identity_mint(ngx_pool_t *pool,
    const ngx_edge_identity_signer_t *signer,
    const ngx_edge_identity_claims_t *claims, ngx_str_t *token);


#endif /* _NGX_EDGE_IDENTITY_H_INCLUDED_ */
