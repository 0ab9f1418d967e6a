
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The one place that knows hiredis, 0.14 as well as 1.x: its parser.  What it
 * finds is put into a pool that is cleared for every reply, which costs a
 * fraction of hiredis' own replies: those are malloc'ed an element at a time.
 * Pure.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <hiredis/hiredis.h>
#include "lib/ngx_edge_decimal.h"
#include "redis/ngx_edge_redis_reader.h"


/* Room is made for an array as soon as it is announced; all arrays of a reply
 * together have no more elements than this. */
#define NGX_EDGE_REDIS_ARRAY_MAX  (1024 * 1024)

/* Arrays in each other, as deep as hiredis 0.14 reads them. */
#define NGX_EDGE_REDIS_DEPTH_MAX  8

/* Holds what most commands are answered with. */
#define NGX_EDGE_REDIS_POOL_SIZE  4096


#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_edge_redis_count_t;
#else
typedef int  ngx_edge_redis_count_t;
#endif


struct ngx_edge_redis_reader_s {
    redisReader  *reader;
    ngx_pool_t   *pool;      /* of one reply */
    ngx_log_t    *log;
    size_t        size;      /* of the reply at hand, so far */
    size_t        elements;  /* of its arrays */
    unsigned      given:1;   /* the pool is of a reply the caller has seen */
};


static ngx_int_t ngx_edge_redis_reader_clear(ngx_edge_redis_reader_t *reader);
static ngx_edge_redis_reply_t *ngx_edge_redis_reader_make(
    const redisReadTask *task, ngx_edge_redis_type_e type);
static void *ngx_edge_redis_reader_string(const redisReadTask *task, char *str,
    size_t len);
static void *ngx_edge_redis_reader_array(const redisReadTask *task,
    ngx_edge_redis_count_t n);
static void *ngx_edge_redis_reader_integer(const redisReadTask *task,
    long long n);
static void *ngx_edge_redis_reader_nil(const redisReadTask *task);
static ngx_uint_t ngx_edge_redis_reader_endless(const redisReader *rr);

#if (HIREDIS_MAJOR >= 1)
static void *ngx_edge_redis_reader_double(const redisReadTask *task, double n,
    char *str, size_t len);
static void *ngx_edge_redis_reader_bool(const redisReadTask *task, int yes);
#endif


static redisReplyObjectFunctions  ngx_edge_redis_reader_functions = {
    .createString = ngx_edge_redis_reader_string,
    .createArray = ngx_edge_redis_reader_array,
    .createInteger = ngx_edge_redis_reader_integer,
    .createNil = ngx_edge_redis_reader_nil,
#if (HIREDIS_MAJOR >= 1)
    .createDouble = ngx_edge_redis_reader_double,
    .createBool = ngx_edge_redis_reader_bool,
#endif
};


ngx_edge_redis_reader_t *
ngx_edge_redis_reader_create(ngx_log_t *log)
{
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_calloc(sizeof(ngx_edge_redis_reader_t), log);
    if (reader == NULL) {
        return NULL;
    }

    reader->log = log;
    reader->pool = ngx_create_pool(NGX_EDGE_REDIS_POOL_SIZE, log);
    reader->reader =
        redisReaderCreateWithFunctions(&ngx_edge_redis_reader_functions);

    if (reader->pool == NULL || reader->reader == NULL) {
        ngx_edge_redis_reader_free(reader);
        return NULL;
    }

    reader->reader->privdata = reader;

    return reader;
}


void
ngx_edge_redis_reader_free(ngx_edge_redis_reader_t *reader)
{
    if (reader->reader) {
        redisReaderFree(reader->reader);
    }

    if (reader->pool) {
        ngx_destroy_pool(reader->pool);
    }

    ngx_free(reader);
}


/* A pool that has grown gives its memory back: a large reply is rare.  With
 * ASan each one does, so that a look at a reply that is gone is seen. */

static ngx_int_t
ngx_edge_redis_reader_clear(ngx_edge_redis_reader_t *reader)
{
#if !defined(__SANITIZE_ADDRESS__)

    if (reader->pool->d.next == NULL) {
        ngx_reset_pool(reader->pool);
        return NGX_OK;
    }

#endif

    ngx_destroy_pool(reader->pool);

    reader->pool = ngx_create_pool(NGX_EDGE_REDIS_POOL_SIZE, reader->log);

    return reader->pool ? NGX_OK : NGX_ERROR;
}


/* The whole reply, or its place in the array that it is an element of. */

static ngx_edge_redis_reply_t *
ngx_edge_redis_reader_make(const redisReadTask *task,
    ngx_edge_redis_type_e type)
{
    ngx_edge_redis_reply_t   *reply, *array;
    ngx_edge_redis_reader_t  *reader;

    if (task->parent) {
        array = task->parent->obj;
        reply = &array->u.array.element[task->idx];

    } else {
        reader = task->privdata;

        reply = ngx_palloc(reader->pool, sizeof(ngx_edge_redis_reply_t));
        if (reply == NULL) {
            return NULL;
        }
    }

    reply->type = type;

    return reply;
}


static void *
ngx_edge_redis_reader_string(const redisReadTask *task, char *str, size_t len)
{
    u_char                   *p;
    ngx_edge_redis_type_e     type;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    switch (task->type) {

    case REDIS_REPLY_STRING:
        type = ngx_edge_redis_string;
        break;

    case REDIS_REPLY_STATUS:
        type = ngx_edge_redis_status;
        break;

    case REDIS_REPLY_ERROR:
        type = ngx_edge_redis_error;
        break;

    default: /* of RESP3, and RESP2 was agreed on */
        return NULL;
    }

    reader = task->privdata;

    p = ngx_pnalloc(reader->pool, len);
    reply = ngx_edge_redis_reader_make(task, type);

    if (p == NULL || reply == NULL) {
        return NULL;
    }

    ngx_memcpy(p, str, len);

    reply->u.str.data = p;
    reply->u.str.len = len;

    return reply;
}


static void *
ngx_edge_redis_reader_array(const redisReadTask *task,
    ngx_edge_redis_count_t n)
{
    ngx_uint_t                depth;
    const redisReadTask      *parent;
    ngx_edge_redis_reply_t   *reply, *element;
    ngx_edge_redis_reader_t  *reader;

    reader = task->privdata;
    depth = 1;

    if (task->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (parent = task->parent; parent; parent = parent->parent) {
        if (++depth > NGX_EDGE_REDIS_DEPTH_MAX) {
            return NULL;
        }
    }

    if ((size_t) n > NGX_EDGE_REDIS_ARRAY_MAX - reader->elements) {
        return NULL;
    }

    reader->elements += n;

    element = ngx_palloc(reader->pool, n * sizeof(ngx_edge_redis_reply_t));
    reply = ngx_edge_redis_reader_make(task, ngx_edge_redis_array);

    if (element == NULL || reply == NULL) {
        return NULL;
    }

    reply->u.array.element = element;
    reply->u.array.n = n;

    return reply;
}


static void *
ngx_edge_redis_reader_integer(const redisReadTask *task, long long n)
{
    ngx_edge_redis_reply_t  *reply;

    reply = ngx_edge_redis_reader_make(task, ngx_edge_redis_integer);

    if (reply) {
        reply->u.integer = n;
    }

    return reply;
}


static void *
ngx_edge_redis_reader_nil(const redisReadTask *task)
{
    return ngx_edge_redis_reader_make(task, ngx_edge_redis_nil);
}


#if (HIREDIS_MAJOR >= 1)

/* Of RESP3; without these functions hiredis would make pointers of its own. */

static void *
ngx_edge_redis_reader_double(const redisReadTask *task, double n, char *str,
    size_t len)
{
    return NULL;
}


static void *
ngx_edge_redis_reader_bool(const redisReadTask *task, int yes)
{
    return NULL;
}

#endif


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

    if (reader->given) {
        reader->given = 0;

        if (ngx_edge_redis_reader_clear(reader) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (redisReaderGetReply(reader->reader, &p) != REDIS_OK) {
        return NGX_ERROR;
    }

    if (p == NULL) {
        return NGX_AGAIN;
    }

    reader->size = reader->reader->len - reader->reader->pos;
    reader->elements = 0;
    reader->given = 1;

    *reply = p;

    return NGX_OK;
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
