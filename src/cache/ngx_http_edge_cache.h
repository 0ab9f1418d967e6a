
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The cache of proxied responses: what its files share.  A request gets its
 * context in PRECONTENT:
 *
 *     off       not ours: another endpoint, a method that is not cached
 *     look      the key is being made, the entry looked for
 *     wait      Redis was asked, or somebody else fetches it
 *     hit       answered here
 *     fetch     goes to the target; the filter may store what comes
 *
 * The context is in r->ctx and gone with an internal redirect: what comes
 * after one is neither looked up nor stored.
 */


#ifndef _NGX_HTTP_EDGE_CACHE_H_INCLUDED_
#define _NGX_HTTP_EDGE_CACHE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth_api.h"
#include "cache/ngx_edge_cache_control.h"
#include "cache/ngx_edge_cache_entry.h"
#include "cache/ngx_edge_cache_key.h"
#include "cache/ngx_edge_cache_l1.h"
#include "cache/ngx_http_edge_cache_api.h"
#include "cache/ngx_http_edge_cache_seek.h"
#include "ngx_http_edge.h"


#define NGX_HTTP_EDGE_CACHE_TENANT  0
#define NGX_HTTP_EDGE_CACHE_USER    1

#define NGX_HTTP_EDGE_CACHE_L2_MAX  (1024 * 1024)  /* bytes of a body */

#define NGX_HTTP_EDGE_CACHE_LIFE    5000   /* ms of a flight, then renewed */


#define NGX_HTTP_EDGE_CACHE_DIGITS  16     /* of a number of 64 bits */


/* How a worker asks a zone's Redis for purges. */
typedef struct {
    ngx_str_t                          key;
    ngx_edge_redis_script_t            script;
    ngx_event_t                        timer;
    ngx_edge_redis_cmd_t               cmd;
    ngx_msec_t                         sent;   /* when cmd was */
    ngx_uint_t                         reader; /* of the zone's purges */
} ngx_http_edge_cache_sync_t;


/* An edge_cache_zone. */
struct ngx_http_edge_cache_zone_s {
    ngx_str_t                          name;
    ngx_shm_zone_t                    *shm;
    ngx_edge_cache_l1_t               *l1;     /* in the zone */
    ngx_edge_redis_t                  *redis;  /* NULL: none */
    ngx_edge_redis_script_t            lock;
    ngx_edge_redis_script_t            renew;  /* the lock */
    ngx_edge_redis_script_t            ask;    /* for a version */
    ngx_edge_redis_script_t            agree;  /* on one */
    ngx_msec_t                         blind;  /* ms without word of purges */
    ngx_http_edge_cache_sync_t         sync;
};


typedef struct {
    ngx_array_t                        zones;  /* of zone_t * */
    ngx_array_t                        locations;  /* of loc_conf ** */
    ngx_edge_hash_t                   *hash;
    ngx_edge_memo_t                   *memo;     /* of keys */
    const ngx_http_edge_auth_claim_t  *iss;
    const ngx_http_edge_auth_claim_t  *sub;
} ngx_http_edge_cache_main_conf_t;


/* One "code time" of edge_cache_valid; status 0: any. */
typedef struct {
    ngx_uint_t                         status;
    time_t                             valid;
} ngx_http_edge_cache_valid_t;


/* An edge_cache_purge. */
typedef struct {
    ngx_str_t                          name;   /* of the zone */
    ngx_http_edge_cache_zone_t        *zone;
    ngx_str_t                          variable;   /* without the '$'; empty:
                                                      unverified */
    const ngx_http_edge_auth_claim_t  *claim;
    ngx_str_t                          word;
} ngx_http_edge_cache_purge_t;


typedef struct {
    ngx_str_t                          name;   /* of the zone; empty: off */
    ngx_http_edge_cache_zone_t        *zone;
    ngx_str_t                          id;     /* of the location, in keys */
    ngx_http_complex_value_t          *key;
    ngx_array_t                       *valid;  /* of valid_t */
    ngx_uint_t                         scope;
    ngx_uint_t                         scope_written;
    ngx_uint_t                         methods;
    ngx_array_t                       *bypass;
    ngx_array_t                       *no_cache;
    ngx_flag_t                         lock;
    ngx_msec_t                         lock_timeout;
    size_t                             max_size;
    ngx_http_edge_cache_purge_t       *purge;  /* NULL: no such location */
} ngx_http_edge_cache_loc_conf_t;


typedef struct {
    ngx_http_request_t                *request;
    const ngx_http_edge_cache_loc_conf_t
                                      *conf;
    ngx_http_edge_cache_seek_t         seek;
    ngx_edge_cache_control_t           control;    /* of the request */
    ngx_array_t                       *headers;    /* of the request as it
                                                      came: ngx_keyval_t */
    ngx_edge_cache_entry_t            *entry;      /* a hit's while it is sent;
                                                      or what is being stored */
    const char                        *forward;    /* why it goes on, as in
                                                      Cache-Status */
    ngx_str_t                          body;       /* captured so far */
    size_t                             room;       /* at body.data */
    uint64_t                           salt;       /* of the variants; 0:
                                                      none are known */

    unsigned                           keyed:1;
    unsigned                           hit:1;
    unsigned                           storable:1; /* the request lets it */
    unsigned                           storing:1;  /* the response too */
    unsigned                           unsafe:1;   /* success takes the GET's
                                                      entry away */
    unsigned                           authorized:1;
    unsigned                           expired:1;
    unsigned                           varies:1;   /* other variants are
                                                      there */
    unsigned                           waiting:1;  /* called again, looks */
} ngx_http_edge_cache_ctx_t;


struct ngx_http_edge_cache_answer_s {
    ngx_http_edge_cache_seek_t         seek;
    ngx_edge_cache_entry_t             old;        /* found, but expired */
    ngx_uint_t                         has_old;
    ngx_edge_cache_since_t             begun;  /* when it was asked for */

    /* while a corpus' version is being asked for */
    uint64_t                           corpus;     /* its id; 0: none asked */
    ngx_edge_cache_known_t             known;      /* when it was */
    ngx_uint_t                         agreeing;   /* Redis has none that
                                                      would do */
    ngx_msec_t                         asked;      /* when Redis was */
    ngx_str_t                          version_key;
};


extern ngx_module_t  ngx_http_edge_cache_module;


/* ngx_http_edge_cache_conf.c: setters. */
char *ngx_http_edge_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_cache_name(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_cache_valid(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_cache_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* The zone of that name; NULL: there is none. */
ngx_http_edge_cache_zone_t *ngx_http_edge_cache_by_name(
    ngx_http_edge_cache_main_conf_t *cmcf, const ngx_str_t *name);


/* ngx_http_edge_cache_purge.c */
char *ngx_http_edge_cache_purge(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_cache_purge_compile(ngx_conf_t *cf,
    ngx_http_edge_cache_purge_t *purge);


/* ngx_http_edge_cache_sync.c */

/* At configuration, and in a worker: from then on it asks. */
ngx_int_t ngx_http_edge_cache_sync_init(ngx_conf_t *cf,
    ngx_http_edge_cache_zone_t *zone);
ngx_int_t ngx_http_edge_cache_sync_start(ngx_cycle_t *cycle,
    ngx_http_edge_cache_zone_t *zone);

/* Asks what was purged, and purges label if there is one; as
 * ngx_edge_redis_send(). */
ngx_int_t ngx_http_edge_cache_sync_send(ngx_http_edge_cache_zone_t *zone,
    ngx_edge_redis_cmd_t *cmd, const ngx_edge_cache_label_t *label);

/* Notes what the answer to it says.  NGX_OK; NGX_ERROR: nothing. */
ngx_int_t ngx_http_edge_cache_sync_read(ngx_http_edge_cache_zone_t *zone,
    const ngx_edge_redis_reply_t *reply, ngx_msec_t sent);

/* ngx_http_edge_cache_corpus.c: a version as Redis has it; 0: it is none.  And
 * asks Redis to agree on one above a floor: what it has, unless it is to make
 * one in any case.  As ngx_edge_redis_send(); the answer is the version. */
uint64_t ngx_http_edge_cache_version_read(const ngx_edge_redis_reply_t *reply);
ngx_int_t ngx_http_edge_cache_version_agree(ngx_http_edge_cache_zone_t *zone,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key, uint64_t floor,
    ngx_uint_t make);

/* ngx_http_edge_cache_tell.c: tells Redis of a change of a corpus, which was
 * just noted in the zone, until it has another version. */
void ngx_http_edge_cache_version_tell(ngx_http_edge_cache_zone_t *zone,
    uint64_t id, const ngx_str_t *key, const ngx_edge_cache_known_t *known);

/* Reads NGX_HTTP_EDGE_CACHE_DIGITS hexadecimal digits, as "%016xL" writes
 * them.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_digits(const u_char *p, uint64_t *n);


/* ngx_http_edge_cache_key.c */

/* Makes ctx->seek.key for the method.  NGX_OK; NGX_DECLINED: there is none (no
 * user where the scope is one, a body in a file); NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_make_key(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *method);

/* Keeps the request's fields once, for Vary, before any is taken away. */
ngx_int_t ngx_http_edge_cache_keep_headers(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);

/* The key of the variant that Vary's names choose for the kept fields. */
ngx_int_t ngx_http_edge_cache_variant(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_str_t *names,
    u_char key[NGX_EDGE_CACHE_KEY]);


/* ngx_http_edge_cache_lookup.c: the PRECONTENT handler. */
ngx_int_t ngx_http_edge_cache_handler(ngx_http_request_t *r);


/* Not 0, which stands for any. */
uint64_t ngx_http_edge_cache_digest(const ngx_str_t *name);


/* ngx_http_edge_cache_reply.c */

/* Sends a response, whose parts are in r->pool; as ngx_http_output_filter(). */
ngx_int_t ngx_http_edge_cache_send(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e);
/* What Cache-Status and Age say of a hit, in r->pool; waited: for somebody who
 * went for it.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_hit_texts(ngx_http_request_t *r,
    const ngx_edge_cache_entry_t *e, ngx_uint_t waited, ngx_str_t *status,
    ngx_str_t *age);
/* Adds Cache-Status, and Age to a hit. */
ngx_int_t ngx_http_edge_cache_status(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);


/* ngx_http_edge_cache_store.c */

/* Judges the response whose header has come; sets ctx->storing. */
ngx_int_t ngx_http_edge_cache_judge(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
/* Stores the entry with the body that was captured. */
void ngx_http_edge_cache_store(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);


#endif /* _NGX_HTTP_EDGE_CACHE_H_INCLUDED_ */
