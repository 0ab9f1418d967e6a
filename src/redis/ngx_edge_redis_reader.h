
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes of a connection to replies and commands to bytes.  hiredis reads the
 * replies; nothing else of it is used, because its connections resolve names
 * blocking and end the process when a server says more than it was asked.  For
 * the files of this folder.
 */


#ifndef _NGX_EDGE_REDIS_READER_H_INCLUDED_
#define _NGX_EDGE_REDIS_READER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_reply.h"


/* A reply that is not complete may have come to so many bytes, and a line of
 * it to so many; each and one more read. */
#define NGX_EDGE_REDIS_REPLY_MAX  (64 * 1024 * 1024)
#define NGX_EDGE_REDIS_LINE_MAX   (64 * 1024)


typedef struct ngx_edge_redis_reader_s  ngx_edge_redis_reader_t;


/* NULL: no memory. */
ngx_edge_redis_reader_t *ngx_edge_redis_reader_create(ngx_log_t *log);
void ngx_edge_redis_reader_free(ngx_edge_redis_reader_t *reader);

/* NGX_ERROR: no memory, or the reply is too large. */
ngx_int_t ngx_edge_redis_reader_feed(ngx_edge_redis_reader_t *reader,
    const u_char *data, size_t len);

/* The next reply: NGX_OK, valid until the next call; NGX_AGAIN, more bytes are
 * needed; NGX_ERROR, this is not the protocol, or an array of more than a
 * million elements, or no memory, and nothing more can be read. */
ngx_int_t ngx_edge_redis_reader_next(ngx_edge_redis_reader_t *reader,
    ngx_edge_redis_reply_t **reply);


/* Words as the protocol has them, "$3\r\nGET\r\n"; p has room for their size.
 * A command is "*<number of words>\r\n" and its words. */
size_t ngx_edge_redis_words_size(ngx_uint_t n, const ngx_str_t *words);
u_char *ngx_edge_redis_words_count(u_char *p, ngx_uint_t n);
u_char *ngx_edge_redis_words(u_char *p, ngx_uint_t n, const ngx_str_t *words);


#endif /* _NGX_EDGE_REDIS_READER_H_INCLUDED_ */
