
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the limit feature share: zones and policies (read-only
 * after configuration), and what one request was charged.
 */


#ifndef _NGX_HTTP_EDGE_LIMIT_H_INCLUDED_
#define _NGX_HTTP_EDGE_LIMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "limit/ngx_edge_limit_local.h"
#include "limit/ngx_http_edge_limit_api.h"
#include "redis/ngx_edge_redis.h"


#define NGX_HTTP_EDGE_LIMIT_POLICIES  8    /* in one location */
#define NGX_HTTP_EDGE_LIMIT_KEY       128  /* a longer one is digested */

/* The values of on_error. */
#define NGX_HTTP_EDGE_LIMIT_LOCAL     0
#define NGX_HTTP_EDGE_LIMIT_OPEN      1
#define NGX_HTTP_EDGE_LIMIT_CLOSED    2


typedef enum {
    ngx_http_edge_limit_requests = 0,
    ngx_http_edge_limit_concurrent,
    ngx_http_edge_limit_tokens
} ngx_http_edge_limit_kind_e;


/* The values of $edge_limit_status. */
typedef enum {
    ngx_http_edge_limit_none = 0,
    ngx_http_edge_limit_passed,
    ngx_http_edge_limit_rejected,
    ngx_http_edge_limit_rejected_dry_run,
    ngx_http_edge_limit_degraded       /* passed, while Redis was away */
} ngx_http_edge_limit_status_e;


/* One edge_limit_zone; the data of its shared memory zone. */
typedef struct {
    ngx_str_t                        name;
    ngx_http_complex_value_t         key;
    ngx_edge_limit_local_t          *local;
    ngx_edge_redis_t                *redis;    /* NULL: local is all */
    ngx_uint_t                       on_error;
    ngx_uint_t                       replicas;
    unsigned                         lease:1;  /* of requests */
} ngx_http_edge_limit_zone_t;


/* One edge_limit. */
typedef struct {
    ngx_http_edge_limit_zone_t      *zone;
    ngx_http_edge_limit_kind_e       kind;
    ngx_http_complex_value_t         value;
    int64_t                          burst;    /* 0: the rate's number */

    /* where the value is the same for all requests */
    ngx_edge_rate_t                  rate;
    ngx_edge_gcra_t                  gcra;
    int64_t                          slots;
    unsigned                         constant:1;
    unsigned                         cut:1;    /* streams, in mid-answer */
} ngx_http_edge_limit_policy_t;


typedef struct {
    ngx_array_t                      zones;    /* ..._zone_t * */
    ngx_array_t                      locations;    /* with limits of tokens
                                                      of their own: loc_conf
                                                      ** */
} ngx_http_edge_limit_main_conf_t;


typedef struct {
    ngx_array_t                     *policies; /* ..._policy_t, those of
                                                  tokens last, by zone */
    ngx_flag_t                       dry_run;
    ngx_uint_t                       status;
    ngx_uint_t                       log_level;
} ngx_http_edge_limit_loc_conf_t;


/* What one policy means for one request; at the same index as its cell. */
typedef struct {
    const ngx_http_edge_limit_policy_t  *policy;
    const ngx_edge_rate_t               *rate;     /* the policy's, or own */
    ngx_edge_rate_t                      own_rate;
    ngx_edge_gcra_t                      own_gcra;

    /* in Redis */
    ngx_str_t                            key;
    ngx_str_t                            holder;   /* of a slot */
    ngx_uint_t                           held;     /* it may be ours */
} ngx_http_edge_limit_charge_t;


typedef struct ngx_http_edge_limit_take_s  ngx_http_edge_limit_take_t;

/* rc as of ngx_http_edge_limit_take(), but for NGX_AGAIN. */
typedef void (*ngx_http_edge_limit_take_pt)(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc);

/* Taking units of several limits at once. */
struct ngx_http_edge_limit_take_s {
    ngx_http_request_t              *request;
    ngx_http_edge_limit_charge_t    *charge;
    ngx_edge_limit_cell_t           *cell;
    ngx_uint_t                       n;        /* of both; 0: not known */
    int64_t                          least;
    int64_t                          most;
    ngx_http_edge_limit_take_pt      done;

    int64_t                          taken;
    int64_t                          now;      /* that the cells speak of */
    ngx_edge_redis_cmd_t             cmd;
    unsigned                         degraded:1;
};


typedef struct ngx_http_edge_limit_ctx_s  ngx_http_edge_limit_ctx_t;

/* One per main request, kept by its record over internal redirects. */
struct ngx_http_edge_limit_ctx_s {
    ngx_http_edge_limit_status_e     status;
    ngx_uint_t                       n;        /* charges and cells of
                                                  requests */
    ngx_uint_t                       ntokens;  /* the same behind them */
    ngx_http_edge_limit_charge_t    *charge;
    ngx_edge_limit_cell_t           *cell;
    ngx_http_edge_limit_take_t       take;     /* of requests */
    ngx_http_edge_limit_take_t       tokens;
    ngx_http_edge_limit_reserved_pt  reserved;
    void                            *data;     /* of reserved */
    ngx_int_t                        decision; /* on the tokens */
    ngx_int_t                        rc;       /* of the handler's next call */
    ngx_queue_t                      held;     /* among those with slots */
    unsigned                         holds:1;  /* it is among them */
    unsigned                         fields:1; /* the response has some */
    unsigned                         settles:1;    /* tokens are reserved */
};


extern ngx_module_t  ngx_http_edge_limit_module;


/* ngx_http_edge_limit_conf.c: setters of the directives. */
char *ngx_http_edge_limit_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_limit_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* How many may run at once, from text; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_limit_parse_slots(const ngx_str_t *text,
    int64_t *slots);

/* ngx_http_edge_limit_request.c: the PRECONTENT handler. */
ngx_int_t ngx_http_edge_limit_handler(ngx_http_request_t *r);

/* ngx_http_edge_limit_charge.c: evaluates the policies of a location for the
 * request into a new context, which has fewer charges where a key is empty or
 * a value says "off"; NGX_OK; NGX_DECLINED: a value makes no sense, which was
 * logged; NGX_ERROR. */
ngx_int_t ngx_http_edge_limit_evaluate(ngx_http_request_t *r,
    const ngx_array_t *policies, ngx_http_edge_limit_ctx_t **ctx);

/* The name of a policy for clients, such as "api-rpm"; at most
 * NGX_HTTP_EDGE_LIMIT_NAME bytes go to p, whose end is returned. */
u_char *ngx_http_edge_limit_name(u_char *p,
    const ngx_http_edge_limit_charge_t *charge);

#define NGX_HTTP_EDGE_LIMIT_NAME  80

#define ngx_http_edge_limit_unit(policy)                                      \
    ((policy)->kind == ngx_http_edge_limit_tokens ? 't' : 'r')

/* ngx_http_edge_limit_fields.c: sets the response header fields of what was
 * asked so far; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_limit_fields(ngx_http_request_t *r);

/* ngx_http_edge_limit_reject.c: notes why the request is refused, or cannot
 * be judged, and returns the status; NGX_DECLINED in a dry run. */
ngx_int_t ngx_http_edge_limit_reject(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take);
ngx_int_t ngx_http_edge_limit_unavailable(ngx_http_request_t *r);

/* ngx_http_edge_limit_take.c: NGX_OK: take->taken units are; NGX_DECLINED:
 * refused; NGX_ABORT: refused because Redis is away; NGX_ERROR; NGX_AGAIN:
 * done will be called, unless the command is cancelled. */
ngx_int_t ngx_http_edge_limit_take(ngx_http_edge_limit_take_t *take);

/* Before a take is freed that may not be done. */
void ngx_http_edge_limit_take_cancel(ngx_http_edge_limit_take_t *take);

/* Logs an error that Redis answers with, while it counts as there. */
void ngx_http_edge_limit_said(const ngx_http_edge_limit_zone_t *zone,
    const ngx_edge_redis_reply_t *reply, ngx_log_t *log);

/* Notes, and says in the log, that a zone has lost Redis or has it again. */
void ngx_http_edge_limit_transition(const ngx_http_edge_limit_zone_t *zone,
    ngx_uint_t lost, ngx_log_t *log);

/* ngx_http_edge_limit_orphan.c: cancels a take of tokens, which go back if
 * they are granted all the same. */
void ngx_http_edge_limit_take_leave(ngx_http_edge_limit_take_t *take);

/* ngx_http_edge_limit_lease.c: takes what leases have, and renews them.
 * NGX_OK, NGX_DECLINED as a take; NGX_AGAIN: Redis is to be asked for the
 * cells that are not held, and ..._done to be called behind it. */
ngx_int_t ngx_http_edge_limit_lease_take(ngx_http_edge_limit_take_t *take);
void ngx_http_edge_limit_lease_done(ngx_http_edge_limit_take_t *take,
    ngx_int_t rc);
ngx_int_t ngx_http_edge_limit_lease_init(ngx_cycle_t *cycle);
void ngx_http_edge_limit_lease_exit(ngx_cycle_t *cycle);

/* ngx_http_edge_limit_slots.c: to be called before anything is taken: when
 * the request is freed, its slots are given back and what it waits for is
 * cancelled.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_limit_hold(ngx_http_request_t *r,
    ngx_http_edge_limit_ctx_t *ctx);
ngx_int_t ngx_http_edge_limit_slots_init(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_EDGE_LIMIT_H_INCLUDED_ */
