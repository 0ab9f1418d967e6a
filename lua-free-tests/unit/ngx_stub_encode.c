
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: base64, hex, UTF-8, URI and JSON
 * escaping.
 */


#include "ngx_stub.h"
#include <ctype.h>


static void ngx_stub_base64(ngx_str_t *dst, ngx_str_t *src,
    const char *alphabet, ngx_uint_t padding);
static ngx_int_t ngx_stub_unbase64(ngx_str_t *dst, ngx_str_t *src,
    const char *alphabet);
static ngx_uint_t ngx_stub_uri_reserved(u_char c, ngx_uint_t type);


static const char  ngx_stub_b64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char  ngx_stub_b64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


void
ngx_encode_base64(ngx_str_t *dst, ngx_str_t *src)
{
    ngx_stub_base64(dst, src, ngx_stub_b64, 1);
}


void
ngx_encode_base64url(ngx_str_t *dst, ngx_str_t *src)
{
    ngx_stub_base64(dst, src, ngx_stub_b64url, 0);
}


ngx_int_t
ngx_decode_base64(ngx_str_t *dst, ngx_str_t *src)
{
    return ngx_stub_unbase64(dst, src, ngx_stub_b64);
}


ngx_int_t
ngx_decode_base64url(ngx_str_t *dst, ngx_str_t *src)
{
    return ngx_stub_unbase64(dst, src, ngx_stub_b64url);
}


static void
ngx_stub_base64(ngx_str_t *dst, ngx_str_t *src, const char *alphabet,
    ngx_uint_t padding)
{
    size_t       i, bits;
    u_char      *p;
    ngx_uint_t   acc;

    p = dst->data;
    acc = 0;
    bits = 0;

    for (i = 0; i < src->len; i++) {
        acc = (acc << 8 | src->data[i]) & 0xffff;

        for (bits += 8; bits >= 6; /* void */ ) {
            bits -= 6;
            *p++ = alphabet[acc >> bits & 0x3f];
        }
    }

    if (bits) {
        *p++ = alphabet[acc << (6 - bits) & 0x3f];
    }

    while (padding && (p - dst->data) % 4) {
        *p++ = '=';
    }

    dst->len = p - dst->data;
}


static ngx_int_t
ngx_stub_unbase64(ngx_str_t *dst, ngx_str_t *src, const char *alphabet)
{
    size_t       i, n, bits;
    u_char      *p;
    ngx_uint_t   acc;
    const char  *c;

    for (n = 0; n < src->len && src->data[n] != '='; n++) {
        if (src->data[n] == '\0' || !strchr(alphabet, src->data[n])) {
            return NGX_ERROR;
        }
    }

    if (n % 4 == 1) {
        return NGX_ERROR;
    }

    p = dst->data;
    acc = 0;
    bits = 0;

    for (i = 0; i < n; i++) {
        c = strchr(alphabet, src->data[i]);
        acc = (acc << 6 | (c - alphabet)) & 0xffff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            *p++ = (u_char) (acc >> bits);
        }
    }

    dst->len = p - dst->data;

    return NGX_OK;
}


u_char *
ngx_hex_dump(u_char *dst, u_char *src, size_t len)
{
    while (len--) {
        *dst++ = "0123456789abcdef"[*src >> 4];
        *dst++ = "0123456789abcdef"[*src++ & 0xf];
    }

    return dst;
}


/*
 * 0xffffffff for an invalid sequence, 0xfffffffe for one cut short.  Takes
 * overlong forms of three and four bytes as invalid and lets surrogates
 * pass, as nginx does: callers that need strict UTF-8 have to check.
 */

uint32_t
ngx_utf8_decode(u_char **p, size_t n)
{
    size_t    len;
    uint32_t  u, min;

    u = **p;

    if (u >= 0xf8) {
        (*p)++;
        return 0xffffffff;
    }

    if (u >= 0xf0) {
        u &= 0x07;
        min = 0xffff;
        len = 3;

    } else if (u >= 0xe0) {
        u &= 0x0f;
        min = 0x7ff;
        len = 2;

    } else if (u >= 0xc2) {
        u &= 0x1f;
        min = 0x7f;
        len = 1;

    } else {
        (*p)++;
        return 0xffffffff;
    }

    if (n - 1 < len) {
        return 0xfffffffe;
    }

    (*p)++;

    for ( /* void */ ; len; len--) {
        if ((**p & 0xc0) != 0x80) {
            return 0xffffffff;
        }

        u = u << 6 | (**p & 0x3f);
        (*p)++;
    }

    return u > min ? u : 0xffffffff;
}


size_t
ngx_utf8_length(u_char *p, size_t n)
{
    u_char  *last;
    size_t   len;

    last = p + n;

    for (len = 0; p < last; len++) {

        if (*p < 0x80) {
            p++;
            continue;
        }

        if (ngx_utf8_decode(&p, last - p) > 0x10ffff) {
            return n;
        }
    }

    return len;
}


static ngx_uint_t
ngx_stub_uri_reserved(u_char c, ngx_uint_t type)
{
    if (c <= ' ' || c >= 0x7f) {
        return 1;
    }

    switch (type) {

    case NGX_ESCAPE_URI:
        return strchr("\"#%<>?\\^`{|}", c) != NULL;

    case NGX_ESCAPE_ARGS:
        return strchr("\"#%&+;<>?\\^`{|}", c) != NULL;

    case NGX_ESCAPE_URI_COMPONENT:
        return !isalnum(c) && strchr("-._~", c) == NULL;

    default:
        return strchr("\"#%<>\\^`{|}", c) != NULL;
    }
}


/* With dst NULL the number of characters to escape, else the end. */

uintptr_t
ngx_escape_uri(u_char *dst, u_char *src, size_t size, ngx_uint_t type)
{
    ngx_uint_t  n;

    for (n = 0; size--; src++) {

        if (!ngx_stub_uri_reserved(*src, type)) {
            if (dst) {
                *dst++ = *src;
            }

            continue;
        }

        n++;

        if (dst) {
            *dst++ = '%';
            *dst++ = "0123456789ABCDEF"[*src >> 4];
            *dst++ = "0123456789ABCDEF"[*src & 0xf];
        }
    }

    return dst ? (uintptr_t) dst : n;
}


void
ngx_unescape_uri(u_char **dst, u_char **src, size_t size, ngx_uint_t type)
{
    u_char     *d, *s, *last;
    ngx_int_t   c;

    d = *dst;
    s = *src;
    last = s + size;

    while (s < last) {

        if (*s == '?' && (type & (NGX_UNESCAPE_URI|NGX_UNESCAPE_REDIRECT))) {
            *d++ = *s++;
            break;
        }

        if (*s == '%' && last - s > 2) {
            c = ngx_hextoi(s + 1, 2);

            if (c != NGX_ERROR) {
                *d++ = (u_char) c;
                s += 3;
                continue;
            }
        }

        *d++ = *s++;
    }

    *dst = d;
    *src = s;
}


/* With dst NULL the bytes the escapes add, else the end. */

uintptr_t
ngx_escape_json(u_char *dst, u_char *src, size_t size)
{
    u_char       c;
    ngx_uint_t   added;
    const char  *found;

    for (added = 0; size--; /* void */ ) {

        c = *src++;
        found = c ? strchr("\nn\rr\tt\bb\ff\"\"\\\\", c) : NULL;

        if (found && (c < ' ' || c == '"' || c == '\\')) {
            added++;

            if (dst) {
                *dst++ = '\\';
                *dst++ = found[1];
            }

        } else if (c < ' ') {
            added += 5;

            if (dst) {
                dst = ngx_sprintf(dst, "\\u%04xd", (u_int) c);
            }

        } else if (dst) {
            *dst++ = c;
        }
    }

    return dst ? (uintptr_t) dst : added;
}
