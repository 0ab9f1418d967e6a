
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server hears first.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_GREET_H_INCLUDED_
#define _NGX_EDGE_REDIS_GREET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* Puts it into what is to be written; the connection is told of the end.
 * NGX_ERROR: no memory. */
ngx_int_t ngx_edge_redis_greet(ngx_edge_redis_conn_t *rc);


#endif /* _NGX_EDGE_REDIS_GREET_H_INCLUDED_ */
