
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers of pipelines.  Knows keys, entries and who makes one; not what the
 * parts mean.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_route_api.h"


#define NGX_HTTP_EDGE_CACHE_POLL    20     /* ms between two looks */
#define NGX_HTTP_EDGE_CACHE_WAIT    2000   /* ms for another's answer */
#define NGX_HTTP_EDGE_CACHE_OPEN    5000   /* ms without waiting, for what
                                              could not be kept */
#define NGX_HTTP_EDGE_CACHE_PREFIX  3      /* pieces that are always there */


struct ngx_http_edge_cache_answer_s {
    ngx_http_request_t           *request;
    ngx_http_edge_cache_zone_t   *zone;
    u_char                        key[NGX_EDGE_CACHE_KEY];
    ngx_edge_cache_label_t        label;
    uint64_t                      flight;  /* token; 0: none */
    ngx_msec_t                    until;   /* for another's answer */
    ngx_event_t                   timer;   /* next look, or renewal */
    ngx_http_edge_cache_wake_pt   wake;
    void                         *data;
    unsigned                      waits:1;
};


static ngx_int_t ngx_http_edge_cache_answer_find(
    ngx_http_edge_cache_answer_t *answer, ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_answer_found(
    ngx_http_edge_cache_answer_t *answer, const ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_answer_missed(
    ngx_http_edge_cache_answer_t *answer);
static void ngx_http_edge_cache_answer_wake(ngx_event_t *ev);
static void ngx_http_edge_cache_answer_renew(ngx_event_t *ev);
static void ngx_http_edge_cache_answer_end(
    ngx_http_edge_cache_answer_t *answer, ngx_msec_t open);
static void ngx_http_edge_cache_answer_cleanup(void *data);
static uint64_t ngx_http_edge_cache_corpus_id(const ngx_str_t *tenant,
    const ngx_str_t *collection);


ngx_http_edge_cache_zone_t *
ngx_http_edge_cache_zone_find(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);

    return ngx_http_edge_cache_by_name(cmcf, name);
}


ngx_http_edge_cache_answer_t *
ngx_http_edge_cache_answer_create(ngx_http_request_t *r,
    ngx_http_edge_cache_zone_t *zone, const ngx_str_t *pieces, ngx_uint_t n,
    ngx_http_edge_cache_wake_pt wake, void *data)
{
    ngx_str_t                        *piece;
    ngx_http_cleanup_t               *cln;
    ngx_http_edge_record_t           *rec;
    ngx_http_edge_cache_answer_t     *answer;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    rec = ngx_http_edge_record_get(r);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    answer = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_cache_answer_t));
    piece = ngx_palloc(r->pool, (NGX_HTTP_EDGE_CACHE_PREFIX + n)
                                * sizeof(ngx_str_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (rec == NULL || answer == NULL || piece == NULL || cln == NULL) {
        return NULL;
    }

    answer->request = r;
    answer->zone = zone;
    answer->label.tenant = ngx_http_edge_cache_digest(&rec->tenant);
    answer->label.module = ngx_http_edge_cache_digest(&rec->module->name);
    answer->wake = wake;
    answer->data = data;

    ngx_str_set(&piece[0], "answer");
    piece[1] = rec->tenant;
    piece[2] = rec->module->name;
    ngx_memcpy(&piece[NGX_HTTP_EDGE_CACHE_PREFIX], pieces,
               n * sizeof(ngx_str_t));

    if (ngx_edge_cache_key(cmcf->hash, r->pool, piece,
                           NGX_HTTP_EDGE_CACHE_PREFIX + n, answer->key)
        != NGX_OK)
    {
        return NULL;
    }

    cln->handler = ngx_http_edge_cache_answer_cleanup;
    cln->data = answer;

    return answer;
}


ngx_int_t
ngx_http_edge_cache_answer_get(ngx_http_edge_cache_answer_t *answer,
    ngx_str_t *parts, ngx_uint_t n)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_edge_cache_entry_t    e;
    ngx_edge_cache_flight_e   flight;

    rc = ngx_http_edge_cache_answer_find(answer, &e);

    if (rc == NGX_OK && e.nparts == n) {

        for (i = 0; i < n; i++) {
            parts[i] = e.part[i];
        }

        return ngx_http_edge_cache_answer_found(answer, &e);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    flight = ngx_edge_cache_flight_begin(answer->zone->l1, answer->key,
                                         ngx_current_msec,
                                         NGX_HTTP_EDGE_CACHE_LIFE,
                                         &answer->flight);

    if (flight == ngx_edge_cache_flight_mine) {
        answer->timer.handler = ngx_http_edge_cache_answer_renew;
        answer->timer.data = answer;
        answer->timer.log = answer->request->connection->log;
        answer->timer.cancelable = 1;
        ngx_add_timer(&answer->timer, NGX_HTTP_EDGE_CACHE_LIFE / 2);
    }

    if (flight != ngx_edge_cache_flight_other) {
        return ngx_http_edge_cache_answer_missed(answer);
    }

    if (!answer->waits) {
        answer->waits = 1;
        answer->until = ngx_current_msec + NGX_HTTP_EDGE_CACHE_WAIT;
    }

    if ((ngx_msec_int_t) (answer->until - ngx_current_msec) <= 0) {
        return ngx_http_edge_cache_answer_missed(answer);
    }

    answer->timer.handler = ngx_http_edge_cache_answer_wake;
    answer->timer.data = answer;
    answer->timer.log = answer->request->connection->log;
    ngx_add_timer(&answer->timer, NGX_HTTP_EDGE_CACHE_POLL);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_edge_cache_answer_find(ngx_http_edge_cache_answer_t *answer,
    ngx_edge_cache_entry_t *e)
{
    u_char     *p;
    size_t      size;
    ngx_int_t   rc;

    rc = ngx_edge_cache_l1_get(answer->zone->l1, answer->key, NULL, 0, &size);

    if (rc != NGX_AGAIN) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(answer->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_edge_cache_l1_get(answer->zone->l1, answer->key, p, size, &size);

    if (rc != NGX_OK
        || ngx_edge_cache_entry_read(e, answer->key, p, size) != NGX_OK
        || e->kind != ngx_edge_cache_answer
        || ngx_time() >= e->expires)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_answer_found(ngx_http_edge_cache_answer_t *answer,
    const ngx_edge_cache_entry_t *e)
{
    time_t                   now;
    u_char                  *p;
    ngx_str_t                status, age;
    ngx_http_request_t      *r;
    ngx_http_edge_record_t  *rec;

    r = answer->request;

    rec = ngx_http_edge_record_get(r);
    rec->cache_status = "HIT";

    p = ngx_pnalloc(r->pool, sizeof("ai-edge; hit; ttl=; collapsed")
                             + 2 * NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    now = ngx_time();

    status.data = p;
    p = ngx_sprintf(p, "ai-edge; hit; ttl=%T%s", e->expires - now,
                    answer->waits ? "; collapsed" : "");
    status.len = p - status.data;

    age.data = p;
    age.len = ngx_sprintf(p, "%T", ngx_max(now - e->stored, 0)) - p;

    if (ngx_http_edge_header_set(r, "Cache-Status", &status) != NGX_OK
        || ngx_http_edge_header_set(r, "Age", &age) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_answer_missed(ngx_http_edge_cache_answer_t *answer)
{
    ngx_http_edge_record_t  *rec;

    static const ngx_str_t   status = ngx_string("ai-edge; fwd=miss");

    rec = ngx_http_edge_record_get(answer->request);
    rec->cache_status = "MISS";

    return (ngx_http_edge_header_set(answer->request, "Cache-Status", &status)
            == NGX_OK)
           ? NGX_DECLINED : NGX_ERROR;
}


static void
ngx_http_edge_cache_answer_wake(ngx_event_t *ev)
{
    ngx_http_edge_cache_answer_t *answer = ev->data;

    answer->wake(answer->data);
}


static void
ngx_http_edge_cache_answer_renew(ngx_event_t *ev)
{
    ngx_http_edge_cache_answer_t *answer = ev->data;

    ngx_edge_cache_flight_renew(answer->zone->l1, answer->key, answer->flight,
                                ngx_current_msec, NGX_HTTP_EDGE_CACHE_LIFE);

    ngx_add_timer(ev, NGX_HTTP_EDGE_CACHE_LIFE / 2);
}


void
ngx_http_edge_cache_answer_stop(ngx_http_edge_cache_answer_t *answer)
{
    if (answer->timer.timer_set) {
        ngx_del_timer(&answer->timer);
    }
}


void
ngx_http_edge_cache_answer_put(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *parts, ngx_uint_t n, time_t valid)
{
    u_char                  *p;
    size_t                   size;
    ngx_uint_t               i;
    ngx_edge_cache_entry_t   e;

    /* those made at the same time need not all end at the same time */

    if (valid >= 10) {
        valid -= ngx_random() % (valid / 10 + 1);
    }

    ngx_memzero(&e, sizeof(ngx_edge_cache_entry_t));

    e.kind = ngx_edge_cache_answer;
    e.status = NGX_HTTP_OK;
    e.stored = ngx_time();
    e.expires = e.stored + valid;
    e.modified = -1;
    e.nparts = n;

    for (i = 0; i < n; i++) {
        e.part[i] = parts[i];
    }

    size = ngx_edge_cache_entry_size(&e);

    if (size == 0 || size > NGX_EDGE_CACHE_L1_MAX) {
        ngx_http_edge_cache_answer_drop(answer);
        return;
    }

    p = ngx_palloc(answer->request->pool, size);

    if (p) {
        ngx_edge_cache_entry_write(&e, answer->key, p);
        (void) ngx_edge_cache_l1_put(answer->zone->l1, answer->key,
                                     &answer->label, p, size);
        (void) ngx_pfree(answer->request->pool, p);
    }

    ngx_http_edge_cache_answer_end(answer, 0);
}


void
ngx_http_edge_cache_answer_drop(ngx_http_edge_cache_answer_t *answer)
{
    ngx_http_edge_cache_answer_end(answer, NGX_HTTP_EDGE_CACHE_OPEN);
}


static void
ngx_http_edge_cache_answer_end(ngx_http_edge_cache_answer_t *answer,
    ngx_msec_t open)
{
    if (answer->flight) {
        ngx_edge_cache_flight_end(answer->zone->l1, answer->key,
                                  answer->flight, ngx_current_msec, open);
        answer->flight = 0;
    }

    ngx_http_edge_cache_answer_stop(answer);
}


static void
ngx_http_edge_cache_answer_cleanup(void *data)
{
    ngx_http_edge_cache_answer_end(data, 0);
}


uint64_t
ngx_http_edge_cache_corpus(ngx_http_edge_cache_zone_t *zone,
    const ngx_str_t *tenant, const ngx_str_t *collection)
{
    return ngx_edge_cache_version(zone->l1,
                           ngx_http_edge_cache_corpus_id(tenant, collection));
}


void
ngx_http_edge_cache_corpus_changed(ngx_http_request_t *r,
    const ngx_str_t *tenant, const ngx_str_t *collection)
{
    uint64_t                           id;
    ngx_uint_t                         i;
    ngx_http_edge_cache_zone_t       **zone;
    ngx_http_edge_cache_main_conf_t   *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    zone = cmcf->zones.elts;
    id = ngx_http_edge_cache_corpus_id(tenant, collection);

    for (i = 0; i < cmcf->zones.nelts; i++) {
        (void) ngx_edge_cache_version_bump(zone[i]->l1, id);
    }
}


/* Two corpora of one id would only be renewed together. */

static uint64_t
ngx_http_edge_cache_corpus_id(const ngx_str_t *tenant,
    const ngx_str_t *collection)
{
    return ngx_http_edge_cache_digest(tenant) * 0x9e3779b97f4a7c15ULL
           + ngx_http_edge_cache_digest(collection);
}
