
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Qdrant's points API as the ingest uses it: the requests.  Each filter begins
 * with tenant and module from the record; a point that is fetched by its id is
 * fetched by an id made of them.
 *
 *     POST points             retrieve by ids
 *     PUT  points?wait=true   upsert
 *     POST points/delete      by filter
 *     POST points/scroll      by filter, page by page
 *     POST points/count       by filter
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_edge_uuid.h"
#include "rag/ngx_http_edge_documents.h"


#define NGX_HTTP_EDGE_POINTS_REQUEST_MAX  (32 * 1024 * 1024)
#define NGX_HTTP_EDGE_POINTS_ANSWER_MAX   (4 * 1024 * 1024)
#define NGX_HTTP_EDGE_POINTS_PAGE         64   /* of a scroll: under the limit
                                                  that strict mode sets */


static void ngx_http_edge_points_init(ngx_http_edge_documents_t *d,
    ngx_edge_buf_t *b);
static ngx_http_edge_sub_t *ngx_http_edge_points_call(
    ngx_http_edge_documents_t *d, const char *path, ngx_edge_buf_t *b);
static void ngx_http_edge_points_filter(ngx_http_edge_documents_t *d,
    ngx_edge_buf_t *b);
static void ngx_http_edge_points_must(ngx_http_edge_documents_t *d,
    const ngx_str_t *id, ngx_edge_buf_t *b);
static void ngx_http_edge_points_match(const char *key,
    const ngx_str_t *value, ngx_edge_buf_t *b);
static void ngx_http_edge_points_id(ngx_http_edge_documents_t *d,
    const ngx_str_t *id, ngx_uint_t n, ngx_edge_buf_t *b);
static void ngx_http_edge_points_point(ngx_http_edge_documents_t *d,
    const ngx_http_edge_piece_t *piece, const ngx_str_t *vector,
    ngx_edge_buf_t *b);
static void ngx_http_edge_points_field(const char *name,
    const ngx_str_t *value, ngx_edge_buf_t *b);


ngx_http_edge_sub_t *
ngx_http_edge_points_check(ngx_http_edge_documents_t *d)
{
    ngx_uint_t      i;
    ngx_edge_buf_t  b;

    ngx_http_edge_points_init(d, &b);
    ngx_edge_buf_lit(&b, "{\"ids\":[");

    for (i = 0; i < d->ndocs; i++) {

        if (i) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_http_edge_points_id(d, &d->docs[i].id, 0, &b);
    }

    ngx_edge_buf_lit(&b, "],\"with_payload\":[\"tenant_id\",\"doc_id\","
                         "\"doc_hash\"]}");

    return ngx_http_edge_points_call(d, "", &b);
}


ngx_http_edge_sub_t *
ngx_http_edge_points_trim(ngx_http_edge_documents_t *d)
{
    ngx_uint_t                       i, n;
    ngx_edge_buf_t                   b;
    ngx_http_edge_document_state_t  *state;

    ngx_http_edge_points_init(d, &b);
    ngx_edge_buf_lit(&b, "{\"filter\":{\"must\":[");
    ngx_http_edge_points_must(d, NULL, &b);
    ngx_edge_buf_lit(&b, "],\"should\":[");

    for (i = 0, n = 0; i < d->ndocs; i++) {
        state = &d->states[i];

        if (state->status == ngx_edge_document_unchanged) {
            continue;
        }

        if (n++) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_edge_buf_lit(&b, "{\"must\":[");
        ngx_http_edge_points_match("doc_id", &d->docs[i].id, &b);
        ngx_edge_buf_lit(&b, ",{\"key\":\"chunk\",\"range\":{\"gte\":");
        ngx_edge_buf_int(&b, state->nchunks);
        ngx_edge_buf_lit(&b, "}}]}");
    }

    ngx_edge_buf_lit(&b, "]}}");

    return ngx_http_edge_points_call(d, "/delete", &b);
}


ngx_http_edge_sub_t *
ngx_http_edge_points_upsert(ngx_http_edge_documents_t *d)
{
    ngx_uint_t              i;
    ngx_edge_buf_t          b;
    ngx_http_edge_sub_t    *sub;
    ngx_http_edge_piece_t  *piece;

    piece = (ngx_http_edge_piece_t *) d->pieces.elts + d->first;

    ngx_http_edge_points_init(d, &b);
    ngx_edge_buf_lit(&b, "{\"points\":[");

    for (i = 0; i < d->count; i++) {

        if (i) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_http_edge_points_point(d, &piece[i], &d->vectors[i], &b);
    }

    ngx_edge_buf_lit(&b, "]}");

    sub = ngx_http_edge_points_call(d, "", &b);

    if (sub) {
        sub->method = NGX_HTTP_PUT;
        ngx_str_set(&sub->args, "wait=true");
    }

    return sub;
}


ngx_http_edge_sub_t *
ngx_http_edge_points_scroll(ngx_http_edge_documents_t *d)
{
    ngx_edge_buf_t  b;

    ngx_http_edge_points_filter(d, &b);
    ngx_edge_buf_lit(&b, ",\"limit\":");
    ngx_edge_buf_int(&b, NGX_HTTP_EDGE_POINTS_PAGE);

    if (d->offset.len) {
        ngx_edge_buf_lit(&b, ",\"offset\":");
        ngx_edge_buf_str(&b, &d->offset);
    }

    ngx_edge_buf_lit(&b, ",\"with_payload\":true}");

    return ngx_http_edge_points_call(d, "/scroll", &b);
}


ngx_http_edge_sub_t *
ngx_http_edge_points_count(ngx_http_edge_documents_t *d)
{
    ngx_edge_buf_t  b;

    ngx_http_edge_points_filter(d, &b);
    ngx_edge_buf_lit(&b, ",\"exact\":true}");

    return ngx_http_edge_points_call(d, "/count", &b);
}


ngx_http_edge_sub_t *
ngx_http_edge_points_delete(ngx_http_edge_documents_t *d)
{
    ngx_edge_buf_t  b;

    ngx_http_edge_points_filter(d, &b);
    ngx_edge_buf_lit(&b, "}");

    return ngx_http_edge_points_call(d, "/delete", &b);
}


static void
ngx_http_edge_points_init(ngx_http_edge_documents_t *d, ngx_edge_buf_t *b)
{
    ngx_http_edge_rag_begin(d->ctx, b, 1024, NGX_HTTP_EDGE_POINTS_REQUEST_MAX);
}


static ngx_http_edge_sub_t *
ngx_http_edge_points_call(ngx_http_edge_documents_t *d, const char *path,
    ngx_edge_buf_t *b)
{
    ngx_str_t                           uri;
    ngx_edge_buf_t                      text;
    ngx_http_edge_sub_t                *sub;
    const ngx_http_edge_ingest_conf_t  *ingest;

    ingest = d->ctx->conf->ingest;

    ngx_edge_buf_init(&text, d->ctx->request->pool, 256, 1024);
    ngx_edge_buf_str(&text, &ingest->uri);
    ngx_edge_buf_add(&text, (u_char *) path, ngx_strlen(path));

    if (ngx_edge_buf_done(&text, &uri) != NGX_OK) {
        return NULL;
    }

    sub = ngx_http_edge_rag_sub(d->ctx, &uri, b);
    if (sub == NULL) {
        return NULL;
    }

    if (ngx_strcmp(path, "/delete") == 0) {
        ngx_str_set(&sub->args, "wait=true");
    }

    sub->timeout = d->ctx->conf->timeout.total;
    sub->limit = NGX_HTTP_EDGE_POINTS_ANSWER_MAX;

    return sub;
}


/* Begins a request whose filter selects the document of the request. */

static void
ngx_http_edge_points_filter(ngx_http_edge_documents_t *d, ngx_edge_buf_t *b)
{
    ngx_http_edge_points_init(d, b);
    ngx_edge_buf_lit(b, "{\"filter\":{\"must\":[");
    ngx_http_edge_points_must(d, &d->ctx->record->rest, b);
    ngx_edge_buf_lit(b, "]}");
}


/* The conditions that every filter has, and the document's if id is given. */

static void
ngx_http_edge_points_must(ngx_http_edge_documents_t *d, const ngx_str_t *id,
    ngx_edge_buf_t *b)
{
    ngx_http_edge_points_match("tenant_id", &d->ctx->record->tenant, b);
    ngx_edge_buf_byte(b, ',');
    ngx_http_edge_points_match("module", &d->ctx->record->module->name, b);

    if (id) {
        ngx_edge_buf_byte(b, ',');
        ngx_http_edge_points_match("doc_id", id, b);
    }
}


static void
ngx_http_edge_points_match(const char *key, const ngx_str_t *value,
    ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "{\"key\":\"");
    ngx_edge_buf_add(b, (u_char *) key, ngx_strlen(key));
    ngx_edge_buf_lit(b, "\",\"match\":{\"value\":");
    ngx_edge_buf_json(b, value->data, value->len);
    ngx_edge_buf_lit(b, "}}");
}


static void
ngx_http_edge_points_id(ngx_http_edge_documents_t *d, const ngx_str_t *id,
    ngx_uint_t n, ngx_edge_buf_t *b)
{
    u_char  uuid[NGX_EDGE_UUID_LEN];

    if (ngx_edge_uuid_chunk(&d->ctx->record->tenant,
                            &d->ctx->record->module->name, id, n, uuid)
        != NGX_OK)
    {
        b->rc = NGX_ERROR;
        return;
    }

    ngx_edge_buf_byte(b, '"');
    ngx_edge_buf_add(b, uuid, NGX_EDGE_UUID_LEN);
    ngx_edge_buf_byte(b, '"');
}


static void
ngx_http_edge_points_point(ngx_http_edge_documents_t *d,
    const ngx_http_edge_piece_t *piece, const ngx_str_t *vector,
    ngx_edge_buf_t *b)
{
    size_t                           end;
    ngx_str_t                        head, text, tail;
    ngx_edge_chunk_t                *chunk;
    ngx_edge_document_t             *doc;
    ngx_http_edge_document_state_t  *state;

    doc = &d->docs[piece->doc];
    state = &d->states[piece->doc];
    chunk = (ngx_edge_chunk_t *) state->chunks->elts + piece->n;

    text.data = doc->text.data + chunk->start;
    text.len = chunk->end - chunk->start;

    end = (piece->n + 1 < state->nchunks) ? chunk[1].start : doc->text.len;

    tail.data = doc->text.data + chunk->end;
    tail.len = (end > chunk->end) ? end - chunk->end : 0;

    ngx_edge_buf_lit(b, "{\"id\":");
    ngx_http_edge_points_id(d, &doc->id, piece->n, b);
    ngx_edge_buf_lit(b, ",\"vector\":{\"dense\":");
    ngx_edge_buf_str(b, vector);
    ngx_edge_buf_lit(b, "},\"payload\":{\"chunk\":");
    ngx_edge_buf_int(b, piece->n);
    ngx_edge_buf_lit(b, ",\"chunks\":");
    ngx_edge_buf_int(b, state->nchunks);
    ngx_edge_buf_lit(b, ",\"start\":");
    ngx_edge_buf_int(b, chunk->start);
    ngx_http_edge_points_field("tenant_id", &d->ctx->record->tenant, b);
    ngx_http_edge_points_field("module", &d->ctx->record->module->name, b);
    ngx_http_edge_points_field("doc_id", &doc->id, b);
    ngx_http_edge_points_field("title", &doc->title, b);
    ngx_http_edge_points_field("source_uri", &doc->source_uri, b);
    ngx_http_edge_points_field("updated_at", &doc->updated_at, b);
    ngx_http_edge_points_field("text", &text, b);
    ngx_http_edge_points_field("tail", &tail, b);

    if (piece->n == 0) {
        head.data = doc->text.data;
        head.len = chunk->start;
        ngx_http_edge_points_field("head", &head, b);
    }

    ngx_edge_buf_lit(b, ",\"acl\":");
    ngx_edge_buf_str(b, &doc->acl);
    ngx_edge_buf_lit(b, ",\"doc_hash\":\"");
    ngx_edge_buf_add(b, state->hash, NGX_EDGE_DOCUMENT_HASH);
    ngx_edge_buf_lit(b, "\"}}");
}


/* ,"name":"value"; a field without a value is left out, so that a filter on it
 * does not match */

static void
ngx_http_edge_points_field(const char *name, const ngx_str_t *value,
    ngx_edge_buf_t *b)
{
    if (value->len == 0) {
        return;
    }

    ngx_edge_buf_lit(b, ",\"");
    ngx_edge_buf_add(b, (u_char *) name, ngx_strlen(name));
    ngx_edge_buf_lit(b, "\":");
    ngx_edge_buf_json(b, value->data, value->len);
}
