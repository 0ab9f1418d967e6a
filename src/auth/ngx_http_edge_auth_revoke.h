
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Revocation: the list that is read from a stream in Redis, one for each
 * edge_redis block that auth_jwt_revoke names, and what a request asks it.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_REVOKE_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_REVOKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_edge_revoked.h"
#include "redis/ngx_edge_redis.h"


#define NGX_HTTP_EDGE_AUTH_REVOKE_STREAM  "edge:revoked"


/* What all workers know of a list. */
typedef struct {
    ngx_edge_revoked_t     *revoked;
    ngx_atomic_t            read;         /* whole at least once */
    ngx_msec_t              fresh;        /* the last time it was */
    ngx_atomic_t            full;         /* an entry found no room */
    ngx_uint_t              told;         /* that it fails was logged */
    uint64_t                last_msec;    /* id of the last entry read */
    uint64_t                last_seq;
    ngx_msec_t              due;          /* of the next reading */
    ngx_msec_t              wanted;       /* since when one is overdue */
    ngx_pid_t               owner;        /* who reads; 0: nobody */
    ngx_msec_t              lease;        /* its end */
} ngx_http_edge_auth_revoke_shared_t;


/* A list, of a cycle. */
typedef struct {
    ngx_edge_redis_t       *redis;
    ngx_str_t               redis_name;
    ngx_msec_t              interval;
    ngx_msec_t              stale;        /* how old what is known may be */
    ngx_edge_hash_t        *hash;

    ngx_slab_pool_t        *pool;
    ngx_http_edge_auth_revoke_shared_t
                           *shared;

    ngx_event_t             timer;        /* of this process */
    ngx_edge_redis_cmd_t    cmd;
    ngx_uint_t              started;      /* it reads now */
    uint64_t                from_msec;    /* where the next page begins */
    uint64_t                from_seq;
} ngx_http_edge_auth_revoke_t;


/* auth_jwt_revoke of a location. */
typedef struct {
    ngx_http_edge_auth_revoke_t  *list;
    ngx_flag_t                    open;   /* on_error=open */
} ngx_http_edge_auth_revoke_conf_t;


/* The list of a zone; NULL: the zone is of something else. */
ngx_http_edge_auth_revoke_t *ngx_http_edge_auth_revoke_of_zone(
    ngx_shm_zone_t *zone);

/* A worker begins to read its lists. */
ngx_int_t ngx_http_edge_auth_revoke_init_process(ngx_cycle_t *cycle);

/* NGX_OK: what is known is recent; NGX_DECLINED: too old, or not whole. */
ngx_int_t ngx_http_edge_auth_revoke_sees(
    const ngx_http_edge_auth_revoke_t *list);


#endif /* _NGX_HTTP_EDGE_AUTH_REVOKE_H_INCLUDED_ */
