
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A table of strings, filled once at configuration and then only read.  It
 * finds a value by its whole key, or the longest key that is a prefix of a
 * path and ends in '/'.  A search costs as much with 10,000 keys as with 10.
 * Knows bytes only.
 */


#ifndef _NGX_EDGE_TABLE_H_INCLUDED_
#define _NGX_EDGE_TABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_edge_table_s  ngx_edge_table_t;


/* An empty table for at most n keys; it lives as long as the pool.  NULL: no
 * memory. */
ngx_edge_table_t *ngx_edge_table_create(ngx_pool_t *pool, ngx_uint_t n);

/* Adds a key, which must live as long as the table; value must not be NULL.
 * NGX_OK; NGX_DECLINED if the key is there already; NGX_ERROR if n keys
 * are. */
ngx_int_t ngx_edge_table_add(ngx_edge_table_t *table, const ngx_str_t *key,
    void *value);

/* The value of a key, compared byte by byte; NULL: none. */
void *ngx_edge_table_find(const ngx_edge_table_t *table,
    const ngx_str_t *key);

/* The value of the longest key that ends in '/' and begins the path, and the
 * key's length in *len; NULL: none. */
void *ngx_edge_table_prefix(const ngx_edge_table_t *table,
    const ngx_str_t *path, size_t *len);


#endif /* _NGX_EDGE_TABLE_H_INCLUDED_ */
