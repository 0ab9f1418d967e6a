
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An HTTPS call of the worker itself, in the background: no request waits in
 * it and none is needed.  libcurl's multi interface on nginx's events; names
 * are looked up in libcurl's own thread, so the event loop never blocks.
 *
 * States: idle -> running -> idle.  "running" ends exactly once, by done being
 * called from the event loop (never inside start), or by cancel, which does not
 * call it.  When the worker exits, what runs is dropped without done.
 *
 * Only https; certificates and names are always verified; redirects and
 * proxies are not followed.
 */


#ifndef _NGX_EDGE_FETCH_H_INCLUDED_
#define _NGX_EDGE_FETCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_edge_fetch_s  ngx_edge_fetch_t;

typedef void (*ngx_edge_fetch_done_pt)(ngx_edge_fetch_t *fetch);


struct ngx_edge_fetch_s {
    /* set by the caller before start; must stay until done or cancel */
    ngx_str_t                url;        /* https://..., ended by NUL */
    ngx_str_t                ca;         /* file of trusted certificates in
                                            PEM, ended by NUL; empty: the
                                            system's */
    ngx_msec_t               timeout;    /* of the whole exchange */
    size_t                   limit;      /* of the body, bytes */
    ngx_edge_fetch_done_pt   done;
    void                    *data;       /* the caller's */

    /* the result; body and error are valid while done runs */
    ngx_uint_t               status;     /* 0: no whole response came */
    ngx_str_t                body;
    time_t                   max_age;    /* of Cache-Control, less Age; 0 for
                                            no-cache and no-store; -1: none */
    ngx_str_t                error;      /* a sentence for the log if status
                                            is 0 */

    void                    *transfer;   /* private; NULL: idle */
};


/* Starts a GET.  NGX_OK: done will be called, unless cancelled; NGX_ERROR: it
 * will not, the cause was logged. */
ngx_int_t ngx_edge_fetch_start(ngx_edge_fetch_t *fetch);

/* Drops a running call without done; nothing if idle. */
void ngx_edge_fetch_cancel(ngx_edge_fetch_t *fetch);

/* For the end of the process: drops all calls, and what they needed. */
void ngx_edge_fetch_end(void);

/* For the configuration: NULL, or why a URL can never be called, or a file
 * is none of certificates.  Both are ended by NUL. */
const char *ngx_edge_fetch_check_url(const ngx_str_t *url);
const char *ngx_edge_fetch_check_ca(const ngx_str_t *ca);


#endif /* _NGX_EDGE_FETCH_H_INCLUDED_ */
