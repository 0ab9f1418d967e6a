
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * edge_cache_purge: a location that empties a zone, whole or of what a tenant
 * or a module has in it.  Who may is said by a claim of the verified token.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_http_edge_conf.h"
#include "lib/ngx_http_edge_headers.h"


static ngx_int_t ngx_http_edge_cache_purge_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_purge_may(ngx_http_request_t *r,
    const ngx_http_edge_cache_purge_t *purge);
static ngx_int_t ngx_http_edge_cache_purge_label(ngx_http_request_t *r,
    ngx_edge_cache_label_t *label);
static ngx_int_t ngx_http_edge_cache_purge_send(ngx_http_request_t *r,
    ngx_uint_t n);


char *
ngx_http_edge_cache_purge(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_cache_loc_conf_t *clcf = conf;

    ngx_str_t                    *value, text;
    ngx_http_core_loc_conf_t     *core;
    ngx_http_edge_cache_purge_t  *purge;

    if (clcf->purge) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_edge_conf_param(&value[1], "zone", &text) || text.len == 0)
    {
        return ngx_http_edge_conf_invalid(cf, &value[1]);
    }

    purge = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_cache_purge_t));
    if (purge == NULL) {
        return NGX_CONF_ERROR;
    }

    purge->name = text;

    if (cf->args->nelts == 4) {

        if (value[2].len < 2 || value[2].data[0] != '$' || value[3].len == 0)
        {
            return ngx_http_edge_conf_invalid(cf, &value[2]);
        }

        purge->variable.data = value[2].data + 1;
        purge->variable.len = value[2].len - 1;
        purge->word = value[3];

    } else if (ngx_strcmp(value[2].data, "unverified") == 0) {

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"edge_cache_purge ... unverified\" lets whoever "
                           "reaches the location empty zone \"%V\"", &text);

    } else {
        return ngx_http_edge_conf_invalid(cf, &value[2]);
    }

    clcf->purge = purge;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = ngx_http_edge_cache_purge_handler;

    return NGX_CONF_OK;
}


/* What can be said when the whole http block was read. */

char *
ngx_http_edge_cache_purge_compile(ngx_conf_t *cf,
    ngx_http_edge_cache_purge_t *purge)
{
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);

    purge->zone = ngx_http_edge_cache_by_name(cmcf, &purge->name);

    if (purge->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache_purge\" names the unknown edge_cache_zone "
                      "\"%V\"", &purge->name);
        return NGX_CONF_ERROR;
    }

    /* what is in Redis has no names to be found by */

    if (purge->zone->redis) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache_purge\" cannot empty zone \"%V\", which "
                      "has a \"redis\"", &purge->name);
        return NGX_CONF_ERROR;
    }

    if (purge->variable.len == 0) {
        return NGX_CONF_OK;
    }

    purge->claim = ngx_http_edge_auth_claim(cf, &purge->variable);

    if (purge->claim == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"$%V\" in \"edge_cache_purge\" is no claim",
                      &purge->variable);
        return NGX_CONF_ERROR;
    }

    if (!ngx_http_edge_auth_enabled(cf)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"edge_cache_purge\" with a claim needs \"auth_jwt\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_cache_purge_handler(ngx_http_request_t *r)
{
    ngx_int_t                              rc;
    ngx_edge_cache_label_t                 label;
    const ngx_http_edge_cache_loc_conf_t  *clcf;

    if (r->method != NGX_HTTP_POST) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_cache_module);

    rc = ngx_http_edge_cache_purge_may(r, clcf->purge);

    if (rc == NGX_OK) {
        rc = ngx_http_edge_cache_purge_label(r, &label);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_discard_request_body(r);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_edge_cache_purge_send(r,
                      ngx_edge_cache_l1_purge(clcf->purge->zone->l1, &label));
}


static ngx_int_t
ngx_http_edge_cache_purge_may(ngx_http_request_t *r,
    const ngx_http_edge_cache_purge_t *purge)
{
    ngx_int_t  rc;

    if (purge->claim == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_edge_auth_claim_has(r, purge->claim, &purge->word);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return (rc == NGX_OK) ? NGX_OK : NGX_HTTP_FORBIDDEN;
}


/* "all" has to be said: a forgotten argument must not empty the zone. */

static ngx_int_t
ngx_http_edge_cache_purge_label(ngx_http_request_t *r,
    ngx_edge_cache_label_t *label)
{
    ngx_str_t  value;

    label->tenant = 0;
    label->module = 0;

    if (ngx_http_arg(r, (u_char *) "tenant", 6, &value) == NGX_OK) {

        if (value.len == 0) {
            return NGX_HTTP_BAD_REQUEST;
        }

        label->tenant = ngx_http_edge_cache_digest(&value);
    }

    if (ngx_http_arg(r, (u_char *) "module", 6, &value) == NGX_OK) {

        if (value.len == 0) {
            return NGX_HTTP_BAD_REQUEST;
        }

        label->module = ngx_http_edge_cache_digest(&value);
    }

    if (label->tenant || label->module) {
        return NGX_OK;
    }

    return (ngx_http_arg(r, (u_char *) "all", 3, &value) == NGX_OK
            && value.len == 1 && value.data[0] == '1')
           ? NGX_OK : NGX_HTTP_BAD_REQUEST;
}


static ngx_int_t
ngx_http_edge_cache_purge_send(ngx_http_request_t *r, ngx_uint_t n)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, sizeof("{\"purged\":}") + NGX_INT_T_LEN);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(b->last, "{\"purged\":%ui}", n);

    b->last = p;
    b->last_buf = 1;
    b->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;
    ngx_http_edge_content_type(r, "application/json");

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
