
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The signature algorithms of JWS that the edge verifies (RFC 7518 section
 * 3.1, RFC 8037, RFC 8812, RFC 9864), and their names.
 */


#ifndef _NGX_EDGE_JWT_H_INCLUDED_
#define _NGX_EDGE_JWT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    ngx_edge_jwt_alg_unknown = 0,    /* "none" in any spelling too */
    ngx_edge_jwt_alg_hs256,
    ngx_edge_jwt_alg_hs384,
    ngx_edge_jwt_alg_hs512,
    ngx_edge_jwt_alg_rs256,
    ngx_edge_jwt_alg_rs384,
    ngx_edge_jwt_alg_rs512,
    ngx_edge_jwt_alg_ps256,
    ngx_edge_jwt_alg_ps384,
    ngx_edge_jwt_alg_ps512,
    ngx_edge_jwt_alg_es256,
    ngx_edge_jwt_alg_es384,
    ngx_edge_jwt_alg_es512,
    ngx_edge_jwt_alg_es256k,
    ngx_edge_jwt_alg_ed25519,
    ngx_edge_jwt_alg_ed448,
    ngx_edge_jwt_alg_eddsa,          /* the older name: the key's curve says
                                        which of the two */
    ngx_edge_jwt_alg_max
} ngx_edge_jwt_alg_e;


#define ngx_edge_jwt_alg_bit(alg)  (1 << (alg))


/* The algorithm of a name, compared exactly (RFC 7515: case-sensitive). */
ngx_edge_jwt_alg_e ngx_edge_jwt_alg(const ngx_str_t *name);

/* The bits of an algorithm or family as auth_jwt_algorithms takes it:
 * "ES256", "EdDSA" (with both its curves and their own names); 0: unknown. */
ngx_uint_t ngx_edge_jwt_alg_bits(const ngx_str_t *name);


#endif /* _NGX_EDGE_JWT_H_INCLUDED_ */
