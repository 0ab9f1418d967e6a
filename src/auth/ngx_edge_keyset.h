
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A set of keys, from a JSON Web Key Set (RFC 7517) or PEM, prepared once for
 * verifying any number of signatures.  A key decides by its kty, crv, alg, use,
 * key_ops and size what it may verify; a token's header only chooses among what
 * is left.  Knows no request and no file.
 */


#ifndef _NGX_EDGE_KEYSET_H_INCLUDED_
#define _NGX_EDGE_KEYSET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "auth/ngx_edge_token.h"


#define NGX_EDGE_KEYSET_MAX        64           /* keys of a set */
#define NGX_EDGE_KEYSET_TEXT_MAX   (256 * 1024) /* bytes of its text */
#define NGX_EDGE_KEYSET_DIGEST     32

/* Flags of ngx_edge_keyset_create(). */
#define NGX_EDGE_KEYSET_PUBLIC     1   /* symmetric keys are left out: the set
                                          came from a public place */


typedef struct ngx_edge_keyset_s  ngx_edge_keyset_t;


/*
 * Reads a JWKS, a single JWK, or PEM (public keys and certificates, one behind
 * the other; recognized by "-----BEGIN ").  A cleanup of pool frees the keys.
 * NULL: not readable at all, no usable key in it, too large, or no memory; one
 * line was logged at error_level that names source.  A key that is not usable
 * (unknown kty or crv, member missing or malformed, use other than sig, key_ops
 * without verify, RSA under 2048 or over 16384 bits, even modulus or exponent
 * below 3, a point not on its curve, HS secret shorter than its hash) is left
 * out with a line at NGX_LOG_WARN that names its kid or place and the cause,
 * never key material.  Private members are ignored.
 */
ngx_edge_keyset_t *ngx_edge_keyset_create(ngx_pool_t *pool, ngx_log_t *log,
    ngx_uint_t error_level, const ngx_str_t *source, const ngx_str_t *text,
    ngx_uint_t flags);

/* How many keys can be used, and the SHA-256 of text and flags. */
ngx_uint_t ngx_edge_keyset_count(const ngx_edge_keyset_t *set);
const u_char *ngx_edge_keyset_digest(const ngx_edge_keyset_t *set);

/*
 * Verifies a token's signature.  algs: bits of ngx_edge_jwt_alg_bit() allowed
 * by configuration.  NGX_OK: a key of the set fits (alg, and kid where token
 * and key both have one) and made the signature; NGX_DECLINED with a static
 * reason: the algorithm is not allowed, no key is for it, the signature's form
 * or value is wrong; NGX_AGAIN: the token has a kid, and no key has the same or
 * none, so other keys might do; NGX_ERROR: OpenSSL failed for another reason
 * (no memory).  Where several keys fit, each is tried.
 */
ngx_int_t ngx_edge_keyset_verify(ngx_edge_keyset_t *set,
    const ngx_edge_token_t *token, ngx_uint_t algs, const char **reason);


#endif /* _NGX_EDGE_KEYSET_H_INCLUDED_ */
