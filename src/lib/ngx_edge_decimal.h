
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Decimal integers on hot paths, where reading a format costs more than the
 * digits.
 */


#ifndef _NGX_EDGE_DECIMAL_H_INCLUDED_
#define _NGX_EDGE_DECIMAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Writes n, at most NGX_INT64_LEN bytes; the end of what was written. */
u_char *ngx_edge_decimal(u_char *p, int64_t n);


#endif /* _NGX_EDGE_DECIMAL_H_INCLUDED_ */
