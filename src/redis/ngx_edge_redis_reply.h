
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a reply is made of, and what the errors of Redis mean.  For the files
 * of this folder: others have the functions of ngx_edge_redis.h.
 */


#ifndef _NGX_EDGE_REDIS_REPLY_H_INCLUDED_
#define _NGX_EDGE_REDIS_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis.h"


struct ngx_edge_redis_reply_s {
    ngx_edge_redis_type_e           type;

    union {
        ngx_str_t                   str;      /* string, status, error */
        int64_t                     integer;

        struct {
            ngx_edge_redis_reply_t *element;
            ngx_uint_t              n;
        } array;
    } u;
};


/* Whether it is an error that begins with this word. */
ngx_uint_t ngx_edge_redis_reply_is_error(const ngx_edge_redis_reply_t *reply,
    const char *word);

/* Did the server say, to a command or in a script, that it is a replica? */
ngx_uint_t ngx_edge_redis_reply_is_readonly(
    const ngx_edge_redis_reply_t *reply);


#endif /* _NGX_EDGE_REDIS_REPLY_H_INCLUDED_ */
