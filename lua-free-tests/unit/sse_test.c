
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of server-sent events.  What a stream says is written down once, as
 * "name|data;" for each event and "!" for one that was too long, and must be
 * the same however the stream is cut into reads.
 */


/* sources: lib/ngx_edge_sse.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_decimal.c */

#include "unit.h"
#include "lib/ngx_edge_sse.h"


static char    said[4096];
static size_t  said_len;


static void
say(const void *text, size_t len)
{
    if (said_len + len < sizeof(said)) {
        ngx_memcpy(said + said_len, text, len);
        said_len += len;
    }
}


/* One read: a block of exactly the bytes, gone when it is over. */

static ngx_int_t
feed(ngx_edge_sse_t *sse, const char *text, size_t len)
{
    u_char     *block, *pos, *last;
    ngx_int_t   rc;

    block = malloc(len ? len : 1);
    ngx_memcpy(block, text, len);
    pos = block;
    last = block + len;

    for ( ;; ) {
        rc = ngx_edge_sse_read(sse, &pos, last);

        if (rc == NGX_OK) {
            say(sse->event.data, sse->event.len);
            say("|", 1);
            say(sse->data.data, sse->data.len);
            say(";", 1);
            continue;
        }

        if (rc == NGX_DECLINED) {
            say("!", 1);
            continue;
        }

        break;
    }

    CHECK(rc == NGX_ERROR || pos == last);
    free(block);

    return rc;
}


/* The stream in reads that end at a and b; step > 0: reads of step bytes. */

static void
check_cut(const char *text, size_t len, size_t max, size_t a, size_t b,
    size_t step, const char *expected)
{
    size_t           i;
    ngx_pool_t      *pool;
    ngx_edge_sse_t   sse;

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_edge_sse_init(&sse, pool, max);
    said_len = 0;

    if (step) {
        for (i = 0; i < len; i += step) {
            CHECK_INT(feed(&sse, text + i, ngx_min(step, len - i)),
                      NGX_AGAIN);
        }

    } else {
        CHECK_INT(feed(&sse, text, a), NGX_AGAIN);
        CHECK_INT(feed(&sse, text + a, b - a), NGX_AGAIN);
        CHECK_INT(feed(&sse, text + b, len - b), NGX_AGAIN);
    }

    CHECK_MEM(said, said_len, expected);

    ngx_destroy_pool(pool);
}


static void
check_max(const char *text, size_t max, const char *expected)
{
    size_t  len, a, b;

    len = strlen(text);

    check_cut(text, len, max, len, len, 0, expected);
    check_cut(text, len, max, 0, 0, 1, expected);
    check_cut(text, len, max, 0, 0, 2, expected);
    check_cut(text, len, max, 0, 0, 3, expected);
    check_cut(text, len, max, 0, 0, 7, expected);

    for (a = 0; a <= len; a++) {
        for (b = a; b <= len; b++) {
            check_cut(text, len, max, a, b, 0, expected);
        }
    }
}


static void
check(const char *text, const char *expected)
{
    check_max(text, 1000, expected);
}


static void
test_line_breaks(void)
{
    check("data: a\n\ndata: b\n\n", "|a;|b;");
    check("data: a\r\rdata: b\r\r", "|a;|b;");
    check("data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;");
    check("data: a\r\n\ndata: b\n\r\n", "|a;|b;");
    check("data: a\r\n\rdata: b\r\r\n", "|a;|b;");
    check("data: a\n\rdata: b\r\n\r", "|a;|b;");
    check("\n\n\r\r\n\ndata: a\n\n\n\n\r\n", "|a;");

    /* CRLF is one break: the event goes on */

    check("event: x\r\ndata: a\r\ndata: b\r\n\r\n", "x|a\nb;");
    check("event: x\rdata: a\rdata: b\r\r", "x|a\nb;");
    check("data: a\r\n\r\n\ndata: b\r\n\r\n", "|a;|b;");
}


static void
test_fields(void)
{
    check("event: token\ndata: {\"delta\":\"a\"}\n\n",
          "token|{\"delta\":\"a\"};");
    check("data:a\n\n", "|a;");
    check("data:  a \n\n", "| a ;");
    check("data: \ta\n\n", "|\ta;");
    check("data: a: b\n\n", "|a: b;");
    check("data:\n\n", "|;");
    check("data: \n\n", "|;");
    check("data\n\n", "|;");
    check("data\ndata\n\n", "|\n;");
    check("data: a\ndata: b\ndata:\ndata: c\n\n", "|a\nb\n\nc;");
    check("event: x\ndata: a\n\ndata: b\n\n", "x|a;|b;");
    check("data: a\nevent: x\nevent: y\n\n", "y|a;");
    check("data: a\nevent: x\nevent\n\n", "|a;");
    check("event:x\ndata: 1\nid: 5\nretry: 10\n\n", "x|1;");
    check("data: [DONE]\n\n", "|[DONE];");
}


static void
test_ignored(void)
{
    check(": comment\n\n", "");
    check(":\n\n:\n\n", "");
    check(": data: a\n\ndata: b\n:x\ndata: c\n\n", "|b\nc;");
    check("dat: a\n\ndatas: a\n\ndatum\n\n", "");
    check("Data: a\n\n data: a\n\ndata : a\n\n", "");
    check("event: x\n\ndata: a\n\n", "|a;");
    check("eventually: x\nevents: y\ndata: a\n\n", "|a;");
    check("a very long name of a field: x\ndata: a\n\n", "|a;");
    check("data: whole\n\ndata: cut", "|whole;");
    check("data: whole\n\ndata: cut\n", "|whole;");
    check("event: cut", "");
    check("", "");
}


static void
test_bom(void)
{
    check("\xef\xbb\xbf" "data: a\n\ndata: b\n\n", "|a;|b;");
    check("\xef\xbb\xbf" "event: x\ndata: a\n\n", "x|a;");
    check("\xef\xbb\xbf" "data\n\n", "|;");
    check("\xef\xbb\xbf: c\ndata: a\n\n", "|a;");
    check("\xef\xbb\xbf\ndata: a\n\n", "|a;");

    /* only whole, only once, only at the very beginning */

    check("\xef\xbb" "data: a\n\ndata: b\n\n", "|b;");
    check("\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\ndata: b\n\n", "|b;");
    check("data: a\n\n\xef\xbb\xbf" "data: b\n\n", "|a;");
    check("\n\xef\xbb\xbf" "data: a\n\n", "");
    check(":\n\xef\xbb\xbf" "data: a\n\n", "");
    check("data: \xef\xbb\xbf" "a\n\n", "|\xef\xbb\xbf" "a;");
}


static void
test_bytes(void)
{
    check("data: \xed\x95\x9c\xea\xb5\xad \xf0\x9f\x98\x80\n\n",
          "|\xed\x95\x9c\xea\xb5\xad \xf0\x9f\x98\x80;");
    check("event: \xed\x95\x9c\ndata: \xff\xfe\n\n", "\xed\x95\x9c|\xff\xfe;");

    /* near to a line break in value, and in each place of a word */

    check("data: \x0b\x0c\x0e\x09\x8a\x8d\x0b\x0c\x0e\n\n",
          "|\x0b\x0c\x0e\x09\x8a\x8d\x0b\x0c\x0e;");
}


static void
test_line_break_places(void)
{
    char    text[64], expected[64];
    size_t  n;

    for (n = 0; n < 24; n++) {
        (void) snprintf(text, sizeof(text), "data: %.*s\r\n\rdata: b\n\n",
                        (int) n, "abcdefghijklmnopqrstuvwxyz");
        (void) snprintf(expected, sizeof(expected), "|%.*s;|b;",
                        (int) n, "abcdefghijklmnopqrstuvwxyz");
        check(text, expected);
    }
}


/* The bound is on the data, line feeds between lines counted. */

static void
test_too_long(void)
{
    check_max("data: 12345\n\n", 5, "|12345;");
    check_max("data: 123456\n\n", 5, "!");
    check_max("data: 123456\n\ndata: ok\n\n", 5, "!|ok;");
    check_max("data: 12\ndata: 34\n\n", 5, "|12\n34;");
    check_max("data: 123\ndata: 34\n\ndata: ok\n\n", 5, "!|ok;");
    check_max("data: 12345\ndata:\n\ndata: ok\n\n", 5, "!|ok;");
    check_max("data: 123456\ndata: 1\n\n", 5, "!");
    check_max("event: a\ndata: 123456\n\ndata: ok\n\n", 5, "!|ok;");
    check_max("data: 123456", 5, "");
    check_max("data:\n\n", 0, "|;");
    check_max("data: a\n\n", 0, "!");

    /* what is not kept has no bound */

    check_max(": a long comment\nid: a long one\ndata: ok\n\n", 5, "|ok;");
    check_max("event: a long name\ndata: ok\n\n", 5, "a long name|ok;");
}


static void
test_name_is_cut(void)
{
    check("event: 0123456789012345678901234567890123456789\ndata: a\n\n",
          "01234567890123456789012345678901|a;");
}


/* Events larger than the first allocation, and than a doubling of it. */

static void
test_growth(void)
{
    char             *text;
    size_t            n, i, step, bad;
    u_char           *pos;
    ngx_int_t         rc;
    ngx_pool_t       *pool;
    ngx_edge_sse_t    sse;

    n = 5000;
    text = malloc(n + 8);
    ngx_memcpy(text, "data: ", 6);

    for (i = 0; i < n; i++) {
        text[6 + i] = (char) ('a' + i % 26);
    }

    text[6 + n] = '\n';
    text[7 + n] = '\n';

    for (step = 1; step < 9000; step = step * 3 + 1) {
        pool = ngx_create_pool(4096, &ngx_stub_log);
        ngx_edge_sse_init(&sse, pool, n);
        rc = NGX_AGAIN;

        for (i = 0; i < n + 8; i += step) {
            CHECK_INT(rc, NGX_AGAIN);
            pos = (u_char *) text + i;
            rc = ngx_edge_sse_read(&sse, &pos,
                                (u_char *) text + ngx_min(i + step, n + 8));
        }

        CHECK_INT(rc, NGX_OK);
        CHECK_INT(sse.data.len, n);
        bad = 0;

        for (i = 0; i < sse.data.len; i++) {
            bad += sse.data.data[i] != 'a' + i % 26;
        }

        CHECK_INT(bad, 0);
        CHECK(sse.size <= n);
        ngx_destroy_pool(pool);
    }

    free(text);
}


static void
test_several_in_a_read(void)
{
    u_char          *pos, *last;
    u_char           text[] = "data: a\n\n: x\n\n"
                              "event: e\ndata: b\n\ndata: c\n";
    ngx_pool_t      *pool;
    ngx_edge_sse_t   sse;

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_edge_sse_init(&sse, pool, 100);
    pos = text;
    last = text + sizeof(text) - 1;

    CHECK_INT(ngx_edge_sse_read(&sse, &pos, last), NGX_OK);
    CHECK_INT(pos - text, 9);
    CHECK_STR(sse.data, "a");
    CHECK_INT(ngx_edge_sse_read(&sse, &pos, last), NGX_OK);
    CHECK_STR(sse.event, "e");
    CHECK_STR(sse.data, "b");
    CHECK_INT(ngx_edge_sse_read(&sse, &pos, last), NGX_AGAIN);
    CHECK(pos == last);
    CHECK_INT(ngx_edge_sse_read(&sse, &pos, last), NGX_AGAIN);

    ngx_destroy_pool(pool);
}


static void
test_no_memory(void)
{
    ngx_pool_t      *pool;
    ngx_edge_sse_t   sse;

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_edge_sse_init(&sse, pool, 100);

    ngx_stub_alloc_budget = 0;
    CHECK_INT(feed(&sse, "event: a\n: no memory needed\n", 28), NGX_AGAIN);
    CHECK_INT(feed(&sse, "data: a", 7), NGX_ERROR);
    ngx_stub_alloc_budget = -1;

    ngx_destroy_pool(pool);
}


static void
test_write(void)
{
    ngx_str_t        json, text;
    ngx_pool_t      *pool;
    ngx_edge_buf_t   b;

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_edge_buf_init(&b, pool, 0, 1000);

    json = unit_str("{\"delta\":\"a\"}");
    ngx_edge_sse_write(&b, "token", &json);
    json = unit_str("[DONE]");
    ngx_edge_sse_write(&b, NULL, &json);

    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);
    CHECK_STR(text, "event: token\ndata: {\"delta\":\"a\"}\n\n"
                    "data: [DONE]\n\n");

    /* what is written is what is read */

    check_cut((char *) text.data, text.len, 1000, 20, 40, 0,
              "token|{\"delta\":\"a\"};|[DONE];");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    RUN(test_line_breaks);
    RUN(test_fields);
    RUN(test_ignored);
    RUN(test_bom);
    RUN(test_bytes);
    RUN(test_line_break_places);
    RUN(test_too_long);
    RUN(test_name_is_cut);
    RUN(test_growth);
    RUN(test_several_in_a_read);
    RUN(test_no_memory);
    RUN(test_write);

    return unit_summary();
}
