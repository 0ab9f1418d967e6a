
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Cuts text into search terms, the same way for documents and questions:
 * ASCII words in lower case with a plural s taken off, other letters in lower
 * case where that is simple, Hangul and CJK words as bigrams (a single
 * character stays one term), numbers kept (300,000 gives 300000); a code such
 * as PX-204-B (words with joints and a digit) gives px_204_b and its parts.
 * Knows bytes only.
 */


#ifndef _NGX_EDGE_TERMS_H_INCLUDED_
#define _NGX_EDGE_TERMS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_TERM_MAX  64          /* bytes; a longer word is cut */


typedef struct {
    const u_char  *pos;
    const u_char  *last;
    /* private: */
    const u_char  *code_pos;           /* parts of a code still to give */
    const u_char  *code_last;
    const u_char  *plain;              /* no code begins before it */
    const u_char  *pair;               /* next bigram starts here */
    const u_char  *pair_last;
    unsigned       question:1;         /* Korean words are cut to their stem */
} ngx_edge_terms_t;


void ngx_edge_terms_init(ngx_edge_terms_t *t, const u_char *text, size_t len);

/* The next term into buf (NGX_EDGE_TERM_MAX bytes), its length in *len:
 * NGX_OK, or NGX_DONE at the end.  Terms hold only letters, digits, '_'. */
ngx_int_t ngx_edge_terms_next(ngx_edge_terms_t *t, u_char *buf, size_t *len);

/* 1 for English words that carry no meaning in a question. */
ngx_uint_t ngx_edge_terms_is_stopword(const u_char *term, size_t len);

/* The end of the part of a Korean word that carries its meaning: particles
 * and question endings are taken off, and nothing is left of a question word.
 * Done for questions only: a document keeps its words whole, so every pair of
 * the stem is found there whatever ending follows it. */
const u_char *ngx_edge_terms_stem(const u_char *pos, const u_char *last);


/* A set of distinct terms of one question, bounded. */
typedef struct {
    ngx_str_t  *terms;
    double     *weights;               /* filled by ngx_edge_termset_weigh */
    ngx_uint_t  n;
} ngx_edge_termset_t;

#define NGX_EDGE_TERMSET_MAX  64

/* The distinct terms of a question without stopwords (with them if nothing
 * else is left).  NGX_OK, NGX_ERROR no memory. */
ngx_int_t ngx_edge_termset(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_edge_termset_t *set);

/* A bit per term of the set that occurs in the text. */
uint64_t ngx_edge_termset_match(const ngx_edge_termset_t *set,
    const u_char *text, size_t len);

/* Gives each term its weight ln(1 + (n + 1) / (df + 0.5)), where df is how
 * many of the n texts (each as its match) hold it: a term that none of them
 * holds weighs most. */
void ngx_edge_termset_weigh(ngx_edge_termset_t *set, const uint64_t *matches,
    ngx_uint_t n);

/* The weights of the terms in the match; with all bits set, of all terms. */
double ngx_edge_termset_sum(const ngx_edge_termset_t *set, uint64_t match);


#endif /* _NGX_EDGE_TERMS_H_INCLUDED_ */
