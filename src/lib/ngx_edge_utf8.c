
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 as bytes and code points.  Knows no script beyond the CJK ranges and
 * nothing of JSON but the form of its \u escape.
 */


#include "lib/ngx_edge_utf8.h"


#define NGX_EDGE_UTF8_HIGH  0x8080808080808080ULL


static ngx_inline ngx_uint_t ngx_edge_utf8_step(const u_char *p,
    const u_char *last);
static ngx_int_t ngx_edge_utf8_hex(const u_char *p, const u_char *last);


/* Code points of the scripts split into bigrams, ascending. */

static const uint32_t  ngx_edge_utf8_cjk[][2] = {
    { 0x1100, 0x11ff },           /* Hangul Jamo */
    { 0x2e80, 0x2fdf },           /* radicals */
    { 0x3005, 0x3007 },           /* iteration mark, closing mark, zero */
    { 0x3021, 0x3029 },           /* Hangzhou numerals */
    { 0x3031, 0x3035 },           /* kana repeat marks */
    { 0x3038, 0x303c },
    { 0x3041, 0x309f },           /* Hiragana */
    { 0x30a1, 0x30fa },           /* Katakana without its punctuation */
    { 0x30fc, 0x30ff },
    { 0x3131, 0x318e },           /* Hangul compatibility Jamo */
    { 0x31f0, 0x31ff },           /* Katakana extensions */
    { 0x3400, 0x4dbf },           /* Han, extension A */
    { 0x4e00, 0x9fff },           /* Han */
    { 0xa960, 0xa97c },           /* Hangul Jamo, extension A */
    { 0xac00, 0xd7a3 },           /* Hangul syllables */
    { 0xd7b0, 0xd7fb },           /* Hangul Jamo, extension B */
    { 0xf900, 0xfaff },           /* Han compatibility */
    { 0xff66, 0xff9f },           /* half-width Katakana */
    { 0xffa0, 0xffdc },           /* half-width Jamo */
    { 0x1aff0, 0x1b16f },         /* kana extensions and supplement */
    { 0x20000, 0x3fffd }          /* Han, planes 2 and 3 */
};


/* The length of the well-formed character at p < last, or 0. */

static ngx_inline ngx_uint_t
ngx_edge_utf8_step(const u_char *p, const u_char *last)
{
    u_char  c;

    c = *p;

    if (c < 0x80) {
        return 1;
    }

    if (c < 0xe0) {
        return (c >= 0xc2 && last - p > 1 && (p[1] & 0xc0) == 0x80) ? 2 : 0;
    }

    if (c < 0xf0) {
        if (last - p < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) {
            return 0;
        }

        /* overlong forms, surrogates */

        if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) {
            return 0;
        }

        return 3;
    }

    if (c > 0xf4 || last - p < 4 || (p[1] & 0xc0) != 0x80
        || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
    {
        return 0;
    }

    /* overlong forms, over U+10FFFF */

    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }

    return 4;
}


ngx_uint_t
ngx_edge_utf8_valid(const u_char *data, size_t len)
{
    uint64_t       word;
    ngx_uint_t     n;
    const u_char  *p, *last;

    p = data;
    last = len ? data + len : data;    /* data may be NULL then */

    while (p < last) {

        /* text is mostly runs of ASCII or runs of something else */

        while (last - p >= 8) {
            ngx_memcpy(&word, p, 8);

            if (word & NGX_EDGE_UTF8_HIGH) {
                break;
            }

            p += 8;
        }

        while (p < last && *p < 0x80) {
            p++;
        }

        while (p < last && *p >= 0x80) {
            n = ngx_edge_utf8_step(p, last);
            if (n == 0) {
                return 0;
            }

            p += n;
        }
    }

    return 1;
}


uint32_t
ngx_edge_utf8_next(const u_char **pos, const u_char *last)
{
    uint32_t       cp;
    ngx_uint_t     n;
    const u_char  *p;

    p = *pos;
    n = ngx_edge_utf8_step(p, last);

    switch (n) {

    case 1:
        cp = p[0];
        break;

    case 2:
        cp = (uint32_t) (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        break;

    case 3:
        cp = (uint32_t) (p[0] & 0x0f) << 12 | (uint32_t) (p[1] & 0x3f) << 6
             | (p[2] & 0x3f);
        break;

    case 4:
        cp = (uint32_t) (p[0] & 0x07) << 18 | (uint32_t) (p[1] & 0x3f) << 12
             | (uint32_t) (p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        break;

    default:
        *pos = p + 1;
        return NGX_EDGE_UTF8_BAD;
    }

    *pos = p + n;

    return cp;
}


/* The value of "\uXXXX" at p, or NGX_ERROR. */

static ngx_int_t
ngx_edge_utf8_hex(const u_char *p, const u_char *last)
{
    u_char      c, ch;
    ngx_int_t   value;
    ngx_uint_t  i;

    if (last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NGX_ERROR;
    }

    value = 0;

    for (i = 2; i < 6; i++) {
        ch = p[i];

        if (ch >= '0' && ch <= '9') {
            value = value * 16 + (ch - '0');
            continue;
        }

        c = (u_char) (ch | 0x20);

        if (c < 'a' || c > 'f') {
            return NGX_ERROR;
        }

        value = value * 16 + (c - 'a' + 10);
    }

    return value;
}


uint32_t
ngx_edge_utf8_unescape(const u_char **pos, const u_char *last)
{
    ngx_int_t      high, low;
    const u_char  *p;

    p = *pos;

    high = ngx_edge_utf8_hex(p, last);
    if (high == NGX_ERROR) {
        *pos = p + 1;
        return NGX_EDGE_UTF8_BAD;
    }

    *pos = p + 6;

    if (high < 0xd800 || high > 0xdfff) {
        return (uint32_t) high;
    }

    if (high < 0xdc00) {
        low = ngx_edge_utf8_hex(p + 6, last);

        if (low >= 0xdc00 && low <= 0xdfff) {
            *pos = p + 12;
            return (uint32_t) (0x10000 + ((high - 0xd800) << 10)
                               + (low - 0xdc00));
        }
    }

    return 0xfffd;
}


u_char *
ngx_edge_utf8_put(u_char *dst, uint32_t cp)
{
    if (cp < 0x80) {
        *dst++ = (u_char) cp;
        return dst;
    }

    if (cp < 0x800) {
        *dst++ = (u_char) (0xc0 | cp >> 6);
        *dst++ = (u_char) (0x80 | (cp & 0x3f));
        return dst;
    }

    if (cp < 0x10000) {
        *dst++ = (u_char) (0xe0 | cp >> 12);
        *dst++ = (u_char) (0x80 | (cp >> 6 & 0x3f));
        *dst++ = (u_char) (0x80 | (cp & 0x3f));
        return dst;
    }

    *dst++ = (u_char) (0xf0 | (cp >> 18 & 0x07));
    *dst++ = (u_char) (0x80 | (cp >> 12 & 0x3f));
    *dst++ = (u_char) (0x80 | (cp >> 6 & 0x3f));
    *dst++ = (u_char) (0x80 | (cp & 0x3f));

    return dst;
}


size_t
ngx_edge_utf8_cut(const u_char *data, size_t len, size_t max)
{
    u_char      c;
    size_t      n;
    ngx_uint_t  i, need;

    n = ngx_min(len, max);

    /* a lead byte among the last three may want more than is left */

    for (i = 1; i <= 3 && i <= n; i++) {
        c = data[n - i];

        if ((c & 0xc0) == 0x80) {
            continue;
        }

        need = (c < 0xc0) ? 1 : (c < 0xe0) ? 2 : (c < 0xf0) ? 3 : 4;

        return (need > i) ? n - i : n;
    }

    return n;
}


size_t
ngx_edge_utf8_count(const u_char *data, size_t len)
{
    size_t         n;
    const u_char  *p, *last;

    n = 0;
    last = len ? data + len : data;

    for (p = data; p < last; p++) {
        n += (*p & 0xc0) != 0x80;
    }

    return n;
}


ngx_uint_t
ngx_edge_utf8_is_cjk(uint32_t cp)
{
    ngx_uint_t  i;

    if (cp < 0x1100) {
        return 0;
    }

    if ((cp >= 0xac00 && cp <= 0xd7a3) || (cp >= 0x4e00 && cp <= 0x9fff)) {
        return 1;
    }

    for (i = 0; i < sizeof(ngx_edge_utf8_cjk) / sizeof(ngx_edge_utf8_cjk[0]);
         i++)
    {
        if (cp <= ngx_edge_utf8_cjk[i][1]) {
            return cp >= ngx_edge_utf8_cjk[i][0];
        }
    }

    return 0;
}
