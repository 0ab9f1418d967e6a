
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 against a decoder written from the table of RFC 3629, and escapes
 * against what JSON makes of them.  The first line is a length to cut at.
 */


/* sources: lib/ngx_edge_utf8.c lib/ngx_edge_buf.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_decimal.c */
/* max_len: 256 */
/* dict: utf8 */

#include "fuzz.h"
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"


static size_t fuzz_reference(const u_char *p, size_t len, uint32_t *cp);
static void fuzz_cut(const ngx_str_t *in, size_t max, ngx_uint_t valid);
static void fuzz_json(ngx_pool_t *pool, const ngx_str_t *in);
static void fuzz_escapes(ngx_pool_t *pool, const ngx_str_t *in);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t         n, count;
    u_char         buf[4];
    uint32_t       cp, expected;
    ngx_str_t      line;
    ngx_uint_t     valid;
    const u_char  *p, *start, *last;

    line = fuzz_take(pool, in, "\n");

    p = in->data;
    last = p + in->len;
    valid = 1;

    for (count = 0; p < last; count++) {
        start = p;
        n = fuzz_reference(p, last - p, &expected);
        cp = ngx_edge_utf8_next(&p, last);

        fuzz_check(cp == expected);
        fuzz_check(p == start + n);

        if (cp == NGX_EDGE_UTF8_BAD) {
            valid = 0;
            continue;
        }

        fuzz_check((size_t) (ngx_edge_utf8_put(buf, cp) - buf) == n);
        fuzz_check(memcmp(buf, start, n) == 0);
        (void) ngx_edge_utf8_is_cjk(cp);
    }

    fuzz_check(ngx_edge_utf8_valid(in->data, in->len) == valid);
    fuzz_check(!valid || ngx_edge_utf8_count(in->data, in->len) == count);

    fuzz_cut(in, fuzz_number(&line, 300), valid);
    fuzz_escapes(pool, in);

    if (valid) {
        fuzz_json(pool, in);
    }
}


/* The bytes of the character at p, or 1 and BAD. */

static size_t
fuzz_reference(const u_char *p, size_t len, uint32_t *cp)
{
    size_t                 i, n;
    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    *cp = p[0];

    n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2
        : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;

    if (n == 1) {
        return 1;
    }

    if (n == 0 || n > len) {
        goto bad;
    }

    *cp = p[0] & (0x7f >> n);

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            goto bad;
        }

        *cp = *cp << 6 | (p[i] & 0x3f);
    }

    if (*cp >= least[n] && *cp <= 0x10ffff && (*cp < 0xd800 || *cp > 0xdfff)) {
        return n;
    }

bad:

    *cp = NGX_EDGE_UTF8_BAD;

    return 1;
}


static void
fuzz_cut(const ngx_str_t *in, size_t max, ngx_uint_t valid)
{
    size_t  n;

    n = ngx_edge_utf8_cut(in->data, in->len, max);

    fuzz_check(n <= max && n <= in->len);

    if (!valid) {
        return;
    }

    fuzz_check(ngx_edge_utf8_valid(in->data, n));
    fuzz_check(in->len <= max ? n == in->len : max - n < 4);
}


/* Text written as a JSON string is read as the text. */

static void
fuzz_json(ngx_pool_t *pool, const ngx_str_t *in)
{
    ngx_str_t         json, raw, text;
    ngx_edge_buf_t    b;
    ngx_edge_scan_t   s;

    ngx_edge_buf_init(&b, pool, 16, 1 << 20);
    ngx_edge_buf_json(&b, in->data, in->len);
    fuzz_check(ngx_edge_buf_done(&b, &json) == NGX_OK);

    ngx_edge_scan_init(&s, json.data, json.len);
    fuzz_check(ngx_edge_scan_string(&s, &raw) == NGX_OK);
    fuzz_check(ngx_edge_scan_end(&s) == NGX_OK);
    fuzz_check(ngx_edge_scan_decode(pool, &raw, &text) == NGX_OK);
    fuzz_check(fuzz_same(&text, in));
}


/* What is between the quotes of a JSON string means the same once its escapes
 * are written out. */

static void
fuzz_escapes(ngx_pool_t *pool, const ngx_str_t *in)
{
    size_t            i;
    ngx_str_t         quoted, raw, text, plain, again;
    const u_char     *p, *last;
    ngx_edge_buf_t    b;
    ngx_edge_scan_t   s;

    for (i = 0; i < in->len; i++) {
        p = in->data + i;
        last = in->data + in->len;
        (void) ngx_edge_utf8_unescape(&p, last);
        fuzz_check(p > in->data + i && p <= last);
    }

    ngx_edge_buf_init(&b, pool, 16, 1 << 20);
    ngx_edge_buf_byte(&b, '"');
    ngx_edge_buf_add(&b, in->data, in->len);
    ngx_edge_buf_byte(&b, '"');
    fuzz_check(ngx_edge_buf_done(&b, &quoted) == NGX_OK);
    quoted = fuzz_copy(pool, quoted.data, quoted.len);

    ngx_edge_scan_init(&s, quoted.data, quoted.len);

    if (ngx_edge_scan_string(&s, &raw) != NGX_OK
        || ngx_edge_scan_end(&s) != NGX_OK)
    {
        return;
    }

    fuzz_check(ngx_edge_scan_decode(pool, &raw, &text) == NGX_OK);
    fuzz_check(ngx_edge_utf8_valid(text.data, text.len));

    ngx_edge_buf_init(&b, pool, 16, 1 << 20);
    ngx_edge_buf_byte(&b, '"');
    ngx_edge_buf_json_raw(&b, raw.data, raw.len);
    ngx_edge_buf_byte(&b, '"');
    fuzz_check(ngx_edge_buf_done(&b, &plain) == NGX_OK);

    ngx_edge_scan_init(&s, plain.data, plain.len);
    fuzz_check(ngx_edge_scan_string(&s, &raw) == NGX_OK);
    fuzz_check(ngx_edge_scan_end(&s) == NGX_OK);
    fuzz_check(ngx_edge_scan_decode(pool, &raw, &again) == NGX_OK);
    fuzz_check(fuzz_same(&text, &again));
}
