
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys by subrequest (auth_jwt_key_request).  What a call brings is parsed once
 * and kept by this process under the server and the URI that were asked: as
 * long as auth_jwt_key_cache says it is used without asking, and behind that a
 * body that is byte for byte the same is not parsed again.
 *
 * A call that fails leaves the location without these keys for the one
 * request; what was kept from an earlier call is not used then, since the
 * location, by proxy_cache_use_stale, is where such a thing is decided.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth.h"


#define NGX_HTTP_EDGE_AUTH_KEYS_MAX   64       /* sets that are kept */


typedef struct {
    ngx_queue_t                queue;          /* head: most recent */
    ngx_pool_t                *pool;           /* owns this and all below */
    ngx_http_core_srv_conf_t  *server;
    ngx_str_t                  uri;
    ngx_str_t                  body;
    time_t                     made;
    ngx_edge_keyset_t         *set;
} ngx_http_edge_auth_kept_t;


struct ngx_http_edge_auth_keys_s {
    ngx_queue_t                queue;          /* ..._kept_t */
    ngx_uint_t                 n;
};


static void ngx_http_edge_auth_keys_cleanup(void *data);
static ngx_http_edge_auth_kept_t *ngx_http_edge_auth_keys_find(
    ngx_http_request_t *r, const ngx_str_t *uri);
static ngx_int_t ngx_http_edge_auth_keys_retire(ngx_http_request_t *r,
    ngx_http_edge_auth_kept_t *kept);
static void ngx_http_edge_auth_keys_retired(void *data);
static void ngx_http_edge_auth_keys_drop(ngx_http_edge_auth_keys_t *keys,
    ngx_http_edge_auth_kept_t *kept);
static ngx_http_edge_auth_kept_t *ngx_http_edge_auth_keys_add(
    ngx_http_request_t *r, const ngx_str_t *uri, const ngx_str_t *body);
static ngx_uint_t ngx_http_edge_auth_request_printable(const ngx_str_t *uri);
static ngx_int_t ngx_http_edge_auth_request_start(ngx_http_request_t *r,
    const ngx_http_edge_auth_source_t *source, const ngx_str_t *uri,
    ngx_http_edge_sub_t **sub);
static ngx_edge_keyset_t *ngx_http_edge_auth_request_take(
    ngx_http_request_t *r, const ngx_str_t *uri, ngx_http_edge_sub_t *sub);


ngx_http_edge_auth_keys_t *
ngx_http_edge_auth_keys_create(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_edge_auth_keys_t  *keys;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_edge_auth_keys_t));
    if (cln == NULL) {
        return NULL;
    }

    keys = cln->data;

    ngx_queue_init(&keys->queue);
    keys->n = 0;

    cln->handler = ngx_http_edge_auth_keys_cleanup;

    return keys;
}


static void
ngx_http_edge_auth_keys_cleanup(void *data)
{
    ngx_http_edge_auth_keys_t  *keys = data;

    ngx_queue_t  *q;

    while (!ngx_queue_empty(&keys->queue)) {
        q = ngx_queue_head(&keys->queue);
        ngx_http_edge_auth_keys_drop(keys,
                       ngx_queue_data(q, ngx_http_edge_auth_kept_t, queue));
    }
}


ngx_int_t
ngx_http_edge_auth_request_keys(ngx_http_request_t *r,
    const ngx_http_edge_auth_loc_conf_t *alcf,
    ngx_http_edge_auth_source_t *source, ngx_http_edge_sub_t **sub,
    ngx_edge_keyset_t **set)
{
    ngx_str_t                   uri;
    ngx_http_edge_auth_kept_t  *kept;

    *set = NULL;

    if (*sub && !(*sub)->finished) {
        return NGX_AGAIN;
    }

    if (ngx_http_complex_value(r, &source->uri, &uri) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_http_edge_auth_request_printable(&uri)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"auth_jwt_key_request\" is no URI: it has a control "
                      "character");
        return NGX_OK;
    }

    if (*sub) {
        *set = ngx_http_edge_auth_request_take(r, &uri, *sub);
        return NGX_OK;
    }

    if (alcf->key_cache) {
        kept = ngx_http_edge_auth_keys_find(r, &uri);

        if (kept && ngx_time() - kept->made < alcf->key_cache) {
            *set = kept->set;
            return NGX_OK;
        }
    }

    if (uri.len == 0 || uri.data[0] != '/') {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"auth_jwt_key_request\" is no URI: \"%V\"", &uri);
        return NGX_OK;
    }

    return ngx_http_edge_auth_request_start(r, source, &uri, sub);
}


/* A decoded variable may bring what would break a line of the log. */

static ngx_uint_t
ngx_http_edge_auth_request_printable(const ngx_str_t *uri)
{
    size_t  i;

    for (i = 0; i < uri->len; i++) {
        if (uri->data[i] < ' ' || uri->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_edge_auth_request_start(ngx_http_request_t *r,
    const ngx_http_edge_auth_source_t *source, const ngx_str_t *uri,
    ngx_http_edge_sub_t **subp)
{
    u_char               *p;
    ngx_http_edge_sub_t  *sub;

    sub = ngx_pcalloc(r->pool, sizeof(ngx_http_edge_sub_t));
    if (sub == NULL) {
        return NGX_ERROR;
    }

    sub->main = r;
    sub->method = NGX_HTTP_GET;
    sub->timeout = source->timeout;
    sub->limit = NGX_EDGE_KEYSET_TEXT_MAX;
    sub->uri = *uri;

    p = ngx_strlchr(uri->data, uri->data + uri->len, '?');

    if (p) {
        sub->uri.len = p - uri->data;
        sub->args.data = p + 1;
        sub->args.len = uri->data + uri->len - sub->args.data;
    }

    sub->pool = ngx_http_edge_sub_pool(r);

    if (sub->pool == NULL || ngx_http_edge_sub_start(sub) != NGX_OK) {
        return NGX_ERROR;
    }

    *subp = sub;

    return NGX_AGAIN;
}


/* Behind a call: called again for the same one, should another source's keys
 * take longer, it finds what was kept then, or has come since: its own answer
 * may be the older one by now, and is marked as taken by sub->data. */

static ngx_edge_keyset_t *
ngx_http_edge_auth_request_take(ngx_http_request_t *r, const ngx_str_t *uri,
    ngx_http_edge_sub_t *sub)
{
    ngx_http_edge_auth_kept_t  *kept;

    if (sub->result != ngx_http_edge_sub_ok) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no keys from \"%V\": %s", uri,
                      ngx_http_edge_sub_result_name(sub));
        return NULL;
    }

    if (sub->answer.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no keys from \"%V\": the body is empty", uri);
        return NULL;
    }

    kept = ngx_http_edge_auth_keys_find(r, uri);

    if (kept && sub->data) {
        return kept->set;
    }

    sub->data = sub;

    if (kept
        && kept->body.len == sub->answer.len
        && ngx_memcmp(kept->body.data, sub->answer.data, sub->answer.len)
           == 0)
    {
        kept->made = ngx_time();
        return kept->set;
    }

    if (kept && ngx_http_edge_auth_keys_retire(r, kept) != NGX_OK) {
        return NULL;
    }

    kept = ngx_http_edge_auth_keys_add(r, uri, &sub->answer);

    return kept ? kept->set : NULL;
}


static ngx_http_edge_auth_kept_t *
ngx_http_edge_auth_keys_find(ngx_http_request_t *r, const ngx_str_t *uri)
{
    ngx_queue_t                     *q;
    ngx_http_core_srv_conf_t        *cscf;
    ngx_http_edge_auth_kept_t       *kept;
    ngx_http_edge_auth_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    for (q = ngx_queue_head(&amcf->keys->queue);
         q != ngx_queue_sentinel(&amcf->keys->queue);
         q = ngx_queue_next(q))
    {
        kept = ngx_queue_data(q, ngx_http_edge_auth_kept_t, queue);

        if (kept->server == cscf
            && kept->uri.len == uri->len
            && ngx_memcmp(kept->uri.data, uri->data, uri->len) == 0)
        {
            ngx_queue_remove(q);
            ngx_queue_insert_head(&amcf->keys->queue, q);

            return kept;
        }
    }

    return NULL;
}


static ngx_http_edge_auth_kept_t *
ngx_http_edge_auth_keys_add(ngx_http_request_t *r, const ngx_str_t *uri,
    const ngx_str_t *body)
{
    ngx_pool_t                      *pool;
    ngx_queue_t                     *q;
    ngx_http_edge_auth_kept_t       *kept;
    ngx_http_edge_auth_keys_t       *keys;
    ngx_http_edge_auth_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);
    keys = amcf->keys;

    /* outlives the request */

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    kept = ngx_palloc(pool, sizeof(ngx_http_edge_auth_kept_t));
    if (kept == NULL) {
        goto failed;
    }

    kept->pool = pool;
    kept->server = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    kept->made = ngx_time();

    kept->uri.len = uri->len;
    kept->uri.data = ngx_pstrdup(pool, (ngx_str_t *) uri);

    kept->body.len = body->len;
    kept->body.data = ngx_pstrdup(pool, (ngx_str_t *) body);

    if (kept->uri.data == NULL || kept->body.data == NULL) {
        goto failed;
    }

    kept->set = ngx_edge_keyset_create(pool, r->connection->log, NGX_LOG_ERR,
                                       &kept->uri, &kept->body, 0);
    if (kept->set == NULL) {
        goto failed;
    }

    if (keys->n == NGX_HTTP_EDGE_AUTH_KEYS_MAX) {
        q = ngx_queue_last(&keys->queue);
        ngx_http_edge_auth_keys_drop(keys,
                       ngx_queue_data(q, ngx_http_edge_auth_kept_t, queue));
    }

    ngx_queue_insert_head(&keys->queue, &kept->queue);
    keys->n++;

    return kept;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


/* Another source of the same location may have been given this set a moment
 * ago, by the same URI: it lives as long as the request. */

static ngx_int_t
ngx_http_edge_auth_keys_retire(ngx_http_request_t *r,
    ngx_http_edge_auth_kept_t *kept)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_edge_auth_main_conf_t  *amcf;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_edge_auth_keys_retired;
    cln->data = kept->pool;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_edge_auth_module);

    ngx_queue_remove(&kept->queue);
    amcf->keys->n--;

    return NGX_OK;
}


static void
ngx_http_edge_auth_keys_retired(void *data)
{
    ngx_destroy_pool(data);
}


static void
ngx_http_edge_auth_keys_drop(ngx_http_edge_auth_keys_t *keys,
    ngx_http_edge_auth_kept_t *kept)
{
    ngx_queue_remove(&kept->queue);
    keys->n--;

    ngx_destroy_pool(kept->pool);
}
