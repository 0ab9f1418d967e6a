
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A cached answer as bytes, for shared memory and for Redis: one header of
 * fixed size, then a few parts, each its length and its bytes.  The header
 * holds version, whole length, the key it was stored under and a checksum;
 * an entry that differs in any of them from what is expected is not read.  So
 * a value that was cut, mixed up or written by another version is a miss.
 *
 * Numbers are in the machine's order: a machine of the other one refuses the
 * entry by its magic number.
 */


#ifndef _NGX_EDGE_CACHE_ENTRY_H_INCLUDED_
#define _NGX_EDGE_CACHE_ENTRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_CACHE_KEY      32         /* bytes: a SHA-256 */
#define NGX_EDGE_CACHE_PARTS    8          /* most parts of an entry */
#define NGX_EDGE_CACHE_MAX      (16 * 1024 * 1024)


typedef enum {
    ngx_edge_cache_response = 1,       /* of a target */
    ngx_edge_cache_vary,               /* names of fields: look further */
    ngx_edge_cache_answer              /* of a pipeline */
} ngx_edge_cache_kind_e;


/* Parts of a response. */
typedef enum {
    ngx_edge_cache_part_type = 0,      /* Content-Type, with its charset */
    ngx_edge_cache_part_fields,        /* see ngx_edge_cache_field_*() */
    ngx_edge_cache_part_body,
    ngx_edge_cache_part_n
} ngx_edge_cache_part_e;


typedef struct {
    ngx_edge_cache_kind_e   kind;
    ngx_uint_t              status;
    time_t                  stored;    /* when it was made, by the clock */
    time_t                  expires;   /* fresh while now < expires */
    time_t                  age;       /* of the response when it came */
    time_t                  modified;  /* Last-Modified; -1: none */
    uint64_t                position;  /* of the purges known when its making
                                          began; 0: not for Redis */
    ngx_uint_t              nparts;
    ngx_str_t               part[NGX_EDGE_CACHE_PARTS];
} ngx_edge_cache_entry_t;


/* Bytes the entry takes; 0: more than NGX_EDGE_CACHE_MAX. */
size_t ngx_edge_cache_entry_size(const ngx_edge_cache_entry_t *e);

/* Writes the entry to dst, which has the size. */
void ngx_edge_cache_entry_write(const ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *dst);

/* Reads an entry of len bytes, whose parts stay in data.  NGX_OK, or
 * NGX_DECLINED: not an entry of this version, not whole, or not this key's. */
ngx_int_t ngx_edge_cache_entry_read(ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *data, size_t len);

/* The same without the checksum, for bytes that never left our memory. */
ngx_int_t ngx_edge_cache_entry_open(ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *data, size_t len);

/* Header fields as one part: bytes that a field adds, adding it at p (gives
 * the end), and taking the next off rest: 1, or 0 if there is none. */
size_t ngx_edge_cache_field_size(const ngx_str_t *name,
    const ngx_str_t *value);
u_char *ngx_edge_cache_field_write(u_char *p, const ngx_str_t *name,
    const ngx_str_t *value);
ngx_uint_t ngx_edge_cache_field_next(ngx_str_t *rest, ngx_str_t *name,
    ngx_str_t *value);


#endif /* _NGX_EDGE_CACHE_ENTRY_H_INCLUDED_ */
