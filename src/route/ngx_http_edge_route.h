
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the route feature share.
 */


#ifndef _NGX_HTTP_EDGE_ROUTE_H_INCLUDED_
#define _NGX_HTTP_EDGE_ROUTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "auth/ngx_http_edge_auth_api.h"
#include "route/ngx_edge_table.h"
#include "route/ngx_http_edge_route_api.h"


/* The endpoints that this build answers; nginx -t refuses the others. */
#define NGX_HTTP_EDGE_ENDPOINTS_BUILT                                         \
    ((1 << ngx_http_edge_endpoint_query)                                      \
     | (1 << ngx_http_edge_endpoint_search)                                   \
     | (1 << ngx_http_edge_endpoint_chat)                                     \
     | (1 << ngx_http_edge_endpoint_documents))


/* The values of edge_route. */
#define NGX_HTTP_EDGE_ROUTE_OFF   0
#define NGX_HTTP_EDGE_ROUTE_ON    1
#define NGX_HTTP_EDGE_ROUTE_NAME  2


typedef struct {
    ngx_array_t        entries;     /* ngx_http_edge_route_entry_t */
    ngx_array_t        servers;     /* ngx_http_core_srv_conf_t * */
    ngx_array_t        identity;    /* ngx_uint_t: indices of $http_ variables
                                       of stripped headers */
    ngx_edge_table_t  *names;       /* entries by name */
    ngx_edge_table_t  *paths;       /* entries by path */
} ngx_http_edge_route_main_conf_t;


typedef struct {
    ngx_uint_t                          mode;
    ngx_str_t                           name;     /* in mode NAME */
    const ngx_http_edge_route_entry_t  *entry;    /* in mode NAME */
    ngx_str_t                           prefix;   /* the location's; empty if
                                                     it is none by prefix */
    ngx_http_complex_value_t           *tenant;   /* unverified; or: */
    ngx_str_t                           tenant_claim; /* variable, without the
                                                     '$'; empty: none */
    const ngx_http_edge_auth_claim_t   *claim;    /* of tenant_claim */
} ngx_http_edge_route_loc_conf_t;


extern ngx_module_t  ngx_http_edge_route_module;


/* Setters of the directives. */
char *ngx_http_edge_route_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_route_mode(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_route_tenant(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_route_set_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_route_set_allow_write(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_http_complex_value_t *ngx_http_edge_route_complex(ngx_conf_t *cf,
    ngx_str_t *text);

/* What claims a module and a location's tenant mean, when all are known. */
ngx_int_t ngx_http_edge_route_compile_grants(ngx_conf_t *cf,
    ngx_http_edge_route_entry_t *entry);
char *ngx_http_edge_route_compile_tenant(ngx_conf_t *cf,
    ngx_http_edge_route_loc_conf_t *rlcf, const ngx_str_t *location);

/* Whether the verified token holds every word of a list (NULL: none asked).
 * NGX_OK, NGX_DECLINED, NGX_ERROR. */
ngx_int_t ngx_http_edge_route_granted(ngx_http_request_t *r,
    const ngx_array_t *grants);

/* Compiles the tables of all modules; refuses double paths. */
char *ngx_http_edge_route_compile(ngx_conf_t *cf,
    ngx_http_edge_route_main_conf_t *rmcf);

/* Defines the variables. */
ngx_int_t ngx_http_edge_route_add_variables(ngx_conf_t *cf);

/* Finds the $http_ variables of headers that admit strips. */
ngx_int_t ngx_http_edge_route_identity_variables(ngx_cycle_t *cycle,
    ngx_http_edge_route_main_conf_t *rmcf);

/* The PRECONTENT handler. */
ngx_int_t ngx_http_edge_route_admit(ngx_http_request_t *r);

/* Takes away every request header that claims an identity, and what nginx
 * has cached of them in variables.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_route_strip(ngx_http_request_t *r);

/* The methods (NGX_HTTP_GET | ...) allowed for what a routed record names. */
ngx_uint_t ngx_http_edge_route_methods(const ngx_http_edge_record_t *rec);

/* The value of an Allow field; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_route_allow(ngx_pool_t *pool, ngx_uint_t methods,
    ngx_str_t *allow);

/* The bit of a method's name, 0: unknown. */
ngx_uint_t ngx_http_edge_route_method(const ngx_str_t *name);

/* The endpoint of that name ("query", ...), and the name of an endpoint. */
ngx_http_edge_endpoint_e ngx_http_edge_route_endpoint(const ngx_str_t *name);
const ngx_str_t *ngx_http_edge_route_endpoint_name(
    ngx_http_edge_endpoint_e endpoint);


#endif /* _NGX_HTTP_EDGE_ROUTE_H_INCLUDED_ */
