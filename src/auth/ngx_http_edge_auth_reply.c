
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How a request is turned away: WWW-Authenticate as RFC 6750 section 3 has it,
 * a note for the error body, and a line in the log.  The client is told
 * "expired" or "invalid" and no more; the reason is for the log alone, which
 * never sees the token.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


static ngx_int_t ngx_http_edge_auth_later(ngx_http_request_t *r,
    const char *code, const char *reason);
static ngx_int_t ngx_http_edge_auth_challenge(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, const char *params);
static u_char *ngx_http_edge_auth_quote(u_char *p, const ngx_str_t *text);


ngx_int_t
ngx_http_edge_auth_refuse_missing(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "JWT refused: there is none");

    /* RFC 6750 section 3.1: no error code for a request without a token */

    if (ngx_http_edge_auth_challenge(r, alcf, "") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_edge_fail(r, NGX_HTTP_UNAUTHORIZED, "token_missing",
                              "the request has no bearer token");
}


ngx_int_t
ngx_http_edge_auth_refuse_invalid(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t time, const char *reason)
{
    ngx_uint_t  expired;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "JWT refused: %s", reason);

    expired = time && ngx_strcmp(reason, "expired") == 0;

    if (ngx_http_edge_auth_challenge(r, alcf, expired
                 ? ", error=\"invalid_token\", error_description=\"expired\""
                 : ", error=\"invalid_token\", error_description=\"invalid\"")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return expired ? ngx_http_edge_fail(r, NGX_HTTP_UNAUTHORIZED,
                                        "token_expired",
                                        "the bearer token has expired")
                   : ngx_http_edge_fail(r, NGX_HTTP_UNAUTHORIZED,
                                        "token_invalid",
                                        "the bearer token is not valid");
}


ngx_int_t
ngx_http_edge_auth_refuse_required(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t status)
{
    if (status == NGX_HTTP_UNAUTHORIZED) {
        return ngx_http_edge_auth_refuse_invalid(r, alcf, 0,
                                                 "auth_jwt_require");
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "JWT refused: auth_jwt_require");

    if (ngx_http_edge_auth_challenge(r, alcf,
                                     ", error=\"insufficient_scope\"")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "insufficient_scope",
                              "the bearer token does not allow this");
}


ngx_int_t
ngx_http_edge_auth_unavailable(ngx_http_request_t *r)
{
    return ngx_http_edge_auth_later(r, "keys_unavailable",
                                    "its keys are not there");
}


ngx_int_t
ngx_http_edge_auth_blind(ngx_http_request_t *r)
{
    return ngx_http_edge_auth_later(r, "revocation_unknown",
                                    "what was revoked is not known");
}


static ngx_int_t
ngx_http_edge_auth_later(ngx_http_request_t *r, const char *code,
    const char *reason)
{
    ngx_http_edge_record_t  *rec;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "JWT not judged: %s", reason);

    rec = ngx_http_edge_record_get(r);

    (void) ngx_http_edge_fail(r, NGX_HTTP_SERVICE_UNAVAILABLE, code,
                              "bearer tokens cannot be verified now");
    rec->failure.retry_after = 1;

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* nginx 1.22 keeps one such field, 1.24 a list; a second refusal of the same
 * request, on an error_page, must not make a second field. */

static ngx_int_t
ngx_http_edge_auth_challenge(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, const char *params)
{
    u_char           *p;
    ngx_str_t         realm;
    ngx_table_elt_t  *h;

    if (ngx_http_complex_value(r, alcf->realm, &realm) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, sizeof("Bearer realm=\"\"") - 1 + 2 * realm.len
                             + ngx_strlen(params));
    if (p == NULL) {
        return NGX_ERROR;
    }

    h = r->headers_out.www_authenticate;

    if (h == NULL) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        r->headers_out.www_authenticate = h;
#if (nginx_version >= 1023000)
        h->next = NULL;
#endif
    }

    h->hash = 1;
    ngx_str_set(&h->key, "WWW-Authenticate");

    h->value.data = p;

    p = ngx_cpymem(p, "Bearer realm=\"", sizeof("Bearer realm=\"") - 1);
    p = ngx_http_edge_auth_quote(p, &realm);
    *p++ = '"';
    p = ngx_cpymem(p, params, ngx_strlen(params));

    h->value.len = p - h->value.data;

    return NGX_OK;
}


/* The inside of a quoted-string (RFC 9110 section 5.6.4); a variable may have
 * put anything into the realm. */

static u_char *
ngx_http_edge_auth_quote(u_char *p, const ngx_str_t *text)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c == 0x7f) {
            c = ' ';
        }

        if (c == '"' || c == '\\') {
            *p++ = '\\';
        }

        *p++ = c;
    }

    return p;
}
