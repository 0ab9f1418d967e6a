
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What other features may ask of the secret feature.
 */


#ifndef _NGX_HTTP_EDGE_SECRET_API_H_INCLUDED_
#define _NGX_HTTP_EDGE_SECRET_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The value of "edge_secret $name ...", asked for by its name without the
 * '$', at configuration time (cf->cycle) or in a worker (ngx_cycle); no
 * request is needed.  NULL: there is no such secret, or its directive comes
 * later in the file: a directive that names a secret asks again in its
 * postconfiguration.  The value lives as long as the cycle and is zeroed with
 * it; never log it, and zero every copy.
 */
const ngx_str_t *ngx_http_edge_secret_value(ngx_cycle_t *cycle,
    const ngx_str_t *name);


#endif /* _NGX_HTTP_EDGE_SECRET_API_H_INCLUDED_ */
