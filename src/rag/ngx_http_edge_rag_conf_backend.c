
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives of an edge_rag block that name a backend: embed, search,
 * ingest, generate.  Each names an internal location; the URI of its calls is
 * made here, once.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "rag/ngx_http_edge_rag.h"


static char *ngx_http_edge_rag_search_param(ngx_conf_t *cf,
    ngx_http_edge_search_conf_t *search, ngx_str_t *arg);
static char *ngx_http_edge_rag_location(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *location);
static char *ngx_http_edge_rag_uri(ngx_conf_t *cf, ngx_str_t *location,
    const char *prefix, ngx_str_t *middle, const char *suffix,
    ngx_str_t *uri);
static ngx_uint_t ngx_http_edge_rag_is_name(const ngx_str_t *name);


char *
ngx_http_edge_rag_embed(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t                   *arg, value;
    ngx_uint_t                   i;
    ngx_http_edge_embed_conf_t  *embed;

    if (rag->embed) {
        return "is duplicate";
    }

    embed = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_embed_conf_t));
    if (embed == NULL) {
        return NGX_CONF_ERROR;
    }

    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&arg[i], "model", &embed->model)) {
            continue;
        }

        if (ngx_http_edge_conf_param(&arg[i], "dimensions", &value)) {
            if (ngx_http_edge_conf_uint(cf, &value, 1, 65536,
                                        &embed->dimensions)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        return ngx_http_edge_conf_invalid(cf, &arg[i]);
    }

    if (embed->model.len == 0 || embed->dimensions == 0) {
        return "needs \"model\" and \"dimensions\"";
    }

    rag->embed = embed;

    if (ngx_http_edge_rag_location(cf, &arg[1], &embed->location)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_rag_uri(cf, &embed->location, "embeddings", NULL, "",
                                 &embed->uri);
}


char *
ngx_http_edge_rag_search(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t                    *arg;
    ngx_uint_t                    i;
    ngx_http_edge_search_conf_t  *search;

    if (rag->searches.nelts == NGX_HTTP_EDGE_RAG_SEARCH_MAX) {
        return "is given too often";
    }

    search = ngx_array_push(&rag->searches);
    if (search == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(search, sizeof(ngx_http_edge_search_conf_t));

    search->top_k = 5;
    search->threshold = 0.3;

    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_edge_rag_search_param(cf, search, &arg[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (!ngx_http_edge_rag_is_name(&search->collection)) {
        return "needs a valid \"collection\"";
    }

    if (ngx_http_edge_rag_location(cf, &arg[1], &search->location)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_rag_uri(cf, &search->location, "collections/",
                                 &search->collection, "/points/query",
                                 &search->uri);
}


static char *
ngx_http_edge_rag_search_param(ngx_conf_t *cf,
    ngx_http_edge_search_conf_t *search, ngx_str_t *arg)
{
    ngx_str_t  value;

    if (ngx_http_edge_conf_param(arg, "collection", &search->collection)) {
        return NGX_CONF_OK;
    }

    if (ngx_http_edge_conf_param(arg, "top_k", &value)) {
        return ngx_http_edge_conf_uint(cf, &value, 1,
                                       NGX_HTTP_EDGE_RAG_TOP_K_MAX,
                                       &search->top_k);
    }

    if (ngx_http_edge_conf_param(arg, "score_threshold", &value)) {
        return ngx_http_edge_conf_number(cf, &value, 0, 1000,
                                         &search->threshold);
    }

    if (ngx_http_edge_conf_param(arg, "scope", &value)) {

        if (ngx_edge_scan_is(&value, "module")) {
            search->scope = ngx_http_edge_scope_module;
            return NGX_CONF_OK;
        }

        if (ngx_edge_scan_is(&value, "tenant")) {
            search->scope = ngx_http_edge_scope_tenant;
            return NGX_CONF_OK;
        }

        if (ngx_edge_scan_is(&value, "shared")) {
            search->scope = ngx_http_edge_scope_shared;
            return NGX_CONF_OK;
        }
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


char *
ngx_http_edge_rag_ingest(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t                    *arg;
    ngx_http_edge_ingest_conf_t  *ingest;

    if (rag->ingest) {
        return "is duplicate";
    }

    ingest = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_ingest_conf_t));
    if (ingest == NULL) {
        return NGX_CONF_ERROR;
    }

    arg = cf->args->elts;

    if (!ngx_http_edge_conf_param(&arg[2], "collection",
                                  &ingest->collection))
    {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    if (!ngx_http_edge_rag_is_name(&ingest->collection)) {
        return "needs a valid \"collection\"";
    }

    rag->ingest = ingest;

    if (ngx_http_edge_rag_location(cf, &arg[1], &ingest->location)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_rag_uri(cf, &ingest->location, "collections/",
                                 &ingest->collection, "/points",
                                 &ingest->uri);
}


char *
ngx_http_edge_rag_generate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t                      *arg;
    ngx_http_edge_generate_conf_t  *last, *generate;

    last = rag->generates.elts;

    if (rag->generates.nelts && last[rag->generates.nelts - 1].extractive) {
        return "follows \"generate extractive\", which never fails";
    }

    generate = ngx_array_push(&rag->generates);
    if (generate == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(generate, sizeof(ngx_http_edge_generate_conf_t));

    arg = cf->args->elts;

    if (ngx_edge_scan_is(&arg[1], "extractive")) {

        if (cf->args->nelts > 2) {
            return ngx_http_edge_conf_invalid(cf, &arg[2]);
        }

        generate->extractive = 1;
        ngx_str_set(&generate->model, "extractive");
        return NGX_CONF_OK;
    }

    if (cf->args->nelts < 3) {
        return "needs \"model\"";
    }

    if (!ngx_http_edge_conf_param(&arg[2], "model", &generate->model)
        || generate->model.len == 0)
    {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    if (cf->args->nelts > 3) {
        return ngx_http_edge_conf_invalid(cf, &arg[3]);
    }

    if (ngx_http_edge_rag_location(cf, &arg[1], &generate->location)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_edge_rag_uri(cf, &generate->location, "chat/completions",
                                 NULL, "", &generate->uri);
}


static char *
ngx_http_edge_rag_location(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *location)
{
    if (arg->len < 2
        || arg->data[0] != '/'
        || arg->data[arg->len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "location \"%V\" must begin and end with \"/\"",
                           arg);
        return NGX_CONF_ERROR;
    }

    *location = *arg;

    return NGX_CONF_OK;
}


/* location + prefix + middle + suffix */

static char *
ngx_http_edge_rag_uri(ngx_conf_t *cf, ngx_str_t *location, const char *prefix,
    ngx_str_t *middle, const char *suffix, ngx_str_t *uri)
{
    u_char     *p;
    ngx_str_t   none = ngx_null_string;

    if (middle == NULL) {
        middle = &none;
    }

    p = ngx_pnalloc(cf->pool, location->len + ngx_strlen(prefix)
                              + middle->len + ngx_strlen(suffix));
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    uri->data = p;

    p = ngx_cpymem(p, location->data, location->len);
    p = ngx_cpymem(p, prefix, ngx_strlen(prefix));

    if (middle->len) {
        p = ngx_cpymem(p, middle->data, middle->len);
    }

    p = ngx_cpymem(p, suffix, ngx_strlen(suffix));

    uri->len = p - uri->data;

    return NGX_CONF_OK;
}


/* A collection's name goes into a path: nothing that needs escaping. */

static ngx_uint_t
ngx_http_edge_rag_is_name(const ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || c == '_' || c == '-')
        {
            continue;
        }

        return 0;
    }

    return name->len > 0 && name->len <= 255;
}
