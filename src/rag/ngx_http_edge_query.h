
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The state of one question: query, search and chat/completions are the same
 * operation with other forms of request and response.
 *
 *     parse -> cache -> embed -> search -> join -> reserve -> generate
 *           -> answer -> (end)
 *
 * A pipeline without a cache, and a search request, skip it; an answer found
 * there is the end: streamed in the state replay.  One found too old is kept
 * in mind for where a failure would be the end.  A pipeline with a store has
 * no embed.  join ends a search request with its results.  reserve takes the
 * tokens that a model will need, before the header is sent; a question without
 * a passage ends there with a fixed answer.  answer goes back to generate
 * while a provider is left.  ngx_http_edge_query.c is the only writer of state.
 *
 * What is needed until the prompt exists (question, passages) is in the pool
 * "work", which a stream gives back when it begins: it may last for minutes.
 * The rest is in the request's pool, or in the store job's, which lives until
 * the request ends.
 */


#ifndef _NGX_HTTP_EDGE_QUERY_H_INCLUDED_
#define _NGX_HTTP_EDGE_QUERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_edge_citation.h"
#include "rag/ngx_edge_extract.h"
#include "rag/ngx_edge_pieces.h"
#include "rag/ngx_http_edge_rag.h"


#define NGX_HTTP_EDGE_QUERY_MAX         8192   /* bytes of a question */
#define NGX_HTTP_EDGE_QUERY_ANSWER_MAX  (4 * 1024 * 1024)


typedef enum {
    ngx_http_edge_query_st_parse = 0,
    ngx_http_edge_query_st_cache,
    ngx_http_edge_query_st_replay,
    ngx_http_edge_query_st_embed,
    ngx_http_edge_query_st_search,
    ngx_http_edge_query_st_join,
    ngx_http_edge_query_st_reserve,
    ngx_http_edge_query_st_generate,
    ngx_http_edge_query_st_answer
} ngx_http_edge_query_state_e;


typedef struct {
    ngx_uint_t   prompt_tokens;
    ngx_uint_t   completion_tokens;
    ngx_uint_t   total_tokens;
} ngx_http_edge_usage_t;


typedef struct ngx_http_edge_stream_s  ngx_http_edge_stream_t;
typedef struct ngx_http_edge_replay_s  ngx_http_edge_replay_t;
typedef struct ngx_http_edge_query_s   ngx_http_edge_query_t;


/* A streamed answer that may be kept. */
typedef struct {
    ngx_edge_buf_t  text;
    ngx_edge_buf_t  borders;           /* of its pieces */
} ngx_http_edge_query_captured_t;


/* How a response is written: our own form or OpenAI's. Each adds to b. */
typedef struct {
    void  (*answer)(ngx_http_edge_query_t *q, ngx_edge_buf_t *b);

    /* events of a stream: once, then for each piece, then one of the two.
     * text is the inside of a JSON string, escapes included */
    void  (*begin)(ngx_http_edge_query_t *q, ngx_edge_buf_t *b);
    void  (*delta)(ngx_http_edge_query_t *q, const ngx_str_t *text,
        ngx_edge_buf_t *b);
    void  (*end)(ngx_http_edge_query_t *q, ngx_edge_buf_t *b);
    void  (*error)(ngx_http_edge_query_t *q, const char *code,
        const char *message, ngx_edge_buf_t *b);
} ngx_http_edge_form_t;


struct ngx_http_edge_query_s {
    ngx_http_edge_rag_ctx_t      *ctx;
    ngx_http_edge_query_state_e   state;
    const ngx_http_edge_form_t   *form;
    ngx_pool_t                   *work;        /* NULL: given back */

    /* what was asked, in work */
    ngx_str_t                     question;
    ngx_uint_t                    top_k;       /* 0: not given */
    ngx_uint_t                    max_tokens;  /* 0: not given */
    ngx_edge_filter_t             filter;
    ngx_str_t                     history;     /* chat: messages before the
                                                  last, as JSON with a comma
                                                  behind each */

    /* what was found, in work */
    ngx_http_edge_sub_t          *embed;
    ngx_str_t                     vector;      /* JSON text of the array */
    ngx_http_edge_sub_t          *search[NGX_HTTP_EDGE_RAG_SEARCH_MAX];
    ngx_array_t                   passages;    /* of ngx_edge_passage_t, best
                                                  first, at most PASSAGES_MAX */

    /* what was answered */
    ngx_uint_t                    provider;    /* index in conf->generates */
    ngx_http_edge_sub_t          *generate;
    ngx_http_edge_stream_t       *stream;
    ngx_http_edge_replay_t       *replay;
    ngx_str_t                     answer;      /* inside of a JSON string */
    ngx_str_t                     model;       /* the same; empty: none */
    ngx_str_t                     finish_reason;
    ngx_http_edge_usage_t         usage;
    ngx_edge_citation_t           citation;

    /* tokens */
    ngx_uint_t                    estimate;    /* of the prompt */
    ngx_uint_t                    allowed;     /* to the model; 0: not asked */
    ngx_uint_t                    produced;    /* bytes of a streamed answer */
    ngx_uint_t                    events;      /* its pieces */

    /* for the cache, in the request's pool */
    ngx_str_t                     sources;     /* JSON; empty: not cached */
    ngx_http_edge_query_captured_t
                                 *captured;    /* NULL: no piece yet */
    ngx_edge_pieces_t             pieces;      /* of a cached answer */
    uint64_t                      corpora[NGX_HTTP_EDGE_RAG_SEARCH_MAX];
    ngx_uint_t                    ncorpora;    /* whose version is known */

    unsigned                      streamed:1;  /* the client wants a stream */
    unsigned                      want_usage:1;    /* chat, stream_options */
    unsigned                      has_finish:1;    /* a finish_reason came */
    unsigned                      search_only:1;
    unsigned                      grounded:1;
    unsigned                      degraded:1;
    unsigned                      keyed:1;     /* the cache was asked */
    unsigned                      cached:1;    /* given before */
};


/* ngx_http_edge_query.c: gives back what a begun stream does not need. */
void ngx_http_edge_query_forget(ngx_http_edge_query_t *q);

/* ngx_http_edge_query_own.c: q->answer without a model; NGX_OK, NGX_ERROR. */
void ngx_http_edge_query_ungrounded(ngx_http_edge_query_t *q);
ngx_int_t ngx_http_edge_query_extract(ngx_http_edge_query_t *q);

/* ngx_http_edge_query_request.c: reads the client's body into q; NGX_OK, or
 * NGX_DECLINED with error filled, or NGX_ERROR. */
ngx_int_t ngx_http_edge_query_parse(ngx_http_edge_query_t *q,
    ngx_edge_json_error_t *error);

/* ngx_http_edge_query_tokens.c */

/* NGX_OK: the model may be called; NGX_AGAIN: pending was raised, to be called
 * again; or the status of an error response. */
ngx_int_t ngx_http_edge_query_reserve(ngx_http_edge_query_t *q);
/* How many tokens a model may write. */
ngx_uint_t ngx_http_edge_query_max_tokens(const ngx_http_edge_query_t *q);
/* Counts a piece of a streamed answer; 1: it is to be the last. */
ngx_uint_t ngx_http_edge_query_spent(ngx_http_edge_query_t *q,
    const ngx_str_t *text);

/* ngx_http_edge_query_cache.c; the last four do nothing without a cache. */

/* NGX_OK: q holds a cached answer; NGX_DECLINED: there is none; NGX_AGAIN:
 * somebody else makes it, pending was raised; NGX_ERROR. */
ngx_int_t ngx_http_edge_query_cache_get(ngx_http_edge_query_t *q);
/* The answer could not be made: NGX_OK: q holds the one of before, if it may
 * be given; NGX_DECLINED: there is none; NGX_ERROR. */
ngx_int_t ngx_http_edge_query_cache_stale(ngx_http_edge_query_t *q);
/* Keeps the sources; to be called while the passages are there. */
ngx_int_t ngx_http_edge_query_cache_sources(ngx_http_edge_query_t *q);
/* Keeps a piece of a streamed answer. */
void ngx_http_edge_query_cache_piece(ngx_http_edge_query_t *q,
    const ngx_str_t *text);
/* The answer is whole: keeps it, or says that there will be none. */
void ngx_http_edge_query_cache_put(ngx_http_edge_query_t *q);

/* ngx_http_edge_embed.c */
ngx_http_edge_sub_t *ngx_http_edge_embed_call(ngx_http_edge_rag_ctx_t *ctx,
    const ngx_str_t *inputs, ngx_uint_t n);
/* The vectors of an answer in the order of the inputs, as JSON texts into
 * vectors[n].  NULL, or what is wrong with it. */
const char *ngx_http_edge_embed_read(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_sub_t *sub, ngx_str_t *vectors, ngx_uint_t n);

/* ngx_http_edge_search.c */
ngx_http_edge_sub_t *ngx_http_edge_search_call(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf);
/* Adds the points of an answer to q->passages.  NULL, or what is wrong. */
const char *ngx_http_edge_search_read(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf, ngx_http_edge_sub_t *sub);
/* Sorts q->passages and cuts them to top_k. */
void ngx_http_edge_search_rank(ngx_http_edge_query_t *q);
/* The job for the embedded store; NULL: no memory. */
ngx_http_edge_store_job_t *ngx_http_edge_search_job(ngx_http_edge_query_t *q);

/* ngx_http_edge_llm.c: the OpenAI Chat Completions dialect. */
ngx_http_edge_sub_t *ngx_http_edge_llm_call(ngx_http_edge_query_t *q,
    const ngx_http_edge_generate_conf_t *conf);
/* Reads a whole answer into q.  NULL, or what is wrong with it. */
const char *ngx_http_edge_llm_read(ngx_http_edge_query_t *q,
    ngx_http_edge_sub_t *sub);
/* Reads one event of a stream: text is its piece of the answer (empty: none),
 * padding what means nothing (data NULL: none), the rest goes into q.  NULL, or
 * what is wrong. */
const char *ngx_http_edge_llm_event(ngx_http_edge_query_t *q,
    ngx_str_t *data, ngx_str_t *text, ngx_str_t *padding);

/* ngx_http_edge_stream_main.c: the client's stream but for the answer. */

/* Sends the header and the first event; NGX_OK, or as ctx->step. */
ngx_int_t ngx_http_edge_stream_open(ngx_http_edge_query_t *q);
/* Sends what b holds; last ends the response. As ctx->step. */
ngx_int_t ngx_http_edge_stream_write(ngx_http_edge_query_t *q,
    ngx_edge_buf_t *b, ngx_uint_t last);

/* ngx_http_edge_stream.c: the model's answer in it. */

/* Makes the call stream to the client as the model's answer comes. */
ngx_int_t ngx_http_edge_stream_attach(ngx_http_edge_query_t *q,
    ngx_http_edge_sub_t *sub);
/* 1 if the call has sent a piece of the answer: no other can replace it. */
ngx_uint_t ngx_http_edge_stream_begun(ngx_http_edge_query_t *q);
/* 1 if [DONE] was read: what happens behind it is of no interest. */
ngx_uint_t ngx_http_edge_stream_done(ngx_http_edge_query_t *q);
/* 1 if the worker's exit has ended the call: no other is to be made. */
ngx_uint_t ngx_http_edge_stream_stopped(ngx_http_edge_query_t *q);
/* What went wrong inside a stream whose call ended well; NULL: nothing. */
const char *ngx_http_edge_stream_fault(ngx_http_edge_query_t *q);

/* ngx_http_edge_replay.c: sends a cached answer behind the first event. As
 * ctx->step. */
ngx_int_t ngx_http_edge_replay(ngx_http_edge_query_t *q);

/* ngx_http_edge_answer.c and ngx_http_edge_answer_chat.c */
extern const ngx_http_edge_form_t  ngx_http_edge_answer_form;
extern const ngx_http_edge_form_t  ngx_http_edge_chat_form;

void ngx_http_edge_answer_search(ngx_http_edge_query_t *q, ngx_edge_buf_t *b);
void ngx_http_edge_answer_sources(ngx_http_edge_query_t *q,
    ngx_uint_t with_text, ngx_edge_buf_t *b);
void ngx_http_edge_answer_usage(const ngx_http_edge_usage_t *usage,
    ngx_edge_buf_t *b);


#endif /* _NGX_HTTP_EDGE_QUERY_H_INCLUDED_ */
