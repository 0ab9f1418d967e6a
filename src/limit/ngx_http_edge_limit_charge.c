
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the policies of a location mean for one request: whose allowance it is
 * and how large that is.  A key that is empty or a value "off" means that the
 * policy is not for this request; any other value that is no rate is an error
 * of the configuration, and nothing passes by it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit.h"


static ngx_http_edge_limit_ctx_t *ngx_http_edge_limit_create(
    ngx_http_request_t *r, ngx_uint_t policies);
static ngx_int_t ngx_http_edge_limit_charge(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell);
static ngx_int_t ngx_http_edge_limit_read(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell);


ngx_int_t
ngx_http_edge_limit_evaluate(ngx_http_request_t *r,
    const ngx_array_t *policies, ngx_http_edge_limit_ctx_t **pctx)
{
    ngx_int_t                            rc;
    ngx_str_t                            key;
    ngx_uint_t                           i, tag;
    ngx_edge_limit_cell_t               *cell;
    ngx_http_edge_limit_ctx_t           *ctx;
    ngx_http_edge_limit_charge_t        *charge;
    const ngx_http_edge_limit_policy_t  *policy;

    ctx = ngx_http_edge_limit_create(r, policies->nelts);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    *pctx = ctx;
    policy = policies->elts;
    ngx_str_null(&key);

    for (i = 0; i < policies->nelts; i++) {

        /* neighbours of one zone have one key */

        if ((i == 0 || policy[i].zone != policy[i - 1].zone)
            && ngx_http_complex_value(r, &policy[i].zone->key, &key)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (key.len == 0) {
            continue;
        }

        charge = &ctx->charge[ctx->n];
        cell = &ctx->cell[ctx->n];
        charge->policy = &policy[i];

        rc = ngx_http_edge_limit_charge(r, charge, cell);

        if (rc == NGX_DONE) {
            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        tag = policy[i].kind << 8;

        if (cell->gcra) {
            tag |= charge->rate->period;
        }

        cell->slot = 0;
        cell->local = policy[i].zone->local;
        ngx_edge_limit_key(cell->local->seed, &key, tag, cell->key);

        ctx->n++;
    }

    return NGX_OK;
}


/* All of it in one piece; charges and cells are filled as they are used. */

static ngx_http_edge_limit_ctx_t *
ngx_http_edge_limit_create(ngx_http_request_t *r, ngx_uint_t policies)
{
    ngx_http_edge_limit_ctx_t  *ctx;

    ctx = ngx_palloc(r->main->pool,
                     sizeof(ngx_http_edge_limit_ctx_t)
                     + policies * (sizeof(ngx_http_edge_limit_charge_t)
                                   + sizeof(ngx_edge_limit_cell_t)));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_memzero(ctx, sizeof(ngx_http_edge_limit_ctx_t));

    ctx->charge = (ngx_http_edge_limit_charge_t *) &ctx[1];
    ctx->cell = (ngx_edge_limit_cell_t *) &ctx->charge[policies];

    return ctx;
}


/* NGX_OK, NGX_DONE: "off", NGX_DECLINED, NGX_ERROR. */

static ngx_int_t
ngx_http_edge_limit_charge(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell)
{
    const ngx_http_edge_limit_policy_t  *policy;

    policy = charge->policy;

    if (!policy->constant) {
        return ngx_http_edge_limit_read(r, charge, cell);
    }

    if (policy->kind == ngx_http_edge_limit_concurrent) {
        cell->gcra = NULL;
        cell->n = policy->slots;
        return NGX_OK;
    }

    charge->rate = &policy->rate;
    cell->gcra = &policy->gcra;
    cell->n = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_limit_read(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell)
{
    ngx_int_t                            rc;
    ngx_str_t                            text;
    const ngx_http_edge_limit_policy_t  *policy;

    policy = charge->policy;

    if (ngx_http_complex_value(r, (ngx_http_complex_value_t *) &policy->value,
                               &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text.len == 3 && ngx_strncmp(text.data, "off", 3) == 0) {
        return NGX_DONE;
    }

    if (policy->kind == ngx_http_edge_limit_concurrent) {
        rc = ngx_http_edge_limit_parse_slots(&text, &cell->n);
        cell->gcra = NULL;

    } else {
        rc = ngx_edge_rate_parse(&text, 'r', &charge->own_rate);

        if (rc == NGX_OK) {
            ngx_edge_gcra_init(&charge->own_gcra, &charge->own_rate,
                               policy->burst);
        }

        charge->rate = &charge->own_rate;
        cell->gcra = &charge->own_gcra;
        cell->n = 1;
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "edge limit: invalid %s \"%V\" from \"%V\" for zone \"%V\"",
                  cell->gcra ? "rate" : "number", &text, &policy->value.value,
                  &policy->zone->name);

    return NGX_DECLINED;
}


u_char *
ngx_http_edge_limit_name(u_char *p, const ngx_http_edge_limit_charge_t *charge)
{
    const ngx_str_t  *zone;

    zone = &charge->policy->zone->name;

    p = ngx_cpymem(p, zone->data, zone->len);

    if (charge->policy->kind == ngx_http_edge_limit_concurrent) {
        return ngx_cpymem(p, "-concurrent", sizeof("-concurrent") - 1);
    }

    *p++ = '-';
    *p++ = charge->rate->unit;
    *p++ = 'p';
    *p++ = charge->rate->period;

    return p;
}
