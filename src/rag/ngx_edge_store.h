
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The embedded document store: one SQLite connection with an FTS5 index.
 * Every call blocks, so every call is made in a thread of nginx's pool; one
 * connection is used by one thread at a time.  The only unit that knows
 * sqlite3.  Every query has a tenant in its WHERE clause.
 *
 * Score of a passage, 0..1: the weighted share of the question's distinct
 * terms that occur in it.  Weights come from the tenant's own candidates, so
 * no score tells anything about another tenant's documents.
 */


#ifndef _NGX_EDGE_STORE_H_INCLUDED_
#define _NGX_EDGE_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_acl.h"
#include "rag/ngx_edge_chunk.h"
#include "rag/ngx_edge_document.h"
#include "rag/ngx_edge_filter.h"
#include "rag/ngx_edge_passage.h"


typedef struct ngx_edge_store_s  ngx_edge_store_t;


typedef struct {
    ngx_str_t  tenant;
    ngx_str_t  module;
} ngx_edge_store_scope_t;


typedef struct {
    ngx_str_t                 question;
    ngx_uint_t                top_k;
    double                    threshold;
    const ngx_edge_filter_t  *filter;      /* may be NULL */
    const ngx_edge_acl_t     *acl;         /* may be NULL */
} ngx_edge_store_query_t;


/* Opens (and creates, WAL) the file; err is a message of at most err_len
 * bytes on NULL.  busy_timeout bounds each wait for another writer. */
ngx_edge_store_t *ngx_edge_store_open(const char *path, u_char *err,
    size_t err_len);
void ngx_edge_store_close(ngx_edge_store_t *store);

/* All return NGX_OK, NGX_DECLINED where said, or NGX_ERROR (disk, memory,
 * locked for too long) with a message from ngx_edge_store_error().  Results
 * are written into pool. */

/* The best passages, best first, none under the threshold. */
ngx_int_t ngx_edge_store_search(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_edge_store_query_t *query,
    ngx_pool_t *pool, ngx_array_t *passages);

/* Creates or replaces a document with its chunks, in one transaction. */
ngx_int_t ngx_edge_store_put(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_edge_document_t *doc,
    const ngx_edge_chunk_conf_t *conf, ngx_pool_t *pool,
    ngx_edge_document_status_e *status, ngx_uint_t *nchunks);

/* NGX_DECLINED: no such document. */
ngx_int_t ngx_edge_store_get(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *id,
    ngx_pool_t *pool, ngx_edge_document_t *doc, ngx_uint_t *nchunks);
ngx_int_t ngx_edge_store_delete(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *id);

const char *ngx_edge_store_error(ngx_edge_store_t *store);


#endif /* _NGX_EDGE_STORE_H_INCLUDED_ */
