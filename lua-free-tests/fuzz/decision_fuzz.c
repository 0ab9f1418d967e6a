
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * From the bytes of a Redis reply to what a limit makes of it.  The lines
 * before the bytes are the limits, such as "100r/m:5 9000t/d:0 3" (a rate and
 * its burst, or slots), the least and the most to take, and the sizes of the
 * pieces in which the bytes come.
 *
 * Whatever they are: the pieces change nothing; what is not exactly an answer
 * decides nothing and leaves no trace; nothing passes that the counts in the
 * answer do not allow; and all that a client is told has its bounds.
 */


/* sources: limit/ngx_edge_limit_decision.c limit/ngx_edge_gcra.c */
/* sources: limit/ngx_edge_rate.c redis/ngx_edge_redis_reader.c */
/* sources: redis/ngx_edge_redis_reply.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lhiredis */
/* max_len: 512 */
/* dict: decision */

#include "fuzz.h"
#include "limit/ngx_edge_limit_decision.h"
#include "redis/ngx_edge_redis_reader.h"


#define LIMITS  8
#define NOW     ((int64_t) 1000000000000LL)
#define SECOND  ((int64_t) 1000000)


typedef struct {
    ngx_uint_t             n;
    int64_t                least;
    int64_t                most;
    ngx_edge_gcra_t        gcra[LIMITS];
    ngx_edge_limit_cell_t  cell[LIMITS];
} take_t;


static void
read_limits(ngx_pool_t *pool, ngx_str_t *line, take_t *take)
{
    ngx_str_t               word, rate_text;
    ngx_edge_rate_t         rate;
    ngx_edge_limit_cell_t  *cell;

    memset(take, 0, sizeof(take_t));

    while (line->len && take->n < LIMITS) {
        word = fuzz_take(pool, line, " ");
        rate_text = fuzz_take(pool, &word, ":");
        cell = &take->cell[take->n];

        if (ngx_edge_rate_parse(&rate_text, 'r', &rate) == NGX_OK
            || ngx_edge_rate_parse(&rate_text, 't', &rate) == NGX_OK)
        {
            ngx_edge_gcra_init(&take->gcra[take->n], &rate,
                               fuzz_number(&word, 1000000000));
            cell->gcra = &take->gcra[take->n];

        } else {
            cell->slots = 1 + fuzz_number(&rate_text,
                                          NGX_EDGE_LIMIT_SLOTS - 1);
        }

        take->n++;
    }
}


/* The first reply of the bytes, NULL if there is none: the connection would
 * be closed, or nothing more would come until the timeout. */

static ngx_edge_redis_reply_t *
first_reply(ngx_pool_t *pool, ngx_edge_redis_reader_t *reader,
    const ngx_str_t *in, ngx_str_t sizes)
{
    size_t                   n, size;
    ngx_int_t                rc;
    ngx_str_t                piece, word;
    ngx_edge_redis_reply_t  *reply;

    reply = NULL;
    rc = NGX_AGAIN;

    for (n = 0; n < in->len && rc == NGX_AGAIN; n += piece.len) {
        size = in->len - n;

        if (sizes.len) {
            word = fuzz_take(pool, &sizes, " ");
            size = ngx_min(size, 1 + fuzz_number(&word, in->len));
        }

        piece = fuzz_copy(pool, in->data + n, size);

        rc = ngx_edge_redis_reader_feed(reader, piece.data, piece.len);
        if (rc == NGX_OK) {
            rc = ngx_edge_redis_reader_next(reader, &reply);
        }
    }

    return reply;
}


/* Written another way than the code under test: is it an answer at all, and
 * one that may be true, but for some microseconds?  -1, or what it says was
 * taken. */

static int64_t
answered(const take_t *take, const ngx_edge_redis_reply_t *reply,
    int64_t microseconds)
{
    int64_t                        v[LIMITS + 1];
    __int128                       used, left;
    ngx_uint_t                     i;
    const ngx_edge_gcra_t         *g;
    const ngx_edge_redis_reply_t  *e;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_array
        || ngx_edge_redis_reply_count(reply) != take->n + 1)
    {
        return -1;
    }

    for (i = 0; i <= take->n; i++) {
        e = ngx_edge_redis_reply_element(reply, i);
        v[i] = ngx_edge_redis_reply_integer(e);

        if (ngx_edge_redis_reply_type(e) != ngx_edge_redis_integer
            || v[i] < 0 || v[i] > ((int64_t) 1 << 52))
        {
            return -1;
        }
    }

    if (v[0] == 0) {
        return 0;
    }

    if (v[0] < take->least || v[0] > take->most) {
        return -1;
    }

    for (i = 0; i < take->n; i++) {
        g = take->cell[i].gcra;

        if (g == NULL) {
            if (v[i + 1] >= take->cell[i].slots) {
                return -1;
            }

            continue;
        }

        used = (__int128) v[0] * g->window;
        left = (__int128) (g->tau - v[i + 1] + microseconds) * g->limit;

        if (used > left) {
            return -1;
        }
    }

    return v[0];
}


static void
check_told(const take_t *take, int64_t taken)
{
    time_t                        retry;
    ngx_uint_t                    i, never;
    ngx_edge_gcra_view_t          v;
    const ngx_edge_limit_cell_t  *cell;

    retry = ngx_edge_limit_decision_retry(take->cell, take->n);
    never = 0;

    for (i = 0; i < take->n; i++) {
        cell = &take->cell[i];

        if (taken) {
            fuzz_check(cell->wait == 0);
        }

        if (cell->gcra == NULL) {
            fuzz_check(!taken || (int64_t) cell->used <= cell->slots);
            fuzz_check(cell->wait == 0 || cell->wait == -1);
            continue;
        }

        fuzz_check(cell->tat >= NOW && cell->tat <= NOW + NGX_EDGE_GCRA_MAX);

        ngx_edge_gcra_view(cell->gcra, cell->tat, NOW, &v);
        fuzz_check(v.remaining >= 0);
        fuzz_check(ngx_edge_gcra_cost(cell->gcra, v.remaining)
                   <= cell->gcra->tau);
        fuzz_check(v.more >= 0 && v.reset >= 0);
        fuzz_check(v.reset <= NGX_EDGE_GCRA_MAX);

        never |= (cell->wait < 0);

        if (retry) {
            fuzz_check(taken
                       || ngx_edge_gcra_wait(cell->gcra, cell->tat,
                                             NOW + retry * SECOND, take->least)
                          == 0);
        }
    }

    fuzz_check(never ? retry == 0 : retry >= 1);
    fuzz_check(retry <= NGX_EDGE_GCRA_MAX / SECOND + 2);
}


static int64_t
decide(ngx_pool_t *pool, take_t *take, const ngx_str_t *in, ngx_str_t sizes)
{
    int64_t                   taken;
    take_t                    before;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    reply = first_reply(pool, reader, in, sizes);
    before = *take;

    taken = ngx_edge_limit_decision_read(take->cell, take->n, NOW,
                                         take->least, take->most, reply);

    if (taken == NGX_ERROR) {
        fuzz_check(answered(&before, reply, 0) == -1);
        fuzz_check(memcmp(take->cell, before.cell, sizeof(before.cell)) == 0);

    } else {
        fuzz_check(answered(&before, reply, 4) == taken);
        check_told(take, taken);
    }

    ngx_edge_redis_reader_free(reader);

    return taken;
}


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    take_t     whole, pieces;
    ngx_str_t  line, word, sizes;

    line = fuzz_take(pool, in, "\n");
    read_limits(pool, &line, &whole);

    line = fuzz_take(pool, in, "\n");
    word = fuzz_take(pool, &line, " ");
    whole.least = 1 + fuzz_number(&word, 1000000000);
    whole.most = whole.least + fuzz_number(&line, 1000000000);

    sizes = fuzz_take(pool, in, "\n");

    if (whole.n == 0) {
        return;
    }

    pieces = whole;

    fuzz_check(decide(pool, &whole, in, fuzz_str(""))
               == decide(pool, &pieces, in, sizes));
    fuzz_check(memcmp(whole.cell, pieces.cell, sizeof(whole.cell)) == 0);
}
