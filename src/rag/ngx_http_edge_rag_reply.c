
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Whole responses of the RAG feature, and what is said of a failure: to the
 * client in the record, to the operator in the log.  Prompts, passages and
 * questions are never logged.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"
#include "rag/ngx_http_edge_rag.h"


#define NGX_HTTP_EDGE_RAG_RETRY_AFTER  2   /* seconds, for a 503 */
#define NGX_HTTP_EDGE_RAG_POINTER_MAX  512 /* bytes quoted of a pointer */


static void ngx_http_edge_rag_bound_pointer(ngx_str_t *pointer);


ngx_int_t
ngx_http_edge_rag_send_json(ngx_http_edge_rag_ctx_t *ctx, ngx_uint_t status,
    ngx_edge_buf_t *body)
{
    ngx_int_t            rc;
    ngx_str_t            text;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = ctx->request;

    rc = ngx_edge_buf_done(body, &text);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "edge rag: the response could not be built");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = text.len;
    ngx_http_edge_content_type(r, "application/json");

    if (ngx_http_edge_rag_private(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return (rc == NGX_OK) ? NGX_DONE : rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->memory = (text.len != 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_DONE;
}


/* An answer is one tenant's: no cache on the way may keep it. */

ngx_int_t
ngx_http_edge_rag_private(ngx_http_request_t *r)
{
    static const ngx_str_t  value = ngx_string("private, no-store");

    return ngx_http_edge_header_set(r, "Cache-Control", &value);
}


ngx_int_t
ngx_http_edge_rag_bad_request(ngx_http_edge_rag_ctx_t *ctx,
    const ngx_edge_json_error_t *error)
{
    u_char                   *p;
    ngx_str_t                 pointer;
    ngx_http_edge_failure_t  *failure;

    if (error->detail == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    pointer = error->pointer;
    ngx_http_edge_rag_bound_pointer(&pointer);

    (void) ngx_http_edge_fail(ctx->request, NGX_HTTP_BAD_REQUEST,
                              "invalid_request", error->detail);

    failure = &ctx->record->failure;
    failure->pointer = pointer;

    /* not at which member: its name is the client's, line breaks and all */

    ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                  "edge rag: bad request, %s", error->detail);

    if (pointer.len == 0) {
        ngx_str_set(&failure->pointer, "");
        return NGX_HTTP_BAD_REQUEST;
    }

    /* "/top_k must be an integer": a sentence of its own */

    p = ngx_pnalloc(ctx->request->pool, pointer.len + 1
                                        + ngx_strlen(error->detail));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    failure->detail.data = p;
    failure->detail.len = ngx_sprintf(p, "%V %s", &pointer, error->detail)
                          - p;

    return NGX_HTTP_BAD_REQUEST;
}


/* A pointer holds names that the client made up, of any length: over the
 * bound it points at what holds them. */

static void
ngx_http_edge_rag_bound_pointer(ngx_str_t *pointer)
{
    while (pointer->len > NGX_HTTP_EDGE_RAG_POINTER_MAX) {

        do {
            pointer->len--;
        } while (pointer->data[pointer->len] != '/');
    }
}


void
ngx_http_edge_rag_log_call(ngx_http_edge_rag_ctx_t *ctx, const char *stage,
    const ngx_http_edge_sub_t *sub)
{
    ngx_log_t  *log;

    log = ctx->request->connection->log;

    if (sub->result == ngx_http_edge_sub_status) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "edge rag: %s failed, status %ui from \"%V\"",
                      stage, sub->status, &sub->uri);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "edge rag: %s failed, %s from \"%V\"",
                  stage, ngx_http_edge_sub_result_name(sub), &sub->uri);
}


void
ngx_http_edge_rag_log_garbage(ngx_http_edge_rag_ctx_t *ctx, const char *stage,
    const char *what)
{
    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "edge rag: %s failed, %s", stage, what);
}


void
ngx_http_edge_rag_log_job(ngx_http_edge_rag_ctx_t *ctx, const char *stage)
{
    const char  *what;

    if (ctx->job == NULL) {
        what = "timeout";              /* dropped at the deadline */

    } else if (ctx->job->err[0]) {
        what = (char *) ctx->job->err;

    } else {
        what = "queue is full";
    }

    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "edge rag: %s failed, store: %s", stage, what);
}


ngx_int_t
ngx_http_edge_rag_unavailable(ngx_http_edge_rag_ctx_t *ctx,
    const char *detail)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_fail(ctx->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                            "service_unavailable", detail);

    ctx->record->failure.retry_after = NGX_HTTP_EDGE_RAG_RETRY_AFTER;

    return rc;
}
