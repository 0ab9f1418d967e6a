
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The variables of the route feature.  They ask for the lookup when they are
 * first read, so that a log line of an early refusal has them too.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route.h"


static ngx_int_t ngx_http_edge_route_module_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_route_endpoint_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_route_target_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_route_tenant_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_edge_route_set_value(ngx_http_variable_value_t *v,
    const ngx_str_t *value);


static const ngx_str_t  ngx_http_edge_route_nothing = ngx_null_string;


static ngx_http_variable_t  ngx_http_edge_route_vars[] = {

    { ngx_string("edge_module"), NULL, ngx_http_edge_route_module_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("edge_endpoint"), NULL,
      ngx_http_edge_route_endpoint_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("edge_target"), NULL, ngx_http_edge_route_target_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("edge_tenant"), NULL, ngx_http_edge_route_tenant_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_edge_route_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_edge_route_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_module_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_route_resolve(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    ngx_http_edge_route_set_value(v, rec->module
                                     ? &rec->module->name
                                     : &ngx_http_edge_route_nothing);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_endpoint_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_route_resolve(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    ngx_http_edge_route_set_value(v,
                           ngx_http_edge_route_endpoint_name(rec->endpoint));

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_target_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_route_resolve(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    /* a subrequest before admission (auth_request) must not reach a service
     * that trusts what the client has sent */

    ngx_http_edge_route_set_value(v, rec->module
                                     && (r == r->main || rec->admitted)
                                     ? &rec->module->target
                                     : &ngx_http_edge_route_nothing);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_tenant_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    ngx_http_edge_route_set_value(v, &rec->tenant);

    return NGX_OK;
}


static void
ngx_http_edge_route_set_value(ngx_http_variable_value_t *v,
    const ngx_str_t *value)
{
    v->data = value->data;
    v->len = value->len;
    v->valid = value->len != 0;
    v->no_cacheable = 1;
    v->not_found = value->len == 0;
}
