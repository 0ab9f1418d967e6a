
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of corpora: a tenant's documents in one collection.  An answer's
 * key holds the version it was made from, so a new version makes the answers
 * of the old one unreachable, wherever they are.
 *
 * Without Redis a version lives in the zone.  With Redis it is the value of
 * edge:ver:{tenant}:<collection>, kept in the zone for a time: a number that
 * Redis makes of its clock, and that only grows.
 *
 * A change here is a new version in the zone at once, which no other instance
 * ever has; Redis is told, and makes one that takes its place.  A question that
 * comes before takes what is in Redis only if it came there behind the look,
 * and so behind the change; if there is nothing, or less than was known (what
 * Redis has lost, or has gone back to), only what is greater; else Redis makes
 * one.  So questions that come at once, anywhere, agree, and what was once
 * replaced does not come back.
 *
 * When Redis is lost, what was known serves for a minute; then nothing is
 * cached, since a change at another instance would not be seen.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_edge_random.h"


#define NGX_HTTP_EDGE_CACHE_BLIND    60000 /* ms a version serves unseen */
#define NGX_HTTP_EDGE_CACHE_GUARD    5000  /* ms: no answer is that late */


static ngx_int_t ngx_http_edge_cache_corpus_ask(
    ngx_http_edge_cache_answer_t *answer, const ngx_str_t *tenant,
    const ngx_str_t *collection);
static void ngx_http_edge_cache_corpus_answered(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_cache_corpus_heard(
    ngx_http_edge_cache_answer_t *answer, uint64_t version);
static void ngx_http_edge_cache_corpus_guard(ngx_event_t *ev);
static ngx_int_t ngx_http_edge_cache_corpus_key(ngx_pool_t *pool,
    const ngx_str_t *tenant, const ngx_str_t *collection, ngx_str_t *key);
static uint64_t ngx_http_edge_cache_corpus_id(const ngx_str_t *tenant,
    const ngx_str_t *collection);


ngx_int_t
ngx_http_edge_cache_answer_corpus(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *tenant, const ngx_str_t *collection, ngx_msec_t max_age,
    uint64_t *version)
{
    uint64_t                     id;
    ngx_int_t                    rc;
    ngx_uint_t                   known;
    ngx_msec_int_t               age;      /* below 0 where another worker's
                                              clock was ahead */
    ngx_edge_cache_known_t       k;
    ngx_http_edge_cache_zone_t  *zone;

    zone = answer->seek.zone;
    id = ngx_http_edge_cache_corpus_id(tenant, collection);

    if (zone->redis == NULL) {
        *version = ngx_edge_cache_version(
                                     ngx_edge_cache_l1_versions(zone->l1), id);
        return NGX_OK;
    }

    ngx_memzero(&k, sizeof(ngx_edge_cache_known_t));

    known = ngx_edge_cache_version_look(ngx_edge_cache_l1_versions(zone->l1),
                                        id, &k);

    age = ngx_current_msec - k.time;

    if (known && !k.untold && age < (ngx_msec_int_t) max_age) {
        *version = k.version;
        return NGX_OK;
    }

    if (answer->corpus != id) {

        answer->corpus = id;
        answer->known = k;
        answer->agreeing = 0;

        rc = ngx_http_edge_cache_corpus_ask(answer, tenant, collection);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    /* asked just now, or Redis has not answered */

    if (known && age < NGX_HTTP_EDGE_CACHE_BLIND) {
        *version = k.version;
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_cache_corpus_ask(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *tenant, const ngx_str_t *collection)
{
    ngx_int_t                      rc;
    ngx_http_edge_cache_seek_t    *seek;
    ngx_http_edge_cache_errand_t  *errand;

    seek = &answer->seek;
    errand = ngx_http_edge_cache_seek_errand(seek);

    if (errand == NULL
        || ngx_http_edge_cache_corpus_key(seek->request->pool, tenant,
                                          collection, &answer->version_key)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    answer->asked = ngx_current_msec;

    errand->cmd.done = ngx_http_edge_cache_corpus_answered;
    errand->cmd.data = answer;

    rc = ngx_edge_redis_eval(seek->zone->redis, &errand->cmd,
                             &seek->zone->ask, 1, 1, &answer->version_key);

    if (rc != NGX_OK) {
        return rc;
    }

    errand->timer.handler = ngx_http_edge_cache_corpus_guard;
    errand->timer.data = answer;
    errand->timer.log = seek->request->connection->log;

    ngx_add_timer(&errand->timer, NGX_HTTP_EDGE_CACHE_GUARD);

    return NGX_AGAIN;
}


static void
ngx_http_edge_cache_corpus_answered(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_edge_redis_type_e          type;
    ngx_http_edge_cache_answer_t  *answer;

    answer = cmd->data;
    type = ngx_edge_redis_reply_type(reply);

    if ((type == ngx_edge_redis_string || type == ngx_edge_redis_nil)
        && ngx_http_edge_cache_corpus_heard(answer,
                                       ngx_http_edge_cache_version_read(reply))
           == NGX_AGAIN)
    {
        return;
    }

    if (answer->seek.errand->timer.timer_set) {
        ngx_del_timer(&answer->seek.errand->timer);
    }

    answer->seek.wake(answer->seek.data);
}


/* What Redis has, 0 if nothing.  NGX_AGAIN: that will not do, it is asked for
 * another one. */

static ngx_int_t
ngx_http_edge_cache_corpus_heard(ngx_http_edge_cache_answer_t *answer,
    uint64_t version)
{
    uint64_t                      floor;
    ngx_int_t                     rc;
    ngx_edge_cache_known_t       *known;
    ngx_edge_cache_versions_t    *versions;
    ngx_http_edge_cache_zone_t   *zone;

    known = &answer->known;
    zone = answer->seek.zone;

    if (!answer->agreeing
        && (known->untold || version == 0 || version < known->shared))
    {
        answer->agreeing = 1;
        answer->asked = ngx_current_msec;

        floor = known->untold ? ngx_max(version, known->shared)
                              : known->shared;

        rc = ngx_http_edge_cache_version_agree(zone, &answer->seek.errand->cmd,
                                               &answer->version_key, floor, 0);

        return (rc == NGX_OK) ? NGX_AGAIN : rc;
    }

    if (version == 0) {
        return NGX_OK;
    }

    versions = ngx_edge_cache_l1_versions(zone->l1);

    if (known->untold) {
        ngx_edge_cache_version_told(versions, answer->corpus, known->version,
                                    version, answer->asked);

    } else {
        ngx_edge_cache_version_learn(versions, answer->corpus, version,
                                     answer->asked);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_cache_version_agree(ngx_http_edge_cache_zone_t *zone,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key, uint64_t floor,
    ngx_uint_t make)
{
    u_char     digits[NGX_HTTP_EDGE_CACHE_DIGITS];
    ngx_str_t  argv[3];

    argv[0] = *key;
    argv[1].data = digits;
    argv[1].len = ngx_sprintf(digits, "%016xL", floor) - digits;
    argv[2].data = (u_char *) (make ? "1" : "0");
    argv[2].len = 1;

    return ngx_edge_redis_eval(zone->redis, cmd, &zone->agree, 1, 3, argv);
}


static void
ngx_http_edge_cache_corpus_guard(ngx_event_t *ev)
{
    ngx_http_edge_cache_answer_t *answer = ev->data;

    ngx_edge_redis_cancel(&answer->seek.errand->cmd);

    answer->seek.wake(answer->seek.data);
}


static ngx_int_t
ngx_http_edge_cache_corpus_key(ngx_pool_t *pool, const ngx_str_t *tenant,
    const ngx_str_t *collection, ngx_str_t *key)
{
    key->data = ngx_pnalloc(pool, sizeof("edge:ver:{}:") + tenant->len
                                  + collection->len);
    if (key->data == NULL) {
        return NGX_ERROR;
    }

    key->len = ngx_sprintf(key->data, "edge:ver:{%V}:%V", tenant, collection)
               - key->data;

    return NGX_OK;
}


uint64_t
ngx_http_edge_cache_version_read(const ngx_edge_redis_reply_t *reply)
{
    uint64_t   version;
    ngx_str_t  text;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_string) {
        return 0;
    }

    ngx_edge_redis_reply_str(reply, &text);

    return (text.len == NGX_HTTP_EDGE_CACHE_DIGITS
            && ngx_http_edge_cache_digits(text.data, &version) == NGX_OK
            && version < NGX_EDGE_CACHE_SHARED_MAX)
           ? version : 0;
}


void
ngx_http_edge_cache_corpus_changed(ngx_http_request_t *r,
    const ngx_str_t *tenant, const ngx_str_t *collection)
{
    uint64_t                           id;
    ngx_str_t                          key;
    ngx_uint_t                         i;
    ngx_edge_cache_known_t             known;
    ngx_http_edge_cache_zone_t       **zone;
    ngx_http_edge_cache_main_conf_t   *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    zone = cmcf->zones.elts;
    id = ngx_http_edge_cache_corpus_id(tenant, collection);

    for (i = 0; i < cmcf->zones.nelts; i++) {

        ngx_edge_cache_version_bump(ngx_edge_cache_l1_versions(zone[i]->l1),
                                    id, ngx_edge_random_word(),
                                    zone[i]->redis != NULL, ngx_current_msec,
                                    &known);

        if (zone[i]->redis
            && ngx_http_edge_cache_corpus_key(r->pool, tenant, collection,
                                              &key)
               == NGX_OK)
        {
            ngx_http_edge_cache_version_tell(zone[i], id, &key, &known);
        }
    }
}


/* Two corpora of one id would only be renewed together. */

static uint64_t
ngx_http_edge_cache_corpus_id(const ngx_str_t *tenant,
    const ngx_str_t *collection)
{
    uint64_t  id;

    id = ngx_http_edge_cache_digest(tenant) * 0x9e3779b97f4a7c15ULL
         + ngx_http_edge_cache_digest(collection);

    return id ? id : 1;
}
