
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Admission: the last gate before anything is done for a request.  It runs
 * once for a main request, in PRECONTENT before every other handler of ours,
 * so that neither "satisfy any" nor a later phase goes round it.  Behind it
 * the record is settled, the client's identity headers are gone, and where
 * an endpoint of ours takes a body, the body was read.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_utf8.h"
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_edge_path.h"
#include "route/ngx_http_edge_route.h"


#define NGX_HTTP_EDGE_TENANT_MAX       64
#define NGX_HTTP_EDGE_DOCUMENT_ID_MAX  256


/* The module's context is what the handler returns when it is called again
 * while the request stays in its location. */

static const ngx_int_t  ngx_http_edge_route_reading = NGX_DONE;
static const ngx_int_t  ngx_http_edge_route_admitted = NGX_DECLINED;


static ngx_uint_t ngx_http_edge_route_is_error_page(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check_path(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_route_check_module(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check_method(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check_tenant(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static ngx_uint_t ngx_http_edge_route_tenant_valid(const ngx_str_t *tenant);
static ngx_int_t ngx_http_edge_route_check_allow(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check_write(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_check_length(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_route_read(ngx_http_request_t *r);
static void ngx_http_edge_route_read_done(ngx_http_request_t *r);


ngx_int_t
ngx_http_edge_route_admit(ngx_http_request_t *r)
{
    ngx_int_t                              rc;
    const ngx_int_t                       *ctx;
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_route_module);

    if (rlcf->mode == NGX_HTTP_EDGE_ROUTE_OFF || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_route_module);

    if (ctx) {
        return *ctx;
    }

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rec->admitted) {

        /* an internal redirect has led away from what was to be done */

        rec->endpoint = ngx_http_edge_endpoint_none;

        return NGX_DECLINED;
    }

    if (ngx_http_edge_route_is_error_page(r, rec)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_edge_route_check(r, rec);

    if (rc != NGX_OK) {
        return rc;
    }

    rec->admitted = 1;

    if (rec->endpoint != ngx_http_edge_endpoint_none
        && r->method & (NGX_HTTP_POST|NGX_HTTP_PUT))
    {
        return ngx_http_edge_route_read(r);
    }

    /* a proxy_pass with a variable would send the raw request target */

    r->valid_unparsed_uri = 0;

    ngx_http_set_ctx(r, (void *) &ngx_http_edge_route_admitted,
                     ngx_http_edge_route_module);

    return NGX_DECLINED;
}


/*
 * A refused request on its way to a file that the operator's error_page
 * names.  The file's location often inherits edge_route; refusing again
 * would hide the page.  A location that hands the request on (proxy_pass)
 * gets no such pass.
 */

static ngx_uint_t
ngx_http_edge_route_is_error_page(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    return r->internal
           && r->content_handler == NULL
           && (r->err_status || r->error_page || rec->failure.status);
}


static ngx_int_t
ngx_http_edge_route_check(ngx_http_request_t *r, ngx_http_edge_record_t *rec)
{
    ngx_int_t  rc;

    /* a variable may have asked before a rewrite changed the URI */

    rec->routed = 0;

    if (ngx_http_edge_route_resolve(r) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_edge_route_check_path(r);

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_module(r, rec);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_method(r, rec);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_tenant(r, rec);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_allow(r, rec);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_write(r, rec);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_edge_route_check_length(r, rec);
    }

    if (rc == NGX_ERROR
        || (rc == NGX_OK && ngx_http_edge_route_strip(r) != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_edge_route_check_path(ngx_http_request_t *r)
{
    /* slashes stay doubled only where merge_slashes is off */

    if (!ngx_edge_path_plain(&r->unparsed_uri)
        || ngx_edge_path_doubled(&r->uri))
    {
        return ngx_http_edge_fail(r, NGX_HTTP_BAD_REQUEST, "path_invalid",
                                  "the path must have no encoded slash, "
                                  "backslash or NUL and no empty or dot "
                                  "segments");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_check_module(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    const ngx_str_t                       *id;
    const ngx_http_edge_route_loc_conf_t  *rlcf;

    if (rec->module == NULL) {
        return ngx_http_edge_fail(r, NGX_HTTP_NOT_FOUND, "module_not_found",
                                  "no module has this path");
    }

    if (rec->endpoint == ngx_http_edge_endpoint_none) {
        rlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_route_module);

        /* a location bound to one module may have its own proxy_pass */

        if (rec->module->target.len == 0
            && (rlcf->mode != NGX_HTTP_EDGE_ROUTE_NAME
                || r->content_handler == NULL))
        {
            return ngx_http_edge_fail(r, NGX_HTTP_NOT_FOUND,
                                      "endpoint_not_found",
                                      "the module has no such endpoint");
        }

        return NGX_OK;
    }

    id = &rec->rest;

    if (id->data
        && (id->len == 0
            || id->len > NGX_HTTP_EDGE_DOCUMENT_ID_MAX
            || ngx_strlchr(id->data, id->data + id->len, '/')
            || !ngx_edge_utf8_valid(id->data, id->len)))
    {
        return ngx_http_edge_fail(r, NGX_HTTP_NOT_FOUND,
                                  "document_not_found",
                                  "the path holds no document id");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_route_check_method(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    ngx_str_t   allow;
    ngx_uint_t  methods;

    methods = ngx_http_edge_route_methods(rec);

    if (r->method & methods) {
        return NGX_OK;
    }

    if (rec->endpoint == ngx_http_edge_endpoint_none) {
        allow = rec->module->allow;

    } else if (ngx_http_edge_route_allow(r->pool, methods, &allow)
               != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_edge_header_set(r, "Allow", &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_edge_fail(r, NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
                              "this path does not take the method");
}


static ngx_int_t
ngx_http_edge_route_check_tenant(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec)
{
    ngx_int_t                              rc;
    ngx_str_t                              tenant;
    const ngx_http_edge_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_route_module);

    ngx_str_null(&tenant);
    rc = NGX_DECLINED;

    if (rlcf->claim) {
        rc = ngx_http_edge_auth_claim_string(r, rlcf->claim, &tenant);

    } else if (rlcf->tenant) {
        rc = ngx_http_complex_value(r, rlcf->tenant, &tenant);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (tenant.len == 0) {
        return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "tenant_missing",
                                  "the request names no tenant");
    }

    if (!ngx_http_edge_route_tenant_valid(&tenant)) {
        return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "tenant_invalid",
                                  "the request names no valid tenant");
    }

    rc = ngx_http_edge_auth_tenant_revoked(r, &tenant);

    if (rc == NGX_DECLINED) {
        return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "tenant_revoked",
                                  "the tenant has been revoked");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* its source may be a header that goes away now */

    rec->tenant.data = ngx_pstrdup(r->pool, &tenant);
    if (rec->tenant.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rec->tenant.len = tenant.len;

    return NGX_OK;
}


/* [A-Za-z0-9._-]{1,64}; "_shared" names documents that all tenants see. */

static ngx_uint_t
ngx_http_edge_route_tenant_valid(const ngx_str_t *tenant)
{
    u_char  c;
    size_t  i;

    if (tenant->len == 0 || tenant->len > NGX_HTTP_EDGE_TENANT_MAX) {
        return 0;
    }

    for (i = 0; i < tenant->len; i++) {
        c = tenant->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-')
        {
            continue;
        }

        return 0;
    }

    return tenant->len != sizeof("_shared") - 1
           || ngx_strncmp(tenant->data, "_shared", tenant->len) != 0;
}


static ngx_int_t
ngx_http_edge_route_check_allow(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_route_granted(r, rec->module->grants);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "module_forbidden",
                              "this client may not use the module");
}


static ngx_int_t
ngx_http_edge_route_check_write(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    ngx_int_t  rc;

    if (rec->endpoint != ngx_http_edge_endpoint_documents
        || r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)
        || rec->module->write_unverified)
    {
        return NGX_OK;
    }

    if (rec->module->write_grants) {
        rc = ngx_http_edge_route_granted(r, rec->module->write_grants);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN, "write_forbidden",
                              "this module's documents are read-only for "
                              "this client");
}


/* A body of unknown length is bounded by client_max_body_size while it comes
 * and measured by the pipeline afterwards. */

static ngx_int_t
ngx_http_edge_route_check_length(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    if (rec->endpoint == ngx_http_edge_endpoint_none
        || rec->module->max_body == 0
        || r->headers_in.content_length_n <= rec->module->max_body)
    {
        return NGX_OK;
    }

    return ngx_http_edge_fail(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                              "body_too_large",
                              "the request body is over the limit");
}


/* The way of nginx's mirror: read, then run the phases from here again. */

static ngx_int_t
ngx_http_edge_route_read(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    ngx_http_set_ctx(r, (void *) &ngx_http_edge_route_reading,
                     ngx_http_edge_route_module);

    rc = ngx_http_read_client_request_body(r, ngx_http_edge_route_read_done);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_edge_route_read_done(ngx_http_request_t *r)
{
    ngx_http_set_ctx(r, (void *) &ngx_http_edge_route_admitted,
                     ngx_http_edge_route_module);

    r->preserve_body = 1;

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}
