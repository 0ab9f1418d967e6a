
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Header fields of requests and responses: taking away by prefix, adding,
 * replacing.
 */


#ifndef _NGX_HTTP_EDGE_HEADERS_H_INCLUDED_
#define _NGX_HTTP_EDGE_HEADERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* 1 if the name begins with one of the prefixes: any case, '_' equal to '-'.
 * Prefixes are in lower case with '-'; one that does not end in '-' is a whole
 * name; the list ends in ngx_null_string. */
ngx_uint_t ngx_http_edge_header_prefixed(const u_char *name, size_t len,
    const ngx_str_t *prefixes);

/*
 * Takes the request's header fields with such a prefix out of its list.  No
 * field that stays is moved, so nginx's own pointers to fields stay valid;
 * the prefixes must not name a field that nginx keeps such a pointer to.
 * Gives how many were taken, or NGX_ERROR without memory: then an unknown
 * part of them is left, and the request must not go on.
 */
ngx_int_t ngx_http_edge_headers_strip(ngx_http_request_t *r,
    const ngx_str_t *prefixes);

/* Adds a response header field; name is static.  The value's bytes must live
 * as long as the request.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_header_add(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value);

/* The same, and takes away fields of that name which are there already. */
ngx_int_t ngx_http_edge_header_set(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value);

/* Sets the response's Content-Type; type is static, without parameters. */
void ngx_http_edge_content_type(ngx_http_request_t *r, const char *type);


#endif /* _NGX_HTTP_EDGE_HEADERS_H_INCLUDED_ */
