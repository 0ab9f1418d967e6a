
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Rates and the limit's arithmetic: lines "rate", "burst", then one number
 * of units a line with the milliseconds before it.  What passed never exceeds
 * the burst and what the rate gave in the time, whatever the numbers are.
 */


/* sources: limit/ngx_edge_gcra.c limit/ngx_edge_rate.c */
/* max_len: 256 */
/* dict: gcra */

#include "fuzz.h"
#include "limit/ngx_edge_gcra.h"


static void fuzz_steps(ngx_pool_t *pool, ngx_str_t *in, ngx_edge_gcra_t *g);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t             text, burst;
    ngx_edge_rate_t       rate;
    ngx_edge_gcra_t       g;
    ngx_edge_gcra_view_t  v;

    text = fuzz_take(pool, in, "\n");
    burst = fuzz_take(pool, in, "\n");

    if (ngx_edge_rate_parse(&text, 'r', &rate) != NGX_OK
        && ngx_edge_rate_parse(&text, 't', &rate) != NGX_OK)
    {
        return;
    }

    fuzz_check(rate.limit > 0 && rate.limit <= NGX_EDGE_RATE_MAX);

    ngx_edge_gcra_init(&g, &rate, fuzz_number(&burst, 1000000000));

    fuzz_check(g.tau > 0 && g.tau <= NGX_EDGE_GCRA_MAX);
    fuzz_check(g.window > 0 && g.limit > 0);

    ngx_edge_gcra_view(&g, 0, 0, &v);
    fuzz_check(v.remaining > 0 && v.more == 0 && v.reset == 0);

    fuzz_steps(pool, in, &g);
}


static void
fuzz_steps(ngx_pool_t *pool, ngx_str_t *in, ngx_edge_gcra_t *g)
{
    int64_t               now, start, tat, wait, n, after;
    __int128              used, given;
    ngx_str_t             line, gap;
    ngx_edge_gcra_view_t  v;

    start = 1000000000000LL;
    now = start;
    tat = 0;
    used = 0;

    while (in->len) {
        line = fuzz_take(pool, in, "\n");
        gap = fuzz_take(pool, &line, " ");

        now += (int64_t) fuzz_number(&gap, 100000000) * 1000;
        n = (int64_t) fuzz_number(&line, 0x7ffffffffffffffULL);

        wait = ngx_edge_gcra_wait(g, tat, now, n);
        ngx_edge_gcra_view(g, tat, now, &v);

        fuzz_check(v.remaining >= 0 && v.more >= 0 && v.reset >= 0);
        fuzz_check(v.reset == 0 || v.more > 0);
        fuzz_check(v.more <= v.reset || v.reset > g->tau);
        fuzz_check(ngx_edge_gcra_wait(g, tat, now, v.remaining) == 0
                   || v.reset > g->tau);

        if (wait > 0) {
            fuzz_check(ngx_edge_gcra_wait(g, tat, now + wait, n) == 0);
            fuzz_check(ngx_edge_gcra_wait(g, tat, now + wait - 1, n) == 1);
        }

        if (wait != 0) {
            continue;
        }

        after = ngx_edge_gcra_charge(g, tat, now, n);
        fuzz_check(after >= now && after - now <= g->tau);
        fuzz_check(ngx_edge_gcra_refund(g, after, now, n) >= now);
        fuzz_check(ngx_edge_gcra_refund(g, after, now, n)
                   <= ngx_max(tat, now));

        tat = after;
        used += n;

        /* used / limit windows were taken, of (tau + time) that there were;
         * doubles may be off by a microsecond each step */

        given = (__int128) g->tau + (now - start) + 256;
        fuzz_check(used * g->window <= given * g->limit);
    }
}
