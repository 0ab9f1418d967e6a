
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of corpora in a zone.  The counter begins with the time, so that no
 * version of a zone was one of a zone before it.
 */


#include "cache/ngx_edge_cache_versions.h"


#define NGX_EDGE_CACHE_WAYS  4


struct ngx_edge_cache_version_s {
    uint64_t    id;                    /* 0: free */
    uint64_t    version;
    uint64_t    offer;
    uint64_t    used;                  /* when, by the counter */
    ngx_msec_t  time;
};


static uint64_t ngx_edge_cache_version_new(
    ngx_edge_cache_versions_t *versions, uint64_t salt);
static ngx_edge_cache_version_t *ngx_edge_cache_version_way(
    ngx_edge_cache_versions_t *versions, uint64_t id);
static ngx_edge_cache_version_t *ngx_edge_cache_version_find(
    ngx_edge_cache_versions_t *versions, uint64_t id);


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
    uint64_t  version;

    ngx_shmtx_lock(versions->mutex);

    version = ngx_edge_cache_version_find(versions, id)->version;

    ngx_shmtx_unlock(versions->mutex);

    return version;
}


void
ngx_edge_cache_version_bump(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t salt, ngx_msec_t now, ngx_edge_cache_known_t *known)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_find(versions, id);
    v->version = ngx_edge_cache_version_new(versions, salt);
    v->offer = ngx_edge_cache_version_new(versions, salt);
    v->time = now;

    known->version = v->version;
    known->offer = v->offer;
    known->time = now;

    ngx_shmtx_unlock(versions->mutex);
}


uint64_t
ngx_edge_cache_version_again(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t was, uint64_t salt)
{
    uint64_t                   offer;
    ngx_edge_cache_version_t  *v;

    offer = 0;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v && v->offer && v->version == was) {
        offer = ngx_edge_cache_version_new(versions, salt);
        v->offer = offer;
    }

    ngx_shmtx_unlock(versions->mutex);

    return offer;
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
        known->offer = v->offer;
        known->time = v->time;
    }

    ngx_shmtx_unlock(versions->mutex);

    return v != NULL;
}


void
ngx_edge_cache_version_learn(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t was, uint64_t version, ngx_msec_t asked)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v == NULL) {
        v = ngx_edge_cache_version_find(versions, id);
        v->version = version;
        v->time = asked;

    } else if (v->version == was && v->offer == 0
               && (version != was || (ngx_msec_int_t) (asked - v->time) > 0))
    {
        v->version = version;
        v->time = asked;
    }

    ngx_shmtx_unlock(versions->mutex);
}


void
ngx_edge_cache_version_told(ngx_edge_cache_versions_t *versions, uint64_t id,
    uint64_t was, uint64_t version, ngx_msec_t asked)
{
    ngx_edge_cache_version_t  *v;

    ngx_shmtx_lock(versions->mutex);

    v = ngx_edge_cache_version_way(versions, id);

    if (v && v->version == was) {
        v->version = version;
        v->offer = 0;
        v->time = asked;
    }

    ngx_shmtx_unlock(versions->mutex);
}


static uint64_t
ngx_edge_cache_version_new(ngx_edge_cache_versions_t *versions, uint64_t salt)
{
    uint64_t  version;

    do {
        version = (++versions->counter * 0x9e3779b97f4a7c15ULL) ^ salt;
    } while (version == 0);

    return version;
}


/* The way of id, or NULL. */

static ngx_edge_cache_version_t *
ngx_edge_cache_version_way(ngx_edge_cache_versions_t *versions, uint64_t id)
{
    ngx_uint_t                 i;
    ngx_edge_cache_version_t  *v;

    v = &versions->version[(id % versions->sets) * NGX_EDGE_CACHE_WAYS];

    for (i = 0; i < NGX_EDGE_CACHE_WAYS; i++, v++) {

        if (v->id == id && v->version) {
            v->used = ++versions->counter;
            return v;
        }
    }

    return NULL;
}


/* The same, in place of the one used least recently if there was none: with a
 * version that nothing was stored under. */

static ngx_edge_cache_version_t *
ngx_edge_cache_version_find(ngx_edge_cache_versions_t *versions, uint64_t id)
{
    ngx_uint_t                 i;
    ngx_edge_cache_version_t  *v, *oldest;

    v = ngx_edge_cache_version_way(versions, id);

    if (v) {
        return v;
    }

    v = &versions->version[(id % versions->sets) * NGX_EDGE_CACHE_WAYS];
    oldest = v;

    for (i = 1; i < NGX_EDGE_CACHE_WAYS; i++) {

        if (v[i].used < oldest->used) {
            oldest = &v[i];
        }
    }

    oldest->id = id;
    oldest->version = ++versions->counter;
    oldest->used = versions->counter;
    oldest->offer = 0;

    return oldest;
}
