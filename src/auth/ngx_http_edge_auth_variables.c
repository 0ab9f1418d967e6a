
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Claims as variables, and as what other features read.  Variables show the
 * token that was verified for the location the request is in; without one
 * they are empty.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


static ngx_int_t ngx_http_edge_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_auth_header_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_auth_set_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_auth_payload_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_auth_named(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const ngx_str_t *variable,
    const char *prefix, ngx_uint_t header);
static ngx_int_t ngx_http_edge_auth_show(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const ngx_http_edge_auth_claim_t *claim);
static const ngx_http_edge_auth_verified_t *ngx_http_edge_auth_verified(
    ngx_http_request_t *r);


static ngx_http_variable_t  ngx_http_edge_auth_vars[] = {

    { ngx_string("jwt_claim_"), NULL, ngx_http_edge_auth_claim_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("jwt_header_"), NULL, ngx_http_edge_auth_header_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("jwt_payload"), NULL, ngx_http_edge_auth_payload_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_edge_auth_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_edge_auth_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
    }

    return NGX_OK;
}


/*
 * A directive such as set, map, geo or auth_request_set makes its variable a
 * changeable one, which no variable of ours is.  One with a name of ours would
 * be taken for something that was verified.
 */

ngx_int_t
ngx_http_edge_auth_check_variables(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        v = key[i].value;

        if (!(v->flags & NGX_HTTP_VAR_CHANGEABLE)
            || ((v->name.len < 4
                 || ngx_strncmp(v->name.data, "jwt_", 4) != 0)
                && (v->name.len < 5
                    || ngx_strncmp(v->name.data, "edge_", 5) != 0)))
        {
            continue;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the variable \"$%V\" is defined by another directive; "
                      "names that begin with \"jwt_\" and \"edge_\" are kept "
                      "for what the edge has verified", &v->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_edge_auth_named(r, v, (ngx_str_t *) data, "jwt_claim_", 0);
}


static ngx_int_t
ngx_http_edge_auth_header_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_edge_auth_named(r, v, (ngx_str_t *) data, "jwt_header_",
                                    1);
}


static ngx_int_t
ngx_http_edge_auth_named(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    const ngx_str_t *variable, const char *prefix, ngx_uint_t header)
{
    ngx_str_t                   name;
    ngx_http_edge_auth_claim_t  claim;

    name = *variable;

    if (!ngx_http_edge_auth_prefixed(&name, prefix)) {
        v->not_found = 1;
        return NGX_OK;
    }

    claim.path.names = &name;
    claim.path.n = 1;
    claim.header = header;

    return ngx_http_edge_auth_show(r, v, &claim);
}


static ngx_int_t
ngx_http_edge_auth_set_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_http_edge_auth_show(r, v,
                                   (ngx_http_edge_auth_claim_t *) data);
}


static ngx_int_t
ngx_http_edge_auth_show(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    const ngx_http_edge_auth_claim_t *claim)
{
    ngx_int_t                             rc;
    ngx_str_t                             text;
    const ngx_http_edge_auth_verified_t  *verified;

    verified = ngx_http_edge_auth_verified(r);

    if (verified == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    rc = ngx_edge_claims_text(r->pool, claim->header ? &verified->header
                                                     : &verified->payload,
                              &claim->path, &text);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = text.data;
    v->len = text.len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_auth_payload_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                             text;
    const ngx_http_edge_auth_verified_t  *verified;

    verified = ngx_http_edge_auth_verified(r);

    if (verified == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (ngx_edge_claims_compact(r->pool, &verified->payload, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    v->data = text.data;
    v->len = text.len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static const ngx_http_edge_auth_verified_t *
ngx_http_edge_auth_verified(ngx_http_request_t *r)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record(r);

    if (rec == NULL) {
        return NULL;
    }

    if (rec->verified == NULL) {
        rec->claims_asked = 1;
    }

    return rec->verified;
}


char *
ngx_http_edge_auth_claim_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_main_conf_t  *amcf = conf;

    ngx_str_t                 *value, name;
    ngx_uint_t                 i;
    ngx_http_variable_t       *var;
    ngx_http_edge_auth_set_t  *set;

    value = cf->args->elts;
    name = value[1];

    if (name.len < 2 || name.data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    name.data++;
    name.len--;

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }

    if (var->get_handler || var->set_handler
        || var->flags & NGX_HTTP_VAR_CHANGEABLE)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the variable \"$%V\" is defined already", &name);
        return NGX_CONF_ERROR;
    }

    set = ngx_array_push(&amcf->claims);
    if (set == NULL) {
        return NGX_CONF_ERROR;
    }

    set->name = var->name;
    set->claim.header = (cmd->offset != 0);
    set->claim.path.n = cf->args->nelts - 2;
    set->claim.path.names = ngx_palloc(cf->pool,
                                       set->claim.path.n * sizeof(ngx_str_t));
    if (set->claim.path.names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < set->claim.path.n; i++) {
        set->claim.path.names[i] = value[i + 2];
    }

    /* the array may move, so the variable has a copy */

    var->get_handler = ngx_http_edge_auth_set_variable;
    var->data = (uintptr_t) ngx_palloc(cf->pool,
                                       sizeof(ngx_http_edge_auth_claim_t));
    if (var->data == 0) {
        return NGX_CONF_ERROR;
    }

    *(ngx_http_edge_auth_claim_t *) var->data = set->claim;

    return NGX_CONF_OK;
}


const ngx_http_edge_auth_claim_t *
ngx_http_edge_auth_claim(ngx_conf_t *cf, const ngx_str_t *name)
{
    size_t                           i;
    ngx_str_t                        claim;
    ngx_uint_t                       n;
    ngx_http_edge_auth_set_t        *set;
    ngx_http_edge_auth_claim_t      *path;
    ngx_http_edge_auth_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_auth_module);

    set = amcf->claims.elts;

    for (n = 0; n < amcf->claims.nelts; n++) {
        if (!set[n].claim.header
            && set[n].name.len == name->len
            && ngx_strncasecmp(set[n].name.data, name->data, name->len) == 0)
        {
            return &set[n].claim;
        }
    }

    claim = *name;

    if (!ngx_http_edge_auth_prefixed(&claim, "jwt_claim_")) {
        return NULL;
    }

    /* nginx would read the variable in lower case, and find another claim */

    for (i = 0; i < claim.len; i++) {
        if (claim.data[i] >= 'A' && claim.data[i] <= 'Z') {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"$%V\" has capital letters, which variables "
                          "cannot keep: name the claim by "
                          "\"auth_jwt_claim_set\"", name);
            return NULL;
        }
    }

    path = ngx_palloc(cf->pool, sizeof(ngx_http_edge_auth_claim_t)
                                + sizeof(ngx_str_t));
    if (path == NULL) {
        return NULL;
    }

    path->path.names = (ngx_str_t *) (path + 1);
    path->path.names[0] = claim;
    path->path.n = 1;
    path->header = 0;

    return path;
}


ngx_int_t
ngx_http_edge_auth_claim_string(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, ngx_str_t *value)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL || rec->verified == NULL) {
        return NGX_DECLINED;
    }

    return ngx_edge_claims_string(r->pool, &rec->verified->payload,
                                  &claim->path, value);
}


ngx_int_t
ngx_http_edge_auth_claim_has(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, const ngx_str_t *word)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL || rec->verified == NULL) {
        return NGX_DECLINED;
    }

    return ngx_edge_claims_has(r->pool, &rec->verified->payload,
                               &claim->path, word);
}


ngx_int_t
ngx_http_edge_auth_claim_words(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, ngx_array_t *words)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec == NULL || rec->verified == NULL) {
        return NGX_OK;
    }

    return ngx_edge_claims_words(r->pool, &rec->verified->payload,
                                 &claim->path, words);
}
