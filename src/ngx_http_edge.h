
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What every feature of the edge shares: the record of a request, and how a
 * handler says why it failed.  It knows no feature.
 */


#ifndef _NGX_HTTP_EDGE_H_INCLUDED_
#define _NGX_HTTP_EDGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The endpoints of a module that are ours; the rest is proxied. */
typedef enum {
    ngx_http_edge_endpoint_none = 0,
    ngx_http_edge_endpoint_query,
    ngx_http_edge_endpoint_search,
    ngx_http_edge_endpoint_chat,
    ngx_http_edge_endpoint_documents,      /* the collection, or one by id */
    ngx_http_edge_endpoint_models,
    ngx_http_edge_endpoint_feedback
} ngx_http_edge_endpoint_e;


/* Why a request failed, for the body of its error response. */
typedef struct {
    ngx_uint_t   status;       /* 0: no failure noted */
    const char  *code;         /* a static word such as "module_not_found" */
    ngx_str_t    detail;       /* a sentence for the client, no secrets */
    ngx_str_t    pointer;      /* JSON pointer of the fault; data NULL: none */
    time_t       retry_after;  /* seconds; 0: no Retry-After */
    const char  *type;         /* URI of the problem; NULL: about:blank */
    ngx_str_t    members;      /* more JSON members of the problem, each with
                                  a comma before it */
} ngx_http_edge_failure_t;


typedef struct ngx_http_edge_route_entry_s  ngx_http_edge_route_entry_t;
typedef struct ngx_http_edge_auth_verified_s  ngx_http_edge_auth_verified_t;
typedef struct ngx_http_edge_limit_ctx_s  ngx_http_edge_limit_ctx_t;


/*
 * One per main request, in r->main->pool, whatever internal redirects happen.
 * The route feature writes module, endpoint and rest when they are first
 * asked for, and tenant in admit; auth writes verified and token; limit is the
 * limit feature's; the cache writes cache_status; failure is written by
 * whoever fails.
 */
typedef struct {
    ngx_str_t                           request_id;
    ngx_str_t                           tenant;     /* empty until admitted */
    const ngx_http_edge_route_entry_t  *module;     /* NULL: none matched */
    ngx_http_edge_endpoint_e            endpoint;
    ngx_str_t                           rest;       /* path behind the
                                                       endpoint: a document id,
                                                       else empty */
    const ngx_http_edge_auth_verified_t
                                       *verified;   /* NULL: no token */
    ngx_str_t                           token;      /* taken off the request,
                                                       for the next location */
    ngx_int_t                           token_source; /* auth's */
    ngx_http_edge_limit_ctx_t          *limit;      /* NULL: not charged */
    const char                         *cache_status; /* NULL: the cache was
                                                       not asked */
    ngx_http_edge_failure_t             failure;

    unsigned                            routed:1;   /* the lookup was done */
    unsigned                            admitted:1; /* all checks passed */
    unsigned                            openai:1;   /* errors in OpenAI form */
    unsigned                            claims_asked:1; /* by a variable before
                                                       those in force */
} ngx_http_edge_record_t;


/* The record of r->main, made on the first call; NULL: no memory. */
ngx_http_edge_record_t *ngx_http_edge_record(ngx_http_request_t *r);

/* The record if there is one already, else NULL. */
ngx_http_edge_record_t *ngx_http_edge_record_get(ngx_http_request_t *r);

/* Notes a failure in the record and returns status, so that a handler ends
 * with "return ngx_http_edge_fail(...)".  code and detail are static. */
ngx_int_t ngx_http_edge_fail(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *detail);


#endif /* _NGX_HTTP_EDGE_H_INCLUDED_ */
