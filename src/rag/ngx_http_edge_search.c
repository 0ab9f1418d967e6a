
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Retrieval: Qdrant's POST /collections/{c}/points/query, and the embedded
 * store's job.  The tenant's condition stands at the root of every query and
 * comes from the record only, that of edge_acl from the token; a client's
 * filter is added behind them, so it can only narrow.  Each point that comes
 * back is looked at once more: one of another tenant, or one that the caller's
 * permissions do not open, would be a fault of the backend, and is dropped.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "route/ngx_http_edge_route_api.h"
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_SEARCH_REQUEST_MAX  (4 * 1024 * 1024)
#define NGX_HTTP_EDGE_SEARCH_ANSWER_MAX   (4 * 1024 * 1024)


static const ngx_str_t *ngx_http_edge_search_tenant(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf);
static const char *ngx_http_edge_search_points(ngx_http_edge_query_t *q,
    const ngx_str_t *tenant, ngx_uint_t max, ngx_edge_scan_t *s);
static const char *ngx_http_edge_search_point(ngx_http_edge_query_t *q,
    const ngx_str_t *tenant, ngx_edge_scan_t *s);
static ngx_int_t ngx_http_edge_search_payload(ngx_http_edge_query_t *q,
    ngx_edge_scan_t *s, ngx_edge_passage_t *passage, ngx_str_t *tenant,
    ngx_str_t *acl);
static ngx_int_t ngx_http_edge_search_admits(ngx_http_edge_query_t *q,
    const ngx_str_t *acl);
static ngx_int_t ngx_http_edge_search_copy(ngx_pool_t *pool,
    const ngx_str_t *from, ngx_str_t *to);


static ngx_str_t  ngx_http_edge_search_shared = ngx_string("_shared");


ngx_http_edge_sub_t *
ngx_http_edge_search_call(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf)
{
    ngx_edge_buf_t        b;
    const ngx_str_t      *tenant, *module;
    ngx_http_edge_sub_t  *sub;

    tenant = ngx_http_edge_search_tenant(q, conf);
    module = &q->ctx->record->module->name;

    ngx_http_edge_rag_begin(q->ctx, &b, q->vector.len + 1024,
                            NGX_HTTP_EDGE_SEARCH_REQUEST_MAX);

    ngx_edge_buf_lit(&b, "{\"query\":");
    ngx_edge_buf_str(&b, &q->vector);
    ngx_edge_buf_lit(&b, ",\"using\":\"dense\",\"filter\":{\"must\":["
                         "{\"key\":\"tenant_id\",\"match\":{\"value\":");
    ngx_edge_buf_json(&b, tenant->data, tenant->len);
    ngx_edge_buf_lit(&b, "}}");

    if (conf->scope == ngx_http_edge_scope_module) {
        ngx_edge_buf_lit(&b, ",{\"key\":\"module\",\"match\":{\"value\":");
        ngx_edge_buf_json(&b, module->data, module->len);
        ngx_edge_buf_lit(&b, "}}");
    }

    if (q->ctx->acl) {
        ngx_edge_buf_byte(&b, ',');
        ngx_edge_acl_render(q->ctx->acl, &b);
    }

    (void) ngx_edge_filter_render(&q->filter, 0, 0, &b);

    ngx_edge_buf_lit(&b, "],\"must_not\":[");

    (void) ngx_edge_filter_render(&q->filter, 1, 1, &b);

    ngx_edge_buf_lit(&b, "]},\"limit\":");
    ngx_edge_buf_int(&b, q->top_k ? q->top_k : conf->top_k);

    if (conf->threshold > 0) {
        ngx_edge_buf_lit(&b, ",\"score_threshold\":");
        ngx_edge_buf_number(&b, conf->threshold);
    }

    ngx_edge_buf_lit(&b, ",\"with_payload\":[\"tenant_id\",\"doc_id\","
                         "\"title\",\"chunk\",\"source_uri\",\"text\","
                         "\"updated_at\"");

    if (q->ctx->acl) {
        ngx_edge_buf_lit(&b, ",\"acl\"");
    }

    ngx_edge_buf_lit(&b, "]}");

    sub = ngx_http_edge_rag_sub(q->ctx, &conf->uri, &b);
    if (sub == NULL) {
        return NULL;
    }

    sub->timeout = q->ctx->conf->timeout.search;
    sub->limit = NGX_HTTP_EDGE_SEARCH_ANSWER_MAX;

    return sub;
}


static const ngx_str_t *
ngx_http_edge_search_tenant(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf)
{
    if (conf->scope == ngx_http_edge_scope_shared) {
        return &ngx_http_edge_search_shared;
    }

    return &q->ctx->record->tenant;
}


const char *
ngx_http_edge_search_read(ngx_http_edge_query_t *q,
    const ngx_http_edge_search_conf_t *conf, ngx_http_edge_sub_t *sub)
{
    ngx_str_t         key;
    ngx_uint_t        found, had;
    const char       *fault;
    ngx_edge_scan_t   s;

    found = 0;
    had = q->passages.nelts;

    ngx_edge_scan_init(&s, sub->answer.data, sub->answer.len);

    if (ngx_edge_scan_object(&s) != NGX_OK) {
        return "the answer is not a JSON object";
    }

    while (ngx_edge_scan_member(&s, &key) == NGX_OK) {

        if (!ngx_edge_scan_is(&key, "result")
            || ngx_edge_scan_type(&s) != ngx_edge_scan_type_object)
        {
            (void) ngx_edge_scan_skip(&s);     /* errors are sticky */
            continue;
        }

        fault = ngx_http_edge_search_points(q,
                                      ngx_http_edge_search_tenant(q, conf),
                                      had + (q->top_k ? q->top_k
                                                      : conf->top_k),
                                      &s);
        if (fault) {
            q->passages.nelts = had;
            return fault;
        }

        found = 1;
    }

    if (ngx_edge_scan_end(&s) != NGX_OK || !found) {
        q->passages.nelts = had;
        return "the answer holds no result";
    }

    return NULL;
}


static const char *
ngx_http_edge_search_points(ngx_http_edge_query_t *q, const ngx_str_t *tenant,
    ngx_uint_t max, ngx_edge_scan_t *s)
{
    ngx_str_t    key;
    ngx_uint_t   found;
    const char  *fault;

    found = 0;

    (void) ngx_edge_scan_object(s);

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (!ngx_edge_scan_is(&key, "points")) {
            (void) ngx_edge_scan_skip(s);
            continue;
        }

        if (ngx_edge_scan_array(s) != NGX_OK) {
            return "\"points\" is not a list";
        }

        while (ngx_edge_scan_element(s) == NGX_OK) {

            if (q->passages.nelts == max) {
                (void) ngx_edge_scan_skip(s);      /* more than asked for */
                continue;
            }

            fault = ngx_http_edge_search_point(q, tenant, s);

            if (fault) {
                return fault;
            }
        }

        found = 1;
    }

    return found ? NULL : "the answer holds no points";
}


static const char *
ngx_http_edge_search_point(ngx_http_edge_query_t *q, const ngx_str_t *tenant,
    ngx_edge_scan_t *s)
{
    ngx_str_t            key, owner, acl;
    ngx_int_t            rc;
    ngx_edge_passage_t   passage, *p;

    ngx_memzero(&passage, sizeof(ngx_edge_passage_t));
    ngx_str_null(&owner);
    ngx_str_null(&acl);

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return "a point is not an object";
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "score")) {
            (void) ngx_edge_scan_number(s, &passage.score);

        } else if (ngx_edge_scan_is(&key, "payload")
                   && ngx_edge_scan_type(s) == ngx_edge_scan_type_object)
        {
            if (ngx_http_edge_search_payload(q, s, &passage, &owner, &acl)
                != NGX_OK)
            {
                return "no memory";
            }

        } else {
            (void) ngx_edge_scan_skip(s);
        }
    }

    if (s->error) {
        return "a point is not as expected";
    }

    if (owner.len != tenant->len
        || ngx_memcmp(owner.data, tenant->data, owner.len) != 0)
    {
        ngx_log_error(NGX_LOG_ALERT, q->ctx->request->connection->log, 0,
                      "edge rag: a point of another tenant was dropped");
        return NULL;
    }

    rc = ngx_http_edge_search_admits(q, &acl);

    if (rc == NGX_ERROR) {
        return "no memory";
    }

    if (rc != NGX_OK || passage.text.len == 0) {
        return NULL;
    }

    p = ngx_array_push(&q->passages);
    if (p == NULL) {
        return "no memory";
    }

    *p = passage;

    return NULL;
}


static ngx_int_t
ngx_http_edge_search_payload(ngx_http_edge_query_t *q, ngx_edge_scan_t *s,
    ngx_edge_passage_t *passage, ngx_str_t *tenant, ngx_str_t *acl)
{
    uint64_t    n;
    ngx_str_t   key, raw, *to;

    (void) ngx_edge_scan_object(s);

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_scan_is(&key, "chunk")) {
            if (ngx_edge_scan_uint(s, &n) == NGX_OK) {
                passage->chunk = n;
            }

            continue;
        }

        if (ngx_edge_scan_is(&key, "acl")) {
            (void) ngx_edge_scan_raw(s, acl);
            continue;
        }

        to = ngx_edge_scan_is(&key, "tenant_id") ? tenant
             : ngx_edge_scan_is(&key, "doc_id") ? &passage->doc_id
             : ngx_edge_scan_is(&key, "title") ? &passage->title
             : ngx_edge_scan_is(&key, "source_uri") ? &passage->source_uri
             : ngx_edge_scan_is(&key, "text") ? &passage->text
             : ngx_edge_scan_is(&key, "updated_at") ? &passage->updated_at
             : NULL;

        if (to == NULL) {
            (void) ngx_edge_scan_skip(s);
            continue;
        }

        if (ngx_edge_scan_string_or_skip(s, &raw) == NGX_OK
            && ngx_edge_scan_decode(q->work, &raw, to)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_search_admits(ngx_http_edge_query_t *q, const ngx_str_t *acl)
{
    ngx_int_t  rc;

    if (q->ctx->acl == NULL) {
        return NGX_OK;
    }

    rc = ngx_edge_acl_match(q->ctx->acl, q->work, acl);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ALERT, q->ctx->request->connection->log, 0,
                      "edge rag: a point outside the caller's permissions was "
                      "dropped");
    }

    return rc;
}


ngx_http_edge_store_job_t *
ngx_http_edge_search_job(ngx_http_edge_query_t *q)
{
    ngx_edge_filter_t                *filter;
    ngx_http_edge_store_job_t        *job;
    const ngx_http_edge_rag_conf_t   *rag;

    rag = q->ctx->conf;

    job = ngx_http_edge_store_job_create(rag->store,
                                         q->ctx->request->connection->log);
    if (job == NULL) {
        return NULL;
    }

    job->kind = ngx_http_edge_store_search;
    job->query.top_k = q->top_k ? q->top_k : rag->store_top_k;
    job->query.threshold = rag->store_threshold;

    filter = ngx_palloc(job->pool, sizeof(ngx_edge_filter_t));

    if (filter == NULL
        || ngx_edge_filter_copy(job->pool, &q->filter, filter) != NGX_OK
        || ngx_http_edge_search_copy(job->pool, &q->question,
                                     &job->query.question)
           != NGX_OK
        || ngx_http_edge_search_copy(job->pool, &q->ctx->record->tenant,
                                     &job->scope.tenant)
           != NGX_OK
        || ngx_http_edge_search_copy(job->pool,
                                     &q->ctx->record->module->name,
                                     &job->scope.module)
           != NGX_OK)
    {
        ngx_http_edge_store_job_free(job);
        return NULL;
    }

    job->query.filter = filter;

    if (q->ctx->acl) {
        job->query.acl = ngx_edge_acl_copy(job->pool, q->ctx->acl);

        if (job->query.acl == NULL) {
            ngx_http_edge_store_job_free(job);
            return NULL;
        }
    }

    return job;
}


static ngx_int_t
ngx_http_edge_search_copy(ngx_pool_t *pool, const ngx_str_t *from,
    ngx_str_t *to)
{
    to->len = from->len;
    to->data = ngx_pstrdup(pool, (ngx_str_t *) from);

    return to->data ? NGX_OK : NGX_ERROR;
}


/* Best first over all searches (a stable insertion sort: the lists are short
 * and each is sorted), cut to top_k if the client gave one. */

void
ngx_http_edge_search_rank(ngx_http_edge_query_t *q)
{
    ngx_uint_t           i, j, n;
    ngx_edge_passage_t  *p, passage;

    p = q->passages.elts;
    n = q->passages.nelts;

    for (i = 1; i < n; i++) {
        passage = p[i];

        for (j = i; j > 0 && p[j - 1].score < passage.score; j--) {
            p[j] = p[j - 1];
        }

        p[j] = passage;
    }

    if (q->top_k && n > q->top_k) {
        n = q->top_k;
    }

    q->passages.nelts = ngx_min(n, NGX_HTTP_EDGE_RAG_PASSAGES_MAX);
}
