
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the freshness that a response gives itself.
 */

/* sources: fetch/ngx_edge_max_age.c */

#include "unit.h"
#include "fetch/ngx_edge_max_age.h"


/* Up to two Cache-Control fields and an Age, of which each may be NULL. */

static time_t
fresh(const char *first, const char *second, const char *age)
{
    time_t     max_age;
    ngx_str_t  s;

    max_age = -1;

    if (first) {
        s = unit_str(first);
        ngx_edge_max_age_control(&max_age, &s);
    }

    if (second) {
        s = unit_str(second);
        ngx_edge_max_age_control(&max_age, &s);
    }

    if (age) {
        s = unit_str(age);
        ngx_edge_max_age_aged(&max_age, &s);
    }

    return max_age;
}


static void
test_max_age(void)
{
    CHECK_INT(fresh("max-age=300", NULL, NULL), 300);
    CHECK_INT(fresh("public,MAX-AGE=300 , must-revalidate", NULL, NULL), 300);
    CHECK_INT(fresh(" \t max-age = \"300\"\t", NULL, NULL), 300);
    CHECK_INT(fresh("max-age=0", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=600, max-age=300", NULL, NULL), 300);
    CHECK_INT(fresh("max-age=300", "max-age=600", NULL), 300);
    CHECK_INT(fresh("max-age=99999999999999999999", NULL, NULL), 2147483648LL);
}


static void
test_nothing_said(void)
{
    CHECK_INT(fresh(NULL, NULL, NULL), -1);
    CHECK_INT(fresh("", NULL, NULL), -1);
    CHECK_INT(fresh(",,= , ;", NULL, NULL), -1);
    CHECK_INT(fresh("s-maxage=300, max-ages=5, xmax-age=5", NULL, NULL), -1);
    CHECK_INT(fresh("public", NULL, "20"), -1);
    CHECK_INT(fresh("x=\"max-age=1, max-age=2\"", NULL, NULL), -1);
    CHECK_INT(fresh("x=\"\\\", max-age=1", NULL, NULL), -1);
}


static void
test_nothing_fresh(void)
{
    CHECK_INT(fresh("no-store", NULL, NULL), 0);
    CHECK_INT(fresh("No-Cache", NULL, NULL), 0);
    CHECK_INT(fresh("no-cache=\"set-cookie, x\"", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=300, no-store", NULL, NULL), 0);
    CHECK_INT(fresh("no-cache", "max-age=300", NULL), 0);
    CHECK_INT(fresh("max-age", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=-1", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=3x", NULL, NULL), 0);
    CHECK_INT(fresh("max-age=\"", NULL, NULL), 0);
}


static void
test_age(void)
{
    CHECK_INT(fresh("max-age=300", NULL, " 100 "), 200);
    CHECK_INT(fresh("max-age=300", NULL, "300"), 0);
    CHECK_INT(fresh("max-age=300", NULL, "301"), 0);
    CHECK_INT(fresh("max-age=300", NULL, ""), 300);
    CHECK_INT(fresh("max-age=300", NULL, "-5"), 300);
    CHECK_INT(fresh("max-age=300", NULL, "1.5"), 300);
}


int
main(void)
{
    RUN(test_max_age);
    RUN(test_nothing_said);
    RUN(test_nothing_fresh);
    RUN(test_age);

    return unit_summary();
}
