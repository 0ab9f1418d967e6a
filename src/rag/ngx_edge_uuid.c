
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UUIDs: of names, and of random bytes.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_digest.h"
#include "rag/ngx_edge_uuid.h"


#define NGX_EDGE_UUID_PARTS  4         /* of one name, at most */


static void ngx_edge_uuid_write(u_char *bytes, u_char version, u_char *buf);


/* 1e257c76-95e2-4024-9267-c64cc1992c63: made once, never to change, since the
 * ids of all stored points hang on it. */

static const u_char  ngx_edge_uuid_namespace[16] = {
    0x1e, 0x25, 0x7c, 0x76, 0x95, 0xe2, 0x40, 0x24,
    0x92, 0x67, 0xc6, 0x4c, 0xc1, 0x99, 0x2c, 0x63
};


ngx_int_t
ngx_edge_uuid_chunk(const ngx_str_t *tenant, const ngx_str_t *module,
    const ngx_str_t *doc_id, ngx_uint_t chunk, u_char *buf)
{
    u_char     number[NGX_INT_T_LEN];
    ngx_str_t  parts[NGX_EDGE_UUID_PARTS];

    parts[0] = *tenant;
    parts[1] = *module;
    parts[2] = *doc_id;
    parts[3].data = number;
    parts[3].len = ngx_sprintf(number, "%ui", chunk) - number;

    return ngx_edge_uuid_name(ngx_edge_uuid_namespace, parts,
                              NGX_EDGE_UUID_PARTS, buf);
}


ngx_int_t
ngx_edge_uuid_name(const u_char space[16], const ngx_str_t *parts,
    ngx_uint_t n, u_char *buf)
{
    u_char      digest[NGX_EDGE_DIGEST_SHA1];
    ngx_str_t   pieces[2 * NGX_EDGE_UUID_PARTS];
    ngx_uint_t  i, k;

    k = 0;
    pieces[k].data = (u_char *) space;
    pieces[k++].len = 16;

    for (i = 0; i < n; i++) {

        if (i) {
            pieces[k].data = (u_char *) "";
            pieces[k++].len = 1;
        }

        pieces[k++] = parts[i];
    }

    if (ngx_edge_digest(pieces, k, digest, sizeof(digest)) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_edge_uuid_write(digest, 5, buf);

    return NGX_OK;
}


void
ngx_edge_uuid_random(u_char random[16], u_char *buf)
{
    ngx_edge_uuid_write(random, 4, buf);
}


/* Sets version and variant, and writes 8-4-4-4-12 digits. */

static void
ngx_edge_uuid_write(u_char *bytes, u_char version, u_char *buf)
{
    ngx_uint_t  i;

    bytes[6] = (u_char) ((bytes[6] & 0x0f) | (version << 4));
    bytes[8] = (u_char) ((bytes[8] & 0x3f) | 0x80);

    for (i = 0; i < 16; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *buf++ = '-';
        }

        buf = ngx_hex_dump(buf, &bytes[i], 1);
    }
}
