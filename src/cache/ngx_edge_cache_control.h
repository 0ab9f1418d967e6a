
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What RFC 9111 lets a shared cache do: the directives of Cache-Control, and
 * the two judgements made of them, "may this be stored, and for how long" and
 * "may this be used again for that request".  Knows values, no request.
 */


#ifndef _NGX_EDGE_CACHE_CONTROL_H_INCLUDED_
#define _NGX_EDGE_CACHE_CONTROL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_CACHE_SECONDS_MAX  2147483647


/* Times are -1 where the directive is absent. */
typedef struct {
    time_t     max_age;
    time_t     s_maxage;
    time_t     min_fresh;

    unsigned   no_store:1;
    unsigned   no_cache:1;             /* also with names of fields */
    unsigned   private:1;              /* the same */
    unsigned   public:1;
    unsigned   must_revalidate:1;
    unsigned   must_understand:1;
    unsigned   only_if_cached:1;
} ngx_edge_cache_control_t;


/* What is known of a response when its header has come. */
typedef struct {
    ngx_edge_cache_control_t   control;
    ngx_uint_t                 status;
    time_t                     date;       /* -1: none, or no date */
    time_t                     expires;    /* -1: none; 0: no date, as past */
    time_t                     age;        /* as received, 0: none; ttl makes
                                              it what it must have been */
    time_t                     fallback;   /* edge_cache_valid; -1: none */
    unsigned                   has_expires:1;
    unsigned                   set_cookie:1;
    unsigned                   vary_any:1;
    unsigned                   authorized:1;   /* the request was, and only an
                                                  explicit word permits it */
} ngx_edge_cache_facts_t;


void ngx_edge_cache_control_init(ngx_edge_cache_control_t *cc);

/* Adds the directives of one field.  Of a directive given twice the shorter
 * time counts; a time that is none counts as 0. */
void ngx_edge_cache_control_parse(ngx_edge_cache_control_t *cc,
    const ngx_str_t *value);

/* Seconds the response stays fresh from now; 0: it must not be stored, and
 * *why says so in a word. */
time_t ngx_edge_cache_control_ttl(ngx_edge_cache_facts_t *facts,
    time_t now, const char **why);

/* 1 if the request may be answered by an entry of that age that stays fresh
 * for so long. */
ngx_uint_t ngx_edge_cache_control_usable(const ngx_edge_cache_control_t *cc,
    time_t age, time_t fresh);

/* A number of seconds as in Age; -1: none. */
time_t ngx_edge_cache_seconds(const u_char *p, size_t len);

/* Takes the next element off a list between commas, without the white space
 * around it: 1, or 0 at the end.  Commas in quotes do not end one. */
ngx_uint_t ngx_edge_cache_list_next(ngx_str_t *rest, ngx_str_t *element);


#endif /* _NGX_EDGE_CACHE_CONTROL_H_INCLUDED_ */
