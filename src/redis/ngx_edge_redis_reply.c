
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Looking into replies.  Pure.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_reply.h"


ngx_edge_redis_type_e
ngx_edge_redis_reply_type(const ngx_edge_redis_reply_t *reply)
{
    return reply ? reply->type : ngx_edge_redis_lost;
}


void
ngx_edge_redis_reply_str(const ngx_edge_redis_reply_t *reply, ngx_str_t *s)
{
    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_string:
    case ngx_edge_redis_status:
    case ngx_edge_redis_error:
        *s = reply->u.str;
        break;

    default:
        ngx_str_null(s);
    }
}


int64_t
ngx_edge_redis_reply_integer(const ngx_edge_redis_reply_t *reply)
{
    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_integer) {
        return 0;
    }

    return reply->u.integer;
}


ngx_uint_t
ngx_edge_redis_reply_count(const ngx_edge_redis_reply_t *reply)
{
    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_array) {
        return 0;
    }

    return reply->u.array.n;
}


const ngx_edge_redis_reply_t *
ngx_edge_redis_reply_element(const ngx_edge_redis_reply_t *reply, ngx_uint_t i)
{
    return &reply->u.array.element[i];
}


ngx_uint_t
ngx_edge_redis_reply_is_error(const ngx_edge_redis_reply_t *reply,
    const char *word)
{
    size_t     len;
    ngx_str_t  s;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_error) {
        return 0;
    }

    ngx_edge_redis_reply_str(reply, &s);

    len = ngx_strlen(word);

    return s.len >= len && ngx_strncmp(s.data, word, len) == 0
           && (s.len == len || s.data[len] == ' ');
}


/* Redis before 7 wraps what a script was told. */

ngx_uint_t
ngx_edge_redis_reply_is_readonly(const ngx_edge_redis_reply_t *reply)
{
    size_t     len;
    ngx_str_t  s;

    if (ngx_edge_redis_reply_is_error(reply, "READONLY")) {
        return 1;
    }

    if (!ngx_edge_redis_reply_is_error(reply, "ERR Error running script")) {
        return 0;
    }

    ngx_edge_redis_reply_str(reply, &s);

    len = sizeof("-READONLY ") - 1;

    return ngx_strlcasestrn(s.data, s.data + s.len, (u_char *) "-READONLY ",
                            len - 1)
           != NULL;
}
