
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for search terms: what a text is cut into, and a question's set.
 */

/* sources: rag/ngx_edge_terms.c rag/ngx_edge_termset.c lib/ngx_edge_utf8.c */
/* libs: -lm */

#include <time.h>
#include "unit.h"
#include "rag/ngx_edge_terms.h"


static ngx_pool_t  *pool;


/* The terms of a text, joined by blanks. */
static const char *
cut(const char *text)
{
    static u_char     out[4096];
    size_t            len;
    u_char           *p, buf[NGX_EDGE_TERM_MAX];
    ngx_edge_terms_t  t;

    p = out;
    ngx_edge_terms_init(&t, (u_char *) text, strlen(text));

    while (ngx_edge_terms_next(&t, buf, &len) == NGX_OK) {
        if (p != out) {
            *p++ = ' ';
        }

        p = ngx_cpymem(p, buf, len);
    }

    *p = '\0';

    return (char *) out;
}


/* The terms of a question's set, joined by blanks. */
static const char *
asked(const char *text)
{
    static u_char       out[4096];
    u_char             *p;
    ngx_str_t           s;
    ngx_uint_t          i;
    ngx_edge_termset_t  set;

    s = unit_str(text);
    p = out;

    if (ngx_edge_termset(pool, &s, &set) != NGX_OK) {
        return "no memory";
    }

    for (i = 0; i < set.n; i++) {
        if (i) {
            *p++ = ' ';
        }

        p = ngx_cpymem(p, set.terms[i].data, set.terms[i].len);
    }

    *p = '\0';

    return (char *) out;
}


#define CHECK_TEXT(got, expected)                                             \
    do {                                                                      \
        const char  *text_ = (got);                                           \
        CHECK_MEM(text_, strlen(text_), expected);                            \
    } while (0)


static void
test_words(void)
{
    CHECK_TEXT(cut(""), "");
    CHECK_TEXT(cut(" .,;!\n\t- _ "), "");
    CHECK_TEXT(cut("Order the Parts, now."), "order the part now");
    CHECK_TEXT(cut("boxes batches policies buses processes"),
               "box batch policy buse process");
    CHECK_TEXT(cut("gas process status axis PLC2s"),
               "gas process status axis plc2s");
    CHECK_TEXT(cut("the supplier's parts don't fit"),
               "the supplier part don fit");
    CHECK_TEXT(cut("the supplier\xe2\x80\x99s bin"), "the supplier bin");
    CHECK_TEXT(cut("'quoted' rock'n"), "quoted rock");
}


static void
test_other_scripts(void)
{
    CHECK_TEXT(cut("Café ÉCOLE Straße ÑO×DO"),
               "café école straße ño do");
    CHECK_TEXT(cut("ΩΜΕΓΑ Москва"), "ωμεγα москва");
    CHECK_TEXT(cut("a→b “quoted” — dash"), "a b quoted dash");
    CHECK_TEXT(cut("ＰＸ２０４ ok"), "px204 ok");
    CHECK_TEXT(cut("a\xff\xfe" "b \xe2\x82"), "a b");
}


static void
test_codes(void)
{
    CHECK_TEXT(cut("PX-204-B"), "px_204_b px 204 b");
    CHECK_TEXT(cut("(PX-204-B)."), "px_204_b px 204 b");
    CHECK_TEXT(cut("lead-time and/or"), "lead time and or");
    CHECK_TEXT(cut("2026-04-14 15:00"), "2026_04_14 2026 04 14 15_00 15 00");
    CHECK_TEXT(cut("PX--204 PX-"), "px 204 px");
    CHECK_TEXT(cut("3.5 mm"), "3_5 3 5 mm");
    CHECK_TEXT(cut("HS-40은"), "hs_40 hs 40 은");
}


static void
test_numbers(void)
{
    CHECK_TEXT(cut("300,000 won 1,234,567"), "300000 won 1234567");
    CHECK_TEXT(cut("3,0000 1,2 x,100"), "3 0000 1 2 x 100");
    CHECK_TEXT(cut("18% 27일"), "18 27 일");
}


static void
test_korean(void)
{
    CHECK_TEXT(cut("생산계획은"), "생산 산계 계획 획은");
    CHECK_TEXT(cut("납기 표 확인"), "납기 표 확인");
    CHECK_TEXT(cut("한A글"), "한 a 글");
    CHECK_TEXT(cut("日本語。テスト"), "日本 本語 テス スト");
}


static void
test_long_word(void)
{
    size_t             len;
    u_char             text[300], buf[NGX_EDGE_TERM_MAX];
    ngx_edge_terms_t   t;

    ngx_memset(text, 'x', sizeof(text));
    ngx_edge_terms_init(&t, text, sizeof(text));

    CHECK_INT(ngx_edge_terms_next(&t, buf, &len), NGX_OK);
    CHECK_INT(len, NGX_EDGE_TERM_MAX);
    CHECK_INT(ngx_edge_terms_next(&t, buf, &len), NGX_DONE);

    /* é is two bytes: the 64 bytes hold 63 letters and no half of one */

    ngx_memset(text, 'x', sizeof(text));
    ngx_memcpy(text + 63, "\xc3\xa9", 2);
    ngx_edge_terms_init(&t, text, sizeof(text));

    CHECK_INT(ngx_edge_terms_next(&t, buf, &len), NGX_OK);
    CHECK_INT(len, 63);
    CHECK_INT(ngx_edge_terms_next(&t, buf, &len), NGX_DONE);
}


/* A text may end in any byte: nothing behind it is read. */
static void
test_every_end(void)
{
    size_t             i, len, n;
    u_char            *copy, buf[NGX_EDGE_TERM_MAX];
    const char        *text;
    ngx_edge_terms_t   t;

    text = "PX-204-B의 300,000 생산계획은 supplier's café 3,00";
    len = strlen(text);

    for (i = 0; i <= len; i++) {
        copy = malloc(i + 1);
        ngx_memcpy(copy, text, i);
        ngx_edge_terms_init(&t, copy, i);

        while (ngx_edge_terms_next(&t, buf, &n) == NGX_OK) {
            CHECK(n > 0 && n <= NGX_EDGE_TERM_MAX);
        }

        free(copy);
    }
}


static void
test_question_english(void)
{
    CHECK_TEXT(asked("What is the surcharge for rush orders?"),
               "surcharge rush order");
    CHECK_TEXT(asked("Rush rush RUSH"), "rush");
    CHECK_TEXT(asked("what is it"), "what is it");
    CHECK_TEXT(asked("?!"), "");
    CHECK_TEXT(asked(""), "");
}


static void
test_question_korean(void)
{
    CHECK_TEXT(asked("생산계획은 언제 확정되나요?"), "생산 산계 계획 확정");
    CHECK_TEXT(asked("안전재고는 얼마인가요?"), "안전 전재 재고");
    CHECK_TEXT(asked("회의는 어디에서 하나요"), "회의");
    CHECK_TEXT(asked("회의"), "회의");
    CHECK_TEXT(asked("생산 회의는 언제 열립니까? 얼마나 걸리나요?"),
               "생산 회의");
    CHECK_TEXT(asked("담당자는 누구입니까"), "담당 당자");
    CHECK_TEXT(asked("PX-204-B의 납기는?"), "px_204_b px 204 b 납기");

    /* a character of four bytes is one character as well */
    CHECK_TEXT(asked("회의 \xf0\xa0\xae\xb7하고"), "회의");
    CHECK_TEXT(asked("\xf0\xa0\xae\xb7口하고"), "\xf0\xa0\xae\xb7口");
}


static void
test_match(void)
{
    ngx_str_t           s;
    ngx_edge_termset_t  set;

    s = unit_str("surcharge of a rush order");
    CHECK_INT(ngx_edge_termset(pool, &s, &set), NGX_OK);
    CHECK_INT(set.n, 3);

    s = unit_str("Rush orders, orders");
    CHECK_INT(ngx_edge_termset_match(&set, s.data, s.len), 6);

    s = unit_str("rusty orderly surcharge");
    CHECK_INT(ngx_edge_termset_match(&set, s.data, s.len), 1);

    CHECK_INT(ngx_edge_termset_match(&set, s.data, 0), 0);
}


static void
test_bound(void)
{
    u_char             *p, text[1000];
    ngx_str_t           s;
    ngx_uint_t          i;
    ngx_edge_termset_t  set;

    p = text;

    for (i = 0; i < 100; i++) {
        p += sprintf((char *) p, "w%u ", (unsigned) i);
    }

    s.data = text;
    s.len = p - text;

    CHECK_INT(ngx_edge_termset(pool, &s, &set), NGX_OK);
    CHECK_INT(set.n, NGX_EDGE_TERMSET_MAX);
    CHECK(ngx_edge_termset_match(&set, s.data, s.len) == (uint64_t) -1);
}


static void
test_weights(void)
{
    double              all;
    uint64_t            matches[3];
    ngx_str_t           s;
    ngx_edge_termset_t  set;

    s = unit_str("alpha beta gamma");
    CHECK_INT(ngx_edge_termset(pool, &s, &set), NGX_OK);

    /* alpha in all, beta in one, gamma in none */

    matches[0] = 1;
    matches[1] = 3;
    matches[2] = 1;

    ngx_edge_termset_weigh(&set, matches, 3);

    CHECK(set.weights[0] < set.weights[1]);
    CHECK(set.weights[1] < set.weights[2]);

    all = ngx_edge_termset_sum(&set, (uint64_t) -1);

    CHECK(ngx_edge_termset_sum(&set, 0) == 0);
    CHECK(ngx_edge_termset_sum(&set, 7) == all);
    CHECK(ngx_edge_termset_sum(&set, 3) < all / 2);
}


/* Words held together by joints are no code without a digit; that is seen
 * once, not again from each of them. */

static void
test_long_chain(void)
{
    size_t             i, len;
    u_char             buf[NGX_EDGE_TERM_MAX];
    clock_t            start;
    ngx_uint_t         n;
    ngx_edge_terms_t   t;
    static u_char      text[256 * 1024];

    for (i = 0; i < sizeof(text); i += 2) {
        text[i] = 'a';
        text[i + 1] = '.';
    }

    n = 0;
    start = clock();

    ngx_edge_terms_init(&t, text, sizeof(text));

    while (ngx_edge_terms_next(&t, buf, &len) == NGX_OK) {
        n++;
    }

    CHECK_INT(n, sizeof(text) / 2);
    CHECK(clock() - start < 2 * CLOCKS_PER_SEC);

    /* the digit of a code behind it is found all the same */

    ngx_edge_terms_init(&t, (u_char *) "a.b c.d-1", 9);

    for (n = 0; ngx_edge_terms_next(&t, buf, &len) == NGX_OK; n++) {
        CHECK(n != 2 || (len == 5 && ngx_memcmp(buf, "c_d_1", 5) == 0));
    }

    CHECK_INT(n, 6);
}


static void
test_no_memory(void)
{
    ngx_str_t           s;
    ngx_int_t           i, rc;
    ngx_edge_termset_t  set;

    s = unit_str("alpha beta");

    for (i = 0; i < 10; i++) {
        ngx_stub_alloc_budget = i;
        rc = ngx_edge_termset(pool, &s, &set);
        ngx_stub_alloc_budget = -1;

        CHECK_INT(rc, i < 4 ? NGX_ERROR : NGX_OK);
    }
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_words);
    RUN(test_other_scripts);
    RUN(test_codes);
    RUN(test_numbers);
    RUN(test_korean);
    RUN(test_long_word);
    RUN(test_every_end);
    RUN(test_question_english);
    RUN(test_question_korean);
    RUN(test_match);
    RUN(test_bound);
    RUN(test_weights);
    RUN(test_long_chain);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
