
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where the value of a secret comes from: the environment or a file.
 */


#ifndef _NGX_EDGE_SECRET_SOURCE_H_INCLUDED_
#define _NGX_EDGE_SECRET_SOURCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Private keys and tokens are a few kilobytes at most. */
#define NGX_EDGE_SECRET_MAX  65536


/*
 * Both read a value at configuration time into cf->pool, whose end zeroes it.
 * NGX_ERROR: one line was logged that names "edge_secret" and the variable or
 * the file, never a byte of the value.
 */

/* The environment variable name, NUL-ended, of the process that reads the
 * configuration. */
ngx_int_t ngx_edge_secret_from_env(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *value);

/* The file path, absolute and NUL-ended; one line break at its end does not
 * belong to the value. */
ngx_int_t ngx_edge_secret_from_file(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *value);


#endif /* _NGX_EDGE_SECRET_SOURCE_H_INCLUDED_ */
