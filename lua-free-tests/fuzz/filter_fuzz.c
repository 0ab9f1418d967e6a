
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's filter: what is accepted is written for Qdrant as JSON that is
 * accepted again and says the same; a fault is named below the base; a
 * passage passes a condition or its negation, never both.  The input is a
 * passage of four lines (id, title, uri, time) and the filter.
 */


/* sources: rag/ngx_edge_filter.c rag/ngx_edge_filter_match.c */
/* sources: rag/ngx_edge_time.c lib/ngx_edge_json.c lib/ngx_edge_buf.c */
/* sources: lib/ngx_edge_utf8.c lib/ngx_edge_decimal.c */
/* libs: -ljansson */
/* max_len: 2048 */
/* dict: filter */

#include "fuzz.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_filter.h"


static ngx_int_t fuzz_parse(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_edge_filter_t *filter);
static ngx_str_t fuzz_render(ngx_pool_t *pool, ngx_edge_filter_t *filter);
static void fuzz_match(ngx_edge_filter_t *filter,
    const ngx_edge_passage_t *passage);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t            first, second;
    ngx_edge_filter_t    filter, copy, again;
    ngx_edge_passage_t   passage;

    memset(&passage, 0, sizeof(ngx_edge_passage_t));
    passage.doc_id = fuzz_take(pool, in, "\n");
    passage.title = fuzz_take(pool, in, "\n");
    passage.source_uri = fuzz_take(pool, in, "\n");
    passage.updated_at = fuzz_take(pool, in, "\n");

    if (fuzz_parse(pool, in, &filter) != NGX_OK) {
        return;
    }

    fuzz_check(filter.n <= 16);

    fuzz_check(ngx_edge_filter_copy(pool, &filter, &copy) == NGX_OK);
    first = fuzz_render(pool, &copy);

    fuzz_check(fuzz_parse(pool, &first, &again) == NGX_OK);
    fuzz_check(again.n == filter.n);
    second = fuzz_render(pool, &again);
    fuzz_check(fuzz_same(&first, &second));

    fuzz_match(&filter, &passage);
}


static ngx_int_t
fuzz_parse(ngx_pool_t *pool, const ngx_str_t *json, ngx_edge_filter_t *filter)
{
    ngx_int_t               rc;
    ngx_str_t               base;
    ngx_edge_json_t        *value;
    ngx_edge_json_error_t   error;

    value = ngx_edge_json_parse(pool, json, NGX_EDGE_JSON_DEPTH, &error);

    if (value == NULL) {
        return NGX_DECLINED;
    }

    memset(&error, 0, sizeof(ngx_edge_json_error_t));
    base = fuzz_str("/filter");
    rc = ngx_edge_filter_parse(pool, value, &base, filter, &error);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && error.detail);
        fuzz_check(error.pointer.len >= base.len
                   && memcmp(error.pointer.data, base.data, base.len) == 0);
        fuzz_check(ngx_edge_utf8_valid(error.pointer.data,
                                       error.pointer.len));
    }

    return rc;
}


static ngx_str_t
fuzz_render(ngx_pool_t *pool, ngx_edge_filter_t *filter)
{
    ngx_str_t        json;
    ngx_uint_t       n;
    ngx_edge_buf_t   b;

    ngx_edge_buf_init(&b, pool, 256, 1 << 20);
    ngx_edge_buf_lit(&b, "{\"must\":[");
    n = ngx_edge_filter_render(filter, 0, 1, &b);
    ngx_edge_buf_lit(&b, "],\"must_not\":[");
    n += ngx_edge_filter_render(filter, 1, 1, &b);
    ngx_edge_buf_lit(&b, "]}");

    fuzz_check(n == filter->n);
    fuzz_check(ngx_edge_buf_done(&b, &json) == NGX_OK);

    return json;
}


static void
fuzz_match(ngx_edge_filter_t *filter, const ngx_edge_passage_t *passage)
{
    ngx_uint_t               i, all, one;
    ngx_edge_filter_t        single;
    ngx_edge_filter_cond_t   cond;

    all = 1;

    for (i = 0; i < filter->n; i++) {
        cond = filter->conds[i];
        single.conds = &cond;
        single.n = 1;

        one = ngx_edge_filter_match(&single, passage);
        all &= one;

        cond.negate = !cond.negate;
        fuzz_check(ngx_edge_filter_match(&single, passage) == !one);
    }

    fuzz_check(ngx_edge_filter_match(filter, passage) == all);
}
