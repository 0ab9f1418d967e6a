
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Points in time as RFC 3339 writes them.  Knows text only, no clock.
 */


#ifndef _NGX_EDGE_TIME_H_INCLUDED_
#define _NGX_EDGE_TIME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    int64_t   sec;             /* since 1970-01-01T00:00:00Z */
    uint32_t  nsec;
} ngx_edge_time_t;


/* Reads "2026-04-14T06:40:00Z": date, time and zone must all be there and be
 * possible; digits after the ninth of a fraction are dropped.  NGX_OK,
 * NGX_DECLINED. */
ngx_int_t ngx_edge_time_parse(const ngx_str_t *text, ngx_edge_time_t *t);

/* Below, equal to or over 0, as a comes before, with or after b. */
ngx_int_t ngx_edge_time_cmp(const ngx_edge_time_t *a,
    const ngx_edge_time_t *b);


#endif /* _NGX_EDGE_TIME_H_INCLUDED_ */
