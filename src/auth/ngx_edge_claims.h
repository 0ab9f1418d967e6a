
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading a claims set (RFC 7519 section 4), a JSON object in memory.  check
 * judges it once; the readers behind it take single values by path and rely on
 * its being valid JSON with unique names.  (They are safe on any text.)
 */


#ifndef _NGX_EDGE_CLAIMS_H_INCLUDED_
#define _NGX_EDGE_CLAIMS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_scan.h"


#define NGX_EDGE_CLAIMS_MEMBERS   256   /* of one object */
#define NGX_EDGE_CLAIMS_LEEWAY    300   /* seconds, at most */


/* What a claims set must say.  Lists are arrays of ngx_str_t, NULL: any. */
typedef struct {
    ngx_array_t  *issuers;          /* iss is a string among them */
    ngx_array_t  *audiences;        /* the audience claim (string or array of
                                       nothing but strings) names one of them */
    ngx_str_t     audience_claim;   /* "aud" or, for Cognito, "client_id" */
} ngx_edge_claims_rules_t;


/* NumericDates in seconds (RFC 7519 section 2); a fraction is cut so that the
 * token is valid for less: exp down, nbf and iat up. */
typedef struct {
    int64_t       exp;
    int64_t       nbf;
    int64_t       iat;
    unsigned      has_exp:1;
    unsigned      has_nbf:1;
    unsigned      has_iat:1;
} ngx_edge_claims_times_t;


/* A claim by the names on the way to it, from the top of the set. */
typedef struct {
    ngx_str_t    *names;
    ngx_uint_t    n;
} ngx_edge_claims_path_t;


/*
 * One pass over a claims set.  NGX_OK with times filled and, if the set has
 * one, iss (raw: as between its quotes, iss->data NULL: none); NGX_DECLINED
 * with a static reason: no JSON object in UTF-8, a member twice at any depth,
 * more than NGX_EDGE_CLAIMS_MEMBERS in one object, exp, nbf or iat not a JSON
 * number in 0..253402300799 (the year 9999), iss or sub no string, iss or
 * audience against the rules; NGX_ERROR without memory (pool is for scratch).
 */
ngx_int_t ngx_edge_claims_check(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_rules_t *rules, ngx_edge_claims_times_t *times,
    ngx_str_t *iss, const char **reason);

/* NGX_OK while valid at now, else NGX_DECLINED with reason "expired", "not yet
 * valid" or "issued in the future".  Valid: now - leeway < exp, nbf <= now +
 * leeway, iat <= now + leeway. */
ngx_int_t ngx_edge_claims_time(const ngx_edge_claims_times_t *times,
    int64_t now, int64_t leeway, const char **reason);

/* The value at a path as written (strings without their quotes): NGX_OK, or
 * NGX_DECLINED: there is none. */
ngx_int_t ngx_edge_claims_find(const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_edge_scan_type_e *type,
    ngx_str_t *raw);

/* A claim that is a string, its escapes decoded.  NGX_OK, NGX_DECLINED absent
 * or no string, NGX_ERROR no memory. */
ngx_int_t ngx_edge_claims_string(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_str_t *text);

/*
 * A claim as the text of a variable.  A string is decoded; a number, true and
 * false are as written; an array is its elements joined by commas; an object
 * (also inside an array) is its JSON without white space.  So that no claim
 * can split a header, a log line or a list: in strings bytes below 0x20 and
 * 0x7f are written \u00xx, and in those of an array, however deep, a comma is
 * written \u002c too; null in an array is "null".  NGX_OK, NGX_DECLINED absent
 * or null, NGX_ERROR.
 */
ngx_int_t ngx_edge_claims_text(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_str_t *text);

/* Whether a claim holds a word: it is an array with the string word, or a
 * string with word between single spaces (as the scope of RFC 8693).  NGX_OK,
 * NGX_DECLINED, NGX_ERROR no memory. */
ngx_int_t ngx_edge_claims_has(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word);

/* The words of a claim, as of has, added to an array of ngx_str_t; none if it
 * is absent or null.  NGX_OK, NGX_DECLINED: neither a string nor an array of
 * nothing but strings; NGX_ERROR no memory. */
ngx_int_t ngx_edge_claims_words(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_array_t *words);

/* The JSON without white space outside strings, in pool memory (json itself if
 * it has none).  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_edge_claims_compact(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_str_t *text);


#endif /* _NGX_EDGE_CLAIMS_H_INCLUDED_ */
