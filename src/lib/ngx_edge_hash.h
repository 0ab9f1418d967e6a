
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 of pieces, with a context that is made once: on a hot path making
 * one costs half as much again as the hashing.
 */


#ifndef _NGX_EDGE_HASH_H_INCLUDED_
#define _NGX_EDGE_HASH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_HASH_SIZE  32


typedef struct ngx_edge_hash_s  ngx_edge_hash_t;


/* Freed by a cleanup of pool; NULL: no memory. */
ngx_edge_hash_t *ngx_edge_hash_create(ngx_pool_t *pool);

/* The digest of n pieces, one behind the other.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_edge_hash(ngx_edge_hash_t *hash, const ngx_str_t *pieces,
    ngx_uint_t n, u_char digest[NGX_EDGE_HASH_SIZE]);


#endif /* _NGX_EDGE_HASH_H_INCLUDED_ */
