
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Key sets by URL: fetched in the background by one worker at a time, their
 * text and version kept in shared memory, parsed by each worker when the
 * version has changed.  A set once fetched is used until a newer one is there.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_URL_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_URL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_edge_keyset.h"


typedef struct ngx_http_edge_auth_url_s  ngx_http_edge_auth_url_t;


/*
 * The source that "auth_jwt_key_url" describes: args[1] is the URL, then any of
 * refresh=, cooldown=, timeout=, ca=.  Directives with equal URL and
 * parameters share a source.  NULL after an error was logged.
 */
ngx_http_edge_auth_url_t *ngx_http_edge_auth_url_add(ngx_conf_t *cf,
    const ngx_str_t *args, ngx_uint_t n);

/* The keys in force, for use until control returns to the event loop; NULL:
 * none were ever fetched. */
ngx_edge_keyset_t *ngx_http_edge_auth_url_keys(ngx_http_edge_auth_url_t *url);

/*
 * A token names a kid that the keys in force do not have, or there are none.
 * NGX_AGAIN: a fetch runs now (started here, or by anybody): ask again after
 * some milliseconds, ngx_http_edge_auth_url_attempts() tells when it has ended.
 * NGX_OK: newer keys have come since ngx_http_edge_auth_url_keys() was asked:
 * ask it again.  NGX_DECLINED: the cooldown forbids a fetch: judge by the keys
 * in force.
 */
ngx_int_t ngx_http_edge_auth_url_refetch(ngx_http_edge_auth_url_t *url);

/* Counts every fetch that ended, good or bad, in all workers. */
ngx_uint_t ngx_http_edge_auth_url_attempts(ngx_http_edge_auth_url_t *url);

/* The longest time that a request should wait for a fetch. */
ngx_msec_t ngx_http_edge_auth_url_timeout(ngx_http_edge_auth_url_t *url);

/* For the module's init process handler: starts the timers of all sources. */
ngx_int_t ngx_http_edge_auth_url_init_process(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_EDGE_AUTH_URL_H_INCLUDED_ */
