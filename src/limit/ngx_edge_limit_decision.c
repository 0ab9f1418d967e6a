
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reply of the script that takes is an array of integers: what it took,
 * 0 for nothing, and of each key how it was before, that is how far it was
 * ahead of the server's clock or how many slots were in use.  That of the
 * script for a lease: the units, how far the key is ahead then, and the clock.
 * Pure.
 */


#include "limit/ngx_edge_limit_decision.h"


/* A client's clock and ours do not tick as one: microseconds */
#define NGX_EDGE_LIMIT_MARGIN  20000
#define NGX_EDGE_LIMIT_SECOND  1000000

/* The script reckons with doubles: at most so many microseconds too much. */
#define NGX_EDGE_LIMIT_ROUND   4


static int64_t ngx_edge_limit_decision_integer(
    const ngx_edge_redis_reply_t *reply, ngx_uint_t i, int64_t max);
static ngx_uint_t ngx_edge_limit_decision_allowed(
    const ngx_edge_limit_cell_t *cell, int64_t state, int64_t taken);
static void ngx_edge_limit_decision_set(ngx_edge_limit_cell_t *cell,
    int64_t now, int64_t least, int64_t state, int64_t taken);


int64_t
ngx_edge_limit_decision_read(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now, int64_t least, int64_t most,
    const ngx_edge_redis_reply_t *reply)
{
    int64_t     taken, state;
    ngx_uint_t  i, at;

    at = 1;

    for (i = 0; i < n; i++) {
        at += !cell[i].held;
    }

    if (ngx_edge_redis_reply_count(reply) != at) {
        return NGX_ERROR;
    }

    taken = ngx_edge_limit_decision_integer(reply, 0, most);

    if (taken == NGX_ERROR || (taken && taken < least)) {
        return NGX_ERROR;
    }

    for (i = 0, at = 1; i < n; i++) {

        if (cell[i].held) {
            continue;
        }

        state = ngx_edge_limit_decision_integer(reply, at++,
                                                NGX_EDGE_GCRA_MAX);

        if (state == NGX_ERROR
            || !ngx_edge_limit_decision_allowed(&cell[i], state, taken))
        {
            return NGX_ERROR;
        }
    }

    for (i = 0, at = 1; i < n; i++) {

        if (cell[i].held) {
            continue;
        }

        state = ngx_edge_limit_decision_integer(reply, at++,
                                                NGX_EDGE_GCRA_MAX);
        ngx_edge_limit_decision_set(&cell[i], now, least, state, taken);
    }

    return taken;
}


ngx_int_t
ngx_edge_limit_decision_granted(const ngx_edge_gcra_t *gcra, int64_t units,
    const ngx_edge_redis_reply_t *reply, ngx_edge_limit_grant_t *grant)
{
    if (ngx_edge_redis_reply_count(reply) != 3) {
        return NGX_ERROR;
    }

    grant->units = ngx_edge_limit_decision_integer(reply, 0, units);
    grant->ahead = ngx_edge_limit_decision_integer(reply, 1,
                                                   NGX_EDGE_GCRA_MAX);
    grant->born = ngx_edge_limit_decision_integer(reply, 2, NGX_EDGE_GCRA_MAX);

    if (grant->units == NGX_ERROR || grant->ahead == NGX_ERROR
        || grant->born == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return (grant->units && grant->ahead > gcra->tau + NGX_EDGE_LIMIT_ROUND)
           ? NGX_ERROR : NGX_OK;
}


/* An element, if it is an integer from 0 to max; else NGX_ERROR. */

static int64_t
ngx_edge_limit_decision_integer(const ngx_edge_redis_reply_t *reply,
    ngx_uint_t i, int64_t max)
{
    int64_t                        n;
    const ngx_edge_redis_reply_t  *element;

    element = ngx_edge_redis_reply_element(reply, i);

    if (ngx_edge_redis_reply_type(element) != ngx_edge_redis_integer) {
        return NGX_ERROR;
    }

    n = ngx_edge_redis_reply_integer(element);

    return (n < 0 || n > max) ? NGX_ERROR : n;
}


static ngx_uint_t
ngx_edge_limit_decision_allowed(const ngx_edge_limit_cell_t *cell,
    int64_t state, int64_t taken)
{
    if (taken == 0) {
        return 1;
    }

    if (cell->gcra == NULL) {
        return state < cell->slots;
    }

    return ngx_edge_gcra_cost(cell->gcra, taken) - NGX_EDGE_LIMIT_ROUND
           <= cell->gcra->tau - state;
}


static void
ngx_edge_limit_decision_set(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t least, int64_t state, int64_t taken)
{
    if (cell->gcra == NULL) {
        cell->used = state + (taken > 0);
        cell->wait = (state < cell->slots) ? 0 : -1;
        return;
    }

    cell->tat = now + state;
    cell->wait = taken ? 0 : ngx_edge_gcra_wait(cell->gcra, cell->tat, now,
                                                least);
    cell->tat = ngx_edge_gcra_charge(cell->gcra, cell->tat, now, taken);
}


time_t
ngx_edge_limit_decision_retry(const ngx_edge_limit_cell_t *cell, ngx_uint_t n)
{
    int64_t     wait;
    ngx_uint_t  i;

    wait = 0;

    for (i = 0; i < n; i++) {

        if (cell[i].gcra && cell[i].wait < 0) {
            return 0;
        }

        wait = ngx_max(wait, cell[i].wait);
    }

    /* a slot is free when somebody has finished */

    return (wait == 0) ? 1 : (wait + NGX_EDGE_LIMIT_MARGIN
                              + NGX_EDGE_LIMIT_SECOND - 1)
                             / NGX_EDGE_LIMIT_SECOND;
}
