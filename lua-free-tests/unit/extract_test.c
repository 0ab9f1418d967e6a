
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the answer without a model.
 */

/* sources: rag/ngx_edge_extract.c rag/ngx_edge_chunk.c rag/ngx_edge_terms.c */
/* sources: rag/ngx_edge_termset.c lib/ngx_edge_utf8.c */
/* libs: -lm */

#include "unit.h"
#include "rag/ngx_edge_extract.h"


static ngx_pool_t         *pool;
static ngx_uint_t          npassages;
static ngx_edge_passage_t  passages[8];


static void
passage(const char *title, const char *text)
{
    ngx_edge_passage_t  *p;

    p = &passages[npassages++];

    ngx_memzero(p, sizeof(ngx_edge_passage_t));
    p->title = unit_str(title);
    p->text = unit_str(text);
}


/* The quotes as "text [n]", joined by '|'. */
static const char *
answer(const char *question, ngx_uint_t max)
{
    static char       out[4096];
    char             *o;
    ngx_str_t         q;
    ngx_uint_t        i, n;
    ngx_edge_quote_t  quotes[NGX_EDGE_EXTRACT_MAX];

    q = unit_str(question);
    o = out;
    *o = '\0';

    CHECK_INT(ngx_edge_extract(pool, &q, passages, npassages, quotes, max, &n),
              NGX_OK);
    CHECK(n <= max);

    for (i = 0; i < n; i++) {
        o += snprintf(o, out + sizeof(out) - o, "%s%.*s [%d]", i ? "|" : "",
                      (int) quotes[i].text.len, quotes[i].text.data,
                      (int) quotes[i].n);
    }

    return out;
}


#define CHECK_ANSWER(question, expected)                                      \
    do {                                                                      \
        const char  *got_ = answer(question, NGX_EDGE_EXTRACT_MAX);           \
        CHECK_MEM(got_, strlen(got_), expected);                              \
    } while (0)


static void
test_best_sentence(void)
{
    npassages = 0;
    passage("Orders", "Orders are confirmed in two days. "
                      "The surcharge for a rush order is 18 percent. "
                      "Partial deliveries are allowed.");
    passage("Stock", "Safety stock covers two weeks. It is counted monthly.");

    CHECK_ANSWER("What is the surcharge for a rush order?",
                 "The surcharge for a rush order is 18 percent. [1]");
    CHECK_ANSWER("How is safety stock counted?",
                 "Safety stock covers two weeks. [2]|"
                 "It is counted monthly. [2]");
}


/* What the first sentence leaves open is taken from another passage. */
static void
test_two_passages(void)
{
    npassages = 0;
    passage("", "The furnace runs at 850 degrees. It is blue.");
    passage("", "The press runs at 90 bar. It is green.");

    CHECK_ANSWER("At how many degrees and bar do furnace and press run?",
                 "The furnace runs at 850 degrees. [1]|"
                 "The press runs at 90 bar. [2]");
}


static void
test_heading_counts(void)
{
    npassages = 0;
    passage("", "# Cooling\nThe limit is 40 degrees.\n"
                "# Heating\nThe limit is 90 degrees.");

    CHECK_ANSWER("limit of heating", "The limit is 90 degrees. [1]");
    CHECK_ANSWER("limit of cooling", "The limit is 40 degrees. [1]");
}


static void
test_list_item(void)
{
    npassages = 0;
    passage("", "Steps:\n- Switch off the power\n- Hang the padlock\n");

    CHECK_ANSWER("padlock", "Hang the padlock [1]");
}


static void
test_korean(void)
{
    npassages = 0;
    passage("회의", "주간 생산 계획 회의는 매주 월요일 9시에 열린다. "
                    "회의록은 당일 배포한다.");

    CHECK_ANSWER("회의록은 언제 배포하나요?", "회의록은 당일 배포한다. [1]");
    CHECK_ANSWER("생산 계획 회의는 언제 열립니까?",
                 "주간 생산 계획 회의는 매주 월요일 9시에 열린다. [1]");
}


static void
test_overlap_is_quoted_once(void)
{
    npassages = 0;
    passage("", "Intro. The fee is 35 percent.");
    passage("", "The fee is 35 percent. More text.");

    CHECK_ANSWER("fee percent", "The fee is 35 percent. [1]");
}


static void
test_nothing_matches(void)
{
    npassages = 0;
    passage("", "  ");
    passage("", "First sentence. Second sentence.");

    CHECK_ANSWER("elephants", "First sentence. [2]");
    CHECK_ANSWER("?", "First sentence. [2]");

    npassages = 0;
    CHECK_ANSWER("elephants", "");
    passage("", "");
    CHECK_ANSWER("elephants", "");
    passage("", "# Only a heading\n");
    CHECK_ANSWER("elephants", "# Only a heading [2]");
}


static void
test_max(void)
{
    const char  *got;

    npassages = 0;
    passage("", "Alpha one. Beta two. Gamma three. Delta four. Epsilon five.");

    got = answer("alpha beta gamma delta epsilon", 4);
    CHECK_MEM(got, strlen(got),
              "Alpha one. [1]|Beta two. [1]|Gamma three. [1]|Delta four. [1]");

    got = answer("alpha beta gamma delta epsilon", 1);
    CHECK_MEM(got, strlen(got), "Alpha one. [1]");

    got = answer("alpha", 0);
    CHECK_MEM(got, strlen(got), "");
}


static void
test_many_sentences(void)
{
    u_char  text[4000];

    ngx_memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';

    for (size_t i = 0; i + 4 < sizeof(text); i += 4) {
        ngx_memcpy(text + i, "Ab. ", 4);
    }

    npassages = 0;
    passage("", (char *) text);

    CHECK_ANSWER("ab", "Ab. [1]");
}


static void
test_no_memory(void)
{
    ngx_str_t         q;
    ngx_int_t         i, rc;
    ngx_uint_t        n, failed;
    ngx_edge_quote_t  quotes[NGX_EDGE_EXTRACT_MAX];

    npassages = 0;
    passage("", "Alpha one. Beta two.");
    q = unit_str("alpha beta");
    failed = 0;

    for (i = 0; i < 10; i++) {
        ngx_stub_alloc_budget = i;
        rc = ngx_edge_extract(pool, &q, passages, npassages, quotes, 4, &n);
        ngx_stub_alloc_budget = -1;
        failed += (rc == NGX_ERROR);
    }

    CHECK_INT(failed, 6);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_best_sentence);
    RUN(test_two_passages);
    RUN(test_heading_counts);
    RUN(test_list_item);
    RUN(test_korean);
    RUN(test_overlap_is_quoted_once);
    RUN(test_nothing_matches);
    RUN(test_max);
    RUN(test_many_sentences);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
