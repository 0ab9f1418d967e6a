
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The chunks of one completion differ by their text and by little else.  What
 * stands around the text of one is kept: a chunk with the same bytes around
 * another string is that chunk with another text, and need not be read again.
 * Knows bytes and JSON strings only.
 */


#ifndef _NGX_EDGE_REPEAT_H_INCLUDED_
#define _NGX_EDGE_REPEAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_REPEAT_MAX  512    /* bytes around a text that are kept */


/* All zeros is one that keeps nothing. */
typedef struct {
    u_char  *data;                  /* the bytes before, then those behind */
    size_t   size;
    size_t   before;                /* with the quote; 0 if none are kept */
    size_t   behind;                /* with the quote */
} ngx_edge_repeat_t;


/* Keeps what stands around a text of json, the inside of a string which json,
 * a JSON text, holds; nothing if it is empty, if that is longer than MAX or if
 * memory is short. */
void ngx_edge_repeat_keep(ngx_edge_repeat_t *repeat, ngx_pool_t *pool,
    const ngx_str_t *json, const ngx_str_t *text);

/* NGX_OK: json is what was kept around a text, which is valid as the inside
 * of a JSON string; so json is a JSON text that says what the other one said
 * but for this.  Else NGX_DECLINED, and *text is as it was. */
ngx_int_t ngx_edge_repeat_read(const ngx_edge_repeat_t *repeat,
    const ngx_str_t *json, ngx_str_t *text);


#endif /* _NGX_EDGE_REPEAT_H_INCLUDED_ */
