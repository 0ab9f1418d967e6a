
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A caller's permission set, and what it opens.  A document's "acl" is a list
 * of words: one without words is for everybody, another for those whose set
 * has one of them.  The words are compared byte by byte.
 *
 * A set is sorted and has no word twice, so that equal sets are equal bytes,
 * in whatever order a token has them.  It is bounded, and refused rather than
 * cut: a caller with half of its words would be told that documents are not
 * there.
 */


#ifndef _NGX_EDGE_ACL_H_INCLUDED_
#define _NGX_EDGE_ACL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_buf.h"


#define NGX_EDGE_ACL_WORDS  256
#define NGX_EDGE_ACL_WORD   256        /* bytes of one */


typedef struct {
    ngx_str_t   *words;
    ngx_uint_t   n;
} ngx_edge_acl_t;


/* Sorts words in place, which then are the set's.  NGX_OK, NGX_DECLINED over
 * the bounds. */
ngx_int_t ngx_edge_acl_init(ngx_edge_acl_t *acl, ngx_str_t *words,
    ngx_uint_t n);

/* The condition for Qdrant. */
void ngx_edge_acl_render(const ngx_edge_acl_t *acl, ngx_edge_buf_t *b);

/* The set as bytes that no other set has; never empty. */
void ngx_edge_acl_text(const ngx_edge_acl_t *acl, ngx_edge_buf_t *b);

/*
 * Whether the set opens a document with this acl, JSON text: an array of
 * strings, or one string; empty, null and [] are for everybody, anything else
 * is for nobody.  NGX_OK, NGX_DECLINED, NGX_ERROR no memory (pool is for
 * scratch).
 */
ngx_int_t ngx_edge_acl_match(const ngx_edge_acl_t *acl, ngx_pool_t *pool,
    const ngx_str_t *json);

/* A copy with its words in pool, for a thread; NULL: no memory. */
ngx_edge_acl_t *ngx_edge_acl_copy(ngx_pool_t *pool,
    const ngx_edge_acl_t *acl);


#endif /* _NGX_EDGE_ACL_H_INCLUDED_ */
