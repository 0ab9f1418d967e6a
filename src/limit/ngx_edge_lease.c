
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The arithmetic of a lease.
 *
 * A unit that is given back frees the time it was charged for, less the time
 * since its birth: that much may have flowed back already, to others.  Units
 * keep their age therefore, as of two grants at most: there is no third while
 * two have any left that the older of them does not speak for.
 */


#include "limit/ngx_edge_lease.h"


static int64_t ngx_edge_lease_oldest(const ngx_edge_lease_t *lease);
static int64_t ngx_edge_lease_need(ngx_edge_lease_t *lease, int64_t now);


void
ngx_edge_lease_init(ngx_edge_lease_t *lease, const ngx_edge_gcra_t *g,
    int64_t now)
{
    ngx_memzero(lease, sizeof(ngx_edge_lease_t));

    lease->window = g->window;
    lease->tau = g->tau;
    lease->since = now;
}


ngx_uint_t
ngx_edge_lease_fits(ngx_edge_lease_t *lease, const ngx_edge_gcra_t *g,
    int64_t now)
{
    if (lease->left && now >= lease->until + NGX_EDGE_LEASE_LIFE) {

        /* whoever was to give them back is dead */

        lease->left = 0;
        lease->old = 0;
    }

    if (lease->asked && now >= lease->asked + NGX_EDGE_LEASE_LOST) {
        lease->asked = 0;
        lease->want = 0;
    }

    if (lease->window == g->window && lease->tau == g->tau) {
        return 1;
    }

    if (lease->left || lease->asked) {
        return 0;
    }

    ngx_edge_lease_init(lease, g, now);

    return 1;
}


int64_t
ngx_edge_lease_wait(const ngx_edge_lease_t *lease, const ngx_edge_gcra_t *g,
    int64_t now)
{
    int64_t  wait;

    if (lease->left && now < lease->until) {
        return 0;
    }

    if (lease->told && now < lease->told + NGX_EDGE_LEASE_TOLD) {
        wait = ngx_edge_gcra_wait(g, lease->tat, now, 1);

        if (wait > 0) {
            return wait;
        }
    }

    return -1;
}


void
ngx_edge_lease_count(ngx_edge_lease_t *lease)
{
    lease->used++;
}


int64_t
ngx_edge_lease_take(ngx_edge_lease_t *lease)
{
    int64_t  born;

    born = ngx_edge_lease_oldest(lease);

    lease->left--;

    if (lease->old) {
        lease->old--;
    }

    return born;
}


int64_t
ngx_edge_lease_return(ngx_edge_lease_t *lease, int64_t born, int64_t now)
{
    int64_t  oldest;

    if (now >= lease->until || lease->left + lease->want >= lease->slice) {
        return 1;
    }

    oldest = ngx_edge_lease_oldest(lease);

    lease->old_born = ngx_min(born, oldest);
    lease->old++;
    lease->left++;

    return 0;
}


int64_t
ngx_edge_lease_renew(ngx_edge_lease_t *lease, int64_t most, int64_t now)
{
    int64_t  need, usable;

    usable = (now < lease->until) ? lease->left : 0;

    if (lease->asked || usable > lease->slice / 2) {
        return 0;
    }

    need = ngx_edge_lease_need(lease, now);
    lease->slice = ngx_min(need, most);

    if (lease->slice <= lease->left) {
        return 0;
    }

    lease->asked = now;
    lease->want = lease->slice - lease->left;

    return lease->want;
}


/* A period's use; while the first is not over, at least half of what was used
 * in it: so a slice grows fast, and one request alone takes none. */

static int64_t
ngx_edge_lease_need(ngx_edge_lease_t *lease, int64_t now)
{
    int64_t  time, need;

    time = now - lease->since;

    if (time < NGX_EDGE_LEASE_PERIOD) {
        return ngx_max(lease->slice, lease->used / 2);
    }

    need = lease->used * NGX_EDGE_LEASE_PERIOD / time;

    lease->since = now;
    lease->used = 0;

    return need;
}


int64_t
ngx_edge_lease_grant(ngx_edge_lease_t *lease, int64_t asked, int64_t units,
    int64_t born, int64_t tat, int64_t now)
{
    if (asked != lease->asked) {
        return units;
    }

    lease->asked = 0;
    lease->want = 0;

    ngx_edge_lease_told(lease, tat, now);

    if (units == 0) {
        return 0;
    }

    /* what is too old and was not given back yet is here again */

    if (lease->left) {
        lease->old_born = ngx_edge_lease_oldest(lease);
        lease->old = lease->left;
    }

    lease->left += units;
    lease->born = born;
    lease->until = asked + NGX_EDGE_LEASE_LIFE;

    return 0;
}


void
ngx_edge_lease_failed(ngx_edge_lease_t *lease, int64_t asked)
{
    if (asked == lease->asked) {
        lease->asked = 0;
        lease->want = 0;
    }
}


void
ngx_edge_lease_told(ngx_edge_lease_t *lease, int64_t tat, int64_t now)
{
    lease->tat = tat;
    lease->told = now;
}


int64_t
ngx_edge_lease_tat(const ngx_edge_lease_t *lease, int64_t now)
{
    int64_t  tat;

    tat = lease->told ? lease->tat - lease->left * lease->window : now;

    return ngx_max(tat, now);
}


int64_t
ngx_edge_lease_expire(ngx_edge_lease_t *lease, int64_t now, int64_t *born)
{
    int64_t  left;

    left = lease->left;

    if (left == 0 || now < lease->until) {
        return 0;
    }

    *born = ngx_edge_lease_oldest(lease);

    lease->tat -= left * lease->window;
    lease->left = 0;
    lease->old = 0;

    return left;
}


static int64_t
ngx_edge_lease_oldest(const ngx_edge_lease_t *lease)
{
    return lease->old ? lease->old_born : lease->born;
}
