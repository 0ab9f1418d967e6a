
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How auth_jwt_identity is read.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_identity.h"
#include "lib/ngx_http_edge_conf.h"


#define NGX_HTTP_EDGE_IDENTITY_ISSUER   "nginx-ai-edge"
#define NGX_HTTP_EDGE_IDENTITY_TTL      60     /* seconds */
#define NGX_HTTP_EDGE_IDENTITY_TTL_MIN  15
#define NGX_HTTP_EDGE_IDENTITY_TTL_MAX  3600


static char *ngx_http_edge_identity_param(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity, ngx_str_t *arg);
static char *ngx_http_edge_identity_name(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity, ngx_str_t *name);
static char *ngx_http_edge_identity_check(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity);


/* Fields with a meaning of their own, or that a proxy does not pass on. */
static const char  *ngx_http_edge_identity_reserved[] = {
    "authorization", "connection", "content-length", "cookie", "expect",
    "host", "keep-alive", "te", "transfer-encoding", "upgrade",
    "x-request-id", NULL
};


char *
ngx_http_edge_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_identity_loc_conf_t *ilcf = conf;

    char                      *rv;
    ngx_str_t                 *arg;
    ngx_uint_t                 i;
    ngx_http_edge_identity_t  *identity;

    if (ilcf->identity != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(arg[1].data, "off") == 0) {
        ilcf->identity = NULL;
        return NGX_CONF_OK;
    }

    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_identity_t));
    if (identity == NULL) {
        return NGX_CONF_ERROR;
    }

    identity->signer.alg = ngx_edge_identity_es256;
    identity->ttl = NGX_HTTP_EDGE_IDENTITY_TTL;
    ngx_str_set(&identity->issuer, NGX_HTTP_EDGE_IDENTITY_ISSUER);

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_edge_identity_param(cf, identity, &arg[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (identity->header.len == 0 || identity->signer.key.data == NULL) {
        return "needs \"header=\" and \"key=\"";
    }

    ilcf->identity = identity;

    return ngx_http_edge_identity_check(cf, identity);
}


static char *
ngx_http_edge_identity_param(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity, ngx_str_t *arg)
{
    ngx_str_t  value;

    if (ngx_http_edge_conf_param(arg, "header", &value)) {
        return ngx_http_edge_identity_name(cf, identity, &value);
    }

    if (ngx_http_edge_conf_param(arg, "key", &value)) {

        if (value.len == 0
            || ngx_conf_full_name(cf->cycle, &value, 1) != NGX_OK)
        {
            return ngx_http_edge_conf_invalid(cf, arg);
        }

        return (ngx_http_edge_auth_read(cf, &value, &identity->signer.key)
                == NGX_OK)
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_http_edge_conf_param(arg, "alg", &value)) {

        if (ngx_strcmp(value.data, "HS256") == 0) {
            identity->signer.alg = ngx_edge_identity_hs256;
            return NGX_CONF_OK;
        }

        return (ngx_strcmp(value.data, "ES256") == 0)
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "ttl", &value)) {
        identity->ttl = ngx_parse_time(&value, 1);

        return (identity->ttl >= NGX_HTTP_EDGE_IDENTITY_TTL_MIN
                && identity->ttl <= NGX_HTTP_EDGE_IDENTITY_TTL_MAX)
               ? NGX_CONF_OK : ngx_http_edge_conf_invalid(cf, arg);
    }

    if (ngx_http_edge_conf_param(arg, "issuer", &value) && value.len) {
        identity->issuer = value;
        return NGX_CONF_OK;
    }

    if (ngx_http_edge_conf_param(arg, "kid", &value) && value.len) {
        identity->signer.kid = value;
        return NGX_CONF_OK;
    }

    return ngx_http_edge_conf_invalid(cf, arg);
}


/* The field's name: letters, digits and '-', since services take '_' for it. */

static char *
ngx_http_edge_identity_name(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity, ngx_str_t *name)
{
    u_char       *p, c;
    size_t        i;
    ngx_str_t     variable;
    const char  **reserved;

    static ngx_str_t  id = ngx_string("http_x_request_id");

    identity->header = *name;
    identity->lowcase.len = name->len;
    identity->lowcase.data = ngx_pnalloc(cf->pool, name->len + 1);

    variable.len = sizeof("http_") - 1 + name->len;
    variable.data = ngx_pnalloc(cf->pool, variable.len);

    if (identity->lowcase.data == NULL || variable.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(variable.data, "http_", sizeof("http_") - 1);

    for (i = 0; i < name->len; i++) {
        c = ngx_tolower(name->data[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"header\" of \"auth_jwt_identity\": "
                               "\"%V\"", name);
            return NGX_CONF_ERROR;
        }

        identity->lowcase.data[i] = c;
        *p++ = (c == '-') ? '_' : c;
    }

    if (name->len == 0 || name->data[name->len - 1] == '-') {
        return "has no name in \"header\"";
    }

    identity->lowcase.data[i] = '\0';

    for (reserved = ngx_http_edge_identity_reserved; *reserved; reserved++) {
        if (ngx_strcmp(identity->lowcase.data, *reserved) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"auth_jwt_identity\" cannot use \"%V\" as "
                               "its header", name);
            return NGX_CONF_ERROR;
        }
    }

    identity->hash = ngx_hash_key(identity->lowcase.data,
                                  identity->lowcase.len);
    identity->variables[0] = ngx_http_get_variable_index(cf, &variable);
    identity->variables[1] = ngx_http_get_variable_index(cf, &id);

    return (identity->variables[0] == NGX_ERROR
            || identity->variables[1] == NGX_ERROR)
           ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* A token is made once, so that a key of another kind is found now; and what
 * tokens depend on is put under one digest. */

static char *
ngx_http_edge_identity_check(ngx_conf_t *cf,
    ngx_http_edge_identity_t *identity)
{
    u_char                          *p;
    ngx_str_t                        token, pieces[3];
    ngx_edge_hash_t                 *hash;
    ngx_edge_identity_claims_t       claims;
    ngx_edge_identity_signer_t      *signer;
    u_char                           fixed[3 * NGX_INT64_LEN
                                           + sizeof("ES256::::") - 1];

    signer = &identity->signer;

    if (signer->alg == ngx_edge_identity_hs256) {
        while (signer->key.len
               && (signer->key.data[signer->key.len - 1] == '\n'
                   || signer->key.data[signer->key.len - 1] == '\r'))
        {
            signer->key.len--;
        }
    }

    ngx_memzero(&claims, sizeof(ngx_edge_identity_claims_t));
    claims.iat = ngx_time();
    claims.exp = claims.iat;

    if (ngx_edge_identity_key(signer) != NGX_OK
        || ngx_edge_identity_mint(cf->temp_pool, signer, &claims, &token)
           != NGX_OK)
    {
        return (signer->alg == ngx_edge_identity_hs256)
               ? "needs a \"key\" of 32 bytes or more for HS256"
               : "needs a \"key\" on P-256 in PEM for ES256";
    }

    hash = ngx_edge_hash_create(cf->temp_pool);
    if (hash == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_sprintf(fixed, "%s:%T:%uz:%uz:",
                    signer->alg == ngx_edge_identity_hs256 ? "HS256"
                                                           : "ES256",
                    identity->ttl, identity->issuer.len, signer->kid.len);

    pieces[0].data = fixed;
    pieces[0].len = p - fixed;
    pieces[1].len = identity->issuer.len + signer->kid.len;
    pieces[1].data = ngx_pnalloc(cf->temp_pool, pieces[1].len);
    pieces[2] = signer->key;

    if (pieces[1].data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(pieces[1].data, identity->issuer.data,
                   identity->issuer.len);
    ngx_memcpy(p, signer->kid.data, signer->kid.len);

    return (ngx_edge_hash(hash, pieces, 3, identity->digest) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}
