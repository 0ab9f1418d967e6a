
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How leases get their slices: by commands of the worker, which no request
 * waits for.  The request that finds a slice low sends one and goes on; one
 * that finds none asks Redis for itself, as in mode=exact, besides.
 *
 *   asked -> granted, waits -> its time is over: what is left, if nobody has
 *                              renewed the slice, is given back
 *         -> nothing, lost, refused: freed
 *
 * A worker that ends leaves its slices to the others; what they do not use is
 * not given back then.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "limit/ngx_edge_limit_decision.h"
#include "limit/ngx_edge_limit_lease.h"
#include "limit/ngx_http_edge_limit_script.h"


/* One renewal, of ngx_alloc. */
typedef struct {
    ngx_queue_t                        queue;
    ngx_edge_redis_cmd_t               cmd;
    ngx_event_t                        expire;
    const ngx_http_edge_limit_zone_t  *zone;
    ngx_edge_limit_cell_t              cell;   /* with this gcra */
    ngx_edge_gcra_t                    gcra;
    int64_t                            asked;
    ngx_str_t                          key;    /* behind it */
} ngx_http_edge_limit_renewal_t;


static void ngx_http_edge_limit_lease_renew(
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i);
static ngx_int_t ngx_http_edge_limit_lease_send(
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i);
static void ngx_http_edge_limit_lease_granted(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_edge_limit_lease_expire(ngx_event_t *ev);
static void ngx_http_edge_limit_lease_free(
    ngx_http_edge_limit_renewal_t *renewal);


/* Of a worker: ngx_http_edge_limit_renewal_t.queue */

static ngx_queue_t  ngx_http_edge_limit_renewals;


ngx_int_t
ngx_http_edge_limit_lease_init(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_http_edge_limit_renewals);

    return NGX_OK;
}


void
ngx_http_edge_limit_lease_exit(ngx_cycle_t *cycle)
{
    ngx_queue_t  *q, *next;

    for (q = ngx_queue_head(&ngx_http_edge_limit_renewals);
         q != ngx_queue_sentinel(&ngx_http_edge_limit_renewals);
         q = next)
    {
        next = ngx_queue_next(q);
        ngx_http_edge_limit_lease_free(
            ngx_queue_data(q, ngx_http_edge_limit_renewal_t, queue));
    }
}


ngx_int_t
ngx_http_edge_limit_lease_take(ngx_http_edge_limit_take_t *take)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < take->n && !take->cell[i].leased; i++) {
        /* void */
    }

    if (i == take->n) {
        return NGX_AGAIN;
    }

    rc = ngx_edge_limit_lease_take(take->cell, take->n, take->now);

    for (i = 0; i < take->n; i++) {

        if (take->cell[i].want) {
            ngx_http_edge_limit_lease_renew(take, i);
        }
    }

    take->taken = (rc == NGX_OK);

    return rc;
}


void
ngx_http_edge_limit_lease_done(ngx_http_edge_limit_take_t *take, ngx_int_t rc)
{
    ngx_uint_t                     i;
    ngx_edge_limit_cell_t         *cell;
    ngx_http_edge_limit_charge_t  *charge;

    for (i = 0; i < take->n && !take->cell[i].leased; i++) {
        /* void */
    }

    if (i == take->n) {
        return;
    }

    ngx_edge_limit_lease_done(take->cell, take->n,
                              (int64_t) ngx_current_msec * 1000, rc);

    for (i = 0; i < take->n; i++) {
        cell = &take->cell[i];
        charge = &take->charge[i];

        if (cell->want) {
            ngx_http_edge_limit_script_back(charge->policy->zone->redis,
                                            &charge->key, cell->gcra, 1,
                                            cell->born);
        }
    }
}


static void
ngx_http_edge_limit_lease_renew(const ngx_http_edge_limit_take_t *take,
    ngx_uint_t i)
{
    if (ngx_http_edge_limit_lease_send(take, i) != NGX_OK) {

        /* so that another worker may ask */

        ngx_edge_limit_lease_failed(&take->cell[i], take->now);
    }
}


static ngx_int_t
ngx_http_edge_limit_lease_send(const ngx_http_edge_limit_take_t *take,
    ngx_uint_t i)
{
    const ngx_str_t                   *key;
    const ngx_http_edge_limit_zone_t  *zone;
    ngx_http_edge_limit_renewal_t     *renewal;

    key = &take->charge[i].key;
    zone = take->charge[i].policy->zone;

    if (!ngx_edge_redis_ready(zone->redis)) {
        return NGX_DECLINED;
    }

    renewal = ngx_calloc(sizeof(ngx_http_edge_limit_renewal_t) + key->len,
                         ngx_cycle->log);
    if (renewal == NULL) {
        return NGX_ERROR;
    }

    renewal->zone = zone;
    renewal->cell = take->cell[i];
    renewal->gcra = *take->cell[i].gcra;
    renewal->cell.gcra = &renewal->gcra;
    renewal->asked = take->now;

    renewal->key.len = key->len;
    renewal->key.data = (u_char *) &renewal[1];
    ngx_memcpy(renewal->key.data, key->data, key->len);

    renewal->cmd.done = ngx_http_edge_limit_lease_granted;
    renewal->cmd.data = renewal;

    renewal->expire.handler = ngx_http_edge_limit_lease_expire;
    renewal->expire.data = renewal;
    renewal->expire.log = ngx_cycle->log;
    renewal->expire.cancelable = 1;

    ngx_queue_insert_tail(&ngx_http_edge_limit_renewals, &renewal->queue);

    if (ngx_http_edge_limit_script_lease(zone->redis, &renewal->cmd,
                                         &renewal->key, &renewal->gcra,
                                         renewal->cell.want)
        != NGX_OK)
    {
        ngx_http_edge_limit_lease_free(renewal);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_edge_limit_lease_granted(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    int64_t                         now, back;
    ngx_edge_limit_grant_t          grant;
    ngx_http_edge_limit_renewal_t  *renewal;

    renewal = cmd->data;
    now = (int64_t) ngx_current_msec * 1000;

    ngx_http_edge_limit_said(renewal->zone, reply, ngx_cycle->log);

    if (ngx_edge_limit_decision_granted(&renewal->gcra, renewal->cell.want,
                                        reply, &grant)
        != NGX_OK)
    {
        ngx_edge_limit_lease_failed(&renewal->cell, renewal->asked);
        ngx_http_edge_limit_transition(renewal->zone, 1, ngx_cycle->log);
        ngx_http_edge_limit_lease_free(renewal);
        return;
    }

    ngx_http_edge_limit_transition(renewal->zone, 0, ngx_cycle->log);

    back = ngx_edge_limit_lease_grant(&renewal->cell, renewal->asked,
                                      grant.units, grant.born,
                                      now + grant.ahead, now);

    if (back) {
        ngx_http_edge_limit_script_back(renewal->zone->redis, &renewal->key,
                                        &renewal->gcra, back, grant.born);
    }

    if (grant.units == back) {
        ngx_http_edge_limit_lease_free(renewal);
        return;
    }

    ngx_add_timer(&renewal->expire, NGX_EDGE_LEASE_LIFE / 1000);
}


static void
ngx_http_edge_limit_lease_expire(ngx_event_t *ev)
{
    int64_t                         units, born;
    ngx_http_edge_limit_renewal_t  *renewal;

    renewal = ev->data;

    units = ngx_edge_limit_lease_expire(&renewal->cell,
                                        (int64_t) ngx_current_msec * 1000,
                                        &born);

    if (units) {
        ngx_http_edge_limit_script_back(renewal->zone->redis, &renewal->key,
                                        &renewal->gcra, units, born);
    }

    ngx_http_edge_limit_lease_free(renewal);
}


static void
ngx_http_edge_limit_lease_free(ngx_http_edge_limit_renewal_t *renewal)
{
    if (renewal->expire.timer_set) {
        ngx_del_timer(&renewal->expire);
    }

    ngx_edge_redis_cancel(&renewal->cmd);
    ngx_queue_remove(&renewal->queue);
    ngx_free(renewal);
}
