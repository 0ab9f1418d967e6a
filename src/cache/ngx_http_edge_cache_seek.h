
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding an entry, and going for it alone: first the zone, then its Redis;
 * if it is in neither, one request of all workers, and of all instances that
 * share the Redis, goes to make it and the others wait.
 *
 *     get -> OK                     bytes of the entry
 *            AGAIN, wake, get ...   Redis was asked
 *            DECLINED -> lead -> OK         go: begin, then put or end
 *                                AGAIN, wake, get ...   somebody else goes
 *
 * The seeker is a part of its owner's context in r->pool.  Whatever Redis
 * does, no wait is longer than the time given, and none of it fails the
 * request.
 */


#ifndef _NGX_HTTP_EDGE_CACHE_SEEK_H_INCLUDED_
#define _NGX_HTTP_EDGE_CACHE_SEEK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_edge_cache_l1.h"
#include "cache/ngx_http_edge_cache_api.h"
#include "redis/ngx_edge_redis.h"


#define NGX_HTTP_EDGE_CACHE_TOKEN  16      /* digits of a lock's token */
#define NGX_HTTP_EDGE_CACHE_ASKS   2       /* a Vary, and a variant */
#define NGX_HTTP_EDGE_CACHE_HEAD   8       /* bytes that tell two entries of a
                                              key apart: their checksum */


/* What Redis has said, whether or not the zone has taken it. */
typedef struct {
    u_char                         key[NGX_EDGE_CACHE_KEY];
    ngx_edge_cache_entry_t         found;
    u_char                         head[NGX_HTTP_EDGE_CACHE_HEAD];
    size_t                         size;   /* of head; 0: it had nothing */

    unsigned                       heard:1;
    unsigned                       far:1;  /* it has it: found */
} ngx_http_edge_cache_asked_t;


/* What it takes to wait, or to go: most requests do neither. */
typedef struct {
    ngx_event_t                    timer;
    ngx_edge_redis_cmd_t           cmd;
    ngx_msec_t                     until;  /* to wait; 0: not yet */
    uint64_t                       flight; /* token; 0: not ours */
    u_char                         token[NGX_HTTP_EDGE_CACHE_TOKEN];
} ngx_http_edge_cache_errand_t;


typedef struct {
    /* set by the owner */
    ngx_http_request_t            *request;
    ngx_http_edge_cache_zone_t    *zone;
    ngx_http_edge_cache_wake_pt    wake;   /* calls get again */
    void                          *data;
    ngx_msec_t                     wait;   /* for somebody else, ms */
    ngx_edge_cache_label_t         label;
    u_char                         key[NGX_EDGE_CACHE_KEY];

    /* private, but for the entry's position */
    ngx_edge_cache_since_t         since;

    ngx_http_edge_cache_asked_t   *ask;    /* NULL until Redis is */
    ngx_uint_t                     asked;  /* of them; the last may wait */
    ngx_http_edge_cache_errand_t  *errand; /* NULL until there is one */

    unsigned                       impatient:1;    /* the owner's: it has
                                                      something meanwhile */
    unsigned                       locking:1;  /* asked for, no answer */
    unsigned                       locked:1;   /* its lock is ours */
    unsigned                       lockless:1; /* or not to be had */
    unsigned                       waited:1;   /* for somebody else */
} ngx_http_edge_cache_seek_t;


/* The entry stored under key, checked, in r->pool; it may have expired.
 * NGX_OK, NGX_DECLINED, NGX_AGAIN, NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_seek_get(ngx_http_edge_cache_seek_t *seek,
    const u_char *key, ngx_edge_cache_entry_t *e);

/* The errand, made on the first call; NULL: no memory. */
ngx_http_edge_cache_errand_t *ngx_http_edge_cache_seek_errand(
    ngx_http_edge_cache_seek_t *seek);

/* NGX_OK: the entry of seek->key is ours to make; NGX_AGAIN. */
ngx_int_t ngx_http_edge_cache_seek_lead(ngx_http_edge_cache_seek_t *seek);

/* What will be stored is asked for now: purges from now on are over it. */
void ngx_http_edge_cache_seek_begin(ngx_http_edge_cache_seek_t *seek);

/* Stores bytes that are of use for ttl seconds. */
void ngx_http_edge_cache_seek_put(ngx_http_edge_cache_seek_t *seek,
    const u_char *key, const ngx_str_t *data, time_t ttl);

/* Takes an entry away. */
void ngx_http_edge_cache_seek_remove(ngx_http_edge_cache_seek_t *seek);

/* Ends it, whatever its state: wake is not called any more, and the next one
 * may go; open > 0: for so many ms nobody waits for this key. */
void ngx_http_edge_cache_seek_end(ngx_http_edge_cache_seek_t *seek,
    ngx_msec_t open);


#endif /* _NGX_HTTP_EDGE_CACHE_SEEK_H_INCLUDED_ */
