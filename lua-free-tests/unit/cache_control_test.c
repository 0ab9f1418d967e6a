
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of what a shared cache may store and use again.
 */


/* sources: cache/ngx_edge_cache_control.c */

#include "unit.h"
#include "cache/ngx_edge_cache_control.h"


#define NOW  1000000


static ngx_edge_cache_facts_t
facts_of(const char *control)
{
    ngx_str_t               value;
    ngx_edge_cache_facts_t  f;

    memset(&f, 0, sizeof(f));
    f.status = 200;
    f.date = -1;
    f.expires = -1;
    f.fallback = -1;
    value = unit_str(control);
    ngx_edge_cache_control_init(&f.control);
    ngx_edge_cache_control_parse(&f.control, &value);

    return f;
}


static void
check_ttl(ngx_edge_cache_facts_t f, time_t ttl, const char *expected)
{
    const char  *why;

    CHECK_INT(ngx_edge_cache_control_ttl(&f, NOW, &why), ttl);
    CHECK(expected ? why && strcmp(why, expected) == 0 : why == NULL);
}


static void
test_directives(void)
{
    check_ttl(facts_of("max-age=60"), 60, NULL);
    check_ttl(facts_of("MAX-AGE=\"60\""), 60, NULL);
    check_ttl(facts_of(" ,, public ,max-age=60,"), 60, NULL);
    check_ttl(facts_of("max-age=60, s-maxage=5"), 5, NULL);
    check_ttl(facts_of("s-maxage=99, max-age=0"), 99, NULL);
    check_ttl(facts_of("max-age=60, max-age=7"), 7, NULL);
    check_ttl(facts_of("max-age=99999999999999999999"), 2147483647, NULL);
    check_ttl(facts_of("max-age=x"), 0, "stale");
    check_ttl(facts_of("max-age="), 0, "stale");
    check_ttl(facts_of("max-age"), 0, "stale");
    check_ttl(facts_of("max-age=-5"), 0, "stale");
    check_ttl(facts_of("max-age=5, max-age=x"), 0, "stale");
    check_ttl(facts_of("no-store, max-age=60"), 0, "no-store");
    check_ttl(facts_of("no-store, must-understand, max-age=60"), 60, NULL);
    check_ttl(facts_of("private, max-age=60"), 0, "private");
    check_ttl(facts_of("private=\"Set-Cookie, X\", max-age=6"), 0, "private");
    check_ttl(facts_of("no-cache, max-age=60"), 0, "no-cache");
    check_ttl(facts_of("no-cache=\"X, max-age=5\""), 0, "no-cache");
    check_ttl(facts_of("ext=\"a, no-store, \\\", b\", max-age=60"), 60, NULL);
    check_ttl(facts_of(""), 0, "no freshness");
    check_ttl(facts_of("no-storex, max-age=1"), 1, NULL);
}


static void
test_other_facts(void)
{
    ngx_edge_cache_facts_t  f;

    f = facts_of("max-age=60");
    f.set_cookie = 1;
    check_ttl(f, 0, "set-cookie");

    f = facts_of("max-age=60");
    f.vary_any = 1;
    check_ttl(f, 0, "vary");

    f = facts_of("max-age=60");
    f.status = 206;
    check_ttl(f, 0, "status");
    f.status = 304;
    check_ttl(f, 0, "status");
    f.status = 199;
    check_ttl(f, 0, "status");
    f.status = 500;
    check_ttl(f, 0, "status");
    f.status = 404;
    check_ttl(f, 60, NULL);

    f.fallback = 9;                        /* the operator named the status */
    f.status = 500;
    check_ttl(f, 60, NULL);
    f.status = 206;
    check_ttl(f, 0, "status");

    f = facts_of("no-store, must-understand, max-age=60");
    f.status = 500;
    f.fallback = 9;
    check_ttl(f, 0, "no-store");
}


static void
test_authorization(void)
{
    ngx_edge_cache_facts_t  f;

    f = facts_of("max-age=60");
    f.authorized = 1;
    check_ttl(f, 0, "authorization");

    f = facts_of("max-age=60, public");
    f.authorized = 1;
    check_ttl(f, 60, NULL);

    f = facts_of("max-age=60, must-revalidate");
    f.authorized = 1;
    check_ttl(f, 60, NULL);

    f = facts_of("s-maxage=60");
    f.authorized = 1;
    check_ttl(f, 60, NULL);

    f = facts_of("");
    f.authorized = 1;
    f.fallback = 60;
    check_ttl(f, 0, "authorization");
}


static void
test_age(void)
{
    const char              *why;
    ngx_edge_cache_facts_t   f;

    f = facts_of("max-age=60");
    f.age = 20;
    check_ttl(f, 40, NULL);
    f.age = 60;
    check_ttl(f, 0, "stale");

    f.age = 20;
    f.date = NOW - 30;                     /* longer on its way than it says */
    CHECK_INT(ngx_edge_cache_control_ttl(&f, NOW, &why), 30);
    CHECK_INT(f.age, 30);

    f.age = 20;
    f.date = NOW + 500;                    /* a clock that is ahead */
    check_ttl(f, 40, NULL);
}


static void
test_expires(void)
{
    ngx_edge_cache_facts_t  f;

    f = facts_of("");
    f.has_expires = 1;
    f.expires = NOW + 50;
    check_ttl(f, 50, NULL);

    f.date = NOW + 10;
    check_ttl(f, 40, NULL);

    f.expires = 0;
    check_ttl(f, 0, "stale");

    f.fallback = 60;                       /* never over what is written */
    check_ttl(f, 0, "stale");

    f = facts_of("max-age=5");
    f.has_expires = 1;
    f.expires = NOW + 50;
    check_ttl(f, 5, NULL);

    f = facts_of("");
    f.fallback = 60;
    f.age = 10;
    check_ttl(f, 60, NULL);

    f.fallback = 0;
    check_ttl(f, 0, "stale");
}


static ngx_uint_t
usable(const char *control, time_t age, time_t fresh)
{
    ngx_str_t                 value;
    ngx_edge_cache_control_t  cc;

    value = unit_str(control);
    ngx_edge_cache_control_init(&cc);
    ngx_edge_cache_control_parse(&cc, &value);

    return ngx_edge_cache_control_usable(&cc, age, fresh);
}


static void
test_request(void)
{
    CHECK(usable("", 5, 5));
    CHECK(!usable("no-cache", 0, 5));
    CHECK(!usable("max-age=0", 1, 5));
    CHECK(usable("max-age=5", 5, 1));
    CHECK(!usable("max-age=5", 6, 1));
    CHECK(!usable("max-age=x", 1, 1));
    CHECK(usable("min-fresh=5", 0, 5));
    CHECK(!usable("min-fresh=5", 0, 4));
    CHECK(!usable("min-fresh=5, min-fresh=1", 0, 4));
    CHECK(usable("max-stale=5", 0, 4));
}


int
main(void)
{
    RUN(test_directives);
    RUN(test_other_facts);
    RUN(test_authorization);
    RUN(test_age);
    RUN(test_expires);
    RUN(test_request);

    return unit_summary();
}
