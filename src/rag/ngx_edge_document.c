
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The fingerprint of a document.  Knows OpenSSL's digests and nothing of
 * where documents are kept.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/evp.h>
#include "rag/ngx_edge_document.h"


static ngx_int_t ngx_edge_document_field(EVP_MD_CTX *md,
    const ngx_str_t *value);


ngx_int_t
ngx_edge_document_hash(const ngx_edge_document_t *doc, u_char *hex)
{
    u_char       digest[EVP_MAX_MD_SIZE];
    ngx_int_t    rc;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
        && ngx_edge_document_field(md, &doc->id) == NGX_OK
        && ngx_edge_document_field(md, &doc->text) == NGX_OK
        && ngx_edge_document_field(md, &doc->title) == NGX_OK
        && ngx_edge_document_field(md, &doc->source_uri) == NGX_OK
        && ngx_edge_document_field(md, &doc->updated_at) == NGX_OK
        && ngx_edge_document_field(md, &doc->acl) == NGX_OK
        && EVP_DigestFinal_ex(md, digest, NULL) == 1)
    {
        (void) ngx_hex_dump(hex, digest, NGX_EDGE_DOCUMENT_HASH / 2);
        rc = NGX_OK;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


/* The length first, in eight bytes: "ab" + "c" is not "a" + "bc". */

static ngx_int_t
ngx_edge_document_field(EVP_MD_CTX *md, const ngx_str_t *value)
{
    u_char      len[8];
    uint64_t    n;
    ngx_uint_t  i;

    n = value->len;

    for (i = 0; i < 8; i++) {
        len[i] = (u_char) (n >> (8 * i));
    }

    if (EVP_DigestUpdate(md, len, sizeof(len)) != 1
        || EVP_DigestUpdate(md, value->data, value->len) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
