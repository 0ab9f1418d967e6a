
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the canonical form: the same meaning is the same text, another one
 * is another.
 */


/* sources: cache/ngx_edge_cache_json.c lib/ngx_edge_buf.c */
/* sources: lib/ngx_edge_json.c lib/ngx_edge_utf8.c lib/ngx_edge_decimal.c */
/* libs: -ljansson */

#include "unit.h"
#include "cache/ngx_edge_cache_json.h"


static ngx_pool_t  *pool;


static ngx_uint_t
same(const char *a, const char *b)
{
    ngx_str_t  one, two, ca, cb;

    one = unit_str(a);
    two = unit_str(b);

    CHECK_INT(ngx_edge_cache_json(pool, &one, &ca), NGX_OK);
    CHECK_INT(ngx_edge_cache_json(pool, &two, &cb), NGX_OK);

    return ca.len == cb.len && memcmp(ca.data, cb.data, ca.len) == 0;
}


static void
test_same(void)
{
    CHECK(same("{\"a\":1,\"b\":2}", " { \"b\" : 2 ,\n\"a\" : 1 } "));
    CHECK(same("{\"a\":{\"y\":1,\"x\":[]}}", "{\"a\":{\"x\":[],\"y\":1}}"));
    CHECK(same("[\"\\u0041\"]", "[\"A\"]"));
    CHECK(same("[0.5]", "[5e-1]"));
    CHECK(same("{}", "{ }"));
}


static void
test_other(void)
{
    CHECK(!same("[1,2]", "[2,1]"));
    CHECK(!same("[1,2]", "[12]"));
    CHECK(!same("[\"1\"]", "[1]"));
    CHECK(!same("[true]", "[\"t\"]"));
    CHECK(!same("[true]", "[false]"));
    CHECK(!same("[null]", "[false]"));
    CHECK(!same("[null]", "[]"));
    CHECK(!same("[[1],2]", "[[1,2]]"));
    CHECK(!same("{\"a\":{\"b\":1}}", "{\"a\":{},\"b\":1}"));
    CHECK(!same("{\"a\":\"1\\\",\\\"b\\\":\\\"2\"}",
                "{\"a\":\"1\",\"b\":\"2\"}"));
    CHECK(!same("[0.12345678901]", "[0.12345678902]"));
    CHECK(!same("[1e300]", "[1e301]"));
    CHECK(!same("{\"a\":1}", "{\"aa\":1}"));
}


static void
test_refused(void)
{
    ngx_str_t    text, canonical;
    const char  *bad[] = { "", "{", "x", "{\"a\":1,\"a\":1}", "[1]x" };
    ngx_uint_t   i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = unit_str(bad[i]);
        CHECK_INT(ngx_edge_cache_json(pool, &text, &canonical),
                  NGX_DECLINED);
    }
}


int
main(void)
{
    pool = ngx_create_pool(1024, &ngx_stub_log);

    RUN(test_same);
    RUN(test_other);
    RUN(test_refused);

    ngx_destroy_pool(pool);

    return unit_summary();
}
