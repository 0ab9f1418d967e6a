
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * nginx tells modules nothing when a worker begins to exit, and keeps the time
 * of its end to itself: a timer looks for the beginning twice a second.  It
 * keeps no worker alive.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "lib/ngx_edge_shutdown.h"


#define NGX_EDGE_SHUTDOWN_LOOK    500
#define NGX_EDGE_SHUTDOWN_BEFORE  2000


typedef struct {
    ngx_queue_t   waiters;
    ngx_event_t   timer;
    ngx_msec_t    timeout;     /* worker_shutdown_timeout */
    unsigned      exiting:1;   /* noticed: the timer is that of the word */
    unsigned      told:1;
} ngx_edge_shutdown_worker_t;


static void ngx_edge_shutdown_timer(ngx_event_t *ev);
static void ngx_edge_shutdown_notice(ngx_edge_shutdown_worker_t *worker);


static ngx_edge_shutdown_worker_t  ngx_edge_shutdown_worker;


ngx_int_t
ngx_edge_shutdown_init(ngx_cycle_t *cycle)
{
    ngx_core_conf_t             *ccf;
    ngx_edge_shutdown_worker_t  *worker;

    worker = &ngx_edge_shutdown_worker;

    ngx_memzero(worker, sizeof(ngx_edge_shutdown_worker_t));
    ngx_queue_init(&worker->waiters);

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->shutdown_timeout == 0) {
        return NGX_OK;
    }

    worker->timeout = ccf->shutdown_timeout;

    worker->timer.handler = ngx_edge_shutdown_timer;
    worker->timer.data = worker;
    worker->timer.log = cycle->log;
    worker->timer.cancelable = 1;

    ngx_add_timer(&worker->timer, NGX_EDGE_SHUTDOWN_LOOK);

    return NGX_OK;
}


void
ngx_edge_shutdown_wait(ngx_edge_shutdown_t *waiter)
{
    ngx_edge_shutdown_worker_t  *worker;

    worker = &ngx_edge_shutdown_worker;

    ngx_queue_insert_tail(&worker->waiters, &waiter->queue);

    if (worker->told && !worker->timer.timer_set) {
        ngx_add_timer(&worker->timer, 1);
    }
}


void
ngx_edge_shutdown_leave(ngx_edge_shutdown_t *waiter)
{
    if (waiter->queue.next == NULL) {
        return;
    }

    ngx_queue_remove(&waiter->queue);
    waiter->queue.next = NULL;
}


static void
ngx_edge_shutdown_timer(ngx_event_t *ev)
{
    ngx_queue_t                 *q;
    ngx_edge_shutdown_t         *waiter;
    ngx_edge_shutdown_worker_t  *worker;

    worker = ev->data;

    if (!worker->exiting) {
        ngx_edge_shutdown_notice(worker);
        return;
    }

    worker->told = 1;

    /* a handler may make others leave */

    while (!ngx_queue_empty(&worker->waiters)) {
        q = ngx_queue_head(&worker->waiters);
        waiter = ngx_queue_data(q, ngx_edge_shutdown_t, queue);

        ngx_edge_shutdown_leave(waiter);
        waiter->handler(waiter->data);
    }
}


/* The exit may have begun a whole look ago. */

static void
ngx_edge_shutdown_notice(ngx_edge_shutdown_worker_t *worker)
{
    ngx_msec_t  spent;

    if (!ngx_exiting) {
        ngx_add_timer(&worker->timer, NGX_EDGE_SHUTDOWN_LOOK);
        return;
    }

    worker->exiting = 1;

    spent = NGX_EDGE_SHUTDOWN_LOOK + NGX_EDGE_SHUTDOWN_BEFORE;

    ngx_add_timer(&worker->timer,
                  (worker->timeout > spent) ? worker->timeout - spent : 1);
}
