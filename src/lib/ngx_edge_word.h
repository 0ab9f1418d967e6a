
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Eight bytes at a time: what can be asked of all bytes of a 64-bit word at
 * once.  Which of the bytes it is, only the lowest of those found tells, and
 * the lowest is the first in memory.
 */


#ifndef _NGX_EDGE_WORD_H_INCLUDED_
#define _NGX_EDGE_WORD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_EDGE_WORD_ONES   0x0101010101010101ULL
#define NGX_EDGE_WORD_HIGH   0x8080808080808080ULL

/* Where the lowest byte is that is not 0, from 0 on; found is not 0. */
#define ngx_edge_word_first(found)                                            \
    ((ngx_uint_t) __builtin_ctzll(found) / 8)

/* The n lowest bytes of a word, n < 8. */
#define ngx_edge_word_head(word, n)  ((word) & ~(~0ULL << (n) * 8))

/* Has a high bit set if one of the eight bytes is below n, n <= 0x80. */
#define ngx_edge_word_below(word, n)                                          \
    (((word) - NGX_EDGE_WORD_ONES * (n)) & ~(word))

/* Has a high bit set if one of the eight bytes is c. */
#define ngx_edge_word_has(word, c)                                            \
    ngx_edge_word_below((word) ^ (NGX_EDGE_WORD_ONES * (c)), 1)

/* Not 0 if one of the eight bytes cannot stand in a JSON string as it is
 * (RFC 8259, section 7), the quote that ends it among them. */
#define ngx_edge_word_special(word)                                           \
    ((ngx_edge_word_below(word, 0x20)                                         \
      | ngx_edge_word_has(word, '"')                                          \
      | ngx_edge_word_has(word, '\\'))                                        \
     & NGX_EDGE_WORD_HIGH)


/* The eight bytes at p. */

static ngx_inline uint64_t
ngx_edge_word(const u_char *p)
{
    uint64_t  word;

    ngx_memcpy(&word, p, 8);

    /* NGX_HAVE_LITTLE_ENDIAN is also unset where nginx could not tell */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif

    return word;
}


#endif /* _NGX_EDGE_WORD_H_INCLUDED_ */
