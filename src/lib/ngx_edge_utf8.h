
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 (RFC 3629): validity, decoding, safe cutting, character classes
 * needed to split text.  Knows bytes only.
 */


#ifndef _NGX_EDGE_UTF8_H_INCLUDED_
#define _NGX_EDGE_UTF8_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_UTF8_BAD  0xffffffff


/* 1 if the bytes are well-formed UTF-8: no overlong form, no surrogate,
 * nothing over U+10FFFF. */
ngx_uint_t ngx_edge_utf8_valid(const u_char *data, size_t len);

/* Decodes one character at *p < last and moves *p behind it;
 * NGX_EDGE_UTF8_BAD moves by one byte. */
uint32_t ngx_edge_utf8_next(const u_char **p, const u_char *last);

/* Decodes the JSON escape \uXXXX at *p < last, or a surrogate pair of two,
 * and moves *p behind it; a lone surrogate gives U+FFFD.  What is no such
 * escape gives NGX_EDGE_UTF8_BAD and moves by one byte. */
uint32_t ngx_edge_utf8_unescape(const u_char **p, const u_char *last);

/* Writes one code point (1 to 4 bytes), returns the byte behind it. */
u_char *ngx_edge_utf8_put(u_char *dst, uint32_t cp);

/* The largest n <= max, n <= len such that data[0..n) ends on a character
 * border; also drops a character that is cut by len. */
size_t ngx_edge_utf8_cut(const u_char *data, size_t len, size_t max);

/* The number of code points of valid UTF-8. */
size_t ngx_edge_utf8_count(const u_char *data, size_t len);

/* Hangul syllables, Jamo, Han, Hiragana, Katakana: scripts whose words are
 * indexed as bigrams. */
ngx_uint_t ngx_edge_utf8_is_cjk(uint32_t cp);


#endif /* _NGX_EDGE_UTF8_H_INCLUDED_ */
