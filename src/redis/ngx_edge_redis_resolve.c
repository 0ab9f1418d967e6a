
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of servers to addresses, by the resolver of the http block, each time
 * a connection is opened.  nginx's resolver remembers an answer for as long as
 * it is valid; a name with several addresses is tried in turn.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_resolve.h"


static void ngx_edge_redis_resolve_handler(ngx_resolver_ctx_t *ctx);


void
ngx_edge_redis_resolve(ngx_edge_redis_conn_t *rc)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = rc->redis->resolver ? ngx_resolve_start(rc->redis->resolver, NULL)
                              : NGX_NO_RESOLVER;

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_edge_redis_conn_linkable(rc, NULL, ctx ? "there is no resolver "
                                                     "for its name"
                                                   : "no memory");
        return;
    }

    ctx->name = rc->server->host;
    ctx->handler = ngx_edge_redis_resolve_handler;
    ctx->data = rc;
    ctx->timeout = rc->redis->resolver_timeout;
    ctx->cancelable = 1;

    rc->resolving = ctx;

    /* the handler may be called before this returns; then ctx is gone */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        rc->resolving = NULL;
        ngx_edge_redis_conn_linkable(rc, NULL, "its name cannot be looked up");
    }
}


void
ngx_edge_redis_resolve_cancel(ngx_edge_redis_conn_t *rc)
{
    if (rc->resolving) {
        ngx_resolve_name_done(rc->resolving);
        rc->resolving = NULL;
    }
}


static void
ngx_edge_redis_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_addr_t              addr;
    const char             *fault;
    ngx_uint_t              i;
    ngx_sockaddr_t          sockaddr;
    ngx_edge_redis_conn_t  *rc;

    rc = ctx->data;

    fault = NULL;
    ngx_memzero(&addr, sizeof(ngx_addr_t));

    if (ctx->state) {
        fault = ngx_resolver_strerror(ctx->state);

    } else {
        i = rc->tries++ % ctx->naddrs;

        ngx_memcpy(&sockaddr, ctx->addrs[i].sockaddr, ctx->addrs[i].socklen);

        addr.sockaddr = &sockaddr.sockaddr;
        addr.socklen = ctx->addrs[i].socklen;

        ngx_inet_set_port(addr.sockaddr, rc->server->port);
    }

    ngx_edge_redis_resolve_cancel(rc);

    ngx_edge_redis_conn_linkable(rc, &addr, fault);
}
