
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a text may be cut.  Knows the marks that end sentences and the line
 * habits of plain text and Markdown; allocates nothing but the result.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_chunk.h"


#define NGX_EDGE_CHUNK_MIN   16        /* bytes: any character fits */
#define NGX_EDGE_CHUNK_LOOK  64        /* bytes read behind a chunk's limit */


static const u_char *ngx_edge_chunk_skip_space(const u_char *p,
    const u_char *last);
static const u_char *ngx_edge_chunk_trim(const u_char *p,
    const u_char *last);
static const u_char *ngx_edge_chunk_end(const u_char *start,
    const u_char *last, size_t target);
static const u_char *ngx_edge_chunk_space(const u_char *start,
    const u_char *limit);
static const u_char *ngx_edge_chunk_overlap(const u_char *start,
    const u_char *end, size_t overlap);
static ngx_uint_t ngx_edge_chunk_is_paragraph(const u_char *p,
    const u_char *last);
static ngx_uint_t ngx_edge_sentence_is_item(const u_char *p,
    const u_char *last);
static const u_char *ngx_edge_sentence_line(const u_char *start,
    const u_char *p, const u_char *last);
static const u_char *ngx_edge_sentence_mark(const u_char *start,
    const u_char *p, const u_char *last, const u_char **closed);
static const u_char *ngx_edge_sentence_wide(const u_char *p,
    const u_char *last);
static const u_char *ngx_edge_sentence_close(const u_char *p,
    const u_char *last);
static ngx_uint_t ngx_edge_sentence_is_short(const u_char *start,
    const u_char *p);


ngx_int_t
ngx_edge_chunk(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_edge_chunk_conf_t *conf, ngx_array_t **chunks)
{
    size_t             target, overlap;
    const u_char      *p, *last, *end, *covered;
    ngx_edge_chunk_t  *chunk;

    *chunks = ngx_array_create(pool, 8, sizeof(ngx_edge_chunk_t));
    if (*chunks == NULL) {
        return NGX_ERROR;
    }

    if (text->len == 0) {
        return NGX_OK;
    }

    /* with half a chunk of overlap at most each chunk brings new text */

    target = ngx_max(conf->target, NGX_EDGE_CHUNK_MIN);
    overlap = ngx_min(conf->overlap, target / 2);

    last = ngx_edge_chunk_trim(text->data, text->data + text->len);
    p = ngx_edge_chunk_skip_space(text->data, last);
    covered = p;

    while (p < last) {
        end = ngx_edge_chunk_end(p, last, target);

        if (ngx_edge_chunk_trim(p, end) <= covered) {

            /* a long sentence behind the overlap leaves no border for it */

            p = ngx_edge_chunk_skip_space(covered, last);
            end = ngx_edge_chunk_end(p, last, target);
        }

        chunk = ngx_array_push(*chunks);
        if (chunk == NULL) {
            return NGX_ERROR;
        }

        chunk->start = p - text->data;
        chunk->end = ngx_edge_chunk_trim(p, end) - text->data;

        if (end == last) {
            break;
        }

        covered = end;
        p = ngx_edge_chunk_overlap(p, end, overlap);
        p = ngx_edge_chunk_skip_space(p, last);
    }

    return NGX_OK;
}


static const u_char *
ngx_edge_chunk_skip_space(const u_char *p, const u_char *last)
{
    while (p < last && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) {
        p++;
    }

    return p;
}


static const u_char *
ngx_edge_chunk_trim(const u_char *p, const u_char *last)
{
    while (last > p
           && (last[-1] == ' ' || (last[-1] >= '\t' && last[-1] <= '\r')))
    {
        last--;
    }

    return last;
}


/* The end of the chunk that begins at start: the last border of the best
 * kind.  A border in the first half counts only for a sentence, so that a
 * short paragraph before a long one does not make a tiny chunk. */

static const u_char *
ngx_edge_chunk_end(const u_char *start, const u_char *last, size_t target)
{
    const u_char  *p, *begin, *limit, *stop, *sentence, *paragraph;

    if ((size_t) (last - start) <= target) {
        return last;
    }

    limit = start + target;
    stop = limit + ngx_min(NGX_EDGE_CHUNK_LOOK, last - limit);

    sentence = NULL;
    paragraph = NULL;

    for (p = start; p < limit; p = ngx_edge_chunk_skip_space(p, stop)) {
        begin = p;
        p = ngx_edge_sentence_end(begin, stop);

        if (ngx_edge_chunk_trim(begin, p) > limit) {
            break;
        }

        if (p == stop && stop < last) {
            break;
        }

        if (*begin == '#') {
            continue;                   /* a heading stays with its text */
        }

        sentence = p;

        if ((size_t) (p - start) > target / 2
            && ngx_edge_chunk_is_paragraph(p, last))
        {
            paragraph = p;
        }
    }

    if (paragraph) {
        return paragraph;
    }

    if (sentence) {
        return sentence;
    }

    p = ngx_edge_chunk_space(start, limit);
    if (p) {
        return p;
    }

    return start + ngx_edge_utf8_cut(start, last - start, target);
}


/* The last white space of a chunk without a better border. */

static const u_char *
ngx_edge_chunk_space(const u_char *start, const u_char *limit)
{
    const u_char  *p;

    for (p = limit; p > start; p--) {
        if (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
            return p;
        }
    }

    return NULL;
}


/* Where the next chunk begins: at the first sentence of this one from which
 * at most overlap bytes are left. */

static const u_char *
ngx_edge_chunk_overlap(const u_char *start, const u_char *end,
    size_t overlap)
{
    const u_char  *p;

    p = start;

    while (p < end) {
        p = ngx_edge_chunk_skip_space(ngx_edge_sentence_end(p, end), end);

        if ((size_t) (end - p) <= overlap) {
            return p;
        }
    }

    return end;
}


/* 1 if an empty line, a heading or the end of the text follows. */

static ngx_uint_t
ngx_edge_chunk_is_paragraph(const u_char *p, const u_char *last)
{
    ngx_uint_t  lines;

    lines = (p[-1] == '\n');

    for ( /* void */ ; p < last; p++) {

        if (*p == '\n') {
            lines++;

        } else if (*p != ' ' && *p != '\t' && *p != '\r') {
            break;
        }
    }

    return p == last || lines > 1 || (lines == 1 && *p == '#');
}


const u_char *
ngx_edge_sentence_end(const u_char *pos, const u_char *last)
{
    const u_char  *p, *start, *end, *closed;

    start = ngx_edge_chunk_skip_space(pos, last);
    closed = start;

    for (p = start; p < last; p++) {

        switch (*p) {

        case '\n':
            end = ngx_edge_sentence_line(start, p, last);
            break;

        case '.':
        case '!':
        case '?':
            end = ngx_edge_sentence_mark(start, p, last, &closed);
            break;

        case 0xe3:
        case 0xef:
            end = ngx_edge_sentence_wide(p, last);
            break;

        default:
            continue;
        }

        if (end) {
            return end;
        }
    }

    return last;
}


/* Behind a line break that ends something; NULL if the line goes on. */

static const u_char *
ngx_edge_sentence_line(const u_char *start, const u_char *p,
    const u_char *last)
{
    const u_char  *next;

    next = p + 1;

    while (next < last && (*next == ' ' || *next == '\t' || *next == '\r')) {
        next++;
    }

    if (next == last || *next == '\n'
        || ngx_edge_sentence_is_item(start, p)
        || ngx_edge_sentence_is_item(next, last))
    {
        return p + 1;
    }

    return NULL;
}


/* 1 for a heading, a list item, a row of a table, a quote. */

static ngx_uint_t
ngx_edge_sentence_is_item(const u_char *p, const u_char *last)
{
    const u_char  *digits;

    if (p == last) {
        return 0;
    }

    switch (*p) {

    case '#':
    case '|':
    case '>':
        return 1;

    case '-':
    case '*':
    case '+':
        return last - p > 1 && p[1] == ' ';
    }

    for (digits = p; p < last && *p >= '0' && *p <= '9'; p++) { /* void */ }

    return p > digits && last - p > 1 && (*p == '.' || *p == ')')
           && p[1] == ' ';
}


/* Behind a full stop at p and what closes with it; NULL if it ends none.  A
 * row of marks closes at one place, which is kept for those behind p. */

static const u_char *
ngx_edge_sentence_mark(const u_char *start, const u_char *p,
    const u_char *last, const u_char **closed)
{
    uint32_t       cp;
    const u_char  *end, *next;

    if (*closed <= p) {
        *closed = ngx_edge_sentence_close(p + 1, last);
    }

    end = *closed;

    if (end == last) {
        return end;
    }

    next = end;
    cp = ngx_edge_utf8_next(&next, last);

    /* Hangul sentences are sometimes written without a blank between */

    if (ngx_edge_utf8_is_cjk(cp)) {
        return (p > start && p[-1] >= 0x80) ? end : NULL;
    }

    if (cp != ' ' && !(cp >= '\t' && cp <= '\r')) {
        return NULL;
    }

    if (*p != '.') {
        return end;
    }

    next = ngx_edge_chunk_skip_space(end, last);

    if (ngx_edge_sentence_is_short(start, p)
        || (next < last && *next >= 'a' && *next <= 'z'))
    {
        return NULL;
    }

    return end;
}


/* Behind a full-width mark at p. */

static const u_char *
ngx_edge_sentence_wide(const u_char *p, const u_char *last)
{
    if (last - p >= 3
        && (ngx_memcmp(p, "\xe3\x80\x82", 3) == 0         /* 。 */
            || ngx_memcmp(p, "\xef\xbc\x81", 3) == 0      /* ！ */
            || ngx_memcmp(p, "\xef\xbc\x9f", 3) == 0))    /* ？ */
    {
        return ngx_edge_sentence_close(p + 3, last);
    }

    return NULL;
}


/* Behind further marks, closing quotes and brackets. */

static const u_char *
ngx_edge_sentence_close(const u_char *p, const u_char *last)
{
    uint32_t       cp;
    const u_char  *next;

    while (p < last) {
        next = p;
        cp = ngx_edge_utf8_next(&next, last);

        switch (cp) {

        case '.':
        case '!':
        case '?':
        case '"':
        case '\'':
        case ')':
        case ']':
        case '*':
        case 0xbb:                      /* guillemet */
        case 0x2019:                    /* quotes */
        case 0x201d:
        case 0x300d:                    /* corner brackets */
        case 0x300f:
        case 0xff09:                    /* full-width bracket */
            p = next;
            continue;
        }

        break;
    }

    return p;
}


/* 1 if the full stop at p is that of an abbreviation of one letter, or of the
 * number of a list item. */

static ngx_uint_t
ngx_edge_sentence_is_short(const u_char *start, const u_char *p)
{
    u_char         c;
    const u_char  *word;

    for (word = p; word > start && word[-1] > ' '; word--) { /* void */ }

    if (word == p) {
        return 0;
    }

    if (word == start && ngx_edge_sentence_is_item(word, p + 2)) {
        return 1;
    }

    c = p[-1] | 0x20;

    return c >= 'a' && c <= 'z'
           && (p - word == 1 || p[-2] == '.' || p[-2] == '(');
}
