
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server hears first: who we are, which database, and a question whose
 * answer says that it works; LOADING is such an answer too, and a refusal.
 * All is said at once; the answers come in its order.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_greet.h"


/* So much of a password, as it is, tells what it is. */
#define NGX_EDGE_REDIS_GREET_PART  6


static void ngx_edge_redis_greet_auth(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);
static void ngx_edge_redis_greet_step(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);
static void ngx_edge_redis_greet_last(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);


ngx_int_t
ngx_edge_redis_greet(ngx_edge_redis_conn_t *rc)
{
    u_char             number[NGX_INT_T_LEN];
    ngx_str_t          argv[3];
    ngx_uint_t         argc;
    ngx_edge_redis_t  *redis;

    redis = rc->redis;

    if (redis->password.len) {
        argc = 1;
        ngx_str_set(&argv[0], "AUTH");

        if (redis->user.len) {
            argv[argc++] = redis->user;
        }

        argv[argc++] = redis->password;

        if (ngx_edge_redis_send_own(rc, ngx_edge_redis_greet_auth, argc, argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (redis->database) {
        ngx_str_set(&argv[0], "SELECT");
        argv[1].data = number;
        argv[1].len = ngx_sprintf(number, "%ui", redis->database) - number;

        if (ngx_edge_redis_send_own(rc, ngx_edge_redis_greet_step, 2, argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&argv[0], "PING");

    return ngx_edge_redis_send_own(rc, ngx_edge_redis_greet_last, 1, argv);
}


/* A server that does not know AUTH repeats what it was told, or the first part
 * of it. */

static void
ngx_edge_redis_greet_auth(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply)
{
    size_t            len;
    ngx_str_t         s;
    const ngx_str_t  *password;

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_error) {
        password = &rc->redis->password;
        len = ngx_min(password->len, NGX_EDGE_REDIS_GREET_PART);

        ngx_edge_redis_reply_str(reply, &s);

        if (ngx_strlcasestrn(s.data, s.data + s.len, password->data, len - 1))
        {
            ngx_edge_redis_conn_fail(rc, "it refuses us, in words that may "
                                         "hold the password", NULL);
            return;
        }
    }

    ngx_edge_redis_greet_step(rc, reply);
}


static void
ngx_edge_redis_greet_step(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply)
{
    if (reply
        && ngx_edge_redis_reply_type(reply) != ngx_edge_redis_status)
    {
        ngx_edge_redis_conn_fail(rc, "it refuses us", reply);
    }
}


/* A user who may not PING is told so by a server that works. */

static void
ngx_edge_redis_greet_last(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply)
{
    if (reply == NULL || rc->failed) {
        return;
    }

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_status
        || ngx_edge_redis_reply_is_error(reply, "NOPERM"))
    {
        ngx_edge_redis_conn_greeted(rc);
        return;
    }

    ngx_edge_redis_conn_fail(rc, "it refuses us", reply);
}
