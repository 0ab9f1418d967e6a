
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of limits in shared memory: several cells at once, all or none;
 * slots, their lapse, renewal and growth; a zone that is full.
 */


/* sources: limit/ngx_edge_limit_local.c limit/ngx_edge_limit_key.c */
/* sources: limit/ngx_edge_gcra.c limit/ngx_edge_rate.c lib/ngx_edge_shm.c */
/* sources: lib/ngx_edge_random.c */
/* libs: -lcrypto */

#include "limit_fixture.h"


static ngx_edge_gcra_t  gcra;


static void
set_up(ssize_t budget)
{
    zone_open(budget);
    gcra = rate_of("5r/s", 0);
}


static ngx_edge_limit_cell_t
cell_of(const char *key, const ngx_edge_gcra_t *g, int64_t slots)
{
    ngx_str_t              text;
    ngx_edge_limit_cell_t  cell;

    memset(&cell, 0, sizeof(cell));
    text = unit_str(key);
    cell.local = local;
    cell.gcra = g;
    cell.slots = slots;
    ngx_edge_limit_key(local->seed, &text, g ? 1 : 2, cell.key);

    return cell;
}


static int64_t
take(ngx_edge_limit_cell_t *cell, int64_t now)
{
    return ngx_edge_limit_local_take(cell, 1, now, 1, 1);
}


static void
test_keys(void)
{
    u_char     a[NGX_EDGE_SHM_KEY], b[NGX_EDGE_SHM_KEY];
    uint64_t   seed[4] = { 1, 2, 3, 4 };
    ngx_str_t  s, t;

    /* a vector of SipHash's authors: key 00..0f, input 00..0e */

    static u_char    in[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                                14 };
    static uint64_t  known[4] = { 0x0706050403020100ULL,
                                  0x0f0e0d0c0b0a0908ULL, 0, 0 };
    static u_char    out[8] = { 0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29,
                                0xa1 };

    s.data = in;
    s.len = 15;
    ngx_edge_limit_key(known, &s, 0, a);
    CHECK(memcmp(a, out, 8) == 0);

    s = unit_str("acme");
    t = unit_str("acmf");

    ngx_edge_limit_key(seed, &s, 1, a);
    ngx_edge_limit_key(seed, &s, 1, b);
    CHECK(memcmp(a, b, sizeof(a)) == 0);

    ngx_edge_limit_key(seed, &s, 2, b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);

    ngx_edge_limit_key(seed, &t, 1, b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);

    seed[3] = 5;
    ngx_edge_limit_key(seed, &s, 1, b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
}


static void
test_rate(void)
{
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell;

    set_up(-1);

    for (i = 0; i < 5; i++) {
        cell = cell_of("a", &gcra, 0);
        CHECK_INT(take(&cell, NOW), 1);
        CHECK_INT(cell.tat, NOW + (int64_t) (i + 1) * SECOND / 5);
    }

    cell = cell_of("a", &gcra, 0);
    CHECK_INT(take(&cell, NOW), 0);
    CHECK_INT(cell.wait, SECOND / 5);

    cell = cell_of("b", &gcra, 1);
    CHECK_INT(take(&cell, NOW), 1);

    cell = cell_of("a", &gcra, 0);
    CHECK_INT(take(&cell, NOW + SECOND / 5), 1);
    CHECK_INT(local->table->count, 2);

    zone_close();
}


/* What one refuses, none has taken. */

static void
test_all_or_none(void)
{
    ngx_uint_t             i;
    ngx_edge_gcra_t        half;
    ngx_edge_limit_cell_t  cell[3];

    set_up(-1);

    half = gcra;
    half.window *= 2;

    for (i = 0; i < 4; i++) {
        cell[0] = cell_of("a", &gcra, 0);
        cell[1] = cell_of("b", &half, 0);
        cell[2] = cell_of("a", NULL, 9);
        CHECK_INT(ngx_edge_limit_local_take(cell, 3, NOW, 1, 1), i < 2);
    }

    CHECK_INT(cell[0].wait, 0);
    CHECK_INT(cell[1].wait, SECOND / 5);
    CHECK_INT(cell[2].wait, 0);
    CHECK_INT(cell[2].used, 2);
    CHECK_INT(cell[2].slot, 0);

    for (i = 0; i < 3; i++) {
        cell[0] = cell_of("a", &gcra, 0);
        CHECK_INT(take(cell, NOW), 1);
    }

    zone_close();
}


/* As much as there is, of two rates, and what was not used back. */

static void
test_some(void)
{
    ngx_str_t              text;
    ngx_edge_rate_t        rate;
    ngx_edge_gcra_t        t[2];
    ngx_edge_limit_cell_t  cell[2];

    set_up(-1);

    text = unit_str("1000t/m");
    CHECK_INT(ngx_edge_rate_parse(&text, 't', &rate), NGX_OK);
    ngx_edge_gcra_init(&t[0], &rate, 0);
    text = unit_str("5000t/d");
    CHECK_INT(ngx_edge_rate_parse(&text, 't', &rate), NGX_OK);
    ngx_edge_gcra_init(&t[1], &rate, 0);

    cell[0] = cell_of("a", &t[0], 0);
    cell[1] = cell_of("b", &t[1], 0);

    CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 10, 700), 700);
    CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 10, 700), 300);
    CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 10, 700), 0);
    CHECK_INT(cell[0].wait, 600000);
    CHECK_INT(cell[1].wait, 0);

    ngx_edge_limit_local_settle(&cell[0], NOW, -250);
    ngx_edge_limit_local_settle(&cell[1], NOW, -250);
    CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 10, 700), 250);

    /* more was used than was taken: a debt */

    ngx_edge_limit_local_settle(&cell[0], NOW, 500);
    CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 1, 1), 0);
    CHECK_INT(cell[0].wait, 30060000);

    ngx_edge_limit_local_settle(&cell[0], NOW, -100000);
    CHECK_INT(cell[0].tat, NOW);
    CHECK_INT(ngx_edge_limit_local_take(cell, 1, NOW, 1000, 1000), 1000);
    CHECK_INT(ngx_edge_limit_local_take(cell, 1, NOW, 1, 2000), 0);

    zone_close();
}


static void
test_slots(void)
{
    ngx_edge_limit_cell_t  a, b, c;

    set_up(-1);

    a = cell_of("k", NULL, 2);
    b = a;
    c = a;

    CHECK_INT(take(&a, NOW), 1);
    CHECK_INT(a.used, 1);
    CHECK_INT(take(&b, NOW), 1);
    CHECK_INT(b.used, 2);
    CHECK_INT(take(&c, NOW), 0);
    CHECK_INT(c.wait, -1);
    CHECK_INT(c.slot, 0);

    ngx_edge_limit_local_release(&c);
    CHECK_INT(take(&c, NOW), 0);

    ngx_edge_limit_local_release(&a);
    ngx_edge_limit_local_release(&a);
    CHECK_INT(take(&c, NOW), 1);
    CHECK_INT(take(&a, NOW), 0);

    ngx_edge_limit_local_release(&b);
    ngx_edge_limit_local_release(&c);

    zone_close();
}


/* b's holder is dead; a lives on. */

static void
test_lapse(void)
{
    int64_t                now;
    ngx_edge_limit_cell_t  a, b, c;

    set_up(-1);

    a = cell_of("k", NULL, 2);
    b = a;
    c = a;
    now = NOW;

    CHECK_INT(take(&a, now), 1);
    CHECK_INT(take(&b, now), 1);

    now += NGX_EDGE_LIMIT_RENEW * SECOND;
    ngx_edge_limit_local_renew(&a, now);
    CHECK_INT(take(&c, now), 0);

    now = NOW + NGX_EDGE_LIMIT_LEASE * SECOND;
    CHECK_INT(take(&c, now - SECOND), 0);
    CHECK_INT(take(&c, now), 1);
    CHECK_INT(take(&b, now), 0);

    /* both gone: a renewal brings its own back, not the other's */

    now += 2 * NGX_EDGE_LIMIT_LEASE * SECOND;
    ngx_edge_limit_local_renew(&a, now);
    CHECK_INT(take(&b, now), 1);
    CHECK_INT(take(&c, now), 0);

    zone_close();
}


/* All slots there are lapse and are taken by others; then the first holders,
 * which were stopped, come back. */

static void
test_lapsed_and_full(void)
{
    int64_t                       now;
    ngx_uint_t                    i;
    static ngx_edge_limit_cell_t  old[NGX_EDGE_LIMIT_SLOTS], new_;

    set_up(-1);

    for (i = 0; i < NGX_EDGE_LIMIT_SLOTS; i++) {
        old[i] = cell_of("k", NULL, NGX_EDGE_LIMIT_SLOTS);
        (void) take(&old[i], NOW);
    }

    CHECK_INT(old[NGX_EDGE_LIMIT_SLOTS - 1].used, NGX_EDGE_LIMIT_SLOTS);

    now = NOW + (NGX_EDGE_LIMIT_LEASE + 1) * SECOND;

    for (i = 0; i < NGX_EDGE_LIMIT_SLOTS; i++) {
        new_ = cell_of("k", NULL, NGX_EDGE_LIMIT_SLOTS);
        (void) take(&new_, now);
    }

    CHECK_INT(new_.used, NGX_EDGE_LIMIT_SLOTS);

    for (i = 0; i < NGX_EDGE_LIMIT_SLOTS; i++) {
        ngx_edge_limit_local_renew(&old[i], now);
    }

    new_ = cell_of("k", NULL, NGX_EDGE_LIMIT_SLOTS);
    CHECK_INT(take(&new_, now), 0);

    zone_close();
}


static void
test_many_slots(void)
{
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell[100], more;

    set_up(-1);

    for (i = 0; i < 100; i++) {
        cell[i] = cell_of("k", NULL, 100);
        CHECK_INT(take(&cell[i], NOW + (int64_t) i * SECOND / 4), 1);
        CHECK_INT(cell[i].used, i + 1);
    }

    more = cell_of("k", NULL, 100);
    CHECK_INT(take(&more, NOW + 25 * SECOND), 0);

    for (i = 0; i < 100; i += 2) {
        ngx_edge_limit_local_release(&cell[i]);
    }

    CHECK_INT(take(&more, NOW + 25 * SECOND), 1);
    CHECK_INT(more.used, 51);

    zone_close();
}


static void
test_full(void)
{
    char                   name[16];
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell[2];

    set_up(3000);

    for (i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "k%u", (unsigned) i);
        cell[0] = cell_of(name, &gcra, 5);
        cell[1] = cell_of(name, NULL, 5);
        CHECK_INT(ngx_edge_limit_local_take(cell, 2, NOW, 5, 5), 5);
    }

    CHECK(local->table->count > 2 && local->table->count < 60);

    cell[0] = cell_of("k99", &gcra, 1);
    CHECK_INT(take(cell, NOW), 0);
    cell[0] = cell_of("k0", &gcra, 1);
    CHECK_INT(take(cell, NOW), 1);

    zone_close();
}


static void
test_no_room(void)
{
    ngx_edge_limit_cell_t  cell;

    set_up(-1);

    ngx_stub_slab_budget = 16;
    cell = cell_of("a", &gcra, 0);
    CHECK_INT(take(&cell, NOW), NGX_ERROR);
    cell = cell_of("a", NULL, 1);
    CHECK_INT(take(&cell, NOW), NGX_ERROR);
    ngx_edge_limit_local_release(&cell);

    zone_close();

    pool = ngx_stub_shpool();
    ngx_stub_slab_budget = 100;
    CHECK(ngx_edge_limit_local_create(pool, 64 * 128) == NULL);
    CHECK_INT(ngx_stub_slab_blocks, 0);
    ngx_stub_shpool_free(pool);
    ngx_stub_slab_budget = -1;
}


int
main(void)
{
    RUN(test_keys);
    RUN(test_rate);
    RUN(test_all_or_none);
    RUN(test_some);
    RUN(test_slots);
    RUN(test_lapse);
    RUN(test_lapsed_and_full);
    RUN(test_many_slots);
    RUN(test_full);
    RUN(test_no_room);

    return unit_summary();
}
