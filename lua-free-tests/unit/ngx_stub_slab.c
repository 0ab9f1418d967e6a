
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: slab pools on malloc(), and a lock that
 * aborts where nginx would hang.
 */


#include "ngx_stub.h"


/* Precedes a slab block: free() must know the size, and the stub where they
 * all are.  32 bytes, to align. */

typedef struct {
    ngx_queue_t  queue;
    size_t       size;
    size_t       unused;
} ngx_stub_block_t;


static void ngx_stub_lock_expect(ngx_int_t depth, const char *who);


void               (*ngx_stub_slab_hook)(void);
ssize_t              ngx_stub_slab_budget = -1;
ngx_uint_t           ngx_stub_slab_blocks;
size_t               ngx_stub_slab_bytes;
ngx_int_t            ngx_stub_lock_depth;

static ngx_uint_t    ngx_stub_shpools;
static ngx_queue_t   ngx_stub_blocks = { &ngx_stub_blocks, &ngx_stub_blocks };


ngx_slab_pool_t *
ngx_stub_shpool(void)
{
    ngx_slab_pool_t  *shpool;

    shpool = calloc(1, sizeof(ngx_slab_pool_t));
    if (shpool) {
        ngx_stub_shpools++;
    }

    return shpool;
}


void
ngx_stub_shpool_free(ngx_slab_pool_t *shpool)
{
    ngx_stub_shpools--;
    free(shpool);
}


void
ngx_stub_slab_clear(ngx_slab_pool_t *shpool)
{
    ngx_queue_t       *q;
    ngx_stub_block_t  *block;

    while (!ngx_queue_empty(&ngx_stub_blocks)) {
        q = ngx_queue_head(&ngx_stub_blocks);
        block = ngx_queue_data(q, ngx_stub_block_t, queue);
        ngx_slab_free(shpool, block + 1);
    }
}


static void
ngx_stub_lock_expect(ngx_int_t depth, const char *who)
{
    if (ngx_stub_shpools == 0 || ngx_stub_lock_depth == depth) {
        return;
    }

    fprintf(stderr, "%s called with the mutex %s\n", who,
            depth ? "unlocked" : "locked");
    abort();
}


void
ngx_shmtx_lock(ngx_shmtx_t *mtx)
{
    ngx_stub_lock_expect(0, "ngx_shmtx_lock()");
    ngx_stub_lock_depth++;
}


ngx_uint_t
ngx_shmtx_trylock(ngx_shmtx_t *mtx)
{
    if (ngx_stub_lock_depth) {
        return 0;
    }

    ngx_stub_lock_depth++;

    return 1;
}


void
ngx_shmtx_unlock(ngx_shmtx_t *mtx)
{
    ngx_stub_lock_expect(1, "ngx_shmtx_unlock()");
    ngx_stub_lock_depth--;
}


void *
ngx_slab_alloc_locked(ngx_slab_pool_t *pool, size_t size)
{
    ngx_stub_block_t  *block;

    ngx_stub_lock_expect(1, "ngx_slab_alloc_locked()");

    if (ngx_stub_slab_hook) {
        ngx_stub_slab_hook();
    }

    if (ngx_stub_slab_budget >= 0 && (ssize_t) size > ngx_stub_slab_budget) {
        return NULL;
    }

    if (!ngx_stub_alloc_allowed()) {
        return NULL;
    }

    block = malloc(sizeof(ngx_stub_block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    block->size = size;
    ngx_queue_insert_head(&ngx_stub_blocks, &block->queue);

    if (ngx_stub_slab_budget >= 0) {
        ngx_stub_slab_budget -= size;
    }

    ngx_stub_slab_blocks++;
    ngx_stub_slab_bytes += size;

    return block + 1;
}


void *
ngx_slab_calloc_locked(ngx_slab_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_slab_alloc_locked(pool, size);
    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


void
ngx_slab_free_locked(ngx_slab_pool_t *pool, void *p)
{
    ngx_stub_block_t  *block;

    ngx_stub_lock_expect(1, "ngx_slab_free_locked()");

    block = (ngx_stub_block_t *) p - 1;

    if (ngx_stub_slab_budget >= 0) {
        ngx_stub_slab_budget += block->size;
    }

    ngx_stub_slab_blocks--;
    ngx_stub_slab_bytes -= block->size;

    ngx_queue_remove(&block->queue);
    free(block);
}


void *
ngx_slab_alloc(ngx_slab_pool_t *pool, size_t size)
{
    void  *p;

    ngx_shmtx_lock(&pool->mutex);
    p = ngx_slab_alloc_locked(pool, size);
    ngx_shmtx_unlock(&pool->mutex);

    return p;
}


void *
ngx_slab_calloc(ngx_slab_pool_t *pool, size_t size)
{
    void  *p;

    ngx_shmtx_lock(&pool->mutex);
    p = ngx_slab_calloc_locked(pool, size);
    ngx_shmtx_unlock(&pool->mutex);

    return p;
}


void
ngx_slab_free(ngx_slab_pool_t *pool, void *p)
{
    ngx_shmtx_lock(&pool->mutex);
    ngx_slab_free_locked(pool, p);
    ngx_shmtx_unlock(&pool->mutex);
}
