
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which pages of other origins may call from a browser: answers preflights
 * in REWRITE, before anything costs, and says on every response who may read
 * it.  Knows no feature; what an upstream says of the matter is taken away;
 * how the directive reads is in ..._conf.c.
 *
 * The policy is that of the first location on the request's way that has
 * one, because there the preflight was answered.  An error_page or another
 * internal redirect that leads elsewhere changes nothing: it is still the
 * answer to what the page asked for.
 *
 * The fields are set on the way out, behind any cache of nginx's or ours, so
 * that one stored response serves all origins, and "Vary: Origin" speaks to
 * caches further out only.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "cors/ngx_edge_origin.h"
#include "cors/ngx_http_edge_cors.h"
#include "lib/ngx_http_edge_headers.h"


#define NGX_HTTP_EDGE_CORS_NAMES_LIMIT  1024


/* Made where a request first meets a policy; lives in a pool cleanup, so that
 * an internal redirect does not lose it. */
typedef struct {
    const ngx_http_edge_cors_policy_t  *policy;
    unsigned                            preflight:1;  /* being answered */
    unsigned                            refused:1;    /* it was one, with an
                                                         unknown origin */
} ngx_http_edge_cors_ctx_t;


static ngx_int_t ngx_http_edge_cors_rewrite(ngx_http_request_t *r);
static ngx_uint_t ngx_http_edge_cors_is_preflight(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cors_answer(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cors_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cors_fields(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy, ngx_uint_t preflight);
static ngx_int_t ngx_http_edge_cors_preflight_fields(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy);
static const ngx_str_t *ngx_http_edge_cors_match(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy);
static const ngx_str_t *ngx_http_edge_cors_field(ngx_http_request_t *r,
    const char *name);
static void ngx_http_edge_cors_clear(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cors_vary(ngx_http_request_t *r,
    const ngx_str_t *name);
static ngx_http_edge_cors_ctx_t *ngx_http_edge_cors_ctx(
    ngx_http_request_t *r);
static ngx_http_edge_cors_ctx_t *ngx_http_edge_cors_create_ctx(
    ngx_http_request_t *r, const ngx_http_edge_cors_policy_t *policy);
static void ngx_http_edge_cors_cleanup(void *data);
static void *ngx_http_edge_cors_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_cors_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_edge_cors_filter_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_edge_cors_commands[] = {

    { ngx_string("edge_cors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_edge_cors_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_cors_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_edge_cors_filter_init,        /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_cors_create_loc_conf,    /* create location configuration */
    ngx_http_edge_cors_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_edge_cors_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_cors_filter_module_ctx, /* module context */
    ngx_http_edge_cors_commands,           /* module directives */
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


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static const ngx_str_t  ngx_http_edge_cors_own[] = {
    ngx_string("access-control-"),
    ngx_null_string
};

static const ngx_str_t  ngx_http_edge_cors_yes = ngx_string("true");
static const ngx_str_t  ngx_http_edge_cors_any = ngx_string("*");
static const ngx_str_t  ngx_http_edge_cors_by_origin = ngx_string("Origin");
static const ngx_str_t  ngx_http_edge_cors_by_names =
    ngx_string("Access-Control-Request-Headers");

static const ngx_str_t  ngx_http_edge_cors_methods =
    ngx_string("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/* what a page could not read otherwise, of all that the edge may send */

static const ngx_str_t  ngx_http_edge_cors_exposed =
    ngx_string("X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, "
               "x-ratelimit-limit-requests, x-ratelimit-limit-tokens, "
               "x-ratelimit-remaining-requests, "
               "x-ratelimit-remaining-tokens, "
               "x-ratelimit-reset-requests, x-ratelimit-reset-tokens, "
               "Cache-Status, WWW-Authenticate");


static ngx_int_t
ngx_http_edge_cors_rewrite(ngx_http_request_t *r)
{
    ngx_http_edge_cors_ctx_t             *ctx;
    const ngx_http_edge_cors_loc_conf_t  *clcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_edge_cors_ctx(r);

    if (ctx == NULL) {
        clcf = ngx_http_get_module_loc_conf(r,
                                            ngx_http_edge_cors_filter_module);

        if (clcf->policy == NULL) {
            return NGX_DECLINED;
        }

        ctx = ngx_http_edge_cors_create_ctx(r, clcf->policy);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    /* a refused one comes again on its way to a named error_page */

    if (!ctx->policy->on
        || ctx->refused
        || !ngx_http_edge_cors_is_preflight(r))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_edge_cors_match(r, ctx->policy) == NULL) {
        ctx->refused = 1;

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "edge cors: preflight of an unknown origin refused");

        return ngx_http_edge_fail(r, NGX_HTTP_FORBIDDEN,
                                  "origin_not_allowed",
                                  "pages of this origin may not call from a "
                                  "browser");
    }

    ctx->preflight = 1;

    return ngx_http_edge_cors_answer(r);
}


static ngx_uint_t
ngx_http_edge_cors_is_preflight(ngx_http_request_t *r)
{
    return r->method == NGX_HTTP_OPTIONS
           && ngx_http_edge_cors_field(r, "Origin")
           && ngx_http_edge_cors_field(r, "Access-Control-Request-Method");
}


static ngx_int_t
ngx_http_edge_cors_answer(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_edge_cors_header_filter(ngx_http_request_t *r)
{
    const ngx_http_edge_cors_ctx_t       *ctx;
    const ngx_http_edge_cors_policy_t    *policy;
    const ngx_http_edge_cors_loc_conf_t  *clcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_edge_cors_ctx(r);

    if (ctx) {
        policy = ctx->policy;

    } else {

        /* what fails before REWRITE has met none yet */

        clcf = ngx_http_get_module_loc_conf(r,
                                            ngx_http_edge_cors_filter_module);
        policy = clcf->policy;
    }

    if (policy && policy->on) {
        ngx_http_edge_cors_clear(r);

        if (ngx_http_edge_cors_fields(r, policy, ctx && ctx->preflight)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_edge_cors_fields(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy, ngx_uint_t preflight)
{
    const ngx_str_t  *origin;

    /* a request without an origin gets it too: its response may be stored */

    if (!policy->any
        && ngx_http_edge_cors_vary(r, &ngx_http_edge_cors_by_origin)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    origin = ngx_http_edge_cors_match(r, policy);

    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_http_edge_header_add(r, "Access-Control-Allow-Origin", origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (policy->credentials
        && ngx_http_edge_header_add(r, "Access-Control-Allow-Credentials",
                                    &ngx_http_edge_cors_yes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (preflight) {
        return ngx_http_edge_cors_preflight_fields(r, policy);
    }

    return ngx_http_edge_header_add(r, "Access-Control-Expose-Headers",
                                    &ngx_http_edge_cors_exposed);
}


static ngx_int_t
ngx_http_edge_cors_preflight_fields(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy)
{
    const ngx_str_t  *names;

    if (ngx_http_edge_header_add(r, "Access-Control-Allow-Methods",
                                 &ngx_http_edge_cors_methods)
        != NGX_OK
        || ngx_http_edge_header_add(r, "Access-Control-Max-Age",
                                    &policy->max_age)
           != NGX_OK
        || ngx_http_edge_cors_vary(r, &ngx_http_edge_cors_by_names)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* which fields it reads is the service's matter */

    names = ngx_http_edge_cors_field(r, "Access-Control-Request-Headers");

    if (names == NULL
        || names->len > NGX_HTTP_EDGE_CORS_NAMES_LIMIT
        || !ngx_edge_origin_tokens(names))
    {
        return NGX_OK;
    }

    return ngx_http_edge_header_add(r, "Access-Control-Allow-Headers", names);
}


/* What to say in Access-Control-Allow-Origin; NULL: nothing. */

static const ngx_str_t *
ngx_http_edge_cors_match(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy)
{
    ngx_uint_t        i;
    const ngx_str_t  *origin, *known;

    if (policy->any) {
        return &ngx_http_edge_cors_any;
    }

    origin = ngx_http_edge_cors_field(r, "Origin");

    if (origin == NULL) {
        return NULL;
    }

    known = policy->origins.elts;

    for (i = 0; i < policy->origins.nelts; i++) {

        if (known[i].len == origin->len
            && ngx_memcmp(known[i].data, origin->data, origin->len) == 0)
        {
            return &known[i];
        }
    }

    return NULL;
}


/* The value of a request field; NULL if it is absent or there are several,
 * which no browser sends. */

static const ngx_str_t *
ngx_http_edge_cors_field(ngx_http_request_t *r, const char *name)
{
    const ngx_table_elt_t          *h;
    ngx_http_edge_header_search_t   search;

    ngx_http_edge_header_search(&search, &r->headers_in.headers, name);

    h = ngx_http_edge_header_next(&search);

    if (h == NULL || ngx_http_edge_header_next(&search) != NULL) {
        return NULL;
    }

    return &h->value;
}


/* Takes away what others said: of a service, or of an add_header. */

static void
ngx_http_edge_cors_clear(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_edge_header_prefixed(h[i].key.data, h[i].key.len,
                                              ngx_http_edge_cors_own))
            {
                h[i].hash = 0;
            }
        }
    }
}


/* The values of the fields are shared with others, a cache among them: a
 * longer one is made anew. */

static ngx_int_t
ngx_http_edge_cors_vary(ngx_http_request_t *r, const ngx_str_t *name)
{
    u_char                         *p;
    ngx_table_elt_t                *h, *vary;
    ngx_http_edge_header_search_t   search;

    vary = NULL;

    ngx_http_edge_header_search(&search, &r->headers_out.headers, "Vary");

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {

        if (h->hash == 0) {
            continue;
        }

        if (ngx_edge_origin_listed(&h->value, name)
            || ngx_edge_origin_listed(&h->value, &ngx_http_edge_cors_any))
        {
            return NGX_OK;
        }

        vary = h;
    }

    if (vary == NULL || vary->value.len == 0) {
        return ngx_http_edge_header_set(r, "Vary", name);
    }

    p = ngx_pnalloc(r->pool, vary->value.len + 2 + name->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    vary->value.len = ngx_sprintf(p, "%V, %V", &vary->value, name) - p;
    vary->value.data = p;

    return NGX_OK;
}


/* NULL until the request has met a policy.  An internal redirect wipes
 * r->ctx; the pool's cleanup chain still knows it. */

static ngx_http_edge_cors_ctx_t *
ngx_http_edge_cors_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_edge_cors_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_cors_filter_module);

    if (ctx != NULL || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_edge_cors_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_edge_cors_filter_module);
            return cln->data;
        }
    }

    return NULL;
}


static ngx_http_edge_cors_ctx_t *
ngx_http_edge_cors_create_ctx(ngx_http_request_t *r,
    const ngx_http_edge_cors_policy_t *policy)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_edge_cors_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_edge_cors_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_edge_cors_ctx_t));
    ctx->policy = policy;

    cln->handler = ngx_http_edge_cors_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_edge_cors_filter_module);

    return ctx;
}


static void
ngx_http_edge_cors_cleanup(void *data)
{
    ngx_http_edge_cors_ctx_t *ctx = data;

    /* the pool owns all memory; the handler marks the context in the chain */

    ctx->policy = NULL;
}


static void *
ngx_http_edge_cors_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_edge_cors_loc_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_edge_cors_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->policy = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_edge_cors_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_edge_cors_loc_conf_t *prev = parent;
    ngx_http_edge_cors_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->policy, prev->policy, NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_cors_filter_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_edge_cors_rewrite;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_edge_cors_header_filter;

    return NGX_OK;
}
