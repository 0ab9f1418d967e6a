
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the versions of corpora: what is made up, what is learnt from
 * others, what they are to be told, and what is crowded out.
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


#define looked_up(id, k)                                                      \
    CHECK_INT(ngx_edge_cache_version_look(&versions, id, k), 1)


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
    ngx_edge_cache_version_bump(&versions, 7, 99, 0, 1, &k);
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
    ngx_edge_cache_known_t  k, bumped;

    open_table();

    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 0);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 0);

    ngx_edge_cache_version_learn(&versions, 7, 1234, 50);
    looked_up(7, &k);
    CHECK_INT(k.version, 1234);
    CHECK_INT(k.shared, 1234);
    CHECK_INT(k.time, 50);
    CHECK_INT(k.untold, 0);

    ngx_edge_cache_version_bump(&versions, 7, 99, 1, 60, &bumped);
    CHECK(bumped.version >= NGX_EDGE_CACHE_SHARED_MAX);
    CHECK_INT(bumped.shared, 1234);
    CHECK_INT(ngx_edge_cache_version_due(&versions, 7, bumped.version), 1);

    ngx_edge_cache_version_learn(&versions, 7, 1235, 70);
    looked_up(7, &k);
    CHECK(k.version == bumped.version);
    CHECK_INT(k.shared, 1234);
    CHECK_INT(k.time, 60);
    CHECK_INT(k.untold, 1);

    ngx_edge_cache_version_told(&versions, 7, bumped.version + 1, 1235, 80);
    ngx_edge_cache_version_told(&versions, 7, bumped.version, 1234, 80);
    looked_up(7, &k);
    CHECK_INT(k.untold, 1);

    ngx_edge_cache_version_told(&versions, 7, bumped.version, 1236, 80);
    looked_up(7, &k);
    CHECK_INT(k.version, 1236);
    CHECK_INT(k.shared, 1236);
    CHECK_INT(k.untold, 0);
    CHECK_INT(k.time, 80);

    /* a question has told it; it is told again, and that counts */

    CHECK_INT(ngx_edge_cache_version_due(&versions, 7, bumped.version), 1);
    ngx_edge_cache_version_told(&versions, 7, bumped.version, 1240, 85);
    looked_up(7, &k);
    CHECK_INT(k.version, 1240);

    /* a newer change has its own */

    ngx_edge_cache_version_bump(&versions, 7, 98, 1, 90, &k);
    CHECK_INT(ngx_edge_cache_version_due(&versions, 7, bumped.version), 0);
    CHECK_INT(ngx_edge_cache_version_due(&versions, 7, k.version), 1);

    close_table();
}


/* Neither an answer that is read late nor others who have forgotten bring back
 * what was replaced. */

static void
test_old_versions(void)
{
    ngx_edge_cache_known_t  k;

    open_table();

    ngx_edge_cache_version_learn(&versions, 7, 1234, 100);
    ngx_edge_cache_version_learn(&versions, 7, 1233, 101);
    looked_up(7, &k);
    CHECK_INT(k.version, 1234);
    CHECK_INT(k.time, 100);

    ngx_edge_cache_version_learn(&versions, 7, 1234, 110);
    ngx_edge_cache_version_learn(&versions, 7, 1234, 105);
    looked_up(7, &k);
    CHECK_INT(k.time, 110);

    /* asked before the change, read behind it */

    ngx_edge_cache_version_bump(&versions, 7, 99, 1, 110, &k);
    ngx_edge_cache_version_told(&versions, 7, k.version, 1240, 110);
    ngx_edge_cache_version_learn(&versions, 7, 1234, 112);
    looked_up(7, &k);
    CHECK_INT(k.version, 1240);
    CHECK_INT(k.time, 110);

    /* of one that was forgotten nothing is taken for known */

    ngx_edge_cache_version_told(&versions, 8, 5, 5, 100);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 8, &k), 0);

    close_table();
}


/* What others were not told of is crowded out by another change only. */

static void
test_crowded(void)
{
    ngx_uint_t              i;
    ngx_edge_cache_known_t  k, bumped;

    open_table();

    ngx_edge_cache_version_bump(&versions, 7, 99, 1, 1, &bumped);

    for (i = 1; i < 20; i++) {
        ngx_edge_cache_version_learn(&versions, 7 + SETS * i, 1000 + i, 1);
    }

    looked_up(7, &k);
    CHECK(k.version == bumped.version);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7 + SETS, &k), 0);

    for (i = 1; i < 4; i++) {
        ngx_edge_cache_version_bump(&versions, 7 + SETS * i, 99, 1, 1, &k);
    }

    ngx_edge_cache_version_learn(&versions, 7 + SETS * 30, 1000, 1);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7 + SETS * 30, &k), 0);

    ngx_edge_cache_version_bump(&versions, 7 + SETS * 4, 99, 1, 1, &k);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7, &k), 0);
    CHECK_INT(ngx_edge_cache_version_look(&versions, 7 + SETS, &k), 1);

    /* of which they have to be told all the same */

    CHECK_INT(ngx_edge_cache_version_due(&versions, 7, bumped.version), 1);

    close_table();
}


int
main(void)
{
    ngx_stub_set_time(1700000000, 1000);

    RUN(test_versions);
    RUN(test_shared_versions);
    RUN(test_old_versions);
    RUN(test_crowded);

    return unit_summary();
}
