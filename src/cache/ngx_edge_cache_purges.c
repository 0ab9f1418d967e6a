
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of purges.  A worker that dies with the lock held has at worst
 * raised the mark for nothing.
 */


#include "cache/ngx_edge_cache_purges.h"


#define NGX_EDGE_CACHE_PURGES_WAYS   4
#define NGX_EDGE_CACHE_PURGES_EVERY  500   /* ms between two questions */
#define NGX_EDGE_CACHE_PURGES_SOON   50    /* while there was no answer yet */


static void ngx_edge_cache_purges_last(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_edge_cache_since_t *last);
static ngx_edge_cache_purge_t *ngx_edge_cache_purges_set(
    ngx_edge_cache_purges_t *purges, uint64_t tenant, uint64_t module);
static ngx_edge_cache_since_t *ngx_edge_cache_purges_way(
    ngx_edge_cache_purges_t *purges, const ngx_edge_cache_label_t *label);
static void ngx_edge_cache_purges_max(ngx_edge_cache_since_t *since,
    const ngx_edge_cache_since_t *other);


size_t
ngx_edge_cache_purges_size(ngx_uint_t sets)
{
    return sets * NGX_EDGE_CACHE_PURGES_WAYS * sizeof(ngx_edge_cache_purge_t);
}


void
ngx_edge_cache_purges_init(ngx_edge_cache_purges_t *purges,
    ngx_shmtx_t *mutex, ngx_uint_t sets, void *ways)
{
    purges->mutex = mutex;
    purges->sets = sets;
    purges->purge = ways;
    purges->next = ngx_current_msec;
    purges->deadline = ngx_current_msec;
}


ngx_uint_t
ngx_edge_cache_purges_reader(ngx_edge_cache_purges_t *purges)
{
    ngx_uint_t  reader;

    ngx_shmtx_lock(purges->mutex);

    reader = ++purges->readers;
    purges->next = ngx_current_msec;

    ngx_shmtx_unlock(purges->mutex);

    return reader;
}


void
ngx_edge_cache_purges_now(ngx_edge_cache_purges_t *purges, ngx_uint_t reader,
    ngx_edge_cache_since_t *since)
{
    ngx_shmtx_lock(purges->mutex);

    since->mark = purges->mark;
    since->position = (purges->ready == reader) ? purges->top : 0;

    ngx_shmtx_unlock(purges->mutex);
}


ngx_uint_t
ngx_edge_cache_purges_past(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_uint_t mark)
{
    ngx_edge_cache_since_t  last;

    ngx_edge_cache_purges_last(purges, label, &last);

    return last.mark > mark;
}


ngx_uint_t
ngx_edge_cache_purges_gone(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_uint_t *mark)
{
    if (ngx_edge_cache_purges_past(purges, label, *mark)) {
        return 1;
    }

    *mark = purges->mark;

    return 0;
}


ngx_uint_t
ngx_edge_cache_purges_past_shared(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, uint64_t position)
{
    ngx_edge_cache_since_t  last;

    ngx_shmtx_lock(purges->mutex);

    ngx_edge_cache_purges_last(purges, label, &last);

    ngx_shmtx_unlock(purges->mutex);

    return last.position > position;
}


/* The last of those that an entry of this label falls under. */

static void
ngx_edge_cache_purges_last(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_edge_cache_since_t *last)
{
    ngx_uint_t               i, n;
    ngx_edge_cache_label_t   of[3];
    ngx_edge_cache_purge_t  *p;

    *last = purges->all;

    of[0] = *label;
    of[1].tenant = label->tenant;
    of[1].module = 0;
    of[2].tenant = 0;
    of[2].module = label->module;

    for (i = 0; i < 3; i++) {

        p = ngx_edge_cache_purges_set(purges, of[i].tenant, of[i].module);

        for (n = 0; n < NGX_EDGE_CACHE_PURGES_WAYS; n++, p++) {

            if (p->last.mark
                && p->label.tenant == of[i].tenant
                && p->label.module == of[i].module)
            {
                ngx_edge_cache_purges_max(last, &p->last);
            }
        }
    }
}


static ngx_edge_cache_purge_t *
ngx_edge_cache_purges_set(ngx_edge_cache_purges_t *purges, uint64_t tenant,
    uint64_t module)
{
    uint64_t  h;

    h = (tenant * 0x9e3779b97f4a7c15ULL + module) * 0xd6e8feb86659fd93ULL;

    return &purges->purge[(h >> 32) % purges->sets
                          * NGX_EDGE_CACHE_PURGES_WAYS];
}


void
ngx_edge_cache_purges_add(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, uint64_t position)
{
    ngx_edge_cache_since_t  *last;

    ngx_shmtx_lock(purges->mutex);

    last = ngx_edge_cache_purges_way(purges, label);

    if (position == 0 || position > last->position) {
        last->mark = ++purges->mark;
        last->position = ngx_max(last->position, position);
    }

    ngx_shmtx_unlock(purges->mutex);
}


/* Where the last purge of the label is noted. */

static ngx_edge_cache_since_t *
ngx_edge_cache_purges_way(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label)
{
    ngx_uint_t               i;
    ngx_edge_cache_purge_t  *p, *oldest;

    if (label->tenant == 0 && label->module == 0) {
        return &purges->all;
    }

    p = ngx_edge_cache_purges_set(purges, label->tenant, label->module);
    oldest = p;

    for (i = 0; i < NGX_EDGE_CACHE_PURGES_WAYS; i++, p++) {

        if (p->last.mark
            && p->label.tenant == label->tenant
            && p->label.module == label->module)
        {
            return &p->last;
        }

        if (p->last.mark < oldest->last.mark) {
            oldest = p;
        }
    }

    ngx_edge_cache_purges_max(&purges->all, &oldest->last);

    oldest->label = *label;
    oldest->last.mark = 0;
    oldest->last.position = 0;

    return &oldest->last;
}


static void
ngx_edge_cache_purges_max(ngx_edge_cache_since_t *since,
    const ngx_edge_cache_since_t *other)
{
    since->mark = ngx_max(since->mark, other->mark);
    since->position = ngx_max(since->position, other->position);
}


void
ngx_edge_cache_purges_from(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, uint64_t *from, uint64_t *top,
    ngx_edge_cache_label_t *label)
{
    ngx_shmtx_lock(purges->mutex);

    *from = (purges->ready == reader) ? purges->top : 0;
    *top = purges->top;
    *label = purges->newest;

    ngx_shmtx_unlock(purges->mutex);
}


ngx_uint_t
ngx_edge_cache_purges_read(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, const ngx_edge_cache_label_t *label, uint64_t position,
    ngx_msec_t sent, ngx_msec_t blind)
{
    ngx_uint_t  told;

    ngx_shmtx_lock(purges->mutex);

    told = purges->told;

    /* answers of two workers come in any order */

    if (position && position >= purges->top) {
        purges->newest = *label;
    }

    purges->top = ngx_max(purges->top, position);
    purges->ready = reader;
    purges->told = 0;

    if ((ngx_msec_int_t) (sent + blind - purges->deadline) > 0) {
        purges->deadline = sent + blind;
    }

    ngx_shmtx_unlock(purges->mutex);

    return told;
}


ngx_uint_t
ngx_edge_cache_purges_failed(ngx_edge_cache_purges_t *purges)
{
    ngx_uint_t  told;

    ngx_shmtx_lock(purges->mutex);

    told = purges->told;
    purges->told = 1;

    ngx_shmtx_unlock(purges->mutex);

    return !told;
}


ngx_uint_t
ngx_edge_cache_purges_turn(ngx_edge_cache_purges_t *purges, ngx_uint_t reader,
    ngx_uint_t able, ngx_msec_t blind, ngx_msec_t *wait, ngx_uint_t *gone)
{
    ngx_msec_t  now;
    ngx_uint_t  ask;

    now = ngx_current_msec;

    ngx_shmtx_lock(purges->mutex);

    *gone = 0;

    if ((ngx_msec_int_t) (now - purges->deadline) >= 0) {

        *gone = (purges->ready && !purges->told);
        purges->told |= *gone;

        purges->all.mark = ++purges->mark;
        purges->deadline = now + blind / 2;
        purges->ready = 0;
    }

    *wait = (purges->ready == reader) ? NGX_EDGE_CACHE_PURGES_EVERY
                                      : NGX_EDGE_CACHE_PURGES_SOON;

    ask = (able && (ngx_msec_int_t) (now - purges->next) >= 0);

    if (ask) {
        purges->next = now + *wait;
    }

    ngx_shmtx_unlock(purges->mutex);

    return ask;
}
