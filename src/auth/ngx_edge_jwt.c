
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The names of the signature algorithms.  What they compute is known to the
 * key set only.
 */


#include "auth/ngx_edge_jwt.h"


static const ngx_str_t  ngx_edge_jwt_names[ngx_edge_jwt_alg_max] = {
    [ngx_edge_jwt_alg_hs256] = ngx_string("HS256"),
    [ngx_edge_jwt_alg_hs384] = ngx_string("HS384"),
    [ngx_edge_jwt_alg_hs512] = ngx_string("HS512"),
    [ngx_edge_jwt_alg_rs256] = ngx_string("RS256"),
    [ngx_edge_jwt_alg_rs384] = ngx_string("RS384"),
    [ngx_edge_jwt_alg_rs512] = ngx_string("RS512"),
    [ngx_edge_jwt_alg_ps256] = ngx_string("PS256"),
    [ngx_edge_jwt_alg_ps384] = ngx_string("PS384"),
    [ngx_edge_jwt_alg_ps512] = ngx_string("PS512"),
    [ngx_edge_jwt_alg_es256] = ngx_string("ES256"),
    [ngx_edge_jwt_alg_es384] = ngx_string("ES384"),
    [ngx_edge_jwt_alg_es512] = ngx_string("ES512"),
    [ngx_edge_jwt_alg_es256k] = ngx_string("ES256K"),
    [ngx_edge_jwt_alg_ed25519] = ngx_string("Ed25519"),
    [ngx_edge_jwt_alg_ed448] = ngx_string("Ed448"),
    [ngx_edge_jwt_alg_eddsa] = ngx_string("EdDSA")
};


ngx_edge_jwt_alg_e
ngx_edge_jwt_alg(const ngx_str_t *name)
{
    ngx_uint_t        i;
    const ngx_str_t  *known;

    for (i = ngx_edge_jwt_alg_unknown + 1; i < ngx_edge_jwt_alg_max; i++) {
        known = &ngx_edge_jwt_names[i];

        if (name->len == known->len
            && ngx_memcmp(name->data, known->data, known->len) == 0)
        {
            return i;
        }
    }

    return ngx_edge_jwt_alg_unknown;
}


ngx_uint_t
ngx_edge_jwt_alg_bits(const ngx_str_t *name)
{
    ngx_edge_jwt_alg_e  alg;

    alg = ngx_edge_jwt_alg(name);

    switch (alg) {

    case ngx_edge_jwt_alg_unknown:
        return 0;

    case ngx_edge_jwt_alg_eddsa:
        return ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_eddsa)
               | ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed25519)
               | ngx_edge_jwt_alg_bit(ngx_edge_jwt_alg_ed448);

    default:
        return ngx_edge_jwt_alg_bit(alg);
    }
}
