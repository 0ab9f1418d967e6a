
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Cache entries: whatever bytes are found, reading stays within them; what was
 * written is read; and an entry that was damaged is not.  The first line says
 * how the rest is used: "r" reads it as an entry, "f" as fields, "p" as a list
 * of pieces in hexadecimal and, on the next line, their text; else it is a
 * number: the rest is stored in parts between "|", and the byte of that number
 * of the entry is changed.
 */


/* sources: cache/ngx_edge_cache_entry.c lib/ngx_edge_fold.c */
/* sources: rag/ngx_edge_pieces.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_decimal.c */
/* max_len: 1024 */

#include "fuzz.h"
#include "cache/ngx_edge_cache_entry.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_pieces.h"


static u_char  key[NGX_EDGE_CACHE_KEY] = "the key of the fuzzer, 32 bytes";


static void fuzz_fields(const ngx_str_t *in);
static void fuzz_pieces(ngx_pool_t *pool, ngx_str_t *in);
static void fuzz_write(ngx_pool_t *pool, ngx_str_t *in, ngx_uint_t at);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t               line;
    ngx_uint_t              i;
    ngx_edge_cache_entry_t  e;

    line = fuzz_take(pool, in, "\n");

    if (line.len && line.data[0] == 'f') {
        fuzz_fields(in);
        return;
    }

    if (line.len && line.data[0] == 'p') {
        fuzz_pieces(pool, in);
        return;
    }

    if (line.len == 0 || line.data[0] != 'r') {
        fuzz_write(pool, in, fuzz_number(&line, 4096));
        return;
    }

    if (ngx_edge_cache_entry_read(&e, key, in->data, in->len) == NGX_OK) {
        for (i = 0; i < e.nparts; i++) {
            fuzz_check(fuzz_within(in, &e.part[i]));
        }
    }
}


static void
fuzz_fields(const ngx_str_t *in)
{
    ngx_str_t  rest, name, value;

    rest = *in;

    while (ngx_edge_cache_field_next(&rest, &name, &value)) {
        fuzz_check(fuzz_within(in, &name));
        fuzz_check(fuzz_within(in, &value));
        fuzz_check(fuzz_within(in, &rest));
    }
}


/* What is given cuts nothing, is the text, and makes the same list again. */

static void
fuzz_pieces(ngx_pool_t *pool, ngx_str_t *in)
{
    u_char             *next;
    ngx_str_t           hex, list, piece, again;
    ngx_uint_t          i, valid;
    ngx_edge_buf_t      bytes, copy;
    ngx_edge_pieces_t   pieces;

    hex = fuzz_take(pool, in, "\n");
    ngx_edge_buf_init(&bytes, pool, 64, 4096);
    ngx_edge_buf_init(&copy, pool, 64, 4096);

    for (i = 0; i + 1 < hex.len; i += 2) {
        ngx_edge_buf_byte(&bytes, (u_char) ngx_hextoi(hex.data + i, 2));
    }

    fuzz_check(ngx_edge_buf_done(&bytes, &list) == NGX_OK);
    list = fuzz_copy(pool, list.data, list.len);

    if (ngx_edge_pieces_open(&pieces, &list, in) != NGX_OK) {
        return;
    }

    next = in->data;
    valid = ngx_edge_utf8_valid(in->data, in->len);

    while (pieces.n) {
        ngx_edge_pieces_next(&pieces, &piece);
        fuzz_check(piece.len > 0 && piece.data == next);
        fuzz_check(fuzz_within(in, &piece));
        fuzz_check(!valid || ngx_edge_utf8_valid(piece.data, piece.len));
        ngx_edge_pieces_add(&copy, piece.len);
        next += piece.len;
    }

    fuzz_check(next == in->data + in->len);
    fuzz_check(ngx_edge_buf_done(&copy, &again) == NGX_OK);
    fuzz_check(list.len < 2 || fuzz_same(&list, &again));
}


static void
fuzz_write(ngx_pool_t *pool, ngx_str_t *in, ngx_uint_t at)
{
    size_t                   size;
    u_char                  *data;
    ngx_str_t                copy;
    ngx_uint_t               i;
    ngx_edge_cache_entry_t   e, got;

    memset(&e, 0, sizeof(e));
    e.kind = ngx_edge_cache_answer;

    while (in->len && e.nparts < NGX_EDGE_CACHE_PARTS) {
        e.part[e.nparts++] = fuzz_take(pool, in, "|");
    }

    size = ngx_edge_cache_entry_size(&e);
    data = ngx_pcalloc(pool, size);
    ngx_edge_cache_entry_write(&e, key, data);
    copy = fuzz_copy(pool, data, size);

    fuzz_check(ngx_edge_cache_entry_read(&got, key, copy.data, size)
               == NGX_OK);
    fuzz_check(got.nparts == e.nparts);

    for (i = 0; i < e.nparts; i++) {
        fuzz_check(fuzz_same(&got.part[i], &e.part[i]));
    }

    copy.data[at % size] ^= 1 + at % 255;

    fuzz_check(ngx_edge_cache_entry_read(&got, key, copy.data, size)
               == NGX_DECLINED);
}
