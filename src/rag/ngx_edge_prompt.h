
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The prompt: a template compiled at configuration, and its rendering with
 * numbered, delimited passages.  Passages are data: the boundary is random
 * per request and is neutralised inside them.  Knows no request.
 */


#ifndef _NGX_EDGE_PROMPT_H_INCLUDED_
#define _NGX_EDGE_PROMPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_buf.h"
#include "rag/ngx_edge_passage.h"


typedef struct {
    ngx_array_t  parts;        /* of ngx_edge_prompt_part_t */
    ngx_uint_t   user;         /* first part of the user message; parts before
                                  it are the system message */
} ngx_edge_prompt_t;


typedef struct {
    ngx_uint_t  kind;          /* 0 text, 1 context, 2 question, 3 boundary */
    ngx_str_t   text;
} ngx_edge_prompt_part_t;


typedef struct {
    const ngx_str_t           *question;
    const ngx_edge_passage_t  *passages;
    ngx_uint_t                 npassages;
    ngx_str_t                  boundary;   /* from ngx_edge_prompt_boundary */
} ngx_edge_prompt_input_t;


/* Compiles a template.  A line "---" ends the system message; without it the
 * whole template is the user message.  {{context}} and {{question}} must
 * each stand exactly once, in the user message; {{boundary}} anywhere; any
 * other {{name}} is an error.  Returns NULL, or a static sentence for the
 * operator. */
const char *ngx_edge_prompt_compile(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_edge_prompt_t *prompt);

/* The template used when the operator names none. */
extern const ngx_str_t  ngx_edge_prompt_default;

/* Writes a boundary word made of random bytes ("edge-" and 24 hex digits)
 * into buf of 32 bytes. */
void ngx_edge_prompt_boundary(const u_char random[12], u_char *buf,
    ngx_str_t *boundary);

/* How many of the passages, taken in order, fit into max bytes of context
 * (each with its frame); at least 1 if there is any: a first passage that is
 * larger is cut by the caller's max at a character border when rendered. */
ngx_uint_t ngx_edge_prompt_fit(const ngx_edge_passage_t *passages,
    ngx_uint_t n, size_t max);

/* Renders one message as the content of a JSON string, quotes included;
 * which: 0 system (an empty one writes nothing and returns NGX_DECLINED),
 * 1 user.  max_context bounds the context as in fit. */
ngx_int_t ngx_edge_prompt_render(const ngx_edge_prompt_t *prompt,
    const ngx_edge_prompt_input_t *in, size_t max_context, ngx_uint_t which,
    ngx_edge_buf_t *b);


#endif /* _NGX_EDGE_PROMPT_H_INCLUDED_ */
