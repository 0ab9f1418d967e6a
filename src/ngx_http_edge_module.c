
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module that names the shared object.  It owns the request record and
 * $edge_request_id; everything else belongs to a feature.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "lib/ngx_edge_hex.h"
#include "lib/ngx_edge_random.h"
#include "lib/ngx_http_edge_headers.h"


#define NGX_HTTP_EDGE_REQUEST_ID_MAX  64


static void ngx_http_edge_record_cleanup(void *data);
static ngx_int_t ngx_http_edge_request_id(ngx_http_request_t *r,
    ngx_str_t *id);
static ngx_int_t ngx_http_edge_incoming_request_id(ngx_http_request_t *r,
    ngx_str_t *id);
static ngx_int_t ngx_http_edge_request_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_edge_add_variables(ngx_conf_t *cf);


extern ngx_module_t  ngx_http_edge_module;


static ngx_str_t  ngx_http_edge_request_id_name =
    ngx_string("edge_request_id");


static ngx_http_module_t  ngx_http_edge_module_ctx = {
    ngx_http_edge_add_variables,           /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_module_ctx,             /* module context */
    NULL,                                  /* module directives */
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


ngx_http_edge_record_t *
ngx_http_edge_record(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_request_t      *main;
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec != NULL) {
        return rec;
    }

    main = r->main;

    cln = ngx_pool_cleanup_add(main->pool, sizeof(ngx_http_edge_record_t));
    if (cln == NULL) {
        return NULL;
    }

    rec = cln->data;
    ngx_memzero(rec, sizeof(ngx_http_edge_record_t));

    if (ngx_http_edge_request_id(main, &rec->request_id) != NGX_OK) {
        return NULL;
    }

    /* set last: an incomplete record must not be found again */
    cln->handler = ngx_http_edge_record_cleanup;

    ngx_http_set_ctx(main, rec, ngx_http_edge_module);

    return rec;
}


ngx_int_t
ngx_http_edge_fail(ngx_http_request_t *r, ngx_uint_t status, const char *code,
    const char *detail)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record(r);

    if (rec != NULL) {
        rec->failure.status = status;
        rec->failure.code = code;
        rec->failure.detail.data = (u_char *) detail;
        rec->failure.detail.len = ngx_strlen(detail);
        ngx_str_null(&rec->failure.pointer);
        rec->failure.retry_after = 0;
        rec->failure.type = NULL;
        ngx_str_null(&rec->failure.members);
    }

    return status;
}


/*
 * An internal redirect wipes r->ctx; the pool's cleanup chain still knows the
 * record, and its handler is the proof that it is ours.
 */

ngx_http_edge_record_t *
ngx_http_edge_record_get(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_edge_record_t  *rec;

    r = r->main;

    rec = ngx_http_get_module_ctx(r, ngx_http_edge_module);

    if (rec != NULL || (!r->internal && !r->filter_finalize)) {
        return rec;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_edge_record_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_edge_module);
            return cln->data;
        }
    }

    return NULL;
}


static void
ngx_http_edge_record_cleanup(void *data)
{
    ngx_http_edge_record_t  *rec = data;

    /* the pool owns all memory; the handler marks the record in the chain */

    rec->module = NULL;
}


static ngx_int_t
ngx_http_edge_request_id(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char    *p;
    uint64_t   n[2];

    if (ngx_http_edge_incoming_request_id(r, id) == NGX_OK) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, 32);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_random(n);

    id->data = p;
    id->len = ngx_edge_hex(p, (u_char *) n, sizeof(n)) - p;

    return NGX_OK;
}


/* The first X-Request-Id of the client, kept if it matches
 * [A-Za-z0-9._-]{1,64}. */

static ngx_int_t
ngx_http_edge_incoming_request_id(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char                          c;
    ngx_uint_t                      i;
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    ngx_http_edge_header_search(&search, &r->headers_in.headers,
                                "X-Request-Id");

    h = ngx_http_edge_header_next(&search);

    if (h == NULL || h->value.len == 0
        || h->value.len > NGX_HTTP_EDGE_REQUEST_ID_MAX)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < h->value.len; i++) {
        c = h->value.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-')
        {
            continue;
        }

        return NGX_DECLINED;
    }

    *id = h->value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_request_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_ERROR;
    }

    v->data = rec->request_id.data;
    v->len = rec->request_id.len;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_edge_request_id_name,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_edge_request_id_variable;

    return NGX_OK;
}
