
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A non-blocking socket on nginx's events.  nginx's own way to connect to a
 * peer would log each failure at a level of its choice; here they are the
 * caller's, who logs a loss once.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_socket.h"


static const char *ngx_edge_redis_socket_connect(ngx_connection_t *c,
    const ngx_addr_t *addr);
static ngx_int_t ngx_edge_redis_socket_watch(ngx_connection_t *c);


ngx_connection_t *
ngx_edge_redis_socket_open(const ngx_addr_t *addr, const char **fault)
{
    ngx_socket_t       s;
    ngx_connection_t  *c;

    s = ngx_socket(addr->sockaddr->sa_family, SOCK_STREAM, 0);

    if (s == (ngx_socket_t) -1) {
        *fault = strerror(ngx_socket_errno);
        return NULL;
    }

    c = ngx_get_connection(s, ngx_cycle->log);

    if (c == NULL) {
        *fault = "all connections are taken";
        (void) ngx_close_socket(s);    /* nothing to be done if that fails */
        return NULL;
    }

    c->type = SOCK_STREAM;
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->log = ngx_cycle->log;
    c->log_error = NGX_ERROR_INFO;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->read->log = c->log;
    c->write->log = c->log;

    *fault = ngx_edge_redis_socket_connect(c, addr);

    if (*fault) {
        ngx_close_connection(c);
        return NULL;
    }

    return c;
}


static const char *
ngx_edge_redis_socket_connect(ngx_connection_t *c, const ngx_addr_t *addr)
{
    int  on;

    if (ngx_nonblocking(c->fd) == -1) {
        return strerror(ngx_socket_errno);
    }

    if (addr->sockaddr->sa_family != AF_UNIX) {

        /* without these all works, but slower, and silence lasts longer */

        on = 1;

        (void) ngx_tcp_nodelay(c);
        (void) setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int));
    }

    if (ngx_edge_redis_socket_watch(c) != NGX_OK) {
        return "the socket cannot be watched";
    }

    /* that it is connected is told by an event, also if it is at once */

    if (connect(c->fd, addr->sockaddr, addr->socklen) == -1
        && ngx_socket_errno != NGX_EINPROGRESS)
    {
        return strerror(ngx_socket_errno);
    }

    return NULL;
}


static ngx_int_t
ngx_edge_redis_socket_watch(ngx_connection_t *c)
{
    ngx_uint_t  flags;

    if (ngx_add_conn) {
        return ngx_add_conn(c);
    }

    flags = (ngx_event_flags & NGX_USE_CLEAR_EVENT) ? NGX_CLEAR_EVENT
                                                    : NGX_LEVEL_EVENT;

    if (ngx_add_event(c->read, NGX_READ_EVENT, flags) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_add_event(c->write, NGX_WRITE_EVENT, flags);
}


const char *
ngx_edge_redis_socket_fault(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return err ? strerror(err) : NULL;
}


/* What the peer is told of the end is that the socket is closed. */

void
ngx_edge_redis_socket_close(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);    /* with these it never waits */
    }

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
