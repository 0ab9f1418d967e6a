
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of keys: pieces cannot be taken for one another, arguments come in
 * the order of their names.
 */


/* sources: cache/ngx_edge_cache_key.c lib/ngx_edge_memo.c */
/* sources: lib/ngx_edge_hash.c lib/ngx_edge_fold.c */
/* libs: -lcrypto */

#include "unit.h"
#include "cache/ngx_edge_cache_key.h"


static ngx_pool_t       *pool;
static ngx_edge_memo_t  *memo;


static ngx_uint_t
same(const char *a, const char *b, const char *c, const char *d)
{
    u_char     one[NGX_EDGE_CACHE_KEY], two[NGX_EDGE_CACHE_KEY];
    ngx_str_t  first[2], second[2];

    first[0] = unit_str(a);
    first[1] = unit_str(b);
    second[0] = unit_str(c);
    second[1] = unit_str(d);

    CHECK_INT(ngx_edge_cache_key(memo, pool, first, 2, one), NGX_OK);
    CHECK_INT(ngx_edge_cache_key(memo, pool, second, 2, two), NGX_OK);

    return memcmp(one, two, sizeof(one)) == 0;
}


static void
test_pieces(void)
{
    char  large[2048];

    CHECK(same("a", "b", "a", "b"));
    CHECK(!same("a", "b", "b", "a"));
    CHECK(!same("ab", "c", "a", "bc"));
    CHECK(!same("ab", "", "", "ab"));
    CHECK(same("", "", "", ""));

    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    CHECK(same(large, "b", large, "b"));
    CHECK(!same(large, "b", large, "c"));
}


static void
check_args(const char *text, const char *expected)
{
    ngx_str_t  args, sorted;

    args = unit_str(text);
    CHECK_INT(ngx_edge_cache_key_args(pool, &args, &sorted), NGX_OK);
    CHECK_STR(sorted, expected);
}


static void
test_args(void)
{
    check_args("", "");
    check_args("a", "a");
    check_args("b=1&a=2", "a=2&b=1");
    check_args("a=1&b=2", "a=1&b=2");
    check_args("b&a", "a&b");
    check_args("a=2&a=1", "a=2&a=1");
    check_args("b=1&a=2&b=0&a=1", "a=2&a=1&b=1&b=0");
    check_args("aa=1&a=2", "a=2&aa=1");
    check_args("a&&b", "&a&b");
    check_args("a=1&A=2", "A=2&a=1");
    check_args("a=x=2&a=x=1", "a=x=2&a=x=1");
}


/* More than are sorted stay as they are. */

static void
test_many(void)
{
    char       text[200];
    size_t     n;
    ngx_str_t  args, sorted;

    for (n = 0; n < 130; n += 2) {
        text[n] = (char) ('z' - (n / 2) % 26);
        text[n + 1] = '&';
    }

    text[129] = '\0';
    args = unit_str(text);
    CHECK_INT(ngx_edge_cache_key_args(pool, &args, &sorted), NGX_OK);
    CHECK_STR(sorted, text);
}


int
main(void)
{
    pool = ngx_create_pool(1024, &ngx_stub_log);
    memo = ngx_edge_memo_create(pool);

    RUN(test_pieces);
    RUN(test_args);
    RUN(test_many);

    ngx_destroy_pool(pool);

    return unit_summary();
}
