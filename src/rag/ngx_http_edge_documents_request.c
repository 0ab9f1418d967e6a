
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the body of PUT or POST documents: {"documents": [...]} or one bare
 * document.  Every member is known and bounded; the fault of a bad one is
 * named by its JSON pointer.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_edge_time.h"
#include "rag/ngx_http_edge_documents.h"


#define NGX_HTTP_EDGE_DOCUMENT_ID_MAX     256
#define NGX_HTTP_EDGE_DOCUMENT_TITLE_MAX  512
#define NGX_HTTP_EDGE_DOCUMENT_URI_MAX    2048
#define NGX_HTTP_EDGE_DOCUMENT_TIME_MAX   64
#define NGX_HTTP_EDGE_DOCUMENT_ACL_MAX    64
#define NGX_HTTP_EDGE_DOCUMENT_WORD_MAX   128


static ngx_int_t ngx_http_edge_documents_list(ngx_http_edge_documents_t *d,
    const ngx_edge_json_t *root, const ngx_edge_json_t *list,
    ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_documents_ids(ngx_http_edge_documents_t *d,
    ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_document_parse(ngx_pool_t *pool,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_document_t *doc, ngx_edge_json_error_t *error);
static ngx_int_t ngx_http_edge_document_member(ngx_pool_t *pool,
    const ngx_str_t *name, const ngx_edge_json_t *value,
    ngx_edge_document_t *doc, const char **fault);
static ngx_int_t ngx_http_edge_document_string(const ngx_edge_json_t *value,
    size_t max, ngx_str_t *text, const char **fault);
static ngx_int_t ngx_http_edge_document_acl(ngx_pool_t *pool,
    const ngx_edge_json_t *value, ngx_str_t *acl, const char **fault);
static const char *ngx_http_edge_document_check(
    const ngx_edge_document_t *doc, const char **member);


ngx_int_t
ngx_http_edge_documents_parse(ngx_http_edge_documents_t *d,
    ngx_edge_json_error_t *error)
{
    void             *iter;
    ngx_str_t         name, top;
    ngx_pool_t       *pool;
    ngx_edge_json_t  *root, *list;

    pool = d->ctx->request->pool;

    root = ngx_edge_json_parse(pool, &d->ctx->body, NGX_EDGE_JSON_DEPTH,
                               error);

    if (root == NULL) {
        return error->detail ? NGX_DECLINED : NGX_ERROR;
    }

    if (ngx_edge_json_type(root) != ngx_edge_json_type_object) {
        error->detail = "the body must be a JSON object";
        return NGX_DECLINED;
    }

    if (ngx_edge_json_get(root, "documents") == NULL) {
        return ngx_http_edge_documents_list(d, root, NULL, error);
    }

    iter = NULL;

    while (ngx_edge_json_member(root, &iter, &name, &list)) {

        if (!ngx_edge_scan_is(&name, "documents")) {
            ngx_str_null(&top);
            error->detail = "is not a known member";
            return ngx_edge_json_pointer(pool, &top, &name, &error->pointer)
                   == NGX_OK ? NGX_DECLINED : NGX_ERROR;
        }
    }

    list = ngx_edge_json_get(root, "documents");

    if (ngx_edge_json_type(list) != ngx_edge_json_type_array
        || ngx_edge_json_size(list) == 0
        || ngx_edge_json_size(list) > NGX_HTTP_EDGE_DOCUMENTS_MAX)
    {
        ngx_str_set(&error->pointer, "/documents");
        error->detail = "must be a list of 1 to 100 documents";
        return NGX_DECLINED;
    }

    return ngx_http_edge_documents_list(d, root, list, error);
}


/* list is NULL: the root itself is the document. */

static ngx_int_t
ngx_http_edge_documents_list(ngx_http_edge_documents_t *d,
    const ngx_edge_json_t *root, const ngx_edge_json_t *list,
    ngx_edge_json_error_t *error)
{
    u_char                 *p;
    ngx_int_t               rc;
    ngx_str_t               base;
    ngx_uint_t              i;
    ngx_pool_t             *pool;
    const ngx_edge_json_t  *value;

    pool = d->ctx->request->pool;

    d->ndocs = list ? ngx_edge_json_size(list) : 1;
    d->docs = ngx_pcalloc(pool, d->ndocs * sizeof(ngx_edge_document_t));
    d->states = ngx_pcalloc(pool, d->ndocs
                                  * sizeof(ngx_http_edge_document_state_t));

    if (d->docs == NULL || d->states == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < d->ndocs; i++) {
        ngx_str_null(&base);
        value = root;

        if (list) {
            value = ngx_edge_json_at(list, i);

            p = ngx_pnalloc(pool, sizeof("/documents/") + NGX_INT_T_LEN);
            if (p == NULL) {
                return NGX_ERROR;
            }

            base.data = p;
            base.len = ngx_sprintf(p, "/documents/%ui", i) - p;
        }

        rc = ngx_http_edge_document_parse(pool, value, &base, &d->docs[i],
                                          error);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_edge_documents_ids(d, error);
}


/* Two versions of one document in a request: which one is meant? */

static ngx_int_t
ngx_http_edge_documents_ids(ngx_http_edge_documents_t *d,
    ngx_edge_json_error_t *error)
{
    ngx_uint_t  i, j;

    for (i = 1; i < d->ndocs; i++) {
        for (j = 0; j < i; j++) {

            if (d->docs[i].id.len == d->docs[j].id.len
                && ngx_memcmp(d->docs[i].id.data, d->docs[j].id.data,
                              d->docs[i].id.len)
                   == 0)
            {
                ngx_str_set(&error->pointer, "/documents");
                error->detail = "holds the same id twice";
                return NGX_DECLINED;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_document_parse(ngx_pool_t *pool, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_edge_document_t *doc,
    ngx_edge_json_error_t *error)
{
    void             *iter;
    ngx_int_t         rc;
    ngx_str_t         name;
    const char       *fault, *member;
    ngx_edge_json_t  *item;

    if (ngx_edge_json_type(value) != ngx_edge_json_type_object) {
        error->pointer = *base;
        error->detail = "must be an object";
        return NGX_DECLINED;
    }

    ngx_str_set(&doc->acl, "[]");

    iter = NULL;

    while (ngx_edge_json_member(value, &iter, &name, &item)) {

        rc = ngx_http_edge_document_member(pool, &name, item, doc, &fault);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            error->detail = fault;
            return ngx_edge_json_pointer(pool, base, &name, &error->pointer)
                   == NGX_OK ? NGX_DECLINED : NGX_ERROR;
        }
    }

    fault = ngx_http_edge_document_check(doc, &member);

    if (fault) {
        name.data = (u_char *) member;
        name.len = ngx_strlen(member);
        error->detail = fault;
        return ngx_edge_json_pointer(pool, base, &name, &error->pointer)
               == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_document_member(ngx_pool_t *pool, const ngx_str_t *name,
    const ngx_edge_json_t *value, ngx_edge_document_t *doc,
    const char **fault)
{
    if (ngx_edge_scan_is(name, "id")) {
        return ngx_http_edge_document_string(value,
                                             NGX_HTTP_EDGE_DOCUMENT_ID_MAX,
                                             &doc->id, fault);
    }

    if (ngx_edge_scan_is(name, "text")) {
        return ngx_http_edge_document_string(value, NGX_MAX_SIZE_T_VALUE,
                                             &doc->text, fault);
    }

    if (ngx_edge_scan_is(name, "acl")) {
        return ngx_http_edge_document_acl(pool, value, &doc->acl, fault);
    }

    /* the optional ones: null is as good as absent */

    if (ngx_edge_json_type(value) == ngx_edge_json_type_null
        && (ngx_edge_scan_is(name, "title")
            || ngx_edge_scan_is(name, "source_uri")
            || ngx_edge_scan_is(name, "updated_at")))
    {
        return NGX_OK;
    }

    if (ngx_edge_scan_is(name, "title")) {
        return ngx_http_edge_document_string(value,
                                             NGX_HTTP_EDGE_DOCUMENT_TITLE_MAX,
                                             &doc->title, fault);
    }

    if (ngx_edge_scan_is(name, "source_uri")) {
        return ngx_http_edge_document_string(value,
                                             NGX_HTTP_EDGE_DOCUMENT_URI_MAX,
                                             &doc->source_uri, fault);
    }

    if (ngx_edge_scan_is(name, "updated_at")) {
        return ngx_http_edge_document_string(value,
                                             NGX_HTTP_EDGE_DOCUMENT_TIME_MAX,
                                             &doc->updated_at, fault);
    }

    *fault = "is not a known member";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_edge_document_string(const ngx_edge_json_t *value, size_t max,
    ngx_str_t *text, const char **fault)
{
    if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
        *fault = "must be a string";
        return NGX_DECLINED;
    }

    ngx_edge_json_string(value, text);

    if (text->len > max) {
        *fault = "is too long";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* A list of words, kept as JSON text: nobody here reads it. */

static ngx_int_t
ngx_http_edge_document_acl(ngx_pool_t *pool, const ngx_edge_json_t *value,
    ngx_str_t *acl, const char **fault)
{
    ngx_str_t         word;
    ngx_uint_t        i, n;
    ngx_edge_buf_t    b;
    ngx_edge_json_t  *item;

    *fault = "must be a list of at most 64 words of at most 128 bytes";

    if (ngx_edge_json_type(value) != ngx_edge_json_type_array) {
        return NGX_DECLINED;
    }

    n = ngx_edge_json_size(value);

    if (n > NGX_HTTP_EDGE_DOCUMENT_ACL_MAX) {
        return NGX_DECLINED;
    }

    ngx_edge_buf_init(&b, pool, 256, 65536);
    ngx_edge_buf_byte(&b, '[');

    for (i = 0; i < n; i++) {
        item = ngx_edge_json_at(value, i);

        if (ngx_edge_json_type(item) != ngx_edge_json_type_string) {
            return NGX_DECLINED;
        }

        ngx_edge_json_string(item, &word);

        if (word.len == 0 || word.len > NGX_HTTP_EDGE_DOCUMENT_WORD_MAX) {
            return NGX_DECLINED;
        }

        if (i) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_edge_buf_json(&b, word.data, word.len);
    }

    ngx_edge_buf_byte(&b, ']');

    return ngx_edge_buf_done(&b, acl);
}


/* What a whole document must be; NULL, or the fault and its member. */

static const char *
ngx_http_edge_document_check(const ngx_edge_document_t *doc,
    const char **member)
{
    ngx_uint_t       i;
    ngx_edge_time_t  time;

    *member = "id";

    if (doc->id.len == 0) {
        return "is missing or empty";
    }

    /* the id is one segment of a path */

    for (i = 0; i < doc->id.len; i++) {
        if (doc->id.data[i] < ' ' || doc->id.data[i] == 0x7f
            || doc->id.data[i] == '/' || doc->id.data[i] == '\\')
        {
            return "must hold no slash and no control character";
        }
    }

    if (ngx_edge_scan_is(&doc->id, ".") || ngx_edge_scan_is(&doc->id, "..")) {
        return "must not be a dot segment";
    }

    *member = "text";

    for (i = 0; i < doc->text.len; i++) {
        if (doc->text.data[i] > ' ') {
            break;
        }
    }

    if (i == doc->text.len) {
        return "is missing or empty";
    }

    *member = "updated_at";

    if (doc->updated_at.len
        && ngx_edge_time_parse(&doc->updated_at, &time) != NGX_OK)
    {
        return "must be an RFC 3339 time";
    }

    return NULL;
}
