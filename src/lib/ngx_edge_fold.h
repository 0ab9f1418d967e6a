
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A sum of bytes in 64 bits, made fast: for tables and against accidents.
 * Whoever wants to can find texts of the same sum.
 */


#ifndef _NGX_EDGE_FOLD_H_INCLUDED_
#define _NGX_EDGE_FOLD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The same on machines of the same byte order. */
uint64_t ngx_edge_fold(const u_char *p, size_t len);


#endif /* _NGX_EDGE_FOLD_H_INCLUDED_ */
