
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of entries and flights in shared memory.
 */


/* sources: cache/ngx_edge_cache_l1.c cache/ngx_edge_cache_purges.c */
/* sources: cache/ngx_edge_cache_versions.c */

#include "unit.h"
#include "cache/ngx_edge_cache_l1.h"


#define ZONE  65536


static ngx_slab_pool_t         *pool;
static ngx_edge_cache_l1_t     *l1;
static ngx_edge_cache_label_t   nobody;


static void
open_zone(ssize_t bytes)
{
    ngx_stub_slab_budget = bytes;
    pool = ngx_stub_shpool();
    l1 = ngx_edge_cache_l1_create(pool, bytes);
    CHECK(l1 != NULL);
}


static void
close_zone(void)
{
    CHECK_INT(ngx_stub_lock_depth, 0);
    ngx_stub_slab_clear(pool);
    ngx_stub_shpool_free(pool);
    ngx_stub_slab_budget = -1;
}


/* Keys with the same n % 256 share the bytes that are the hash. */

static u_char *
key_of(ngx_uint_t n)
{
    static u_char  key[NGX_EDGE_CACHE_KEY];

    memset(key, 'k', sizeof(key));
    key[0] = (u_char) n;
    key[NGX_EDGE_CACHE_KEY - 1] = (u_char) (n >> 8);

    return key;
}


static ngx_int_t
put(ngx_uint_t n, size_t size)
{
    ngx_int_t   rc;
    u_char     *data;
    size_t      i;

    data = malloc(size ? size : 1);

    for (i = 0; i < size; i++) {
        data[i] = (u_char) (n + i);
    }

    rc = ngx_edge_cache_l1_put(l1, key_of(n), &nobody, 0, data, size);
    free(data);

    return rc;
}


static ngx_int_t
get(ngx_uint_t n, size_t expected)
{
    size_t       i;
    ngx_str_t    data;
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, &ngx_stub_log);
    rc = ngx_edge_cache_l1_get(l1, key_of(n), pool, &data);

    if (rc == NGX_OK) {
        CHECK_INT(data.len, expected);

        for (i = 0; i < data.len; i++) {
            if (data.data[i] != (u_char) (n + i)) {
                CHECK_INT(i, data.len);
                break;
            }
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
test_sizes(void)
{
    size_t  sizes[] = { 0, 1, 935, 936, 937, 1951, 1952, 1953, 32767,
                        32768 };
    size_t  i;

    open_zone(ZONE);

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_INT(put(1, sizes[i]), NGX_OK);
        CHECK_INT(get(1, sizes[i]), NGX_OK);
    }

    CHECK_INT(put(1, 32769), NGX_DECLINED);
    CHECK_INT(get(1, 32768), NGX_DECLINED);     /* the old one is gone too */

    close_zone();
}


static void
test_chains(void)
{
    open_zone(ZONE);

    CHECK_INT(put(1, 10), NGX_OK);
    CHECK_INT(put(257, 20), NGX_OK);
    CHECK_INT(put(513, 30), NGX_OK);
    CHECK_INT(get(1, 10), NGX_OK);
    CHECK_INT(get(257, 20), NGX_OK);
    CHECK_INT(get(513, 30), NGX_OK);

    ngx_edge_cache_l1_remove(l1, key_of(257));
    CHECK_INT(get(1, 10), NGX_OK);
    CHECK_INT(get(257, 20), NGX_DECLINED);
    CHECK_INT(get(513, 30), NGX_OK);
    ngx_edge_cache_l1_remove(l1, key_of(257));

    close_zone();
}


/* Room for a few entries: the ones not asked for go first. */

static void
test_full(void)
{
    ngx_uint_t  i;

    open_zone(16 * 1024);

    for (i = 0; i < 100; i++) {
        CHECK_INT(put(i, 1500), NGX_OK);
        CHECK_INT(get(i, 1500), NGX_OK);

        if (i > 1) {
            CHECK_INT(get(0, 1500), NGX_OK);
        }
    }

    CHECK_INT(get(1, 1500), NGX_DECLINED);
    CHECK_INT(get(99, 1500), NGX_OK);

    /* larger than all there is: nothing of it stays */

    CHECK_INT(put(7, 20000), NGX_DECLINED);
    CHECK_INT(get(7, 20000), NGX_DECLINED);
    CHECK_INT(put(8, 1500), NGX_OK);

    close_zone();
}


/* Whatever sizes come and go, nothing is lost: as many entries fit in as when
 * the zone was new. */

static void
test_spare(void)
{
    ngx_uint_t  i, round, fit;

    static const size_t  sizes[] = { 900, 30000, 1, 4000, 100, 20000, 900 };

    open_zone(ZONE);

    for (round = 0; round < sizeof(sizes) / sizeof(sizes[0]); round++) {

        for (i = 0; i < 200; i++) {
            CHECK_INT(put(i, sizes[round]), NGX_OK);
        }

        for (i = 0; i < 200; i += 3) {
            ngx_edge_cache_l1_remove(l1, key_of(i));
        }
    }

    CHECK_INT(put(1, ZONE), NGX_DECLINED);

    for (fit = 0, i = 1000; i < 1200; i++) {
        CHECK_INT(put(i, 900), NGX_OK);
    }

    for (i = 0; i < 1200; i++) {
        fit += (get(i, 900) == NGX_OK);
    }

    close_zone();
    open_zone(ZONE);

    for (i = 1000; i < 1200; i++) {
        CHECK_INT(put(i, 900), NGX_OK);
    }

    for (i = 1000; i < 1200; i++) {
        fit -= (get(i, 900) == NGX_OK);
    }

    CHECK_INT(fit, 0);

    close_zone();
}


static void
never(void)
{
    CHECK(!"called");
}


/* A worker that is killed in the slab may leave it broken. */

static void
test_slab(void)
{
    ngx_uint_t  i;

    open_zone(ZONE);

    ngx_stub_slab_hook = never;

    for (i = 0; i < 100; i++) {
        CHECK_INT(put(i, 100 * i), NGX_OK);
        ngx_edge_cache_l1_remove(l1, key_of(i / 2));
    }

    ngx_stub_slab_hook = NULL;

    close_zone();
}


static ngx_int_t
put_of(ngx_uint_t n, uint64_t tenant, uint64_t module, ngx_uint_t mark)
{
    u_char                  data;
    ngx_edge_cache_label_t  label;

    data = (u_char) n;
    label.tenant = tenant;
    label.module = module;

    return ngx_edge_cache_l1_put(l1, key_of(n), &label, mark, &data, 1);
}


static ngx_uint_t
purge(uint64_t tenant, uint64_t module)
{
    ngx_edge_cache_label_t  label;

    label.tenant = tenant;
    label.module = module;

    return ngx_edge_cache_l1_purge(l1, &label);
}


static void
test_purge(void)
{
    ngx_edge_cache_since_t  since;

    open_zone(ZONE);

    CHECK_INT(put_of(1, 1, 10, 0), NGX_OK);
    CHECK_INT(put_of(2, 2, 10, 0), NGX_OK);
    CHECK_INT(put_of(257, 2, 10, 0), NGX_OK);

    CHECK_INT(purge(1, 11), 0);
    CHECK_INT(purge(1, 0), 1);
    CHECK_INT(get(1, 1), NGX_DECLINED);
    CHECK_INT(get(2, 1), NGX_OK);
    CHECK_INT(get(257, 1), NGX_OK);

    /* begun before it: too late for this label, not for another one */

    CHECK_INT(put_of(1, 1, 12, 0), NGX_DECLINED);
    CHECK_INT(get(1, 1), NGX_DECLINED);
    CHECK_INT(put_of(3, 3, 10, 0), NGX_OK);
    ngx_edge_cache_purges_now(ngx_edge_cache_l1_purges(l1), 0, &since);
    CHECK_INT(put_of(1, 1, 12, since.mark), NGX_OK);

    /* nor does it take away what is of after it */

    CHECK_INT(put_of(1, 1, 12, 0), NGX_DECLINED);
    CHECK_INT(get(1, 1), NGX_OK);

    CHECK_INT(purge(0, 10), 3);
    CHECK_INT(get(1, 1), NGX_OK);

    close_zone();
}


/* One that was made elsewhere looks for nothing; it is seen by who asks. */

static void
test_purge_elsewhere(void)
{
    ngx_edge_cache_label_t    label;
    ngx_edge_cache_purges_t  *purges;

    open_zone(ZONE);

    purges = ngx_edge_cache_l1_purges(l1);

    CHECK_INT(put_of(1, 1, 10, 0), NGX_OK);
    CHECK_INT(put_of(2, 2, 10, 0), NGX_OK);

    label.tenant = 1;
    label.module = 0;
    ngx_edge_cache_purges_add(purges, &label, 100);

    CHECK_INT(get(1, 1), NGX_DECLINED);
    CHECK_INT(get(2, 1), NGX_OK);
    CHECK_INT(get(2, 1), NGX_OK);

    CHECK_INT(put_of(1, 1, 10, purges->mark), NGX_OK);
    CHECK_INT(get(1, 1), NGX_OK);

    ngx_edge_cache_purges_add(purges, &label, 100);     /* read again */
    CHECK_INT(get(1, 1), NGX_OK);

    label.tenant = 0;
    ngx_edge_cache_purges_add(purges, &label, 200);
    CHECK_INT(get(1, 1), NGX_DECLINED);
    CHECK_INT(get(2, 1), NGX_DECLINED);

    close_zone();
}


static void
test_flights(void)
{
    uint64_t    a, b;
    ngx_uint_t  i;

    open_zone(ZONE);

    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 1000, 500, &a),
              ngx_edge_cache_flight_mine);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 1499, 500, &b),
              ngx_edge_cache_flight_other);

    /* the leader died: its time is over, and its token no good any more */

    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 1500, 500, &b),
              ngx_edge_cache_flight_mine);
    CHECK(a != b);
    ngx_edge_cache_flight_end(l1, key_of(1), a, 1500, 0);
    ngx_edge_cache_flight_renew(l1, key_of(1), a, 1500, 5000);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 1999, 500, &a),
              ngx_edge_cache_flight_other);

    ngx_edge_cache_flight_renew(l1, key_of(1), b, 1999, 500);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 2400, 500, &a),
              ngx_edge_cache_flight_other);

    ngx_edge_cache_flight_end(l1, key_of(1), b, 2400, 0);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 2400, 500, &a),
              ngx_edge_cache_flight_mine);

    /* not worth waiting for */

    ngx_edge_cache_flight_end(l1, key_of(1), a, 2400, 100);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 2499, 500, &a),
              ngx_edge_cache_flight_free);
    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1), 2500, 500, &a),
              ngx_edge_cache_flight_mine);

    /* a set that is full of others */

    for (i = 1; i < 4; i++) {
        CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1 + 256 * i), 2500,
                                              500, &a),
                  ngx_edge_cache_flight_mine);
    }

    CHECK_INT(ngx_edge_cache_flight_begin(l1, key_of(1 + 256 * 4), 2500, 500,
                                          &a),
              ngx_edge_cache_flight_free);

    close_zone();
}


static void
test_no_memory(void)
{
    pool = ngx_stub_shpool();
    ngx_stub_slab_budget = 1000;
    CHECK(ngx_edge_cache_l1_create(pool, ZONE) == NULL);
    ngx_stub_slab_budget = -1;
    ngx_stub_shpool_free(pool);
}


int
main(void)
{
    ngx_stub_set_time(1700000000, 1000);

    RUN(test_sizes);
    RUN(test_chains);
    RUN(test_full);
    RUN(test_purge);
    RUN(test_purge_elsewhere);
    RUN(test_flights);
    RUN(test_no_memory);
    RUN(test_spare);
    RUN(test_slab);

    return unit_summary();
}
