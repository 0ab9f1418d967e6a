
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * When keys by URL are fetched, and what becomes of the response.  Each worker
 * has one timer at the time the next fetch is due; who comes first takes the
 * lease, the others look when it is due again.  A failed fetch changes nothing
 * but the time of the next.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "auth/ngx_http_edge_auth_url.h"
#include "auth/ngx_http_edge_auth_url_source.h"


/* A lease is over so much later than its fetch must be. */
#define NGX_HTTP_EDGE_AUTH_URL_SLACK    1000


static ngx_int_t ngx_http_edge_auth_url_start(ngx_http_edge_auth_url_t *url);
static void ngx_http_edge_auth_url_timer(ngx_event_t *ev);
static void ngx_http_edge_auth_url_look(ngx_http_edge_auth_url_t *url);
static void ngx_http_edge_auth_url_done(ngx_edge_fetch_t *fetch);
static void ngx_http_edge_auth_url_succeed(ngx_http_edge_auth_url_t *url,
    ngx_uint_t fresh);
static void ngx_http_edge_auth_url_fail(ngx_http_edge_auth_url_t *url);
static ngx_uint_t ngx_http_edge_auth_url_level(ngx_http_edge_auth_url_t *url);
static void ngx_http_edge_auth_url_cleanup(void *data);


ngx_edge_keyset_t *
ngx_http_edge_auth_url_keys(ngx_http_edge_auth_url_t *url)
{
    ngx_uint_t  version;

    version = url->state.shared->version;

    if (version && (url->set == NULL || url->set->version != version)) {
        ngx_http_edge_auth_url_set_load(url);
    }

    return url->set ? url->set->keys : NULL;
}


ngx_int_t
ngx_http_edge_auth_url_refetch(ngx_http_edge_auth_url_t *url)
{
    ngx_int_t   rc;
    ngx_uint_t  version;

    if (url->fetching) {
        return NGX_AGAIN;
    }

    if (ngx_exiting || ngx_terminate) {

        /* what another worker does may still help */

        rc = ngx_http_edge_auth_url_state_running(&url->state) ? NGX_AGAIN
                                                               : NGX_DECLINED;

    } else {
        rc = ngx_http_edge_auth_url_state_claim_kid(&url->state,
                               url->timeout + NGX_HTTP_EDGE_AUTH_URL_SLACK,
                               url->cooldown);
    }

    if (rc == NGX_DECLINED) {

        /* another worker's fetch may have ended behind the judgement */

        version = url->state.shared->version;

        return (version && (url->set == NULL || url->set->version != version))
               ? NGX_OK : NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_edge_auth_url_start(url) == NGX_OK ? NGX_AGAIN
                                                       : NGX_DECLINED;
}


ngx_uint_t
ngx_http_edge_auth_url_attempts(ngx_http_edge_auth_url_t *url)
{
    return url->state.shared->attempts;
}


ngx_msec_t
ngx_http_edge_auth_url_timeout(ngx_http_edge_auth_url_t *url)
{
    return url->timeout;
}


ngx_int_t
ngx_http_edge_auth_url_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                 i;
    ngx_list_part_t           *part;
    ngx_shm_zone_t            *zone;
    ngx_pool_cleanup_t        *cln;
    ngx_http_edge_auth_url_t  *url;

    /* nginx's helpers, as the manager of caches, come here too */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    part = &cycle->shared_memory.part;
    zone = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_OK;
            }

            part = part->next;
            zone = part->elts;
            i = 0;
        }

        url = ngx_http_edge_auth_url_of_zone(&zone[i]);
        if (url == NULL) {
            continue;
        }

        cln = ngx_pool_cleanup_add(cycle->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_edge_auth_url_cleanup;
        cln->data = url;

        url->timer.handler = ngx_http_edge_auth_url_timer;
        url->timer.log = cycle->log;
        url->timer.data = url;
        url->timer.cancelable = 1;

        url->started = 1;

        /* not at once: the process is not whole yet */

        ngx_add_timer(&url->timer, 1);
    }
}


/* The process ends: a fetch of its own was dropped with its sockets. */

static void
ngx_http_edge_auth_url_cleanup(void *data)
{
    ngx_http_edge_auth_url_t *url = data;

    ngx_edge_fetch_cancel(&url->fetch);

    if (url->fetching) {
        url->fetching = 0;
        ngx_http_edge_auth_url_state_release(&url->state);
    }

    if (url->timer.timer_set) {
        ngx_del_timer(&url->timer);
    }

    ngx_http_edge_auth_url_set_end(url);
}


/* The lease is this process's. */

static ngx_int_t
ngx_http_edge_auth_url_start(ngx_http_edge_auth_url_t *url)
{
    url->fetch.url = url->url;
    url->fetch.ca = url->ca;
    url->fetch.timeout = url->timeout;
    url->fetch.limit = NGX_EDGE_KEYSET_TEXT_MAX;
    url->fetch.done = ngx_http_edge_auth_url_done;
    url->fetch.data = url;

    if (ngx_edge_fetch_start(&url->fetch) != NGX_OK) {
        ngx_str_set(&url->fetch.error, "no call could be made");
        ngx_http_edge_auth_url_fail(url);
        return NGX_ERROR;
    }

    url->fetching = 1;

    return NGX_OK;
}


static void
ngx_http_edge_auth_url_timer(ngx_event_t *ev)
{
    ngx_http_edge_auth_url_look(ev->data);
}


/* Fetches, if that is due and nobody else does, or sets the timer. */

static void
ngx_http_edge_auth_url_look(ngx_http_edge_auth_url_t *url)
{
    ngx_msec_t  wait;

    if (!url->started || url->fetching || ngx_exiting || ngx_terminate) {
        return;
    }

    if (ngx_http_edge_auth_url_state_claim_due(&url->state,
                               url->timeout + NGX_HTTP_EDGE_AUTH_URL_SLACK,
                               &wait)
        == NGX_OK)
    {
        (void) ngx_http_edge_auth_url_start(url);
        return;
    }

    /* nginx leaves a timer that is nearly right */

    if (url->timer.timer_set) {
        ngx_del_timer(&url->timer);
    }

    ngx_add_timer(&url->timer, wait);
}


static void
ngx_http_edge_auth_url_done(ngx_edge_fetch_t *fetch)
{
    ngx_uint_t                 n;
    ngx_http_edge_auth_url_t  *url;

    url = fetch->data;
    url->fetching = 0;

    if (fetch->status != NGX_HTTP_OK) {
        ngx_http_edge_auth_url_fail(url);
        return;
    }

    if (ngx_http_edge_auth_url_state_equal(&url->state, &fetch->body)) {
        ngx_http_edge_auth_url_succeed(url, 0);
        return;
    }

    n = ngx_http_edge_auth_url_set_check(url, &fetch->body,
                                         ngx_http_edge_auth_url_level(url),
                                         url->state.shared->failures != 0);

    if (n == 0) {
        ngx_http_edge_auth_url_fail(url);
        return;
    }

    ngx_http_edge_auth_url_succeed(url, n);
}


/* fresh: how many keys are new; 0: they are those in force. */

static void
ngx_http_edge_auth_url_succeed(ngx_http_edge_auth_url_t *url, ngx_uint_t fresh)
{
    ngx_msec_t  msec;
    ngx_uint_t  failures;

    msec = ngx_http_edge_auth_url_state_interval(url->refresh,
                                                 url->fetch.max_age);

    if (ngx_http_edge_auth_url_state_succeed(&url->state, &url->fetch.body,
                                             msec, &failures)
        == NGX_OK)
    {
        if (failures) {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "edge auth: keys of \"%V\" could be fetched again, "
                          "after %ui failures", &url->url, failures);
        }

        if (fresh) {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "edge auth: %ui keys of \"%V\" are in force",
                          fresh, &url->url);
        }
    }

    ngx_http_edge_auth_url_look(url);
}


/* Logs the first failure in a row; that of a body was logged by its parser. */

static void
ngx_http_edge_auth_url_fail(ngx_http_edge_auth_url_t *url)
{
    ngx_uint_t         level, failures;
    const char        *stay;
    ngx_edge_fetch_t  *fetch;

    fetch = &url->fetch;
    level = ngx_http_edge_auth_url_level(url);

    if (ngx_http_edge_auth_url_state_fail(&url->state, url->refresh, &failures)
        == NGX_OK
        && failures == 0)
    {
        stay = (level == NGX_LOG_WARN) ? "those in force stay"
                                       : "there are none yet";

        if (fetch->status == 0) {
            ngx_log_error(level, ngx_cycle->log, 0,
                          "edge auth: keys of \"%V\" cannot be fetched, %s: "
                          "%V", &url->url, stay, &fetch->error);

        } else if (fetch->status != NGX_HTTP_OK) {
            ngx_log_error(level, ngx_cycle->log, 0,
                          "edge auth: keys of \"%V\" cannot be fetched, %s: "
                          "status %ui", &url->url, stay, fetch->status);
        }
    }

    ngx_http_edge_auth_url_look(url);
}


/* Of a failure: without any keys requests fail. */

static ngx_uint_t
ngx_http_edge_auth_url_level(ngx_http_edge_auth_url_t *url)
{
    return url->state.shared->version ? NGX_LOG_WARN : NGX_LOG_ERR;
}
