
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of what was revoked.  Its keys are digests of kind, issuer and
 * value, so that a long subject takes no more room than a short one and no two
 * can be taken for each other.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "auth/ngx_edge_revoked.h"


#define NGX_EDGE_REVOKED_TIME_MAX  253402300799LL      /* the year 9999 */


/* The value of an entry of the table. */
typedef struct {
    int64_t                   nbf;
    uint64_t                  msec;
    uint64_t                  seq;
} ngx_edge_revoked_value_t;


static const char *ngx_edge_revoked_field(ngx_edge_revoked_entry_t *entry,
    const ngx_str_t *name, const ngx_str_t *value, ngx_uint_t *kinds);
static ngx_int_t ngx_edge_revoked_seconds(const ngx_str_t *text,
    int64_t *seconds);
static ngx_int_t ngx_edge_revoked_key(ngx_edge_hash_t *hash,
    ngx_edge_revoked_kind_e kind, const ngx_str_t *iss, const ngx_str_t *value,
    u_char key[NGX_EDGE_HASH_SIZE]);
static ngx_uint_t ngx_edge_revoked_older(ngx_edge_revoked_t *t,
    ngx_slab_pool_t *pool, const u_char *key,
    const ngx_edge_revoked_entry_t *entry);
static ngx_int_t ngx_edge_revoked_find(ngx_edge_revoked_t *t,
    ngx_slab_pool_t *pool, const u_char *key, int64_t iat, time_t now);


static const ngx_str_t  ngx_edge_revoked_names[] = {
    ngx_string("jti"),
    ngx_string("sub"),
    ngx_string("tenant")
};


ngx_edge_revoked_t *
ngx_edge_revoked_create(ngx_slab_pool_t *pool, ngx_uint_t entries)
{
    ngx_edge_revoked_t  *t;

    t = ngx_slab_calloc_locked(pool, sizeof(ngx_edge_revoked_t));
    if (t == NULL) {
        return NULL;
    }

    t->entries = ngx_edge_shm_create(pool, entries);

    return t->entries ? t : NULL;
}


const char *
ngx_edge_revoked_parse(const ngx_str_t *fields, ngx_uint_t n,
    ngx_edge_revoked_entry_t *entry)
{
    ngx_uint_t   i, kinds;
    const char  *fault;

    ngx_memzero(entry, sizeof(ngx_edge_revoked_entry_t));
    kinds = 0;

    for (i = 0; i < n; i++) {
        fault = ngx_edge_revoked_field(entry, &fields[2 * i],
                                       &fields[2 * i + 1], &kinds);
        if (fault) {
            return fault;
        }
    }

    if (kinds != 1) {
        return "it must name one of jti, sub and tenant";
    }

    if (entry->nbf && entry->kind == ngx_edge_revoked_jti) {
        return "nbf does not go with jti";
    }

    if (entry->iss.len && entry->kind == ngx_edge_revoked_tenant) {
        return "iss does not go with tenant";
    }

    return NULL;
}


static const char *
ngx_edge_revoked_field(ngx_edge_revoked_entry_t *entry, const ngx_str_t *name,
    const ngx_str_t *value, ngx_uint_t *kinds)
{
    int64_t     seconds;
    ngx_uint_t  i;

    if (value->len == 0) {
        return "it has an empty value";
    }

    for (i = 0; i < ngx_edge_revoked_kinds; i++) {

        if (name->len == ngx_edge_revoked_names[i].len
            && ngx_memcmp(name->data, ngx_edge_revoked_names[i].data,
                          name->len)
               == 0)
        {
            entry->kind = i;
            entry->value = *value;
            (*kinds)++;
            return NULL;
        }
    }

    if (name->len == 3 && ngx_memcmp(name->data, "iss", 3) == 0) {
        entry->iss = *value;
        return NULL;
    }

    if (name->len == 3 && ngx_memcmp(name->data, "nbf", 3) == 0) {

        if (ngx_edge_revoked_seconds(value, &seconds) != NGX_OK) {
            return "nbf is no time in seconds";
        }

        entry->nbf = seconds;
        return NULL;
    }

    if (name->len == 5 && ngx_memcmp(name->data, "until", 5) == 0) {

        if (ngx_edge_revoked_seconds(value, &seconds) != NGX_OK) {
            return "until is no time in seconds";
        }

        entry->until = (time_t) seconds;
        return NULL;
    }

    return "it has an unknown field";
}


static ngx_int_t
ngx_edge_revoked_seconds(const ngx_str_t *text, int64_t *seconds)
{
    off_t  n;

    n = ngx_atoof(text->data, text->len);

    if (n < 1 || n > NGX_EDGE_REVOKED_TIME_MAX) {
        return NGX_ERROR;
    }

    *seconds = n;

    return NGX_OK;
}


ngx_int_t
ngx_edge_revoked_add(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    ngx_edge_hash_t *hash, const ngx_edge_revoked_entry_t *entry, time_t now)
{
    u_char                     key[NGX_EDGE_HASH_SIZE];
    ngx_int_t                  rc;
    ngx_uint_t                 evicted;
    ngx_edge_shm_entry_t      *e;
    ngx_edge_revoked_value_t   value;

    if (ngx_edge_revoked_key(hash, entry->kind, &entry->iss, &entry->value,
                             key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    value.nbf = entry->nbf;
    value.msec = entry->msec;
    value.seq = entry->seq;

    ngx_shmtx_lock(&pool->mutex);

    if (ngx_edge_revoked_older(t, pool, key, entry)) {
        /* what replaced it is known */

    } else if (entry->until && entry->until <= now) {
        ngx_edge_shm_remove(t->entries, pool, key);

    } else {
        evicted = t->entries->evicted;

        e = ngx_edge_shm_put(t->entries, pool, key,
                             (const u_char *) &value, sizeof(value),
                             entry->until, now);

        if (e == NULL || t->entries->evicted != evicted) {
            rc = NGX_DECLINED;
        }

        if (e) {
            t->seen[entry->kind][entry->iss.len != 0] = 1;
        }
    }

    ngx_shmtx_unlock(&pool->mutex);

    return rc;
}


/* Also than one that is over: that was the last word. */

static ngx_uint_t
ngx_edge_revoked_older(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    const u_char *key, const ngx_edge_revoked_entry_t *entry)
{
    ngx_edge_shm_entry_t      *e;
    ngx_edge_revoked_value_t   known;

    e = ngx_edge_shm_find(t->entries, pool, key, 0);

    if (e == NULL) {
        return 0;
    }

    ngx_memcpy(&known, e->value, sizeof(known));

    return entry->msec < known.msec
           || (entry->msec == known.msec && entry->seq < known.seq);
}


ngx_uint_t
ngx_edge_revoked_any(const ngx_edge_revoked_t *t, ngx_edge_revoked_kind_e kind)
{
    return t->seen[kind][0] || t->seen[kind][1];
}


ngx_int_t
ngx_edge_revoked_check(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    ngx_edge_hash_t *hash, ngx_edge_revoked_kind_e kind,
    const ngx_str_t *value, const ngx_str_t *iss, int64_t iat, time_t now)
{
    u_char            key[NGX_EDGE_HASH_SIZE];
    ngx_uint_t        with;
    const ngx_str_t  *of;
    ngx_str_t         any = ngx_null_string;

    for (with = 0; with < 2; with++) {

        if (!t->seen[kind][with] || (with && iss->len == 0)) {
            continue;
        }

        of = with ? iss : &any;

        if (ngx_edge_revoked_key(hash, kind, of, value, key) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_edge_revoked_find(t, pool, key, iat, now) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_revoked_find(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    const u_char *key, int64_t iat, time_t now)
{
    ngx_edge_shm_entry_t      *e;
    ngx_edge_revoked_value_t   value;

    ngx_shmtx_lock(&pool->mutex);

    e = ngx_edge_shm_find(t->entries, pool, key, now);

    if (e) {
        ngx_memcpy(&value, e->value, sizeof(value));
    }

    ngx_shmtx_unlock(&pool->mutex);

    if (e == NULL) {
        return NGX_OK;
    }

    return (value.nbf && iat >= value.nbf) ? NGX_OK : NGX_DECLINED;
}


/* The issuer's length keeps it apart from the value. */

static ngx_int_t
ngx_edge_revoked_key(ngx_edge_hash_t *hash, ngx_edge_revoked_kind_e kind,
    const ngx_str_t *iss, const ngx_str_t *value,
    u_char key[NGX_EDGE_HASH_SIZE])
{
    uint64_t   head[2];
    ngx_str_t  pieces[3];

    head[0] = kind;
    head[1] = iss->len;

    pieces[0].data = (u_char *) head;
    pieces[0].len = sizeof(head);
    pieces[1] = *iss;
    pieces[2] = *value;

    return ngx_edge_hash(hash, pieces, 3, key);
}
