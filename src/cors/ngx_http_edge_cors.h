
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What "edge_cors" says, as the files of this folder share it.
 */


#ifndef _NGX_HTTP_EDGE_CORS_H_INCLUDED_
#define _NGX_HTTP_EDGE_CORS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* One directive; inherited as a whole, so the checks of one hold for all. */
typedef struct {
    ngx_array_t   origins;         /* of ngx_str_t, in browsers' form */
    ngx_str_t     max_age;         /* in seconds, as text */
    unsigned      on:1;            /* else it is "edge_cors off" */
    unsigned      any:1;           /* "*" in place of origins */
    unsigned      credentials:1;   /* never with any */
} ngx_http_edge_cors_policy_t;


typedef struct {
    ngx_http_edge_cors_policy_t  *policy;   /* NULL: none on any level */
} ngx_http_edge_cors_loc_conf_t;


/* The directive's setter; conf is an ngx_http_edge_cors_loc_conf_t. */
char *ngx_http_edge_cors_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_EDGE_CORS_H_INCLUDED_ */
