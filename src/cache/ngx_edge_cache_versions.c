
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of corpora in a zone.  The counter begins with the time, so that no
 * version of a zone was one of a zone before it.  The order of writes is for a
 * worker that is killed between them.
 */


#include "cache/ngx_edge_cache_versions.h"


#define NGX_EDGE_CACHE_WAYS   4
#define NGX_EDGE_CACHE_LOCAL  ((uint64_t) 1 << 63)


struct ngx_edge_cache_version_s {
    uint64_t    id;                    /* 0: free */
    uint64_t    version;
    uint64_t    shared;
    uint64_t    used;                  /* when, by the counter */
    ngx_msec_t  time;
    ngx_uint_t  untold;
};


/* Which ways may be taken from another corpus. */
typedef enum {
    ngx_edge_cache_version_told_only = 0,
    ngx_edge_cache_version_told_first,
    ngx_edge_cache_version_any
} ngx_edge_cache_version_room_e;


static void ngx_edge_cache_version_set(ngx_edge_cache_version_t *v,
    uint64_t shared, ngx_msec_t asked);
static uint64_t ngx_edge_cache_version_new(
    ngx_edge_cache_versions_t *versions, uint64_t salt);
static ngx_edge_cache_version_t *ngx_edge_cache_version_way(
    ngx_edge_cache_versions_t *versions, uint64_t id);
static ngx_edge_cache_version_t *ngx_edge_cache_version_take(
    ngx_edge_cache_versions_t *versions, uint64_t id,
    ngx_edge_cache_version_room_e room);


size_t
ngx_edge_cache_versions_size(ngx_uint_t sets)
{
    return sets * NGX_EDGE_CACHE_WAYS * sizeof(ngx_edge_cache_version_t);
}


void
ngx_edge_cache_versions_init(ngx_edge_cache_versions_t *versions,
    ngx_shmtx_t *mutex, ngx_uint_t sets, void *ways)
{
    versions->mutex = mutex;
    versions->counter = (uint64_t) ngx_time() << 24;
    versions->sets = sets;
    versions->version = ways;
}


uint64_t
ngx_edge_cache_version(ngx_edge_cache_versions_t *versions, uint64_t id)
{
    uint64_t                   version;
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v == NULL) {
        v = ngx_edge_cache_version_take(versions, id,
                                        ngx_edge_cache_version_any);
        v->version = ngx_edge_cache_version_new(versions, 0);

        ngx_memory_barrier();

        v->id = id;
    }

    version = v->version;

    ngx_shmtx_unlock(versions->mutex);

    return version;
}


void
ngx_edge_cache_version_bump(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t salt, ngx_uint_t others, ngx_msec_t now,
    ngx_edge_cache_known_t *known)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v == NULL) {
        v = ngx_edge_cache_version_take(versions, id,
                                        others
                                        ? ngx_edge_cache_version_told_first
                                        : ngx_edge_cache_version_any);
    }

    v->untold = 1;                     /* there may be others one day */

    ngx_memory_barrier();

    v->version = ngx_edge_cache_version_new(versions, salt);
    v->time = now;

    ngx_memory_barrier();

    v->id = id;

    known->version = v->version;
    known->shared = v->shared;
    known->time = now;
    known->untold = 1;

    ngx_shmtx_unlock(versions->mutex);
}


ngx_uint_t
ngx_edge_cache_version_look(ngx_edge_cache_versions_t *versions, uint64_t id,
    ngx_edge_cache_known_t *known)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v) {
        known->version = v->version;
        known->shared = v->shared;
        known->time = v->time;
        known->untold = v->untold;
    }

    ngx_shmtx_unlock(versions->mutex);

    return v != NULL;
}


void
ngx_edge_cache_version_learn(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t shared, ngx_msec_t asked)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v == NULL) {
        v = ngx_edge_cache_version_take(versions, id,
                                        ngx_edge_cache_version_told_only);
    }

    if (v && !v->untold) {
        ngx_edge_cache_version_set(v, shared, asked);

        ngx_memory_barrier();

        v->id = id;
    }

    ngx_shmtx_unlock(versions->mutex);
}


void
ngx_edge_cache_version_told(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t was, uint64_t shared, ngx_msec_t asked)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v && !v->untold) {
        ngx_edge_cache_version_set(v, shared, asked);

    } else if (v && v->version == was && shared > v->shared) {

        ngx_edge_cache_version_set(v, shared, asked);

        ngx_memory_barrier();

        v->untold = 0;
    }

    ngx_shmtx_unlock(versions->mutex);
}


ngx_uint_t
ngx_edge_cache_version_due(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t was)
{
    ngx_uint_t                 due;
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    /* where it was crowded out, or a question has told it: told once more it
     * costs a version that nobody needs, and not told it is lost */

    due = (v == NULL || !v->untold || v->version == was);

    ngx_shmtx_unlock(versions->mutex);

    return due;
}


static void
ngx_edge_cache_version_set(ngx_edge_cache_version_t *v, uint64_t shared,
    ngx_msec_t asked)
{
    if (shared < v->shared) {
        return;
    }

    if (shared == v->shared && shared == v->version) {

        if ((ngx_msec_int_t) (asked - v->time) > 0) {
            v->time = asked;
        }

        return;
    }

    v->shared = shared;
    v->version = shared;
    v->time = asked;
}


static uint64_t
ngx_edge_cache_version_new(ngx_edge_cache_versions_t *versions, uint64_t salt)
{
    return ((++versions->counter * 0x9e3779b97f4a7c15ULL) ^ salt)
           | NGX_EDGE_CACHE_LOCAL;
}


/* The way of id, or NULL. */

static ngx_edge_cache_version_t *
ngx_edge_cache_version_way(ngx_edge_cache_versions_t *versions, uint64_t id)
{
    ngx_uint_t                 i;
    ngx_edge_cache_version_t  *v;

    v = &versions->version[(id % versions->sets) * NGX_EDGE_CACHE_WAYS];

    for (i = 0; i < NGX_EDGE_CACHE_WAYS; i++, v++) {

        if (v->id == id) {
            v->used = ++versions->counter;
            return v;
        }
    }

    return NULL;
}


/* A way for id, free or else used least recently, or NULL.  The caller gives it
 * a version, and then the id. */

static ngx_edge_cache_version_t *
ngx_edge_cache_version_take(ngx_edge_cache_versions_t *versions, uint64_t id,
    ngx_edge_cache_version_room_e room)
{
    ngx_int_t                  order;
    ngx_uint_t                 i;
    ngx_edge_cache_version_t  *v, *oldest;

    v = &versions->version[(id % versions->sets) * NGX_EDGE_CACHE_WAYS];
    oldest = NULL;

    for (i = 0; i < NGX_EDGE_CACHE_WAYS; i++, v++) {

        if (v->id == 0) {
            oldest = v;
            break;
        }

        if (room == ngx_edge_cache_version_told_only && v->untold) {
            continue;
        }

        order = (oldest && room == ngx_edge_cache_version_told_first)
                ? (ngx_int_t) v->untold - (ngx_int_t) oldest->untold : 0;

        if (oldest == NULL || order < 0
            || (order == 0 && v->used < oldest->used))
        {
            oldest = v;
        }
    }

    if (oldest == NULL) {
        return NULL;
    }

    oldest->id = 0;

    ngx_memory_barrier();

    oldest->version = 0;
    oldest->shared = 0;
    oldest->time = 0;
    oldest->untold = 0;
    oldest->used = ++versions->counter;

    return oldest;
}
