
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The flow of a question as one step function.  Knows the order of the stages
 * and what becomes of each outcome; how a request to a backend is written and
 * its answer read is the business of the stage's file.
 *
 *   outcome                        what the client gets
 *   bad request                    400 with a JSON pointer
 *   embed fails in any way         503
 *   some searches fail             an answer from the others, "degraded"
 *   all searches, or the store     503
 *   no passage                     a fixed answer, "grounded": false
 *   not enough tokens left         429
 *   a provider fails               the next one's answer; "degraded" if that
 *                                  is the extractive one
 *   all providers fail             503, or an "error" event in a stream
 *   a provider fails in mid-answer an "error" event
 *   the worker exits               an "error" event in a stream
 *   deadline                       as if all that is pending had failed
 *
 * Instead of a 503, and of an "error" event before the answer has begun, the
 * client gets the answer of before, if the cache has one that may be given.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "rag/ngx_http_edge_query.h"


static ngx_int_t ngx_http_edge_query_step(ngx_http_edge_rag_ctx_t *ctx);
static ngx_int_t ngx_http_edge_query_do_parse(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_cache(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_embed(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_search(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_join(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_reserve(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_join_store(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_join_searches(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_reply_search(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_generate(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_do_answer(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_finish(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_kept(ngx_http_edge_query_t *q);
static ngx_int_t ngx_http_edge_query_down(ngx_http_edge_query_t *q,
    const char *detail);
static ngx_int_t ngx_http_edge_query_give_up(ngx_http_edge_query_t *q);
static void ngx_http_edge_query_enter(ngx_http_edge_query_t *q,
    ngx_http_edge_query_state_e state);


static const char *ngx_http_edge_query_state_names[] = {
    "parse", "cache", "replay", "embed", "search", "join", "reserve",
    "generate", "answer"
};


ngx_int_t
ngx_http_edge_query_create(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_edge_query_t  *q;

    q = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_edge_query_t));
    if (q == NULL) {
        return NGX_ERROR;
    }

    q->ctx = ctx;
    q->search_only =
        (ctx->record->endpoint == ngx_http_edge_endpoint_search);
    q->form = (ctx->record->endpoint == ngx_http_edge_endpoint_chat)
              ? &ngx_http_edge_chat_form : &ngx_http_edge_answer_form;

    ngx_str_set(&q->finish_reason, "stop");

    q->work = ngx_http_edge_sub_pool(ctx->request);

    if (q->work == NULL
        || ngx_array_init(&q->passages, q->work, 8,
                          sizeof(ngx_edge_passage_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->op = q;
    ctx->step = ngx_http_edge_query_step;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_step(ngx_http_edge_rag_ctx_t *ctx)
{
    ngx_http_edge_query_t  *q;

    q = ctx->op;

    switch (q->state) {

    case ngx_http_edge_query_st_parse:
        return ngx_http_edge_query_do_parse(q);

    case ngx_http_edge_query_st_cache:
        return ngx_http_edge_query_do_cache(q);

    case ngx_http_edge_query_st_replay:
        return ngx_http_edge_replay(q);

    case ngx_http_edge_query_st_embed:
        return ngx_http_edge_query_do_embed(q);

    case ngx_http_edge_query_st_search:
        return ngx_http_edge_query_do_search(q);

    case ngx_http_edge_query_st_join:
        return ngx_http_edge_query_do_join(q);

    case ngx_http_edge_query_st_reserve:
        return ngx_http_edge_query_do_reserve(q);

    case ngx_http_edge_query_st_generate:
        return ngx_http_edge_query_do_generate(q);

    default: /* ngx_http_edge_query_st_answer */
        return ngx_http_edge_query_do_answer(q);
    }
}


static ngx_int_t
ngx_http_edge_query_do_parse(ngx_http_edge_query_t *q)
{
    ngx_int_t              rc;
    ngx_edge_json_error_t  error;

    ngx_memzero(&error, sizeof(ngx_edge_json_error_t));

    rc = ngx_http_edge_query_parse(q, &error);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_edge_rag_bad_request(q->ctx, &error);
    }

    if (q->ctx->conf->cache_zone && !q->search_only) {
        ngx_http_edge_query_enter(q, ngx_http_edge_query_st_cache);
        return NGX_OK;
    }

    ngx_http_edge_query_enter(q, q->ctx->conf->store
                                 ? ngx_http_edge_query_st_search
                                 : ngx_http_edge_query_st_embed);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_do_cache(ngx_http_edge_query_t *q)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_query_cache_get(q);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_edge_query_enter(q, q->ctx->conf->store
                                     ? ngx_http_edge_query_st_search
                                     : ngx_http_edge_query_st_embed);
        return NGX_OK;
    }

    return ngx_http_edge_query_kept(q);
}


/* An answer that was made before. */

static ngx_int_t
ngx_http_edge_query_kept(ngx_http_edge_query_t *q)
{
    ngx_int_t  rc;

    if (!q->streamed) {
        return ngx_http_edge_query_finish(q);
    }

    if (!q->ctx->streaming) {
        q->ctx->expired = 0;           /* the stream has a deadline of its own,
                                          and nothing else is started */
        rc = ngx_http_edge_stream_open(q);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_replay);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_do_embed(ngx_http_edge_query_t *q)
{
    q->embed = ngx_http_edge_embed_call(q->ctx, &q->question, 1);

    if (q->embed == NULL) {
        return NGX_ERROR;
    }

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_search);
    ngx_http_edge_rag_call(q->ctx, q->embed);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_do_search(ngx_http_edge_query_t *q)
{
    ngx_uint_t                        i;
    const char                       *fault;
    ngx_http_edge_store_job_t        *job;
    ngx_http_edge_search_conf_t      *conf;
    const ngx_http_edge_rag_conf_t   *rag;

    rag = q->ctx->conf;

    if (rag->store) {
        job = ngx_http_edge_search_job(q);

        if (job == NULL) {
            return NGX_ERROR;
        }

        ngx_http_edge_query_enter(q, ngx_http_edge_query_st_join);
        ngx_http_edge_rag_post_job(q->ctx, job);

        return NGX_OK;
    }

    if (q->embed->result != ngx_http_edge_sub_ok) {
        ngx_http_edge_rag_log_call(q->ctx, "embed", q->embed);
        return ngx_http_edge_query_down(q, "the embedding service failed");
    }

    fault = ngx_http_edge_embed_read(q->ctx, q->embed, &q->vector, 1);

    if (fault) {
        ngx_http_edge_rag_log_garbage(q->ctx, "embed", fault);
        return ngx_http_edge_query_down(q, "the embedding service failed");
    }

    conf = rag->searches.elts;

    for (i = 0; i < rag->searches.nelts; i++) {
        q->search[i] = ngx_http_edge_search_call(q, &conf[i]);

        if (q->search[i] == NULL) {
            return NGX_ERROR;
        }
    }

    /* the vector is in the searches' bodies now */

    ngx_http_edge_rag_free(q->ctx, &q->embed);
    ngx_str_null(&q->vector);

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_join);

    for (i = 0; i < rag->searches.nelts; i++) {
        ngx_http_edge_rag_call(q->ctx, q->search[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_do_join(ngx_http_edge_query_t *q)
{
    ngx_int_t  rc;

    rc = q->ctx->conf->store ? ngx_http_edge_query_join_store(q)
                             : ngx_http_edge_query_join_searches(q);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_edge_query_down(q, "the document search failed");
    }

    ngx_http_edge_search_rank(q);

    if (q->search_only) {
        return ngx_http_edge_query_reply_search(q);
    }

    q->passages.nelts = ngx_edge_prompt_fit(q->passages.elts,
                                            q->passages.nelts,
                                            q->ctx->conf->max_context);
    q->grounded = (q->passages.nelts > 0);

    ngx_edge_citation_init(&q->citation, q->passages.nelts);

    if (ngx_http_edge_query_cache_sources(q) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_reserve);

    return NGX_OK;
}


/* A stream begins when nothing is left that could refuse it. */

static ngx_int_t
ngx_http_edge_query_do_reserve(ngx_http_edge_query_t *q)
{
    ngx_int_t  rc;

    rc = q->grounded ? ngx_http_edge_query_reserve(q) : NGX_OK;

    if (rc != NGX_OK) {
        return (rc == NGX_AGAIN) ? NGX_OK : rc;
    }

    if (q->streamed) {
        rc = ngx_http_edge_stream_open(q);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (!q->grounded) {
        ngx_http_edge_query_ungrounded(q);
        return ngx_http_edge_query_finish(q);
    }

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_generate);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_join_store(ngx_http_edge_query_t *q)
{
    ngx_http_edge_store_job_t  *job;

    job = q->ctx->job;

    if (job == NULL || job->rc != NGX_OK) {
        ngx_http_edge_rag_log_job(q->ctx, "search");
        return NGX_DECLINED;
    }

    q->passages = job->passages;

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_join_searches(ngx_http_edge_query_t *q)
{
    ngx_uint_t                    i, good;
    const char                   *fault;
    ngx_http_edge_search_conf_t  *conf;

    good = 0;
    conf = q->ctx->conf->searches.elts;

    for (i = 0; i < q->ctx->conf->searches.nelts; i++) {

        ngx_http_edge_sub_free_body(q->search[i]);

        if (q->search[i]->result != ngx_http_edge_sub_ok) {
            ngx_http_edge_rag_log_call(q->ctx, "search", q->search[i]);
            continue;
        }

        fault = ngx_http_edge_search_read(q, &conf[i], q->search[i]);

        if (fault) {
            ngx_http_edge_rag_log_garbage(q->ctx, "search", fault);
            continue;
        }

        good++;
    }

    if (good == 0) {
        return NGX_DECLINED;
    }

    q->degraded = (good < q->ctx->conf->searches.nelts);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_reply_search(ngx_http_edge_query_t *q)
{
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, q->ctx->request->pool, 4096,
                      NGX_HTTP_EDGE_QUERY_ANSWER_MAX);

    ngx_http_edge_answer_search(q, &b);

    return ngx_http_edge_rag_send_json(q->ctx, NGX_HTTP_OK, &b);
}


static ngx_int_t
ngx_http_edge_query_do_generate(ngx_http_edge_query_t *q)
{
    ngx_http_edge_sub_t             *call;
    ngx_http_edge_generate_conf_t   *conf;
    const ngx_http_edge_rag_conf_t  *rag;

    rag = q->ctx->conf;
    conf = rag->generates.elts;

    if (q->provider == rag->generates.nelts) {
        return ngx_http_edge_query_give_up(q);
    }

    if (conf[q->provider].extractive) {
        return (ngx_http_edge_query_extract(q) == NGX_OK)
               ? ngx_http_edge_query_finish(q) : NGX_ERROR;
    }

    call = ngx_http_edge_llm_call(q, &conf[q->provider]);

    if (call == NULL
        || (q->streamed && ngx_http_edge_stream_attach(q, call) != NGX_OK))
    {
        return NGX_ERROR;
    }

    q->generate = call;

    /* the sources are with the client, the rest is in the prompt */

    if (q->streamed && q->provider + 1 == rag->generates.nelts) {
        ngx_http_edge_query_forget(q);
    }

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_answer);
    ngx_http_edge_rag_call(q->ctx, call);

    return NGX_OK;
}


static ngx_int_t
ngx_http_edge_query_do_answer(ngx_http_edge_query_t *q)
{
    const char  *fault;

    fault = NULL;

    if (ngx_http_edge_stream_stopped(q)) {
        ngx_log_error(NGX_LOG_INFO, q->ctx->request->connection->log, 0,
                      "edge rag: stream ended, the worker exits");
        return ngx_http_edge_query_give_up(q);
    }

    if (q->streamed) {
        fault = ngx_http_edge_stream_fault(q);

    } else if (q->generate->result == ngx_http_edge_sub_ok) {
        fault = ngx_http_edge_llm_read(q, q->generate);
    }

    if (fault) {
        ngx_http_edge_rag_log_garbage(q->ctx, "generate", fault);

    } else if (q->generate->result != ngx_http_edge_sub_ok
               && !(q->streamed && ngx_http_edge_stream_done(q)))
    {
        ngx_http_edge_rag_log_call(q->ctx, "generate", q->generate);

    } else {
        return ngx_http_edge_query_finish(q);
    }

    if (q->streamed && ngx_http_edge_stream_begun(q)) {
        /* half an answer is with the client: nobody can go on with it */
        return ngx_http_edge_query_give_up(q);
    }

    /* what it said of itself is not true of the next one */

    ngx_str_null(&q->model);
    q->has_finish = 0;
    ngx_str_set(&q->finish_reason, "stop");
    ngx_memzero(&q->usage, sizeof(ngx_http_edge_usage_t));

    q->provider++;

    ngx_http_edge_query_enter(q, ngx_http_edge_query_st_generate);

    return NGX_OK;
}


/* The answer is known whole, or has been streamed but for its end. */

static ngx_int_t
ngx_http_edge_query_finish(ngx_http_edge_query_t *q)
{
    ngx_edge_buf_t  b;

    ngx_http_edge_query_cache_put(q);

    ngx_edge_buf_init(&b, q->ctx->request->pool, 2048,
                      NGX_HTTP_EDGE_QUERY_ANSWER_MAX);

    if (!q->streamed) {
        q->form->answer(q, &b);
        return ngx_http_edge_rag_send_json(q->ctx, NGX_HTTP_OK, &b);
    }

    if (q->answer.len) {
        q->form->delta(q, &q->answer, &b);
    }

    q->form->end(q, &b);

    return ngx_http_edge_stream_write(q, &b, 1);
}


/* Nothing of an answer has been sent: an old one is better than an error. */

static ngx_int_t
ngx_http_edge_query_down(ngx_http_edge_query_t *q, const char *detail)
{
    ngx_int_t  rc;

    rc = ngx_http_edge_query_cache_stale(q);

    if (rc == NGX_OK) {
        return ngx_http_edge_query_kept(q);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR
                             : ngx_http_edge_rag_unavailable(q->ctx, detail);
}


static ngx_int_t
ngx_http_edge_query_give_up(ngx_http_edge_query_t *q)
{
    ngx_edge_buf_t  b;

    if (!q->ctx->streaming) {
        return ngx_http_edge_query_down(q, "no language model answered");
    }

    if (!ngx_http_edge_stream_stopped(q) && !ngx_http_edge_stream_begun(q)
        && ngx_http_edge_query_cache_stale(q) == NGX_OK)
    {
        return ngx_http_edge_query_kept(q);
    }

    ngx_edge_buf_init(&b, q->ctx->request->pool, 512, 4096);

    if (ngx_http_edge_stream_stopped(q)) {
        q->form->error(q, "shutting_down", "the server is restarting", &b);

    } else {
        q->form->error(q, "service_unavailable", "no language model answered",
                       &b);
    }

    return ngx_http_edge_stream_write(q, &b, 1);
}


/* No other model will need what the prompt was made of. */

void
ngx_http_edge_query_forget(ngx_http_edge_query_t *q)
{
    ngx_uint_t  i;

    if (q->work == NULL) {
        return;
    }

    ngx_str_null(&q->question);
    ngx_str_null(&q->history);
    ngx_memzero(&q->filter, sizeof(ngx_edge_filter_t));
    ngx_memzero(&q->passages, sizeof(ngx_array_t));

    for (i = 0; i < q->ctx->conf->searches.nelts; i++) {
        ngx_http_edge_rag_free(q->ctx, &q->search[i]);
    }

    ngx_http_edge_rag_drop_job(q->ctx);
    ngx_http_edge_sub_pool_free(q->ctx->request, q->work);
    q->work = NULL;
}


static void
ngx_http_edge_query_enter(ngx_http_edge_query_t *q,
    ngx_http_edge_query_state_e state)
{
    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, q->ctx->request->connection->log, 0,
                   "edge rag: %s -> %s",
                   ngx_http_edge_query_state_names[q->state],
                   ngx_http_edge_query_state_names[state]);

    q->state = state;
}
