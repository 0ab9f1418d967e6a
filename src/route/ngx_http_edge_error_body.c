
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing of error bodies.  Knows what each status means to a client, not
 * how the response is sent.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_utf8.h"
#include "route/ngx_http_edge_error_body.h"


/* Six times a byte is the most that JSON or percent escapes make of it; what
 * a failure quotes of the request is bounded by its writer. */
#define NGX_HTTP_EDGE_ERROR_SIZE  512
#define NGX_HTTP_EDGE_ERROR_MAX   65536


typedef struct {
    ngx_uint_t    status;
    const char   *title;     /* the phrase of RFC 9110 */
    const char   *code;      /* for the OpenAI object */
    const char   *detail;
} ngx_http_edge_error_t;


static const ngx_http_edge_error_t *ngx_http_edge_error_find(
    ngx_uint_t status);
static void ngx_http_edge_error_problem(ngx_edge_buf_t *b,
    const ngx_http_edge_error_t *error, ngx_uint_t status,
    const ngx_http_edge_record_t *rec,
    const ngx_http_edge_failure_t *failure);
static void ngx_http_edge_error_pointer(ngx_edge_buf_t *b,
    const ngx_str_t *pointer);
static void ngx_http_edge_error_openai(ngx_edge_buf_t *b,
    const ngx_http_edge_error_t *error, ngx_uint_t status,
    const ngx_http_edge_failure_t *failure);
static void ngx_http_edge_error_text(ngx_edge_buf_t *b, const ngx_str_t *text,
    const char *other);


static const ngx_http_edge_error_t  ngx_http_edge_errors[] = {

    { 400, "Bad Request", "bad_request",
      "the request is not well-formed" },
    { 401, "Unauthorized", "unauthorized",
      "the request has no valid credentials" },
    { 403, "Forbidden", "forbidden",
      "the request is not permitted" },
    { 404, "Not Found", "not_found",
      "nothing is found at this path" },
    { 405, "Method Not Allowed", "method_not_allowed",
      "this path does not take the method" },
    { 406, "Not Acceptable", "not_acceptable",
      "no response suits the request's Accept fields" },
    { 408, "Request Timeout", "request_timeout",
      "the request did not arrive in time" },
    { 409, "Conflict", "conflict",
      "the request conflicts with the present state" },
    { 410, "Gone", "gone",
      "this resource is no longer there" },
    { 411, "Length Required", "length_required",
      "the request needs a Content-Length" },
    { 412, "Precondition Failed", "precondition_failed",
      "a precondition of the request does not hold" },
    { 413, "Content Too Large", "body_too_large",
      "the request body is over the limit" },
    { 414, "URI Too Long", "uri_too_long",
      "the request target is over the limit" },
    { 415, "Unsupported Media Type", "unsupported_media_type",
      "the Content-Type is not supported" },
    { 416, "Range Not Satisfiable", "range_not_satisfiable",
      "the range is outside of the resource" },
    { 421, "Misdirected Request", "misdirected_request",
      "this server does not answer for the requested host" },
    { 422, "Unprocessable Content", "unprocessable_content",
      "the request is understood but cannot be followed" },
    { 425, "Too Early", "too_early",
      "the request may be a replay" },
    { 428, "Precondition Required", "precondition_required",
      "the request must be conditional" },
    { 429, "Too Many Requests", "rate_limit_exceeded",
      "the rate of requests is over the limit" },
    { 431, "Request Header Fields Too Large", "headers_too_large",
      "the request header fields are over the limit" },
    { 500, "Internal Server Error", "internal_error",
      "the server met an unexpected condition" },
    { 501, "Not Implemented", "not_implemented",
      "the server does not have this function" },
    { 502, "Bad Gateway", "bad_gateway",
      "a service behind the edge gave no valid answer" },
    { 503, "Service Unavailable", "service_unavailable",
      "the service cannot answer at present" },
    { 504, "Gateway Timeout", "gateway_timeout",
      "a service behind the edge did not answer in time" },
    { 505, "HTTP Version Not Supported", "http_version_not_supported",
      "the server does not speak this version of HTTP" },
    { 507, "Insufficient Storage", "insufficient_storage",
      "the server has no room for the result" },

    /* whatever else an operator makes nginx return */

    { 0, "Error", "error", "the request failed" }
};


ngx_int_t
ngx_http_edge_error_body(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec, ngx_uint_t status, ngx_str_t *body)
{
    ngx_edge_buf_t                  b;
    const ngx_http_edge_error_t    *error;
    const ngx_http_edge_failure_t  *failure;

    error = ngx_http_edge_error_find(status);
    failure = (rec->failure.status == status) ? &rec->failure : NULL;

    ngx_edge_buf_init(&b, r->pool, NGX_HTTP_EDGE_ERROR_SIZE,
                      NGX_HTTP_EDGE_ERROR_MAX);

    if (rec->openai) {
        ngx_http_edge_error_openai(&b, error, status, failure);

    } else {
        ngx_http_edge_error_problem(&b, error, status, rec, failure);
    }

    return (ngx_edge_buf_done(&b, body) == NGX_OK) ? NGX_OK : NGX_ERROR;
}


static const ngx_http_edge_error_t *
ngx_http_edge_error_find(ngx_uint_t status)
{
    const ngx_http_edge_error_t  *error;

    for (error = ngx_http_edge_errors; error->status; error++) {
        if (error->status == status) {
            break;
        }
    }

    return error;
}


static void
ngx_http_edge_error_problem(ngx_edge_buf_t *b,
    const ngx_http_edge_error_t *error, ngx_uint_t status,
    const ngx_http_edge_record_t *rec,
    const ngx_http_edge_failure_t *failure)
{
    const ngx_str_t  *detail;

    detail = failure ? &failure->detail : NULL;

    ngx_edge_buf_lit(b, "{\"type\":");
    ngx_http_edge_error_text(b, NULL, (failure && failure->type)
                                      ? failure->type : "about:blank");

    ngx_edge_buf_lit(b, ",\"title\":");
    ngx_http_edge_error_text(b, NULL, error->title);

    ngx_edge_buf_lit(b, ",\"status\":");
    ngx_edge_buf_int(b, status);

    ngx_edge_buf_lit(b, ",\"detail\":");
    ngx_http_edge_error_text(b, detail, error->detail);

    ngx_edge_buf_lit(b, ",\"instance\":");
    ngx_edge_buf_json(b, rec->request_id.data, rec->request_id.len);

    if (failure && failure->pointer.data) {
        ngx_edge_buf_lit(b, ",\"errors\":[{\"pointer\":\"#");
        ngx_http_edge_error_pointer(b, &failure->pointer);
        ngx_edge_buf_lit(b, "\",\"detail\":");
        ngx_http_edge_error_text(b, detail, error->detail);
        ngx_edge_buf_lit(b, "}]");
    }

    if (failure) {
        ngx_edge_buf_str(b, &failure->members);
    }

    ngx_edge_buf_lit(b, "}\n");
}


/* A JSON pointer as the fragment of a URI (RFC 6901 section 6): what a
 * fragment cannot hold is percent-encoded, and that is plain JSON text too. */

static void
ngx_http_edge_error_pointer(ngx_edge_buf_t *b, const ngx_str_t *pointer)
{
    size_t               i;
    u_char               c;
    static const u_char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < pointer->len; i++) {
        c = pointer->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z')
            || (c != '\0' && ngx_strchr("/-._~!$&()*+,;=:@", c)))
        {
            ngx_edge_buf_byte(b, c);
            continue;
        }

        ngx_edge_buf_byte(b, '%');
        ngx_edge_buf_byte(b, hex[c >> 4]);
        ngx_edge_buf_byte(b, hex[c & 0xf]);
    }
}


static void
ngx_http_edge_error_openai(ngx_edge_buf_t *b,
    const ngx_http_edge_error_t *error, ngx_uint_t status,
    const ngx_http_edge_failure_t *failure)
{
    ngx_str_t  param;

    ngx_edge_buf_lit(b, "{\"error\":{\"message\":");
    ngx_http_edge_error_text(b, failure ? &failure->detail : NULL,
                             error->detail);

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_edge_buf_lit(b, ",\"type\":\"server_error\",\"param\":");

    } else if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        ngx_edge_buf_lit(b, ",\"type\":\"rate_limit_error\",\"param\":");

    } else {
        ngx_edge_buf_lit(b, ",\"type\":\"invalid_request_error\",\"param\":");
    }

    if (failure && failure->pointer.len) {

        /* OpenAI names a field of the body without the leading slash */

        param.data = failure->pointer.data + 1;
        param.len = failure->pointer.len - 1;

        ngx_http_edge_error_text(b, &param, "");

    } else {
        ngx_edge_buf_lit(b, "null");
    }

    ngx_edge_buf_lit(b, ",\"code\":");
    ngx_http_edge_error_text(b, NULL,
                             (failure && failure->code) ? failure->code
                                                        : error->code);
    ngx_edge_buf_lit(b, "}}\n");
}


/* text, or other if there is none or it is not UTF-8. */

static void
ngx_http_edge_error_text(ngx_edge_buf_t *b, const ngx_str_t *text,
    const char *other)
{
    if (text && text->len && ngx_edge_utf8_valid(text->data, text->len)) {
        ngx_edge_buf_json(b, text->data, text->len);
        return;
    }

    ngx_edge_buf_json(b, (u_char *) other, ngx_strlen(other));
}
