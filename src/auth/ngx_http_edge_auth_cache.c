
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The verified-token cache: good verdicts in shared memory, found by the
 * digest of policy, keys and token.  So no location can find another rule's
 * verdict, and a change of keys leaves the old verdicts behind.  A verdict is
 * dropped at the token's exp at the latest.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"
#include "lib/ngx_edge_shm.h"


#define NGX_HTTP_EDGE_AUTH_CACHE_LIFE   3600   /* s, where there is no exp */
#define NGX_HTTP_EDGE_AUTH_CACHE_VALUE  4096   /* longest header + payload */
#define NGX_HTTP_EDGE_AUTH_CACHE_ENTRY  1024   /* bytes of a usual one */


/* A value in the table: this, then the header, then the payload. */
typedef struct {
    ngx_edge_claims_times_t   times;
    uint32_t                  header_len;
    uint32_t                  payload_len;
} ngx_http_edge_auth_cached_t;


ngx_int_t
ngx_http_edge_auth_cache_find(ngx_http_request_t *r, ngx_shm_zone_t *zone,
    const u_char *id, ngx_http_edge_auth_verified_t **verified)
{
    u_char                         *p;
    time_t                          now;
    ngx_slab_pool_t                *shpool;
    ngx_edge_shm_entry_t           *entry;
    ngx_http_edge_auth_cached_t    *cached;
    ngx_http_edge_auth_verified_t  *v;
    u_char                          copy[sizeof(ngx_http_edge_auth_cached_t)
                                         + NGX_HTTP_EDGE_AUTH_CACHE_VALUE];
    size_t                          size;

    now = ngx_time();
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    entry = ngx_edge_shm_find(zone->data, shpool, id, now);

    if (entry == NULL) {
        ngx_shmtx_unlock(&shpool->mutex);
        return NGX_DECLINED;
    }

    /* to the stack, since allocating is not for under the lock */

    size = entry->size;
    ngx_memcpy(copy, entry->value, size);

    ngx_shmtx_unlock(&shpool->mutex);

    cached = (ngx_http_edge_auth_cached_t *) copy;
    size -= sizeof(ngx_http_edge_auth_cached_t);

    v = ngx_palloc(r->pool, sizeof(ngx_http_edge_auth_verified_t) + size);
    if (v == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) v + sizeof(ngx_http_edge_auth_verified_t);
    ngx_memcpy(p, copy + sizeof(ngx_http_edge_auth_cached_t), size);

    v->times = cached->times;
    v->header.data = p;
    v->header.len = cached->header_len;
    v->payload.data = p + cached->header_len;
    v->payload.len = cached->payload_len;
    ngx_memcpy(v->id, id, NGX_EDGE_HASH_SIZE);
    v->named = 1;

    *verified = v;

    return NGX_OK;
}


/* A token whose claims are too long for the cache is verified each time. */

void
ngx_http_edge_auth_cache_put(ngx_http_request_t *r, ngx_shm_zone_t *zone,
    const ngx_http_edge_auth_verified_t *verified)
{
    u_char                       *p;
    size_t                        size;
    time_t                        now, expires;
    ngx_slab_pool_t              *shpool;
    ngx_http_edge_auth_cached_t  *cached;
    u_char                        value[sizeof(ngx_http_edge_auth_cached_t)
                                        + NGX_HTTP_EDGE_AUTH_CACHE_VALUE];

    size = verified->header.len + verified->payload.len;

    if (size > NGX_HTTP_EDGE_AUTH_CACHE_VALUE) {
        return;
    }

    now = ngx_time();
    expires = now + NGX_HTTP_EDGE_AUTH_CACHE_LIFE;

    if (verified->times.has_exp) {
        expires = ngx_min(expires, (time_t) verified->times.exp);
    }

    if (expires <= now) {
        return;
    }

    ngx_memzero(value, sizeof(ngx_http_edge_auth_cached_t));

    cached = (ngx_http_edge_auth_cached_t *) value;
    cached->times = verified->times;
    cached->header_len = (uint32_t) verified->header.len;
    cached->payload_len = (uint32_t) verified->payload.len;

    p = ngx_cpymem(value + sizeof(ngx_http_edge_auth_cached_t),
                   verified->header.data, verified->header.len);
    ngx_memcpy(p, verified->payload.data, verified->payload.len);

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    (void) ngx_edge_shm_put(zone->data, shpool, verified->id, value,
                            sizeof(ngx_http_edge_auth_cached_t) + size,
                            expires, now);

    ngx_shmtx_unlock(&shpool->mutex);
}


ngx_int_t
ngx_http_edge_auth_cache_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *shpool;

    if (data) {
        zone->data = data;               /* verdicts stay over a reload */
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = shpool->data;
        return NGX_OK;
    }

    zone->data = ngx_edge_shm_create(shpool, zone->shm.size
                                             / NGX_HTTP_EDGE_AUTH_CACHE_ENTRY);
    if (zone->data == NULL) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "zone \"%V\" of \"auth_jwt_cache\" is too small",
                      &zone->shm.name);
        return NGX_ERROR;
    }

    shpool->data = zone->data;

    return NGX_OK;
}
