
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the RAG feature share: the compiled pipeline (read-only
 * after configuration) and the context of one request.
 *
 * A request of ours is one operation: query, search or documents.  The
 * operation is a step function over a state enum of its own; whatever it waits
 * for wakes the main request, and the runner (ngx_http_edge_rag_run.c) calls
 * the step again.  The runner owns the deadline and the end of the request.
 */


#ifndef _NGX_HTTP_EDGE_RAG_H_INCLUDED_
#define _NGX_HTTP_EDGE_RAG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_edge.h"
#include "cache/ngx_http_edge_cache_api.h"
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_hash.h"
#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_scan.h"
#include "lib/ngx_http_edge_subrequest.h"
#include "rag/ngx_edge_acl.h"
#include "rag/ngx_edge_chunk.h"
#include "rag/ngx_edge_filter.h"
#include "rag/ngx_edge_passage.h"
#include "rag/ngx_edge_prompt.h"
#include "rag/ngx_http_edge_store_job.h"


#define NGX_HTTP_EDGE_RAG_TOP_K_MAX     50   /* of a client's top_k */
#define NGX_HTTP_EDGE_RAG_SEARCH_MAX    8    /* search lines of a pipeline */
#define NGX_HTTP_EDGE_RAG_PASSAGES_MAX  64   /* that a prompt may hold */


typedef enum {
    ngx_http_edge_scope_module = 0,    /* tenant and module must match */
    ngx_http_edge_scope_tenant,        /* any module of the tenant */
    ngx_http_edge_scope_shared         /* the reserved tenant "_shared" */
} ngx_http_edge_scope_e;


typedef struct {
    ngx_str_t                  location;   /* as written, ends in '/' */
    ngx_str_t                  uri;        /* location + "embeddings" */
    ngx_str_t                  model;
    ngx_uint_t                 dimensions;
} ngx_http_edge_embed_conf_t;


typedef struct {
    ngx_str_t                  location;
    ngx_str_t                  uri;        /* ... "points/query" */
    ngx_str_t                  collection;
    ngx_uint_t                 top_k;
    double                     threshold;
    ngx_http_edge_scope_e      scope;
} ngx_http_edge_search_conf_t;


typedef struct {
    ngx_str_t                  location;
    ngx_str_t                  uri;        /* ... "collections/{c}/points" */
    ngx_str_t                  collection;
} ngx_http_edge_ingest_conf_t;


typedef struct {
    ngx_str_t                  location;
    ngx_str_t                  uri;        /* ... "chat/completions" */
    ngx_str_t                  model;
    unsigned                   extractive:1;
} ngx_http_edge_generate_conf_t;


typedef struct {
    ngx_msec_t                 embed;
    ngx_msec_t                 search;
    ngx_msec_t                 first_token;
    ngx_msec_t                 idle;
    ngx_msec_t                 total;
    ngx_msec_t                 stream;
} ngx_http_edge_timeouts_t;


/* One edge_rag block. */
typedef struct {
    ngx_str_t                     name;

    ngx_http_edge_embed_conf_t   *embed;       /* NULL: embedded store */
    ngx_array_t                   searches;    /* of ..._search_conf_t */
    ngx_http_edge_ingest_conf_t  *ingest;      /* NULL: documents are 501 */

    ngx_http_edge_store_t        *store;       /* NULL: Qdrant */
    ngx_str_t                     store_path;
    ngx_uint_t                    store_top_k;
    double                        store_threshold;

    ngx_array_t                   generates;   /* of ..._generate_conf_t */

    ngx_edge_prompt_t             prompt;
    ngx_http_edge_timeouts_t      timeout;
    ngx_edge_chunk_conf_t         chunk;

    ngx_str_t                     cache;       /* name of the zone; empty:
                                                  no cache */
    time_t                        cache_valid;
    time_t                        cache_stale; /* 0: nothing old is given */
    ngx_msec_t                    cache_version_age;
    ngx_http_edge_cache_zone_t   *cache_zone;
    u_char                        digest[NGX_EDGE_HASH_SIZE]; /* of all this,
                                                  where there is a cache */

    size_t                        max_body;
    size_t                        max_context; /* bytes of passages */
    ngx_uint_t                    max_tokens;

    u_char                       *file;        /* of the block, for errors */
    ngx_uint_t                    line;
} ngx_http_edge_rag_conf_t;


typedef struct {
    ngx_array_t                   pipelines;   /* of ..._rag_conf_t * */
    ngx_hash_t                    by_name;
    ngx_array_t                   open;        /* of edge_acl's, see there */
} ngx_http_edge_rag_main_conf_t;


/* edge_acl of a location. */
typedef struct {
    ngx_str_t                                variable;  /* empty: off */
    const struct ngx_http_edge_auth_claim_s *claim;     /* NULL: off */
} ngx_http_edge_acl_conf_t;


typedef struct ngx_http_edge_rag_ctx_s  ngx_http_edge_rag_ctx_t;

/* Goes one step.  NGX_OK: step is to be called again, as soon as nothing is
 * pending; NGX_AGAIN: when the client has read on; NGX_DONE: the response has
 * been sent whole; else a status for an error response (noted by
 * ngx_http_edge_fail()), or NGX_ERROR. */
typedef ngx_int_t (*ngx_http_edge_rag_step_pt)(ngx_http_edge_rag_ctx_t *ctx);

/* Called at the end, whatever the end is, perhaps more than once. */
typedef void (*ngx_http_edge_rag_leave_pt)(ngx_http_edge_rag_ctx_t *ctx);

/*
 * One per request of ours, in r->pool.  pending counts what was started and
 * has not ended; step is called only when it is zero.
 */
struct ngx_http_edge_rag_ctx_s {
    ngx_http_request_t              *request;
    const ngx_http_edge_rag_conf_t  *conf;
    ngx_http_edge_record_t          *record;
    const ngx_edge_acl_t            *acl;      /* of the caller; NULL: off */

    ngx_http_edge_rag_step_pt        step;
    ngx_http_edge_rag_leave_pt       leave;    /* NULL: none */
    void                            *op;       /* the operation's state */

    ngx_str_t                        body;     /* of the client, whole */
    ngx_uint_t                       pending;
    ngx_event_t                      deadline;
    ngx_http_edge_sub_t             *subs;     /* all calls made, for expiry */
    ngx_http_edge_store_job_t       *job;      /* the last one, or NULL */
    ngx_http_edge_cache_answer_t    *cached;   /* NULL: no cache */

    unsigned                         cache_pending:1;
    unsigned                         job_pending:1;
    unsigned                         expired:1;    /* nothing new is started */
    unsigned                         streaming:1;  /* the header is sent */
    unsigned                         ended:1;
};


extern ngx_module_t  ngx_http_edge_rag_module;


/* ngx_http_edge_rag_conf.c: the setters of the block's directives. */
extern ngx_command_t  ngx_http_edge_rag_block_commands[];

/* ngx_http_edge_rag_conf_backend.c */
char *ngx_http_edge_rag_embed(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_rag_search(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_rag_ingest(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_edge_rag_generate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Defaults and the checks that need the whole block; an error is logged. */
ngx_int_t ngx_http_edge_rag_conf_done(ngx_conf_t *cf,
    ngx_http_edge_rag_conf_t *rag);


/* ngx_http_edge_rag_module.c: the pipeline of a request; NULL: unknown. */
const ngx_http_edge_rag_conf_t *ngx_http_edge_rag_pipeline(
    ngx_http_request_t *r, const ngx_http_edge_route_entry_t *module);


/* ngx_http_edge_rag_acl.c: edge_acl; init_main and check return NGX_OK or
 * NGX_ERROR, check is for postconfiguration. */
void *ngx_http_edge_acl_create_conf(ngx_conf_t *cf);
char *ngx_http_edge_acl_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_edge_acl_merge(ngx_conf_t *cf, void *parent, void *child);
ngx_int_t ngx_http_edge_acl_init_main(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf);
ngx_int_t ngx_http_edge_acl_check(ngx_conf_t *cf,
    ngx_http_edge_rag_main_conf_t *rmcf);

/* The caller's permission set, left alone where edge_acl is off.  NGX_OK, or
 * the status of an error response. */
ngx_int_t ngx_http_edge_acl_get(ngx_http_request_t *r,
    const ngx_edge_acl_t **acl);


/* ngx_http_edge_rag_run.c: the content handler. */
ngx_int_t ngx_http_edge_rag_handler(ngx_http_request_t *r);

/* Makes a call whose end wakes the request.  It never fails at once: what
 * could not be started is finished with a result that says so, and pending is
 * not raised. */
void ngx_http_edge_rag_call(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_sub_t *sub);

/* Begins the JSON body of a call, in a pool of the call's own. */
void ngx_http_edge_rag_begin(ngx_http_edge_rag_ctx_t *ctx,
    ngx_edge_buf_t *body, size_t size, size_t max);

/* A zeroed call to uri with a body that was begun so; NULL: no memory, or the
 * body is too long. */
ngx_http_edge_sub_t *ngx_http_edge_rag_sub(ngx_http_edge_rag_ctx_t *ctx,
    const ngx_str_t *uri, ngx_edge_buf_t *body);

/* Gives back the memory of a call that has finished, as
 * ngx_http_edge_sub_free(), and empties the caller's pointer. */
void ngx_http_edge_rag_free(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_sub_t **sub);

/* Posts a store job whose end wakes the request; it becomes ctx->job and is
 * freed with the request or with the next job.  One that could not be posted
 * has rc NGX_ERROR. */
void ngx_http_edge_rag_post_job(ngx_http_edge_rag_ctx_t *ctx,
    ngx_http_edge_store_job_t *job);

/* Frees the store job, or abandons it. */
void ngx_http_edge_rag_drop_job(ngx_http_edge_rag_ctx_t *ctx);

/* Sets the time that is left from now. */
void ngx_http_edge_rag_set_deadline(ngx_http_edge_rag_ctx_t *ctx,
    ngx_msec_t msec);


/* ngx_http_edge_rag_reply.c: whole responses and failures. */

/* Sends a whole JSON response; NGX_DONE, NGX_ERROR, or a status. */
ngx_int_t ngx_http_edge_rag_send_json(ngx_http_edge_rag_ctx_t *ctx,
    ngx_uint_t status, ngx_edge_buf_t *body);

/* Sets Cache-Control; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_rag_private(ngx_http_request_t *r);

/* Notes a 400 with its pointer and returns it; 500 if error is empty. */
ngx_int_t ngx_http_edge_rag_bad_request(ngx_http_edge_rag_ctx_t *ctx,
    const ngx_edge_json_error_t *error);

/* Logs "edge rag: <stage> failed, ..." for a call that did not end well. */
void ngx_http_edge_rag_log_call(ngx_http_edge_rag_ctx_t *ctx,
    const char *stage, const ngx_http_edge_sub_t *sub);

/* The same for an answer that came whole and made no sense. */
void ngx_http_edge_rag_log_garbage(ngx_http_edge_rag_ctx_t *ctx,
    const char *stage, const char *what);

/* The same for the store job that failed or was dropped. */
void ngx_http_edge_rag_log_job(ngx_http_edge_rag_ctx_t *ctx,
    const char *stage);

/* Notes a 503 with Retry-After and returns it; detail is static. */
ngx_int_t ngx_http_edge_rag_unavailable(ngx_http_edge_rag_ctx_t *ctx,
    const char *detail);


/* ngx_http_edge_query_cache.c: fills rag->digest; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_query_cache_digest(ngx_conf_t *cf,
    ngx_http_edge_rag_conf_t *rag);

/* The operations: fill ctx->op and ctx->step; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_edge_query_create(ngx_http_edge_rag_ctx_t *ctx);
ngx_int_t ngx_http_edge_documents_create(ngx_http_edge_rag_ctx_t *ctx);


#endif /* _NGX_HTTP_EDGE_RAG_H_INCLUDED_ */
