
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be written to a connection: one piece of memory that grows as
 * needed, and is given back when it was much.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_out.h"


/* What a server may be behind with, and what is kept when it is not. */
#define NGX_EDGE_REDIS_OUT_MAX   (64 * 1024 * 1024)
#define NGX_EDGE_REDIS_OUT_KEEP  (256 * 1024)


u_char *
ngx_edge_redis_out_reserve(ngx_edge_redis_conn_t *rc, size_t size)
{
    u_char     *p;
    size_t      used, n;
    ngx_buf_t  *b;

    b = &rc->out;

    if ((size_t) (b->end - b->last) >= size) {
        return b->last;
    }

    used = b->last - b->pos;

    if (ngx_edge_redis_out_full(rc)) {
        return NULL;
    }

    n = ngx_max(2 * used + size, 4096);

    p = ngx_alloc(n, ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    if (b->start) {
        ngx_memcpy(p, b->pos, used);
    }

    ngx_edge_redis_out_free(rc);

    b->start = p;
    b->pos = p;
    b->last = p + used;
    b->end = p + n;

    return b->last;
}


void
ngx_edge_redis_out_flush(ngx_edge_redis_conn_t *rc)
{
    ngx_post_event(&rc->flush, &ngx_posted_events);
}


ngx_uint_t
ngx_edge_redis_out_full(const ngx_edge_redis_conn_t *rc)
{
    return rc->out.last - rc->out.pos > NGX_EDGE_REDIS_OUT_MAX;
}


ngx_int_t
ngx_edge_redis_out_write(ngx_edge_redis_conn_t *rc)
{
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    b = &rc->out;
    c = rc->connection;

    while (b->pos < b->last) {

        n = c->send(c, b->pos, b->last - b->pos);

        if (n == NGX_AGAIN || n == NGX_ERROR) {
            return n;
        }

        b->pos += n;
    }

    /* what was said first may hold a password */

    if (rc->state == ngx_edge_redis_st_connecting
        || b->end - b->start > NGX_EDGE_REDIS_OUT_KEEP)
    {
        ngx_edge_redis_out_free(rc);
        return NGX_OK;
    }

    b->pos = b->start;
    b->last = b->start;

    return NGX_OK;
}


void
ngx_edge_redis_out_free(ngx_edge_redis_conn_t *rc)
{
    ngx_buf_t  *b;

    b = &rc->out;

    if (b->start) {

        if (rc->state == ngx_edge_redis_st_connecting) {
            ngx_explicit_memzero(b->start, b->last - b->start);
        }

        ngx_free(b->start);
        ngx_memzero(b, sizeof(ngx_buf_t));
    }
}
