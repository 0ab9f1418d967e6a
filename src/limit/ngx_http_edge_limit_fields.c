
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Response header fields: RateLimit-Policy and RateLimit (the IETF's draft),
 * and on OpenAI's endpoints the fields that its clients know.  What is said
 * of times is rounded up, of units down.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_http_edge_headers.h"
#include "limit/ngx_http_edge_limit.h"


#define NGX_HTTP_EDGE_LIMIT_SECOND  1000000

/* of one policy: its name, numbers and the words around them */
#define NGX_HTTP_EDGE_LIMIT_FIELD   (NGX_HTTP_EDGE_LIMIT_NAME + 80)


/* The rate with the least left, of one kind. */
typedef struct {
    const ngx_edge_rate_t  *rate;      /* NULL: there is none */
    ngx_edge_gcra_view_t    view;
} ngx_http_edge_limit_least_t;


static void ngx_http_edge_limit_items(const ngx_http_edge_limit_take_t *take,
    ngx_edge_buf_t *policy, ngx_edge_buf_t *limit,
    ngx_http_edge_limit_least_t *least);
static void ngx_http_edge_limit_policy_item(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i);
static void ngx_http_edge_limit_item(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i,
    const ngx_edge_gcra_view_t *view);
static void ngx_http_edge_limit_item_name(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i);
static int64_t ngx_http_edge_limit_seconds(int64_t time);
static ngx_int_t ngx_http_edge_limit_field(ngx_http_request_t *r,
    const char *name, const ngx_edge_buf_t *b, ngx_uint_t again);
static ngx_int_t ngx_http_edge_limit_openai(ngx_http_request_t *r,
    const ngx_http_edge_limit_least_t *least, const char *const *names);
static ngx_int_t ngx_http_edge_limit_number(ngx_http_request_t *r,
    const char *name, int64_t n);
static ngx_int_t ngx_http_edge_limit_time(ngx_http_request_t *r,
    const char *name, int64_t seconds);


static const char *const  ngx_http_edge_limit_names_requests[] = {
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests"
};


static const char *const  ngx_http_edge_limit_names_tokens[] = {
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens"
};


ngx_int_t
ngx_http_edge_limit_fields(ngx_http_request_t *r)
{
    ngx_uint_t                     n, again;
    ngx_edge_buf_t                 policy, limit;
    ngx_http_edge_limit_ctx_t     *ctx;
    ngx_http_edge_limit_least_t    requests, tokens;
    const ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);
    ctx = rec->limit;

    n = ctx->take.n + ctx->tokens.n;

    if (n == 0) {
        return NGX_OK;
    }

    ngx_edge_buf_init(&policy, r->pool, 64 * n, n * NGX_HTTP_EDGE_LIMIT_FIELD);
    ngx_edge_buf_init(&limit, r->pool, 64 * n, n * NGX_HTTP_EDGE_LIMIT_FIELD);

    requests.rate = NULL;
    tokens.rate = NULL;

    ngx_http_edge_limit_items(&ctx->take, &policy, &limit, &requests);
    ngx_http_edge_limit_items(&ctx->tokens, &policy, &limit, &tokens);

    again = ctx->fields;
    ctx->fields = 1;

    if (ngx_http_edge_limit_field(r, "RateLimit-Policy", &policy, again)
        != NGX_OK
        || ngx_http_edge_limit_field(r, "RateLimit", &limit, again) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!rec->openai) {
        return NGX_OK;
    }

    if (ngx_http_edge_limit_openai(r, &requests,
                                   ngx_http_edge_limit_names_requests)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_edge_limit_openai(r, &tokens,
                                      ngx_http_edge_limit_names_tokens);
}


static void
ngx_http_edge_limit_items(const ngx_http_edge_limit_take_t *take,
    ngx_edge_buf_t *policy, ngx_edge_buf_t *limit,
    ngx_http_edge_limit_least_t *least)
{
    ngx_uint_t                    i;
    ngx_edge_gcra_view_t          view;
    const ngx_edge_limit_cell_t  *cell;

    ngx_memzero(&view, sizeof(ngx_edge_gcra_view_t));

    for (i = 0; i < take->n; i++) {
        cell = &take->cell[i];

        if (cell->gcra) {
            ngx_edge_gcra_view(cell->gcra, cell->tat, take->now, &view);

            if (least->rate == NULL
                || view.remaining < least->view.remaining)
            {
                least->view = view;
                least->rate = take->charge[i].rate;
            }
        }

        ngx_http_edge_limit_policy_item(policy, take, i);
        ngx_http_edge_limit_item(limit, take, i, &view);
    }
}


/* A field that is there already is replaced. */

static ngx_int_t
ngx_http_edge_limit_field(ngx_http_request_t *r, const char *name,
    const ngx_edge_buf_t *b, ngx_uint_t again)
{
    ngx_str_t  value;

    if (ngx_edge_buf_done(b, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return again ? ngx_http_edge_header_set(r, name, &value)
                 : ngx_http_edge_header_add(r, name, &value);
}


static void
ngx_http_edge_limit_policy_item(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i)
{
    const ngx_edge_rate_t  *rate;

    ngx_http_edge_limit_item_name(b, take, i);

    if (take->cell[i].gcra == NULL) {
        ngx_edge_buf_lit(b, ";q=");
        ngx_edge_buf_int(b, take->cell[i].slots);
        ngx_edge_buf_lit(b, ";qu=\"concurrent-requests\"");
        return;
    }

    rate = take->charge[i].rate;

    ngx_edge_buf_lit(b, ";q=");
    ngx_edge_buf_int(b, rate->limit);

    if (rate->unit == 't') {
        ngx_edge_buf_lit(b, ";qu=\"tokens\"");
    }

    ngx_edge_buf_lit(b, ";w=");
    ngx_edge_buf_int(b, rate->window / NGX_HTTP_EDGE_LIMIT_SECOND);
}


static void
ngx_http_edge_limit_item(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i,
    const ngx_edge_gcra_view_t *view)
{
    const ngx_edge_limit_cell_t  *cell;

    cell = &take->cell[i];

    ngx_http_edge_limit_item_name(b, take, i);
    ngx_edge_buf_lit(b, ";r=");

    if (cell->gcra == NULL) {
        ngx_edge_buf_int(b, ngx_max(cell->slots - (int64_t) cell->used, 0));
        return;
    }

    ngx_edge_buf_int(b, view->remaining);
    ngx_edge_buf_lit(b, ";t=");
    ngx_edge_buf_int(b, ngx_http_edge_limit_seconds(view->more));
}


static void
ngx_http_edge_limit_item_name(ngx_edge_buf_t *b,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i)
{
    u_char  *p, name[NGX_HTTP_EDGE_LIMIT_NAME];

    if (b->pos != b->start) {
        ngx_edge_buf_lit(b, ", ");
    }

    p = ngx_http_edge_limit_name(name, &take->charge[i]);

    ngx_edge_buf_byte(b, '"');
    ngx_edge_buf_add(b, name, p - name);
    ngx_edge_buf_byte(b, '"');
}


static int64_t
ngx_http_edge_limit_seconds(int64_t time)
{
    return (time + NGX_HTTP_EDGE_LIMIT_SECOND - 1)
           / NGX_HTTP_EDGE_LIMIT_SECOND;
}


static ngx_int_t
ngx_http_edge_limit_openai(ngx_http_request_t *r,
    const ngx_http_edge_limit_least_t *least, const char *const *names)
{
    if (least->rate == NULL) {
        return NGX_OK;
    }

    if (ngx_http_edge_limit_number(r, names[0], least->rate->limit) != NGX_OK
        || ngx_http_edge_limit_number(r, names[1], least->view.remaining)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_edge_limit_time(r, names[2],
                             ngx_http_edge_limit_seconds(least->view.reset));
}


static ngx_int_t
ngx_http_edge_limit_number(ngx_http_request_t *r, const char *name, int64_t n)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%L", n) - value.data;

    return ngx_http_edge_header_set(r, name, &value);
}


/* As OpenAI writes it: 12s, 6m0s, 1h0m5s. */

static ngx_int_t
ngx_http_edge_limit_time(ngx_http_request_t *r, const char *name,
    int64_t seconds)
{
    u_char     *p;
    ngx_str_t   value;

    value.data = ngx_pnalloc(r->pool, 3 * NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = value.data;

    if (seconds >= 3600) {
        p = ngx_sprintf(p, "%Lh", seconds / 3600);
    }

    if (seconds >= 60) {
        p = ngx_sprintf(p, "%Lm", seconds / 60 % 60);
    }

    value.len = ngx_sprintf(p, "%Ls", seconds % 60) - value.data;

    return ngx_http_edge_header_set(r, name, &value);
}
