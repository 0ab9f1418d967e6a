
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


/* Where a search for fields of one name is. */
typedef struct {
    const ngx_list_part_t  *part;
    ngx_uint_t              i;
    const char             *name;
    size_t                  len;
} ngx_http_edge_header_search_t;


/* Whether a field has that name, a literal, in any case. */
#define ngx_http_edge_header_is(h, name)                                      \
    ngx_http_edge_header_named(h, name, sizeof(name) - 1)

/* The first letter tells most names of one length apart, and most fields are
 * written as their names are; name is not empty. */
#define ngx_http_edge_header_named(h, name, size)                             \
    ((h)->key.len == (size)                                                   \
     && (((h)->key.data[0] ^ (u_char) (name)[0]) & ~0x20) == 0                \
     && (ngx_memcmp((h)->key.data, name, size) == 0                           \
         || ngx_strncasecmp((h)->key.data, (u_char *) (name), size) == 0))


/* The fields of a list with that name, in any case, one after another; NULL at
 * the end.  Fields whose hash is 0 are among them. */
void ngx_http_edge_header_search(ngx_http_edge_header_search_t *search,
    const ngx_list_t *list, const char *name);
ngx_table_elt_t *ngx_http_edge_header_next(
    ngx_http_edge_header_search_t *search);

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
