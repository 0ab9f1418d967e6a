
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a response is fresh for a private cache, from its Cache-Control and
 * Age (RFC 9111 sections 4.2 and 5.2.2).  Pure.
 */


#ifndef _NGX_EDGE_MAX_AGE_H_INCLUDED_
#define _NGX_EDGE_MAX_AGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Reads one Cache-Control field into max_age, which starts as -1 (nothing
 * said): seconds of max-age, the least if there are several; 0 for no-store,
 * no-cache and a max-age that is no number.  Other directives, s-maxage too,
 * are ignored.
 */
void ngx_edge_max_age_control(time_t *max_age, const ngx_str_t *field);

/* Takes the value of an Age field off; what is no number is ignored. */
void ngx_edge_max_age_aged(time_t *max_age, const ngx_str_t *field);


#endif /* _NGX_EDGE_MAX_AGE_H_INCLUDED_ */
