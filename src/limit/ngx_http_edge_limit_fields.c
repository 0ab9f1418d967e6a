
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
#include "lib/ngx_edge_decimal.h"
#include "lib/ngx_http_edge_headers.h"
#include "limit/ngx_http_edge_limit.h"


#define NGX_HTTP_EDGE_LIMIT_SECOND  1000000

/* of one policy: its name, numbers and the words around them */
#define NGX_HTTP_EDGE_LIMIT_FIELD   (NGX_HTTP_EDGE_LIMIT_NAME + 80)

#define ngx_http_edge_limit_lit(p, text)                                      \
    ngx_cpymem(p, text, sizeof(text) - 1)


/* A field's value: a request has the policies of one location, whatever
 * internal redirects happen. */
typedef struct {
    u_char  *last;
    u_char   text[NGX_HTTP_EDGE_LIMIT_POLICIES * NGX_HTTP_EDGE_LIMIT_FIELD];
} ngx_http_edge_limit_text_t;


/* The rate with the least left, of one kind. */
typedef struct {
    const ngx_edge_rate_t  *rate;      /* NULL: there is none */
    ngx_edge_gcra_view_t    view;
} ngx_http_edge_limit_least_t;


static void ngx_http_edge_limit_items(const ngx_http_edge_limit_take_t *take,
    ngx_http_edge_limit_text_t *policy, ngx_http_edge_limit_text_t *limit,
    ngx_http_edge_limit_least_t *least);
static u_char *ngx_http_edge_limit_policy_item(u_char *p,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i);
static u_char *ngx_http_edge_limit_item(u_char *p,
    const ngx_edge_limit_cell_t *cell, const ngx_edge_gcra_view_t *view);
static int64_t ngx_http_edge_limit_seconds(int64_t time);
static ngx_int_t ngx_http_edge_limit_field(ngx_http_request_t *r,
    const char *name, const ngx_http_edge_limit_text_t *text,
    ngx_uint_t again);
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
    ngx_uint_t                     again;
    ngx_http_edge_limit_ctx_t     *ctx;
    ngx_http_edge_limit_text_t     policy, limit;
    ngx_http_edge_limit_least_t    requests, tokens;
    const ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);
    ctx = rec->limit;

    if (ctx->take.n + ctx->tokens.n == 0) {
        return NGX_OK;
    }

    policy.last = policy.text;
    limit.last = limit.text;

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
    ngx_http_edge_limit_text_t *policy, ngx_http_edge_limit_text_t *limit,
    ngx_http_edge_limit_least_t *least)
{
    u_char                       *p, *item;
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

        /* both items begin with the same name */

        item = policy->last;
        p = item;

        if (item != policy->text) {
            p = ngx_http_edge_limit_lit(p, ", ");
        }

        *p++ = '"';
        p = ngx_http_edge_limit_name(p, &take->charge[i]);
        *p++ = '"';

        limit->last = ngx_cpymem(limit->last, item, p - item);

        policy->last = ngx_http_edge_limit_policy_item(p, take, i);
        limit->last = ngx_http_edge_limit_item(limit->last, cell, &view);
    }
}


/* A field that is there already is replaced. */

static ngx_int_t
ngx_http_edge_limit_field(ngx_http_request_t *r, const char *name,
    const ngx_http_edge_limit_text_t *text, ngx_uint_t again)
{
    ngx_str_t  value;

    value.len = text->last - text->text;

    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value.data, text->text, value.len);

    return again ? ngx_http_edge_header_set(r, name, &value)
                 : ngx_http_edge_header_add(r, name, &value);
}


static u_char *
ngx_http_edge_limit_policy_item(u_char *p,
    const ngx_http_edge_limit_take_t *take, ngx_uint_t i)
{
    const ngx_edge_rate_t  *rate;

    p = ngx_http_edge_limit_lit(p, ";q=");

    if (take->cell[i].gcra == NULL) {
        p = ngx_edge_decimal(p, take->cell[i].slots);
        return ngx_http_edge_limit_lit(p, ";qu=\"concurrent-requests\"");
    }

    rate = take->charge[i].rate;

    p = ngx_edge_decimal(p, rate->limit);

    if (rate->unit == 't') {
        p = ngx_http_edge_limit_lit(p, ";qu=\"tokens\"");
    }

    p = ngx_http_edge_limit_lit(p, ";w=");

    return ngx_edge_decimal(p, rate->window / NGX_HTTP_EDGE_LIMIT_SECOND);
}


static u_char *
ngx_http_edge_limit_item(u_char *p, const ngx_edge_limit_cell_t *cell,
    const ngx_edge_gcra_view_t *view)
{
    p = ngx_http_edge_limit_lit(p, ";r=");

    if (cell->gcra == NULL) {
        return ngx_edge_decimal(p, ngx_max(cell->slots - (int64_t) cell->used,
                                           0));
    }

    p = ngx_edge_decimal(p, view->remaining);
    p = ngx_http_edge_limit_lit(p, ";t=");

    return ngx_edge_decimal(p, ngx_http_edge_limit_seconds(view->more));
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

    value.len = ngx_edge_decimal(value.data, n) - value.data;

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
