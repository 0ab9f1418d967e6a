
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Qdrant's points API as the ingest uses it: the answers.  Requests name the
 * tenant, and still each point that comes back is looked at: one of another
 * tenant would be a fault of the backend, and is dropped.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_documents.h"


static const char *ngx_http_edge_points_result(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s);
static const char *ngx_http_edge_points_payload(ngx_edge_scan_t *s);
static const char *ngx_http_edge_points_old(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s);
static const char *ngx_http_edge_points_page(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s);
static const char *ngx_http_edge_points_chunk(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s);
static ngx_int_t ngx_http_edge_points_member(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s, const ngx_str_t *key, ngx_edge_document_t *doc,
    ngx_http_edge_point_t *point, ngx_str_t *owner);
static ngx_uint_t ngx_http_edge_points_ours(ngx_http_edge_documents_t *d,
    const ngx_str_t *owner);
static ngx_int_t ngx_http_edge_points_text(ngx_http_edge_documents_t *d,
    ngx_edge_scan_t *s, ngx_str_t *text);


/* Positions the scan at the value of "result". */

static const char *
ngx_http_edge_points_result(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s)
{
    ngx_str_t  key;

    ngx_edge_scan_init(s, d->sub->answer.data, d->sub->answer.len);

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return "the answer is not a JSON object";
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "result")) {
            return NULL;
        }

        (void) ngx_edge_scan_skip(s);          /* errors are sticky */
    }

    return "the answer holds no result";
}


const char *
ngx_http_edge_points_check_read(ngx_http_edge_documents_t *d)
{
    const char       *fault;
    ngx_edge_scan_t   s;

    fault = ngx_http_edge_points_result(d, &s);

    if (fault) {
        return fault;
    }

    if (ngx_edge_scan_array(&s) != NGX_OK) {
        return "the result is not a list";
    }

    while (ngx_edge_scan_element(&s) == NGX_OK) {
        fault = ngx_http_edge_points_old(d, &s);

        if (fault) {
            return fault;
        }
    }

    return s.error ? "the answer is not JSON" : NULL;
}


/* Enters a point and stops at its payload's members. */

static const char *
ngx_http_edge_points_payload(ngx_edge_scan_t *s)
{
    ngx_str_t  key;

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return "a point is not an object";
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "payload")) {
            return (ngx_edge_scan_object(s) == NGX_OK)
                   ? NULL : "a payload is not an object";
        }

        (void) ngx_edge_scan_skip(s);
    }

    return "a point has no payload";
}


/* The hash of a document that is there already. */

static const char *
ngx_http_edge_points_old(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s)
{
    ngx_str_t    key, id, hash, owner;
    ngx_uint_t   i;
    const char  *fault;

    ngx_str_null(&id);
    ngx_str_null(&owner);
    ngx_str_null(&hash);

    fault = ngx_http_edge_points_payload(s);

    if (fault) {
        return fault;
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_http_edge_points_text(d, s,
                                ngx_edge_scan_is(&key, "doc_id") ? &id
                                : ngx_edge_scan_is(&key, "doc_hash") ? &hash
                                : ngx_edge_scan_is(&key, "tenant_id") ? &owner
                                : NULL)
            != NGX_OK)
        {
            return "no memory";
        }
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {
        (void) ngx_edge_scan_skip(s);          /* the rest of the point */
    }

    if (s->error || !ngx_http_edge_points_ours(d, &owner)) {
        return NULL;
    }

    for (i = 0; i < d->ndocs; i++) {

        if (d->docs[i].id.len == id.len
            && ngx_memcmp(d->docs[i].id.data, id.data, id.len) == 0)
        {
            d->states[i].old_hash = hash;

            if (hash.len == 0) {
                ngx_str_set(&d->states[i].old_hash, "-");
            }
        }
    }

    return NULL;
}


const char *
ngx_http_edge_points_scroll_read(ngx_http_edge_documents_t *d)
{
    ngx_str_t         key;
    const char       *fault;
    ngx_edge_scan_t   s;

    fault = ngx_http_edge_points_result(d, &s);

    if (fault) {
        return fault;
    }

    if (ngx_edge_scan_object(&s) != NGX_OK) {
        return "the result is not an object";
    }

    while (ngx_edge_scan_member(&s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "points")) {
            fault = ngx_http_edge_points_page(d, &s);

            if (fault) {
                return fault;
            }

        } else if (ngx_edge_scan_is(&key, "next_page_offset")
                   && ngx_edge_scan_type(&s) != ngx_edge_scan_type_null)
        {
            (void) ngx_edge_scan_raw(&s, &d->offset);

        } else {
            (void) ngx_edge_scan_skip(&s);
        }
    }

    return s.error ? "the answer is not JSON" : NULL;
}


static const char *
ngx_http_edge_points_page(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s)
{
    const char  *fault;

    if (ngx_edge_scan_array(s) != NGX_OK) {
        return "\"points\" is not a list";
    }

    while (ngx_edge_scan_element(s) == NGX_OK) {
        fault = ngx_http_edge_points_chunk(d, s);

        if (fault) {
            return fault;
        }
    }

    return NULL;
}


static const char *
ngx_http_edge_points_chunk(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s)
{
    ngx_int_t               rc;
    ngx_str_t               key, owner;
    const char             *fault;
    ngx_edge_document_t     doc;
    ngx_http_edge_point_t   point, *p;

    fault = ngx_http_edge_points_payload(s);

    if (fault) {
        return fault;
    }

    ngx_memzero(&point, sizeof(ngx_http_edge_point_t));
    ngx_str_null(&owner);

    doc = d->docs[0];
    ngx_str_set(&doc.acl, "[]");

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_http_edge_points_member(d, s, &key, &doc, &point, &owner)
            != NGX_OK)
        {
            return "no memory";
        }
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {
        (void) ngx_edge_scan_skip(s);          /* the rest of the point */
    }

    if (s->error || !ngx_http_edge_points_ours(d, &owner)) {
        return NULL;                           /* the caller sees the error */
    }

    rc = ngx_http_edge_documents_readable(d, &point.acl);

    if (rc == NGX_DECLINED) {
        d->denied = 1;     /* all of it: an update may have been cut short */
    }

    p = ngx_array_push(&d->points);
    if (p == NULL || rc == NGX_ERROR) {
        return "no memory";
    }

    *p = point;
    d->docs[0] = doc;

    return NULL;
}


static ngx_int_t
ngx_http_edge_points_member(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s,
    const ngx_str_t *key, ngx_edge_document_t *doc,
    ngx_http_edge_point_t *point, ngx_str_t *owner)
{
    uint64_t               n;
    ngx_str_t             *to;
    ngx_edge_scan_type_e   type;

    if (ngx_edge_scan_is(key, "chunk")) {
        point->n = (ngx_edge_scan_uint(s, &n) == NGX_OK) ? n : 0;
        return NGX_OK;
    }

    if (ngx_edge_scan_is(key, "start")) {
        point->start = (ngx_edge_scan_uint(s, &n) == NGX_OK) ? n : 0;
        return NGX_OK;
    }

    if (ngx_edge_scan_is(key, "acl")) {
        type = ngx_edge_scan_type(s);
        (void) ngx_edge_scan_raw(s, &point->acl);

        if (type == ngx_edge_scan_type_array) {
            doc->acl = point->acl;
        }

        return NGX_OK;
    }

    to = ngx_edge_scan_is(key, "text") ? &point->text
         : ngx_edge_scan_is(key, "tail") ? &point->tail
         : ngx_edge_scan_is(key, "head") ? &point->head
         : ngx_edge_scan_is(key, "title") ? &doc->title
         : ngx_edge_scan_is(key, "source_uri") ? &doc->source_uri
         : ngx_edge_scan_is(key, "updated_at") ? &doc->updated_at
         : ngx_edge_scan_is(key, "tenant_id") ? owner
         : NULL;

    return ngx_http_edge_points_text(d, s, to);
}


static ngx_uint_t
ngx_http_edge_points_ours(ngx_http_edge_documents_t *d, const ngx_str_t *owner)
{
    const ngx_str_t  *tenant;

    tenant = &d->ctx->record->tenant;

    if (owner->len == tenant->len
        && ngx_memcmp(owner->data, tenant->data, owner->len) == 0)
    {
        return 1;
    }

    ngx_log_error(NGX_LOG_ALERT, d->ctx->request->connection->log, 0,
                  "edge rag: a point of another tenant was dropped");

    return 0;
}


/* Reads a string into text, or skips the value if text is NULL. */

static ngx_int_t
ngx_http_edge_points_text(ngx_http_edge_documents_t *d, ngx_edge_scan_t *s,
    ngx_str_t *text)
{
    ngx_str_t  raw;

    if (text == NULL) {
        (void) ngx_edge_scan_skip(s);
        return NGX_OK;
    }

    if (ngx_edge_scan_string_or_skip(s, &raw) != NGX_OK) {
        return NGX_OK;
    }

    return ngx_edge_scan_decode(d->ctx->request->pool, &raw, text);
}


const char *
ngx_http_edge_points_count_read(ngx_http_edge_documents_t *d, ngx_uint_t *n)
{
    uint64_t          count;
    ngx_str_t         key;
    const char       *fault;
    ngx_edge_scan_t   s;

    fault = ngx_http_edge_points_result(d, &s);

    if (fault) {
        return fault;
    }

    if (ngx_edge_scan_object(&s) != NGX_OK) {
        return "the result is not an object";
    }

    while (ngx_edge_scan_member(&s, &key) == NGX_OK) {

        if (!ngx_edge_scan_is(&key, "count")) {
            (void) ngx_edge_scan_skip(&s);
            continue;
        }

        if (ngx_edge_scan_uint(&s, &count) == NGX_OK) {
            *n = count;
            return NULL;
        }
    }

    return "the answer holds no count";
}
