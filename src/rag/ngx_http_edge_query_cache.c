
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers that were given before: what an answer depends on, which answers
 * may be given again, and a cached one in the place of one just made.  One
 * entry serves all forms of a response.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache_api.h"
#include "lib/ngx_edge_hash.h"
#include "rag/ngx_http_edge_query.h"


#define NGX_HTTP_EDGE_QUERY_PIECES     6
#define NGX_HTTP_EDGE_QUERY_TEXT_MAX   (256 * 1024)
#define NGX_HTTP_EDGE_QUERY_CAPTURE    1024
#define NGX_HTTP_EDGE_QUERY_BORDERS    256

/* Of the parts: one more with each change of what they hold, so that instances
 * of two versions that share a Redis do not find each other's. */
#define NGX_HTTP_EDGE_QUERY_SCHEMA     2


/* The parts of an entry. */
typedef enum {
    ngx_http_edge_query_part_answer = 0,
    ngx_http_edge_query_part_model,
    ngx_http_edge_query_part_finish,
    ngx_http_edge_query_part_sources,
    ngx_http_edge_query_part_usage,        /* ngx_http_edge_usage_t */
    ngx_http_edge_query_part_bad,          /* ngx_uint_t each */
    ngx_http_edge_query_part_pieces,       /* ngx_edge_pieces_t's list */
    ngx_http_edge_query_part_n
} ngx_http_edge_query_part_e;


static ngx_int_t ngx_http_edge_query_cache_look(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_cache_key(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_cache_options(ngx_http_edge_query_t *q,
    ngx_str_t *text);
static ngx_int_t ngx_http_edge_query_cache_acl(ngx_http_edge_query_t *q,
    ngx_str_t *text);
static ngx_int_t ngx_http_edge_query_cache_corpora(ngx_http_edge_query_t *q);
static ngx_uint_t ngx_http_edge_query_cache_sound(const ngx_str_t *part);
static void ngx_http_edge_query_cache_fill(ngx_http_edge_query_t *q,
    const ngx_str_t *part);
static ngx_int_t ngx_http_edge_query_cache_text(ngx_http_edge_query_t *q,
    ngx_str_t *part);
static void ngx_http_edge_query_cache_wake(void *data);
static void ngx_http_edge_query_cache_say(ngx_edge_buf_t *b,
    const ngx_str_t *text);


ngx_int_t
ngx_http_edge_query_cache_get(ngx_http_edge_query_t *q)
{
    ngx_int_t                 rc;
    ngx_http_edge_rag_ctx_t  *ctx;

    ctx = q->ctx;

    if (ctx->cached == NULL) {
        ctx->cached = ngx_http_edge_cache_answer_create(ctx->request,
                                            ctx->conf->cache_zone,
                                            ngx_http_edge_query_cache_wake,
                                            ctx);
        if (ctx->cached == NULL) {
            return NGX_ERROR;
        }
    }

    rc = ctx->expired ? NGX_DECLINED : ngx_http_edge_query_cache_look(q);

    if (rc == NGX_AGAIN) {
        ctx->cache_pending = 1;
        ctx->pending++;
    }

    return rc;
}


static ngx_int_t
ngx_http_edge_query_cache_look(ngx_http_edge_query_t *q)
{
    ngx_int_t  rc;
    ngx_str_t  part[ngx_http_edge_query_part_n];

    if (!q->keyed) {
        rc = ngx_http_edge_query_cache_corpora(q);

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_edge_query_cache_key(q) != NGX_OK) {
            return NGX_ERROR;
        }

        q->keyed = 1;
    }

    rc = ngx_http_edge_cache_answer_get(q->ctx->cached, part,
                                        ngx_http_edge_query_part_n,
                                        ngx_http_edge_query_cache_sound,
                                        q->ctx->conf->cache_stale);

    if (rc == NGX_OK) {
        ngx_http_edge_query_cache_fill(q, part);
    }

    return rc;
}


/* The versions of what is searched. */

static ngx_int_t
ngx_http_edge_query_cache_corpora(ngx_http_edge_query_t *q)
{
    ngx_int_t                         rc;
    ngx_uint_t                        n;
    const ngx_str_t                  *tenant, *collection;
    ngx_http_edge_search_conf_t      *search;
    const ngx_http_edge_rag_conf_t   *conf;

    static const ngx_str_t            shared = ngx_string("_shared");

    conf = q->ctx->conf;
    n = conf->store ? 1 : conf->searches.nelts;
    search = conf->searches.elts;

    for ( /* void */ ; q->ncorpora < n; q->ncorpora++) {

        tenant = &q->ctx->record->tenant;
        collection = &conf->store_path;

        if (conf->store == NULL) {
            collection = &search[q->ncorpora].collection;

            if (search[q->ncorpora].scope == ngx_http_edge_scope_shared) {
                tenant = &shared;
            }
        }

        rc = ngx_http_edge_cache_answer_corpus(q->ctx->cached, tenant,
                                               collection,
                                               conf->cache_version_age,
                                               &q->corpora[q->ncorpora]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_cache_key(ngx_http_edge_query_t *q)
{
    ngx_str_t  piece[NGX_HTTP_EDGE_QUERY_PIECES];

    ngx_memzero(piece, sizeof(piece));

    piece[0].data = (u_char *) q->ctx->conf->digest;
    piece[0].len = NGX_EDGE_HASH_SIZE;

    if (ngx_http_edge_query_cache_options(q, &piece[1]) != NGX_OK
        || ngx_http_edge_query_cache_acl(q, &piece[5]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    piece[2] = q->history;
    piece[3] = q->question;

    piece[4].data = (u_char *) q->corpora;
    piece[4].len = q->ncorpora * sizeof(uint64_t);

    return ngx_http_edge_cache_answer_key(q->ctx->cached, piece,
                                          NGX_HTTP_EDGE_QUERY_PIECES);
}


/* What of the request changes an answer, but for the question; whether it is
 * streamed, and in which form, does not. */

static ngx_int_t
ngx_http_edge_query_cache_options(ngx_http_edge_query_t *q, ngx_str_t *text)
{
    ngx_uint_t      i;
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, q->work, 64, NGX_HTTP_EDGE_QUERY_TEXT_MAX);

    ngx_edge_buf_int(&b, NGX_HTTP_EDGE_QUERY_SCHEMA);
    ngx_edge_buf_byte(&b, ' ');
    ngx_edge_buf_int(&b, q->top_k);
    ngx_edge_buf_byte(&b, ' ');
    ngx_edge_buf_int(&b, (q->max_tokens
                          && q->max_tokens < q->ctx->conf->max_tokens)
                         ? q->max_tokens : q->ctx->conf->max_tokens);

    for (i = 0; i < 2; i++) {
        ngx_edge_buf_byte(&b, ' ');
        (void) ngx_edge_filter_render(&q->filter, i, 1, &b);
    }

    /* too long a filter fails the request, as it would at the search */

    return ngx_edge_buf_done(&b, text);
}


/* Who may read other documents gets another answer; empty: edge_acl is off. */

static ngx_int_t
ngx_http_edge_query_cache_acl(ngx_http_edge_query_t *q, ngx_str_t *text)
{
    ngx_edge_buf_t  b;

    if (q->ctx->acl == NULL) {
        return NGX_OK;
    }

    ngx_edge_buf_init(&b, q->work, 64, NGX_HTTP_EDGE_QUERY_TEXT_MAX);
    ngx_edge_acl_text(q->ctx->acl, &b);

    return ngx_edge_buf_done(&b, text);
}


/* Whether the parts are what cache_fill() takes them for: the entry's sum was
 * right, but another build may have written it. */

static ngx_uint_t
ngx_http_edge_query_cache_sound(const ngx_str_t *part)
{
    const ngx_str_t    *bad;
    ngx_edge_pieces_t   pieces;

    bad = &part[ngx_http_edge_query_part_bad];

    return part[ngx_http_edge_query_part_usage].len
           == sizeof(ngx_http_edge_usage_t)
           && bad->len <= NGX_EDGE_CITATION_BAD * sizeof(ngx_uint_t)
           && bad->len % sizeof(ngx_uint_t) == 0
           && ngx_edge_pieces_open(&pieces,
                                   &part[ngx_http_edge_query_part_pieces],
                                   &part[ngx_http_edge_query_part_answer])
              == NGX_OK;
}


static void
ngx_http_edge_query_cache_fill(ngx_http_edge_query_t *q,
    const ngx_str_t *part)
{
    const ngx_str_t  *bad;

    bad = &part[ngx_http_edge_query_part_bad];

    q->answer = part[ngx_http_edge_query_part_answer];
    q->model = part[ngx_http_edge_query_part_model];
    q->finish_reason = part[ngx_http_edge_query_part_finish];
    q->sources = part[ngx_http_edge_query_part_sources];

    ngx_memcpy(&q->usage, part[ngx_http_edge_query_part_usage].data,
               sizeof(ngx_http_edge_usage_t));

    if (bad->len) {
        ngx_memcpy(q->citation.bad, bad->data, bad->len);
    }

    q->citation.nbad = bad->len / sizeof(ngx_uint_t);

    (void) ngx_edge_pieces_open(&q->pieces,
                                &part[ngx_http_edge_query_part_pieces],
                                &q->answer);

    q->grounded = 1;
    q->cached = 1;
}


/* A stream that has told its sources goes on only with an answer that is from
 * the same. */

ngx_int_t
ngx_http_edge_query_cache_stale(ngx_http_edge_query_t *q)
{
    ngx_str_t  part[ngx_http_edge_query_part_n], *sources;

    if (!q->keyed
        || ngx_http_edge_cache_answer_stale(q->ctx->cached, part,
                                            q->ctx->conf->cache_stale)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    sources = &part[ngx_http_edge_query_part_sources];

    if (q->ctx->streaming
        && (sources->len != q->sources.len
            || ngx_memcmp(sources->data, q->sources.data, sources->len) != 0))
    {
        return NGX_DECLINED;
    }

    ngx_http_edge_query_cache_fill(q, part);
    q->degraded = 1;

    return ngx_http_edge_cache_answer_given(q->ctx->cached);
}


static void
ngx_http_edge_query_cache_wake(void *data)
{
    ngx_http_edge_rag_ctx_t *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx->cache_pending = 0;
    ctx->pending--;

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


/* The passages go when a stream begins, so the sources are written down. */

ngx_int_t
ngx_http_edge_query_cache_sources(ngx_http_edge_query_t *q)
{
    ngx_edge_buf_t  b;

    if (!q->keyed || !q->grounded || q->degraded) {
        return NGX_OK;
    }

    ngx_edge_buf_init(&b, q->ctx->request->pool, 1024,
                      NGX_HTTP_EDGE_QUERY_TEXT_MAX);

    ngx_http_edge_answer_sources(q, 0, &b);

    return (ngx_edge_buf_done(&b, &q->sources) == NGX_ERROR) ? NGX_ERROR
                                                             : NGX_OK;
}


void
ngx_http_edge_query_cache_piece(ngx_http_edge_query_t *q,
    const ngx_str_t *text)
{
    ngx_pool_t                      *pool;
    ngx_http_edge_query_captured_t  *captured;

    if (!q->keyed || q->sources.len == 0) {
        return;
    }

    captured = q->captured;

    if (captured == NULL) {
        pool = q->ctx->request->pool;

        captured = ngx_palloc(pool, sizeof(ngx_http_edge_query_captured_t));
        if (captured == NULL) {
            ngx_str_null(&q->sources);     /* not cached then */
            return;
        }

        ngx_edge_buf_init(&captured->text, pool, NGX_HTTP_EDGE_QUERY_CAPTURE,
                          NGX_HTTP_EDGE_CACHE_ANSWER_MAX);
        ngx_edge_buf_init(&captured->borders, pool,
                          NGX_HTTP_EDGE_QUERY_BORDERS,
                          NGX_HTTP_EDGE_CACHE_ANSWER_MAX);

        q->captured = captured;
    }

    ngx_edge_buf_str(&captured->text, text);
    ngx_edge_pieces_add(&captured->borders, text->len);
}


/* Only what is the whole and best answer to the question is kept. */

void
ngx_http_edge_query_cache_put(ngx_http_edge_query_t *q)
{
    ngx_str_t  part[ngx_http_edge_query_part_n];

    if (!q->keyed || q->cached) {
        return;
    }

    if (!q->grounded
        || q->degraded
        || q->provider > 0
        || q->sources.len == 0
        || q->finish_reason.len != sizeof("stop") - 1
        || ngx_strncmp(q->finish_reason.data, "stop", sizeof("stop") - 1)
           != 0)
    {
        ngx_http_edge_cache_answer_drop(q->ctx->cached);
        return;
    }

    if (ngx_http_edge_query_cache_text(q, part) != NGX_OK) {
        ngx_http_edge_cache_answer_drop(q->ctx->cached);
        return;
    }

    part[ngx_http_edge_query_part_model] = q->model;
    part[ngx_http_edge_query_part_finish] = q->finish_reason;
    part[ngx_http_edge_query_part_sources] = q->sources;

    part[ngx_http_edge_query_part_usage].data = (u_char *) &q->usage;
    part[ngx_http_edge_query_part_usage].len = sizeof(q->usage);

    part[ngx_http_edge_query_part_bad].data = (u_char *) q->citation.bad;
    part[ngx_http_edge_query_part_bad].len =
                                 q->citation.nbad * sizeof(ngx_uint_t);

    ngx_http_edge_cache_answer_put(q->ctx->cached, part,
                                   ngx_http_edge_query_part_n,
                                   q->ctx->conf->cache_valid,
                                   q->ctx->conf->cache_stale);
}


/* The text and its pieces; an answer that came whole has none. */

static ngx_int_t
ngx_http_edge_query_cache_text(ngx_http_edge_query_t *q, ngx_str_t *part)
{
    part[ngx_http_edge_query_part_answer] = q->answer;
    ngx_str_null(&part[ngx_http_edge_query_part_pieces]);

    if (q->answer.len) {
        return NGX_OK;
    }

    if (q->captured == NULL
        || ngx_edge_buf_done(&q->captured->text,
                             &part[ngx_http_edge_query_part_answer])
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_edge_buf_done(&q->captured->borders,
                             &part[ngx_http_edge_query_part_pieces]);
}


/* A digest of all that a pipeline's directives say, for the keys: an answer of
 * another pipeline, model or prompt is another answer. */

ngx_int_t
ngx_http_edge_query_cache_digest(ngx_conf_t *cf,
    ngx_http_edge_rag_conf_t *rag)
{
    ngx_str_t                       text;
    ngx_uint_t                      i;
    ngx_edge_buf_t                  b;
    ngx_edge_hash_t                *hash;
    ngx_edge_prompt_part_t         *part;
    ngx_http_edge_search_conf_t    *search;
    ngx_http_edge_generate_conf_t  *generate;

    ngx_edge_buf_init(&b, cf->pool, 4096, NGX_HTTP_EDGE_QUERY_TEXT_MAX);

    ngx_http_edge_query_cache_say(&b, &rag->name);
    ngx_http_edge_query_cache_say(&b, &rag->store_path);
    ngx_edge_buf_int(&b, rag->store_top_k);
    ngx_edge_buf_byte(&b, ' ');
    ngx_edge_buf_number(&b, rag->store_threshold);

    if (rag->embed) {
        ngx_http_edge_query_cache_say(&b, &rag->embed->uri);
        ngx_http_edge_query_cache_say(&b, &rag->embed->model);
        ngx_edge_buf_int(&b, rag->embed->dimensions);
    }

    search = rag->searches.elts;

    for (i = 0; i < rag->searches.nelts; i++) {
        ngx_http_edge_query_cache_say(&b, &search[i].uri);
        ngx_http_edge_query_cache_say(&b, &search[i].collection);
        ngx_edge_buf_int(&b, search[i].top_k);
        ngx_edge_buf_byte(&b, ' ');
        ngx_edge_buf_number(&b, search[i].threshold);
        ngx_edge_buf_byte(&b, ' ');
        ngx_edge_buf_int(&b, search[i].scope);
    }

    generate = rag->generates.elts;

    for (i = 0; i < rag->generates.nelts; i++) {
        ngx_http_edge_query_cache_say(&b, &generate[i].uri);
        ngx_http_edge_query_cache_say(&b, &generate[i].model);
        ngx_edge_buf_int(&b, generate[i].extractive);
    }

    part = rag->prompt.parts.elts;

    for (i = 0; i < rag->prompt.parts.nelts; i++) {
        ngx_edge_buf_int(&b, part[i].kind);
        ngx_http_edge_query_cache_say(&b, &part[i].text);
    }

    ngx_edge_buf_int(&b, rag->prompt.user);
    ngx_edge_buf_byte(&b, ' ');
    ngx_edge_buf_int(&b, rag->max_context);

    hash = ngx_edge_hash_create(cf->pool);

    if (hash == NULL
        || ngx_edge_buf_done(&b, &text) != NGX_OK
        || ngx_edge_hash(hash, &text, 1, rag->digest) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* With its length, or two lists of texts could look the same. */

static void
ngx_http_edge_query_cache_say(ngx_edge_buf_t *b, const ngx_str_t *text)
{
    ngx_edge_buf_byte(b, ' ');
    ngx_edge_buf_int(b, text->len);
    ngx_edge_buf_byte(b, ':');
    ngx_edge_buf_str(b, text);
}
