
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits of tokens, for whoever calls a model.  Tokens are reserved before
 * the call, so that requests at one time cannot slip past a limit together,
 * and settled once behind it with what was used.
 */


#ifndef _NGX_HTTP_EDGE_LIMIT_API_H_INCLUDED_
#define _NGX_HTTP_EDGE_LIMIT_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Called from the event loop, with the request's log set. */
typedef void (*ngx_http_edge_limit_reserved_pt)(void *data);


/*
 * Reserves tokens for the main request: most if they are there, else as many
 * as are left, if that is at least least.  NGX_OK: it is decided; NGX_AGAIN:
 * handler is called when it is, unless the request ends before.  To be called
 * once, before the header is sent.
 */
ngx_int_t ngx_http_edge_limit_reserve(ngx_http_request_t *r, int64_t least,
    int64_t most, ngx_http_edge_limit_reserved_pt handler, void *data);

/* What was decided: NGX_OK, and how many tokens may be used (most, where
 * there is no limit); or the status of the error response, as noted by
 * ngx_http_edge_fail(). */
ngx_int_t ngx_http_edge_limit_reserved(ngx_http_request_t *r,
    int64_t *tokens);

/* Whether a stream is to end when the tokens are used up. */
ngx_uint_t ngx_http_edge_limit_cut(ngx_http_request_t *r);

/* Says how many tokens were used; only the first call counts.  Nothing where
 * none were reserved. */
void ngx_http_edge_limit_settle(ngx_http_request_t *r, int64_t used);


#endif /* _NGX_HTTP_EDGE_LIMIT_API_H_INCLUDED_ */
