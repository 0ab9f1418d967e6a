
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The OpenAI Chat Completions dialect: the request, a whole answer, one event
 * of a stream.  Text is handed on as the inside of a JSON string, as it came.
 * Tolerates what compatible servers do: chunks without choices or without
 * delta, chunks behind the one with finish_reason, members we do not know.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_query.h"

#include <openssl/rand.h>


#define NGX_HTTP_EDGE_LLM_REQUEST_MAX  (1024 * 1024)
#define NGX_HTTP_EDGE_LLM_ANSWER_MAX   (1024 * 1024)


static ngx_msec_t ngx_http_edge_llm_timeout(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_llm_messages(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static const char *ngx_http_edge_llm_object(ngx_http_edge_query_t *q,
    ngx_str_t *json, const char *message, ngx_str_t *text,
    ngx_str_t *padding);
static ngx_int_t ngx_http_edge_llm_choices(ngx_http_edge_query_t *q,
    ngx_edge_scan_t *s, const char *message, ngx_str_t *text);
static void ngx_http_edge_llm_choice(ngx_http_edge_query_t *q,
    ngx_edge_scan_t *s, const char *message, ngx_str_t *text);
static void ngx_http_edge_llm_content(ngx_edge_scan_t *s, ngx_str_t *text);
static void ngx_http_edge_llm_usage(ngx_http_edge_usage_t *usage,
    ngx_edge_scan_t *s);
static void ngx_http_edge_llm_keep(ngx_http_edge_query_t *q,
    const ngx_str_t *from, ngx_str_t *to);


ngx_http_edge_sub_t *
ngx_http_edge_llm_call(ngx_http_edge_query_t *q,
    const ngx_http_edge_generate_conf_t *conf)
{
    ngx_edge_buf_t        b;
    ngx_http_edge_sub_t  *sub;

    ngx_http_edge_rag_begin(q->ctx, &b, 4096, NGX_HTTP_EDGE_LLM_REQUEST_MAX);

    ngx_edge_buf_lit(&b, "{\"model\":");
    ngx_edge_buf_json(&b, conf->model.data, conf->model.len);
    ngx_edge_buf_lit(&b, ",\"messages\":[");

    if (ngx_http_edge_llm_messages(q, &b) != NGX_OK) {
        return NULL;
    }

    ngx_edge_buf_lit(&b, "],\"max_tokens\":");
    ngx_edge_buf_int(&b, ngx_http_edge_query_max_tokens(q));

    /* the usage is needed whether the client asked for it or not */

    if (q->streamed) {
        ngx_edge_buf_lit(&b, ",\"stream\":true,"
                             "\"stream_options\":{\"include_usage\":true}");
    }

    ngx_edge_buf_byte(&b, '}');

    sub = ngx_http_edge_rag_sub(q->ctx, &conf->uri, &b);
    if (sub == NULL) {
        return NULL;
    }

    sub->limit = NGX_HTTP_EDGE_LLM_ANSWER_MAX;
    sub->timeout = ngx_http_edge_llm_timeout(q);

    return sub;
}


/* A whole answer gets an even share of the time that is left, so that one
 * model that hangs leaves some to the next; a stream has first_token. */

static ngx_msec_t
ngx_http_edge_llm_timeout(ngx_http_edge_query_t *q)
{
    ngx_uint_t                             i, models;
    ngx_msec_int_t                         left;
    const ngx_http_edge_generate_conf_t   *conf;

    if (q->streamed) {
        return 0;
    }

    models = 0;
    conf = q->ctx->conf->generates.elts;

    for (i = q->provider; i < q->ctx->conf->generates.nelts; i++) {
        models += !conf[i].extractive;
    }

    left = q->ctx->deadline.timer.key - ngx_current_msec;

    if (models < 2 || left < (ngx_msec_int_t) models) {
        return 0;                      /* the deadline itself */
    }

    return left / models;
}


static ngx_int_t
ngx_http_edge_llm_messages(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    size_t                     max, start;
    u_char                     random[12], word[32];
    ngx_int_t                  rc;
    ngx_edge_prompt_input_t    in;
    const ngx_edge_prompt_t   *prompt;

    /* a boundary that a passage's author can guess would be none */

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    prompt = &q->ctx->conf->prompt;
    max = q->ctx->conf->max_context;

    in.question = &q->question;
    in.passages = q->passages.elts;
    in.npassages = q->passages.nelts;

    ngx_edge_prompt_boundary(random, word, &in.boundary);

    start = b->pos - b->start;

    ngx_edge_buf_lit(b, "{\"role\":\"system\",\"content\":");

    rc = ngx_edge_prompt_render(prompt, &in, max, 0, b);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        ngx_edge_buf_lit(b, "},");

    } else {
        b->pos = b->start + start;     /* the template has no such message */
    }

    ngx_edge_buf_str(b, &q->history);
    ngx_edge_buf_lit(b, "{\"role\":\"user\",\"content\":");

    if (ngx_edge_prompt_render(prompt, &in, max, 1, b) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_edge_buf_byte(b, '}');

    return NGX_OK;
}


const char *
ngx_http_edge_llm_read(ngx_http_edge_query_t *q, ngx_http_edge_sub_t *sub)
{
    ngx_str_t    text, padding;
    const char  *fault;

    ngx_str_null(&text);

    fault = ngx_http_edge_llm_object(q, &sub->answer, "message", &text,
                                     &padding);

    if (fault) {
        return fault;
    }

    if (text.data == NULL) {
        return "the answer holds no message";
    }

    q->answer = text;
    ngx_edge_citation_feed(&q->citation, text.data, text.len);

    return NULL;
}


const char *
ngx_http_edge_llm_event(ngx_http_edge_query_t *q, ngx_str_t *data,
    ngx_str_t *text, ngx_str_t *padding)
{
    ngx_str_null(text);
    ngx_str_null(padding);

    return ngx_http_edge_llm_object(q, data, "delta", text, padding);
}


/* A completion or a chunk of one; message names the member that holds the
 * text.  OpenAI pads its chunks with an "obfuscation". */

static const char *
ngx_http_edge_llm_object(ngx_http_edge_query_t *q, ngx_str_t *json,
    const char *message, ngx_str_t *text, ngx_str_t *padding)
{
    ngx_str_t        key, raw;
    ngx_uint_t       known;
    ngx_edge_scan_t  s;

    known = 0;

    ngx_edge_scan_init(&s, json->data, json->len);

    if (ngx_edge_scan_object(&s) != NGX_OK) {
        return "the answer is not a JSON object";
    }

    while (ngx_edge_scan_member(&s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "choices")) {
            known = 1;

            if (ngx_http_edge_llm_choices(q, &s, message, text) != NGX_OK) {
                return "\"choices\" is not a list";
            }

        } else if (ngx_edge_scan_is(&key, "model")) {
            if (ngx_edge_scan_string_or_skip(&s, &raw) == NGX_OK
                && q->model.len == 0)
            {
                ngx_http_edge_llm_keep(q, &raw, &q->model);
            }

        } else if (ngx_edge_scan_is(&key, "obfuscation")) {
            (void) ngx_edge_scan_string_or_skip(&s, padding);

        } else if (ngx_edge_scan_is(&key, "usage")
                   && ngx_edge_scan_type(&s) == ngx_edge_scan_type_object)
        {
            ngx_http_edge_llm_usage(&q->usage, &s);

        } else if (ngx_edge_scan_is(&key, "error")
                   && ngx_edge_scan_type(&s) != ngx_edge_scan_type_null)
        {
            return "the model reported an error";

        } else {
            (void) ngx_edge_scan_skip(&s);     /* errors are sticky */
        }
    }

    if (ngx_edge_scan_end(&s) != NGX_OK) {
        return "the answer is not JSON";
    }

    return known ? NULL : "the answer holds no choices";
}


static ngx_int_t
ngx_http_edge_llm_choices(ngx_http_edge_query_t *q, ngx_edge_scan_t *s,
    const char *message, ngx_str_t *text)
{
    ngx_uint_t  first;

    if (ngx_edge_scan_array(s) != NGX_OK) {
        return NGX_ERROR;
    }

    /* n is never sent, so there is one; others would be noise */

    for (first = 1; ngx_edge_scan_element(s) == NGX_OK; first = 0) {

        if (first && ngx_edge_scan_type(s) == ngx_edge_scan_type_object) {
            ngx_http_edge_llm_choice(q, s, message, text);
            continue;
        }

        (void) ngx_edge_scan_skip(s);
    }

    return NGX_OK;
}


static void
ngx_http_edge_llm_choice(ngx_http_edge_query_t *q, ngx_edge_scan_t *s,
    const char *message, ngx_str_t *text)
{
    ngx_str_t  key, raw;

    (void) ngx_edge_scan_object(s);

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (key.len == ngx_strlen(message)
            && ngx_strncmp(key.data, message, key.len) == 0
            && ngx_edge_scan_type(s) == ngx_edge_scan_type_object)
        {
            ngx_http_edge_llm_content(s, text);

        } else if (ngx_edge_scan_is(&key, "finish_reason")) {

            /* the first one: others would be kept one behind the other */

            if (ngx_edge_scan_string_or_skip(s, &raw) == NGX_OK
                && raw.len && !q->has_finish)
            {
                q->has_finish = 1;
                ngx_http_edge_llm_keep(q, &raw, &q->finish_reason);
            }

        } else {
            (void) ngx_edge_scan_skip(s);
        }
    }
}


static void
ngx_http_edge_llm_content(ngx_edge_scan_t *s, ngx_str_t *text)
{
    ngx_str_t  key;

    (void) ngx_edge_scan_object(s);

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "content")) {
            (void) ngx_edge_scan_string_or_skip(s, text);

        } else {
            (void) ngx_edge_scan_skip(s);
        }
    }
}


static void
ngx_http_edge_llm_usage(ngx_http_edge_usage_t *usage, ngx_edge_scan_t *s)
{
    uint64_t     n;
    ngx_str_t    key;
    ngx_uint_t  *to;

    (void) ngx_edge_scan_object(s);

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        to = ngx_edge_scan_is(&key, "prompt_tokens") ? &usage->prompt_tokens
             : ngx_edge_scan_is(&key, "completion_tokens")
               ? &usage->completion_tokens
             : ngx_edge_scan_is(&key, "total_tokens") ? &usage->total_tokens
             : NULL;

        if (to == NULL) {
            (void) ngx_edge_scan_skip(s);
            continue;
        }

        if (ngx_edge_scan_uint(s, &n) == NGX_OK) {
            *to = n;
        }
    }
}


/* Keeps a short word of an event that is gone with the next read. */

static void
ngx_http_edge_llm_keep(ngx_http_edge_query_t *q, const ngx_str_t *from,
    ngx_str_t *to)
{
    u_char  *p;

    if (from->len > 256
        || (from->len == to->len
            && ngx_memcmp(from->data, to->data, to->len) == 0))
    {
        return;
    }

    p = ngx_pnalloc(q->ctx->request->pool, from->len);

    if (p) {
        ngx_memcpy(p, from->data, from->len);
        to->data = p;
        to->len = from->len;
    }
}
