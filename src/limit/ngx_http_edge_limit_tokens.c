
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens of a request: reserved before a model is called, settled behind it.
 * What a worker that dies has reserved stays charged, and flows back as all
 * that was used does.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_script.h"


/* No answer has so many: a debt of them would shut a tenant out. */
#define NGX_HTTP_EDGE_LIMIT_USED_MAX  10000000


static void ngx_http_edge_limit_reserve_done(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc);
static ngx_int_t ngx_http_edge_limit_reserve_decide(
    ngx_http_edge_limit_take_t *take, ngx_int_t rc);


ngx_int_t
ngx_http_edge_limit_reserve(ngx_http_request_t *r, int64_t least,
    int64_t most, ngx_http_edge_limit_reserved_pt handler, void *data)
{
    ngx_int_t                    rc;
    ngx_http_edge_limit_ctx_t   *ctx;
    ngx_http_edge_limit_take_t  *take;

    ctx = ngx_http_edge_record_get(r)->limit;

    if (ctx == NULL) {
        return NGX_OK;
    }

    take = &ctx->tokens;

    take->most = most;
    take->taken = most;

    if (ctx->ntokens == 0) {
        return NGX_OK;
    }

    ctx->reserved = handler;
    ctx->data = data;

    take->request = r;
    take->charge = &ctx->charge[ctx->n];
    take->cell = &ctx->cell[ctx->n];
    take->n = ctx->ntokens;
    take->least = least;
    take->done = ngx_http_edge_limit_reserve_done;

    rc = ngx_http_edge_limit_take(take);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ctx->decision = ngx_http_edge_limit_reserve_decide(take, rc);

    return NGX_OK;
}


static void
ngx_http_edge_limit_reserve_done(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc)
{
    ngx_http_edge_limit_ctx_t  *ctx;

    ctx = ngx_http_edge_record_get(take->request)->limit;

    ctx->decision = ngx_http_edge_limit_reserve_decide(take, rc);
    ctx->reserved(ctx->data);
}


/* NGX_OK, or the status of the response. */

static ngx_int_t
ngx_http_edge_limit_reserve_decide(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc)
{
    ngx_http_request_t         *r;
    ngx_http_edge_limit_ctx_t  *ctx;

    r = take->request;
    ctx = ngx_http_edge_record_get(r)->limit;

    if (rc == NGX_DECLINED || rc == NGX_ABORT) {
        rc = (rc == NGX_DECLINED) ? ngx_http_edge_limit_reject(r, take)
                                  : ngx_http_edge_limit_unavailable(r);

        /* a dry run takes what it asked for, and nothing is counted */

        take->taken = take->most;
        take->n = 0;

        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->settles = (take->n > 0);

    if (take->degraded) {
        ctx->status = ngx_http_edge_limit_degraded;

    } else if (ctx->status == ngx_http_edge_limit_none) {
        ctx->status = ngx_http_edge_limit_passed;
    }

    return (ngx_http_edge_limit_fields(r) == NGX_OK)
           ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_http_edge_limit_reserved(ngx_http_request_t *r, int64_t *tokens)
{
    const ngx_http_edge_limit_ctx_t  *ctx;

    ctx = ngx_http_edge_record_get(r)->limit;

    if (ctx == NULL) {
        return NGX_OK;
    }

    *tokens = ctx->tokens.taken;

    return ctx->decision;
}


ngx_uint_t
ngx_http_edge_limit_cut(ngx_http_request_t *r)
{
    ngx_uint_t                        i;
    const ngx_http_edge_limit_ctx_t  *ctx;

    ctx = ngx_http_edge_record_get(r)->limit;

    if (ctx == NULL) {
        return 0;
    }

    for (i = 0; i < ctx->tokens.n; i++) {

        if (ctx->tokens.charge[i].policy->cut) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_edge_limit_settle(ngx_http_request_t *r, int64_t used)
{
    int64_t                     units;
    ngx_uint_t                  i;
    ngx_http_edge_limit_ctx_t  *ctx;

    ctx = ngx_http_edge_record_get(r)->limit;

    if (ctx == NULL || !ctx->settles) {
        return;
    }

    ctx->settles = 0;

    units = used - ctx->tokens.taken;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "edge limit: %L tokens used, %L reserved", used,
                   ctx->tokens.taken);

    if (units == 0 || used < 0 || used > NGX_HTTP_EDGE_LIMIT_USED_MAX) {
        return;
    }

    if (ctx->tokens.charge->policy->zone->redis && !ctx->tokens.degraded) {
        ngx_http_edge_limit_script_settle(&ctx->tokens, units);
        return;
    }

    for (i = 0; i < ctx->tokens.n; i++) {
        ngx_edge_limit_local_settle(&ctx->tokens.cell[i],
                                    (int64_t) ngx_current_msec * 1000, units);
    }
}
