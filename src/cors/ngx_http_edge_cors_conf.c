
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How "edge_cors" reads, and which of its forms would be unsafe or could
 * never match.  Knows no request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cors/ngx_edge_origin.h"
#include "cors/ngx_http_edge_cors.h"
#include "lib/ngx_http_edge_conf.h"


/* in seconds; no browser keeps a preflight's answer for longer than a day */

#define NGX_HTTP_EDGE_CORS_MAX_AGE    600
#define NGX_HTTP_EDGE_CORS_AGE_LIMIT  86400


static char *ngx_http_edge_cors_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_cors_policy_t *policy);
static char *ngx_http_edge_cors_origin(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_cors_policy_t *policy);
static char *ngx_http_edge_cors_age(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_edge_cors_policy_t *policy);
static ngx_int_t ngx_http_edge_cors_age_text(ngx_conf_t *cf, ngx_int_t age,
    ngx_str_t *text);
static char *ngx_http_edge_cors_check(ngx_conf_t *cf,
    ngx_http_edge_cors_policy_t *policy);


char *
ngx_http_edge_cors_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cors_loc_conf_t *clcf = conf;

    ngx_str_t                    *arg;
    ngx_uint_t                    i;
    ngx_http_edge_cors_policy_t  *policy;

    if (clcf->policy != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    policy = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_cors_policy_t));
    if (policy == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf->policy = policy;

    arg = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(arg[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    policy->on = 1;

    if (ngx_array_init(&policy->origins, cf->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_edge_cors_param(cf, &arg[i], policy) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_edge_cors_check(cf, policy);
}


static char *
ngx_http_edge_cors_param(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_cors_policy_t *policy)
{
    ngx_str_t  value;

    if (ngx_strcmp(arg->data, "*") == 0 && !policy->any) {
        policy->any = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg->data, "credentials") == 0 && !policy->credentials) {
        policy->credentials = 1;
        return NGX_CONF_OK;
    }

    if (ngx_http_edge_conf_param(arg, "max_age", &value)
        && policy->max_age.len == 0)
    {
        return ngx_http_edge_cors_age(cf, &value, policy);
    }

    if (ngx_strcmp(arg->data, "null") == 0
        || ngx_strlchr(arg->data, arg->data + arg->len, ':'))
    {
        return ngx_http_edge_cors_origin(cf, arg, policy);
    }

    /* a misspelled word, one too many, or a host alone */

    return ngx_http_edge_conf_invalid(cf, arg);
}


static char *
ngx_http_edge_cors_origin(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_http_edge_cors_policy_t *policy)
{
    ngx_str_t   *origin;
    ngx_uint_t   i;
    const char  *wrong;

    wrong = ngx_edge_origin_check(arg);

    if (wrong) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid origin \"%V\" in \"edge_cors\" "
                           "directive: %s", arg, wrong);
        return NGX_CONF_ERROR;
    }

    origin = policy->origins.elts;

    for (i = 0; i < policy->origins.nelts; i++) {

        if (origin[i].len == arg->len
            && ngx_strncmp(origin[i].data, arg->data, arg->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate origin \"%V\" in \"edge_cors\" "
                               "directive", arg);
            return NGX_CONF_ERROR;
        }
    }

    origin = ngx_array_push(&policy->origins);
    if (origin == NULL) {
        return NGX_CONF_ERROR;
    }

    *origin = *arg;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_cors_age(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_edge_cors_policy_t *policy)
{
    ngx_int_t  age;

    age = ngx_parse_time(value, 1);

    if (age == NGX_ERROR || age > NGX_HTTP_EDGE_CORS_AGE_LIMIT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid max_age \"%V\" in \"edge_cors\" "
                           "directive, must be between 0 and 1d", value);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_cors_age_text(cf, age, &policy->max_age) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_cors_age_text(ngx_conf_t *cf, ngx_int_t age, ngx_str_t *text)
{
    text->data = ngx_pnalloc(cf->pool, NGX_INT_T_LEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sprintf(text->data, "%i", age) - text->data;

    return NGX_OK;
}


/* What only the whole directive tells. */

static char *
ngx_http_edge_cors_check(ngx_conf_t *cf, ngx_http_edge_cors_policy_t *policy)
{
    ngx_uint_t   i;
    ngx_str_t   *origin;

    if (policy->any && policy->origins.nelts) {
        return "names origins beside \"*\"";
    }

    if (policy->any && policy->credentials) {
        return "must not have \"*\" with \"credentials\": name the origins";
    }

    if (!policy->any && policy->origins.nelts == 0) {
        return "names no origin";
    }

    origin = policy->origins.elts;

    for (i = 0; policy->credentials && i < policy->origins.nelts; i++) {

        if (origin[i].len == sizeof("null") - 1) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"edge_cors\" lets pages of origin \"null\" "
                               "use credentials: any site can make such a "
                               "page");
        }
    }

    if (policy->max_age.len == 0
        && ngx_http_edge_cors_age_text(cf, NGX_HTTP_EDGE_CORS_MAX_AGE,
                                       &policy->max_age)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
