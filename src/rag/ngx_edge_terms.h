
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Cuts text into search terms, the same way for documents and questions:
 * ASCII words in lower case with a plural s taken off, accented letters as
 * they are, Hangul and CJK words as bigrams (a single character stays one
 * term), numbers kept; a code such as PX-204-B gives px_204_b and its parts.
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
    const u_char  *pair;               /* next bigram starts here */
    const u_char  *pair_last;
} ngx_edge_terms_t;


void ngx_edge_terms_init(ngx_edge_terms_t *t, const u_char *text, size_t len);

/* The next term into buf (NGX_EDGE_TERM_MAX bytes), its length in *len:
 * NGX_OK, or NGX_DONE at the end.  Terms hold only letters, digits, '_'. */
ngx_int_t ngx_edge_terms_next(ngx_edge_terms_t *t, u_char *buf, size_t *len);

/* 1 for words that carry no meaning in a question (English function words,
 * common Korean question endings as bigrams are left alone). */
ngx_uint_t ngx_edge_terms_is_stopword(const u_char *term, size_t len);


/* A set of distinct terms of one question, bounded. */
typedef struct {
    ngx_str_t  *terms;
    double     *weights;               /* filled by ngx_edge_terms_weigh */
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


#endif /* _NGX_EDGE_TERMS_H_INCLUDED_ */
