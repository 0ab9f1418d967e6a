
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A source of keys by URL, for the files that make one up: its parameters, its
 * shared state, and what a process has of it.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_URL_SOURCE_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_URL_SOURCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "auth/ngx_edge_keyset.h"
#include "auth/ngx_http_edge_auth_url.h"
#include "auth/ngx_http_edge_auth_url_state.h"
#include "fetch/ngx_edge_fetch.h"


/* Keys of one version, in a pool of their own. */
typedef struct ngx_http_edge_auth_url_set_s  ngx_http_edge_auth_url_set_t;

struct ngx_http_edge_auth_url_set_s {
    ngx_pool_t                      *pool;
    ngx_edge_keyset_t               *keys;
    ngx_uint_t                       version;
    ngx_http_edge_auth_url_set_t    *next;      /* of those to be freed */
};


struct ngx_http_edge_auth_url_s {
    ngx_str_t                        url;       /* ended by NUL */
    ngx_str_t                        ca;        /* likewise; empty: none */
    ngx_msec_t                       refresh;
    ngx_msec_t                       cooldown;
    ngx_msec_t                       timeout;

    ngx_http_edge_auth_url_state_t   state;     /* set by init_zone */

    /* of this process */
    ngx_edge_fetch_t                 fetch;
    ngx_event_t                      timer;     /* up to the next fetch */
    ngx_event_t                      sweep;     /* posted while old is not
                                                   NULL */
    ngx_http_edge_auth_url_set_t    *set;       /* in use; NULL: none yet */
    ngx_http_edge_auth_url_set_t    *old;       /* not in use any more */
    unsigned                         started:1; /* by init process */
    unsigned                         fetching:1;
};


/* The source that a shared zone belongs to; NULL: the zone is another's. */
ngx_http_edge_auth_url_t *ngx_http_edge_auth_url_of_zone(ngx_shm_zone_t *zone);

/* Parses the text in force, as the set to use from now on.  If it cannot be,
 * for want of memory, the old set stays. */
void ngx_http_edge_auth_url_set_load(ngx_http_edge_auth_url_t *url);

/*
 * Whether text makes a set: how many keys are usable, 0 if not.  Says why not
 * at level, and at the level of warnings what is wrong with single keys;
 * nothing at all if "again" is set and it does not: that was said before.
 */
ngx_uint_t ngx_http_edge_auth_url_set_check(ngx_http_edge_auth_url_t *url,
    ngx_str_t *text, ngx_uint_t level, ngx_uint_t again);

/* Frees all sets of this process. */
void ngx_http_edge_auth_url_set_end(ngx_http_edge_auth_url_t *url);


#endif /* _NGX_HTTP_EDGE_AUTH_URL_SOURCE_H_INCLUDED_ */
