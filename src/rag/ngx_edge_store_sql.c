
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The store's connection: opening a file, its tables, statements and errors.
 * Knows how the data lie in the file, not what is done with them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_store_sql.h"


#define NGX_EDGE_STORE_APPLICATION  0x45444745     /* "EDGE" */
#define NGX_EDGE_STORE_VERSION      1
#define NGX_EDGE_STORE_BUSY         5000           /* ms */
#define NGX_EDGE_STORE_WAL_TRIES    50             /* of 100 ms */

#define ngx_edge_store_text(n)   ngx_edge_store_text_(n)
#define ngx_edge_store_text_(n)  #n


static ngx_int_t ngx_edge_store_create_file(const char *path, u_char *err,
    size_t err_len);
static ngx_int_t ngx_edge_store_wal(ngx_edge_store_t *store);
static ngx_int_t ngx_edge_store_exec(ngx_edge_store_t *store,
    const char *sql);
static ngx_int_t ngx_edge_store_number(ngx_edge_store_t *store,
    const char *sql, int64_t *n);
static ngx_int_t ngx_edge_store_is_new(ngx_edge_store_t *store,
    ngx_uint_t *fresh);


/*
 * A document is one row with its whole text; a chunk is a place in it.  The
 * index row of a chunk has its rowid.  The index keeps its own copy of the
 * terms: rows can then be deleted by any version of this code, also by one
 * that cuts terms in another way.
 */

static const char  ngx_edge_store_tables[] =
    "CREATE TABLE documents ("
    "  id         INTEGER PRIMARY KEY,"
    "  tenant     TEXT NOT NULL,"
    "  module     TEXT NOT NULL,"
    "  doc_id     TEXT NOT NULL,"
    "  title      TEXT NOT NULL,"
    "  source_uri TEXT NOT NULL,"
    "  updated_at TEXT NOT NULL,"
    "  acl        TEXT NOT NULL,"
    "  hash       TEXT NOT NULL,"
    "  chunks     INTEGER NOT NULL,"
    "  text       TEXT NOT NULL,"
    "  UNIQUE (tenant, module, doc_id));"

    "CREATE TABLE chunks ("
    "  id         INTEGER PRIMARY KEY,"
    "  document   INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,"
    "  n          INTEGER NOT NULL,"
    "  first      INTEGER NOT NULL,"
    "  last       INTEGER NOT NULL,"
    "  UNIQUE (document, n));"

    "CREATE VIRTUAL TABLE chunk_terms USING fts5 ("
    "  scope, terms,"
    "  tokenize = \"unicode61 remove_diacritics 0 tokenchars '_'\");"

    /* the scope is the same in all rows of a search: only terms rank */
    "INSERT INTO chunk_terms (chunk_terms, rank)"
    " VALUES ('rank', 'bm25(0.0, 1.0)');"

    "PRAGMA application_id = "
        ngx_edge_store_text(NGX_EDGE_STORE_APPLICATION) ";"
    "PRAGMA user_version = " ngx_edge_store_text(NGX_EDGE_STORE_VERSION) ";";


static const char *const  ngx_edge_store_statements[] = {

    /* begin */
    "BEGIN",

    /* begin_write */
    "BEGIN IMMEDIATE",

    /* commit */
    "COMMIT",

    /* rollback */
    "ROLLBACK",

    /* find */
    "SELECT id, hash, chunks FROM documents"
    " WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3",

    /* insert */
    "INSERT INTO documents (tenant, module, doc_id, title, source_uri,"
    " updated_at, acl, hash, chunks, text)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",

    /* update */
    "UPDATE documents SET title = ?4, source_uri = ?5, updated_at = ?6,"
    " acl = ?7, hash = ?8, chunks = ?9, text = ?10"
    " WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3",

    /* drop */
    "DELETE FROM documents"
    " WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3",

    /* get */
    "SELECT title, source_uri, updated_at, acl, text, chunks FROM documents"
    " WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3",

    /* drop_terms */
    "DELETE FROM chunk_terms WHERE rowid IN"
    " (SELECT chunks.id FROM chunks JOIN documents ON documents.id = document"
    "  WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3)",

    /* drop_chunks */
    "DELETE FROM chunks WHERE document IN"
    " (SELECT id FROM documents"
    "  WHERE tenant = ?1 AND module = ?2 AND doc_id = ?3)",

    /* insert_chunk */
    "INSERT INTO chunks (document, n, first, last) VALUES (?1, ?2, ?3, ?4)",

    /* insert_terms */
    "INSERT INTO chunk_terms (rowid, scope, terms) VALUES (?1, ?2, ?3)",

    /* search: CROSS keeps the order of the joins, so the index comes first
       and its rank order is that of the rows */
    "SELECT documents.id, n, first, last, doc_id, title, source_uri,"
    " updated_at, chunk_terms.rank, acl"
    " FROM chunk_terms CROSS JOIN chunks ON chunks.id = chunk_terms.rowid"
    " CROSS JOIN documents ON documents.id = chunks.document"
    " WHERE chunk_terms MATCH ?3 AND tenant = ?1 AND module = ?2"
    " ORDER BY chunk_terms.rank LIMIT ?4"
};


ngx_edge_store_t *
ngx_edge_store_open(const char *path, u_char *err, size_t err_len)
{
    int                flags;
    ngx_edge_store_t  *store;

    if (ngx_edge_store_create_file(path, err, err_len) != NGX_OK) {
        return NULL;
    }

    store = sqlite3_malloc(sizeof(ngx_edge_store_t));
    if (store == NULL) {
        sqlite3_snprintf((int) err_len, (char *) err, "out of memory");
        return NULL;
    }

    ngx_memzero(store, sizeof(ngx_edge_store_t));

    /* one thread at a time: SQLite's own locks are not needed */

    flags = SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX|SQLITE_OPEN_PRIVATECACHE;

    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        (void) ngx_edge_store_fail(store, "open");
        goto failed;
    }

    (void) sqlite3_busy_timeout(store->db, NGX_EDGE_STORE_BUSY);

    if (ngx_edge_store_schema(store) != NGX_OK) {
        goto failed;
    }

    return store;

failed:

    sqlite3_snprintf((int) err_len, (char *) err, "%s", store->err);
    ngx_edge_store_close(store);

    return NULL;
}


/* A new file is for its owner only; SQLite gives the same mode to the files
 * it adds.  An old file is not opened here: closing it would drop the locks
 * that this process's other connections hold on it. */

static ngx_int_t
ngx_edge_store_create_file(const char *path, u_char *err, size_t err_len)
{
    ngx_fd_t  fd;

    fd = open(path, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (fd != NGX_INVALID_FILE) {
        (void) close(fd);               /* nothing was written */
        return NGX_OK;
    }

    if (ngx_errno == NGX_EEXIST) {
        return NGX_OK;
    }

    sqlite3_snprintf((int) err_len, (char *) err,
                     "create: unable to create the file (errno %d)",
                     (int) ngx_errno);

    return NGX_ERROR;
}


void
ngx_edge_store_close(ngx_edge_store_t *store)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_edge_store_sql_n; i++) {
        (void) sqlite3_finalize(store->stmts[i]);  /* repeats an old error */
    }

    (void) sqlite3_close(store->db);               /* nothing is open on it */
    sqlite3_free(store);
}


const char *
ngx_edge_store_error(ngx_edge_store_t *store)
{
    return store->err;
}


ngx_int_t
ngx_edge_store_schema(ngx_edge_store_t *store)
{
    ngx_int_t   rc;
    ngx_uint_t  fresh;

    /* one transaction, or another process's tables could be seen behind the
     * numbers of an empty file */

    if (ngx_edge_store_do(store, ngx_edge_store_sql_begin) != NGX_OK
        || ngx_edge_store_is_new(store, &fresh) != NGX_OK
        || ngx_edge_store_do(store, ngx_edge_store_sql_commit) != NGX_OK
        || ngx_edge_store_wal(store) != NGX_OK
        || ngx_edge_store_exec(store, "PRAGMA synchronous = NORMAL;"
                                      "PRAGMA foreign_keys = ON;"
                                      "PRAGMA trusted_schema = OFF;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA journal_size_limit = 67108864;")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!fresh) {
        return NGX_OK;
    }

    /* another process may have been faster */

    if (ngx_edge_store_do(store, ngx_edge_store_sql_begin_write) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_edge_store_is_new(store, &fresh);

    if (rc == NGX_OK && fresh) {
        rc = ngx_edge_store_exec(store, ngx_edge_store_tables);
    }

    if (rc == NGX_OK) {
        rc = ngx_edge_store_do(store, ngx_edge_store_sql_commit);
    }

    return rc;                          /* closing rolls back */
}


static ngx_int_t
ngx_edge_store_is_new(ngx_edge_store_t *store, ngx_uint_t *fresh)
{
    int64_t  application, version, tables;

    if (ngx_edge_store_number(store, "PRAGMA application_id", &application)
        != NGX_OK
        || ngx_edge_store_number(store, "PRAGMA user_version", &version)
           != NGX_OK
        || ngx_edge_store_number(store, "SELECT count(*) FROM sqlite_master",
                                 &tables)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *fresh = (application == 0 && tables == 0);

    if (*fresh) {
        return NGX_OK;
    }

    if (application != NGX_EDGE_STORE_APPLICATION) {
        sqlite3_snprintf(NGX_EDGE_STORE_ERR, store->err,
                         "the file is another program's database");
        return NGX_ERROR;
    }

    if (version != NGX_EDGE_STORE_VERSION) {
        sqlite3_snprintf(NGX_EDGE_STORE_ERR, store->err,
                         "the file has version %lld, this program reads %d",
                         (long long) version, NGX_EDGE_STORE_VERSION);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Changing the mode needs the file alone for a moment, and SQLite does not
 * wait for it as it does for other locks. */

static ngx_int_t
ngx_edge_store_wal(ngx_edge_store_t *store)
{
    int         rc;
    ngx_uint_t  i;

    for (i = 0; /* void */ ; i++) {
        rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL,
                          NULL);

        if (rc == SQLITE_OK) {
            return NGX_OK;
        }

        if ((rc & 0xff) != SQLITE_BUSY || i == NGX_EDGE_STORE_WAL_TRIES) {
            return ngx_edge_store_fail(store, "write-ahead log");
        }

        (void) sqlite3_sleep(100);
    }
}


static ngx_int_t
ngx_edge_store_exec(ngx_edge_store_t *store, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return ngx_edge_store_fail(store, "set up");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_store_number(ngx_edge_store_t *store, const char *sql, int64_t *n)
{
    ngx_int_t      rc;
    sqlite3_stmt  *stmt;

    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        return ngx_edge_store_fail(store, "read");
    }

    rc = NGX_OK;

    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *n = sqlite3_column_int64(stmt, 0);

    } else {
        rc = ngx_edge_store_fail(store, "read");
    }

    (void) sqlite3_finalize(stmt);      /* the error is noted */

    return rc;
}


sqlite3_stmt *
ngx_edge_store_stmt(ngx_edge_store_t *store, ngx_edge_store_sql_e which)
{
    if (store->stmts[which] == NULL
        && sqlite3_prepare_v3(store->db, ngx_edge_store_statements[which], -1,
                              SQLITE_PREPARE_PERSISTENT, &store->stmts[which],
                              NULL)
           != SQLITE_OK)
    {
        (void) ngx_edge_store_fail(store, "prepare");
        return NULL;
    }

    return store->stmts[which];
}


ngx_int_t
ngx_edge_store_run(ngx_edge_store_t *store, sqlite3_stmt *stmt)
{
    ngx_int_t  rc;

    rc = NGX_OK;

    if (sqlite3_step(stmt) != SQLITE_DONE) {
        rc = ngx_edge_store_fail(store, "write");
    }

    (void) sqlite3_reset(stmt);         /* the error is noted */

    return rc;
}


ngx_int_t
ngx_edge_store_do(ngx_edge_store_t *store, ngx_edge_store_sql_e which)
{
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(store, which);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    return ngx_edge_store_run(store, stmt);
}


/* A failed bind leaves the parameter NULL, and NULL finds no row and passes
 * no NOT NULL: the result need not be looked at. */

void
ngx_edge_store_bind(sqlite3_stmt *stmt, int n, const ngx_str_t *text)
{
    (void) sqlite3_bind_text64(stmt, n,
                               text->len ? (const char *) text->data : "",
                               text->len, SQLITE_STATIC, SQLITE_UTF8);
}


void
ngx_edge_store_bind_scope(sqlite3_stmt *stmt, int n,
    const ngx_edge_store_scope_t *scope)
{
    ngx_edge_store_bind(stmt, n, &scope->tenant);
    ngx_edge_store_bind(stmt, n + 1, &scope->module);
}


void
ngx_edge_store_column(sqlite3_stmt *stmt, int n, ngx_str_t *text)
{
    text->data = (u_char *) sqlite3_column_text(stmt, n);
    text->len = text->data ? (size_t) sqlite3_column_bytes(stmt, n) : 0;
}


ngx_int_t
ngx_edge_store_copy(ngx_edge_store_t *store, ngx_pool_t *pool,
    const ngx_str_t *from, ngx_str_t *to)
{
    to->len = from->len;

    to->data = ngx_pnalloc(pool, from->len + 1);
    if (to->data == NULL) {
        return ngx_edge_store_no_memory(store);
    }

    if (from->len) {
        ngx_memcpy(to->data, from->data, from->len);
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_store_token(ngx_edge_store_t *store, ngx_pool_t *pool,
    const ngx_edge_store_scope_t *scope, ngx_str_t *token)
{
    u_char  *p;

    token->len = 2 + 2 * (scope->tenant.len + scope->module.len);

    p = ngx_pnalloc(pool, token->len);
    if (p == NULL) {
        return ngx_edge_store_no_memory(store);
    }

    token->data = p;

    *p++ = 't';
    p = ngx_hex_dump(p, scope->tenant.data, scope->tenant.len);
    *p++ = '_';
    (void) ngx_hex_dump(p, scope->module.data, scope->module.len);

    return NGX_OK;
}


ngx_int_t
ngx_edge_store_fail(ngx_edge_store_t *store, const char *what)
{
    sqlite3_snprintf(NGX_EDGE_STORE_ERR, store->err, "%s: %s", what,
                     sqlite3_errmsg(store->db));

    return NGX_ERROR;
}


ngx_int_t
ngx_edge_store_no_memory(ngx_edge_store_t *store)
{
    sqlite3_snprintf(NGX_EDGE_STORE_ERR, store->err, "out of memory");

    return NGX_ERROR;
}
