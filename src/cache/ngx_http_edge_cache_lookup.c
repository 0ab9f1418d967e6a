
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The way of a request before its target: whether the cache is asked, whether
 * what it has may be used, and who of several goes to fetch it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_route_api.h"


static ngx_int_t ngx_http_edge_cache_start(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec, const ngx_http_edge_cache_loc_conf_t *conf);
static ngx_int_t ngx_http_edge_cache_begin(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static void ngx_http_edge_cache_body_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_cache_ask(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static ngx_uint_t ngx_http_edge_cache_read_control(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const char *name);
static ngx_int_t ngx_http_edge_cache_look(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static ngx_int_t ngx_http_edge_cache_find(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const u_char *key,
    ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_hit(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_fetch(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const char *status);
static ngx_int_t ngx_http_edge_cache_wait(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static ngx_int_t ngx_http_edge_cache_suspend(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static void ngx_http_edge_cache_wake(void *data);
static void ngx_http_edge_cache_cleanup(void *data);


static const ngx_str_t  ngx_http_edge_cache_get = ngx_string("GET");
static const ngx_str_t  ngx_http_edge_cache_post = ngx_string("POST");

/* What would make a target answer with less than the whole. */
static const ngx_str_t  ngx_http_edge_cache_withheld[] = {
    ngx_string("if-match"),
    ngx_string("if-none-match"),
    ngx_string("if-modified-since"),
    ngx_string("if-unmodified-since"),
    ngx_string("if-range"),
    ngx_string("range"),
    ngx_null_string
};


ngx_int_t
ngx_http_edge_cache_handler(ngx_http_request_t *r)
{
    ngx_http_edge_record_t                *rec;
    ngx_http_edge_cache_ctx_t             *ctx;
    const ngx_http_edge_cache_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_edge_cache_module);

    if (conf->name.len == 0 || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_cache_module);

    if (ctx) {
        return ctx->waiting ? ngx_http_edge_cache_look(r, ctx)
                            : NGX_DECLINED;
    }

    rec = ngx_http_edge_record_get(r);

    /* asked already: an internal redirect has led to another response */

    if (rec == NULL
        || !rec->admitted
        || rec->module == NULL
        || rec->endpoint != ngx_http_edge_endpoint_none
        || rec->cache_status)
    {
        return NGX_DECLINED;
    }

    return ngx_http_edge_cache_start(r, rec, conf);
}


static ngx_int_t
ngx_http_edge_cache_start(ngx_http_request_t *r, ngx_http_edge_record_t *rec,
    const ngx_http_edge_cache_loc_conf_t *conf)
{
    ngx_int_t                   rc;
    ngx_http_cleanup_t         *cln;
    ngx_http_edge_cache_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_cache_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_edge_cache_cleanup;
    cln->data = ctx;

    ctx->request = r;
    ctx->conf = conf;
    ctx->seek.request = r;
    ctx->seek.zone = conf->zone;
    ctx->seek.wake = ngx_http_edge_cache_wake;
    ctx->seek.data = ctx;
    ctx->seek.wait = conf->lock_timeout;
    ctx->seek.label.tenant = ngx_http_edge_cache_digest(&rec->tenant);
    ctx->seek.label.module = ngx_http_edge_cache_digest(&rec->module->name);
    ctx->authorized = (rec->verified != NULL
                       || r->headers_in.authorization != NULL);

    rec->cache_status = "BYPASS";

    ngx_http_set_ctx(r, ctx, ngx_http_edge_cache_module);

    if (!(r->method & conf->methods)) {
        ctx->forward = "method";

        /* what changes a resource makes the answers about it old */

        if (!(r->method & (NGX_HTTP_OPTIONS|NGX_HTTP_TRACE))
            && ngx_http_edge_cache_make_key(r, ctx, &ngx_http_edge_cache_get)
               == NGX_OK)
        {
            ctx->unsafe = 1;
        }

        return NGX_DECLINED;
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_edge_cache_begin(r, ctx);
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_edge_cache_body_read);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* The phases go on behind this handler's place once its work is done. */

static void
ngx_http_edge_cache_body_read(ngx_http_request_t *r)
{
    ngx_http_edge_cache_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_cache_module);

    ctx->waiting = 1;                  /* the handler looks */
    r->preserve_body = 1;

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_edge_cache_begin(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_cache_make_key(r, ctx,
                                      (r->method == NGX_HTTP_POST)
                                      ? &ngx_http_edge_cache_post
                                      : &ngx_http_edge_cache_get);

    if (rc == NGX_DECLINED) {
        ctx->forward = "bypass";
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->keyed = 1;

    ngx_edge_cache_control_init(&ctx->control);

    if (!ngx_http_edge_cache_read_control(r, ctx, "Cache-Control")) {
        (void) ngx_http_edge_cache_read_control(r, ctx, "Pragma");
    }

    /* the body of a HEAD's answer is not there to be stored */

    ctx->storable = (r->method != NGX_HTTP_HEAD && !ctx->control.no_store);

    return ngx_http_edge_cache_ask(r, ctx);
}


/* Reads the directives of all fields of that name; 1 if there is one. */

static ngx_uint_t
ngx_http_edge_cache_read_control(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const char *name)
{
    ngx_uint_t                      found;
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    found = 0;

    ngx_http_edge_header_search(&search, &r->headers_in.headers, name);

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        found = 1;
        ngx_edge_cache_control_parse(&ctx->control, &h->value);
    }

    return found;
}


static ngx_int_t
ngx_http_edge_cache_ask(ngx_http_request_t *r, ngx_http_edge_cache_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_test_predicates(r, ctx->conf->bypass);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ctx->forward = "bypass";
        return ngx_http_edge_cache_fetch(r, ctx, "BYPASS");
    }

    return ngx_http_edge_cache_look(r, ctx);
}


static ngx_int_t
ngx_http_edge_cache_look(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    time_t                  now, age;
    ngx_int_t               rc;
    ngx_edge_cache_entry_t  e;

    if (!ctx->keyed) {
        ctx->waiting = 0;              /* for the body */
        return ngx_http_edge_cache_begin(r, ctx);
    }

    now = ngx_time();

    rc = ngx_http_edge_cache_find(r, ctx, ctx->seek.key, &e);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_AGAIN) {
        return ngx_http_edge_cache_suspend(r, ctx);
    }

    if (rc == NGX_DECLINED) {
        ctx->forward = ctx->varies ? "vary-miss" : "uri-miss";
        return ngx_http_edge_cache_wait(r, ctx);
    }

    if (now >= e.expires) {
        ctx->forward = "stale";
        ctx->expired = 1;
        return ngx_http_edge_cache_wait(r, ctx);
    }

    age = e.age + ngx_max(now - e.stored, 0);

    if (!ngx_edge_cache_control_usable(&ctx->control, age, e.expires - now)) {
        ctx->forward = "request";
        return ngx_http_edge_cache_fetch(r, ctx, "BYPASS");
    }

    return ngx_http_edge_cache_hit(r, ctx, &e);
}


/* NGX_OK: a response, in r->pool; NGX_DECLINED: none; NGX_AGAIN; NGX_ERROR. */

static ngx_int_t
ngx_http_edge_cache_find(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const u_char *key,
    ngx_edge_cache_entry_t *e)
{
    u_char     variant[NGX_EDGE_CACHE_KEY];
    ngx_int_t  rc;

    rc = ngx_http_edge_cache_seek_get(&ctx->seek, key, e);

    if (rc != NGX_OK) {
        return rc;
    }

    if (e->kind == ngx_edge_cache_response) {
        return (e->nparts == ngx_edge_cache_part_n) ? NGX_OK : NGX_DECLINED;
    }

    if (e->kind != ngx_edge_cache_vary || e->nparts != 1
        || key != ctx->seek.key)
    {
        return NGX_DECLINED;
    }

    ctx->varies = 1;

    if (e->part[0].len > NGX_HTTP_EDGE_CACHE_DIGITS
        && e->part[0].data[0] == '#')
    {
        (void) ngx_http_edge_cache_digits(e->part[0].data + 1, &ctx->salt);
    }

    if (ngx_http_edge_cache_keep_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_edge_cache_variant(r, ctx, &e->part[0], variant) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_edge_cache_find(r, ctx, variant, e);
}


static ngx_int_t
ngx_http_edge_cache_hit(ngx_http_request_t *r, ngx_http_edge_cache_ctx_t *ctx,
    ngx_edge_cache_entry_t *e)
{
    ngx_int_t                rc;
    ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);
    rec->cache_status = "HIT";

    ctx->hit = 1;
    ctx->storable = 0;
    ctx->waiting = 0;

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        ctx->entry = e;
        rc = ngx_http_edge_cache_send(r, e);
        ctx->entry = NULL;
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* To the target, which has to answer whole if the answer may be kept. */

static ngx_int_t
ngx_http_edge_cache_fetch(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const char *status)
{
    ngx_http_edge_record_t  *rec;

    ctx->waiting = 0;

    rec = ngx_http_edge_record_get(r);
    rec->cache_status = status;

    if (ctx->control.only_if_cached) {
        return ngx_http_edge_fail(r, NGX_HTTP_GATEWAY_TIME_OUT, "not_cached",
                                  "the cache has no such response");
    }

    if (!ctx->storable) {
        return NGX_DECLINED;
    }

    ngx_http_edge_cache_seek_begin(&ctx->seek);

    if (ngx_http_edge_cache_keep_headers(r, ctx) != NGX_OK
        || ngx_http_edge_headers_strip(r, ngx_http_edge_cache_withheld)
           == NGX_ERROR)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_in.if_match = NULL;
    r->headers_in.if_none_match = NULL;
    r->headers_in.if_modified_since = NULL;
    r->headers_in.if_unmodified_since = NULL;
    r->headers_in.if_range = NULL;
    r->headers_in.range = NULL;

    return NGX_DECLINED;
}


/* Goes itself, or waits for the one who does. */

static ngx_int_t
ngx_http_edge_cache_wait(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *status;

    status = ctx->expired ? "EXPIRED" : "MISS";

    if (!ctx->conf->lock || !ctx->storable || ctx->control.only_if_cached) {
        return ngx_http_edge_cache_fetch(r, ctx, status);
    }

    rc = ngx_http_edge_cache_seek_lead(&ctx->seek);

    return (rc == NGX_AGAIN) ? ngx_http_edge_cache_suspend(r, ctx)
                             : ngx_http_edge_cache_fetch(r, ctx, status);
}


/* Until the seeker wakes the request; it owns the timer that this takes. */

static ngx_int_t
ngx_http_edge_cache_suspend(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    ctx->waiting = 1;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_AGAIN;
}


static void
ngx_http_edge_cache_wake(void *data)
{
    ngx_http_edge_cache_ctx_t *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_edge_cache_cleanup(void *data)
{
    ngx_http_edge_cache_ctx_t *ctx = data;

    ngx_http_edge_cache_seek_end(&ctx->seek, 0);
}


uint64_t
ngx_http_edge_cache_digest(const ngx_str_t *name)
{
    size_t    i;
    uint64_t  h;

    h = 0xcbf29ce484222325ULL;

    for (i = 0; i < name->len; i++) {
        h = (h ^ name->data[i]) * 0x100000001b3ULL;
    }

    return h ? h : 1;
}
