
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which purges a zone has seen, in the zone.  A purge does not look for what
 * it takes away: it leaves a mark, and whoever finds an entry compares.  So it
 * costs the same in a zone of any size, and an entry that is stored late is
 * seen to be of before it.
 *
 * There are two counts.  The mark is the zone's own: it grows with every purge
 * that comes to be known here, wherever it was made, and tells old entries of
 * the zone.  The position is shared: microseconds of the clock of the Redis
 * that the instances share, and tells old entries there.
 *
 * A purge is of a tenant, of a module, of a module of a tenant, or of all.
 * They are kept in sets of a few ways; one that is crowded out of its set
 * becomes one of all, which costs entries and never keeps one that was purged.
 *
 * Who does not hear of purges for too long may keep entries that others have
 * purged; so from then on all that is older than half of that time goes, again
 * and again, and what Redis has is not used, until it hears again.
 *
 * A reader is what a configuration asks with: over a reload the Redis may be
 * another one, and for a while the workers of both ask.  What one has read
 * says nothing of the other's.
 *
 * Every function but past and gone takes the zone's lock itself.
 */


#ifndef _NGX_EDGE_CACHE_PURGES_H_INCLUDED_
#define _NGX_EDGE_CACHE_PURGES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* What an entry can be purged by: digests of names, 0 where there is none. */
typedef struct {
    uint64_t                  tenant;
    uint64_t                  module;
} ngx_edge_cache_label_t;


/* What was known when an entry's making began. */
typedef struct {
    ngx_uint_t                mark;
    uint64_t                  position;    /* 0: not known, nothing of Redis
                                              may be used */
} ngx_edge_cache_since_t;


/* The last purge of a label. */
typedef struct {
    ngx_edge_cache_label_t    label;
    ngx_edge_cache_since_t    last;        /* mark 0: a free way; position 0:
                                              only of this zone */
} ngx_edge_cache_purge_t;


typedef struct {
    ngx_shmtx_t              *mutex;
    ngx_uint_t                mark;        /* the last one's */
    ngx_edge_cache_since_t    all;
    ngx_uint_t                sets;
    ngx_edge_cache_purge_t   *purge;

    /* of a zone with a Redis */
    uint64_t                  top;         /* greatest position seen */
    ngx_edge_cache_label_t    newest;      /* of it, if ready */
    ngx_uint_t                readers;     /* so many there were */
    ngx_msec_t                next;        /* when to ask again */
    ngx_msec_t                deadline;    /* blind from then on */
    ngx_uint_t                ready;       /* the reader that knows all up
                                              to top; 0: none */
    ngx_uint_t                told;        /* of a failure, in the log */
} ngx_edge_cache_purges_t;


/* Bytes of the ways; and the table in zeroed memory that has them at ways. */
size_t ngx_edge_cache_purges_size(ngx_uint_t sets);
void ngx_edge_cache_purges_init(ngx_edge_cache_purges_t *purges,
    ngx_shmtx_t *mutex, ngx_uint_t sets, void *ways);

/* A new reader's number.  What another one is doing goes on. */
ngx_uint_t ngx_edge_cache_purges_reader(ngx_edge_cache_purges_t *purges);

void ngx_edge_cache_purges_now(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, ngx_edge_cache_since_t *since);

/* Whether what was begun at the mark was purged since; with the lock held. */
ngx_uint_t ngx_edge_cache_purges_past(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_uint_t mark);

/* The same for an entry of the zone: if it was not, it is as good as new. */
ngx_uint_t ngx_edge_cache_purges_gone(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, ngx_uint_t *mark);

/* The same for the position of an entry in Redis. */
ngx_uint_t ngx_edge_cache_purges_past_shared(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, uint64_t position);

/* A purge; position 0: of this zone alone.  One that is known changes
 * nothing. */
void ngx_edge_cache_purges_add(ngx_edge_cache_purges_t *purges,
    const ngx_edge_cache_label_t *label, uint64_t position);

/* From where to read, and how far Redis has to know; if from is not 0, label
 * is that of the purge there. */
void ngx_edge_cache_purges_from(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, uint64_t *from, uint64_t *top,
    ngx_edge_cache_label_t *label);

/* All up to this purge, or nothing new (position 0), was read by an answer to
 * what was sent at that time.  1: a failure was told of before. */
ngx_uint_t ngx_edge_cache_purges_read(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, const ngx_edge_cache_label_t *label, uint64_t position,
    ngx_msec_t sent, ngx_msec_t blind);

/* It could not be read.  1: this is to be told. */
ngx_uint_t ngx_edge_cache_purges_failed(ngx_edge_cache_purges_t *purges);

/* Called again by every worker after *wait; 1: this worker, which is able to,
 * asks now.  *gone is 1 if the zone has become blind. */
ngx_uint_t ngx_edge_cache_purges_turn(ngx_edge_cache_purges_t *purges,
    ngx_uint_t reader, ngx_uint_t able, ngx_msec_t blind, ngx_msec_t *wait,
    ngx_uint_t *gone);


#endif /* _NGX_EDGE_CACHE_PURGES_H_INCLUDED_ */
