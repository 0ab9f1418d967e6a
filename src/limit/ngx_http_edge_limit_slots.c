
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The slots that a worker's requests hold: given back when the request is
 * freed, and renewed together while they run, however long that is.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_script.h"


/* Of a worker. */
typedef struct {
    ngx_queue_t   requests;    /* ngx_http_edge_limit_ctx_t.held */
    ngx_event_t   renew;       /* set while there are any */
} ngx_http_edge_limit_slots_t;


static void ngx_http_edge_limit_release(void *data);
static void ngx_http_edge_limit_renew(ngx_event_t *ev);


static ngx_http_edge_limit_slots_t  ngx_http_edge_limit_slots;


ngx_int_t
ngx_http_edge_limit_slots_init(ngx_cycle_t *cycle)
{
    ngx_http_edge_limit_slots_t  *slots;

    slots = &ngx_http_edge_limit_slots;

    ngx_memzero(slots, sizeof(ngx_http_edge_limit_slots_t));
    ngx_queue_init(&slots->requests);

    slots->renew.handler = ngx_http_edge_limit_renew;
    slots->renew.data = slots;
    slots->renew.log = cycle->log;
    slots->renew.cancelable = 1;       /* the requests have timers */

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_limit_hold(ngx_http_request_t *r, ngx_http_edge_limit_ctx_t *ctx)
{
    ngx_uint_t           i;
    ngx_pool_cleanup_t  *cln;

    for (i = 0; i < ctx->n && ctx->cell[i].gcra; i++) {
        /* void */
    }

    if (i == ctx->n && ctx->charge->policy->zone->redis == NULL) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->main->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_edge_limit_release;
    cln->data = ctx;

    if (i == ctx->n) {
        return NGX_OK;
    }

    ngx_queue_insert_tail(&ngx_http_edge_limit_slots.requests, &ctx->held);
    ctx->holds = 1;

    if (!ngx_http_edge_limit_slots.renew.timer_set) {
        ngx_add_timer(&ngx_http_edge_limit_slots.renew,
                      NGX_EDGE_LIMIT_RENEW * 1000);
    }

    return NGX_OK;
}


static void
ngx_http_edge_limit_release(void *data)
{
    ngx_http_edge_limit_ctx_t *ctx = data;

    ngx_uint_t  i;

    ngx_http_edge_limit_take_cancel(&ctx->take);
    ngx_http_edge_limit_take_leave(&ctx->tokens);

    if (!ctx->holds) {
        return;
    }

    ngx_queue_remove(&ctx->held);

    for (i = 0; i < ctx->n; i++) {
        ngx_edge_limit_local_release(&ctx->cell[i]);

        if (ctx->charge[i].held) {
            ngx_http_edge_limit_script_release(&ctx->charge[i]);
        }
    }
}


static void
ngx_http_edge_limit_renew(ngx_event_t *ev)
{
    ngx_uint_t                    i;
    ngx_queue_t                  *q;
    ngx_http_edge_limit_ctx_t    *ctx;
    ngx_http_edge_limit_slots_t  *slots;

    slots = ev->data;

    for (q = ngx_queue_head(&slots->requests);
         q != ngx_queue_sentinel(&slots->requests);
         q = ngx_queue_next(q))
    {
        ctx = ngx_queue_data(q, ngx_http_edge_limit_ctx_t, held);

        for (i = 0; i < ctx->n; i++) {
            ngx_edge_limit_local_renew(&ctx->cell[i],
                                       (int64_t) ngx_current_msec * 1000);

            if (ctx->charge[i].held) {
                ngx_http_edge_limit_script_renew(&ctx->charge[i]);
            }
        }
    }

    if (!ngx_queue_empty(&slots->requests)) {
        ngx_add_timer(ev, NGX_EDGE_LIMIT_RENEW * 1000);
    }
}
