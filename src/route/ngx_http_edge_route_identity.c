
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The header names by which services behind the edge know who is calling.
 * Only the edge itself may set them, so a client's are taken away; and so is
 * what nginx remembers of them in $http_ variables, which would still show
 * the client's value to a proxy_set_header.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"
#include "route/ngx_http_edge_route.h"


static const ngx_str_t  ngx_http_edge_route_prefixes[] = {
    ngx_string("x-tenant-"),
    ngx_string("x-user-"),
    ngx_string("x-edge-"),
    ngx_null_string
};


ngx_int_t
ngx_http_edge_route_identity_variables(ngx_cycle_t *cycle,
    ngx_http_edge_route_main_conf_t *rmcf)
{
    ngx_uint_t                  i, *index;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (v[i].name.len < sizeof("http_") - 1
            || ngx_strncmp(v[i].name.data, "http_", sizeof("http_") - 1) != 0
            || !ngx_http_edge_header_prefixed(
                    v[i].name.data + sizeof("http_") - 1,
                    v[i].name.len - (sizeof("http_") - 1),
                    ngx_http_edge_route_prefixes))
        {
            continue;
        }

        index = ngx_array_push(&rmcf->identity);
        if (index == NULL) {
            return NGX_ERROR;
        }

        *index = i;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_route_strip(ngx_http_request_t *r)
{
    ngx_int_t                         n;
    ngx_uint_t                        i, *index;
    ngx_http_edge_route_main_conf_t  *rmcf;

    n = ngx_http_edge_headers_strip(r, ngx_http_edge_route_prefixes);

    if (n <= 0) {
        return n;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "edge route: %i identity headers taken away", n);

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_route_module);

    index = rmcf->identity.elts;

    for (i = 0; i < rmcf->identity.nelts; i++) {
        r->variables[index[i]].valid = 0;
        r->variables[index[i]].not_found = 0;
    }

    return NGX_OK;
}
