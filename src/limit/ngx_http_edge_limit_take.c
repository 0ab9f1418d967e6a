
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Taking units of several limits at once, wherever they are counted: in
 * shared memory, where the answer is there at once, or in Redis.  Of a limit
 * with a lease a unit is held first, if one is here, and goes back to the
 * lease when Redis refuses another limit, or is not there.
 *
 *   Redis says        the request
 *   taken, refused    passes, or not
 *   nothing in time,  on_error=local: as shared memory says, where each
 *   an error, or is   instance has its share; open: passes; closed: does not
 *   not to be had
 *
 * A loss and the return are told in the log once for all workers.  What each
 * of them sees differs for a while, so it is back when none has missed it for
 * a second.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_script.h"


#define NGX_HTTP_EDGE_LIMIT_QUIET  1000    /* ms without a loss */


static void ngx_http_edge_limit_take_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_limit_take_local(
    ngx_http_edge_limit_take_t *take);
static ngx_int_t ngx_http_edge_limit_take_without(
    ngx_http_edge_limit_take_t *take);
static void ngx_http_edge_limit_share(ngx_http_edge_limit_charge_t *charge,
    ngx_edge_limit_cell_t *cell);


ngx_int_t
ngx_http_edge_limit_take(ngx_http_edge_limit_take_t *take)
{
    ngx_int_t  rc;

    take->now = (int64_t) ngx_current_msec * 1000;

    if (take->charge->policy->zone->redis == NULL) {
        return ngx_http_edge_limit_take_local(take);
    }

    rc = ngx_http_edge_limit_lease_take(take);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    take->cmd.done = ngx_http_edge_limit_take_done;
    take->cmd.data = take;

    rc = ngx_http_edge_limit_script_take(take);

    if (rc == NGX_OK) {
        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR) {
        ngx_http_edge_limit_lease_done(take, NGX_ERROR);
        return NGX_ERROR;
    }

    return ngx_http_edge_limit_take_without(take);
}


void
ngx_http_edge_limit_take_cancel(ngx_http_edge_limit_take_t *take)
{
    if (take->cmd.pending) {
        ngx_edge_redis_cancel(&take->cmd);
        ngx_http_edge_limit_lease_done(take, NGX_ERROR);
    }
}


static void
ngx_http_edge_limit_take_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_log_t                         *log;
    ngx_int_t                          rc;
    ngx_http_edge_limit_take_t        *take;
    const ngx_http_edge_limit_zone_t  *zone;

    take = cmd->data;

    zone = take->charge->policy->zone;
    log = take->request->connection->log;

    ngx_http_set_log_request(log, take->request);

    take->now = (int64_t) ngx_current_msec * 1000;

    ngx_http_edge_limit_said(zone, reply, log);

    rc = ngx_http_edge_limit_script_read(take, reply);

    if (rc == NGX_ERROR) {
        rc = ngx_http_edge_limit_take_without(take);

    } else {
        ngx_http_edge_limit_lease_done(take, rc);
        ngx_http_edge_limit_transition(zone, 0, log);
    }

    take->done(take, rc);
}


static ngx_int_t
ngx_http_edge_limit_take_local(ngx_http_edge_limit_take_t *take)
{
    take->taken = ngx_edge_limit_local_take(take->cell, take->n, take->now,
                                            take->least, take->most);

    if (take->taken == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, take->request->connection->log, 0,
                      "edge limit: no room in zone \"%V\"",
                      &take->charge->policy->zone->name);
        return NGX_ERROR;
    }

    return take->taken ? NGX_OK : NGX_DECLINED;
}


/* Redis is not there; all limits of a location agree on what that means. */

static ngx_int_t
ngx_http_edge_limit_take_without(ngx_http_edge_limit_take_t *take)
{
    ngx_uint_t                         i;
    const ngx_http_edge_limit_zone_t  *zone;

    zone = take->charge->policy->zone;
    take->degraded = 1;

    ngx_http_edge_limit_transition(zone, 1, take->request->connection->log);
    ngx_http_edge_limit_lease_done(take, NGX_ERROR);

    if (zone->on_error == NGX_HTTP_EDGE_LIMIT_CLOSED) {
        return NGX_ABORT;
    }

    if (zone->on_error == NGX_HTTP_EDGE_LIMIT_OPEN) {
        take->n = 0;                   /* nothing is known of any of them */
        take->taken = take->most;
        return NGX_OK;
    }

    for (i = 0; i < take->n; i++) {
        ngx_http_edge_limit_share(&take->charge[i], &take->cell[i]);
    }

    return ngx_http_edge_limit_take_local(take);
}


/* What is this instance's, if all have the same: one at the least. */

static void
ngx_http_edge_limit_share(ngx_http_edge_limit_charge_t *charge,
    ngx_edge_limit_cell_t *cell)
{
    ngx_uint_t        replicas;
    ngx_edge_gcra_t  *own;

    replicas = charge->policy->zone->replicas;

    if (cell->gcra == NULL) {
        cell->slots = ngx_max(cell->slots / (int64_t) replicas, 1);
        return;
    }

    own = &charge->own_gcra;
    *own = *cell->gcra;
    own->window *= replicas;
    own->tau = ngx_max(own->tau, ngx_edge_gcra_cost(own, 1));

    cell->gcra = own;
}


void
ngx_http_edge_limit_said(const ngx_http_edge_limit_zone_t *zone,
    const ngx_edge_redis_reply_t *reply, ngx_log_t *log)
{
    ngx_str_t  text;

    if (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_error
        && !zone->local->lost)
    {
        ngx_edge_redis_reply_str(reply, &text);
        ngx_log_error(NGX_LOG_ERR, log, 0, "edge limit: redis says \"%V\"",
                      &text);
    }
}


void
ngx_http_edge_limit_transition(const ngx_http_edge_limit_zone_t *zone,
    ngx_uint_t lost, ngx_log_t *log)
{
    const char              *what;
    ngx_edge_limit_local_t  *local;

    local = zone->local;

    if (lost) {
        local->lost_at = ngx_current_msec;

    } else if (local->lost
               && (ngx_msec_int_t) (ngx_current_msec - local->lost_at)
                  < NGX_HTTP_EDGE_LIMIT_QUIET)
    {
        return;
    }

    if (local->lost == lost || !ngx_atomic_cmp_set(&local->lost, !lost, lost))
    {
        return;
    }

    if (!lost) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "edge limit: zone \"%V\" counts in redis again, "
                      "lost %uA times so far", &zone->name, local->losses);
        return;
    }

    (void) ngx_atomic_fetch_add(&local->losses, 1);

    what = (zone->on_error == NGX_HTTP_EDGE_LIMIT_CLOSED) ? "closed"
           : (zone->on_error == NGX_HTTP_EDGE_LIMIT_OPEN) ? "open" : "local";

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "edge limit: zone \"%V\" is without redis, on_error=%s",
                  &zone->name, what);
}
