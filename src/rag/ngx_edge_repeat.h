
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The chunks of one completion differ by their text, and some servers' by a
 * padding that hides how long it is.  What stands around the two is kept: a
 * chunk with the same bytes around other strings is that chunk with another
 * text, and need not be read again.  Knows bytes and JSON strings only.
 */


#ifndef _NGX_EDGE_REPEAT_H_INCLUDED_
#define _NGX_EDGE_REPEAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_REPEAT_MAX  512    /* bytes that are kept */


/* All zeros is one that keeps nothing. */
typedef struct {
    u_char  *data;                  /* the three parts, with their quotes */
    size_t   size;
    size_t   before;                /* the text; 0 if nothing is kept */
    size_t   between;               /* text and padding; 0: no padding */
    size_t   behind;                /* the last of them */
} ngx_edge_repeat_t;


/* Keeps what stands around a text of json, and around a padding behind it if
 * its data is not NULL: the insides of strings which json, a JSON text, holds.
 * Nothing if the text is empty, or it is more than MAX, or memory is short. */
void ngx_edge_repeat_keep(ngx_edge_repeat_t *repeat, ngx_pool_t *pool,
    const ngx_str_t *json, const ngx_str_t *text, const ngx_str_t *padding);

/* NGX_OK: json is what was kept, around a text and a padding that are valid as
 * the insides of JSON strings; so json is a JSON text that says what the other
 * one said but for them.  Else NGX_DECLINED, and *text is as it was. */
ngx_int_t ngx_edge_repeat_read(const ngx_edge_repeat_t *repeat,
    const ngx_str_t *json, ngx_str_t *text);


#endif /* _NGX_EDGE_REPEAT_H_INCLUDED_ */
