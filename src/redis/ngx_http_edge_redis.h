
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives of an edge_redis block, for the module.
 */


#ifndef _NGX_HTTP_EDGE_REDIS_H_INCLUDED_
#define _NGX_HTTP_EDGE_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "redis/ngx_edge_redis_core.h"


/* A name of a block, and the block once there is one. */
typedef struct {
    ngx_edge_redis_t   redis;
    ngx_str_t          secret;      /* password is this edge_secret's value;
                                       empty: it was written */
    ngx_str_t          directive;   /* that named it first */
    ngx_str_t          file;
    ngx_uint_t         line;
    unsigned           defined:1;
} ngx_http_edge_redis_block_t;


extern ngx_command_t  ngx_http_edge_redis_block_commands[];


/* Of a block that is empty, and of one that was read: defaults and what must
 * hold for it as a whole; NGX_ERROR: an error was logged. */
ngx_int_t ngx_http_edge_redis_conf_init(ngx_conf_t *cf,
    ngx_http_edge_redis_block_t *block);
ngx_int_t ngx_http_edge_redis_conf_done(ngx_conf_t *cf,
    ngx_http_edge_redis_block_t *block);


#endif /* _NGX_HTTP_EDGE_REDIS_H_INCLUDED_ */
