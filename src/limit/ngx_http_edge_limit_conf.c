
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How "edge_limit_zone" and "edge_limit" read, and a zone's life over a
 * reload.  Knows no request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "limit/ngx_http_edge_limit.h"


#define NGX_HTTP_EDGE_LIMIT_BURST_MAX  1000000000
#define NGX_HTTP_EDGE_LIMIT_REPLICAS   1000

/* The values of mode. */
#define NGX_HTTP_EDGE_LIMIT_EXACT      1
#define NGX_HTTP_EDGE_LIMIT_BY_LEASE   2


/* Parameters of a zone that are about Redis. */
typedef struct {
    ngx_edge_redis_t  *redis;
    ngx_uint_t         mode;           /* NGX_HTTP_EDGE_LIMIT_*; 0: not said */
    ngx_uint_t         on_error;
    ngx_uint_t         replicas;       /* 0: not said */
    ngx_uint_t         on_error_said;
    ngx_uint_t         said;           /* any of them but redis */
} ngx_http_edge_limit_redis_t;


static char *ngx_http_edge_limit_redis_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_limit_redis_t *redis);
static char *ngx_http_edge_limit_on_error(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_str_t *value, ngx_http_edge_limit_redis_t *redis);
static char *ngx_http_edge_limit_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_edge_limit_zone_t **zone, ssize_t *size);
static ngx_uint_t ngx_http_edge_limit_zone_name(const ngx_str_t *name);
static ngx_http_edge_limit_zone_t *ngx_http_edge_limit_find_zone(
    ngx_conf_t *cf, const ngx_str_t *name);
static ngx_int_t ngx_http_edge_limit_init_zone(ngx_shm_zone_t *shm,
    void *data);
static char *ngx_http_edge_limit_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_limit_policy_t *policy, ngx_uint_t *cut);
static char *ngx_http_edge_limit_value(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *value, ngx_http_edge_limit_policy_t *policy);
static char *ngx_http_edge_limit_check(ngx_conf_t *cf,
    ngx_http_edge_limit_policy_t *policy);
static char *ngx_http_edge_limit_constant(ngx_conf_t *cf,
    ngx_http_edge_limit_policy_t *policy);
static char *ngx_http_edge_limit_add(ngx_conf_t *cf, ngx_array_t *policies,
    ngx_http_edge_limit_policy_t *policy);


char *
ngx_http_edge_limit_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                            size;
    ngx_str_t                         *arg, value;
    ngx_uint_t                         i;
    ngx_shm_zone_t                    *shm;
    ngx_http_edge_limit_zone_t        *zone;
    ngx_http_edge_limit_redis_t        redis;
    ngx_http_compile_complex_value_t   ccv;

    arg = cf->args->elts;
    zone = NULL;
    size = 0;
    ngx_memzero(&redis, sizeof(ngx_http_edge_limit_redis_t));

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&arg[i], "zone", &value)
            && zone == NULL)
        {
            if (ngx_http_edge_limit_zone_param(cf, &value, &zone, &size)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_edge_limit_redis_param(cf, &arg[i], &redis)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (zone == NULL) {
        return "needs a \"zone\" parameter";
    }

    if (redis.redis == NULL && redis.said) {
        return "has \"mode\", \"on_error\" or \"replicas\" and no \"redis\"";
    }

    zone->redis = redis.redis;
    zone->on_error = redis.on_error;
    zone->replicas = ngx_max(redis.replicas, 1);
    zone->lease = (redis.mode == NGX_HTTP_EDGE_LIMIT_BY_LEASE);

    if (arg[1].len == 0) {
        return "needs a key";
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &arg[1];
    ccv.complex_value = &zone->key;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    shm = ngx_shared_memory_add(cf, &zone->name, size,
                                &ngx_http_edge_limit_module);
    if (shm == NULL) {
        return NGX_CONF_ERROR;
    }

    shm->init = ngx_http_edge_limit_init_zone;
    shm->data = zone;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_limit_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_edge_limit_zone_t **zone, ssize_t *size)
{
    u_char     *p;
    ngx_str_t   name, text;

    p = ngx_strlchr(value->data, value->data + value->len, ':');

    if (p == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_limit_zone\" needs \"zone=name:size\"");
        return NGX_CONF_ERROR;
    }

    name.data = value->data;
    name.len = p - value->data;
    text.data = p + 1;
    text.len = value->len - name.len - 1;

    if (!ngx_http_edge_limit_zone_name(&name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone name \"%V\" in "
                           "\"edge_limit_zone\", must be 1 to 64 of "
                           "A-Z a-z 0-9 . _ -", &name);
        return NGX_CONF_ERROR;
    }

    *size = ngx_parse_size(&text);

    if (*size == NGX_ERROR || *size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" in \"edge_limit_zone\", "
                           "must be at least %uz", &text, 8 * ngx_pagesize);
        return NGX_CONF_ERROR;
    }

    *zone = ngx_http_edge_limit_find_zone(cf, &name);

    if (*zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if ((*zone)->key.value.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" in \"edge_limit_zone\" is duplicate",
                           &name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_limit_redis_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_limit_redis_t *redis)
{
    ngx_str_t  value;

    if (ngx_http_edge_conf_param(arg, "redis", &value)
        && redis->redis == NULL && value.len)
    {
        redis->redis = ngx_edge_redis_by_name(cf, &value);
        return redis->redis ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    redis->said = 1;

    if (ngx_http_edge_conf_param(arg, "mode", &value) && !redis->mode) {

        if (ngx_strcmp(value.data, "lease") == 0) {
            redis->mode = NGX_HTTP_EDGE_LIMIT_BY_LEASE;
            return NGX_CONF_OK;
        }

        if (ngx_strcmp(value.data, "exact") == 0) {
            redis->mode = NGX_HTTP_EDGE_LIMIT_EXACT;
            return NGX_CONF_OK;
        }
    }

    if (ngx_http_edge_conf_param(arg, "on_error", &value)
        && !redis->on_error_said)
    {
        redis->on_error_said = 1;
        return ngx_http_edge_limit_on_error(cf, arg, &value, redis);
    }

    if (ngx_http_edge_conf_param(arg, "replicas", &value)
        && redis->replicas == 0)
    {
        return ngx_http_edge_conf_uint(cf, &value, 1,
                                       NGX_HTTP_EDGE_LIMIT_REPLICAS,
                                       &redis->replicas);
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


static char *
ngx_http_edge_limit_on_error(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_str_t *value, ngx_http_edge_limit_redis_t *redis)
{
    if (ngx_strcmp(value->data, "local") == 0) {
        redis->on_error = NGX_HTTP_EDGE_LIMIT_LOCAL;

    } else if (ngx_strcmp(value->data, "open") == 0) {
        redis->on_error = NGX_HTTP_EDGE_LIMIT_OPEN;

    } else if (ngx_strcmp(value->data, "closed") == 0) {
        redis->on_error = NGX_HTTP_EDGE_LIMIT_CLOSED;

    } else {
        return ngx_http_edge_conf_invalid(cf, arg);
    }

    return NGX_CONF_OK;
}


/* Clients read the name, in a header field. */

static ngx_uint_t
ngx_http_edge_limit_zone_name(const ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-')
        {
            continue;
        }

        return 0;
    }

    return name->len > 0 && name->len <= 64;
}


/* The zone of that name, made at its first mention. */

static ngx_http_edge_limit_zone_t *
ngx_http_edge_limit_find_zone(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t                        i;
    ngx_http_edge_limit_zone_t      **zone;
    ngx_http_edge_limit_main_conf_t  *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_limit_module);

    zone = lmcf->zones.elts;

    for (i = 0; i < lmcf->zones.nelts; i++) {

        if (zone[i]->name.len == name->len
            && ngx_strncmp(zone[i]->name.data, name->data, name->len) == 0)
        {
            return zone[i];
        }
    }

    zone = ngx_array_push(&lmcf->zones);
    if (zone == NULL) {
        return NULL;
    }

    *zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_limit_zone_t));

    if (*zone) {
        (*zone)->name = *name;
    }

    return *zone;
}


static ngx_int_t
ngx_http_edge_limit_init_zone(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_edge_limit_zone_t *old = data;

    ngx_slab_pool_t             *shpool;
    ngx_http_edge_limit_zone_t  *zone;

    zone = shm->data;
    shpool = (ngx_slab_pool_t *) shm->shm.addr;

    if (old) {

        if (zone->key.value.len != old->key.value.len
            || ngx_strncmp(zone->key.value.data, old->key.value.data,
                           zone->key.value.len)
               != 0)
        {
            ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                          "edge_limit_zone \"%V\" has the key \"%V\" now and "
                          "had \"%V\" before: give it another name",
                          &shm->shm.name, &zone->key.value, &old->key.value);
            return NGX_ERROR;
        }

        zone->local = old->local;
        return NGX_OK;
    }

    if (shm->shm.exists) {
        zone->local = shpool->data;
        return NGX_OK;
    }

    zone->local = ngx_edge_limit_local_create(shpool, shm->shm.size);

    if (zone->local == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "zone \"%V\" of \"edge_limit_zone\" is too small",
                      &shm->shm.name);
        return NGX_ERROR;
    }

    shpool->data = zone->local;

    return NGX_OK;
}


char *
ngx_http_edge_limit_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_limit_loc_conf_t *llcf = conf;

    ngx_str_t                     *arg;
    ngx_uint_t                     i, cut;
    ngx_http_edge_limit_policy_t   policy;

    cut = 0;
    arg = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(arg[1].data, "off") == 0) {

        if (llcf->policies != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        llcf->policies = NULL;
        return NGX_CONF_OK;
    }

    if (llcf->policies == NULL) {
        return "is duplicate: it is \"off\" already";
    }

    if (llcf->policies == NGX_CONF_UNSET_PTR) {
        llcf->policies = ngx_array_create(cf->pool, 2,
                                        sizeof(ngx_http_edge_limit_policy_t));
        if (llcf->policies == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    ngx_memzero(&policy, sizeof(ngx_http_edge_limit_policy_t));

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_edge_limit_param(cf, &arg[i], &policy, &cut)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (cut && policy.kind != ngx_http_edge_limit_tokens) {
        return "has \"cut\", which is for \"tokens\" only";
    }

    if (ngx_http_edge_limit_check(cf, &policy) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_limit_add(cf, llcf->policies, &policy);
}


static char *
ngx_http_edge_limit_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_limit_policy_t *policy, ngx_uint_t *cut)
{
    ngx_str_t   value;
    ngx_uint_t  burst;

    if (ngx_http_edge_conf_param(arg, "zone", &value)
        && policy->zone == NULL && value.len)
    {
        policy->zone = ngx_http_edge_limit_find_zone(cf, &value);
        return policy->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_http_edge_conf_param(arg, "requests", &value)) {
        policy->kind = ngx_http_edge_limit_requests;
        return ngx_http_edge_limit_value(cf, arg, &value, policy);
    }

    if (ngx_http_edge_conf_param(arg, "concurrent", &value)) {
        policy->kind = ngx_http_edge_limit_concurrent;
        return ngx_http_edge_limit_value(cf, arg, &value, policy);
    }

    if (ngx_http_edge_conf_param(arg, "tokens", &value)) {
        policy->kind = ngx_http_edge_limit_tokens;
        return ngx_http_edge_limit_value(cf, arg, &value, policy);
    }

    if (ngx_http_edge_conf_param(arg, "cut", &value) && !*cut) {
        *cut = 1;
        policy->cut = (ngx_strcmp(value.data, "on") == 0);

        return (policy->cut || ngx_strcmp(value.data, "off") == 0)
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "burst", &value)
        && policy->burst == 0)
    {
        if (ngx_http_edge_conf_uint(cf, &value, 1,
                                    NGX_HTTP_EDGE_LIMIT_BURST_MAX, &burst)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        policy->burst = burst;
        return NGX_CONF_OK;
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


static char *
ngx_http_edge_limit_value(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value,
    ngx_http_edge_limit_policy_t *policy)
{
    ngx_http_compile_complex_value_t  ccv;

    if (value->len == 0) {
        return ngx_http_edge_conf_invalid(cf, arg);
    }

    if (policy->value.value.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"edge_limit\" is one limit too many: "
                           "give it a line of its own", arg);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = &policy->value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    policy->constant = (policy->value.lengths == NULL);

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_limit_check(ngx_conf_t *cf, ngx_http_edge_limit_policy_t *policy)
{
    if (policy->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_limit\" needs a \"zone\" parameter");
        return NGX_CONF_ERROR;
    }

    if (policy->value.value.data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_limit\" needs a \"requests\", "
                           "\"tokens\" or \"concurrent\" parameter");
        return NGX_CONF_ERROR;
    }

    if (policy->burst && policy->kind != ngx_http_edge_limit_requests) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"burst\" in \"edge_limit\" is for "
                           "\"requests\" only");
        return NGX_CONF_ERROR;
    }

    return policy->constant ? ngx_http_edge_limit_constant(cf, policy)
                            : NGX_CONF_OK;
}


static char *
ngx_http_edge_limit_constant(ngx_conf_t *cf,
    ngx_http_edge_limit_policy_t *policy)
{
    ngx_str_t  *text;

    text = &policy->value.value;

    if (policy->kind == ngx_http_edge_limit_concurrent) {

        if (ngx_http_edge_limit_parse_slots(text, &policy->slots) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number \"%V\" in \"edge_limit\", "
                               "must be between 1 and %d", text,
                               NGX_EDGE_LIMIT_SLOTS);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (ngx_edge_rate_parse(text, ngx_http_edge_limit_unit(policy),
                            &policy->rate)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid rate \"%V\" in \"edge_limit\", must be "
                           "such as \"100%c/s\", with s, m, h or d", text,
                           ngx_http_edge_limit_unit(policy));
        return NGX_CONF_ERROR;
    }

    ngx_edge_gcra_init(&policy->gcra, &policy->rate, policy->burst);

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_edge_limit_parse_slots(const ngx_str_t *text, int64_t *slots)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || n < 1 || n > NGX_EDGE_LIMIT_SLOTS) {
        return NGX_ERROR;
    }

    *slots = n;

    return NGX_OK;
}


/* Those of tokens last, and sorted by the zone's name: whoever locks several
 * does so in this order, also the worker of another configuration. */

static char *
ngx_http_edge_limit_add(ngx_conf_t *cf, ngx_array_t *policies,
    ngx_http_edge_limit_policy_t *policy)
{
    ngx_uint_t                     i, tokens;
    ngx_http_edge_limit_policy_t  *p;

    if (policies->nelts == NGX_HTTP_EDGE_LIMIT_POLICIES) {
        return "is one too many for one location";
    }

    p = policies->elts;

    for (i = 0; i < policies->nelts; i++) {

        /* their states must not be one */

        if (p[i].zone == policy->zone && p[i].kind == policy->kind
            && !(p[i].constant && policy->constant
                 && p[i].rate.window != policy->rate.window))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"edge_limit\" has two limits of one kind in "
                               "zone \"%V\": use two zones, or fixed rates "
                               "over different times", &policy->zone->name);
            return NGX_CONF_ERROR;
        }
    }

    p = ngx_array_push(policies);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    p = policies->elts;

    for (i = policies->nelts - 1; i; i--) {

        tokens = (p[i - 1].kind == ngx_http_edge_limit_tokens);

        if (tokens != (policy->kind == ngx_http_edge_limit_tokens)
            ? !tokens
            : ngx_memn2cmp(p[i - 1].zone->name.data, policy->zone->name.data,
                           p[i - 1].zone->name.len, policy->zone->name.len)
              <= 0)
        {
            break;
        }

        p[i] = p[i - 1];
    }

    p[i] = *policy;

    return NGX_CONF_OK;
}
