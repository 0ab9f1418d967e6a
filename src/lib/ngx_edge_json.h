
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Client JSON: parsed whole by jansson within limits, read field by field
 * with errors that name the place by JSON pointer (RFC 6901).  The only unit
 * that knows jansson; its types do not leave it.
 */


#ifndef _NGX_EDGE_JSON_H_INCLUDED_
#define _NGX_EDGE_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_JSON_DEPTH  16        /* default bound of nesting */


/* An opaque value of a tree; valid as long as the tree. */
typedef void  ngx_edge_json_t;


typedef struct {
    ngx_str_t    pointer;      /* "" is the whole document */
    const char  *detail;       /* a static sentence, lower case */
} ngx_edge_json_error_t;


typedef enum {
    ngx_edge_json_type_null = 0,
    ngx_edge_json_type_bool,
    ngx_edge_json_type_number,
    ngx_edge_json_type_string,
    ngx_edge_json_type_array,
    ngx_edge_json_type_object
} ngx_edge_json_type_e;


/* Parses a text.  Refuses with error filled: what is not JSON, not UTF-8,
 * has duplicate member names, a NUL in a string or a name, nesting over
 * depth, or a number out of range.  The tree is released by a cleanup of
 * pool.  NULL with error->detail NULL: no memory. */
ngx_edge_json_t *ngx_edge_json_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_uint_t depth, ngx_edge_json_error_t *error);

ngx_edge_json_type_e ngx_edge_json_type(const ngx_edge_json_t *value);

/* Members; NULL if absent. */
ngx_edge_json_t *ngx_edge_json_get(const ngx_edge_json_t *object,
    const char *name);
ngx_uint_t ngx_edge_json_size(const ngx_edge_json_t *array_or_object);
ngx_edge_json_t *ngx_edge_json_at(const ngx_edge_json_t *array, ngx_uint_t i);

/* The next member in the order of the text: 1, or 0 at the end.  *iter is
 * NULL before the first call and again after the last. */
ngx_uint_t ngx_edge_json_member(const ngx_edge_json_t *object, void **iter,
    ngx_str_t *name, ngx_edge_json_t **value);

/* The text of a string, not copied; valid as long as the tree. */
void ngx_edge_json_string(const ngx_edge_json_t *value, ngx_str_t *text);
/* A number; 1 if it is written as an integer, else 0 and *n is 0. */
ngx_uint_t ngx_edge_json_integer(const ngx_edge_json_t *value, int64_t *n);
double ngx_edge_json_number(const ngx_edge_json_t *value);
ngx_uint_t ngx_edge_json_bool(const ngx_edge_json_t *value);

/* Writes base + "/" + name (escaped by RFC 6901) into pool memory. */
ngx_int_t ngx_edge_json_pointer(ngx_pool_t *pool, const ngx_str_t *base,
    const ngx_str_t *name, ngx_str_t *pointer);


#endif /* _NGX_EDGE_JSON_H_INCLUDED_ */
