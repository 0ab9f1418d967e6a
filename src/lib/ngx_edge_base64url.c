
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * base64url by tables: four of them, so that the words of four characters
 * need only be or-ed.  Knows nothing of what the bytes mean.
 */


#include "lib/ngx_edge_base64url.h"


/*
 * A character's word at each of the four places of a quad.  The bytes that a
 * quad stands for are the lowest three of the or of its words, the first one
 * lowest; bits 24 to 27 say which places hold a character of the alphabet.
 */

#define ngx_edge_base64url_1(v)  ((uint32_t) 1 << 24 | (uint32_t) (v) << 2)
#define ngx_edge_base64url_2(v)                                               \
    ((uint32_t) 2 << 24 | (uint32_t) (v) >> 4 | ((uint32_t) (v) & 15) << 12)
#define ngx_edge_base64url_3(v)                                               \
    ((uint32_t) 4 << 24 | ((uint32_t) (v) >> 2) << 8                          \
     | ((uint32_t) (v) & 3) << 22)
#define ngx_edge_base64url_4(v)  ((uint32_t) 8 << 24 | (uint32_t) (v) << 16)

#define NGX_EDGE_BASE64URL_TWO    0x03000000
#define NGX_EDGE_BASE64URL_THREE  0x07000000
#define NGX_EDGE_BASE64URL_FOUR   0x0f000000


#define ngx_edge_base64url_table(f)                                           \
    {                                                                         \
        ['A'] = f(0), ['B'] = f(1), ['C'] = f(2), ['D'] = f(3),               \
        ['E'] = f(4), ['F'] = f(5), ['G'] = f(6), ['H'] = f(7),               \
        ['I'] = f(8), ['J'] = f(9), ['K'] = f(10), ['L'] = f(11),             \
        ['M'] = f(12), ['N'] = f(13), ['O'] = f(14), ['P'] = f(15),           \
        ['Q'] = f(16), ['R'] = f(17), ['S'] = f(18), ['T'] = f(19),           \
        ['U'] = f(20), ['V'] = f(21), ['W'] = f(22), ['X'] = f(23),           \
        ['Y'] = f(24), ['Z'] = f(25),                                         \
        ['a'] = f(26), ['b'] = f(27), ['c'] = f(28), ['d'] = f(29),           \
        ['e'] = f(30), ['f'] = f(31), ['g'] = f(32), ['h'] = f(33),           \
        ['i'] = f(34), ['j'] = f(35), ['k'] = f(36), ['l'] = f(37),           \
        ['m'] = f(38), ['n'] = f(39), ['o'] = f(40), ['p'] = f(41),           \
        ['q'] = f(42), ['r'] = f(43), ['s'] = f(44), ['t'] = f(45),           \
        ['u'] = f(46), ['v'] = f(47), ['w'] = f(48), ['x'] = f(49),           \
        ['y'] = f(50), ['z'] = f(51),                                         \
        ['0'] = f(52), ['1'] = f(53), ['2'] = f(54), ['3'] = f(55),           \
        ['4'] = f(56), ['5'] = f(57), ['6'] = f(58), ['7'] = f(59),           \
        ['8'] = f(60), ['9'] = f(61), ['-'] = f(62), ['_'] = f(63)            \
    }


static const uint32_t  ngx_edge_base64url_words[4][256] = {
    ngx_edge_base64url_table(ngx_edge_base64url_1),
    ngx_edge_base64url_table(ngx_edge_base64url_2),
    ngx_edge_base64url_table(ngx_edge_base64url_3),
    ngx_edge_base64url_table(ngx_edge_base64url_4)
};

static const u_char  ngx_edge_base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


ngx_int_t
ngx_edge_base64url_decode(ngx_str_t *dst, const u_char *src, size_t len)
{
    u_char          *d;
    size_t           n;
    uint32_t         w, good;
    const uint32_t  (*t)[256];

    t = ngx_edge_base64url_words;
    d = dst->data;
    good = NGX_EDGE_BASE64URL_FOUR;

    for (n = len / 4; n; n--) {
        w = t[0][src[0]] | t[1][src[1]] | t[2][src[2]] | t[3][src[3]];
        good &= w;

        d[0] = (u_char) w;
        d[1] = (u_char) (w >> 8);
        d[2] = (u_char) (w >> 16);

        src += 4;
        d += 3;
    }

    if (good != NGX_EDGE_BASE64URL_FOUR) {
        return NGX_DECLINED;
    }

    /* what the last characters leave over must be nothing: or one text could
     * be written in several ways */

    switch (len % 4) {

    case 0:
        break;

    case 2:
        w = t[0][src[0]] | t[1][src[1]];

        if ((w & ~(uint32_t) 0xff) != NGX_EDGE_BASE64URL_TWO) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) w;
        break;

    case 3:
        w = t[0][src[0]] | t[1][src[1]] | t[2][src[2]];

        if ((w & ~(uint32_t) 0xffff) != NGX_EDGE_BASE64URL_THREE) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) w;
        *d++ = (u_char) (w >> 8);
        break;

    default:
        return NGX_DECLINED;
    }

    dst->len = d - dst->data;

    return NGX_OK;
}


u_char *
ngx_edge_base64url_encode(u_char *dst, const u_char *src, size_t len)
{
    uint32_t       w;
    const u_char  *a;

    a = ngx_edge_base64url_alphabet;

    for ( /* void */ ; len >= 3; len -= 3) {
        w = (uint32_t) src[0] << 16 | (uint32_t) src[1] << 8 | src[2];

        *dst++ = a[w >> 18];
        *dst++ = a[w >> 12 & 63];
        *dst++ = a[w >> 6 & 63];
        *dst++ = a[w & 63];

        src += 3;
    }

    if (len) {
        w = (uint32_t) src[0] << 16;

        if (len == 2) {
            w |= (uint32_t) src[1] << 8;
        }

        *dst++ = a[w >> 18];
        *dst++ = a[w >> 12 & 63];

        if (len == 2) {
            *dst++ = a[w >> 6 & 63];
        }
    }

    return dst;
}
