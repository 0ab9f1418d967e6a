
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A JWS in compact serialization (RFC 7515 section 7.1): exactly three parts,
 * strict base64url, and a header that asks for nothing we do not understand.
 * Nothing here has been verified yet: see ngx_edge_keyset_verify().
 */


#ifndef _NGX_EDGE_TOKEN_H_INCLUDED_
#define _NGX_EDGE_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "auth/ngx_edge_jwt.h"


#define NGX_EDGE_TOKEN_HEADER_MAX   1024   /* bytes of the decoded header */
#define NGX_EDGE_TOKEN_KID_MAX      256


typedef struct {
    ngx_str_t            signing;    /* the first two parts and their dot, as
                                        received */
    ngx_str_t            header;     /* decoded: a JSON object */
    ngx_str_t            payload;    /* decoded; not looked at yet */
    ngx_str_t            signature;  /* decoded bytes */
    ngx_str_t            kid;        /* escapes decoded; data NULL: none */
    ngx_str_t            typ;        /* likewise; at most 64 bytes */
    ngx_edge_jwt_alg_e   alg;
} ngx_edge_token_t;


/*
 * NGX_OK; NGX_DECLINED with a static reason for the log, such as "not three
 * parts"; NGX_ERROR without memory.  The signing input points into text, the
 * rest into pool memory.  Refused (RFC 7515, RFC 8725): what is not strict
 * base64url, a header over the limit or that is no JSON object in UTF-8 or
 * has a member twice, alg missing or unknown, kid or typ that are no strings
 * or too long, any crit, b64 other than true, zip and enc, an empty signature.
 * jku, jwk, x5u and x5c are checked for grammar only and never used.
 */
ngx_int_t ngx_edge_token_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_edge_token_t *token, const char **reason);


#endif /* _NGX_EDGE_TOKEN_H_INCLUDED_ */
