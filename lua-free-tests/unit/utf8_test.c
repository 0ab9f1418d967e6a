
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of UTF-8.  Every code point goes there and back; every sequence of
 * bytes that is cut or bent is refused.
 */


/* sources: lib/ngx_edge_utf8.c */

#include "unit.h"
#include "lib/ngx_edge_utf8.h"


/* In a block of its size, so that a sanitizer sees one byte too many. */

static ngx_uint_t
valid(const char *text, size_t len)
{
    u_char      *copy;
    ngx_uint_t   rc;

    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, text, len);
    rc = ngx_edge_utf8_valid(copy, len);
    free(copy);

    return rc;
}


static void
test_every_code_point(void)
{
    u_char         text[4], *end;
    size_t         len, bad;
    uint32_t       cp;
    const u_char  *p;

    bad = 0;

    for (cp = 0; cp <= 0x10ffff; cp++) {
        end = ngx_edge_utf8_put(text, cp);
        len = (cp < 0x80) ? 1 : (cp < 0x800) ? 2 : (cp < 0x10000) ? 3 : 4;
        p = text;

        if (cp >= 0xd800 && cp <= 0xdfff) {
            bad += ngx_edge_utf8_valid(text, end - text) != 0;
            bad += ngx_edge_utf8_next(&p, end) != NGX_EDGE_UTF8_BAD;
            bad += p != text + 1;
            continue;
        }

        bad += (size_t) (end - text) != len;
        bad += ngx_edge_utf8_valid(text, len) != 1;
        bad += ngx_edge_utf8_valid(text, len - 1) != (len == 1);
        bad += ngx_edge_utf8_next(&p, end) != cp;
        bad += p != end;
    }

    CHECK_INT(bad, 0);
}


/* All pairs and triples of bytes against the table of RFC 3629. */

static ngx_uint_t
table(const u_char *b, ngx_uint_t n)
{
    ngx_uint_t  i, low, high;

    low = 0x80;
    high = 0xbf;

    if (b[0] >= 0xc2 && b[0] <= 0xdf) {
        i = 2;

    } else if (b[0] >= 0xe0 && b[0] <= 0xef) {
        i = 3;
        low = (b[0] == 0xe0) ? 0xa0 : 0x80;
        high = (b[0] == 0xed) ? 0x9f : 0xbf;

    } else if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        i = 4;
        low = (b[0] == 0xf0) ? 0x90 : 0x80;
        high = (b[0] == 0xf4) ? 0x8f : 0xbf;

    } else {
        return 0;
    }

    if (i != n || b[1] < low || b[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if (b[i] < 0x80 || b[i] > 0xbf) {
            return 0;
        }
    }

    return 1;
}


static void
test_every_sequence(void)
{
    u_char                b[4];
    ngx_uint_t            i, j, k, n, m, bad;
    static const u_char   edge[] = {
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff
    };

    bad = 0;

    for (i = 0x80; i < 0x100; i++) {
        b[0] = (u_char) i;
        bad += ngx_edge_utf8_valid(b, 1) != 0;

        for (j = 0; j < 0x100; j++) {
            b[1] = (u_char) j;
            bad += ngx_edge_utf8_valid(b, 2) != (table(b, 2));

            if (j < 0x80) {
                continue;      /* else two characters, the first one bad */
            }

            for (k = 0; k < sizeof(edge); k++) {
                b[2] = edge[k];

                /* two bytes and one of ASCII are fine as well */

                n = table(b, 3) || (table(b, 2) && b[2] < 0x80);
                bad += ngx_edge_utf8_valid(b, 3) != n;

                for (m = 0; m < sizeof(edge); m++) {
                    b[3] = edge[m];
                    n = table(b, 4) || (table(b, 3) && b[3] < 0x80)
                        || (table(b, 2) && b[2] < 0x80 && b[3] < 0x80);
                    bad += ngx_edge_utf8_valid(b, 4) != n;
                }
            }
        }
    }

    CHECK_INT(bad, 0);
}


/* The fault at each place of a longer text. */

static void
test_valid_places(void)
{
    char    text[40];
    size_t  len, at;

    CHECK_INT(ngx_edge_utf8_valid(NULL, 0), 1);

    for (len = 1; len < sizeof(text); len++) {
        ngx_memset(text, 'a', len);
        CHECK_INT(valid(text, len), 1);

        for (at = 0; at < len; at++) {
            text[at] = (char) 0x80;
            CHECK_INT(valid(text, len), 0);
            text[at] = (char) 0xe1;
            CHECK_INT(valid(text, len), 0);
            text[at] = 'a';
        }
    }
}


static void
test_next(void)
{
    u_char         text[] = "a\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80\xff\xe1\x80";
    const u_char  *p, *last;

    p = text;
    last = text + sizeof(text) - 1;

    CHECK_INT(ngx_edge_utf8_next(&p, last), 'a');
    CHECK_INT(ngx_edge_utf8_next(&p, last), 0xe9);
    CHECK_INT(ngx_edge_utf8_next(&p, last), 0xd55c);
    CHECK_INT(ngx_edge_utf8_next(&p, last), 0x1f600);
    CHECK_INT(ngx_edge_utf8_next(&p, last), NGX_EDGE_UTF8_BAD);
    CHECK_INT(ngx_edge_utf8_next(&p, last), NGX_EDGE_UTF8_BAD);
    CHECK_INT(last - p, 1);
    CHECK_INT(ngx_edge_utf8_next(&p, last), NGX_EDGE_UTF8_BAD);
    CHECK(p == last);
}


static void
check_unescape(const char *text, uint32_t expected, size_t used)
{
    size_t         len;
    u_char        *copy;
    const u_char  *p;

    len = strlen(text);
    copy = malloc(len);
    ngx_memcpy(copy, text, len);

    p = copy;
    CHECK_INT(ngx_edge_utf8_unescape(&p, copy + len), expected);
    CHECK_INT(p - copy, used);

    free(copy);
}


static void
test_unescape(void)
{
    check_unescape("\\u0041", 'A', 6);
    check_unescape("\\uaBcD", 0xabcd, 6);
    check_unescape("\\u00000", 0, 6);
    check_unescape("\\u9999", 0x9999, 6);
    check_unescape("\\uffff", 0xffff, 6);
    check_unescape("\\ud83d\\ude00", 0x1f600, 12);
    check_unescape("\\ud800\\udc00", 0x10000, 12);
    check_unescape("\\udbff\\udfff", 0x10ffff, 12);
    check_unescape("\\ud83d", 0xfffd, 6);
    check_unescape("\\ud83d\\ude0", 0xfffd, 6);
    check_unescape("\\ud83d\\ue000", 0xfffd, 6);
    check_unescape("\\ud83d\\udbff", 0xfffd, 6);
    check_unescape("\\ude00\\ude00", 0xfffd, 6);
    check_unescape("\\u", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\u004", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\u004g", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\u004@", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\u00:1", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\u\x10" "041", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\U0041", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("u00411", NGX_EDGE_UTF8_BAD, 1);
    check_unescape("\\", NGX_EDGE_UTF8_BAD, 1);
}


static void
test_cut(void)
{
    size_t                i;
    u_char                text[] = "a\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80z";
    static const size_t   cut[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

    for (i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        CHECK_INT(ngx_edge_utf8_cut(text, 11, i), cut[i]);
        CHECK_INT(ngx_edge_utf8_cut(text, i, 100), cut[i]);
        CHECK_INT(ngx_edge_utf8_cut(text, i, i), cut[i]);
    }

    CHECK_INT(ngx_edge_utf8_cut(text, 11, 100), 11);
    CHECK_INT(ngx_edge_utf8_cut((u_char *) "", 0, 5), 0);

    CHECK_INT(ngx_edge_utf8_cut((u_char *) "\xe1", 1, 5), 0);
    CHECK_INT(ngx_edge_utf8_cut((u_char *) "\xe0\xa0", 2, 5), 0);
    CHECK_INT(ngx_edge_utf8_cut((u_char *) "\xf0\x90\x80", 3, 5), 0);

    /* not UTF-8: it ends, and within the bound */

    CHECK_INT(ngx_edge_utf8_cut((u_char *) "\x80\x80\x80\x80\x80", 5, 4), 4);
}


static void
test_count(void)
{
    CHECK_INT(ngx_edge_utf8_count(NULL, 0), 0);
    CHECK_INT(ngx_edge_utf8_count((u_char *) "abc", 3), 3);
    CHECK_INT(ngx_edge_utf8_count((u_char *) "a\xc3\xa9\xed\x95\x9c"
                                  "\xf0\x9f\x98\x80z", 11), 5);
}


static void
test_cjk(void)
{
    ngx_uint_t              i;
    static const uint32_t   yes[] = {
        0x1100, 0x11ff, 0x2e80, 0x3005, 0x3007, 0x3041, 0x3042, 0x309f,
        0x30a1, 0x30ab, 0x30fa, 0x30fc, 0x30ff, 0x3131, 0x314f, 0x318e,
        0x3400, 0x4dbf, 0x4e00, 0x6f22, 0x9fff, 0xac00, 0xd55c, 0xd7a3,
        0xd7b0, 0xf900, 0xfa0e, 0xff66, 0xff9f, 0xffa1, 0x20000, 0x2a6df,
        0x3134a
    };
    static const uint32_t   no[] = {
        0, ' ', 'a', 0xe9, 0x10ff, 0x1200, 0x2dff, 0x3000, 0x3001, 0x3002,
        0x300c, 0x3040, 0x30a0, 0x30fb, 0x3200, 0x4dc0, 0xa000, 0xabff,
        0xd7a4, 0xe000, 0xff01, 0xff21, 0xff65, 0xffe6, 0x1f600, 0x1b170,
        0x3fffe, 0x10ffff, NGX_EDGE_UTF8_BAD
    };

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        CHECK_INT(yes[i] + (uint64_t) ngx_edge_utf8_is_cjk(yes[i]),
                  yes[i] + 1);
    }

    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        CHECK_INT(no[i] + (uint64_t) ngx_edge_utf8_is_cjk(no[i]), no[i]);
    }
}


int
main(void)
{
    RUN(test_every_code_point);
    RUN(test_every_sequence);
    RUN(test_valid_places);
    RUN(test_next);
    RUN(test_unescape);
    RUN(test_cut);
    RUN(test_count);
    RUN(test_cjk);

    return unit_summary();
}
