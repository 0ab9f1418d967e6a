
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries and flights in a slab zone.  A worker may be killed while it has
 * the lock: so a node is linked, and taken out, by one write of one pointer,
 * before and behind which it is whole; the list of spare blocks likewise.  What
 * is killed between the steps loses memory, and never finds another's.
 *
 * All blocks are of one size and are taken from the slab when the zone is made:
 * whatever sizes come and go, each can take the place of any other, and no
 * worker is ever killed in the slab, which may give a page twice then.
 */


#include "cache/ngx_edge_cache_l1.h"


#define NGX_EDGE_CACHE_L1_ENTRY    2048    /* bytes of a usual one */
#define NGX_EDGE_CACHE_L1_BUCKETS  (1 << 22)
#define NGX_EDGE_CACHE_L1_EVICT    128     /* nodes a put may drop */
#define NGX_EDGE_CACHE_L1_SAMPLES  8       /* nodes of which the one goes that
                                              was used least recently */
#define NGX_EDGE_CACHE_L1_TURN     16384   /* buckets looked at for them */
#define NGX_EDGE_CACHE_L1_BATCH    64      /* buckets purged under one lock */
#define NGX_EDGE_CACHE_BLOCK       1024
#define NGX_EDGE_CACHE_WAYS        4


typedef struct ngx_edge_cache_chunk_s  ngx_edge_cache_chunk_t;
typedef struct ngx_edge_cache_node_s   ngx_edge_cache_node_t;


/* A block: what a node has no room for, or a spare one. */
struct ngx_edge_cache_chunk_s {
    ngx_edge_cache_chunk_t   *next;
    u_char                    data[NGX_EDGE_CACHE_BLOCK - sizeof(void *)];
};


/* A block, too, with the first bytes of the entry in what is left of it. */
struct ngx_edge_cache_node_s {
    ngx_edge_cache_node_t    *next;    /* in the bucket */
    ngx_edge_cache_chunk_t   *chunks;
    size_t                    size;
    uint64_t                  used;    /* when, by the zone's count */
    ngx_uint_t                mark;    /* not purged, as of it */
    ngx_edge_cache_label_t    label;
    u_char                    key[NGX_EDGE_CACHE_KEY];
    u_char                    data[1];
};

#define NGX_EDGE_CACHE_HEAD                                                   \
    (NGX_EDGE_CACHE_BLOCK - offsetof(ngx_edge_cache_node_t, data))


typedef struct {
    u_char                    key[NGX_EDGE_CACHE_KEY];
    uint64_t                  token;   /* 0: open, nobody waits */
    ngx_msec_t                until;   /* live before it */
    ngx_uint_t                used;
} ngx_edge_cache_flight_t;


struct ngx_edge_cache_l1_s {
    ngx_slab_pool_t           *pool;
    ngx_uint_t                 mask;       /* buckets - 1 */
    u_char                    *blocks;
    ngx_uint_t                 nblocks;
    ngx_uint_t                 taken;      /* of them; the others are new */
    ngx_edge_cache_chunk_t    *spare;      /* blocks that were given up */
    ngx_uint_t                 hand;       /* bucket to evict from next */
    uint64_t                   uses;
    uint64_t                   token;      /* of the last flight */
    ngx_edge_cache_node_t    **bucket;
    ngx_edge_cache_purges_t    purges;
    ngx_edge_cache_versions_t  versions;

    ngx_uint_t                 sets;       /* of flights */
    ngx_edge_cache_flight_t   *flight;
};


static ngx_edge_cache_node_t **ngx_edge_cache_l1_link(
    ngx_edge_cache_l1_t *l1, const u_char *key);
static void ngx_edge_cache_l1_drop(ngx_edge_cache_l1_t *l1,
    ngx_edge_cache_node_t **link);
static void ngx_edge_cache_l1_spare(ngx_edge_cache_l1_t *l1,
    ngx_edge_cache_node_t *node);
static ngx_edge_cache_node_t *ngx_edge_cache_l1_fill(ngx_edge_cache_l1_t *l1,
    const u_char *data, size_t size);
static void *ngx_edge_cache_l1_block(ngx_edge_cache_l1_t *l1,
    ngx_uint_t *evictions);
static ngx_uint_t ngx_edge_cache_l1_evict(ngx_edge_cache_l1_t *l1,
    ngx_uint_t *evictions);
static ngx_uint_t ngx_edge_cache_l1_purge_bucket(ngx_edge_cache_l1_t *l1,
    ngx_edge_cache_node_t **link, const ngx_edge_cache_label_t *label);
static ngx_edge_cache_flight_t *ngx_edge_cache_flight_find(
    ngx_edge_cache_l1_t *l1, const u_char *key, ngx_msec_t now,
    ngx_edge_cache_flight_t **room);


#define ngx_edge_cache_flight_live(f, now)                                    \
    ((f)->used && (ngx_msec_int_t) ((f)->until - (now)) > 0)


ngx_edge_cache_l1_t *
ngx_edge_cache_l1_create(ngx_slab_pool_t *pool, size_t size)
{
    u_char               *p;
    size_t                buckets, flights, versions;
    ngx_uint_t            n, sets;
    ngx_edge_cache_l1_t  *l1;

    pool->log_nomem = 0;

    for (n = 1;
         n < size / NGX_EDGE_CACHE_L1_ENTRY && n < NGX_EDGE_CACHE_L1_BUCKETS;
         n <<= 1)
    {
        /* void */
    }

    sets = ngx_max(n / 16, 16);

    buckets = n * sizeof(ngx_edge_cache_node_t *);
    flights = sets * NGX_EDGE_CACHE_WAYS * sizeof(ngx_edge_cache_flight_t);
    versions = ngx_edge_cache_versions_size(sets);

    p = ngx_slab_calloc(pool, sizeof(ngx_edge_cache_l1_t) + buckets + flights
                              + versions + ngx_edge_cache_purges_size(sets));
    if (p == NULL) {
        return NULL;
    }

    l1 = (ngx_edge_cache_l1_t *) p;

    l1->pool = pool;
    l1->mask = n - 1;
    l1->sets = sets;

    p += sizeof(ngx_edge_cache_l1_t);
    l1->bucket = (ngx_edge_cache_node_t **) p;
    p += buckets;
    l1->flight = (ngx_edge_cache_flight_t *) p;
    p += flights;

    ngx_edge_cache_versions_init(&l1->versions, &pool->mutex, sets, p);
    p += versions;

    ngx_edge_cache_purges_init(&l1->purges, &pool->mutex, sets, p);

    /* nearly all that the slab has left: its own pages are not known here */

    for (n = size / NGX_EDGE_CACHE_BLOCK; n; n -= n / 256 + 1) {
        l1->blocks = ngx_slab_alloc(pool, n * NGX_EDGE_CACHE_BLOCK);

        if (l1->blocks) {
            l1->nblocks = n;
            return l1;
        }
    }

    return NULL;
}


ngx_int_t
ngx_edge_cache_l1_get(ngx_edge_cache_l1_t *l1, const u_char *key,
    ngx_pool_t *pool, ngx_str_t *data)
{
    u_char                  *p;
    size_t                   left, n;
    ngx_edge_cache_node_t   *node;
    ngx_edge_cache_chunk_t  *chunk;

    ngx_shmtx_lock(&l1->pool->mutex);

    node = *ngx_edge_cache_l1_link(l1, key);

    if (node == NULL
        || (node->mark != l1->purges.mark
            && ngx_edge_cache_purges_gone(&l1->purges, &node->label,
                                          &node->mark)))
    {
        ngx_shmtx_unlock(&l1->pool->mutex);
        return NGX_DECLINED;
    }

    /* under the lock, or the bytes would have to be copied twice */

    p = ngx_pnalloc(pool, node->size);

    if (p == NULL) {
        ngx_shmtx_unlock(&l1->pool->mutex);
        return NGX_ERROR;
    }

    data->data = p;
    data->len = node->size;

    node->used = ++l1->uses;

    n = ngx_min(node->size, NGX_EDGE_CACHE_HEAD);
    p = ngx_cpymem(p, node->data, n);
    left = node->size - n;

    for (chunk = node->chunks; left && chunk; chunk = chunk->next) {
        n = ngx_min(left, sizeof(chunk->data));
        p = ngx_cpymem(p, chunk->data, n);
        left -= n;
    }

    ngx_shmtx_unlock(&l1->pool->mutex);

    return NGX_OK;
}


ngx_int_t
ngx_edge_cache_l1_put(ngx_edge_cache_l1_t *l1, const u_char *key,
    const ngx_edge_cache_label_t *label, ngx_uint_t mark, const u_char *data,
    size_t size)
{
    ngx_edge_cache_node_t  *node, **link;

    ngx_shmtx_lock(&l1->pool->mutex);

    /* what is there now may be of after the purge */

    if (mark != l1->purges.mark
        && ngx_edge_cache_purges_past(&l1->purges, label, mark))
    {
        ngx_shmtx_unlock(&l1->pool->mutex);
        return NGX_DECLINED;
    }

    /* the old entry goes first: whatever happens, it must not be found */

    ngx_edge_cache_l1_drop(l1, ngx_edge_cache_l1_link(l1, key));

    node = (size > NGX_EDGE_CACHE_L1_MAX)
           ? NULL : ngx_edge_cache_l1_fill(l1, data, size);

    if (node == NULL) {
        ngx_shmtx_unlock(&l1->pool->mutex);
        return NGX_DECLINED;
    }

    ngx_memcpy(node->key, key, NGX_EDGE_CACHE_KEY);
    node->label = *label;
    node->mark = l1->purges.mark;
    node->used = ++l1->uses;
    node->next = NULL;

    ngx_memory_barrier();

    /* looked up only now: evictions change chains */

    link = ngx_edge_cache_l1_link(l1, key);
    *link = node;

    ngx_shmtx_unlock(&l1->pool->mutex);

    return NGX_OK;
}


void
ngx_edge_cache_l1_remove(ngx_edge_cache_l1_t *l1, const u_char *key)
{
    ngx_shmtx_lock(&l1->pool->mutex);

    ngx_edge_cache_l1_drop(l1, ngx_edge_cache_l1_link(l1, key));

    ngx_shmtx_unlock(&l1->pool->mutex);
}


ngx_edge_cache_purges_t *
ngx_edge_cache_l1_purges(ngx_edge_cache_l1_t *l1)
{
    return &l1->purges;
}


ngx_edge_cache_versions_t *
ngx_edge_cache_l1_versions(ngx_edge_cache_l1_t *l1)
{
    return &l1->versions;
}


/* They could not be found any more: what is left is to give back their memory,
 * a few buckets at a time, so that the other workers go on between. */

ngx_uint_t
ngx_edge_cache_l1_purge(ngx_edge_cache_l1_t *l1,
    const ngx_edge_cache_label_t *label)
{
    ngx_uint_t  i, n, end;

    ngx_edge_cache_purges_add(&l1->purges, label, 0);

    n = 0;

    for (i = 0; i <= l1->mask; /* void */ ) {

        end = ngx_min(i + NGX_EDGE_CACHE_L1_BATCH, l1->mask + 1);

        ngx_shmtx_lock(&l1->pool->mutex);

        for ( /* void */ ; i < end; i++) {
            n += ngx_edge_cache_l1_purge_bucket(l1, &l1->bucket[i], label);
        }

        ngx_shmtx_unlock(&l1->pool->mutex);
    }

    return n;
}


static ngx_uint_t
ngx_edge_cache_l1_purge_bucket(ngx_edge_cache_l1_t *l1,
    ngx_edge_cache_node_t **link, const ngx_edge_cache_label_t *label)
{
    ngx_uint_t              n;
    ngx_edge_cache_node_t  *node;

    n = 0;

    while (*link) {
        node = *link;

        if ((label->tenant && node->label.tenant != label->tenant)
            || (label->module && node->label.module != label->module))
        {
            link = &node->next;
            continue;
        }

        ngx_edge_cache_l1_drop(l1, link);
        n++;
    }

    return n;
}


/* The pointer that points at the node of key, or the NULL at the end of its
 * chain. */

static ngx_edge_cache_node_t **
ngx_edge_cache_l1_link(ngx_edge_cache_l1_t *l1, const u_char *key)
{
    uint32_t                 hash;
    ngx_edge_cache_node_t  **link;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    for (link = &l1->bucket[hash & l1->mask]; *link; link = &(*link)->next) {
        if (ngx_memcmp((*link)->key, key, NGX_EDGE_CACHE_KEY) == 0) {
            break;
        }
    }

    return link;
}


static void
ngx_edge_cache_l1_drop(ngx_edge_cache_l1_t *l1, ngx_edge_cache_node_t **link)
{
    ngx_edge_cache_node_t  *node;

    node = *link;

    if (node == NULL) {
        return;
    }

    *link = node->next;

    ngx_memory_barrier();

    ngx_edge_cache_l1_spare(l1, node);
}


/* The blocks of a node that is in no bucket. */

static void
ngx_edge_cache_l1_spare(ngx_edge_cache_l1_t *l1, ngx_edge_cache_node_t *node)
{
    ngx_edge_cache_chunk_t  *first, *last;

    first = (ngx_edge_cache_chunk_t *) node;
    first->next = node->chunks;

    for (last = first; last->next; last = last->next) { /* void */ }

    last->next = l1->spare;

    ngx_memory_barrier();

    l1->spare = first;
}


static ngx_edge_cache_node_t *
ngx_edge_cache_l1_fill(ngx_edge_cache_l1_t *l1, const u_char *data,
    size_t size)
{
    size_t                    n;
    ngx_uint_t                evictions;
    ngx_edge_cache_node_t    *node;
    ngx_edge_cache_chunk_t   *chunk, **last;

    evictions = NGX_EDGE_CACHE_L1_EVICT;

    node = ngx_edge_cache_l1_block(l1, &evictions);
    if (node == NULL) {
        return NULL;
    }

    node->chunks = NULL;
    node->size = size;

    n = ngx_min(size, NGX_EDGE_CACHE_HEAD);
    ngx_memcpy(node->data, data, n);

    last = &node->chunks;

    for (size -= n, data += n; size; size -= n, data += n) {

        chunk = ngx_edge_cache_l1_block(l1, &evictions);
        if (chunk == NULL) {
            ngx_edge_cache_l1_spare(l1, node);
            return NULL;
        }

        n = ngx_min(size, sizeof(chunk->data));

        chunk->next = NULL;
        ngx_memcpy(chunk->data, data, n);

        *last = chunk;
        last = &chunk->next;
    }

    return node;
}


/* One that was given up, or a new one; or at the price of the entries used
 * least recently. */

static void *
ngx_edge_cache_l1_block(ngx_edge_cache_l1_t *l1, ngx_uint_t *evictions)
{
    ngx_edge_cache_chunk_t  *block;

    while (l1->spare == NULL) {

        if (l1->taken < l1->nblocks) {
            return l1->blocks + l1->taken++ * NGX_EDGE_CACHE_BLOCK;
        }

        if (!ngx_edge_cache_l1_evict(l1, evictions)) {
            return NULL;
        }
    }

    block = l1->spare;
    l1->spare = block->next;

    ngx_memory_barrier();

    return block;
}


/* Drops one of the next few entries, each turn of the hand others: nearly the
 * one used least recently of all, without a list that every use changes.  0:
 * there are none, or enough were dropped. */

static ngx_uint_t
ngx_edge_cache_l1_evict(ngx_edge_cache_l1_t *l1, ngx_uint_t *evictions)
{
    ngx_uint_t               i, n;
    ngx_edge_cache_node_t  **link, **oldest;

    if (*evictions == 0) {
        return 0;
    }

    (*evictions)--;

    n = 0;
    oldest = NULL;

    for (i = 0;
         n < NGX_EDGE_CACHE_L1_SAMPLES && i <= l1->mask
         && i < NGX_EDGE_CACHE_L1_TURN;
         i++)
    {
        for (link = &l1->bucket[l1->hand]; *link; link = &(*link)->next) {

            n++;

            if (oldest == NULL || (*link)->used < (*oldest)->used) {
                oldest = link;
            }
        }

        l1->hand = (l1->hand + 1) & l1->mask;
    }

    if (oldest) {
        ngx_edge_cache_l1_drop(l1, oldest);
    }

    return oldest != NULL;
}


ngx_edge_cache_flight_e
ngx_edge_cache_flight_begin(ngx_edge_cache_l1_t *l1, const u_char *key,
    ngx_msec_t now, ngx_msec_t life, uint64_t *token)
{
    ngx_edge_cache_flight_e   rc;
    ngx_edge_cache_flight_t  *f, *room;

    ngx_shmtx_lock(&l1->pool->mutex);

    f = ngx_edge_cache_flight_find(l1, key, now, &room);

    if (f) {
        rc = f->token ? ngx_edge_cache_flight_other
                      : ngx_edge_cache_flight_free;

    } else if (room == NULL) {
        rc = ngx_edge_cache_flight_free;

    } else {
        rc = ngx_edge_cache_flight_mine;

        *token = ++l1->token;

        ngx_memcpy(room->key, key, NGX_EDGE_CACHE_KEY);
        room->token = *token;
        room->until = now + life;
        room->used = 1;
    }

    ngx_shmtx_unlock(&l1->pool->mutex);

    return rc;
}


void
ngx_edge_cache_flight_renew(ngx_edge_cache_l1_t *l1, const u_char *key,
    uint64_t token, ngx_msec_t now, ngx_msec_t life)
{
    ngx_edge_cache_flight_t  *f, *room;

    ngx_shmtx_lock(&l1->pool->mutex);

    f = ngx_edge_cache_flight_find(l1, key, now, &room);

    if (f && f->token == token) {
        f->until = now + life;
    }

    ngx_shmtx_unlock(&l1->pool->mutex);
}


void
ngx_edge_cache_flight_end(ngx_edge_cache_l1_t *l1, const u_char *key,
    uint64_t token, ngx_msec_t now, ngx_msec_t open)
{
    ngx_edge_cache_flight_t  *f, *room;

    ngx_shmtx_lock(&l1->pool->mutex);

    f = ngx_edge_cache_flight_find(l1, key, now, &room);

    if (f && f->token == token) {
        f->token = 0;
        f->until = now + open;
        f->used = (open != 0);
    }

    ngx_shmtx_unlock(&l1->pool->mutex);
}


/* The live flight of key; if there is none, room is a way that is free or
 * was left by a flight that is over, or NULL. */

static ngx_edge_cache_flight_t *
ngx_edge_cache_flight_find(ngx_edge_cache_l1_t *l1, const u_char *key,
    ngx_msec_t now, ngx_edge_cache_flight_t **room)
{
    uint32_t                  hash;
    ngx_uint_t                i;
    ngx_edge_cache_flight_t  *f;

    *room = NULL;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    f = &l1->flight[(hash % l1->sets) * NGX_EDGE_CACHE_WAYS];

    for (i = 0; i < NGX_EDGE_CACHE_WAYS; i++, f++) {

        if (!ngx_edge_cache_flight_live(f, now)) {
            *room = f;
            continue;
        }

        if (ngx_memcmp(f->key, key, NGX_EDGE_CACHE_KEY) == 0) {
            return f;
        }
    }

    return NULL;
}
