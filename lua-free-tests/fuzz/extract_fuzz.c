
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers without a model: quotes are parts of their passages, none is given
 * twice, and there is one if there is text.  The input is how many quotes are
 * wanted, the question, and the passages' texts, each up to a line "%%".
 */


/* sources: rag/ngx_edge_extract.c rag/ngx_edge_chunk.c rag/ngx_edge_terms.c */
/* sources: rag/ngx_edge_termset.c lib/ngx_edge_utf8.c */
/* libs: -lm */
/* max_len: 1024 */
/* dict: text */

#include "fuzz.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_extract.h"


#define FUZZ_PASSAGES  8


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t               k;
    ngx_str_t            line, question;
    ngx_uint_t           i, j, n, max, text, npassages;
    ngx_edge_quote_t     quotes[NGX_EDGE_EXTRACT_MAX];
    ngx_edge_passage_t   passages[FUZZ_PASSAGES];

    if (!ngx_edge_utf8_valid(in->data, in->len)) {
        return;
    }

    line = fuzz_take(pool, in, "\n%%\n");
    max = ngx_max(fuzz_number(&line, NGX_EDGE_EXTRACT_MAX), 1);
    question = fuzz_take(pool, in, "\n%%\n");

    memset(passages, 0, sizeof(passages));
    text = 0;

    for (i = 0; i < FUZZ_PASSAGES && in->len; i++) {
        passages[i].text = fuzz_take(pool, in, "\n%%\n");

        for (k = 0; k < passages[i].text.len; k++) {
            text |= passages[i].text.data[k] > ' ';
        }
    }

    npassages = i;

    fuzz_check(ngx_edge_extract(pool, &question, passages, npassages, quotes,
                                max, &n)
               == NGX_OK);
    fuzz_check(n <= max);
    fuzz_check(!text || n > 0);

    for (i = 0; i < n; i++) {
        fuzz_check(quotes[i].n >= 1 && quotes[i].n <= npassages);
        fuzz_check(quotes[i].text.len > 0);
        fuzz_check(fuzz_within(&passages[quotes[i].n - 1].text,
                               &quotes[i].text));
        fuzz_check(ngx_edge_utf8_valid(quotes[i].text.data,
                                       quotes[i].text.len));

        for (j = 0; j < i; j++) {
            fuzz_check(!fuzz_same(&quotes[i].text, &quotes[j].text));
        }
    }
}
