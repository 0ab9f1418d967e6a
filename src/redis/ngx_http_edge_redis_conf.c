
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives inside an edge_redis block, and what must hold for it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "redis/ngx_edge_redis_tls.h"
#include "redis/ngx_http_edge_redis.h"


static char *ngx_http_edge_redis_server(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_redis_user(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_redis_password(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_redis_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_redis_tls(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_redis_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static const char *ngx_http_edge_redis_fault(
    const ngx_http_edge_redis_block_t *block);


ngx_command_t  ngx_http_edge_redis_block_commands[] = {

    { ngx_string("server"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_server,
      0,
      0,
      NULL },

    { ngx_string("user"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_user,
      0,
      0,
      NULL },

    { ngx_string("password"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_password,
      0,
      0,
      NULL },

    { ngx_string("database"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_database,
      0,
      0,
      NULL },

    { ngx_string("tls"),
      NGX_CONF_TAKE12,
      ngx_http_edge_redis_tls,
      0,
      0,
      NULL },

    { ngx_string("cluster"),
      NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      0,
      offsetof(ngx_http_edge_redis_block_t, redis.cluster),
      NULL },

    { ngx_string("timeout"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_timeout,
      0,
      offsetof(ngx_http_edge_redis_block_t, redis.timeout),
      NULL },

    { ngx_string("connect_timeout"),
      NGX_CONF_TAKE1,
      ngx_http_edge_redis_timeout,
      0,
      offsetof(ngx_http_edge_redis_block_t, redis.connect_timeout),
      NULL },

      ngx_null_command
};


ngx_int_t
ngx_http_edge_redis_conf_init(ngx_conf_t *cf,
    ngx_http_edge_redis_block_t *block)
{
    block->redis.database = NGX_CONF_UNSET_UINT;
    block->redis.cluster = NGX_CONF_UNSET;
    block->redis.tls = NGX_CONF_UNSET;
    block->redis.timeout = NGX_CONF_UNSET_MSEC;
    block->redis.connect_timeout = NGX_CONF_UNSET_MSEC;

    return ngx_array_init(&block->redis.servers, cf->pool, 1,
                          sizeof(ngx_edge_redis_server_t));
}


ngx_int_t
ngx_http_edge_redis_conf_done(ngx_conf_t *cf,
    ngx_http_edge_redis_block_t *block)
{
    const char        *fault;
    ngx_edge_redis_t  *redis;

    redis = &block->redis;

    ngx_conf_init_uint_value(redis->database, 0);
    ngx_conf_init_value(redis->cluster, 0);
    ngx_conf_init_value(redis->tls, 0);
    ngx_conf_init_msec_value(redis->timeout, 50);
    ngx_conf_init_msec_value(redis->connect_timeout, 250);

    fault = ngx_http_edge_redis_fault(block);

    if (fault) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "edge_redis \"%V\" %s",
                           &redis->name, fault);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const char *
ngx_http_edge_redis_fault(const ngx_http_edge_redis_block_t *block)
{
    ngx_uint_t                i, local;
    const ngx_edge_redis_t   *redis;
    ngx_edge_redis_server_t  *servers;

    redis = &block->redis;
    servers = redis->servers.elts;

    local = 0;

    for (i = 0; i < redis->servers.nelts; i++) {
        local |= (servers[i].host.len == 0
                  && servers[i].addr.sockaddr->sa_family == AF_UNIX);
    }

    if (redis->servers.nelts == 0) {
        return "has no \"server\"";
    }

    if (redis->servers.nelts > 1 && !redis->cluster) {
        return "has several \"server\" without \"cluster on\"";
    }

    if (redis->cluster && redis->database) {
        return "has a \"database\", which a cluster has not";
    }

    if (redis->cluster && local) {
        return "is a cluster and has a \"server\" that is a unix socket";
    }

    if (redis->tls && local) {
        return "has \"tls\" to a unix socket";
    }

    if (redis->user.len && redis->password.len == 0 && block->secret.len == 0)
    {
        return "has a \"user\" without \"password\"";
    }

    return NULL;
}


static char *
ngx_http_edge_redis_server(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_block_t *block = conf;

    ngx_url_t                 u;
    ngx_str_t                *arg;
    ngx_edge_redis_server_t  *server;

    arg = cf->args->elts;

    server = ngx_array_push(&block->redis.servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_edge_redis_server_t));
    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = arg[1];
    u.default_port = 6379;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.uri.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"server\" directive \"%V\"",
                           u.err ? u.err : "invalid address", &arg[1]);
        return NGX_CONF_ERROR;
    }

    server->text = arg[1];
    server->port = u.port;

    if (u.naddrs) {
        server->addr = u.addrs[0];
        return NGX_CONF_OK;
    }

    if (u.host.len > NGX_EDGE_REDIS_HOST_MAX) {
        return "has a name that is too long";
    }

    server->host = u.host;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_redis_user(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_block_t *block = conf;

    ngx_str_t  *arg;

    arg = cf->args->elts;

    if (block->redis.user.len) {
        return "is duplicate";
    }

    if (arg[1].len == 0) {
        return "is empty";
    }

    block->redis.user = arg[1];

    return NGX_CONF_OK;
}


/* Not printed, whatever is wrong with it. */

static char *
ngx_http_edge_redis_password(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_block_t *block = conf;

    ngx_str_t  *arg;

    arg = cf->args->elts;

    if (block->redis.password.len || block->secret.len) {
        return "is duplicate";
    }

    if (arg[1].len == 0) {
        return "is empty";
    }

    if (arg[1].data[0] != '$') {
        block->redis.password = arg[1];
        return NGX_CONF_OK;
    }

    if (arg[1].len == 1) {
        return "names no \"edge_secret\"";
    }

    block->secret.len = arg[1].len - 1;
    block->secret.data = arg[1].data + 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_redis_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_block_t *block = conf;

    ngx_str_t  *arg;

    arg = cf->args->elts;

    if (block->redis.database != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    return ngx_http_edge_conf_uint(cf, &arg[1], 0, 65535,
                                   &block->redis.database);
}


static char *
ngx_http_edge_redis_tls(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_block_t *block = conf;

    ngx_str_t  *arg, ca;

    arg = cf->args->elts;

    if (block->redis.tls != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    ngx_str_null(&ca);

    if (cf->args->nelts == 3
        && (!ngx_http_edge_conf_param(&arg[2], "ca", &ca) || ca.len == 0))
    {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    if (ngx_strcmp(arg[1].data, "on") == 0) {
        block->redis.tls = 1;

        return ngx_edge_redis_tls_init(cf, &block->redis, &ca) == NGX_OK
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strcmp(arg[1].data, "off") == 0 && cf->args->nelts == 2) {
        block->redis.tls = 0;
        return NGX_CONF_OK;
    }

    return ngx_http_edge_conf_invalid(cf, &arg[cf->args->nelts - 1]);
}


static char *
ngx_http_edge_redis_timeout(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t   *arg;
    ngx_msec_t  *msec;

    arg = cf->args->elts;
    msec = (ngx_msec_t *) ((char *) conf + cmd->offset);

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    return ngx_http_edge_conf_msec(cf, &arg[1], msec);
}
