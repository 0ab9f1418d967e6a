
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's request body as one string, wherever nginx put it: in one
 * buffer, in several, or in a temporary file, which is read in the thread
 * pool.
 */


#ifndef _NGX_HTTP_EDGE_BODY_H_INCLUDED_
#define _NGX_HTTP_EDGE_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* At configuration: the thread pool that reads files. NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_body_init(ngx_conf_t *cf);

/* The length of a body that was read whole; nothing is copied. */
off_t ngx_http_edge_body_length(ngx_http_request_t *r);

/*
 * Gives the body that ngx_http_read_client_request_body() has read.
 *
 *   NGX_OK     *body is set, in r->pool or in nginx's own buffer
 *   NGX_AGAIN  a file is being read; *body will be set, then
 *              r->write_event_handler is called; on a failed read body->data
 *              is NULL and body->len is not 0
 *   NGX_ERROR  no memory, no thread
 *
 * body must stay where it is while the request lives.
 */
ngx_int_t ngx_http_edge_body_get(ngx_http_request_t *r, ngx_str_t *body);


#endif /* _NGX_HTTP_EDGE_BODY_H_INCLUDED_ */
