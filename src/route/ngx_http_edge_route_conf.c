
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading of edge_module and edge_route, and the tables made of
 * all modules.  What a verified identity is needed for is refused as long as
 * there is none.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "route/ngx_edge_path.h"
#include "route/ngx_http_edge_route.h"


#define NGX_HTTP_EDGE_ROUTE_NAME_MAX  64

#define NGX_HTTP_EDGE_ROUTE_METHODS                                           \
    (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH     \
     |NGX_HTTP_DELETE)


static char *ngx_http_edge_route_done(ngx_conf_t *cf,
    ngx_http_edge_route_entry_t *entry);
static ngx_uint_t ngx_http_edge_route_name_valid(const ngx_str_t *name);
static char *ngx_http_edge_route_set_path(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_route_set_methods(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_edge_route_set_target(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static in_port_t ngx_http_edge_route_scheme(const ngx_str_t *target,
    size_t *len);
static char *ngx_http_edge_route_set_unbuilt(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_edge_route_set_rag(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_route_set_endpoints(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_edge_route_block_commands[] = {

    { ngx_string("path"),
      NGX_CONF_TAKE1,
      ngx_http_edge_route_set_path,
      0,
      0,
      NULL },

    { ngx_string("methods"),
      NGX_CONF_1MORE,
      ngx_http_edge_route_set_methods,
      0,
      0,
      NULL },

    { ngx_string("target"),
      NGX_CONF_TAKE12,
      ngx_http_edge_route_set_target,
      0,
      0,
      NULL },

    { ngx_string("allow"),
      NGX_CONF_TAKE2,
      ngx_http_edge_route_set_allow,
      0,
      0,
      NULL },

    { ngx_string("allow_write"),
      NGX_CONF_TAKE12,
      ngx_http_edge_route_set_allow_write,
      0,
      0,
      NULL },

    { ngx_string("shared_write"),
      NGX_CONF_1MORE,
      ngx_http_edge_route_set_unbuilt,
      0,
      0,
      NULL },

    { ngx_string("rag"),
      NGX_CONF_TAKE1,
      ngx_http_edge_route_set_rag,
      0,
      0,
      NULL },

    { ngx_string("endpoints"),
      NGX_CONF_1MORE,
      ngx_http_edge_route_set_endpoints,
      0,
      0,
      NULL },

      ngx_null_command
};


char *
ngx_http_edge_route_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_main_conf_t *rmcf = conf;

    char                         *rv;
    ngx_str_t                    *arg;
    ngx_http_edge_route_entry_t  *entry;

    arg = cf->args->elts;

    if (!ngx_http_edge_route_name_valid(&arg[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" in \"edge_module\" "
                           "directive, it must match "
                           "[a-z0-9][a-z0-9_-]{0,63} and not be \"on\" or "
                           "\"off\"", &arg[1]);
        return NGX_CONF_ERROR;
    }

    entry = ngx_array_push(&rmcf->entries);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(entry, sizeof(ngx_http_edge_route_entry_t));

    entry->name = arg[1];

    rv = ngx_http_edge_conf_block(cf, ngx_http_edge_route_block_commands,
                                  entry);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_edge_route_done(cf, entry);
}


/* The defaults, and what only the whole block can tell. */

static char *
ngx_http_edge_route_done(ngx_conf_t *cf, ngx_http_edge_route_entry_t *entry)
{
    size_t   len;
    u_char  *p;

    if (entry->path.len == 0) {
        len = sizeof("/api/v1/") - 1 + entry->name.len + 1;

        p = ngx_pnalloc(cf->pool, len);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        entry->path.data = p;
        entry->path.len = len;

        ngx_snprintf(p, len, "/api/v1/%V/", &entry->name);
    }

    if (entry->methods == 0) {
        entry->methods = NGX_HTTP_EDGE_ROUTE_METHODS;
    }

    if (ngx_http_edge_route_allow(cf->pool, entry->methods, &entry->allow)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (entry->rag && entry->endpoints == 0) {
        entry->endpoints = NGX_HTTP_EDGE_ENDPOINTS_BUILT;
    }

    if (entry->rag == NULL && entry->endpoints) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "edge_module \"%V\" has \"endpoints\" but no "
                           "\"rag\"", &entry->name);
        return NGX_CONF_ERROR;
    }

    if (entry->rag == NULL && entry->target.len == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "edge_module \"%V\" has neither \"rag\" nor "
                           "\"target\"", &entry->name);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_edge_route_compile(ngx_conf_t *cf,
    ngx_http_edge_route_main_conf_t *rmcf)
{
    ngx_uint_t                    i;
    ngx_http_edge_route_entry_t  *entry, *other;

    rmcf->names = ngx_edge_table_create(cf->pool, rmcf->entries.nelts);
    rmcf->paths = ngx_edge_table_create(cf->pool, rmcf->entries.nelts);

    if (rmcf->names == NULL || rmcf->paths == NULL) {
        return NGX_CONF_ERROR;
    }

    entry = rmcf->entries.elts;

    for (i = 0; i < rmcf->entries.nelts; i++) {

        if (ngx_edge_table_add(rmcf->names, &entry[i].name, &entry[i])
            != NGX_OK)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "duplicate edge_module \"%V\"", &entry[i].name);
            return NGX_CONF_ERROR;
        }

        if (ngx_edge_table_add(rmcf->paths, &entry[i].path, &entry[i])
            != NGX_OK)
        {
            other = ngx_edge_table_find(rmcf->paths, &entry[i].path);

            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "edge_module \"%V\" and edge_module \"%V\" have "
                          "the same path \"%V\"",
                          &other->name, &entry[i].name, &entry[i].path);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_edge_route_name_valid(const ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_EDGE_ROUTE_NAME_MAX) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
            || (i > 0 && (c == '_' || c == '-')))
        {
            continue;
        }

        return 0;
    }

    return ngx_strcmp(name->data, "on") != 0
           && ngx_strcmp(name->data, "off") != 0;
}


static char *
ngx_http_edge_route_set_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    ngx_str_t  *arg;

    if (entry->path.data) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (!ngx_edge_path_prefix(&arg[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid path \"%V\" in \"path\" directive, it "
                           "must begin and end with \"/\", be written "
                           "without escapes and have no empty or dot "
                           "segments", &arg[1]);
        return NGX_CONF_ERROR;
    }

    entry->path = arg[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_route_set_methods(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    ngx_str_t   *arg;
    ngx_uint_t   i, method;

    if (entry->methods) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        method = ngx_http_edge_route_method(&arg[i]);

        if (method == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid method \"%V\" in \"methods\" "
                               "directive", &arg[i]);
            return NGX_CONF_ERROR;
        }

        if (entry->methods & method) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate method \"%V\" in \"methods\" "
                               "directive", &arg[i]);
            return NGX_CONF_ERROR;
        }

        entry->methods |= method;
    }

    if (entry->methods & NGX_HTTP_GET) {
        entry->methods |= NGX_HTTP_HEAD;
    }

    return NGX_CONF_OK;
}


/*
 * The name becomes an upstream as with a literal proxy_pass: nginx resolves
 * it now, unless an upstream block of that name comes before or later, and a
 * proxy_pass with a variable then finds it without a resolver.
 */

static char *
ngx_http_edge_route_set_target(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    size_t      i, scheme;
    ngx_str_t  *arg;
    ngx_url_t   u;

    if (entry->target.data) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (cf->args->nelts == 3) {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.default_port = ngx_http_edge_route_scheme(&arg[1], &scheme);

    if (u.default_port == 0) {
        goto invalid;
    }

    for (i = scheme; i < arg[1].len; i++) {
        if (arg[1].data[i] <= ' '
            || ngx_strlchr((u_char *) "/?#@$\\",
                           (u_char *) "/?#@$\\" + 6, arg[1].data[i]))
        {
            goto invalid;
        }
    }

    u.url.data = arg[1].data + scheme;
    u.url.len = arg[1].len - scheme;
    u.no_resolve = 1;

    if (u.url.len == 0) {
        goto invalid;
    }

    if (ngx_http_upstream_add(cf, &u, 0) == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_strlow(arg[1].data, arg[1].data, scheme);

    entry->target = arg[1];

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid target \"%V\" in \"target\" directive, it "
                       "must be scheme://name[:port] without a path or "
                       "variables", &arg[1]);
    return NGX_CONF_ERROR;
}


/* The length of a known "scheme://" and its port; 0: not known. */

static in_port_t
ngx_http_edge_route_scheme(const ngx_str_t *target, size_t *len)
{
    if (target->len > 7
        && ngx_strncasecmp(target->data, (u_char *) "http://", 7) == 0)
    {
        *len = 7;
        return 80;
    }

#if (NGX_HTTP_SSL)

    if (target->len > 8
        && ngx_strncasecmp(target->data, (u_char *) "https://", 8) == 0)
    {
        *len = 8;
        return 443;
    }

#endif

    return 0;
}


static char *
ngx_http_edge_route_set_unbuilt(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    return "is not supported by this build";
}


static char *
ngx_http_edge_route_set_rag(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    ngx_str_t  *arg;

    if (entry->rag) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (arg[1].len == 0) {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    entry->rag = ngx_http_edge_route_complex(cf, &arg[1]);

    return entry->rag ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_edge_route_set_endpoints(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    ngx_str_t                 *arg;
    ngx_uint_t                 i, bit;
    ngx_http_edge_endpoint_e   endpoint;

    if (entry->endpoints) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        endpoint = ngx_http_edge_route_endpoint(&arg[i]);
        bit = 1 << endpoint;

        if (endpoint == ngx_http_edge_endpoint_none) {
            return ngx_http_edge_conf_invalid(cf, &arg[i]);
        }

        if (!(NGX_HTTP_EDGE_ENDPOINTS_BUILT & bit)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "endpoint \"%V\" is not in this build",
                               &arg[i]);
            return NGX_CONF_ERROR;
        }

        if (entry->endpoints & bit) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate endpoint \"%V\" in \"endpoints\" "
                               "directive", &arg[i]);
            return NGX_CONF_ERROR;
        }

        entry->endpoints |= bit;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_edge_route_mode(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_loc_conf_t *rlcf = conf;

    ngx_str_t  *arg;

    if (rlcf->mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (ngx_strcmp(arg[1].data, "off") == 0) {
        rlcf->mode = NGX_HTTP_EDGE_ROUTE_OFF;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg[1].data, "on") == 0) {
        rlcf->mode = NGX_HTTP_EDGE_ROUTE_ON;
        return NGX_CONF_OK;
    }

    if (!ngx_http_edge_route_name_valid(&arg[1])) {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    /* the module may be defined further down */

    rlcf->mode = NGX_HTTP_EDGE_ROUTE_NAME;
    rlcf->name = arg[1];

    return NGX_CONF_OK;
}


ngx_http_complex_value_t *
ngx_http_edge_route_complex(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = cv;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NULL;
    }

    return cv;
}
