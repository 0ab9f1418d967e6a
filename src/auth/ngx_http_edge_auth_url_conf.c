
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive auth_jwt_key_url as it is written: its parameters, and the
 * shared zone of each source.  The name of the zone is made of all of them, so
 * that equal directives share one, and a reload finds its keys again.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth_url.h"
#include "auth/ngx_http_edge_auth_url_source.h"
#include "auth/ngx_http_edge_auth_url_state.h"
#include "fetch/ngx_edge_fetch.h"
#include "lib/ngx_http_edge_conf.h"


#define NGX_HTTP_EDGE_AUTH_URL_LEN  1024


/* A parameter that is a time. */
typedef struct {
    const char   *name;
    size_t        offset;
    ngx_msec_t    value;       /* the default */
    ngx_msec_t    min;
    ngx_msec_t    max;
    const char   *bounds;
} ngx_http_edge_auth_url_time_t;


static ngx_http_edge_auth_url_t *ngx_http_edge_auth_url_read(ngx_conf_t *cf,
    const ngx_str_t *args, ngx_uint_t n);
static char *ngx_http_edge_auth_url_address(ngx_conf_t *cf,
    ngx_http_edge_auth_url_t *url, const ngx_str_t *arg);
static char *ngx_http_edge_auth_url_param(ngx_conf_t *cf,
    ngx_http_edge_auth_url_t *url, const ngx_str_t *arg);
static char *ngx_http_edge_auth_url_time(ngx_conf_t *cf,
    ngx_http_edge_auth_url_t *url, const ngx_http_edge_auth_url_time_t *time,
    ngx_str_t *value);
static char *ngx_http_edge_auth_url_ca(ngx_conf_t *cf,
    ngx_http_edge_auth_url_t *url, ngx_str_t *value);
static ngx_int_t ngx_http_edge_auth_url_zone_name(ngx_conf_t *cf,
    ngx_http_edge_auth_url_t *url, ngx_str_t *name);
static ngx_int_t ngx_http_edge_auth_url_zone_init(ngx_shm_zone_t *zone,
    void *data);


static const ngx_http_edge_auth_url_time_t  ngx_http_edge_auth_url_times[] = {

    { "refresh", offsetof(ngx_http_edge_auth_url_t, refresh),
      15 * 60 * 1000, 1000, 24 * 60 * 60 * 1000, "1s and 24h" },

    { "cooldown", offsetof(ngx_http_edge_auth_url_t, cooldown),
      30 * 1000, 1000, 60 * 60 * 1000, "1s and 1h" },

    { "timeout", offsetof(ngx_http_edge_auth_url_t, timeout),
      5 * 1000, 100, 60 * 1000, "100ms and 60s" },

    { NULL, 0, 0, 0, 0, NULL }
};


ngx_http_edge_auth_url_t *
ngx_http_edge_auth_url_add(ngx_conf_t *cf, const ngx_str_t *args, ngx_uint_t n)
{
    ngx_str_t                  name;
    ngx_shm_zone_t            *zone;
    ngx_http_edge_auth_url_t  *url;

    url = ngx_http_edge_auth_url_read(cf, args, n);

    if (url == NULL
        || ngx_http_edge_auth_url_zone_name(cf, url, &name) != NGX_OK)
    {
        return NULL;
    }

    zone = ngx_shared_memory_add(cf, &name,
                                 ngx_http_edge_auth_url_state_size(),
                                 (void *) ngx_http_edge_auth_url_times);
    if (zone == NULL) {
        return NULL;
    }

    if (zone->data) {
        return zone->data;
    }

    zone->init = ngx_http_edge_auth_url_zone_init;
    zone->data = url;

    return url;
}


ngx_http_edge_auth_url_t *
ngx_http_edge_auth_url_of_zone(ngx_shm_zone_t *zone)
{
    return zone->tag == ngx_http_edge_auth_url_times ? zone->data : NULL;
}


static ngx_http_edge_auth_url_t *
ngx_http_edge_auth_url_read(ngx_conf_t *cf, const ngx_str_t *args, ngx_uint_t n)
{
    ngx_uint_t                            i;
    ngx_msec_t                           *msec;
    ngx_http_edge_auth_url_t             *url;
    const ngx_http_edge_auth_url_time_t  *time;

    url = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_auth_url_t));
    if (url == NULL) {
        return NULL;
    }

    if (ngx_http_edge_auth_url_address(cf, url, &args[1]) != NGX_CONF_OK) {
        return NULL;
    }

    for (i = 2; i < n; i++) {
        if (ngx_http_edge_auth_url_param(cf, url, &args[i]) != NGX_CONF_OK) {
            return NULL;
        }
    }

    for (time = ngx_http_edge_auth_url_times; time->name; time++) {
        msec = (ngx_msec_t *) ((u_char *) url + time->offset);

        if (*msec == 0) {
            *msec = time->value;
        }
    }

    return url;
}


static char *
ngx_http_edge_auth_url_address(ngx_conf_t *cf, ngx_http_edge_auth_url_t *url,
    const ngx_str_t *arg)
{
    const char  *error;

    if (arg->len > NGX_HTTP_EDGE_AUTH_URL_LEN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the URL in \"auth_jwt_key_url\" directive is "
                           "longer than %d bytes",
                           NGX_HTTP_EDGE_AUTH_URL_LEN);
        return NGX_CONF_ERROR;
    }

    error = ngx_edge_fetch_check_url(arg);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"auth_jwt_key_url\" "
                           "directive: %s", arg, error);
        return NGX_CONF_ERROR;
    }

    url->url = *arg;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_auth_url_param(ngx_conf_t *cf, ngx_http_edge_auth_url_t *url,
    const ngx_str_t *arg)
{
    ngx_str_t                             value;
    const ngx_http_edge_auth_url_time_t  *time;

    for (time = ngx_http_edge_auth_url_times; time->name; time++) {
        if (ngx_http_edge_conf_param(arg, time->name, &value)) {
            return ngx_http_edge_auth_url_time(cf, url, time, &value);
        }
    }

    if (ngx_http_edge_conf_param(arg, "ca", &value)) {
        return ngx_http_edge_auth_url_ca(cf, url, &value);
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


static char *
ngx_http_edge_auth_url_time(ngx_conf_t *cf, ngx_http_edge_auth_url_t *url,
    const ngx_http_edge_auth_url_time_t *time, ngx_str_t *value)
{
    ngx_msec_t  *msec;

    msec = (ngx_msec_t *) ((u_char *) url + time->offset);

    if (*msec) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate %s in \"auth_jwt_key_url\" directive",
                           time->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_conf_msec(cf, value, msec) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (*msec < time->min || *msec > time->max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %s \"%V\" in \"auth_jwt_key_url\" "
                           "directive, must be between %s",
                           time->name, value, time->bounds);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_auth_url_ca(ngx_conf_t *cf, ngx_http_edge_auth_url_t *url,
    ngx_str_t *value)
{
    const char  *error;

    if (url->ca.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate ca in \"auth_jwt_key_url\" directive");
        return NGX_CONF_ERROR;
    }

    url->ca = *value;

    if (value->len == 0) {
        error = "it has no name";

    } else if (ngx_conf_full_name(cf->cycle, &url->ca, 1) != NGX_OK) {
        return NGX_CONF_ERROR;

    } else {
        error = ngx_edge_fetch_check_ca(&url->ca);
    }

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid ca \"%V\" in \"auth_jwt_key_url\" "
                           "directive: %s", &url->ca, error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_auth_url_zone_name(ngx_conf_t *cf, ngx_http_edge_auth_url_t *url,
    ngx_str_t *name)
{
    size_t  len;

    len = sizeof("auth_jwt_key_url  refresh= cooldown= timeout= ca=") - 1
          + url->url.len + 3 * NGX_INT_T_LEN + url->ca.len;

    name->data = ngx_pnalloc(cf->pool, len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_sprintf(name->data,
                            "auth_jwt_key_url %V refresh=%M cooldown=%M "
                            "timeout=%M ca=%V",
                            &url->url, url->refresh, url->cooldown,
                            url->timeout, &url->ca)
                - name->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_auth_url_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_edge_auth_url_t *old = data;

    ngx_http_edge_auth_url_t  *url;

    url = zone->data;

    return ngx_http_edge_auth_url_state_init(&url->state, zone,
                                             old ? &old->state : NULL);
}
