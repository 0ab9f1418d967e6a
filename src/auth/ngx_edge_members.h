
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading JSON objects whose member names must be unique (RFC 7515 section 4,
 * RFC 7519 section 4): two readers of one text who take different members of
 * the same name would not agree on what was signed.  Names are compared as
 * they read, not as they are written: "exp" and "\u0065xp" are the same.
 */


#ifndef _NGX_EDGE_MEMBERS_H_INCLUDED_
#define _NGX_EDGE_MEMBERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_scan.h"


#define NGX_EDGE_MEMBERS_MAX    256    /* of one object */
#define NGX_EDGE_MEMBERS_FIRST  32     /* of a text, before the pool is asked */


typedef struct {
    ngx_str_t                 name;      /* decoded */
    uint32_t                  hash;
    uint32_t                  object;    /* the object's number */
} ngx_edge_members_entry_t;


/*
 * The names met so far in one text, of all its objects, in one open table.
 * Slots hold the number of an entry counted from 1, or 0; at most half of
 * them are in use.  Most texts need no more than what is in here.
 */

typedef struct {
    ngx_pool_t               *pool;
    const char               *reason;    /* of the last NGX_DECLINED */
    uint64_t                  seed;
    ngx_edge_members_entry_t *entries;
    uint32_t                 *slots;
    uint32_t                  n;         /* entries */
    uint32_t                  room;      /* for entries: half the slots */
    uint32_t                  objects;
    ngx_edge_members_entry_t  first[NGX_EDGE_MEMBERS_FIRST];
    uint32_t                  first_slots[NGX_EDGE_MEMBERS_FIRST * 2];
} ngx_edge_members_t;


/* An object that is being read: zero before it is entered. */
typedef struct {
    uint32_t                  object;
    uint32_t                  n;
} ngx_edge_members_object_t;


void ngx_edge_members_init(ngx_edge_members_t *m, ngx_pool_t *pool);

/* Enters an object.  NGX_OK, NGX_DECLINED: it is none. */
ngx_int_t ngx_edge_members_enter(ngx_edge_members_t *m, ngx_edge_scan_t *s,
    ngx_edge_members_object_t *o);

/* The next member: NGX_OK with its decoded name, at its value; NGX_DONE behind
 * the brace; NGX_DECLINED: no JSON, a name twice, too many members; NGX_ERROR
 * no memory. */
ngx_int_t ngx_edge_members_next(ngx_edge_members_t *m, ngx_edge_scan_t *s,
    ngx_edge_members_object_t *o, ngx_str_t *name);

/* Skips one value, with all objects in it: NGX_OK, and the last two above. */
ngx_int_t ngx_edge_members_skip(ngx_edge_members_t *m, ngx_edge_scan_t *s);

/* The end of the text: NGX_OK, NGX_DECLINED. */
ngx_int_t ngx_edge_members_end(ngx_edge_members_t *m, ngx_edge_scan_t *s);


#endif /* _NGX_EDGE_MEMBERS_H_INCLUDED_ */
