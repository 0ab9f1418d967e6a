
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Search in the embedded store.  The index proposes rows in BM25 order, the
 * filter and the caller's permissions choose candidates, and candidates are
 * scored here: BM25 has no scale a threshold could be set on, the share of the
 * question's terms has.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_store_sql.h"
#include "rag/ngx_edge_terms.h"


#define NGX_EDGE_STORE_ROWS        2000
#define NGX_EDGE_STORE_CANDIDATES  64


typedef struct {
    ngx_edge_passage_t  passage;
    uint64_t            match;
    double              bm25;          /* lower is better */
} ngx_edge_store_hit_t;


typedef struct {
    ngx_edge_store_t              *store;
    const ngx_edge_store_query_t  *query;
    ngx_pool_t                    *pool;
    ngx_edge_termset_t             set;
    ngx_edge_store_hit_t          *hits;
    ngx_uint_t                     nhits;
    sqlite3_blob                  *blob;   /* the last document's text */
    sqlite3_int64                  document;
} ngx_edge_store_search_t;


static ngx_int_t ngx_edge_store_match_text(ngx_edge_store_search_t *s,
    const ngx_edge_store_scope_t *scope, ngx_str_t *match);
static ngx_int_t ngx_edge_store_candidates(ngx_edge_store_search_t *s,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *match);
static ngx_int_t ngx_edge_store_candidate(ngx_edge_store_search_t *s,
    sqlite3_stmt *stmt);
static ngx_int_t ngx_edge_store_chunk_text(ngx_edge_store_search_t *s,
    sqlite3_stmt *stmt, ngx_str_t *text);
static ngx_int_t ngx_edge_store_score(ngx_edge_store_search_t *s);
static int ngx_libc_cdecl ngx_edge_store_cmp_hits(const void *one,
    const void *two);


ngx_int_t
ngx_edge_store_search(ngx_edge_store_t *store,
    const ngx_edge_store_scope_t *scope, const ngx_edge_store_query_t *query,
    ngx_pool_t *pool, ngx_array_t *passages)
{
    ngx_str_t                match;
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_edge_passage_t      *passage;
    ngx_edge_store_search_t  s;

    ngx_memzero(&s, sizeof(ngx_edge_store_search_t));

    s.store = store;
    s.query = query;
    s.pool = pool;

    if (ngx_edge_termset(pool, &query->question, &s.set) != NGX_OK) {
        return ngx_edge_store_no_memory(store);
    }

    if (s.set.n == 0) {
        return NGX_OK;
    }

    s.hits = ngx_pcalloc(pool, NGX_EDGE_STORE_CANDIDATES
                               * sizeof(ngx_edge_store_hit_t));
    if (s.hits == NULL) {
        return ngx_edge_store_no_memory(store);
    }

    /* rows and texts are read from one state of the file */

    if (ngx_edge_store_match_text(&s, scope, &match) != NGX_OK
        || ngx_edge_store_do(store, ngx_edge_store_sql_begin) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_edge_store_candidates(&s, scope, &match);

    (void) sqlite3_blob_close(s.blob);  /* errors were seen when reading */

    if (ngx_edge_store_do(store, ngx_edge_store_sql_commit) != NGX_OK
        || rc != NGX_OK
        || ngx_edge_store_score(&s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < s.nhits && i < query->top_k; i++) {

        if (s.hits[i].passage.score < query->threshold) {
            break;
        }

        passage = ngx_array_push(passages);
        if (passage == NULL) {
            return ngx_edge_store_no_memory(store);
        }

        *passage = s.hits[i].passage;
    }

    return NGX_OK;
}


/* scope : "..." AND terms : ("a" OR "b"): terms hold no quote. */

static ngx_int_t
ngx_edge_store_match_text(ngx_edge_store_search_t *s,
    const ngx_edge_store_scope_t *scope, ngx_str_t *match)
{
    size_t       len;
    u_char      *p;
    ngx_str_t    token;
    ngx_uint_t   i;

    if (ngx_edge_store_token(s->store, s->pool, scope, &token) != NGX_OK) {
        return NGX_ERROR;
    }

    len = sizeof("scope : \"\" AND terms : ()") - 1 + token.len;

    for (i = 0; i < s->set.n; i++) {
        len += sizeof("\"\" OR ") - 1 + s->set.terms[i].len;
    }

    p = ngx_pnalloc(s->pool, len);
    if (p == NULL) {
        return ngx_edge_store_no_memory(s->store);
    }

    match->data = p;

    p = ngx_cpymem(p, "scope : \"", sizeof("scope : \"") - 1);
    p = ngx_cpymem(p, token.data, token.len);
    p = ngx_cpymem(p, "\" AND terms : (", sizeof("\" AND terms : (") - 1);

    for (i = 0; i < s->set.n; i++) {
        if (i) {
            p = ngx_cpymem(p, " OR ", sizeof(" OR ") - 1);
        }

        *p++ = '"';
        p = ngx_cpymem(p, s->set.terms[i].data, s->set.terms[i].len);
        *p++ = '"';
    }

    *p++ = ')';

    match->len = p - match->data;

    return NGX_OK;
}


static ngx_int_t
ngx_edge_store_candidates(ngx_edge_store_search_t *s,
    const ngx_edge_store_scope_t *scope, const ngx_str_t *match)
{
    int            step;
    ngx_int_t      rc;
    sqlite3_stmt  *stmt;

    stmt = ngx_edge_store_stmt(s->store, ngx_edge_store_sql_search);
    if (stmt == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_store_bind_scope(stmt, 1, scope);
    ngx_edge_store_bind(stmt, 3, match);
    (void) sqlite3_bind_int(stmt, 4, NGX_EDGE_STORE_ROWS);

    rc = NGX_OK;

    while (s->nhits < NGX_EDGE_STORE_CANDIDATES) {
        step = sqlite3_step(stmt);

        if (step == SQLITE_DONE) {
            break;
        }

        if (step != SQLITE_ROW) {
            rc = ngx_edge_store_fail(s->store, "search");
            break;
        }

        rc = ngx_edge_store_candidate(s, stmt);

        if (rc == NGX_ERROR) {
            break;
        }
    }

    (void) sqlite3_reset(stmt);         /* the error is noted */

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* NGX_DECLINED: the filter or the permissions leave the row out. */

static ngx_int_t
ngx_edge_store_candidate(ngx_edge_store_search_t *s, sqlite3_stmt *stmt)
{
    ngx_int_t              rc;
    ngx_str_t              acl;
    ngx_edge_passage_t     row, *p;
    ngx_edge_store_hit_t  *hit;

    ngx_memzero(&row, sizeof(ngx_edge_passage_t));

    ngx_edge_store_column(stmt, 4, &row.doc_id);
    ngx_edge_store_column(stmt, 5, &row.title);
    ngx_edge_store_column(stmt, 6, &row.source_uri);
    ngx_edge_store_column(stmt, 7, &row.updated_at);

    if (s->query->filter && !ngx_edge_filter_match(s->query->filter, &row)) {
        return NGX_DECLINED;
    }

    if (s->query->acl) {
        ngx_edge_store_column(stmt, 9, &acl);

        rc = ngx_edge_acl_match(s->query->acl, s->pool, &acl);

        if (rc != NGX_OK) {
            return rc == NGX_ERROR ? ngx_edge_store_no_memory(s->store) : rc;
        }
    }

    hit = &s->hits[s->nhits];
    p = &hit->passage;

    p->chunk = (ngx_uint_t) sqlite3_column_int64(stmt, 1);
    hit->bm25 = sqlite3_column_double(stmt, 8);

    if (ngx_edge_store_copy(s->store, s->pool, &row.doc_id, &p->doc_id)
        != NGX_OK
        || ngx_edge_store_copy(s->store, s->pool, &row.title, &p->title)
           != NGX_OK
        || ngx_edge_store_copy(s->store, s->pool, &row.source_uri,
                               &p->source_uri)
           != NGX_OK
        || ngx_edge_store_copy(s->store, s->pool, &row.updated_at,
                               &p->updated_at)
           != NGX_OK
        || ngx_edge_store_chunk_text(s, stmt, &p->text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    hit->match = ngx_edge_termset_match(&s->set, p->text.data, p->text.len)
                 | ngx_edge_termset_match(&s->set, p->title.data,
                                          p->title.len);
    s->nhits++;

    return NGX_OK;
}


/* Reads one chunk out of its document without loading the whole text. */

static ngx_int_t
ngx_edge_store_chunk_text(ngx_edge_store_search_t *s, sqlite3_stmt *stmt,
    ngx_str_t *text)
{
    int            rc;
    sqlite3_int64  id, first, last;

    id = sqlite3_column_int64(stmt, 0);
    first = sqlite3_column_int64(stmt, 2);
    last = sqlite3_column_int64(stmt, 3);

    if (s->blob == NULL) {
        rc = sqlite3_blob_open(s->store->db, "main", "documents", "text", id,
                               0, &s->blob);

    } else if (s->document != id) {
        rc = sqlite3_blob_reopen(s->blob, id);

    } else {
        rc = SQLITE_OK;
    }

    if (rc != SQLITE_OK) {
        return ngx_edge_store_fail(s->store, "text");
    }

    s->document = id;

    if (first < 0 || last < first || last > sqlite3_blob_bytes(s->blob)) {
        sqlite3_snprintf(NGX_EDGE_STORE_ERR, s->store->err,
                         "text: a chunk lies outside its document");
        return NGX_ERROR;
    }

    text->len = (size_t) (last - first);

    text->data = ngx_pnalloc(s->pool, text->len + 1);
    if (text->data == NULL) {
        return ngx_edge_store_no_memory(s->store);
    }

    if (sqlite3_blob_read(s->blob, text->data, (int) text->len, (int) first)
        != SQLITE_OK)
    {
        return ngx_edge_store_fail(s->store, "text");
    }

    return NGX_OK;
}


/* Scores the candidates and puts the best first. */

static ngx_int_t
ngx_edge_store_score(ngx_edge_store_search_t *s)
{
    double       all;
    uint64_t    *matches;
    ngx_uint_t   i;

    matches = ngx_palloc(s->pool,
                         NGX_EDGE_STORE_CANDIDATES * sizeof(uint64_t));
    if (matches == NULL) {
        return ngx_edge_store_no_memory(s->store);
    }

    for (i = 0; i < s->nhits; i++) {
        matches[i] = s->hits[i].match;
    }

    ngx_edge_termset_weigh(&s->set, matches, s->nhits);
    all = ngx_edge_termset_sum(&s->set, (uint64_t) -1);

    for (i = 0; i < s->nhits; i++) {
        s->hits[i].passage.score = ngx_edge_termset_sum(&s->set, matches[i])
                                   / all;
    }

    ngx_qsort(s->hits, s->nhits, sizeof(ngx_edge_store_hit_t),
              ngx_edge_store_cmp_hits);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_edge_store_cmp_hits(const void *one, const void *two)
{
    const ngx_edge_store_hit_t  *a, *b;

    a = one;
    b = two;

    if (a->passage.score != b->passage.score) {
        return a->passage.score > b->passage.score ? -1 : 1;
    }

    if (a->bm25 != b->bm25) {
        return a->bm25 < b->bm25 ? -1 : 1;
    }

    return 0;
}
