
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a cluster needs to know of keys and of its errors.  Pure.
 */


#ifndef _NGX_EDGE_REDIS_SLOT_H_INCLUDED_
#define _NGX_EDGE_REDIS_SLOT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_REDIS_SLOTS     16384

/* Names of servers that a cluster tells are no longer than this. */
#define NGX_EDGE_REDIS_HOST_MAX  255


/* "MOVED 3999 10.0.0.1:6381", or ASK: the slot is elsewhere from now on, or
 * for this command only. */
typedef struct {
    ngx_uint_t   slot;
    ngx_str_t    host;      /* in text; empty: that of the server who said it */
    in_port_t    port;
    unsigned     ask:1;
} ngx_edge_redis_redirect_t;


/* The slot of a key, or of the part of it in the first braces. */
ngx_uint_t ngx_edge_redis_slot(const ngx_str_t *key);

/* Whether a host may be one: what a cluster says is also written to logs. */
ngx_uint_t ngx_edge_redis_is_host(const ngx_str_t *host);

/* NGX_OK, or NGX_DECLINED: the text of this error is no redirect. */
ngx_int_t ngx_edge_redis_redirect(const ngx_str_t *text,
    ngx_edge_redis_redirect_t *to);


#endif /* _NGX_EDGE_REDIS_SLOT_H_INCLUDED_ */
