
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How the auth directives are read, but for the claims (..._variables.c) and
 * what is checked when all of them are known (..._policy.c).
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "auth/ngx_edge_jwt.h"
#include "auth/ngx_http_edge_auth.h"
#include "lib/ngx_http_edge_conf.h"


#define NGX_HTTP_EDGE_AUTH_KEY_TIMEOUT  5000


static ngx_http_edge_auth_source_t *ngx_http_edge_auth_source(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf);
static char *ngx_http_edge_auth_token_source(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *value);
static char *ngx_http_edge_auth_words(ngx_conf_t *cf, ngx_array_t **words,
    ngx_str_t *value, ngx_uint_t n);
static char *ngx_http_edge_auth_cache_zone(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *text);


char *
ngx_http_edge_auth_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t                         *value, token;
    ngx_http_compile_complex_value_t   ccv;

    if (alcf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts == 3) {
            return ngx_http_edge_conf_invalid(cf, &value[2]);
        }

        alcf->enable = 0;

        return NGX_CONF_OK;
    }

    alcf->enable = 1;
    alcf->token = NGX_HTTP_EDGE_AUTH_BEARER;

    alcf->realm = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (alcf->realm == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = alcf->realm;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_edge_conf_param(&value[2], "token", &token)) {
        return ngx_http_edge_conf_invalid(cf, &value[2]);
    }

    return ngx_http_edge_auth_token_source(cf, alcf, &token);
}


static char *
ngx_http_edge_auth_token_source(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *value)
{
    if (value->len < 2 || value->data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token\" of \"auth_jwt\" is no variable: \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    value->data++;
    value->len--;

    alcf->token = ngx_http_get_variable_index(cf, value);
    if (alcf->token == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    /* the variable's own copy of the name is in lower case */

    alcf->token_name.len = value->len;
    alcf->token_name.data = ngx_pnalloc(cf->pool, value->len);
    if (alcf->token_name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_strlow(alcf->token_name.data, value->data, value->len);

    return NGX_CONF_OK;
}


static ngx_http_edge_auth_source_t *
ngx_http_edge_auth_source(ngx_conf_t *cf, ngx_http_edge_auth_loc_conf_t *alcf)
{
    ngx_http_edge_auth_source_t  *source;

    if (alcf->sources == NGX_CONF_UNSET_PTR) {
        alcf->sources = ngx_array_create(cf->pool, 2,
                                         sizeof(ngx_http_edge_auth_source_t));
        if (alcf->sources == NULL) {
            return NULL;
        }
    }

    if (alcf->sources->nelts == NGX_HTTP_EDGE_AUTH_SOURCES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d sources of keys at one level",
                           NGX_HTTP_EDGE_AUTH_SOURCES);
        return NULL;
    }

    source = ngx_array_push(alcf->sources);

    if (source) {
        ngx_memzero(source, sizeof(ngx_http_edge_auth_source_t));
    }

    return source;
}


char *
ngx_http_edge_auth_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                    *value, name, text;
    ngx_http_edge_auth_source_t  *source;

    value = cf->args->elts;
    name = value[1];

    if (ngx_strlchr(name.data, name.data + name.len, '$')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_jwt_key_file\" takes no variables: a file "
                           "read for a request would stop the worker");
        return NGX_CONF_ERROR;
    }

    source = ngx_http_edge_auth_source(cf, conf);
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK
        || ngx_http_edge_auth_read(cf, &name, &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    source->type = ngx_http_edge_auth_source_file;
    source->set = ngx_edge_keyset_create(cf->pool, cf->log, NGX_LOG_EMERG,
                                         &name, &text, 0);

    ngx_explicit_memzero(text.data, text.len);

    return source->set ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_edge_auth_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ssize_t          n;
    ngx_int_t        rc;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    rc = NGX_ERROR;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%s\" failed", name->data);
        return NGX_ERROR;
    }

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%s\" failed", name->data);
        goto done;
    }

    if (!ngx_is_file(&fi) || ngx_file_size(&fi) > NGX_EDGE_KEYSET_TEXT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" is no file of at most %d bytes",
                           name->data, NGX_EDGE_KEYSET_TEXT_MAX);
        goto done;
    }

    text->len = (size_t) ngx_file_size(&fi);
    text->data = ngx_palloc(cf->pool, text->len + 1);
    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, text->len, 0);

    if (n != (ssize_t) text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" could not be read whole", name->data);
        goto done;
    }

    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%s\" failed", name->data);
    }

    return rc;
}


char *
ngx_http_edge_auth_key_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                    *value, *args, issuer;
    ngx_uint_t                    i, n;
    ngx_http_edge_auth_source_t  *source;

    source = ngx_http_edge_auth_source(cf, conf);
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    source->type = ngx_http_edge_auth_source_url;

    args = ngx_palloc(cf->pool, cf->args->nelts * sizeof(ngx_str_t));
    if (args == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    n = 0;

    /* the issuer is the location's affair, the rest that of the source */

    for (i = 0; i < cf->args->nelts; i++) {

        if (i < 2 || !ngx_http_edge_conf_param(&value[i], "issuer", &issuer))
        {
            args[n++] = value[i];
            continue;
        }

        if (issuer.len == 0 || source->issuer.len) {
            return ngx_http_edge_conf_invalid(cf, &value[i]);
        }

        source->issuer = issuer;
    }

    source->url = ngx_http_edge_auth_url_add(cf, args, n);

    return source->url ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_edge_auth_key_request(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                         *value, timeout;
    ngx_http_edge_auth_source_t       *source;
    ngx_http_compile_complex_value_t   ccv;

    source = ngx_http_edge_auth_source(cf, conf);
    if (source == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (value[1].data[0] != '/' && value[1].data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_jwt_key_request\" takes the URI of a "
                           "location, not \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    source->type = ngx_http_edge_auth_source_request;
    source->timeout = NGX_HTTP_EDGE_AUTH_KEY_TIMEOUT;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = &source->uri;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_edge_conf_param(&value[2], "timeout", &timeout)) {
        return ngx_http_edge_conf_invalid(cf, &value[2]);
    }

    return ngx_http_edge_conf_msec(cf, &timeout, &source->timeout);
}


char *
ngx_http_edge_auth_leeway(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    char  *rv;

    rv = ngx_conf_set_sec_slot(cf, cmd, conf);

    if (rv == NGX_CONF_OK && alcf->leeway > NGX_EDGE_CLAIMS_LEEWAY) {
        return "is over 300s";
    }

    return rv;
}


/* auth_jwt_type signed [typ=at+jwt,JWT] */

char *
ngx_http_edge_auth_type(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    u_char     *p, *last;
    ngx_str_t  *value, typ, *type;

    if (alcf->types != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "encrypted") == 0
        || ngx_strcmp(value[1].data, "nested") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_jwt_type %V\" is not supported: only "
                           "signed tokens are", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "signed") != 0) {
        return ngx_http_edge_conf_invalid(cf, &value[1]);
    }

    if (cf->args->nelts == 2) {
        alcf->types = NULL;
        return NGX_CONF_OK;
    }

    if (!ngx_http_edge_conf_param(&value[2], "typ", &typ)) {
        return ngx_http_edge_conf_invalid(cf, &value[2]);
    }

    alcf->types = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (alcf->types == NULL) {
        return NGX_CONF_ERROR;
    }

    last = typ.data + typ.len;

    for (p = typ.data; /* void */ ; p++) {

        type = ngx_array_push(alcf->types);
        if (type == NULL) {
            return NGX_CONF_ERROR;
        }

        type->data = p;

        while (p < last && *p != ',') {
            p++;
        }

        type->len = p - type->data;

        if (type->len == 0) {
            return ngx_http_edge_conf_invalid(cf, &value[2]);
        }

        if (p == last) {
            return NGX_CONF_OK;
        }
    }
}


char *
ngx_http_edge_auth_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t                         *value, error;
    ngx_uint_t                         i;
    ngx_http_complex_value_t          *cv;
    ngx_http_edge_auth_require_t      *require;
    ngx_http_compile_complex_value_t   ccv;

    if (alcf->require == NGX_CONF_UNSET_PTR) {
        alcf->require = ngx_array_create(cf->pool, 2,
                                         sizeof(ngx_http_edge_auth_require_t));
        if (alcf->require == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    require = ngx_array_push(alcf->require);
    if (require == NULL) {
        return NGX_CONF_ERROR;
    }

    require->status = NGX_HTTP_UNAUTHORIZED;
    require->values = ngx_array_create(cf->pool, cf->args->nelts,
                                       sizeof(ngx_http_complex_value_t));
    if (require->values == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_edge_conf_param(&value[i], "error", &error)) {

            if (i + 1 != cf->args->nelts
                || (ngx_strcmp(error.data, "401") != 0
                    && ngx_strcmp(error.data, "403") != 0))
            {
                return ngx_http_edge_conf_invalid(cf, &value[i]);
            }

            require->status = (error.data[2] == '3') ? NGX_HTTP_FORBIDDEN
                                                     : NGX_HTTP_UNAUTHORIZED;
            continue;
        }

        if (value[i].len < 2 || value[i].data[0] != '$') {
            return ngx_http_edge_conf_invalid(cf, &value[i]);
        }

        cv = ngx_array_push(require->values);
        if (cv == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &value[i];
        ccv.complex_value = cv;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return require->values->nelts ? NGX_CONF_OK : "names no variable";
}


char *
ngx_http_edge_auth_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    return ngx_http_edge_auth_words(cf, &alcf->issuers, value + 1,
                                    cf->args->nelts - 1);
}


/* auth_jwt_audience name ... [claim=client_id] */

char *
ngx_http_edge_auth_audience(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t   *value, claim;
    ngx_uint_t   n;

    value = cf->args->elts;
    n = cf->args->nelts;

    ngx_str_set(&claim, "aud");

    if (n > 2 && ngx_http_edge_conf_param(&value[n - 1], "claim", &claim)) {
        n--;
    }

    if (claim.len == 0) {
        return ngx_http_edge_conf_invalid(cf, &value[n]);
    }

    if (alcf->audience_claim.data
        && (alcf->audience_claim.len != claim.len
            || ngx_memcmp(alcf->audience_claim.data, claim.data, claim.len)
               != 0))
    {
        return "names two claims at one level";
    }

    alcf->audience_claim = claim;

    return ngx_http_edge_auth_words(cf, &alcf->audiences, value + 1, n - 1);
}


/* Adds words to a list that several directives of a level make. */

static char *
ngx_http_edge_auth_words(ngx_conf_t *cf, ngx_array_t **words,
    ngx_str_t *value, ngx_uint_t n)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    if (*words == NGX_CONF_UNSET_PTR) {
        *words = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));
        if (*words == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < n; i++) {

        if (value[i].len == 0) {
            return ngx_http_edge_conf_invalid(cf, &value[i]);
        }

        word = ngx_array_push(*words);
        if (word == NULL) {
            return NGX_CONF_ERROR;
        }

        *word = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_edge_auth_algorithms(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, bits;

    if (alcf->algorithms) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        bits = ngx_edge_jwt_alg_bits(&value[i]);

        if (bits == 0) {
            return ngx_http_edge_conf_invalid(cf, &value[i]);
        }

        alcf->algorithms |= bits;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_edge_auth_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_edge_auth_loc_conf_t  *alcf = conf;

    ngx_str_t  *value, zone;

    if (alcf->cache != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        alcf->cache = NULL;
        return NGX_CONF_OK;
    }

    if (!ngx_http_edge_conf_param(&value[1], "zone", &zone)) {
        return ngx_http_edge_conf_invalid(cf, &value[1]);
    }

    return ngx_http_edge_auth_cache_zone(cf, alcf, &zone);
}


/* "name:size", or "name" of a zone whose size is written elsewhere. */

static char *
ngx_http_edge_auth_cache_zone(ngx_conf_t *cf,
    ngx_http_edge_auth_loc_conf_t *alcf, ngx_str_t *text)
{
    u_char     *p;
    ssize_t     size;
    ngx_str_t   name, s;

    name = *text;
    size = 0;

    p = ngx_strlchr(text->data, text->data + text->len, ':');

    if (p) {
        name.len = p - text->data;
        s.data = p + 1;
        s.len = text->data + text->len - s.data;

        size = ngx_parse_size(&s);

        if (size < (ssize_t) (8 * ngx_pagesize)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "zone \"%V\" of \"auth_jwt_cache\" needs a "
                               "size of at least %uz", text,
                               (size_t) (8 * ngx_pagesize));
            return NGX_CONF_ERROR;
        }
    }

    if (name.len == 0) {
        return ngx_http_edge_conf_invalid(cf, text);
    }

    alcf->cache = ngx_shared_memory_add(cf, &name, size,
                                        &ngx_http_edge_auth_module);
    if (alcf->cache == NULL) {
        return NGX_CONF_ERROR;
    }

    alcf->cache->init = ngx_http_edge_auth_cache_init;

    return NGX_CONF_OK;
}
