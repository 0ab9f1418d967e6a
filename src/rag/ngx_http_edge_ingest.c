
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The upsert of documents into Qdrant: which call comes next and what becomes
 * of each outcome.  See ngx_http_edge_documents.h for its order.
 *
 *   outcome                       what the client gets
 *   check or trim fails           503: nothing was written
 *   embed or upsert fails         the documents not yet whole are "failed";
 *                                 207, or 503 if that is all of them
 *   deadline                      as if the pending call had failed
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_documents.h"
#include "rag/ngx_http_edge_query.h"


static ngx_int_t ngx_http_edge_ingest_do_check(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_do_trim(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_split(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_do_embed(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_do_upsert(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_do_next(ngx_http_edge_documents_t *d);
static ngx_int_t ngx_http_edge_ingest_stop(ngx_http_edge_documents_t *d,
    const char *error);
static ngx_int_t ngx_http_edge_ingest_start(ngx_http_edge_documents_t *d,
    ngx_http_edge_sub_t *sub, ngx_http_edge_ingest_state_e next);


ngx_int_t
ngx_http_edge_ingest_put(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_edge_documents_t  *d;

    d = ctx->op;

    switch (d->state) {

    case ngx_http_edge_ingest_st_check:
        return ngx_http_edge_ingest_do_check(d);

    case ngx_http_edge_ingest_st_trim:
        return ngx_http_edge_ingest_do_trim(d);

    case ngx_http_edge_ingest_st_embed:
        return ngx_http_edge_ingest_do_embed(d);

    case ngx_http_edge_ingest_st_upsert:
        return ngx_http_edge_ingest_do_upsert(d);

    default: /* ngx_http_edge_ingest_st_next */
        return ngx_http_edge_ingest_do_next(d);
    }
}


static ngx_int_t
ngx_http_edge_ingest_do_check(ngx_http_edge_documents_t *d)
{
    ngx_uint_t  i;

    for (i = 0; i < d->ndocs; i++) {
        if (ngx_edge_document_hash(&d->docs[i], d->states[i].hash) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_edge_ingest_start(d, ngx_http_edge_points_check(d),
                                      ngx_http_edge_ingest_st_trim);
}


static ngx_int_t
ngx_http_edge_ingest_do_trim(ngx_http_edge_documents_t *d)
{
    const char  *fault;

    if (d->sub->result != ngx_http_edge_sub_ok) {
        ngx_http_edge_rag_log_call(d->ctx, "ingest", d->sub);
        return ngx_http_edge_rag_unavailable(d->ctx,
                                       "the document store failed");
    }

    fault = ngx_http_edge_points_check_read(d);

    if (fault) {
        ngx_http_edge_rag_log_garbage(d->ctx, "ingest", fault);
        return ngx_http_edge_rag_unavailable(d->ctx,
                                       "the document store failed");
    }

    if (ngx_http_edge_ingest_split(d) != NGX_OK) {
        return NGX_ERROR;
    }

    if (d->pieces.nelts == 0) {
        return ngx_http_edge_documents_reply(d);
    }

    return ngx_http_edge_ingest_start(d, ngx_http_edge_points_trim(d),
                                      ngx_http_edge_ingest_st_embed);
}


/* Chunks of all changed documents, each document's first chunk last. */

static ngx_int_t
ngx_http_edge_ingest_split(ngx_http_edge_documents_t *d)
{
    ngx_uint_t                       i, n;
    ngx_http_edge_piece_t           *piece;
    ngx_http_edge_document_state_t  *state;

    if (ngx_array_init(&d->pieces, d->ctx->request->pool,
                       NGX_HTTP_EDGE_DOCUMENTS_BATCH,
                       sizeof(ngx_http_edge_piece_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < d->ndocs; i++) {
        state = &d->states[i];

        if (ngx_edge_chunk(d->ctx->request->pool, &d->docs[i].text,
                           &d->ctx->conf->chunk, &state->chunks)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        state->nchunks = state->chunks->nelts;

        if (state->old_hash.len == NGX_EDGE_DOCUMENT_HASH
            && ngx_memcmp(state->old_hash.data, state->hash,
                          NGX_EDGE_DOCUMENT_HASH)
               == 0)
        {
            state->status = ngx_edge_document_unchanged;
            continue;
        }

        for (n = state->nchunks; n > 0; n--) {
            piece = ngx_array_push(&d->pieces);
            if (piece == NULL) {
                return NGX_ERROR;
            }

            piece->doc = i;
            piece->n = n - 1;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_ingest_do_embed(ngx_http_edge_documents_t *d)
{
    ngx_str_t              *text, inputs[NGX_HTTP_EDGE_DOCUMENTS_BATCH];
    ngx_uint_t              i;
    ngx_edge_buf_t          b;
    ngx_edge_chunk_t       *chunk;
    ngx_edge_document_t    *doc;
    ngx_http_edge_piece_t  *piece;

    /* behind the trim, or behind the batch before */

    if (d->sub->result != ngx_http_edge_sub_ok) {
        ngx_http_edge_rag_log_call(d->ctx, "ingest", d->sub);
        return ngx_http_edge_rag_unavailable(d->ctx,
                                       "the document store failed");
    }

    piece = (ngx_http_edge_piece_t *) d->pieces.elts + d->first;
    d->count = ngx_min(d->pieces.nelts - d->first,
                       NGX_HTTP_EDGE_DOCUMENTS_BATCH);

    for (i = 0; i < d->count; i++) {
        doc = &d->docs[piece[i].doc];
        text = &inputs[i];

        chunk = (ngx_edge_chunk_t *) d->states[piece[i].doc].chunks->elts
                + piece[i].n;

        /* the title says what a chunk from the middle is about */

        ngx_edge_buf_init(&b, d->ctx->request->pool,
                          chunk->end - chunk->start + doc->title.len + 1,
                          d->ctx->conf->chunk.target + doc->title.len + 1);

        if (doc->title.len) {
            ngx_edge_buf_str(&b, &doc->title);
            ngx_edge_buf_byte(&b, '\n');
        }

        ngx_edge_buf_add(&b, doc->text.data + chunk->start,
                         chunk->end - chunk->start);

        if (ngx_edge_buf_done(&b, text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_edge_ingest_start(d,
                            ngx_http_edge_embed_call(d->ctx, inputs, d->count),
                            ngx_http_edge_ingest_st_upsert);
}


static ngx_int_t
ngx_http_edge_ingest_do_upsert(ngx_http_edge_documents_t *d)
{
    const char  *fault;

    if (d->sub->result != ngx_http_edge_sub_ok) {
        ngx_http_edge_rag_log_call(d->ctx, "embed", d->sub);
        return ngx_http_edge_ingest_stop(d, "the embedding service failed");
    }

    fault = ngx_http_edge_embed_read(d->ctx, d->sub, d->vectors, d->count);

    if (fault) {
        ngx_http_edge_rag_log_garbage(d->ctx, "embed", fault);
        return ngx_http_edge_ingest_stop(d, "the embedding service failed");
    }

    return ngx_http_edge_ingest_start(d, ngx_http_edge_points_upsert(d),
                                      ngx_http_edge_ingest_st_next);
}


static ngx_int_t
ngx_http_edge_ingest_do_next(ngx_http_edge_documents_t *d)
{
    ngx_uint_t                       i;
    ngx_http_edge_piece_t           *piece;
    ngx_http_edge_document_state_t  *state;

    if (d->sub->result != ngx_http_edge_sub_ok) {
        ngx_http_edge_rag_log_call(d->ctx, "ingest", d->sub);
        return ngx_http_edge_ingest_stop(d, "the document store failed");
    }

    piece = (ngx_http_edge_piece_t *) d->pieces.elts + d->first;

    for (i = 0; i < d->count; i++) {
        if (piece[i].n == 0) {
            state = &d->states[piece[i].doc];
            state->status = state->old_hash.len ? ngx_edge_document_updated
                                                : ngx_edge_document_created;
        }
    }

    d->first += d->count;

    if (d->first == d->pieces.nelts) {
        return ngx_http_edge_documents_reply(d);
    }

    d->state = ngx_http_edge_ingest_st_embed;

    return NGX_OK;
}


/* What is whole stays; the rest failed and is told so. */

static ngx_int_t
ngx_http_edge_ingest_stop(ngx_http_edge_documents_t *d, const char *error)
{
    ngx_uint_t  i;

    for (i = 0; i < d->ndocs; i++) {
        if (d->states[i].status == ngx_edge_document_failed) {
            d->states[i].error = error;
            d->states[i].nchunks = 0;
        }
    }

    return ngx_http_edge_documents_reply(d);
}


static ngx_int_t
ngx_http_edge_ingest_start(ngx_http_edge_documents_t *d,
    ngx_http_edge_sub_t *sub, ngx_http_edge_ingest_state_e next)
{
    if (sub == NULL) {
        return NGX_ERROR;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, d->ctx->request->connection->log, 0,
                   "edge rag: ingest %ui -> %ui", d->state,
                   (ngx_uint_t) next);

    /* what the call before answered has been read */

    ngx_http_edge_rag_free(d->ctx, &d->sub);

    d->sub = sub;
    d->state = next;

    ngx_http_edge_rag_call(d->ctx, sub);

    return NGX_OK;
}
