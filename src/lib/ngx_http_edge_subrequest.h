
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An HTTP call made as an nginx subrequest to an internal location.  The only
 * caller of ngx_http_subrequest().  The call carries a method, headers and a
 * body of its own and nothing that the client sent; its answer is captured
 * whole, or handed to a stream handler as it comes.
 *
 * States: idle -> started -> done.  "started" ends by the subrequest's end, by
 * the deadline, or by cancel; "done" is reached exactly once, calls sub->done
 * and wakes the main request by posting it (its write_event_handler runs).
 * When the client leaves, nginx terminates the request: the cleanup stops the
 * timer and done is not called.
 *
 * Memory: the caller owns the struct, in the pool of the main request.  The
 * call's own pool holds the rest (body, subrequest, answer), so that it can go
 * before the request does: a stream may outlive its searches by minutes.
 */


#ifndef _NGX_HTTP_EDGE_SUBREQUEST_H_INCLUDED_
#define _NGX_HTTP_EDGE_SUBREQUEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef enum {
    ngx_http_edge_sub_ok = 0,          /* status 2xx and a whole body */
    ngx_http_edge_sub_status,          /* another status, whole body */
    ngx_http_edge_sub_timeout,         /* our deadline, or the proxy's */
    ngx_http_edge_sub_unreachable,     /* refused, reset, not HTTP */
    ngx_http_edge_sub_truncated,       /* ended before its length */
    ngx_http_edge_sub_too_large,       /* body over the limit */
    ngx_http_edge_sub_failed           /* could not be made */
} ngx_http_edge_sub_result_e;


typedef struct ngx_http_edge_sub_s  ngx_http_edge_sub_t;

/* Gets the body of a streamed answer, as a body filter does: consumes bufs
 * (or keeps them and returns NGX_AGAIN) and writes what it makes with
 * ngx_http_edge_sub_output(). */
typedef ngx_int_t (*ngx_http_edge_sub_stream_pt)(ngx_http_edge_sub_t *sub,
    ngx_chain_t *in);

typedef void (*ngx_http_edge_sub_done_pt)(ngx_http_edge_sub_t *sub);


struct ngx_http_edge_sub_s {
    /* set by the caller before start */
    ngx_http_request_t          *main;
    ngx_pool_t                  *pool;     /* from ngx_http_edge_sub_pool();
                                              this struct may be in it */
    ngx_str_t                    uri;
    ngx_str_t                    args;     /* query string, may be empty */
    ngx_uint_t                   method;   /* NGX_HTTP_GET, POST, PUT */
    ngx_str_t                    body;     /* application/json; may be empty */
    ngx_msec_t                   timeout;  /* of the exchange; 0: none */
    size_t                       limit;    /* of a captured body, bytes */
    ngx_http_edge_sub_stream_pt  stream;   /* NULL: capture */
    ngx_http_edge_sub_done_pt    done;     /* marks only, may be NULL */
    void                        *data;     /* the caller's */
    ngx_http_edge_sub_t         *next;     /* in the caller's list */

    /* the result, valid when finished is set */
    ngx_http_edge_sub_result_e   result;
    ngx_uint_t                   status;   /* of the upstream; 0: none came */
    ngx_str_t                    answer;   /* captured body */
    unsigned                     framed:1; /* the answer's end can be told from
                                              the connection's */

    /* private */
    ngx_http_request_t          *request;  /* the subrequest, in pool */
    ngx_http_post_subrequest_t   post;
    ngx_http_cleanup_t          *cleanup;  /* of main, for a client's leave */
    ngx_event_t                  timer;
    ngx_event_t                  stop;     /* posted from a body filter */
    size_t                       size;     /* allocated at answer.data */
    ngx_http_edge_sub_result_e   stop_result;

    unsigned                     started:1;
    unsigned                     finished:1;
    unsigned                     streaming:1;  /* 200: bytes go to stream */
    unsigned                     too_large:1;  /* known from the header */
    unsigned                     whole:1;      /* the end was seen */
};


/* A pool for a call, or for what need not live as long as r; destroyed with r
 * at the latest.  NULL: no memory. */
ngx_pool_t *ngx_http_edge_sub_pool(ngx_http_request_t *r);
/* The same for a call that may live for minutes, and thousands at a time:
 * small blocks are full ones, and what is large can go back on its own. */
ngx_pool_t *ngx_http_edge_sub_pool_long(ngx_http_request_t *r);
/* Destroys it now; NULL does nothing. */
void ngx_http_edge_sub_pool_free(ngx_http_request_t *r, ngx_pool_t *pool);

/* Gives the call's memory back, sub and answer included, in a step of the
 * main request after the call has finished.  A call that cannot be freed yet
 * is left to the end of the request; sub is not to be used again either
 * way. */
void ngx_http_edge_sub_free(ngx_http_edge_sub_t *sub);

/* Gives the body's memory back if it was sent and no retry can need it. */
void ngx_http_edge_sub_free_body(ngx_http_edge_sub_t *sub);

/* Starts the call for its main request: in the background when captured,
 * as the active subrequest when streamed (main's header must have been sent and
 * nothing may be written to it until done).  NGX_OK: done will be or was
 * called; NGX_ERROR: it will not. */
ngx_int_t ngx_http_edge_sub_start(ngx_http_edge_sub_t *sub);

/* Ends the call now with result; the upstream connection is closed.  Not to
 * be called from a filter (use ngx_http_edge_sub_stop()). */
void ngx_http_edge_sub_cancel(ngx_http_edge_sub_t *sub,
    ngx_http_edge_sub_result_e result);

/* Asks for a cancel on the next turn of the event loop; safe in filters. */
void ngx_http_edge_sub_stop(ngx_http_edge_sub_t *sub,
    ngx_http_edge_sub_result_e result);

/* Writes to the client on behalf of a streamed call. */
ngx_int_t ngx_http_edge_sub_output(ngx_http_edge_sub_t *sub, ngx_chain_t *out);

/* The call behind a subrequest, or NULL: for our filter. */
ngx_http_edge_sub_t *ngx_http_edge_sub_get(ngx_http_request_t *r);

/* A word for the log: "timeout", "status 500" is made with sub->status. */
const char *ngx_http_edge_sub_result_name(const ngx_http_edge_sub_t *sub);


#endif /* _NGX_HTTP_EDGE_SUBREQUEST_H_INCLUDED_ */
