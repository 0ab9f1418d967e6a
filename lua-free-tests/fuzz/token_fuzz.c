
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens: one that is read gives its parts, which encoded again are the
 * token, and its header is what jansson reads.  The input is a token, or the
 * header, the payload and the signature as lines, to be encoded here: mutated
 * base64url seldom is JSON.
 */


/* sources: auth/ngx_edge_token.c auth/ngx_edge_jwt.c auth/ngx_edge_members.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_utf8.c lib/ngx_edge_json.c */
/* libs: -ljansson */
/* max_len: 2048 */
/* dict: token */

#include "fuzz.h"
#include "auth/ngx_edge_token.h"
#include "lib/ngx_edge_base64url.h"
#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_utf8.h"


static ngx_str_t fuzz_encode(ngx_pool_t *pool, const ngx_str_t *part);
static ngx_str_t fuzz_join(ngx_pool_t *pool, const ngx_str_t *a,
    const ngx_str_t *b);
static void fuzz_base64url(ngx_pool_t *pool, const ngx_str_t *in);
static void fuzz_header(ngx_pool_t *pool, const ngx_edge_token_t *token);
static void fuzz_member(ngx_edge_json_t *root, const char *name,
    const ngx_str_t *expected);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_int_t          rc;
    ngx_str_t          text, signing, header, payload, signature;
    const char        *reason;
    ngx_edge_token_t   token;

    text = *in;
    fuzz_base64url(pool, in);

    if (in->len && memchr(in->data, '\n', in->len)) {
        header = fuzz_take(pool, in, "\n");
        payload = fuzz_take(pool, in, "\n");

        header = fuzz_encode(pool, &header);
        payload = fuzz_encode(pool, &payload);
        signature = fuzz_encode(pool, in);
        text = fuzz_join(pool, &header, &payload);
        text = fuzz_join(pool, &text, &signature);
    }

    reason = NULL;
    rc = ngx_edge_token_parse(pool, &text, &token, &reason);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && reason);
        return;
    }

    header = fuzz_encode(pool, &token.header);
    payload = fuzz_encode(pool, &token.payload);
    signature = fuzz_encode(pool, &token.signature);

    signing = fuzz_join(pool, &header, &payload);
    fuzz_check(fuzz_same(&signing, &token.signing));
    fuzz_check(token.signing.data == text.data);

    signing = fuzz_join(pool, &signing, &signature);
    fuzz_check(fuzz_same(&signing, &text));

    fuzz_header(pool, &token);
}


static ngx_str_t
fuzz_encode(ngx_pool_t *pool, const ngx_str_t *part)
{
    u_char     *p;
    ngx_str_t   text;

    p = ngx_pnalloc(pool, ngx_edge_base64url_encoded(part->len));
    text.data = p;
    text.len = ngx_edge_base64url_encode(p, part->data, part->len) - p;
    fuzz_check(text.len <= ngx_edge_base64url_encoded(part->len));

    return fuzz_copy(pool, text.data, text.len);
}


static ngx_str_t
fuzz_join(ngx_pool_t *pool, const ngx_str_t *a, const ngx_str_t *b)
{
    u_char     *p;
    ngx_str_t   text;

    text.len = a->len + 1 + b->len;
    text.data = ngx_pnalloc(pool, text.len);

    p = ngx_cpymem(text.data, a->data, a->len);
    *p++ = '.';
    (void) ngx_cpymem(p, b->data, b->len);

    return text;
}


/* Only one text decodes to some bytes, and bytes come back. */

static void
fuzz_base64url(ngx_pool_t *pool, const ngx_str_t *in)
{
    ngx_str_t  text, bytes;

    bytes.data = ngx_pnalloc(pool, ngx_edge_base64url_decoded(in->len));

    if (ngx_edge_base64url_decode(&bytes, in->data, in->len) == NGX_OK) {
        fuzz_check(bytes.len <= ngx_edge_base64url_decoded(in->len));
        text = fuzz_encode(pool, &bytes);
        fuzz_check(fuzz_same(&text, in));
    }

    text = fuzz_encode(pool, in);
    bytes.data = ngx_pnalloc(pool, ngx_edge_base64url_decoded(text.len));
    fuzz_check(ngx_edge_base64url_decode(&bytes, text.data, text.len)
               == NGX_OK);
    fuzz_check(fuzz_same(&bytes, in));
}


static void
fuzz_header(ngx_pool_t *pool, const ngx_edge_token_t *token)
{
    ngx_str_t               alg;
    ngx_edge_json_t        *root, *value;
    ngx_edge_json_error_t   error;

    fuzz_check(token->header.len <= NGX_EDGE_TOKEN_HEADER_MAX);
    fuzz_check(ngx_edge_utf8_valid(token->header.data, token->header.len));
    fuzz_check(token->kid.len <= NGX_EDGE_TOKEN_KID_MAX);
    fuzz_check(token->typ.len <= 64);
    fuzz_check(token->alg > ngx_edge_jwt_alg_unknown
               && token->alg < ngx_edge_jwt_alg_max);

    root = ngx_edge_json_parse(pool, &token->header, 32, &error);

    /* what jansson has no text for, a NUL or half a surrogate pair, is
     * written as an escape, and a number out of its range is long */

    if (root == NULL) {
        fuzz_check(strcmp(error.detail, "the body holds a number out of range")
                   == 0
                   || (memmem(token->header.data, token->header.len, "\\u", 2)
                       && strstr(error.detail, "duplicate") == NULL));
        return;
    }

    fuzz_check(ngx_edge_json_type(root) == ngx_edge_json_type_object);
    fuzz_check(ngx_edge_json_get(root, "crit") == NULL);
    fuzz_check(ngx_edge_json_get(root, "zip") == NULL);
    fuzz_check(ngx_edge_json_get(root, "enc") == NULL);

    value = ngx_edge_json_get(root, "b64");
    fuzz_check(value == NULL || ngx_edge_json_bool(value));

    value = ngx_edge_json_get(root, "alg");
    fuzz_check(value != NULL);
    ngx_edge_json_string(value, &alg);
    fuzz_check(ngx_edge_jwt_alg(&alg) == token->alg);

    fuzz_member(root, "kid", &token->kid);
    fuzz_member(root, "typ", &token->typ);
}


static void
fuzz_member(ngx_edge_json_t *root, const char *name, const ngx_str_t *expected)
{
    ngx_str_t         text;
    ngx_edge_json_t  *value;

    value = ngx_edge_json_get(root, name);

    if (value == NULL) {
        fuzz_check(expected->data == NULL);
        return;
    }

    fuzz_check(ngx_edge_json_type(value) == ngx_edge_json_type_string);
    ngx_edge_json_string(value, &text);
    fuzz_check(fuzz_same(&text, expected));
}
