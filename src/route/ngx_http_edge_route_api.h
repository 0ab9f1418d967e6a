
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What other features may ask of the route feature.
 */


#ifndef _NGX_HTTP_EDGE_ROUTE_API_H_INCLUDED_
#define _NGX_HTTP_EDGE_ROUTE_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"


/* One edge_module block. */
struct ngx_http_edge_route_entry_s {
    ngx_str_t                  name;
    ngx_str_t                  path;       /* begins and ends with '/' */
    ngx_uint_t                 methods;    /* NGX_HTTP_GET | ... */
    ngx_str_t                  allow;      /* value of the Allow field */
    ngx_str_t                  target;     /* "http://name[:port]" or empty */
    ngx_uint_t                 endpoints;  /* bits 1 << endpoint; 0: no rag */
    ngx_http_complex_value_t  *rag;        /* pipeline's name; NULL: none */
    off_t                      max_body;   /* of the pipeline's requests; set
                                              by the rag feature, 0: none */
    const void                *pipeline;   /* the rag feature's; NULL: depends
                                              on the request, or none */
    ngx_array_t               *grants;     /* of "allow"; NULL: none */
    ngx_array_t               *write_grants; /* of "allow_write"; NULL: none */
    unsigned                   write_unverified:1;
};


/* All edge_module blocks (array of ngx_http_edge_route_entry_t); may be
 * completed by the rag feature in its postconfiguration. */
ngx_array_t *ngx_http_edge_route_entries(ngx_conf_t *cf);

/* The servers in which a location has edge_route on or a name (array of
 * ngx_http_core_srv_conf_t *). */
ngx_array_t *ngx_http_edge_route_servers(ngx_conf_t *cf);

/* 1 if edge_route is in force in the location that has these merged
 * configurations. */
ngx_uint_t ngx_http_edge_route_enabled(void **loc_conf);

/* 1 if a request of that location may be for a pipeline; in postconfiguration
 * and behind it. */
ngx_uint_t ngx_http_edge_route_to_rag(ngx_conf_t *cf, void **loc_conf);

/* Finds module, endpoint and rest for the request's URI once and notes them
 * in the record.  NULL: no memory. Works in any phase after FIND_CONFIG. */
ngx_http_edge_record_t *ngx_http_edge_route_resolve(ngx_http_request_t *r);


#endif /* _NGX_HTTP_EDGE_ROUTE_API_H_INCLUDED_ */
