
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Citations: an answer cites the same passages however it is cut.  The first
 * line is how many passages there are, the second how the answer is cut.
 */


/* sources: rag/ngx_edge_citation.c */
/* max_len: 256 */

#include "fuzz.h"
#include "rag/ngx_edge_citation.h"


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t                i, n;
    ngx_str_t             line, cuts, part;
    ngx_uint_t            k, passages;
    ngx_edge_citation_t   whole, pieces;

    line = fuzz_take(pool, in, "\n");
    passages = fuzz_number(&line, 70);
    cuts = fuzz_take(pool, in, "\n");

    ngx_edge_citation_init(&whole, passages);
    ngx_edge_citation_feed(&whole, in->data, in->len);

    ngx_edge_citation_init(&pieces, passages);

    for (n = 0, i = 0; i < in->len; n++) {
        part.len = cuts.len ? 1 + (cuts.data[n % cuts.len] & 7) : 1;
        part.len = ngx_min(part.len, in->len - i);
        part = fuzz_copy(pool, in->data + i, part.len);
        i += part.len;

        ngx_edge_citation_feed(&pieces, part.data, part.len);
    }

    fuzz_check(whole.cited == pieces.cited);
    fuzz_check(whole.nbad == pieces.nbad);
    fuzz_check(whole.nbad <= NGX_EDGE_CITATION_BAD);
    fuzz_check(memcmp(whole.bad, pieces.bad, whole.nbad * sizeof(ngx_uint_t))
               == 0);

    passages = ngx_min(passages, 64);
    fuzz_check(passages == 64 || whole.cited >> passages == 0);

    for (k = 0; k < whole.nbad; k++) {
        fuzz_check(whole.bad[k] == 0 || whole.bad[k] > passages);
    }
}
