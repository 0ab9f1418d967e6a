
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * edge_acl: the permission set of a request, from a claim of its verified
 * token.  A request without a token that was verified has the empty set, which
 * opens what is for everybody; a location with edge_route and edge_acl but no
 * auth_jwt would have no other, and is refused by nginx -t.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth_api.h"
#include "lib/ngx_http_edge_conf.h"
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_rag.h"


/* A location with edge_acl and without auth_jwt. */
typedef struct {
    void                            **loc_conf;
    ngx_str_t                         name;
    ngx_str_t                         variable;
} ngx_http_edge_acl_open_t;


void *
ngx_http_edge_acl_create_conf(ngx_conf_t *cf)
{
    /* set by ngx_pcalloc(): variable = { 0, NULL }, which is unset; claim */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_acl_conf_t));
}


/* edge_acl $claim, or off */

char *
ngx_http_edge_acl_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_acl_conf_t *acl = conf;

    ngx_str_t  *arg;

    if (acl->variable.data) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (ngx_strcmp(arg[1].data, "off") == 0) {
        ngx_str_set(&acl->variable, "");
        return NGX_CONF_OK;
    }

    if (arg[1].len < 2 || arg[1].data[0] != '$') {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    acl->variable.data = arg[1].data + 1;
    acl->variable.len = arg[1].len - 1;

    return NGX_CONF_OK;
}


char *
ngx_http_edge_acl_merge(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_acl_conf_t *prev = parent;
    ngx_http_edge_acl_conf_t *conf = child;

    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_edge_acl_open_t       *open;
    ngx_http_edge_rag_main_conf_t  *rmcf;

    ngx_conf_merge_str_value(conf->variable, prev->variable, "");

    if (conf->variable.len == 0) {
        return NGX_CONF_OK;
    }

    conf->claim = ngx_http_edge_auth_claim(cf, &conf->variable);

    if (conf->claim == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_acl $%V\" is no verified source: neither "
                      "$jwt_claim_<name> nor of \"auth_jwt_claim_set\"",
                      &conf->variable);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->name.len == 0 || ngx_http_edge_auth_enabled(cf)) {
        return NGX_CONF_OK;
    }

    /* whether it has edge_route is not known yet */

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_rag_module);

    open = ngx_array_push(&rmcf->open);
    if (open == NULL) {
        return NGX_CONF_ERROR;
    }

    open->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;
    open->name = clcf->name;
    open->variable = conf->variable;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_edge_acl_init_main(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf)
{
    return ngx_array_init(&rmcf->open, cf->pool, 4,
                          sizeof(ngx_http_edge_acl_open_t));
}


ngx_int_t
ngx_http_edge_acl_check(ngx_conf_t *cf, ngx_http_edge_rag_main_conf_t *rmcf)
{
    ngx_uint_t                 i;
    ngx_http_edge_acl_open_t  *open;

    open = rmcf->open.elts;

    for (i = 0; i < rmcf->open.nelts; i++) {

        if (!ngx_http_edge_route_enabled(open[i].loc_conf)) {
            continue;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"edge_acl $%V\" but no "
                      "\"auth_jwt\"", &open[i].name, &open[i].variable);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_acl_get(ngx_http_request_t *r, const ngx_edge_acl_t **acl)
{
    ngx_int_t                  rc;
    ngx_array_t                words;
    ngx_edge_acl_t            *set;
    ngx_http_edge_acl_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_edge_rag_module);

    if (conf->claim == NULL) {
        return NGX_OK;
    }

    set = ngx_palloc(r->pool, sizeof(ngx_edge_acl_t));

    if (set == NULL
        || ngx_array_init(&words, r->pool, 8, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_edge_auth_claim_words(r, conf->claim, &words);

    if (rc == NGX_OK) {
        rc = ngx_edge_acl_init(set, words.elts, words.nelts);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "edge rag: the claim $%V is no list of at most %d words "
                      "of at most %d bytes", &conf->variable,
                      NGX_EDGE_ACL_WORDS, NGX_EDGE_ACL_WORD);

        return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "acl_invalid",
                                  "the token's permissions cannot be read");
    }

    *acl = set;

    return NGX_OK;
}
