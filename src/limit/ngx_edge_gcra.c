
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The generic cell rate algorithm on integers that cannot overflow.
 */


#include "limit/ngx_edge_gcra.h"


#define NGX_EDGE_INT64_MAX  ((int64_t) 0x7fffffffffffffffLL)


static int64_t ngx_edge_gcra_scale(int64_t n, int64_t mul, int64_t div,
    ngx_uint_t up);
static int64_t ngx_edge_gcra_units(const ngx_edge_gcra_t *g, int64_t time);


void
ngx_edge_gcra_init(ngx_edge_gcra_t *g, const ngx_edge_rate_t *rate,
    int64_t burst)
{
    if (rate->unit == 'r') {

        /* requests come one by one: each takes the same whole time, so that
         * a burst of them fits to the last */

        g->limit = 1;
        g->window = ngx_edge_gcra_scale(1, rate->window, rate->limit, 1);

    } else {
        g->limit = rate->limit;
        g->window = rate->window;
    }

    /* a cost that met the end of the scale must not pass */

    g->tau = ngx_min(ngx_edge_gcra_cost(g, burst ? burst : rate->limit),
                     NGX_EDGE_GCRA_MAX - 1);
}


int64_t
ngx_edge_gcra_cost(const ngx_edge_gcra_t *g, int64_t n)
{
    return ngx_edge_gcra_scale(n, g->window, g->limit, 1);
}


int64_t
ngx_edge_gcra_wait(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    int64_t n)
{
    int64_t  cost, wait;

    cost = ngx_edge_gcra_cost(g, n);

    if (cost > g->tau) {
        return -1;
    }

    wait = ngx_max(tat, now) - now + cost - g->tau;

    return ngx_max(wait, 0);
}


int64_t
ngx_edge_gcra_charge(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    int64_t n)
{
    tat = ngx_max(tat, now) + ngx_edge_gcra_cost(g, n);

    return ngx_min(tat, now + NGX_EDGE_GCRA_MAX);
}


int64_t
ngx_edge_gcra_refund(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    int64_t n)
{
    tat -= ngx_edge_gcra_cost(g, n);

    return ngx_max(tat, now);
}


void
ngx_edge_gcra_view(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    ngx_edge_gcra_view_t *view)
{
    int64_t  left, next;

    view->reset = ngx_max(tat, now) - now;
    left = g->tau - view->reset;

    view->remaining = (left > 0) ? ngx_edge_gcra_units(g, left) : 0;

    next = ngx_edge_gcra_cost(g, view->remaining + 1);

    /* where doubles meet a whole number: all that would pass is told */

    while (next <= left) {
        view->remaining++;
        next = ngx_edge_gcra_cost(g, view->remaining + 1);
    }

    /* one more than the whole allowance there never is */

    view->more = (next > g->tau) ? view->reset : next - left;
}


/* The units that flow back in a time that is not longer than tau. */

static int64_t
ngx_edge_gcra_units(const ngx_edge_gcra_t *g, int64_t time)
{
    int64_t  n;

    n = ngx_edge_gcra_scale(time, g->limit, g->window, 0);

    /* the way back must not promise what would not pass */

    while (n > 0 && ngx_edge_gcra_cost(g, n) > time) {
        n--;
    }

    return n;
}


/* n * mul / div, rounded up or down, at most NGX_EDGE_GCRA_MAX.  Over what an
 * integer holds, a double is right to far less than one. */

static int64_t
ngx_edge_gcra_scale(int64_t n, int64_t mul, int64_t div, ngx_uint_t up)
{
    double   d;
    int64_t  whole, part, rest;

    if (n == 1 && div == 1) {
        return mul;                    /* one request */
    }

    whole = n / div;
    rest = n % div;

    if (whole >= NGX_EDGE_GCRA_MAX / mul) {
        return NGX_EDGE_GCRA_MAX;
    }

    if (rest <= (NGX_EDGE_INT64_MAX - div) / mul) {
        part = (rest * mul + (up ? div - 1 : 0)) / div;

    } else {
        d = (double) rest * (double) mul / (double) div;
        part = (int64_t) d;
        part += (up && (double) part < d);
    }

    return ngx_min(whole * mul + part, NGX_EDGE_GCRA_MAX);
}
