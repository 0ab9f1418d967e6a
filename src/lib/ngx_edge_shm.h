
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A table in a slab zone: fixed-length binary keys, variable values, least
 * recently used entry evicted when the zone is full.  Knows no request.
 *
 * Layout: an array of buckets, each a singly linked chain (of pointers: all
 * workers map the zone at one address), and one LRU queue.  The caller holds
 * pool->mutex around every call, create too, and while it looks at a value;
 * nothing here logs or blocks.  An entry is published after its value is
 * whole: a worker that dies half-way leaves a miss.  One that dies while it
 * changes the queue leaves it marked as such, and the next call makes it anew
 * from the buckets.
 */


#ifndef _NGX_EDGE_SHM_H_INCLUDED_
#define _NGX_EDGE_SHM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_SHM_KEY  32           /* bytes of a key: a SHA-256 */


typedef struct ngx_edge_shm_entry_s  ngx_edge_shm_entry_t;

struct ngx_edge_shm_entry_s {
    ngx_queue_t            lru;        /* head: most recent */
    ngx_edge_shm_entry_t  *next;       /* in the bucket */
    time_t                 expires;    /* 0: never */
    size_t                 size;       /* bytes at value */
    u_char                 key[NGX_EDGE_SHM_KEY];
    u_char                 value[1];   /* aligned as a pointer is */
};


typedef struct {
    ngx_queue_t             lru;
    ngx_uint_t              changing;  /* the queue is, now */
    ngx_uint_t              mask;      /* buckets - 1 */
    ngx_uint_t              count;
    ngx_uint_t              evicted;   /* entries dropped while still valid */
    ngx_edge_shm_entry_t   *bucket[1];
} ngx_edge_shm_t;


/* Makes a table in an empty zone with about one bucket per expected entry
 * (rounded up to a power of two); NULL: the zone is too small for it and one
 * entry.  Turns off the slab's log line about a full zone. */
ngx_edge_shm_t *ngx_edge_shm_create(ngx_slab_pool_t *pool, ngx_uint_t entries);

/* Finds a live entry and makes it the most recent; an expired one is freed
 * and not found. */
ngx_edge_shm_entry_t *ngx_edge_shm_find(ngx_edge_shm_t *t,
    ngx_slab_pool_t *pool, const u_char *key, time_t now);

/* Adds or replaces; evicts from the tail until the slab has room, at most 64
 * entries a call.  NULL: no room, the key is not in the table.  An entry is
 * live while now < expires.  value must not lie in the table. */
ngx_edge_shm_entry_t *ngx_edge_shm_put(ngx_edge_shm_t *t,
    ngx_slab_pool_t *pool, const u_char *key, const u_char *value,
    size_t size, time_t expires, time_t now);

void ngx_edge_shm_remove(ngx_edge_shm_t *t, ngx_slab_pool_t *pool,
    const u_char *key);


#endif /* _NGX_EDGE_SHM_H_INCLUDED_ */
