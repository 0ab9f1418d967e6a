
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks that repeat: what is taken for a chunk with another text is read
 * whole the same way, and is JSON.  The first line is a chunk, the second any
 * other; the third is put where the first one's padding was, the rest where
 * its text was.
 */


/* sources: rag/ngx_edge_repeat.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_utf8.c */
/* libs: -lm */
/* max_len: 2048 */
/* dict: json */

#include "fuzz.h"
#include "lib/ngx_edge_scan.h"
#include "rag/ngx_edge_repeat.h"


static ngx_str_t fuzz_made(const ngx_str_t *chunk, const ngx_str_t *text,
    const ngx_str_t *padding, const ngx_str_t *in, const ngx_str_t *pad);
static void fuzz_chunk(const ngx_edge_repeat_t *repeat, ngx_str_t *chunk,
    const ngx_str_t *text, const ngx_str_t *pad);
static ngx_uint_t fuzz_read(const ngx_str_t *chunk, ngx_str_t *text,
    ngx_str_t *padding);
static void fuzz_walk(ngx_edge_scan_t *s, ngx_str_t *text, ngx_str_t *padding);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t             len;
    ngx_str_t          first, second, pad, text, padding, made;
    ngx_edge_repeat_t  repeat;

    first = fuzz_take(pool, in, "\n");
    second = fuzz_take(pool, in, "\n");
    pad = fuzz_take(pool, in, "\n");

    if (!fuzz_read(&first, &text, &padding)) {
        return;
    }

    memset(&repeat, 0, sizeof(ngx_edge_repeat_t));
    ngx_edge_repeat_keep(&repeat, pool, &first, &text, &padding);

    if (padding.data < text.data) {
        padding.data = text.data + text.len;    /* it is not one, then */
        padding.len = 0;
    }

    len = first.len - text.len - padding.len;

    if (text.len == 0 || len > NGX_EDGE_REPEAT_MAX) {
        fuzz_check(repeat.before == 0);
        return;
    }

    fuzz_check(repeat.before == (size_t) (text.data - first.data));
    fuzz_check(repeat.before + repeat.between + repeat.behind == len);

    fuzz_chunk(&repeat, &first, &text, &padding);
    fuzz_chunk(&repeat, &second, NULL, NULL);

    if (repeat.between == 0) {
        pad.len = 0;
    }

    made = fuzz_made(&first, &text, &padding, in, &pad);
    text.data = made.data + repeat.before;
    text.len = in->len;
    pad.data = text.data + text.len + repeat.between;
    fuzz_chunk(&repeat, &made, &text, &pad);

    free(made.data);
}


/* The chunk with in for its text, and pad for its padding. */

static ngx_str_t
fuzz_made(const ngx_str_t *chunk, const ngx_str_t *text,
    const ngx_str_t *padding, const ngx_str_t *in, const ngx_str_t *pad)
{
    u_char     *p, *end;
    ngx_str_t   made;

    p = malloc(chunk->len + in->len + pad->len);
    made.data = p;

    end = text->data + text->len;
    p = ngx_cpymem(p, chunk->data, text->data - chunk->data);
    p = in->len ? ngx_cpymem(p, in->data, in->len) : p;
    p = ngx_cpymem(p, end, padding->data - end);
    p = pad->len ? ngx_cpymem(p, pad->data, pad->len) : p;
    end = padding->data + padding->len;
    p = ngx_cpymem(p, end, chunk->data + chunk->len - end);

    made.len = p - made.data;

    return made;
}


/* A chunk which repeats the kept one if it reads as text and pad where these
 * are; without them is known only what a repeated one is. */

static void
fuzz_chunk(const ngx_edge_repeat_t *repeat, ngx_str_t *chunk,
    const ngx_str_t *text, const ngx_str_t *pad)
{
    ngx_int_t   rc;
    ngx_str_t   read, got, padding;
    ngx_uint_t  good;

    ngx_str_set(&got, "as it was");

    rc = ngx_edge_repeat_read(repeat, chunk, &got);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && got.len == 9);
    }

    good = fuzz_read(chunk, &read, &padding);

    if (rc == NGX_OK) {
        fuzz_check(good && got.data == read.data && got.len == read.len);
    }

    if (text
        && good
        && read.data == text->data && read.len == text->len
        && (repeat->between == 0
            || (padding.data == pad->data && padding.len == pad->len)))
    {
        fuzz_check(rc == NGX_OK);
    }
}


/* The last strings named "text" and "pad" of a chunk, at any depth: 1 if it is
 * JSON and holds a text. */

static ngx_uint_t
fuzz_read(const ngx_str_t *chunk, ngx_str_t *text, ngx_str_t *padding)
{
    ngx_edge_scan_t  s;

    ngx_str_null(text);
    ngx_str_null(padding);

    ngx_edge_scan_init(&s, chunk->data, chunk->len);
    fuzz_walk(&s, text, padding);

    return ngx_edge_scan_end(&s) == NGX_OK && text->data;
}


static void
fuzz_walk(ngx_edge_scan_t *s, ngx_str_t *text, ngx_str_t *padding)
{
    ngx_str_t   key;
    ngx_uint_t  string;

    switch (ngx_edge_scan_type(s)) {

    case ngx_edge_scan_type_object:
        (void) ngx_edge_scan_object(s);

        while (ngx_edge_scan_member(s, &key) == NGX_OK) {
            string = (ngx_edge_scan_type(s) == ngx_edge_scan_type_string);

            if (string && ngx_edge_scan_is(&key, "text")) {
                (void) ngx_edge_scan_string(s, text);

            } else if (string && ngx_edge_scan_is(&key, "pad")) {
                (void) ngx_edge_scan_string(s, padding);

            } else {
                fuzz_walk(s, text, padding);
            }
        }

        break;

    case ngx_edge_scan_type_array:
        (void) ngx_edge_scan_array(s);

        while (ngx_edge_scan_element(s) == NGX_OK) {
            fuzz_walk(s, text, padding);
        }

        break;

    default:
        (void) ngx_edge_scan_skip(s);
    }
}
