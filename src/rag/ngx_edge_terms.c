
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Search terms.  A text is a row of words of two kinds: letters and digits of
 * scripts that put blanks between words, and Hangul, Han and Kana, which are
 * cut into bigrams.  Knows how words are written, not which words there are.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_terms.h"


typedef enum {
    ngx_edge_terms_other = 0,
    ngx_edge_terms_word,
    ngx_edge_terms_cjk
} ngx_edge_terms_class_e;


static ngx_int_t ngx_edge_terms_find(ngx_edge_terms_t *t,
    const u_char **start);
static ngx_edge_terms_class_e ngx_edge_terms_char(const u_char **p,
    const u_char *last, uint32_t *folded);
static uint32_t ngx_edge_terms_fold(uint32_t cp);
static ngx_uint_t ngx_edge_terms_is_letter(uint32_t cp);
static const u_char *ngx_edge_terms_word_end(const u_char *p,
    const u_char *last);
static const u_char *ngx_edge_terms_code_end(ngx_edge_terms_t *t,
    const u_char *p);
static const u_char *ngx_edge_terms_skip_tail(const u_char *p,
    const u_char *last);
static ngx_uint_t ngx_edge_terms_is_joint(u_char c);
static ngx_uint_t ngx_edge_terms_is_grouped(const u_char *p,
    const u_char *last);
static size_t ngx_edge_terms_write(const u_char *p, const u_char *last,
    u_char *buf);
static size_t ngx_edge_terms_singular(u_char *buf, size_t len);
static void ngx_edge_terms_begin_pairs(ngx_edge_terms_t *t,
    const u_char *start);
static size_t ngx_edge_terms_pair(ngx_edge_terms_t *t, u_char *buf);

void
ngx_edge_terms_init(ngx_edge_terms_t *t, const u_char *text, size_t len)
{
    ngx_memzero(t, sizeof(ngx_edge_terms_t));

    t->pos = text;
    t->last = len ? text + len : text;      /* text may be NULL then */
    t->plain = text;
}


ngx_int_t
ngx_edge_terms_next(ngx_edge_terms_t *t, u_char *buf, size_t *len)
{
    const u_char  *start, *end;

    start = t->pos;

    if (t->pair == NULL && ngx_edge_terms_find(t, &start) != NGX_OK) {
        return NGX_DONE;
    }

    if (t->pair) {
        *len = ngx_edge_terms_pair(t, buf);
        return NGX_OK;
    }

    if (t->code_pos) {
        end = ngx_edge_terms_word_end(start, t->code_last);
        t->code_pos = end;

    } else {
        end = ngx_edge_terms_code_end(t, start);

        if (end) {
            t->code_pos = start;
            t->code_last = end;

        } else {
            end = ngx_edge_terms_word_end(start, t->last);
            t->pos = ngx_edge_terms_skip_tail(end, t->last);
        }
    }

    *len = ngx_edge_terms_write(start, end, buf);

    return NGX_OK;
}


/* Finds the next word, or run of pairs; the parts of a code, which was given
 * whole before, are found first. */

static ngx_int_t
ngx_edge_terms_find(ngx_edge_terms_t *t, const u_char **start)
{
    uint32_t       cp;
    const u_char  *p, *last;

    for ( ;; ) {
        p = t->code_pos ? t->code_pos : t->pos;
        last = t->code_pos ? t->code_last : t->last;

        if (p == last) {
            if (t->code_pos == NULL) {
                return NGX_DONE;
            }

            t->pos = t->code_last;
            t->code_pos = NULL;
            continue;
        }

        *start = p;

        switch (ngx_edge_terms_char(&p, last, &cp)) {

        case ngx_edge_terms_word:
            return NGX_OK;

        case ngx_edge_terms_cjk:
            ngx_edge_terms_begin_pairs(t, *start);

            if (t->pair) {
                return NGX_OK;
            }

            break;

        case ngx_edge_terms_other:

            if (t->code_pos) {
                t->code_pos = p;

            } else {
                t->pos = p;
            }
        }
    }
}


/* Decodes one character and says what it is; folded is its lower case. */

static ngx_edge_terms_class_e
ngx_edge_terms_char(const u_char **p, const u_char *last, uint32_t *folded)
{
    uint32_t  cp;

    cp = ngx_edge_utf8_next(p, last);
    *folded = ngx_edge_terms_fold(cp);
    cp = *folded;

    if (cp < 0x80) {
        return ((cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9'))
               ? ngx_edge_terms_word : ngx_edge_terms_other;
    }

    if (cp == NGX_EDGE_UTF8_BAD) {
        return ngx_edge_terms_other;
    }

    if (ngx_edge_utf8_is_cjk(cp)) {
        return ngx_edge_terms_cjk;
    }

    return ngx_edge_terms_is_letter(cp) ? ngx_edge_terms_word
                                        : ngx_edge_terms_other;
}


/* Lower case where it is arithmetic: ASCII, its full-width forms (folded to
 * ASCII), Latin-1, Greek and Cyrillic; others stay as they are. */

static uint32_t
ngx_edge_terms_fold(uint32_t cp)
{
    if (cp >= 0xff01 && cp <= 0xff5e) {
        cp -= 0xfee0;
    }

    if (cp < 0x80) {
        return (cp >= 'A' && cp <= 'Z') ? cp + 0x20 : cp;
    }

    if ((cp >= 0xc0 && cp <= 0xde && cp != 0xd7)
        || (cp >= 0x391 && cp <= 0x3a9)
        || (cp >= 0x410 && cp <= 0x42f))
    {
        return cp + 0x20;
    }

    if (cp >= 0x400 && cp <= 0x40f) {
        return cp + 0x50;
    }

    return cp;
}


/* Letters and marks outside ASCII and CJK: all but the blocks of punctuation
 * and symbols. */

static ngx_uint_t
ngx_edge_terms_is_letter(uint32_t cp)
{
    if (cp < 0xc0) {
        return cp == 0xaa || cp == 0xb5 || cp == 0xba;
    }

    if (cp == 0xd7 || cp == 0xf7) {
        return 0;
    }

    return !((cp >= 0x2000 && cp <= 0x2bff)        /* punctuation, symbols */
             || (cp >= 0x2e00 && cp <= 0x303f)
             || (cp >= 0xd800 && cp <= 0xf8ff)     /* private use */
             || (cp >= 0xfe00 && cp <= 0xfe6f)
             || (cp >= 0xff00 && cp <= 0xffff)
             || cp >= 0x1f000);                    /* pictures */
}


static const u_char *
ngx_edge_terms_word_end(const u_char *p, const u_char *last)
{
    uint32_t       cp;
    const u_char  *end;

    for (end = p; p < last; end = p) {

        if (*p == ',' && ngx_edge_terms_is_grouped(end, last)
            && p[-1] >= '0' && p[-1] <= '9')
        {
            p++;
            continue;
        }

        if (ngx_edge_terms_char(&p, last, &cp) != ngx_edge_terms_word) {
            break;
        }
    }

    return end;
}


/* The end of a code that starts at p: words held together by single joints,
 * a digit in it; NULL if it is one plain word, or words without a digit.  Of
 * such words each would be the first of a walk to the last: it is noted how
 * far one walk has seen. */

static const u_char *
ngx_edge_terms_code_end(ngx_edge_terms_t *t, const u_char *p)
{
    ngx_uint_t     parts, digits;
    const u_char  *end, *next, *last;

    if (p < t->plain) {
        return NULL;
    }

    last = t->last;
    digits = 0;

    for (parts = 0; /* void */ ; parts++) {
        end = ngx_edge_terms_word_end(p, last);

        for ( /* void */ ; p < end; p++) {
            digits |= (*p >= '0' && *p <= '9');
        }

        if (last - end < 2 || !ngx_edge_terms_is_joint(*end)) {
            break;
        }

        next = ngx_edge_terms_word_end(end + 1, last);
        if (next == end + 1) {
            break;
        }

        p = end + 1;
    }

    if (parts && digits) {
        return end;
    }

    t->plain = end;

    return NULL;
}


static ngx_uint_t
ngx_edge_terms_is_joint(u_char c)
{
    return c == '-' || c == '_' || c == '.' || c == '/' || c == ':';
}


/* Behind a word: the rest of "supplier's" or "don't" is no word. */

static const u_char *
ngx_edge_terms_skip_tail(const u_char *p, const u_char *last)
{
    const u_char  *tail, *end;

    if (p < last && *p == '\'') {
        tail = p + 1;

    } else if (last - p >= 3 && ngx_memcmp(p, "\xe2\x80\x99", 3) == 0) {
        tail = p + 3;

    } else {
        return p;
    }

    end = ngx_edge_terms_word_end(tail, last);

    return (end - tail >= 1 && end - tail <= 2) ? end : p;
}


/* 1 if the comma at p parts thousands: three digits follow, not four. */

static ngx_uint_t
ngx_edge_terms_is_grouped(const u_char *p, const u_char *last)
{
    ngx_uint_t  n;

    n = 0;

    for (p++; p < last && *p >= '0' && *p <= '9'; p++) {
        n++;
    }

    return n == 3;
}


/* Writes a word or a code in lower case; joints become '_'. */

static size_t
ngx_edge_terms_write(const u_char *p, const u_char *last, u_char *buf)
{
    size_t      len, n;
    u_char      c[4];
    uint32_t    cp;
    ngx_uint_t  plain;

    len = 0;
    plain = 1;

    while (p < last) {

        if (*p == ',') {
            p++;
            continue;
        }

        if (ngx_edge_terms_char(&p, last, &cp) == ngx_edge_terms_other) {
            cp = '_';
        }

        plain &= (cp >= 'a' && cp <= 'z');
        n = ngx_edge_utf8_put(c, cp) - c;

        if (len + n > NGX_EDGE_TERM_MAX) {
            break;
        }

        ngx_memcpy(buf + len, c, n);
        len += n;
    }

    return plain ? ngx_edge_terms_singular(buf, len) : len;
}


/* The length without the plural's ending; writes the "y" of "ies". */

static size_t
ngx_edge_terms_singular(u_char *buf, size_t len)
{
    u_char  *end;

    end = buf + len;

    if (len < 4 || end[-1] != 's') {
        return len;
    }

    if (end[-2] == 's' || end[-2] == 'u' || end[-2] == 'i') {
        return len;
    }

    if (end[-2] != 'e') {
        return len - 1;
    }

    if (end[-3] == 'i' && len > 4) {
        end[-3] = 'y';
        return len - 2;
    }

    if (end[-3] == 'x' || end[-3] == 'z'
        || (end[-3] == 's' && end[-4] == 's')
        || (end[-3] == 'h' && (end[-4] == 's' || end[-4] == 'c')))
    {
        return len - 2;
    }

    return len - 1;
}


/* Finds the run of CJK characters that starts at start, to be given as pairs
 * by the next calls. */

static void
ngx_edge_terms_begin_pairs(ngx_edge_terms_t *t, const u_char *start)
{
    uint32_t       cp;
    const u_char  *p, *end;

    for (p = start, end = start; p < t->last; end = p) {
        if (ngx_edge_terms_char(&p, t->last, &cp) != ngx_edge_terms_cjk) {
            break;
        }
    }

    t->pos = end;

    if (t->question) {
        end = ngx_edge_terms_stem(start, end);
    }

    if (start < end) {
        t->pair = start;
        t->pair_last = end;
    }
}


/* Writes the two characters at t->pair, or the only one of the run. */

static size_t
ngx_edge_terms_pair(ngx_edge_terms_t *t, u_char *buf)
{
    size_t         len;
    const u_char  *second, *end;

    second = t->pair;
    (void) ngx_edge_utf8_next(&second, t->pair_last);

    end = second;

    if (end < t->pair_last) {
        (void) ngx_edge_utf8_next(&end, t->pair_last);
    }

    len = end - t->pair;
    ngx_memcpy(buf, t->pair, len);

    t->pair = (end < t->pair_last) ? second : NULL;

    return len;
}
