
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of the store share: the connection and its statements.
 * Private to the unit; nobody else includes it.
 */


#ifndef _NGX_EDGE_STORE_SQL_H_INCLUDED_
#define _NGX_EDGE_STORE_SQL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <sqlite3.h>
#include "rag/ngx_edge_store.h"


#define NGX_EDGE_STORE_ERR  256


typedef enum {
    ngx_edge_store_sql_begin = 0,      /* one state of the data for reading */
    ngx_edge_store_sql_begin_write,
    ngx_edge_store_sql_commit,
    ngx_edge_store_sql_rollback,
    ngx_edge_store_sql_find,
    ngx_edge_store_sql_insert,
    ngx_edge_store_sql_update,
    ngx_edge_store_sql_drop,
    ngx_edge_store_sql_get,
    ngx_edge_store_sql_drop_terms,
    ngx_edge_store_sql_drop_chunks,
    ngx_edge_store_sql_insert_chunk,
    ngx_edge_store_sql_insert_terms,
    ngx_edge_store_sql_search,
    ngx_edge_store_sql_n
} ngx_edge_store_sql_e;


struct ngx_edge_store_s {
    sqlite3       *db;
    sqlite3_stmt  *stmts[ngx_edge_store_sql_n];    /* prepared when needed */
    char           err[NGX_EDGE_STORE_ERR];
};


/* Sets up a new file, or checks that an old one is ours and not too new.
 * NGX_OK, NGX_ERROR. */
ngx_int_t ngx_edge_store_schema(ngx_edge_store_t *store);

/* A statement ready to be bound and stepped; NULL after an error.  Text and
 * numbers are always bound. */
sqlite3_stmt *ngx_edge_store_stmt(ngx_edge_store_t *store,
    ngx_edge_store_sql_e which);

/* Steps a statement that gives no rows and resets it. */
ngx_int_t ngx_edge_store_run(ngx_edge_store_t *store, sqlite3_stmt *stmt);

/* Gets and runs a statement without parameters. */
ngx_int_t ngx_edge_store_do(ngx_edge_store_t *store,
    ngx_edge_store_sql_e which);

/* Binds text that stays where it is until the statement is reset. */
void ngx_edge_store_bind(sqlite3_stmt *stmt, int n, const ngx_str_t *text);
void ngx_edge_store_bind_scope(sqlite3_stmt *stmt, int n,
    const ngx_edge_store_scope_t *scope);

/* A column's text where SQLite has it: until the next step or reset. */
void ngx_edge_store_column(sqlite3_stmt *stmt, int n, ngx_str_t *text);
ngx_int_t ngx_edge_store_copy(ngx_edge_store_t *store, ngx_pool_t *pool,
    const ngx_str_t *from, ngx_str_t *to);

/* The token that stands for tenant and module in the index: "t" and both in
 * hexadecimal digits, so that no two pairs share one and no text of a
 * document can be taken for it. */
ngx_int_t ngx_edge_store_token(ngx_edge_store_t *store, ngx_pool_t *pool,
    const ngx_edge_store_scope_t *scope, ngx_str_t *token);

/* Both note a message and give NGX_ERROR. */
ngx_int_t ngx_edge_store_fail(ngx_edge_store_t *store, const char *what);
ngx_int_t ngx_edge_store_no_memory(ngx_edge_store_t *store);


#endif /* _NGX_EDGE_STORE_SQL_H_INCLUDED_ */
