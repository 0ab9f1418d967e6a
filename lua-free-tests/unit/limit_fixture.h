
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of limits in shared memory share: a zone, and rates.
 */


#ifndef _LIMIT_FIXTURE_H_INCLUDED_
#define _LIMIT_FIXTURE_H_INCLUDED_


#include "unit.h"
#include "limit/ngx_edge_limit_local.h"


#define SECOND  ((int64_t) 1000000)
#define NOW     (1000 * SECOND)


static ngx_slab_pool_t         *pool;
static ngx_edge_limit_local_t  *local;


/* budget: allocations until there is no memory; -1: no end. */

static inline void
zone_open(ssize_t budget)
{
    pool = ngx_stub_shpool();
    ngx_stub_slab_budget = budget;
    local = ngx_edge_limit_local_create(pool, 64 * 128);
}


/* As if other keys had taken the places of all. */

static inline void
zone_forget(void)
{
    ngx_queue_t           *q;
    ngx_edge_shm_entry_t  *e;

    ngx_shmtx_lock(&pool->mutex);

    while (!ngx_queue_empty(&local->table->lru)) {
        q = ngx_queue_last(&local->table->lru);
        e = ngx_queue_data(q, ngx_edge_shm_entry_t, lru);
        ngx_edge_shm_remove(local->table, pool, e->key);
    }

    ngx_shmtx_unlock(&pool->mutex);
}


static inline void
zone_close(void)
{
    zone_forget();

    ngx_shmtx_lock(&pool->mutex);
    ngx_slab_free_locked(pool, local->table);
    ngx_slab_free_locked(pool, local);
    ngx_shmtx_unlock(&pool->mutex);

    CHECK_INT(ngx_stub_slab_blocks, 0);
    CHECK_INT(ngx_stub_lock_depth, 0);

    ngx_stub_shpool_free(pool);
    ngx_stub_slab_budget = -1;
}


static inline ngx_edge_gcra_t
rate_of(const char *rate, int64_t burst)
{
    ngx_str_t        text;
    ngx_edge_gcra_t  gcra;
    ngx_edge_rate_t  r;

    text = unit_str(rate);
    CHECK_INT(ngx_edge_rate_parse(&text, 'r', &r), NGX_OK);
    ngx_edge_gcra_init(&gcra, &r, burst);

    return gcra;
}


#endif /* _LIMIT_FIXTURE_H_INCLUDED_ */
