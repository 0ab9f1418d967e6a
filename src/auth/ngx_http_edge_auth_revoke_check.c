
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Is the token of a request revoked, or its subject, or its tenant?  Asked of
 * every request, also of one whose verdict was remembered.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


static ngx_int_t ngx_http_edge_auth_revoke_ask(ngx_http_request_t *r,
    ngx_http_edge_auth_revoke_t *list,
    const ngx_http_edge_auth_verified_t *verified,
    ngx_edge_revoked_kind_e kind, ngx_edge_claims_path_t *path,
    const ngx_str_t *iss);
static int64_t ngx_http_edge_auth_revoke_iat(
    const ngx_http_edge_auth_verified_t *verified);


static ngx_str_t  ngx_http_edge_auth_revoke_jti = ngx_string("jti");
static ngx_str_t  ngx_http_edge_auth_revoke_sub = ngx_string("sub");
static ngx_str_t  ngx_http_edge_auth_revoke_iss = ngx_string("iss");


ngx_int_t
ngx_http_edge_auth_revoke_check(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_http_edge_auth_verified_t *verified)
{
    ngx_int_t                     rc;
    ngx_str_t                     iss;
    ngx_edge_claims_path_t        path;
    ngx_http_edge_auth_revoke_t  *list;

    if (alcf->revoke == NULL) {
        return NGX_OK;
    }

    list = alcf->revoke->list;

    if (!alcf->revoke->open
        && ngx_http_edge_auth_revoke_sees(list) != NGX_OK)
    {
        return NGX_AGAIN;
    }

    if (!ngx_edge_revoked_any(list->shared->revoked, ngx_edge_revoked_jti)
        && !ngx_edge_revoked_any(list->shared->revoked, ngx_edge_revoked_sub))
    {
        return NGX_OK;
    }

    path.n = 1;
    path.names = &ngx_http_edge_auth_revoke_iss;

    rc = ngx_edge_claims_string(r->pool, &verified->payload, &path, &iss);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_str_null(&iss);
    }

    path.names = &ngx_http_edge_auth_revoke_jti;

    rc = ngx_http_edge_auth_revoke_ask(r, list, verified, ngx_edge_revoked_jti,
                                       &path, &iss);
    if (rc != NGX_OK) {
        return rc;
    }

    path.names = &ngx_http_edge_auth_revoke_sub;

    return ngx_http_edge_auth_revoke_ask(r, list, verified,
                                         ngx_edge_revoked_sub, &path, &iss);
}


static ngx_int_t
ngx_http_edge_auth_revoke_ask(ngx_http_request_t *r,
    ngx_http_edge_auth_revoke_t *list,
    const ngx_http_edge_auth_verified_t *verified,
    ngx_edge_revoked_kind_e kind, ngx_edge_claims_path_t *path,
    const ngx_str_t *iss)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    if (!ngx_edge_revoked_any(list->shared->revoked, kind)) {
        return NGX_OK;
    }

    rc = ngx_edge_claims_string(r->pool, &verified->payload, path, &value);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    return ngx_edge_revoked_check(list->shared->revoked, list->pool,
                                  list->hash, kind, &value, iss,
                                  ngx_http_edge_auth_revoke_iat(verified),
                                  ngx_time());
}


static int64_t
ngx_http_edge_auth_revoke_iat(const ngx_http_edge_auth_verified_t *verified)
{
    return verified->times.has_iat ? verified->times.iat : -1;
}


ngx_int_t
ngx_http_edge_auth_tenant_revoked(ngx_http_request_t *r,
    const ngx_str_t *tenant)
{
    ngx_str_t                       none = ngx_null_string;
    ngx_http_edge_record_t         *rec;
    ngx_http_edge_auth_revoke_t    *list;
    ngx_http_edge_auth_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_auth_module);
    rec = ngx_http_edge_record_get(r);

    if (!alcf->enable || alcf->revoke == NULL || rec->verified == NULL) {
        return NGX_OK;
    }

    list = alcf->revoke->list;

    if (!ngx_edge_revoked_any(list->shared->revoked, ngx_edge_revoked_tenant))
    {
        return NGX_OK;
    }

    return ngx_edge_revoked_check(list->shared->revoked, list->pool,
                                  list->hash, ngx_edge_revoked_tenant,
                                  tenant, &none,
                                  ngx_http_edge_auth_revoke_iat(rec->verified),
                                  ngx_time());
}
