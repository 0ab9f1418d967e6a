
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA digests of several pieces of memory in a row.  The only unit of the
 * folder that knows OpenSSL.
 */


#ifndef _NGX_EDGE_DIGEST_H_INCLUDED_
#define _NGX_EDGE_DIGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_DIGEST_SHA1    20     /* bytes */
#define NGX_EDGE_DIGEST_SHA256  32


/* The length chooses the digest.  NGX_OK, NGX_ERROR no memory. */
ngx_int_t ngx_edge_digest(const ngx_str_t *pieces, ngx_uint_t n,
    u_char *digest, size_t len);


#endif /* _NGX_EDGE_DIGEST_H_INCLUDED_ */
