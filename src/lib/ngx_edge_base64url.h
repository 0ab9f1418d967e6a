
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * base64url without padding (RFC 4648 section 5, as RFC 7515 uses it).
 */


#ifndef _NGX_EDGE_BASE64URL_H_INCLUDED_
#define _NGX_EDGE_BASE64URL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Room that decoding or encoding len bytes may need. */
#define ngx_edge_base64url_decoded(len)   ((len) / 4 * 3 + 3)
#define ngx_edge_base64url_encoded(len)   (((len) * 4 + 2) / 3)

/* Decodes src to dst->data, which has the room, and sets dst->len.  NGX_OK, or
 * NGX_DECLINED: a byte outside the alphabet (padding and white space too), an
 * impossible length, or unused bits that are not zero. */
ngx_int_t ngx_edge_base64url_decode(ngx_str_t *dst, const u_char *src,
    size_t len);

/* Encodes to dst, which has the room; gives the end. */
u_char *ngx_edge_base64url_encode(u_char *dst, const u_char *src, size_t len);


#endif /* _NGX_EDGE_BASE64URL_H_INCLUDED_ */
