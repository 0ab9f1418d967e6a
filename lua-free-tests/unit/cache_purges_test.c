
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the table of purges: what falls under which, what is crowded out,
 * who asks when, and what becomes of a zone that hears nothing.
 */


/* sources: cache/ngx_edge_cache_purges.c */

#include "unit.h"
#include "cache/ngx_edge_cache_purges.h"


#define BLIND   10000
#define READER  1


static ngx_slab_pool_t          *pool;
static void                     *ways;
static ngx_edge_cache_purges_t   purges;


static void
open_table(ngx_uint_t sets)
{
    pool = ngx_stub_shpool();
    ways = calloc(1, ngx_edge_cache_purges_size(sets));
    memset(&purges, 0, sizeof(purges));
    ngx_edge_cache_purges_init(&purges, &pool->mutex, sets, ways);
}


static void
close_table(void)
{
    CHECK_INT(ngx_stub_lock_depth, 0);
    free(ways);
    ngx_stub_shpool_free(pool);
}


static void
add(uint64_t tenant, uint64_t module, uint64_t position)
{
    ngx_edge_cache_label_t  label;

    label.tenant = tenant;
    label.module = module;
    ngx_edge_cache_purges_add(&purges, &label, position);
}


static ngx_uint_t
past(uint64_t tenant, uint64_t module, ngx_uint_t mark)
{
    ngx_uint_t              rc;
    ngx_edge_cache_label_t  label;

    label.tenant = tenant;
    label.module = module;

    ngx_shmtx_lock(purges.mutex);
    rc = ngx_edge_cache_purges_past(&purges, &label, mark);
    ngx_shmtx_unlock(purges.mutex);

    return rc;
}


static ngx_uint_t
shared(uint64_t tenant, uint64_t module, uint64_t position)
{
    ngx_edge_cache_label_t  label;

    label.tenant = tenant;
    label.module = module;

    return ngx_edge_cache_purges_past_shared(&purges, &label, position);
}


static ngx_edge_cache_since_t
now(void)
{
    ngx_edge_cache_since_t  since;

    ngx_edge_cache_purges_now(&purges, READER, &since);

    return since;
}


static void
test_labels(void)
{
    open_table(16);

    CHECK_INT(past(1, 10, 0), 0);
    CHECK_INT(shared(1, 10, 0), 0);

    add(1, 10, 100);
    CHECK_INT(past(1, 10, 0), 1);
    CHECK_INT(past(1, 11, 0), 0);
    CHECK_INT(past(2, 10, 0), 0);
    CHECK_INT(past(10, 1, 0), 0);
    CHECK_INT(past(1, 10, now().mark), 0);
    CHECK_INT(shared(1, 10, 99), 1);
    CHECK_INT(shared(1, 10, 100), 0);
    CHECK_INT(shared(1, 11, 99), 0);

    add(2, 0, 200);
    CHECK_INT(past(2, 10, 0), 1);
    CHECK_INT(past(2, 99, 0), 1);
    CHECK_INT(past(3, 10, 0), 0);
    CHECK_INT(shared(2, 10, 199), 1);

    add(0, 11, 300);
    CHECK_INT(past(1, 11, 0), 1);
    CHECK_INT(past(3, 11, 0), 1);
    CHECK_INT(past(3, 12, 0), 0);

    /* of this zone alone: nothing of Redis is older for it */

    add(1, 10, 0);
    CHECK_INT(past(1, 10, 3), 1);
    CHECK_INT(shared(1, 10, 100), 0);

    add(0, 0, 400);
    CHECK_INT(past(7, 77, 4), 1);
    CHECK_INT(past(7, 77, 5), 0);
    CHECK_INT(shared(7, 77, 399), 1);

    close_table();
}


/* What is known is read again and changes nothing; an older one neither. */

static void
test_again(void)
{
    open_table(16);

    add(1, 0, 100);
    CHECK_INT(now().mark, 1);
    add(1, 0, 100);
    add(1, 0, 50);
    CHECK_INT(now().mark, 1);
    CHECK_INT(shared(1, 10, 99), 1);
    add(1, 0, 101);
    CHECK_INT(now().mark, 2);

    close_table();
}


/* More labels than ways: no purge is forgotten, the last ones stay apart. */

static void
test_crowded(void)
{
    ngx_uint_t  i;

    open_table(1);

    for (i = 1; i <= 10; i++) {
        add(i, 0, 100 * i);
    }

    for (i = 1; i <= 10; i++) {
        CHECK_INT(past(i, 10, i - 1), 1);
        CHECK_INT(shared(i, 10, 100 * i - 1), 1);
    }

    CHECK_INT(past(99, 10, 5), 1);          /* the sixth is one of all now */
    CHECK_INT(past(99, 10, 6), 0);
    CHECK_INT(shared(99, 10, 599), 1);
    CHECK_INT(shared(99, 10, 600), 0);

    close_table();
}


/* An answer whose last purge was of this tenant. */

static ngx_uint_t
heard(ngx_uint_t reader, uint64_t tenant, uint64_t position, ngx_msec_t sent)
{
    ngx_edge_cache_label_t  label;

    label.tenant = tenant;
    label.module = 0;

    return ngx_edge_cache_purges_read(&purges, reader, &label, position, sent,
                                      BLIND);
}


static void
test_positions(void)
{
    uint64_t                from, top;
    ngx_edge_cache_label_t  label;

    open_table(16);

    CHECK_INT(ngx_edge_cache_purges_reader(&purges), READER);
    ngx_edge_cache_purges_from(&purges, READER, &from, &top, &label);
    CHECK_INT(from, 0);
    CHECK_INT(top, 0);
    CHECK_INT(now().position, 0);

    CHECK_INT(heard(READER, 7, 100, ngx_current_msec), 0);
    CHECK_INT(now().position, 100);

    /* answers of two workers come in any order */

    CHECK_INT(heard(READER, 8, 90, ngx_current_msec), 0);
    CHECK_INT(heard(READER, 0, 0, ngx_current_msec), 0);
    ngx_edge_cache_purges_from(&purges, READER, &from, &top, &label);
    CHECK_INT(from, 100);
    CHECK_INT(top, 100);
    CHECK_INT(label.tenant, 7);
    CHECK_INT(label.module, 0);

    CHECK_INT(ngx_edge_cache_purges_failed(&purges), 1);
    CHECK_INT(ngx_edge_cache_purges_failed(&purges), 0);
    CHECK_INT(heard(READER, 8, 101, ngx_current_msec), 1);
    CHECK_INT(now().position, 101);
    ngx_edge_cache_purges_from(&purges, READER, &from, &top, &label);
    CHECK_INT(label.tenant, 8);

    close_table();
}


/* Over a reload, to another Redis: what the old workers still hear is not what
 * the new ones have to know, and they go on if the reload fails. */

static void
test_readers(void)
{
    uint64_t                from, top;
    ngx_edge_cache_since_t  since;
    ngx_edge_cache_label_t  label;

    open_table(16);

    CHECK_INT(ngx_edge_cache_purges_reader(&purges), READER);
    (void) heard(READER, 1, 100, ngx_current_msec);
    CHECK_INT(now().position, 100);

    CHECK_INT(ngx_edge_cache_purges_reader(&purges), READER + 1);
    CHECK_INT(now().position, 100);
    (void) heard(READER, 1, 200, ngx_current_msec);

    ngx_edge_cache_purges_now(&purges, READER + 1, &since);
    CHECK_INT(since.position, 0);
    ngx_edge_cache_purges_from(&purges, READER + 1, &from, &top, &label);
    CHECK_INT(from, 0);
    CHECK_INT(top, 200);

    (void) heard(READER + 1, 2, 300, ngx_current_msec);
    ngx_edge_cache_purges_now(&purges, READER + 1, &since);
    CHECK_INT(since.position, 300);
    CHECK_INT(now().position, 0);

    close_table();
}


static ngx_uint_t
turn(ngx_uint_t able, ngx_uint_t *gone)
{
    ngx_msec_t  wait;

    return ngx_edge_cache_purges_turn(&purges, READER, able, BLIND, &wait,
                                      gone);
}


/* One of the workers asks; one that cannot leaves it to another. */

static void
test_turns(void)
{
    ngx_msec_t  wait;
    ngx_uint_t  gone;

    open_table(16);

    CHECK_INT(turn(0, &gone), 0);
    CHECK_INT(turn(1, &gone), 1);
    CHECK_INT(turn(1, &gone), 0);

    (void) heard(READER, 1, 100, ngx_current_msec);

    ngx_stub_advance(1000);
    CHECK_INT(ngx_edge_cache_purges_turn(&purges, READER, 1, BLIND, &wait,
                                         &gone), 1);
    CHECK_INT(wait, 500);
    ngx_stub_advance(499);
    CHECK_INT(turn(1, &gone), 0);
    ngx_stub_advance(1);
    CHECK_INT(turn(1, &gone), 1);
    CHECK_INT(gone, 0);

    close_table();
}


/* Without an answer: all goes when it has been so long, again and again, and
 * nothing is older than half of it from then on. */

static void
test_blind(void)
{
    ngx_uint_t  mark, gone;

    open_table(16);

    (void) turn(1, &gone);
    CHECK_INT(gone, 0);
    (void) heard(READER, 1, 100, ngx_current_msec);

    mark = now().mark;
    ngx_stub_advance(BLIND - 1);
    (void) turn(1, &gone);
    CHECK_INT(now().mark, mark);
    CHECK_INT(now().position, 100);

    ngx_stub_advance(1);
    (void) turn(0, &gone);
    CHECK_INT(gone, 1);
    CHECK_INT(now().mark, mark + 1);
    CHECK_INT(past(1, 10, mark), 1);
    CHECK_INT(past(1, 10, mark + 1), 0);
    CHECK_INT(now().position, 0);
    CHECK_INT(shared(1, 10, 1), 0);

    ngx_stub_advance(BLIND / 2 - 1);
    (void) turn(0, &gone);
    CHECK_INT(now().mark, mark + 1);
    ngx_stub_advance(1);
    (void) turn(0, &gone);
    CHECK_INT(gone, 0);
    CHECK_INT(now().mark, mark + 2);

    /* an answer counts from when it was asked for */

    CHECK_INT(heard(READER, 1, 100, ngx_current_msec - 100), 1);
    ngx_stub_advance(BLIND - 101);
    (void) turn(1, &gone);
    CHECK_INT(now().mark, mark + 2);
    ngx_stub_advance(1);
    (void) turn(1, &gone);
    CHECK_INT(gone, 1);

    close_table();
}


int
main(void)
{
    ngx_stub_set_time(1700000000, 1000);

    RUN(test_labels);
    RUN(test_again);
    RUN(test_crowded);
    RUN(test_positions);
    RUN(test_readers);
    RUN(test_turns);
    RUN(test_blind);

    return unit_summary();
}
