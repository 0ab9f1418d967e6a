
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the versions of corpora: what is made up, what is learnt from
 * others, in which order, and what is crowded out.
 */


/* sources: cache/ngx_edge_cache_versions.c */

#include "unit.h"
#include "cache/ngx_edge_cache_versions.h"


#define SETS  16


static ngx_slab_pool_t            *pool;
static void                       *ways;
static ngx_edge_cache_versions_t   versions;


static void
open_table(void)
{
    pool = ngx_stub_shpool();
    ways = calloc(1, ngx_edge_cache_versions_size(SETS));
    memset(&versions, 0, sizeof(versions));
    ngx_edge_cache_versions_init(&versions, &pool->mutex, SETS, ways);
}


static void
close_table(void)
{
    CHECK_INT(ngx_stub_lock_depth, 0);
    free(ways);
    ngx_stub_shpool_free(pool);
}


static void
test_versions(void)
{
    uint64_t                v, x;
    ngx_uint_t              i;
    ngx_edge_cache_known_t  k;

    open_table();

    v = ngx_edge_cache_version(&versions, 7);
    CHECK(ngx_edge_cache_version(&versions, 7) == v);
    x = ngx_edge_cache_version(&versions, 8);
    ngx_edge_cache_version_bump(&versions, 7, 99, 1, &k);
    CHECK(k.version != v);
    CHECK(ngx_edge_cache_version(&versions, 7) == k.version);
    CHECK(ngx_edge_cache_version(&versions, 8) == x);

    /* crowded out of its set: never an old version again */

    for (i = 1; i < 10; i++) {
        CHECK(ngx_edge_cache_version(&versions, 7 + SETS * i) != k.version);
    }

    x = ngx_edge_cache_version(&versions, 7);
    CHECK(x != v && x != k.version);

    close_table();
}


/* With others: what they have counts, but not over what they were not told. */

static void
test_shared_versions(void)
{
    uint64_t                offer;
    ngx_edge_cache_known_t  k, bumped;

    open_table();

    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 0);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 0);

    ngx_edge_cache_version_learn(&versions, 7, 0, 1234, 50);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK_INT(k.version, 1234);
    CHECK_INT(k.time, 50);
    CHECK_INT(k.offer, 0);
    CHECK_INT(ngx_edge_cache_version_again(&versions, 7, 1234, 5), 0);

    ngx_edge_cache_version_bump(&versions, 7, 99, 60, &bumped);
    CHECK(bumped.version != 1234);
    CHECK(bumped.offer != 0 && bumped.offer != bumped.version);
    ngx_edge_cache_version_learn(&versions, 7, 1234, 1234, 70);
    ngx_edge_cache_version_learn(&versions, 7, bumped.version, 1234, 70);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK(k.version == bumped.version);
    CHECK(k.offer == bumped.offer);
    CHECK_INT(k.time, 60);

    CHECK_INT(ngx_edge_cache_version_again(&versions, 7, 1234, 5), 0);
    offer = ngx_edge_cache_version_again(&versions, 7, bumped.version, 5);
    CHECK(offer != 0 && offer != bumped.offer);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK(k.offer == offer);
    CHECK(k.version == bumped.version);

    ngx_edge_cache_version_told(&versions, 7, 1234, 1234, 80);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK(k.offer == offer);

    ngx_edge_cache_version_told(&versions, 7, bumped.version, offer, 80);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK(k.version == offer);
    CHECK_INT(k.offer, 0);
    CHECK_INT(k.time, 80);

    ngx_edge_cache_version_learn(&versions, 7, offer, 1235, 90);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK_INT(k.version, 1235);

    close_table();
}


/* An answer that is read late brings back nothing old. */

static void
test_late_answers(void)
{
    ngx_edge_cache_known_t  k;

    open_table();

    ngx_edge_cache_version_learn(&versions, 7, 0, 1234, 100);
    ngx_edge_cache_version_learn(&versions, 7, 0, 1233, 101);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK_INT(k.version, 1234);
    CHECK_INT(k.time, 100);

    ngx_edge_cache_version_learn(&versions, 7, 1234, 1234, 110);
    ngx_edge_cache_version_learn(&versions, 7, 1234, 1234, 105);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK_INT(k.time, 110);

    /* asked before the change, read behind it */

    ngx_edge_cache_version_bump(&versions, 7, 99, 110, &k);
    ngx_edge_cache_version_told(&versions, 7, k.version, 1235, 110);
    ngx_edge_cache_version_learn(&versions, 7, 1234, 1234, 112);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 1);
    CHECK_INT(k.version, 1235);
    CHECK_INT(k.time, 110);

    /* of one that was forgotten nothing is taken for known */

    ngx_edge_cache_version_told(&versions, 8, 5, 5, 100);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 8, &k), 0);

    close_table();
}


int
main(void)
{
    ngx_stub_set_time(1700000000, 1000);

    RUN(test_versions);
    RUN(test_shared_versions);
    RUN(test_late_answers);

    return unit_summary();
}
