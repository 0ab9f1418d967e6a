
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sockets on nginx's events.  For the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_SOCKET_H_INCLUDED_
#define _NGX_EDGE_REDIS_SOCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_core.h"


/* A socket that is being connected, as a connection of nginx whose handlers
 * the caller sets; one of them will be called.  NULL: fault says why. */
ngx_connection_t *ngx_edge_redis_socket_open(const ngx_addr_t *addr,
    const char **fault);

/* For the first event of it: NULL if it is connected, else why not. */
const char *ngx_edge_redis_socket_fault(ngx_connection_t *c);

void ngx_edge_redis_socket_close(ngx_connection_t *c);


#endif /* _NGX_EDGE_REDIS_SOCKET_H_INCLUDED_ */
