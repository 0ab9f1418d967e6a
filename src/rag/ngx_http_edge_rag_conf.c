
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives inside an edge_rag block, but for those that name a backend
 * (ngx_http_edge_rag_conf_backend.c), and what must hold for a whole block;
 * what must hold between blocks and locations is the module's business.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"
#include "rag/ngx_http_edge_rag.h"


#define NGX_HTTP_EDGE_RAG_PROMPT_MAX  65536


static char *ngx_http_edge_rag_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_rag_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_edge_rag_prompt(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_edge_rag_read_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);
static char *ngx_http_edge_rag_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


ngx_command_t  ngx_http_edge_rag_block_commands[] = {

    { ngx_string("embed"),
      NGX_CONF_2MORE,
      ngx_http_edge_rag_embed,
      0,
      0,
      NULL },

    { ngx_string("search"),
      NGX_CONF_2MORE,
      ngx_http_edge_rag_search,
      0,
      0,
      NULL },

    { ngx_string("ingest"),
      NGX_CONF_TAKE2,
      ngx_http_edge_rag_ingest,
      0,
      0,
      NULL },

    { ngx_string("store"),
      NGX_CONF_1MORE,
      ngx_http_edge_rag_store,
      0,
      0,
      NULL },

    { ngx_string("generate"),
      NGX_CONF_1MORE,
      ngx_http_edge_rag_generate,
      0,
      0,
      NULL },

    { ngx_string("prompt"),
      NGX_CONF_TAKE1,
      ngx_http_edge_rag_prompt,
      0,
      0,
      NULL },

    { ngx_string("cache"),
      NGX_CONF_2MORE,
      ngx_http_edge_rag_cache,
      0,
      0,
      NULL },

    { ngx_string("timeout"),
      NGX_CONF_1MORE,
      ngx_http_edge_rag_timeout,
      0,
      0,
      NULL },

    { ngx_string("max_body"),
      NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      0,
      offsetof(ngx_http_edge_rag_conf_t, max_body),
      NULL },

    { ngx_string("max_context"),
      NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      0,
      offsetof(ngx_http_edge_rag_conf_t, max_context),
      NULL },

    { ngx_string("max_tokens"),
      NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      0,
      offsetof(ngx_http_edge_rag_conf_t, max_tokens),
      NULL },

      ngx_null_command
};


ngx_int_t
ngx_http_edge_rag_conf_done(ngx_conf_t *cf, ngx_http_edge_rag_conf_t *rag)
{
    const char  *missing;

    ngx_conf_init_msec_value(rag->timeout.embed, 2000);
    ngx_conf_init_msec_value(rag->timeout.search, 1000);
    ngx_conf_init_msec_value(rag->timeout.first_token, 10000);
    ngx_conf_init_msec_value(rag->timeout.idle, 15000);
    ngx_conf_init_msec_value(rag->timeout.total, 30000);
    ngx_conf_init_msec_value(rag->timeout.stream, 110000);

    ngx_conf_init_size_value(rag->max_body, 256 * 1024);
    ngx_conf_init_size_value(rag->max_context, 16 * 1024);
    ngx_conf_init_uint_value(rag->max_tokens, 1024);

    /* bytes: about a paragraph, which embedding models represent best */
    rag->chunk.target = 800;
    rag->chunk.overlap = 120;

    missing = NULL;

    if (rag->store) {

        if (rag->embed || rag->searches.nelts || rag->ingest) {
            missing = "has both \"store\" and \"embed\", \"search\" or "
                      "\"ingest\"";
        }

    } else if (rag->searches.nelts == 0) {
        missing = "has neither \"store\" nor \"search\"";

    } else if (rag->embed == NULL) {
        missing = "has \"search\" without \"embed\"";
    }

    if (rag->generates.nelts == 0) {
        missing = "has no \"generate\"";
    }

    if (rag->max_tokens == 0 || rag->max_body == 0 || rag->max_context == 0) {
        missing = "has a limit of zero";
    }

    if (missing) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "edge_rag \"%V\" %s",
                           &rag->name, missing);
        return NGX_ERROR;
    }

    if (rag->prompt.parts.nelts == 0
        && ngx_edge_prompt_compile(cf->pool, &ngx_edge_prompt_default,
                                   &rag->prompt)
           != NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static char *
ngx_http_edge_rag_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t   *arg, value, path;
    ngx_uint_t   i;

    if (rag->store) {
        return "is duplicate";
    }

    rag->store_top_k = 5;
    rag->store_threshold = 0.3;

    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&arg[i], "top_k", &value)) {
            if (ngx_http_edge_conf_uint(cf, &value, 1,
                                        NGX_HTTP_EDGE_RAG_TOP_K_MAX,
                                        &rag->store_top_k)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_edge_conf_param(&arg[i], "score_threshold", &value)) {
            if (ngx_http_edge_conf_number(cf, &value, 0, 1,
                                          &rag->store_threshold)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        return ngx_http_edge_conf_invalid(cf, &arg[i]);
    }

    path = arg[1];

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rag->store_path = path;

    rag->store = ngx_http_edge_store_add(cf, &path);
    if (rag->store == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_rag_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    time_t      *time;
    ngx_str_t   *arg, value;
    ngx_uint_t   i;

    if (rag->cache.len) {
        return "is duplicate";
    }

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&arg[i], "zone", &value)
            && value.len && rag->cache.len == 0)
        {
            rag->cache = value;
            continue;
        }

        if ((ngx_http_edge_conf_param(&arg[i], "valid", &value)
             && *(time = &rag->cache_valid) == 0)
            || (ngx_http_edge_conf_param(&arg[i], "stale", &value)
                && *(time = &rag->cache_stale) == 0))
        {
            *time = ngx_parse_time(&value, 1);

            if (*time == (time_t) NGX_ERROR || *time == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid time \"%V\" in \"cache\" "
                                   "directive", &value);
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_http_edge_conf_param(&arg[i], "version_max_age", &value)
            && rag->cache_version_age == 0)
        {
            if (ngx_http_edge_conf_msec(cf, &value, &rag->cache_version_age)
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        return ngx_http_edge_conf_invalid(cf, &arg[i]);
    }

    if (rag->cache_version_age == 0) {
        rag->cache_version_age = 1000;
    }

    if (rag->cache.len == 0 || rag->cache_valid == 0) {
        return "must have the \"zone\" and \"valid\" parameters";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_edge_rag_prompt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t   *arg, name, text;
    const char  *fault;

    if (rag->prompt.parts.nelts) {
        return "is duplicate";
    }

    arg = cf->args->elts;
    name = arg[1];

    if (ngx_conf_full_name(cf->cycle, &name, 0) != NGX_OK
        || ngx_http_edge_rag_read_file(cf, &name, &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    fault = ngx_edge_prompt_compile(cf->pool, &text, &rag->prompt);

    if (fault) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "prompt file \"%V\": %s",
                           &name, fault);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_edge_rag_read_file(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || ngx_file_size(&fi) == 0
        || ngx_file_size(&fi) > NGX_HTTP_EDGE_RAG_PROMPT_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "prompt file \"%V\" is empty or larger than 64k",
                           name);
        goto done;
    }

    text->len = ngx_file_size(&fi);
    text->data = ngx_pnalloc(cf->pool, text->len);

    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_fd(fd, text->data, text->len);

    if (n != (ssize_t) text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", name);
        goto done;
    }

    rc = NGX_OK;

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    return rc;
}


static char *
ngx_http_edge_rag_timeout(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_rag_conf_t *rag = conf;

    ngx_str_t   *arg, value;
    ngx_uint_t   i, j;

    struct {
        const char  *name;
        ngx_msec_t  *msec;
    } slots[] = {
        { "embed", &rag->timeout.embed },
        { "search", &rag->timeout.search },
        { "first_token", &rag->timeout.first_token },
        { "idle", &rag->timeout.idle },
        { "total", &rag->timeout.total },
        { "stream", &rag->timeout.stream }
    };

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (j = 0; j < sizeof(slots) / sizeof(slots[0]); j++) {
            if (ngx_http_edge_conf_param(&arg[i], slots[j].name, &value)) {
                break;
            }
        }

        if (j == sizeof(slots) / sizeof(slots[0])) {
            return ngx_http_edge_conf_invalid(cf, &arg[i]);
        }

        if (*slots[j].msec != NGX_CONF_UNSET_MSEC) {
            return "sets one time twice";
        }

        if (ngx_http_edge_conf_msec(cf, &value, slots[j].msec)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
