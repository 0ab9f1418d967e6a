
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The part of nginx's core that pure code calls, rebuilt on malloc() so that
 * a unit runs without nginx and a sanitizer sees every block.  Behaviour is
 * nginx's; speed and memory layout are not.  What a test may turn:
 */


#ifndef _NGX_STUB_H_INCLUDED_
#define _NGX_STUB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* A log that prints to stderr; log_level is NGX_LOG_ERR unless changed. */
extern ngx_log_t   ngx_stub_log;

/* Log lines of any level since the start, and the text of the last one. */
extern ngx_uint_t  ngx_stub_log_lines;
extern u_char      ngx_stub_log_last[1024];

/*
 * Allocations (pool, heap and slab alike) left to succeed: after that each
 * one returns NULL.  -1, the start value, means no limit.  Use it to walk a
 * function through each of its out-of-memory paths.
 */
extern ngx_int_t   ngx_stub_alloc_budget;

/* Called by every allocation from a slab pool, with its lock held. */
extern void      (*ngx_stub_slab_hook)(void);

/* Bytes a slab pool may still hand out; frees give back.  -1: no limit. */
extern ssize_t     ngx_stub_slab_budget;

/* Slab blocks in use, and their bytes. */
extern ngx_uint_t  ngx_stub_slab_blocks;
extern size_t      ngx_stub_slab_bytes;

/*
 * Depth of ngx_shmtx_lock(), over all mutexes.  Locking twice, unlocking
 * what is not locked, and calling ngx_slab_*_locked() without or
 * ngx_slab_*() with the lock aborts, as it would hang or corrupt in nginx.
 * Aborting stays off until a pool was made by ngx_stub_shpool().
 */
extern ngx_int_t   ngx_stub_lock_depth;


/* Sets what ngx_time(), ngx_timeofday() and ngx_current_msec return. */
void ngx_stub_set_time(time_t sec, ngx_msec_t msec);

/* Moves the clock of ngx_stub_set_time() forward. */
void ngx_stub_advance(ngx_msec_t msec);

/* A slab pool to hand to code under test; free with ngx_stub_shpool_free. */
ngx_slab_pool_t *ngx_stub_shpool(void);
void ngx_stub_shpool_free(ngx_slab_pool_t *shpool);

/* Frees what slab pools have given and did not get back: code under test may
 * keep it for good. */
void ngx_stub_slab_clear(ngx_slab_pool_t *shpool);

/* 1 if the next allocation may succeed; counts it. Used by the stub's parts. */
ngx_int_t ngx_stub_alloc_allowed(void);


#endif /* _NGX_STUB_H_INCLUDED_ */
