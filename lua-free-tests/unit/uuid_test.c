
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for UUIDs; the vector is RFC 9562's, appendix A.4.
 */

/* sources: rag/ngx_edge_uuid.c rag/ngx_edge_digest.c */
/* libs: -lcrypto */

#include "unit.h"
#include "rag/ngx_edge_uuid.h"


static void
test_rfc_vector(void)
{
    u_char               buf[NGX_EDGE_UUID_LEN];
    ngx_str_t            name;
    static const u_char  dns[16] = {
        0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
        0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8
    };

    name = unit_str("www.example.com");

    CHECK_INT(ngx_edge_uuid_name(dns, &name, 1, buf), NGX_OK);
    CHECK_MEM(buf, sizeof(buf), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}


static void
chunk(const char *tenant, const char *module, const char *id, ngx_uint_t n,
    u_char *buf)
{
    ngx_str_t  t, m, d;

    t = unit_str(tenant);
    m = unit_str(module);
    d = unit_str(id);

    CHECK_INT(ngx_edge_uuid_chunk(&t, &m, &d, n, buf), NGX_OK);
}


/* Stored points hang on these ids: a change here loses them. */
static void
test_chunk(void)
{
    u_char  a[NGX_EDGE_UUID_LEN], b[NGX_EDGE_UUID_LEN];

    chunk("acme", "planning", "doc-1", 0, a);
    CHECK_MEM(a, sizeof(a), "9f4ce5b4-94ae-5f14-b377-076788b3ab05");

    chunk("acme", "planning", "doc-1", 1, b);
    CHECK(ngx_memcmp(a, b, sizeof(a)) != 0);

    /* names that run together are still two */

    chunk("acme", "planning", "doc-", 10, b);
    chunk("acme", "planning", "doc-1", 0, a);
    CHECK(ngx_memcmp(a, b, sizeof(a)) != 0);

    chunk("acmep", "lanning", "doc-1", 0, b);
    CHECK(ngx_memcmp(a, b, sizeof(a)) != 0);
}


static void
test_random(void)
{
    u_char      buf[NGX_EDGE_UUID_LEN], bytes[16];

    ngx_memset(bytes, 0xff, sizeof(bytes));
    ngx_edge_uuid_random(bytes, buf);
    CHECK_MEM(buf, sizeof(buf), "ffffffff-ffff-4fff-bfff-ffffffffffff");

    ngx_memzero(bytes, sizeof(bytes));
    ngx_edge_uuid_random(bytes, buf);
    CHECK_MEM(buf, sizeof(buf), "00000000-0000-4000-8000-000000000000");
}


int
main(void)
{
    RUN(test_rfc_vector);
    RUN(test_chunk);
    RUN(test_random);

    return unit_summary();
}
