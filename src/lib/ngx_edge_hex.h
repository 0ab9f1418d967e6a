
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Hexadecimal text on hot paths: names in Redis and identifiers of requests.
 */


#ifndef _NGX_EDGE_HEX_H_INCLUDED_
#define _NGX_EDGE_HEX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Writes 2 * len lower case digits, as ngx_hex_dump() does, in a third of its
 * time; the end of what was written.  len is a multiple of 4. */
u_char *ngx_edge_hex(u_char *p, const u_char *data, size_t len);


#endif /* _NGX_EDGE_HEX_H_INCLUDED_ */
