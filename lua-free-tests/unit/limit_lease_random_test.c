
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of leases in shared memory, by random schedules: requests of several
 * limits at once, two rates of one key, a zone that is full, answers that are
 * late or lost, clients that leave, and clocks of workers that differ.
 * Whatever happens, no unit is used or given back that was not paid for, and
 * none twice.
 */


/* sources: limit/ngx_edge_limit_lease.c limit/ngx_edge_lease.c */
/* sources: limit/ngx_edge_limit_local.c limit/ngx_edge_limit_key.c */
/* sources: limit/ngx_edge_gcra.c limit/ngx_edge_rate.c lib/ngx_edge_shm.c */
/* sources: lib/ngx_edge_random.c */
/* libs: -lcrypto */

#include "limit_fixture.h"
#include "limit/ngx_edge_limit_lease.h"


#define MS       ((int64_t) 1000)
#define SKEW     (30 * MS)     /* between the clocks of two workers */
#define KEYS     6
#define CELLS    4
#define EVENTS   1024


typedef enum {
    ev_free = 0,
    ev_request,
    ev_take,                   /* arrives in Redis */
    ev_taken,                  /* comes back */
    ev_left,                   /* the client has, before that */
    ev_lease,
    ev_granted,
    ev_failed,
    ev_expire,
    ev_back
} ev_e;


typedef struct {
    ev_e                    what;
    int64_t                 at;
    ngx_int_t               rc;
    ngx_uint_t              n, key[CELLS];
    ngx_edge_limit_cell_t   cell[CELLS];
    int64_t                 asked, units, born, ahead;
} event_t;


/* What Redis has of a key, and what became of the time that it charged. */
typedef struct {
    int64_t                 tat, charged, used, back;
} account_t;


static ngx_edge_gcra_t          rate[3];
static event_t                  event[EVENTS];
static account_t                account[2][KEYS];
static uint64_t                 seed;
static ngx_uint_t               passed, refused, returned, unsent;


static int64_t
dice(int64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (int64_t) (seed % (uint64_t) n);
}


static event_t *
later(const event_t *like, ev_e what, int64_t at)
{
    ngx_uint_t  i;

    for (i = 0; event[i].what != ev_free; i++) {
        if (i == EVENTS - 2) {
            CHECK(0);
            break;
        }
    }

    event[i] = *like;
    event[i].what = what;
    event[i].at = at;

    return &event[i];
}


static int64_t
clock_of(int64_t now)
{
    return now + dice(2) * SKEW;
}


static account_t *
account_of(const event_t *e, ngx_uint_t i)
{
    return &account[e->cell[i].gcra == &rate[2]][e->key[i]];
}


/* Nothing is used or comes back that was not charged. */

static void
balance(const account_t *a)
{
    CHECK(a->used + a->back <= a->charged);
    CHECK_INT(ngx_stub_lock_depth, 0);
}


static void
one(event_t *e, const event_t *of, ngx_uint_t i)
{
    *e = *of;
    e->n = 1;
    e->key[0] = of->key[i];
    e->cell[0] = of->cell[i];
}


static void
give_back(const event_t *of, ngx_uint_t i, int64_t now, int64_t units,
    int64_t born)
{
    event_t     e;
    account_t  *a;

    if (units == 0) {
        return;
    }

    one(&e, of, i);
    e.units = units;
    e.born = born;

    a = account_of(of, i);
    a->back += units * e.cell[0].gcra->window;
    returned += (ngx_uint_t) units;
    balance(a);

    (void) later(&e, ev_back, now + dice(20) * MS);
}


/* Which limits: one whose key has two rates, and maybe another. */

static void
make(event_t *e, ngx_uint_t key)
{
    ngx_str_t               text;
    ngx_uint_t              i;
    const char             *name;
    ngx_edge_limit_cell_t  *cell;

    static const char *names[] = { "a", "b", "c", "d", "e", "f" };

    name = names[key];
    memset(e, 0, sizeof(event_t));
    e->n = 1 + (ngx_uint_t) dice(2);

    for (i = 0; i < e->n; i++) {
        cell = &e->cell[i];
        text = unit_str(name);
        cell->local = local;
        cell->gcra = (i == 1) ? &rate[2] : &rate[dice(10) == 0];
        cell->replicas = 1;
        cell->leased = (i == 0 || dice(20) != 0);
        e->key[i] = key;
        ngx_edge_limit_key(local->seed, &text, (uint32_t) i, cell->key);
    }
}


static void
use(const event_t *e)
{
    ngx_uint_t  i;

    passed++;

    for (i = 0; i < e->n; i++) {
        account_of(e, i)->used += e->cell[i].gcra->window;
        balance(account_of(e, i));
    }
}


static void
request(int64_t now)
{
    event_t     e, renewal;
    int64_t     time;
    ngx_int_t   rc;
    ngx_uint_t  i;

    make(&e, (ngx_uint_t) (dice(3) ? dice(2) : dice(KEYS)));

    time = clock_of(now);
    rc = ngx_edge_limit_lease_take(e.cell, e.n, time);

    for (i = 0; i < e.n; i++) {

        if (e.cell[i].want == 0) {
            continue;
        }

        if (dice(10) == 0) {
            unsent++;
            ngx_edge_limit_lease_failed(&e.cell[i], time);
            continue;
        }

        one(&renewal, &e, i);
        renewal.asked = time;
        renewal.units = e.cell[i].want;
        (void) later(&renewal, ev_lease, now + dice(20) * MS);
    }

    if (rc == NGX_OK) {
        use(&e);
        return;
    }

    if (rc == NGX_DECLINED) {
        refused++;
        return;
    }

    (void) later(&e, ev_take, now + dice(20) * MS);
}


/* As the scripts do. */

static void
redis_take(event_t *e, int64_t now)
{
    ngx_uint_t   i;
    account_t   *a;

    e->rc = NGX_OK;

    for (i = 0; i < e->n; i++) {
        a = account_of(e, i);

        if (!e->cell[i].held
            && ngx_edge_gcra_wait(e->cell[i].gcra, a->tat, now, 1))
        {
            e->rc = NGX_DECLINED;
        }
    }

    for (i = 0; i < e->n; i++) {

        if (e->cell[i].held) {
            continue;
        }

        a = account_of(e, i);

        if (e->rc == NGX_OK) {
            a->tat = ngx_edge_gcra_charge(e->cell[i].gcra, a->tat, now, 1);
            a->charged += e->cell[i].gcra->window;
        }

        e->cell[i].tat = ngx_max(a->tat, now);
    }

    switch (dice(12)) {

    case 0:
        e->rc = NGX_ERROR;
        /* fall through */

    case 1:
        (void) later(e, (e->rc == NGX_ERROR) ? ev_taken : ev_left,
                     now + dice(1500) * MS);
        break;

    default:
        (void) later(e, ev_taken, now + dice(20) * MS);
    }
}


static void
taken(event_t *e, int64_t now)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = (e->what == ev_left) ? NGX_ERROR : e->rc;

    ngx_edge_limit_lease_done(e->cell, e->n, clock_of(now), rc);

    for (i = 0; i < e->n; i++) {
        if (e->cell[i].want) {
            CHECK(rc != NGX_OK && e->cell[i].leased);
            give_back(e, i, now, 1, e->cell[i].born);
        }

        CHECK(rc == NGX_OK || !e->cell[i].held);
    }

    if (rc == NGX_OK) {
        use(e);
    }
}


static void
redis_lease(event_t *e, int64_t now)
{
    int64_t           ahead, units;
    account_t        *a;
    ngx_edge_gcra_t   g;

    a = account_of(e, 0);
    g = *e->cell[0].gcra;

    ahead = ngx_max(a->tat - now, 0);
    units = ngx_max(ngx_min(e->units, (g.tau - ahead) / g.window / 2), 0);

    a->tat = now + ahead + units * g.window;
    a->charged += units * g.window;

    e->units = units;
    e->born = now;
    e->ahead = ahead + units * g.window;

    (void) later(e, (dice(20) == 0) ? ev_failed : ev_granted,
                 now + dice(dice(20) == 0 ? 2500 : 20) * MS);
}


static void
granted(event_t *e, int64_t now)
{
    int64_t  back;

    back = ngx_edge_limit_lease_grant(&e->cell[0], e->asked, e->units, e->born,
                                      now + e->ahead, clock_of(now));

    CHECK(back == 0 || back == e->units);
    give_back(e, 0, now, back, e->born);

    if (back != e->units) {
        (void) later(e, ev_expire, now + NGX_EDGE_LEASE_LIFE
                                   + (dice(20) == 0) * dice(2 * SECOND));
    }
}


static void
play_event(event_t *e)
{
    int64_t     units, born;
    account_t  *a;

    switch (e->what) {

    case ev_request:
        request(e->at);
        break;

    case ev_take:
        redis_take(e, e->at);
        break;

    case ev_taken:
    case ev_left:
        taken(e, e->at);
        break;

    case ev_lease:
        redis_lease(e, e->at);
        break;

    case ev_granted:
        granted(e, e->at);
        break;

    case ev_failed:
        ngx_edge_limit_lease_failed(&e->cell[0], e->asked);
        break;

    case ev_expire:
        units = ngx_edge_limit_lease_expire(&e->cell[0], clock_of(e->at),
                                            &born);
        give_back(e, 0, e->at, units, born);
        break;

    default:
        a = account_of(e, 0);
        units = e->units * e->cell[0].gcra->window
                - ngx_max(e->at - e->born, 0);
        a->tat -= ngx_max(units, 0);
    }
}


static void
play(int64_t seconds, int64_t gap)
{
    event_t     e, *first;
    int64_t     next;
    ngx_uint_t  i;

    memset(event, 0, sizeof(event));
    memset(account, 0, sizeof(account));
    memset(&e, 0, sizeof(event_t));

    (void) later(&e, ev_request, NOW);

    for ( ;; ) {
        first = NULL;

        for (i = 0; i < EVENTS; i++) {
            if (event[i].what != ev_free
                && (first == NULL || event[i].at < first->at))
            {
                first = &event[i];
            }
        }

        if (first == NULL) {
            return;
        }

        e = *first;
        first->what = ev_free;

        if (e.what == ev_request && e.at < NOW + seconds * SECOND) {
            next = dice(500) ? dice(gap) : dice(3 * SECOND);
            (void) later(&e, ev_request, e.at + next);
        }

        play_event(&e);
    }
}


static void
set_up(ssize_t budget)
{
    zone_open(-1);
    ngx_stub_slab_budget = budget;     /* of what comes behind the zone */

    rate[0] = rate_of("100r/s", 200);
    rate[1] = rate_of("300r/s", 100);
    rate[2] = rate_of("80r/s", 150);
}


static void
schedules(ssize_t budget)
{
    ngx_uint_t  i;

    seed = 88172645463325252ULL;
    passed = 0;
    refused = 0;
    returned = 0;
    unsent = 0;

    for (i = 0; i < 12; i++) {
        set_up(budget);
        play(5, 1000 + (int64_t) i * 1000);
        zone_close();
    }

    CHECK(passed > 1000);
    CHECK(refused > 0);
    CHECK(returned > 10);
    CHECK(unsent > 0);
}


static void
test_schedules(void)
{
    schedules(-1);
}


/* Room for a few entries: most slices are lost. */

static void
test_full(void)
{
    schedules(3 * 256);
}


int
main(void)
{
    RUN(test_schedules);
    RUN(test_full);

    return unit_summary();
}
