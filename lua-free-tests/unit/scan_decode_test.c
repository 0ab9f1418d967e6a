
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of decoding: escapes, surrogates, and texts that no scanner gives.
 */


/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "lib/ngx_edge_scan.h"


static void
check_decode(const char *raw, const char *expected, size_t len)
{
    size_t       raw_len;
    ngx_str_t    r, text;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, &ngx_stub_log);

    raw_len = strlen(raw);
    r.len = raw_len;
    r.data = malloc(raw_len ? raw_len : 1);
    ngx_memcpy(r.data, raw, raw_len);

    CHECK_INT(ngx_edge_scan_decode(pool, &r, &text), NGX_OK);
    CHECK_INT(text.len, len);

    if (text.len != len || memcmp(text.data, expected, len) != 0) {
        printf("%s: <%s> gives <%.*s>\n", unit_name, raw, (int) text.len,
               text.data);
        CHECK(0);
    }

    free(r.data);
    ngx_destroy_pool(pool);
}


static void
test_decode(void)
{
    ngx_str_t    raw, text;
    ngx_pool_t  *pool;

    check_decode("", "", 0);
    check_decode("plain", "plain", 5);
    check_decode("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    check_decode("a\\u0041\\u00e9\\ud55C!", "aA\xc3\xa9\xed\x95\x9c!", 8);
    check_decode("x\\u0000y", "x\0y", 3);

    /* surrogates: a pair, and each way of being alone */

    check_decode("\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4);
    check_decode("\\uD800\\uDC00", "\xf0\x90\x80\x80", 4);
    check_decode("\\udbff\\udfff", "\xf4\x8f\xbf\xbf", 4);
    check_decode("\\ud83d", "\xef\xbf\xbd", 3);
    check_decode("\\ude00", "\xef\xbf\xbd", 3);
    check_decode("\\ud83dx", "\xef\xbf\xbdx", 4);
    check_decode("\\ud83d\\n", "\xef\xbf\xbd\n", 4);
    check_decode("\\ud83d\\u0041", "\xef\xbf\xbd" "A", 4);
    check_decode("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd", 6);
    check_decode("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);

    /* no text the scanner gives, but it must not run over */

    check_decode("a\\", "a", 1);
    check_decode("\\u12", "u12", 3);
    check_decode("\\u12zz", "u12zz", 5);

    pool = ngx_create_pool(4096, &ngx_stub_log);

    raw = unit_str("plain");
    ngx_stub_alloc_budget = 0;
    CHECK_INT(ngx_edge_scan_decode(pool, &raw, &text), NGX_OK);
    CHECK(text.data == raw.data);

    raw = unit_str("\\n");
    CHECK_INT(ngx_edge_scan_decode(pool, &raw, &text), NGX_ERROR);
    ngx_stub_alloc_budget = -1;

    /* in place of what is read */

    raw = unit_str("a\\nb");
    CHECK_INT(ngx_edge_scan_decode(pool, &raw, &raw), NGX_OK);
    CHECK_STR(raw, "a\nb");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    RUN(test_decode);

    return unit_summary();
}
