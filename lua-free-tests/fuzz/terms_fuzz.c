
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Search terms: bounded, of letters and digits only, and a question finds
 * itself: a text holds each term of the question that is the same text.
 */


/* sources: rag/ngx_edge_terms.c rag/ngx_edge_termset.c lib/ngx_edge_utf8.c */
/* libs: -lm */
/* max_len: 512 */
/* dict: text */

#include "fuzz.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_terms.h"


static void fuzz_set(ngx_pool_t *pool, const ngx_str_t *in);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t             i, len;
    u_char             term[NGX_EDGE_TERM_MAX];
    ngx_int_t          rc;
    ngx_uint_t         n, valid;
    const u_char      *end;
    ngx_edge_terms_t   t;

    valid = ngx_edge_utf8_valid(in->data, in->len);

    ngx_edge_terms_init(&t, in->data, in->len);

    for (n = 0; (rc = ngx_edge_terms_next(&t, term, &len)) == NGX_OK; n++) {
        fuzz_check(len > 0 && len <= NGX_EDGE_TERM_MAX);
        fuzz_check(!valid || ngx_edge_utf8_valid(term, len));
        fuzz_check(n <= 4 * in->len);

        for (i = 0; i < len; i++) {
            fuzz_check(term[i] >= 0x80 || term[i] == '_'
                       || (term[i] >= '0' && term[i] <= '9')
                       || (term[i] >= 'a' && term[i] <= 'z'));
        }

        (void) ngx_edge_terms_is_stopword(term, len);
    }

    fuzz_check(rc == NGX_DONE);

    if (valid) {
        end = ngx_edge_terms_stem(in->data, in->data + in->len);
        fuzz_check(end >= in->data && end <= in->data + in->len);
        fuzz_set(pool, in);
    }
}


static void
fuzz_set(ngx_pool_t *pool, const ngx_str_t *in)
{
    double               sum;
    uint64_t             match, all;
    ngx_uint_t           i, j;
    ngx_edge_termset_t   set;

    fuzz_check(ngx_edge_termset(pool, in, &set) == NGX_OK);
    fuzz_check(set.n <= NGX_EDGE_TERMSET_MAX);

    for (i = 0; i < set.n; i++) {
        for (j = 0; j < i; j++) {
            fuzz_check(!fuzz_same(&set.terms[i], &set.terms[j]));
        }
    }

    all = set.n == 64 ? ~(uint64_t) 0 : ((uint64_t) 1 << set.n) - 1;
    match = ngx_edge_termset_match(&set, in->data, in->len);
    fuzz_check(match == all);

    ngx_edge_termset_weigh(&set, &match, 1);
    sum = ngx_edge_termset_sum(&set, match);
    fuzz_check(sum >= 0 && sum < 1000);
}
