
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for replies out of bytes, however they are cut, and for commands.
 */

/* sources: redis/ngx_edge_redis_reader.c redis/ngx_edge_redis_reply.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lhiredis */

#include "unit.h"
#include "redis/ngx_edge_redis_reader.h"


static char    text[8192];
static size_t  len;


static void
describe(const ngx_edge_redis_reply_t *reply)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    ngx_edge_redis_reply_str(reply, &s);

    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_nil:
        len += sprintf(text + len, "nil");
        break;

    case ngx_edge_redis_string:
        len += sprintf(text + len, "$%.*s", (int) s.len, (char *) s.data);
        break;

    case ngx_edge_redis_status:
        len += sprintf(text + len, "+%.*s", (int) s.len, (char *) s.data);
        break;

    case ngx_edge_redis_error:
        len += sprintf(text + len, "-%.*s", (int) s.len, (char *) s.data);
        break;

    case ngx_edge_redis_integer:
        len += sprintf(text + len, ":%lld",
                       (long long) ngx_edge_redis_reply_integer(reply));
        break;

    case ngx_edge_redis_array:
        len += sprintf(text + len, "[");

        for (i = 0; i < ngx_edge_redis_reply_count(reply); i++) {
            len += sprintf(text + len, i ? " " : "");
            describe(ngx_edge_redis_reply_element(reply, i));
        }

        len += sprintf(text + len, "]");
        break;

    default:
        len += sprintf(text + len, "lost");
    }
}


/* All replies of the bytes, which come in pieces of a size; "!" where they
 * are not the protocol, "?" where more is needed. */

static void
read_all(const char *bytes, size_t size, size_t piece)
{
    size_t                    n;
    ngx_int_t                 rc;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    len = 0;
    text[0] = '\0';
    rc = NGX_AGAIN;

    while (size) {
        n = ngx_min(size, piece);

        CHECK_INT(ngx_edge_redis_reader_feed(reader, (u_char *) bytes, n),
                  NGX_OK);
        bytes += n;
        size -= n;

        for ( ;; ) {
            rc = ngx_edge_redis_reader_next(reader, &reply);

            if (rc != NGX_OK) {
                break;
            }

            describe(reply);
            len += sprintf(text + len, "|");
        }

        if (rc == NGX_ERROR) {
            break;
        }
    }

    len += sprintf(text + len, rc == NGX_ERROR ? "!" : "?");

    ngx_edge_redis_reader_free(reader);
}


static void
check_replies(const char *bytes, const char *expected)
{
    size_t  piece;

    for (piece = 1; piece <= strlen(bytes); piece++) {
        read_all(bytes, strlen(bytes), piece);
        CHECK_MEM((u_char *) text, len, expected);
    }
}


static void
test_replies(void)
{
    check_replies("+OK\r\n", "+OK|?");
    check_replies("-ERR no\r\n", "-ERR no|?");
    check_replies(":-42\r\n", ":-42|?");
    check_replies("$5\r\nhello\r\n", "$hello|?");
    check_replies("$0\r\n\r\n", "$|?");
    check_replies("$-1\r\n", "nil|?");
    check_replies("*-1\r\n", "nil|?");
    check_replies("*0\r\n", "[]|?");
    check_replies("*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n-b\r\n",
                  "[:1 [+a nil] -b]|?");
    check_replies("+a\r\n:2\r\n$1\r\nc\r\n", "+a|:2|$c|?");
}


static void
test_not_whole(void)
{
    check_replies("$5\r\nhel", "?");
    check_replies("*2\r\n:1\r\n", "?");
    check_replies("+OK\r\n+O", "+OK|?");
}


#define EIGHT                                                                 \
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"


static void
test_garbage(void)
{
    check_replies("hello\r\n", "!");
    check_replies("+OK\r\nHTTP/1.1\r\n", "+OK|!");
    check_replies(":one\r\n", "!");
    check_replies("$x\r\n", "!");
    check_replies("*-2\r\n", "!");
    check_replies("*1048577\r\n", "!");
    check_replies("*1048576\r\n", "?");
    check_replies("%1\r\n+a\r\n+b\r\n", "!");
    check_replies("*1\r\n#t\r\n", "!");
    check_replies(EIGHT ":1\r\n", "[[[[[[[[:1]]]]]]]]|?");
    check_replies(EIGHT "*1\r\n", "!");
    check_replies(EIGHT "*0\r\n", "!");
    check_replies("*2\r\n:1\r\n" EIGHT, "!");
}


static void
test_too_large(void)
{
    size_t                    n;
    u_char                   *piece;
    ngx_int_t                 rc;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    piece = calloc(1, 1024 * 1024);

    rc = ngx_edge_redis_reader_feed(reader, (u_char *) "$500000000\r\n", 12);

    for (n = 0; rc == NGX_OK; n++) {
        CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_AGAIN);
        rc = ngx_edge_redis_reader_feed(reader, piece, 1024 * 1024);
    }

    CHECK_INT(rc, NGX_ERROR);
    CHECK_INT(n, NGX_EDGE_REDIS_REPLY_MAX / (1024 * 1024));

    free(piece);
    ngx_edge_redis_reader_free(reader);
}


/* However it is cut, an array does not get round the bound of a reply. */

static ngx_uint_t
pieces_read(const char *head, const char *piece, ngx_uint_t max)
{
    ngx_int_t                 rc;
    ngx_uint_t                n;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);

    rc = ngx_edge_redis_reader_feed(reader, (u_char *) head, strlen(head));

    for (n = 0; rc == NGX_OK && n < max; n++) {

        if (ngx_edge_redis_reader_next(reader, &reply) != NGX_AGAIN) {
            break;
        }

        rc = ngx_edge_redis_reader_feed(reader, (u_char *) piece,
                                        strlen(piece));
    }

    ngx_edge_redis_reader_free(reader);

    return n;
}


static void
test_too_much(void)
{
    char  *piece;

    /* elements that are complete */

    piece = malloc(1024 * 1024 + 16);
    memset(piece, 'a', 1024 * 1024 + 16);
    memcpy(piece, "$1048576\r\n", 10);
    memcpy(piece + 10 + 1024 * 1024, "\r\n", 3);

    CHECK(pieces_read("*100\r\n", piece, 99) < 65);

    /* arrays in an array, which is complete at the last */

    CHECK(pieces_read("*100\r\n*1048400\r\n", "*100\r\n", 9) < 3);
    CHECK_INT(pieces_read("*100\r\n", "*100\r\n", 5), 5);

    /* a line without end */

    memset(piece, 'a', 1024);
    piece[1024] = '\0';

    CHECK(pieces_read("+", piece, 200) < 70);

    free(piece);
}


/* The pool is cleared for each reply, whether it has grown for the one before
 * or not. */

static void
test_one_after_another(void)
{
    size_t                    n, i;
    u_char                   *bytes, *p;
    ngx_str_t                 str;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    bytes = malloc(200000 + 64);

    for (i = 0; i < 40; i++) {
        n = i % 4 == 3 ? 100000 : i % 4 == 2 ? 3000 : i;

        p = bytes + sprintf((char *) bytes, "*3\r\n:%d\r\n$%d\r\n",
                            (int) i, (int) n);
        memset(p, 'a' + i % 26, n);
        memcpy(p + n, "\r\n$-1\r\n", 7);

        CHECK_INT(ngx_edge_redis_reader_feed(reader, bytes,
                                             p + n + 7 - bytes), NGX_OK);
        CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_OK);
        CHECK_INT(ngx_edge_redis_reply_count(reply), 3);
        CHECK_INT(ngx_edge_redis_reply_integer(
                      ngx_edge_redis_reply_element(reply, 0)), i);

        ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(reply, 1), &str);
        CHECK_INT(str.len, n);
        CHECK(memcmp(str.data, p, n) == 0);

        CHECK_INT(ngx_edge_redis_reply_type(
                      ngx_edge_redis_reply_element(reply, 2)),
                  ngx_edge_redis_nil);

        CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_AGAIN);
    }

    free(bytes);
    ngx_edge_redis_reader_free(reader);
}


static void
test_error_words(void)
{
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);

    (void) ngx_edge_redis_reader_feed(reader,
                                      (u_char *) "-READONLY You\r\n+ASK\r\n",
                                      21);
    CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_OK);
    CHECK_INT(ngx_edge_redis_reply_is_error(reply, "READONLY"), 1);
    CHECK_INT(ngx_edge_redis_reply_is_error(reply, "READ"), 0);
    CHECK_INT(ngx_edge_redis_reply_is_error(reply, "READONLY You here"), 0);

    CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_OK);
    CHECK_INT(ngx_edge_redis_reply_is_error(reply, "ASK"), 0);

    CHECK_INT(ngx_edge_redis_reply_is_error(NULL, "ASK"), 0);
    CHECK_INT(ngx_edge_redis_reply_type(NULL), ngx_edge_redis_lost);
    CHECK_INT(ngx_edge_redis_reply_count(NULL), 0);
    CHECK_INT(ngx_edge_redis_reply_integer(NULL), 0);

    ngx_edge_redis_reader_free(reader);
}


static ngx_uint_t
readonly(const char *bytes)
{
    ngx_uint_t                yes;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);

    (void) ngx_edge_redis_reader_feed(reader, (u_char *) bytes,
                                      strlen(bytes));

    CHECK_INT(ngx_edge_redis_reader_next(reader, &reply), NGX_OK);
    yes = ngx_edge_redis_reply_is_readonly(reply);

    ngx_edge_redis_reader_free(reader);

    return yes;
}


static void
test_readonly(void)
{
    CHECK(readonly("-READONLY You can't write\r\n"));
    CHECK(readonly("-ERR Error running script (call to f_1): "
                   "@user_script:1: @user_script: 1: -READONLY You can't "
                   "write against a read only replica.\r\n"));
    CHECK(!readonly("-ERR Error running script (call to f_1): no\r\n"));
    CHECK(!readonly("-ERR unknown command -READONLY \r\n"));
    CHECK(!readonly("+READONLY You\r\n"));
}


static void
test_words(void)
{
    u_char     *p, *last;
    ngx_str_t   words[3];

    words[0] = unit_str("SET");
    words[1] = unit_str("");
    words[2] = unit_str("a\r\nb");

    p = malloc(ngx_edge_redis_words_size(3, words));
    last = ngx_edge_redis_words(p, 3, words);

    CHECK_MEM(p, (size_t) (last - p),
              "$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n");
    CHECK(last <= p + ngx_edge_redis_words_size(3, words));
    CHECK_INT(ngx_edge_redis_words_size(0, words), 0);

    free(p);
}


int
main(void)
{
    RUN(test_replies);
    RUN(test_not_whole);
    RUN(test_garbage);
    RUN(test_too_large);
    RUN(test_too_much);
    RUN(test_one_after_another);
    RUN(test_error_words);
    RUN(test_readonly);
    RUN(test_words);

    return unit_summary();
}
