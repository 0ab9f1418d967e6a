
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers that no model writes: the fixed one to a question without a passage,
 * and the one that quotes the passages.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_http_edge_query.h"


/* Without a passage no model is asked: it would answer from its memory. */

void
ngx_http_edge_query_ungrounded(ngx_http_edge_query_t *q)
{
    uint32_t       cp;
    const u_char  *p, *last;

    ngx_str_set(&q->answer, "The documents hold no answer to this question.");

    p = q->question.data;
    last = p + q->question.len;

    while (p < last) {
        cp = ngx_edge_utf8_next(&p, last);

        if (cp >= 0xac00 && cp <= 0xd7a3) {    /* Hangul syllables */
            ngx_str_set(&q->answer,
                        "문서에서 이 질문에 대한 답을 찾지 못했습니다.");
            break;
        }
    }
}


ngx_int_t
ngx_http_edge_query_extract(ngx_http_edge_query_t *q)
{
    ngx_str_t         text;
    ngx_uint_t        i, n;
    ngx_edge_buf_t    b;
    ngx_edge_quote_t  quote[NGX_EDGE_EXTRACT_MAX];

    if (ngx_edge_extract(q->ctx->request->pool, &q->question,
                         q->passages.elts, q->passages.nelts, quote,
                         NGX_EDGE_EXTRACT_MAX, &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    q->degraded |= (q->provider > 0);
    ngx_str_set(&q->model, "extractive");

    ngx_edge_buf_init(&b, q->ctx->request->pool, 1024,
                      NGX_HTTP_EDGE_QUERY_ANSWER_MAX);

    for (i = 0; i < n; i++) {

        if (i) {
            ngx_edge_buf_byte(&b, ' ');
        }

        ngx_edge_buf_str(&b, &quote[i].text);
        ngx_edge_buf_lit(&b, " [");
        ngx_edge_buf_int(&b, quote[i].n);
        ngx_edge_buf_byte(&b, ']');
    }

    if (ngx_edge_buf_done(&b, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_edge_citation_feed(&q->citation, text.data, text.len);

    ngx_edge_buf_init(&b, q->ctx->request->pool, text.len + 64,
                      NGX_HTTP_EDGE_QUERY_ANSWER_MAX);

    ngx_edge_buf_json(&b, text.data, text.len);

    if (ngx_edge_buf_done(&b, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the inside of the string: without its quotes */

    q->answer.data = text.data + 1;
    q->answer.len = text.len - 2;

    return NGX_OK;
}
