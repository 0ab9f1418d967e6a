
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The token on its way: where it is found, and how it is taken off before the
 * request goes on.  A Bearer token in Authorization (RFC 6750 section 2.1), or
 * whatever variable the operator names.
 *
 * What was taken off is kept in the request's record, since a request that is
 * led on to another location has to show it there again.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"
#include "lib/ngx_http_edge_headers.h"


static ngx_int_t ngx_http_edge_auth_bearer(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_http_edge_auth_strip_from(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf);
static void ngx_http_edge_auth_strip_cached(ngx_http_request_t *r,
    ngx_int_t index);
static ngx_int_t ngx_http_edge_auth_strip_header(ngx_http_request_t *r,
    const ngx_str_t *name);
static ngx_int_t ngx_http_edge_auth_strip_argument(ngx_http_request_t *r,
    const ngx_str_t *name);
static void ngx_http_edge_auth_strip_cookie(ngx_http_request_t *r,
    const ngx_str_t *name);
static void ngx_http_edge_auth_strip_pairs(ngx_str_t *text,
    const char *separators, const ngx_str_t *name);


ngx_int_t
ngx_http_edge_auth_token(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *text)
{
    ngx_int_t                   rc;
    ngx_http_edge_record_t     *rec;
    ngx_http_variable_value_t  *vv;

    if (alcf->token == NGX_HTTP_EDGE_AUTH_BEARER) {
        rc = ngx_http_edge_auth_bearer(r, text);

    } else {
        vv = ngx_http_get_flushed_variable(r, alcf->token);
        if (vv == NULL) {
            return NGX_ERROR;
        }

        text->data = vv->data;
        text->len = vv->len;

        rc = (vv->not_found || vv->len == 0) ? NGX_DECLINED : NGX_OK;
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    rec = ngx_http_edge_record_get(r);

    if (rec->token.len && rec->token_source == alcf->token) {
        *text = rec->token;
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_auth_bearer(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char           *p, *last;
    ngx_table_elt_t  *h;

    h = r->headers_in.authorization;

    if (h == NULL
        || h->value.len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    p = h->value.data + sizeof("Bearer ") - 1;
    last = h->value.data + h->value.len;

    while (p < last && *p == ' ') {
        p++;
    }

    text->data = p;
    text->len = last - p;

    return text->len ? NGX_OK : NGX_DECLINED;
}


/* Runs in PRECONTENT behind admit, which may still want a header that names a
 * tenant, and before anything that sends the request on. */

ngx_int_t
ngx_http_edge_auth_strip(ngx_http_request_t *r)
{
    ngx_str_t                       text;
    ngx_http_edge_record_t         *rec;
    ngx_http_edge_auth_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_auth_module);

    if (!alcf->enable || alcf->forward || r != r->main) {
        return NGX_DECLINED;
    }

    rec = ngx_http_edge_record_get(r);

    /* with "satisfy any" a request may be here without a good token, but
     * what it has is still not for others */

    if (rec == NULL || ngx_http_edge_auth_token(r, alcf, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    rec->token.data = ngx_pstrdup(r->main->pool, &text);
    if (rec->token.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rec->token.len = text.len;
    rec->token_source = alcf->token;

    if (ngx_http_edge_auth_strip_from(r, alcf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_auth_strip_from(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_int_t                        rc;
    ngx_str_t                        name;
    ngx_uint_t                       i;
    ngx_http_edge_auth_main_conf_t  *amcf;

    /* an "if" or a map may have asked for the whole field */

    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);

    for (i = 0; i < 2; i++) {
        ngx_http_edge_auth_strip_cached(r, amcf->fields[i]);
    }

    if (alcf->token == NGX_HTTP_EDGE_AUTH_BEARER) {
        ngx_str_set(&name, "authorization");

        return ngx_http_edge_auth_strip_header(r, &name);
    }

    name = alcf->token_name;
    rc = NGX_OK;

    if (ngx_http_edge_auth_prefixed(&name, "http_")) {
        rc = ngx_http_edge_auth_strip_header(r, &name);

    } else if (ngx_http_edge_auth_prefixed(&name, "arg_")) {
        rc = ngx_http_edge_auth_strip_argument(r, &name);

    } else if (ngx_http_edge_auth_prefixed(&name, "cookie_")) {
        ngx_http_edge_auth_strip_cookie(r, &name);
    }

    ngx_http_edge_auth_strip_cached(r, alcf->token);

    return rc;
}


/* What the variable showed is gone, so it is asked for anew. */

static void
ngx_http_edge_auth_strip_cached(ngx_http_request_t *r, ngx_int_t index)
{
    r->variables[index].valid = 0;
    r->variables[index].not_found = 0;
}


static ngx_int_t
ngx_http_edge_auth_strip_header(ngx_http_request_t *r, const ngx_str_t *name)
{
    u_char     *p;
    ngx_str_t   names[2];

    names[0].len = name->len;
    names[0].data = ngx_pnalloc(r->pool, name->len);
    if (names[0].data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(names[0].data, name->data, name->len);

    for (p = names[0].data; p < names[0].data + name->len; p++) {
        if (*p == '_') {
            *p = '-';
        }
    }

    ngx_str_null(&names[1]);

    if (name->len == sizeof("authorization") - 1
        && ngx_memcmp(name->data, "authorization", name->len) == 0)
    {
        r->headers_in.authorization = NULL;
    }

    return (ngx_http_edge_headers_strip(r, names) == NGX_ERROR) ? NGX_ERROR
                                                                : NGX_OK;
}


static ngx_int_t
ngx_http_edge_auth_strip_argument(ngx_http_request_t *r,
    const ngx_str_t *name)
{
    ngx_str_t  args;

    /* the request line, which the log shows, stays as it came */

    args.len = r->args.len;
    args.data = ngx_pstrdup(r->pool, &r->args);
    if (args.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_edge_auth_strip_pairs(&args, "&", name);

    r->args = args;
    r->valid_unparsed_uri = 0;

    return NGX_OK;
}


static void
ngx_http_edge_auth_strip_cookie(ngx_http_request_t *r, const ngx_str_t *name)
{
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    ngx_http_edge_header_search(&search, &r->headers_in.headers, "Cookie");

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        ngx_http_edge_auth_strip_pairs(&h->value, ";,", name);
    }
}


/* Takes every "name=value" out of a list, in place; names are compared as
 * nginx finds them: in any case, cookies behind a comma too and with spaces
 * before the '='. */

static void
ngx_http_edge_auth_strip_pairs(ngx_str_t *text, const char *separators,
    const ngx_str_t *name)
{
    u_char  *p, *next, *last, *start, *end, *eq;

    end = text->data;                       /* of what stays */
    last = text->data + text->len;

    for (p = text->data; p < last; p = next) {

        for (next = p;
             next < last && ngx_strchr(separators, *next) == NULL;
             next++)
        { /* void */ }

        next = (next < last) ? next + 1 : last;

        for (start = p; start < next && *start == ' '; start++) { /* void */ }

        if ((size_t) (next - start) > name->len
            && ngx_strncasecmp(start, name->data, name->len) == 0)
        {
            eq = start + name->len;

            while (eq < next && *eq == ' ') {
                eq++;
            }

            if (eq < next && *eq == '=') {
                continue;
            }
        }

        end = ngx_movemem(end, p, next - p);
    }

    text->len = end - text->data;

    while (text->len
           && (ngx_strchr(separators, text->data[text->len - 1])
               || text->data[text->len - 1] == ' '))
    {
        text->len--;
    }
}


/* If name begins with prefix, takes the prefix off and gives 1. */

ngx_uint_t
ngx_http_edge_auth_prefixed(ngx_str_t *name, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (name->len <= len || ngx_strncmp(name->data, prefix, len) != 0) {
        return 0;
    }

    name->data += len;
    name->len -= len;

    return 1;
}
