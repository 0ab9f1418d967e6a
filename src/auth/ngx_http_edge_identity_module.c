
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * auth_jwt_identity: in place of the client's token a proxied request carries
 * one of the edge's own, which lives for a minute and says whose request it is
 * and for which module.  Beside it goes the request's id.  Headers of these
 * names that a client sent are taken away, whether or not there is something
 * to put in their place.
 *
 * Signing costs far more than verifying, so with auth_jwt_cache a token is
 * kept in that zone and used again until 10 s before its end.  It is found by
 * the digest of signer, verified token, tenant and module.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_identity.h"
#include "lib/ngx_edge_random.h"
#include "lib/ngx_edge_shm.h"
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_route_api.h"


#define NGX_HTTP_EDGE_IDENTITY_EARLY  10     /* not used again behind this */
#define NGX_HTTP_EDGE_IDENTITY_MAX    2048   /* bytes of a kept token */


static ngx_int_t ngx_http_edge_identity_clean(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_identity_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_identity_set(ngx_http_request_t *r,
    const ngx_http_edge_identity_t *identity, ngx_str_t *token);
static ngx_int_t ngx_http_edge_identity_push(ngx_http_request_t *r,
    const ngx_str_t *key, const ngx_str_t *lowcase, ngx_uint_t hash,
    const ngx_str_t *value);
static ngx_int_t ngx_http_edge_identity_token(ngx_http_request_t *r,
    ngx_http_edge_identity_t *identity, const ngx_http_edge_record_t *rec,
    ngx_str_t *token);
static ngx_int_t ngx_http_edge_identity_mint(ngx_http_request_t *r,
    ngx_http_edge_identity_t *identity, const ngx_http_edge_record_t *rec,
    ngx_str_t *token, time_t *exp);
static ngx_int_t ngx_http_edge_identity_find(ngx_http_request_t *r,
    ngx_shm_zone_t *zone, const u_char *id, ngx_str_t *token);
static void ngx_http_edge_identity_keep(ngx_shm_zone_t *zone,
    const u_char *id, const ngx_str_t *token, time_t expires);
static void *ngx_http_edge_identity_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_identity_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_edge_identity_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_edge_identity_commands[] = {

    { ngx_string("auth_jwt_identity"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_edge_identity,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_identity_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_identity_init,           /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_identity_create_loc_conf, /* create location configuration */
    ngx_http_edge_identity_merge_loc_conf  /* merge location configuration */
};


ngx_module_t  ngx_http_edge_identity_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_identity_module_ctx,    /* module context */
    ngx_http_edge_identity_commands,       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_edge_identity_clean(ngx_http_request_t *r)
{
    ngx_str_t                           none;
    ngx_http_edge_identity_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_identity_module);

    if (ilcf->identity == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    /* the record has the request's id, which may be in the client's field */

    if (ngx_http_edge_record(r) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&none);

    return (ngx_http_edge_identity_set(r, ilcf->identity, &none) == NGX_OK)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_edge_identity_handler(ngx_http_request_t *r)
{
    ngx_int_t                           rc;
    ngx_str_t                           token;
    ngx_http_edge_record_t             *rec;
    ngx_http_edge_identity_loc_conf_t  *ilcf;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_identity_module);

    if (ilcf->identity == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&token);

    /* what the edge answers itself goes to no service */

    if (rec->verified && rec->endpoint == ngx_http_edge_endpoint_none) {

        rc = ngx_http_edge_identity_token(r, ilcf->identity, rec, &token);

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    rc = ngx_http_edge_identity_set(r, ilcf->identity, &token);

    return (rc == NGX_OK) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* Takes the client's fields away and puts ours in their place. */

static ngx_int_t
ngx_http_edge_identity_set(ngx_http_request_t *r,
    const ngx_http_edge_identity_t *identity, ngx_str_t *token)
{
    ngx_str_t                      names[3];
    ngx_uint_t                     i;
    const ngx_http_edge_record_t  *rec;

    static const ngx_str_t         id = ngx_string("X-Request-Id");
    static const ngx_str_t         id_lowcase = ngx_string("x-request-id");

    names[0] = identity->lowcase;
    names[1] = id_lowcase;
    ngx_str_null(&names[2]);

    if (ngx_http_edge_headers_strip(r, names) == NGX_ERROR) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {
        r->variables[identity->variables[i]].valid = 0;
        r->variables[identity->variables[i]].not_found = 0;
    }

    rec = ngx_http_edge_record_get(r);

    if (ngx_http_edge_identity_push(r, &id, &id_lowcase,
                                    ngx_hash_key(id_lowcase.data,
                                                 id_lowcase.len),
                                    &rec->request_id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (token->len == 0) {
        return NGX_OK;
    }

    return ngx_http_edge_identity_push(r, &identity->header,
                                       &identity->lowcase, identity->hash,
                                       token);
}


static ngx_int_t
ngx_http_edge_identity_push(ngx_http_request_t *r, const ngx_str_t *key,
    const ngx_str_t *lowcase, ngx_uint_t hash, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = hash;
    h->key = *key;
    h->lowcase_key = lowcase->data;
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


/* The kept token, else a new one. */

static ngx_int_t
ngx_http_edge_identity_token(ngx_http_request_t *r,
    ngx_http_edge_identity_t *identity, const ngx_http_edge_record_t *rec,
    ngx_str_t *token)
{
    u_char                           id[NGX_EDGE_HASH_SIZE];
    time_t                           exp;
    ngx_int_t                        rc;
    ngx_str_t                        pieces[5];
    ngx_http_edge_auth_loc_conf_t   *alcf;
    ngx_http_edge_auth_main_conf_t  *amcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_auth_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);

    /* the verdict may be of a location without a cache */

    if (alcf->cache == NULL || !rec->verified->named) {
        return ngx_http_edge_identity_mint(r, identity, rec, token, &exp);
    }

    pieces[0].data = identity->digest;
    pieces[0].len = NGX_EDGE_HASH_SIZE;
    pieces[1].data = (u_char *) rec->verified->id;
    pieces[1].len = NGX_EDGE_HASH_SIZE;
    pieces[2] = rec->tenant;
    ngx_str_set(&pieces[3], "/");          /* is in no tenant */

    if (rec->module) {
        pieces[4] = rec->module->name;

    } else {
        ngx_str_null(&pieces[4]);
    }

    if (ngx_edge_hash(amcf->hash, pieces, 5, id) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_edge_identity_find(r, alcf->cache, id, token);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_edge_identity_mint(r, identity, rec, token, &exp);

    if (rc == NGX_OK) {
        ngx_http_edge_identity_keep(alcf->cache, id, token,
                                    exp - NGX_HTTP_EDGE_IDENTITY_EARLY);
    }

    return rc;
}


/* Lives for its ttl, but not longer than the token it stands for. */

static ngx_int_t
ngx_http_edge_identity_mint(ngx_http_request_t *r,
    ngx_http_edge_identity_t *identity, const ngx_http_edge_record_t *rec,
    ngx_str_t *token, time_t *exp)
{
    u_char                      jti[32];
    uint64_t                    n[2];
    ngx_int_t                   rc;
    ngx_str_t                   name;
    ngx_edge_claims_path_t      path;
    ngx_edge_identity_claims_t  claims;

    ngx_memzero(&claims, sizeof(ngx_edge_identity_claims_t));

    ngx_str_set(&name, "sub");
    path.names = &name;
    path.n = 1;

    rc = ngx_edge_claims_string(r->pool, &rec->verified->payload, &path,
                                &claims.sub);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_str_null(&claims.sub);
    }

    ngx_edge_random(n);

    claims.jti.data = jti;
    claims.jti.len = ngx_hex_dump(jti, (u_char *) n, sizeof(n)) - jti;

    claims.iss = identity->issuer;
    claims.tenant = rec->tenant;

    if (rec->module) {
        claims.module = rec->module->name;
        claims.aud = rec->module->name;
    }

    claims.iat = ngx_time();
    claims.exp = claims.iat + identity->ttl;

    if (rec->verified->times.has_exp
        && rec->verified->times.exp < (int64_t) claims.exp)
    {
        claims.exp = (time_t) rec->verified->times.exp;
    }

    *exp = claims.exp;

    rc = ngx_edge_identity_mint(r->pool, &identity->signer, &claims, token);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "identity token could not be made");
    }

    return rc;
}


static ngx_int_t
ngx_http_edge_identity_find(ngx_http_request_t *r, ngx_shm_zone_t *zone,
    const u_char *id, ngx_str_t *token)
{
    u_char                 copy[NGX_HTTP_EDGE_IDENTITY_MAX];
    ngx_slab_pool_t       *shpool;
    ngx_edge_shm_entry_t  *entry;

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    entry = ngx_edge_shm_find(zone->data, shpool, id, ngx_time());

    if (entry == NULL) {
        ngx_shmtx_unlock(&shpool->mutex);
        return NGX_DECLINED;
    }

    token->len = entry->size;
    ngx_memcpy(copy, entry->value, entry->size);

    ngx_shmtx_unlock(&shpool->mutex);

    token->data = ngx_pnalloc(r->pool, token->len);
    if (token->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(token->data, copy, token->len);

    return NGX_OK;
}


static void
ngx_http_edge_identity_keep(ngx_shm_zone_t *zone, const u_char *id,
    const ngx_str_t *token, time_t expires)
{
    ngx_slab_pool_t  *shpool;

    if (token->len > NGX_HTTP_EDGE_IDENTITY_MAX || expires <= ngx_time()) {
        return;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    (void) ngx_edge_shm_put(zone->data, shpool, id, token->data, token->len,
                            expires, ngx_time());

    ngx_shmtx_unlock(&shpool->mutex);
}


static void *
ngx_http_edge_identity_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_identity_loc_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_edge_identity_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->identity = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_edge_identity_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_edge_identity_loc_conf_t *prev = parent;
    ngx_http_edge_identity_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    if (conf->identity != NGX_CONF_UNSET_PTR
        && conf->identity
        && !ngx_http_edge_auth_enabled(cf))
    {
        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

        if (clcf->name.len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "location \"%V\" has \"auth_jwt_identity\" but no "
                          "\"auth_jwt\"", &clcf->name);
            return NGX_CONF_ERROR;
        }
    }

    ngx_conf_merge_ptr_value(conf->identity, prev->identity, NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_identity_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_identity_clean;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_identity_handler;

    return NGX_OK;
}
