
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries in shared memory: a table of nodes by key, each with a chain of
 * chunks, all of one size, so that what one entry gives back another can use
 * and nothing fragments.  When the zone is full, of a few the one goes that was
 * used least recently.  An entry is linked when it is whole.
 *
 * In the same zone, of fixed size, so that a full zone leaves them working:
 * the flights (who fetches a key now, and which keys are not worth waiting
 * for), and the versions of corpora.  Both are sets of a few ways; what is
 * crowded out of its set is forgotten, which costs a second fetch, or answers
 * that are made anew.
 *
 * Knows no request.  Every function takes the zone's lock itself, and nothing
 * else happens under it but that a hit takes memory of its pool.
 */


#ifndef _NGX_EDGE_CACHE_L1_H_INCLUDED_
#define _NGX_EDGE_CACHE_L1_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "cache/ngx_edge_cache_entry.h"
#include "cache/ngx_edge_cache_purges.h"
#include "cache/ngx_edge_cache_versions.h"


#define NGX_EDGE_CACHE_L1_MAX  32768       /* bytes of an entry */


typedef struct ngx_edge_cache_l1_s  ngx_edge_cache_l1_t;


typedef enum {
    ngx_edge_cache_flight_mine = 0,    /* go; end it with flight_end */
    ngx_edge_cache_flight_other,       /* somebody is on the way */
    ngx_edge_cache_flight_free         /* go; there is nothing to end */
} ngx_edge_cache_flight_e;


/* Makes the table in an empty zone of that size, of which it takes all; NULL:
 * too small.  Turns off the slab's log line about a full zone. */
ngx_edge_cache_l1_t *ngx_edge_cache_l1_create(ngx_slab_pool_t *pool,
    size_t size);

/* Copies the bytes stored under key to memory of pool, and makes the entry
 * the most recent.  NGX_OK; NGX_DECLINED: there is none; NGX_ERROR. */
ngx_int_t ngx_edge_cache_l1_get(ngx_edge_cache_l1_t *l1, const u_char *key,
    ngx_pool_t *pool, ngx_str_t *data);

/* Stores or replaces what was begun at the mark.  NGX_OK; NGX_DECLINED: too
 * large, no room, or purged since. */
ngx_int_t ngx_edge_cache_l1_put(ngx_edge_cache_l1_t *l1, const u_char *key,
    const ngx_edge_cache_label_t *label, ngx_uint_t mark, const u_char *data,
    size_t size);

void ngx_edge_cache_l1_remove(ngx_edge_cache_l1_t *l1, const u_char *key);

/* The purges that the zone has seen, and its versions of corpora. */
ngx_edge_cache_purges_t *ngx_edge_cache_l1_purges(ngx_edge_cache_l1_t *l1);
ngx_edge_cache_versions_t *ngx_edge_cache_l1_versions(ngx_edge_cache_l1_t *l1);

/* Removes the entries whose label has these digests (0: any), and those that
 * are being made; gives how many there were. */
ngx_uint_t ngx_edge_cache_l1_purge(ngx_edge_cache_l1_t *l1,
    const ngx_edge_cache_label_t *label);

/* Asks to fetch a key, for life ms; *token names the flight. */
ngx_edge_cache_flight_e ngx_edge_cache_flight_begin(ngx_edge_cache_l1_t *l1,
    const u_char *key, ngx_msec_t now, ngx_msec_t life, uint64_t *token);

/* Gives the flight life ms from now, if it is still the token's. */
void ngx_edge_cache_flight_renew(ngx_edge_cache_l1_t *l1, const u_char *key,
    uint64_t token, ngx_msec_t now, ngx_msec_t life);

/* Ends the flight if it is still the token's.  open > 0: nobody waits for
 * this key for so many ms, its answers cannot be stored. */
void ngx_edge_cache_flight_end(ngx_edge_cache_l1_t *l1, const u_char *key,
    uint64_t token, ngx_msec_t now, ngx_msec_t open);


#endif /* _NGX_EDGE_CACHE_L1_H_INCLUDED_ */
