
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The pull parser: tokens, grammar, nesting.  Strings and digits are passed
 * eight bytes at a time, and nothing reads at or behind s->last.  What a value
 * is worth is in ngx_edge_scan_value.c.
 */


#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"
#include "lib/ngx_edge_word.h"


/* Not 0 if one of the eight bytes is not a digit; the lowest byte that is not
 * 0 is right, those above it may have taken a carry. */
#define ngx_edge_scan_other(word)                                             \
    ((((word) & 0xf0f0f0f0f0f0f0f0ULL)                                        \
      | ((((word) + 0x0606060606060606ULL) & 0xf0f0f0f0f0f0f0f0ULL) >> 4))    \
     ^ 0x3333333333333333ULL)


static ngx_int_t ngx_edge_scan_fail(ngx_edge_scan_t *s);
static ngx_inline u_char *ngx_edge_scan_space(u_char *p, u_char *last);
static ngx_int_t ngx_edge_scan_value(ngx_edge_scan_t *s);
static ngx_int_t ngx_edge_scan_enter(ngx_edge_scan_t *s, u_char c);
static ngx_int_t ngx_edge_scan_next(ngx_edge_scan_t *s, u_char close);
static ngx_int_t ngx_edge_scan_quoted(ngx_edge_scan_t *s, ngx_str_t *raw);
static ngx_inline u_char *ngx_edge_scan_plain(u_char *p, u_char *last,
    uint64_t *high);
static u_char *ngx_edge_scan_escape(u_char *p, u_char *last);
static ngx_int_t ngx_edge_scan_literal(ngx_edge_scan_t *s, const char *word,
    size_t len);
static ngx_inline u_char *ngx_edge_scan_digits(u_char *p, u_char *last);
static ngx_inline u_char *ngx_edge_scan_numeral(u_char *p, u_char *last);
static ngx_inline u_char *ngx_edge_scan_fraction(u_char *p, u_char *last);
static ngx_int_t ngx_edge_scan_scalar(ngx_edge_scan_t *s);


/* Bytes that cannot stand in a string as they are, and its end. */

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
    s->last = len ? data + len : data;
    s->depth = 0;
    s->first = 1;
    s->error = 0;
}


static ngx_int_t
ngx_edge_scan_fail(ngx_edge_scan_t *s)
{
    s->error = 1;
    s->pos = s->last;

    return NGX_ERROR;
}


static ngx_inline u_char *
ngx_edge_scan_space(u_char *p, u_char *last)
{
    while (p < last
           && *p <= ' '
           && (*p == ' ' || *p == LF || *p == CR || *p == '\t'))
    {
        p++;

        /* the indentation of a text made to be read */

        while (last - p >= 8 && ngx_edge_word(p) == NGX_EDGE_WORD_ONES * ' ') {
            p += 8;
        }
    }

    return p;
}


/* Moves to the first byte of a value; there is one, and it is allowed. */

static ngx_int_t
ngx_edge_scan_value(ngx_edge_scan_t *s)
{
    s->pos = ngx_edge_scan_space(s->pos, s->last);

    if (s->error
        || s->pos == s->last
        || (s->depth == 0 && !s->first))     /* a second root value */
    {
        return ngx_edge_scan_fail(s);
    }

    s->first = 0;

    return NGX_OK;
}


ngx_edge_scan_type_e
ngx_edge_scan_type(ngx_edge_scan_t *s)
{
    s->pos = ngx_edge_scan_space(s->pos, s->last);

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
    if (ngx_edge_scan_value(s) != NGX_OK) {
        return NGX_ERROR;
    }

    if (*s->pos != c || s->depth == NGX_EDGE_SCAN_DEPTH) {
        return ngx_edge_scan_fail(s);
    }

    s->pos++;
    s->depth++;
    s->first = 1;

    return NGX_OK;
}


/* Moves to the next member or element: NGX_DONE behind the closing mark. */

static ngx_int_t
ngx_edge_scan_next(ngx_edge_scan_t *s, u_char close)
{
    u_char  *p;

    p = ngx_edge_scan_space(s->pos, s->last);

    if (s->error || s->depth == 0 || p == s->last) {
        return ngx_edge_scan_fail(s);
    }

    if (*p == close) {
        s->pos = p + 1;
        s->depth--;
        s->first = 0;
        return NGX_DONE;
    }

    if (s->first) {
        s->first = 0;
        s->pos = p;
        return NGX_OK;
    }

    if (*p != ',') {
        return ngx_edge_scan_fail(s);
    }

    s->pos = ngx_edge_scan_space(p + 1, s->last);

    /* a comma with nothing behind it */

    if (s->pos == s->last || *s->pos == close) {
        return ngx_edge_scan_fail(s);
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

    s->pos = ngx_edge_scan_space(s->pos, s->last);

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


/* A string whose quote is at s->pos < s->last: the text between the quotes.
 * UTF-8 is checked at the end, and only if there was more than ASCII. */

static ngx_int_t
ngx_edge_scan_quoted(ngx_edge_scan_t *s, ngx_str_t *raw)
{
    u_char    *p, *last;
    uint64_t   high;

    if (*s->pos != '"') {
        return ngx_edge_scan_fail(s);
    }

    p = s->pos + 1;
    last = s->last;
    raw->data = p;
    high = 0;

    for ( ;; ) {
        p = ngx_edge_scan_plain(p, last, &high);

        if (p == last) {
            return ngx_edge_scan_fail(s);
        }

        if (*p == '"') {
            break;
        }

        p = ngx_edge_scan_escape(p, last);
        if (p == NULL) {
            return ngx_edge_scan_fail(s);
        }
    }

    raw->len = p - raw->data;

    if ((high & NGX_EDGE_WORD_HIGH)
        && !ngx_edge_utf8_valid(raw->data, raw->len))
    {
        return ngx_edge_scan_fail(s);
    }

    s->pos = p + 1;

    return NGX_OK;
}


/* The first byte at or behind p that cannot stand in a string as it is, or
 * last; those before it are collected in high. */

static ngx_inline u_char *
ngx_edge_scan_plain(u_char *p, u_char *last, uint64_t *high)
{
    uint64_t    word, special;
    ngx_uint_t  n;

    while (last - p >= 8) {
        word = ngx_edge_word(p);
        special = ngx_edge_word_special(word);

        if (special) {
            n = ngx_edge_word_first(special);
            *high |= ngx_edge_word_head(word, n);
            return p + n;
        }

        *high |= word;
        p += 8;
    }

    while (p < last && !ngx_edge_scan_stop[*p]) {
        *high |= *p++;
    }

    return p;
}


/* The byte behind the escape at p < last, NULL if it is none. */

static u_char *
ngx_edge_scan_escape(u_char *p, u_char *last)
{
    u_char      c;
    ngx_uint_t  i;

    if (*p != '\\' || last - p < 2) {
        return NULL;
    }

    if (p[1] != 'u') {
        return memchr("\"\\/bfnrt", p[1], 8) ? p + 2 : NULL;
    }

    if (last - p < 6) {
        return NULL;
    }

    for (i = 2; i < 6; i++) {
        c = (u_char) (p[i] | 0x20);

        if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f'))) {
            return NULL;
        }
    }

    return p + 6;
}


static ngx_int_t
ngx_edge_scan_literal(ngx_edge_scan_t *s, const char *word, size_t len)
{
    if ((size_t) (s->last - s->pos) < len
        || ngx_memcmp(s->pos, word, len) != 0)
    {
        return ngx_edge_scan_fail(s);
    }

    s->pos += len;

    return NGX_OK;
}


/* The byte behind one digit or more, NULL if there is none. */

static ngx_inline u_char *
ngx_edge_scan_digits(u_char *p, u_char *last)
{
    u_char    *start;
    uint64_t   word, other;

    start = p;

    while (last - p >= 8) {
        word = ngx_edge_word(p);
        other = ngx_edge_scan_other(word);

        if (other) {
            p += ngx_edge_word_first(other);
            return (p > start) ? p : NULL;
        }

        p += 8;
    }

    while (p < last && *p >= '0' && *p <= '9') {
        p++;
    }

    return (p > start) ? p : NULL;
}


/* The byte behind a number, NULL if it is none: RFC 8259 section 6,
 * -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */

static ngx_inline u_char *
ngx_edge_scan_numeral(u_char *p, u_char *last)
{
    if (p < last && *p == '-') {
        p++;
    }

    if (p < last && *p == '0') {
        p++;

    } else {
        p = ngx_edge_scan_digits(p, last);
    }

    if (p && p < last && *p == '.') {
        p = ngx_edge_scan_digits(p + 1, last);
    }

    if (p && p < last && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < last && (*p == '+' || *p == '-')) {
            p++;
        }

        p = ngx_edge_scan_digits(p, last);
    }

    return p;
}


/*
 * The same for what most numbers of a vector look like, -? 0.ddddd... with
 * nothing behind the digits; NULL if p is not such a number.  Half of them
 * have a sign, at places that no processor can predict: here it is no branch
 * but a shift, and the words behind are read without waiting for it.
 */

static ngx_inline u_char *
ngx_edge_scan_fraction(u_char *p, u_char *last)
{
    uint64_t    head, word, other, mask;
    ngx_uint_t  shift;

    if (last - p < 24) {
        return NULL;
    }

    head = ngx_edge_word(p);
    shift = ((head & 0xff) == '-') * 8;
    head >>= shift;
    mask = (~0ULL >> shift) & ~0xffffULL;

    if ((head & 0xffff) != ('0' | '.' << 8)
        || (ngx_edge_scan_other(head) & mask))
    {
        return NULL;
    }

    p += 8;
    word = ngx_edge_word(p);
    other = ngx_edge_scan_other(word);

    if (other == 0) {
        p += 8;
        word = ngx_edge_word(p);
        other = ngx_edge_scan_other(word);
    }

    if (other == 0) {
        return NULL;
    }

    p += ngx_edge_word_first(other);

    return (*p == 'e' || *p == 'E') ? NULL : p;
}


static ngx_int_t
ngx_edge_scan_scalar(ngx_edge_scan_t *s)
{
    u_char     *p;
    ngx_str_t   text;

    switch (*s->pos) {

    case '"':
        return ngx_edge_scan_quoted(s, &text);

    case 't':
        return ngx_edge_scan_literal(s, "true", 4);

    case 'f':
        return ngx_edge_scan_literal(s, "false", 5);

    case 'n':
        return ngx_edge_scan_literal(s, "null", 4);

    default:
        p = ngx_edge_scan_numeral(s->pos, s->last);
        if (p == NULL) {
            return ngx_edge_scan_fail(s);
        }

        s->pos = p;
        return NGX_OK;
    }
}


/*
 * Without recursion: a bit per level entered here says whether it is an
 * object.
 */

ngx_int_t
ngx_edge_scan_skip(ngx_edge_scan_t *s)
{
    uint64_t    objects;
    ngx_int_t   rc;
    ngx_str_t   key;
    ngx_uint_t  base;

    base = s->depth;
    objects = 0;

    for ( ;; ) {

        if (ngx_edge_scan_value(s) != NGX_OK) {
            return NGX_ERROR;
        }

        if (*s->pos == '{' || *s->pos == '[') {

            if (s->depth == NGX_EDGE_SCAN_DEPTH) {
                return ngx_edge_scan_fail(s);
            }

            objects = objects << 1 | (*s->pos == '{');
            s->pos++;
            s->depth++;
            s->first = 1;

        } else if (ngx_edge_scan_scalar(s) != NGX_OK) {
            return NGX_ERROR;
        }

        /* to the next value of the innermost level that has one */

        for ( ;; ) {

            if (s->depth == base) {
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
    s->pos = ngx_edge_scan_space(s->pos, s->last);

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
    if (ngx_edge_scan_value(s) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_edge_scan_quoted(s, raw);
}


/* The one loop that runs a thousand times a request: nothing but bytes. */

ngx_int_t
ngx_edge_scan_vector(ngx_edge_scan_t *s, ngx_str_t *text, ngx_uint_t *n)
{
    u_char      *p, *next, *last;
    ngx_int_t    rc;
    ngx_uint_t   count;

    *n = 0;

    if (ngx_edge_scan_array(s) != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = s->pos - 1;

    rc = ngx_edge_scan_next(s, ']');

    if (rc == NGX_OK) {
        last = s->last;

        for (count = 1, p = s->pos; /* void */ ; count++) {

            next = ngx_edge_scan_fraction(p, last);

            if (next == NULL) {
                next = ngx_edge_scan_numeral(p, last);

                if (next == NULL) {
                    return ngx_edge_scan_fail(s);
                }
            }

            p = ngx_edge_scan_space(next, last);

            if (p == last || *p != ',') {
                break;
            }

            p = ngx_edge_scan_space(p + 1, last);
        }

        s->pos = p;
        rc = ngx_edge_scan_next(s, ']');       /* DONE, or no JSON */

        *n = count;
    }

    text->len = s->pos - text->data;

    return (rc == NGX_DONE) ? NGX_OK : ngx_edge_scan_fail(s);
}


ngx_int_t
ngx_edge_scan_end(ngx_edge_scan_t *s)
{
    s->pos = ngx_edge_scan_space(s->pos, s->last);

    /* first: not even one value was there */

    if (s->error || s->depth || s->first || s->pos != s->last) {
        return ngx_edge_scan_fail(s);
    }

    return NGX_OK;
}
