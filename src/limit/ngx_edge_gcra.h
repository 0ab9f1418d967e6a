
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The arithmetic of a limit, the generic cell rate algorithm.  All that is
 * kept of a key is one time, tat: when the allowance will be full again.  A
 * unit that passes moves it on by the time in which one unit flows back; what
 * would move it further than tau ahead of now does not pass.
 *
 * Times are microseconds of any one clock.  Every result is rounded so that
 * no more passes than was promised.  Sums stop at NGX_EDGE_GCRA_MAX, which a
 * double (and so a script in Redis) holds exactly.
 */


#ifndef _NGX_EDGE_GCRA_H_INCLUDED_
#define _NGX_EDGE_GCRA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "limit/ngx_edge_rate.h"


#define NGX_EDGE_GCRA_MAX  ((int64_t) 1 << 52)    /* 142 years */


typedef struct {
    int64_t      limit;        /* units that flow back in a window */
    int64_t      window;       /* microseconds */
    int64_t      tau;          /* of a full allowance */
} ngx_edge_gcra_t;


typedef struct {
    int64_t      remaining;    /* units that would pass now */
    int64_t      more;         /* time until it is one more; 0: it is full */
    int64_t      reset;        /* time until it is full */
} ngx_edge_gcra_view_t;


/* burst units pass at once from a full allowance; 0: the rate's number. */
void ngx_edge_gcra_init(ngx_edge_gcra_t *g, const ngx_edge_rate_t *rate,
    int64_t burst);

/* The time that n units take. */
int64_t ngx_edge_gcra_cost(const ngx_edge_gcra_t *g, int64_t n);

/* 0: n units pass; else the time until they would, negative: never. */
int64_t ngx_edge_gcra_wait(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    int64_t n);

/* The new tat after n units were used, whether they fitted or not. */
int64_t ngx_edge_gcra_charge(const ngx_edge_gcra_t *g, int64_t tat,
    int64_t now, int64_t n);

/* The new tat when n units that were charged have not been used. */
int64_t ngx_edge_gcra_refund(const ngx_edge_gcra_t *g, int64_t tat,
    int64_t now, int64_t n);

void ngx_edge_gcra_view(const ngx_edge_gcra_t *g, int64_t tat, int64_t now,
    ngx_edge_gcra_view_t *view);


#endif /* _NGX_EDGE_GCRA_H_INCLUDED_ */
