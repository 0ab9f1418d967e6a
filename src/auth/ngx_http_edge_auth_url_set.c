
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of a source by URL as a process has them: parsed from the shared
 * text, in a pool that goes when the next version has come.  Knows nothing of
 * fetching.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "auth/ngx_http_edge_auth_url_source.h"


static ngx_http_edge_auth_url_set_t *ngx_http_edge_auth_url_set_create(void);
static ngx_log_t ngx_http_edge_auth_url_set_quiet(void);
static void ngx_http_edge_auth_url_set_retire(ngx_http_edge_auth_url_t *url);
static void ngx_http_edge_auth_url_set_sweep(ngx_event_t *ev);


void
ngx_http_edge_auth_url_set_load(ngx_http_edge_auth_url_t *url)
{
    ngx_str_t                      text;
    ngx_log_t                      log;
    ngx_http_edge_auth_url_set_t  *set;

    set = ngx_http_edge_auth_url_set_create();
    if (set == NULL) {
        return;
    }

    text.data = ngx_palloc(set->pool, NGX_EDGE_KEYSET_TEXT_MAX);
    if (text.data == NULL) {
        ngx_destroy_pool(set->pool);
        return;
    }

    set->version = ngx_http_edge_auth_url_state_text(&url->state, &text);

    /* what there is to say was said by the worker that fetched the text */

    log = ngx_http_edge_auth_url_set_quiet();

    set->keys = ngx_edge_keyset_create(set->pool, &log, NGX_LOG_ERR, &url->url,
                                       &text, NGX_EDGE_KEYSET_PUBLIC);

    if (set->keys == NULL) {
        ngx_destroy_pool(set->pool);
        return;
    }

    (void) ngx_pfree(set->pool, text.data);

    ngx_http_edge_auth_url_set_retire(url);

    url->set = set;
}


ngx_uint_t
ngx_http_edge_auth_url_set_check(ngx_http_edge_auth_url_t *url,
    ngx_str_t *text, ngx_uint_t level, ngx_uint_t again)
{
    ngx_log_t           log;
    ngx_uint_t          n;
    ngx_pool_t         *pool;
    ngx_edge_keyset_t  *keys;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return 0;
    }

    log = again ? ngx_http_edge_auth_url_set_quiet() : *ngx_cycle->log;

    if (again) {
        level = NGX_LOG_DEBUG;
    }

    keys = ngx_edge_keyset_create(pool, &log, level, &url->url, text,
                                  NGX_EDGE_KEYSET_PUBLIC);

    n = keys ? ngx_edge_keyset_count(keys) : 0;

    ngx_destroy_pool(pool);

    if (n && again) {

        /* usable at last, and single keys may be not: that is new */

        return ngx_http_edge_auth_url_set_check(url, text, level, 0);
    }

    return n;
}


void
ngx_http_edge_auth_url_set_end(ngx_http_edge_auth_url_t *url)
{
    if (url->set) {
        ngx_http_edge_auth_url_set_retire(url);
    }

    if (url->sweep.posted) {
        ngx_delete_posted_event(&url->sweep);
    }

    ngx_http_edge_auth_url_set_sweep(&url->sweep);
}


static ngx_http_edge_auth_url_set_t *
ngx_http_edge_auth_url_set_create(void)
{
    ngx_pool_t                    *pool;
    ngx_http_edge_auth_url_set_t  *set;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    set = ngx_pcalloc(pool, sizeof(ngx_http_edge_auth_url_set_t));
    if (set == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    set->pool = pool;

    return set;
}


/* The log without warnings. */

static ngx_log_t
ngx_http_edge_auth_url_set_quiet(void)
{
    ngx_log_t  log;

    log = *ngx_cycle->log;
    log.log_level = ngx_min(log.log_level, NGX_LOG_ERR);

    return log;
}


/* Whoever got the set before may use it until control is back in the event
 * loop: it is freed only then. */

static void
ngx_http_edge_auth_url_set_retire(ngx_http_edge_auth_url_t *url)
{
    if (url->set == NULL) {
        return;
    }

    url->set->next = url->old;
    url->old = url->set;
    url->set = NULL;

    url->sweep.handler = ngx_http_edge_auth_url_set_sweep;
    url->sweep.data = url;
    url->sweep.log = ngx_cycle->log;

    ngx_post_event(&url->sweep, &ngx_posted_events);
}


static void
ngx_http_edge_auth_url_set_sweep(ngx_event_t *ev)
{
    ngx_http_edge_auth_url_t      *url;
    ngx_http_edge_auth_url_set_t  *set;

    url = ev->data;

    while (url && url->old) {
        set = url->old;
        url->old = set->next;

        ngx_destroy_pool(set->pool);
    }
}
