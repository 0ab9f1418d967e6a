
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits in shared memory.
 */


#include "lib/ngx_edge_random.h"
#include "limit/ngx_edge_limit_local.h"


#define NGX_EDGE_LIMIT_ENTRY   128     /* bytes of a usual entry */
#define NGX_EDGE_LIMIT_FIRST   8       /* slots that a new cell has room for */
#define NGX_EDGE_LIMIT_SECOND  1000000


/* The value of a cell of slots: how many are in use, then when each lapses,
 * the soonest first.  Its entry's size says how many there is room for. */

#define ngx_edge_limit_slots_size(n)  (((n) + 1) * sizeof(uint32_t))


static void ngx_edge_limit_check(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t least, int64_t *take);
static void ngx_edge_limit_check_slots(ngx_edge_limit_cell_t *cell,
    int64_t now);
static void ngx_edge_limit_update(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t units);
static ngx_int_t ngx_edge_limit_insert(ngx_edge_limit_cell_t *cell,
    int64_t now);
static time_t ngx_edge_limit_expires(const ngx_edge_limit_cell_t *cell);
static ngx_edge_shm_entry_t *ngx_edge_limit_drop(ngx_edge_limit_cell_t *cell);


ngx_edge_limit_local_t *
ngx_edge_limit_local_create(ngx_slab_pool_t *pool, size_t size)
{
    ngx_uint_t               i;
    ngx_edge_limit_local_t  *local;

    ngx_shmtx_lock(&pool->mutex);

    local = ngx_slab_alloc_locked(pool, sizeof(ngx_edge_limit_local_t));

    if (local) {
        local->pool = pool;
        local->lost = 0;
        local->lost_at = 0;
        local->losses = 0;
        local->table = ngx_edge_shm_create(pool,
                                           size / NGX_EDGE_LIMIT_ENTRY);

        for (i = 0; i < NGX_EDGE_LIMIT_SEED; i++) {
            local->seed[i] = ngx_edge_random_word();
        }

        if (local->table == NULL) {
            ngx_slab_free_locked(pool, local);
            local = NULL;
        }
    }

    ngx_shmtx_unlock(&pool->mutex);

    return local;
}


int64_t
ngx_edge_limit_local_take(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now, int64_t least, int64_t most)
{
    int64_t     take;
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;
    take = most;

    ngx_edge_limit_local_lock(cell, n);

    for (i = 0; i < n; i++) {
        ngx_edge_limit_check(&cell[i], now, least, &take);

        if (cell[i].wait) {
            rc = NGX_DECLINED;
        }
    }

    if (rc == NGX_OK) {

        /* those that are there first: a new one may evict what was found */

        for (i = 0; i < n; i++) {
            ngx_edge_limit_update(&cell[i], now, take);
        }

        for (i = 0; i < n && rc == NGX_OK; i++) {
            rc = ngx_edge_limit_insert(&cell[i], now);
        }
    }

    ngx_edge_limit_local_unlock(cell, n);

    return (rc == NGX_OK) ? take : (rc == NGX_DECLINED) ? 0 : NGX_ERROR;
}


/* Says whether least units pass, and lowers take to what there is. */

static void
ngx_edge_limit_check(ngx_edge_limit_cell_t *cell, int64_t now, int64_t least,
    int64_t *take)
{
    ngx_edge_gcra_view_t  view;

    cell->entry = ngx_edge_shm_find(cell->local->table, cell->local->pool,
                                    cell->key, now / NGX_EDGE_LIMIT_SECOND);

    if (cell->gcra == NULL) {
        ngx_edge_limit_check_slots(cell, now);
        return;
    }

    cell->tat = 0;

    if (cell->entry) {
        ngx_memcpy(&cell->tat, cell->entry->value, sizeof(int64_t));
    }

    cell->wait = ngx_edge_gcra_wait(cell->gcra, cell->tat, now, least);

    if (*take > least) {
        ngx_edge_gcra_view(cell->gcra, cell->tat, now, &view);
        *take = ngx_max(least, ngx_min(*take, view.remaining));
    }
}


static void
ngx_edge_limit_check_slots(ngx_edge_limit_cell_t *cell, int64_t now)
{
    uint32_t     second, *slots;
    ngx_uint_t   i;

    cell->used = 0;
    cell->slot = 0;

    if (cell->entry) {
        slots = (uint32_t *) cell->entry->value;
        second = (uint32_t) (now / NGX_EDGE_LIMIT_SECOND);

        for (i = 0; i < slots[0] && slots[i + 1] <= second; i++) {
            /* its holder is dead */
        }

        if (i) {
            slots[0] -= i;
            ngx_memmove(&slots[1], &slots[i + 1], slots[0] * sizeof(uint32_t));
        }

        cell->used = slots[0];
    }

    cell->wait = ((int64_t) cell->used < cell->slots) ? 0 : -1;
}


/* Writes what passed into the entry that is there; one that is missing, or
 * that has no room for a slot more, is for the next round. */

static void
ngx_edge_limit_update(ngx_edge_limit_cell_t *cell, int64_t now, int64_t units)
{
    uint32_t              *slots;
    ngx_edge_shm_entry_t  *entry;

    entry = cell->entry;

    if (cell->gcra) {
        cell->tat = ngx_edge_gcra_charge(cell->gcra, cell->tat, now, units);

        if (entry) {
            entry->expires = ngx_edge_limit_expires(cell);
            ngx_memcpy(entry->value, &cell->tat, sizeof(int64_t));
        }

        return;
    }

    cell->slot = (uint32_t) (now / NGX_EDGE_LIMIT_SECOND)
                 + NGX_EDGE_LIMIT_LEASE;

    if (entry == NULL) {
        return;
    }

    if (entry->size < ngx_edge_limit_slots_size(cell->used + 1)) {
        cell->entry = NULL;
        return;
    }

    slots = (uint32_t *) entry->value;
    slots[++cell->used] = cell->slot;
    slots[0] = cell->used;
    entry->expires = cell->slot;
}


static ngx_int_t
ngx_edge_limit_insert(ngx_edge_limit_cell_t *cell, int64_t now)
{
    size_t       size;
    uint32_t    *slots, grown[2 * NGX_EDGE_LIMIT_SLOTS + 1];
    const void  *value;

    if (cell->entry) {
        return NGX_OK;
    }

    value = &cell->tat;
    size = sizeof(int64_t);

    if (cell->gcra == NULL) {

        /* another cell may have evicted what was found before */

        cell->entry = ngx_edge_shm_find(cell->local->table, cell->local->pool,
                                        cell->key,
                                        now / NGX_EDGE_LIMIT_SECOND);
        cell->used = 0;

        if (cell->entry) {
            slots = (uint32_t *) cell->entry->value;
            cell->used = slots[0];
            ngx_memcpy(&grown[1], &slots[1], slots[0] * sizeof(uint32_t));
        }

        size = ngx_edge_limit_slots_size(ngx_max(2 * cell->used,
                                                 NGX_EDGE_LIMIT_FIRST));

        grown[++cell->used] = cell->slot;
        grown[0] = cell->used;
        ngx_memzero(&grown[cell->used + 1],
                    size - (cell->used + 1) * sizeof(uint32_t));
        value = grown;
    }

    cell->entry = ngx_edge_shm_put(cell->local->table, cell->local->pool,
                                   cell->key, value, size,
                                   ngx_edge_limit_expires(cell),
                                   now / NGX_EDGE_LIMIT_SECOND);

    return cell->entry ? NGX_OK : NGX_ERROR;
}


/* The second from which on the cell says no more than an absent one. */

static time_t
ngx_edge_limit_expires(const ngx_edge_limit_cell_t *cell)
{
    return cell->gcra ? cell->tat / NGX_EDGE_LIMIT_SECOND + 1 : cell->slot;
}


void
ngx_edge_limit_local_settle(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t units)
{
    ngx_shmtx_lock(&cell->local->pool->mutex);

    cell->entry = ngx_edge_shm_find(cell->local->table, cell->local->pool,
                                    cell->key, now / NGX_EDGE_LIMIT_SECOND);
    cell->tat = 0;

    if (cell->entry) {
        ngx_memcpy(&cell->tat, cell->entry->value, sizeof(int64_t));
    }

    if (units < 0) {
        cell->tat = ngx_edge_gcra_refund(cell->gcra, cell->tat, now, -units);
        units = 0;
    }

    ngx_edge_limit_update(cell, now, units);
    (void) ngx_edge_limit_insert(cell, now);   /* no room: it is forgotten */

    ngx_shmtx_unlock(&cell->local->pool->mutex);
}


void
ngx_edge_limit_local_release(ngx_edge_limit_cell_t *cell)
{
    if (cell->slot == 0) {
        return;
    }

    ngx_shmtx_lock(&cell->local->pool->mutex);

    (void) ngx_edge_limit_drop(cell);

    ngx_shmtx_unlock(&cell->local->pool->mutex);

    cell->slot = 0;
}


/* One that has lapsed meanwhile, in a worker that was stopped, is taken
 * anew: its request is running, whatever the limit says. */

void
ngx_edge_limit_local_renew(ngx_edge_limit_cell_t *cell, int64_t now)
{
    if (cell->slot == 0) {
        return;
    }

    ngx_shmtx_lock(&cell->local->pool->mutex);

    cell->entry = ngx_edge_limit_drop(cell);
    cell->used = cell->entry ? *(uint32_t *) cell->entry->value : 0;

    /* where others have taken them all meanwhile, or there is no room, it is
     * not counted */

    if (cell->used < NGX_EDGE_LIMIT_SLOTS) {
        ngx_edge_limit_update(cell, now, 0);
        (void) ngx_edge_limit_insert(cell, now);

    } else {
        cell->slot = 0;
    }

    ngx_shmtx_unlock(&cell->local->pool->mutex);
}


/* Takes our slot out of its cell; gives the cell's entry, if there is one. */

static ngx_edge_shm_entry_t *
ngx_edge_limit_drop(ngx_edge_limit_cell_t *cell)
{
    uint32_t              *slots;
    ngx_uint_t             i;
    ngx_edge_shm_entry_t  *entry;

    entry = ngx_edge_shm_find(cell->local->table, cell->local->pool,
                              cell->key, 0);

    if (entry == NULL) {
        return NULL;
    }

    slots = (uint32_t *) entry->value;

    for (i = 1; i <= slots[0]; i++) {

        if (slots[i] == cell->slot) {
            ngx_memmove(&slots[i], &slots[i + 1],
                        (slots[0] - i) * sizeof(uint32_t));
            slots[0]--;
            break;
        }
    }

    return entry;
}


/* Nobody locks two in another order. */

void
ngx_edge_limit_local_lock(ngx_edge_limit_cell_t *cell, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (i == 0 || cell[i].local != cell[i - 1].local) {
            ngx_shmtx_lock(&cell[i].local->pool->mutex);
        }
    }
}


void
ngx_edge_limit_local_unlock(ngx_edge_limit_cell_t *cell, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (i == 0 || cell[i].local != cell[i - 1].local) {
            ngx_shmtx_unlock(&cell[i].local->pool->mutex);
        }
    }
}
