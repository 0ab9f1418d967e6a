
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The map of a cluster, per worker: CLUSTER SLOTS of any server that is ready.
 * It is asked for when the first server is, when a redirect or a loss says
 * that it is wrong, and again and again while a server of it is away; never
 * more often than ten times a second.
 *
 * The servers of the configuration are the way in: connections to those that
 * the map does not name rest until no other is ready.  A connection that the
 * map does not name any more rests too; its memory is taken for the next
 * server that comes.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_cluster.h"
#include "redis/ngx_edge_redis_cmd.h"
#include "redis/ngx_edge_redis_conn.h"
#include "redis/ngx_edge_redis_node.h"
#include "redis/ngx_edge_redis_slot.h"


#define NGX_EDGE_REDIS_CLUSTER_SOON   100
#define NGX_EDGE_REDIS_CLUSTER_LATER  500
#define NGX_EDGE_REDIS_CLUSTER_MAX    1024


struct ngx_edge_redis_map_s {
    ngx_event_t             timer;       /* of the next question; it is set
                                            while an answer is awaited */
    ngx_uint_t              nodes;       /* connections, resting ones too */
    unsigned                known:1;     /* there was one */
    ngx_edge_redis_conn_t  *slots[NGX_EDGE_REDIS_SLOTS];
};


static void ngx_edge_redis_map_stale(ngx_edge_redis_t *redis,
    ngx_msec_t pause);
static void ngx_edge_redis_map_timer(ngx_event_t *ev);
static void ngx_edge_redis_map_reply(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_edge_redis_map_range(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *range);
static void ngx_edge_redis_map_sort_out(ngx_edge_redis_t *redis);
static ngx_edge_redis_conn_t *ngx_edge_redis_node(ngx_edge_redis_conn_t *rc,
    const ngx_str_t *host, in_port_t port);
static ngx_edge_redis_conn_t *ngx_edge_redis_node_find(
    ngx_edge_redis_t *redis, const ngx_edge_redis_server_t *server);
static ngx_edge_redis_conn_t *ngx_edge_redis_node_add(
    ngx_edge_redis_t *redis, const ngx_edge_redis_server_t *server);
static ngx_edge_redis_conn_t *ngx_edge_redis_cluster_any(
    ngx_edge_redis_t *redis);


ngx_int_t
ngx_edge_redis_cluster_start(ngx_edge_redis_t *redis)
{
    ngx_edge_redis_map_t  *map;

    map = ngx_calloc(sizeof(ngx_edge_redis_map_t), ngx_cycle->log);
    if (map == NULL) {
        return NGX_ERROR;
    }

    map->timer.handler = ngx_edge_redis_map_timer;
    map->timer.data = redis;
    map->timer.log = ngx_cycle->log;
    map->timer.cancelable = 1;

    redis->map = map;

    return NGX_OK;
}


void
ngx_edge_redis_cluster_end(ngx_edge_redis_t *redis)
{
    if (redis->map == NULL) {
        return;
    }

    if (redis->map->timer.timer_set) {
        ngx_del_timer(&redis->map->timer);
    }

    ngx_free(redis->map);
    redis->map = NULL;
}


ngx_edge_redis_conn_t *
ngx_edge_redis_cluster_route(ngx_edge_redis_t *redis, const ngx_str_t *key)
{
    ngx_edge_redis_conn_t  *rc;

    if (!redis->map->known) {
        return NULL;
    }

    if (key->len == 0) {
        return ngx_edge_redis_cluster_any(redis);
    }

    rc = redis->map->slots[ngx_edge_redis_slot(key)];

    if (rc == NULL) {
        ngx_edge_redis_map_stale(redis, NGX_EDGE_REDIS_CLUSTER_LATER);
        return NULL;
    }

    return rc;
}


ngx_edge_redis_conn_t *
ngx_edge_redis_cluster_redirect(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply, ngx_uint_t *ask)
{
    ngx_str_t                   text;
    ngx_edge_redis_conn_t      *node;
    ngx_edge_redis_redirect_t   to;

    if (ngx_edge_redis_reply_is_error(reply, "CLUSTERDOWN")) {
        ngx_edge_redis_map_stale(rc->redis, NGX_EDGE_REDIS_CLUSTER_LATER);
        return NULL;
    }

    ngx_edge_redis_reply_str(reply, &text);

    if (ngx_edge_redis_redirect(&text, &to) != NGX_OK) {
        return NULL;
    }

    node = ngx_edge_redis_node(rc, &to.host, to.port);

    *ask = to.ask;

    if (!to.ask) {
        if (node) {
            rc->redis->map->slots[to.slot] = node;
        }

        ngx_edge_redis_map_stale(rc->redis, NGX_EDGE_REDIS_CLUSTER_SOON);
    }

    return (node && node->state != ngx_edge_redis_st_closed && !node->leaving)
           ? node : NULL;
}


void
ngx_edge_redis_cluster_changed(ngx_edge_redis_conn_t *rc)
{
    ngx_queue_t             *q;
    ngx_edge_redis_t        *redis;
    ngx_edge_redis_conn_t   *node;

    redis = rc->redis;

    if (rc->state == ngx_edge_redis_st_ready) {

        if (!redis->map->known) {
            ngx_edge_redis_map_stale(redis, 1);
        }

        return;
    }

    ngx_edge_redis_map_stale(redis, NGX_EDGE_REDIS_CLUSTER_SOON);

    if (ngx_edge_redis_cluster_any(redis)) {
        return;
    }

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);

        if (node->seed && node != rc) {
            ngx_edge_redis_conn_wake(node);
        }
    }
}


/* Asks for the map after a pause, unless that is to be done anyway. */

static void
ngx_edge_redis_map_stale(ngx_edge_redis_t *redis, ngx_msec_t pause)
{
    ngx_edge_redis_map_t  *map;

    map = redis->map;

    if (!map->timer.timer_set) {
        ngx_add_timer(&map->timer, pause + ngx_random() % pause);
    }
}


static void
ngx_edge_redis_map_timer(ngx_event_t *ev)
{
    ngx_str_t               argv[2];
    ngx_edge_redis_t       *redis;
    ngx_edge_redis_conn_t  *rc;

    redis = ev->data;

    rc = ngx_edge_redis_cluster_any(redis);

    ngx_str_set(&argv[0], "CLUSTER");
    ngx_str_set(&argv[1], "SLOTS");

    if (rc == NULL
        || ngx_edge_redis_send_own(rc, ngx_edge_redis_map_reply, 2, argv)
           != NGX_OK)
    {
        ngx_edge_redis_map_stale(redis, NGX_EDGE_REDIS_CLUSTER_LATER);
        return;
    }

    /* when no answer comes, some other server is asked */

    ngx_add_timer(ev, NGX_EDGE_REDIS_CLUSTER_LATER);
}


static void
ngx_edge_redis_map_reply(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_uint_t              i, n;
    ngx_queue_t            *q;
    ngx_edge_redis_t       *redis;
    ngx_edge_redis_map_t   *map;
    ngx_edge_redis_conn_t  *node;

    redis = rc->redis;
    map = redis->map;

    if (map->timer.timer_set) {
        ngx_del_timer(&map->timer);
    }

    n = ngx_edge_redis_reply_count(reply);

    if (n == 0) {

        if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_error) {
            ngx_edge_redis_conn_fail(rc, "it has no map of a cluster", reply);
        }

        ngx_edge_redis_map_stale(redis, NGX_EDGE_REDIS_CLUSTER_LATER);
        return;
    }

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);
        node->mapped = 0;
    }

    ngx_memzero(map->slots, sizeof(map->slots));

    for (i = 0; i < n; i++) {
        if (ngx_edge_redis_map_range(rc, ngx_edge_redis_reply_element(reply,
                                                                      i))
            != NGX_OK)
        {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "edge redis: \"%V\" does not understand a line of "
                          "the map of %V", &redis->name, &rc->server->text);
        }
    }

    map->known = 1;

    ngx_edge_redis_map_sort_out(redis);
}


/* [first, last, [host, port, ...], replicas ...] */

static ngx_int_t
ngx_edge_redis_map_range(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *range)
{
    int64_t                        first, last, port;
    ngx_str_t                      host;
    ngx_edge_redis_conn_t         *node;
    const ngx_edge_redis_reply_t  *server;

    if (ngx_edge_redis_reply_count(range) < 3) {
        return NGX_ERROR;
    }

    server = ngx_edge_redis_reply_element(range, 2);

    if (ngx_edge_redis_reply_count(server) < 2) {
        return NGX_ERROR;
    }

    first = ngx_edge_redis_reply_integer(ngx_edge_redis_reply_element(range,
                                                                      0));
    last = ngx_edge_redis_reply_integer(ngx_edge_redis_reply_element(range,
                                                                     1));
    port = ngx_edge_redis_reply_integer(ngx_edge_redis_reply_element(server,
                                                                     1));
    ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(server, 0), &host);

    if (first < 0 || last < first || last >= NGX_EDGE_REDIS_SLOTS
        || port < 1 || port > 65535)
    {
        return NGX_ERROR;
    }

    node = ngx_edge_redis_node(rc, &host, (in_port_t) port);
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->mapped = 1;

    while (first <= last) {
        rc->redis->map->slots[first++] = node;
    }

    return NGX_OK;
}


/* Connections the map does not name rest; while one it names is not ready,
 * the map is soon another. */

static void
ngx_edge_redis_map_sort_out(ngx_edge_redis_t *redis)
{
    ngx_queue_t            *q;
    ngx_edge_redis_conn_t  *node;

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);

        if (!node->mapped) {
            ngx_edge_redis_conn_rest(node);

        } else if (!ngx_edge_redis_conn_ready(node)) {
            ngx_edge_redis_map_stale(redis, NGX_EDGE_REDIS_CLUSTER_LATER);
        }
    }
}


/* The connection to a server that rc's has named; it is made, or woken.  NULL:
 * that is no server, or there is no memory. */

static ngx_edge_redis_conn_t *
ngx_edge_redis_node(ngx_edge_redis_conn_t *rc, const ngx_str_t *host,
    in_port_t port)
{
    ngx_addr_t                addr;
    ngx_sockaddr_t            sockaddr;
    ngx_edge_redis_conn_t    *node;
    ngx_edge_redis_server_t   server;

    ngx_memzero(&server, sizeof(ngx_edge_redis_server_t));

    server.port = port;
    server.host = *host;

    if (host->len == 0 || (host->len == 1 && host->data[0] == '?')) {

        /* a server may not know by which name it is known */

        server.host = rc->server->host;
        server.addr = rc->server->addr;

        if (server.host.len == 0) {
            if (server.addr.sockaddr->sa_family == AF_UNIX) {
                return NULL;
            }

            ngx_memcpy(&sockaddr, server.addr.sockaddr, server.addr.socklen);
            server.addr.sockaddr = &sockaddr.sockaddr;
            ngx_inet_set_port(server.addr.sockaddr, port);
        }

    } else if (!ngx_edge_redis_is_host(host)) {
        return NULL;

    } else if (ngx_edge_redis_parse_addr(&addr, &sockaddr, host) == NGX_OK) {
        ngx_inet_set_port(addr.sockaddr, port);
        ngx_str_null(&server.host);
        server.addr = addr;
    }

    node = ngx_edge_redis_node_find(rc->redis, &server);

    if (node == NULL) {
        node = ngx_edge_redis_node_add(rc->redis, &server);
    }

    if (node) {
        ngx_edge_redis_conn_wake(node);
    }

    return node;
}


static ngx_edge_redis_conn_t *
ngx_edge_redis_node_find(ngx_edge_redis_t *redis,
    const ngx_edge_redis_server_t *server)
{
    ngx_queue_t              *q;
    ngx_edge_redis_conn_t    *node;
    ngx_edge_redis_server_t  *other;

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);
        other = node->server;

        if (other->host.len != server->host.len) {
            continue;
        }

        if (server->host.len == 0) {
            if (ngx_cmp_sockaddr(other->addr.sockaddr, other->addr.socklen,
                                 server->addr.sockaddr, server->addr.socklen,
                                 1)
                == NGX_OK)
            {
                return node;
            }

            continue;
        }

        if (other->port == server->port
            && ngx_strncasecmp(other->host.data, server->host.data,
                               server->host.len)
               == 0)
        {
            return node;
        }
    }

    return NULL;
}


static ngx_edge_redis_conn_t *
ngx_edge_redis_node_add(ngx_edge_redis_t *redis,
    const ngx_edge_redis_server_t *server)
{
    ngx_queue_t            *q;
    ngx_edge_redis_conn_t  *node;

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);

        if (!node->seed && node->resting
            && node->state == ngx_edge_redis_st_closed)
        {
            ngx_edge_redis_conn_name(node, server);
            return node;
        }
    }

    if (redis->map->nodes == NGX_EDGE_REDIS_CLUSTER_MAX) {
        return NULL;
    }

    node = ngx_edge_redis_conn_create(redis);
    if (node == NULL) {
        return NULL;
    }

    redis->map->nodes++;

    ngx_edge_redis_conn_name(node, server);

    return node;
}


/* A random one, so that no server has all the work of those without keys. */

static ngx_edge_redis_conn_t *
ngx_edge_redis_cluster_any(ngx_edge_redis_t *redis)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_edge_redis_conn_t  *node, *any;

    n = 0;
    any = NULL;

    for (q = ngx_queue_head(&redis->conns);
         q != ngx_queue_sentinel(&redis->conns);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_edge_redis_conn_t, queue);

        if (ngx_edge_redis_conn_ready(node) && ngx_random() % ++n == 0) {
            any = node;
        }
    }

    return any;
}
