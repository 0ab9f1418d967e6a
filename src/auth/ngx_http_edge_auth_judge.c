
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The verdict on a token: its form, what its claims must say, its signature.
 * Everything here is a function of policy, keys and token alone, for that is
 * what the verdict is remembered under; what depends on the time or on the
 * rest of the request is judged by the access handler.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_edge_token.h"
#include "auth/ngx_http_edge_auth.h"


static ngx_uint_t ngx_http_edge_auth_type_fits(
    const ngx_http_edge_auth_loc_conf_t *alcf, const ngx_str_t *typ);
static ngx_int_t ngx_http_edge_auth_signature(
    const ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_judgement_t *j, const ngx_edge_token_t *token,
    const ngx_str_t *iss);


ngx_int_t
ngx_http_edge_auth_judge(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j,
    ngx_http_edge_auth_verified_t **verified)
{
    ngx_int_t                       rc;
    ngx_str_t                       iss;
    ngx_edge_token_t                token;
    ngx_http_edge_auth_verified_t  *v;

    rc = ngx_edge_token_parse(r->pool, &j->text, &token, &j->reason);

    if (rc != NGX_OK) {
        j->missing = 0;
        return rc;
    }

    if (!ngx_http_edge_auth_type_fits(alcf, &token.typ)) {
        j->missing = 0;
        j->reason = "typ is not of auth_jwt_type";
        return NGX_DECLINED;
    }

    v = ngx_palloc(r->pool, sizeof(ngx_http_edge_auth_verified_t));
    if (v == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_edge_claims_check(r->pool, &token.payload, &alcf->rules,
                               &v->times, &iss, &j->reason);
    if (rc != NGX_OK) {
        j->missing = 0;
        return rc;
    }

    /* some issuers write "\/" for every slash */

    if (iss.data && ngx_edge_scan_decode(r->pool, &iss, &iss) != NGX_OK) {
        return NGX_ERROR;
    }

    v->header = token.header;
    v->payload = token.payload;
    v->named = 0;

    *verified = v;

    return ngx_http_edge_auth_signature(alcf, j, &token, &iss);
}


/* RFC 7515 section 4.1.9: "application/" may be left out, and RFC 2045: media
 * types know no case. */

static ngx_uint_t
ngx_http_edge_auth_type_fits(const ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_str_t *typ)
{
    ngx_str_t    name, *type;
    ngx_uint_t   i;

    if (alcf->types == NULL) {
        return 1;
    }

    name = *typ;

    if (name.len > sizeof("application/") - 1
        && ngx_strncasecmp(name.data, (u_char *) "application/",
                           sizeof("application/") - 1)
           == 0)
    {
        name.data += sizeof("application/") - 1;
        name.len -= sizeof("application/") - 1;
    }

    type = alcf->types->elts;

    for (i = 0; i < alcf->types->nelts; i++) {
        if (type[i].len == name.len
            && ngx_strncasecmp(type[i].data, name.data, name.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* One set that verifies is enough.  Where none does, j->missing tells whether
 * sets that are not there might have. */

static ngx_int_t
ngx_http_edge_auth_signature(const ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_judgement_t *j, const ngx_edge_token_t *token,
    const ngx_str_t *iss)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    const char                   *reason;
    ngx_http_edge_auth_source_t  *source;

    source = alcf->sources->elts;

    j->wanted = 0;
    j->missing = 0;
    j->reason = "no keys are for its issuer";

    for (i = 0; i < j->nsets; i++) {

        if (source[i].issuer.len
            && (source[i].issuer.len != iss->len
                || ngx_memcmp(source[i].issuer.data, iss->data, iss->len)
                   != 0))
        {
            continue;
        }

        if (j->sets[i] == NULL) {
            j->missing++;

            if (source[i].type == ngx_http_edge_auth_source_url) {
                j->wanted |= (ngx_uint_t) 1 << i;
            }

            continue;
        }

        rc = ngx_edge_keyset_verify(j->sets[i], token, alcf->algorithms,
                                    &reason);

        if (rc == NGX_OK || rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_AGAIN) {
            reason = "kid is unknown";

            if (source[i].type == ngx_http_edge_auth_source_url) {
                j->wanted |= (ngx_uint_t) 1 << i;
            }
        }

        j->reason = reason;
    }

    return j->wanted ? NGX_AGAIN : NGX_DECLINED;
}


ngx_int_t
ngx_http_edge_auth_id(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_http_edge_auth_judgement_t *j, u_char id[NGX_EDGE_HASH_SIZE])
{
    static u_char                     none[NGX_EDGE_HASH_SIZE];

    ngx_str_t                         pieces[NGX_HTTP_EDGE_AUTH_SOURCES + 2];
    ngx_uint_t                        i, n;
    ngx_http_edge_auth_source_t      *source;
    ngx_http_edge_auth_main_conf_t   *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);

    pieces[0].data = (u_char *) alcf->policy;
    pieces[0].len = NGX_EDGE_HASH_SIZE;
    n = 1;

    source = alcf->sources->elts;

    for (i = 0; i < j->nsets; i++) {

        if (source[i].type == ngx_http_edge_auth_source_file) {
            continue;                      /* is part of the policy */
        }

        pieces[n].data = j->sets[i]
                         ? (u_char *) ngx_edge_keyset_digest(j->sets[i])
                         : none;
        pieces[n].len = NGX_EDGE_HASH_SIZE;
        n++;
    }

    pieces[n++] = j->text;

    return ngx_edge_hash(amcf->hash, pieces, n, id);
}
