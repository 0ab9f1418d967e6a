
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routing: which business module a request is for, and whether it may go
 * there.  This file holds the directives, their inheritance and the checks
 * over all locations; how a directive reads is in ..._conf.c, what happens to
 * a request in ..._resolve.c and ..._admit.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route.h"


static void *ngx_http_edge_route_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_edge_route_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_edge_route_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_route_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_edge_route_check_location(ngx_conf_t *cf,
    ngx_http_edge_route_loc_conf_t *conf);
static ngx_int_t ngx_http_edge_route_note_server(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_route_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_route_init_module(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_edge_route_commands[] = {

    { ngx_string("edge_module"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_edge_route_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_route"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_edge_route_mode,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_tenant"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_edge_route_tenant,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_route_module_ctx = {
    ngx_http_edge_route_add_variables,     /* preconfiguration */
    ngx_http_edge_route_init,              /* postconfiguration */

    ngx_http_edge_route_create_main_conf,  /* create main configuration */
    ngx_http_edge_route_init_main_conf,    /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_route_create_loc_conf,   /* create location configuration */
    ngx_http_edge_route_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_edge_route_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_route_module_ctx,       /* module context */
    ngx_http_edge_route_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_edge_route_init_module,       /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_array_t *
ngx_http_edge_route_entries(ngx_conf_t *cf)
{
    ngx_http_edge_route_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_route_module);

    return &rmcf->entries;
}


ngx_array_t *
ngx_http_edge_route_servers(ngx_conf_t *cf)
{
    ngx_http_edge_route_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_route_module);

    return &rmcf->servers;
}


ngx_uint_t
ngx_http_edge_route_enabled(void **loc_conf)
{
    ngx_http_edge_route_loc_conf_t  *rlcf;

    rlcf = loc_conf[ngx_http_edge_route_module.ctx_index];

    return rlcf->mode != NGX_HTTP_EDGE_ROUTE_OFF;
}


ngx_uint_t
ngx_http_edge_route_to_rag(ngx_conf_t *cf, void **loc_conf)
{
    ngx_uint_t                       i;
    ngx_array_t                     *entries;
    ngx_http_edge_route_entry_t     *entry;
    ngx_http_edge_route_loc_conf_t  *rlcf;

    rlcf = loc_conf[ngx_http_edge_route_module.ctx_index];

    if (rlcf->mode == NGX_HTTP_EDGE_ROUTE_NAME) {
        return rlcf->entry->rag != NULL;
    }

    entries = ngx_http_edge_route_entries(cf);
    entry = entries->elts;

    for (i = 0; i < entries->nelts; i++) {
        if (entry[i].rag && rlcf->mode == NGX_HTTP_EDGE_ROUTE_ON) {
            return 1;
        }
    }

    return 0;
}


static void *
ngx_http_edge_route_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_route_main_conf_t  *rmcf;

    /*
     * set by ngx_pcalloc():
     *
     *     rmcf->names = NULL;
     *     rmcf->paths = NULL;
     */

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_route_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&rmcf->entries, cf->pool, 4,
                       sizeof(ngx_http_edge_route_entry_t))
        != NGX_OK
        || ngx_array_init(&rmcf->servers, cf->pool, 4,
                          sizeof(ngx_http_core_srv_conf_t *))
           != NGX_OK
        || ngx_array_init(&rmcf->identity, cf->pool, 4, sizeof(ngx_uint_t))
           != NGX_OK)
    {
        return NULL;
    }

    return rmcf;
}


static char *
ngx_http_edge_route_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_edge_route_main_conf_t *rmcf = conf;

    ngx_uint_t                    i;
    ngx_http_edge_route_entry_t  *entry;

    entry = rmcf->entries.elts;

    for (i = 0; i < rmcf->entries.nelts; i++) {
        if (ngx_http_edge_route_compile_grants(cf, &entry[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_edge_route_compile(cf, rmcf);
}


static void *
ngx_http_edge_route_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_route_loc_conf_t  *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->name = { 0, NULL };
     *     conf->entry = NULL;
     *     conf->prefix = { 0, NULL };
     *     conf->tenant_claim = { 0, NULL };
     *     conf->claim = NULL;
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_route_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->mode = NGX_CONF_UNSET_UINT;
    conf->tenant = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_edge_route_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_route_loc_conf_t *prev = parent;
    ngx_http_edge_route_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_edge_route_main_conf_t  *rmcf;

    if (conf->mode == NGX_CONF_UNSET_UINT) {
        conf->name = prev->name;
    }

    ngx_conf_merge_uint_value(conf->mode, prev->mode,
                              NGX_HTTP_EDGE_ROUTE_OFF);

    if (conf->tenant == NGX_CONF_UNSET_PTR) {
        conf->tenant = (prev->tenant == NGX_CONF_UNSET_PTR) ? NULL
                                                            : prev->tenant;
        conf->tenant_claim = prev->tenant_claim;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {

        /* "if" or "limit_except": part of the location around it */

        conf->prefix = prev->prefix;

    } else if (!clcf->named
#if (NGX_PCRE)
               && clcf->regex == NULL
#endif
              )
    {
        conf->prefix = clcf->name;
    }

    if (conf->mode == NGX_HTTP_EDGE_ROUTE_OFF) {
        return NGX_CONF_OK;
    }

    if (conf->mode == NGX_HTTP_EDGE_ROUTE_NAME) {
        rmcf = ngx_http_conf_get_module_main_conf(cf,
                                                  ngx_http_edge_route_module);

        conf->entry = ngx_edge_table_find(rmcf->names, &conf->name);

        if (conf->entry == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"edge_route\" names the unknown edge_module "
                          "\"%V\"", &conf->name);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_edge_route_note_server(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_route_check_location(cf, conf);
}


static char *
ngx_http_edge_route_check_location(ngx_conf_t *cf,
    ngx_http_edge_route_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* a server's own level, an "if" in it too, passes its values on to
     * locations; it serves only what no location matches, and without a tenant
     * refuses that */

    if (clcf->name.len == 0 && conf->tenant_claim.len == 0) {
        return NGX_CONF_OK;
    }

    return ngx_http_edge_route_compile_tenant(cf, conf, &clcf->name);
}


/* Locations are merged server by server, so the last one noted is enough. */

static ngx_int_t
ngx_http_edge_route_note_server(ngx_conf_t *cf)
{
    ngx_http_core_srv_conf_t         *cscf, **server;
    ngx_http_edge_route_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_route_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    server = rmcf->servers.elts;

    if (rmcf->servers.nelts && server[rmcf->servers.nelts - 1] == cscf) {
        return NGX_OK;
    }

    server = ngx_array_push(&rmcf->servers);
    if (server == NULL) {
        return NGX_ERROR;
    }

    *server = cscf;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_route_admit;

    return NGX_OK;
}


/* Here all modules have asked for their variables. */

static ngx_int_t
ngx_http_edge_route_init_module(ngx_cycle_t *cycle)
{
    ngx_http_edge_route_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_edge_route_module);
    if (rmcf == NULL) {
        return NGX_OK;
    }

    return ngx_http_edge_route_identity_variables(cycle, rmcf);
}
