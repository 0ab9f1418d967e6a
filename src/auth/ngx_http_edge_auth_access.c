
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The door: the ACCESS handler.  A token, the keys of the location, a verdict
 * (remembered or new), then what is judged anew each time: the dates and
 * auth_jwt_require.  A pass is NGX_OK, so "satisfy" works as for nginx's own
 * access modules.
 *
 * The handler is entered again while keys are awaited: it then finds its
 * context and asks again for what was missing.  Two things are awaited, never
 * without a bound:
 *
 *   subrequests  of auth_jwt_key_request; each has its timeout, and its end
 *                wakes the request
 *   fetches      of auth_jwt_key_url, when there are no keys yet or the token
 *                names a key that is not among them.  Another worker may be at
 *                it, so the request looks at their progress by a timer: each
 *                that has ended has the token judged anew, the last or the
 *                deadline ends the waiting.  Only sources that may have keys
 *                for the token's issuer are waited for
 *
 * The verdict lives in the request's record, and only one that was reached for
 * the location the request is in.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


#define NGX_HTTP_EDGE_AUTH_POLL  20    /* milliseconds */


static ngx_int_t ngx_http_edge_auth_verify(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j,
    ngx_http_edge_auth_verified_t **verified);
static ngx_int_t ngx_http_edge_auth_keys(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j);
static ngx_int_t ngx_http_edge_auth_refetch(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t wanted);
static ngx_uint_t ngx_http_edge_auth_arrived(
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_ctx_t *ctx);
static ngx_int_t ngx_http_edge_auth_wait(ngx_http_request_t *r,
    ngx_http_edge_auth_ctx_t *ctx);
static void ngx_http_edge_auth_wait_handler(ngx_event_t *ev);
static ngx_http_edge_auth_ctx_t *ngx_http_edge_auth_ctx(
    ngx_http_request_t *r);
static void ngx_http_edge_auth_cleanup(void *data);
static ngx_int_t ngx_http_edge_auth_pass(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_verified_t *verified);
static ngx_int_t ngx_http_edge_auth_required(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf);
static void ngx_http_edge_auth_forget(ngx_http_request_t *r,
    const ngx_http_complex_value_t *value);


ngx_int_t
ngx_http_edge_auth_access(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_edge_record_t          *rec;
    ngx_http_edge_auth_ctx_t        *ctx;
    ngx_http_edge_auth_verified_t   *verified;
    ngx_http_edge_auth_loc_conf_t   *alcf;
    ngx_http_edge_auth_judgement_t   j;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_auth_module);

    if (!alcf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_auth_module);

    if (ctx && ctx->timer.timer_set) {
        return NGX_AGAIN;
    }

    /* a judgement costs far more than a look at the time */

    if (ctx && ctx->awaited && !ngx_http_edge_auth_arrived(alcf, ctx)) {
        return (ngx_http_edge_auth_wait(r, ctx) == NGX_AGAIN)
               ? NGX_AGAIN : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rec = ngx_http_edge_record(r);
    if (rec == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* of a location that the request was in before, as is what variables
     * remember of its claims */

    if (rec->verified) {
        rec->verified = NULL;
        rec->claims_asked = 1;
    }

    if (alcf->sources == NULL) {
        return ngx_http_edge_auth_unavailable(r);
    }

    rc = ngx_http_edge_auth_token(r, alcf, &j.text);

    if (rc == NGX_DECLINED) {
        return ngx_http_edge_auth_refuse_missing(r, alcf);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (j.text.len > alcf->max_size) {
        return ngx_http_edge_auth_refuse_invalid(r, alcf, 0,
                                                 "over auth_jwt_max_size");
    }

    rc = ngx_http_edge_auth_verify(r, alcf, &j, &verified);

    if (rc == NGX_BUSY) {
        rc = ngx_http_edge_auth_verify(r, alcf, &j, &verified);
    }

    switch (rc) {

    case NGX_OK:
        return ngx_http_edge_auth_pass(r, alcf, verified);

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_BUSY:
    case NGX_DECLINED:
        return j.missing ? ngx_http_edge_auth_unavailable(r)
                         : ngx_http_edge_auth_refuse_invalid(r, alcf, 0,
                                                             j.reason);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* Keys, then the remembered verdict, then a new one.  NGX_BUSY: of keys that
 * are not the newest any more. */

static ngx_int_t
ngx_http_edge_auth_verify(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j,
    ngx_http_edge_auth_verified_t **verified)
{
    u_char     id[NGX_EDGE_HASH_SIZE];
    ngx_int_t  rc;

    rc = ngx_http_edge_auth_keys(r, alcf, j);

    if (rc != NGX_OK) {
        return rc;
    }

    if (alcf->cache) {

        if (ngx_http_edge_auth_id(r, alcf, j, id) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_edge_auth_cache_find(r, alcf->cache, id, verified);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    rc = ngx_http_edge_auth_judge(r, alcf, j, verified);

    if (rc == NGX_AGAIN) {
        return ngx_http_edge_auth_refetch(r, alcf, j->wanted);
    }

    if (rc == NGX_OK && alcf->cache) {
        ngx_memcpy((*verified)->id, id, NGX_EDGE_HASH_SIZE);
        (*verified)->named = 1;
        ngx_http_edge_auth_cache_put(r, alcf->cache, *verified);
    }

    return rc;
}


/* The key sets of all sources, as far as they can be had now. */

static ngx_int_t
ngx_http_edge_auth_keys(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i, again;
    ngx_edge_keyset_t            *set;
    ngx_http_edge_auth_ctx_t     *ctx;
    ngx_http_edge_auth_source_t  *source;

    source = alcf->sources->elts;
    again = 0;

    j->nsets = alcf->sources->nelts;
    j->missing = 0;

    for (i = 0; i < j->nsets; i++) {

        switch (source[i].type) {

        case ngx_http_edge_auth_source_file:
            set = source[i].set;
            break;

        case ngx_http_edge_auth_source_url:
            set = ngx_http_edge_auth_url_keys(source[i].url);
            break;

        default: /* request */

            ctx = ngx_http_edge_auth_ctx(r);
            if (ctx == NULL) {
                return NGX_ERROR;
            }

            rc = ngx_http_edge_auth_request_keys(r, alcf, &source[i],
                                                 &ctx->subs[i], &set);
            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            again |= (rc == NGX_AGAIN);
        }

        j->sets[i] = set;
        j->missing += (set == NULL);
    }

    return again ? NGX_AGAIN : NGX_OK;
}


/* Newer keys of the wanted sources could change the verdict. */

static ngx_int_t
ngx_http_edge_auth_refetch(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t wanted)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i, newer;
    ngx_msec_t                    timeout;
    ngx_http_edge_auth_ctx_t     *ctx;
    ngx_http_edge_auth_source_t  *source;

    ctx = ngx_http_edge_auth_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->fetch) {
        ctx->awaited &= wanted;

        if (ctx->awaited == 0
            || (ngx_msec_int_t) (ctx->deadline - ngx_current_msec) <= 0)
        {
            return NGX_DECLINED;
        }

        return ngx_http_edge_auth_wait(r, ctx);
    }

    source = alcf->sources->elts;
    timeout = 0;
    newer = 0;

    for (i = 0; i < alcf->sources->nelts; i++) {

        if (!(wanted & (ngx_uint_t) 1 << i)) {
            continue;
        }

        ctx->attempts[i] = ngx_http_edge_auth_url_attempts(source[i].url);

        rc = ngx_http_edge_auth_url_refetch(source[i].url);

        newer |= (rc == NGX_OK);

        if (rc == NGX_AGAIN) {
            ctx->awaited |= (ngx_uint_t) 1 << i;
            timeout = ngx_max(timeout,
                              ngx_http_edge_auth_url_timeout(source[i].url));
        }
    }

    if (ctx->awaited == 0) {
        return newer ? NGX_BUSY : NGX_DECLINED;
    }

    ctx->fetch = 1;
    ctx->deadline = ngx_current_msec + timeout;

    return ngx_http_edge_auth_wait(r, ctx);
}


/* Whether an awaited fetch has ended, or the waiting itself. */

static ngx_uint_t
ngx_http_edge_auth_arrived(ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_ctx_t *ctx)
{
    ngx_uint_t                    i, bit, arrived;
    ngx_http_edge_auth_source_t  *source;

    arrived = ((ngx_msec_int_t) (ctx->deadline - ngx_current_msec) <= 0);
    source = alcf->sources->elts;

    for (i = 0; i < alcf->sources->nelts; i++) {
        bit = (ngx_uint_t) 1 << i;

        if ((ctx->awaited & bit)
            && ngx_http_edge_auth_url_attempts(source[i].url)
               != ctx->attempts[i])
        {
            ctx->awaited &= ~bit;
            arrived = 1;
        }
    }

    return arrived;
}


/* Like limit_req's delay: a client that leaves meanwhile is noticed. */

static ngx_int_t
ngx_http_edge_auth_wait(ngx_http_request_t *r, ngx_http_edge_auth_ctx_t *ctx)
{
    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;

    ngx_add_timer(&ctx->timer, NGX_HTTP_EDGE_AUTH_POLL);

    return NGX_AGAIN;
}


static void
ngx_http_edge_auth_wait_handler(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ev->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);

    } else {
        ngx_http_core_run_phases(r);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_http_edge_auth_ctx_t *
ngx_http_edge_auth_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_edge_auth_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_edge_auth_module);

    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_edge_auth_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_edge_auth_ctx_t));

    ctx->timer.handler = ngx_http_edge_auth_wait_handler;
    ctx->timer.data = r;
    ctx->timer.log = r->connection->log;

    cln->handler = ngx_http_edge_auth_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_edge_auth_module);

    return ctx;
}


static void
ngx_http_edge_auth_cleanup(void *data)
{
    ngx_http_edge_auth_ctx_t  *ctx = data;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }
}


/* The signature was good, now or when the verdict was made; the rest is
 * judged each time. */

static ngx_int_t
ngx_http_edge_auth_pass(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_verified_t *verified)
{
    ngx_int_t                rc;
    const char              *reason;
    ngx_http_edge_record_t  *rec;

    if (ngx_edge_claims_time(&verified->times, ngx_time(), alcf->leeway,
                             &reason)
        != NGX_OK)
    {
        return ngx_http_edge_auth_refuse_invalid(r, alcf, 1, reason);
    }

    switch (ngx_http_edge_auth_revoke_check(r, alcf, verified)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_edge_auth_refuse_invalid(r, alcf, 0, "revoked");

    case NGX_AGAIN:
        return ngx_http_edge_auth_blind(r);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rec = ngx_http_edge_record_get(r);

    /* from here on the variables show its claims */
    rec->verified = verified;

    rc = ngx_http_edge_auth_required(r, alcf);

    if (rc != NGX_OK) {
        rec->verified = NULL;
        rec->claims_asked = 1;
    }

    return rc;
}


static ngx_int_t
ngx_http_edge_auth_required(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_str_t                      text;
    ngx_uint_t                     i, k;
    ngx_http_edge_record_t        *rec;
    ngx_http_complex_value_t      *value;
    ngx_http_edge_auth_require_t  *require;

    if (alcf->require == NULL) {
        return NGX_OK;
    }

    rec = ngx_http_edge_record_get(r);
    require = alcf->require->elts;

    for (i = 0; i < alcf->require->nelts; i++) {
        value = require[i].values->elts;

        for (k = 0; k < require[i].values->nelts; k++) {

            if (rec->claims_asked) {
                ngx_http_edge_auth_forget(r, &value[k]);
            }

            if (ngx_http_complex_value(r, &value[k], &text) != NGX_OK) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            if (text.len == 0 || (text.len == 1 && text.data[0] == '0')) {
                return ngx_http_edge_auth_refuse_required(r, alcf,
                                                          require[i].status);
            }
        }
    }

    return NGX_OK;
}


/*
 * A map of a claim that was asked for before this token was verified has
 * remembered what it found then: nothing, or the claims of another token.  So
 * may have another map behind it, which is known by its handler alone: all
 * variables of the handlers that are named here are forgotten.
 */

static void
ngx_http_edge_auth_forget(ngx_http_request_t *r,
    const ngx_http_complex_value_t *value)
{
    ngx_uint_t                 *index, i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    index = value->flushes;

    if (index == NULL) {
        return;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    v = cmcf->variables.elts;

    for ( /* void */ ; *index != (ngx_uint_t) -1; index++) {

        for (i = 0; i < cmcf->variables.nelts; i++) {

            if (v[i].get_handler == v[*index].get_handler) {
                r->variables[i].valid = 0;
                r->variables[i].not_found = 0;
            }
        }
    }
}
