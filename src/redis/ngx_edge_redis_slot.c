
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Slots of keys: CRC16 (polynomial 0x1021, from 0, nothing reflected) modulo
 * 16384; and redirects.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "redis/ngx_edge_redis_slot.h"


static ngx_uint_t ngx_edge_redis_crc16(const u_char *p, size_t len);


/* by the upper four bits: a table of 256 would not be faster for short keys */

static const uint16_t  ngx_edge_redis_crc16_table[] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};


ngx_uint_t
ngx_edge_redis_slot(const ngx_str_t *key)
{
    u_char  *first, *last, *end;

    end = key->data + key->len;

    first = ngx_strlchr(key->data, end, '{');

    if (first) {
        first++;
        last = ngx_strlchr(first, end, '}');

        /* "{}" is a part of the key like any other */

        if (last && last != first) {
            return ngx_edge_redis_crc16(first, last - first)
                   % NGX_EDGE_REDIS_SLOTS;
        }
    }

    return ngx_edge_redis_crc16(key->data, key->len) % NGX_EDGE_REDIS_SLOTS;
}


static ngx_uint_t
ngx_edge_redis_crc16(const u_char *p, size_t len)
{
    uint16_t  crc;

    crc = 0;

    while (len--) {
        crc = (crc << 4) ^ ngx_edge_redis_crc16_table[(crc >> 12) ^ (*p >> 4)];
        crc = (crc << 4) ^ ngx_edge_redis_crc16_table[(crc >> 12) ^ (*p & 15)];
        p++;
    }

    return crc;
}


ngx_int_t
ngx_edge_redis_redirect(const ngx_str_t *text, ngx_edge_redis_redirect_t *to)
{
    u_char     *p, *last, *end;
    ngx_int_t   n;

    p = text->data;
    end = p + text->len;

    if (text->len > 6 && ngx_strncmp(p, "MOVED ", 6) == 0) {
        to->ask = 0;
        p += 6;

    } else if (text->len > 4 && ngx_strncmp(p, "ASK ", 4) == 0) {
        to->ask = 1;
        p += 4;

    } else {
        return NGX_DECLINED;
    }

    last = ngx_strlchr(p, end, ' ');
    if (last == NULL) {
        return NGX_DECLINED;
    }

    n = ngx_atoi(p, last - p);
    if (n < 0 || n >= NGX_EDGE_REDIS_SLOTS) {
        return NGX_DECLINED;
    }

    to->slot = n;
    p = last + 1;

    /* the last colon: an address of IPv6 has more of them, and no brackets */

    for (last = end; last > p && last[-1] != ':'; last--) { /* void */ }

    if (last == p) {
        return NGX_DECLINED;
    }

    n = ngx_atoi(last, end - last);
    if (n < 1 || n > 65535) {
        return NGX_DECLINED;
    }

    to->port = (in_port_t) n;
    to->host.data = p;
    to->host.len = last - 1 - p;

    return NGX_OK;
}


ngx_uint_t
ngx_edge_redis_is_host(const ngx_str_t *host)
{
    u_char      c;
    ngx_uint_t  i;

    if (host->len == 0 || host->len > NGX_EDGE_REDIS_HOST_MAX) {
        return 0;
    }

    for (i = 0; i < host->len; i++) {
        c = host->data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && c != '.' && c != ':' && c != '-' && c != '_')
        {
            return 0;
        }
    }

    return 1;
}
