
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the bounded text builder: growth, the bound, errors that stick,
 * numbers, and strings as JSON.
 */


/* sources: lib/ngx_edge_buf.c lib/ngx_edge_utf8.c lib/ngx_edge_decimal.c */

#include "unit.h"
#include "lib/ngx_edge_buf.h"

#include <math.h>


static ngx_pool_t      *pool;
static ngx_edge_buf_t   b;


static void
open_buf(size_t size, size_t max)
{
    if (pool) {
        ngx_destroy_pool(pool);
    }

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_edge_buf_init(&b, pool, size, max);
}


static void
check_text(const char *expected)
{
    ngx_str_t  text;

    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
    CHECK_STR(text, expected);
}


static void
test_add(void)
{
    ngx_str_t  s, text;

    open_buf(0, 100);
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
    CHECK_INT(text.len, 0);
    CHECK(text.data != NULL);

    ngx_edge_buf_add(&b, NULL, 0);
    ngx_edge_buf_lit(&b, "");
    check_text("");

    s = unit_str(" and ");
    ngx_edge_buf_lit(&b, "one");
    ngx_edge_buf_str(&b, &s);
    ngx_edge_buf_byte(&b, '2');
    ngx_edge_buf_add(&b, (u_char *) "34xx", 2);
    check_text("one and 234");
    check_text("one and 234");
}


/* Each first size, each length of a piece: nothing is lost in growing. */

static void
test_growth(void)
{
    u_char      piece[97];
    size_t      size, len, n, i, bad;
    ngx_str_t   text;

    for (len = 1; len < sizeof(piece); len += 5) {
        for (size = 0; size < 600; size += 37) {
            open_buf(size, 100000);

            for (n = 0; n < 3000; n += len) {
                for (i = 0; i < len; i++) {
                    piece[i] = (u_char) ((n + i) * 7);
                }

                ngx_edge_buf_add(&b, piece, len);
                ngx_edge_buf_byte(&b, 0);
                n++;
            }

            CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
            CHECK_INT(text.len, n);
            bad = 0;

            for (i = 0; i < text.len; i++) {
                bad += text.data[i]
                       != ((i % (len + 1) == len) ? 0 : (u_char) (i * 7));
            }

            CHECK_INT(bad, 0);
        }
    }
}


/* The first size is the one asked for; then it doubles, or fits the piece. */

static void
test_allocations(void)
{
    u_char     *big;
    size_t      i;
    ngx_str_t   text;

    open_buf(1000, 5000);
    ngx_edge_buf_byte(&b, 'x');
    CHECK_INT(b.end - b.start, 1000);

    big = malloc(3500);
    ngx_memset(big, 'y', 3500);
    ngx_edge_buf_add(&b, big, 3500);
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
    CHECK_INT(text.len, 3501);
    CHECK(ngx_memcmp(text.data + 1, big, 3500) == 0);
    free(big);

    open_buf(0, 1000000);
    ngx_stub_alloc_budget = 12;

    for (i = 0; i < 500000; i++) {
        ngx_edge_buf_byte(&b, 'x');
    }

    ngx_stub_alloc_budget = -1;
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
    CHECK_INT(text.len, 500000);
}


static void
test_max(void)
{
    size_t     max;
    ngx_str_t  text;

    for (max = 0; max < 600; max += 13) {
        open_buf(64, max);

        while ((size_t) (b.pos - b.start) < max) {
            ngx_edge_buf_byte(&b, 'x');
        }

        CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
        CHECK_INT(text.len, max);

        ngx_edge_buf_add(&b, NULL, 0);
        CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);

        ngx_edge_buf_byte(&b, 'x');
        CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_DECLINED);
        CHECK_INT(text.len, 0);
    }

    /* one piece: at the bound and over it, and over every size */

    open_buf(8, 10);
    ngx_edge_buf_lit(&b, "0123456789");
    check_text("0123456789");

    open_buf(8, 10);
    ngx_edge_buf_lit(&b, "0123456789a");
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_DECLINED);

    open_buf(8, 10);
    ngx_edge_buf_byte(&b, 'a');
    ngx_edge_buf_add(&b, (u_char *) "", (size_t) -1);
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_DECLINED);

    open_buf(1000000000, 10);
    ngx_edge_buf_byte(&b, 'a');
    check_text("a");
    CHECK(b.end - b.start <= 10);
}


/* What would still fit is not added behind a hole. */

static void
test_sticky(void)
{
    ngx_str_t  text;

    open_buf(8, 10);
    ngx_edge_buf_lit(&b, "12345678");
    ngx_edge_buf_lit(&b, "abc");
    ngx_edge_buf_byte(&b, 'd');
    ngx_edge_buf_lit(&b, "e");
    ngx_edge_buf_int(&b, 1);
    ngx_edge_buf_number(&b, 1);
    ngx_edge_buf_json(&b, (u_char *) "", 0);
    ngx_edge_buf_json_raw(&b, (u_char *) "a", 1);
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_DECLINED);
    CHECK_INT(b.pos - b.start, 8);

    open_buf(8, 10000);
    ngx_stub_alloc_budget = 0;
    ngx_edge_buf_lit(&b, "a");
    ngx_stub_alloc_budget = -1;
    ngx_edge_buf_lit(&b, "b");
    ngx_edge_buf_byte(&b, 'c');
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_ERROR);
    CHECK_INT(b.pos - b.start, 0);

    /* out of memory in growing: the first part is not a whole */

    open_buf(8, 10000);
    ngx_edge_buf_lit(&b, "a");
    ngx_stub_alloc_budget = 0;

    while (b.rc == NGX_OK) {
        ngx_edge_buf_lit(&b, "bcdefgh");
    }

    ngx_stub_alloc_budget = -1;
    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_ERROR);
}


static void
check_int(int64_t n, const char *expected)
{
    open_buf(0, 100);
    ngx_edge_buf_int(&b, n);
    check_text(expected);
}


static void
test_int(void)
{
    check_int(0, "0");
    check_int(7, "7");
    check_int(-7, "-7");
    check_int(10, "10");
    check_int(1234567890123, "1234567890123");
    check_int(INT64_MAX, "9223372036854775807");
    check_int(INT64_MIN, "-9223372036854775808");
}


static void
check_number(double n, const char *expected)
{
    open_buf(0, 100);
    ngx_edge_buf_number(&b, n);
    check_text(expected);
}


static void
test_number(void)
{
    check_number(0, "0");
    check_number(-0.0, "0");
    check_number(0.3, "0.3");
    check_number(12, "12");
    check_number(0.031746, "0.031746");
    check_number(1.0 / 63, "0.015873");
    check_number(-1.5, "-1.5");
    check_number(100, "100");
    check_number(0.1 + 0.2, "0.3");
    check_number(0.000001, "0.000001");
    check_number(0.0000004, "0");
    check_number(-0.0000004, "0");
    check_number(0.0000006, "0.000001");
    check_number(0.9999994, "0.999999");
    check_number(0.9999996, "1");
    check_number(-9.9999999, "-10");
    check_number(1.000001, "1.000001");
    check_number(1.01, "1.01");
    check_number(123456789.25, "123456789.25");
    check_number(9007199254740992.0, "9007199254740992");
    check_number(999999999999999872.0, "999999999999999872");
    check_number(1e18, "1e18");
    check_number(9223372036854774784.0, "9.223372e18");
    check_number(9223372036854775808.0, "9.223372e18");
    check_number(1e19, "1e19");
    check_number(-1.5e20, "-1.5e20");
    check_number(9.9999999e25, "1e26");
    check_number(1e308, "1e308");
    check_number(INFINITY, "0");
    check_number(-INFINITY, "0");
    check_number(NAN, "0");
}


static void
check_json(const char *text, size_t len, const char *expected)
{
    open_buf(0, 1000);
    ngx_edge_buf_json(&b, (u_char *) text, len);
    check_text(expected);
}


static void
test_json(void)
{
    u_char      c, text[3], expected[16], *p;
    ngx_uint_t  i;

    check_json("", 0, "\"\"");
    check_json(NULL, 0, "\"\"");
    check_json("plain text", 10, "\"plain text\"");
    check_json("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    check_json("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    check_json("\0\x1f\x7f", 3, "\"\\u0000\\u001f\x7f\"");
    check_json("\xed\x95\x9c \xf0\x9f\x98\x80", 8,
               "\"\xed\x95\x9c \xf0\x9f\x98\x80\"");
    check_json("\"", 1, "\"\\\"\"");
    check_json("\xe2\x80\xa8", 3, "\"\xe2\x80\xa8\"");

    /* every other control character */

    for (i = 0; i < 0x20; i++) {
        c = (u_char) i;

        if (c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }

        text[0] = 'x';
        text[1] = c;
        text[2] = 'y';
        p = ngx_sprintf(expected, "\"x\\u%04xdy\"", (ngx_int_t) c);
        *p = '\0';
        check_json((char *) text, 3, (char *) expected);
    }
}


static void
check_raw(const char *raw, const char *expected)
{
    size_t   len;
    u_char  *copy;

    len = strlen(raw);
    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, raw, len);

    open_buf(0, 1000);
    ngx_edge_buf_json_raw(&b, copy, len);
    check_text(expected);

    free(copy);
}


static void
test_json_raw(void)
{
    open_buf(0, 10);
    ngx_edge_buf_json_raw(&b, NULL, 0);
    check_text("");

    check_raw("", "");
    check_raw("plain", "plain");
    check_raw("a\\nb\\\\c\\/d\\\"e", "a\\nb\\\\c\\/d\\\"e");
    check_raw("\\u0041bc", "Abc");
    check_raw("\\ud55c\\uAD6D\\uc5b4", "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4");
    check_raw("x\\ud83d\\ude00y", "x\xf0\x9f\x98\x80y");
    check_raw("\\u0022\\u005c\\u005C", "\\u0022\\u005c\\u005C");
    check_raw("\\u0000\\u001f\\u0020\\u007f", "\\u0000\\u001f \x7f");
    check_raw("\\ud83d", "\xef\xbf\xbd");
    check_raw("\\ude00x", "\xef\xbf\xbdx");
    check_raw("\\ud83d\\u0022", "\xef\xbf\xbd\\u0022");
    check_raw("\\ud83d\\n", "\xef\xbf\xbd\\n");
    check_raw("\\\\u0041", "\\\\u0041");
    check_raw("\\n\\\\u0041", "\\n\\\\u0041");
    check_raw("\\\\\\u0041", "\\\\A");
    check_raw("\xed\x95\x9c\\u0041\xed\x95\x9c",
              "\xed\x95\x9c" "A\xed\x95\x9c");

    /* not valid, but it must not read behind the end */

    check_raw("a\\", "a\\");
    check_raw("a\\u", "a\\u");
    check_raw("a\\u00", "a\\u00");
}


int
main(void)
{
    RUN(test_add);
    RUN(test_growth);
    RUN(test_allocations);
    RUN(test_max);
    RUN(test_sticky);
    RUN(test_int);
    RUN(test_number);
    RUN(test_json);
    RUN(test_json_raw);

    ngx_destroy_pool(pool);

    return unit_summary();
}
