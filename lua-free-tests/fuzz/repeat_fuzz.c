
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks that repeat: what is taken for a chunk with another text is read
 * whole the same way, and is JSON.  The first line is a chunk, the second any
 * other; the rest is put where the first one's text was.
 */


/* sources: rag/ngx_edge_repeat.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_utf8.c */
/* libs: -lm */
/* max_len: 2048 */
/* dict: json */

#include "fuzz.h"
#include "lib/ngx_edge_scan.h"
#include "rag/ngx_edge_repeat.h"


static void fuzz_chunk(const ngx_edge_repeat_t *repeat, ngx_str_t *chunk,
    const ngx_str_t *text);
static ngx_uint_t fuzz_read(const ngx_str_t *chunk, ngx_str_t *text);
static void fuzz_walk(ngx_edge_scan_t *s, ngx_str_t *text);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t             before;
    u_char            *p;
    ngx_str_t          first, second, text, made;
    ngx_edge_repeat_t  repeat;

    first = fuzz_take(pool, in, "\n");
    second = fuzz_take(pool, in, "\n");

    if (!fuzz_read(&first, &text)) {
        return;
    }

    memset(&repeat, 0, sizeof(ngx_edge_repeat_t));
    ngx_edge_repeat_keep(&repeat, pool, &first, &text);

    if (text.len == 0 || first.len - text.len > NGX_EDGE_REPEAT_MAX) {
        fuzz_check(repeat.before == 0);
        return;
    }

    before = text.data - first.data;
    fuzz_check(repeat.before == before);
    fuzz_chunk(&repeat, &first, &text);
    fuzz_chunk(&repeat, &second, NULL);

    p = malloc(first.len - text.len + in->len);
    made.data = p;
    p = ngx_cpymem(p, first.data, before);
    p = in->len ? ngx_cpymem(p, in->data, in->len) : p;
    p = ngx_cpymem(p, text.data + text.len, first.len - before - text.len);
    made.len = p - made.data;

    text.data = made.data + before;
    text.len = in->len;
    fuzz_chunk(&repeat, &made, &text);

    free(made.data);
}


/* A chunk which repeats the kept one if its text is that one, and a string;
 * of a chunk without it is known only what a repeated one is. */

static void
fuzz_chunk(const ngx_edge_repeat_t *repeat, ngx_str_t *chunk,
    const ngx_str_t *text)
{
    ngx_int_t   rc;
    ngx_str_t   read, got;
    ngx_uint_t  good;

    ngx_str_set(&got, "as it was");

    rc = ngx_edge_repeat_read(repeat, chunk, &got);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && got.len == 9);
    }

    good = fuzz_read(chunk, &read);

    if (rc == NGX_OK) {
        fuzz_check(good && got.data == read.data && got.len == read.len);
    }

    if (text && good && read.data == text->data && read.len == text->len) {
        fuzz_check(rc == NGX_OK);
    }
}


/* The last string named "text" of a chunk, at any depth: 1 if there is one,
 * and the chunk is JSON. */

static ngx_uint_t
fuzz_read(const ngx_str_t *chunk, ngx_str_t *text)
{
    ngx_edge_scan_t  s;

    ngx_str_null(text);

    ngx_edge_scan_init(&s, chunk->data, chunk->len);
    fuzz_walk(&s, text);

    return ngx_edge_scan_end(&s) == NGX_OK && text->data;
}


static void
fuzz_walk(ngx_edge_scan_t *s, ngx_str_t *text)
{
    ngx_str_t  key;

    switch (ngx_edge_scan_type(s)) {

    case ngx_edge_scan_type_object:
        (void) ngx_edge_scan_object(s);

        while (ngx_edge_scan_member(s, &key) == NGX_OK) {

            if (ngx_edge_scan_is(&key, "text")
                && ngx_edge_scan_type(s) == ngx_edge_scan_type_string)
            {
                (void) ngx_edge_scan_string(s, text);

            } else {
                fuzz_walk(s, text);
            }
        }

        break;

    case ngx_edge_scan_type_array:
        (void) ngx_edge_scan_array(s);

        while (ngx_edge_scan_element(s) == NGX_OK) {
            fuzz_walk(s, text);
        }

        break;

    default:
        (void) ngx_edge_scan_skip(s);
    }
}
