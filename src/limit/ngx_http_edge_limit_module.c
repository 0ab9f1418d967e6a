
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits: how many requests of a key pass, in a time and at once.  This file
 * holds the directives, their inheritance and the variable; how a directive
 * reads is in ..._conf.c, what happens to a request in ..._request.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_script.h"
#include "route/ngx_http_edge_route_api.h"


static void *ngx_http_edge_limit_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_edge_limit_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_edge_limit_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_limit_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_edge_limit_note_location(ngx_conf_t *cf,
    const ngx_array_t *policies);
static ngx_uint_t ngx_http_edge_limit_has_inside(
    const ngx_http_core_loc_conf_t *core);
static void ngx_http_edge_limit_check_tokens(ngx_conf_t *cf);
static char *ngx_http_edge_limit_check_location(ngx_conf_t *cf,
    const ngx_array_t *policies);
static ngx_int_t ngx_http_edge_limit_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_limit_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_limit_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_limit_init_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_edge_limit_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_http_edge_limit_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_command_t  ngx_http_edge_limit_commands[] = {

    { ngx_string("edge_limit_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_edge_limit_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_edge_limit_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_limit_dry_run"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_limit_loc_conf_t, dry_run),
      NULL },

    { ngx_string("edge_limit_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_limit_loc_conf_t, status),
      &ngx_http_edge_limit_status_bounds },

    { ngx_string("edge_limit_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_limit_loc_conf_t, log_level),
      &ngx_http_edge_limit_log_levels },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_limit_module_ctx = {
    ngx_http_edge_limit_add_variables,     /* preconfiguration */
    ngx_http_edge_limit_init,              /* postconfiguration */

    ngx_http_edge_limit_create_main_conf,  /* create main configuration */
    ngx_http_edge_limit_init_main_conf,    /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_limit_create_loc_conf,   /* create location configuration */
    ngx_http_edge_limit_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_edge_limit_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_limit_module_ctx,       /* module context */
    ngx_http_edge_limit_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_edge_limit_init_process,      /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_edge_limit_lease_exit,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_str_t  ngx_http_edge_limit_status_name =
    ngx_string("edge_limit_status");


static ngx_str_t  ngx_http_edge_limit_statuses[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN"),
    ngx_string("DEGRADED")
};


static void *
ngx_http_edge_limit_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_limit_main_conf_t  *lmcf;

    lmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_limit_main_conf_t));
    if (lmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&lmcf->zones, cf->pool, 4,
                       sizeof(ngx_http_edge_limit_zone_t *))
        != NGX_OK
        || ngx_array_init(&lmcf->locations, cf->pool, 4, sizeof(void **))
           != NGX_OK)
    {
        return NULL;
    }

    return lmcf;
}


/* A zone may be defined behind its use. */

static char *
ngx_http_edge_limit_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_edge_limit_main_conf_t *lmcf = conf;

    ngx_uint_t                    i;
    ngx_http_edge_limit_zone_t  **zone;

    zone = lmcf->zones.elts;

    for (i = 0; i < lmcf->zones.nelts; i++) {

        if (zone[i]->key.value.data == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"edge_limit\" names the unknown zone \"%V\"",
                          &zone[i]->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_edge_limit_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_limit_loc_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_edge_limit_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->policies = NGX_CONF_UNSET_PTR;
    conf->dry_run = NGX_CONF_UNSET;
    conf->status = NGX_CONF_UNSET_UINT;
    conf->log_level = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_edge_limit_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_limit_loc_conf_t *prev = parent;
    ngx_http_edge_limit_loc_conf_t *conf = child;

    if (conf->policies != NGX_CONF_UNSET_PTR
        && ngx_http_edge_limit_note_location(cf, conf->policies) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_ptr_value(conf->policies, prev->policies, NULL);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_TOO_MANY_REQUESTS);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_ERR);

    return ngx_http_edge_limit_check_location(cf, conf->policies);
}


/* Keeps a location that has a limit of tokens of its own, until it is known
 * where its requests go; what is inherited may be meant for others. */

static ngx_int_t
ngx_http_edge_limit_note_location(ngx_conf_t *cf, const ngx_array_t *policies)
{
    void                             ***location;
    ngx_http_conf_ctx_t                *ctx;
    ngx_http_core_loc_conf_t           *core;
    ngx_http_edge_limit_policy_t       *policy;
    ngx_http_edge_limit_main_conf_t    *lmcf;

    if (policies == NULL) {
        return NGX_OK;
    }

    policy = policies->elts;

    if (policy[policies->nelts - 1].kind != ngx_http_edge_limit_tokens) {
        return NGX_OK;
    }

    ctx = cf->ctx;
    core = ctx->loc_conf[ngx_http_core_module.ctx_index];

    /* a server's own level, or a location with others inside */

    if (core->name.len == 0 || ngx_http_edge_limit_has_inside(core)) {
        return NGX_OK;
    }

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_limit_module);

    location = ngx_array_push(&lmcf->locations);
    if (location == NULL) {
        return NGX_ERROR;
    }

    *location = ctx->loc_conf;

    return NGX_OK;
}


/* Whether there are locations in it; "if" and limit_except count as such in
 * nginx, but not here. */

static ngx_uint_t
ngx_http_edge_limit_has_inside(const ngx_http_core_loc_conf_t *core)
{
    ngx_queue_t                *q;
    ngx_http_core_loc_conf_t   *inner;
    ngx_http_location_queue_t  *lq;

    if (core->locations == NULL) {
        return 0;
    }

    for (q = ngx_queue_head(core->locations);
         q != ngx_queue_sentinel(core->locations);
         q = ngx_queue_next(q))
    {
        lq = (ngx_http_location_queue_t *) q;
        inner = lq->exact ? lq->exact : lq->inclusive;

        if (!inner->noname) {
            return 1;
        }
    }

    return 0;
}


/* A limit that limits nothing is most likely a mistake; but the request may
 * also be led on, to a location that knows the pipeline. */

static void
ngx_http_edge_limit_check_tokens(ngx_conf_t *cf)
{
    void                             ***location;
    ngx_uint_t                          i;
    ngx_http_core_loc_conf_t           *core;
    ngx_http_edge_limit_main_conf_t    *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_limit_module);
    location = lmcf->locations.elts;

    for (i = 0; i < lmcf->locations.nelts; i++) {

        if (ngx_http_edge_route_to_rag(cf, location[i])) {
            continue;
        }

        core = location[i][ngx_http_core_module.ctx_index];

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"edge_limit\" of \"tokens\" in location \"%V\" "
                      "limits nothing without \"edge_route\" to a module "
                      "with \"rag\"", &core->name);
    }
}


/* Redis is asked once for all limits of a request, and is there for all of
 * them or for none. */

static char *
ngx_http_edge_limit_check_location(ngx_conf_t *cf, const ngx_array_t *policies)
{
    ngx_uint_t                           i;
    const ngx_http_edge_limit_zone_t    *zone, *first;
    const ngx_http_edge_limit_policy_t  *policy;

    if (policies == NULL) {
        return NGX_CONF_OK;
    }

    policy = policies->elts;
    first = policy->zone;

    for (i = 1; i < policies->nelts; i++) {
        zone = policy[i].zone;

        if (zone->redis != first->redis || zone->on_error != first->on_error)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"edge_limit\" of one location names the zones "
                          "\"%V\" and \"%V\", which need the same "
                          "\"redis\" and \"on_error\"",
                          &first->name, &zone->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_limit_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_edge_limit_status_name,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_edge_limit_status_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_limit_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t               *word;
    const ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL || rec->limit == NULL
        || rec->limit->status == ngx_http_edge_limit_none)
    {
        v->not_found = 1;
        return NGX_OK;
    }

    word = &ngx_http_edge_limit_statuses[rec->limit->status];

    v->data = word->data;
    v->len = word->len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_limit_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    ngx_http_edge_limit_check_tokens(cf);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_limit_handler;

    ngx_http_edge_limit_script_init();

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_limit_init_process(ngx_cycle_t *cycle)
{
    if (ngx_http_edge_limit_slots_init(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_edge_limit_lease_init(cycle);
}
