
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be written to a connection.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_OUT_H_INCLUDED_
#define _NGX_EDGE_REDIS_OUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* Room behind what is to be written; the caller moves out.last and then calls
 * flush: it leaves at the end of this turn of the event loop.  NULL: no
 * memory, or the server is too far behind. */
u_char *ngx_edge_redis_out_reserve(ngx_edge_redis_conn_t *rc, size_t size);
void ngx_edge_redis_out_flush(ngx_edge_redis_conn_t *rc);

/* The server is too far behind to be sent more. */
ngx_uint_t ngx_edge_redis_out_full(const ngx_edge_redis_conn_t *rc);

/* Writes; NGX_AGAIN: not all. */
ngx_int_t ngx_edge_redis_out_write(ngx_edge_redis_conn_t *rc);
void ngx_edge_redis_out_free(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_OUT_H_INCLUDED_ */
