
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The operation on documents: PUT or POST (upsert), GET, DELETE, on the
 * embedded store or on Qdrant.
 *
 * In Qdrant a document is its chunks: points with ids made of tenant, module,
 * document and chunk number.  Point 0 carries the document's hash and its
 * number of chunks.  An upsert is not atomic there, so it is ordered such that
 * one cut short is seen as changed and done again the next time: what a longer
 * old version leaves over is deleted first, and point 0 is written last.
 *
 *     put     parse -> check -> trim -> (embed -> upsert)* -> reply
 *     get     scroll* -> reply
 *     delete  count -> delete -> reply
 */


#ifndef _NGX_HTTP_EDGE_DOCUMENTS_H_INCLUDED_
#define _NGX_HTTP_EDGE_DOCUMENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_edge_document.h"
#include "rag/ngx_http_edge_rag.h"


#define NGX_HTTP_EDGE_DOCUMENTS_MAX   100  /* in one request */
#define NGX_HTTP_EDGE_DOCUMENTS_BATCH 64   /* chunks embedded at once */


typedef enum {
    ngx_http_edge_ingest_st_check = 0,
    ngx_http_edge_ingest_st_trim,
    ngx_http_edge_ingest_st_embed,
    ngx_http_edge_ingest_st_upsert,
    ngx_http_edge_ingest_st_next
} ngx_http_edge_ingest_state_e;


/* What became of one document. */
typedef struct {
    ngx_edge_document_status_e     status;
    ngx_uint_t                     nchunks;
    const char                    *error;      /* static; NULL: none */

    u_char                         hash[NGX_EDGE_DOCUMENT_HASH];
    ngx_str_t                      old_hash;   /* in Qdrant; len 0: no doc;
                                                  data is the check's */
    ngx_array_t                   *chunks;     /* of ngx_edge_chunk_t */
} ngx_http_edge_document_state_t;


/* One chunk to be written. */
typedef struct {
    ngx_uint_t                     doc;
    ngx_uint_t                     n;
} ngx_http_edge_piece_t;


typedef struct {
    ngx_http_edge_rag_ctx_t         *ctx;
    ngx_http_edge_ingest_state_e     state;

    ngx_edge_document_t             *docs;
    ngx_http_edge_document_state_t  *states;   /* one per docs */
    ngx_uint_t                       ndocs;

    ngx_array_t                      pieces;   /* of ..._piece_t, in the order
                                                  of writing */
    ngx_uint_t                       first;    /* piece of the batch */
    ngx_uint_t                       count;    /* pieces in the batch */
    ngx_str_t                        vectors[NGX_HTTP_EDGE_DOCUMENTS_BATCH];

    ngx_http_edge_sub_t             *sub;      /* the last call */
    ngx_array_t                      points;   /* get: ..._point_t */
    ngx_str_t                        offset;   /* get: of the next page */
    unsigned                         denied:1; /* get: by edge_acl */
    unsigned                         counted:1;    /* delete: there is one */
    unsigned                         changed:1;    /* the cache was told */
} ngx_http_edge_documents_t;


/* A chunk read back. */
typedef struct {
    ngx_uint_t                       n;
    size_t                           start;    /* in the document's text */
    ngx_str_t                        text;
    ngx_str_t                        tail;     /* white space behind it */
    ngx_str_t                        head;     /* and before the first one */
    ngx_str_t                        acl;      /* as received; JSON */
} ngx_http_edge_point_t;


/* ngx_http_edge_documents_request.c: fills docs; NGX_OK, NGX_DECLINED with
 * error filled, NGX_ERROR. */
ngx_int_t ngx_http_edge_documents_parse(ngx_http_edge_documents_t *d,
    ngx_edge_json_error_t *error);

/* ngx_http_edge_documents.c: responses. */
ngx_int_t ngx_http_edge_documents_reply(ngx_http_edge_documents_t *d);
ngx_int_t ngx_http_edge_documents_reply_one(ngx_http_edge_documents_t *d,
    const ngx_edge_document_t *doc, ngx_uint_t nchunks);
/* Whether the caller may read a document with this acl: NGX_OK, NGX_DECLINED,
 * NGX_ERROR. */
ngx_int_t ngx_http_edge_documents_readable(ngx_http_edge_documents_t *d,
    const ngx_str_t *acl);
ngx_int_t ngx_http_edge_documents_not_found(ngx_http_edge_documents_t *d);
ngx_int_t ngx_http_edge_documents_no_content(ngx_http_edge_documents_t *d);

/* ngx_http_edge_ingest.c: the flows on Qdrant, as ctx->step. */
ngx_int_t ngx_http_edge_ingest_put(ngx_http_edge_rag_ctx_t *ctx);

/* ngx_http_edge_ingest_read.c */
ngx_int_t ngx_http_edge_ingest_get(ngx_http_edge_rag_ctx_t *ctx);
ngx_int_t ngx_http_edge_ingest_delete(ngx_http_edge_rag_ctx_t *ctx);

/* ngx_http_edge_ingest_points.c: what is said to Qdrant; a call that could not
 * be built is NULL.  ngx_http_edge_ingest_points_read.c: what it answers; NULL,
 * or what is wrong with it. */
ngx_http_edge_sub_t *ngx_http_edge_points_check(ngx_http_edge_documents_t *d);
const char *ngx_http_edge_points_check_read(ngx_http_edge_documents_t *d);
ngx_http_edge_sub_t *ngx_http_edge_points_trim(ngx_http_edge_documents_t *d);
ngx_http_edge_sub_t *ngx_http_edge_points_upsert(
    ngx_http_edge_documents_t *d);
ngx_http_edge_sub_t *ngx_http_edge_points_scroll(
    ngx_http_edge_documents_t *d);
const char *ngx_http_edge_points_scroll_read(ngx_http_edge_documents_t *d);
ngx_http_edge_sub_t *ngx_http_edge_points_count(ngx_http_edge_documents_t *d);
const char *ngx_http_edge_points_count_read(ngx_http_edge_documents_t *d,
    ngx_uint_t *n);
ngx_http_edge_sub_t *ngx_http_edge_points_delete(
    ngx_http_edge_documents_t *d);


#endif /* _NGX_HTTP_EDGE_DOCUMENTS_H_INCLUDED_ */
