
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is known of a location when its directives are merged: whether they
 * make sense together, and its policy, a digest of everything that a verdict
 * on a token depends on besides the token and keys that come later.  Equal
 * rules have equal policies, in every worker and after every reload, and may
 * share verdicts; any difference separates them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


#define NGX_HTTP_EDGE_AUTH_POLICY_VERSION  1


static void ngx_http_edge_auth_warn(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf, const ngx_str_t *location);
static ngx_uint_t ngx_http_edge_auth_strippable(
    const ngx_http_edge_auth_loc_conf_t *alcf);
static ngx_int_t ngx_http_edge_auth_add(ngx_array_t *pieces,
    const void *data, size_t len);
static ngx_int_t ngx_http_edge_auth_add_list(ngx_array_t *pieces,
    const ngx_array_t *words);


char *
ngx_http_edge_auth_check(ngx_conf_t *cf, ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* a server's own level, an "if" in it too, passes its values on to
     * locations; it serves only what no location matches, and without keys
     * refuses that */

    if (alcf->sources == NULL && clcf->name.len == 0) {
        return NGX_CONF_OK;
    }

    if (alcf->sources == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has \"auth_jwt\" but no keys: "
                      "\"auth_jwt_key_file\", \"auth_jwt_key_url\" or "
                      "\"auth_jwt_key_request\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    ngx_http_edge_auth_warn(cf, alcf, &clcf->name);

    alcf->rules.issuers = alcf->issuers;
    alcf->rules.audiences = alcf->audiences;
    alcf->rules.audience_claim = alcf->audience_claim;

    return (ngx_http_edge_auth_policy(cf, alcf) == NGX_OK) ? NGX_CONF_OK
                                                           : NGX_CONF_ERROR;
}


static void
ngx_http_edge_auth_warn(ngx_conf_t *cf, ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_str_t *location)
{
    ngx_uint_t                    i, urls, unbound;
    ngx_http_edge_auth_source_t  *source;

    source = alcf->sources->elts;
    urls = 0;
    unbound = 0;

    for (i = 0; i < alcf->sources->nelts; i++) {
        urls += (source[i].type == ngx_http_edge_auth_source_url);
        unbound += (source[i].issuer.len == 0);
    }

    /* an identity provider signs for many services */

    if (urls && alcf->audiences == NULL && alcf->require == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "location \"%V\" has \"auth_jwt_key_url\" without "
                      "\"auth_jwt_audience\": tokens made for other services "
                      "are let in", location);
    }

    /* RFC 8725 section 3.8: a key is good for its own issuer */

    if (unbound && alcf->sources->nelts > 1
        && alcf->issuers && alcf->issuers->nelts > 1)
    {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "location \"%V\" has several issuers and several "
                      "sources of keys, not each with \"issuer=\": one "
                      "issuer's keys sign for another", location);
    }

    if (!alcf->forward && !ngx_http_edge_auth_strippable(alcf)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "location \"%V\" takes its token from \"$%V\", from "
                      "where it cannot be taken off: it goes on to others",
                      location, &alcf->token_name);
    }
}


static ngx_uint_t
ngx_http_edge_auth_strippable(const ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_str_t  name;

    name = alcf->token_name;

    return alcf->token == NGX_HTTP_EDGE_AUTH_BEARER
           || ngx_http_edge_auth_prefixed(&name, "http_")
           || ngx_http_edge_auth_prefixed(&name, "arg_")
           || ngx_http_edge_auth_prefixed(&name, "cookie_");
}


/*
 * Each piece is preceded by its length, so that no two lists read the same.
 * Not in it, because they are judged at every use: leeway and require; and
 * max_size, which is judged before.
 */

ngx_int_t
ngx_http_edge_auth_policy(ngx_conf_t *cf, ngx_http_edge_auth_loc_conf_t *alcf)
{
    uint32_t                         fixed[3];
    ngx_uint_t                       i;
    ngx_array_t                      pieces;
    ngx_http_edge_auth_source_t     *source;
    ngx_http_edge_auth_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_auth_module);

    if (ngx_array_init(&pieces, cf->temp_pool, 16, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    fixed[0] = NGX_HTTP_EDGE_AUTH_POLICY_VERSION;
    fixed[1] = (uint32_t) alcf->algorithms;
    fixed[2] = (uint32_t) alcf->sources->nelts;

    if (ngx_http_edge_auth_add(&pieces, fixed, sizeof(fixed)) != NGX_OK
        || ngx_http_edge_auth_add_list(&pieces, alcf->issuers) != NGX_OK
        || ngx_http_edge_auth_add_list(&pieces, alcf->audiences) != NGX_OK
        || ngx_http_edge_auth_add(&pieces, alcf->audience_claim.data,
                                  alcf->audience_claim.len)
           != NGX_OK
        || ngx_http_edge_auth_add_list(&pieces, alcf->types) != NGX_OK)
    {
        return NGX_ERROR;
    }

    source = alcf->sources->elts;

    for (i = 0; i < alcf->sources->nelts; i++) {

        if (ngx_http_edge_auth_add(&pieces, source[i].issuer.data,
                                   source[i].issuer.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (source[i].set
            && ngx_http_edge_auth_add(&pieces,
                                      ngx_edge_keyset_digest(source[i].set),
                                      NGX_EDGE_KEYSET_DIGEST)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_edge_hash(amcf->hash, pieces.elts, pieces.nelts, alcf->policy);
}


static ngx_int_t
ngx_http_edge_auth_add(ngx_array_t *pieces, const void *data, size_t len)
{
    uint32_t   *n;
    ngx_str_t  *piece;

    n = ngx_palloc(pieces->pool, sizeof(uint32_t) + len);
    piece = ngx_array_push(pieces);

    if (n == NULL || piece == NULL) {
        return NGX_ERROR;
    }

    *n = (uint32_t) len;

    if (len) {
        ngx_memcpy(n + 1, data, len);
    }

    piece->data = (u_char *) n;
    piece->len = sizeof(uint32_t) + len;

    return NGX_OK;
}


/* No list (anything goes) differs from every list. */

static ngx_int_t
ngx_http_edge_auth_add_list(ngx_array_t *pieces, const ngx_array_t *words)
{
    uint32_t     n;
    ngx_str_t   *word;
    ngx_uint_t   i;

    n = words ? (uint32_t) words->nelts : (uint32_t) -1;

    if (ngx_http_edge_auth_add(pieces, &n, sizeof(n)) != NGX_OK) {
        return NGX_ERROR;
    }

    if (words == NULL) {
        return NGX_OK;
    }

    word = words->elts;

    for (i = 0; i < words->nelts; i++) {
        if (ngx_http_edge_auth_add(pieces, word[i].data, word[i].len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
