
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the auth feature share.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "auth/ngx_edge_claims.h"
#include "lib/ngx_edge_hash.h"
#include "auth/ngx_edge_keyset.h"
#include "auth/ngx_http_edge_auth_api.h"
#include "auth/ngx_http_edge_auth_revoke.h"
#include "auth/ngx_http_edge_auth_url.h"
#include "lib/ngx_http_edge_subrequest.h"


#define NGX_HTTP_EDGE_AUTH_SOURCES  16    /* key sources of a location */


/* A claim by its path, or a header parameter. */
struct ngx_http_edge_auth_claim_s {
    ngx_edge_claims_path_t      path;
    unsigned                    header:1;  /* of the JOSE header */
};


typedef enum {
    ngx_http_edge_auth_source_file = 0,
    ngx_http_edge_auth_source_url,
    ngx_http_edge_auth_source_request
} ngx_http_edge_auth_source_e;


/* Where keys come from. */
typedef struct {
    ngx_http_edge_auth_source_e   type;
    ngx_str_t                     issuer;   /* whose tokens alone the keys
                                               verify; empty: any */
    ngx_edge_keyset_t            *set;      /* file */
    ngx_http_edge_auth_url_t     *url;      /* url */
    ngx_http_complex_value_t      uri;      /* request */
    ngx_msec_t                    timeout;  /* request */
} ngx_http_edge_auth_source_t;


/* One auth_jwt_require. */
typedef struct {
    ngx_array_t                  *values;   /* ngx_http_complex_value_t */
    ngx_uint_t                    status;   /* 401 or 403 */
} ngx_http_edge_auth_require_t;


/* A variable of auth_jwt_claim_set or auth_jwt_header_set. */
typedef struct {
    ngx_str_t                     name;
    ngx_http_edge_auth_claim_t    claim;
} ngx_http_edge_auth_set_t;


/* Key sets that subrequests have brought, see ngx_http_edge_auth_request.c. */
typedef struct ngx_http_edge_auth_keys_s  ngx_http_edge_auth_keys_t;


typedef struct {
    ngx_edge_hash_t              *hash;
    ngx_http_edge_auth_keys_t    *keys;     /* by request, of this process */
    ngx_array_t                   claims;   /* ngx_http_edge_auth_set_t:
                                               variables by directive */
    ngx_int_t                     fields[2]; /* variables $http_authorization
                                                and $http_cookie */
} ngx_http_edge_auth_main_conf_t;


typedef struct {
    ngx_flag_t                    enable;
    ngx_http_complex_value_t     *realm;
    ngx_int_t                     token;        /* variable; or one of: */
#define NGX_HTTP_EDGE_AUTH_BEARER  -1
    ngx_str_t                     token_name;   /* of that variable, without
                                                   the '$' */

    ngx_array_t                  *sources;      /* ..._source_t */
    time_t                        key_cache;
    time_t                        leeway;
    ngx_array_t                  *require;      /* ..._require_t */
    ngx_array_t                  *issuers;      /* ngx_str_t */
    ngx_array_t                  *audiences;    /* ngx_str_t */
    ngx_str_t                     audience_claim;
    ngx_array_t                  *types;        /* ngx_str_t; NULL: any typ */
    ngx_uint_t                    algorithms;   /* bits */
    size_t                        max_size;
    ngx_shm_zone_t               *cache;        /* NULL: off */
    ngx_flag_t                    forward;
    ngx_http_edge_auth_revoke_conf_t
                                 *revoke;       /* NULL: off */

    ngx_edge_claims_rules_t       rules;
    u_char                        policy[NGX_EDGE_HASH_SIZE];
                                                /* of all that a verdict
                                                   depends on, but for keys
                                                   that come later */
} ngx_http_edge_auth_loc_conf_t;


/* A token that was verified, in the pool of its main request. */
struct ngx_http_edge_auth_verified_s {
    ngx_edge_claims_times_t       times;
    ngx_str_t                     header;       /* JSON */
    ngx_str_t                     payload;      /* JSON: the claims */
    u_char                        id[NGX_EDGE_HASH_SIZE];
                                                /* of policy, keys and token */
    unsigned                      named:1;      /* id is set: there is a
                                                   cache */
};

/* Of a request that has to wait for keys. */
typedef struct {
    ngx_event_t                   timer;        /* while a fetch is awaited */
    ngx_msec_t                    deadline;
    ngx_uint_t                    awaited;      /* bits: sources whose fetch
                                                   has not ended yet */
    ngx_uint_t                    attempts[NGX_HTTP_EDGE_AUTH_SOURCES];
                                                /* fetches of a source that had
                                                   ended when the waiting
                                                   began */
    ngx_http_edge_sub_t          *subs[NGX_HTTP_EDGE_AUTH_SOURCES];
                                                /* calls for keys */
    unsigned                      fetch:1;      /* a fetch is or was awaited */
} ngx_http_edge_auth_ctx_t;


/* What a judgement needs. */
typedef struct {
    ngx_str_t                     text;         /* the token as it came */
    ngx_edge_keyset_t            *sets[NGX_HTTP_EDGE_AUTH_SOURCES];
                                                /* as the sources are; NULL:
                                                   keys not there */
    ngx_uint_t                    nsets;
    ngx_uint_t                    missing;      /* how many are NULL */
    ngx_uint_t                    wanted;       /* bits: sources whose newer
                                                   keys could change a
                                                   NGX_AGAIN */
    const char                   *reason;       /* for the log */
} ngx_http_edge_auth_judgement_t;


extern ngx_module_t  ngx_http_edge_auth_module;


/* Setters of the directives. */
char *ngx_http_edge_auth_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_edge_auth_key_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_key_url(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_key_request(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_leeway(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_type(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_edge_auth_require(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_audience(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_algorithms(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_max_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_revoke(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_auth_claim_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* The bytes of a file of keys, at configuration time; NGX_ERROR was logged. */
ngx_int_t ngx_http_edge_auth_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);

/* Checks of a merged location; computes its policy. */
char *ngx_http_edge_auth_check(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf);
ngx_int_t ngx_http_edge_auth_policy(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf);

/* Variables: $jwt_claim_*, $jwt_header_*, $jwt_payload; the second refuses
 * variables of others that have a name of ours. */
ngx_int_t ngx_http_edge_auth_add_variables(ngx_conf_t *cf);
ngx_int_t ngx_http_edge_auth_check_variables(ngx_conf_t *cf);

/* The ACCESS handler, and the PRECONTENT handler that takes the token off. */
ngx_int_t ngx_http_edge_auth_access(ngx_http_request_t *r);
ngx_int_t ngx_http_edge_auth_strip(ngx_http_request_t *r);

/* Finds the token: NGX_OK, NGX_DECLINED: there is none, NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_token(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *text);

/* If name begins with prefix and is longer: takes the prefix off, gives 1. */
ngx_uint_t ngx_http_edge_auth_prefixed(ngx_str_t *name, const char *prefix);

/*
 * The verdict on j->text by j->sets.  NGX_OK with *verified; NGX_DECLINED with
 * j->reason; NGX_AGAIN: keys that are not there could change that; NGX_ERROR.
 */
ngx_int_t ngx_http_edge_auth_judge(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_http_edge_auth_judgement_t *j,
    ngx_http_edge_auth_verified_t **verified);

/* The name under which a verdict is remembered: a digest of the location's
 * policy, the keys in force and the token. */
ngx_int_t ngx_http_edge_auth_id(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_http_edge_auth_judgement_t *j, u_char id[NGX_EDGE_HASH_SIZE]);

/* The token cache: finds a verdict (NGX_OK, NGX_DECLINED, NGX_ERROR), and
 * keeps one. */
ngx_int_t ngx_http_edge_auth_cache_find(ngx_http_request_t *r,
    ngx_shm_zone_t *zone, const u_char *id,
    ngx_http_edge_auth_verified_t **verified);
void ngx_http_edge_auth_cache_put(ngx_http_request_t *r, ngx_shm_zone_t *zone,
    const ngx_http_edge_auth_verified_t *verified);
ngx_int_t ngx_http_edge_auth_cache_init(ngx_shm_zone_t *zone, void *data);

/*
 * Keys by subrequest.  Gives the set of a source, from the key cache or, in a
 * later call, from the call that it starts here.  NGX_OK (*set is NULL if the
 * call failed), NGX_AGAIN: wait for a wake-up of the request, NGX_ERROR.  The
 * set is for use until control returns to the event loop.
 */
ngx_int_t ngx_http_edge_auth_request_keys(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_source_t *source, ngx_http_edge_sub_t **sub,
    ngx_edge_keyset_t **set);
ngx_http_edge_auth_keys_t *ngx_http_edge_auth_keys_create(ngx_conf_t *cf);

/* Whether the token or its subject was revoked.  NGX_OK: no; NGX_DECLINED: yes;
 * NGX_AGAIN: that is not known now; NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_revoke_check(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf,
    const ngx_http_edge_auth_verified_t *verified);

/* Refusals: set WWW-Authenticate (RFC 6750 section 3) and note the failure.
 * They give the status to return. */
ngx_int_t ngx_http_edge_auth_refuse_missing(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf);
ngx_int_t ngx_http_edge_auth_refuse_invalid(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t expired,
    const char *reason);
ngx_int_t ngx_http_edge_auth_refuse_required(ngx_http_request_t *r,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_uint_t status);
ngx_int_t ngx_http_edge_auth_unavailable(ngx_http_request_t *r);
ngx_int_t ngx_http_edge_auth_blind(ngx_http_request_t *r);


#endif /* _NGX_HTTP_EDGE_AUTH_H_INCLUDED_ */
