
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the pull parser.  Each text is put into a block of exactly its
 * size, so that a sanitizer sees one byte read too many.
 */


/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "lib/ngx_edge_scan.h"


static u_char           *copy;
static ngx_edge_scan_t   s;


static void
start(const char *text, size_t len)
{
    free(copy);
    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, text, len);
    ngx_edge_scan_init(&s, copy, len);
}


static void
open_text(const char *text)
{
    start(text, strlen(text));
}


/* 1 if the text is JSON to the parser. */

static ngx_uint_t
valid(const char *text, size_t len)
{
    ngx_int_t  rc;

    start(text, len);
    rc = ngx_edge_scan_skip(&s);

    if (rc != NGX_OK) {
        CHECK_INT(s.error, 1);
        CHECK_INT(ngx_edge_scan_end(&s), NGX_ERROR);
        return 0;
    }

    return ngx_edge_scan_end(&s) == NGX_OK;
}


static void
check_all(const char **text, ngx_uint_t expected)
{
    for ( /* void */ ; *text; text++) {
        if (valid(*text, strlen(*text)) != expected) {
            printf("%s: <%s> should be %s\n", unit_name, *text,
                   expected ? "accepted" : "refused");
            CHECK(0);
        }

        CHECK(1);
    }
}


static void
test_accepted(void)
{
    static const char  *text[] = {
        "0", "-0", "1", "-1", "10", "123456789", "12345678", "1234567890123",
        "0.5", "-0.5", "1.25", "1e5", "1E5", "1e+5", "1e-5", "1.5e10",
        "0e0", "0.00000001", "123456789012345678901234567890",
        "true", "false", "null", " true ", "\t\r\n 1 \t\r\n",
        "\"\"", "\"a\"", "\"abcdefgh\"", "\"abcdefghi\"", "\"\x7f\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0941\\uaBcD\\ufFeE\"",
        "\"\\u0000\"", "\"\\ud800\"", "\"1234567\\n1234567\\n\"",
        "\"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4\"", "\"\xf0\x9f\x98\x80\"",
        "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]",
        "[{},{}]", "{}", "{ }", "{\"a\":1}", "{\"a\":1,\"b\":2}",
        "{ \"a\" : 1 , \"b\" : [ true , null ] }", "{\"\":{\"\":[]}}",
        "{\"a\":1,\"a\":2}", "[\"a\",\"b\",{\"c\":[0,-1e1]},\"\"]",
        NULL
    };

    check_all(text, 1);
}


static void
test_refused(void)
{
    static const char  *text[] = {
        "", " ", "\n",
        "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "1e-",
        "0x1", "1 2", "1,", "--1", "1.5.5", "Infinity", "NaN", "-a", "00",
        "12345678a", "1/", "1:", "-abcdefghijk", "1.abcdefghijk",
        "1eabcdefghijk", "1e+abcdefghijk", "abcdefghijk",
        "tru", "truee", "True", "fals", "nul", "nulll", "nan", "t", "f", "n",
        "\"", "\"a", "a\"", "\"\\\"", "\"\\x\"", "\"\\u\"", "\"\\u123\"",
        "\"\\u12g4\"", "\"\\u123:\"", "\"\\U0041\"", "\"\\\n\"", "\"\t\"",
        "\"\n\"", "\"1234567\x1f\"", "\"12345678\x01\"", "\"\\0\"", "'a'",
        "\"a\"b", "\"\\",
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1]]",
        "[1}", "[1:2]", "[[]", "[]]", "[1,,2]", "[\"a\"\"b\"]",
        "{", "}", "{1:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "{a:1}", "{\"a\":1}}",
        "{\"a\":1,,\"b\":2}", "{\"a\":1,2}", "{\"a\",\"b\"}", "{\"a\"::1}",
        "{true:1}", "[{]}", "{\"a\":[}]",
        "\xef\xbb\xbf{}", "/**/1", "1 // a", "\v1", "\f1", "\xc2\xa0" "1",
        NULL
    };

    check_all(text, 0);
}


/* One bad sequence, alone and at each place around eight bytes. */

static void
test_bad_utf8(void)
{
    char                text[40];
    size_t              len, pad;
    ngx_uint_t          i;
    static const char  *bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41",
        "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xe1\x41\x80",
        "\xe1\x80\x41", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf1\x80\x80\x41",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe\xfe\xff\xff"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (pad = 0; pad < 18; pad++) {
            ngx_memset(text, 'a', sizeof(text));
            text[0] = '"';
            len = strlen(bad[i]);
            ngx_memcpy(text + 1 + pad, bad[i], len);

            text[1 + pad + len] = '"';
            CHECK_INT(valid(text, pad + len + 2), 0);

            text[1 + pad + len] = 'a';
            text[10 + pad + len] = '"';
            CHECK_INT(valid(text, pad + len + 11), 0);
        }
    }

    CHECK_INT(valid("{\"\xff\":1}", 7), 0);
    CHECK_INT(valid("\"a\0b\"", 5), 0);
    CHECK_INT(valid("1\0", 2), 0);
}


/* Every control character, quote and backslash at each place of a word. */

static void
test_string_bytes(void)
{
    char        text[32];
    ngx_uint_t  c, at, expected;

    for (c = 0; c < 0x80; c++) {
        for (at = 0; at < 20; at++) {
            ngx_memset(text, 'x', sizeof(text));
            text[0] = '"';
            text[1 + at] = (char) c;
            text[24] = '"';
            expected = (c >= 0x20 && c != '"' && c != '\\');
            CHECK_INT(valid(text, 25), expected);
        }
    }
}


/* Each byte value after each length of digits. */

static void
test_digit_bytes(void)
{
    char        text[32];
    ngx_uint_t  c, at, expected;

    for (c = 0; c < 0x100; c++) {
        for (at = 1; at < 20; at++) {
            ngx_memset(text, '7', sizeof(text));
            text[at] = (char) c;
            expected = ((c >= '0' && c <= '9') || c == '.' || c == 'e'
                        || c == 'E');
            CHECK_INT(valid(text, 25), expected);
        }
    }
}


static const char  whole[] =
    " {\"id\": \"\\u00e9\\n\xed\x95\x9c\", \"n\": [-12.5e+3, 0, 1234567890],"
    " \"t\": true, \"f\": false, \"z\": null, \"o\": {\"a\": {}, \"b\": []} }";


/* No beginning of a text is a text, and nothing behind it is read. */

static void
test_truncated(void)
{
    size_t                 len;
    double                 d;
    uint64_t               u;
    ngx_str_t              key, raw;
    ngx_uint_t             n;
    ngx_edge_scan_type_e   type;

    for (len = 0; len < sizeof(whole) - 1; len++) {
        CHECK_INT(valid(whole, len), 0);

        start(whole, len);
        (void) ngx_edge_scan_object(&s);     /* member tells */

        while (ngx_edge_scan_member(&s, &key) == NGX_OK) {
            type = ngx_edge_scan_type(&s);

            if (type == ngx_edge_scan_type_array) {
                (void) ngx_edge_scan_vector(&s, &raw, &n);

            } else if (len % 3 == 0) {
                (void) ngx_edge_scan_uint(&s, &u);

            } else if (len % 3 == 1) {
                (void) ngx_edge_scan_string_or_skip(&s, &raw);

            } else if (type == ngx_edge_scan_type_number) {
                (void) ngx_edge_scan_number(&s, &d);

            } else {
                (void) ngx_edge_scan_raw(&s, &raw);
            }
        }

        CHECK_INT(ngx_edge_scan_end(&s), NGX_ERROR);
    }

    CHECK_INT(valid(whole, sizeof(whole) - 1), 1);
}


static void
test_depth(void)
{
    char        text[2 * NGX_EDGE_SCAN_DEPTH + 2];
    size_t      n;
    ngx_str_t   key;
    ngx_uint_t  i;

    n = NGX_EDGE_SCAN_DEPTH;
    ngx_memset(text, '[', n);
    ngx_memset(text + n, ']', n);
    CHECK_INT(valid(text, 2 * n), 1);

    n++;
    ngx_memset(text, '[', n);
    ngx_memset(text + n, ']', n);
    CHECK_INT(valid(text, 2 * n), 0);

    /* entered by hand counts too */

    start(text, 2 * n);

    for (i = 0; i + 1 < n; i++) {
        CHECK_INT(ngx_edge_scan_array(&s), NGX_OK);
        CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    }

    CHECK_INT(ngx_edge_scan_array(&s), NGX_ERROR);

    start(text, 2 * n);
    CHECK_INT(ngx_edge_scan_array(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_ERROR);

    /* objects and arrays in turn keep apart */

    CHECK_INT(valid("[{\"a\":[{\"b\":[]}]},{\"c\":{}}]", 27), 1);
    CHECK_INT(valid("[{\"a\":[{\"b\":[}]]},{\"c\":{}}]", 27), 0);

    open_text("{}");
    CHECK_INT(ngx_edge_scan_object(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_DONE);
    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_ERROR);
}


static void
test_walk(void)
{
    double      d;
    uint64_t    u;
    ngx_str_t   key, raw;

    open_text(" {\"model\" : \"a\\tb\" ,\"n\":7, \"list\":[1 ,{\"x\":[2]},"
              "\"s\"],\"d\":-2.5e1,\"skip\":{\"y\":[[]]},\"last\":null} ");

    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_object);
    CHECK_INT(ngx_edge_scan_object(&s), NGX_OK);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK(ngx_edge_scan_is(&key, "model"));
    CHECK(!ngx_edge_scan_is(&key, "mode"));
    CHECK(!ngx_edge_scan_is(&key, "modem"));
    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_string);
    CHECK_INT(ngx_edge_scan_string(&s, &raw), NGX_OK);
    CHECK_STR(raw, "a\\tb");

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK_STR(key, "n");
    CHECK_INT(ngx_edge_scan_uint(&s, &u), NGX_OK);
    CHECK_INT(u, 7);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK_STR(key, "list");
    CHECK_INT(ngx_edge_scan_array(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_number);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_raw(&s, &raw), NGX_OK);
    CHECK_STR(raw, "{\"x\":[2]}");
    CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_raw(&s, &raw), NGX_OK);
    CHECK_STR(raw, "\"s\"");
    CHECK_INT(ngx_edge_scan_element(&s), NGX_DONE);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK_INT(ngx_edge_scan_number(&s, &d), NGX_OK);
    CHECK(d == -25);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_OK);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_OK);
    CHECK_STR(key, "last");
    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_null);
    CHECK_INT(ngx_edge_scan_string_or_skip(&s, &raw), NGX_DECLINED);
    CHECK_INT(raw.len, 0);

    CHECK_INT(ngx_edge_scan_member(&s, &key), NGX_DONE);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_none);
}


static void
test_types(void)
{
    ngx_uint_t  i;

    static const struct {
        const char            *text;
        ngx_edge_scan_type_e   type;
    } types[] = {
        { "{}", ngx_edge_scan_type_object },
        { " []", ngx_edge_scan_type_array },
        { "\"\"", ngx_edge_scan_type_string },
        { "-1", ngx_edge_scan_type_number },
        { "9", ngx_edge_scan_type_number },
        { "true", ngx_edge_scan_type_true },
        { "false", ngx_edge_scan_type_false },
        { "null", ngx_edge_scan_type_null },
        { "x", ngx_edge_scan_type_none },
        { "", ngx_edge_scan_type_none }
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        open_text(types[i].text);
        CHECK_INT(ngx_edge_scan_type(&s), types[i].type);
        CHECK_INT(ngx_edge_scan_type(&s), types[i].type);
    }
}


/* After an error nothing succeeds, whatever the caller goes on asking. */

static void
test_sticky(void)
{
    double      d;
    uint64_t    u;
    ngx_str_t   raw;
    ngx_uint_t  n;

    open_text("{\"a\":[1],\"b\":\"c\"}");

    CHECK_INT(ngx_edge_scan_array(&s), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_type(&s), ngx_edge_scan_type_none);
    CHECK_INT(ngx_edge_scan_object(&s), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_array(&s), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_member(&s, &raw), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_raw(&s, &raw), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_string(&s, &raw), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_string_or_skip(&s, &raw), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_number(&s, &d), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_uint(&s, &u), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_vector(&s, &raw, &n), NGX_ERROR);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_ERROR);

    /* a member's value must be read before the next */

    open_text("{\"a\":1,\"b\":2}");
    CHECK_INT(ngx_edge_scan_object(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_member(&s, &raw), NGX_OK);
    CHECK_INT(ngx_edge_scan_member(&s, &raw), NGX_ERROR);

    /* one root value */

    open_text("1 2");
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_ERROR);

    open_text("\"a\" \"b\"");
    CHECK_INT(ngx_edge_scan_string(&s, &raw), NGX_OK);
    CHECK_INT(ngx_edge_scan_string(&s, &raw), NGX_ERROR);

    open_text("[] []");
    CHECK_INT(ngx_edge_scan_array(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_DONE);
    CHECK_INT(ngx_edge_scan_array(&s), NGX_ERROR);

    /* still inside */

    open_text("[1");
    CHECK_INT(ngx_edge_scan_array(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_element(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_ERROR);

    ngx_edge_scan_init(&s, NULL, 0);
    CHECK_INT(ngx_edge_scan_skip(&s), NGX_ERROR);
}


static void
test_string(void)
{
    ngx_str_t  raw;

    open_text("1");
    CHECK_INT(ngx_edge_scan_string(&s, &raw), NGX_ERROR);

    open_text("\"\"");
    CHECK_INT(ngx_edge_scan_string_or_skip(&s, &raw), NGX_OK);
    CHECK_INT(raw.len, 0);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    open_text("[1,{\"a\":\"b\"}]");
    CHECK_INT(ngx_edge_scan_string_or_skip(&s, &raw), NGX_DECLINED);
    CHECK_INT(raw.len, 0);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    open_text("[1,{\"a\":\"b\"]");
    CHECK_INT(ngx_edge_scan_string_or_skip(&s, &raw), NGX_ERROR);
}


static void
check_number(const char *text, double expected)
{
    double  d;

    d = 0.125;
    open_text(text);
    CHECK_INT(ngx_edge_scan_number(&s, &d), NGX_OK);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    if (d != expected) {
        printf("%s: %s is %.17g, not %.17g\n", unit_name, text, d, expected);
        CHECK(0);
    }
}


static void
test_number(void)
{
    double              d;
    size_t              i;
    char                digits[402];
    static const char  *bad[] = {
        "1e309", "-1e309", "1e400", "1e5000", "1e99999999999999999999",
        "\"1\"", "null", "[1]", "-", "1e", "x", ""
    };

    check_number("0", 0);
    check_number("-0.0", 0);
    check_number("1", 1);
    check_number("-1.5", -1.5);
    check_number("0.1", 0.1);
    check_number("0.7234567", 0.7234567);
    check_number("1e0", 1);
    check_number("1E+2", 100);
    check_number("125e-2", 1.25);
    check_number("9007199254740993", 9007199254740992.0);
    check_number("18446744073709551616", 18446744073709551616.0);
    check_number("100000000000000000000000", 1e23);
    check_number("0.0000000000000000000000000000000001", 1e-34);
    check_number("1.7976931348623157e308", 1.7976931348623157e308);
    check_number("1e-400", 0);
    check_number("1e-99999999999999999999", 0);
    check_number("0e99999999999999999999", 0);
    check_number("0.00000000000000000000001e23", 1);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        d = 0.125;
        open_text(bad[i]);
        CHECK_INT(ngx_edge_scan_number(&s, &d), NGX_ERROR);
        CHECK_INT(s.error, 1);
        CHECK(d == 0.125);
    }

    ngx_memset(digits, '1', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    open_text(digits);
    CHECK_INT(ngx_edge_scan_number(&s, &d), NGX_ERROR);

    digits[1] = '.';
    check_number(digits, 1.1111111111111111);
}


static void
test_uint(void)
{
    uint64_t            u;
    ngx_uint_t          i;
    static const char  *declined[] = {
        "-1", "-0", "1.0", "0.5", "1e3", "9007199254740993",
        "99999999999999999999999", "18446744073709551617", "null", "true",
        "\"5\"", "[5]", "{\"a\":5}"
    };
    static const char  *bad[] = { "01", "1.", "-", "x", "", "[5", "5,6" };

    open_text("0");
    CHECK_INT(ngx_edge_scan_uint(&s, &u), NGX_OK);
    CHECK_INT(u, 0);

    open_text(" 9007199254740992 ");
    CHECK_INT(ngx_edge_scan_uint(&s, &u), NGX_OK);
    CHECK_INT(u, 9007199254740992);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    for (i = 0; i < sizeof(declined) / sizeof(declined[0]); i++) {
        open_text(declined[i]);
        CHECK_INT(ngx_edge_scan_uint(&s, &u), NGX_DECLINED);
        CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        open_text(bad[i]);
        (void) ngx_edge_scan_uint(&s, &u);   /* "01" is known at the end */
        CHECK_INT(ngx_edge_scan_end(&s), NGX_ERROR);
    }
}


static void
test_vector(void)
{
    ngx_str_t           text;
    ngx_uint_t          i, n;
    static const char  *bad[] = {
        "[1,]", "[,1]", "[1 2]", "[1,null]", "[\"1\"]", "[[1]]", "[1", "[1,",
        "[", "1", "{}", "[01]", "[-]", "[1.]", "", "[true]", "[1}", "[--1]",
        "[1          2]", "[1          ", "[1,          ]", "[1\v         ]"
    };

    open_text(" [ 0.125 , -3,4e-2,12345678.12345678 ] ");
    CHECK_INT(ngx_edge_scan_vector(&s, &text, &n), NGX_OK);
    CHECK_INT(n, 4);
    CHECK_STR(text, "[ 0.125 , -3,4e-2,12345678.12345678 ]");
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    /* indented: blanks are passed eight at a time */

    open_text("[\n                 1,\r\n         \t        -0.5\n        ]");
    CHECK_INT(ngx_edge_scan_vector(&s, &text, &n), NGX_OK);
    CHECK_INT(n, 2);
    CHECK_INT(ngx_edge_scan_end(&s), NGX_OK);

    open_text("[ ]");
    CHECK_INT(ngx_edge_scan_vector(&s, &text, &n), NGX_OK);
    CHECK_INT(n, 0);
    CHECK_STR(text, "[ ]");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        open_text(bad[i]);
        CHECK_INT(ngx_edge_scan_vector(&s, &text, &n), NGX_ERROR);
        CHECK_INT(s.error, 1);
    }

    /* what stands behind it is still read */

    open_text("{\"a\":[1,2],\"b\":3}");
    CHECK_INT(ngx_edge_scan_object(&s), NGX_OK);
    CHECK_INT(ngx_edge_scan_member(&s, &text), NGX_OK);
    CHECK_INT(ngx_edge_scan_vector(&s, &text, &n), NGX_OK);
    CHECK_STR(text, "[1,2]");
    CHECK_INT(ngx_edge_scan_member(&s, &text), NGX_OK);
    CHECK_STR(text, "b");
}


/* A vector's own way through its numbers must find what the general one does:
 * each byte of a long vector, replaced by each that could matter. */

static void
test_vector_bytes(void)
{
    char               text[256];
    size_t             i, j, len;
    ngx_str_t          raw;
    ngx_int_t          rc;
    ngx_uint_t         expected, n;
    static const char  bytes[] = "019-+.eE, \n]/:\0\x7f\x80\xfa\xff";
    static const char  base[] =
        "[-0.0123456789,0.0123456789,-0.01234567890123456,0.1,-0.25,"
        "0.012345678901234567890123,-0.0123456,0.00123456e-05,-7.5e3,"
        "0.12345678901234,12,0.0123456789, -0.0123456789 ,0.0123456789]";

    len = sizeof(base) - 1;

    start(base, len);
    CHECK_INT(ngx_edge_scan_vector(&s, &raw, &n), NGX_OK);
    CHECK_INT(n, 14);

    for (i = 0; i < len; i++) {
        for (j = 0; j < sizeof(bytes); j++) {
            ngx_memcpy(text, base, len);
            text[i] = bytes[j];

            /* the first mark decides what is asked, not the answer */

            expected = (i > 0) && valid(text, len);

            start(text, len);
            rc = ngx_edge_scan_vector(&s, &raw, &n);
            rc = (rc == NGX_OK) ? ngx_edge_scan_end(&s) : rc;

            CHECK_INT(rc == NGX_OK, expected);
        }

        /* cut here, with nothing readable behind */

        start(base, i);
        CHECK_INT(ngx_edge_scan_vector(&s, &raw, &n), NGX_ERROR);
    }
}


int
main(void)
{
    RUN(test_accepted);
    RUN(test_refused);
    RUN(test_bad_utf8);
    RUN(test_string_bytes);
    RUN(test_digit_bytes);
    RUN(test_truncated);
    RUN(test_depth);
    RUN(test_walk);
    RUN(test_types);
    RUN(test_sticky);
    RUN(test_string);
    RUN(test_number);
    RUN(test_uint);
    RUN(test_vector);
    RUN(test_vector_bytes);

    free(copy);

    return unit_summary();
}
