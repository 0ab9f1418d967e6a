
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The body of an error response.
 */


#ifndef _NGX_HTTP_EDGE_ERROR_BODY_H_INCLUDED_
#define _NGX_HTTP_EDGE_ERROR_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"


#define NGX_HTTP_EDGE_PROBLEM_TYPE  "application/problem+json"
#define NGX_HTTP_EDGE_OPENAI_TYPE   "application/json"


/*
 * Writes the body for a status: an OpenAI error object if rec->openai, else a
 * problem document (RFC 9457).  The record's failure speaks if it is of that
 * status, else a general sentence does.  body lives as long as the request.
 * NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_edge_error_body(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec, ngx_uint_t status, ngx_str_t *body);


#endif /* _NGX_HTTP_EDGE_ERROR_BODY_H_INCLUDED_ */
