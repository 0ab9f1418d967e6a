
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of auth_jwt_identity share.
 */


#ifndef _NGX_HTTP_EDGE_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_EDGE_IDENTITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_edge_identity.h"
#include "auth/ngx_http_edge_auth.h"


typedef struct {
    ngx_str_t                    header;
    ngx_str_t                    lowcase;
    ngx_uint_t                   hash;         /* of lowcase */
    ngx_int_t                    variables[2]; /* $http_<header>, and of
                                                  X-Request-Id */
    ngx_edge_identity_signer_t   signer;
    ngx_str_t                    issuer;
    time_t                       ttl;
    u_char                       digest[NGX_EDGE_HASH_SIZE];
                                               /* of all the above */
} ngx_http_edge_identity_t;


typedef struct {
    ngx_http_edge_identity_t    *identity;     /* NULL: off */
} ngx_http_edge_identity_loc_conf_t;


/* The setter of auth_jwt_identity. */
char *ngx_http_edge_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_EDGE_IDENTITY_H_INCLUDED_ */
