
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which server of a cluster has which slot.  For the files of this folder; a
 * block that is no cluster has a map of one connection.
 */


#ifndef _NGX_EDGE_REDIS_CLUSTER_H_INCLUDED_
#define _NGX_EDGE_REDIS_CLUSTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* NGX_ERROR: no memory. */
ngx_int_t ngx_edge_redis_cluster_start(ngx_edge_redis_t *redis);
void ngx_edge_redis_cluster_end(ngx_edge_redis_t *redis);

/* The connection for a key, which may not be ready; for an empty one any that
 * is.  NULL: there is none. */
ngx_edge_redis_conn_t *ngx_edge_redis_cluster_route(ngx_edge_redis_t *redis,
    const ngx_str_t *key);

/* What an error says of where a slot is.  NULL: it says nothing, or nothing
 * usable; else where to send the command again, with ASKING if ask is set. */
ngx_edge_redis_conn_t *ngx_edge_redis_cluster_redirect(
    ngx_edge_redis_conn_t *rc, const ngx_edge_redis_reply_t *reply,
    ngx_uint_t *ask);

/* A connection has become ready, or was lost. */
void ngx_edge_redis_cluster_changed(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_CLUSTER_H_INCLUDED_ */
