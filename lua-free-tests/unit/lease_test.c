
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the arithmetic of a lease: a slice that grows with use, is used,
 * returned, renewed, lost or too old, for one rate at a time; and that no
 * schedule of several instances over one Redis lets more pass in any time
 * than the exact limit and one slice of each instance.
 */


/* sources: limit/ngx_edge_lease.c limit/ngx_edge_gcra.c */
/* sources: limit/ngx_edge_rate.c */

#include "unit.h"
#include "limit/ngx_edge_lease.h"


#define MS      ((int64_t) 1000)
#define SECOND  ((int64_t) 1000000)
#define NOW     (1000 * SECOND)


static ngx_edge_gcra_t   g;
static ngx_edge_lease_t  lease;


static void
set(const char *rate, int64_t burst)
{
    ngx_str_t        text;
    ngx_edge_rate_t  r;

    text = unit_str(rate);
    CHECK_INT(ngx_edge_rate_parse(&text, 'r', &r), NGX_OK);
    ngx_edge_gcra_init(&g, &r, burst);
    ngx_edge_lease_init(&lease, &g, NOW);
}


/* A slice of units, that was asked for at now and is for a second. */

static void
have(int64_t units, int64_t now)
{
    ngx_edge_lease_init(&lease, &g, now - NGX_EDGE_LEASE_PERIOD);
    lease.used = units;
    CHECK_INT(ngx_edge_lease_renew(&lease, units, now), units);
    CHECK_INT(ngx_edge_lease_grant(&lease, now, units, 1, now, now), 0);
}


static void
test_growth(void)
{
    set("1000r/s", 0);

    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW), 1);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, NOW), -1);

    /* one alone takes no slice */

    ngx_edge_lease_count(&lease);
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW), 0);

    ngx_edge_lease_count(&lease);
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW), 1);
    CHECK_INT(lease.asked, NOW);

    /* one renewal at a time */

    lease.used = 50;
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW + MS), 0);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW, 1, 7, NOW + 5 * MS,
                                   NOW + MS), 0);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, NOW + MS), 0);

    /* half of what was used, within the period */

    CHECK_INT(ngx_edge_lease_take(&lease), 7);
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW + 2 * MS), 25);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW + 2 * MS, 20, 8, NOW,
                                   NOW + 3 * MS), 0);
    CHECK_INT(lease.left, 20);

    /* above the mark there is nothing to do */

    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW + 3 * MS), 0);

    /* a period's use behind it, and never more than is allowed */

    lease.left = 10;
    lease.used = 500;
    CHECK_INT(ngx_edge_lease_renew(&lease, 100,
                                   NOW + 2 * NGX_EDGE_LEASE_PERIOD), 90);
    CHECK_INT(lease.used, 0);
    CHECK_INT(lease.slice, 100);
}


static void
test_little_use(void)
{
    ngx_uint_t  i;

    set("1000r/s", 0);

    for (i = 0; i < 100; i++) {
        ngx_edge_lease_count(&lease);
        CHECK_INT(ngx_edge_lease_renew(&lease, 100,
                                       NOW + (int64_t) i * SECOND), 0);
    }

    /* an allowance too small for slices */

    lease.used = 100;
    CHECK_INT(ngx_edge_lease_renew(&lease, 0, NOW + 99 * SECOND + MS), 0);
}


static void
test_age(void)
{
    int64_t  born;

    set("1000r/s", 0);
    have(10, NOW);

    CHECK_INT(ngx_edge_lease_wait(&lease, &g, NOW + SECOND - 1), 0);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + SECOND - 1, &born), 0);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, NOW + SECOND), -1);
    CHECK_INT(ngx_edge_lease_tat(&lease, NOW + SECOND), NOW + SECOND);
    lease.tat = NOW + 2 * SECOND;
    CHECK_INT(ngx_edge_lease_tat(&lease, NOW + SECOND),
              NOW + 2 * SECOND - 10 * MS);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + SECOND, &born), 10);
    CHECK_INT(born, 1);
    CHECK_INT(ngx_edge_lease_tat(&lease, NOW + SECOND),
              NOW + 2 * SECOND - 10 * MS);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + SECOND, &born), 0);

    /* a renewal holds on to what is left, at its age */

    have(10, NOW);
    lease.left = 5;
    lease.used = 10;
    CHECK_INT(ngx_edge_lease_renew(&lease, 10, NOW + 900 * MS), 0);
    lease.left = 1;
    lease.used = 10;
    CHECK_INT(ngx_edge_lease_renew(&lease, 10, NOW + 950 * MS), 4);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW + 950 * MS, 4, 9, NOW,
                                   NOW + 960 * MS), 0);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, NOW + SECOND), 0);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + SECOND, &born), 0);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + 2 * SECOND, &born), 5);
    CHECK_INT(born, 1);

    have(10, NOW);
    lease.left = 1;
    lease.used = 5;
    CHECK_INT(ngx_edge_lease_renew(&lease, 10, NOW + MS), 9);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW + MS, 9, 9, NOW, NOW), 0);
    CHECK_INT(ngx_edge_lease_take(&lease), 1);
    CHECK_INT(ngx_edge_lease_take(&lease), 9);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + 2 * SECOND, &born), 8);
    CHECK_INT(born, 9);

    /* nobody gave them back */

    have(10, NOW);
    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW + 2 * SECOND), 1);
    CHECK_INT(lease.left, 0);
}


static void
test_late(void)
{
    set("1000r/s", 0);

    lease.used = 20;
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW), 10);

    /* who asked is dead: another asks, and the late answer goes back */

    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW + SECOND - 1), 1);
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW + SECOND - 1), 0);
    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW + SECOND), 1);
    lease.used = 20;
    CHECK_INT(ngx_edge_lease_renew(&lease, 100, NOW + SECOND), 4);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW, 10, 1, NOW, NOW + SECOND),
              10);
    CHECK_INT(lease.left, 0);

    ngx_edge_lease_failed(&lease, NOW);
    CHECK_INT(lease.asked, NOW + SECOND);
    ngx_edge_lease_failed(&lease, NOW + SECOND);
    CHECK_INT(lease.asked, 0);

    CHECK_INT(ngx_edge_lease_grant(&lease, NOW + SECOND, 3, 1, NOW, NOW), 3);
}


static void
test_refusal(void)
{
    int64_t  now;

    set("10r/s", 0);
    now = NOW;

    ngx_edge_lease_told(&lease, now + SECOND + 30 * MS, now);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, now), 130 * MS);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, now + 129 * MS), MS);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, now + 130 * MS), -1);
    CHECK_INT(ngx_edge_lease_tat(&lease, now), now + SECOND + 30 * MS);

    /* a day's allowance may come back earlier */

    set("10r/d", 0);
    ngx_edge_lease_told(&lease, now + 86400 * SECOND, now);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, now + MS),
              8640 * SECOND - MS);
    CHECK_INT(ngx_edge_lease_wait(&lease, &g, now + SECOND), -1);
}


static void
test_return(void)
{
    int64_t  born, b[3];

    set("1000r/s", 0);
    have(3, NOW);

    b[0] = ngx_edge_lease_take(&lease);
    b[1] = ngx_edge_lease_take(&lease);
    b[2] = ngx_edge_lease_take(&lease);
    CHECK_INT(b[2], 1);

    CHECK_INT(ngx_edge_lease_return(&lease, b[0], NOW), 0);
    CHECK_INT(lease.left, 1);
    CHECK_INT(ngx_edge_lease_tat(&lease, NOW), NOW);

    /* others come for them already */

    lease.used = 3;
    CHECK_INT(ngx_edge_lease_renew(&lease, 3, NOW), 2);
    CHECK_INT(ngx_edge_lease_return(&lease, b[1], NOW), 1);
    CHECK_INT(ngx_edge_lease_grant(&lease, NOW, 2, 5, NOW, NOW), 0);
    CHECK_INT(ngx_edge_lease_take(&lease), 1);
    CHECK_INT(ngx_edge_lease_return(&lease, 1, NOW), 0);
    CHECK_INT(ngx_edge_lease_return(&lease, b[2], NOW), 1);
    CHECK_INT(ngx_edge_lease_return(&lease, b[2], NOW + SECOND), 1);
    CHECK_INT(ngx_edge_lease_expire(&lease, NOW + SECOND, &born), 3);
    CHECK_INT(born, 1);
}


static void
test_rates(void)
{
    ngx_edge_gcra_t  other;

    set("10r/s", 0);
    other = g;
    set("100r/s", 0);
    have(5, NOW);

    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW), 1);
    CHECK_INT(ngx_edge_lease_fits(&lease, &other, NOW), 0);
    lease.left = 0;
    lease.asked = NOW;
    CHECK_INT(ngx_edge_lease_fits(&lease, &other, NOW), 0);
    lease.asked = 0;
    CHECK_INT(ngx_edge_lease_fits(&lease, &other, NOW), 1);
    CHECK_INT(ngx_edge_lease_fits(&lease, &g, NOW), 1);
    CHECK_INT(lease.slice, 0);

    /* another burst is another rate */

    have(5, NOW);
    other = g;
    other.tau /= 2;
    CHECK_INT(ngx_edge_lease_fits(&lease, &other, NOW), 0);
}


/* ------------------------------------------------- several over one Redis */

#define INSTANCES  4
#define EVENTS     512
#define SAMPLES    20000


typedef enum {
    ev_free = 0,
    ev_lease,                  /* arrives in Redis */
    ev_reply,                  /* comes back */
    ev_expire,
    ev_back,                   /* arrives in Redis */
    ev_request
} ev_e;


typedef struct {
    ev_e        what;
    int64_t     at;
    ngx_uint_t  who;
    int64_t     asked, units, born, ahead;
} event_t;


static event_t           event[EVENTS];
static ngx_edge_lease_t  node[INSTANCES];
static int64_t           redis, passed[SAMPLES], most, given_back;
static ngx_uint_t        npassed;
static uint64_t          seed;


static int64_t
dice(int64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (int64_t) (seed % (uint64_t) n);
}


static event_t *
later(ev_e what, int64_t at, ngx_uint_t who)
{
    ngx_uint_t  i;

    for (i = 0; event[i].what != ev_free; i++) {
        if (i == EVENTS - 2) {
            CHECK(0);
            break;
        }
    }

    memset(&event[i], 0, sizeof(event_t));
    event[i].what = what;
    event[i].at = at;
    event[i].who = who;

    return &event[i];
}


static void
back(int64_t now, int64_t units, int64_t born)
{
    event_t  *e;

    if (units) {
        e = later(ev_back, now + dice(20) * MS, 0);
        e->units = units;
        e->born = born;
    }
}


/* As the script does. */

static void
redis_lease(event_t *e, int64_t now)
{
    int64_t   ahead, units;
    event_t  *reply;

    ahead = ngx_max(redis - now, 0);
    units = ngx_min(e->units, (g.tau - ahead) / g.window / 2);
    units = ngx_max(units, 0);

    if (units) {
        ahead += units * g.window;
        redis = now + ahead;
    }

    if (dice(20) == 0) {
        return;                        /* nobody hears of it */
    }

    reply = later(ev_reply, now + dice(dice(30) == 0 ? 2000 : 20) * MS,
                  e->who);
    reply->asked = e->asked;
    reply->units = units;
    reply->born = now;
    reply->ahead = ahead;
}


static void
redis_back(const event_t *e, int64_t now)
{
    int64_t  time;

    time = e->units * g.window - (now - e->born);

    if (time > 0 && redis > now) {
        redis = ngx_max(redis - time, now);
        given_back++;
    }
}


static void
request(ngx_uint_t who, int64_t now)
{
    int64_t            wait, want;
    event_t           *e;
    ngx_edge_lease_t  *l;

    l = &node[who];

    CHECK_INT(ngx_edge_lease_fits(l, &g, now), 1);
    wait = ngx_edge_lease_wait(l, &g, now);

    if (wait > 0) {
        return;
    }

    ngx_edge_lease_count(l);

    if (wait == 0) {
        (void) ngx_edge_lease_take(l);
        passed[npassed++] = now;

    } else {
        if (ngx_edge_gcra_wait(&g, redis, now, 1) == 0) {
            redis = ngx_edge_gcra_charge(&g, redis, now, 1);
            passed[npassed++] = now;
        }

        ngx_edge_lease_told(l, redis, now);
    }

    want = ngx_edge_lease_renew(l, most, now);
    CHECK(l->left + l->want <= most);

    if (want) {
        e = later(ev_lease, now + dice(20) * MS, who);
        e->asked = now;
        e->units = want;
    }
}


static void
reply(const event_t *e, int64_t now)
{
    int64_t  unused;

    unused = ngx_edge_lease_grant(&node[e->who], e->asked, e->units, e->born,
                                  now + e->ahead, now);

    back(now, unused, e->born);
    CHECK(node[e->who].left <= most);

    if (unused < e->units) {
        (void) later(ev_expire, now + NGX_EDGE_LEASE_LIFE, e->who);
    }
}


/* The next event; NULL: none is left. */

static event_t *
first(void)
{
    event_t     *e;
    ngx_uint_t   i;

    e = NULL;

    for (i = 0; i < EVENTS; i++) {
        if (event[i].what != ev_free && (e == NULL || event[i].at < e->at)) {
            e = &event[i];
        }
    }

    return e;
}


static void
play(int64_t seconds, ngx_uint_t instances, int64_t gap, int64_t pauses)
{
    int64_t     now, born, units;
    event_t     e, *p;
    ngx_uint_t  i;

    memset(event, 0, sizeof(event));
    redis = 0;
    npassed = 0;

    for (i = 0; i < instances; i++) {
        ngx_edge_lease_init(&node[i], &g, NOW);
        (void) later(ev_request, NOW + dice(gap), i);
    }

    while ((p = first())) {
        e = *p;
        p->what = ev_free;
        now = e.at;

        switch (e.what) {

        case ev_request:
            request(e.who, now);

            if (now < NOW + seconds * SECOND && npassed < SAMPLES - 10) {

                /* a rush, and pauses that outlive a slice */

                (void) later(ev_request, now + (dice(1000) < pauses
                                                ? dice(3 * SECOND)
                                                : dice(gap)), e.who);
            }

            break;

        case ev_lease:
            redis_lease(&e, now);
            break;

        case ev_reply:
            reply(&e, now);
            break;

        case ev_expire:
            units = ngx_edge_lease_expire(&node[e.who], now, &born);
            back(now, units, born);
            break;

        case ev_back:
            redis_back(&e, now);
            break;

        default:
            break;
        }
    }
}


/* The most that passed in any time over what the exact limit lets pass. */

static int64_t
excess(void)
{
    int64_t     worst, low, f;
    ngx_uint_t  i;

    worst = 0;
    low = 0;

    for (i = 0; i < npassed; i++) {
        f = (int64_t) i * g.window - passed[i];
        low = (i == 0) ? f : ngx_min(low, f);
        worst = ngx_max(worst, f - low + g.window - g.tau);
    }

    return (worst + g.window - 1) / g.window;
}


static void
test_bound(void)
{
    int64_t     over, worst;
    ngx_uint_t  i, n;

    static struct {
        const char  *rate;
        int64_t      burst, part, gap;
    } c[] = {
        { "100r/s", 100, 10, 2000 },
        { "100r/s", 100, 20, 10000 },
        { "1000r/m", 200, 50, 5000 },
        { "5000r/d", 300, 100, 4000 },
        { "50r/s", 400, 200, 1000 },
        { "20r/s", 20, 2, 20000 },
        { "10r/s", 5, 0, 20000 }
    };

    seed = 88172645463325252ULL;
    worst = 0;
    given_back = 0;

    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        set(c[i].rate, c[i].burst);
        most = c[i].part;

        for (n = 0; n < 40; n++) {
            play(6, 1 + n % INSTANCES, c[i].gap, 2);
            over = excess();
            worst = ngx_max(worst, over);

            CHECK(npassed > 20);
            CHECK(over <= (int64_t) (1 + n % INSTANCES) * most);
        }
    }

    CHECK(worst > 0);
    CHECK(given_back > 10);
}


/* Who asks without pause gets nearly all, whatever gets lost on the way. */

static void
test_not_less(void)
{
    int64_t     exact;
    ngx_uint_t  n;

    seed = 2463534242ULL;
    set("100r/s", 100);
    most = 10;

    for (n = 0; n < 20; n++) {
        play(6, 1 + n % INSTANCES, 2000, 0);
        exact = 100 + 6 * 100;
        CHECK((int64_t) npassed > exact * 95 / 100);
    }
}


int
main(void)
{
    RUN(test_growth);
    RUN(test_little_use);
    RUN(test_age);
    RUN(test_late);
    RUN(test_refusal);
    RUN(test_return);
    RUN(test_rates);
    RUN(test_bound);
    RUN(test_not_less);

    return unit_summary();
}
