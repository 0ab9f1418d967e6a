
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * OpenAI's form of a response: chat.completion, and the chat.completion.chunk
 * events of a stream, ended by [DONE].  Our sources travel as an additional
 * member, which OpenAI's clients let by.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_query.h"


static void ngx_http_edge_chat_json(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_chat_begin(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_chat_delta(ngx_http_edge_query_t *q,
    const ngx_str_t *text, ngx_edge_buf_t *b);
static void ngx_http_edge_chat_end(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);
static void ngx_http_edge_chat_error(ngx_http_edge_query_t *q,
    const char *code, const char *message, ngx_edge_buf_t *b);
static void ngx_http_edge_chat_head(ngx_http_edge_query_t *q,
    const char *object, ngx_edge_buf_t *b);
static void ngx_http_edge_chat_finish_reason(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b);


const ngx_http_edge_form_t  ngx_http_edge_chat_form = {
    ngx_http_edge_chat_json,
    ngx_http_edge_chat_begin,
    ngx_http_edge_chat_delta,
    ngx_http_edge_chat_end,
    ngx_http_edge_chat_error
};


static void
ngx_http_edge_chat_json(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_byte(b, '{');
    ngx_http_edge_chat_head(q, "chat.completion", b);
    ngx_edge_buf_lit(b, ",\"choices\":[{\"index\":0,\"message\":"
                        "{\"role\":\"assistant\",\"content\":\"");
    ngx_edge_buf_json_raw(b, q->answer.data, q->answer.len);
    ngx_edge_buf_lit(b, "\",\"refusal\":null},\"logprobs\":null");
    ngx_http_edge_chat_finish_reason(q, b);
    ngx_edge_buf_lit(b, "}],\"usage\":");
    ngx_http_edge_answer_usage(&q->usage, b);
    ngx_edge_buf_lit(b, ",\"sources\":");
    ngx_http_edge_answer_sources(q, 0, b);
    ngx_edge_buf_byte(b, '}');
}


static void
ngx_http_edge_chat_begin(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "data: {");
    ngx_http_edge_chat_head(q, "chat.completion.chunk", b);
    ngx_edge_buf_lit(b, ",\"choices\":[{\"index\":0,\"delta\":"
                        "{\"role\":\"assistant\",\"content\":\"\"},"
                        "\"finish_reason\":null}],\"sources\":");
    ngx_http_edge_answer_sources(q, 0, b);
    ngx_edge_buf_lit(b, "}\n\n");
}


static void
ngx_http_edge_chat_delta(ngx_http_edge_query_t *q, const ngx_str_t *text,
    ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "data: {");
    ngx_http_edge_chat_head(q, "chat.completion.chunk", b);
    ngx_edge_buf_lit(b, ",\"choices\":[{\"index\":0,\"delta\":"
                        "{\"content\":\"");
    ngx_edge_buf_json_raw(b, text->data, text->len);
    ngx_edge_buf_lit(b, "\"},\"finish_reason\":null}]}\n\n");
}


static void
ngx_http_edge_chat_end(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "data: {");
    ngx_http_edge_chat_head(q, "chat.completion.chunk", b);
    ngx_edge_buf_lit(b, ",\"choices\":[{\"index\":0,\"delta\":{}");
    ngx_http_edge_chat_finish_reason(q, b);
    ngx_edge_buf_lit(b, "}]}\n\n");

    if (q->want_usage) {
        ngx_edge_buf_lit(b, "data: {");
        ngx_http_edge_chat_head(q, "chat.completion.chunk", b);
        ngx_edge_buf_lit(b, ",\"choices\":[],\"usage\":");
        ngx_http_edge_answer_usage(&q->usage, b);
        ngx_edge_buf_lit(b, "}\n\n");
    }

    ngx_edge_buf_lit(b, "data: [DONE]\n\n");
}


static void
ngx_http_edge_chat_error(ngx_http_edge_query_t *q, const char *code,
    const char *message, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, "data: {\"error\":{\"message\":");
    ngx_edge_buf_json(b, (u_char *) message, ngx_strlen(message));
    ngx_edge_buf_lit(b, ",\"type\":\"server_error\",\"param\":null,"
                        "\"code\":");
    ngx_edge_buf_json(b, (u_char *) code, ngx_strlen(code));
    ngx_edge_buf_lit(b, "}}\n\n");
}


/* The members that all objects begin with.  The model is the module: that is
 * what the client asked. */

static void
ngx_http_edge_chat_head(ngx_http_edge_query_t *q, const char *object,
    ngx_edge_buf_t *b)
{
    ngx_http_edge_record_t  *rec;

    rec = q->ctx->record;

    ngx_edge_buf_lit(b, "\"id\":\"chatcmpl-");
    ngx_edge_buf_str(b, &rec->request_id);
    ngx_edge_buf_lit(b, "\",\"object\":\"");
    ngx_edge_buf_add(b, (u_char *) object, ngx_strlen(object));
    ngx_edge_buf_lit(b, "\",\"created\":");
    ngx_edge_buf_int(b, q->ctx->request->start_sec);
    ngx_edge_buf_lit(b, ",\"model\":");
    ngx_edge_buf_json(b, rec->module->name.data, rec->module->name.len);
}


static void
ngx_http_edge_chat_finish_reason(ngx_http_edge_query_t *q, ngx_edge_buf_t *b)
{
    ngx_edge_buf_lit(b, ",\"finish_reason\":\"");
    ngx_edge_buf_json_raw(b, q->finish_reason.data, q->finish_reason.len);
    ngx_edge_buf_byte(b, '"');
}
