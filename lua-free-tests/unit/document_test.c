
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for a document's fingerprint.
 */

/* sources: rag/ngx_edge_document.c rag/ngx_edge_digest.c */
/* libs: -lcrypto */

#include "unit.h"
#include "rag/ngx_edge_document.h"


static void
test_hash(void)
{
    u_char               a[NGX_EDGE_DOCUMENT_HASH];
    u_char               b[NGX_EDGE_DOCUMENT_HASH];
    ngx_uint_t           i;
    ngx_str_t           *field;
    ngx_edge_document_t  doc;

    ngx_memzero(&doc, sizeof(ngx_edge_document_t));

    /* SHA-256 of 48 zero bytes */

    CHECK_INT(ngx_edge_document_hash(&doc, a), NGX_OK);
    CHECK_MEM(a, sizeof(a), "17b0761f87b081d5cf10757ccc89f12b"
                            "e355c70e2e29df288b65b30710dcbcd1");

    /* every field counts, and where it stands */

    field = &doc.id;

    for (i = 0; i < sizeof(ngx_edge_document_t) / sizeof(ngx_str_t); i++) {
        field[i] = unit_str("x");
        CHECK_INT(ngx_edge_document_hash(&doc, b), NGX_OK);
        CHECK(ngx_memcmp(a, b, sizeof(a)) != 0);
        ngx_memcpy(a, b, sizeof(a));
    }

    doc.id = unit_str("ab");
    doc.text = unit_str("c");
    CHECK_INT(ngx_edge_document_hash(&doc, a), NGX_OK);

    doc.id = unit_str("a");
    doc.text = unit_str("bc");
    CHECK_INT(ngx_edge_document_hash(&doc, b), NGX_OK);
    CHECK(ngx_memcmp(a, b, sizeof(a)) != 0);
}


int
main(void)
{
    RUN(test_hash);

    return unit_summary();
}
