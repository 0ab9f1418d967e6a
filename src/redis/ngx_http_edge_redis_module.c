
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive edge_redis: blocks by name, and their life with the worker.
 * A feature may name a block before it is read; that none stays unread is
 * seen to when the whole configuration was.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "redis/ngx_edge_redis_block.h"
#include "redis/ngx_http_edge_redis.h"
#include "secret/ngx_http_edge_secret_api.h"


/* A lost question is not asked again by the resolver before 5 seconds. */
#define NGX_HTTP_EDGE_REDIS_RESOLVE  2000


typedef struct {
    ngx_array_t   blocks;    /* of ngx_http_edge_redis_block_t * */
} ngx_http_edge_redis_main_conf_t;


static void *ngx_http_edge_redis_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_edge_redis_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_int_t ngx_http_edge_redis_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_redis_secret(ngx_conf_t *cf,
    ngx_http_edge_redis_block_t *block);
static ngx_int_t ngx_http_edge_redis_resolver(ngx_conf_t *cf,
    ngx_edge_redis_t *redis);
static char *ngx_http_edge_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_edge_redis_block_t *ngx_http_edge_redis_named(ngx_conf_t *cf,
    ngx_http_edge_redis_main_conf_t *rmcf, const ngx_str_t *name);
static ngx_int_t ngx_http_edge_redis_init_process(ngx_cycle_t *cycle);
static void ngx_http_edge_redis_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_edge_redis_commands[] = {

    { ngx_string("edge_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_edge_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_redis_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_redis_postconfiguration, /* postconfiguration */

    ngx_http_edge_redis_create_main_conf,  /* create main configuration */
    ngx_http_edge_redis_init_main_conf,    /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_redis_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_redis_module_ctx,       /* module context */
    ngx_http_edge_redis_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_edge_redis_init_process,      /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_edge_redis_exit_process,      /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_edge_redis_t *
ngx_edge_redis_by_name(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_edge_redis_block_t      *block;
    ngx_http_edge_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_redis_module);

    block = ngx_http_edge_redis_named(cf, rmcf, name);

    return block ? &block->redis : NULL;
}


static void *
ngx_http_edge_redis_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_redis_main_conf_t  *rmcf;

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_redis_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&rmcf->blocks, cf->pool, 1,
                       sizeof(ngx_http_edge_redis_block_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return rmcf;
}


static char *
ngx_http_edge_redis_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_edge_redis_main_conf_t *rmcf = conf;

    ngx_uint_t                     i;
    ngx_http_edge_redis_block_t  **blocks;

    blocks = rmcf->blocks.elts;

    for (i = 0; i < rmcf->blocks.nelts; i++) {

        if (!blocks[i]->defined) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "edge_redis \"%V\" is not defined, but \"%V\" in "
                          "%V:%ui names it", &blocks[i]->redis.name,
                          &blocks[i]->directive, &blocks[i]->file,
                          blocks[i]->line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_redis_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                         i;
    ngx_http_edge_redis_block_t      **blocks;
    ngx_http_edge_redis_main_conf_t   *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_redis_module);
    blocks = rmcf->blocks.elts;

    for (i = 0; i < rmcf->blocks.nelts; i++) {
        if (ngx_http_edge_redis_secret(cf, blocks[i]) != NGX_OK
            || ngx_http_edge_redis_resolver(cf, &blocks[i]->redis) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_redis_secret(ngx_conf_t *cf, ngx_http_edge_redis_block_t *block)
{
    const ngx_str_t  *value;

    if (block->secret.len == 0) {
        return NGX_OK;
    }

    value = ngx_http_edge_secret_value(cf->cycle, &block->secret);

    if (value == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "edge_redis \"%V\" has a \"password\" that is no "
                      "\"edge_secret\"", &block->redis.name);
        return NGX_ERROR;
    }

    block->redis.password = *value;

    return NGX_OK;
}


/* The resolver of the http block; a name of the configuration needs one, the
 * names that a cluster tells may do. */

static ngx_int_t
ngx_http_edge_redis_resolver(ngx_conf_t *cf, ngx_edge_redis_t *redis)
{
    ngx_uint_t                 i;
    ngx_edge_redis_server_t   *servers;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    redis->resolver_timeout = NGX_HTTP_EDGE_REDIS_RESOLVE;

    if (clcf->resolver_timeout != NGX_CONF_UNSET_MSEC) {
        redis->resolver_timeout = ngx_min(clcf->resolver_timeout,
                                          NGX_HTTP_EDGE_REDIS_RESOLVE);
    }

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        redis->resolver = clcf->resolver;
        return NGX_OK;
    }

    servers = redis->servers.elts;

    for (i = 0; i < redis->servers.nelts; i++) {

        if (servers[i].host.len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "edge_redis \"%V\" has a \"server\" with a name, "
                          "\"%V\", and the http block has no \"resolver\"",
                          &redis->name, &servers[i].text);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static char *
ngx_http_edge_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_redis_main_conf_t *rmcf = conf;

    char                         *rv;
    ngx_str_t                    *arg;
    ngx_http_edge_redis_block_t  *block;

    arg = cf->args->elts;

    if (arg[1].len == 0) {
        return "has an empty name";
    }

    block = ngx_http_edge_redis_named(cf, rmcf, &arg[1]);
    if (block == NULL) {
        return NGX_CONF_ERROR;
    }

    if (block->defined) {
        return "is duplicate";
    }

    block->defined = 1;

    if (ngx_http_edge_redis_conf_init(cf, block) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_edge_conf_block(cf, ngx_http_edge_redis_block_commands,
                                  block);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_edge_redis_conf_done(cf, block) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* The block of that name; a new one remembers who has asked. */

static ngx_http_edge_redis_block_t *
ngx_http_edge_redis_named(ngx_conf_t *cf,
    ngx_http_edge_redis_main_conf_t *rmcf, const ngx_str_t *name)
{
    ngx_str_t                     *arg;
    ngx_uint_t                     i;
    ngx_http_edge_redis_block_t  **blocks, *block;

    blocks = rmcf->blocks.elts;

    for (i = 0; i < rmcf->blocks.nelts; i++) {
        if (blocks[i]->redis.name.len == name->len
            && ngx_memcmp(blocks[i]->redis.name.data, name->data, name->len)
               == 0)
        {
            return blocks[i];
        }
    }

    block = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_redis_block_t));
    blocks = ngx_array_push(&rmcf->blocks);

    if (block == NULL || blocks == NULL) {
        return NULL;
    }

    *blocks = block;

    /* the name may be a part of memory that is the caller's */

    block->redis.name.data = ngx_pstrdup(cf->pool, (ngx_str_t *) name);
    if (block->redis.name.data == NULL) {
        return NULL;
    }

    block->redis.name.len = name->len;

    arg = cf->args->elts;
    block->directive = arg[0];
    block->file = cf->conf_file->file.name;
    block->line = cf->conf_file->line;

    return block;
}


static ngx_int_t
ngx_http_edge_redis_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                         i;
    ngx_http_edge_redis_block_t      **blocks;
    ngx_http_edge_redis_main_conf_t   *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_edge_redis_module);

    /* no http block; or a helper of the cache, which serves nobody */

    if (rmcf == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    blocks = rmcf->blocks.elts;

    for (i = 0; i < rmcf->blocks.nelts; i++) {
        if (ngx_edge_redis_start(&blocks[i]->redis, cycle) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_edge_redis_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                         i;
    ngx_http_edge_redis_block_t      **blocks;
    ngx_http_edge_redis_main_conf_t   *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_edge_redis_module);
    if (rmcf == NULL) {
        return;
    }

    blocks = rmcf->blocks.elts;

    for (i = 0; i < rmcf->blocks.nelts; i++) {
        ngx_edge_redis_end(&blocks[i]->redis);
    }
}
