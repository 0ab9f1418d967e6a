
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


#define NGX_HTTP_EDGE_CACHE_OPEN    5000   /* ms without waiting, for what
                                              could not be kept */
#define NGX_HTTP_EDGE_CACHE_PREFIX  3      /* pieces that are always there */


static ngx_int_t ngx_http_edge_cache_answer_find(
    ngx_http_edge_cache_answer_t *answer, ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_answer_found(
    ngx_http_edge_cache_answer_t *answer, const ngx_edge_cache_entry_t *e,
    const char *how);
static ngx_int_t ngx_http_edge_cache_answer_missed(
    ngx_http_edge_cache_answer_t *answer);
static void ngx_http_edge_cache_answer_cleanup(void *data);


ngx_http_edge_cache_zone_t *
ngx_http_edge_cache_zone_find(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_edge_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_edge_cache_module);

    return ngx_http_edge_cache_by_name(cmcf, name);
}


ngx_http_edge_cache_answer_t *
ngx_http_edge_cache_answer_create(ngx_http_request_t *r,
    ngx_http_edge_cache_zone_t *zone, ngx_http_edge_cache_wake_pt wake,
    void *data)
{
    ngx_http_cleanup_t              *cln;
    ngx_http_edge_record_t          *rec;
    ngx_http_edge_cache_answer_t    *answer;
    ngx_http_edge_cache_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_cache_module);
    rec = ngx_http_edge_record_get(r);
    answer = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_cache_answer_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (rec == NULL || answer == NULL || cln == NULL) {
        return NULL;
    }

    answer->seek.request = r;
    answer->seek.zone = zone;
    answer->seek.wait = clcf->lock_timeout;
    answer->seek.label.tenant = ngx_http_edge_cache_digest(&rec->tenant);
    answer->seek.label.module = ngx_http_edge_cache_digest(&rec->module->name);
    answer->seek.wake = wake;
    answer->seek.data = data;

    ngx_edge_cache_purges_now(ngx_edge_cache_l1_purges(zone->l1),
                              zone->sync.reader, &answer->begun);

    cln->handler = ngx_http_edge_cache_answer_cleanup;
    cln->data = answer;

    return answer;
}


ngx_int_t
ngx_http_edge_cache_answer_key(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *pieces, ngx_uint_t n)
{
    ngx_str_t                        *piece;
    ngx_http_request_t               *r;
    ngx_http_edge_record_t           *rec;
    ngx_http_edge_cache_main_conf_t  *cmcf;

    r = answer->seek.request;
    rec = ngx_http_edge_record_get(r);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    piece = ngx_palloc(r->pool, (NGX_HTTP_EDGE_CACHE_PREFIX + n)
                                * sizeof(ngx_str_t));
    if (piece == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&piece[0], "answer");
    piece[1] = rec->tenant;
    piece[2] = rec->module->name;
    ngx_memcpy(&piece[NGX_HTTP_EDGE_CACHE_PREFIX], pieces,
               n * sizeof(ngx_str_t));

    return ngx_edge_cache_key(cmcf->memo, r->pool, piece,
                              NGX_HTTP_EDGE_CACHE_PREFIX + n,
                              answer->seek.key);
}


ngx_int_t
ngx_http_edge_cache_answer_get(ngx_http_edge_cache_answer_t *answer,
    ngx_str_t *parts, ngx_uint_t n, ngx_http_edge_cache_sound_pt sound,
    time_t stale)
{
    ngx_int_t               rc;
    ngx_uint_t              i, waited, old;
    ngx_edge_cache_entry_t  e;

    rc = ngx_http_edge_cache_answer_find(answer, &e);

    if (rc == NGX_OK && e.nparts == n && sound(e.part)) {

        if (ngx_time() < e.expires) {

            for (i = 0; i < n; i++) {
                parts[i] = e.part[i];
            }

            return ngx_http_edge_cache_answer_found(answer, &e, "HIT");
        }

        answer->old = e;
        answer->has_old = 1;
    }

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return rc;
    }

    old = (ngx_http_edge_cache_answer_stale(answer, parts, stale) == NGX_OK);

    waited = answer->seek.waited;
    answer->seek.impatient = old;

    rc = waited ? NGX_AGAIN : ngx_http_edge_cache_seek_lead(&answer->seek);

    /* somebody else makes it anew: no need to wait, nor to ask for the lock */

    if (rc == NGX_AGAIN && answer->seek.waited && old) {
        ngx_http_edge_cache_seek_end(&answer->seek, 0);
        answer->seek.waited = 0;

        return ngx_http_edge_cache_answer_found(answer, &answer->old,
                                                "UPDATING");
    }

    if (waited) {
        rc = ngx_http_edge_cache_seek_lead(&answer->seek);
    }

    return (rc == NGX_OK) ? ngx_http_edge_cache_answer_missed(answer) : rc;
}


static ngx_int_t
ngx_http_edge_cache_answer_find(ngx_http_edge_cache_answer_t *answer,
    ngx_edge_cache_entry_t *e)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_cache_seek_get(&answer->seek, answer->seek.key, e);

    return (rc == NGX_OK && e->kind != ngx_edge_cache_answer) ? NGX_DECLINED
                                                             : rc;
}


ngx_int_t
ngx_http_edge_cache_answer_stale(ngx_http_edge_cache_answer_t *answer,
    ngx_str_t *parts, time_t stale)
{
    ngx_uint_t                i, past;
    ngx_edge_cache_purges_t  *purges;

    if (!answer->has_old || ngx_time() - stale >= answer->old.expires) {
        return NGX_DECLINED;
    }

    /* purged while another one was tried for */

    purges = ngx_edge_cache_l1_purges(answer->seek.zone->l1);

    ngx_shmtx_lock(purges->mutex);

    past = ngx_edge_cache_purges_past(purges, &answer->seek.label,
                                      answer->begun.mark);

    ngx_shmtx_unlock(purges->mutex);

    if (past) {
        return NGX_DECLINED;
    }

    for (i = 0; i < answer->old.nparts; i++) {
        parts[i] = answer->old.part[i];
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_answer_given(ngx_http_edge_cache_answer_t *answer)
{
    ngx_http_edge_cache_answer_drop(answer);

    return ngx_http_edge_cache_answer_found(answer, &answer->old, "STALE");
}


static ngx_int_t
ngx_http_edge_cache_answer_found(ngx_http_edge_cache_answer_t *answer,
    const ngx_edge_cache_entry_t *e, const char *how)
{
    ngx_str_t                status, age;
    ngx_http_request_t      *r;
    ngx_http_edge_record_t  *rec;

    r = answer->seek.request;

    rec = ngx_http_edge_record_get(r);
    rec->cache_status = how;

    if (ngx_http_edge_cache_hit_texts(r, e, answer->seek.waited, &status, &age)
        != NGX_OK
        || ngx_http_edge_header_set(r, "Cache-Status", &status) != NGX_OK
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

    static const ngx_str_t   miss = ngx_string("ai-edge; fwd=miss");
    static const ngx_str_t   stale = ngx_string("ai-edge; fwd=stale");

    rec = ngx_http_edge_record_get(answer->seek.request);
    rec->cache_status = answer->has_old ? "EXPIRED" : "MISS";

    ngx_http_edge_cache_seek_begin(&answer->seek);

    return (ngx_http_edge_header_set(answer->seek.request, "Cache-Status",
                                     answer->has_old ? &stale : &miss)
            == NGX_OK)
           ? NGX_DECLINED : NGX_ERROR;
}


void
ngx_http_edge_cache_answer_stop(ngx_http_edge_cache_answer_t *answer)
{
    ngx_http_edge_cache_seek_end(&answer->seek, 0);
}


void
ngx_http_edge_cache_answer_put(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *parts, ngx_uint_t n, time_t valid, time_t stale)
{
    ngx_str_t               data;
    ngx_uint_t              i;
    ngx_edge_cache_entry_t  e;

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
    e.position = answer->seek.since.position;
    e.nparts = n;

    for (i = 0; i < n; i++) {
        e.part[i] = parts[i];
    }

    data.len = ngx_edge_cache_entry_size(&e);

    if (data.len == 0 || data.len > NGX_EDGE_CACHE_L1_MAX) {
        ngx_http_edge_cache_answer_drop(answer);
        return;
    }

    data.data = ngx_palloc(answer->seek.request->pool, data.len);

    if (data.data) {
        ngx_edge_cache_entry_write(&e, answer->seek.key, data.data);
        ngx_http_edge_cache_seek_put(&answer->seek, answer->seek.key, &data,
                                     valid + stale);
        (void) ngx_pfree(answer->seek.request->pool, data.data);
    }

    ngx_http_edge_cache_seek_end(&answer->seek, 0);
}


void
ngx_http_edge_cache_answer_drop(ngx_http_edge_cache_answer_t *answer)
{
    ngx_http_edge_cache_seek_end(&answer->seek, NGX_HTTP_EDGE_CACHE_OPEN);
}


static void
ngx_http_edge_cache_answer_cleanup(void *data)
{
    ngx_http_edge_cache_answer_t *answer = data;

    ngx_http_edge_cache_seek_end(&answer->seek, 0);
}
