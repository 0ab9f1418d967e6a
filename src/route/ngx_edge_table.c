
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Open addressing with linear probing, at most half full.  The hash of a
 * string is built byte by byte, so that one walk along a path gives the hash
 * of each of its prefixes.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "route/ngx_edge_table.h"


#define NGX_EDGE_TABLE_SEED   0xcbf29ce484222325ULL
#define NGX_EDGE_TABLE_PRIME  0x100000001b3ULL

/* one byte more of a string's running hash */
#define ngx_edge_table_hash(hash, c)                                          \
    (((hash) ^ (c)) * NGX_EDGE_TABLE_PRIME)


typedef struct {
    void         *value;    /* NULL: the slot is free */
    uint64_t      hash;
    ngx_str_t     key;
} ngx_edge_table_slot_t;


struct ngx_edge_table_s {
    ngx_edge_table_slot_t  *slots;
    ngx_uint_t              mask;      /* number of slots - 1 */
    ngx_uint_t              free;      /* keys that may still be added */
    size_t                  longest;   /* length of the longest prefix */
};


static ngx_edge_table_slot_t *ngx_edge_table_slot(
    const ngx_edge_table_t *table, const u_char *key, size_t len,
    uint64_t hash);
static uint64_t ngx_edge_table_mix(uint64_t hash);


ngx_edge_table_t *
ngx_edge_table_create(ngx_pool_t *pool, ngx_uint_t n)
{
    ngx_uint_t         size;
    ngx_edge_table_t  *table;

    table = ngx_pcalloc(pool, sizeof(ngx_edge_table_t));
    if (table == NULL) {
        return NULL;
    }

    for (size = 8; size < 2 * n; size *= 2) { /* void */ }

    table->slots = ngx_pcalloc(pool, size * sizeof(ngx_edge_table_slot_t));
    if (table->slots == NULL) {
        return NULL;
    }

    table->mask = size - 1;
    table->free = n;

    return table;
}


ngx_int_t
ngx_edge_table_add(ngx_edge_table_t *table, const ngx_str_t *key, void *value)
{
    size_t                  i;
    uint64_t                hash;
    ngx_edge_table_slot_t  *slot;

    hash = NGX_EDGE_TABLE_SEED;

    for (i = 0; i < key->len; i++) {
        hash = ngx_edge_table_hash(hash, key->data[i]);
    }

    slot = ngx_edge_table_slot(table, key->data, key->len, hash);

    if (slot->value) {
        return NGX_DECLINED;
    }

    if (table->free == 0) {
        return NGX_ERROR;
    }

    table->free--;

    slot->value = value;
    slot->hash = hash;
    slot->key = *key;

    if (key->len && key->data[key->len - 1] == '/') {
        table->longest = ngx_max(table->longest, key->len);
    }

    return NGX_OK;
}


void *
ngx_edge_table_find(const ngx_edge_table_t *table, const ngx_str_t *key)
{
    size_t    i;
    uint64_t  hash;

    hash = NGX_EDGE_TABLE_SEED;

    for (i = 0; i < key->len; i++) {
        hash = ngx_edge_table_hash(hash, key->data[i]);
    }

    return ngx_edge_table_slot(table, key->data, key->len, hash)->value;
}


void *
ngx_edge_table_prefix(const ngx_edge_table_t *table, const ngx_str_t *path,
    size_t *len)
{
    void      *value, *found;
    size_t     i, n;
    uint64_t   hash;

    found = NULL;
    hash = NGX_EDGE_TABLE_SEED;

    /* a client's long path must not cost more than our longest key */

    n = ngx_min(path->len, table->longest);

    for (i = 0; i < n; i++) {
        hash = ngx_edge_table_hash(hash, path->data[i]);

        if (path->data[i] != '/') {
            continue;
        }

        value = ngx_edge_table_slot(table, path->data, i + 1, hash)->value;

        if (value) {
            found = value;
            *len = i + 1;
        }
    }

    return found;
}


/* The slot that holds the key, or the free one where it would go. */

static ngx_edge_table_slot_t *
ngx_edge_table_slot(const ngx_edge_table_t *table, const u_char *key,
    size_t len, uint64_t hash)
{
    ngx_uint_t              i;
    ngx_edge_table_slot_t  *slot;

    i = (ngx_uint_t) ngx_edge_table_mix(hash);

    for ( ;; ) {
        slot = &table->slots[i & table->mask];

        if (slot->value == NULL) {
            return slot;
        }

        if (slot->hash == hash
            && slot->key.len == len
            && ngx_memcmp(slot->key.data, key, len) == 0)
        {
            return slot;
        }

        i++;
    }
}


/* The running hash is weak in its low bits, which choose the slot. */

static uint64_t
ngx_edge_table_mix(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 33;

    return hash;
}
