
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The arithmetic of a lease: a slice of an allowance that is counted in
 * Redis, paid for there before it is used, and then used here without asking.
 *
 *   empty -> asked -> some units -> ... -> empty
 *                     (used, or given back when they are too old)
 *
 * A slice is as large as what the key uses here in a period, and never larger
 * than what the caller allows; a key that uses little has none.  At any time
 * no more than one slice is here or on its way: so much can pass later than
 * it was paid for, and nothing that was not.
 *
 * One policy of requests, of one key; all workers of an instance share it, the
 * caller holds the lock.  Times are microseconds of the clock of
 * ngx_edge_gcra.h, but for those called born, which are Redis' own.
 */


#ifndef _NGX_EDGE_LEASE_H_INCLUDED_
#define _NGX_EDGE_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "limit/ngx_edge_gcra.h"


#define NGX_EDGE_LEASE_PERIOD  200000  /* whose use a slice is for */
#define NGX_EDGE_LEASE_LIFE    1000000 /* of a slice that nobody renews */
#define NGX_EDGE_LEASE_LOST    1000000 /* a renewal takes no longer */
#define NGX_EDGE_LEASE_TOLD    1000000 /* a refusal is believed so long */


typedef struct {
    int64_t      window;       /* of the rate that it is for */
    int64_t      tau;

    int64_t      left;         /* units of the slice */
    int64_t      old;          /* of them those not of the last grant */
    int64_t      until;        /* they may be used */
    int64_t      born;         /* the last grant */
    int64_t      old_born;     /* the first grant that has any left */

    int64_t      tat;          /* as Redis told it, with the slice */
    int64_t      told;         /* when it did; 0: it is not known */

    int64_t      asked;        /* a renewal is under way since; 0: none */
    int64_t      want;         /* its units */

    int64_t      since;        /* use is counted */
    int64_t      used;
    int64_t      slice;        /* the size for that use */
} ngx_edge_lease_t;


void ngx_edge_lease_init(ngx_edge_lease_t *lease, const ngx_edge_gcra_t *g,
    int64_t now);

/* Whether it is for this rate; a lease that holds nothing becomes so. */
ngx_uint_t ngx_edge_lease_fits(ngx_edge_lease_t *lease,
    const ngx_edge_gcra_t *g, int64_t now);

/* 0: a unit is here; positive: there is none in Redis either, for so long;
 * negative: Redis knows. */
int64_t ngx_edge_lease_wait(const ngx_edge_lease_t *lease,
    const ngx_edge_gcra_t *g, int64_t now);

/* A unit was used, wherever it came from. */
void ngx_edge_lease_count(ngx_edge_lease_t *lease);

/* Takes a unit that is here; gives when it was born. */
int64_t ngx_edge_lease_take(ngx_edge_lease_t *lease);

/* The unit was not used after all.  Gives 0, or 1: it is to be given back to
 * Redis, because there are enough here. */
int64_t ngx_edge_lease_return(ngx_edge_lease_t *lease, int64_t born,
    int64_t now);

/* How many units are to be asked for now, 0: none.  The caller asks at once,
 * and names now when it tells of the end, by grant or failed. */
int64_t ngx_edge_lease_renew(ngx_edge_lease_t *lease, int64_t most,
    int64_t now);

/* Redis charged units at born, and has tat behind that.  Gives how many of
 * them are to be given back, because nobody waits for them any more. */
int64_t ngx_edge_lease_grant(ngx_edge_lease_t *lease, int64_t asked,
    int64_t units, int64_t born, int64_t tat, int64_t now);
void ngx_edge_lease_failed(ngx_edge_lease_t *lease, int64_t asked);

/* What Redis said when it was asked about a single request. */
void ngx_edge_lease_told(ngx_edge_lease_t *lease, int64_t tat, int64_t now);

/* The state of the allowance as it is known here: the units that are left of
 * the slice are no more spent than those of Redis. */
int64_t ngx_edge_lease_tat(const ngx_edge_lease_t *lease, int64_t now);

/* The units that are too old, and the birth of the oldest: they are to be
 * given back and are not here any more. */
int64_t ngx_edge_lease_expire(ngx_edge_lease_t *lease, int64_t now,
    int64_t *born);


#endif /* _NGX_EDGE_LEASE_H_INCLUDED_ */
