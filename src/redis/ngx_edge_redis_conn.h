
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The life of a connection: opened, lost, opened again.  For the files of
 * this folder.
 */


#ifndef _NGX_EDGE_REDIS_CONN_H_INCLUDED_
#define _NGX_EDGE_REDIS_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* Makes the events of a new one. */
void ngx_edge_redis_conn_events(ngx_edge_redis_conn_t *rc);

/* Opens it, now and whenever it is lost; nothing if that is done already. */
void ngx_edge_redis_conn_wake(ngx_edge_redis_conn_t *rc);

/* Closes it when what was sent is answered; it stays so until it is woken. */
void ngx_edge_redis_conn_rest(ngx_edge_redis_conn_t *rc);

/* Where its server is, or the fault why that is not known. */
void ngx_edge_redis_conn_linkable(ngx_edge_redis_conn_t *rc,
    const ngx_addr_t *addr, const char *fault);

/* Gives back the socket, the memory and the events; nobody is told. */
void ngx_edge_redis_conn_drop(ngx_edge_redis_conn_t *rc);

/* Whether it takes commands of features; one that nobody waits for, too, if
 * the server is silent at present. */
ngx_uint_t ngx_edge_redis_conn_ready(const ngx_edge_redis_conn_t *rc);
ngx_uint_t ngx_edge_redis_conn_takes(const ngx_edge_redis_conn_t *rc);

/* The server has greeted. */
void ngx_edge_redis_conn_greeted(ngx_edge_redis_conn_t *rc);

/* Logs why the connection is of no use, unless it was told so already; it is
 * closed when the reply at hand is done with. */
void ngx_edge_redis_conn_fail(ngx_edge_redis_conn_t *rc, const char *fault,
    const ngx_edge_redis_reply_t *reply);

/* The same, but what was sent is still waited for. */
void ngx_edge_redis_conn_leave(ngx_edge_redis_conn_t *rc, const char *fault);

/* A command that was sent to it has timed out. */
void ngx_edge_redis_conn_late(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_pending_t *p);


#endif /* _NGX_EDGE_REDIS_CONN_H_INCLUDED_ */
