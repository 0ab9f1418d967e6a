
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The pull parser against the tree of jansson: both accept a text or both
 * refuse it, but for what only one of them bounds, and they read the same
 * values.
 */


/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_json.c */
/* libs: -ljansson -lm */
/* max_len: 1024 */
/* dict: json */

#include <float.h>
#include <math.h>
#include "fuzz.h"
#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"


static ngx_uint_t fuzz_lone(const ngx_str_t *json);
static void fuzz_value(ngx_pool_t *pool, ngx_edge_scan_t *s,
    ngx_edge_json_t *value);
static void fuzz_scalar(ngx_pool_t *pool, ngx_edge_scan_t *s,
    ngx_edge_json_t *value);
static void fuzz_number_same(ngx_edge_scan_t *s, ngx_edge_json_t *value);
static void fuzz_vector(ngx_str_t *in, ngx_edge_json_t *root);


/* Why the tree may refuse what the pull parser reads. */

static const char  *fuzz_stricter[] = {
    "the body holds a duplicate member name",
    "the body holds a NUL character",
    "the body holds a number out of range",      /* that is skipped here */
    NULL
};


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t               text;
    ngx_uint_t              i;
    ngx_edge_scan_t         s;
    ngx_edge_json_t        *root;
    ngx_edge_json_error_t   error;

    root = ngx_edge_json_parse(pool, in, NGX_EDGE_SCAN_DEPTH, &error);

    ngx_edge_scan_init(&s, in->data, in->len);
    (void) ngx_edge_scan_raw(&s, &text);

    if (ngx_edge_scan_end(&s) == NGX_OK) {
        fuzz_check(fuzz_within(in, &text));

        for (i = 0; root == NULL && !fuzz_lone(in); i++) {
            fuzz_check(fuzz_stricter[i] && error.detail);

            if (strcmp(fuzz_stricter[i], error.detail) == 0) {
                break;
            }
        }

    } else {
        fuzz_check(root == NULL);
        fuzz_check(s.error || s.pos < s.last);
        fuzz_check(!s.error || ngx_edge_scan_skip(&s) == NGX_ERROR);
    }

    if (root) {
        ngx_edge_scan_init(&s, in->data, in->len);
        fuzz_value(pool, &s, root);
        fuzz_check(ngx_edge_scan_end(&s) == NGX_OK);
    }

    fuzz_vector(in, root);
}


/* 1 if a string of the JSON has half a surrogate pair: none for jansson. */

static ngx_uint_t
fuzz_lone(const ngx_str_t *json)
{
    const u_char  *p, *start, *last;

    last = json->data + json->len;

    for (p = json->data; p < last; /* void */ ) {
        start = p;

        if (*p != '\\') {
            p++;

        } else if (last - p > 2 && p[1] != 'u') {
            p += 2;

        } else if (ngx_edge_utf8_unescape(&p, last) == 0xfffd
                   && (start[2] | 0x20) == 'd')
        {
            return 1;
        }
    }

    return 0;
}


static void
fuzz_value(ngx_pool_t *pool, ngx_edge_scan_t *s, ngx_edge_json_t *value)
{
    void                  *iter;
    ngx_str_t              key, name, text;
    ngx_uint_t             i;
    ngx_edge_json_t       *member;
    ngx_edge_scan_type_e   type;

    type = ngx_edge_scan_type(s);

    switch (ngx_edge_json_type(value)) {

    case ngx_edge_json_type_object:
        fuzz_check(type == ngx_edge_scan_type_object);
        fuzz_check(ngx_edge_scan_object(s) == NGX_OK);
        iter = NULL;

        while (ngx_edge_json_member(value, &iter, &name, &member)) {
            fuzz_check(ngx_edge_scan_member(s, &key) == NGX_OK);
            fuzz_check(ngx_edge_scan_decode(pool, &key, &text) == NGX_OK);
            fuzz_check(fuzz_same(&text, &name));
            fuzz_value(pool, s, member);
        }

        fuzz_check(ngx_edge_scan_member(s, &key) == NGX_DONE);
        break;

    case ngx_edge_json_type_array:
        fuzz_check(type == ngx_edge_scan_type_array);
        fuzz_check(ngx_edge_scan_array(s) == NGX_OK);

        for (i = 0; i < ngx_edge_json_size(value); i++) {
            fuzz_check(ngx_edge_scan_element(s) == NGX_OK);
            fuzz_value(pool, s, ngx_edge_json_at(value, i));
        }

        fuzz_check(ngx_edge_scan_element(s) == NGX_DONE);
        break;

    default:
        fuzz_scalar(pool, s, value);
    }
}


static void
fuzz_scalar(ngx_pool_t *pool, ngx_edge_scan_t *s, ngx_edge_json_t *value)
{
    ngx_str_t              raw, text, expected;
    ngx_edge_scan_type_e   type;

    type = ngx_edge_scan_type(s);

    switch (ngx_edge_json_type(value)) {

    case ngx_edge_json_type_string:
        fuzz_check(type == ngx_edge_scan_type_string);
        fuzz_check(ngx_edge_scan_string(s, &raw) == NGX_OK);
        fuzz_check(ngx_edge_scan_decode(pool, &raw, &text) == NGX_OK);
        ngx_edge_json_string(value, &expected);
        fuzz_check(fuzz_same(&text, &expected));
        break;

    case ngx_edge_json_type_number:
        fuzz_check(type == ngx_edge_scan_type_number);
        fuzz_number_same(s, value);
        break;

    case ngx_edge_json_type_bool:
        fuzz_check(type == (ngx_edge_json_bool(value)
                            ? ngx_edge_scan_type_true
                            : ngx_edge_scan_type_false));
        fuzz_check(ngx_edge_scan_skip(s) == NGX_OK);
        break;

    default:
        fuzz_check(type == ngx_edge_scan_type_null);
        fuzz_check(ngx_edge_scan_string_or_skip(s, &raw) == NGX_DECLINED);
        fuzz_check(raw.len == 0);
    }
}


/* The last bit may differ, but not of an integer in 0..2^53. */

static void
fuzz_number_same(ngx_edge_scan_t *s, ngx_edge_json_t *value)
{
    double            d, expected;
    int64_t           i;
    uint64_t          u;
    ngx_int_t         rc;
    ngx_edge_scan_t   again;

    again = *s;
    rc = ngx_edge_scan_uint(&again, &u);

    /* jansson does not tell 0 from -0 */

    if (ngx_edge_json_integer(value, &i) && i >= 0
        && i <= ((int64_t) 1 << 53) && *s->pos != '-')
    {
        fuzz_check(rc == NGX_OK && u == (uint64_t) i);

    } else {
        fuzz_check(rc == NGX_DECLINED);
    }

    fuzz_check(ngx_edge_scan_number(s, &d) == NGX_OK);
    fuzz_check(s->pos == again.pos);

    expected = ngx_edge_json_number(value);
    fuzz_check(fabs(d - expected) <= fabs(expected) * DBL_EPSILON + 5e-324);
}


/* An array of numbers, and nothing else, is a vector. */

static void
fuzz_vector(ngx_str_t *in, ngx_edge_json_t *root)
{
    ngx_str_t         text;
    ngx_uint_t        i, n, is;
    ngx_edge_scan_t   s;

    ngx_edge_scan_init(&s, in->data, in->len);

    if (ngx_edge_scan_vector(&s, &text, &n) == NGX_OK) {
        fuzz_check(fuzz_within(in, &text));
        fuzz_check(text.data[0] == '[' && text.data[text.len - 1] == ']');
    }

    if (root == NULL) {
        return;
    }

    is = ngx_edge_json_type(root) == ngx_edge_json_type_array;

    for (i = 0; is && i < ngx_edge_json_size(root); i++) {
        is = ngx_edge_json_type(ngx_edge_json_at(root, i))
             == ngx_edge_json_type_number;
    }

    fuzz_check(is == (ngx_edge_scan_end(&s) == NGX_OK));
    fuzz_check(!is || n == ngx_edge_json_size(root));
}
