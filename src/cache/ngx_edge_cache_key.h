
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The key of an entry: a digest of pieces, each with its length in front, so
 * that no two lists of pieces are one text.  Which pieces, and that a tenant
 * is the first, is the business of who asks.
 */


#ifndef _NGX_EDGE_CACHE_KEY_H_INCLUDED_
#define _NGX_EDGE_CACHE_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "cache/ngx_edge_cache_entry.h"
#include "lib/ngx_edge_memo.h"


/* Digests n pieces to key; pool is for what has to be written down.  NGX_OK,
 * NGX_ERROR. */
ngx_int_t ngx_edge_cache_key(ngx_edge_memo_t *memo, ngx_pool_t *pool,
    const ngx_str_t *pieces, ngx_uint_t n, u_char key[NGX_EDGE_CACHE_KEY]);

/* Query arguments in the order of their names; those of one name keep theirs.
 * sorted is args where that is their order, or where there are too many.
 * NGX_OK, NGX_ERROR. */
ngx_int_t ngx_edge_cache_key_args(ngx_pool_t *pool, const ngx_str_t *args,
    ngx_str_t *sorted);


#endif /* _NGX_EDGE_CACHE_KEY_H_INCLUDED_ */
