
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading of configuration.  Knows nginx's parser and location tree, no
 * directive of any feature.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_conf.h"


typedef struct {
    ngx_command_t  *commands;
    void           *conf;
} ngx_http_edge_conf_block_t;


static char *ngx_http_edge_conf_block_handler(ngx_conf_t *cf,
    ngx_command_t *dummy, void *data);
static char *ngx_http_edge_conf_check_args(ngx_conf_t *cf,
    ngx_command_t *cmd);


char *
ngx_http_edge_conf_block(ngx_conf_t *cf, ngx_command_t *commands, void *conf)
{
    char                        *rv;
    ngx_conf_t                   save;
    ngx_http_edge_conf_block_t   block;

    block.commands = commands;
    block.conf = conf;

    save = *cf;

    cf->handler = ngx_http_edge_conf_block_handler;
    cf->handler_conf = &block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_edge_conf_block_handler(ngx_conf_t *cf, ngx_command_t *dummy,
    void *data)
{
    ngx_http_edge_conf_block_t *block = data;

    char           *rv;
    ngx_str_t      *name;
    ngx_command_t  *cmd;

    name = cf->args->elts;

    if (ngx_strcmp(name->data, "include") == 0) {
        return ngx_conf_include(cf, dummy, data);
    }

    for (cmd = block->commands; cmd->name.len; cmd++) {

        if (name->len != cmd->name.len
            || ngx_strncmp(name->data, cmd->name.data, name->len) != 0)
        {
            continue;
        }

        if (ngx_http_edge_conf_check_args(cf, cmd) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        rv = cmd->set(cf, cmd, block->conf);

        if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
            return rv;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive %s",
                           name, rv);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown directive \"%V\"", name);

    return NGX_CONF_ERROR;
}


/* As ngx_conf_handler() does it, for the forms our tables use. */

static char *
ngx_http_edge_conf_check_args(ngx_conf_t *cf, ngx_command_t *cmd)
{
    ngx_uint_t  n, valid;

    n = cf->args->nelts;

    if (cmd->type & NGX_CONF_FLAG) {
        valid = (n == 2);

    } else if (cmd->type & NGX_CONF_1MORE) {
        valid = (n >= 2);

    } else if (cmd->type & NGX_CONF_2MORE) {
        valid = (n >= 3);

    } else {
        /* NGX_CONF_NOARGS is bit 0, NGX_CONF_TAKE1 bit 1, and so on */
        valid = (n <= NGX_CONF_MAX_ARGS && (cmd->type & (1 << (n - 1))));
    }

    if (valid) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid number of arguments in \"%V\" directive",
                       &cmd->name);

    return NGX_CONF_ERROR;
}


ngx_uint_t
ngx_http_edge_conf_param(const ngx_str_t *arg, const char *name,
    ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len <= len
        || ngx_strncmp(arg->data, name, len) != 0
        || arg->data[len] != '=')
    {
        return 0;
    }

    value->data = arg->data + len + 1;
    value->len = arg->len - len - 1;

    return 1;
}


char *
ngx_http_edge_conf_uint(ngx_conf_t *cf, const ngx_str_t *value,
    ngx_uint_t min, ngx_uint_t max, ngx_uint_t *n)
{
    ngx_int_t   i;
    ngx_str_t  *name;

    name = cf->args->elts;
    i = ngx_atoi(value->data, value->len);

    if (i == NGX_ERROR || (ngx_uint_t) i < min || (ngx_uint_t) i > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, "
                           "must be between %ui and %ui",
                           value, name, min, max);
        return NGX_CONF_ERROR;
    }

    *n = i;

    return NGX_CONF_OK;
}


char *
ngx_http_edge_conf_msec(ngx_conf_t *cf, ngx_str_t *value, ngx_msec_t *msec)
{
    ngx_int_t   t;
    ngx_str_t  *name;

    name = cf->args->elts;
    t = ngx_parse_time(value, 0);

    if (t == NGX_ERROR || t == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\" in \"%V\" directive",
                           value, name);
        return NGX_CONF_ERROR;
    }

    *msec = t;

    return NGX_CONF_OK;
}


char *
ngx_http_edge_conf_number(ngx_conf_t *cf, const ngx_str_t *value, double min,
    double max, double *n)
{
    double      d;
    ngx_int_t   i;
    ngx_str_t  *name;

    name = cf->args->elts;

    /* six digits behind the point are more than any threshold needs */

    i = ngx_atofp(value->data, value->len, 6);
    d = (double) i / 1000000;

    if (i == NGX_ERROR || d < min || d > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"%V\" directive",
                           value, name);
        return NGX_CONF_ERROR;
    }

    *n = d;

    return NGX_CONF_OK;
}


char *
ngx_http_edge_conf_invalid(ngx_conf_t *cf, const ngx_str_t *arg)
{
    ngx_str_t  *name;

    name = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"%V\" directive",
                       arg, name);

    return NGX_CONF_ERROR;
}


ngx_http_core_loc_conf_t *
ngx_http_edge_conf_location(ngx_http_core_srv_conf_t *cscf,
    const ngx_str_t *uri)
{
    size_t                          len, n;
    u_char                         *p;
    ngx_int_t                       rc;
    ngx_http_core_loc_conf_t       *clcf, *found;
    ngx_http_location_tree_node_t  *node;

    clcf = cscf->ctx->loc_conf[ngx_http_core_module.ctx_index];
    node = clcf->static_locations;

    p = uri->data;
    len = uri->len;
    found = NULL;

    while (node) {
        n = ngx_min(len, (size_t) node->len);
        rc = ngx_filename_cmp(p, node->name, n);

        if (rc != 0) {
            node = (rc < 0) ? node->left : node->right;
            continue;
        }

        if (len < (size_t) node->len) {
            node = node->left;
            continue;
        }

        if (len == (size_t) node->len) {
            return node->exact ? node->exact : node->inclusive;
        }

        if (node->inclusive == NULL) {
            node = node->right;
            continue;
        }

        found = node->inclusive;
        node = node->tree;
        p += n;
        len -= n;
    }

    return found;
}
