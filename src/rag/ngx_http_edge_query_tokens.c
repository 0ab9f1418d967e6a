
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens of a question: how many a model will need, how many it may write,
 * how many there were in the end.  A model's own count is what is settled; an
 * estimate stands in where it gave none.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_api.h"
#include "rag/ngx_http_edge_query.h"


/* Bytes of UTF-8 for a token, in a mixture of Korean and English. */
#define NGX_HTTP_EDGE_QUERY_BYTES    3

/* A stream is cut for what it surely was: an event holds one token at least,
 * and no tokenizer's average is over this many bytes. */
#define NGX_HTTP_EDGE_QUERY_SURE     16

#define NGX_HTTP_EDGE_QUERY_FRAME    64    /* bytes around a passage */


static ngx_uint_t ngx_http_edge_query_estimate(const ngx_http_edge_query_t *q);
static void ngx_http_edge_query_reserved(void *data);
static void ngx_http_edge_query_leave(ngx_http_edge_rag_ctx_t *ctx);


ngx_int_t
ngx_http_edge_query_reserve(ngx_http_edge_query_t *q)
{
    int64_t                               tokens;
    ngx_int_t                             rc;
    ngx_uint_t                            answer;
    const ngx_http_edge_generate_conf_t  *generate;

    generate = q->ctx->conf->generates.elts;

    if (generate->extractive) {
        return NGX_OK;
    }

    answer = ngx_http_edge_query_max_tokens(q);

    if (q->ctx->leave == NULL) {
        q->estimate = ngx_http_edge_query_estimate(q);
        q->ctx->leave = ngx_http_edge_query_leave;

        /* who asked for a length gets it or nothing */

        rc = ngx_http_edge_limit_reserve(q->ctx->request,
                                  q->estimate + (q->max_tokens ? answer : 1),
                                  q->estimate + answer,
                                  ngx_http_edge_query_reserved, q->ctx);

        if (rc == NGX_AGAIN) {
            q->ctx->pending++;
            return NGX_AGAIN;
        }
    }

    tokens = q->estimate + answer;

    rc = ngx_http_edge_limit_reserved(q->ctx->request, &tokens);

    if (rc == NGX_OK) {
        q->allowed = tokens - q->estimate;
    }

    return rc;
}


static ngx_uint_t
ngx_http_edge_query_estimate(const ngx_http_edge_query_t *q)
{
    size_t                         size;
    ngx_uint_t                     i;
    const ngx_edge_passage_t      *passage;
    const ngx_edge_prompt_part_t  *part;

    size = q->question.len + q->history.len;

    part = q->ctx->conf->prompt.parts.elts;

    for (i = 0; i < q->ctx->conf->prompt.parts.nelts; i++) {
        size += part[i].text.len;
    }

    passage = q->passages.elts;

    for (i = 0; i < q->passages.nelts; i++) {
        size += passage[i].title.len + passage[i].text.len
                + NGX_HTTP_EDGE_QUERY_FRAME;
    }

    return size / NGX_HTTP_EDGE_QUERY_BYTES + 1;
}


static void
ngx_http_edge_query_reserved(void *data)
{
    ngx_http_edge_rag_ctx_t *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ctx->pending--;

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


ngx_uint_t
ngx_http_edge_query_max_tokens(const ngx_http_edge_query_t *q)
{
    ngx_uint_t  n;

    n = q->ctx->conf->max_tokens;

    if (q->max_tokens) {
        n = ngx_min(n, q->max_tokens);
    }

    if (q->allowed) {
        n = ngx_min(n, q->allowed);
    }

    return n;
}


ngx_uint_t
ngx_http_edge_query_spent(ngx_http_edge_query_t *q, const ngx_str_t *text)
{
    ngx_uint_t  sure;

    q->produced += text->len;
    q->events++;

    sure = ngx_max(q->events, q->produced / NGX_HTTP_EDGE_QUERY_SURE);

    if (q->allowed == 0 || sure <= q->allowed
        || !ngx_http_edge_limit_cut(q->ctx->request))
    {
        return 0;
    }

    ngx_str_set(&q->finish_reason, "length");

    return 1;
}


/* Runs however the request ends, and may run again: the first settles. */

static void
ngx_http_edge_query_leave(ngx_http_edge_rag_ctx_t *ctx)
{
    int64_t                       used;
    const ngx_http_edge_sub_t    *call;
    const ngx_http_edge_query_t  *q;

    q = ctx->op;
    call = q->generate;

    /* usage and answer of a kept one were paid for */

    used = q->cached ? 0 : (int64_t) q->usage.total_tokens;

    if (used == 0 && !q->cached) {
        used = q->usage.prompt_tokens + q->usage.completion_tokens;
    }

    if (used == 0 && call
        && (q->produced || !call->finished
            || call->result == ngx_http_edge_sub_ok))
    {
        /* the model has worked and not said how much, or works on */

        used = q->estimate + (q->produced + (q->cached ? 0 : q->answer.len)
                              + NGX_HTTP_EDGE_QUERY_BYTES - 1)
                             / NGX_HTTP_EDGE_QUERY_BYTES;
    }

    ngx_http_edge_limit_settle(ctx->request, used);
}
