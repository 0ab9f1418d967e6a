
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The border to jansson.  Its parser recurses per level of nesting, so the
 * depth is bounded by a pass over the text before it starts.
 */


#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_utf8.h"

#include <jansson.h>


static ngx_uint_t ngx_edge_json_deeper(const ngx_str_t *text,
    ngx_uint_t depth);
static const u_char *ngx_edge_json_quote(const u_char *p, const u_char *last);
static const char *ngx_edge_json_detail(const json_error_t *error);
static void ngx_edge_json_cleanup(void *data);


ngx_edge_json_t *
ngx_edge_json_parse(ngx_pool_t *pool, const ngx_str_t *text, ngx_uint_t depth,
    ngx_edge_json_error_t *error)
{
    json_t              *root;
    json_error_t         je;
    ngx_pool_cleanup_t  *cln;

    ngx_memzero(error, sizeof(ngx_edge_json_error_t));
    ngx_str_set(&error->pointer, "");

    if (!ngx_edge_utf8_valid(text->data, text->len)) {
        error->detail = "the body is not valid UTF-8";
        return NULL;
    }

    /* jansson overlooks a NUL byte behind a number or a literal */

    if (text->len && memchr(text->data, '\0', text->len)) {
        error->detail = "the body is not JSON";
        return NULL;
    }

    if (ngx_edge_json_deeper(text, depth)) {
        error->detail = "the body is nested too deep";
        return NULL;
    }

    /* first the cleanup, then what it releases */

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(&je, sizeof(json_error_t));   /* not all of it is set */

    root = json_loadb((char *) text->data, text->len,
                      JSON_REJECT_DUPLICATES|JSON_DECODE_ANY, &je);
    if (root == NULL) {
        error->detail = ngx_edge_json_detail(&je);
        return NULL;
    }

    cln->handler = ngx_edge_json_cleanup;
    cln->data = root;

    return root;
}


/* 1 if brackets outside strings nest deeper; a text that is not JSON may give
 * any answer, the parser refuses it anyway. */

static ngx_uint_t
ngx_edge_json_deeper(const ngx_str_t *text, ngx_uint_t depth)
{
    size_t         level;
    const u_char  *p, *last;

    level = 0;
    last = text->len ? text->data + text->len : text->data;

    for (p = text->data; p < last; p++) {

        switch (*p) {

        case '"':
            p = ngx_edge_json_quote(p + 1, last);

            if (p == last) {
                return 0;
            }

            break;

        case '{':
        case '[':
            if (++level > depth) {
                return 1;
            }

            break;

        case '}':
        case ']':
            level -= (level > 0);
            break;
        }
    }

    return 0;
}


/* The quote that ends the string beginning at p, or last. */

static const u_char *
ngx_edge_json_quote(const u_char *p, const u_char *last)
{
    const u_char  *quote, *slash;

    while (p < last) {

        quote = memchr(p, '"', last - p);
        if (quote == NULL) {
            return last;
        }

        /* an odd number of backslashes before it makes it part of the text */

        for (slash = quote; slash > p && slash[-1] == '\\'; slash--) {
            /* void */
        }

        if ((quote - slash) % 2 == 0) {
            return quote;
        }

        p = quote + 1;
    }

    return last;
}


/* The sentence for an error of jansson; NULL is no memory. */

static const char *
ngx_edge_json_detail(const json_error_t *error)
{
    switch (json_error_code(error)) {

    case json_error_unknown:           /* jansson is silent about malloc() */
    case json_error_out_of_memory:
        return NULL;

    case json_error_duplicate_key:
        return "the body holds a duplicate member name";

    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "the body holds a NUL character";

    case json_error_numeric_overflow:
        return "the body holds a number out of range";

    case json_error_invalid_utf8:
        return "the body is not valid UTF-8";

    case json_error_stack_overflow:
        return "the body is nested too deep";

    default:
        return "the body is not JSON";
    }
}


static void
ngx_edge_json_cleanup(void *data)
{
    json_decref(data);
}


ngx_edge_json_type_e
ngx_edge_json_type(const ngx_edge_json_t *value)
{
    switch (json_typeof((const json_t *) value)) {

    case JSON_OBJECT:
        return ngx_edge_json_type_object;

    case JSON_ARRAY:
        return ngx_edge_json_type_array;

    case JSON_STRING:
        return ngx_edge_json_type_string;

    case JSON_INTEGER:
    case JSON_REAL:
        return ngx_edge_json_type_number;

    case JSON_TRUE:
    case JSON_FALSE:
        return ngx_edge_json_type_bool;

    default:
        return ngx_edge_json_type_null;
    }
}


ngx_edge_json_t *
ngx_edge_json_get(const ngx_edge_json_t *object, const char *name)
{
    return json_object_get(object, name);
}


ngx_uint_t
ngx_edge_json_size(const ngx_edge_json_t *value)
{
    return json_is_array((const json_t *) value) ? json_array_size(value)
                                                 : json_object_size(value);
}


ngx_edge_json_t *
ngx_edge_json_at(const ngx_edge_json_t *array, ngx_uint_t i)
{
    return json_array_get(array, i);
}


ngx_uint_t
ngx_edge_json_member(const ngx_edge_json_t *object, void **iter,
    ngx_str_t *name, ngx_edge_json_t **value)
{
    json_t  *o;

    o = (json_t *) object;

    *iter = *iter ? json_object_iter_next(o, *iter) : json_object_iter(o);

    if (*iter == NULL) {
        return 0;
    }

    name->data = (u_char *) json_object_iter_key(*iter);
    name->len = ngx_strlen(name->data);
    *value = json_object_iter_value(*iter);

    return 1;
}


void
ngx_edge_json_string(const ngx_edge_json_t *value, ngx_str_t *text)
{
    text->data = (u_char *) json_string_value(value);
    text->len = json_string_length(value);
}


ngx_uint_t
ngx_edge_json_integer(const ngx_edge_json_t *value, int64_t *n)
{
    *n = json_integer_value(value);

    return json_is_integer((const json_t *) value);
}


double
ngx_edge_json_number(const ngx_edge_json_t *value)
{
    return json_number_value(value);
}


ngx_uint_t
ngx_edge_json_bool(const ngx_edge_json_t *value)
{
    return json_is_true((const json_t *) value);
}


ngx_int_t
ngx_edge_json_pointer(ngx_pool_t *pool, const ngx_str_t *base,
    const ngx_str_t *name, ngx_str_t *pointer)
{
    size_t   i;
    u_char  *p;

    p = ngx_pnalloc(pool, base->len + 1 + 2 * name->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    pointer->data = p;

    if (base->len) {
        p = ngx_cpymem(p, base->data, base->len);
    }

    *p++ = '/';

    for (i = 0; i < name->len; i++) {

        if (name->data[i] == '~' || name->data[i] == '/') {
            *p++ = '~';
            *p++ = (name->data[i] == '~') ? '0' : '1';
            continue;
        }

        *p++ = name->data[i];
    }

    pointer->len = p - pointer->data;

    return NGX_OK;
}
