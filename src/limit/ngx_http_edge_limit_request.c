
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What happens to a request: it is charged once, in the first location with
 * limits that it comes to, whatever internal redirects follow.  While Redis is
 * asked the phase is suspended; the client's end of Redis owns the timer.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_http_edge_headers.h"
#include "limit/ngx_http_edge_limit.h"


/* A client's clock and ours do not tick as one: microseconds */
#define NGX_HTTP_EDGE_LIMIT_MARGIN  20000
#define NGX_HTTP_EDGE_LIMIT_SECOND  1000000

#define NGX_HTTP_EDGE_LIMIT_QUOTA                                             \
    "https://iana.org/assignments/http-problem-types#quota-exceeded"


static ngx_uint_t ngx_http_edge_limit_is_error_page(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_limit_ask(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static void ngx_http_edge_limit_answered(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc);
static ngx_int_t ngx_http_edge_limit_decide(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec, ngx_int_t rc);
static ngx_int_t ngx_http_edge_limit_reject(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static void ngx_http_edge_limit_log(ngx_http_request_t *r,
    const ngx_http_edge_limit_ctx_t *ctx);
static time_t ngx_http_edge_limit_retry(const ngx_http_edge_limit_ctx_t *ctx);
static ngx_int_t ngx_http_edge_limit_retry_field(ngx_http_request_t *r,
    time_t retry);
static ngx_int_t ngx_http_edge_limit_violated(ngx_http_request_t *r,
    const ngx_http_edge_limit_ctx_t *ctx, ngx_str_t *members);


ngx_int_t
ngx_http_edge_limit_handler(ngx_http_request_t *r)
{
    ngx_int_t                              rc;
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);

    if (llcf->policies == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rec->limit) {
        rc = rec->limit->rc;
        rec->limit->rc = (rc == NGX_AGAIN) ? NGX_AGAIN : NGX_DECLINED;

        return rc;
    }

    if (ngx_http_edge_limit_is_error_page(r, rec)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_edge_limit_evaluate(r, llcf->policies, &rec->limit);

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rec->limit->n == 0) {
        return NGX_DECLINED;
    }

    return ngx_http_edge_limit_ask(r, rec);
}


/* A refused request on its way to a file that the operator's error_page
 * names costs nothing; one that is handed on (proxy_pass) does. */

static ngx_uint_t
ngx_http_edge_limit_is_error_page(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec)
{
    return r->internal
           && r->content_handler == NULL
           && (r->err_status || r->error_page || rec->failure.status);
}


static ngx_int_t
ngx_http_edge_limit_ask(ngx_http_request_t *r, ngx_http_edge_record_t *rec)
{
    ngx_int_t                    rc;
    ngx_http_edge_limit_ctx_t   *ctx;
    ngx_http_edge_limit_take_t  *take;

    ctx = rec->limit;

    if (ngx_http_edge_limit_hold(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    take = &ctx->take;

    take->request = r;
    take->charge = ctx->charge;
    take->cell = ctx->cell;
    take->n = ctx->n;
    take->least = 1;
    take->most = 1;
    take->done = ngx_http_edge_limit_answered;

    rc = ngx_http_edge_limit_take(take);

    if (rc != NGX_AGAIN) {
        return ngx_http_edge_limit_decide(r, rec, rc);
    }

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    ctx->rc = NGX_AGAIN;

    return NGX_AGAIN;
}


/* Runs the phases from here again; the handler finds what was decided. */

static void
ngx_http_edge_limit_answered(ngx_http_edge_limit_take_t *take, ngx_int_t rc)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_edge_record_t  *rec;

    r = take->request;
    c = r->connection;
    rec = ngx_http_edge_record_get(r);

    rec->limit->rc = ngx_http_edge_limit_decide(r, rec, rc);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_edge_limit_decide(ngx_http_request_t *r, ngx_http_edge_record_t *rec,
    ngx_int_t rc)
{
    ngx_http_edge_limit_ctx_t             *ctx;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);
    ctx = rec->limit;

    if (rc == NGX_DECLINED) {
        return ngx_http_edge_limit_reject(r, rec);
    }

    if (rc == NGX_ABORT && !llcf->dry_run) {
        ctx->status = ngx_http_edge_limit_rejected;

        rc = ngx_http_edge_fail(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                "service_unavailable",
                                "the limits cannot be checked at present");

        rec->failure.retry_after = 1;

        return (ngx_http_edge_limit_retry_field(r, 1) == NGX_OK)
               ? rc : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_ABORT) {
        ctx->status = ngx_http_edge_limit_rejected_dry_run;
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->status = ctx->take.degraded ? ngx_http_edge_limit_degraded
                                     : ngx_http_edge_limit_passed;

    return (ngx_http_edge_limit_fields(r, &ctx->take, rec->openai) == NGX_OK)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_edge_limit_reject(ngx_http_request_t *r, ngx_http_edge_record_t *rec)
{
    time_t                                 retry;
    ngx_http_edge_limit_ctx_t             *ctx;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);
    ctx = rec->limit;

    ctx->status = llcf->dry_run ? ngx_http_edge_limit_rejected_dry_run
                                : ngx_http_edge_limit_rejected;

    if (r->connection->log->log_level >= llcf->log_level) {
        ngx_http_edge_limit_log(r, ctx);
    }

    if (llcf->dry_run) {
        return NGX_DECLINED;
    }

    (void) ngx_http_edge_fail(r, llcf->status, "rate_limit_exceeded",
                              "the allowance of requests is used up");

    retry = ngx_http_edge_limit_retry(ctx);

    rec->failure.retry_after = retry;
    rec->failure.type = NGX_HTTP_EDGE_LIMIT_QUOTA;

    if (ngx_http_edge_limit_violated(r, ctx, &rec->failure.members) != NGX_OK
        || ngx_http_edge_limit_retry_field(r, retry) != NGX_OK
        || ngx_http_edge_limit_fields(r, &ctx->take, rec->openai) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return llcf->status;
}


/* The first policy that refused. */

static void
ngx_http_edge_limit_log(ngx_http_request_t *r,
    const ngx_http_edge_limit_ctx_t *ctx)
{
    u_char                                 name[NGX_HTTP_EDGE_LIMIT_NAME];
    ngx_str_t                              text;
    ngx_uint_t                             i;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);

    for (i = 0; i < ctx->n - 1 && ctx->cell[i].wait == 0; i++) {
        /* void */
    }

    text.data = name;
    text.len = ngx_http_edge_limit_name(name, &ctx->charge[i]) - name;

    ngx_log_error(llcf->log_level, r->connection->log, 0,
                  "edge limit: rejected by \"%V\"%s", &text,
                  llcf->dry_run ? ", dry run" : "");
}


/* Not before every policy that refused would pass it. */

static time_t
ngx_http_edge_limit_retry(const ngx_http_edge_limit_ctx_t *ctx)
{
    int64_t     wait;
    ngx_uint_t  i;

    wait = 0;

    for (i = 0; i < ctx->n; i++) {
        wait = ngx_max(wait, ctx->cell[i].wait);
    }

    /* a slot is free when somebody has finished */

    return (wait == 0) ? 1 : (wait + NGX_HTTP_EDGE_LIMIT_MARGIN
                              + NGX_HTTP_EDGE_LIMIT_SECOND - 1)
                             / NGX_HTTP_EDGE_LIMIT_SECOND;
}


/* The error filter sets the same, but not in all locations. */

static ngx_int_t
ngx_http_edge_limit_retry_field(ngx_http_request_t *r, time_t retry)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", retry) - value.data;

    return ngx_http_edge_header_set(r, "Retry-After", &value);
}


static ngx_int_t
ngx_http_edge_limit_violated(ngx_http_request_t *r,
    const ngx_http_edge_limit_ctx_t *ctx, ngx_str_t *members)
{
    u_char          name[NGX_HTTP_EDGE_LIMIT_NAME];
    ngx_uint_t      i, n;
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, r->pool, 128,
                      NGX_HTTP_EDGE_LIMIT_POLICIES
                      * (NGX_HTTP_EDGE_LIMIT_NAME + 4) + 64);

    ngx_edge_buf_lit(&b, ",\"violated-policies\":[");
    n = 0;

    for (i = 0; i < ctx->n; i++) {

        if (ctx->cell[i].wait == 0) {
            continue;
        }

        if (n++) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_edge_buf_json(&b, name,
                          ngx_http_edge_limit_name(name, &ctx->charge[i])
                          - name);
    }

    ngx_edge_buf_byte(&b, ']');

    return ngx_edge_buf_done(&b, members);
}
