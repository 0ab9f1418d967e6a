
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The fingerprint of a document; knows nothing of where documents are kept.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_digest.h"
#include "rag/ngx_edge_document.h"


#define NGX_EDGE_DOCUMENT_FIELDS  6
#define NGX_EDGE_DOCUMENT_LENGTH  8    /* bytes of a field's length */


ngx_int_t
ngx_edge_document_hash(const ngx_edge_document_t *doc, u_char *hex)
{
    u_char            *p, digest[NGX_EDGE_DIGEST_SHA256];
    u_char             len[NGX_EDGE_DOCUMENT_FIELDS
                           * NGX_EDGE_DOCUMENT_LENGTH];
    uint64_t           n;
    ngx_str_t          pieces[2 * NGX_EDGE_DOCUMENT_FIELDS];
    ngx_uint_t         i, j;
    const ngx_str_t   *field[NGX_EDGE_DOCUMENT_FIELDS];

    field[0] = &doc->id;
    field[1] = &doc->text;
    field[2] = &doc->title;
    field[3] = &doc->source_uri;
    field[4] = &doc->updated_at;
    field[5] = &doc->acl;

    /* the length goes before the text: "ab" + "c" is not "a" + "bc" */

    p = len;

    for (i = 0; i < NGX_EDGE_DOCUMENT_FIELDS; i++) {
        pieces[2 * i].data = p;
        pieces[2 * i].len = NGX_EDGE_DOCUMENT_LENGTH;
        pieces[2 * i + 1] = *field[i];

        n = field[i]->len;

        for (j = 0; j < NGX_EDGE_DOCUMENT_LENGTH; j++) {
            *p++ = (u_char) (n >> (8 * j));
        }
    }

    if (ngx_edge_digest(pieces, 2 * NGX_EDGE_DOCUMENT_FIELDS, digest,
                        sizeof(digest))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(hex, digest, sizeof(digest));

    return NGX_OK;
}
