
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive edge_secret: a value that is read once, when nginx reads its
 * configuration, and is a variable afterwards.  It knows the names of the
 * secrets; how a value is read is the business of ngx_edge_secret_source.
 * Nothing here ever writes a value to a log.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "secret/ngx_edge_secret_source.h"
#include "secret/ngx_http_edge_secret_api.h"


typedef struct {
    ngx_str_t     name;      /* without the '$', in lower case */
    ngx_str_t     value;     /* in the cycle's pool, zeroed with it */
} ngx_http_edge_secret_t;


typedef struct {
    ngx_array_t   secrets;   /* of ngx_http_edge_secret_t *: variables keep
                                pointers, so elements must not move */
} ngx_http_edge_secret_main_conf_t;


static ngx_http_edge_secret_t *ngx_http_edge_secret_find(
    ngx_http_edge_secret_main_conf_t *smcf, const ngx_str_t *name);
static ngx_int_t ngx_http_edge_secret_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void *ngx_http_edge_secret_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_edge_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_edge_secret_name(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *name);
static ngx_int_t ngx_http_edge_secret_read(ngx_conf_t *cf, ngx_str_t *arg,
    ngx_str_t *value);
static ngx_int_t ngx_http_edge_secret_add_variable(ngx_conf_t *cf,
    ngx_http_edge_secret_t *secret);


static ngx_command_t  ngx_http_edge_secret_commands[] = {

    { ngx_string("edge_secret"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_edge_secret,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_edge_secret_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_edge_secret_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_edge_secret_module = {
    NGX_MODULE_V1,
    &ngx_http_edge_secret_module_ctx,      /* module context */
    ngx_http_edge_secret_commands,         /* module directives */
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


const ngx_str_t *
ngx_http_edge_secret_value(ngx_cycle_t *cycle, const ngx_str_t *name)
{
    ngx_http_edge_secret_t            *secret;
    ngx_http_edge_secret_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_edge_secret_module);
    if (smcf == NULL) {
        return NULL;                       /* no http block */
    }

    secret = ngx_http_edge_secret_find(smcf, name);

    return (secret != NULL) ? &secret->value : NULL;
}


static ngx_http_edge_secret_t *
ngx_http_edge_secret_find(ngx_http_edge_secret_main_conf_t *smcf,
    const ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_http_edge_secret_t  **secrets;

    secrets = smcf->secrets.elts;

    for (i = 0; i < smcf->secrets.nelts; i++) {
        if (secrets[i]->name.len == name->len
            && ngx_strncasecmp(secrets[i]->name.data, name->data, name->len)
               == 0)
        {
            return secrets[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_edge_secret_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_edge_secret_t  *secret = (ngx_http_edge_secret_t *) data;

    v->data = secret->value.data;
    v->len = secret->value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static void *
ngx_http_edge_secret_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_edge_secret_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_secret_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->secrets, cf->pool, 4,
                       sizeof(ngx_http_edge_secret_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


static char *
ngx_http_edge_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_secret_main_conf_t  *smcf = conf;

    ngx_str_t               *args;
    ngx_http_edge_secret_t  *secret, **slot;

    args = cf->args->elts;

    if (cf->args->nelts != 3) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_secret\" takes a variable and one source, "
                           "\"env=NAME\" or \"file=/path\"; \"refresh=\" is "
                           "not supported in this version");
        return NGX_CONF_ERROR;
    }

    secret = ngx_pcalloc(cf->pool, sizeof(ngx_http_edge_secret_t));
    if (secret == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_secret_name(cf, &args[1], &secret->name) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_secret_find(smcf, &secret->name) != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate \"edge_secret\" for variable \"$%V\"",
                           &secret->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_secret_add_variable(cf, secret) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_edge_secret_read(cf, &args[2], &secret->value) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&smcf->secrets);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = secret;

    return NGX_CONF_OK;
}


/*
 * What is refused is not printed: an operator who swapped the arguments has
 * the key in it.
 */

static ngx_int_t
ngx_http_edge_secret_name(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    if (arg->len < 2 || arg->data[0] != '$') {
        goto invalid;
    }

    name->len = arg->len - 1;
    name->data = ngx_pnalloc(cf->pool, name->len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(name->data, arg->data + 1, name->len);

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') {
            goto invalid;
        }
    }

    if ((name->len >= 5 && ngx_strncmp(name->data, "edge_", 5) == 0)
        || (name->len >= 4 && ngx_strncmp(name->data, "jwt_", 4) == 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_secret\" cannot define \"$%V\": names that "
                           "begin with \"edge_\" or \"jwt_\" are reserved",
                           name);
        return NGX_ERROR;
    }

    return NGX_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the first parameter of \"edge_secret\" must be a "
                       "variable such as \"$openai_key\"");
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_edge_secret_read(ngx_conf_t *cf, ngx_str_t *arg, ngx_str_t *value)
{
    ngx_str_t  source;

    if (ngx_strncmp(arg->data, "env=", 4) == 0) {
        source.data = arg->data + 4;
        source.len = arg->len - 4;

        return ngx_edge_secret_from_env(cf, &source, value);
    }

    if (ngx_strncmp(arg->data, "file=", 5) == 0 && arg->len > 5) {
        source.data = arg->data + 5;
        source.len = arg->len - 5;

        if (ngx_conf_full_name(cf->cycle, &source, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_edge_secret_from_file(cf, &source, value);
    }

    if (ngx_strncmp(arg->data, "aws=", 4) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws=\" of \"edge_secret\" is not supported in "
                           "this version");
        return NGX_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the source of \"edge_secret\" must be \"env=NAME\" or "
                       "\"file=/path\"");
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_edge_secret_add_variable(ngx_conf_t *cf,
    ngx_http_edge_secret_t *secret)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &secret->name, 0);
    if (var == NULL) {
        return NGX_ERROR;
    }

    if (var->get_handler != NULL) {

        /* a changeable one, of "set" or "map": which would win is unclear */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"edge_secret\" cannot define \"$%V\": another "
                           "directive does", &secret->name);
        return NGX_ERROR;
    }

    /* later definitions are refused: this one is not changeable */

    var->flags &= ~NGX_HTTP_VAR_CHANGEABLE;
    var->get_handler = ngx_http_edge_secret_variable;
    var->data = (uintptr_t) secret;

    return NGX_OK;
}
