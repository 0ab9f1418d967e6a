
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the background calls have to do with OpenSSL, which libcurl and nginx
 * use in one process.  For the files of this folder.
 */


#ifndef _NGX_EDGE_FETCH_TLS_H_INCLUDED_
#define _NGX_EDGE_FETCH_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Forgets the errors that libcurl has seen: nginx takes what it finds in
 * OpenSSL's queue for a fault of its own, and logs an alert. */
void ngx_edge_fetch_tls_clear(void);


#endif /* _NGX_EDGE_FETCH_TLS_H_INCLUDED_ */
