
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of leases in shared memory: several cells at once, with and without a
 * unit, refused or not for leases; what Redis says behind it; a zone that has
 * no room, and an entry that is gone.
 */


/* sources: limit/ngx_edge_limit_lease.c limit/ngx_edge_lease.c */
/* sources: limit/ngx_edge_limit_local.c limit/ngx_edge_limit_key.c */
/* sources: limit/ngx_edge_gcra.c limit/ngx_edge_rate.c lib/ngx_edge_shm.c */
/* sources: lib/ngx_edge_random.c */
/* libs: -lcrypto */

#include "limit_fixture.h"
#include "limit/ngx_edge_limit_lease.h"


static ngx_edge_gcra_t  gcra;


static void
set_up(ssize_t budget)
{
    zone_open(budget);
    gcra = rate_of("100r/s", 0);
}


static ngx_edge_limit_cell_t
cell_of(const char *key)
{
    ngx_str_t              text;
    ngx_edge_limit_cell_t  cell;

    memset(&cell, 0, sizeof(cell));
    text = unit_str(key);
    cell.local = local;
    cell.gcra = &gcra;
    cell.replicas = 1;
    cell.leased = 1;
    ngx_edge_limit_key(local->seed, &text, 1, cell.key);

    return cell;
}


static ngx_int_t
take(ngx_edge_limit_cell_t *cell)
{
    return ngx_edge_limit_lease_take(cell, 1, NOW);
}


/* A lease of units, of ten at the most. */

static void
lend(const char *key, int64_t units)
{
    int64_t                i;
    ngx_edge_limit_cell_t  cell;

    cell = cell_of(key);
    CHECK_INT(take(&cell), NGX_AGAIN);
    CHECK_INT(cell.want, 0);

    for (i = 1; i < 30; i++) {
        CHECK_INT(take(&cell), NGX_AGAIN);

        if (cell.want) {
            ngx_edge_limit_lease_failed(&cell, NOW);
        }
    }

    CHECK_INT(take(&cell), NGX_AGAIN);
    CHECK_INT(cell.held, 0);
    CHECK_INT(cell.want, 10);
    CHECK_INT(ngx_edge_limit_lease_grant(&cell, NOW, units, 5,
                                         NOW + SECOND / 2, NOW), 0);
}


static void
test_take(void)
{
    int64_t                born;
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell;

    set_up(-1);
    lend("a", 10);

    /* what is known: half a second is used, ten of it are here */

    for (i = 0; i < 5; i++) {
        cell = cell_of("a");
        CHECK_INT(take(&cell), NGX_OK);
        CHECK_INT(cell.held, 1);
        CHECK_INT(cell.tat, NOW + SECOND / 2 - (9 - (int64_t) i) * 10000);
        CHECK_INT(cell.want, i == 4 ? 5 : 0);
    }

    /* one renewal at a time, and what is left goes on */

    for (i = 0; i < 5; i++) {
        CHECK_INT(take(&cell), NGX_OK);
        CHECK_INT(cell.want, 0);
    }

    CHECK_INT(take(&cell), NGX_AGAIN);
    CHECK_INT(ngx_edge_limit_lease_grant(&cell, NOW, 5, 6, NOW, NOW), 0);
    CHECK_INT(take(&cell), NGX_OK);

    CHECK_INT(ngx_edge_limit_lease_expire(&cell, NOW, &born), 0);
    CHECK_INT(ngx_edge_limit_lease_expire(&cell, NOW + SECOND, &born), 4);
    CHECK_INT(born, 6);

    /* the tat of the same cell is another entry */

    CHECK_INT(local->table->count, 1);
    CHECK_INT(ngx_edge_limit_local_take(&cell, 1, NOW, 1, 1), 1);
    CHECK_INT(local->table->count, 2);

    zone_close();
}


static void
test_replicas(void)
{
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell;

    set_up(-1);

    for (i = 0; i < 40; i++) {
        cell = cell_of("a");
        cell.replicas = 5;
        (void) take(&cell);

        if (cell.want) {
            CHECK(cell.want <= 2);
            ngx_edge_limit_lease_failed(&cell, NOW);
        }
    }

    CHECK_INT(cell.want, 2);

    for (i = 0; i < 40; i++) {
        cell = cell_of("b");
        cell.replicas = 11;
        (void) take(&cell);
        CHECK_INT(cell.want, 0);
    }

    zone_close();
}


/* What a is lent stays there when b refuses. */

static void
test_all_or_none(void)
{
    ngx_edge_limit_cell_t  cell[3];

    set_up(-1);
    lend("a", 10);

    cell[0] = cell_of("a");
    cell[1] = cell_of("b");

    CHECK_INT(ngx_edge_limit_lease_take(cell, 2, NOW), NGX_AGAIN);
    CHECK_INT(cell[0].held, 1);
    CHECK_INT(cell[1].held, 0);
    cell[1].tat = NOW + SECOND;
    ngx_edge_limit_lease_done(cell, 2, NOW, NGX_DECLINED);
    CHECK_INT(cell[0].held, 0);
    CHECK_INT(cell[0].want, 0);

    /* b is known to be used up, for a hundredth of a second */

    CHECK_INT(ngx_edge_limit_lease_take(cell, 2, NOW), NGX_DECLINED);
    CHECK_INT(cell[0].wait, 0);
    CHECK_INT(cell[1].wait, 10000);
    CHECK_INT(cell[0].tat, NOW + SECOND / 2 - 10 * 10000);

    /* who asks for another besides asks for b too */

    cell[2] = cell_of("c");
    cell[2].leased = 0;
    CHECK_INT(ngx_edge_limit_lease_take(cell, 3, NOW), NGX_AGAIN);
    CHECK_INT(cell[0].held, 1);
    CHECK_INT(cell[1].held, 0);
    CHECK_INT(cell[1].wait, 0);
    CHECK_INT(cell[2].held, 0);

    cell[1].tat = NOW;
    ngx_edge_limit_lease_done(cell, 3, NOW, NGX_OK);
    CHECK_INT(cell[0].held, 1);

    CHECK_INT(take(&cell[0]), NGX_OK);
    CHECK_INT(cell[0].tat, NOW + SECOND / 2 - 8 * 10000);

    /* nobody knows: it goes back, too */

    CHECK_INT(ngx_edge_limit_lease_take(cell, 2, NOW), NGX_AGAIN);
    ngx_edge_limit_lease_done(cell, 2, NOW, NGX_ERROR);
    CHECK_INT(take(&cell[0]), NGX_OK);
    CHECK_INT(cell[0].tat, NOW + SECOND / 2 - 7 * 10000);

    zone_close();
}


static void
test_gone(void)
{
    ngx_edge_limit_cell_t  cell[2];

    set_up(-1);
    lend("a", 10);

    cell[0] = cell_of("a");
    cell[1] = cell_of("b");

    CHECK_INT(ngx_edge_limit_lease_take(cell, 2, NOW), NGX_AGAIN);
    zone_forget();
    ngx_edge_limit_lease_done(cell, 2, NOW, NGX_ERROR);
    CHECK_INT(cell[0].want, 1);
    CHECK_INT(cell[1].want, 0);

    CHECK_INT(ngx_edge_limit_lease_grant(cell, NOW, 7, 5, NOW, NOW), 7);
    ngx_edge_limit_lease_failed(cell, NOW);
    CHECK_INT(ngx_edge_limit_lease_expire(cell, NOW, &cell[0].born), 0);

    zone_close();
}


static void
test_other_rate(void)
{
    ngx_edge_gcra_t        other;
    ngx_edge_limit_cell_t  cell;

    set_up(-1);
    lend("a", 10);

    other = gcra;
    other.window *= 2;
    cell = cell_of("a");
    cell.gcra = &other;

    CHECK_INT(take(&cell), NGX_AGAIN);
    CHECK_INT(cell.held, 0);
    CHECK_INT(cell.want, 0);
    cell.tat = NOW + 9 * SECOND;
    ngx_edge_limit_lease_done(&cell, 1, NOW, NGX_DECLINED);

    cell = cell_of("a");
    CHECK_INT(take(&cell), NGX_OK);
    CHECK_INT(cell.tat, NOW + SECOND / 2 - 9 * 10000);

    zone_close();
}


static void
test_no_room(void)
{
    ngx_uint_t             i;
    ngx_edge_limit_cell_t  cell;

    set_up(-1);
    ngx_stub_slab_budget = 16;

    for (i = 0; i < 20; i++) {
        cell = cell_of("a");
        CHECK_INT(take(&cell), NGX_AGAIN);
        CHECK_INT(cell.want, 0);
        ngx_edge_limit_lease_done(&cell, 1, NOW, NGX_OK);
    }

    CHECK_INT(local->table->count, 0);

    zone_close();
}


int
main(void)
{
    RUN(test_take);
    RUN(test_replicas);
    RUN(test_all_or_none);
    RUN(test_gone);
    RUN(test_other_rate);
    RUN(test_no_room);

    return unit_summary();
}
