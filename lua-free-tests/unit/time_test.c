
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for RFC 3339 times.
 */

/* sources: rag/ngx_edge_time.c */

#include "unit.h"
#include "rag/ngx_edge_time.h"


static void
good(const char *text, int64_t sec, uint32_t nsec)
{
    ngx_str_t        s;
    ngx_edge_time_t  t;

    s = unit_str(text);

    CHECK_INT(ngx_edge_time_parse(&s, &t), NGX_OK);
    CHECK_INT(t.sec, sec);
    CHECK_INT(t.nsec, nsec);
}


static void
bad(const char *text)
{
    ngx_str_t        s;
    ngx_edge_time_t  t;

    s = unit_str(text);

    CHECK_INT(ngx_edge_time_parse(&s, &t), NGX_DECLINED);
}


static void
test_good(void)
{
    good("1970-01-01T00:00:00Z", 0, 0);
    good("2026-04-14T06:40:00Z", 1776148800, 0);
    good("2026-04-14t08:40:00+02:00", 1776148800, 0);
    good("2026-04-13T22:10:00.25-08:30", 1776148800, 250000000);
    good("2024-02-29T23:59:60z", 1709251200, 0);
    good("1969-12-31T23:59:59.123456789123Z", -1, 123456789);
    good("0000-01-01T00:00:00Z", -62167219200, 0);
    good("9999-12-31T23:59:59Z", 253402300799, 0);
}


static void
test_bad(void)
{
    bad("");
    bad("2026-04-14");
    bad("2026-04-14T06:40:00");
    bad("2026-04-14 06:40:00Z");
    bad("2026-04-14T06:40Z");
    bad("2026-4-14T06:40:00Z");
    bad("2026-13-01T06:40:00Z");
    bad("2026-00-01T06:40:00Z");
    bad("2026-04-31T06:40:00Z");
    bad("2026-02-29T06:40:00Z");
    bad("1900-02-29T06:40:00Z");
    bad("2026-04-14T24:00:00Z");
    bad("2026-04-14T06:60:00Z");
    bad("2026-04-14T06:40:61Z");
    bad("2026-04-14T06:40:00.Z");
    bad("2026-04-14T06:40:00+0200");
    bad("2026-04-14T06:40:00+24:00");
    bad("2026-04-14T06:40:00ZZ");
    bad("2026-04-14T06:40:00Z ");
    bad("x026-04-14T06:40:00Z");
}


static void
test_compare(void)
{
    ngx_edge_time_t  a, b;

    a.sec = 1;
    a.nsec = 5;
    b = a;
    CHECK_INT(ngx_edge_time_cmp(&a, &b), 0);

    b.nsec = 6;
    CHECK(ngx_edge_time_cmp(&a, &b) < 0);
    CHECK(ngx_edge_time_cmp(&b, &a) > 0);

    b.sec = 0;
    CHECK(ngx_edge_time_cmp(&a, &b) > 0);
    CHECK(ngx_edge_time_cmp(&b, &a) < 0);
}


int
main(void)
{
    RUN(test_good);
    RUN(test_bad);
    RUN(test_compare);

    return unit_summary();
}
