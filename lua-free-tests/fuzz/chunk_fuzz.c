
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks: they follow each other, are no longer than the target, end between
 * characters and cover the text.  The first line is the target, the second the
 * overlap.
 */


/* sources: rag/ngx_edge_chunk.c lib/ngx_edge_utf8.c */
/* max_len: 2048 */
/* dict: text */

#include "fuzz.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_chunk.h"


/* a smaller target is taken as this */
#define FUZZ_TARGET  16


static void fuzz_sentences(const ngx_str_t *text, ngx_uint_t valid);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t                  covered, p;
    ngx_str_t               line;
    ngx_uint_t              i, valid;
    ngx_array_t            *a;
    ngx_edge_chunk_t       *c;
    ngx_edge_chunk_conf_t   conf;

    line = fuzz_take(pool, in, "\n");
    conf.target = ngx_max(fuzz_number(&line, 4096), FUZZ_TARGET);
    line = fuzz_take(pool, in, "\n");
    conf.overlap = fuzz_number(&line, conf.target / 2);

    valid = ngx_edge_utf8_valid(in->data, in->len);
    fuzz_sentences(in, valid);

    fuzz_check(ngx_edge_chunk(pool, in, &conf, &a) == NGX_OK);
    c = a->elts;
    covered = 0;

    for (i = 0; i < a->nelts; i++) {
        fuzz_check(c[i].start < c[i].end && c[i].end <= in->len);
        fuzz_check(c[i].end - c[i].start <= conf.target);

        if (!valid) {
            continue;
        }

        fuzz_check(ngx_edge_utf8_valid(in->data + c[i].start,
                                       c[i].end - c[i].start));
        fuzz_check(i == 0 || (c[i].start > c[i - 1].start
                              && c[i].end > c[i - 1].end));
        fuzz_check(i == 0 || c[i].start >= c[i - 1].end
                   || c[i - 1].end - c[i].start <= conf.overlap);

        for (p = covered; p < c[i].start; p++) {
            fuzz_check(in->data[p] <= ' ');
        }

        covered = c[i].end;
    }

    for (p = covered; valid && p < in->len; p++) {
        fuzz_check(in->data[p] <= ' ');
    }
}


static void
fuzz_sentences(const ngx_str_t *text, ngx_uint_t valid)
{
    const u_char  *p, *end, *last;

    p = text->data;
    last = p + text->len;

    while (p < last) {
        end = ngx_edge_sentence_end(p, last);
        fuzz_check(end > p && end <= last);
        fuzz_check(!valid || ngx_edge_utf8_valid(p, end - p));
        p = end;
    }
}
