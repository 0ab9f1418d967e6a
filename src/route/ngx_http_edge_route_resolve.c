
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * From a request's URI to module, endpoint and rest.  Decides nothing: a
 * request without a module is refused by admit.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route.h"


static void ngx_http_edge_route_locate(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec, const ngx_http_edge_route_loc_conf_t *rlcf);
static ngx_uint_t ngx_http_edge_route_behind_prefix(const ngx_str_t *uri,
    const ngx_str_t *prefix, ngx_str_t *path);
static ngx_http_edge_endpoint_e ngx_http_edge_route_path_endpoint(
    const ngx_str_t *path, ngx_str_t *rest);


typedef struct {
    ngx_str_t    name;     /* as written in configuration */
    ngx_str_t    path;     /* below the module's path */
    ngx_uint_t   methods;
} ngx_http_edge_route_endpoint_t;


#define NGX_HTTP_EDGE_ROUTE_ITEM_METHODS                                      \
    (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE)


/* in the order of ngx_http_edge_endpoint_e */

static const ngx_http_edge_route_endpoint_t  ngx_http_edge_route_endpoints[] =
{
    { ngx_null_string, ngx_null_string, 0 },
    { ngx_string("query"), ngx_string("query"), NGX_HTTP_POST },
    { ngx_string("search"), ngx_string("search"), NGX_HTTP_POST },
    { ngx_string("chat"), ngx_string("chat/completions"), NGX_HTTP_POST },
    { ngx_string("documents"), ngx_string("documents"),
      NGX_HTTP_PUT|NGX_HTTP_POST },
    { ngx_string("models"), ngx_string("models"),
      NGX_HTTP_GET|NGX_HTTP_HEAD },
    { ngx_string("feedback"), ngx_string("feedback"), NGX_HTTP_POST }
};

#define NGX_HTTP_EDGE_ROUTE_ENDPOINTS                                         \
    (sizeof(ngx_http_edge_route_endpoints)                                    \
     / sizeof(ngx_http_edge_route_endpoint_t))


typedef struct {
    ngx_str_t    name;
    ngx_uint_t   bit;
} ngx_http_edge_route_method_t;


static const ngx_http_edge_route_method_t  ngx_http_edge_route_names[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS }
};

#define NGX_HTTP_EDGE_ROUTE_NAMES                                             \
    (sizeof(ngx_http_edge_route_names) / sizeof(ngx_http_edge_route_method_t))


ngx_http_edge_record_t *
ngx_http_edge_route_resolve(ngx_http_request_t *r)
{
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_route_loc_conf_t  *rlcf;

    r = r->main;

    rec = ngx_http_edge_record(r);

    if (rec == NULL || rec->routed) {
        return rec;
    }

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_route_module);

    if (rlcf->mode == NGX_HTTP_EDGE_ROUTE_OFF) {
        return rec;
    }

    rec->routed = 1;

    ngx_http_edge_route_locate(r, rec, rlcf);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "edge route: \"%V\" module:%p endpoint:%ui",
                   &r->uri, rec->module, (ngx_uint_t) rec->endpoint);

    return rec;
}


static void
ngx_http_edge_route_locate(ngx_http_request_t *r, ngx_http_edge_record_t *rec,
    const ngx_http_edge_route_loc_conf_t *rlcf)
{
    size_t                            len;
    ngx_str_t                         path, rest;
    ngx_uint_t                        below;
    ngx_http_edge_endpoint_e          endpoint;
    ngx_http_edge_route_main_conf_t  *rmcf;

    rec->endpoint = ngx_http_edge_endpoint_none;
    ngx_str_null(&rec->rest);
    rec->openai = 0;

    if (rlcf->mode == NGX_HTTP_EDGE_ROUTE_NAME) {
        rec->module = rlcf->entry;

        below = ngx_http_edge_route_behind_prefix(&r->uri, &rlcf->prefix,
                                                  &path);

    } else {
        rmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_route_module);

        len = 0;
        rec->module = ngx_edge_table_prefix(rmcf->paths, &r->uri, &len);

        path.data = r->uri.data + len;
        path.len = r->uri.len - len;
        below = 1;
    }

    if (rec->module == NULL) {

        /* clients of the common path speak the OpenAI dialect */

        rec->openai = r->uri.len >= sizeof("/v1/") - 1
                      && ngx_strncmp(r->uri.data, "/v1/", sizeof("/v1/") - 1)
                         == 0;
        return;
    }

    if (!below) {
        return;
    }

    endpoint = ngx_http_edge_route_path_endpoint(&path, &rest);

    if (rec->module->endpoints & (1 << endpoint)) {
        rec->endpoint = endpoint;
        rec->rest = rest;
        rec->openai = (endpoint == ngx_http_edge_endpoint_chat
                       || endpoint == ngx_http_edge_endpoint_models);
    }
}


/* What follows the location's prefix: "/t" and "/t/" both own "/t/query",
 * "/t" does not own "/tquery". */

static ngx_uint_t
ngx_http_edge_route_behind_prefix(const ngx_str_t *uri,
    const ngx_str_t *prefix, ngx_str_t *path)
{
    size_t  len;

    len = prefix->len;

    if (len == 0
        || uri->len < len
        || ngx_strncmp(uri->data, prefix->data, len) != 0)
    {
        return 0;
    }

    if (prefix->data[len - 1] != '/' && uri->len > len) {

        if (uri->data[len] != '/') {
            return 0;
        }

        len++;
    }

    path->data = uri->data + len;
    path->len = uri->len - len;

    return 1;
}


/* rest is what follows "documents/", with data NULL if there is no slash. */

static ngx_http_edge_endpoint_e
ngx_http_edge_route_path_endpoint(const ngx_str_t *path, ngx_str_t *rest)
{
    size_t                                 len;
    ngx_uint_t                             i;
    const ngx_http_edge_route_endpoint_t  *e;

    ngx_str_null(rest);

    for (i = 1; i < NGX_HTTP_EDGE_ROUTE_ENDPOINTS; i++) {
        e = &ngx_http_edge_route_endpoints[i];
        len = e->path.len;

        if (path->len < len || ngx_memcmp(path->data, e->path.data, len) != 0)
        {
            continue;
        }

        if (path->len == len) {
            return (ngx_http_edge_endpoint_e) i;
        }

        if (i == ngx_http_edge_endpoint_documents && path->data[len] == '/') {
            rest->data = path->data + len + 1;
            rest->len = path->len - len - 1;

            return ngx_http_edge_endpoint_documents;
        }
    }

    return ngx_http_edge_endpoint_none;
}


ngx_uint_t
ngx_http_edge_route_methods(const ngx_http_edge_record_t *rec)
{
    if (rec->endpoint == ngx_http_edge_endpoint_none) {
        return rec->module->methods;
    }

    if (rec->rest.data) {
        return rec->module->methods & NGX_HTTP_EDGE_ROUTE_ITEM_METHODS;
    }

    return rec->module->methods
           & ngx_http_edge_route_endpoints[rec->endpoint].methods;
}


ngx_int_t
ngx_http_edge_route_allow(ngx_pool_t *pool, ngx_uint_t methods,
    ngx_str_t *allow)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < NGX_HTTP_EDGE_ROUTE_NAMES; i++) {
        len += ngx_http_edge_route_names[i].name.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    allow->data = p;

    for (i = 0; i < NGX_HTTP_EDGE_ROUTE_NAMES; i++) {

        if (!(methods & ngx_http_edge_route_names[i].bit)) {
            continue;
        }

        if (p != allow->data) {
            *p++ = ',';
            *p++ = ' ';
        }

        p = ngx_cpymem(p, ngx_http_edge_route_names[i].name.data,
                       ngx_http_edge_route_names[i].name.len);
    }

    allow->len = p - allow->data;

    return NGX_OK;
}


ngx_uint_t
ngx_http_edge_route_method(const ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_EDGE_ROUTE_NAMES; i++) {

        if (name->len == ngx_http_edge_route_names[i].name.len
            && ngx_memcmp(name->data, ngx_http_edge_route_names[i].name.data,
                          name->len)
               == 0)
        {
            return ngx_http_edge_route_names[i].bit;
        }
    }

    return 0;
}


ngx_http_edge_endpoint_e
ngx_http_edge_route_endpoint(const ngx_str_t *name)
{
    ngx_uint_t        i;
    const ngx_str_t  *known;

    for (i = 1; i < NGX_HTTP_EDGE_ROUTE_ENDPOINTS; i++) {
        known = &ngx_http_edge_route_endpoints[i].name;

        if (name->len == known->len
            && ngx_memcmp(name->data, known->data, known->len) == 0)
        {
            return (ngx_http_edge_endpoint_e) i;
        }
    }

    return ngx_http_edge_endpoint_none;
}


const ngx_str_t *
ngx_http_edge_route_endpoint_name(ngx_http_edge_endpoint_e endpoint)
{
    return &ngx_http_edge_route_endpoints[endpoint].name;
}
