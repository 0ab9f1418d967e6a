
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The pull parser: tokens, grammar, nesting.  No allocation but in decode.
 */


#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"

#include <math.h>


#define NGX_EDGE_SCAN_NUMBER  64       /* bytes of a number that is converted */


static void ngx_edge_scan_space(ngx_edge_scan_t *s);
static ngx_int_t ngx_edge_scan_fail(ngx_edge_scan_t *s);
static ngx_int_t ngx_edge_scan_enter(ngx_edge_scan_t *s, u_char c);
static ngx_int_t ngx_edge_scan_next(ngx_edge_scan_t *s, u_char close);
static ngx_int_t ngx_edge_scan_quoted(ngx_edge_scan_t *s, ngx_str_t *raw);
static ngx_int_t ngx_edge_scan_escape(ngx_edge_scan_t *s);
static ngx_int_t ngx_edge_scan_literal(ngx_edge_scan_t *s, const char *word);
static ngx_int_t ngx_edge_scan_digits(ngx_edge_scan_t *s);
static ngx_int_t ngx_edge_scan_numeral(ngx_edge_scan_t *s, ngx_str_t *text);
static ngx_int_t ngx_edge_scan_scalar(ngx_edge_scan_t *s);


/* Bytes that end the fast path of a string: control characters, the quote,
 * the backslash. */

static const u_char  ngx_edge_scan_stop[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['"'] = 1,
    ['\\'] = 1
};


void
ngx_edge_scan_init(ngx_edge_scan_t *s, u_char *data, size_t len)
{
    s->pos = data;
    s->last = data + len;
    s->depth = 0;
    s->first = 1;
    s->error = 0;
}


static void
ngx_edge_scan_space(ngx_edge_scan_t *s)
{
    while (s->pos < s->last
           && (*s->pos == ' ' || *s->pos == '\n' || *s->pos == '\r'
               || *s->pos == '\t'))
    {
        s->pos++;
    }
}


static ngx_int_t
ngx_edge_scan_fail(ngx_edge_scan_t *s)
{
    s->error = 1;
    s->pos = s->last;

    return NGX_ERROR;
}


ngx_edge_scan_type_e
ngx_edge_scan_type(ngx_edge_scan_t *s)
{
    ngx_edge_scan_space(s);

    if (s->error || s->pos == s->last) {
        return ngx_edge_scan_type_none;
    }

    switch (*s->pos) {

    case '{':
        return ngx_edge_scan_type_object;

    case '[':
        return ngx_edge_scan_type_array;

    case '"':
        return ngx_edge_scan_type_string;

    case 't':
        return ngx_edge_scan_type_true;

    case 'f':
        return ngx_edge_scan_type_false;

    case 'n':
        return ngx_edge_scan_type_null;

    default:
        return (*s->pos == '-' || (*s->pos >= '0' && *s->pos <= '9'))
               ? ngx_edge_scan_type_number : ngx_edge_scan_type_none;
    }
}


ngx_int_t
ngx_edge_scan_object(ngx_edge_scan_t *s)
{
    return ngx_edge_scan_enter(s, '{');
}


ngx_int_t
ngx_edge_scan_array(ngx_edge_scan_t *s)
{
    return ngx_edge_scan_enter(s, '[');
}


static ngx_int_t
ngx_edge_scan_enter(ngx_edge_scan_t *s, u_char c)
{
    ngx_edge_scan_space(s);

    if (s->error
        || s->pos == s->last
        || *s->pos != c
        || s->depth == NGX_EDGE_SCAN_DEPTH
        || (s->depth == 0 && !s->first))
    {
        return ngx_edge_scan_fail(s);
    }

    s->pos++;
    s->depth++;
    s->first = 1;

    return NGX_OK;
}


/* Moves to the next member or element: NGX_DONE behind the closing mark.  An
 * empty scan, or one that is not inside, ends too. */

static ngx_int_t
ngx_edge_scan_next(ngx_edge_scan_t *s, u_char close)
{
    ngx_edge_scan_space(s);

    if (s->error || s->depth == 0 || s->pos == s->last) {
        return ngx_edge_scan_fail(s);
    }

    if (*s->pos == close) {
        s->pos++;
        s->depth--;
        s->first = 0;
        return NGX_DONE;
    }

    if (s->first) {
        s->first = 0;
        return NGX_OK;
    }

    if (*s->pos != ',') {
        return ngx_edge_scan_fail(s);
    }

    s->pos++;

    ngx_edge_scan_space(s);

    if (s->pos == s->last || *s->pos == close) {
        return ngx_edge_scan_fail(s);  /* a comma with nothing behind it */
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_member(ngx_edge_scan_t *s, ngx_str_t *key)
{
    ngx_int_t  rc;

    rc = ngx_edge_scan_next(s, '}');

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_edge_scan_quoted(s, key) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_edge_scan_space(s);

    if (s->pos == s->last || *s->pos != ':') {
        return ngx_edge_scan_fail(s);
    }

    s->pos++;

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_element(ngx_edge_scan_t *s)
{
    return ngx_edge_scan_next(s, ']');
}


/* A string from its opening quote on; the text between the quotes. */

static ngx_int_t
ngx_edge_scan_quoted(ngx_edge_scan_t *s, ngx_str_t *raw)
{
    u_char  *p, high;

    if (s->error || s->pos == s->last || *s->pos != '"') {
        return ngx_edge_scan_fail(s);
    }

    p = ++s->pos;
    raw->data = p;
    high = 0;

    for ( ;; ) {

        while (p < s->last && !ngx_edge_scan_stop[*p]) {
            high |= *p++;
        }

        s->pos = p;

        if (p == s->last) {
            return ngx_edge_scan_fail(s);
        }

        if (*p == '"') {
            break;
        }

        if (*p != '\\' || ngx_edge_scan_escape(s) != NGX_OK) {
            return ngx_edge_scan_fail(s);
        }

        p = s->pos;
    }

    raw->len = p - raw->data;
    s->pos = p + 1;

    if ((high & 0x80) && !ngx_edge_utf8_valid(raw->data, raw->len)) {
        return ngx_edge_scan_fail(s);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_scan_escape(ngx_edge_scan_t *s)
{
    u_char      c;
    ngx_uint_t  i;

    s->pos++;

    if (s->pos == s->last) {
        return NGX_ERROR;
    }

    switch (*s->pos++) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return NGX_OK;

    case 'u':
        break;

    default:
        return NGX_ERROR;
    }

    if (s->last - s->pos < 4) {
        return NGX_ERROR;
    }

    for (i = 0; i < 4; i++) {
        c = *s->pos++;

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a'
                                         && (c | 0x20) <= 'f')))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_scan_literal(ngx_edge_scan_t *s, const char *word)
{
    size_t  len;

    len = ngx_strlen(word);

    if ((size_t) (s->last - s->pos) < len
        || ngx_memcmp(s->pos, word, len) != 0)
    {
        return ngx_edge_scan_fail(s);
    }

    s->pos += len;

    return NGX_OK;
}


/* One digit or more. */

static ngx_int_t
ngx_edge_scan_digits(ngx_edge_scan_t *s)
{
    u_char  *start;

    start = s->pos;

    while (s->pos < s->last && *s->pos >= '0' && *s->pos <= '9') {
        s->pos++;
    }

    return (s->pos > start) ? NGX_OK : NGX_ERROR;
}


/* RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */

static ngx_int_t
ngx_edge_scan_numeral(ngx_edge_scan_t *s, ngx_str_t *text)
{
    text->data = s->pos;

    if (s->pos < s->last && *s->pos == '-') {
        s->pos++;
    }

    if (s->pos < s->last && *s->pos == '0') {
        s->pos++;

    } else if (ngx_edge_scan_digits(s) != NGX_OK) {
        return ngx_edge_scan_fail(s);
    }

    if (s->pos < s->last && *s->pos == '.') {
        s->pos++;

        if (ngx_edge_scan_digits(s) != NGX_OK) {
            return ngx_edge_scan_fail(s);
        }
    }

    if (s->pos < s->last && (*s->pos | 0x20) == 'e') {
        s->pos++;

        if (s->pos < s->last && (*s->pos == '+' || *s->pos == '-')) {
            s->pos++;
        }

        if (ngx_edge_scan_digits(s) != NGX_OK) {
            return ngx_edge_scan_fail(s);
        }
    }

    text->len = s->pos - text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_edge_scan_scalar(ngx_edge_scan_t *s)
{
    ngx_str_t  text;

    switch (ngx_edge_scan_type(s)) {

    case ngx_edge_scan_type_string:
        return ngx_edge_scan_quoted(s, &text);

    case ngx_edge_scan_type_number:
        return ngx_edge_scan_numeral(s, &text);

    case ngx_edge_scan_type_true:
        return ngx_edge_scan_literal(s, "true");

    case ngx_edge_scan_type_false:
        return ngx_edge_scan_literal(s, "false");

    case ngx_edge_scan_type_null:
        return ngx_edge_scan_literal(s, "null");

    default:
        return ngx_edge_scan_fail(s);
    }
}


/*
 * Without recursion: a bit per level says whether it is an object.  Levels
 * that were entered before the call stay as they are.
 */

ngx_int_t
ngx_edge_scan_skip(ngx_edge_scan_t *s)
{
    uint64_t               objects;
    ngx_int_t              rc;
    ngx_str_t              key;
    ngx_uint_t             base;
    ngx_edge_scan_type_e   type;

    base = s->depth;
    objects = 0;

    for ( ;; ) {
        type = ngx_edge_scan_type(s);

        if (type == ngx_edge_scan_type_object
            || type == ngx_edge_scan_type_array)
        {
            rc = ngx_edge_scan_enter(s, *s->pos);

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

            objects = (objects << 1) | (type == ngx_edge_scan_type_object);

        } else if (ngx_edge_scan_scalar(s) != NGX_OK) {
            return NGX_ERROR;
        }

        /* to the next value of the innermost level that has one */

        for ( ;; ) {

            if (s->depth == base) {
                s->first = 0;
                return NGX_OK;
            }

            rc = (objects & 1) ? ngx_edge_scan_member(s, &key)
                               : ngx_edge_scan_element(s);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                break;
            }

            objects >>= 1;
        }
    }
}


ngx_int_t
ngx_edge_scan_raw(ngx_edge_scan_t *s, ngx_str_t *text)
{
    ngx_edge_scan_space(s);

    text->data = s->pos;
    text->len = 0;

    if (ngx_edge_scan_skip(s) != NGX_OK) {
        return NGX_ERROR;
    }

    text->len = s->pos - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_string(ngx_edge_scan_t *s, ngx_str_t *raw)
{
    ngx_edge_scan_space(s);

    s->first = 0;

    return ngx_edge_scan_quoted(s, raw);
}


ngx_int_t
ngx_edge_scan_string_or_skip(ngx_edge_scan_t *s, ngx_str_t *raw)
{
    if (ngx_edge_scan_type(s) == ngx_edge_scan_type_string) {
        return ngx_edge_scan_string(s, raw);
    }

    ngx_str_null(raw);

    return (ngx_edge_scan_skip(s) == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_edge_scan_number(ngx_edge_scan_t *s, double *n)
{
    char       buf[NGX_EDGE_SCAN_NUMBER];
    ngx_str_t  text;

    ngx_edge_scan_space(s);

    s->first = 0;

    if (s->error || ngx_edge_scan_numeral(s, &text) != NGX_OK) {
        return ngx_edge_scan_fail(s);
    }

    if (text.len >= sizeof(buf)) {
        return ngx_edge_scan_fail(s);
    }

    /* strtod() needs an end, which the text has not */

    ngx_memcpy(buf, text.data, text.len);
    buf[text.len] = '\0';

    *n = strtod(buf, NULL);

    if (!isfinite(*n)) {
        return ngx_edge_scan_fail(s);
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_uint(ngx_edge_scan_t *s, uint64_t *n)
{
    size_t     i;
    uint64_t   value;
    ngx_str_t  text;

    if (ngx_edge_scan_type(s) != ngx_edge_scan_type_number) {
        return (ngx_edge_scan_skip(s) == NGX_OK) ? NGX_DECLINED : NGX_ERROR;
    }

    s->first = 0;

    if (ngx_edge_scan_numeral(s, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    value = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return NGX_DECLINED;
        }

        value = value * 10 + (text.data[i] - '0');

        if (value > ((uint64_t) 1 << 53)) {
            return NGX_DECLINED;
        }
    }

    *n = value;

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_vector(ngx_edge_scan_t *s, ngx_str_t *text, ngx_uint_t *n)
{
    ngx_str_t  number;

    ngx_edge_scan_space(s);

    text->data = s->pos;
    *n = 0;

    if (ngx_edge_scan_enter(s, '[') != NGX_OK) {
        return NGX_ERROR;
    }

    while (ngx_edge_scan_next(s, ']') == NGX_OK) {

        ngx_edge_scan_space(s);

        if (ngx_edge_scan_numeral(s, &number) != NGX_OK) {
            return NGX_ERROR;
        }

        (*n)++;
    }

    if (s->error) {
        return NGX_ERROR;
    }

    text->len = s->pos - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_end(ngx_edge_scan_t *s)
{
    ngx_edge_scan_space(s);

    /* first: not even one value was there */

    if (s->error || s->depth || s->first || s->pos != s->last) {
        return ngx_edge_scan_fail(s);
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_scan_decode(ngx_pool_t *pool, const ngx_str_t *raw, ngx_str_t *text)
{
    u_char        *dst;
    const u_char  *p, *last;

    p = raw->data;
    last = p + raw->len;

    if (raw->len == 0 || ngx_strlchr((u_char *) p, (u_char *) last, '\\')
                         == NULL)
    {
        *text = *raw;
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    dst = ngx_pnalloc(pool, raw->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    text->data = dst;

    while (p < last) {

        if (*p != '\\' || last - p < 2) {
            *dst++ = *p++;
            continue;
        }

        switch (p[1]) {

        case 'u':
            dst = ngx_edge_utf8_put(dst, ngx_edge_utf8_unescape(&p, last));
            continue;

        case 'b':
            *dst++ = '\b';
            break;

        case 'f':
            *dst++ = '\f';
            break;

        case 'n':
            *dst++ = '\n';
            break;

        case 'r':
            *dst++ = '\r';
            break;

        case 't':
            *dst++ = '\t';
            break;

        default:
            *dst++ = p[1];
        }

        p += 2;
    }

    text->len = dst - text->data;

    return NGX_OK;
}
