
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands on their way.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_CMD_H_INCLUDED_
#define _NGX_EDGE_REDIS_CMD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* A command of the client itself; own is called when its reply is there or
 * the connection is lost. */
ngx_int_t ngx_edge_redis_send_own(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_own_pt own, ngx_uint_t argc, const ngx_str_t *argv);

/* The reply to a pending command that was taken out of its connection; NULL:
 * it is lost.  Frees the command or sends it again. */
void ngx_edge_redis_deliver(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, const ngx_edge_redis_reply_t *reply);

/* Frees it without a word. */
void ngx_edge_redis_discard(ngx_edge_redis_pending_t *p);

/* The timers of a block. */
void ngx_edge_redis_expire(ngx_event_t *ev);
void ngx_edge_redis_resume(ngx_event_t *ev);


#endif /* _NGX_EDGE_REDIS_CMD_H_INCLUDED_ */
