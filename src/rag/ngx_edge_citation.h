
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Finds citations "[n]" and "[n, m]" in an answer that may come in pieces
 * split anywhere.  Knows bytes only.
 */


#ifndef _NGX_EDGE_CITATION_H_INCLUDED_
#define _NGX_EDGE_CITATION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_CITATION_BAD  8       /* distinct bad numbers remembered */


typedef struct {
    ngx_uint_t   passages;     /* k: numbers 1..k are good; k <= 64 */
    uint64_t     cited;        /* bit n-1: passage n is cited */
    ngx_uint_t   bad[NGX_EDGE_CITATION_BAD];
    ngx_uint_t   nbad;
    /* private: */
    ngx_uint_t   state;
    ngx_uint_t   number;
    uint64_t     good;         /* of the bracket being read */
    ngx_uint_t   pending[NGX_EDGE_CITATION_BAD];
    ngx_uint_t   npending;
} ngx_edge_citation_t;


void ngx_edge_citation_init(ngx_edge_citation_t *c, ngx_uint_t passages);
void ngx_edge_citation_feed(ngx_edge_citation_t *c, const u_char *text,
    size_t len);


#endif /* _NGX_EDGE_CITATION_H_INCLUDED_ */
