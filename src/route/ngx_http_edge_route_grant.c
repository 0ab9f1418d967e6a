
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a token has to say before its bearer gets at a module: the lines
 * "allow $claim word" and "allow_write $claim word" of edge_module, and the
 * claim behind edge_tenant.  The claims are read from the verified token by
 * their path, never from variables.
 *
 * The directives are read before the names of auth_jwt_claim_set are known, so
 * claims are looked up when the whole configuration was read.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "route/ngx_http_edge_route.h"


/* One line; all lines of a list must hold. */
typedef struct {
    ngx_str_t                          variable;   /* without the '$' */
    ngx_str_t                          word;
    const ngx_http_edge_auth_claim_t  *claim;
} ngx_http_edge_route_grant_t;


static char *ngx_http_edge_route_add_grant(ngx_conf_t *cf,
    ngx_array_t **grants);
static ngx_int_t ngx_http_edge_route_resolve_grants(ngx_conf_t *cf,
    const ngx_http_edge_route_entry_t *entry, ngx_array_t *grants);


char *
ngx_http_edge_route_set_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    return ngx_http_edge_route_add_grant(cf, &entry->grants);
}


char *
ngx_http_edge_route_set_allow_write(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_edge_route_entry_t *entry = conf;

    ngx_str_t  *arg;

    arg = cf->args->elts;

    if (entry->write_unverified
        || (entry->write_grants && cf->args->nelts == 2))
    {
        return "is duplicate";
    }

    if (cf->args->nelts == 3) {
        return ngx_http_edge_route_add_grant(cf, &entry->write_grants);
    }

    if (ngx_strcmp(arg[1].data, "unverified") != 0) {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"allow_write unverified\" lets every client of "
                       "edge_module \"%V\" write documents", &entry->name);

    entry->write_unverified = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_route_add_grant(ngx_conf_t *cf, ngx_array_t **grants)
{
    ngx_str_t                    *arg;
    ngx_http_edge_route_grant_t  *grant;

    arg = cf->args->elts;

    if (arg[1].len < 2 || arg[1].data[0] != '$') {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    if (arg[2].len == 0
        || ngx_strlchr(arg[2].data, arg[2].data + arg[2].len, '$'))
    {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    if (*grants == NULL) {
        *grants = ngx_array_create(cf->pool, 2,
                                   sizeof(ngx_http_edge_route_grant_t));
        if (*grants == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    grant = ngx_array_push(*grants);
    if (grant == NULL) {
        return NGX_CONF_ERROR;
    }

    grant->variable.data = arg[1].data + 1;
    grant->variable.len = arg[1].len - 1;
    grant->word = arg[2];
    grant->claim = NULL;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_edge_route_compile_grants(ngx_conf_t *cf,
    ngx_http_edge_route_entry_t *entry)
{
    if (entry->grants == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "edge_module \"%V\" has no \"allow\": it is open to "
                      "every tenant", &entry->name);
    }

    if (ngx_http_edge_route_resolve_grants(cf, entry, entry->grants)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_edge_route_resolve_grants(cf, entry, entry->write_grants);
}


static ngx_int_t
ngx_http_edge_route_resolve_grants(ngx_conf_t *cf,
    const ngx_http_edge_route_entry_t *entry, ngx_array_t *grants)
{
    ngx_uint_t                    i;
    ngx_http_edge_route_grant_t  *grant;

    if (grants == NULL) {
        return NGX_OK;
    }

    grant = grants->elts;

    for (i = 0; i < grants->nelts; i++) {

        grant[i].claim = ngx_http_edge_auth_claim(cf, &grant[i].variable);

        if (grant[i].claim == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"$%V\" in edge_module \"%V\" is no claim: neither "
                          "$jwt_claim_<name> nor of \"auth_jwt_claim_set\"",
                          &grant[i].variable, &entry->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_route_granted(ngx_http_request_t *r, const ngx_array_t *grants)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_edge_route_grant_t  *grant;

    if (grants == NULL) {
        return NGX_OK;
    }

    grant = grants->elts;

    for (i = 0; i < grants->nelts; i++) {

        rc = ngx_http_edge_auth_claim_has(r, grant[i].claim, &grant[i].word);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* edge_tenant $claim, or edge_tenant value unverified */

char *
ngx_http_edge_route_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_route_loc_conf_t *rlcf = conf;

    ngx_str_t  *arg;

    if (rlcf->tenant != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (arg[1].len == 0) {
        return ngx_http_edge_conf_invalid(cf, &arg[1]);
    }

    if (cf->args->nelts == 2) {

        if (arg[1].len < 2 || arg[1].data[0] != '$') {
            return ngx_http_edge_conf_invalid(cf, &arg[1]);
        }

        rlcf->tenant = NULL;
        rlcf->tenant_claim.data = arg[1].data + 1;
        rlcf->tenant_claim.len = arg[1].len - 1;

        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg[2].data, "unverified") != 0) {
        return ngx_http_edge_conf_invalid(cf, &arg[2]);
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"edge_tenant %V unverified\" lets the client choose "
                       "its tenant, unless something in front of nginx sets "
                       "the value", &arg[1]);

    rlcf->tenant = ngx_http_edge_route_complex(cf, &arg[1]);

    return rlcf->tenant ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* A location's edge_tenant, once it is known which one it has. */

char *
ngx_http_edge_route_compile_tenant(ngx_conf_t *cf,
    ngx_http_edge_route_loc_conf_t *rlcf, const ngx_str_t *location)
{
    if (rlcf->tenant) {
        return NGX_CONF_OK;
    }

    if (rlcf->tenant_claim.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"edge_route\" but no "
                      "\"edge_tenant\"", location);
        return NGX_CONF_ERROR;
    }

    rlcf->claim = ngx_http_edge_auth_claim(cf, &rlcf->tenant_claim);

    if (rlcf->claim == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_tenant $%V\" is no verified source: neither "
                      "$jwt_claim_<name> nor of \"auth_jwt_claim_set\"; add "
                      "\"unverified\" to trust the value",
                      &rlcf->tenant_claim);
        return NGX_CONF_ERROR;
    }

    if (location->len && !ngx_http_edge_auth_enabled(cf)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"edge_tenant $%V\" but no "
                      "\"auth_jwt\"", location, &rlcf->tenant_claim);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
