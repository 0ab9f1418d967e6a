
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The RAG feature's module: edge_rag blocks, the checks between blocks,
 * modules and locations, and the handler that takes a request over.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_shutdown.h"
#include "lib/ngx_http_edge_body.h"
#include "lib/ngx_http_edge_conf.h"
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_rag.h"


static ngx_int_t ngx_http_edge_rag_precontent(ngx_http_request_t *r);
static char *ngx_http_edge_rag_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_edge_rag_conf_t *ngx_http_edge_rag_new(ngx_conf_t *cf,
    ngx_str_t *name);
static ngx_http_edge_rag_conf_t *ngx_http_edge_rag_by_name(
    ngx_http_edge_rag_main_conf_t *rmcf, const ngx_str_t *name);
static ngx_int_t ngx_http_edge_rag_bind_modules(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf);
static ngx_int_t ngx_http_edge_rag_check_locations(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_edge_rag_conf_t *rag);
static ngx_int_t ngx_http_edge_rag_check_location(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_edge_rag_conf_t *rag,
    const ngx_str_t *uri);
static ngx_int_t ngx_http_edge_rag_bind_caches(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf);
static ngx_int_t ngx_http_edge_rag_hash(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf);
static void *ngx_http_edge_rag_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_edge_rag_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_edge_rag_commands[] = {

    { ngx_string("edge_rag"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_edge_rag_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("edge_acl"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_edge_acl_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_rag_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_rag_init,                /* postconfiguration */

    ngx_http_edge_rag_create_main_conf,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_acl_create_conf,         /* create location configuration */
    ngx_http_edge_acl_merge                /* merge location configuration */
};


ngx_module_t  ngx_http_edge_rag_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_rag_module_ctx,         /* module context */
    ngx_http_edge_rag_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_edge_shutdown_init,                /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_edge_store_exit,              /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * Runs behind admit: the module, the endpoint and the tenant are settled and
 * the body has been read.  Takes the place of the location's own handler.  A
 * location without edge_route has rules of its own: what an internal redirect
 * brings there was not admitted for it.
 */

static ngx_int_t
ngx_http_edge_rag_precontent(ngx_http_request_t *r)
{
    ngx_http_edge_record_t  *rec;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL
        || !rec->admitted
        || rec->endpoint == ngx_http_edge_endpoint_none
        || !ngx_http_edge_route_enabled(r->loc_conf))
    {
        return NGX_DECLINED;
    }

    r->content_handler = ngx_http_edge_rag_handler;

    return NGX_DECLINED;
}


const ngx_http_edge_rag_conf_t *
ngx_http_edge_rag_pipeline(ngx_http_request_t *r,
    const ngx_http_edge_route_entry_t *module)
{
    ngx_str_t                       name;
    ngx_http_edge_rag_main_conf_t  *rmcf;

    if (module->pipeline) {
        return module->pipeline;
    }

    if (ngx_http_complex_value(r, module->rag, &name) != NGX_OK) {
        return NULL;
    }

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_rag_module);

    if (rmcf->by_name.size == 0) {
        return NULL;
    }

    return ngx_hash_find(&rmcf->by_name, ngx_hash_key(name.data, name.len),
                         name.data, name.len);
}


static char *
ngx_http_edge_rag_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_main_conf_t *rmcf = conf;

    char                       *rv;
    ngx_str_t                  *arg;
    ngx_http_edge_rag_conf_t   *rag, **p;

    arg = cf->args->elts;

    if (ngx_http_edge_rag_by_name(rmcf, &arg[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate edge_rag \"%V\"", &arg[1]);
        return NGX_CONF_ERROR;
    }

    rag = ngx_http_edge_rag_new(cf, &arg[1]);
    if (rag == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_array_push(&rmcf->pipelines);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    *p = rag;

    rv = ngx_http_edge_conf_block(cf, ngx_http_edge_rag_block_commands, rag);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_edge_rag_conf_done(cf, rag) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_edge_rag_conf_t *
ngx_http_edge_rag_new(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_http_edge_rag_conf_t  *rag;

    /*
     * set by ngx_pcalloc():
     *
     *     rag->embed = NULL;
     *     rag->ingest = NULL;
     *     rag->store = NULL;
     *     rag->prompt = { 0 };
     */

    rag = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_rag_conf_t));
    if (rag == NULL) {
        return NULL;
    }

    rag->name = *name;
    rag->file = cf->conf_file->file.name.data;
    rag->line = cf->conf_file->line;

    rag->timeout.embed = NGX_CONF_UNSET_MSEC;
    rag->timeout.search = NGX_CONF_UNSET_MSEC;
    rag->timeout.first_token = NGX_CONF_UNSET_MSEC;
    rag->timeout.idle = NGX_CONF_UNSET_MSEC;
    rag->timeout.total = NGX_CONF_UNSET_MSEC;
    rag->timeout.stream = NGX_CONF_UNSET_MSEC;

    rag->max_body = NGX_CONF_UNSET_SIZE;
    rag->max_context = NGX_CONF_UNSET_SIZE;
    rag->max_tokens = NGX_CONF_UNSET_UINT;

    if (ngx_array_init(&rag->searches, cf->pool, 2,
                       sizeof(ngx_http_edge_search_conf_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&rag->generates, cf->pool, 2,
                       sizeof(ngx_http_edge_generate_conf_t))
        != NGX_OK)
    {
        return NULL;
    }

    return rag;
}


static ngx_http_edge_rag_conf_t *
ngx_http_edge_rag_by_name(ngx_http_edge_rag_main_conf_t *rmcf,
    const ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_edge_rag_conf_t  **rag;

    rag = rmcf->pipelines.elts;

    for (i = 0; i < rmcf->pipelines.nelts; i++) {
        if (rag[i]->name.len == name->len
            && ngx_strncmp(rag[i]->name.data, name->data, name->len) == 0)
        {
            return rag[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_edge_rag_bind_modules(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf)
{
    size_t                         max;
    ngx_uint_t                     i;
    ngx_array_t                   *entries;
    ngx_http_edge_rag_conf_t     **pipeline, *rag;
    ngx_http_edge_route_entry_t   *entry;

    max = 0;
    pipeline = rmcf->pipelines.elts;

    for (i = 0; i < rmcf->pipelines.nelts; i++) {
        max = ngx_max(max, pipeline[i]->max_body);
    }

    entries = ngx_http_edge_route_entries(cf);
    entry = entries->elts;

    for (i = 0; i < entries->nelts; i++) {

        if (entry[i].rag == NULL) {
            continue;
        }

        if (entry[i].rag->lengths) {
            entry[i].max_body = max;
            continue;
        }

        rag = ngx_http_edge_rag_by_name(rmcf, &entry[i].rag->value);

        if (rag == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "edge_module \"%V\" names the unknown edge_rag "
                          "\"%V\"", &entry[i].name, &entry[i].rag->value);
            return NGX_ERROR;
        }

        entry[i].pipeline = rag;
        entry[i].max_body = rag->max_body;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_rag_bind_caches(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf)
{
    ngx_uint_t                  i;
    ngx_http_edge_rag_conf_t  **rag;

    rag = rmcf->pipelines.elts;

    for (i = 0; i < rmcf->pipelines.nelts; i++) {

        if (rag[i]->cache.len == 0) {
            continue;
        }

        rag[i]->cache_zone = ngx_http_edge_cache_zone_find(cf,
                                                           &rag[i]->cache);

        if (rag[i]->cache_zone == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"cache\" of edge_rag \"%V\" in %s:%ui names the "
                          "unknown edge_cache_zone \"%V\"", &rag[i]->name,
                          rag[i]->file, rag[i]->line, &rag[i]->cache);
            return NGX_ERROR;
        }

        if (ngx_http_edge_query_cache_digest(cf, rag[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_rag_check_locations(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_edge_rag_conf_t *rag)
{
    ngx_uint_t                      i;
    ngx_http_edge_search_conf_t    *search;
    ngx_http_edge_generate_conf_t  *generate;

    if (rag->embed
        && ngx_http_edge_rag_check_location(cf, cscf, rag, &rag->embed->uri)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rag->ingest
        && ngx_http_edge_rag_check_location(cf, cscf, rag, &rag->ingest->uri)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    search = rag->searches.elts;

    for (i = 0; i < rag->searches.nelts; i++) {
        if (ngx_http_edge_rag_check_location(cf, cscf, rag, &search[i].uri)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    generate = rag->generates.elts;

    for (i = 0; i < rag->generates.nelts; i++) {
        if (!generate[i].extractive
            && ngx_http_edge_rag_check_location(cf, cscf, rag,
                                                &generate[i].uri)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* No access phase runs in a subrequest: what it reaches must be internal. */

static ngx_int_t
ngx_http_edge_rag_check_location(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf, ngx_http_edge_rag_conf_t *rag,
    const ngx_str_t *uri)
{
    const char                *fault;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_edge_conf_location(cscf, uri);

    if (clcf == NULL) {
        fault = "has no location for";

    } else if (!clcf->internal) {
        fault = "has a location that is not internal for";

    } else {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "server \"%V\" in %s:%ui %s \"%V\", which edge_rag \"%V\" "
                  "in %s:%ui calls",
                  &cscf->server_name, cscf->file_name, cscf->line, fault,
                  uri, &rag->name, rag->file, rag->line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_edge_rag_hash(ngx_conf_t *cf, ngx_http_edge_rag_main_conf_t *rmcf)
{
    ngx_uint_t                  i;
    ngx_array_t                 keys;
    ngx_hash_key_t             *key;
    ngx_hash_init_t             hash;
    ngx_http_edge_rag_conf_t  **pipeline;

    if (rmcf->pipelines.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_array_init(&keys, cf->temp_pool, rmcf->pipelines.nelts,
                       sizeof(ngx_hash_key_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    pipeline = rmcf->pipelines.elts;

    for (i = 0; i < rmcf->pipelines.nelts; i++) {
        key = ngx_array_push(&keys);
        if (key == NULL) {
            return NGX_ERROR;
        }

        key->key = pipeline[i]->name;
        key->key_hash = ngx_hash_key(key->key.data, key->key.len);
        key->value = pipeline[i];
    }

    hash.hash = &rmcf->by_name;
    hash.key = ngx_hash_key;
    hash.max_size = ngx_max(512, rmcf->pipelines.nelts * 2);
    hash.bucket_size = ngx_align(256, ngx_cacheline_size);
    hash.name = "edge_rag";
    hash.pool = cf->pool;
    hash.temp_pool = NULL;

    return ngx_hash_init(&hash, keys.elts, keys.nelts);
}


static void *
ngx_http_edge_rag_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_rag_main_conf_t  *rmcf;

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_rag_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&rmcf->pipelines, cf->pool, 4,
                       sizeof(ngx_http_edge_rag_conf_t *))
        != NGX_OK
        || ngx_http_edge_acl_init_main(cf, rmcf) != NGX_OK)
    {
        return NULL;
    }

    return rmcf;
}


static ngx_int_t
ngx_http_edge_rag_init(ngx_conf_t *cf)
{
    ngx_uint_t                       i, j;
    ngx_array_t                     *servers;
    ngx_http_handler_pt             *h;
    ngx_http_core_srv_conf_t       **cscf;
    ngx_http_edge_rag_conf_t       **pipeline;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_edge_rag_main_conf_t   *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_rag_module);

    if (ngx_http_edge_body_init(cf) != NGX_OK
        || ngx_http_edge_rag_bind_modules(cf, rmcf) != NGX_OK
        || ngx_http_edge_rag_bind_caches(cf, rmcf) != NGX_OK
        || ngx_http_edge_acl_check(cf, rmcf) != NGX_OK
        || ngx_http_edge_rag_hash(cf, rmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    servers = ngx_http_edge_route_servers(cf);
    if (servers == NULL) {
        return NGX_ERROR;
    }

    cscf = servers->elts;
    pipeline = rmcf->pipelines.elts;

    for (i = 0; i < servers->nelts; i++) {
        for (j = 0; j < rmcf->pipelines.nelts; j++) {
            if (ngx_http_edge_rag_check_locations(cf, cscf[i], pipeline[j])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_rag_precontent;

    return NGX_OK;
}
