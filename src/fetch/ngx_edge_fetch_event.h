
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libcurl's multi interface on nginx's events: its sockets are nginx
 * connections, its timer is an nginx timer.  Knows no transfer but by its
 * handle.  For the files of this folder.
 */


#ifndef _NGX_EDGE_FETCH_EVENT_H_INCLUDED_
#define _NGX_EDGE_FETCH_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <curl/curl.h>


/* Told from the event loop that a transfer has ended; the handle is not in
 * the loop any more.  It may add and remove others. */
typedef void (*ngx_edge_fetch_ended_pt)(CURL *easy, CURLcode code);


/* Makes libcurl ready, for the first handle of this process; the caller makes
 * handles only afterwards.  NGX_ERROR: it is not, and the cause was logged. */
ngx_int_t ngx_edge_fetch_event_init(ngx_edge_fetch_ended_pt ended);

/* Puts a handle into the loop, or takes it out; neither calls "ended". */
ngx_int_t ngx_edge_fetch_event_add(CURL *easy);
void ngx_edge_fetch_event_remove(CURL *easy);

/* For CURLOPT_OPENSOCKETFUNCTION of every handle. */
curl_socket_t ngx_edge_fetch_event_socket_open(void *data,
    curlsocktype purpose, struct curl_sockaddr *addr);

/* Gives back all that init took; no handle may be in the loop. */
void ngx_edge_fetch_event_end(void);


#endif /* _NGX_EDGE_FETCH_EVENT_H_INCLUDED_ */
