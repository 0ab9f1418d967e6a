
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A least-recently-used table in a slab zone.  Knows keys and bytes; what a
 * value means, and the lock, are the caller's.
 */


#include "lib/ngx_edge_shm.h"


#define NGX_EDGE_SHM_BUCKETS  (1 << 24)    /* never more, whatever is asked */
#define NGX_EDGE_SHM_EVICT    64           /* entries a put may drop */


/* Around a change of the queue. */
#define ngx_edge_shm_begin(t)                                                 \
    (t)->changing = 1;                                                        \
    ngx_memory_barrier()

#define ngx_edge_shm_end(t)                                                   \
    ngx_memory_barrier();                                                     \
    (t)->changing = 0


static void ngx_edge_shm_repair(ngx_edge_shm_t *t);
static ngx_edge_shm_entry_t **ngx_edge_shm_link(ngx_edge_shm_t *t,
    const u_char *key);
static void ngx_edge_shm_free(ngx_edge_shm_t *t, ngx_slab_pool_t *pool,
    ngx_edge_shm_entry_t *e);
static ngx_edge_shm_entry_t *ngx_edge_shm_alloc(ngx_edge_shm_t *t,
    ngx_slab_pool_t *pool, size_t size, time_t now);


ngx_edge_shm_t *
ngx_edge_shm_create(ngx_slab_pool_t *pool, ngx_uint_t entries)
{
    void            *probe;
    ngx_uint_t       n;
    ngx_edge_shm_t  *t;

    for (n = 1; n < entries && n < NGX_EDGE_SHM_BUCKETS; n <<= 1) {
        /* void */
    }

    /* a full zone is this table's usual state, not worth a line */

    pool->log_nomem = 0;

    t = ngx_slab_calloc_locked(pool, offsetof(ngx_edge_shm_t, bucket)
                                     + n * sizeof(ngx_edge_shm_entry_t *));
    if (t == NULL) {
        return NULL;
    }

    probe = ngx_slab_alloc_locked(pool, sizeof(ngx_edge_shm_entry_t));
    if (probe == NULL) {
        ngx_slab_free_locked(pool, t);
        return NULL;
    }

    ngx_slab_free_locked(pool, probe);

    ngx_queue_init(&t->lru);
    t->mask = n - 1;

    return t;
}


/* The pointer in the chain that points at the entry of key, or that is NULL
 * at the end of the chain. */

static ngx_edge_shm_entry_t **
ngx_edge_shm_link(ngx_edge_shm_t *t, const u_char *key)
{
    uint32_t                hash;
    ngx_edge_shm_entry_t  **link;

    /* keys are digests: any of their bytes are as good as a hash */

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    for (link = &t->bucket[hash & t->mask]; *link; link = &(*link)->next) {
        if (ngx_memcmp((*link)->key, key, NGX_EDGE_SHM_KEY) == 0) {
            break;
        }
    }

    return link;
}


/* A worker was killed between the steps of a change: the order of the entries
 * is lost, those in the buckets are not.  What is in no bucket was on its way
 * in or out, and is lost with its memory. */

static void
ngx_edge_shm_repair(ngx_edge_shm_t *t)
{
    ngx_uint_t             i;
    ngx_edge_shm_entry_t  *e;

    ngx_queue_init(&t->lru);

    t->count = 0;

    for (i = 0; i <= t->mask; i++) {

        for (e = t->bucket[i]; e; e = e->next) {
            ngx_queue_insert_head(&t->lru, &e->lru);
            t->count++;
        }
    }

    ngx_edge_shm_end(t);
}


/* Takes an entry out of the table and gives its memory back. */

static void
ngx_edge_shm_free(ngx_edge_shm_t *t, ngx_slab_pool_t *pool,
    ngx_edge_shm_entry_t *e)
{
    ngx_edge_shm_begin(t);

    *ngx_edge_shm_link(t, e->key) = e->next;
    ngx_queue_remove(&e->lru);
    t->count--;

    ngx_edge_shm_end(t);

    ngx_slab_free_locked(pool, e);
}


/* Memory for an entry, at the price of those used least recently. */

static ngx_edge_shm_entry_t *
ngx_edge_shm_alloc(ngx_edge_shm_t *t, ngx_slab_pool_t *pool, size_t size,
    time_t now)
{
    ngx_uint_t             n;
    ngx_queue_t           *q;
    ngx_edge_shm_entry_t  *e, *victim;

    for (n = 0; /* void */ ; n++) {

        e = ngx_slab_alloc_locked(pool, size);

        if (e || n == NGX_EDGE_SHM_EVICT || ngx_queue_empty(&t->lru)) {
            return e;
        }

        q = ngx_queue_last(&t->lru);
        victim = ngx_queue_data(q, ngx_edge_shm_entry_t, lru);

        if (victim->expires == 0 || now < victim->expires) {
            t->evicted++;
        }

        ngx_edge_shm_free(t, pool, victim);
    }
}


ngx_edge_shm_entry_t *
ngx_edge_shm_find(ngx_edge_shm_t *t, ngx_slab_pool_t *pool,
    const u_char *key, time_t now)
{
    ngx_edge_shm_entry_t  *e;

    if (t->changing) {
        ngx_edge_shm_repair(t);
    }

    e = *ngx_edge_shm_link(t, key);

    if (e == NULL) {
        return NULL;
    }

    if (e->expires && now >= e->expires) {
        ngx_edge_shm_free(t, pool, e);
        return NULL;
    }

    if (ngx_queue_head(&t->lru) != &e->lru) {

        ngx_edge_shm_begin(t);

        ngx_queue_remove(&e->lru);
        ngx_queue_insert_head(&t->lru, &e->lru);

        ngx_edge_shm_end(t);
    }

    return e;
}


ngx_edge_shm_entry_t *
ngx_edge_shm_put(ngx_edge_shm_t *t, ngx_slab_pool_t *pool, const u_char *key,
    const u_char *value, size_t size, time_t expires, time_t now)
{
    size_t                  need;
    ngx_edge_shm_entry_t   *e, **link;

    /* the old value goes first: whatever happens, it must not be found, and
     * its room is the cheapest to have */

    ngx_edge_shm_remove(t, pool, key);

    need = offsetof(ngx_edge_shm_entry_t, value) + size;

    /* what no zone can hold must not empty this one */

    if (need < size || need > (size_t) (pool->end - (u_char *) pool)) {
        return NULL;
    }

    e = ngx_edge_shm_alloc(t, pool, need, now);
    if (e == NULL) {
        return NULL;
    }

    e->expires = expires;
    e->size = size;
    ngx_memcpy(e->key, key, NGX_EDGE_SHM_KEY);

    if (size) {
        ngx_memcpy(e->value, value, size);
    }

    e->next = NULL;

    /* looked up only now: evictions change chains */

    link = ngx_edge_shm_link(t, key);

    ngx_edge_shm_begin(t);

    *link = e;
    ngx_queue_insert_head(&t->lru, &e->lru);
    t->count++;

    ngx_edge_shm_end(t);

    return e;
}


void
ngx_edge_shm_remove(ngx_edge_shm_t *t, ngx_slab_pool_t *pool,
    const u_char *key)
{
    ngx_edge_shm_entry_t  *e;

    if (t->changing) {
        ngx_edge_shm_repair(t);
    }

    e = *ngx_edge_shm_link(t, key);

    if (e) {
        ngx_edge_shm_free(t, pool, e);
    }
}
