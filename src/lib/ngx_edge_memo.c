
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sets of four texts each: a new text goes to where the set's oldest was.
 */


#include "lib/ngx_edge_fold.h"
#include "lib/ngx_edge_memo.h"


#define NGX_EDGE_MEMO_SETS   512       /* a power of two; 768 KB in all */
#define NGX_EDGE_MEMO_WAYS   4
#define NGX_EDGE_MEMO_TEXT   328       /* bytes of the longest text */


typedef struct {
    uint64_t            sum;
    uint64_t            time;          /* when it came, by the counter */
    size_t              len;           /* 0: free */
    u_char              digest[NGX_EDGE_HASH_SIZE];
    u_char              text[NGX_EDGE_MEMO_TEXT];
} ngx_edge_memo_slot_t;


struct ngx_edge_memo_s {
    ngx_pool_t            *pool;
    uint64_t               counter;
    ngx_edge_hash_t       *hash;
    ngx_edge_memo_slot_t  *slots;      /* NULL: none was needed yet */
};


static ngx_edge_memo_slot_t *ngx_edge_memo_find(ngx_edge_memo_slot_t *slot,
    uint64_t sum, const ngx_str_t *text, ngx_uint_t *found);


ngx_edge_memo_t *
ngx_edge_memo_create(ngx_pool_t *pool)
{
    ngx_edge_memo_t  *memo;

    memo = ngx_pcalloc(pool, sizeof(ngx_edge_memo_t));
    if (memo == NULL) {
        return NULL;
    }

    memo->pool = pool;
    memo->hash = ngx_edge_hash_create(pool);

    return memo->hash ? memo : NULL;
}


ngx_int_t
ngx_edge_memo_digest(ngx_edge_memo_t *memo, ngx_str_t *text,
    u_char digest[NGX_EDGE_HASH_SIZE])
{
    uint64_t               sum;
    ngx_uint_t             found;
    ngx_edge_memo_slot_t  *slot;

    if (text->len == 0 || text->len > NGX_EDGE_MEMO_TEXT) {
        return ngx_edge_hash(memo->hash, text, 1, digest);
    }

    if (memo->slots == NULL) {
        memo->slots = ngx_pcalloc(memo->pool,
                                  NGX_EDGE_MEMO_SETS * NGX_EDGE_MEMO_WAYS
                                  * sizeof(ngx_edge_memo_slot_t));
        if (memo->slots == NULL) {
            return NGX_ERROR;
        }
    }

    sum = ngx_edge_fold(text->data, text->len);
    slot = &memo->slots[(sum & (NGX_EDGE_MEMO_SETS - 1))
                        * NGX_EDGE_MEMO_WAYS];
    slot = ngx_edge_memo_find(slot, sum, text, &found);

    if (!found) {
        slot->len = 0;

        if (ngx_edge_hash(memo->hash, text, 1, slot->digest) != NGX_OK) {
            return NGX_ERROR;
        }

        slot->sum = sum;
        slot->time = ++memo->counter;
        slot->len = text->len;
        ngx_memcpy(slot->text, text->data, text->len);
    }

    ngx_memcpy(digest, slot->digest, NGX_EDGE_HASH_SIZE);

    return NGX_OK;
}


/* The text's slot in the set that begins with slot, or the oldest. */

static ngx_edge_memo_slot_t *
ngx_edge_memo_find(ngx_edge_memo_slot_t *slot, uint64_t sum,
    const ngx_str_t *text, ngx_uint_t *found)
{
    ngx_uint_t             i;
    ngx_edge_memo_slot_t  *oldest;

    oldest = slot;
    *found = 1;

    for (i = 0; i < NGX_EDGE_MEMO_WAYS; i++, slot++) {

        if (slot->sum == sum
            && slot->len == text->len
            && ngx_memcmp(slot->text, text->data, text->len) == 0)
        {
            return slot;
        }

        if (slot->time < oldest->time) {
            oldest = slot;
        }
    }

    *found = 0;

    return oldest;
}
