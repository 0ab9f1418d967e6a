
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive auth_jwt_revoke as it is written, and the shared zone of each
 * list.  A list belongs to an edge_redis block: all directives that name the
 * block share it, and have to agree on what is the list's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"
#include "lib/ngx_http_edge_conf.h"


#define NGX_HTTP_EDGE_AUTH_REVOKE_ENTRY     256    /* bytes for one in a zone */

/* defaults, in milliseconds */
#define NGX_HTTP_EDGE_AUTH_REVOKE_INTERVAL  5000
#define NGX_HTTP_EDGE_AUTH_REVOKE_STALE     60000


/* The parameters as written. */
typedef struct {
    ngx_str_t    redis;
    ngx_msec_t   interval;
    ngx_msec_t   stale;
    ngx_str_t    on_error;
    size_t       size;
} ngx_http_edge_auth_revoke_args_t;


static char *ngx_http_edge_auth_revoke_args(ngx_conf_t *cf,
    ngx_http_edge_auth_revoke_args_t *args);
static char *ngx_http_edge_auth_revoke_arg(ngx_conf_t *cf,
    ngx_http_edge_auth_revoke_args_t *args, ngx_str_t *arg);
static ngx_http_edge_auth_revoke_t *ngx_http_edge_auth_revoke_list(
    ngx_conf_t *cf, const ngx_http_edge_auth_revoke_args_t *args);
static ngx_int_t ngx_http_edge_auth_revoke_zone_init(ngx_shm_zone_t *zone,
    void *data);
static ngx_http_edge_auth_revoke_shared_t *ngx_http_edge_auth_revoke_shared(
    ngx_shm_zone_t *zone);


static ngx_str_t  ngx_http_edge_auth_revoke_prefix =
    ngx_string("auth_jwt_revoke ");


char *
ngx_http_edge_auth_revoke(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t                         *value;
    ngx_http_edge_auth_main_conf_t    *amcf;
    ngx_http_edge_auth_revoke_args_t   args;
    ngx_http_edge_auth_revoke_conf_t  *rcf;

    if (alcf->revoke != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        alcf->revoke = NULL;
        return NGX_CONF_OK;
    }

    if (ngx_http_edge_auth_revoke_args(cf, &args) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    rcf = ngx_palloc(cf->pool, sizeof(ngx_http_edge_auth_revoke_conf_t));
    if (rcf == NULL) {
        return NGX_CONF_ERROR;
    }

    rcf->open = (args.on_error.len == sizeof("open") - 1);

    rcf->list = ngx_http_edge_auth_revoke_list(cf, &args);
    if (rcf->list == NULL) {
        return NGX_CONF_ERROR;
    }

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_auth_module);

    rcf->list->hash = amcf->hash;
    alcf->revoke = rcf;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_auth_revoke_args(ngx_conf_t *cf,
    ngx_http_edge_auth_revoke_args_t *args)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    ngx_memzero(args, sizeof(ngx_http_edge_auth_revoke_args_t));

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_edge_auth_revoke_arg(cf, args, &value[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (args->redis.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_jwt_revoke\" needs redis=<name of an "
                           "edge_redis block>");
        return NGX_CONF_ERROR;
    }

    if (args->interval == 0) {
        args->interval = NGX_HTTP_EDGE_AUTH_REVOKE_INTERVAL;
    }

    if (args->stale == 0) {
        args->stale = ngx_max(NGX_HTTP_EDGE_AUTH_REVOKE_STALE,
                             3 * args->interval);
    }

    if (args->stale < 3 * args->interval) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "stale of \"auth_jwt_revoke\" must be at least "
                           "three times its interval");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_auth_revoke_arg(ngx_conf_t *cf,
    ngx_http_edge_auth_revoke_args_t *args, ngx_str_t *arg)
{
    ssize_t    size;
    ngx_str_t  value;

    if (ngx_http_edge_conf_param(arg, "redis", &args->redis)) {
        return args->redis.len ? NGX_CONF_OK
                               : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "interval", &value)) {

        if (ngx_http_edge_conf_msec(cf, &value, &args->interval)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        return args->interval >= 100 && args->interval <= 600000
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "stale", &value)) {

        if (ngx_http_edge_conf_msec(cf, &value, &args->stale) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        return args->stale >= 1000 && args->stale <= 86400000
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "on_error", &args->on_error)) {
        return ngx_strcmp(args->on_error.data, "open") == 0
               || ngx_strcmp(args->on_error.data, "closed") == 0
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "size", &value)) {
        size = ngx_parse_size(&value);

        if (size < (ssize_t) (8 * ngx_pagesize)) {
            return ngx_http_edge_conf_invalid(cf, arg);
        }

        args->size = size;
        return NGX_CONF_OK;
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


static ngx_http_edge_auth_revoke_t *
ngx_http_edge_auth_revoke_list(ngx_conf_t *cf,
    const ngx_http_edge_auth_revoke_args_t *args)
{
    ngx_str_t                     name;
    ngx_shm_zone_t               *zone;
    ngx_http_edge_auth_revoke_t  *list;

    name.len = ngx_http_edge_auth_revoke_prefix.len + args->redis.len;

    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NULL;
    }

    (void) ngx_sprintf(name.data, "%V%V", &ngx_http_edge_auth_revoke_prefix,
                       &args->redis);

    zone = ngx_shared_memory_add(cf, &name, args->size ? args->size
                                                       : 1024 * 1024,
                                 &ngx_http_edge_auth_revoke_prefix);
    if (zone == NULL) {
        return NULL;
    }

    list = zone->data;

    if (list) {

        if (list->interval != args->interval || list->stale != args->stale) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"auth_jwt_revoke redis=%V\" has another "
                               "interval or stale elsewhere", &args->redis);
            return NULL;
        }

        return list;
    }

    list = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_auth_revoke_t));
    if (list == NULL) {
        return NULL;
    }

    list->redis_name = args->redis;
    list->interval = args->interval;
    list->stale = args->stale;

    list->redis = ngx_edge_redis_by_name(cf, &args->redis);
    if (list->redis == NULL) {
        return NULL;
    }

    zone->init = ngx_http_edge_auth_revoke_zone_init;
    zone->data = list;

    return list;
}


ngx_http_edge_auth_revoke_t *
ngx_http_edge_auth_revoke_of_zone(ngx_shm_zone_t *zone)
{
    return zone->tag == &ngx_http_edge_auth_revoke_prefix ? zone->data : NULL;
}


static ngx_int_t
ngx_http_edge_auth_revoke_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_edge_auth_revoke_t         *list;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    list = zone->data;
    list->pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data || zone->shm.exists) {
        sh = list->pool->data;

    } else {
        sh = ngx_http_edge_auth_revoke_shared(zone);
        if (sh == NULL) {
            return NGX_ERROR;
        }
    }

    list->shared = sh;

    /* the Redis may be another one: read all of it, at once */

    ngx_shmtx_lock(&list->pool->mutex);

    sh->last_msec = 0;
    sh->last_seq = 0;
    sh->owner = 0;
    sh->due = ngx_current_msec;
    sh->wanted = sh->due;

    ngx_shmtx_unlock(&list->pool->mutex);

    return NGX_OK;
}


static ngx_http_edge_auth_revoke_shared_t *
ngx_http_edge_auth_revoke_shared(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t                     *pool;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    sh = ngx_slab_calloc_locked(pool,
                                sizeof(ngx_http_edge_auth_revoke_shared_t));
    if (sh) {
        sh->revoked = ngx_edge_revoked_create(pool, zone->shm.size
                                           / NGX_HTTP_EDGE_AUTH_REVOKE_ENTRY);
    }

    ngx_shmtx_unlock(&pool->mutex);

    if (sh == NULL || sh->revoked == NULL) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "zone \"%V\" is too small", &zone->shm.name);
        return NULL;
    }

    pool->data = sh;

    return sh;
}
