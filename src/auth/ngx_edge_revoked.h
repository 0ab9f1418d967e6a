
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What was revoked: tokens by jti, subjects and tenants, in a table in shared
 * memory.  Knows how an entry of the revocation stream reads and what it takes
 * back; not where the stream is, nor when it was read.
 *
 * An entry is a list of names and values:
 *
 *     jti V | sub V | tenant V    what is revoked; exactly one of them
 *     iss V         of this issuer's tokens only; not with tenant
 *     nbf SECONDS   tokens issued at this time or later stay good; not with
 *                   jti.  Without it none does, until the entry ends
 *     until SECONDS when the entry ends; without it, never.  A time in the
 *                   past takes an earlier entry back
 *
 * A later entry replaces one with the same kind, issuer and value.  Which is
 * later is told by their ids, not by when they are added: entries are read
 * again, and an old one must not undo a newer one.  The table must not forget:
 * when it has no room the caller is told.
 */


#ifndef _NGX_EDGE_REVOKED_H_INCLUDED_
#define _NGX_EDGE_REVOKED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_hash.h"
#include "lib/ngx_edge_shm.h"


typedef enum {
    ngx_edge_revoked_jti = 0,
    ngx_edge_revoked_sub,
    ngx_edge_revoked_tenant,
    ngx_edge_revoked_kinds
} ngx_edge_revoked_kind_e;


/* The table, in shared memory. */
typedef struct {
    ngx_edge_shm_t           *entries;
    ngx_atomic_t              seen[ngx_edge_revoked_kinds][2];
                                           /* 1: there was one, without and
                                              with an issuer; read without the
                                              lock */
} ngx_edge_revoked_t;


/* An entry of the stream; texts are of the caller. */
typedef struct {
    ngx_edge_revoked_kind_e   kind;
    ngx_str_t                 value;
    ngx_str_t                 iss;         /* empty: any */
    int64_t                   nbf;         /* 0: none */
    time_t                    until;       /* 0: for ever */
    uint64_t                  msec;        /* id in the stream; the reader's */
    uint64_t                  seq;         /* part, not parse's */
} ngx_edge_revoked_entry_t;


/* Makes a table in an empty zone for about so many entries; NULL: the zone is
 * too small.  The caller holds pool->mutex. */
ngx_edge_revoked_t *ngx_edge_revoked_create(ngx_slab_pool_t *pool,
    ngx_uint_t entries);

/* Reads the 2 * n strings of an entry.  NULL, or a static text that says what
 * is wrong. */
const char *ngx_edge_revoked_parse(const ngx_str_t *fields, ngx_uint_t n,
    ngx_edge_revoked_entry_t *entry);

/* Locks and adds.  NGX_OK; NGX_DECLINED: no room, or only by forgetting
 * another; NGX_ERROR: no digest. */
ngx_int_t ngx_edge_revoked_add(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    ngx_edge_hash_t *hash, const ngx_edge_revoked_entry_t *entry, time_t now);

/* Could anything of this kind be revoked?  A quick look without the lock. */
ngx_uint_t ngx_edge_revoked_any(const ngx_edge_revoked_t *t,
    ngx_edge_revoked_kind_e kind);

/* Locks and asks; iat < 0: the token does not say when it was issued.
 * NGX_OK: not revoked; NGX_DECLINED: revoked; NGX_ERROR. */
ngx_int_t ngx_edge_revoked_check(ngx_edge_revoked_t *t, ngx_slab_pool_t *pool,
    ngx_edge_hash_t *hash, ngx_edge_revoked_kind_e kind,
    const ngx_str_t *value, const ngx_str_t *iss, int64_t iat, time_t now);


#endif /* _NGX_EDGE_REVOKED_H_INCLUDED_ */
