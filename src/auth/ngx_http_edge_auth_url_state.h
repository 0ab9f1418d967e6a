
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What all workers know of a source of keys by URL: the text in force, when to
 * fetch it next, and who is at it.  It lives in a shared zone of the source's
 * own, which a reload adopts.
 *
 * A fetch is a lease: one worker has it at a time, and loses it if it has not
 * come back by its end.  Times are ngx_current_msec, which on Linux is the
 * machine's monotonic clock and so the same in all workers.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_URL_STATE_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_URL_STATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Two texts, so that the one in force is whole whenever a worker dies. */
typedef struct {
    ngx_atomic_t             version;      /* of the text; 0: there is none.
                                              Read without the lock */
    ngx_atomic_t             attempts;     /* fetches that ended; likewise */
    ngx_uint_t               failures;     /* in a row, up to now */
    ngx_uint_t               active;       /* index of the text in force */
    size_t                   len[2];
    u_char                  *text[2];
    ngx_msec_t               due;          /* of the next fetch */
    ngx_pid_t                owner;        /* of the lease; 0: free */
    ngx_msec_t               lease;        /* its end */
    ngx_uint_t               cooling;      /* the next member is set */
    ngx_msec_t               cooldown;     /* before that no unknown kid starts
                                              a fetch */
} ngx_http_edge_auth_url_shared_t;


typedef struct {
    ngx_slab_pool_t                  *pool;
    ngx_http_edge_auth_url_shared_t  *shared;
} ngx_http_edge_auth_url_state_t;


/* Size of a zone that has the room. */
size_t ngx_http_edge_auth_url_state_size(void);

/* For init_zone: makes the state, or adopts that of old if not NULL. */
ngx_int_t ngx_http_edge_auth_url_state_init(ngx_http_edge_auth_url_state_t *s,
    ngx_shm_zone_t *zone, const ngx_http_edge_auth_url_state_t *old);

/*
 * Takes the lease for msec because a fetch is due.  NGX_OK: it is this
 * process's; NGX_DECLINED: it is not due, or another has the lease: look again
 * in *wait.
 */
ngx_int_t ngx_http_edge_auth_url_state_claim_due(
    ngx_http_edge_auth_url_state_t *s, ngx_msec_t msec, ngx_msec_t *wait);

/* The same because of an unknown kid, which is allowed once in cooldown.
 * NGX_AGAIN: a fetch runs; NGX_DECLINED: it is not allowed now. */
ngx_int_t ngx_http_edge_auth_url_state_claim_kid(
    ngx_http_edge_auth_url_state_t *s, ngx_msec_t msec, ngx_msec_t cooldown);

/* Is anybody fetching? */
ngx_uint_t ngx_http_edge_auth_url_state_running(
    ngx_http_edge_auth_url_state_t *s);

/* Gives the lease back, if this process has it, as if it had not been taken:
 * the fetch stays due. */
void ngx_http_edge_auth_url_state_release(ngx_http_edge_auth_url_state_t *s);

/* Ends a fetch of this process well: text is in force, the next fetch is due
 * in msec.  Gives how many had failed before.  NGX_DECLINED: the lease was
 * over, the result is not wanted. */
ngx_int_t ngx_http_edge_auth_url_state_succeed(
    ngx_http_edge_auth_url_state_t *s, const ngx_str_t *text, ngx_msec_t msec,
    ngx_uint_t *failures);

/* Ends it badly: the next is due after a time that doubles with each failure,
 * from a second to max.  As above. */
ngx_int_t ngx_http_edge_auth_url_state_fail(ngx_http_edge_auth_url_state_t *s,
    ngx_msec_t max, ngx_uint_t *failures);

/* Is text the one in force? */
ngx_uint_t ngx_http_edge_auth_url_state_equal(
    ngx_http_edge_auth_url_state_t *s, const ngx_str_t *text);

/* Copies the text in force to text->data, which has room for
 * NGX_EDGE_KEYSET_TEXT_MAX; gives its version. */
ngx_uint_t ngx_http_edge_auth_url_state_text(
    ngx_http_edge_auth_url_state_t *s, ngx_str_t *text);

/* The time from a good fetch to the next: that of the directive, or less if
 * the response was to be fresh for less (max_age in seconds, -1: not said; at
 * least five minutes count), and up to a tenth less at random. */
ngx_msec_t ngx_http_edge_auth_url_state_interval(ngx_msec_t refresh,
    time_t max_age);


#endif /* _NGX_HTTP_EDGE_AUTH_URL_STATE_H_INCLUDED_ */
