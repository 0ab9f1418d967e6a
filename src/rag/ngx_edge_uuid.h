
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Name-based UUIDs, version 5 (RFC 9562 section 5.5), for point ids.
 */


#ifndef _NGX_EDGE_UUID_H_INCLUDED_
#define _NGX_EDGE_UUID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_UUID_LEN  36


/* The id of a chunk: version 5 over the project's namespace and
 * tenant NUL module NUL doc_id NUL chunk (decimal), as text into buf.
 * NGX_OK, NGX_ERROR no memory. */
ngx_int_t ngx_edge_uuid_chunk(const ngx_str_t *tenant, const ngx_str_t *module,
    const ngx_str_t *doc_id, ngx_uint_t chunk, u_char *buf);

/* Version 5 over a namespace and at most four parts, joined by NUL. */
ngx_int_t ngx_edge_uuid_name(const u_char space[16], const ngx_str_t *parts,
    ngx_uint_t n, u_char *buf);

/* A version 4 UUID of 16 random bytes: request ids. */
void ngx_edge_uuid_random(u_char random[16], u_char *buf);


#endif /* _NGX_EDGE_UUID_H_INCLUDED_ */
