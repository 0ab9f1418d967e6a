
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Leases in shared memory.
 */


#include "limit/ngx_edge_limit_lease.h"


#define NGX_EDGE_LIMIT_SECOND  1000000
#define NGX_EDGE_LIMIT_IDLE    10      /* seconds that an entry is kept */


static ngx_edge_lease_t *ngx_edge_limit_lease_find(
    ngx_edge_limit_cell_t *cell, int64_t now);
static void ngx_edge_limit_lease_place(const ngx_edge_limit_cell_t *cell,
    u_char key[NGX_EDGE_SHM_KEY]);
static int64_t ngx_edge_limit_lease_look(ngx_edge_limit_cell_t *cell,
    int64_t now);
static void ngx_edge_limit_lease_use(ngx_edge_limit_cell_t *cell, int64_t now,
    ngx_uint_t renew);
static void ngx_edge_limit_lease_put(ngx_edge_limit_cell_t *cell,
    int64_t now);
static int64_t ngx_edge_limit_lease_most(const ngx_edge_limit_cell_t *cell);


ngx_int_t
ngx_edge_limit_lease_take(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now)
{
    int64_t     wait;
    ngx_uint_t  i, asks, dry, refused;

    asks = 0;
    dry = 0;
    refused = 0;

    ngx_edge_limit_local_lock(cell, n);

    for (i = 0; i < n; i++) {
        wait = ngx_edge_limit_lease_look(&cell[i], now);

        asks |= !cell[i].leased;
        dry |= (wait < 0);
        refused |= (wait > 0);
    }

    /* who asks Redis for others asks it about these too */

    if (refused && !asks) {
        ngx_edge_limit_local_unlock(cell, n);
        return NGX_DECLINED;
    }

    dry |= refused;

    /* those that are there first: a new one may evict what was found */

    for (i = 0; i < n; i++) {
        cell[i].wait = 0;

        if (cell[i].entry) {
            ngx_edge_limit_lease_use(&cell[i], now, !dry || !cell[i].held);
        }
    }

    for (i = 0; i < n; i++) {
        if (cell[i].leased && cell[i].entry == NULL && !cell[i].other) {
            ngx_edge_limit_lease_put(&cell[i], now);
        }
    }

    ngx_edge_limit_local_unlock(cell, n);

    return dry ? NGX_AGAIN : NGX_OK;
}


/* Gives what ngx_edge_lease_wait() does. */

static int64_t
ngx_edge_limit_lease_look(ngx_edge_limit_cell_t *cell, int64_t now)
{
    int64_t            wait;
    ngx_edge_lease_t  *lease;

    cell->entry = NULL;
    cell->want = 0;
    cell->wait = 0;
    cell->held = 0;
    cell->other = 0;
    cell->tat = now;

    if (!cell->leased) {
        return -1;
    }

    lease = ngx_edge_limit_lease_find(cell, now);

    if (lease == NULL) {
        return -1;
    }

    if (!ngx_edge_lease_fits(lease, cell->gcra, now)) {
        cell->entry = NULL;
        cell->other = 1;
        return -1;
    }

    wait = ngx_edge_lease_wait(lease, cell->gcra, now);

    cell->held = (wait == 0);
    cell->wait = ngx_max(wait, 0);
    cell->tat = ngx_edge_lease_tat(lease, now);

    return wait;
}


static void
ngx_edge_limit_lease_use(ngx_edge_limit_cell_t *cell, int64_t now,
    ngx_uint_t renew)
{
    ngx_edge_lease_t  *lease;

    lease = (ngx_edge_lease_t *) cell->entry->value;

    ngx_edge_lease_count(lease);

    if (cell->held) {
        cell->born = ngx_edge_lease_take(lease);
        cell->tat = ngx_edge_lease_tat(lease, now);
    }

    if (renew) {
        cell->want = ngx_edge_lease_renew(lease,
                                          ngx_edge_limit_lease_most(cell),
                                          now);
    }

    cell->entry->expires = now / NGX_EDGE_LIMIT_SECOND + NGX_EDGE_LIMIT_IDLE;
}


/* Where there is no room, every request asks. */

static void
ngx_edge_limit_lease_put(ngx_edge_limit_cell_t *cell, int64_t now)
{
    u_char            key[NGX_EDGE_SHM_KEY];
    ngx_edge_lease_t  lease;

    ngx_edge_limit_lease_place(cell, key);

    ngx_edge_lease_init(&lease, cell->gcra, now);
    ngx_edge_lease_count(&lease);

    (void) ngx_edge_shm_put(cell->local->table, cell->local->pool, key,
                            (u_char *) &lease, sizeof(ngx_edge_lease_t),
                            now / NGX_EDGE_LIMIT_SECOND + NGX_EDGE_LIMIT_IDLE,
                            now / NGX_EDGE_LIMIT_SECOND);
}


void
ngx_edge_limit_lease_done(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now, ngx_int_t rc)
{
    ngx_uint_t         i;
    ngx_edge_lease_t  *lease;

    ngx_edge_limit_local_lock(cell, n);

    for (i = 0; i < n; i++) {
        cell[i].want = 0;

        if (!cell[i].leased || (cell[i].held && rc == NGX_OK)) {
            continue;
        }

        lease = ngx_edge_limit_lease_find(&cell[i], now);

        if (lease && !ngx_edge_lease_fits(lease, cell[i].gcra, now)) {
            lease = NULL;
        }

        if (cell[i].held) {
            cell[i].held = 0;
            cell[i].want = lease ? ngx_edge_lease_return(lease, cell[i].born,
                                                         now)
                                 : 1;

            if (lease) {
                cell[i].tat = ngx_edge_lease_tat(lease, now);
            }

        } else if (lease && rc != NGX_ERROR) {
            ngx_edge_lease_told(lease, cell[i].tat, now);
            cell[i].tat = ngx_edge_lease_tat(lease, now);
        }
    }

    ngx_edge_limit_local_unlock(cell, n);
}


int64_t
ngx_edge_limit_lease_grant(ngx_edge_limit_cell_t *cell, int64_t asked,
    int64_t units, int64_t born, int64_t tat, int64_t now)
{
    int64_t            back;
    ngx_edge_lease_t  *lease;

    ngx_edge_limit_local_lock(cell, 1);

    lease = ngx_edge_limit_lease_find(cell, now);

    back = lease ? ngx_edge_lease_grant(lease, asked, units, born, tat, now)
                 : units;

    ngx_edge_limit_local_unlock(cell, 1);

    return back;
}


void
ngx_edge_limit_lease_failed(ngx_edge_limit_cell_t *cell, int64_t asked)
{
    ngx_edge_lease_t  *lease;

    ngx_edge_limit_local_lock(cell, 1);

    lease = ngx_edge_limit_lease_find(cell, asked);

    if (lease) {
        ngx_edge_lease_failed(lease, asked);
    }

    ngx_edge_limit_local_unlock(cell, 1);
}


int64_t
ngx_edge_limit_lease_expire(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t *born)
{
    int64_t            units;
    ngx_edge_lease_t  *lease;

    ngx_edge_limit_local_lock(cell, 1);

    lease = ngx_edge_limit_lease_find(cell, now);
    units = lease ? ngx_edge_lease_expire(lease, now, born) : 0;

    ngx_edge_limit_local_unlock(cell, 1);

    return units;
}


static ngx_edge_lease_t *
ngx_edge_limit_lease_find(ngx_edge_limit_cell_t *cell, int64_t now)
{
    u_char  key[NGX_EDGE_SHM_KEY];

    ngx_edge_limit_lease_place(cell, key);

    cell->entry = ngx_edge_shm_find(cell->local->table, cell->local->pool,
                                    key, now / NGX_EDGE_LIMIT_SECOND);

    return cell->entry ? (ngx_edge_lease_t *) cell->entry->value : NULL;
}


/* Beside the cell itself: the end of its key is not used. */

static void
ngx_edge_limit_lease_place(const ngx_edge_limit_cell_t *cell,
    u_char key[NGX_EDGE_SHM_KEY])
{
    ngx_memcpy(key, cell->key, NGX_EDGE_SHM_KEY);
    key[NGX_EDGE_SHM_KEY - 1] = 1;
}


static int64_t
ngx_edge_limit_lease_most(const ngx_edge_limit_cell_t *cell)
{
    return cell->gcra->tau / cell->gcra->window
           / (NGX_EDGE_LIMIT_PART * (int64_t) cell->replicas);
}
