
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for what a reply of Redis decides: taken, refused, or no answer,
 * which leaves the cells as they were; for what a lease is granted; and for
 * when to come again.
 */


/* sources: limit/ngx_edge_limit_decision.c limit/ngx_edge_gcra.c */
/* sources: limit/ngx_edge_rate.c redis/ngx_edge_redis_reader.c */
/* sources: redis/ngx_edge_redis_reply.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lhiredis */

#include "unit.h"
#include "limit/ngx_edge_limit_decision.h"
#include "redis/ngx_edge_redis_reader.h"


#define SECOND  ((int64_t) 1000000)
#define NOW     (1000 * SECOND)


/* Five requests a second, and two slots. */

static ngx_edge_gcra_t        gcra;
static ngx_edge_limit_cell_t  cell[2];

static ngx_edge_redis_reader_t  *reader;


static void
set_up(const char *rate_text)
{
    ngx_str_t        text;
    ngx_edge_rate_t  rate;

    text = unit_str(rate_text);

    if (ngx_edge_rate_parse(&text, 'r', &rate) != NGX_OK) {
        (void) ngx_edge_rate_parse(&text, 't', &rate);
    }

    ngx_edge_gcra_init(&gcra, &rate, 0);

    memset(cell, 0, sizeof(cell));
    cell[0].gcra = &gcra;
    cell[1].slots = 2;
}


static ngx_edge_redis_reply_t *
reply_of(const char *bytes)
{
    ngx_edge_redis_reply_t  *reply;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    (void) ngx_edge_redis_reader_feed(reader, (u_char *) bytes, strlen(bytes));

    reply = NULL;
    (void) ngx_edge_redis_reader_next(reader, &reply);

    return reply;
}


static int64_t
decide(int64_t least, int64_t most, const char *bytes)
{
    int64_t                  taken;
    ngx_edge_redis_reply_t  *reply;

    reply = reply_of(bytes);
    taken = ngx_edge_limit_decision_read(cell, 2, NOW, least, most, reply);
    ngx_edge_redis_reader_free(reader);

    return taken;
}


static ngx_int_t
granted(int64_t units, const char *bytes, ngx_edge_limit_grant_t *grant)
{
    ngx_int_t                rc;
    ngx_edge_redis_reply_t  *reply;

    reply = reply_of(bytes);
    rc = ngx_edge_limit_decision_granted(&gcra, units, reply, grant);
    ngx_edge_redis_reader_free(reader);

    return rc;
}


static void
test_taken(void)
{
    set_up("5r/s");

    CHECK_INT(decide(1, 1, "*3\r\n:1\r\n:200000\r\n:1\r\n"), 1);
    CHECK_INT(cell[0].tat, NOW + 400000);
    CHECK_INT(cell[0].wait, 0);
    CHECK_INT(cell[1].used, 2);
    CHECK_INT(cell[1].wait, 0);

    /* the last one that there is */
    CHECK_INT(decide(1, 1, "*3\r\n:1\r\n:800000\r\n:0\r\n"), 1);
    CHECK_INT(cell[0].tat, NOW + SECOND);

    set_up("5000t/s");
    CHECK_INT(decide(100, 900, "*3\r\n:400\r\n:920000\r\n:0\r\n"), 400);
}


static void
test_refused(void)
{
    set_up("5r/s");

    CHECK_INT(decide(1, 1, "*3\r\n:0\r\n:1000000\r\n:0\r\n"), 0);
    CHECK_INT(cell[0].wait, 200000);
    CHECK_INT(cell[1].wait, 0);
    CHECK_INT(cell[1].used, 0);
    CHECK_INT(ngx_edge_limit_decision_retry(cell, 2), 1);

    /* the margin is on the safe side */
    CHECK_INT(decide(1, 1, "*3\r\n:0\r\n:1800000\r\n:0\r\n"), 0);
    CHECK_INT(cell[0].wait, SECOND);
    CHECK_INT(ngx_edge_limit_decision_retry(cell, 2), 2);

    /* a slot comes free when it does */
    CHECK_INT(decide(1, 1, "*3\r\n:0\r\n:0\r\n:2\r\n"), 0);
    CHECK_INT(cell[0].wait, 0);
    CHECK_INT(cell[1].wait, -1);
    CHECK_INT(ngx_edge_limit_decision_retry(cell, 2), 1);

    /* more than it ever has */
    CHECK_INT(decide(6, 6, "*3\r\n:0\r\n:0\r\n:0\r\n"), 0);
    CHECK_INT(ngx_edge_limit_decision_retry(cell, 2), 0);

    /* as far ahead as a script lets it be */
    CHECK_INT(decide(1, 1, "*3\r\n:0\r\n:4503599627370496\r\n:0\r\n"), 0);
    CHECK_INT(ngx_edge_limit_decision_retry(cell, 2), 4503599627);
}


static void
test_no_answer(void)
{
    size_t                 i;
    ngx_edge_limit_cell_t  before[2];

    static const char *const  bytes[] = {
        "", "+OK\r\n", "-ERR x\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n",
        "*0\r\n",
        "*2\r\n:1\r\n:0\r\n",                      /* too few */
        "*4\r\n:1\r\n:0\r\n:0\r\n:0\r\n",          /* too many */
        "*3\r\n$1\r\n1\r\n:0\r\n:0\r\n",           /* no integers */
        "*3\r\n:1\r\n+0\r\n:0\r\n",
        "*3\r\n:1\r\n:0\r\n$-1\r\n",
        "*3\r\n:1\r\n:0\r\n*1\r\n:0\r\n",
        "*3\r\n:-1\r\n:0\r\n:0\r\n",               /* out of range */
        "*3\r\n:2\r\n:0\r\n:0\r\n",
        "*3\r\n:1\r\n:-1\r\n:0\r\n",
        "*3\r\n:0\r\n:4503599627370497\r\n:0\r\n",
        "*3\r\n:0\r\n:0\r\n:4503599627370497\r\n",
        "*3\r\n:1\r\n:0\r\n:2\r\n",                /* no slot is left */
        "*3\r\n:1\r\n:800010\r\n:0\r\n",           /* nor a request */
        "*3\r\n:1\r\n:4503599627370496\r\n:0\r\n",
    };

    set_up("5r/s");
    memcpy(before, cell, sizeof(cell));

    for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        CHECK_INT(decide(1, 1, bytes[i]), NGX_ERROR);
        CHECK(memcmp(before, cell, sizeof(cell)) == 0);
    }

    /* less than was asked for, and much more than there is */

    set_up("5000t/s");
    CHECK_INT(decide(100, 900, "*3\r\n:99\r\n:0\r\n:0\r\n"), NGX_ERROR);
    CHECK_INT(decide(100, 900, "*3\r\n:500\r\n:920000\r\n:0\r\n"), NGX_ERROR);
}


/* What a lease has is not asked about. */

static void
test_held(void)
{
    set_up("5r/s");
    cell[0].held = 1;
    cell[0].tat = 7;

    CHECK_INT(decide(1, 1, "*3\r\n:1\r\n:0\r\n:0\r\n"), NGX_ERROR);
    CHECK_INT(decide(1, 1, "*2\r\n:1\r\n:1\r\n"), 1);
    CHECK_INT(cell[1].used, 2);
    CHECK_INT(decide(1, 1, "*2\r\n:0\r\n:2\r\n"), 0);
    CHECK_INT(cell[1].wait, -1);
    CHECK_INT(cell[0].wait, 0);
    CHECK_INT(cell[0].tat, 7);
}


static void
test_granted(void)
{
    size_t                  i;
    ngx_edge_limit_grant_t  grant;

    static const char *const  bytes[] = {
        "", "-ERR x\r\n", ":1\r\n",
        "*2\r\n:1\r\n:200000\r\n",
        "*4\r\n:1\r\n:200000\r\n:9\r\n:9\r\n",
        "*3\r\n:4\r\n:800000\r\n:9\r\n",         /* more than asked for */
        "*3\r\n:-1\r\n:800000\r\n:9\r\n",
        "*3\r\n:1\r\n:1000010\r\n:9\r\n",        /* more than there is */
        "*3\r\n:1\r\n:-1\r\n:9\r\n",
        "*3\r\n:1\r\n:200000\r\n:-1\r\n",
        "*3\r\n:1\r\n:200000\r\n:4503599627370497\r\n",
        "*3\r\n$1\r\n1\r\n:200000\r\n:9\r\n",
    };

    set_up("5r/s");

    CHECK_INT(granted(3, "*3\r\n:2\r\n:1000000\r\n:9\r\n", &grant), NGX_OK);
    CHECK_INT(grant.units, 2);
    CHECK_INT(grant.ahead, SECOND);
    CHECK_INT(grant.born, 9);

    /* of a key that another rate has used far more */

    CHECK_INT(granted(3, "*3\r\n:0\r\n:9000000\r\n:9\r\n", &grant), NGX_OK);
    CHECK_INT(grant.units, 0);

    for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        CHECK_INT(granted(3, bytes[i], &grant), NGX_ERROR);
    }
}


int
main(void)
{
    RUN(test_taken);
    RUN(test_refused);
    RUN(test_no_answer);
    RUN(test_held);
    RUN(test_granted);

    return unit_summary();
}
