
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Client JSON: whatever is accepted is valid UTF-8 without NUL, no deeper than
 * allowed, and written out it is read as the same again.  The first line is
 * the depth.
 */


/* sources: lib/ngx_edge_json.c lib/ngx_edge_utf8.c lib/ngx_edge_buf.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -ljansson */
/* max_len: 1024 */
/* dict: json */

#include "fuzz.h"
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_utf8.h"


static void fuzz_write(ngx_edge_buf_t *b, ngx_edge_json_t *value,
    ngx_uint_t depth);
static void fuzz_write_object(ngx_edge_buf_t *b, ngx_edge_json_t *value,
    ngx_uint_t depth);
static void fuzz_text(const ngx_str_t *text);
static void fuzz_pointer(ngx_pool_t *pool, const ngx_str_t *in);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t               line, first, second;
    ngx_uint_t              depth;
    ngx_edge_buf_t          b;
    ngx_edge_json_t        *root;
    ngx_edge_json_error_t   error;

    line = fuzz_take(pool, in, "\n");
    depth = fuzz_number(&line, 64);

    fuzz_pointer(pool, in);

    root = ngx_edge_json_parse(pool, in, depth, &error);

    if (root == NULL) {
        fuzz_check(error.detail != NULL);
        return;
    }

    ngx_edge_buf_init(&b, pool, 64, 1 << 20);
    fuzz_write(&b, root, depth);
    fuzz_check(ngx_edge_buf_done(&b, &first) == NGX_OK);

    root = ngx_edge_json_parse(pool, &first, depth, &error);
    fuzz_check(root != NULL);

    ngx_edge_buf_init(&b, pool, 64, 1 << 20);
    fuzz_write(&b, root, depth);
    fuzz_check(ngx_edge_buf_done(&b, &second) == NGX_OK);
    fuzz_check(fuzz_same(&first, &second));
}


static void
fuzz_write(ngx_edge_buf_t *b, ngx_edge_json_t *value, ngx_uint_t depth)
{
    int64_t     n;
    ngx_str_t   text;
    ngx_uint_t  i;

    switch (ngx_edge_json_type(value)) {

    case ngx_edge_json_type_object:
        fuzz_check(depth > 0);
        fuzz_write_object(b, value, depth - 1);
        break;

    case ngx_edge_json_type_array:
        fuzz_check(depth > 0);
        ngx_edge_buf_byte(b, '[');

        for (i = 0; i < ngx_edge_json_size(value); i++) {
            if (i) {
                ngx_edge_buf_byte(b, ',');
            }

            fuzz_write(b, ngx_edge_json_at(value, i), depth - 1);
        }

        ngx_edge_buf_byte(b, ']');
        break;

    case ngx_edge_json_type_string:
        ngx_edge_json_string(value, &text);
        fuzz_text(&text);
        ngx_edge_buf_json(b, text.data, text.len);
        break;

    case ngx_edge_json_type_number:
        if (ngx_edge_json_integer(value, &n)) {
            ngx_edge_buf_int(b, n);
            break;
        }

        ngx_edge_buf_number(b, ngx_edge_json_number(value));
        break;

    case ngx_edge_json_type_bool:
        text = fuzz_str(ngx_edge_json_bool(value) ? "true" : "false");
        ngx_edge_buf_str(b, &text);
        break;

    default:
        ngx_edge_buf_lit(b, "null");
    }
}


static void
fuzz_write_object(ngx_edge_buf_t *b, ngx_edge_json_t *value, ngx_uint_t depth)
{
    void             *iter;
    char             *z;
    ngx_str_t         name;
    ngx_uint_t        n;
    ngx_edge_json_t  *member;

    iter = NULL;
    n = 0;
    ngx_edge_buf_byte(b, '{');

    while (ngx_edge_json_member(value, &iter, &name, &member)) {
        if (n++) {
            ngx_edge_buf_byte(b, ',');
        }

        fuzz_text(&name);

        z = ngx_pcalloc(b->pool, name.len + 1);
        memcpy(z, name.data, name.len);
        fuzz_check(ngx_edge_json_get(value, z) == member);

        ngx_edge_buf_json(b, name.data, name.len);
        ngx_edge_buf_byte(b, ':');
        fuzz_write(b, member, depth);
    }

    fuzz_check(n == ngx_edge_json_size(value));
    ngx_edge_buf_byte(b, '}');
}


static void
fuzz_text(const ngx_str_t *text)
{
    fuzz_check(ngx_edge_utf8_valid(text->data, text->len));
    fuzz_check(text->len == 0
               || memchr(text->data, '\0', text->len) == NULL);
}


/* One reference token: only its first byte is a slash. */

static void
fuzz_pointer(ngx_pool_t *pool, const ngx_str_t *in)
{
    size_t     i, n;
    ngx_str_t  base, pointer;

    base = fuzz_str("");
    fuzz_check(ngx_edge_json_pointer(pool, &base, in, &pointer) == NGX_OK);
    fuzz_check(pointer.len > in->len && pointer.data[0] == '/');

    for (n = 0, i = 1; i < pointer.len; i++, n++) {
        fuzz_check(pointer.data[i] != '/');

        if (pointer.data[i] == '~') {
            i++;
            fuzz_check(in->data[n] == (pointer.data[i] == '0' ? '~' : '/'));
            continue;
        }

        fuzz_check(in->data[n] == pointer.data[i]);
    }

    fuzz_check(n == in->len);
}
