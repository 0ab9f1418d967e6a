
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Documents of the embedded store: put, get, delete.  A document, its chunks
 * and their index rows change together in one transaction.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_store_sql.h"
#include "rag/ngx_edge_terms.h"


typedef struct {
    const ngx_edge_store_scope_t  *scope;
    const ngx_edge_document_t     *doc;
    ngx_array_t                   *chunks;
    ngx_str_t                      hash;
    ngx_str_t                      token;
    ngx_str_t                      title;      /* terms of the title */
    u_char                        *terms;      /* room for those of a chunk */
    size_t                         size;
} ngx_edge_store_put_t;


static ngx_int_t ngx_edge_store_put_prepare(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, const ngx_edge_chunk_conf_t *conf,
    ngx_pool_t *pool);
static ngx_int_t ngx_edge_store_put_write(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, ngx_edge_document_status_e *status,
    ngx_uint_t *nchunks);
static ngx_int_t ngx_edge_store_find(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, sqlite3_int64 *id,
    ngx_edge_document_status_e *status, ngx_uint_t *nchunks);
static ngx_int_t ngx_edge_store_write_document(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, ngx_edge_store_sql_e which);
static ngx_int_t ngx_edge_store_write_chunks(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, sqlite3_int64 id);
static ngx_int_t ngx_edge_store_write_terms(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, const ngx_edge_chunk_t *chunk);
static u_char *ngx_edge_store_terms(u_char *dst, u_char *last,
    const u_char *text, size_t len);
static ngx_int_t ngx_edge_store_drop(ngx_edge_store_t *store,
    ngx_edge_store_sql_e which, const ngx_edge_store_scope_t *scope,
    const ngx_str_t *id);
static ngx_int_t ngx_edge_store_end(ngx_edge_store_t *store, ngx_int_t rc);


ngx_int_t
ngx_edge_store_put(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_edge_document_t *doc,
    const ngx_edge_chunk_conf_t *conf, ngx_pool_t *pool,
    ngx_edge_document_status_e *status, ngx_uint_t *nchunks)
{
    ngx_int_t             rc;
    ngx_edge_store_put_t  put;

    *status = ngx_edge_document_failed;
    *nchunks = 0;

    put.scope = scope;
    put.doc = doc;

    /* what needs no lock is done before taking it */

    if (ngx_edge_store_put_prepare(store, &put, conf, pool) != NGX_OK
        || ngx_edge_store_do(store, ngx_edge_store_sql_begin_write)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_edge_store_put_write(store, &put, status, nchunks);
    rc = ngx_edge_store_end(store, rc);

    if (rc != NGX_OK) {
        *status = ngx_edge_document_failed;
        *nchunks = 0;
    }

    return rc;
}


static ngx_int_t
ngx_edge_store_put_prepare(ngx_edge_store_t *store, ngx_edge_store_put_t *put,
    const ngx_edge_chunk_conf_t *conf, ngx_pool_t *pool)
{
    size_t                      len, title;
    u_char                     *p;
    ngx_uint_t                  i;
    ngx_edge_chunk_t           *chunk;
    const ngx_edge_document_t  *doc;

    doc = put->doc;

    put->hash.len = NGX_EDGE_DOCUMENT_HASH;

    put->hash.data = ngx_pnalloc(pool, NGX_EDGE_DOCUMENT_HASH);
    if (put->hash.data == NULL
        || ngx_edge_document_hash(doc, put->hash.data) != NGX_OK
        || ngx_edge_chunk(pool, &doc->text, conf, &put->chunks) != NGX_OK)
    {
        return ngx_edge_store_no_memory(store);
    }

    if (ngx_edge_store_token(store, pool, put->scope, &put->token)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    chunk = put->chunks->elts;
    len = 0;

    for (i = 0; i < put->chunks->nelts; i++) {
        len = ngx_max(len, chunk[i].end - chunk[i].start);
    }

    /* "1-1" gives "1_1 1 1 ": no text gives more than three times its size */

    title = 3 * doc->title.len + 2 * NGX_EDGE_TERM_MAX;
    put->size = title + 3 * len + 2 * NGX_EDGE_TERM_MAX;

    p = ngx_pnalloc(pool, title);
    put->terms = ngx_pnalloc(pool, put->size);

    if (p == NULL || put->terms == NULL) {
        return ngx_edge_store_no_memory(store);
    }

    put->title.data = p;
    put->title.len = ngx_edge_store_terms(p, p + title, doc->title.data,
                                          doc->title.len) - p;

    return NGX_OK;
}


static ngx_int_t
ngx_edge_store_put_write(ngx_edge_store_t *store, ngx_edge_store_put_t *put,
    ngx_edge_document_status_e *status, ngx_uint_t *nchunks)
{
    ngx_int_t      rc;
    sqlite3_int64  id;

    id = 0;

    rc = ngx_edge_store_find(store, put, &id, status, nchunks);

    if (rc == NGX_ERROR || *status == ngx_edge_document_unchanged) {
        return rc;
    }

    *nchunks = put->chunks->nelts;

    if (*status == ngx_edge_document_created) {

        if (ngx_edge_store_write_document(store, put,
                                          ngx_edge_store_sql_insert)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        id = sqlite3_last_insert_rowid(store->db);

    } else if (ngx_edge_store_drop(store, ngx_edge_store_sql_drop_terms,
                                   put->scope, &put->doc->id)
               != NGX_OK
               || ngx_edge_store_drop(store, ngx_edge_store_sql_drop_chunks,
                                      put->scope, &put->doc->id)
                  != NGX_OK
               || ngx_edge_store_write_document(store, put,
                                                ngx_edge_store_sql_update)
                  != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_edge_store_write_chunks(store, put, id);
}


/* Says what the document will be: created, updated or unchanged. */

static ngx_int_t
ngx_edge_store_find(ngx_edge_store_t *store, ngx_edge_store_put_t *put,
    sqlite3_int64 *id, ngx_edge_document_status_e *status,
    ngx_uint_t *nchunks)
{
    ngx_int_t      rc;
    ngx_str_t      hash;
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(store, ngx_edge_store_sql_find);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_store_bind_scope(stmt, 1, put->scope);
    ngx_edge_store_bind(stmt, 3, &put->doc->id);

    rc = NGX_OK;

    switch (sqlite3_step(stmt)) {

    case SQLITE_ROW:
        *id = sqlite3_column_int64(stmt, 0);
        ngx_edge_store_column(stmt, 1, &hash);
        *nchunks = (ngx_uint_t) sqlite3_column_int64(stmt, 2);

        *status = (hash.len == put->hash.len
                   && ngx_memcmp(hash.data, put->hash.data, hash.len) == 0)
                  ? ngx_edge_document_unchanged : ngx_edge_document_updated;
        break;

    case SQLITE_DONE:
        *id = 0;
        *status = ngx_edge_document_created;
        break;

    default:
        rc = ngx_edge_store_fail(store, "find");
    }

    (void) sqlite3_reset(stmt);         /* the error is noted */

    return rc;
}


static ngx_int_t
ngx_edge_store_write_document(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, ngx_edge_store_sql_e which)
{
    sqlite3_stmt               *stmt;
    const ngx_edge_document_t  *doc;

    stmt = ngx_edge_store_stmt(store, which);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    doc = put->doc;

    ngx_edge_store_bind_scope(stmt, 1, put->scope);
    ngx_edge_store_bind(stmt, 3, &doc->id);
    ngx_edge_store_bind(stmt, 4, &doc->title);
    ngx_edge_store_bind(stmt, 5, &doc->source_uri);
    ngx_edge_store_bind(stmt, 6, &doc->updated_at);
    ngx_edge_store_bind(stmt, 7, &doc->acl);
    ngx_edge_store_bind(stmt, 8, &put->hash);
    (void) sqlite3_bind_int64(stmt, 9, (sqlite3_int64) put->chunks->nelts);
    ngx_edge_store_bind(stmt, 10, &doc->text);

    return ngx_edge_store_run(store, stmt);
}


static ngx_int_t
ngx_edge_store_write_chunks(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, sqlite3_int64 id)
{
    ngx_uint_t         i;
    sqlite3_stmt      *stmt;
    ngx_edge_chunk_t  *chunk;

    chunk = put->chunks->elts;

    stmt = ngx_edge_store_stmt(store, ngx_edge_store_sql_insert_chunk);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < put->chunks->nelts; i++) {
        (void) sqlite3_bind_int64(stmt, 1, id);
        (void) sqlite3_bind_int64(stmt, 2, (sqlite3_int64) i);
        (void) sqlite3_bind_int64(stmt, 3, (sqlite3_int64) chunk[i].start);
        (void) sqlite3_bind_int64(stmt, 4, (sqlite3_int64) chunk[i].end);

        if (ngx_edge_store_run(store, stmt) != NGX_OK
            || ngx_edge_store_write_terms(store, put, &chunk[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The index row of the chunk just inserted.  It holds the title's terms too:
 * "how long is it valid" in a document named "Warranty" is about that. */

static ngx_int_t
ngx_edge_store_write_terms(ngx_edge_store_t *store,
    ngx_edge_store_put_t *put, const ngx_edge_chunk_t *chunk)
{
    u_char        *p;
    ngx_str_t      terms;
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(store, ngx_edge_store_sql_insert_terms);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(put->terms, put->title.data, put->title.len);
    p = ngx_edge_store_terms(p, put->terms + put->size,
                             put->doc->text.data + chunk->start,
                             chunk->end - chunk->start);

    terms.data = put->terms;
    terms.len = p - put->terms;

    (void) sqlite3_bind_int64(stmt, 1, sqlite3_last_insert_rowid(store->db));
    ngx_edge_store_bind(stmt, 2, &put->token);
    ngx_edge_store_bind(stmt, 3, &terms);

    return ngx_edge_store_run(store, stmt);
}


/* Writes the terms of a text, each followed by a blank. */

static u_char *
ngx_edge_store_terms(u_char *dst, u_char *last, const u_char *text,
    size_t len)
{
    size_t            n;
    u_char            term[NGX_EDGE_TERM_MAX];
    ngx_edge_terms_t  t;

    ngx_edge_terms_init(&t, text, len);

    while (last - dst > NGX_EDGE_TERM_MAX
           && ngx_edge_terms_next(&t, term, &n) == NGX_OK)
    {
        dst = ngx_cpymem(dst, term, n);
        *dst++ = ' ';
    }

    return dst;
}


ngx_int_t
ngx_edge_store_get(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *id,
    ngx_pool_t *pool, ngx_edge_document_t *doc, ngx_uint_t *nchunks)
{
    int            n;
    ngx_int_t      rc;
    ngx_str_t      text, *field[5];
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(store, ngx_edge_store_sql_get);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_store_bind_scope(stmt, 1, scope);
    ngx_edge_store_bind(stmt, 3, id);

    field[0] = &doc->title;
    field[1] = &doc->source_uri;
    field[2] = &doc->updated_at;
    field[3] = &doc->acl;
    field[4] = &doc->text;

    switch (sqlite3_step(stmt)) {

    case SQLITE_ROW:
        rc = ngx_edge_store_copy(store, pool, id, &doc->id);

        for (n = 0; n < 5 && rc == NGX_OK; n++) {
            ngx_edge_store_column(stmt, n, &text);
            rc = ngx_edge_store_copy(store, pool, &text, field[n]);
        }

        *nchunks = (ngx_uint_t) sqlite3_column_int64(stmt, 5);
        break;

    case SQLITE_DONE:
        rc = NGX_DECLINED;
        break;

    default:
        rc = ngx_edge_store_fail(store, "get");
    }

    (void) sqlite3_reset(stmt);         /* the error is noted */

    return rc;
}


ngx_int_t
ngx_edge_store_delete(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *id)
{
    ngx_int_t  rc;

    if (ngx_edge_store_do(store, ngx_edge_store_sql_begin_write) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_edge_store_drop(store, ngx_edge_store_sql_drop_terms, scope, id);

    if (rc == NGX_OK) {
        rc = ngx_edge_store_drop(store, ngx_edge_store_sql_drop, scope, id);
    }

    if (rc == NGX_OK && sqlite3_changes(store->db) == 0) {
        rc = NGX_DECLINED;
    }

    return ngx_edge_store_end(store, rc);
}


static ngx_int_t
ngx_edge_store_drop(ngx_edge_store_t *store, ngx_edge_store_sql_e which,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *id)
{
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(store, which);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_store_bind_scope(stmt, 1, scope);
    ngx_edge_store_bind(stmt, 3, id);

    return ngx_edge_store_run(store, stmt);
}


/* Ends a writing transaction: commits unless rc is an error.  The first
 * error's message is kept. */

static ngx_int_t
ngx_edge_store_end(ngx_edge_store_t *store, ngx_int_t rc)
{
    char  err[NGX_EDGE_STORE_ERR];

    if (rc != NGX_ERROR
        && ngx_edge_store_do(store, ngx_edge_store_sql_commit) == NGX_OK)
    {
        return rc;
    }

    ngx_memcpy(err, store->err, sizeof(err));

    /* some errors have rolled back already */

    if (!sqlite3_get_autocommit(store->db)) {
        (void) ngx_edge_store_do(store, ngx_edge_store_sql_rollback);
    }

    ngx_memcpy(store->err, err, sizeof(err));

    return NGX_ERROR;
}
