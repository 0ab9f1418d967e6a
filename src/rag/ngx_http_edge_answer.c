
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The edge's own form of a response: the JSON of query and search, and the
 * events sources, token, usage, done, error of a stream.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_sse.h"
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_query.h"


static void ngx_http_edge_answer_json(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_answer_begin(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_answer_delta(ngx_http_edge_query_t *q,
    const ngx_str_t *text, ngx_edge_buf_t *b);
static void ngx_http_edge_answer_end(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_answer_error(ngx_http_edge_query_t *q,
    const char *code, const char *message, ngx_edge_buf_t *b);
static void ngx_http_edge_answer_source(const ngx_edge_passage_t *p,
    ngx_uint_t n, ngx_uint_t with_text, ngx_edge_buf_t *b);
static void ngx_http_edge_answer_text(const char *name,
    const ngx_str_t *value, ngx_edge_buf_t *b);
static void ngx_http_edge_answer_model(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_answer_citations(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_answer_bool(ngx_uint_t value, ngx_edge_buf_t *b);


const ngx_http_edge_form_t  ngx_http_edge_answer_form = {
    ngx_http_edge_answer_json,
    ngx_http_edge_answer_begin,
    ngx_http_edge_answer_delta,
    ngx_http_edge_answer_end,
    ngx_http_edge_answer_error
};


static void
ngx_http_edge_answer_json(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_http_edge_record_t  *rec;

    rec = q->ctx->record;

    ngx_edge_buf_lit(b, "{\"answer\":\"");
    ngx_edge_buf_json_raw(b, q->answer.data, q->answer.len);
    ngx_edge_buf_lit(b, "\",\"sources\":");
    ngx_http_edge_answer_sources(q, 0, b);
    ngx_edge_buf_lit(b, ",\"usage\":");
    ngx_http_edge_answer_usage(&q->usage, b);
    ngx_http_edge_answer_model(q, b);
    ngx_edge_buf_lit(b, ",\"module\":");
    ngx_edge_buf_json(b, rec->module->name.data, rec->module->name.len);
    ngx_edge_buf_lit(b, ",\"grounded\":");
    ngx_http_edge_answer_bool(q->grounded, b);
    ngx_edge_buf_lit(b, ",\"cached\":");
    ngx_http_edge_answer_bool(q->cached, b);
    ngx_edge_buf_lit(b, ",\"degraded\":");
    ngx_http_edge_answer_bool(q->degraded, b);
    ngx_http_edge_answer_citations(q, b);
    ngx_edge_buf_lit(b, ",\"request_id\":");
    ngx_edge_buf_json(b, rec->request_id.data, rec->request_id.len);
    ngx_edge_buf_byte(b, '}');
}


void
ngx_http_edge_answer_search(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "{\"results\":");
    ngx_http_edge_answer_sources(q, 1, b);
    ngx_edge_buf_lit(b, ",\"degraded\":");
    ngx_http_edge_answer_bool(q->degraded, b);
    ngx_edge_buf_lit(b, ",\"request_id\":");
    ngx_edge_buf_json(b, q->ctx->record->request_id.data,
                      q->ctx->record->request_id.len);
    ngx_edge_buf_byte(b, '}');
}


void
ngx_http_edge_answer_sources(ngx_http_edge_query_t *q, ngx_uint_t with_text,
    ngx_edge_buf_t *b)
{
    ngx_uint_t           i;
    ngx_edge_passage_t  *p;

    if (q->sources.len) {
        ngx_edge_buf_str(b, &q->sources);
        return;
    }

    p = q->passages.elts;

    ngx_edge_buf_byte(b, '[');

    for (i = 0; i < q->passages.nelts; i++) {

        if (i) {
            ngx_edge_buf_byte(b, ',');
        }

        ngx_http_edge_answer_source(&p[i], i + 1, with_text, b);
    }

    ngx_edge_buf_byte(b, ']');
}


static void
ngx_http_edge_answer_source(const ngx_edge_passage_t *p, ngx_uint_t n,
    ngx_uint_t with_text, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "{\"n\":");
    ngx_edge_buf_int(b, n);
    ngx_http_edge_answer_text("doc_id", &p->doc_id, b);
    ngx_http_edge_answer_text("title", &p->title, b);
    ngx_http_edge_answer_text("source_uri", &p->source_uri, b);
    ngx_edge_buf_lit(b, ",\"score\":");
    ngx_edge_buf_number(b, p->score);
    ngx_http_edge_answer_text("updated_at", &p->updated_at, b);

    if (with_text) {
        ngx_http_edge_answer_text("text", &p->text, b);
    }

    ngx_edge_buf_byte(b, '}');
}


/* ,"name":"value", or null where the document has none */

static void
ngx_http_edge_answer_text(const char *name, const ngx_str_t *value,
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


void
ngx_http_edge_answer_usage(const ngx_http_edge_usage_t *usage,
    ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "{\"prompt_tokens\":");
    ngx_edge_buf_int(b, usage->prompt_tokens);
    ngx_edge_buf_lit(b, ",\"completion_tokens\":");
    ngx_edge_buf_int(b, usage->completion_tokens);
    ngx_edge_buf_lit(b, ",\"total_tokens\":");
    ngx_edge_buf_int(b, usage->total_tokens);
    ngx_edge_buf_byte(b, '}');
}


/* A fixed answer comes from no model. */

static void
ngx_http_edge_answer_model(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, ",\"model\":");

    if (q->model.len == 0) {
        ngx_edge_buf_lit(b, "null");
        return;
    }

    ngx_edge_buf_byte(b, '"');
    ngx_edge_buf_json_raw(b, q->model.data, q->model.len);
    ngx_edge_buf_byte(b, '"');
}


/* Numbers the model cited that no passage has; nothing if there are none. */

static void
ngx_http_edge_answer_citations(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_uint_t  i;

    if (q->citation.nbad == 0) {
        return;
    }

    ngx_edge_buf_lit(b, ",\"invalid_citations\":[");

    for (i = 0; i < q->citation.nbad; i++) {

        if (i) {
            ngx_edge_buf_byte(b, ',');
        }

        ngx_edge_buf_int(b, q->citation.bad[i]);
    }

    ngx_edge_buf_byte(b, ']');
}


static void
ngx_http_edge_answer_bool(ngx_uint_t value, ngx_edge_buf_t *b)
{
    if (value) {
        ngx_edge_buf_lit(b, "true");

    } else {
        ngx_edge_buf_lit(b, "false");
    }
}


static void
ngx_http_edge_answer_begin(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "event: sources\ndata: {\"sources\":");
    ngx_http_edge_answer_sources(q, 0, b);
    ngx_edge_buf_lit(b, ",\"grounded\":");
    ngx_http_edge_answer_bool(q->grounded, b);
    ngx_edge_buf_lit(b, ",\"request_id\":");
    ngx_edge_buf_json(b, q->ctx->record->request_id.data,
                      q->ctx->record->request_id.len);
    ngx_edge_buf_lit(b, "}\n\n");
}


static void
ngx_http_edge_answer_delta(ngx_http_edge_query_t *q, const ngx_str_t *text,
    ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "event: token\ndata: {\"delta\":\"");
    ngx_edge_buf_json_raw(b, text->data, text->len);
    ngx_edge_buf_lit(b, "\"}\n\n");
}


static void
ngx_http_edge_answer_end(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "event: usage\ndata: ");
    ngx_http_edge_answer_usage(&q->usage, b);
    ngx_edge_buf_lit(b, "\n\nevent: done\ndata: {\"finish_reason\":\"");
    ngx_edge_buf_json_raw(b, q->finish_reason.data, q->finish_reason.len);
    ngx_edge_buf_byte(b, '"');
    ngx_http_edge_answer_model(q, b);
    ngx_edge_buf_lit(b, ",\"cached\":");
    ngx_http_edge_answer_bool(q->cached, b);
    ngx_edge_buf_lit(b, ",\"degraded\":");
    ngx_http_edge_answer_bool(q->degraded, b);
    ngx_http_edge_answer_citations(q, b);
    ngx_edge_buf_lit(b, "}\n\n");
}


static void
ngx_http_edge_answer_error(ngx_http_edge_query_t *q, const char *code,
    const char *message, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "event: error\ndata: {\"code\":");
    ngx_edge_buf_json(b, (u_char *) code, ngx_strlen(code));
    ngx_edge_buf_lit(b, ",\"message\":");
    ngx_edge_buf_json(b, (u_char *) message, ngx_strlen(message));
    ngx_edge_buf_lit(b, ",\"retry_after\":2}\n\n");
}
