
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the borders of sentences and chunks.
 */

/* sources: rag/ngx_edge_chunk.c lib/ngx_edge_utf8.c */

#include <time.h>
#include "unit.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_chunk.h"


static ngx_pool_t  *pool;


/* The sentences of a text, each trimmed, joined by '|'. */
static const char *
sentences(const char *text)
{
    static char    out[4096];
    char          *o;
    const u_char  *p, *end, *last, *from, *to;

    o = out;
    p = (u_char *) text;
    last = p + strlen(text);

    while (p < last) {
        end = ngx_edge_sentence_end(p, last);
        CHECK(end > p && end <= last);

        from = p;
        to = end;

        while (from < to && *from <= ' ') {
            from++;
        }

        while (to > from && to[-1] <= ' ') {
            to--;
        }

        if (from < to) {
            if (o != out) {
                *o++ = '|';
            }

            o = (char *) ngx_cpymem(o, from, to - from);
        }

        p = end;
    }

    *o = '\0';

    return out;
}


#define CHECK_SENTENCES(text, expected)                                       \
    do {                                                                      \
        const char  *got_ = sentences(text);                                  \
        CHECK_MEM(got_, strlen(got_), expected);                              \
    } while (0)


static ngx_array_t *
chunks(const char *text, size_t target, size_t overlap)
{
    ngx_str_t              s;
    ngx_array_t           *a;
    ngx_edge_chunk_conf_t  conf;

    s = unit_str(text);
    conf.target = target;
    conf.overlap = overlap;

    CHECK_INT(ngx_edge_chunk(pool, &s, &conf, &a), NGX_OK);

    return a;
}


#define CHECK_CHUNK(text, a, i, expected)                                     \
    do {                                                                      \
        ngx_edge_chunk_t  *c_ = (a)->elts;                                    \
        CHECK((i) < (a)->nelts);                                              \
        if ((i) < (a)->nelts) {                                               \
            CHECK_MEM((text) + c_[i].start, c_[i].end - c_[i].start,          \
                      expected);                                              \
        }                                                                     \
    } while (0)


/* What must hold for every text: order, bounds, cover, whole characters. */
static void
check_invariants(const char *text, size_t target, size_t overlap)
{
    size_t             covered, p, len;
    ngx_uint_t         i;
    ngx_array_t       *a;
    ngx_edge_chunk_t  *c;

    a = chunks(text, target, overlap);
    c = a->elts;
    covered = 0;
    len = strlen(text);

    for (i = 0; i < a->nelts; i++) {
        CHECK(c[i].start < c[i].end);
        CHECK(c[i].end <= len);
        CHECK(c[i].end - c[i].start <= target);
        CHECK(ngx_edge_utf8_valid((u_char *) text + c[i].start,
                                  c[i].end - c[i].start));
        CHECK(i == 0 || c[i].start > c[i - 1].start);
        CHECK(i == 0 || c[i].end > c[i - 1].end);
        CHECK(i == 0 || c[i].start >= c[i - 1].end
              || c[i - 1].end - c[i].start <= overlap);

        for (p = covered; p < c[i].start; p++) {
            CHECK((u_char) text[p] <= ' ');
        }

        covered = c[i].end;
    }

    for (p = covered; p < len; p++) {
        CHECK((u_char) text[p] <= ' ');
    }
}


static void
test_sentences_english(void)
{
    CHECK_SENTENCES("One. Two! Three? Four", "One.|Two!|Three?|Four");
    CHECK_SENTENCES("He said \"go.\" Then (left.) Done.",
                    "He said \"go.\"|Then (left.)|Done.");
    CHECK_SENTENCES("It is 3.5 mm. See px.md, ok.",
                    "It is 3.5 mm.|See px.md, ok.");
    CHECK_SENTENCES("Ask J. Smith, e.g. Today. By approx. noon.",
                    "Ask J. Smith, e.g. Today.|By approx. noon.");
    CHECK_SENTENCES("Wait... What?! Yes.", "Wait...|What?!|Yes.");
    CHECK_SENTENCES("", "");
    CHECK_SENTENCES(" \n ", "");
}


static void
test_sentences_korean(void)
{
    CHECK_SENTENCES("계획은 확정된다. 다음은 없다.",
                    "계획은 확정된다.|다음은 없다.");
    CHECK_SENTENCES("확정된다.다음은 없다.", "확정된다.|다음은 없다.");
    CHECK_SENTENCES("좋습니까?네! 예", "좋습니까?|네!|예");
    CHECK_SENTENCES("終わり。次！「何？」はい", "終わり。|次！|「何？」|はい");
    CHECK_SENTENCES("길이는 3.5mm이다. 끝", "길이는 3.5mm이다.|끝");
}


static void
test_sentences_lines(void)
{
    CHECK_SENTENCES("# Head\nA line\ngoes on. End\n\nNext",
                    "# Head|A line\ngoes on.|End|Next");
    CHECK_SENTENCES("- one\n- two\n1. three\n2. four\nrest",
                    "- one|- two|1. three|2. four|rest");
    CHECK_SENTENCES("Text\n## Head\n| a | b |\n| c | d |\n",
                    "Text|## Head|| a | b ||| c | d |");
    CHECK_SENTENCES("a\r\n\r\nb", "a|b");
}


static void
test_one_chunk(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "  Short text. Two sentences.\n";
    a = chunks(text, 1200, 200);
    CHECK_INT(a->nelts, 1);
    CHECK_CHUNK(text, a, 0, "Short text. Two sentences.");

    CHECK_INT(chunks("", 1200, 200)->nelts, 0);
    CHECK_INT(chunks(" \n\t\r\n", 1200, 200)->nelts, 0);
}


static void
test_paragraph_border(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "Alpha one two. Beta three.\n\nGamma four. Delta five.";
    a = chunks(text, 40, 0);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 0, "Alpha one two. Beta three.");
    CHECK_CHUNK(text, a, 1, "Gamma four. Delta five.");
}


static void
test_sentence_border_and_overlap(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "Aaaa aaaa aa. Bbbb bbbb. Cccc cccc. Dddd dddd. Eeee eeee.";

    a = chunks(text, 36, 0);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 0, "Aaaa aaaa aa. Bbbb bbbb. Cccc cccc.");
    CHECK_CHUNK(text, a, 1, "Dddd dddd. Eeee eeee.");

    a = chunks(text, 36, 12);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 1, "Cccc cccc. Dddd dddd. Eeee eeee.");

    /* nine bytes hold no whole sentence */

    a = chunks(text, 36, 9);
    CHECK_CHUNK(text, a, 1, "Dddd dddd. Eeee eeee.");
}


static void
test_heading_stays(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "First part of the text.\n\n# Heading\n\nBody of the heading.";
    a = chunks(text, 40, 0);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 0, "First part of the text.");
    CHECK_CHUNK(text, a, 1, "# Heading\n\nBody of the heading.");
}


static void
test_space_and_character(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "aaaa bbbb cccc dddd eeee ffff";
    a = chunks(text, 16, 8);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 0, "aaaa bbbb cccc");
    CHECK_CHUNK(text, a, 1, "dddd eeee ffff");

    text = "가나다라마바사아";                      /* 3 bytes each */
    a = chunks(text, 16, 0);
    CHECK_INT(a->nelts, 2);
    CHECK_CHUNK(text, a, 0, "가나다라마");
    CHECK_CHUNK(text, a, 1, "바사아");
}


/* The sentence behind the overlap is too long to stand with it. */
static void
test_overlap_dropped(void)
{
    const char   *text;
    ngx_array_t  *a;

    text = "Aaaaaaaaa. Bbbbbbbb. "
           "Cccc cccc cccc cccc cccc cccc cc. Dd.";
    a = chunks(text, 34, 12);
    CHECK_INT(a->nelts, 3);
    CHECK_CHUNK(text, a, 0, "Aaaaaaaaa. Bbbbbbbb.");
    CHECK_CHUNK(text, a, 1, "Cccc cccc cccc cccc cccc cccc cc.");
    CHECK_CHUNK(text, a, 2, "Dd.");
}


static void
test_invariants(void)
{
    char           *p, text[4000];
    size_t          target;
    uint32_t        seed;
    ngx_uint_t      i, n;

    static const char *const  pieces[] = {
        "word", " ", "\n", "\n\n", ". ", ".", "? ", "# ", "- ", "1. ", "가나다",
        "다.", "。", "é", "| x |\n", "3.5", "  ", "longlonglonglong", "\t", "😀"
    };

    seed = 1;

    for (i = 0; i < 300; i++) {
        p = text;

        for (n = 0; n < 150; n++) {
            seed = seed * 1103515245 + 12345;
            p = (char *) ngx_cpymem(p, pieces[(seed >> 16) % 20],
                                    strlen(pieces[(seed >> 16) % 20]));
        }

        *p = '\0';
        target = 16 + (seed >> 8) % 200;

        check_invariants(text, target, target / 6);
        check_invariants(text, target, 0);
        check_invariants(text, target, target / 2);
        (void) sentences(text);
    }
}


/* A text without any border must not cost the square of its length. */
static void
test_long_text(void)
{
    size_t                 len;
    ngx_str_t              s;
    ngx_array_t           *a;
    ngx_edge_chunk_conf_t  conf;

    len = 4 * 1024 * 1024;
    s.data = malloc(len);
    s.len = len;
    ngx_memset(s.data, '.', len);

    conf.target = 1200;
    conf.overlap = 200;

    CHECK_INT(ngx_edge_chunk(pool, &s, &conf, &a), NGX_OK);
    CHECK_INT(a->nelts, (len + 1199) / 1200);

    free(s.data);
}


static void
test_no_memory(void)
{
    ngx_str_t              s;
    ngx_array_t           *a;
    ngx_edge_chunk_conf_t  conf;

    s = unit_str("text");
    conf.target = 100;
    conf.overlap = 0;

    ngx_stub_alloc_budget = 0;
    CHECK_INT(ngx_edge_chunk(pool, &s, &conf, &a), NGX_ERROR);
    ngx_stub_alloc_budget = -1;
}


/* A row of marks that ends nothing is walked once, not from each of them. */

static void
test_long_row(void)
{
    clock_t         start;
    static u_char   text[512 * 1024];

    memset(text, '.', sizeof(text));
    text[sizeof(text) - 1] = 'x';

    start = clock();

    CHECK(ngx_edge_sentence_end(text, text + sizeof(text))
          == text + sizeof(text));
    CHECK(clock() - start < 2 * CLOCKS_PER_SEC);
}


/* Behind the overlap the only border is the end of the last chunk and more of
 * the white space behind it: a chunk up to there would say nothing new. */
static void
test_no_chunk_within_the_last(void)
{
    check_invariants("#l- it\n\n# l- it\n\n\rxxxxxxxx", 16, 8);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_sentences_english);
    RUN(test_sentences_korean);
    RUN(test_sentences_lines);
    RUN(test_one_chunk);
    RUN(test_paragraph_border);
    RUN(test_sentence_border_and_overlap);
    RUN(test_heading_stays);
    RUN(test_space_and_character);
    RUN(test_overlap_dropped);
    RUN(test_invariants);
    RUN(test_long_text);
    RUN(test_no_memory);
    RUN(test_long_row);
    RUN(test_no_chunk_within_the_last);

    ngx_destroy_pool(pool);

    return unit_summary();
}
