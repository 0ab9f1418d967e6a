
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The operation on documents: which flow a request takes, the flow on the
 * embedded store, and the responses of both backends.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_documents.h"


#define NGX_HTTP_EDGE_DOCUMENTS_REPLY_MAX  (16 * 1024 * 1024)


static void ngx_http_edge_documents_changed(void *data);
static ngx_int_t ngx_http_edge_documents_read(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_documents_start(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_documents_store(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_documents_job(ngx_http_edge_documents_t *d,
    ngx_http_edge_store_job_t *job);
static ngx_int_t ngx_http_edge_documents_copy(ngx_pool_t *pool,
    const ngx_str_t *from, ngx_str_t *to);
static ngx_int_t ngx_http_edge_documents_stored(ngx_http_edge_rag_ctx_t *ctx);
static void ngx_http_edge_documents_status(const ngx_edge_document_t *doc,
    const ngx_http_edge_document_state_t *state, ngx_edge_buf_t *b);
static void ngx_http_edge_documents_text(const char *name,
    const ngx_str_t *value, ngx_edge_buf_t *b);


ngx_int_t
ngx_http_edge_documents_create(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_edge_documents_t  *d;

    if (ctx->conf->store == NULL && ctx->conf->ingest == NULL) {
        return ngx_http_edge_fail(ctx->request, NGX_HTTP_NOT_IMPLEMENTED,
                                  "not_implemented",
                                  "this module takes no documents");
    }

    d = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_edge_documents_t));
    if (d == NULL) {
        return NGX_ERROR;
    }

    d->ctx = ctx;

    ctx->op = d;
    ctx->step = (ctx->request->method & (NGX_HTTP_POST|NGX_HTTP_PUT))
                ? ngx_http_edge_documents_read
                : ngx_http_edge_documents_start;

    return NGX_OK;
}


/* Answers of the old documents are not to be found any more, which the client
 * may rely on as soon as it has its response. */

static void
ngx_http_edge_documents_changed(void *data)
{
    ngx_http_edge_documents_t *d = data;

    const ngx_http_edge_rag_conf_t  *conf;

    if (d->changed) {
        return;
    }

    d->changed = 1;
    conf = d->ctx->conf;

    ngx_http_edge_cache_corpus_changed(d->ctx->request,
                                       &d->ctx->record->tenant,
                                       conf->store ? &conf->store_path
                                                   : &conf->ingest->collection);
}


static ngx_int_t
ngx_http_edge_documents_read(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_edge_json_error_t  error;

    ngx_memzero(&error, sizeof(ngx_edge_json_error_t));

    rc = ngx_http_edge_documents_parse(ctx->op, &error);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_edge_rag_bad_request(ctx, &error);
    }

    return ngx_http_edge_documents_start(ctx);
}


static ngx_int_t
ngx_http_edge_documents_start(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    if (!(ctx->request->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        cln = ngx_http_cleanup_add(ctx->request, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        /* also if it fails, or the client leaves: some may be written */

        cln->handler = ngx_http_edge_documents_changed;
        cln->data = ctx->op;
    }

    if (ctx->conf->store) {
        return ngx_http_edge_documents_store(ctx);
    }

    if (ctx->request->method & (NGX_HTTP_POST|NGX_HTTP_PUT)) {
        ctx->step = ngx_http_edge_ingest_put;

    } else if (ctx->request->method & NGX_HTTP_DELETE) {
        ctx->step = ngx_http_edge_ingest_delete;

    } else {
        ctx->step = ngx_http_edge_ingest_get;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_documents_store(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_edge_documents_t  *d;
    ngx_http_edge_store_job_t  *job;

    d = ctx->op;

    job = ngx_http_edge_store_job_create(ctx->conf->store,
                                         ctx->request->connection->log);
    if (job == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_edge_documents_job(d, job) != NGX_OK) {
        ngx_http_edge_store_job_free(job);
        return NGX_ERROR;
    }

    ctx->step = ngx_http_edge_documents_stored;

    ngx_http_edge_rag_post_job(ctx, job);

    return NGX_OK;
}


/* The thread reads copies: the request may end before it does. */

static ngx_int_t
ngx_http_edge_documents_job(ngx_http_edge_documents_t *d,
    ngx_http_edge_store_job_t *job)
{
    ngx_uint_t               i;
    ngx_http_edge_record_t  *rec;

    rec = d->ctx->record;

    if (ngx_http_edge_documents_copy(job->pool, &rec->tenant,
                                     &job->scope.tenant)
        != NGX_OK
        || ngx_http_edge_documents_copy(job->pool, &rec->module->name,
                                        &job->scope.module)
           != NGX_OK
        || ngx_http_edge_documents_copy(job->pool, &rec->rest, &job->id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (d->ndocs == 0) {
        job->kind = (d->ctx->request->method & NGX_HTTP_DELETE)
                    ? ngx_http_edge_store_delete : ngx_http_edge_store_get;
        return NGX_OK;
    }

    job->kind = ngx_http_edge_store_put;
    job->chunk = d->ctx->conf->chunk;
    job->ndocs = d->ndocs;
    job->docs = ngx_pcalloc(job->pool, d->ndocs * sizeof(ngx_edge_document_t));

    if (job->docs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < d->ndocs; i++) {
        if (ngx_http_edge_documents_copy(job->pool, &d->docs[i].id,
                                         &job->docs[i].id)
            != NGX_OK
            || ngx_http_edge_documents_copy(job->pool, &d->docs[i].text,
                                            &job->docs[i].text)
               != NGX_OK
            || ngx_http_edge_documents_copy(job->pool, &d->docs[i].title,
                                            &job->docs[i].title)
               != NGX_OK
            || ngx_http_edge_documents_copy(job->pool,
                                            &d->docs[i].source_uri,
                                            &job->docs[i].source_uri)
               != NGX_OK
            || ngx_http_edge_documents_copy(job->pool,
                                            &d->docs[i].updated_at,
                                            &job->docs[i].updated_at)
               != NGX_OK
            || ngx_http_edge_documents_copy(job->pool, &d->docs[i].acl,
                                            &job->docs[i].acl)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_documents_copy(ngx_pool_t *pool, const ngx_str_t *from,
    ngx_str_t *to)
{
    to->len = from->len;
    to->data = ngx_pstrdup(pool, (ngx_str_t *) from);

    return to->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_edge_documents_stored(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_edge_documents_t  *d;
    ngx_http_edge_store_job_t  *job;

    d = ctx->op;
    job = ctx->job;

    if (job == NULL || job->rc == NGX_ERROR) {
        ngx_http_edge_rag_log_job(ctx, "documents");
    }

    if (job == NULL
        || job->status == NULL
        || (job->rc == NGX_ERROR && job->kind != ngx_http_edge_store_put))
    {
        return ngx_http_edge_rag_unavailable(ctx,
                                       "the document store failed");
    }

    switch (job->kind) {

    case ngx_http_edge_store_put:

        /* each document is a transaction: some may be stored all the same */

        for (i = 0; i < d->ndocs; i++) {
            d->states[i].status = job->status[i];
            d->states[i].nchunks = job->nchunks[i];

            if (job->status[i] == ngx_edge_document_failed) {
                d->states[i].error = "the document store failed";
            }
        }

        return ngx_http_edge_documents_reply(d);

    case ngx_http_edge_store_delete:
        return (job->rc == NGX_OK) ? ngx_http_edge_documents_no_content(d)
                                   : ngx_http_edge_documents_not_found(d);

    default:
        rc = job->rc;

        if (rc == NGX_OK) {
            rc = ngx_http_edge_documents_readable(d, &job->doc.acl);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        return (rc == NGX_OK)
               ? ngx_http_edge_documents_reply_one(d, &job->doc,
                                                   job->nchunks[0])
               : ngx_http_edge_documents_not_found(d);
    }
}


ngx_int_t
ngx_http_edge_documents_readable(ngx_http_edge_documents_t *d,
    const ngx_str_t *acl)
{
    if (d->ctx->acl == NULL) {
        return NGX_OK;
    }

    return ngx_edge_acl_match(d->ctx->acl, d->ctx->request->pool, acl);
}


ngx_int_t
ngx_http_edge_documents_reply(ngx_http_edge_documents_t *d)
{
    ngx_uint_t       i, failed;
    ngx_edge_buf_t   b;

    ngx_http_edge_documents_changed(d);

    failed = 0;

    ngx_edge_buf_init(&b, d->ctx->request->pool, 1024,
                      NGX_HTTP_EDGE_DOCUMENTS_REPLY_MAX);

    ngx_edge_buf_lit(&b, "{\"documents\":[");

    for (i = 0; i < d->ndocs; i++) {

        if (i) {
            ngx_edge_buf_byte(&b, ',');
        }

        if (d->states[i].status == ngx_edge_document_failed) {
            failed++;
        }

        ngx_http_edge_documents_status(&d->docs[i], &d->states[i], &b);
    }

    if (failed == d->ndocs) {
        return ngx_http_edge_rag_unavailable(d->ctx,
                                       "no document could be stored");
    }

    ngx_edge_buf_lit(&b, "],\"request_id\":");
    ngx_edge_buf_json(&b, d->ctx->record->request_id.data,
                      d->ctx->record->request_id.len);
    ngx_edge_buf_byte(&b, '}');

    /* 207 Multi-Status: some succeeded */

    return ngx_http_edge_rag_send_json(d->ctx, failed ? 207 : NGX_HTTP_OK,
                                       &b);
}


static void
ngx_http_edge_documents_status(const ngx_edge_document_t *doc,
    const ngx_http_edge_document_state_t *state, ngx_edge_buf_t *b)
{
    static const char  *names[] = {
        "failed", "created", "updated", "unchanged"
    };

    const char  *name;

    name = names[state->status];

    ngx_edge_buf_lit(b, "{\"id\":");
    ngx_edge_buf_json(b, doc->id.data, doc->id.len);
    ngx_edge_buf_lit(b, ",\"status\":");
    ngx_edge_buf_json(b, (u_char *) name, ngx_strlen(name));
    ngx_edge_buf_lit(b, ",\"chunks\":");
    ngx_edge_buf_int(b, state->nchunks);

    if (state->error) {
        ngx_edge_buf_lit(b, ",\"error\":");
        ngx_edge_buf_json(b, (u_char *) state->error,
                          ngx_strlen(state->error));
    }

    ngx_edge_buf_byte(b, '}');
}


ngx_int_t
ngx_http_edge_documents_reply_one(ngx_http_edge_documents_t *d,
    const ngx_edge_document_t *doc, ngx_uint_t nchunks)
{
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, d->ctx->request->pool, 1024,
                      NGX_HTTP_EDGE_DOCUMENTS_REPLY_MAX);

    ngx_edge_buf_lit(&b, "{\"id\":");
    ngx_edge_buf_json(&b, doc->id.data, doc->id.len);
    ngx_http_edge_documents_text("title", &doc->title, &b);
    ngx_http_edge_documents_text("source_uri", &doc->source_uri, &b);
    ngx_http_edge_documents_text("updated_at", &doc->updated_at, &b);
    ngx_edge_buf_lit(&b, ",\"acl\":");
    ngx_edge_buf_str(&b, &doc->acl);
    ngx_http_edge_documents_text("text", &doc->text, &b);
    ngx_edge_buf_lit(&b, ",\"chunks\":");
    ngx_edge_buf_int(&b, nchunks);
    ngx_edge_buf_byte(&b, '}');

    return ngx_http_edge_rag_send_json(d->ctx, NGX_HTTP_OK, &b);
}


static void
ngx_http_edge_documents_text(const char *name, const ngx_str_t *value,
    ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, ",\"");
    ngx_edge_buf_add(b, (u_char *) name, ngx_strlen(name));
    ngx_edge_buf_lit(b, "\":");

    if (value->len == 0) {
        ngx_edge_buf_lit(b, "null");
        return;
    }

    ngx_edge_buf_json(b, value->data, value->len);
}


ngx_int_t
ngx_http_edge_documents_not_found(ngx_http_edge_documents_t *d)
{
    return ngx_http_edge_fail(d->ctx->request, NGX_HTTP_NOT_FOUND,
                              "document_not_found",
                              "there is no document with this id");
}


ngx_int_t
ngx_http_edge_documents_no_content(ngx_http_edge_documents_t *d)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    ngx_http_edge_documents_changed(d);

    r = d->ctx->request;

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    rc = ngx_http_send_header(r);

    return (rc == NGX_OK) ? NGX_DONE : rc;
}
