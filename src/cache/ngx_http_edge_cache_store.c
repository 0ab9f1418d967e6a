
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a target's response: judged when its header has come, kept
 * when its body has come whole.  Judged is what the target said, not what
 * proxy_hide_header left of it; kept are the fields that go to the client,
 * but for those that are of one connection or are made anew for each.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_edge_hex.h"
#include "lib/ngx_edge_random.h"
#include "lib/ngx_http_edge_headers.h"


#define NGX_HTTP_EDGE_CACHE_OPEN  5000     /* ms for which nobody waits for
                                              what could not be stored */


static const char *ngx_http_edge_cache_refusal(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_edge_cache_facts_t *facts,
    time_t *ttl);
static const char *ngx_http_edge_cache_framing(ngx_http_upstream_t *u,
    size_t max);
static void ngx_http_edge_cache_facts(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_edge_cache_facts_t *facts);
static void ngx_http_edge_cache_fact(ngx_edge_cache_facts_t *facts,
    const ngx_table_elt_t *h);
static time_t ngx_http_edge_cache_date(const ngx_str_t *value);
static time_t ngx_http_edge_cache_fallback(
    const ngx_http_edge_cache_loc_conf_t *conf, ngx_uint_t status);
static ngx_int_t ngx_http_edge_cache_fill(ngx_http_request_t *r,
    ngx_edge_cache_entry_t *e);
static ngx_int_t ngx_http_edge_cache_type(ngx_http_request_t *r,
    ngx_str_t *type);
static ngx_uint_t ngx_http_edge_cache_kept_field(const ngx_table_elt_t *h);
static ngx_int_t ngx_http_edge_cache_vary(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_str_t *names);
static ngx_int_t ngx_http_edge_cache_etag(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx);
static void ngx_http_edge_cache_put(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_edge_cache_entry_t *e,
    const u_char *key);


/* Of one connection, or written anew for each response. */
static const ngx_str_t  ngx_http_edge_cache_dropped[] = {
    ngx_string("Age"),
    ngx_string("Date"),
    ngx_string("Server"),
    ngx_string("Connection"),
    ngx_string("Keep-Alive"),
    ngx_string("Proxy-Connection"),
    ngx_string("Proxy-Authenticate"),
    ngx_string("Proxy-Authentication-Info"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Upgrade"),
    ngx_string("Trailer"),
    ngx_string("TE"),
    ngx_string("Content-Length"),
    ngx_string("Accept-Ranges"),
    ngx_string("Set-Cookie"),
    ngx_string("X-Request-Id"),
    ngx_string("RateLimit"),
    ngx_string("RateLimit-Policy"),
    ngx_null_string
};


ngx_int_t
ngx_http_edge_cache_judge(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    time_t                   ttl, now;
    const char              *why;
    ngx_edge_cache_entry_t  *e;
    ngx_edge_cache_facts_t   facts;

    if (ctx->unsafe && r->headers_out.status >= NGX_HTTP_OK
        && r->headers_out.status < NGX_HTTP_BAD_REQUEST)
    {
        ngx_http_edge_cache_seek_remove(&ctx->seek);
    }

    if (!ctx->storable) {
        return NGX_OK;
    }

    now = ngx_time();
    why = ngx_http_edge_cache_refusal(r, ctx, &facts, &ttl);

    if (why) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "edge cache: not stored: %s", why);

        ngx_http_edge_cache_seek_end(&ctx->seek, NGX_HTTP_EDGE_CACHE_OPEN);

        return NGX_OK;
    }

    e = ngx_pcalloc(r->pool, sizeof(ngx_edge_cache_entry_t));
    if (e == NULL) {
        return NGX_ERROR;
    }

    ctx->entry = e;

    e->position = ctx->seek.since.position;
    e->stored = now;
    e->expires = now + ttl;
    e->age = facts.age;

    if (ngx_http_edge_cache_fill(r, e) != NGX_OK) {
        return NGX_ERROR;
    }

    e->part[ngx_edge_cache_part_body].len =
               ngx_max(r->upstream->headers_in.content_length_n, 0);

    if (ctx->seek.zone->redis == NULL
        && ngx_edge_cache_entry_size(e) > NGX_EDGE_CACHE_L1_MAX)
    {
        ngx_http_edge_cache_seek_end(&ctx->seek, NGX_HTTP_EDGE_CACHE_OPEN);
        return NGX_OK;
    }

    ctx->storing = 1;
    r->filter_need_in_memory = 1;

    return NGX_OK;
}


/* NULL with the facts and the time, or why the response is not stored. */

static const char *
ngx_http_edge_cache_refusal(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_edge_cache_facts_t *facts,
    time_t *ttl)
{
    const char           *why;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || u->headers_in.status_n != r->headers_out.status) {
        return "not the target's";
    }

    why = ngx_http_edge_cache_framing(u, ctx->conf->max_size);

    if (why) {
        return why;
    }

    if (ngx_http_test_predicates(r, ctx->conf->no_cache) != NGX_OK) {
        return "edge_no_cache";
    }

    ngx_http_edge_cache_facts(r, ctx, facts);

    *ttl = ngx_edge_cache_control_ttl(facts, ngx_time(), &why);

    return why;
}


/* A body whose end cannot be told from a lost connection may be cut. */

static const char *
ngx_http_edge_cache_framing(ngx_http_upstream_t *u, size_t max)
{
    if (u->headers_in.content_length_n > (off_t) max) {
        return "too large";
    }

    if (u->headers_in.content_length_n < 0 && !u->headers_in.chunked
        && u->headers_in.status_n != NGX_HTTP_NO_CONTENT)
    {
        return "no length";
    }

    return NULL;
}


static void
ngx_http_edge_cache_facts(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_edge_cache_facts_t *facts)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_memzero(facts, sizeof(ngx_edge_cache_facts_t));
    ngx_edge_cache_control_init(&facts->control);

    facts->status = r->headers_out.status;
    facts->date = -1;
    facts->expires = -1;
    facts->fallback = ngx_http_edge_cache_fallback(ctx->conf, facts->status);
    facts->authorized = ctx->authorized && !ctx->conf->scope_written;

    for (part = &r->upstream->headers_in.headers.part; part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            ngx_http_edge_cache_fact(facts, &h[i]);
        }
    }
}


static void
ngx_http_edge_cache_fact(ngx_edge_cache_facts_t *facts,
    const ngx_table_elt_t *h)
{
    time_t     n;
    ngx_str_t  rest, name;

    if (ngx_http_edge_header_is(h, "Cache-Control")) {
        ngx_edge_cache_control_parse(&facts->control, &h->value);

    } else if (ngx_http_edge_header_is(h, "Set-Cookie")
               || ngx_http_edge_header_is(h, "Set-Cookie2"))
    {
        facts->set_cookie = 1;

    } else if (ngx_http_edge_header_is(h, "Vary")) {
        rest = h->value;

        while (ngx_edge_cache_list_next(&rest, &name)) {
            if (name.len == 1 && name.data[0] == '*') {
                facts->vary_any = 1;
            }
        }

    } else if (ngx_http_edge_header_is(h, "Age")) {
        n = ngx_edge_cache_seconds(h->value.data, h->value.len);
        facts->age = ngx_max(facts->age, n);

    } else if (ngx_http_edge_header_is(h, "Date")) {
        facts->date = ngx_http_edge_cache_date(&h->value);

    } else if (ngx_http_edge_header_is(h, "Expires")) {
        n = ngx_http_edge_cache_date(&h->value);
        n = ngx_max(n, 0);             /* "0" and the like: past */

        facts->expires = facts->has_expires ? ngx_min(facts->expires, n) : n;
        facts->has_expires = 1;
    }
}


static time_t
ngx_http_edge_cache_date(const ngx_str_t *value)
{
    time_t  t;

    t = ngx_parse_http_time(value->data, value->len);

    return (t == NGX_ERROR) ? -1 : t;
}


static time_t
ngx_http_edge_cache_fallback(const ngx_http_edge_cache_loc_conf_t *conf,
    ngx_uint_t status)
{
    ngx_uint_t                    i;
    ngx_http_edge_cache_valid_t  *v;

    if (conf->valid == NULL) {
        return -1;
    }

    v = conf->valid->elts;

    for (i = 0; i < conf->valid->nelts; i++) {
        if (v[i].status == 0 || v[i].status == status) {
            return v[i].valid;
        }
    }

    return -1;
}


static ngx_int_t
ngx_http_edge_cache_fill(ngx_http_request_t *r, ngx_edge_cache_entry_t *e)
{
    u_char           *p;
    size_t            len;
    ngx_str_t        *fields;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    e->kind = ngx_edge_cache_response;
    e->status = r->headers_out.status;
    e->modified = r->headers_out.last_modified_time;
    e->nparts = ngx_edge_cache_part_n;

    if (ngx_http_edge_cache_type(r, &e->part[ngx_edge_cache_part_type])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            len += ngx_edge_cache_field_size(&h[i].key, &h[i].value);
        }
    }

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fields = &e->part[ngx_edge_cache_part_fields];
    fields->data = p;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_edge_cache_kept_field(&h[i])) {
                p = ngx_edge_cache_field_write(p, &h[i].key, &h[i].value);
            }
        }
    }

    fields->len = p - fields->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_cache_type(ngx_http_request_t *r, ngx_str_t *type)
{
    u_char  *p;

    *type = r->headers_out.content_type;

    if (type->len == 0 || r->headers_out.charset.len == 0
        || r->headers_out.content_type_len != type->len)
    {
        return NGX_OK;
    }

    /* nginx keeps the charset apart */

    p = ngx_pnalloc(r->pool, type->len + r->headers_out.charset.len
                             + sizeof("; charset=") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    type->len = ngx_sprintf(p, "%V; charset=%V",
                            &r->headers_out.content_type,
                            &r->headers_out.charset)
                - p;
    type->data = p;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_edge_cache_kept_field(const ngx_table_elt_t *h)
{
    const ngx_str_t  *name;

    if (h->hash == 0) {
        return 0;
    }

    for (name = ngx_http_edge_cache_dropped; name->len; name++) {
        if (h->key.len == name->len
            && ngx_strncasecmp(h->key.data, name->data, name->len) == 0)
        {
            return 0;
        }
    }

    return 1;
}


void
ngx_http_edge_cache_store(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    off_t                    len;
    ngx_str_t                names;
    u_char                   variant[NGX_EDGE_CACHE_KEY];
    ngx_edge_cache_entry_t   marker;

    ctx->storing = 0;

    len = r->upstream->headers_in.content_length_n;

    if (len >= 0 && ctx->body.len != (size_t) len
        && ctx->entry->status != NGX_HTTP_NO_CONTENT)
    {
        ngx_http_edge_cache_seek_end(&ctx->seek, 0);
        return;
    }

    ctx->entry->part[ngx_edge_cache_part_body] = ctx->body;

    if (ngx_http_edge_cache_etag(r, ctx) != NGX_OK
        || ngx_http_edge_cache_vary(r, ctx, &names) != NGX_OK)
    {
        ngx_http_edge_cache_seek_end(&ctx->seek, 0);
        return;
    }

    if (names.len == 0) {
        ngx_http_edge_cache_put(r, ctx, ctx->entry, ctx->seek.key);
        ngx_http_edge_cache_seek_end(&ctx->seek, 0);
        return;
    }

    if (ngx_http_edge_cache_variant(r, ctx, &names, variant) == NGX_OK) {

        ngx_http_edge_cache_put(r, ctx, ctx->entry, variant);

        marker = *ctx->entry;
        marker.kind = ngx_edge_cache_vary;
        marker.nparts = 1;
        marker.part[0] = names;

        ngx_http_edge_cache_put(r, ctx, &marker, ctx->seek.key);
    }

    ngx_http_edge_cache_seek_end(&ctx->seek, 0);
}


/* All names of all Vary fields, in lower case, behind "#<16 digits>,": a name
 * that no field has.  It makes the variants that an older marker led to
 * unreachable, when that one was taken away. */

static ngx_int_t
ngx_http_edge_cache_vary(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, ngx_str_t *names)
{
    u_char                         *p;
    size_t                          len;
    ngx_list_t                     *fields;
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    ngx_str_null(names);
    fields = &r->upstream->headers_in.headers;
    len = 0;

    ngx_http_edge_header_search(&search, fields, "Vary");

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        len += h->value.len + 1;
    }

    if (len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, sizeof("#,") + NGX_HTTP_EDGE_CACHE_DIGITS + len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (ctx->salt == 0) {
        ctx->salt = ngx_edge_random_word() | 1;
    }

    names->data = p;
    p = ngx_sprintf(p, "#%016xL,", ctx->salt);

    ngx_http_edge_header_search(&search, fields, "Vary");

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        ngx_strlow(p, h->value.data, h->value.len);
        p += h->value.len;
        *p++ = ',';
    }

    names->len = p - names->data;

    return NGX_OK;
}


/* A strong one of the bytes, for what came without: the response to the first
 * request has none, the hits do. */

static ngx_int_t
ngx_http_edge_cache_etag(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx)
{
    u_char                           *p;
    u_char                            digest[NGX_EDGE_HASH_SIZE];
    ngx_str_t                        *fields, etag;
    u_char                            text[sizeof("\"\"") + 32];
    ngx_http_edge_cache_main_conf_t  *cmcf;

    static const ngx_str_t            name = ngx_string("ETag");

    if (ctx->entry->status != NGX_HTTP_OK || r->headers_out.etag) {
        return NGX_OK;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_edge_cache_module);

    if (ngx_edge_hash(cmcf->hash, &ctx->body, 1, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    etag.data = text;
    p = text;
    *p++ = '"';
    p = ngx_edge_hex(p, digest, 16);
    *p++ = '"';
    etag.len = p - text;

    fields = &ctx->entry->part[ngx_edge_cache_part_fields];

    p = ngx_pnalloc(r->pool, fields->len
                             + ngx_edge_cache_field_size(&name, &etag));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, fields->data, fields->len);
    fields->data = p;
    fields->len = ngx_edge_cache_field_write(p + fields->len, &name, &etag)
                  - p;

    return NGX_OK;
}


static void
ngx_http_edge_cache_put(ngx_http_request_t *r,
    ngx_http_edge_cache_ctx_t *ctx, const ngx_edge_cache_entry_t *e,
    const u_char *key)
{
    ngx_str_t  data;

    data.len = ngx_edge_cache_entry_size(e);

    if (data.len == 0) {
        return;
    }

    data.data = ngx_palloc(r->pool, data.len);
    if (data.data == NULL) {
        return;
    }

    ngx_edge_cache_entry_write(e, key, data.data);
    ngx_http_edge_cache_seek_put(&ctx->seek, key, &data,
                                 e->expires - ngx_time());

    (void) ngx_pfree(r->pool, data.data);
}
