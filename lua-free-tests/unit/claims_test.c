
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of judging claims sets: form, unique names, dates, issuer, audience,
 * time.  Reading single claims is in claims_text_test.c.
 */


/* sources: auth/ngx_edge_claims_check.c auth/ngx_edge_members.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "auth/ngx_edge_claims.h"


#define MAX  253402300799LL


static ngx_pool_t               *pool;
static const char               *reason;
static ngx_str_t                 iss;
static ngx_edge_claims_times_t   times;
static ngx_edge_claims_rules_t   rules;


/* Checks a set that ends where its block of the heap does. */

static ngx_int_t
check(const char *text, size_t len)
{
    static ngx_str_t  copy;

    free(copy.data);
    copy.data = malloc(len ? len : 1);
    copy.len = len;
    ngx_memcpy(copy.data, text, len);

    reason = "";

    return ngx_edge_claims_check(pool, &copy, &rules, &times, &iss, &reason);
}


static void
check_ok(const char *text)
{
    CHECK_INT(check(text, strlen(text)), NGX_OK);
    CHECK_MEM(reason, strlen(reason), "");
}


static void
check_declined(const char *text, const char *why)
{
    CHECK_INT(check(text, strlen(text)), NGX_DECLINED);
    CHECK_MEM(reason, strlen(reason), why);
}


static ngx_array_t *
list(const char *a, const char *b)
{
    ngx_str_t    *s;
    ngx_array_t  *array;

    array = ngx_array_create(pool, 2, sizeof(ngx_str_t));

    s = ngx_array_push(array);
    *s = unit_str(a);

    s = ngx_array_push(array);
    *s = unit_str(b);

    return array;
}


static void
test_example(void)
{
    /* RFC 7519 section 3.1 */

    check_ok("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
             "\"http://example.com/is_root\":true}");

    CHECK_STR(iss, "joe");
    CHECK_INT(times.has_exp, 1);
    CHECK_INT(times.exp, 1300819380);
    CHECK_INT(times.has_nbf, 0);
    CHECK_INT(times.has_iat, 0);

    check_ok("{}");
    CHECK(iss.data == NULL);
    CHECK_INT(times.has_exp, 0);

    check_ok(" {\"nbf\":2,\"iat\":3,\"sub\":\"\",\"iss\":\"\"}\n");
    CHECK_INT(times.has_nbf, 1);
    CHECK_INT(times.nbf, 2);
    CHECK_INT(times.has_iat, 1);
    CHECK_INT(times.iat, 3);
    CHECK(iss.data != NULL);
    CHECK_INT(iss.len, 0);

    /* dates are what they are at the top only */

    check_ok("{\"a\":{\"exp\":\"never\",\"iss\":1,\"sub\":[],\"exq\":0}}");
    CHECK_INT(times.has_exp, 0);
    CHECK(iss.data == NULL);

    /* raw: as between its quotes */

    check_ok("{\"iss\":\"a\\u0062\"}");
    CHECK_STR(iss, "a\\u0062");
}


static void
test_form(void)
{
    char    text[256];
    size_t  i;

    check_declined("", "no JSON object");
    check_declined("null", "no JSON object");
    check_declined("[{}]", "no JSON object");
    check_declined("\"{}\"", "no JSON object");
    check_declined("\xef\xbb\xbf{}", "no JSON object");
    check_declined("Example of Ed25519 signing", "no JSON object");
    check_declined("{", "no valid JSON");
    check_declined("{}}", "no valid JSON");
    check_declined("{}{}", "no valid JSON");
    check_declined("{\"a\"}", "no valid JSON");
    check_declined("{\"a\":1,}", "no valid JSON");
    check_declined("{\"a\":[1,]}", "no valid JSON");
    check_declined("{\"a\":[}", "no valid JSON");
    check_declined("{\"a\":{\"b\":1]}", "no valid JSON");
    check_declined("{\"a\":nul}", "no valid JSON");
    check_declined("{\"a\":NaN}", "no valid JSON");
    check_declined("{\"a\":\"\\x\"}", "no valid JSON");
    check_declined("{\"a\":\"\n\"}", "no valid JSON");
    check_declined("{\"a\":1}/**/", "no valid JSON");

    check_declined("{\"a\":\"\xc0\x80\"}", "no valid JSON");
    check_declined("{\"a\":\"\xed\xa0\x80\"}", "no valid JSON");
    check_declined("{\"a\":\"\xf4\x90\x80\x80\"}", "no valid JSON");
    check_declined("{\"\xe2\x82\":1}", "no valid JSON");
    check_declined("{\"a\":{\"\x80\":[]}}", "no valid JSON");

    CHECK_INT(check("{}\0", 3), NGX_DECLINED);
    CHECK_INT(check("{\"a\0\":1}", 8), NGX_DECLINED);
    CHECK_INT(check("{\"exp\":1\0}", 10), NGX_DECLINED);

    check_ok("{\"\xed\x95\x9c\":\"\xf0\x9f\x98\x80\",\"\":{},\"x\":[]}");

    /* every mark counts: no prefix is a set */

    for (i = 0; i < 44; i++) {
        CHECK_INT(check("{\"exp\":1,\"a\":{\"b\":[1,{\"c\":\"\\n\"}]},\"iss\":"
                        "\"x\"}", i), NGX_DECLINED);
    }

    CHECK_INT(check("{\"exp\":1,\"a\":{\"b\":[1,{\"c\":\"\\n\"}]},\"iss\":"
                    "\"x\"}", 44), NGX_OK);

    for (i = 29; i < 35; i++) {
        (void) snprintf(text, sizeof(text), "{\"a\":%.*s%.*s}",
                        (int) i, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                        (int) i, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
        CHECK_INT(check(text, strlen(text)), i < 32 ? NGX_OK : NGX_DECLINED);

        (void) snprintf(text, sizeof(text), "%.*s1%.*s",
                        (int) i * 5,
                        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
                        (int) i, "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}");
        CHECK_INT(check(text, strlen(text)), i <= 32 ? NGX_OK : NGX_DECLINED);
    }
}


static void
test_twice(void)
{
    static const char  twice[] = "a member twice in an object";

    check_declined("{\"exp\":1,\"exp\":1}", twice);
    check_declined("{\"exp\":1,\"\\u0065xp\":2}", twice);
    check_declined("{\"\\u0065xp\":1,\"exp\":2}", twice);
    check_declined("{\"e\\u0078p\":1,\"ex\\u0070\":2}", twice);
    check_declined("{\"\":1,\"\":2}", twice);
    check_declined("{\"a\\/\":1,\"a/\":2}", twice);
    check_declined("{\"\\t\":1,\"\\u0009\":2}", twice);
    check_declined("{\"\\u0000\":1,\"\\u0000\":2}", twice);
    check_declined("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", twice);
    check_declined("{\"a\":{\"b\":1,\"c\":1,\"b\":1}}", twice);
    check_declined("{\"a\":[0,[{\"b\":{}},{\"b\":1,\"\\u0062\":1}]]}", twice);
    check_declined("{\"a\":{\"b\":{\"c\":{}},\"b\":1}}", twice);
    check_declined("{\"a\":{\"a\":{\"a\":{}}},\"a\":{}}", twice);
    check_declined("{\"aud\":{\"b\":1,\"b\":1}}", twice);
    check_declined("{\"tenant_id\":1,\"tenant_i\\u0064\":\"a long value\"}",
                   twice);
    check_declined("{\"tenant_id\":1,\"tenant\\u005fid\":\"a long value\"}",
                   twice);
    check_declined("{\"12345678\":0,\"12345678\":0}", twice);
    check_declined("{\"a name of more than sixteen bytes\":0,"
                   "\"a name of more than sixteen bytes\":0}", twice);

    /* what only looks the same */

    check_ok("{\"exp\":1,\"exp\\u0000\":2,\"EXP\":3,\"exp \":4,\"ex\":5,"
             "\"xep\":6,\"\\u0000exp\":7,\"\\\\u0065xp\":8,\"pxe\":9}");
    check_ok("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"c\":[{\"a\":1},"
             "{\"a\":1,\"b\":{\"a\":1,\"b\":2}}]}");
    check_ok("{\"\":0,\"a\":0,\"aa\":0,\"aaa\":0,\"aaaa\":0,\"aaaaa\":0,"
             "\"aaaaaa\":0,\"aaaaaaa\":0,\"aaaaaaaa\":0,\"aaaaaaaaa\":0,"
             "\"aaaaaaaaaa\":0,\"\\u0000\":0,\"\\u0000\\u0000\":0}");
    check_ok("{\"a name of more than sixteen bytes\":0,"
             "\"A name of more than sixteen bytes\":0,"
             "\"a name of more thaN sixteen bytes\":0,"
             "\"a name of more than sixteen byteS\":0}");
}


/* A set of n members m0, m1, ... below a path, the last named otherwise. */

static size_t
members(char *text, ngx_uint_t n, const char *format, const char *last)
{
    char        *p;
    ngx_uint_t   i;

    p = text;
    *p++ = '{';

    for (i = 0; i < n; i++) {

        if (i == n - 1 && last) {
            p += snprintf(p, 64, "\"%s\":0", last);

        } else {
            p += snprintf(p, 64, format, (unsigned) i);
            p += snprintf(p, 64, ":%u,", (unsigned) i);
        }
    }

    if (p[-1] == ',') {
        p--;
    }

    *p++ = '}';
    *p = '\0';

    return p - text;
}


static void
test_many(void)
{
    char        *text, *p;
    size_t       len;
    ngx_uint_t   i, n;

    text = malloc(1024 * 1024);

    for (n = 1; n <= NGX_EDGE_CLAIMS_MEMBERS; n++) {
        len = members(text, n, "\"m%u\"", NULL);
        CHECK_INT(check(text, len), NGX_OK);

        if (n < 3) {
            continue;
        }

        len = members(text, n, "\"m%u\"", "\\u006d1");
        check_declined(text, "a member twice in an object");

        len = members(text, n, "\"a longer name %u\"", "a longer name 0");
        check_declined(text, "a member twice in an object");
    }

    members(text, NGX_EDGE_CLAIMS_MEMBERS + 1, "\"m%u\"", NULL);
    check_declined(text, "too many members in an object");

    /* the same below the top */

    p = text + snprintf(text, 64, "{\"a\":[");
    p += members(p, NGX_EDGE_CLAIMS_MEMBERS + 1, "\"m%u\"", NULL);
    (void) snprintf(p, 64, "]}");
    check_declined(text, "too many members in an object");

    /* many objects, each of few: the limit is not theirs together */

    p = text + snprintf(text, 64, "{\"a\":[");

    for (i = 0; i < 40; i++) {
        p += members(p, NGX_EDGE_CLAIMS_MEMBERS, "\"m%u\"", NULL);
        *p++ = ',';
    }

    (void) snprintf(p, 64, "0]}");
    check_ok(text);

    (void) snprintf(p, 64, "{\"x\":0,\"y\":1,\"x\":2}]}");
    check_declined(text, "a member twice in an object");

    free(text);
}


static void
check_date(const char *number, int64_t down, int64_t up)
{
    char  text[512];

    (void) snprintf(text, sizeof(text), "{\"exp\":%s,\"nbf\":%s,\"iat\":%s}",
                    number, number, number);
    check_ok(text);

    CHECK_INT(times.exp, down);
    CHECK_INT(times.nbf, up);
    CHECK_INT(times.iat, up);
}


static void
check_no_date(const char *value)
{
    char  text[512];

    (void) snprintf(text, sizeof(text), "{\"exp\":%s}", value);
    check_declined(text, "exp is no date");

    (void) snprintf(text, sizeof(text), "{\"nbf\":%s}", value);
    check_declined(text, "nbf is no date");

    (void) snprintf(text, sizeof(text), "{\"a\":1,\"iat\":%s,\"b\":1}", value);
    check_declined(text, "iat is no date");
}


static void
test_dates(void)
{
    check_date("0", 0, 0);
    check_date("-0", 0, 0);
    check_date("-0.0", 0, 0);
    check_date("-0.000e7", 0, 0);
    check_date("0e999999999999999999999", 0, 0);
    check_date("1", 1, 1);
    check_date("1700000000", 1700000000, 1700000000);
    check_date("1700000000.0", 1700000000, 1700000000);
    check_date("1700000000.25", 1700000000, 1700000001);
    check_date("1700000000.000000000000000000000000000001", 1700000000,
               1700000001);
    check_date("1e9", 1000000000, 1000000000);
    check_date("1E+9", 1000000000, 1000000000);
    check_date("1.7e9", 1700000000, 1700000000);
    check_date("1.7000000005e9", 1700000000, 1700000001);
    check_date("17000000000e-1", 1700000000, 1700000000);
    check_date("17000000001e-1", 1700000000, 1700000001);
    check_date("0.0000000017e18", 1700000000, 1700000000);
    check_date("0.5", 0, 1);
    check_date("1e-400", 0, 1);
    check_date("1e-99999999999999999999", 0, 1);
    check_date("170000000000000000000000000000000e-23", 1700000000,
               1700000000);
    check_date("2147483647", 2147483647LL, 2147483647LL);
    check_date("4294967296", 4294967296LL, 4294967296LL);
    check_date("253402300799", MAX, MAX);
    check_date("253402300799.000", MAX, MAX);
    check_date("253402300798.999", MAX - 1, MAX);
    check_date("2.53402300799e11", MAX, MAX);

    check_no_date("253402300800");
    check_no_date("253402300799.5");
    check_no_date("2.534023008e11");
    check_no_date("1e12");
    check_no_date("1e400");
    check_no_date("1e99999999999999999999");
    check_no_date("0.1e99999999999999999999");
    check_no_date("9223372036854775807");
    check_no_date("9223372036854775808");
    check_no_date("18446744073709551617");
    check_no_date("99999999999999999999999999999999999999999");
    check_no_date("-1");
    check_no_date("-0.5");
    check_no_date("-1e-999");
    check_no_date("-1700000000");
    check_no_date("\"1700000000\"");
    check_no_date("\"\"");
    check_no_date("null");
    check_no_date("true");
    check_no_date("[1700000000]");
    check_no_date("{}");
    check_no_date("+1");
    check_no_date("1.");
    check_no_date(".5");
    check_no_date("1e");
    check_no_date("Infinity");

    check_declined("{\"exp\":01}", "no valid JSON");
    check_declined("{\"exp\":0x10}", "no valid JSON");
    check_declined("{\"exp\":1 700}", "no valid JSON");
}


static void
test_strings(void)
{
    check_declined("{\"iss\":1}", "iss is no string");
    check_declined("{\"iss\":null}", "iss is no string");
    check_declined("{\"iss\":[\"a\"]}", "iss is no string");
    check_declined("{\"\\u0069ss\":{}}", "iss is no string");
    check_declined("{\"sub\":7}", "sub is no string");
    check_declined("{\"sub\":null}", "sub is no string");
    check_declined("{\"sub\":[]}", "sub is no string");
    check_ok("{\"aud\":7,\"subs\":7,\"issuer\":7,\"jti\":7}");
}


static void
test_issuers(void)
{
    static const char  other[] = "iss is not of auth_jwt_issuer";

    rules.issuers = list("https://a.example", "b/c");

    check_ok("{\"iss\":\"https://a.example\"}");
    check_ok("{\"iss\":\"b/c\"}");
    check_ok("{\"iss\":\"b\\/\\u0063\"}");
    CHECK_STR(iss, "b\\/\\u0063");

    check_declined("{}", "no iss");
    check_declined("{\"a\":{\"iss\":\"b/c\"}}", "no iss");
    check_declined("{\"iss\":\"\"}", other);
    check_declined("{\"iss\":\"b/\"}", other);
    check_declined("{\"iss\":\"b/c/\"}", other);
    check_declined("{\"iss\":\"B/c\"}", other);
    check_declined("{\"iss\":\"b/c\\u0000\"}", other);
    check_declined("{\"iss\":\"https://a.example/\"}", other);
    check_declined("{\"iss\":[\"b/c\"]}", "iss is no string");

    rules.issuers = NULL;
}


static void
test_audiences(void)
{
    static const char  none[] = "no audience of ours";
    static const char  form[] = "the audience is no string or strings";

    rules.audiences = list("api://x", "y");
    rules.audience_claim = unit_str("aud");

    check_ok("{\"aud\":\"api://x\"}");
    check_ok("{\"aud\":\"api:\\/\\/x\"}");
    check_ok("{\"aud\":[\"y\"]}");
    check_ok("{\"\\u0061ud\":[\"z\",\"y\"],\"exp\":7}");
    check_ok("{\"aud\":[\"y\",\"z\"]}");
    check_ok("{\"aud\" : [ \"z\" , \"\\u0079\" ] }");

    check_declined("{}", none);
    check_declined("{\"aud\":[]}", none);
    check_declined("{\"aud\":\"\"}", none);
    check_declined("{\"aud\":\"Y\"}", none);
    check_declined("{\"aud\":\"y \"}", none);
    check_declined("{\"aud\":\"z y\"}", none);
    check_declined("{\"aud\":[\"z\",\"yy\"]}", none);
    check_declined("{\"client_id\":\"y\"}", none);
    check_declined("{\"a\":{\"aud\":\"y\"}}", none);
    check_declined("{\"aud\":null}", form);
    check_declined("{\"aud\":7}", form);
    check_declined("{\"aud\":{\"y\":\"y\"}}", form);
    check_declined("{\"aud\":[[\"y\"]]}", form);
    check_declined("{\"aud\":[\"y\",7]}", form);
    check_declined("{\"aud\":[null,\"y\"]}", form);
    check_declined("{\"aud\":[\"y\"", form);
    check_declined("{\"aud\":\"z\",\"aud\":\"y\"}",
                   "a member twice in an object");

    rules.audience_claim = unit_str("client_id");

    check_ok("{\"client_id\":\"y\",\"aud\":7}");
    check_declined("{\"client_id\":\"z\",\"aud\":\"y\"}", none);

    /* a claim that is judged for itself too */

    rules.audience_claim = unit_str("iss");

    check_ok("{\"iss\":\"y\"}");
    CHECK_STR(iss, "y");
    check_declined("{\"iss\":[\"y\"]}", "iss is no string");

    rules.audiences = NULL;
}


static void
check_time(int64_t now, int64_t leeway, const char *why)
{
    ngx_int_t  rc;

    reason = "";
    rc = ngx_edge_claims_time(&times, now, leeway, &reason);

    CHECK_INT(rc, *why ? NGX_DECLINED : NGX_OK);
    CHECK_MEM(reason, strlen(reason), why);
}


static void
test_time(void)
{
    ngx_memzero(&times, sizeof(times));
    check_time(1000, 0, "");

    times.has_exp = 1;
    times.exp = 1000;
    check_time(999, 0, "");
    check_time(1000, 0, "expired");
    check_time(1009, 10, "");
    check_time(1010, 10, "expired");
    check_time(0, 0, "");

    times.exp = 0;
    check_time(0, 0, "expired");
    check_time(0, 1, "");

    ngx_memzero(&times, sizeof(times));
    times.has_nbf = 1;
    times.nbf = 1000;
    check_time(1000, 0, "");
    check_time(999, 0, "not yet valid");
    check_time(990, 10, "");
    check_time(989, 10, "not yet valid");

    ngx_memzero(&times, sizeof(times));
    times.has_iat = 1;
    times.iat = 1000;
    check_time(1000, 0, "");
    check_time(999, 0, "issued in the future");
    check_time(990, 10, "");
    check_time(989, 10, "issued in the future");

    check_ok("{\"exp\":253402300799,\"nbf\":0,\"iat\":0}");
    check_time(MAX - 1, NGX_EDGE_CLAIMS_LEEWAY, "");
    check_time(MAX, 0, "expired");

    /* valid for less, never for more */

    check_ok("{\"exp\":1000.9,\"nbf\":900.1}");
    check_time(1000, 0, "expired");
    check_time(900, 0, "not yet valid");
    check_time(901, 0, "");
}


static void
test_memory(void)
{
    char        *text;
    size_t       len;
    ngx_int_t    rc;
    ngx_uint_t   budget;

    text = malloc(65536);
    len = members(text, 200, "\"m%u\"", "\\u0065xp");

    rules.issuers = list("a", "b");
    rules.audiences = list("a", "b");
    rules.audience_claim = unit_str("aud");

    len += snprintf(text + len - 1, 64,
                    ",\"iss\":\"\\u0061\",\"aud\":[\"\\u0061\"]}") - 1;

    for (budget = 0; budget < 100; budget++) {
        ngx_stub_alloc_budget = budget;
        rc = check(text, len);
        ngx_stub_alloc_budget = -1;

        if (rc == NGX_OK) {
            break;
        }

        CHECK_INT(rc, NGX_ERROR);
    }

    /* two tables of two blocks, and three texts with escapes */

    CHECK_INT(budget, 7);

    rules.issuers = NULL;
    rules.audiences = NULL;
    free(text);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_example);
    RUN(test_form);
    RUN(test_twice);
    RUN(test_many);
    RUN(test_dates);
    RUN(test_strings);
    RUN(test_issuers);
    RUN(test_audiences);
    RUN(test_time);
    RUN(test_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
