
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What Redis' answer decides, and when a client who was refused may come
 * again.  Nothing that comes from the wire is believed because it has the
 * right shape: a pass that the counts in the same answer do not allow is no
 * answer, and all numbers made of one have bounds.
 */


#ifndef _NGX_EDGE_LIMIT_DECISION_H_INCLUDED_
#define _NGX_EDGE_LIMIT_DECISION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "limit/ngx_edge_limit_local.h"
#include "redis/ngx_edge_redis.h"


/* Units of a lease that Redis has charged. */
typedef struct {
    int64_t  units;
    int64_t  ahead;            /* of tat, behind the charge */
    int64_t  born;             /* the charge, by Redis' clock */
} ngx_edge_limit_grant_t;


/*
 * Reads the reply to a take of least to most units into the cells that are
 * not held, whose times then are those of now.  Gives the units taken; 0:
 * refused, wait says by which; NGX_ERROR: this is no answer, and the cells are
 * as they were.
 */
int64_t ngx_edge_limit_decision_read(ngx_edge_limit_cell_t *cell,
    ngx_uint_t n, int64_t now, int64_t least, int64_t most,
    const ngx_edge_redis_reply_t *reply);

/* The reply to who asked for units of a lease of that rate; NGX_ERROR: this is
 * no answer. */
ngx_int_t ngx_edge_limit_decision_granted(const ngx_edge_gcra_t *gcra,
    int64_t units, const ngx_edge_redis_reply_t *reply,
    ngx_edge_limit_grant_t *grant);

/* Seconds, 1 or more, until none of the cells that refused would do so any
 * more; 0: one of them always will. */
time_t ngx_edge_limit_decision_retry(const ngx_edge_limit_cell_t *cell,
    ngx_uint_t n);


#endif /* _NGX_EDGE_LIMIT_DECISION_H_INCLUDED_ */
