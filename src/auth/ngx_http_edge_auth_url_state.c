
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The shared state of a source of keys by URL.  Knows times, bytes and
 * processes; what the bytes mean, and how they are fetched, is elsewhere.
 * Nothing is logged and nothing allocated under the lock.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "auth/ngx_edge_keyset.h"
#include "auth/ngx_http_edge_auth_url_state.h"


#define NGX_HTTP_EDGE_AUTH_URL_BACKOFF  1000    /* after the first failure */

/* What a response may ask for, in seconds, and how early it is done. */
#define NGX_HTTP_EDGE_AUTH_URL_AGE_MIN  (5 * 60)
#define NGX_HTTP_EDGE_AUTH_URL_AGE_MAX  (24 * 60 * 60)
#define NGX_HTTP_EDGE_AUTH_URL_EARLY    80              /* percent */


static ngx_msec_t ngx_http_edge_auth_url_state_left(ngx_msec_t end);
static ngx_msec_t ngx_http_edge_auth_url_state_jitter(ngx_msec_t msec);
static ngx_uint_t ngx_http_edge_auth_url_state_taken(
    ngx_http_edge_auth_url_shared_t *sh);
static void ngx_http_edge_auth_url_state_take(
    ngx_http_edge_auth_url_shared_t *sh, ngx_msec_t msec);
static ngx_uint_t ngx_http_edge_auth_url_state_end(
    ngx_http_edge_auth_url_shared_t *sh);
static ngx_uint_t ngx_http_edge_auth_url_state_same(
    ngx_http_edge_auth_url_shared_t *sh, const ngx_str_t *text);


size_t
ngx_http_edge_auth_url_state_size(void)
{
    /* and room for the slab's own tables and for whole pages */

    return 2 * NGX_EDGE_KEYSET_TEXT_MAX + 16 * ngx_pagesize;
}


ngx_int_t
ngx_http_edge_auth_url_state_init(ngx_http_edge_auth_url_state_t *s,
    ngx_shm_zone_t *zone, const ngx_http_edge_auth_url_state_t *old)
{
    ngx_uint_t                        i;
    ngx_http_edge_auth_url_shared_t  *sh;

    if (old) {
        *s = *old;
        return NGX_OK;
    }

    s->pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        s->shared = s->pool->data;
        return NGX_OK;
    }

    sh = ngx_slab_calloc(s->pool, sizeof(ngx_http_edge_auth_url_shared_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {
        sh->text[i] = ngx_slab_alloc(s->pool, NGX_EDGE_KEYSET_TEXT_MAX);
        if (sh->text[i] == NULL) {
            return NGX_ERROR;
        }
    }

    sh->due = ngx_current_msec;

    s->pool->data = sh;
    s->shared = sh;

    return NGX_OK;
}


/* Time up to end; 0 if it is over. */

static ngx_msec_t
ngx_http_edge_auth_url_state_left(ngx_msec_t end)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (end - ngx_current_msec);

    return left > 0 ? (ngx_msec_t) left : 0;
}


static ngx_uint_t
ngx_http_edge_auth_url_state_taken(ngx_http_edge_auth_url_shared_t *sh)
{
    return sh->owner && ngx_http_edge_auth_url_state_left(sh->lease);
}


static void
ngx_http_edge_auth_url_state_take(ngx_http_edge_auth_url_shared_t *sh,
    ngx_msec_t msec)
{
    sh->lease = ngx_current_msec + msec;
    sh->owner = ngx_pid;
}


/* A fetch of this process has ended; is its result wanted? */

static ngx_uint_t
ngx_http_edge_auth_url_state_end(ngx_http_edge_auth_url_shared_t *sh)
{
    if (sh->owner != ngx_pid) {
        return 0;
    }

    sh->owner = 0;

    return 1;
}


ngx_int_t
ngx_http_edge_auth_url_state_claim_due(ngx_http_edge_auth_url_state_t *s,
    ngx_msec_t msec, ngx_msec_t *wait)
{
    ngx_int_t                         rc;
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;
    rc = NGX_DECLINED;

    ngx_shmtx_lock(&s->pool->mutex);

    if (ngx_http_edge_auth_url_state_taken(sh)) {
        *wait = ngx_http_edge_auth_url_state_left(sh->lease);

    } else {
        *wait = ngx_http_edge_auth_url_state_left(sh->due);

        if (*wait == 0) {
            ngx_http_edge_auth_url_state_take(sh, msec);
            rc = NGX_OK;
        }
    }

    ngx_shmtx_unlock(&s->pool->mutex);

    return rc;
}


ngx_int_t
ngx_http_edge_auth_url_state_claim_kid(ngx_http_edge_auth_url_state_t *s,
    ngx_msec_t msec, ngx_msec_t cooldown)
{
    ngx_int_t                         rc;
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;

    ngx_shmtx_lock(&s->pool->mutex);

    if (ngx_http_edge_auth_url_state_taken(sh)) {
        rc = NGX_AGAIN;

    } else if (sh->cooling
               && ngx_http_edge_auth_url_state_left(sh->cooldown))
    {
        rc = NGX_DECLINED;

    } else {
        sh->cooling = 1;
        sh->cooldown = ngx_current_msec + cooldown;

        ngx_http_edge_auth_url_state_take(sh, msec);
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&s->pool->mutex);

    return rc;
}


ngx_uint_t
ngx_http_edge_auth_url_state_running(ngx_http_edge_auth_url_state_t *s)
{
    ngx_uint_t  taken;

    ngx_shmtx_lock(&s->pool->mutex);
    taken = ngx_http_edge_auth_url_state_taken(s->shared);
    ngx_shmtx_unlock(&s->pool->mutex);

    return taken;
}


void
ngx_http_edge_auth_url_state_release(ngx_http_edge_auth_url_state_t *s)
{
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;

    ngx_shmtx_lock(&s->pool->mutex);

    if (ngx_http_edge_auth_url_state_end(sh)) {
        sh->due = ngx_current_msec;
        sh->cooling = 0;

        /* requests of others that wait for it wait in vain */

        sh->attempts++;
    }

    ngx_shmtx_unlock(&s->pool->mutex);
}


ngx_int_t
ngx_http_edge_auth_url_state_succeed(ngx_http_edge_auth_url_state_t *s,
    const ngx_str_t *text, ngx_msec_t msec, ngx_uint_t *failures)
{
    ngx_uint_t                        next, wanted;
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;

    ngx_shmtx_lock(&s->pool->mutex);

    wanted = ngx_http_edge_auth_url_state_end(sh);

    if (wanted) {

        if (!ngx_http_edge_auth_url_state_same(sh, text)) {
            next = !sh->active;

            ngx_memcpy(sh->text[next], text->data, text->len);
            sh->len[next] = text->len;

            sh->active = next;
            sh->version++;
        }

        *failures = sh->failures;
        sh->failures = 0;
        sh->due = ngx_current_msec + msec;

        /* last: who waits for it looks at the version then */

        ngx_memory_barrier();
        sh->attempts++;
    }

    ngx_shmtx_unlock(&s->pool->mutex);

    return wanted ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_edge_auth_url_state_fail(ngx_http_edge_auth_url_state_t *s,
    ngx_msec_t max, ngx_uint_t *failures)
{
    ngx_uint_t                        wanted, i;
    ngx_msec_t                        wait;
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;

    ngx_shmtx_lock(&s->pool->mutex);

    wanted = ngx_http_edge_auth_url_state_end(sh);

    if (wanted) {
        *failures = sh->failures++;

        wait = NGX_HTTP_EDGE_AUTH_URL_BACKOFF;

        for (i = 1; i < sh->failures && wait < max; i++) {
            wait *= 2;
        }

        wait = ngx_http_edge_auth_url_state_jitter(ngx_min(wait, max));

        sh->due = ngx_current_msec + wait;

        ngx_memory_barrier();
        sh->attempts++;
    }

    ngx_shmtx_unlock(&s->pool->mutex);

    return wanted ? NGX_OK : NGX_DECLINED;
}


ngx_uint_t
ngx_http_edge_auth_url_state_equal(ngx_http_edge_auth_url_state_t *s,
    const ngx_str_t *text)
{
    ngx_uint_t  same;

    ngx_shmtx_lock(&s->pool->mutex);
    same = ngx_http_edge_auth_url_state_same(s->shared, text);
    ngx_shmtx_unlock(&s->pool->mutex);

    return same;
}


static ngx_uint_t
ngx_http_edge_auth_url_state_same(ngx_http_edge_auth_url_shared_t *sh,
    const ngx_str_t *text)
{
    return sh->version
           && sh->len[sh->active] == text->len
           && ngx_memcmp(sh->text[sh->active], text->data, text->len) == 0;
}


ngx_uint_t
ngx_http_edge_auth_url_state_text(ngx_http_edge_auth_url_state_t *s,
    ngx_str_t *text)
{
    ngx_uint_t                        version;
    ngx_http_edge_auth_url_shared_t  *sh;

    sh = s->shared;

    ngx_shmtx_lock(&s->pool->mutex);

    version = sh->version;
    text->len = sh->len[sh->active];
    ngx_memcpy(text->data, sh->text[sh->active], text->len);

    ngx_shmtx_unlock(&s->pool->mutex);

    return version;
}


ngx_msec_t
ngx_http_edge_auth_url_state_interval(ngx_msec_t refresh, time_t max_age)
{
    ngx_msec_t  early;

    if (max_age >= 0) {
        max_age = ngx_max(max_age, NGX_HTTP_EDGE_AUTH_URL_AGE_MIN);
        max_age = ngx_min(max_age, NGX_HTTP_EDGE_AUTH_URL_AGE_MAX);

        early = (ngx_msec_t) max_age * 10 * NGX_HTTP_EDGE_AUTH_URL_EARLY;
        refresh = ngx_min(refresh, early);
    }

    return ngx_http_edge_auth_url_state_jitter(refresh);
}


/* A time of at most msec, up to a tenth less: tasks that started together
 * shall not call together. */

static ngx_msec_t
ngx_http_edge_auth_url_state_jitter(ngx_msec_t msec)
{
    return msec - ngx_random() % (msec / 10 + 1);
}
