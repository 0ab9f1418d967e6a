
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The filter a client may send: a bounded, validated subset of Qdrant's.  It
 * can only narrow: its conditions are ANDed to the tenant filter, and the
 * keys that separate tenants cannot be named.
 *
 *     {"must": [COND...], "must_not": [COND...]}
 *     COND = {"key": KEY, "match": {"value": text} | {"any": [text...]}}
 *          | {"key": "updated_at", "range": {gt|gte|lt|lte: RFC 3339 text}}
 *     KEY  = doc_id | title | source_uri | updated_at (range only)
 *
 * At most 16 conditions of at most 64 values of at most 512 bytes.
 */


#ifndef _NGX_EDGE_FILTER_H_INCLUDED_
#define _NGX_EDGE_FILTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_json.h"
#include "rag/ngx_edge_passage.h"


typedef enum {
    ngx_edge_filter_doc_id = 0,
    ngx_edge_filter_title,
    ngx_edge_filter_source_uri,
    ngx_edge_filter_updated_at
} ngx_edge_filter_key_e;


typedef enum {
    ngx_edge_filter_any = 0,           /* equals one of the values */
    ngx_edge_filter_range              /* values: gt, gte, lt, lte or empty */
} ngx_edge_filter_op_e;


typedef struct {
    ngx_edge_filter_key_e  key;
    ngx_edge_filter_op_e   op;
    ngx_str_t             *values;
    ngx_uint_t             nvalues;
    unsigned               negate:1;   /* from must_not */
} ngx_edge_filter_cond_t;


typedef struct {
    ngx_edge_filter_cond_t  *conds;
    ngx_uint_t               n;
} ngx_edge_filter_t;


/* The names of the keys, and those of a range's bounds in the order of its
 * values; NULL at the end. */
extern const char *const  ngx_edge_filter_keys[];
extern const char *const  ngx_edge_filter_bounds[];


/* Reads a filter at JSON pointer base.  NGX_OK; NGX_DECLINED with error
 * filled; NGX_ERROR no memory.  Values are copied into pool. */
ngx_int_t ngx_edge_filter_parse(ngx_pool_t *pool,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_t *filter, ngx_edge_json_error_t *error);

/* Writes the conditions for Qdrant, each preceded by a comma: those of must
 * (negate 0) or of must_not (negate 1); returns how many. The first one has
 * no comma if first is set. */
ngx_uint_t ngx_edge_filter_render(const ngx_edge_filter_t *filter,
    ngx_uint_t negate, ngx_uint_t first, ngx_edge_buf_t *b);

/* 1 if the passage passes; as Qdrant decides it: a missing field matches no
 * value and no range.  RFC 3339 times are compared as instants. */
ngx_uint_t ngx_edge_filter_match(const ngx_edge_filter_t *filter,
    const ngx_edge_passage_t *passage);

ngx_int_t ngx_edge_filter_copy(ngx_pool_t *pool,
    const ngx_edge_filter_t *from, ngx_edge_filter_t *to);


#endif /* _NGX_EDGE_FILTER_H_INCLUDED_ */
