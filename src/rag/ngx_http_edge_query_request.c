
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the body of a question: the edge's own form (query, search), whose
 * members are all known, and OpenAI's chat/completions, where members that do
 * not concern us are let by, as any OpenAI-compatible server does.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_QUERY_MAX_TOKENS    1000000
#define NGX_HTTP_EDGE_QUERY_HISTORY_MAX   (64 * 1024)


static ngx_int_t ngx_http_edge_query_parse_own(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_member(ngx_http_edge_query_t *q,
    const ngx_str_t *name, const ngx_edge_json_t *value,
    ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_parse_chat(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_chat_options(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_messages(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *messages, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_message(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *message, ngx_str_t *role, ngx_str_t *text);
static ngx_int_t ngx_http_edge_query_content(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *content, ngx_str_t *text);
static ngx_int_t ngx_http_edge_query_question(ngx_http_edge_query_t *q,
    const ngx_str_t *text, const char *pointer, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_query_uint(const ngx_edge_json_t *value,
    ngx_uint_t max, ngx_uint_t *n);
static ngx_int_t ngx_http_edge_query_bad(ngx_edge_json_error_t *error,
    const char *pointer, const char *detail);


ngx_int_t
ngx_http_edge_query_parse(ngx_http_edge_query_t *q,
    ngx_edge_json_error_t *error)
{
    ngx_edge_json_t  *root;

    root = ngx_edge_json_parse(q->work, &q->ctx->body,
                               NGX_EDGE_JSON_DEPTH, error);

    if (root == NULL) {
        return error->detail ? NGX_DECLINED : NGX_ERROR;
    }

    ngx_str_null(&error->pointer);

    if (ngx_edge_json_type(root) != ngx_edge_json_type_object) {
        return ngx_http_edge_query_bad(error, "",
                                       "the body must be a JSON object");
    }

    if (q->form == &ngx_http_edge_chat_form) {
        return ngx_http_edge_query_parse_chat(q, root, error);
    }

    return ngx_http_edge_query_parse_own(q, root, error);
}


static ngx_int_t
ngx_http_edge_query_parse_own(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error)
{
    void             *iter;
    ngx_int_t         rc;
    ngx_str_t         name, top;
    ngx_edge_json_t  *value;

    iter = NULL;
    ngx_str_null(&top);

    while (ngx_edge_json_member(root, &iter, &name, &value)) {

        rc = ngx_http_edge_query_member(q, &name, value, error);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_DECLINED && error->pointer.data == NULL
            && ngx_edge_json_pointer(q->work, &top, &name,
                                     &error->pointer)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return rc;
    }

    if (q->question.data == NULL) {
        return ngx_http_edge_query_bad(error, "/query", "is missing");
    }

    return NGX_OK;
}


/* One member of our own form.  NGX_DECLINED leaves error->pointer empty when
 * the fault is the member itself. */

static ngx_int_t
ngx_http_edge_query_member(ngx_http_edge_query_t *q, const ngx_str_t *name,
    const ngx_edge_json_t *value, ngx_edge_json_error_t *error)
{
    ngx_str_t             text;
    ngx_edge_json_type_e  type;

    static const ngx_str_t  filter = ngx_string("/filter");

    type = ngx_edge_json_type(value);

    if (ngx_edge_scan_is(name, "query")) {

        if (type != ngx_edge_json_type_string) {
            error->detail = "must be a string";
            return NGX_DECLINED;
        }

        ngx_edge_json_string(value, &text);
        return ngx_http_edge_query_question(q, &text, "/query", error);
    }

    if (ngx_edge_scan_is(name, "top_k")) {
        error->detail = "must be an integer from 1 to 50";
        return ngx_http_edge_query_uint(value, NGX_HTTP_EDGE_RAG_TOP_K_MAX,
                                        &q->top_k);
    }

    if (ngx_edge_scan_is(name, "filter")) {
        return ngx_edge_filter_parse(q->work, value, &filter,
                                     &q->filter, error);
    }

    if (!q->search_only && ngx_edge_scan_is(name, "stream")) {
        error->detail = "must be true or false";

        if (type != ngx_edge_json_type_bool) {
            return NGX_DECLINED;
        }

        q->streamed = ngx_edge_json_bool(value);
        return NGX_OK;
    }

    if (!q->search_only && ngx_edge_scan_is(name, "max_tokens")) {
        error->detail = "must be a positive integer";
        return ngx_http_edge_query_uint(value, NGX_HTTP_EDGE_QUERY_MAX_TOKENS,
                                        &q->max_tokens);
    }

    error->detail = "is not a known member";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_query_parse_chat(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error)
{
    ngx_int_t         rc;
    ngx_edge_json_t  *messages;

    rc = ngx_http_edge_query_chat_options(q, root, error);

    if (rc != NGX_OK) {
        return rc;
    }

    messages = ngx_edge_json_get(root, "messages");

    if (messages == NULL
        || ngx_edge_json_type(messages) != ngx_edge_json_type_array
        || ngx_edge_json_size(messages) == 0)
    {
        return ngx_http_edge_query_bad(error, "/messages",
                                       "must be a list of messages");
    }

    return ngx_http_edge_query_messages(q, messages, error);
}


static ngx_int_t
ngx_http_edge_query_chat_options(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *root, ngx_edge_json_error_t *error)
{
    int64_t           n;
    ngx_edge_json_t  *value, *usage;

    value = ngx_edge_json_get(root, "stream");

    if (value && ngx_edge_json_type(value) == ngx_edge_json_type_bool) {
        q->streamed = ngx_edge_json_bool(value);

    } else if (value && ngx_edge_json_type(value) != ngx_edge_json_type_null) {
        return ngx_http_edge_query_bad(error, "/stream",
                                       "must be true or false");
    }

    value = ngx_edge_json_get(root, "stream_options");

    if (value && ngx_edge_json_type(value) == ngx_edge_json_type_object) {
        usage = ngx_edge_json_get(value, "include_usage");
        q->want_usage = usage
                        && ngx_edge_json_type(usage) == ngx_edge_json_type_bool
                        && ngx_edge_json_bool(usage);
    }

    value = ngx_edge_json_get(root, "n");

    if (value && ngx_edge_json_type(value) != ngx_edge_json_type_null
        && (!ngx_edge_json_integer(value, &n) || n != 1))
    {
        return ngx_http_edge_query_bad(error, "/n", "must be 1");
    }

    value = ngx_edge_json_get(root, "max_completion_tokens");

    if (value == NULL || ngx_edge_json_type(value) == ngx_edge_json_type_null) {
        value = ngx_edge_json_get(root, "max_tokens");
    }

    if (value && ngx_edge_json_type(value) != ngx_edge_json_type_null
        && ngx_http_edge_query_uint(value, NGX_HTTP_EDGE_QUERY_MAX_TOKENS,
                                    &q->max_tokens)
           != NGX_OK)
    {
        return ngx_http_edge_query_bad(error, "/max_tokens",
                                       "must be a positive integer");
    }

    return NGX_OK;
}


/* The last message is the question; those before it are handed on to the
 * model, but for system messages: the rules are the operator's. */

static ngx_int_t
ngx_http_edge_query_messages(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *messages, ngx_edge_json_error_t *error)
{
    ngx_int_t        rc;
    ngx_str_t        role, text;
    ngx_uint_t       i, n;
    ngx_edge_buf_t   history;

    ngx_edge_buf_init(&history, q->work, 1024,
                      NGX_HTTP_EDGE_QUERY_HISTORY_MAX);

    n = ngx_edge_json_size(messages);

    for (i = 0; i < n; i++) {
        rc = ngx_http_edge_query_message(q, ngx_edge_json_at(messages, i),
                                         &role, &text);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            return ngx_http_edge_query_bad(error, "/messages",
                                           "must hold objects with a role "
                                           "and a text content");
        }

        if (i + 1 == n) {
            break;
        }

        if (ngx_edge_scan_is(&role, "user")
            || ngx_edge_scan_is(&role, "assistant"))
        {
            ngx_edge_buf_lit(&history, "{\"role\":");
            ngx_edge_buf_json(&history, role.data, role.len);
            ngx_edge_buf_lit(&history, ",\"content\":");
            ngx_edge_buf_json(&history, text.data, text.len);
            ngx_edge_buf_lit(&history, "},");
        }
    }

    if (!ngx_edge_scan_is(&role, "user")) {
        return ngx_http_edge_query_bad(error, "/messages",
                                       "must end with a message of the user");
    }

    rc = ngx_edge_buf_done(&history, &q->history);

    if (rc != NGX_OK) {
        return (rc == NGX_ERROR) ? NGX_ERROR
               : ngx_http_edge_query_bad(error, "/messages", "is too long");
    }

    return ngx_http_edge_query_question(q, &text, "/messages", error);
}


static ngx_int_t
ngx_http_edge_query_message(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *message, ngx_str_t *role, ngx_str_t *text)
{
    ngx_edge_json_t  *value;

    if (ngx_edge_json_type(message) != ngx_edge_json_type_object) {
        return NGX_DECLINED;
    }

    value = ngx_edge_json_get(message, "role");

    if (value == NULL
        || ngx_edge_json_type(value) != ngx_edge_json_type_string)
    {
        return NGX_DECLINED;
    }

    ngx_edge_json_string(value, role);

    value = ngx_edge_json_get(message, "content");

    if (value == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_edge_query_content(q, value, text);
}


/* A string, or a list of parts of which those of type "text" are joined. */

static ngx_int_t
ngx_http_edge_query_content(ngx_http_edge_query_t *q,
    const ngx_edge_json_t *content, ngx_str_t *text)
{
    ngx_str_t         part;
    ngx_uint_t        i;
    ngx_edge_buf_t    b;
    ngx_edge_json_t  *value;

    ngx_str_null(text);

    switch (ngx_edge_json_type(content)) {

    case ngx_edge_json_type_string:
        ngx_edge_json_string(content, text);
        return NGX_OK;

    case ngx_edge_json_type_null:
        return NGX_OK;

    case ngx_edge_json_type_array:
        break;

    default:
        return NGX_DECLINED;
    }

    ngx_edge_buf_init(&b, q->work, 256,
                      NGX_HTTP_EDGE_QUERY_HISTORY_MAX);

    for (i = 0; i < ngx_edge_json_size(content); i++) {
        value = ngx_edge_json_at(content, i);

        if (ngx_edge_json_type(value) != ngx_edge_json_type_object) {
            return NGX_DECLINED;
        }

        value = ngx_edge_json_get(value, "text");

        if (value == NULL
            || ngx_edge_json_type(value) != ngx_edge_json_type_string)
        {
            continue;
        }

        ngx_edge_json_string(value, &part);
        ngx_edge_buf_str(&b, &part);
    }

    return ngx_edge_buf_done(&b, text);
}


static ngx_int_t
ngx_http_edge_query_question(ngx_http_edge_query_t *q, const ngx_str_t *text,
    const char *pointer, ngx_edge_json_error_t *error)
{
    size_t  i;

    if (text->len > NGX_HTTP_EDGE_QUERY_MAX) {
        return ngx_http_edge_query_bad(error, pointer,
                                       "is longer than 8192 bytes");
    }

    for (i = 0; i < text->len; i++) {
        if (text->data[i] > ' ') {
            q->question = *text;
            return NGX_OK;
        }
    }

    return ngx_http_edge_query_bad(error, pointer, "is empty");
}


static ngx_int_t
ngx_http_edge_query_uint(const ngx_edge_json_t *value, ngx_uint_t max,
    ngx_uint_t *n)
{
    int64_t  i;

    if (ngx_edge_json_type(value) != ngx_edge_json_type_number
        || !ngx_edge_json_integer(value, &i)
        || i < 1
        || i > (int64_t) max)
    {
        return NGX_DECLINED;
    }

    *n = i;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_bad(ngx_edge_json_error_t *error, const char *pointer,
    const char *detail)
{
    error->pointer.data = (u_char *) pointer;
    error->pointer.len = ngx_strlen(pointer);
    error->detail = detail;

    return NGX_DECLINED;
}
