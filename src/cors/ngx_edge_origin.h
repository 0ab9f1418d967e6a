
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What browsers send about themselves: origins, and lists of field names.
 * Text only.
 */


#ifndef _NGX_EDGE_ORIGIN_H_INCLUDED_
#define _NGX_EDGE_ORIGIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Checks an origin that a configuration names: "null", or scheme://host with
 * a port if that is not the scheme's own.  Scheme and host are turned to lower
 * case in place, the form in which browsers send them.  Gives NULL, or what is
 * wrong as a static phrase.
 */
const char *ngx_edge_origin_check(ngx_str_t *origin);

/* 1 if s is tokens with commas between, as a list of field names is; there
 * is at least one, and none is empty. */
ngx_uint_t ngx_edge_origin_tokens(const ngx_str_t *s);

/* 1 if one of the comma-separated elements of s is name, in any case. */
ngx_uint_t ngx_edge_origin_listed(const ngx_str_t *s, const ngx_str_t *name);


#endif /* _NGX_EDGE_ORIGIN_H_INCLUDED_ */
