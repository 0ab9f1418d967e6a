
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
#include <ngx_sha1.h>
#include "lib/ngx_edge_hex.h"
#include "lib/ngx_edge_random.h"
#include "limit/ngx_http_edge_limit.h"


static ngx_http_edge_limit_ctx_t *ngx_http_edge_limit_create(
    ngx_http_request_t *r, ngx_uint_t policies);
static ngx_int_t ngx_http_edge_limit_charge(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell);
static ngx_int_t ngx_http_edge_limit_place(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell,
    const ngx_str_t *key);
static ngx_int_t ngx_http_edge_limit_redis_key(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, const ngx_str_t *key);
static ngx_int_t ngx_http_edge_limit_holder(ngx_http_request_t *r,
    ngx_str_t *holder);
static ngx_int_t ngx_http_edge_limit_read(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell);


ngx_int_t
ngx_http_edge_limit_evaluate(ngx_http_request_t *r,
    const ngx_array_t *policies, ngx_http_edge_limit_ctx_t **pctx)
{
    ngx_int_t                            rc;
    ngx_str_t                            key;
    ngx_uint_t                           i;
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

        charge = &ctx->charge[ctx->n + ctx->ntokens];
        cell = &ctx->cell[ctx->n + ctx->ntokens];
        charge->policy = &policy[i];

        rc = ngx_http_edge_limit_charge(r, charge, cell);

        if (rc == NGX_DONE) {
            continue;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_edge_limit_place(r, charge, cell, &key) != NGX_OK) {
            return NGX_ERROR;
        }

        if (policy[i].kind == ngx_http_edge_limit_tokens) {
            ctx->ntokens++;

        } else {
            ctx->n++;
        }
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

    ctx->rc = NGX_DECLINED;

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
        cell->slots = policy->slots;
        return NGX_OK;
    }

    charge->rate = &policy->rate;
    cell->gcra = &policy->gcra;

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
        rc = ngx_http_edge_limit_parse_slots(&text, &cell->slots);
        cell->gcra = NULL;

    } else {
        rc = ngx_edge_rate_parse(&text, ngx_http_edge_limit_unit(policy),
                                 &charge->own_rate);

        if (rc == NGX_OK) {
            ngx_edge_gcra_init(&charge->own_gcra, &charge->own_rate,
                               policy->burst);
        }

        charge->rate = &charge->own_rate;
        cell->gcra = &charge->own_gcra;
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


/* Where the state is: in the zone, and in Redis. */

static ngx_int_t
ngx_http_edge_limit_place(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, ngx_edge_limit_cell_t *cell,
    const ngx_str_t *key)
{
    ngx_uint_t  tag;

    tag = charge->policy->kind << 8;

    if (cell->gcra) {
        tag |= charge->rate->period;
    }

    cell->slot = 0;
    cell->local = charge->policy->zone->local;
    cell->replicas = charge->policy->zone->replicas;
    cell->leased = charge->policy->zone->lease
                   && charge->policy->kind == ngx_http_edge_limit_requests;
    cell->held = 0;
    charge->held = 0;

    if (charge->policy->zone->redis) {

        if (ngx_http_edge_limit_redis_key(r, charge, key) != NGX_OK) {
            return NGX_ERROR;
        }

        if (cell->gcra == NULL) {

            if (ngx_http_edge_limit_holder(r, &charge->holder) != NGX_OK) {
                return NGX_ERROR;
            }

            charge->held = 1;          /* until Redis says otherwise */
        }

        key = &charge->key;            /* the tenant counts here too */
    }

    ngx_edge_limit_key(cell->local->seed, key, tag, cell->key);

    return NGX_OK;
}


/* "edge:{tenant}:rl:<policy>:<key>", or "<policy>#<digest>" for a long key: no
 * policy has a '#'.  A tenant's keys are on one server of a cluster; no tenant
 * is called ":". */

static ngx_int_t
ngx_http_edge_limit_redis_key(ngx_http_request_t *r,
    ngx_http_edge_limit_charge_t *charge, const ngx_str_t *key)
{
    u_char                        *p, digest[20];
    ngx_str_t                      tenant;
    ngx_sha1_t                     sha1;
    const ngx_http_edge_record_t  *rec;

    rec = ngx_http_edge_record_get(r);

    if (rec && rec->tenant.len) {
        tenant = rec->tenant;

    } else {
        ngx_str_set(&tenant, ":");
    }

    p = ngx_pnalloc(r->main->pool, sizeof("edge:{}:rl::") + tenant.len
                                   + NGX_HTTP_EDGE_LIMIT_NAME
                                   + NGX_HTTP_EDGE_LIMIT_KEY);
    if (p == NULL) {
        return NGX_ERROR;
    }

    charge->key.data = p;

    p = ngx_cpymem(p, "edge:{", sizeof("edge:{") - 1);
    p = ngx_cpymem(p, tenant.data, tenant.len);
    p = ngx_cpymem(p, "}:rl:", sizeof("}:rl:") - 1);
    p = ngx_http_edge_limit_name(p, charge);

    if (key->len <= NGX_HTTP_EDGE_LIMIT_KEY) {
        *p++ = ':';
        p = ngx_cpymem(p, key->data, key->len);

    } else {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, key->data, key->len);
        ngx_sha1_final(digest, &sha1);

        *p++ = '#';
        p = ngx_edge_hex(p, digest, sizeof(digest));
    }

    charge->key.len = p - charge->key.data;

    return NGX_OK;
}


/* A name that no other request has, on any instance. */

static ngx_int_t
ngx_http_edge_limit_holder(ngx_http_request_t *r, ngx_str_t *holder)
{
    u_char    *p;
    uint64_t   n[2];

    p = ngx_pnalloc(r->main->pool, 2 * sizeof(n));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_edge_random(n);

    holder->data = p;
    holder->len = ngx_edge_hex(p, (u_char *) n, sizeof(n)) - p;

    return NGX_OK;
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
