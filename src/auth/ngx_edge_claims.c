
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading single claims by their path.  Whether the set is any good was judged
 * in ngx_edge_claims_check.c; how a claim is shown is in
 * ngx_edge_claims_text.c.
 */


#include "auth/ngx_edge_claims.h"
#include "lib/ngx_edge_utf8.h"


static ngx_int_t ngx_edge_claims_enter(ngx_edge_scan_t *s,
    const ngx_str_t *name);
static ngx_uint_t ngx_edge_claims_named(const ngx_str_t *raw,
    const ngx_str_t *name);
static size_t ngx_edge_claims_character(const u_char **pos,
    const u_char *last, u_char *buf);
static ngx_uint_t ngx_edge_claims_word(const ngx_str_t *text,
    const ngx_str_t *word);
static ngx_int_t ngx_edge_claims_split(const ngx_str_t *text,
    ngx_array_t *words);


ngx_int_t
ngx_edge_claims_find(const ngx_str_t *json, const ngx_edge_claims_path_t *path,
    ngx_edge_scan_type_e *type, ngx_str_t *raw)
{
    ngx_uint_t       i;
    ngx_edge_scan_t  s;

    ngx_edge_scan_init(&s, json->data, json->len);

    for (i = 0; i < path->n; i++) {
        if (ngx_edge_claims_enter(&s, &path->names[i]) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    *type = ngx_edge_scan_type(&s);

    if (*type == ngx_edge_scan_type_string) {
        return (ngx_edge_scan_string(&s, raw) == NGX_OK) ? NGX_OK
                                                         : NGX_DECLINED;
    }

    return (ngx_edge_scan_raw(&s, raw) == NGX_OK) ? NGX_OK : NGX_DECLINED;
}


/* Into an object, to the value of a member. */

static ngx_int_t
ngx_edge_claims_enter(ngx_edge_scan_t *s, const ngx_str_t *name)
{
    ngx_str_t  key;

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return NGX_DECLINED;
    }

    while (ngx_edge_scan_member(s, &key) == NGX_OK) {

        if (ngx_edge_claims_named(&key, name)) {
            return NGX_OK;
        }

        if (ngx_edge_scan_skip(s) != NGX_OK) {
            break;
        }
    }

    return NGX_DECLINED;
}


/* Whether a raw key reads as a name; without memory for the decoded key. */

static ngx_uint_t
ngx_edge_claims_named(const ngx_str_t *raw, const ngx_str_t *name)
{
    u_char         buf[4];
    size_t         len, n;
    const u_char  *p, *last;

    if (raw->len == 0 || memchr(raw->data, '\\', raw->len) == NULL) {
        return raw->len == name->len
               && ngx_memcmp(raw->data, name->data, name->len) == 0;
    }

    p = raw->data;
    last = p + raw->len;

    for (n = 0; p < last; n += len) {
        len = ngx_edge_claims_character(&p, last, buf);

        if (name->len - n < len
            || ngx_memcmp(name->data + n, buf, len) != 0)
        {
            return 0;
        }
    }

    return n == name->len;
}


/* The next byte of a raw string, or what an escape stands for; in buf, with
 * its length.  The scanner knows the escapes to be whole. */

static size_t
ngx_edge_claims_character(const u_char **pos, const u_char *last, u_char *buf)
{
    const u_char  *p;
    const u_char  *escape;

    static const u_char  letters[] = "bfnrt";
    static const u_char  stand[] = "\b\f\n\r\t";

    if (**pos != '\\') {
        *buf = *(*pos)++;
        return 1;
    }

    if ((*pos)[1] == 'u') {
        return ngx_edge_utf8_put(buf, ngx_edge_utf8_unescape(pos, last)) - buf;
    }

    escape = *pos + 1;
    p = memchr(letters, *escape, sizeof(letters) - 1);

    *buf = p ? stand[p - letters] : *escape;
    *pos = escape + 1;

    return 1;
}


ngx_int_t
ngx_edge_claims_string(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_str_t *text)
{
    ngx_str_t             raw;
    ngx_edge_scan_type_e  type;

    if (ngx_edge_claims_find(json, path, &type, &raw) != NGX_OK
        || type != ngx_edge_scan_type_string)
    {
        return NGX_DECLINED;
    }

    return ngx_edge_scan_decode(pool, &raw, text);
}


ngx_int_t
ngx_edge_claims_has(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word)
{
    ngx_str_t             raw, text;
    ngx_edge_scan_t       s;
    ngx_edge_scan_type_e  type;

    if (ngx_edge_claims_find(json, path, &type, &raw) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (type == ngx_edge_scan_type_string) {

        if (ngx_edge_scan_decode(pool, &raw, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_edge_claims_word(&text, word) ? NGX_OK : NGX_DECLINED;
    }

    /* what is no array either has no elements */

    ngx_edge_scan_init(&s, raw.data, raw.len);
    (void) ngx_edge_scan_array(&s);

    while (ngx_edge_scan_element(&s) == NGX_OK) {
        if (ngx_edge_scan_string_or_skip(&s, &raw) == NGX_OK
            && ngx_edge_claims_named(&raw, word))
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* Whether a text has a word, all of it between spaces or the text's ends. */

static ngx_uint_t
ngx_edge_claims_word(const ngx_str_t *text, const ngx_str_t *word)
{
    u_char  *p, *last, *end;

    if (text->len == 0 || word->len == 0) {
        return 0;
    }

    last = text->data + text->len;

    for (p = text->data; /* void */ ; p = end + 1) {
        end = memchr(p, ' ', last - p);

        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) == word->len
            && ngx_memcmp(p, word->data, word->len) == 0)
        {
            return 1;
        }

        if (end == last) {
            return 0;
        }
    }
}


ngx_int_t
ngx_edge_claims_words(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, ngx_array_t *words)
{
    ngx_str_t              raw, text, *word;
    ngx_edge_scan_t        s;
    ngx_edge_scan_type_e   type;

    if (ngx_edge_claims_find(json, path, &type, &raw) != NGX_OK
        || type == ngx_edge_scan_type_null)
    {
        return NGX_OK;
    }

    if (type == ngx_edge_scan_type_string) {

        if (ngx_edge_scan_decode(pool, &raw, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_edge_claims_split(&text, words);
    }

    if (type != ngx_edge_scan_type_array) {
        return NGX_DECLINED;
    }

    ngx_edge_scan_init(&s, raw.data, raw.len);
    (void) ngx_edge_scan_array(&s);

    while (ngx_edge_scan_element(&s) == NGX_OK) {

        if (ngx_edge_scan_string_or_skip(&s, &raw) != NGX_OK) {
            return NGX_DECLINED;
        }

        word = ngx_array_push(words);

        if (word == NULL || ngx_edge_scan_decode(pool, &raw, word) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The words between spaces. */

static ngx_int_t
ngx_edge_claims_split(const ngx_str_t *text, ngx_array_t *words)
{
    size_t      i, start;
    ngx_str_t  *word;

    start = 0;

    for (i = 0; i <= text->len; i++) {

        if (i < text->len && text->data[i] != ' ') {
            continue;
        }

        if (i > start) {
            word = ngx_array_push(words);
            if (word == NULL) {
                return NGX_ERROR;
            }

            word->data = text->data + start;
            word->len = i - start;
        }

        start = i + 1;
    }

    return NGX_OK;
}
