
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * JWT authentication with the directives and the semantics of NGINX Plus's
 * auth_jwt, and more.  This file holds the directives, their inheritance and
 * the handlers' places in the phases.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


#define NGX_HTTP_EDGE_AUTH_ALGORITHMS                                         \
    ((1 << ngx_edge_jwt_alg_max) - 1 - (1 << ngx_edge_jwt_alg_unknown))


static void *ngx_http_edge_auth_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_auth_alone(ngx_conf_t *cf);
static void *ngx_http_edge_auth_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_edge_auth_merge_switch(
    ngx_http_edge_auth_loc_conf_t *prev, ngx_http_edge_auth_loc_conf_t *conf);
static ngx_int_t ngx_http_edge_auth_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_auth_init_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_edge_auth_commands[] = {

    { ngx_string("auth_jwt"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_TAKE12,
      ngx_http_edge_auth_jwt,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_key_file"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_TAKE1,
      ngx_http_edge_auth_key_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_key_url"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_edge_auth_key_url,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_key_request"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_TAKE12,
      ngx_http_edge_auth_key_request,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_key_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_auth_loc_conf_t, key_cache),
      NULL },

    { ngx_string("auth_jwt_leeway"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_TAKE1,
      ngx_http_edge_auth_leeway,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_auth_loc_conf_t, leeway),
      NULL },

    { ngx_string("auth_jwt_type"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_TAKE12,
      ngx_http_edge_auth_type,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_require"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      ngx_http_edge_auth_require,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_issuer"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_1MORE,
      ngx_http_edge_auth_issuer,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_audience"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_1MORE,
      ngx_http_edge_auth_audience,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_algorithms"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_1MORE,
      ngx_http_edge_auth_algorithms,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_auth_loc_conf_t, max_size),
      NULL },

    { ngx_string("auth_jwt_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_TAKE1,
      ngx_http_edge_auth_cache,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_revoke"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_1MORE,
      ngx_http_edge_auth_revoke,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_forward"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_edge_auth_loc_conf_t, forward),
      NULL },

    { ngx_string("auth_jwt_claim_set"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_edge_auth_claim_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("auth_jwt_header_set"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_edge_auth_claim_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      1,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_auth_module_ctx = {
    ngx_http_edge_auth_add_variables,      /* preconfiguration */
    ngx_http_edge_auth_init,               /* postconfiguration */

    ngx_http_edge_auth_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_auth_create_loc_conf,    /* create location configuration */
    ngx_http_edge_auth_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_edge_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_auth_module_ctx,        /* module context */
    ngx_http_edge_auth_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_edge_auth_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_uint_t
ngx_http_edge_auth_enabled(ngx_conf_t *cf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf;

    alcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_edge_auth_module);

    return alcf->enable == 1;
}


static void *
ngx_http_edge_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_auth_main_conf_t  *amcf;

    if (ngx_http_edge_auth_alone(cf) != NGX_OK) {
        return NULL;
    }

    amcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_auth_main_conf_t));
    if (amcf == NULL) {
        return NULL;
    }

    amcf->hash = ngx_edge_hash_create(cf->pool);
    amcf->keys = ngx_http_edge_auth_keys_create(cf);

    if (amcf->hash == NULL
        || amcf->keys == NULL
        || ngx_array_init(&amcf->claims, cf->pool, 4,
                          sizeof(ngx_http_edge_auth_set_t))
           != NGX_OK)
    {
        return NULL;
    }

    return amcf;
}


/* Of two modules with the same directive nginx takes the first, in silence:
 * half of a configuration would go to the other one. */

static ngx_int_t
ngx_http_edge_auth_alone(ngx_conf_t *cf)
{
    ngx_uint_t      i;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strncmp(module->name, "ngx_http_edge_",
                        sizeof("ngx_http_edge_") - 1)
            == 0
            || module->type != NGX_HTTP_MODULE
            || module->commands == NULL)
        {
            continue;
        }

        for (cmd = module->commands; cmd->name.len; cmd++) {
            if (cmd->name.len >= sizeof("auth_jwt") - 1
                && ngx_strncmp(cmd->name.data, "auth_jwt",
                               sizeof("auth_jwt") - 1)
                   == 0)
            {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "the module \"%s\" defines the directive "
                              "\"%V\", which is also of the edge module: "
                              "load only one of them",
                              module->name, &cmd->name);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static void *
ngx_http_edge_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_auth_loc_conf_t  *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->realm = NULL;
     *     conf->token = 0;
     *     conf->token_name = { 0, NULL };
     *     conf->audience_claim = { 0, NULL };
     *     conf->algorithms = 0;
     *     conf->rules = { NULL, NULL, { 0, NULL } };
     *     conf->policy = { 0 };
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_auth_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->enable = NGX_CONF_UNSET;
    conf->sources = NGX_CONF_UNSET_PTR;
    conf->key_cache = NGX_CONF_UNSET;
    conf->leeway = NGX_CONF_UNSET;
    conf->require = NGX_CONF_UNSET_PTR;
    conf->issuers = NGX_CONF_UNSET_PTR;
    conf->audiences = NGX_CONF_UNSET_PTR;
    conf->types = NGX_CONF_UNSET_PTR;
    conf->max_size = NGX_CONF_UNSET_SIZE;
    conf->cache = NGX_CONF_UNSET_PTR;
    conf->forward = NGX_CONF_UNSET;
    conf->revoke = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_edge_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_auth_loc_conf_t *prev = parent;
    ngx_http_edge_auth_loc_conf_t *conf = child;

    ngx_http_edge_auth_merge_switch(prev, conf);

    ngx_conf_merge_ptr_value(conf->sources, prev->sources, NULL);
    ngx_conf_merge_sec_value(conf->key_cache, prev->key_cache, 0);
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 0);
    ngx_conf_merge_ptr_value(conf->require, prev->require, NULL);
    ngx_conf_merge_ptr_value(conf->issuers, prev->issuers, NULL);
    ngx_conf_merge_ptr_value(conf->audiences, prev->audiences, NULL);
    ngx_conf_merge_str_value(conf->audience_claim, prev->audience_claim,
                             "aud");
    ngx_conf_merge_ptr_value(conf->types, prev->types, NULL);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size, 16384);
    ngx_conf_merge_ptr_value(conf->cache, prev->cache, NULL);
    ngx_conf_merge_value(conf->forward, prev->forward, 0);
    ngx_conf_merge_ptr_value(conf->revoke, prev->revoke, NULL);

    if (conf->algorithms == 0) {
        conf->algorithms = prev->algorithms ? prev->algorithms
                                            : NGX_HTTP_EDGE_AUTH_ALGORITHMS;
    }

    return conf->enable ? ngx_http_edge_auth_check(cf, conf) : NGX_CONF_OK;
}


/* Realm and token's source come with the switch, from one directive. */

static void
ngx_http_edge_auth_merge_switch(ngx_http_edge_auth_loc_conf_t *prev,
    ngx_http_edge_auth_loc_conf_t *conf)
{
    if (conf->enable != NGX_CONF_UNSET) {
        return;
    }

    conf->enable = (prev->enable == 1);
    conf->realm = prev->realm;
    conf->token = prev->token;
    conf->token_name = prev->token_name;
}


static ngx_int_t
ngx_http_edge_auth_init(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_edge_auth_main_conf_t  *amcf;

    static ngx_str_t                 fields[] = {
        ngx_string("http_authorization"),
        ngx_string("http_cookie")
    };

    if (ngx_http_edge_auth_check_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_auth_module);

    for (i = 0; i < 2; i++) {
        amcf->fields[i] = ngx_http_get_variable_index(cf, &fields[i]);

        if (amcf->fields[i] == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_auth_access;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_auth_strip;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_auth_init_process(ngx_cycle_t *cycle)
{
    if (ngx_http_edge_auth_url_init_process(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_edge_auth_revoke_init_process(cycle);
}
