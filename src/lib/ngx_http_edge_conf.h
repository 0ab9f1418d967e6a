
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Configuration: blocks with a command table of their own, and reading of
 * "name=value" parameters.  Errors are logged with the directive's name.
 */


#ifndef _NGX_HTTP_EDGE_CONF_H_INCLUDED_
#define _NGX_HTTP_EDGE_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Parses the block that the current directive opens.  Its directives come
 * from commands (ended by ngx_null_command), whose set handlers get conf; the
 * offset is relative to conf, so nginx's own slots work; the number of
 * arguments is checked; "include" works; anything else is an error.
 */
char *ngx_http_edge_conf_block(ngx_conf_t *cf, ngx_command_t *commands,
    void *conf);

/* If arg is "<name>=<value>", gives value and returns 1. */
ngx_uint_t ngx_http_edge_conf_param(const ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/* Values of parameters, within bounds; NGX_CONF_OK or NGX_CONF_ERROR after an
 * error was logged that names the directive. */
char *ngx_http_edge_conf_uint(ngx_conf_t *cf, const ngx_str_t *value,
    ngx_uint_t min, ngx_uint_t max, ngx_uint_t *n);
char *ngx_http_edge_conf_msec(ngx_conf_t *cf, ngx_str_t *value,
    ngx_msec_t *msec);
/* A decimal fraction such as 0.35. */
char *ngx_http_edge_conf_number(ngx_conf_t *cf, const ngx_str_t *value,
    double min, double max, double *n);

/* Logs "invalid parameter "x" in "directive""; returns NGX_CONF_ERROR. */
char *ngx_http_edge_conf_invalid(ngx_conf_t *cf, const ngx_str_t *arg);

/* The location of a server that a request for uri would take by prefix (or
 * exactly); NULL: none.  For checks after the locations were built, that is
 * in postconfiguration. */
ngx_http_core_loc_conf_t *ngx_http_edge_conf_location(
    ngx_http_core_srv_conf_t *cscf, const ngx_str_t *uri);


#endif /* _NGX_HTTP_EDGE_CONF_H_INCLUDED_ */
