
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A file whose existence says that this instance is to get no new requests.
 */


#ifndef _NGX_EDGE_DRAIN_H_INCLUDED_
#define _NGX_EDGE_DRAIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What one worker knows of one drain file.  Made at configuration time with
 * path set and the rest zero; after the fork each worker has its own, and
 * only ngx_edge_drain() writes it.
 */
typedef struct {
    ngx_str_t    path;         /* absolute, NUL-ended */
    ngx_msec_t   checked;      /* when draining was found out */
    unsigned     known:1;      /* it was looked at once */
    unsigned     draining:1;
    unsigned     failed:1;     /* the last look failed, and was logged */
} ngx_edge_drain_t;


/*
 * 1 while the file exists, as of at most a second ago.  1 too where that
 * cannot be found out, with one error line: an instance that cannot be told
 * to drain must not look healthy.
 */
ngx_uint_t ngx_edge_drain(ngx_edge_drain_t *drain, ngx_log_t *log);


#endif /* _NGX_EDGE_DRAIN_H_INCLUDED_ */
