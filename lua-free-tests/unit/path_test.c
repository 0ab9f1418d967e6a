
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the rules of paths: what a client may send, what a module may
 * have.
 */

/* sources: route/ngx_edge_path.c */

#include "unit.h"
#include "route/ngx_edge_path.h"


static ngx_uint_t
plain(const char *target)
{
    ngx_str_t  s;

    s = unit_str(target);

    return ngx_edge_path_plain(&s);
}


static ngx_uint_t
prefix(const char *path)
{
    ngx_str_t  s;

    s = unit_str(path);

    return ngx_edge_path_prefix(&s);
}


static void
test_plain(void)
{
    CHECK(plain("/"));
    CHECK(plain("/a/b"));
    CHECK(plain("/a%20b/%ED%95%9C"));
    CHECK(plain("/a.b/.c/..d/e../...//f"));
    CHECK(plain("/%2ea/a%2e/%2e%2e%2e"));
    CHECK(plain("/a;b=.;c=../d"));
    CHECK(plain("/a%252fb/%255c"));
    CHECK(plain("/%/%2/%zz"));
    CHECK(plain("/a?x=/../%2f%00\\"));
    CHECK(plain("/a#/../"));
    CHECK(plain(""));
}


static void
test_hidden_bytes(void)
{
    CHECK(!plain("/a%2fb"));
    CHECK(!plain("/a%2Fb"));
    CHECK(!plain("/a%5cb"));
    CHECK(!plain("/a%5Cb"));
    CHECK(!plain("/a%00"));
    CHECK(!plain("/a\\b"));
    CHECK(!plain("%2f"));
}


static void
test_dot_segments(void)
{
    CHECK(!plain("/a/../b"));
    CHECK(!plain("/a/./b"));
    CHECK(!plain("/.."));
    CHECK(!plain("/."));
    CHECK(!plain("/a/.."));
    CHECK(!plain("/a/..?x"));
    CHECK(!plain("/a/..#x"));
    CHECK(!plain("/%2e%2e/a"));
    CHECK(!plain("/.%2E/a"));
    CHECK(!plain("/%2e/a"));
    CHECK(!plain("/..;/a"));
    CHECK(!plain("/.;x=1/a"));
    CHECK(!plain("/%2e%2e%3b/a"));
    CHECK(!plain("/a//../b"));
}


/* an escape at the very end must not be read past it */

static void
test_cut_escape(void)
{
    u_char     *p;
    ngx_str_t   s;

    p = malloc(3);
    memcpy(p, "/%2", 3);

    s.data = p;
    s.len = 3;

    CHECK(ngx_edge_path_plain(&s));

    s.len = 2;
    CHECK(ngx_edge_path_plain(&s));

    free(p);
}


static void
test_prefix(void)
{
    CHECK(prefix("/"));
    CHECK(prefix("/api/v1/planning/"));
    CHECK(prefix("/a.b/c_d-e~/"));
    CHECK(prefix("/\xed\x95\x9c/"));

    CHECK(!prefix(""));
    CHECK(!prefix("a/"));
    CHECK(!prefix("/a"));
    CHECK(!prefix("/a//b/"));
    CHECK(!prefix("//"));
    CHECK(!prefix("/a/../"));
    CHECK(!prefix("/./"));
    CHECK(!prefix("/a%20b/"));
    CHECK(!prefix("/a b/"));
    CHECK(!prefix("/a\x01/"));
    CHECK(!prefix("/a\x7f/"));
    CHECK(!prefix("/a?b/"));
    CHECK(!prefix("/a#b/"));
    CHECK(!prefix("/a;b/"));
    CHECK(!prefix("/a\\b/"));
}


static void
test_doubled(void)
{
    ngx_str_t  s;

    s = unit_str("/a/b/");
    CHECK(!ngx_edge_path_doubled(&s));

    s = unit_str("/a//b");
    CHECK(ngx_edge_path_doubled(&s));

    s = unit_str("//");
    CHECK(ngx_edge_path_doubled(&s));

    s = unit_str("/");
    CHECK(!ngx_edge_path_doubled(&s));
}


int
main(void)
{
    RUN(test_plain);
    RUN(test_hidden_bytes);
    RUN(test_dot_segments);
    RUN(test_cut_escape);
    RUN(test_prefix);
    RUN(test_doubled);

    return unit_summary();
}
