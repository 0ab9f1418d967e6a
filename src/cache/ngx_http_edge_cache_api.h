
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What other features may ask of the cache: answers kept as a few parts whose
 * meaning is the asker's, and versions of what the answers were made from.
 *
 * An answer is looked for, and if it is not there, made by one request at a
 * time:
 *
 *     create -> corpus ... -> key -> get, which gives
 *
 *                      NGX_OK                      found
 *                      NGX_AGAIN, wake, get ...    somebody makes it
 *                      NGX_DECLINED -> put         made by us
 *                                   -> drop        made, and not to be kept
 *                                   -> stale ...   not made: an old one
 *
 * Who does neither put nor drop (the client left, a failure) lets the next one
 * try when its request ends.
 */


#ifndef _NGX_HTTP_EDGE_CACHE_API_H_INCLUDED_
#define _NGX_HTTP_EDGE_CACHE_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_EDGE_CACHE_ANSWER_MAX  30000  /* bytes of all parts */


typedef struct ngx_http_edge_cache_zone_s    ngx_http_edge_cache_zone_t;
typedef struct ngx_http_edge_cache_answer_s  ngx_http_edge_cache_answer_t;

/* Called from the event loop when get is to be called again. */
typedef void (*ngx_http_edge_cache_wake_pt)(void *data);

/* Whether parts mean what the asker takes them for; 0: there is no answer. */
typedef ngx_uint_t (*ngx_http_edge_cache_sound_pt)(const ngx_str_t *parts);


/* The edge_cache_zone of that name, when the whole http block was read; NULL:
 * there is none. */
ngx_http_edge_cache_zone_t *ngx_http_edge_cache_zone_find(ngx_conf_t *cf,
    const ngx_str_t *name);

/* An answer, in r->pool.  NULL: no memory. */
ngx_http_edge_cache_answer_t *ngx_http_edge_cache_answer_create(
    ngx_http_request_t *r, ngx_http_edge_cache_zone_t *zone,
    ngx_http_edge_cache_wake_pt wake, void *data);

/* The version of a corpus it is made from, not older than max_age ms, which
 * has to be one of the key's pieces.  NGX_OK; NGX_AGAIN: wake will be called;
 * NGX_DECLINED: it is not known, nothing may be cached; NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_answer_corpus(
    ngx_http_edge_cache_answer_t *answer, const ngx_str_t *tenant,
    const ngx_str_t *collection, ngx_msec_t max_age, uint64_t *version);

/* It is the answer for the request's tenant and module and for what the pieces
 * say.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_answer_key(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *pieces, ngx_uint_t n);

/* Looks for it; one that has been too old for less than stale seconds will do
 * while somebody else makes it anew.  NGX_OK: parts[n] are its parts, in
 * r->pool; NGX_DECLINED: it is to be made; NGX_AGAIN: wake will be called;
 * NGX_ERROR.  With OK and DECLINED the response's Cache-Status and
 * $edge_cache_status are set, and Age of what was found. */
ngx_int_t ngx_http_edge_cache_answer_get(ngx_http_edge_cache_answer_t *answer,
    ngx_str_t *parts, ngx_uint_t n, ngx_http_edge_cache_sound_pt sound,
    time_t stale);

/* Wake is not called any more. */
void ngx_http_edge_cache_answer_stop(ngx_http_edge_cache_answer_t *answer);

/* It could not be made: the parts of what get() found too old, if it has been
 * so for less than stale seconds.  NGX_OK, NGX_DECLINED. */
ngx_int_t ngx_http_edge_cache_answer_stale(
    ngx_http_edge_cache_answer_t *answer, ngx_str_t *parts, time_t stale);

/* And is given: the fields of get() say so, nobody has to wait for another.
 * NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_cache_answer_given(
    ngx_http_edge_cache_answer_t *answer);

/* Keeps it for valid seconds, or up to a tenth less, and as an old one for
 * stale seconds more. */
void ngx_http_edge_cache_answer_put(ngx_http_edge_cache_answer_t *answer,
    const ngx_str_t *parts, ngx_uint_t n, time_t valid, time_t stale);

/* There is none to be kept: nobody has to wait for one. */
void ngx_http_edge_cache_answer_drop(ngx_http_edge_cache_answer_t *answer);

/* The corpus has changed: another version, in all zones. */
void ngx_http_edge_cache_corpus_changed(ngx_http_request_t *r,
    const ngx_str_t *tenant, const ngx_str_t *collection);


#endif /* _NGX_HTTP_EDGE_CACHE_API_H_INCLUDED_ */
