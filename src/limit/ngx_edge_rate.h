
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A rate as operators write it: <integer>(r|t)/(s|m|h|d), such as 100r/s or
 * 5000000t/d.
 */


#ifndef _NGX_EDGE_RATE_H_INCLUDED_
#define _NGX_EDGE_RATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_RATE_MAX  1000000000000   /* units in a window */


typedef struct {
    int64_t      limit;        /* units that pass in a window, 1 .. MAX */
    int64_t      window;       /* microseconds */
    u_char       unit;         /* 'r' or 't' */
    u_char       period;       /* 's', 'm', 'h' or 'd' */
} ngx_edge_rate_t;


/* Reads text as a rate of that unit.  A rate of requests is at most one a
 * microsecond.  NGX_OK, or NGX_ERROR for anything else. */
ngx_int_t ngx_edge_rate_parse(const ngx_str_t *text, u_char unit,
    ngx_edge_rate_t *rate);


#endif /* _NGX_EDGE_RATE_H_INCLUDED_ */
