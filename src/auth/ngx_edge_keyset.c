
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A set of keys: takes its text apart into keys, keeps those that can be used
 * and says in the log what became of the others.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/evp.h>
#include "auth/ngx_edge_keyset_key.h"


#define NGX_EDGE_KEYSET_NAME_MAX  64     /* bytes of a kid in the log */
#define NGX_EDGE_KEYSET_BEGIN     "-----BEGIN "


/* A set being made. */
typedef struct {
    ngx_edge_keyset_t  *set;
    ngx_pool_t         *pool;
    ngx_pool_t         *scratch;
    ngx_log_t          *log;
    ngx_uint_t          level;
    ngx_uint_t          flags;
    const ngx_str_t    *source;
    const ngx_str_t    *text;
} ngx_edge_keyset_make_t;


static ngx_int_t ngx_edge_keyset_digests(ngx_edge_keyset_make_t *make);
static ngx_int_t ngx_edge_keyset_read(ngx_edge_keyset_make_t *make);
static ngx_int_t ngx_edge_keyset_read_json(ngx_edge_keyset_make_t *make);
static ngx_int_t ngx_edge_keyset_read_pem(ngx_edge_keyset_make_t *make,
    u_char *begin);
static u_char *ngx_edge_keyset_begin(u_char *p, u_char *last);
static ngx_int_t ngx_edge_keyset_room(ngx_edge_keyset_make_t *make,
    ngx_uint_t n);
static ngx_int_t ngx_edge_keyset_keep(ngx_edge_keyset_make_t *make,
    ngx_int_t rc, ngx_uint_t place, const char *reason);
static ngx_int_t ngx_edge_keyset_refuse(ngx_edge_keyset_make_t *make,
    const char *why);
static void ngx_edge_keyset_cleanup(void *data);


ngx_edge_keyset_t *
ngx_edge_keyset_create(ngx_pool_t *pool, ngx_log_t *log,
    ngx_uint_t error_level, const ngx_str_t *source, const ngx_str_t *text,
    ngx_uint_t flags)
{
    ngx_int_t                rc;
    ngx_pool_cleanup_t      *cln;
    ngx_edge_keyset_make_t   make;

    make.pool = pool;
    make.log = log;
    make.level = error_level;
    make.flags = flags;
    make.source = source;
    make.text = text;

    rc = NGX_ERROR;

    make.set = ngx_pcalloc(pool, sizeof(ngx_edge_keyset_t));
    cln = ngx_pool_cleanup_add(pool, 0);
    make.scratch = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);

    if (make.set && cln && make.scratch) {
        cln->handler = ngx_edge_keyset_cleanup;
        cln->data = make.set;

        rc = ngx_edge_keyset_digests(&make);

        if (rc == NGX_OK) {
            rc = ngx_edge_keyset_read(&make);
        }
    }

    if (make.scratch) {
        ngx_destroy_pool(make.scratch);
    }

    /* OpenSSL has nothing to add; newer versions leave errors behind what went
     * well, too */

    (void) ngx_edge_keyset_failed();

    if (rc == NGX_ERROR) {
        (void) ngx_edge_keyset_refuse(&make, "no memory");
    }

    return (rc == NGX_OK) ? make.set : NULL;
}


ngx_uint_t
ngx_edge_keyset_count(const ngx_edge_keyset_t *set)
{
    return set->n;
}


const u_char *
ngx_edge_keyset_digest(const ngx_edge_keyset_t *set)
{
    return set->digest;
}


/* The contexts of all hashes, and with that of SHA-256 the set's digest. */

static ngx_int_t
ngx_edge_keyset_digests(ngx_edge_keyset_make_t *make)
{
    u_char              flags;
    ngx_uint_t          hash;
    EVP_MD_CTX         *md;
    ngx_edge_keyset_t  *set;

    set = make->set;

    for (hash = 0; hash < NGX_EDGE_KEYSET_HASHES; hash++) {
        md = EVP_MD_CTX_new();
        if (md == NULL) {
            return NGX_ERROR;
        }

        set->md[hash] = md;

        if (EVP_DigestInit_ex(md, ngx_edge_keyset_md(hash), NULL) != 1) {
            return NGX_ERROR;
        }
    }

    flags = (u_char) make->flags;

    if (EVP_DigestUpdate(set->md[0], &flags, 1) != 1
        || EVP_DigestUpdate(set->md[0], make->text->data, make->text->len)
           != 1
        || EVP_DigestFinal_ex(set->md[0], set->digest, NULL) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_OK; NGX_DECLINED after a line in the log; NGX_ERROR. */

static ngx_int_t
ngx_edge_keyset_read(ngx_edge_keyset_make_t *make)
{
    u_char     *p, *last;
    ngx_int_t   rc;

    if (make->text->len > NGX_EDGE_KEYSET_TEXT_MAX) {
        return ngx_edge_keyset_refuse(make, "it is over 256 KB");
    }

    p = make->text->data;
    last = p + make->text->len;

    while (p < last && (*p == ' ' || *p == '\t' || *p == CR || *p == LF)) {
        p++;
    }

    if (p == last) {
        return ngx_edge_keyset_refuse(make, "it is empty");
    }

    /* RFC 7468 allows any text before a block, but JSON is none */

    p = (*p == '{') ? NULL : ngx_edge_keyset_begin(p, last);

    rc = p ? ngx_edge_keyset_read_pem(make, p)
           : ngx_edge_keyset_read_json(make);

    if (rc == NGX_OK && make->set->n == 0) {
        return ngx_edge_keyset_refuse(make, "it has no usable key");
    }

    return rc;
}


static ngx_int_t
ngx_edge_keyset_read_json(ngx_edge_keyset_make_t *make)
{
    ngx_int_t               rc;
    ngx_uint_t              i, n;
    const char             *reason;
    ngx_edge_json_t        *json, *keys, *jwk;
    ngx_edge_json_error_t   error;

    json = ngx_edge_json_parse(make->scratch, make->text,
                               NGX_EDGE_JSON_DEPTH, &error);
    if (json == NULL) {
        return error.detail ? ngx_edge_keyset_refuse(make, error.detail)
                            : NGX_ERROR;
    }

    if (ngx_edge_json_type(json) != ngx_edge_json_type_object) {
        return ngx_edge_keyset_refuse(make, "it is no JSON object");
    }

    keys = ngx_edge_json_get(json, "keys");

    if (keys && ngx_edge_json_type(keys) != ngx_edge_json_type_array) {
        return ngx_edge_keyset_refuse(make, "\"keys\" is no array");
    }

    if (keys == NULL && ngx_edge_json_get(json, "kty") == NULL) {
        return ngx_edge_keyset_refuse(make, "it has neither keys nor kty");
    }

    n = keys ? ngx_edge_json_size(keys) : 1;

    rc = ngx_edge_keyset_room(make, n);

    for (i = 0; i < n && rc == NGX_OK; i++) {
        jwk = keys ? ngx_edge_json_at(keys, i) : json;

        rc = ngx_edge_keyset_jwk(make->pool, make->scratch, jwk, make->flags,
                                 &make->set->keys[make->set->n], &reason);
        rc = ngx_edge_keyset_keep(make, rc, i + 1, reason);
    }

    return rc;
}


static ngx_int_t
ngx_edge_keyset_read_pem(ngx_edge_keyset_make_t *make, u_char *begin)
{
    u_char      *p, *next, *last;
    ngx_int_t    rc;
    ngx_str_t    block;
    ngx_uint_t   i, n;
    const char  *reason;

    last = make->text->data + make->text->len;
    n = 0;

    for (p = begin; p; p = ngx_edge_keyset_begin(p + 1, last)) {
        n++;
    }

    rc = ngx_edge_keyset_room(make, n);

    for (i = 0; i < n && rc == NGX_OK; i++) {
        next = ngx_edge_keyset_begin(begin + 1, last);

        block.data = begin;
        block.len = (next ? next : last) - begin;
        begin = next;

        rc = ngx_edge_keyset_pem(&block, &make->set->keys[make->set->n],
                                 &reason);
        rc = ngx_edge_keyset_keep(make, rc, i + 1, reason);
    }

    return rc;
}


/* The next line that begins a PEM block, or NULL. */

static u_char *
ngx_edge_keyset_begin(u_char *p, u_char *last)
{
    size_t  len;

    len = sizeof(NGX_EDGE_KEYSET_BEGIN) - 1;

    while ((size_t) (last - p) >= len) {

        p = memchr(p, '-', last - p - len + 1);
        if (p == NULL) {
            return NULL;
        }

        if (ngx_memcmp(p, NGX_EDGE_KEYSET_BEGIN, len) == 0) {
            return p;
        }

        p++;
    }

    return NULL;
}


static ngx_int_t
ngx_edge_keyset_room(ngx_edge_keyset_make_t *make, ngx_uint_t n)
{
    if (n == 0) {
        return NGX_OK;
    }

    if (n > NGX_EDGE_KEYSET_MAX) {
        return ngx_edge_keyset_refuse(make, "it has more than 64 keys");
    }

    make->set->keys = ngx_pcalloc(make->pool,
                                  n * sizeof(ngx_edge_keyset_key_t));

    return make->set->keys ? NGX_OK : NGX_ERROR;
}


/* Counts the key that was just read, or logs why it is left out. */

static ngx_int_t
ngx_edge_keyset_keep(ngx_edge_keyset_make_t *make, ngx_int_t rc,
    ngx_uint_t place, const char *reason)
{
    size_t                  i;
    ngx_str_t               kid;
    ngx_edge_keyset_key_t  *key;

    key = &make->set->keys[make->set->n];

    if (rc == NGX_OK) {
        make->set->n++;
        return NGX_OK;
    }

    kid = key->kid;

    ngx_edge_keyset_key_free(key);
    ngx_memzero(key, sizeof(ngx_edge_keyset_key_t));

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* a kid is somebody else's text */

    kid.len = ngx_min(kid.len, NGX_EDGE_KEYSET_NAME_MAX);

    for (i = 0; i < kid.len; i++) {

        if (kid.data[i] <= ' ' || kid.data[i] == '"' || kid.data[i] >= 0x7f) {
            kid.data[i] = '?';
        }
    }

    ngx_log_error(NGX_LOG_WARN, make->log, 0,
                  "edge auth: key %ui \"%V\" of \"%V\" is left out: %s",
                  place, &kid, make->source, reason);

    return NGX_OK;
}


static ngx_int_t
ngx_edge_keyset_refuse(ngx_edge_keyset_make_t *make, const char *why)
{
    ngx_log_error(make->level, make->log, 0,
                  "edge auth: no keys from \"%V\": %s", make->source, why);

    return NGX_DECLINED;
}


static void
ngx_edge_keyset_cleanup(void *data)
{
    ngx_edge_keyset_t  *set = data;

    ngx_uint_t  i;

    /* one beyond the last if its making ended without memory: freed there */

    for (i = 0; i < set->n; i++) {
        ngx_edge_keyset_key_free(&set->keys[i]);
    }

    for (i = 0; i < NGX_EDGE_KEYSET_HASHES; i++) {
        EVP_MD_CTX_free(set->md[i]);
    }
}
