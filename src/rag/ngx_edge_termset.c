
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The terms of a question: which of its words carry meaning, and how much.
 * Knows the function words of English and the endings of Korean; how words
 * are cut is known by the terms unit.
 */


#include <math.h>
#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_terms.h"


static ngx_uint_t ngx_edge_terms_ends(const u_char *pos, const u_char *last,
    const char *const *endings, size_t keep, const u_char **end);
static ngx_uint_t ngx_edge_terms_is_one_of(const u_char *pos,
    const u_char *last, const char *const *words);
static ngx_int_t ngx_edge_termset_fill(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_uint_t all, ngx_edge_termset_t *set);
static ngx_uint_t ngx_edge_termset_find(const ngx_edge_termset_t *set,
    const u_char *term, size_t len);


/* In the form the terms unit gives: "was" keeps its s, "does" loses it. */

static const char *const  ngx_edge_terms_stopwords[] = {
    "a", "about", "all", "also", "am", "an", "and", "any", "anyone", "are",
    "as", "at", "be", "been", "before", "being", "between", "but", "by",
    "can", "could", "did", "do", "does", "doe", "done", "during", "each",
    "every", "explain", "far", "find", "for", "from", "get", "give", "had",
    "happen", "has", "have", "he", "her", "here", "him", "his", "how", "i",
    "if", "in", "into", "is", "it", "its", "long", "many", "may", "me",
    "might", "much", "must", "my", "need", "no", "not", "of", "often", "on",
    "or", "our", "please", "shall", "she", "should", "show", "so", "some",
    "soon", "such", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "thi", "this", "those", "to", "us", "wa",
    "was", "we", "were", "what", "when", "where", "whether", "which", "who",
    "whom", "whose", "why", "will", "with", "would", "you", "your", NULL
};

/* Longer ones first where one ends with another.  These follow a noun ... */

static const char *const  ngx_edge_terms_endings[] = {
    "하였습니까", "되었습니까", "했습니까", "됐습니까", "있습니까",
    "없습니까", "합니까", "됩니까", "입니까", "되었나요", "하였나요",
    "하시나요", "하나요", "되나요", "했나요", "됐나요", "있나요", "없나요",
    "하는가요", "되는가요", "인가요", "한가요", "일까요", "할까요", "될까요",
    "해주세요", "이에요", "예요", "하려면", "되려면", "하는지", "되는지",
    "인지", "인가", "하는", "되는", "하면", "되면", "하고", "되고", "하기",
    "되기", "해야", "이란", NULL
};

/* ... and these a verb, the last syllable of which changes with them. */

static const char *const  ngx_edge_terms_verb_endings[] = {
    "습니까", "니까", "는가요", "던가요", "나요", "까요", "어요", "아요",
    "네요", "려면", "는지", "으면", NULL
};

static const char *const  ngx_edge_terms_particles[] = {
    "으로부터", "에서부터", "에서는", "에게는", "으로는", "까지는", "부터는",
    "에서의", "으로서", "으로써", "이라는", "이라고",
    "에서", "에게", "까지", "부터", "으로", "에는", "에도", "에만", "와의",
    "과의", "로는", "로의", "마다", "처럼", "보다", "만큼", "이나", "라도",
    "이면", "라면", "들은", "들이", "들을", "들의",
    "은", "는", "이", "가", "을", "를", "의", "에", "와", "과", "도", "로",
    "만", "나", "께", NULL
};

/* Words and stems that ask, point or help only. */

static const char *const  ngx_edge_terms_empty[] = {
    "무엇", "무슨", "뭐", "뭔", "누구", "누가", "언제", "어디", "어디서",
    "어느", "어떤", "어떻게", "어떻", "어떠", "얼마", "얼마나", "몇", "왜",
    "하", "해", "한", "할", "합", "되", "돼", "된", "될", "됩", "있", "없",
    "있는", "없는", "하는", "되는", "이", "그", "저", "것", "수", "때",
    "경우", "및", "또는", "그리고", "대해", "대한", "대하여", "관해",
    "관한", "위해", "위한", "따라", "따른", "알려줘", "알려주세요", "알려",
    "주세요", "설명", "우리", "저희", "제", "좀", NULL
};


ngx_uint_t
ngx_edge_terms_is_stopword(const u_char *term, size_t len)
{
    return ngx_edge_terms_is_one_of(term, term + len,
                                    ngx_edge_terms_stopwords);
}


const u_char *
ngx_edge_terms_stem(const u_char *pos, const u_char *last)
{
    const u_char  *end;

    end = last;

    /* a particle alone stands behind a number or a foreign word */

    if (ngx_edge_terms_is_one_of(pos, last, ngx_edge_terms_empty)
        || ngx_edge_terms_is_one_of(pos, last, ngx_edge_terms_particles))
    {
        return pos;
    }

    if (ngx_edge_terms_ends(pos, last, ngx_edge_terms_endings, 0, &end)
        == 0
        && ngx_edge_terms_ends(pos, last, ngx_edge_terms_verb_endings, 3,
                               &end))
    {
        /* three bytes if it is a syllable, but Han has characters of four */

        do {
            end--;
        } while (end > pos && (*end & 0xc0) == 0x80);
    }

    /* a particle leaves two syllables at least, since many nouns of two end
     * with one that is a particle elsewhere */

    (void) ngx_edge_terms_ends(pos, end, ngx_edge_terms_particles, 6, &end);

    if (ngx_edge_terms_is_one_of(pos, end, ngx_edge_terms_empty)) {
        return pos;
    }

    /* one character without its ending is found in no pair of a document */

    if (end < last && ngx_edge_utf8_count(pos, end - pos) < 2) {
        return pos;
    }

    return end;
}


/* Moves *end before the first of the endings the word ends with, if at least
 * keep bytes stay (a syllable has three). */

static ngx_uint_t
ngx_edge_terms_ends(const u_char *pos, const u_char *last,
    const char *const *endings, size_t keep, const u_char **end)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; endings[i]; i++) {
        len = ngx_strlen(endings[i]);

        if ((size_t) (last - pos) >= len + keep
            && ngx_memcmp(last - len, endings[i], len) == 0)
        {
            *end = last - len;
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_edge_terms_is_one_of(const u_char *pos, const u_char *last,
    const char *const *words)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; words[i]; i++) {
        len = ngx_strlen(words[i]);

        if ((size_t) (last - pos) == len
            && ngx_memcmp(pos, words[i], len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_edge_termset(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_edge_termset_t *set)
{
    set->n = 0;

    set->terms = ngx_palloc(pool, NGX_EDGE_TERMSET_MAX * sizeof(ngx_str_t));
    if (set->terms == NULL) {
        return NGX_ERROR;
    }

    set->weights = ngx_pcalloc(pool, NGX_EDGE_TERMSET_MAX * sizeof(double));
    if (set->weights == NULL) {
        return NGX_ERROR;
    }

    if (ngx_edge_termset_fill(pool, text, 0, set) != NGX_OK) {
        return NGX_ERROR;
    }

    if (set->n == 0) {
        return ngx_edge_termset_fill(pool, text, 1, set);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_termset_fill(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_uint_t all, ngx_edge_termset_t *set)
{
    size_t             len;
    u_char             buf[NGX_EDGE_TERM_MAX];
    ngx_str_t         *term;
    ngx_edge_terms_t   t;

    ngx_edge_terms_init(&t, text->data, text->len);
    t.question = !all;

    while (set->n < NGX_EDGE_TERMSET_MAX
           && ngx_edge_terms_next(&t, buf, &len) == NGX_OK)
    {
        if (!all && ngx_edge_terms_is_stopword(buf, len)) {
            continue;
        }

        if (ngx_edge_termset_find(set, buf, len) < set->n) {
            continue;
        }

        term = &set->terms[set->n];

        term->data = ngx_pnalloc(pool, len);
        if (term->data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(term->data, buf, len);
        term->len = len;

        set->n++;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_edge_termset_find(const ngx_edge_termset_t *set, const u_char *term,
    size_t len)
{
    ngx_uint_t  i;

    for (i = 0; i < set->n; i++) {
        if (set->terms[i].len == len
            && ngx_memcmp(set->terms[i].data, term, len) == 0)
        {
            break;
        }
    }

    return i;
}


uint64_t
ngx_edge_termset_match(const ngx_edge_termset_t *set, const u_char *text,
    size_t len)
{
    size_t             n;
    u_char             buf[NGX_EDGE_TERM_MAX];
    uint64_t           match;
    ngx_uint_t         i;
    ngx_edge_terms_t   t;

    match = 0;

    ngx_edge_terms_init(&t, text, len);

    while (ngx_edge_terms_next(&t, buf, &n) == NGX_OK) {
        i = ngx_edge_termset_find(set, buf, n);

        if (i < set->n) {
            match |= (uint64_t) 1 << i;
        }
    }

    return match;
}


void
ngx_edge_termset_weigh(ngx_edge_termset_t *set, const uint64_t *matches,
    ngx_uint_t n)
{
    double      df;
    ngx_uint_t  i, j;

    for (i = 0; i < set->n; i++) {
        df = 0;

        for (j = 0; j < n; j++) {
            df += (double) ((matches[j] >> i) & 1);
        }

        set->weights[i] = log(1 + ((double) n + 1) / (df + 0.5));
    }
}


double
ngx_edge_termset_sum(const ngx_edge_termset_t *set, uint64_t match)
{
    double      sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < set->n; i++) {
        if ((match >> i) & 1) {
            sum += set->weights[i];
        }
    }

    return sum;
}
