
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of corpora, in a zone: sets of a few ways.
 *
 * Without others a version is made here, and one that is crowded out of its
 * set never comes back: what was made of it is made anew.  With others, who
 * share versions, theirs are numbers that only grow; what is less than one that
 * was known is of before it, however late it is read, or however far the
 * others' memory was set back.  A version made here then has a bit that theirs
 * never have, and waits until the others were told of the change; such a way
 * is crowded out by another change only.
 *
 * Times are of ngx_current_msec; that of a shared version is when the others
 * were asked, not when they answered.
 *
 * Every function takes the zone's lock itself.
 */


#ifndef _NGX_EDGE_CACHE_VERSIONS_H_INCLUDED_
#define _NGX_EDGE_CACHE_VERSIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_edge_cache_version_s  ngx_edge_cache_version_t;


typedef struct {
    ngx_shmtx_t               *mutex;
    uint64_t                   counter;    /* only grows */
    ngx_uint_t                 sets;
    ngx_edge_cache_version_t  *version;
} ngx_edge_cache_versions_t;


#define NGX_EDGE_CACHE_SHARED_MAX  ((uint64_t) 1 << 53)   /* all are below */


typedef struct {
    uint64_t                   version;
    uint64_t                   shared;     /* the greatest known; 0: none */
    ngx_msec_t                 time;       /* when it was so */
    ngx_uint_t                 untold;     /* the version is one of here */
} ngx_edge_cache_known_t;


/* Bytes of the ways; and the table in zeroed memory that has them at ways. */
size_t ngx_edge_cache_versions_size(ngx_uint_t sets);
void ngx_edge_cache_versions_init(ngx_edge_cache_versions_t *versions,
    ngx_shmtx_t *mutex, ngx_uint_t sets, void *ways);

/* The version of what id names; one that is not known gets a new one. */
uint64_t ngx_edge_cache_version(ngx_edge_cache_versions_t *versions,
    uint64_t id);

/* Gives it a version it never had, of which others, if there are any, are to be
 * told; salt is random, so that no other zone comes to the same. */
void ngx_edge_cache_version_bump(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t salt, ngx_uint_t others, ngx_msec_t now,
    ngx_edge_cache_known_t *known);

/* 1, or 0 if it is not known; never makes one up. */
ngx_uint_t ngx_edge_cache_version_look(ngx_edge_cache_versions_t *versions,
    uint64_t id, ngx_edge_cache_known_t *known);

/* What the others had when they were asked, unless they are to be told of a
 * change, or it is less than what was known. */
void ngx_edge_cache_version_learn(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t shared, ngx_msec_t asked);

/* They have had this one since they were told of the change that made was. */
void ngx_edge_cache_version_told(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t was, uint64_t shared, ngx_msec_t asked);

/* Whether they still have to be told of it; 0 if a newer change is told. */
ngx_uint_t ngx_edge_cache_version_due(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t was);


#endif /* _NGX_EDGE_CACHE_VERSIONS_H_INCLUDED_ */
