
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the table in shared memory: order of eviction, expiry, replacing,
 * a full zone and one that is too small.
 */


/* sources: lib/ngx_edge_shm.c */

#include "unit.h"
#include "lib/ngx_edge_shm.h"


#define ENTRY(size)  (offsetof(ngx_edge_shm_entry_t, value) + (size))
#define TABLE(n)                                                              \
    (offsetof(ngx_edge_shm_t, bucket) + (n) * sizeof(ngx_edge_shm_entry_t *))


static ngx_slab_pool_t  *pool;
static ngx_edge_shm_t   *t;
static ngx_uint_t        blocks;       /* in use with an empty table */


/* A zone with room for the table and then bytes; -1 is without end. */

static void
open_table(ngx_uint_t entries, ngx_uint_t buckets, ssize_t bytes)
{
    pool = ngx_stub_shpool();
    pool->log_nomem = 1;
    ngx_stub_slab_budget = bytes < 0 ? -1 : bytes + (ssize_t) TABLE(buckets);
    ngx_shmtx_lock(&pool->mutex);
    t = ngx_edge_shm_create(pool, entries);
    blocks = ngx_stub_slab_blocks;
}


static void
close_table(void)
{
    ngx_queue_t           *q;
    ngx_edge_shm_entry_t  *e;

    while (t && !ngx_queue_empty(&t->lru)) {
        q = ngx_queue_last(&t->lru);
        e = ngx_queue_data(q, ngx_edge_shm_entry_t, lru);
        ngx_edge_shm_remove(t, pool, e->key);
    }

    if (t) {
        CHECK_INT(t->count, 0);
        CHECK_INT(ngx_stub_slab_blocks, blocks);
        ngx_slab_free_locked(pool, t);
    }

    CHECK_INT(ngx_stub_slab_blocks, 0);

    ngx_shmtx_unlock(&pool->mutex);
    ngx_stub_shpool_free(pool);
    ngx_stub_slab_budget = -1;
}


/* Key n; those with the same n % 256 share the bytes that are the hash. */

static u_char *
key_of(ngx_uint_t n)
{
    static u_char  key[NGX_EDGE_SHM_KEY];

    ngx_memset(key, 'k', sizeof(key));
    key[0] = (u_char) n;
    key[NGX_EDGE_SHM_KEY - 1] = (u_char) (n >> 8);

    return key;
}


static ngx_edge_shm_entry_t *
put(ngx_uint_t n, const char *value, time_t expires, time_t now)
{
    return ngx_edge_shm_put(t, pool, key_of(n), (u_char *) value,
                            strlen(value), expires, now);
}


/* The value under key n, or "-". */

static ngx_str_t
get(ngx_uint_t n, time_t now)
{
    ngx_str_t              s;
    ngx_edge_shm_entry_t  *e;

    e = ngx_edge_shm_find(t, pool, key_of(n), now);
    if (e == NULL) {
        return unit_str("-");
    }

    s.data = e->value;
    s.len = e->size;

    return s;
}


static void
test_find(void)
{
    open_table(4, 4, -1);

    CHECK(t != NULL);
    CHECK_INT(pool->log_nomem, 0);
    CHECK_STR(get(1, 0), "-");
    CHECK(put(1, "one", 0, 0) != NULL);
    CHECK(put(2, "two", 0, 0) != NULL);
    CHECK(put(3, "", 0, 0) != NULL);
    CHECK_STR(get(1, 0), "one");
    CHECK_STR(get(2, 0), "two");
    CHECK_STR(get(3, 0), "");
    CHECK_STR(get(4, 0), "-");
    CHECK_INT(t->count, 3);

    ngx_edge_shm_remove(t, pool, key_of(1));
    ngx_edge_shm_remove(t, pool, key_of(1));
    CHECK_STR(get(1, 0), "-");
    CHECK_STR(get(2, 0), "two");
    CHECK_INT(t->count, 2);
    CHECK_INT(t->evicted, 0);

    close_table();
}


static void
test_buckets(void)
{
    ngx_uint_t                i;
    static const ngx_uint_t   n[][2] = {
        { 0, 1 }, { 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 1000, 1024 }
    };

    for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
        open_table(n[i][0], 1, -1);
        CHECK_INT(t->mask, n[i][1] - 1);
        close_table();
    }
}


/* Several entries in one chain: first, middle and last are taken out. */

static void
test_chain(void)
{
    ngx_uint_t  i, out;

    for (out = 0; out < 3; out++) {
        open_table(16, 16, -1);

        for (i = 0; i < 3; i++) {
            CHECK(put(7 + 256 * i, i == 0 ? "a" : i == 1 ? "b" : "c", 0, 0)
                  != NULL);
        }

        ngx_edge_shm_remove(t, pool, key_of(7 + 256 * out));

        CHECK_STR(get(7, 0), out == 0 ? "-" : "a");
        CHECK_STR(get(7 + 256, 0), out == 1 ? "-" : "b");
        CHECK_STR(get(7 + 512, 0), out == 2 ? "-" : "c");

        close_table();
    }
}


static void
test_alignment(void)
{
    open_table(1, 1, -1);
    CHECK_INT((uintptr_t) put(1, "x", 0, 0)->value % sizeof(void *), 0);
    close_table();
}


static void
test_expiry(void)
{
    open_table(4, 4, -1);

    CHECK(put(1, "soon", 100, 50) != NULL);
    CHECK(put(2, "never", 0, 50) != NULL);
    CHECK_STR(get(1, 99), "soon");
    CHECK_INT(t->count, 2);
    CHECK_STR(get(1, 100), "-");
    CHECK_INT(t->count, 1);
    CHECK_INT(ngx_stub_slab_blocks, blocks + 1);
    CHECK_STR(get(1, 99), "-");
    CHECK_STR(get(2, 2000000000), "never");
    CHECK_INT(t->evicted, 0);

    close_table();
}


static void
test_replace(void)
{
    open_table(4, 4, -1);

    CHECK(put(1, "old", 10, 0) != NULL);
    CHECK(put(1, "a newer one", 20, 0) != NULL);
    CHECK_INT(t->count, 1);
    CHECK_INT(ngx_stub_slab_blocks, blocks + 1);
    CHECK_STR(get(1, 15), "a newer one");
    CHECK(put(1, "", 20, 0) != NULL);
    CHECK_STR(get(1, 15), "");

    close_table();
}


/* Three fit: the one not used for longest goes, and using renews. */

static void
test_eviction_order(void)
{
    open_table(4, 4, 3 * ENTRY(1));

    CHECK(put(1, "1", 0, 0) != NULL);
    CHECK(put(2, "2", 0, 0) != NULL);
    CHECK(put(3, "3", 0, 0) != NULL);
    CHECK_STR(get(1, 0), "1");
    CHECK_INT(t->evicted, 0);

    CHECK(put(4, "4", 0, 0) != NULL);
    CHECK_INT(t->evicted, 1);
    CHECK_INT(t->count, 3);
    CHECK_STR(get(2, 0), "-");
    CHECK_STR(get(3, 0), "3");
    CHECK_STR(get(1, 0), "1");

    /* now 4 is the oldest, 3 the next */

    CHECK(put(5, "5", 0, 0) != NULL);
    CHECK(put(6, "6", 0, 0) != NULL);
    CHECK_STR(get(4, 0), "-");
    CHECK_STR(get(3, 0), "-");
    CHECK_STR(get(1, 0), "1");
    CHECK_INT(t->evicted, 3);

    close_table();
}


static void
test_expired_is_not_evicted(void)
{
    open_table(4, 4, 2 * ENTRY(1));

    CHECK(put(1, "1", 10, 0) != NULL);
    CHECK(put(2, "2", 30, 0) != NULL);
    CHECK(put(3, "3", 0, 10) != NULL);
    CHECK_INT(t->evicted, 0);
    CHECK(put(4, "4", 0, 10) != NULL);
    CHECK_INT(t->evicted, 1);

    close_table();
}


/* In a full zone a value replaces itself before it costs another. */

static void
test_replace_when_full(void)
{
    open_table(4, 4, 2 * ENTRY(1));

    CHECK(put(1, "1", 0, 0) != NULL);
    CHECK(put(2, "2", 0, 0) != NULL);
    CHECK(put(2, "3", 0, 0) != NULL);
    CHECK_STR(get(1, 0), "1");
    CHECK_STR(get(2, 0), "3");
    CHECK_INT(t->evicted, 0);

    close_table();
}


/* One put drops 64 at most, and then tells. */

static void
test_eviction_limit(void)
{
    char        value[65 * 128 + 1];
    ngx_uint_t  i;

    ngx_memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';

    open_table(128, 128, 100 * ENTRY(1));

    for (i = 0; i < 100; i++) {
        CHECK(put(i, "x", 0, 0) != NULL);
    }

    value[64 * ENTRY(1) - ENTRY(0) + 1] = '\0';
    CHECK(put(200, value, 0, 0) == NULL);
    CHECK_INT(t->evicted, 64);
    CHECK_INT(t->count, 36);
    CHECK_STR(get(63, 0), "-");
    CHECK_STR(get(64, 0), "x");

    value[64 * ENTRY(1) - ENTRY(0)] = '\0';
    CHECK(put(200, value, 0, 0) != NULL);
    CHECK_INT(t->evicted, 64);

    close_table();
}


/* Too large for any eviction to help: the old value is gone, no other is. */

static void
test_oversize(void)
{
    open_table(4, 4, 3 * ENTRY(1));

    pool->end = (u_char *) pool + TABLE(4) + 3 * ENTRY(1);

    CHECK(put(1, "1", 0, 0) != NULL);
    CHECK(put(2, "2", 0, 0) != NULL);

    CHECK(ngx_edge_shm_put(t, pool, key_of(1), (u_char *) "",
                           TABLE(4) + 3 * ENTRY(1) + 1, 0, 0) == NULL);
    CHECK(ngx_edge_shm_put(t, pool, key_of(3), (u_char *) "", (size_t) -1,
                           0, 0) == NULL);
    CHECK_INT(t->evicted, 0);
    CHECK_STR(get(1, 0), "-");
    CHECK_STR(get(2, 0), "2");

    close_table();
}


static void
test_zone_too_small(void)
{
    /* not even the buckets */

    open_table(4, 3, 0);
    CHECK(t == NULL);
    close_table();

    /* the buckets and nothing else */

    open_table(4, 4, sizeof(ngx_edge_shm_entry_t) - 1);
    CHECK(t == NULL);
    close_table();

    open_table(4, 4, sizeof(ngx_edge_shm_entry_t));
    CHECK(t != NULL);
    CHECK(put(1, "", 0, 0) != NULL);
    CHECK(put(2, "", 0, 0) != NULL);
    CHECK_INT(t->count, 1);
    CHECK(put(3, "too long for what is left", 0, 0) == NULL);
    CHECK_INT(t->count, 0);
    close_table();
}


/* A worker was killed while it changed the queue, whose pointers may then be
 * anything: what is in the buckets is found, and is evicted as ever. */

static void
test_killed(void)
{
    ngx_uint_t             i;
    ngx_edge_shm_entry_t  *e;

    open_table(4, 4, 3 * ENTRY(1));

    CHECK(put(1, "1", 0, 0) != NULL);
    CHECK(put(2, "2", 0, 0) != NULL);
    CHECK(put(3, "3", 0, 0) != NULL);

    memset(&t->lru, 0xff, sizeof(t->lru));

    for (i = 0; i < 4; i++) {
        for (e = t->bucket[i]; e; e = e->next) {
            memset(&e->lru, 0xff, sizeof(e->lru));
        }
    }

    t->count = 7;
    t->changing = 1;

    CHECK_STR(get(2, 0), "2");
    CHECK_INT(t->changing, 0);
    CHECK_INT(t->count, 3);
    CHECK_STR(get(1, 0), "1");

    CHECK(put(4, "4", 0, 0) != NULL);
    CHECK_STR(get(3, 0), "-");
    CHECK_STR(get(2, 0), "2");
    CHECK_STR(get(1, 0), "1");
    CHECK_STR(get(4, 0), "4");

    memset(&t->lru, 0xff, sizeof(t->lru));
    t->changing = 1;

    CHECK(put(5, "5", 0, 0) != NULL);
    CHECK_INT(t->count, 3);

    memset(&t->lru, 0xff, sizeof(t->lru));
    t->changing = 1;

    ngx_edge_shm_remove(t, pool, key_of(5));
    CHECK_INT(t->count, 2);

    close_table();
}


int
main(void)
{
    RUN(test_find);
    RUN(test_buckets);
    RUN(test_chain);
    RUN(test_alignment);
    RUN(test_expiry);
    RUN(test_replace);
    RUN(test_eviction_order);
    RUN(test_expired_is_not_evicted);
    RUN(test_replace_when_full);
    RUN(test_eviction_limit);
    RUN(test_oversize);
    RUN(test_zone_too_small);
    RUN(test_killed);

    return unit_summary();
}
