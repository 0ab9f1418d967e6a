
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where the pieces of a streamed answer ended, so that it can be given again
 * in the same ones: a list of their lengths beside the whole text.
 *
 * The list is a byte of version, then for each piece its length in groups of
 * seven bits, the lowest first, the high bit set on all but the last byte of
 * a number.  An empty list is that of a text that was never cut: one piece.
 *
 * The text is the inside of a JSON string.  A list is refused as a whole if a
 * number is not in its shortest form, zero, or over LENGTH_MAX, if the sum is
 * not the text's length, or if a border cuts a UTF-8 character or an escape.
 */


#ifndef _NGX_EDGE_PIECES_H_INCLUDED_
#define _NGX_EDGE_PIECES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_buf.h"


#define NGX_EDGE_PIECES_LENGTH_MAX  0x1fffff   /* three groups */


typedef struct {
    ngx_str_t   list;          /* not read yet */
    ngx_str_t   text;          /* the same */
    ngx_uint_t  n;             /* pieces that are left */
} ngx_edge_pieces_t;


/* Adds a piece of len bytes to a list, which may be empty; none if len is 0.
 * A length over LENGTH_MAX makes the buffer fail. */
void ngx_edge_pieces_add(ngx_edge_buf_t *list, size_t len);

/* NGX_OK: next gives the pieces of text; NGX_DECLINED: refused. */
ngx_int_t ngx_edge_pieces_open(ngx_edge_pieces_t *pieces,
    const ngx_str_t *list, const ngx_str_t *text);

/* The next piece; it must be known that one is left. */
void ngx_edge_pieces_next(ngx_edge_pieces_t *pieces, ngx_str_t *piece);


#endif /* _NGX_EDGE_PIECES_H_INCLUDED_ */
