
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing and reading of cache entries.  Reading trusts no length before the
 * checksum over all bytes was right, and checks each one even then: which also
 * does for bytes that need no checksum.
 */


#include "cache/ngx_edge_cache_entry.h"
#include "lib/ngx_edge_fold.h"


#define NGX_EDGE_CACHE_MAGIC    0x45434733     /* with the version: "3" */


/* What an entry begins with; no padding between or behind the members. */
typedef struct {
    uint64_t   checksum;               /* of all that follows */
    uint32_t   magic;
    uint32_t   size;                   /* of the whole entry */
    u_char     key[NGX_EDGE_CACHE_KEY];
    int64_t    stored;
    int64_t    expires;
    int64_t    modified;
    uint64_t   position;
    uint32_t   age;
    uint16_t   status;
    uint8_t    kind;
    uint8_t    nparts;
} ngx_edge_cache_head_t;


size_t
ngx_edge_cache_entry_size(const ngx_edge_cache_entry_t *e)
{
    size_t      size;
    ngx_uint_t  i;

    size = sizeof(ngx_edge_cache_head_t);

    for (i = 0; i < e->nparts; i++) {

        if (e->part[i].len > NGX_EDGE_CACHE_MAX) {
            return 0;
        }

        size += sizeof(uint32_t) + e->part[i].len;
    }

    return (size > NGX_EDGE_CACHE_MAX) ? 0 : size;
}


void
ngx_edge_cache_entry_write(const ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *dst)
{
    u_char                 *p;
    uint32_t                len;
    ngx_uint_t              i;
    ngx_edge_cache_head_t   head;

    ngx_memzero(&head, sizeof(ngx_edge_cache_head_t));

    p = dst + sizeof(ngx_edge_cache_head_t);

    for (i = 0; i < e->nparts; i++) {
        len = (uint32_t) e->part[i].len;
        p = ngx_cpymem(p, &len, sizeof(uint32_t));

        if (len) {
            p = ngx_cpymem(p, e->part[i].data, len);
        }
    }

    head.magic = NGX_EDGE_CACHE_MAGIC;
    head.size = (uint32_t) (p - dst);
    ngx_memcpy(head.key, key, NGX_EDGE_CACHE_KEY);
    head.stored = e->stored;
    head.expires = e->expires;
    head.modified = e->modified;
    head.position = e->position;
    head.age = (uint32_t) e->age;
    head.status = (uint16_t) e->status;
    head.kind = (uint8_t) e->kind;
    head.nparts = (uint8_t) e->nparts;

    ngx_memcpy(dst, &head, sizeof(ngx_edge_cache_head_t));

    head.checksum = ngx_edge_fold(dst + sizeof(uint64_t),
                                  head.size - sizeof(uint64_t));

    ngx_memcpy(dst, &head.checksum, sizeof(uint64_t));
}


ngx_int_t
ngx_edge_cache_entry_read(ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *data, size_t len)
{
    uint64_t  checksum;

    if (len < sizeof(ngx_edge_cache_head_t)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(&checksum, data, sizeof(uint64_t));

    if (checksum
        != ngx_edge_fold(data + sizeof(uint64_t), len - sizeof(uint64_t)))
    {
        return NGX_DECLINED;
    }

    return ngx_edge_cache_entry_open(e, key, data, len);
}


ngx_int_t
ngx_edge_cache_entry_open(ngx_edge_cache_entry_t *e,
    const u_char key[NGX_EDGE_CACHE_KEY], u_char *data, size_t len)
{
    u_char                 *p, *last;
    uint32_t                n;
    ngx_uint_t              i;
    ngx_edge_cache_head_t   head;

    if (len < sizeof(ngx_edge_cache_head_t)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(&head, data, sizeof(ngx_edge_cache_head_t));

    if (head.magic != NGX_EDGE_CACHE_MAGIC
        || head.size != len
        || head.kind < ngx_edge_cache_response
        || head.kind > ngx_edge_cache_answer
        || head.nparts > NGX_EDGE_CACHE_PARTS
        || ngx_memcmp(head.key, key, NGX_EDGE_CACHE_KEY) != 0)
    {
        return NGX_DECLINED;
    }

    p = data + sizeof(ngx_edge_cache_head_t);
    last = data + len;

    for (i = 0; i < head.nparts; i++) {

        if ((size_t) (last - p) < sizeof(uint32_t)) {
            return NGX_DECLINED;
        }

        ngx_memcpy(&n, p, sizeof(uint32_t));
        p += sizeof(uint32_t);

        if ((size_t) (last - p) < n) {
            return NGX_DECLINED;
        }

        e->part[i].data = p;
        e->part[i].len = n;
        p += n;
    }

    if (p != last) {
        return NGX_DECLINED;
    }

    e->kind = head.kind;
    e->status = head.status;
    e->stored = (time_t) head.stored;
    e->expires = (time_t) head.expires;
    e->age = (time_t) head.age;
    e->modified = (time_t) head.modified;
    e->position = head.position;
    e->nparts = head.nparts;

    return NGX_OK;
}


size_t
ngx_edge_cache_field_size(const ngx_str_t *name, const ngx_str_t *value)
{
    return 2 * sizeof(uint32_t) + name->len + value->len;
}


u_char *
ngx_edge_cache_field_write(u_char *p, const ngx_str_t *name,
    const ngx_str_t *value)
{
    uint32_t  n;

    n = (uint32_t) name->len;
    p = ngx_cpymem(p, &n, sizeof(uint32_t));
    n = (uint32_t) value->len;
    p = ngx_cpymem(p, &n, sizeof(uint32_t));
    p = ngx_cpymem(p, name->data, name->len);

    return ngx_cpymem(p, value->data, value->len);
}


ngx_uint_t
ngx_edge_cache_field_next(ngx_str_t *rest, ngx_str_t *name, ngx_str_t *value)
{
    uint32_t  n[2];

    if (rest->len < sizeof(n)) {
        return 0;
    }

    ngx_memcpy(n, rest->data, sizeof(n));

    if (rest->len - sizeof(n) < n[0]
        || rest->len - sizeof(n) - n[0] < n[1])
    {
        return 0;
    }

    name->data = rest->data + sizeof(n);
    name->len = n[0];
    value->data = name->data + name->len;
    value->len = n[1];

    rest->data = value->data + value->len;
    rest->len -= sizeof(n) + n[0] + n[1];

    return 1;
}
