
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits in shared memory: what the workers of one nginx know together.
 *
 * A cell is one key under one policy.  For a rate its value is the time tat
 * of ngx_edge_gcra.h; for concurrent requests it is the sorted list of the
 * seconds at which each slot in use lapses by itself.  A slot has no name: of
 * two that lapse at the same second it does not matter whose is given back.
 * Its holder renews it long before, so that only a worker that died leaves
 * its slots, and not for longer than NGX_EDGE_LIMIT_LEASE.
 *
 * All times are those of the clock that does not jump (ngx_current_msec).
 * Functions lock the zones of the cells they are given and log nothing.
 */


#ifndef _NGX_EDGE_LIMIT_LOCAL_H_INCLUDED_
#define _NGX_EDGE_LIMIT_LOCAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_shm.h"
#include "limit/ngx_edge_gcra.h"
#include "limit/ngx_edge_limit_key.h"


#define NGX_EDGE_LIMIT_LEASE  60       /* seconds that a slot is held */
#define NGX_EDGE_LIMIT_RENEW  20       /* seconds between its renewals */
#define NGX_EDGE_LIMIT_SLOTS  10000    /* the most that a key may have */


/* In the zone. */
typedef struct {
    ngx_edge_shm_t          *table;
    ngx_slab_pool_t         *pool;
    uint64_t                 seed[NGX_EDGE_LIMIT_SEED];
    ngx_atomic_t             lost;     /* the shared counts, by any worker */
    ngx_atomic_t             lost_at;  /* the last time, in milliseconds */
    ngx_atomic_t             losses;   /* since the zone was made */
} ngx_edge_limit_local_t;


typedef struct {
    ngx_edge_limit_local_t  *local;
    const ngx_edge_gcra_t   *gcra;     /* NULL: slots */
    int64_t                  slots;    /* that there are in all */

    int64_t                  tat;      /* after the take, or as it is */
    int64_t                  wait;     /* 0: it passed; else how long until
                                          it would, negative: not by waiting */
    ngx_uint_t               used;     /* slots, with ours if it passed */
    uint32_t                 slot;     /* ours lapses then; 0: we have none */

    /* of ngx_edge_limit_lease.h */
    int64_t                  want;
    int64_t                  born;     /* of the unit that is held */
    ngx_uint_t               replicas; /* instances that have leases */
    unsigned                 leased:1; /* there is a lease of it */
    unsigned                 held:1;   /* a unit of it is taken */
    unsigned                 other:1;  /* it is for another rate now */

    ngx_edge_shm_entry_t    *entry;    /* under the lock only */
    u_char                   key[NGX_EDGE_SHM_KEY];
} ngx_edge_limit_cell_t;


/* Makes the table in an empty zone; NULL: the zone is too small. */
ngx_edge_limit_local_t *ngx_edge_limit_local_create(ngx_slab_pool_t *pool,
    size_t size);

/*
 * Takes the same number of units of each rate and a slot of each cell of
 * slots, or nothing at all if one of them does not have it: most units if
 * they are there, else as many as there are, if that is at least least.
 * Cells of one zone must be neighbours, and zones always come in the same
 * order.  now is in microseconds.  Gives the units taken (least where there
 * are slots only); 0: refused, wait says by which; NGX_ERROR: a zone has no
 * room even after evictions, a part may be taken.
 */
int64_t ngx_edge_limit_local_take(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now, int64_t least, int64_t most);

/* Corrects what was taken: more units were used, or (negative) fewer. */
void ngx_edge_limit_local_settle(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t units);

/* Gives a slot back, or holds it for another lease; harmless without. */
void ngx_edge_limit_local_release(ngx_edge_limit_cell_t *cell);
void ngx_edge_limit_local_renew(ngx_edge_limit_cell_t *cell, int64_t now);

/* Each zone of the cells once. */
void ngx_edge_limit_local_lock(ngx_edge_limit_cell_t *cell, ngx_uint_t n);
void ngx_edge_limit_local_unlock(ngx_edge_limit_cell_t *cell, ngx_uint_t n);


#endif /* _NGX_EDGE_LIMIT_LOCAL_H_INCLUDED_ */
