
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What other features may ask of the auth feature: claims of a token that was
 * verified.  None of it passes through nginx variables, which other directives
 * could define.
 */


#ifndef _NGX_HTTP_EDGE_AUTH_API_H_INCLUDED_
#define _NGX_HTTP_EDGE_AUTH_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct ngx_http_edge_auth_claim_s  ngx_http_edge_auth_claim_t;


/* The claim that a variable's name (without '$') means: "jwt_claim_<name>", or
 * a name defined by auth_jwt_claim_set.  NULL: the name is no claim, or there
 * is no memory.  To be asked when the whole http block was read: in init main
 * conf, merges or postconfiguration. */
const ngx_http_edge_auth_claim_t *ngx_http_edge_auth_claim(ngx_conf_t *cf,
    const ngx_str_t *name);

/* 1 if the location whose configuration is being merged demands a token. */
ngx_uint_t ngx_http_edge_auth_enabled(ngx_conf_t *cf);

/* A claim that is a string, of the token verified for r->main.  NGX_OK,
 * NGX_DECLINED: no verified token, absent, or no string; NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_claim_string(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, ngx_str_t *value);

/* Whether a claim (array of strings, or words between spaces) holds a word.
 * NGX_OK, NGX_DECLINED, NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_claim_has(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, const ngx_str_t *word);

/* The words of a claim, as of claim_has, added to an array of ngx_str_t in
 * r->pool: none if there is no verified token, the claim is absent or null.
 * NGX_OK, NGX_DECLINED: it is of another type; NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_claim_words(ngx_http_request_t *r,
    const ngx_http_edge_auth_claim_t *claim, ngx_array_t *words);

/* Whether the tenant of a request with a verified token was revoked, where
 * auth_jwt_revoke is on.  NGX_OK: no; NGX_DECLINED: yes; NGX_ERROR. */
ngx_int_t ngx_http_edge_auth_tenant_revoked(ngx_http_request_t *r,
    const ngx_str_t *tenant);


#endif /* _NGX_HTTP_EDGE_AUTH_API_H_INCLUDED_ */
