
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive edge_health: liveness and readiness of this process, for a
 * load balancer and a container engine.  It asks no backend: an outage of
 * Redis, of the search engine or of a model must not take every instance out
 * of service at once.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "observe/ngx_edge_drain.h"


typedef struct {
    ngx_edge_drain_t  *drain;    /* NULL: no drain file */
} ngx_http_edge_health_loc_conf_t;


typedef enum {
    ngx_http_edge_health_none = 0,
    ngx_http_edge_health_liveness,
    ngx_http_edge_health_readiness
} ngx_http_edge_health_probe_e;


static ngx_int_t ngx_http_edge_health_handler(ngx_http_request_t *r);
static ngx_http_edge_health_probe_e ngx_http_edge_health_probe(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_edge_health_ends(ngx_str_t *uri,
    const char *suffix, size_t len);
static ngx_uint_t ngx_http_edge_health_ready(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_health_not_allowed(ngx_http_request_t *r);
static ngx_int_t ngx_http_edge_health_send(ngx_http_request_t *r,
    ngx_uint_t up);
static void *ngx_http_edge_health_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_edge_health(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_str_t  ngx_http_edge_health_up = ngx_string("{\"status\":\"UP\"}");
static ngx_str_t  ngx_http_edge_health_down =
    ngx_string("{\"status\":\"DOWN\"}");
static ngx_str_t  ngx_http_edge_health_type = ngx_string("application/json");


static ngx_command_t  ngx_http_edge_health_commands[] = {

    { ngx_string("edge_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_edge_health,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_health_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_edge_health_create_loc_conf,  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_health_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_health_module_ctx,      /* module context */
    ngx_http_edge_health_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_edge_health_handler(ngx_http_request_t *r)
{
    ngx_http_edge_health_probe_e  probe;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_edge_health_not_allowed(r);
    }

    probe = ngx_http_edge_health_probe(r);

    if (probe == ngx_http_edge_health_none) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (probe == ngx_http_edge_health_liveness) {

        /* a process that can answer is alive, an exiting one too */

        return ngx_http_edge_health_send(r, 1);
    }

    return ngx_http_edge_health_send(r, ngx_http_edge_health_ready(r));
}


/*
 * Which probe the URI names: the location itself is readiness, because that
 * is what a load balancer wants to know.
 */

static ngx_http_edge_health_probe_e
ngx_http_edge_health_probe(ngx_http_request_t *r)
{
    size_t                     len;
    ngx_str_t                 *name;
    ngx_http_core_loc_conf_t  *clcf;

    if (ngx_http_edge_health_ends(&r->uri, "/liveness",
                                  sizeof("/liveness") - 1))
    {
        return ngx_http_edge_health_liveness;
    }

    if (ngx_http_edge_health_ends(&r->uri, "/readiness",
                                  sizeof("/readiness") - 1))
    {
        return ngx_http_edge_health_readiness;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->named) {
        return ngx_http_edge_health_readiness;
    }

#if (NGX_PCRE)
    if (clcf->regex) {
        return ngx_http_edge_health_readiness;
    }
#endif

    name = &clcf->name;
    len = r->uri.len;

    if (len == name->len + 1 && r->uri.data[len - 1] == '/') {
        len--;
    }

    return (len == name->len) ? ngx_http_edge_health_readiness
                              : ngx_http_edge_health_none;
}


static ngx_uint_t
ngx_http_edge_health_ends(ngx_str_t *uri, const char *suffix, size_t len)
{
    return uri->len >= len
           && ngx_memcmp(uri->data + uri->len - len, suffix, len) == 0;
}


static ngx_uint_t
ngx_http_edge_health_ready(ngx_http_request_t *r)
{
    ngx_http_edge_health_loc_conf_t  *hlcf;

    /* an exiting worker finishes what it has and takes nothing new */

    if (ngx_exiting || ngx_quit || ngx_terminate) {
        return 0;
    }

    hlcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_health_module);

    return hlcf->drain == NULL
           || !ngx_edge_drain(hlcf->drain, r->connection->log);
}


static ngx_int_t
ngx_http_edge_health_not_allowed(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Allow");
    ngx_str_set(&h->value, "GET, HEAD");

    return NGX_HTTP_NOT_ALLOWED;
}


static ngx_int_t
ngx_http_edge_health_send(ngx_http_request_t *r, ngx_uint_t up)
{
    ngx_http_complex_value_t  cv;

    /*
     * nginx marks a request so when it was logged; marked here, no log
     * handler sees a probe, whatever access_log says.
     */

    r->main->logged = 1;

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));

    cv.value = up ? ngx_http_edge_health_up : ngx_http_edge_health_down;

    return ngx_http_send_response(r, up ? NGX_HTTP_OK
                                        : NGX_HTTP_SERVICE_UNAVAILABLE,
                                  &ngx_http_edge_health_type, &cv);
}


static void *
ngx_http_edge_health_create_loc_conf(ngx_conf_t *cf)
{
    /* hlcf->drain = NULL; set by pcalloc, not inherited: a content handler
     * belongs to one location */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_health_loc_conf_t));
}


static char *
ngx_http_edge_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_health_loc_conf_t  *hlcf = conf;

    ngx_str_t                 *args, path;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_edge_health_handler) {
        return "is duplicate";
    }

    if (clcf->handler != NULL) {
        return "conflicts with another content handler of this location";
    }

    clcf->handler = ngx_http_edge_health_handler;

    if (cf->args->nelts == 1) {
        return NGX_CONF_OK;
    }

    args = cf->args->elts;

    if (args[1].len <= sizeof("drain_file=") - 1
        || ngx_strncmp(args[1].data, "drain_file=", sizeof("drain_file=") - 1)
           != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of \"edge_health\"",
                           &args[1]);
        return NGX_CONF_ERROR;
    }

    path.data = args[1].data + sizeof("drain_file=") - 1;
    path.len = args[1].len - (sizeof("drain_file=") - 1);

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    hlcf->drain = ngx_pcalloc(cf->pool, sizeof(ngx_edge_drain_t));
    if (hlcf->drain == NULL) {
        return NGX_CONF_ERROR;
    }

    hlcf->drain->path = path;

    return NGX_CONF_OK;
}
