
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Leases in shared memory: the slices that the workers of one nginx have
 * together, each beside what ngx_edge_limit_local.h keeps of the same cell.
 * An entry that is evicted loses its slice and nothing else.
 *
 * Functions lock the zones of the cells they are given and log nothing; cells
 * come as for ngx_edge_limit_local_take().
 */


#ifndef _NGX_EDGE_LIMIT_LEASE_H_INCLUDED_
#define _NGX_EDGE_LIMIT_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "limit/ngx_edge_lease.h"
#include "limit/ngx_edge_limit_local.h"


/* What of a burst one instance may hold: the bound on what passes over. */
#define NGX_EDGE_LIMIT_PART  10


/*
 * Takes one unit of each cell that has a lease with one; those cells are held
 * then.  NGX_OK: all are; NGX_AGAIN: Redis is to be asked for one of each of
 * the others, and ..._done told; NGX_DECLINED: one has none in Redis either,
 * wait says which, and nothing is taken.  Where want is set behind it, the
 * caller asks Redis for a slice of so many, and tells ..._grant or ..._failed
 * with the same now.
 */
ngx_int_t ngx_edge_limit_lease_take(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now);

/* The end of NGX_AGAIN.  NGX_OK: the others were taken; NGX_DECLINED: they
 * were not; both with the tat that Redis told; NGX_ERROR: who knows.  If they
 * were not, no cell is held any more; want of those whose unit is to be given
 * back to Redis is 1, else 0. */
void ngx_edge_limit_lease_done(ngx_edge_limit_cell_t *cell, ngx_uint_t n,
    int64_t now, ngx_int_t rc);

/* The end of a renewal, and of a slice: as in ngx_edge_lease.h. */
int64_t ngx_edge_limit_lease_grant(ngx_edge_limit_cell_t *cell, int64_t asked,
    int64_t units, int64_t born, int64_t tat, int64_t now);
void ngx_edge_limit_lease_failed(ngx_edge_limit_cell_t *cell, int64_t asked);
int64_t ngx_edge_limit_lease_expire(ngx_edge_limit_cell_t *cell, int64_t now,
    int64_t *born);


#endif /* _NGX_EDGE_LIMIT_LEASE_H_INCLUDED_ */
