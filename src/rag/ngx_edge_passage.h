
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The data that the stages of the RAG flow hand on: a passage that a search
 * found.  Strings live in the request's pool and are valid UTF-8.
 */


#ifndef _NGX_EDGE_PASSAGE_H_INCLUDED_
#define _NGX_EDGE_PASSAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t   doc_id;        /* the client's id of the document */
    ngx_str_t   title;         /* may be empty, as the next ones */
    ngx_str_t   source_uri;
    ngx_str_t   updated_at;
    ngx_str_t   text;
    double      score;         /* higher is better */
    ngx_uint_t  chunk;         /* number of the chunk in the document */
} ngx_edge_passage_t;


#endif /* _NGX_EDGE_PASSAGE_H_INCLUDED_ */
