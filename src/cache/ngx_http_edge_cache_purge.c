
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


#define NGX_HTTP_EDGE_CACHE_GUARD  5000    /* ms: no answer is that late */


/* A purge on its way to Redis, in r->pool. */
typedef struct {
    ngx_http_request_t          *request;
    ngx_http_edge_cache_zone_t  *zone;
    ngx_uint_t                   n;        /* entries of the zone that went */
    ngx_msec_t                   sent;
    ngx_event_t                  timer;
    ngx_edge_redis_cmd_t         cmd;
} ngx_http_edge_cache_purge_ctx_t;


static ngx_int_t ngx_http_edge_cache_purge_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_purge_may(ngx_http_request_t *r,
    const ngx_http_edge_cache_purge_t *purge);
static ngx_int_t ngx_http_edge_cache_purge_label(ngx_http_request_t *r,
    ngx_edge_cache_label_t *label);
static ngx_int_t ngx_http_edge_cache_purge_arg(ngx_http_request_t *r,
    u_char *p, u_char *last, ngx_edge_cache_label_t *label, ngx_uint_t *all);
static ngx_int_t ngx_http_edge_cache_purge_share(ngx_http_request_t *r,
    ngx_http_edge_cache_zone_t *zone, const ngx_edge_cache_label_t *label,
    ngx_uint_t n);
static void ngx_http_edge_cache_purge_shared(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_edge_cache_purge_guard(ngx_event_t *ev);
static void ngx_http_edge_cache_purge_end(
    ngx_http_edge_cache_purge_ctx_t *ctx, ngx_int_t shared);
static void ngx_http_edge_cache_purge_cleanup(void *data);
static ngx_int_t ngx_http_edge_cache_purge_partly(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_purge_done(ngx_http_request_t *r,
    ngx_uint_t n);
static ngx_int_t ngx_http_edge_cache_purge_reply(ngx_http_request_t *r,
    ngx_uint_t status, const char *type,
    const ngx_str_t *body);


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
    ngx_uint_t                             n;
    ngx_edge_cache_label_t                 label;
    ngx_http_edge_cache_zone_t            *zone;
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

    zone = clcf->purge->zone;
    n = ngx_edge_cache_l1_purge(zone->l1, &label);

    return zone->redis ? ngx_http_edge_cache_purge_share(r, zone, &label, n)
                       : ngx_http_edge_cache_purge_done(r, n);
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


/* "all" has to be said, and nothing beside it: neither a forgotten argument nor
 * a misspelt one must empty more than was meant, or less. */

static ngx_int_t
ngx_http_edge_cache_purge_label(ngx_http_request_t *r,
    ngx_edge_cache_label_t *label)
{
    u_char      *p, *last, *end;
    ngx_int_t    rc;
    ngx_uint_t   all;

    label->tenant = 0;
    label->module = 0;
    all = 0;

    p = r->args.data;
    last = p + r->args.len;

    while (p < last) {

        end = ngx_strlchr(p, last, '&');

        if (end == NULL) {
            end = last;
        }

        rc = ngx_http_edge_cache_purge_arg(r, p, end, label, &all);

        if (rc != NGX_OK) {
            return rc;
        }

        p = end + 1;
    }

    return (all != (label->tenant || label->module)) ? NGX_OK
                                                     : NGX_HTTP_BAD_REQUEST;
}


static ngx_int_t
ngx_http_edge_cache_purge_arg(ngx_http_request_t *r, u_char *p, u_char *last,
    ngx_edge_cache_label_t *label, ngx_uint_t *all)
{
    u_char     *dst;
    uint64_t   *digest;
    ngx_str_t   name, value;

    name.data = p;
    p = ngx_strlchr(p, last, '=');

    if (p == NULL || p + 1 == last) {
        return NGX_HTTP_BAD_REQUEST;
    }

    name.len = p - name.data;
    p++;

    dst = ngx_pnalloc(r->pool, last - p);
    if (dst == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    value.data = dst;

    ngx_unescape_uri(&dst, &p, last - p, 0);

    value.len = dst - value.data;

    if (name.len == 3 && ngx_strncmp(name.data, "all", 3) == 0) {

        if (*all || value.len != 1 || value.data[0] != '1') {
            return NGX_HTTP_BAD_REQUEST;
        }

        *all = 1;

        return NGX_OK;
    }

    if (name.len != 6) {
        return NGX_HTTP_BAD_REQUEST;
    }

    digest = (ngx_strncmp(name.data, "tenant", 6) == 0) ? &label->tenant
           : (ngx_strncmp(name.data, "module", 6) == 0) ? &label->module
           : NULL;

    if (digest == NULL || *digest) {
        return NGX_HTTP_BAD_REQUEST;
    }

    *digest = ngx_http_edge_cache_digest(&value);

    return NGX_OK;
}


/* The request waits: its answer says whether the others will know. */

static ngx_int_t
ngx_http_edge_cache_purge_share(ngx_http_request_t *r,
    ngx_http_edge_cache_zone_t *zone, const ngx_edge_cache_label_t *label,
    ngx_uint_t n)
{
    ngx_http_cleanup_t               *cln;
    ngx_http_edge_cache_purge_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_cache_purge_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_edge_cache_purge_cleanup;
    cln->data = ctx;

    ctx->request = r;
    ctx->zone = zone;
    ctx->n = n;
    ctx->sent = ngx_current_msec;
    ctx->cmd.done = ngx_http_edge_cache_purge_shared;
    ctx->cmd.data = ctx;

    if (ngx_http_edge_cache_sync_send(zone, &ctx->cmd, label) != NGX_OK) {
        return ngx_http_edge_cache_purge_partly(r);
    }

    ctx->timer.handler = ngx_http_edge_cache_purge_guard;
    ctx->timer.data = ctx;
    ctx->timer.log = r->connection->log;

    ngx_add_timer(&ctx->timer, NGX_HTTP_EDGE_CACHE_GUARD);

    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_edge_cache_purge_shared(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_http_edge_cache_purge_ctx_t *ctx = cmd->data;

    ngx_http_edge_cache_purge_end(ctx,
                   ngx_http_edge_cache_sync_read(ctx->zone, reply, ctx->sent));
}


static void
ngx_http_edge_cache_purge_guard(ngx_event_t *ev)
{
    ngx_http_edge_cache_purge_ctx_t *ctx = ev->data;

    ngx_edge_redis_cancel(&ctx->cmd);

    ngx_http_edge_cache_purge_end(ctx, NGX_ERROR);
}


static void
ngx_http_edge_cache_purge_end(ngx_http_edge_cache_purge_ctx_t *ctx,
    ngx_int_t shared)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    ngx_http_set_log_request(c->log, r);

    rc = (shared == NGX_OK) ? ngx_http_edge_cache_purge_done(r, ctx->n)
                            : ngx_http_edge_cache_purge_partly(r);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_cache_purge_cleanup(void *data)
{
    ngx_http_edge_cache_purge_ctx_t *ctx = data;

    ngx_edge_redis_cancel(&ctx->cmd);

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }
}


/* A location without edge_route: the body of this error is not made by the
 * error filter. */

static ngx_int_t
ngx_http_edge_cache_purge_partly(ngx_http_request_t *r)
{
    static const ngx_str_t  retry = ngx_string("1");
    static const ngx_str_t  problem = ngx_string(
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"code\":\"purged_in_part\",\"detail\":\"Purged in "
        "this instance alone: Redis did not take it. Repeat it.\"}");

    if (ngx_http_edge_header_set(r, "Retry-After", &retry) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_edge_cache_purge_reply(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                           "application/problem+json",
                                           &problem);
}


static ngx_int_t
ngx_http_edge_cache_purge_done(ngx_http_request_t *r, ngx_uint_t n)
{
    u_char     text[sizeof("{\"purged\":}") + NGX_INT_T_LEN];
    ngx_str_t  body;

    body.data = text;
    body.len = ngx_sprintf(text, "{\"purged\":%ui}", n) - text;

    return ngx_http_edge_cache_purge_reply(r, NGX_HTTP_OK, "application/json",
                                           &body);
}


static ngx_int_t
ngx_http_edge_cache_purge_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_int_t     rc;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, body->len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, body->data, body->len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;
    ngx_http_edge_content_type(r, type);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
