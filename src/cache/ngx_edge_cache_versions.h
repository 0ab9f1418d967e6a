
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of corpora, in a zone: sets of a few ways.  One that is crowded out
 * of its set is forgotten, and never comes back: what was made of it is made
 * anew.
 *
 * Times are of ngx_current_msec.  That of a version which others have too is
 * when they were asked, not when they answered.  And what they answer counts
 * only if the version is still the one it was when they were asked: an answer
 * that is read late brings back nothing old.
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


/* A version that is shared with others, once they have it. */
typedef struct {
    uint64_t                   version;
    uint64_t                   offer;      /* what they are told in its place;
                                              0: it is theirs */
    ngx_msec_t                 time;       /* when it was so */
} ngx_edge_cache_known_t;


/* Bytes of the ways; and the table in zeroed memory that has them at ways. */
size_t ngx_edge_cache_versions_size(ngx_uint_t sets);
void ngx_edge_cache_versions_init(ngx_edge_cache_versions_t *versions,
    ngx_shmtx_t *mutex, ngx_uint_t sets, void *ways);

/* The version of what id names; one that is not known gets a new one. */
uint64_t ngx_edge_cache_version(ngx_edge_cache_versions_t *versions,
    uint64_t id);

/* Gives it a version it never had, and one to be offered to the others; salt
 * is random, so that no other zone comes to the same. */
void ngx_edge_cache_version_bump(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t salt, ngx_msec_t now,
    ngx_edge_cache_known_t *known);

/* Another one to be offered; 0: it was taken, or there is a newer version. */
uint64_t ngx_edge_cache_version_again(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t was, uint64_t salt);

/* What is known of it: 1, or 0 if it is not; never makes one up. */
ngx_uint_t ngx_edge_cache_version_look(ngx_edge_cache_versions_t *versions,
    uint64_t id, ngx_edge_cache_known_t *known);

/* What the others had when they were asked, where it was known as was, 0 if it
 * was not; nothing if there is one on offer. */
void ngx_edge_cache_version_learn(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t was, uint64_t version, ngx_msec_t asked);

/* The others have this version since they were asked, in place of what it was
 * here; nothing if that is not the version any more. */
void ngx_edge_cache_version_told(ngx_edge_cache_versions_t *versions,
    uint64_t id, uint64_t was, uint64_t version, ngx_msec_t asked);


#endif /* _NGX_EDGE_CACHE_VERSIONS_H_INCLUDED_ */
