
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The same in Redis as ngx_edge_limit_local.h does in shared memory, for any
 * number of instances: one script takes what a request needs of all its
 * limits, with the server's clock.
 */


#ifndef _NGX_HTTP_EDGE_LIMIT_SCRIPT_H_INCLUDED_
#define _NGX_HTTP_EDGE_LIMIT_SCRIPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit.h"


void ngx_http_edge_limit_script_init(void);

/* Sends the script for the cells of a take that are not held; its cmd's done
 * gets the reply.  As ngx_edge_redis_eval(). */
ngx_int_t ngx_http_edge_limit_script_take(ngx_http_edge_limit_take_t *take);

/* Reads the reply into the cells and take->taken; NGX_OK, NGX_DECLINED:
 * refused; NGX_ERROR: there is no such reply. */
ngx_int_t ngx_http_edge_limit_script_read(ngx_http_edge_limit_take_t *take,
    const ngx_edge_redis_reply_t *reply);

/* Asks for units of a cell of requests, for a lease; ngx_edge_redis_eval()'s
 * result, ngx_edge_limit_decision_granted() reads the reply. */
ngx_int_t ngx_http_edge_limit_script_lease(ngx_edge_redis_t *redis,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key,
    const ngx_edge_gcra_t *gcra, int64_t units);

/* Sent and forgotten: units of a lease are not used. */
void ngx_http_edge_limit_script_back(ngx_edge_redis_t *redis,
    const ngx_str_t *key, const ngx_edge_gcra_t *gcra, int64_t units,
    int64_t born);

/* Sent and forgotten: what gets lost lapses by itself. */
void ngx_http_edge_limit_script_release(
    const ngx_http_edge_limit_charge_t *charge);
void ngx_http_edge_limit_script_renew(
    const ngx_http_edge_limit_charge_t *charge);

/* More units were used than were taken, or (negative) fewer. */
void ngx_http_edge_limit_script_settle(const ngx_http_edge_limit_take_t *take,
    int64_t units);


#endif /* _NGX_HTTP_EDGE_LIMIT_SCRIPT_H_INCLUDED_ */
