
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Judging a claims set: its form, the registered claims, the rules, the time.
 * Reading single claims is in ngx_edge_claims.c.
 */


#include "auth/ngx_edge_claims.h"
#include "auth/ngx_edge_members.h"


#define NGX_EDGE_CLAIMS_DATE_MAX   253402300799LL    /* the end of 9999 */
#define NGX_EDGE_CLAIMS_DIGITS     12                /* its digits */
#define NGX_EDGE_CLAIMS_EXP_MAX    1000000000        /* of a number */


typedef struct {
    ngx_edge_members_t              members;
    ngx_edge_scan_t                 scan;
    const ngx_edge_claims_rules_t  *rules;
    ngx_edge_claims_times_t        *times;
    ngx_str_t                      *iss;
    unsigned                        audience:1;    /* one of ours was met */
} ngx_edge_claims_check_t;


static ngx_int_t ngx_edge_claims_set(ngx_edge_claims_check_t *ctx);
static ngx_int_t ngx_edge_claims_claim(ngx_edge_claims_check_t *ctx,
    const ngx_str_t *name);
static ngx_int_t ngx_edge_claims_short(ngx_edge_claims_check_t *ctx,
    const ngx_str_t *name);
static ngx_int_t ngx_edge_claims_issuer(ngx_edge_claims_check_t *ctx);
static ngx_int_t ngx_edge_claims_audience(ngx_edge_claims_check_t *ctx);
static ngx_int_t ngx_edge_claims_listed(ngx_pool_t *pool,
    const ngx_array_t *list, const ngx_str_t *raw);
static ngx_int_t ngx_edge_claims_date(ngx_edge_claims_check_t *ctx,
    ngx_uint_t up, int64_t *date);
static ngx_int_t ngx_edge_claims_seconds(const ngx_str_t *text, ngx_uint_t up,
    int64_t *seconds);
static int64_t ngx_edge_claims_exponent(const u_char *p, const u_char *last);
static ngx_int_t ngx_edge_claims_bad(ngx_edge_claims_check_t *ctx,
    const char *reason);


ngx_int_t
ngx_edge_claims_check(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_rules_t *rules, ngx_edge_claims_times_t *times,
    ngx_str_t *iss, const char **reason)
{
    ngx_int_t                rc;
    ngx_edge_claims_check_t  ctx;

    ngx_memzero(times, sizeof(ngx_edge_claims_times_t));
    ngx_str_null(iss);

    ctx.rules = rules;
    ctx.times = times;
    ctx.iss = iss;
    ctx.audience = 0;

    ngx_edge_members_init(&ctx.members, pool);
    ngx_edge_scan_init(&ctx.scan, json->data, json->len);

    rc = ngx_edge_claims_set(&ctx);

    if (rc == NGX_OK && rules->issuers && iss->data == NULL) {
        rc = ngx_edge_claims_bad(&ctx, "no iss");
    }

    if (rc == NGX_OK && rules->audiences && !ctx.audience) {
        rc = ngx_edge_claims_bad(&ctx, "no audience of ours");
    }

    if (rc == NGX_DECLINED) {
        *reason = ctx.members.reason;
    }

    return rc;
}


static ngx_int_t
ngx_edge_claims_bad(ngx_edge_claims_check_t *ctx, const char *reason)
{
    ctx->members.reason = reason;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_claims_set(ngx_edge_claims_check_t *ctx)
{
    ngx_int_t                  rc;
    ngx_str_t                  name;
    ngx_edge_members_object_t  o;

    rc = ngx_edge_members_enter(&ctx->members, &ctx->scan, &o);

    while (rc == NGX_OK) {
        rc = ngx_edge_members_next(&ctx->members, &ctx->scan, &o, &name);

        if (rc == NGX_OK) {
            rc = ngx_edge_claims_claim(ctx, &name);
        }
    }

    return (rc == NGX_DONE) ? ngx_edge_members_end(&ctx->members, &ctx->scan)
                            : rc;
}


static ngx_int_t
ngx_edge_claims_claim(ngx_edge_claims_check_t *ctx, const ngx_str_t *name)
{
    const ngx_str_t  *claim;
    ngx_edge_scan_t   start;
    ngx_int_t         rc;

    claim = &ctx->rules->audience_claim;

    if (ctx->rules->audiences
        && name->len == claim->len
        && ngx_memcmp(name->data, claim->data, name->len) == 0)
    {
        start = ctx->scan;
        rc = ngx_edge_claims_audience(ctx);

        if (rc != NGX_OK) {
            return rc;
        }

        /* what it says is known: now its form, as of any other claim */

        ctx->scan = start;
    }

    return (name->len == 3) ? ngx_edge_claims_short(ctx, name)
                            : ngx_edge_members_skip(&ctx->members, &ctx->scan);
}


/* The registered claims that are judged all have three letters. */

static ngx_int_t
ngx_edge_claims_short(ngx_edge_claims_check_t *ctx, const ngx_str_t *name)
{
    ngx_str_t                 raw;
    ngx_edge_claims_times_t  *times;

    times = ctx->times;

    if (ngx_edge_scan_is(name, "exp")) {
        times->has_exp = 1;
        ctx->members.reason = "exp is no date";
        return ngx_edge_claims_date(ctx, 0, &times->exp);
    }

    if (ngx_edge_scan_is(name, "nbf")) {
        times->has_nbf = 1;
        ctx->members.reason = "nbf is no date";
        return ngx_edge_claims_date(ctx, 1, &times->nbf);
    }

    if (ngx_edge_scan_is(name, "iat")) {
        times->has_iat = 1;
        ctx->members.reason = "iat is no date";
        return ngx_edge_claims_date(ctx, 1, &times->iat);
    }

    if (ngx_edge_scan_is(name, "iss")) {
        return ngx_edge_claims_issuer(ctx);
    }

    if (ngx_edge_scan_is(name, "sub")) {
        return (ngx_edge_scan_string(&ctx->scan, &raw) == NGX_OK)
               ? NGX_OK : ngx_edge_claims_bad(ctx, "sub is no string");
    }

    return ngx_edge_members_skip(&ctx->members, &ctx->scan);
}


static ngx_int_t
ngx_edge_claims_issuer(ngx_edge_claims_check_t *ctx)
{
    ngx_int_t  rc;

    if (ngx_edge_scan_string(&ctx->scan, ctx->iss) != NGX_OK) {
        return ngx_edge_claims_bad(ctx, "iss is no string");
    }

    if (ctx->rules->issuers == NULL) {
        return NGX_OK;
    }

    rc = ngx_edge_claims_listed(ctx->members.pool, ctx->rules->issuers,
                                ctx->iss);

    return (rc == NGX_DECLINED)
           ? ngx_edge_claims_bad(ctx, "iss is not of auth_jwt_issuer") : rc;
}


/* A string, or an array of nothing but strings. */

static ngx_int_t
ngx_edge_claims_audience(ngx_edge_claims_check_t *ctx)
{
    ngx_int_t         rc;
    ngx_str_t         raw;
    ngx_uint_t        array;
    ngx_edge_scan_t  *s;

    s = &ctx->scan;

    array = (ngx_edge_scan_type(s) == ngx_edge_scan_type_array);

    if (array) {
        (void) ngx_edge_scan_array(s);
    }

    while (!array || ngx_edge_scan_element(s) == NGX_OK) {

        if (ngx_edge_scan_string(s, &raw) != NGX_OK) {
            break;
        }

        if (!ctx->audience) {
            rc = ngx_edge_claims_listed(ctx->members.pool,
                                        ctx->rules->audiences, &raw);
            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            ctx->audience = (rc == NGX_OK);
        }

        if (!array) {
            break;
        }
    }

    return s->error
           ? ngx_edge_claims_bad(ctx, "the audience is no string or strings")
           : NGX_OK;
}


static ngx_int_t
ngx_edge_claims_listed(ngx_pool_t *pool, const ngx_array_t *list,
    const ngx_str_t *raw)
{
    ngx_str_t         text;
    ngx_uint_t        i;
    const ngx_str_t  *elts;

    if (ngx_edge_scan_decode(pool, raw, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    elts = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (elts[i].len == text.len
            && ngx_memcmp(elts[i].data, text.data, text.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_claims_date(ngx_edge_claims_check_t *ctx, ngx_uint_t up,
    int64_t *date)
{
    size_t     i;
    int64_t    value;
    ngx_str_t  text;

    if (ngx_edge_scan_type(&ctx->scan) != ngx_edge_scan_type_number
        || ngx_edge_scan_raw(&ctx->scan, &text) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* digits and nothing else, as nearly all are */

    if (text.len < NGX_EDGE_CLAIMS_DIGITS) {
        value = 0;

        for (i = 0; i < text.len; i++) {

            if (text.data[i] < '0' || text.data[i] > '9') {
                return ngx_edge_claims_seconds(&text, up, date);
            }

            value = value * 10 + (text.data[i] - '0');
        }

        *date = value;

        return NGX_OK;
    }

    return ngx_edge_claims_seconds(&text, up, date);
}


/*
 * The whole seconds of a number of good grammar, exactly: no double is in
 * between.  Of the digits, those before the point as the exponent has moved
 * it make the number; if one behind it is not 0, up says which way to go.
 */

static ngx_int_t
ngx_edge_claims_seconds(const ngx_str_t *text, ngx_uint_t up,
    int64_t *seconds)
{
    u_char      *p, *start, *last;
    int64_t      value, whole;
    ngx_uint_t   fraction, minus;

    last = text->data + text->len;

    minus = (*text->data == '-');
    start = text->data + minus;

    for (p = start; p < last && *p >= '0' && *p <= '9'; p++) { /* void */ }

    whole = p - start;

    while (p < last && (*p | 0x20) != 'e') {
        p++;
    }

    if (p < last) {
        whole += ngx_edge_claims_exponent(p + 1, last);
        last = p;
    }

    value = 0;
    fraction = 0;

    for (p = start; p < last; p++) {

        if (*p == '.') {
            continue;
        }

        if (whole > 0) {
            whole--;
            value = value * 10 + (*p - '0');

            if (value > NGX_EDGE_CLAIMS_DATE_MAX) {
                return NGX_DECLINED;
            }

        } else if (*p != '0') {
            fraction = 1;
            break;
        }
    }

    for ( /* void */ ; whole > 0 && value; whole--) {
        value *= 10;

        if (value > NGX_EDGE_CLAIMS_DATE_MAX) {
            return NGX_DECLINED;
        }
    }

    if ((minus && (value || fraction))
        || (fraction && value == NGX_EDGE_CLAIMS_DATE_MAX))
    {
        return NGX_DECLINED;
    }

    *seconds = value + (fraction && up);

    return NGX_OK;
}


static int64_t
ngx_edge_claims_exponent(const u_char *p, const u_char *last)
{
    int64_t     exp;
    ngx_uint_t  minus;

    minus = (*p == '-');
    p += (*p == '-' || *p == '+');

    for (exp = 0; p < last; p++) {
        exp = ngx_min(exp * 10 + (*p - '0'), NGX_EDGE_CLAIMS_EXP_MAX);
    }

    return minus ? -exp : exp;
}


ngx_int_t
ngx_edge_claims_time(const ngx_edge_claims_times_t *times, int64_t now,
    int64_t leeway, const char **reason)
{
    if (times->has_exp && now - leeway >= times->exp) {
        *reason = "expired";
        return NGX_DECLINED;
    }

    if (times->has_nbf && times->nbf > now + leeway) {
        *reason = "not yet valid";
        return NGX_DECLINED;
    }

    if (times->has_iat && times->iat > now + leeway) {
        *reason = "issued in the future";
        return NGX_DECLINED;
    }

    return NGX_OK;
}
