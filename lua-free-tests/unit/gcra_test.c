
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of rates and of the limit's arithmetic: what is read, what passes in
 * a burst and over time, what is given back, and the ends of the scale.
 */


/* sources: limit/ngx_edge_gcra.c limit/ngx_edge_rate.c */

#include "unit.h"
#include "limit/ngx_edge_gcra.h"


#define NOW     ((int64_t) 1000000000)
#define SECOND  ((int64_t) 1000000)


static ngx_edge_gcra_t  g;


static ngx_int_t
parse(const char *text, u_char unit, ngx_edge_rate_t *rate)
{
    ngx_str_t  s = unit_str(text);

    return ngx_edge_rate_parse(&s, unit, rate);
}


static void
set(const char *text, int64_t burst)
{
    ngx_edge_rate_t  rate;

    CHECK_INT(parse(text, text[strlen(text) - 3], &rate), NGX_OK);
    ngx_edge_gcra_init(&g, &rate, burst);
}


/* How many single units pass at one instant. */

static ngx_uint_t
pass(int64_t *tat, int64_t now, ngx_uint_t most)
{
    ngx_uint_t  n;

    for (n = 0; n < most; n++) {

        if (ngx_edge_gcra_wait(&g, *tat, now, 1) != 0) {
            break;
        }

        *tat = ngx_edge_gcra_charge(&g, *tat, now, 1);
    }

    return n;
}


static void
test_rate_good(void)
{
    ngx_edge_rate_t  rate;

    CHECK_INT(parse("100r/s", 'r', &rate), NGX_OK);
    CHECK_INT(rate.limit, 100);
    CHECK_INT(rate.window, SECOND);
    CHECK_INT(rate.unit, 'r');
    CHECK_INT(rate.period, 's');

    CHECK_INT(parse("6000r/m", 'r', &rate), NGX_OK);
    CHECK_INT(rate.window, 60 * SECOND);

    CHECK_INT(parse("1r/h", 'r', &rate), NGX_OK);
    CHECK_INT(rate.window, 3600 * SECOND);

    CHECK_INT(parse("5000000t/d", 't', &rate), NGX_OK);
    CHECK_INT(rate.limit, 5000000);
    CHECK_INT(rate.window, 86400 * SECOND);
    CHECK_INT(rate.unit, 't');
    CHECK_INT(rate.period, 'd');

    CHECK_INT(parse("1000000000000t/s", 't', &rate), NGX_OK);
    CHECK_INT(parse("1000000r/s", 'r', &rate), NGX_OK);
    CHECK_INT(parse("007r/s", 'r', &rate), NGX_OK);
    CHECK_INT(rate.limit, 7);
}


static void
test_rate_bad(void)
{
    ngx_uint_t          i;
    ngx_edge_rate_t     rate;
    static const char  *bad[] = {
        "", "r", "r/s", "/s", "1", "1r", "1r/", "1/s", "0r/s", "-1r/s",
        "+1r/s", "1.5r/s", "1r/w", "1r/ss", "1r/s ", " 1r/s", "1 r/s",
        "1R/s", "1r/S", "1t/s", "1rr/s", "1r.s", "0x1r/s", "10k/s",
        "1000000000001r/d", "99999999999999999999999r/s", "1000001r/s", "1r/\0"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        if (parse(bad[i], 'r', &rate) != NGX_ERROR) {
            printf("    \"%s\"\n", bad[i]);
            CHECK(0);
        }
    }

    CHECK_INT(parse("1r/s", 't', &rate), NGX_ERROR);
    CHECK_INT(parse("1000000000001t/s", 't', &rate), NGX_ERROR);
}


static void
test_burst(void)
{
    int64_t  tat;

    set("3r/s", 0);
    tat = 0;
    CHECK_INT(pass(&tat, NOW, 10), 3);
    CHECK_INT(pass(&tat, NOW + SECOND / 4, 10), 0);
    CHECK_INT(pass(&tat, NOW + SECOND / 3 + 2, 10), 1);
    CHECK_INT(pass(&tat, NOW + 10 * SECOND, 10), 3);

    set("3r/s", 1);
    tat = 0;
    CHECK_INT(pass(&tat, NOW, 10), 1);
    CHECK_INT(pass(&tat, NOW + SECOND / 3 + 1, 10), 1);

    set("1r/d", 1000);
    tat = 0;
    CHECK_INT(pass(&tat, NOW, 2000), 1000);
}


/* Over any length of time no more than the burst and the rate. */

static void
test_total(void)
{
    int64_t     tat, now;
    ngx_uint_t  n;

    set("700r/s", 5);
    tat = 0;
    n = 0;

    for (now = NOW; now <= NOW + 10 * SECOND; now += 137) {
        n += pass(&tat, now, 10);
    }

    CHECK(n <= 7005);
    CHECK(n >= 6990);
}


static void
test_wait(void)
{
    int64_t  tat;

    set("10t/s", 0);

    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 10), 0);
    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 11), -1);
    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 0), 0);

    tat = ngx_edge_gcra_charge(&g, 0, NOW, 7);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 3), 0);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 4), SECOND / 10);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 10), 7 * SECOND / 10);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW + SECOND / 10, 4), 0);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW + SECOND / 10 - 1, 4), 1);

    /* more was used than there was: not even nothing passes */

    tat = ngx_edge_gcra_charge(&g, tat, NOW, 20);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 0), 17 * SECOND / 10);
}


static void
test_refund(void)
{
    int64_t  tat;

    set("10t/s", 0);

    tat = ngx_edge_gcra_charge(&g, 0, NOW, 8);
    tat = ngx_edge_gcra_refund(&g, tat, NOW, 5);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 7), 0);
    CHECK(ngx_edge_gcra_wait(&g, tat, NOW, 8) > 0);

    /* what flowed back in between is not given twice */

    tat = ngx_edge_gcra_refund(&g, tat, NOW + 10 * SECOND, 8);
    CHECK_INT(tat, NOW + 10 * SECOND);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW + 10 * SECOND, 11), -1);
}


static void
test_view(void)
{
    int64_t               tat;
    ngx_edge_gcra_view_t  v;

    set("60r/m", 5);

    ngx_edge_gcra_view(&g, 0, NOW, &v);
    CHECK_INT(v.remaining, 5);
    CHECK_INT(v.more, 0);
    CHECK_INT(v.reset, 0);

    tat = ngx_edge_gcra_charge(&g, 0, NOW, 1);
    ngx_edge_gcra_view(&g, tat, NOW, &v);
    CHECK_INT(v.remaining, 4);
    CHECK_INT(v.more, SECOND);
    CHECK_INT(v.reset, SECOND);

    tat = ngx_edge_gcra_charge(&g, tat, NOW, 4);
    ngx_edge_gcra_view(&g, tat, NOW + SECOND / 2, &v);
    CHECK_INT(v.remaining, 0);
    CHECK_INT(v.more, SECOND / 2);
    CHECK_INT(v.reset, 5 * SECOND - SECOND / 2);

    tat = ngx_edge_gcra_charge(&g, tat, NOW, 2);
    ngx_edge_gcra_view(&g, tat, NOW, &v);
    CHECK_INT(v.remaining, 0);
    CHECK_INT(v.more, 3 * SECOND);

    set("200000t/m", 0);
    ngx_edge_gcra_view(&g, 0, NOW, &v);
    CHECK_INT(v.remaining, 200000);
    tat = ngx_edge_gcra_charge(&g, 0, NOW, 12345);
    ngx_edge_gcra_view(&g, tat, NOW, &v);
    CHECK_INT(v.remaining, 200000 - 12345);
    CHECK_INT(v.more, 300);

    /* where a double meets a whole number: all that would pass is told */

    set("220000000100t/m", 0);
    tat = NOW + 17600014;
    ngx_edge_gcra_view(&g, tat, NOW, &v);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, v.remaining), 0);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, v.remaining + 1), 1);
    CHECK_INT(v.more, 1);
}


static void
test_ends(void)
{
    int64_t               tat;
    ngx_edge_gcra_view_t  v;

    set("1000000000000t/d", 0);
    tat = ngx_edge_gcra_charge(&g, 0, NOW, 999999999999);
    CHECK_INT(ngx_edge_gcra_wait(&g, tat, NOW, 1) < 2, 1);
    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 1000000000000), 0);
    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 1000000000000 + 20000000), -1);
    ngx_edge_gcra_view(&g, 0, NOW, &v);
    CHECK_INT(v.remaining, 1000000000000);

    set("123456789123t/d", 0);
    ngx_edge_gcra_view(&g, 0, NOW, &v);
    CHECK_INT(v.remaining, 123456789123);

    set("1t/d", 0);
    tat = ngx_edge_gcra_charge(&g, 0, NOW, 0x7fffffffffffffffLL);
    CHECK_INT(tat, NOW + NGX_EDGE_GCRA_MAX);
    tat = ngx_edge_gcra_charge(&g, tat, NOW, 0x7fffffffffffffffLL);
    CHECK_INT(tat, NOW + NGX_EDGE_GCRA_MAX);
    CHECK(ngx_edge_gcra_wait(&g, tat, NOW, 1) > 0);

    set("1r/d", 1000000000);
    CHECK_INT(g.tau, NGX_EDGE_GCRA_MAX - 1);
    CHECK_INT(ngx_edge_gcra_wait(&g, 0, NOW, 1000000000), -1);
    ngx_edge_gcra_view(&g, 0, NOW, &v);
    CHECK(v.remaining > 0 && v.remaining < 1000000000);

    set("1000000r/s", 0);
    tat = 0;
    CHECK_INT(pass(&tat, NOW, 2000000), 1000000);
}


int
main(void)
{
    RUN(test_rate_good);
    RUN(test_rate_bad);
    RUN(test_burst);
    RUN(test_total);
    RUN(test_wait);
    RUN(test_refund);
    RUN(test_view);
    RUN(test_ends);

    return unit_summary();
}
