
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer without a model: the sentences of the passages that hold most of
 * the question's terms, quoted with the numbers of their passages.
 */


#ifndef _NGX_EDGE_EXTRACT_H_INCLUDED_
#define _NGX_EDGE_EXTRACT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_passage.h"


#define NGX_EDGE_EXTRACT_MAX  4        /* sentences in one answer */


/* One quoted sentence, " [n]" not included. */
typedef struct {
    ngx_str_t   text;          /* points into the passage */
    ngx_uint_t  n;             /* passage number, from 1 */
} ngx_edge_quote_t;


/* Chooses at most max quotes (<= NGX_EDGE_EXTRACT_MAX), best first, none
 * twice; at least one if there is a passage with text.  NGX_OK with *n set,
 * NGX_ERROR no memory. */
ngx_int_t ngx_edge_extract(ngx_pool_t *pool, const ngx_str_t *question,
    const ngx_edge_passage_t *passages, ngx_uint_t npassages,
    ngx_edge_quote_t *quotes, ngx_uint_t max, ngx_uint_t *n);


#endif /* _NGX_EDGE_EXTRACT_H_INCLUDED_ */
