
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Splits a document into chunks on paragraph borders, else on sentence
 * borders, else on a space, else between two characters, with whole sentences
 * of overlap.  Splits sentences too.  Knows bytes only.
 */


#ifndef _NGX_EDGE_CHUNK_H_INCLUDED_
#define _NGX_EDGE_CHUNK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Places in the document's text; chunk i+1 may start before the end of chunk
 * i (the overlap), never before its start. Together they cover the text but
 * for white space at the borders. */
typedef struct {
    size_t  start;
    size_t  end;
} ngx_edge_chunk_t;


typedef struct {
    size_t  target;        /* bytes a chunk should have at most */
    size_t  overlap;       /* bytes of the end of the last chunk, at most */
} ngx_edge_chunk_conf_t;


/* Gives an array of ngx_edge_chunk_t in pool; no chunk is empty or longer
 * than target; a text of white space only gives none.  NGX_OK, NGX_ERROR no
 * memory. */
ngx_int_t ngx_edge_chunk(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_edge_chunk_conf_t *conf, ngx_array_t **chunks);

/* The end of the sentence that begins at pos: behind its mark and closing
 * quotes (". ! ? 。 ！ ？" and Korean "다." alike, never inside a number or an
 * abbreviation of one letter), or a line break that ends a heading or list
 * item, or last. */
const u_char *ngx_edge_sentence_end(const u_char *pos, const u_char *last);


#endif /* _NGX_EDGE_CHUNK_H_INCLUDED_ */
