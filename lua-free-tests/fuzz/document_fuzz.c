
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Documents have the same hash only if all their fields are the same: the
 * fields of one are lines up to a line "%%", those of the other follow.
 */


/* sources: rag/ngx_edge_document.c rag/ngx_edge_digest.c */
/* libs: -lcrypto */
/* max_len: 256 */

#include "fuzz.h"
#include "rag/ngx_edge_document.h"


static void fuzz_document(ngx_pool_t *pool, ngx_str_t *in,
    ngx_edge_document_t *doc);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    u_char                hash[2][NGX_EDGE_DOCUMENT_HASH];
    ngx_str_t             first;
    ngx_uint_t            same;
    ngx_edge_document_t   a, b;

    first = fuzz_take(pool, in, "\n%%\n");

    fuzz_document(pool, &first, &a);
    fuzz_document(pool, in, &b);

    fuzz_check(ngx_edge_document_hash(&a, hash[0]) == NGX_OK);
    fuzz_check(ngx_edge_document_hash(&b, hash[1]) == NGX_OK);

    same = fuzz_same(&a.id, &b.id) && fuzz_same(&a.text, &b.text)
           && fuzz_same(&a.title, &b.title)
           && fuzz_same(&a.source_uri, &b.source_uri)
           && fuzz_same(&a.updated_at, &b.updated_at)
           && fuzz_same(&a.acl, &b.acl);

    fuzz_check(same == (memcmp(hash[0], hash[1], NGX_EDGE_DOCUMENT_HASH)
                        == 0));
}


static void
fuzz_document(ngx_pool_t *pool, ngx_str_t *in, ngx_edge_document_t *doc)
{
    doc->id = fuzz_take(pool, in, "\n");
    doc->text = fuzz_take(pool, in, "\n");
    doc->title = fuzz_take(pool, in, "\n");
    doc->source_uri = fuzz_take(pool, in, "\n");
    doc->updated_at = fuzz_take(pool, in, "\n");
    doc->acl = *in;
}
