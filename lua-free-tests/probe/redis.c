
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A module for the tests of the Redis client: the content handler
 * "redis_probe name" sends what a request says and returns what came of it.
 *
 *   /.../send?SET+key+value     one command; its second word is the key
 *   /.../eval?script+key+arg    a script with one key
 *   /.../many?100+INCR+key      the same command a hundred times in one turn
 *   /.../forget?INCR+key        nobody waits for the answer
 *   /.../ready                  1 or 0
 *
 * The words are percent-decoded.  The answer is "string:...", "status:...",
 * "error:...", "integer:5", "nil", "array:2[...,...]", "lost", "declined" or
 * "no memory"; for many it is "<answers that are integers>:<the last>".
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "redis/ngx_edge_redis.h"


#define NGX_HTTP_REDIS_PROBE_WORDS  16
#define NGX_HTTP_REDIS_PROBE_TEXT   4096


typedef struct {
    ngx_http_request_t       *r;
    ngx_edge_redis_cmd_t     *cmds;
    ngx_uint_t                n;
    ngx_uint_t                waiting;
    ngx_uint_t                good;
    u_char                   *last;
    u_char                    text[NGX_HTTP_REDIS_PROBE_TEXT];
    ngx_edge_redis_script_t   script;
} ngx_http_redis_probe_ctx_t;


static ngx_int_t ngx_http_redis_probe_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_redis_probe_words(ngx_http_request_t *r,
    ngx_str_t *words);
static ngx_int_t ngx_http_redis_probe_start(ngx_http_redis_probe_ctx_t *ctx,
    ngx_edge_redis_t *redis, ngx_uint_t n, ngx_str_t *words);
static void ngx_http_redis_probe_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_redis_probe_text(ngx_http_redis_probe_ctx_t *ctx,
    const char *format, ...);
static void ngx_http_redis_probe_reply(ngx_http_redis_probe_ctx_t *ctx,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_redis_probe_cleanup(void *data);
static ngx_int_t ngx_http_redis_probe_send(ngx_http_redis_probe_ctx_t *ctx);
static void *ngx_http_redis_probe_create_conf(ngx_conf_t *cf);
static char *ngx_http_redis_probe(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_redis_probe_commands[] = {

    { ngx_string("redis_probe"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_redis_probe,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_redis_probe_module_ctx = {
    NULL, NULL, NULL, NULL, NULL, NULL, ngx_http_redis_probe_create_conf, NULL
};


ngx_module_t  ngx_http_redis_probe_module = {
    NGX_MODULE_V1,
    &ngx_http_redis_probe_module_ctx,
    ngx_http_redis_probe_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};


/* what nginx's configure writes for a dynamic module */

extern ngx_module_t  *ngx_modules[];
extern char          *ngx_module_names[];
extern char          *ngx_module_order[];

ngx_module_t  *ngx_modules[] = { &ngx_http_redis_probe_module, NULL };
char          *ngx_module_names[] = { "ngx_http_redis_probe_module", NULL };
char          *ngx_module_order[] = { NULL };


static ngx_int_t
ngx_http_redis_probe_handler(ngx_http_request_t *r)
{
    ngx_str_t                    words[NGX_HTTP_REDIS_PROBE_WORDS];
    ngx_int_t                    rc;
    ngx_uint_t                   n;
    ngx_edge_redis_t           **redis;
    ngx_pool_cleanup_t          *cln;
    ngx_http_redis_probe_ctx_t  *ctx;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_redis_probe_ctx_t));

    if (cln == NULL || ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_redis_probe_cleanup;
    cln->data = ctx;

    ctx->r = r;
    ctx->last = ctx->text;

    n = ngx_http_redis_probe_words(r, words);
    redis = ngx_http_get_module_loc_conf(r, ngx_http_redis_probe_module);

    rc = ngx_http_redis_probe_start(ctx, *redis, n, words);

    if (rc == NGX_DECLINED) {
        ngx_http_redis_probe_text(ctx, "declined");

    } else if (rc == NGX_ERROR) {
        ngx_http_redis_probe_text(ctx, "no memory");
    }

    if (rc == NGX_OK && ctx->n) {
        r->main->count++;
        r->read_event_handler = ngx_http_test_reading;
        return NGX_DONE;
    }

    return ngx_http_redis_probe_send(ctx);
}


static ngx_uint_t
ngx_http_redis_probe_words(ngx_http_request_t *r, ngx_str_t *words)
{
    u_char      *p, *dst, *src, *last;
    ngx_uint_t   n;

    p = r->args.data;
    last = p + r->args.len;

    for (n = 0; p < last && n < NGX_HTTP_REDIS_PROBE_WORDS; n++) {
        src = p;
        p = ngx_strlchr(p, last, '+');
        p = p ? p : last;

        words[n].data = dst = ngx_pnalloc(r->pool, p - src + 1);
        if (dst == NULL) {
            return 0;
        }

        ngx_unescape_uri(&dst, &src, p - src, 0);
        words[n].len = dst - words[n].data;
        p++;
    }

    return n;
}


static ngx_int_t
ngx_http_redis_probe_start(ngx_http_redis_probe_ctx_t *ctx,
    ngx_edge_redis_t *redis, ngx_uint_t n, ngx_str_t *words)
{
    ngx_str_t   what, none;
    ngx_int_t   rc;
    ngx_uint_t  i;

    what = ctx->r->uri;

    while (what.len && ngx_strlchr(what.data, what.data + what.len, '/')) {
        what.data++;
        what.len--;
    }

    ngx_str_null(&none);

    if (what.data[0] == 'r') {
        ngx_http_redis_probe_text(ctx, "%ui", ngx_edge_redis_ready(redis));
        return NGX_OK;
    }

    if (what.data[0] == 'f') {
        ngx_http_redis_probe_text(ctx, "forgotten");
        return ngx_edge_redis_send(redis, NULL, &words[1], n, words);
    }

    if (what.data[0] == 'm') {
        ctx->n = ngx_atoi(words[0].data, words[0].len);
        words++;
        n--;

    } else {
        ctx->n = 1;
    }

    ctx->cmds = ngx_pcalloc(ctx->r->pool,
                            ctx->n * sizeof(ngx_edge_redis_cmd_t));
    if (ctx->cmds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < ctx->n; i++) {
        ctx->cmds[i].done = ngx_http_redis_probe_done;
        ctx->cmds[i].data = ctx;

        if (what.data[0] == 'e') {
            ngx_edge_redis_script_init(&ctx->script, &words[0]);
            rc = ngx_edge_redis_eval(redis, &ctx->cmds[i], &ctx->script, 1,
                                     n - 1, words + 1);

        } else {
            rc = ngx_edge_redis_send(redis, &ctx->cmds[i],
                                     n > 1 ? &words[1] : &none, n, words);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        ctx->waiting++;
    }

    return NGX_OK;
}


static void
ngx_http_redis_probe_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_connection_t            *c;
    ngx_http_redis_probe_ctx_t  *ctx;

    ctx = cmd->data;
    c = ctx->r->connection;

    ngx_http_set_log_request(c->log, ctx->r);

    ctx->good += (ngx_edge_redis_reply_type(reply) == ngx_edge_redis_integer);
    ctx->last = ctx->text;

    if (ctx->n > 1) {
        ngx_http_redis_probe_text(ctx, "%ui:", ctx->good);
    }

    ngx_http_redis_probe_reply(ctx, reply);

    if (--ctx->waiting == 0) {
        ngx_http_finalize_request(ctx->r, ngx_http_redis_probe_send(ctx));
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_redis_probe_text(ngx_http_redis_probe_ctx_t *ctx, const char *format,
    ...)
{
    va_list  args;

    va_start(args, format);
    ctx->last = ngx_vslprintf(ctx->last,
                              ctx->text + NGX_HTTP_REDIS_PROBE_TEXT, format,
                              args);
    va_end(args);
}


static void
ngx_http_redis_probe_reply(ngx_http_redis_probe_ctx_t *ctx,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    ngx_edge_redis_reply_str(reply, &s);

    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_nil:
        ngx_http_redis_probe_text(ctx, "nil");
        break;

    case ngx_edge_redis_string:
        ngx_http_redis_probe_text(ctx, "string:%V", &s);
        break;

    case ngx_edge_redis_status:
        ngx_http_redis_probe_text(ctx, "status:%V", &s);
        break;

    case ngx_edge_redis_error:
        ngx_http_redis_probe_text(ctx, "error:%V", &s);
        break;

    case ngx_edge_redis_integer:
        ngx_http_redis_probe_text(ctx, "integer:%L",
                                  ngx_edge_redis_reply_integer(reply));
        break;

    case ngx_edge_redis_array:
        ngx_http_redis_probe_text(ctx, "array:%ui[",
                                  ngx_edge_redis_reply_count(reply));

        for (i = 0; i < ngx_edge_redis_reply_count(reply); i++) {
            ngx_http_redis_probe_text(ctx, i ? "," : "");
            ngx_http_redis_probe_reply(ctx,
                                    ngx_edge_redis_reply_element(reply, i));
        }

        ngx_http_redis_probe_text(ctx, "]");
        break;

    default: /* ngx_edge_redis_lost */
        ngx_http_redis_probe_text(ctx, "lost");
    }
}


static void
ngx_http_redis_probe_cleanup(void *data)
{
    ngx_http_redis_probe_ctx_t  *ctx = data;

    ngx_uint_t  i;

    for (i = 0; ctx->cmds && i < ctx->n; i++) {
        ngx_edge_redis_cancel(&ctx->cmds[i]);
    }
}


static ngx_int_t
ngx_http_redis_probe_send(ngx_http_redis_probe_ctx_t *ctx)
{
    ngx_buf_t           *b;
    ngx_int_t            rc;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = ctx->r;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = ctx->last - ctx->text;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->text;
    b->last = ctx->last;
    b->memory = 1;
    b->last_buf = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static void *
ngx_http_redis_probe_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_edge_redis_t *));
}


static char *
ngx_http_redis_probe(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_edge_redis_t **redis = conf;

    ngx_str_t                 *arg;
    ngx_http_core_loc_conf_t  *clcf;

    arg = cf->args->elts;

    *redis = ngx_edge_redis_by_name(cf, &arg[1]);
    if (*redis == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_redis_probe_handler;

    return NGX_CONF_OK;
}
