
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chooses sentences: first the one that holds most of the question, then
 * those that add what is still missing.  Knows words, not meaning.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_chunk.h"
#include "rag/ngx_edge_extract.h"
#include "rag/ngx_edge_terms.h"


#define NGX_EDGE_EXTRACT_SENTENCES  512    /* looked at in one answer */


typedef struct {
    ngx_str_t    text;
    ngx_uint_t   n;                /* passage number, from 1 */
    uint64_t     own;              /* terms in the sentence itself */
    uint64_t     around;           /* ... in its title and heading */
    double       score;
} ngx_edge_extract_sentence_t;


typedef struct {
    ngx_edge_termset_t            set;
    ngx_edge_extract_sentence_t  *sentences;
    ngx_uint_t                    n;
} ngx_edge_extract_t;


static void ngx_edge_extract_passage(ngx_edge_extract_t *e,
    const ngx_edge_passage_t *passage, ngx_uint_t number);
static void ngx_edge_extract_any(ngx_edge_extract_t *e,
    const ngx_edge_passage_t *passages, ngx_uint_t npassages);
static void ngx_edge_extract_trim(ngx_str_t *text);
static ngx_int_t ngx_edge_extract_weigh(ngx_edge_extract_t *e,
    ngx_pool_t *pool);
static ngx_edge_extract_sentence_t *ngx_edge_extract_best(
    ngx_edge_extract_t *e, uint64_t covered, double *gain);
static ngx_uint_t ngx_edge_extract_is_quoted(const ngx_edge_quote_t *quotes,
    ngx_uint_t n, const ngx_str_t *text);


ngx_int_t
ngx_edge_extract(ngx_pool_t *pool, const ngx_str_t *question,
    const ngx_edge_passage_t *passages, ngx_uint_t npassages,
    ngx_edge_quote_t *quotes, ngx_uint_t max, ngx_uint_t *n)
{
    double                        gain, first;
    uint64_t                      covered;
    ngx_uint_t                    i;
    ngx_edge_extract_t            e;
    ngx_edge_extract_sentence_t  *best;

    *n = 0;
    e.n = 0;

    e.sentences = ngx_palloc(pool, NGX_EDGE_EXTRACT_SENTENCES
                                   * sizeof(ngx_edge_extract_sentence_t));
    if (e.sentences == NULL
        || ngx_edge_termset(pool, question, &e.set) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < npassages; i++) {
        ngx_edge_extract_passage(&e, &passages[i], i + 1);
    }

    if (e.n == 0) {
        ngx_edge_extract_any(&e, passages, npassages);
    }

    if (ngx_edge_extract_weigh(&e, pool) != NGX_OK) {
        return NGX_ERROR;
    }

    covered = 0;
    first = 0;

    while (*n < max) {
        best = ngx_edge_extract_best(&e, covered, &gain);

        /* a sentence that adds little only makes the answer longer */

        if (best == NULL || (*n && gain <= first / 4)) {
            break;
        }

        if (*n == 0) {
            first = gain;
        }

        if (!ngx_edge_extract_is_quoted(quotes, *n, &best->text)) {
            quotes[*n].text = best->text;
            quotes[*n].n = best->n;
            (*n)++;
        }

        covered |= best->own;
        best->n = 0;                    /* taken */
    }

    return NGX_OK;
}


/* Notes the sentences of a passage.  Headings are no answers, but what stands
 * under one is about its words. */

static void
ngx_edge_extract_passage(ngx_edge_extract_t *e,
    const ngx_edge_passage_t *passage, ngx_uint_t number)
{
    uint64_t                      title, around;
    ngx_str_t                     text;
    const u_char                 *p, *end, *last;
    ngx_edge_extract_sentence_t  *s;

    title = ngx_edge_termset_match(&e->set, passage->title.data,
                                   passage->title.len);
    around = title;

    p = passage->text.data;
    last = p + passage->text.len;

    for ( /* void */ ; p < last; p = end) {
        end = ngx_edge_sentence_end(p, last);

        text.data = (u_char *) p;
        text.len = end - p;

        ngx_edge_extract_trim(&text);

        if (text.len == 0) {
            continue;
        }

        if (text.data[0] == '#') {
            around = title | ngx_edge_termset_match(&e->set, text.data,
                                                    text.len);
            continue;
        }

        if (e->n == NGX_EDGE_EXTRACT_SENTENCES) {
            return;
        }

        s = &e->sentences[e->n++];

        s->text = text;
        s->n = number;
        s->own = ngx_edge_termset_match(&e->set, text.data, text.len);
        s->around = around & ~s->own;
    }
}


/* Passages of headings only: the first is quoted whole. */

static void
ngx_edge_extract_any(ngx_edge_extract_t *e,
    const ngx_edge_passage_t *passages, ngx_uint_t npassages)
{
    ngx_str_t                     text;
    ngx_uint_t                    i;
    ngx_edge_extract_sentence_t  *s;

    for (i = 0; i < npassages; i++) {
        text = passages[i].text;
        ngx_edge_extract_trim(&text);

        if (text.len) {
            s = &e->sentences[e->n++];

            ngx_memzero(s, sizeof(ngx_edge_extract_sentence_t));
            s->text = text;
            s->n = i + 1;
            return;
        }
    }
}


/* White space, and the mark of a list item or a quote. */

static void
ngx_edge_extract_trim(ngx_str_t *text)
{
    while (text->len && text->data[0] <= ' ') {
        text->data++;
        text->len--;
    }

    while (text->len && text->data[text->len - 1] <= ' ') {
        text->len--;
    }

    if (text->len > 2 && text->data[1] == ' '
        && (text->data[0] == '-' || text->data[0] == '*'
            || text->data[0] == '+' || text->data[0] == '>'))
    {
        text->data += 2;
        text->len -= 2;
        ngx_edge_extract_trim(text);
    }
}


/* A sentence's score counts its own words in full and those around it for a
 * third. */

static ngx_int_t
ngx_edge_extract_weigh(ngx_edge_extract_t *e, ngx_pool_t *pool)
{
    uint64_t                     *matches;
    ngx_uint_t                    i;
    ngx_edge_extract_sentence_t  *s;

    matches = ngx_palloc(pool, e->n * sizeof(uint64_t));
    if (matches == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < e->n; i++) {
        matches[i] = e->sentences[i].own;
    }

    ngx_edge_termset_weigh(&e->set, matches, e->n);

    for (i = 0; i < e->n; i++) {
        s = &e->sentences[i];
        s->score = ngx_edge_termset_sum(&e->set, s->own)
                   + ngx_edge_termset_sum(&e->set, s->around) / 3;
    }

    return NGX_OK;
}


/* The sentence that brings most of what is not covered yet; the first one of
 * equals, since better passages come first.  NULL: none is left. */

static ngx_edge_extract_sentence_t *
ngx_edge_extract_best(ngx_edge_extract_t *e, uint64_t covered, double *gain)
{
    double                        g;
    ngx_uint_t                    i;
    ngx_edge_extract_sentence_t  *s, *best;

    best = NULL;
    *gain = 0;

    for (i = 0; i < e->n; i++) {
        s = &e->sentences[i];

        if (s->n == 0) {
            continue;
        }

        g = covered ? ngx_edge_termset_sum(&e->set, s->own & ~covered)
                    : s->score;

        if (best == NULL || g > *gain) {
            best = s;
            *gain = g;
        }
    }

    return best;
}


/* Overlapping chunks hold the same sentence. */

static ngx_uint_t
ngx_edge_extract_is_quoted(const ngx_edge_quote_t *quotes, ngx_uint_t n,
    const ngx_str_t *text)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (quotes[i].text.len == text->len
            && ngx_memcmp(quotes[i].text.data, text->data, text->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
