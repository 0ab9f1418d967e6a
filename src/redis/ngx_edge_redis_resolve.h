
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of servers to addresses.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_RESOLVE_H_INCLUDED_
#define _NGX_EDGE_REDIS_RESOLVE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


void ngx_edge_redis_resolve(ngx_edge_redis_conn_t *rc);
void ngx_edge_redis_resolve_cancel(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_RESOLVE_H_INCLUDED_ */
