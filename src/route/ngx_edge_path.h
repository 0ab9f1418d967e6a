
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a path must look like before it may choose a module.  Knows bytes
 * only.
 */


#ifndef _NGX_EDGE_PATH_H_INCLUDED_
#define _NGX_EDGE_PATH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * 1 if the path of a request target, as the client sent it and up to '?' or
 * '#', reads the same to everyone behind us: no '/' or '\' or NUL in disguise
 * (%2f, %5c, %00), no backslash, no segment "." or ".." (plain, encoded, or
 * with ";parameters", which some servers drop before they look).
 */
ngx_uint_t ngx_edge_path_plain(const ngx_str_t *target);

/* 1 if a configured prefix is one: begins and ends with '/', no empty or dot
 * segment, none of the bytes % ? # ; \ and none below 0x21. */
ngx_uint_t ngx_edge_path_prefix(const ngx_str_t *path);

/* 1 if the path has two slashes in a row. */
ngx_uint_t ngx_edge_path_doubled(const ngx_str_t *path);


#endif /* _NGX_EDGE_PATH_H_INCLUDED_ */
