
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
#include "limit/ngx_http_edge_limit.h"


static ngx_uint_t ngx_http_edge_limit_is_error_page(ngx_http_request_t *r,
    const ngx_http_edge_record_t *rec);
static ngx_int_t ngx_http_edge_limit_ask(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec);
static void ngx_http_edge_limit_answered(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc);
static ngx_int_t ngx_http_edge_limit_decide(ngx_http_request_t *r,
    ngx_http_edge_record_t *rec, ngx_int_t rc);


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
        rec->limit = NULL;             /* nor does an error_page go free */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rec->limit->n + rec->limit->ntokens == 0) {
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

    if (ctx->n == 0) {
        return NGX_DECLINED;
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
    ngx_http_edge_limit_ctx_t  *ctx;

    ctx = rec->limit;

    if (rc == NGX_DECLINED) {
        return ngx_http_edge_limit_reject(r, &ctx->take);
    }

    if (rc == NGX_ABORT) {
        return ngx_http_edge_limit_unavailable(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->status = ctx->take.degraded ? ngx_http_edge_limit_degraded
                                     : ngx_http_edge_limit_passed;

    return (ngx_http_edge_limit_fields(r) == NGX_OK)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}
