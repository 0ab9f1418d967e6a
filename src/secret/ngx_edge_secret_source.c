
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads a secret from the environment or from a file and decides whether it
 * can be one.  It knows no request and no variable of nginx.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "secret/ngx_edge_secret_source.h"


static ngx_int_t ngx_edge_secret_env_name(ngx_str_t *name);
static ngx_int_t ngx_edge_secret_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_fd_t fd, ngx_str_t *value);
static u_char *ngx_edge_secret_alloc(ngx_conf_t *cf, size_t size);
static void ngx_edge_secret_zero(void *data);
static ngx_int_t ngx_edge_secret_check(ngx_conf_t *cf, const char *kind,
    ngx_str_t *source, ngx_str_t *value);


ngx_int_t
ngx_edge_secret_from_env(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *value)
{
    char    *text;
    u_char  *p;
    size_t   len;

    if (ngx_edge_secret_env_name(name) != NGX_OK) {

        /* not printed: it may be the key itself, put at the wrong place */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"env=\" of \"edge_secret\" must be the name of "
                           "an environment variable");
        return NGX_ERROR;
    }

    text = getenv((char *) name->data);

    if (text == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "environment variable \"%V\" of \"edge_secret\" "
                           "is not set", name);
        return NGX_ERROR;
    }

    len = ngx_strlen(text);

    value->data = (u_char *) text;
    value->len = len;

    if (ngx_edge_secret_check(cf, "environment variable", name, value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_edge_secret_alloc(cf, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text, len);

    value->data = p;

    return NGX_OK;
}


ngx_int_t
ngx_edge_secret_from_file(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *value)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    /* non-blocking: "nginx -t" must not hang on a named pipe */

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "file \"%V\" of \"edge_secret\" cannot be opened",
                           path);
        return NGX_ERROR;
    }

    rc = ngx_edge_secret_read(cf, path, fd, value);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", path);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (value->len != 0 && value->data[value->len - 1] == LF) {
        value->len--;

        if (value->len != 0 && value->data[value->len - 1] == CR) {
            value->len--;
        }
    }

    return ngx_edge_secret_check(cf, "file", path, value);
}


static ngx_int_t
ngx_edge_secret_env_name(ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'
            || (c >= '0' && c <= '9' && i != 0))
        {
            continue;
        }

        return NGX_DECLINED;
    }

    return (name->len != 0) ? NGX_OK : NGX_DECLINED;
}


/*
 * Straight into the memory that is zeroed at the end: no copy stays behind.
 * One byte more than the size is asked for, so that a file that grows is seen.
 */

static ngx_int_t
ngx_edge_secret_read(ngx_conf_t *cf, ngx_str_t *path, ngx_fd_t fd,
    ngx_str_t *value)
{
    size_t           size;
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "file \"%V\" of \"edge_secret\" cannot be read",
                           path);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" of \"edge_secret\" is not a regular "
                           "file", path);
        return NGX_ERROR;
    }

    if (ngx_file_size(&fi) > NGX_EDGE_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" of \"edge_secret\" is larger than %d "
                           "bytes", path, NGX_EDGE_SECRET_MAX);
        return NGX_ERROR;
    }

    size = (size_t) ngx_file_size(&fi) + 1;

    value->len = 0;
    value->data = ngx_edge_secret_alloc(cf, size);

    if (value->data == NULL) {
        return NGX_ERROR;
    }

    while (value->len < size) {

        n = ngx_read_fd(fd, value->data + value->len, size - value->len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               "file \"%V\" of \"edge_secret\" cannot be "
                               "read", path);
            return NGX_ERROR;
        }

        if (n == 0) {
            return NGX_OK;
        }

        value->len += n;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "file \"%V\" of \"edge_secret\" changes while it is "
                       "read", path);
    return NGX_ERROR;
}


/* Memory of cf->pool that the pool's end zeroes, also after a failed test. */

static u_char *
ngx_edge_secret_alloc(ngx_conf_t *cf, size_t size)
{
    ngx_str_t           *block;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_str_t));
    if (cln == NULL) {
        return NULL;
    }

    block = cln->data;

    block->data = ngx_pnalloc(cf->pool, size);
    if (block->data == NULL) {
        return NULL;
    }

    block->len = size;

    cln->handler = ngx_edge_secret_zero;

    return block->data;
}


static void
ngx_edge_secret_zero(void *data)
{
    ngx_str_t  *block = data;

    ngx_explicit_memzero(block->data, block->len);
}


/* A value goes into headers: a line break in it would start another one. */

static ngx_int_t
ngx_edge_secret_check(ngx_conf_t *cf, const char *kind, ngx_str_t *source,
    ngx_str_t *value)
{
    ngx_uint_t  i;

    if (value->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" of \"edge_secret\" is empty",
                           kind, source);
        return NGX_ERROR;
    }

    if (value->len > NGX_EDGE_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" of \"edge_secret\" is larger than %d "
                           "bytes", kind, source, NGX_EDGE_SECRET_MAX);
        return NGX_ERROR;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] == '\0' || value->data[i] == CR
            || value->data[i] == LF)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s \"%V\" of \"edge_secret\" holds a line "
                               "break or a zero byte", kind, source);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
