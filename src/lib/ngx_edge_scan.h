
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A pull parser over a JSON text (RFC 8259) that is whole in memory.  It
 * builds no tree and allocates nothing: the hot path reads a few fields and
 * skips the rest.  What is skipped is still checked for its grammar.
 *
 * Use: init, then enter the value, then for each member or element read or
 * skip its value.  Errors are sticky: after the first one every call answers
 * NGX_ERROR, so a reader may check once at its end with scan->error.
 *
 *     ngx_edge_scan_init(&s, data, len);
 *     if (ngx_edge_scan_object(&s) == NGX_OK) {
 *         while (ngx_edge_scan_member(&s, &key) == NGX_OK) {
 *             if (key is "model") ngx_edge_scan_string(&s, &raw);
 *             else ngx_edge_scan_skip(&s);
 *         }
 *     }
 *     if (ngx_edge_scan_end(&s) != NGX_OK) ... not JSON
 */


#ifndef _NGX_EDGE_SCAN_H_INCLUDED_
#define _NGX_EDGE_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_SCAN_DEPTH  32     /* deeper nesting is an error */


typedef enum {
    ngx_edge_scan_type_none = 0,    /* end or error */
    ngx_edge_scan_type_object,
    ngx_edge_scan_type_array,
    ngx_edge_scan_type_string,
    ngx_edge_scan_type_number,
    ngx_edge_scan_type_true,
    ngx_edge_scan_type_false,
    ngx_edge_scan_type_null
} ngx_edge_scan_type_e;


typedef struct {
    u_char      *pos;
    u_char      *last;
    ngx_uint_t   depth;
    unsigned     first:1;           /* no member, element or root value yet */
    unsigned     error:1;           /* sticky */
} ngx_edge_scan_t;


void ngx_edge_scan_init(ngx_edge_scan_t *s, u_char *data, size_t len);

/* The type of the value that comes next; consumes white space only. */
ngx_edge_scan_type_e ngx_edge_scan_type(ngx_edge_scan_t *s);

/* Enter an object or array; NGX_ERROR (sticky) if the value is another. */
ngx_int_t ngx_edge_scan_object(ngx_edge_scan_t *s);
ngx_int_t ngx_edge_scan_array(ngx_edge_scan_t *s);

/* The next member: NGX_OK with its raw key (the bytes between the quotes),
 * positioned at the value, which the caller must read or skip; NGX_DONE
 * behind the closing brace. */
ngx_int_t ngx_edge_scan_member(ngx_edge_scan_t *s, ngx_str_t *key);

/* The next element: NGX_OK positioned at it, NGX_DONE behind the bracket. */
ngx_int_t ngx_edge_scan_element(ngx_edge_scan_t *s);

/* Skips one value of any type; NGX_OK. */
ngx_int_t ngx_edge_scan_skip(ngx_edge_scan_t *s);

/* Like skip, and gives the value's text as received. */
ngx_int_t ngx_edge_scan_raw(ngx_edge_scan_t *s, ngx_str_t *text);

/* A string: the bytes between its quotes, escapes not yet decoded but
 * checked, and UTF-8 checked. */
ngx_int_t ngx_edge_scan_string(ngx_edge_scan_t *s, ngx_str_t *raw);

/* A string, null given as len 0 with NGX_DECLINED, any other value skipped
 * with NGX_DECLINED too: for fields that are optional and loosely typed. */
ngx_int_t ngx_edge_scan_string_or_skip(ngx_edge_scan_t *s, ngx_str_t *raw);

/* A number as a double; one that does not fit (1e999) is an error. */
ngx_int_t ngx_edge_scan_number(ngx_edge_scan_t *s, double *n);

/* A number that is an integer in 0..2^53, fraction refused; other values are
 * skipped with NGX_DECLINED. */
ngx_int_t ngx_edge_scan_uint(ngx_edge_scan_t *s, uint64_t *n);

/* An array of numbers: its text with both brackets and how many there are.
 * Any other element is an error.  Made for vectors: one pass, no copy. */
ngx_int_t ngx_edge_scan_vector(ngx_edge_scan_t *s, ngx_str_t *text,
    ngx_uint_t *n);

/* NGX_OK if only white space is left and no error was met. */
ngx_int_t ngx_edge_scan_end(ngx_edge_scan_t *s);

/* 1 if a raw key or string equals a literal without escapes. */
#define ngx_edge_scan_is(raw, text)                                           \
    ((raw)->len == sizeof(text) - 1                                           \
     && ngx_memcmp((raw)->data, text, sizeof(text) - 1) == 0)

/* Decodes the escapes of a raw string into pool memory (no copy if it has
 * none); lone surrogates become U+FFFD, \u0000 a NUL byte.  raw and text may
 * be the same.  NGX_OK, NGX_ERROR no memory. */
ngx_int_t ngx_edge_scan_decode(ngx_pool_t *pool, const ngx_str_t *raw,
    ngx_str_t *text);


#endif /* _NGX_EDGE_SCAN_H_INCLUDED_ */
