
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One text for all JSON texts that mean the same: for keys, not for readers.
 */


#ifndef _NGX_EDGE_CACHE_JSON_H_INCLUDED_
#define _NGX_EDGE_CACHE_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Writes text without white space, members in the order of their names, and
 * strings and numbers in one way each; two texts with another meaning never
 * become the same.  NGX_OK; NGX_DECLINED: not JSON, or over the parser's
 * limits; NGX_ERROR. */
ngx_int_t ngx_edge_cache_json(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *canonical);


#endif /* _NGX_EDGE_CACHE_JSON_H_INCLUDED_ */
