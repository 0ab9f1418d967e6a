
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UUIDs: of names, and of random bytes.  Knows OpenSSL's digests.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/evp.h>
#include "rag/ngx_edge_uuid.h"


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
    ngx_str_t  parts[4];

    parts[0] = *tenant;
    parts[1] = *module;
    parts[2] = *doc_id;
    parts[3].data = number;
    parts[3].len = ngx_sprintf(number, "%ui", chunk) - number;

    return ngx_edge_uuid_name(ngx_edge_uuid_namespace, parts, 4, buf);
}


ngx_int_t
ngx_edge_uuid_name(const u_char space[16], const ngx_str_t *parts,
    ngx_uint_t n, u_char *buf)
{
    u_char       digest[EVP_MAX_MD_SIZE];
    ngx_uint_t   i, ok;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    ok = EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1
         && EVP_DigestUpdate(md, space, 16) == 1;

    for (i = 0; i < n; i++) {
        ok = ok && (i == 0 || EVP_DigestUpdate(md, "", 1) == 1)
             && EVP_DigestUpdate(md, parts[i].data, parts[i].len) == 1;
    }

    ok = ok && EVP_DigestFinal_ex(md, digest, NULL) == 1;

    EVP_MD_CTX_free(md);

    if (!ok) {
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
