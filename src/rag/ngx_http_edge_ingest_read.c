
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * GET and DELETE of a document in Qdrant.  A document's text is put together
 * again from its chunks, whose places in it are known.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_documents.h"


static ngx_int_t ngx_http_edge_ingest_call(ngx_http_edge_documents_t *d,
    ngx_http_edge_sub_t *sub);
static ngx_int_t ngx_http_edge_ingest_unavailable(
    ngx_http_edge_documents_t *d, const char *fault);
static ngx_int_t ngx_http_edge_ingest_join(ngx_http_edge_documents_t *d);
static int ngx_libc_cdecl ngx_http_edge_ingest_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_edge_ingest_get(ngx_http_edge_rag_ctx_t *ctx)
{
    const char                 *fault;
    ngx_http_edge_documents_t  *d;

    d = ctx->op;

    if (d->sub == NULL) {
        d->docs = ngx_pcalloc(ctx->request->pool, sizeof(ngx_edge_document_t));

        if (d->docs == NULL
            || ngx_array_init(&d->points, ctx->request->pool, 16,
                              sizeof(ngx_http_edge_point_t))
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_edge_ingest_call(d, ngx_http_edge_points_scroll(d));
    }

    if (d->sub->result != ngx_http_edge_sub_ok) {
        return ngx_http_edge_ingest_unavailable(d, NULL);
    }

    ngx_str_null(&d->offset);

    fault = ngx_http_edge_points_scroll_read(d);

    if (fault) {
        return ngx_http_edge_ingest_unavailable(d, fault);
    }

    if (d->offset.len) {
        return ngx_http_edge_ingest_call(d, ngx_http_edge_points_scroll(d));
    }

    if (d->points.nelts == 0 || d->denied) {
        return ngx_http_edge_documents_not_found(d);
    }

    return ngx_http_edge_ingest_join(d);
}


static ngx_int_t
ngx_http_edge_ingest_call(ngx_http_edge_documents_t *d,
    ngx_http_edge_sub_t *sub)
{
    if (sub == NULL) {
        return NGX_ERROR;
    }

    d->sub = sub;
    ngx_http_edge_rag_call(d->ctx, sub);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_ingest_unavailable(ngx_http_edge_documents_t *d,
    const char *fault)
{
    if (fault) {
        ngx_http_edge_rag_log_garbage(d->ctx, "documents", fault);

    } else {
        ngx_http_edge_rag_log_call(d->ctx, "documents", d->sub);
    }

    return ngx_http_edge_rag_unavailable(d->ctx, "the document store failed");
}


static ngx_int_t
ngx_http_edge_ingest_join(ngx_http_edge_documents_t *d)
{
    size_t                  end, skip;
    ngx_uint_t              i;
    ngx_edge_buf_t          b;
    ngx_http_edge_point_t  *point;

    point = d->points.elts;

    ngx_qsort(point, d->points.nelts, sizeof(ngx_http_edge_point_t),
              ngx_http_edge_ingest_cmp);

    ngx_edge_buf_init(&b, d->ctx->request->pool, 4096, 16 * 1024 * 1024);

    end = 0;

    for (i = 0; i < d->points.nelts; i++) {

        /* what overlaps the chunk before is left out */

        skip = (point[i].start < end) ? end - point[i].start : 0;

        ngx_edge_buf_str(&b, &point[i].head);

        if (skip < point[i].text.len) {
            ngx_edge_buf_add(&b, point[i].text.data + skip,
                             point[i].text.len - skip);
            ngx_edge_buf_str(&b, &point[i].tail);
            end = point[i].start + point[i].text.len;
        }
    }

    if (ngx_edge_buf_done(&b, &d->docs[0].text) != NGX_OK) {
        return NGX_ERROR;
    }

    d->docs[0].id = d->ctx->record->rest;

    return ngx_http_edge_documents_reply_one(d, &d->docs[0],
                                             d->points.nelts);
}


static int ngx_libc_cdecl
ngx_http_edge_ingest_cmp(const void *one, const void *two)
{
    const ngx_http_edge_point_t  *a = one, *b = two;

    return (a->n > b->n) - (a->n < b->n);
}


ngx_int_t
ngx_http_edge_ingest_delete(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_uint_t                  n;
    const char                 *fault;
    ngx_http_edge_documents_t  *d;

    d = ctx->op;

    if (d->sub == NULL) {
        return ngx_http_edge_ingest_call(d, ngx_http_edge_points_count(d));
    }

    if (d->sub->result != ngx_http_edge_sub_ok) {
        return ngx_http_edge_ingest_unavailable(d, NULL);
    }

    if (d->counted) {
        return ngx_http_edge_documents_no_content(d);
    }

    fault = ngx_http_edge_points_count_read(d, &n);

    if (fault) {
        return ngx_http_edge_ingest_unavailable(d, fault);
    }

    if (n == 0) {
        return ngx_http_edge_documents_not_found(d);
    }

    d->counted = 1;

    return ngx_http_edge_ingest_call(d, ngx_http_edge_points_delete(d));
}
