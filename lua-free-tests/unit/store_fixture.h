
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the store's tests share: a real file in a directory of its own, calls
 * with checks, and a look at the file past the store.
 */


#ifndef _STORE_FIXTURE_H_INCLUDED_
#define _STORE_FIXTURE_H_INCLUDED_


#include <sqlite3.h>
#include "unit.h"
#include "rag/ngx_edge_store.h"


static char                   dir[] = "/tmp/edge_store_XXXXXX";
static char                   path[64];
static u_char                 err[256];
static ngx_pool_t            *pool;
static ngx_edge_store_t      *store;
static ngx_edge_chunk_conf_t  conf = { 1200, 200 };
static ngx_edge_store_scope_t acme = { ngx_string("acme"),
                                       ngx_string("planning") };


static inline void
remove_file(void)
{
    char                      name[80];
    ngx_uint_t                i;
    static const char *const  tails[] = { "", "-wal", "-shm" };

    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void) unlink(name);
    }
}


/* Each test begins with an empty file. */
static inline void
begin(void)
{
    remove_file();
    pool = ngx_create_pool(4096, &ngx_stub_log);
    store = ngx_edge_store_open(path, err, sizeof(err));

    if (store == NULL) {
        printf("open: %s\n", err);
        exit(1);
    }
}


static inline void
end(void)
{
    ngx_edge_store_close(store);
    ngx_destroy_pool(pool);
}


static inline ngx_edge_document_status_e
put(ngx_edge_store_t *s, const ngx_edge_store_scope_t *scope, const char *id,
    const char *title, const char *text, ngx_uint_t *nchunks)
{
    ngx_uint_t                  n;
    ngx_edge_document_t         doc;
    ngx_edge_document_status_e  status;

    ngx_memzero(&doc, sizeof(ngx_edge_document_t));

    doc.id = unit_str(id);
    doc.title = unit_str(title);
    doc.text = unit_str(text);
    doc.source_uri = unit_str("s3://bucket/x.md");
    doc.updated_at = unit_str("2026-04-14T06:40:00Z");
    doc.acl = unit_str("[\"a\"]");

    CHECK_INT(ngx_edge_store_put(s, scope, &doc, &conf, pool, &status,
                                 nchunks ? nchunks : &n),
              NGX_OK);

    return status;
}


static inline ngx_array_t *
search(const ngx_edge_store_scope_t *scope, const char *question,
    double threshold, const ngx_edge_filter_t *filter)
{
    ngx_array_t            *a;
    ngx_edge_store_query_t  query;

    query.question = unit_str(question);
    query.top_k = 5;
    query.threshold = threshold;
    query.filter = filter;
    query.acl = NULL;

    a = ngx_array_create(pool, 5, sizeof(ngx_edge_passage_t));

    CHECK_INT(ngx_edge_store_search(store, scope, &query, pool, a), NGX_OK);

    return a;
}


/* The ids of what a search finds, joined by blanks. */
static inline const char *
found(const ngx_edge_store_scope_t *scope, const char *question,
    double threshold, const ngx_edge_filter_t *filter)
{
    static char          out[1024];
    char                *o;
    ngx_uint_t           i;
    ngx_array_t         *a;
    ngx_edge_passage_t  *p;

    a = search(scope, question, threshold, filter);
    p = a->elts;
    o = out;

    for (i = 0; i < a->nelts; i++) {
        CHECK(p[i].score > 0 && p[i].score <= 1);
        CHECK(i == 0 || p[i].score <= p[i - 1].score);

        o += snprintf(o, out + sizeof(out) - o, "%s%.*s", i ? " " : "",
                      (int) p[i].doc_id.len, p[i].doc_id.data);
    }

    *o = '\0';

    return out;
}


#define CHECK_FOUND(scope, question, threshold, expected)                     \
    do {                                                                      \
        const char  *got_ = found(scope, question, threshold, NULL);          \
        CHECK_MEM(got_, strlen(got_), expected);                              \
    } while (0)


/* The count of a query on the file, read past the store. */
static inline long long
count(const char *sql)
{
    sqlite3       *db;
    long long      n;
    sqlite3_stmt  *stmt;

    n = -1;

    if (sqlite3_open(path, &db) == SQLITE_OK
        && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
    {
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            n = sqlite3_column_int64(stmt, 0);
        }

        sqlite3_finalize(stmt);
    }

    sqlite3_close(db);

    return n;
}


static inline void
run_sql(const char *sql)
{
    sqlite3  *db;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}


static inline ngx_uint_t
make_dir(void)
{
    if (mkdtemp(dir) == NULL) {
        return 0;
    }

    snprintf(path, sizeof(path), "%s/docs.db", dir);

    return 1;
}


static inline void
remove_dir(void)
{
    remove_file();
    (void) rmdir(dir);
}


#endif /* _STORE_FIXTURE_H_INCLUDED_ */
