
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A document as a client sends it, and what became of it.  Strings are valid
 * UTF-8; the owner of the memory is said where one is handed over.
 */


#ifndef _NGX_EDGE_DOCUMENT_H_INCLUDED_
#define _NGX_EDGE_DOCUMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_DOCUMENT_HASH  64     /* SHA-256 in lower hex */


typedef struct {
    ngx_str_t   id;
    ngx_str_t   text;
    ngx_str_t   title;         /* may be empty, as the next ones */
    ngx_str_t   source_uri;
    ngx_str_t   updated_at;    /* RFC 3339 */
    ngx_str_t   acl;           /* JSON array of strings as text, "[]" */
} ngx_edge_document_t;


typedef enum {
    ngx_edge_document_failed = 0,
    ngx_edge_document_created,
    ngx_edge_document_updated,
    ngx_edge_document_unchanged
} ngx_edge_document_status_e;


/* SHA-256 over all fields, each with its length, so that two documents have
 * the same hash only if they are the same; hex of 64 bytes.  NGX_OK, NGX_ERROR
 * no memory. */
ngx_int_t ngx_edge_document_hash(const ngx_edge_document_t *doc, u_char *hex);


#endif /* _NGX_EDGE_DOCUMENT_H_INCLUDED_ */
