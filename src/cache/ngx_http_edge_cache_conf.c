
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading of the cache's directives, and the zones.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_http_edge_conf.h"


#define NGX_HTTP_EDGE_CACHE_ZONE_MIN   (64 * 1024)
#define NGX_HTTP_EDGE_CACHE_BLIND      60000  /* ms without word of purges */
#define NGX_HTTP_EDGE_CACHE_BLIND_MIN  2000


/* Takes the lock KEYS[1], with a token for so many ms, to make the entry
 * KEYS[2], if that still begins as ARGV[3] says ('-': whatever it is).  1: has
 * it; 2: the entry is another one; 0: the lock is another's. */
static const ngx_str_t  ngx_http_edge_cache_lock_script = ngx_string(
    "if ARGV[3]~='-' and redis.call('GETRANGE',KEYS[2],0,7)~=ARGV[3] then"
    " return 2 end "
    "if redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then"
    " return 1 end "
    "return 0");

/* Renews a lock that is still the token's, or with 0 gives it up. */
static const ngx_str_t  ngx_http_edge_cache_renew_script = ngx_string(
    "if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end "
    "if ARGV[2]=='0' then return redis.call('DEL',KEYS[1]) end "
    "return redis.call('PEXPIRE',KEYS[1],ARGV[2])");

/* The version at KEYS[1].  A Redis that takes no changes refuses to say it, as
 * it would refuse another instance's change: what it has may be old. */
static const ngx_str_t  ngx_http_edge_cache_ask_script = ngx_string(
    "redis.call('PERSIST',KEYS[1]) "
    "return redis.call('GET',KEYS[1])");

/* The version at KEYS[1] if it is greater than ARGV[1]; else, or in any case if
 * ARGV[2] is 1, a greater one than both, from now on.  Versions are the time in
 * microseconds, as 16 hexadecimal digits.  Where the clock is behind them, part
 * of it is added, so that a number whose loss nobody saw is not given again. */
static const ngx_str_t  ngx_http_edge_cache_agree_script = ngx_string(
    "local function text(n) return string.format('%016x',n) end "
    "local c=redis.call('GET',KEYS[1]) "
    "local n=c and tonumber(c,16) or 0 "
    "if n>=2^53 or c~=text(n) then n=0 end "
    "local f=tonumber(ARGV[1],16) "
    "if ARGV[2]=='0' and n>f then return c end "
    "local t=redis.call('TIME') "
    "c=text(math.max(t[1]*1000000+t[2],n+1+t[2],f+1+t[2])) "
    "redis.call('SET',KEYS[1],c) "
    "return c");


static char *ngx_http_edge_cache_zone_size(ngx_conf_t *cf,
    const ngx_str_t *text, ngx_str_t *name, size_t *size);
static char *ngx_http_edge_cache_zone_redis(ngx_conf_t *cf,
    ngx_http_edge_cache_zone_t *zone, const ngx_str_t *redis);
static ngx_int_t ngx_http_edge_cache_init_zone(ngx_shm_zone_t *shm,
    void *data);


char *
ngx_http_edge_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cache_main_conf_t *cmcf = conf;

    size_t                        size;
    ngx_str_t                    *value, text, name, redis;
    ngx_uint_t                    i;
    ngx_msec_t                    blind;
    ngx_http_edge_cache_zone_t   *zone, **p;

    value = cf->args->elts;
    size = 0;
    blind = 0;
    ngx_str_null(&name);
    ngx_str_null(&redis);

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&value[i], "zone", &text)
            && name.len == 0)
        {
            if (ngx_http_edge_cache_zone_size(cf, &text, &name, &size)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_edge_conf_param(&value[i], "redis", &text)
            && text.len && redis.len == 0)
        {
            redis = text;
            continue;
        }

        if (ngx_http_edge_conf_param(&value[i], "blind", &text)
            && blind == 0)
        {
            if (ngx_http_edge_conf_msec(cf, &text, &blind) != NGX_CONF_OK) {
                return NGX_CONF_ERROR;
            }

            if (blind >= NGX_HTTP_EDGE_CACHE_BLIND_MIN) {
                continue;
            }
        }

        return ngx_http_edge_conf_invalid(cf, &value[i]);
    }

    if (name.len == 0) {
        return "must have the \"zone\" parameter";
    }

    if (ngx_http_edge_cache_by_name(cmcf, &name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate edge_cache_zone \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_cache_zone_t));
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->name = name;

    zone->blind = blind ? blind : NGX_HTTP_EDGE_CACHE_BLIND;

    if (redis.len) {
        if (ngx_http_edge_cache_zone_redis(cf, zone, &redis) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

    } else if (blind) {
        return "has \"blind\" without \"redis\"";
    }

    zone->shm = ngx_shared_memory_add(cf, &name, size,
                                      &ngx_http_edge_cache_module);
    if (zone->shm == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->shm->init = ngx_http_edge_cache_init_zone;
    zone->shm->data = zone;

    p = ngx_array_push(&cmcf->zones);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    *p = zone;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_cache_zone_redis(ngx_conf_t *cf,
    ngx_http_edge_cache_zone_t *zone, const ngx_str_t *redis)
{
    zone->redis = ngx_edge_redis_by_name(cf, redis);

    if (zone->redis == NULL
        || ngx_http_edge_cache_sync_init(cf, zone) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_edge_redis_script_init(&zone->lock, &ngx_http_edge_cache_lock_script);
    ngx_edge_redis_script_init(&zone->renew,
                               &ngx_http_edge_cache_renew_script);
    ngx_edge_redis_script_init(&zone->ask, &ngx_http_edge_cache_ask_script);
    ngx_edge_redis_script_init(&zone->agree,
                               &ngx_http_edge_cache_agree_script);

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_cache_zone_size(ngx_conf_t *cf, const ngx_str_t *text,
    ngx_str_t *name, size_t *size)
{
    u_char     *p;
    ssize_t     n;
    ngx_str_t   s;

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p == NULL || p == text->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", must be name:size", text);
        return NGX_CONF_ERROR;
    }

    name->data = text->data;
    name->len = p - text->data;

    s.data = p + 1;
    s.len = text->data + text->len - s.data;

    n = ngx_parse_size(&s);

    if (n < NGX_HTTP_EDGE_CACHE_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" needs a size of at least 64k", text);
        return NGX_CONF_ERROR;
    }

    *size = n;

    return NGX_CONF_OK;
}


ngx_http_edge_cache_zone_t *
ngx_http_edge_cache_by_name(ngx_http_edge_cache_main_conf_t *cmcf,
    const ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_edge_cache_zone_t  **zone;

    zone = cmcf->zones.elts;

    for (i = 0; i < cmcf->zones.nelts; i++) {
        if (zone[i]->name.len == name->len
            && ngx_strncmp(zone[i]->name.data, name->data, name->len) == 0)
        {
            return zone[i];
        }
    }

    return NULL;
}


/* Entries stay over a reload. */

static ngx_int_t
ngx_http_edge_cache_init_zone(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_edge_cache_zone_t *old = data;

    ngx_slab_pool_t             *shpool;
    ngx_http_edge_cache_zone_t  *zone;

    zone = shm->data;
    shpool = (ngx_slab_pool_t *) shm->shm.addr;

    if (old) {
        zone->l1 = old->l1;

    } else if (shm->shm.exists) {
        zone->l1 = shpool->data;

    } else {
        zone->l1 = ngx_edge_cache_l1_create(shpool, shm->shm.size);
    }

    if (zone->l1 == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "edge_cache_zone \"%V\" is too small", &zone->name);
        return NGX_ERROR;
    }

    shpool->data = zone->l1;

    zone->sync.reader = ngx_edge_cache_purges_reader(
                                         ngx_edge_cache_l1_purges(zone->l1));
    return NGX_OK;
}


char *
ngx_http_edge_cache_name(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cache_loc_conf_t *clcf = conf;

    ngx_str_t  *value;

    if (clcf->name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    clcf->name = value[1];

    if (value[1].len == 3 && ngx_strncmp(value[1].data, "off", 3) == 0) {
        clcf->name.len = 0;

    } else if (value[1].len == 0) {
        return ngx_http_edge_conf_invalid(cf, &value[1]);
    }

    return NGX_CONF_OK;
}


/* [code ...] time, as proxy_cache_valid: no code means 200, 301 and 302. */

char *
ngx_http_edge_cache_valid(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cache_loc_conf_t *clcf = conf;

    time_t                        valid;
    ngx_int_t                     status;
    ngx_str_t                    *value;
    ngx_uint_t                    i, n;
    ngx_http_edge_cache_valid_t  *v;

    static const ngx_uint_t       usual[] = { 200, 301, 302 };

    if (clcf->valid == NGX_CONF_UNSET_PTR) {
        clcf->valid = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_edge_cache_valid_t));
        if (clcf->valid == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;
    n = cf->args->nelts - 1;

    valid = ngx_parse_time(&value[n], 1);

    if (valid == (time_t) NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid time \"%V\" in "
                           "\"edge_cache_valid\" directive", &value[n]);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < ((n == 1) ? 4 : n); i++) {

        if (n == 1) {
            status = usual[i - 1];

        } else if (ngx_strcmp(value[i].data, "any") == 0) {
            status = 0;

        } else {
            status = ngx_atoi(value[i].data, value[i].len);

            if (status < 200 || status > 599 || status == 206
                || status == 304)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "status \"%V\" cannot be cached",
                                   &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        v = ngx_array_push(clcf->valid);
        if (v == NULL) {
            return NGX_CONF_ERROR;
        }

        v->status = status;
        v->valid = valid;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_edge_cache_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cache_loc_conf_t *clcf = conf;

    ngx_str_t  *value;

    if (clcf->scope != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "tenant") == 0) {
        clcf->scope = NGX_HTTP_EDGE_CACHE_TENANT;

    } else if (ngx_strcmp(value[1].data, "user") == 0) {
        clcf->scope = NGX_HTTP_EDGE_CACHE_USER;

    } else {
        return ngx_http_edge_conf_invalid(cf, &value[1]);
    }

    clcf->scope_written = 1;

    return NGX_CONF_OK;
}
