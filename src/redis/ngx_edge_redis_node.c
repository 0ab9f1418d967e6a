
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection before and after its life: its memory, which is the worker's,
 * and the server it is for.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_node.h"


ngx_edge_redis_conn_t *
ngx_edge_redis_conn_create(ngx_edge_redis_t *redis)
{
    ngx_edge_redis_conn_t  *rc;

    rc = ngx_calloc(sizeof(ngx_edge_redis_conn_t), ngx_cycle->log);
    if (rc == NULL) {
        return NULL;
    }

    rc->redis = redis;
    rc->resting = 1;

    ngx_edge_redis_conn_events(rc);

    ngx_queue_init(&rc->sent);
    ngx_queue_insert_tail(&redis->conns, &rc->queue);

    return rc;
}


void
ngx_edge_redis_conn_name(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_server_t *server)
{
    u_char                   *p;
    ngx_edge_redis_server_t  *own;

    own = &rc->own;

    *own = *server;

    rc->server = own;
    rc->backoff = 0;
    rc->lost = 0;
    rc->tries = 0;

    own->text.data = rc->text;

    if (own->host.len) {
        own->host.data = rc->text;

        p = ngx_cpymem(rc->text, server->host.data, server->host.len);
        p = ngx_sprintf(p, ":%ui", (ngx_uint_t) server->port);

        own->text.len = p - rc->text;
        return;
    }

    ngx_memcpy(&rc->sockaddr, server->addr.sockaddr, server->addr.socklen);

    own->addr.sockaddr = &rc->sockaddr.sockaddr;
    own->text.len = ngx_sock_ntop(own->addr.sockaddr, own->addr.socklen,
                                  rc->text, sizeof(rc->text), 1);
}


ngx_int_t
ngx_edge_redis_parse_addr(ngx_addr_t *addr, ngx_sockaddr_t *sockaddr,
    const ngx_str_t *text)
{
    in_addr_t  in;

    ngx_memzero(addr, sizeof(ngx_addr_t));
    ngx_memzero(sockaddr, sizeof(ngx_sockaddr_t));

    addr->sockaddr = &sockaddr->sockaddr;

    in = ngx_inet_addr(text->data, text->len);

    if (in != INADDR_NONE) {
        sockaddr->sockaddr_in.sin_family = AF_INET;
        sockaddr->sockaddr_in.sin_addr.s_addr = in;
        addr->socklen = sizeof(struct sockaddr_in);
        return NGX_OK;
    }

#if (NGX_HAVE_INET6)

    if (ngx_inet6_addr(text->data, text->len,
                       sockaddr->sockaddr_in6.sin6_addr.s6_addr)
        == NGX_OK)
    {
        sockaddr->sockaddr_in6.sin6_family = AF_INET6;
        addr->socklen = sizeof(struct sockaddr_in6);
        return NGX_OK;
    }

#endif

    return NGX_DECLINED;
}


void
ngx_edge_redis_conn_end(ngx_edge_redis_conn_t *rc)
{
    ngx_queue_t               *q;
    ngx_edge_redis_pending_t  *p;

    while (!ngx_queue_empty(&rc->sent)) {
        q = ngx_queue_head(&rc->sent);
        p = ngx_queue_data(q, ngx_edge_redis_pending_t, sent);

        ngx_queue_remove(q);
        ngx_edge_redis_discard(p);
    }

    ngx_edge_redis_conn_drop(rc);

    ngx_queue_remove(&rc->queue);
    ngx_free(rc);
}
