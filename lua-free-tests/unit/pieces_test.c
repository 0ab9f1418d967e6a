
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the list of an answer's pieces: what was cut is cut again in the
 * same places, and a list that does not fit its text is refused.
 */


/* sources: rag/ngx_edge_pieces.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_decimal.c */

#include "unit.h"
#include "rag/ngx_edge_pieces.h"


static ngx_pool_t  *pool;


/* The text of pieces as "[a][b]", or "refused". */

static ngx_str_t
cut(const ngx_str_t *list, const ngx_str_t *text)
{
    ngx_str_t           piece, out;
    ngx_edge_buf_t      b;
    ngx_edge_pieces_t   pieces;

    if (ngx_edge_pieces_open(&pieces, list, text) != NGX_OK) {
        return unit_str("refused");
    }

    ngx_edge_buf_init(&b, pool, 64, 1 << 20);

    while (pieces.n) {
        ngx_edge_pieces_next(&pieces, &piece);
        ngx_edge_buf_byte(&b, '[');
        ngx_edge_buf_str(&b, &piece);
        ngx_edge_buf_byte(&b, ']');
    }

    CHECK_INT(pieces.list.len, 0);
    CHECK_INT(pieces.text.len, 0);
    CHECK_INT(ngx_edge_buf_done(&b, &out), NGX_OK);

    return out;
}


static ngx_str_t
cut_bytes(const char *list, size_t len, const char *text)
{
    ngx_str_t  l, t;

    l.data = (u_char *) list;
    l.len = len;
    t = unit_str(text);

    return cut(&l, &t);
}


#define CUT(list, text)  cut_bytes(list, sizeof(list) - 1, text)


static void
test_round_trip(void)
{
    ngx_str_t        list, text;
    ngx_uint_t       i;
    ngx_edge_buf_t   b, t;

    static const char  *pieces[] = {
        "The", " ", "\xed\x95\x9c", "\\n", "\\u00e9", "\xf0\x9f\x98\x80.",
        "", "\\\\", "\xc3\xa9", "\\ud83d", "\\ude00"
    };

    ngx_edge_buf_init(&b, pool, 8, 1000);
    ngx_edge_buf_init(&t, pool, 8, 1000);

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        ngx_edge_buf_add(&t, (u_char *) pieces[i], strlen(pieces[i]));
        ngx_edge_pieces_add(&b, strlen(pieces[i]));
    }

    CHECK_INT(ngx_edge_buf_done(&b, &list), NGX_OK);
    CHECK_INT(ngx_edge_buf_done(&t, &text), NGX_OK);
    CHECK_INT(list.len, 11);           /* the version, and not the empty one */

    CHECK_STR(cut(&list, &text),
              "[The][ ][\xed\x95\x9c][\\n][\\u00e9][\xf0\x9f\x98\x80.]"
              "[\\\\][\xc3\xa9][\\ud83d][\\ude00]");
}


static void
test_lengths(void)
{
    u_char             *data;
    ngx_str_t           list, text, piece;
    ngx_uint_t          i;
    ngx_edge_buf_t      b;
    ngx_edge_pieces_t   pieces;

    static const size_t  lengths[] = {
        1, 127, 128, 129, 16383, 16384, 30000, NGX_EDGE_PIECES_LENGTH_MAX
    };

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ngx_edge_buf_init(&b, pool, 8, 1000);
        ngx_edge_pieces_add(&b, lengths[i]);
        ngx_edge_pieces_add(&b, 1);
        CHECK_INT(ngx_edge_buf_done(&b, &list), NGX_OK);

        data = malloc(lengths[i] + 1);
        memset(data, 'x', lengths[i] + 1);
        text.data = data;
        text.len = lengths[i] + 1;

        CHECK_INT(ngx_edge_pieces_open(&pieces, &list, &text), NGX_OK);
        CHECK_INT(pieces.n, 2);
        ngx_edge_pieces_next(&pieces, &piece);
        CHECK_INT(piece.len, lengths[i]);

        text.len--;
        CHECK_INT(ngx_edge_pieces_open(&pieces, &list, &text), NGX_DECLINED);
        free(data);
    }

    ngx_edge_buf_init(&b, pool, 8, 1000);
    ngx_edge_pieces_add(&b, NGX_EDGE_PIECES_LENGTH_MAX + 1);
    CHECK_INT(ngx_edge_buf_done(&b, &list), NGX_DECLINED);
}


static void
test_never_cut(void)
{
    CHECK_STR(CUT("", "whole"), "[whole]");
    CHECK_STR(CUT("", ""), "");
    CHECK_STR(CUT("\1", ""), "");
}


static void
test_refused(void)
{
    CHECK_STR(CUT("\1\3\2", "abcde"), "[abc][de]");

    CHECK_STR(CUT("\2\3\2", "abcde"), "refused");       /* the version */
    CHECK_STR(CUT("\0\3\2", "abcde"), "refused");
    CHECK_STR(CUT("\1", "abcde"), "refused");           /* the sum */
    CHECK_STR(CUT("\1\3", "abcde"), "refused");
    CHECK_STR(CUT("\1\3\3", "abcde"), "refused");
    CHECK_STR(CUT("\1\3\2\1", "abcde"), "refused");
    CHECK_STR(CUT("\1\3\2\0", "abcde"), "refused");     /* an empty one */
    CHECK_STR(CUT("\1\0\5", "abcde"), "refused");
    CHECK_STR(CUT("\1\3\x82", "abcde"), "refused");     /* no end */
    CHECK_STR(CUT("\1\3\x82\0", "abcde"), "refused");   /* not the shortest */
    CHECK_STR(CUT("\1\xff\xff\xff\xff\x0f", "abcde"), "refused");

    CHECK_STR(CUT("\1\1\2", "\xed\x95\x9c"), "refused");
    CHECK_STR(CUT("\1\2\1", "\xed\x95\x9c"), "refused");
    CHECK_STR(CUT("\1\1\1", "\xc3\xa9"), "refused");
    CHECK_STR(CUT("\1\3\1", "\xf0\x9f\x98\x80"), "refused");
    CHECK_STR(CUT("\1\4", "\xf0\x9f\x98\x80"), "[\xf0\x9f\x98\x80]");

    CHECK_STR(CUT("\1\2\2", "a\\nb"), "refused");       /* escapes */
    CHECK_STR(CUT("\1\1\3", "a\\nb"), "[a][\\nb]");
    CHECK_STR(CUT("\1\3\3", "\\u00e9"), "refused");
    CHECK_STR(CUT("\1\1\1", "\\\\"), "refused");
    CHECK_STR(CUT("\1\2\1", "\\\\n"), "[\\\\][n]");
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_round_trip);
    RUN(test_lengths);
    RUN(test_never_cut);
    RUN(test_refused);

    ngx_destroy_pool(pool);

    return unit_summary();
}
