
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The response cache: its directives, their inheritance, the checks over all
 * locations, and $edge_cache_status.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "route/ngx_http_edge_route_api.h"


static void *ngx_http_edge_cache_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_edge_cache_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_cache_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_edge_cache_enable(ngx_conf_t *cf,
    ngx_http_edge_cache_loc_conf_t *conf,
    const ngx_http_edge_cache_loc_conf_t *prev, ngx_uint_t written);
static ngx_int_t ngx_http_edge_cache_location_id(ngx_conf_t *cf,
    ngx_http_edge_cache_loc_conf_t *conf, const ngx_str_t *around);
static ngx_int_t ngx_http_edge_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_cache_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_cache_check(ngx_conf_t *cf,
    ngx_http_edge_cache_main_conf_t *cmcf);
static ngx_int_t ngx_http_edge_cache_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_cache_init_process(ngx_cycle_t *cycle);


static ngx_conf_bitmask_t  ngx_http_edge_cache_methods[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_null_string, 0 }
};


static ngx_str_t  ngx_http_edge_cache_status_name =
    ngx_string("edge_cache_status");


static ngx_command_t  ngx_http_edge_cache_commands[] = {

    { ngx_string("edge_cache_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_edge_cache_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_edge_cache_name,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_cache_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, key),
      NULL },

    { ngx_string("edge_cache_valid"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_edge_cache_valid,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_cache_scope"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_edge_cache_scope,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_cache_methods"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, methods),
      ngx_http_edge_cache_methods },

    { ngx_string("edge_cache_bypass"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_set_predicate_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, bypass),
      NULL },

    { ngx_string("edge_no_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_set_predicate_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, no_cache),
      NULL },

    { ngx_string("edge_cache_lock"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, lock),
      NULL },

    { ngx_string("edge_cache_lock_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, lock_timeout),
      NULL },

    { ngx_string("edge_cache_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_cache_loc_conf_t, max_size),
      NULL },

    { ngx_string("edge_cache_purge"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE23,
      ngx_http_edge_cache_purge,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_cache_module_ctx = {
    ngx_http_edge_cache_add_variables,     /* preconfiguration */
    ngx_http_edge_cache_init,              /* postconfiguration */

    ngx_http_edge_cache_create_main_conf,  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_cache_create_loc_conf,   /* create location configuration */
    ngx_http_edge_cache_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_edge_cache_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_cache_module_ctx,       /* module context */
    ngx_http_edge_cache_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_edge_cache_init_process,      /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_edge_cache_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_cache_main_conf_t));
    if (cmcf == NULL) {
        return NULL;
    }

    cmcf->hash = ngx_edge_hash_create(cf->pool);
    cmcf->memo = ngx_edge_memo_create(cf->pool);

    if (cmcf->hash == NULL
        || cmcf->memo == NULL
        || ngx_array_init(&cmcf->zones, cf->pool, 2,
                          sizeof(ngx_http_edge_cache_zone_t *))
           != NGX_OK
        || ngx_array_init(&cmcf->locations, cf->pool, 4, sizeof(void **))
           != NGX_OK)
    {
        return NULL;
    }

    return cmcf;
}


static void *
ngx_http_edge_cache_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_cache_loc_conf_t  *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->name = { 0, NULL };
     *     conf->zone = NULL;
     *     conf->id = { 0, NULL };
     *     conf->key = NULL;
     *     conf->scope_written = 0;
     *     conf->methods = 0;
     *     conf->purge = NULL;
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_cache_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->valid = NGX_CONF_UNSET_PTR;
    conf->scope = NGX_CONF_UNSET_UINT;
    conf->bypass = NGX_CONF_UNSET_PTR;
    conf->no_cache = NGX_CONF_UNSET_PTR;
    conf->lock = NGX_CONF_UNSET;
    conf->lock_timeout = NGX_CONF_UNSET_MSEC;
    conf->max_size = NGX_CONF_UNSET_SIZE;

    return conf;
}


static char *
ngx_http_edge_cache_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_cache_loc_conf_t *prev = parent;
    ngx_http_edge_cache_loc_conf_t *conf = child;

    ngx_uint_t  written;

    written = (conf->name.data != NULL);

    if (!written) {
        conf->name = prev->name;
    }

    if (conf->key == NULL) {
        conf->key = prev->key;
    }

    if (conf->scope == NGX_CONF_UNSET_UINT) {
        conf->scope_written = prev->scope_written;
    }

    ngx_conf_merge_ptr_value(conf->valid, prev->valid, NULL);
    ngx_conf_merge_uint_value(conf->scope, prev->scope,
                              NGX_HTTP_EDGE_CACHE_TENANT);
    ngx_conf_merge_bitmask_value(conf->methods, prev->methods,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_HTTP_GET|NGX_HTTP_HEAD));
    ngx_conf_merge_ptr_value(conf->bypass, prev->bypass, NULL);
    ngx_conf_merge_ptr_value(conf->no_cache, prev->no_cache, NULL);
    ngx_conf_merge_value(conf->lock, prev->lock, 0);
    ngx_conf_merge_msec_value(conf->lock_timeout, prev->lock_timeout, 2000);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size,
                              NGX_EDGE_CACHE_L1_MAX);

    /* a HEAD is answered by what a GET has stored */

    conf->methods |= NGX_HTTP_GET|NGX_HTTP_HEAD;

    if (conf->purge
        && ngx_http_edge_cache_purge_compile(cf, conf->purge) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->name.len == 0) {
        return NGX_CONF_OK;
    }

    return ngx_http_edge_cache_enable(cf, conf, prev, written);
}


static char *
ngx_http_edge_cache_enable(ngx_conf_t *cf,
    ngx_http_edge_cache_loc_conf_t *conf,
    const ngx_http_edge_cache_loc_conf_t *prev, ngx_uint_t written)
{
    void                             ***location;
    ngx_http_conf_ctx_t               *ctx;
    ngx_http_core_loc_conf_t          *core;
    ngx_http_edge_cache_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);
    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    conf->zone = ngx_http_edge_cache_by_name(cmcf, &conf->name);

    if (conf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache\" names the unknown edge_cache_zone "
                      "\"%V\"", &conf->name);
        return NGX_CONF_ERROR;
    }

    if (conf->max_size == 0
        || conf->max_size > (conf->zone->redis ? NGX_HTTP_EDGE_CACHE_L2_MAX
                                               : NGX_EDGE_CACHE_L1_MAX))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache_max_size\" must be between 1 and %s in a "
                      "location with edge_cache \"%V\"",
                      conf->zone->redis ? "1m" : "32k", &conf->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_cache_location_id(cf, conf, &prev->id) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* what is inherited does nothing in locations without edge_route; a
     * server's own level only passes it on */

    if (!written || (core->name.len == 0 && !core->noname)) {
        return NGX_CONF_OK;
    }

    location = ngx_array_push(&cmcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    ctx = cf->ctx;
    *location = ctx->loc_conf;

    return NGX_CONF_OK;
}


/*
 * Two locations may send the same URI of a module to different targets, so a
 * key says which location it is of: by the server's place in its file and by
 * the location's name; an "if" has none and gets a number.
 */

static ngx_int_t
ngx_http_edge_cache_location_id(ngx_conf_t *cf,
    ngx_http_edge_cache_loc_conf_t *conf, const ngx_str_t *around)
{
    u_char                           *p;
    size_t                            len;
    ngx_http_core_loc_conf_t         *core;
    ngx_http_core_srv_conf_t         *cscf;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    len = ngx_strlen(cscf->file_name) + around->len + core->name.len
          + 2 * NGX_INT_T_LEN + 4;

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    conf->id.data = p;

    if (core->noname) {
        p = ngx_sprintf(p, "%V if %ui", around, cmcf->locations.nelts);

    } else {
        p = ngx_sprintf(p, "%s:%ui %V", cscf->file_name, cscf->line,
                        &core->name);
    }

    conf->id.len = p - conf->id.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL || rec->cache_status == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) rec->cache_status;
    v->len = ngx_strlen(rec->cache_status);
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_edge_cache_status_name,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_edge_cache_variable;

    return NGX_OK;
}


/* No key without tenant and module, and those come with edge_route. */

static ngx_int_t
ngx_http_edge_cache_check(ngx_conf_t *cf,
    ngx_http_edge_cache_main_conf_t *cmcf)
{
    ngx_uint_t                 i;
    void                    ***location;
    ngx_http_core_loc_conf_t  *core;

    location = cmcf->locations.elts;

    for (i = 0; i < cmcf->locations.nelts; i++) {

        if (ngx_http_edge_route_enabled(location[i])) {
            continue;
        }

        core = location[i][ngx_http_core_module.ctx_index];

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache\" in location \"%V\" needs \"edge_route\"",
                      &core->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt              *h;
    ngx_http_core_main_conf_t        *core;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    static ngx_str_t                  iss = ngx_string("jwt_claim_iss");
    static ngx_str_t                  sub = ngx_string("jwt_claim_sub");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);

    cmcf->iss = ngx_http_edge_auth_claim(cf, &iss);
    cmcf->sub = ngx_http_edge_auth_claim(cf, &sub);

    if (cmcf->iss == NULL || cmcf->sub == NULL
        || ngx_http_edge_cache_check(cf, cmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&core->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_cache_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                         i;
    ngx_http_edge_cache_zone_t       **zone;
    ngx_http_edge_cache_main_conf_t   *cmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_edge_cache_module);
    if (cmcf == NULL) {
        return NGX_OK;                 /* no http block */
    }

    zone = cmcf->zones.elts;

    for (i = 0; i < cmcf->zones.nelts; i++) {
        if (zone[i]->redis
            && ngx_http_edge_cache_sync_start(cycle, zone[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
