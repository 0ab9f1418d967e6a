
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded text builder in pool memory.  Knows how JSON escapes a string;
 * knows no structure of a document.
 */


#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_decimal.h"
#include "lib/ngx_edge_utf8.h"
#include "lib/ngx_edge_word.h"

#include <float.h>


#define NGX_EDGE_BUF_SIZE    256       /* first allocation at least */

/* From here on numbers have an exponent.  A power of ten: what is written with
 * one is never rounded to below it, so that reading and writing again changes
 * nothing. */
#define NGX_EDGE_BUF_EXPONENT    1e18


static ngx_int_t ngx_edge_buf_grow(ngx_edge_buf_t *b, size_t len);
static void ngx_edge_buf_escape(ngx_edge_buf_t *b, u_char c);
static void ngx_edge_buf_fraction(ngx_edge_buf_t *b, double n);


/* Bytes below 0x20, the quote and the backslash. */

static const u_char  ngx_edge_buf_special[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['"'] = 1,
    ['\\'] = 1
};


void
ngx_edge_buf_init(ngx_edge_buf_t *b, ngx_pool_t *pool, size_t size,
    size_t max)
{
    b->start = NULL;
    b->pos = NULL;
    b->end = NULL;
    b->max = max;
    b->size = ngx_min(ngx_max(size, NGX_EDGE_BUF_SIZE), max);
    b->pool = pool;
    b->rc = NGX_OK;
}


/* Makes room for len more bytes; the old memory is given back. */

static ngx_int_t
ngx_edge_buf_grow(ngx_edge_buf_t *b, size_t len)
{
    u_char  *start;
    size_t   used, size;

    if (b->rc != NGX_OK) {
        return b->rc;
    }

    used = b->pos - b->start;

    if (len > b->max - used) {
        b->rc = NGX_DECLINED;
        return NGX_DECLINED;
    }

    size = b->start ? 2 * (size_t) (b->end - b->start) : b->size;
    size = ngx_max(size, used + len);
    size = ngx_min(size, b->max);

    start = ngx_pnalloc(b->pool, size);
    if (start == NULL) {
        b->rc = NGX_ERROR;
        return NGX_ERROR;
    }

    if (b->start) {
        ngx_memcpy(start, b->start, used);
        (void) ngx_pfree(b->pool, b->start);  /* small blocks stay */
    }

    b->start = start;
    b->pos = start + used;
    b->end = start + size;

    return NGX_OK;
}


void
ngx_edge_buf_add(ngx_edge_buf_t *b, const u_char *data, size_t len)
{
    if (len == 0) {
        return;
    }

    /* after an error there must be no room: a short text may still fit */

    if (b->rc != NGX_OK
        || (len > (size_t) (b->end - b->pos)
            && ngx_edge_buf_grow(b, len) != NGX_OK))
    {
        return;
    }

    b->pos = ngx_cpymem(b->pos, data, len);
}


void
ngx_edge_buf_byte(ngx_edge_buf_t *b, u_char c)
{
    if (b->rc != NGX_OK
        || (b->pos == b->end && ngx_edge_buf_grow(b, 1) != NGX_OK))
    {
        return;
    }

    *b->pos++ = c;
}


void
ngx_edge_buf_int(ngx_edge_buf_t *b, int64_t n)
{
    u_char  digits[NGX_INT64_LEN];

    ngx_edge_buf_add(b, digits, ngx_edge_decimal(digits, n) - digits);
}


void
ngx_edge_buf_number(ngx_edge_buf_t *b, double n)
{
    ngx_int_t  exp;

    /* false for NaN too */

    if (!(n >= -DBL_MAX && n <= DBL_MAX)) {
        ngx_edge_buf_byte(b, '0');
        return;
    }

    if (n > -0.0000005 && n < 0.0000005) {
        ngx_edge_buf_byte(b, '0');
        return;
    }

    if (n < 0) {
        ngx_edge_buf_byte(b, '-');
        n = -n;
    }

    if (n < NGX_EDGE_BUF_EXPONENT) {
        ngx_edge_buf_fraction(b, n);
        return;
    }

    for (exp = 0; n >= 9.9999995; exp++) {
        n /= 10;
    }

    ngx_edge_buf_fraction(b, n);
    ngx_edge_buf_byte(b, 'e');
    ngx_edge_buf_int(b, exp);
}


/* Adds n, 0 <= n < 10^18, rounded to six digits after the point. */

static void
ngx_edge_buf_fraction(ngx_edge_buf_t *b, double n)
{
    u_char      digits[7];
    int64_t     whole;
    uint32_t    part;
    ngx_uint_t  i, len;

    whole = (int64_t) n;
    part = (uint32_t) ((n - (double) whole) * 1000000 + 0.5);

    if (part >= 1000000) {
        part = 0;
        whole++;
    }

    ngx_edge_buf_int(b, whole);

    if (part == 0) {
        return;
    }

    digits[0] = '.';
    len = 1;

    for (i = 6; i > 0; i--) {
        digits[i] = (u_char) ('0' + part % 10);
        part /= 10;

        if (len == 1 && digits[i] != '0') {
            len = i + 1;
        }
    }

    ngx_edge_buf_add(b, digits, len);
}


void
ngx_edge_buf_json(ngx_edge_buf_t *b, const u_char *data, size_t len)
{
    uint64_t       special;
    const u_char  *p, *last;

    last = len ? data + len : data;    /* data may be NULL then */

    ngx_edge_buf_byte(b, '"');

    while (data < last) {

        for (p = data; last - p >= 8; p += 8) {
            special = ngx_edge_word_special(ngx_edge_word(p));

            if (special) {
                p += ngx_edge_word_first(special);
                break;
            }
        }

        while (p < last && !ngx_edge_buf_special[*p]) {
            p++;
        }

        ngx_edge_buf_add(b, data, p - data);

        if (p < last) {
            ngx_edge_buf_escape(b, *p++);
        }

        data = p;
    }

    ngx_edge_buf_byte(b, '"');
}


static void
ngx_edge_buf_escape(ngx_edge_buf_t *b, u_char c)
{
    u_char               *p, text[6];
    static const u_char   hex[] = "0123456789abcdef";

    p = text;
    *p++ = '\\';

    switch (c) {

    case '"':
    case '\\':
        *p++ = c;
        break;

    case '\b':
        *p++ = 'b';
        break;

    case '\f':
        *p++ = 'f';
        break;

    case LF:
        *p++ = 'n';
        break;

    case CR:
        *p++ = 'r';
        break;

    case '\t':
        *p++ = 't';
        break;

    default:
        *p++ = 'u';
        *p++ = '0';
        *p++ = '0';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 0xf];
    }

    ngx_edge_buf_add(b, text, p - text);
}


void
ngx_edge_buf_json_raw(ngx_edge_buf_t *b, const u_char *raw, size_t len)
{
    u_char         text[4];
    uint32_t       cp;
    const u_char  *p, *last, *escape;

    p = raw;
    last = len ? raw + len : raw;

    /* raw is what is not yet added, p where the search goes on */

    while (p < last) {

        p = memchr(p, '\\', last - p);
        if (p == NULL) {
            break;
        }

        if (last - p < 2 || p[1] != 'u') {
            p += ngx_min(2, last - p);
            continue;
        }

        escape = p;
        cp = ngx_edge_utf8_unescape(&p, last);

        if (cp == NGX_EDGE_UTF8_BAD || cp < 0x20 || cp == '"' || cp == '\\') {
            continue;
        }

        ngx_edge_buf_add(b, raw, escape - raw);
        ngx_edge_buf_add(b, text, ngx_edge_utf8_put(text, cp) - text);

        raw = p;
    }

    ngx_edge_buf_add(b, raw, last - raw);
}


ngx_int_t
ngx_edge_buf_done(const ngx_edge_buf_t *b, ngx_str_t *text)
{
    if (b->rc != NGX_OK) {
        ngx_str_null(text);
        return b->rc;
    }

    text->len = b->pos - b->start;
    text->data = b->start ? b->start : (u_char *) "";

    return NGX_OK;
}
