
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The one place that knows hiredis, 0.14 as well as 1.x: its reply reader.  A
 * reply is malloc'ed by it and freed by reply_free.  Pure.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <hiredis/hiredis.h>
#include "lib/ngx_edge_decimal.h"
#include "redis/ngx_edge_redis_reader.h"


/* hiredis makes room for an array as soon as it is announced; all arrays of a
 * reply together have no more elements than this. */
#define NGX_EDGE_REDIS_ARRAY_MAX  (1024 * 1024)

/* Arrays in each other, as deep as hiredis 0.14 reads them.  1.x has no bound,
 * but gives back a reply by recursion. */
#define NGX_EDGE_REDIS_DEPTH_MAX  8


#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_edge_redis_count_t;
#else
typedef int  ngx_edge_redis_count_t;
#endif


struct ngx_edge_redis_reader_s {
    redisReader                *reader;
    redisReplyObjectFunctions   make;      /* hiredis' but for arrays */
    redisReplyObjectFunctions  *hiredis;
    size_t                      size;      /* of the reply at hand, so far */
    size_t                      elements;  /* of its arrays */
};


static void *ngx_edge_redis_reader_array(const redisReadTask *task,
    ngx_edge_redis_count_t n);
static ngx_uint_t ngx_edge_redis_reader_endless(const redisReader *rr);
static ngx_uint_t ngx_edge_redis_reply_known(const redisReply *reply);


ngx_edge_redis_reader_t *
ngx_edge_redis_reader_create(ngx_log_t *log)
{
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_alloc(sizeof(ngx_edge_redis_reader_t), log);
    if (reader == NULL) {
        return NULL;
    }

    reader->reader = redisReaderCreate();

    if (reader->reader == NULL) {
        ngx_free(reader);
        return NULL;
    }

    reader->hiredis = reader->reader->fn;
    reader->make = *reader->hiredis;
    reader->make.createArray = ngx_edge_redis_reader_array;

    reader->size = 0;
    reader->elements = 0;

    reader->reader->fn = &reader->make;
    reader->reader->privdata = reader;

    return reader;
}


void
ngx_edge_redis_reader_free(ngx_edge_redis_reader_t *reader)
{
    redisReaderFree(reader->reader);
    ngx_free(reader);
}


static void *
ngx_edge_redis_reader_array(const redisReadTask *task,
    ngx_edge_redis_count_t n)
{
    ngx_uint_t                depth;
    const redisReadTask      *parent;
    ngx_edge_redis_reader_t  *reader;

    reader = task->privdata;
    depth = 1;

    for (parent = task->parent; parent; parent = parent->parent) {
        if (++depth > NGX_EDGE_REDIS_DEPTH_MAX) {
            return NULL;
        }
    }

    if ((size_t) n > NGX_EDGE_REDIS_ARRAY_MAX - reader->elements) {
        return NULL;
    }

    reader->elements += n;

    return reader->hiredis->createArray(task, n);
}


ngx_int_t
ngx_edge_redis_reader_feed(ngx_edge_redis_reader_t *reader, const u_char *data,
    size_t len)
{
    redisReader  *rr;

    rr = reader->reader;

    if (redisReaderFeed(rr, (const char *) data, len) != REDIS_OK) {
        return NGX_ERROR;
    }

    reader->size += len;

    if (reader->size > NGX_EDGE_REDIS_REPLY_MAX
        || ngx_edge_redis_reader_endless(rr))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* hiredis looks for the end of a line from its beginning, whenever more of it
 * has come: with a long one that would take for ever. */

static ngx_uint_t
ngx_edge_redis_reader_endless(const redisReader *rr)
{
    const char  *p;

    p = rr->buf + rr->pos;

    return rr->len - rr->pos > NGX_EDGE_REDIS_LINE_MAX
           && memchr(p, CR, NGX_EDGE_REDIS_LINE_MAX) == NULL;
}


ngx_int_t
ngx_edge_redis_reader_next(ngx_edge_redis_reader_t *reader,
    ngx_edge_redis_reply_t **reply)
{
    void  *p;

    if (redisReaderGetReply(reader->reader, &p) != REDIS_OK) {
        return NGX_ERROR;
    }

    if (p == NULL) {
        return NGX_AGAIN;
    }

    reader->size = reader->reader->len - reader->reader->pos;
    reader->elements = 0;

    if (!ngx_edge_redis_reply_known(p)) {
        freeReplyObject(p);
        return NGX_ERROR;
    }

    *reply = p;

    return NGX_OK;
}


/* RESP2 was agreed on; newer readers also know what came with RESP3. */

static ngx_uint_t
ngx_edge_redis_reply_known(const redisReply *reply)
{
    size_t  i;

    if (reply->type < REDIS_REPLY_STRING || reply->type > REDIS_REPLY_ERROR) {
        return 0;
    }

    if (reply->type == REDIS_REPLY_ARRAY) {
        for (i = 0; i < reply->elements; i++) {
            if (!ngx_edge_redis_reply_known(reply->element[i])) {
                return 0;
            }
        }
    }

    return 1;
}


void
ngx_edge_redis_reply_free(ngx_edge_redis_reply_t *reply)
{
    freeReplyObject(reply);
}


ngx_edge_redis_type_e
ngx_edge_redis_reply_type(const ngx_edge_redis_reply_t *reply)
{
    if (reply == NULL) {
        return ngx_edge_redis_lost;
    }

    switch (((const redisReply *) reply)->type) {

    case REDIS_REPLY_STRING:
        return ngx_edge_redis_string;

    case REDIS_REPLY_STATUS:
        return ngx_edge_redis_status;

    case REDIS_REPLY_INTEGER:
        return ngx_edge_redis_integer;

    case REDIS_REPLY_ARRAY:
        return ngx_edge_redis_array;

    case REDIS_REPLY_ERROR:
        return ngx_edge_redis_error;

    default: /* REDIS_REPLY_NIL */
        return ngx_edge_redis_nil;
    }
}


void
ngx_edge_redis_reply_str(const ngx_edge_redis_reply_t *reply, ngx_str_t *s)
{
    const redisReply  *rr;

    rr = (const redisReply *) reply;

    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_string:
    case ngx_edge_redis_status:
    case ngx_edge_redis_error:
        s->len = rr->len;
        s->data = (u_char *) rr->str;
        break;

    default:
        ngx_str_null(s);
    }
}


int64_t
ngx_edge_redis_reply_integer(const ngx_edge_redis_reply_t *reply)
{
    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_integer) {
        return 0;
    }

    return ((const redisReply *) reply)->integer;
}


ngx_uint_t
ngx_edge_redis_reply_count(const ngx_edge_redis_reply_t *reply)
{
    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_array) {
        return 0;
    }

    return ((const redisReply *) reply)->elements;
}


const ngx_edge_redis_reply_t *
ngx_edge_redis_reply_element(const ngx_edge_redis_reply_t *reply, ngx_uint_t i)
{
    return (const ngx_edge_redis_reply_t *)
               ((const redisReply *) reply)->element[i];
}


ngx_uint_t
ngx_edge_redis_reply_is_error(const ngx_edge_redis_reply_t *reply,
    const char *word)
{
    size_t     len;
    ngx_str_t  s;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_error) {
        return 0;
    }

    ngx_edge_redis_reply_str(reply, &s);

    len = ngx_strlen(word);

    return s.len >= len && ngx_strncmp(s.data, word, len) == 0
           && (s.len == len || s.data[len] == ' ');
}


/* Redis before 7 wraps what a script was told. */

ngx_uint_t
ngx_edge_redis_reply_is_readonly(const ngx_edge_redis_reply_t *reply)
{
    size_t     len;
    ngx_str_t  s;

    if (ngx_edge_redis_reply_is_error(reply, "READONLY")) {
        return 1;
    }

    if (!ngx_edge_redis_reply_is_error(reply, "ERR Error running script")) {
        return 0;
    }

    ngx_edge_redis_reply_str(reply, &s);

    len = sizeof("-READONLY ") - 1;

    return ngx_strlcasestrn(s.data, s.data + s.len, (u_char *) "-READONLY ",
                            len - 1)
           != NULL;
}


size_t
ngx_edge_redis_words_size(ngx_uint_t n, const ngx_str_t *words)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {
        size += sizeof("$\r\n\r\n") - 1 + NGX_SIZE_T_LEN + words[i].len;
    }

    return size;
}


u_char *
ngx_edge_redis_words_count(u_char *p, ngx_uint_t n)
{
    *p++ = '*';
    p = ngx_edge_decimal(p, n);
    *p++ = CR;
    *p++ = LF;

    return p;
}


u_char *
ngx_edge_redis_words(u_char *p, ngx_uint_t n, const ngx_str_t *words)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        *p++ = '$';
        p = ngx_edge_decimal(p, words[i].len);
        *p++ = CR;
        *p++ = LF;
        p = ngx_cpymem(p, words[i].data, words[i].len);
        *p++ = CR;
        *p++ = LF;
    }

    return p;
}
