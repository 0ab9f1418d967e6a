
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded text builder.  Errors are sticky: once an addition failed, the
 * later ones do nothing, so a whole document is written without a check per
 * line and asked once, by ngx_edge_buf_done(), whether it is whole.
 */


#ifndef _NGX_EDGE_BUF_H_INCLUDED_
#define _NGX_EDGE_BUF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    u_char      *start;
    u_char      *pos;          /* next byte to write */
    u_char      *end;
    size_t       max;          /* the text never grows over this */
    size_t       size;         /* of the first allocation */
    ngx_pool_t  *pool;         /* owns the memory */
    ngx_int_t    rc;           /* NGX_OK, NGX_DECLINED (max), NGX_ERROR */
} ngx_edge_buf_t;


#define ngx_edge_buf_lit(b, text)                                             \
    ngx_edge_buf_add(b, (u_char *) text, sizeof(text) - 1)

#define ngx_edge_buf_str(b, s)  ngx_edge_buf_add(b, (s)->data, (s)->len)


/* Starts a text of at most max bytes; size is the first allocation, made
 * when the first byte comes. */
void ngx_edge_buf_init(ngx_edge_buf_t *b, ngx_pool_t *pool, size_t size,
    size_t max);

/* Adds bytes as they are. */
void ngx_edge_buf_add(ngx_edge_buf_t *b, const u_char *data, size_t len);

void ngx_edge_buf_byte(ngx_edge_buf_t *b, u_char c);

/* Adds a decimal integer. */
void ngx_edge_buf_int(ngx_edge_buf_t *b, int64_t n);

/* Adds a finite number with at most six digits after the point and no
 * trailing zeros ("0.3", "12", "0.031746"); not finite: 0; from 10^18 on
 * with an exponent ("1.5e20"). */
void ngx_edge_buf_number(ngx_edge_buf_t *b, double n);

/* Adds a JSON string in quotes: only what RFC 8259 section 7 demands is
 * escaped, UTF-8 stays as it is; data must be valid UTF-8. */
void ngx_edge_buf_json(ngx_edge_buf_t *b, const u_char *data, size_t len);

/* Adds the text between the quotes of a valid JSON string as received, again
 * without quotes, with each \u escape above U+001F written as UTF-8 (except
 * the quote and the backslash); a lone surrogate becomes U+FFFD. */
void ngx_edge_buf_json_raw(ngx_edge_buf_t *b, const u_char *raw, size_t len);

/* Gives the text.  NGX_OK; NGX_DECLINED when it would exceed max; NGX_ERROR
 * without memory.  The text lives as long as the pool. */
ngx_int_t ngx_edge_buf_done(const ngx_edge_buf_t *b, ngx_str_t *text);


#endif /* _NGX_EDGE_BUF_H_INCLUDED_ */
