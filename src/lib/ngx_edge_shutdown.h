
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A word before the end: a worker that exits gracefully is cut off from its
 * clients when worker_shutdown_timeout has passed.  Who would rather end by
 * himself is told two seconds before, or at once if less is left.  Without
 * that directive there is no such end, and nobody is told anything.
 */


#ifndef _NGX_EDGE_SHUTDOWN_H_INCLUDED_
#define _NGX_EDGE_SHUTDOWN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* One who waits, zeroed before the first use; the memory is his own. */
typedef struct {
    ngx_queue_t    queue;
    void         (*handler)(void *data);   /* called once, in an event */
    void          *data;
} ngx_edge_shutdown_t;


/* For an init process handler. */
ngx_int_t ngx_edge_shutdown_init(ngx_cycle_t *cycle);

void ngx_edge_shutdown_wait(ngx_edge_shutdown_t *waiter);

/* Safe to call for one who does not wait, or was told. */
void ngx_edge_shutdown_leave(ngx_edge_shutdown_t *waiter);


#endif /* _NGX_EDGE_SHUTDOWN_H_INCLUDED_ */
