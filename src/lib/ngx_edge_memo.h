
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * SHA-256 of texts that come again and again: a worker remembers the digests
 * of the last ones with the texts themselves, which are compared whole, so
 * that a digest is never of another text.  The texts stay in memory until
 * others take their places.
 */


#ifndef _NGX_EDGE_MEMO_H_INCLUDED_
#define _NGX_EDGE_MEMO_H_INCLUDED_


#include "lib/ngx_edge_hash.h"


typedef struct ngx_edge_memo_s  ngx_edge_memo_t;


/* The memory for texts is taken from pool at the first one.  NULL: no
 * memory. */
ngx_edge_memo_t *ngx_edge_memo_create(ngx_pool_t *pool);

/* The digest of text; one too long to be remembered costs what
 * ngx_edge_hash() costs.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_edge_memo_digest(ngx_edge_memo_t *memo, ngx_str_t *text,
    u_char digest[NGX_EDGE_HASH_SIZE]);


#endif /* _NGX_EDGE_MEMO_H_INCLUDED_ */
