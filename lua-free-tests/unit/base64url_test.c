
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of base64url: every length, every byte at every place, and the bits
 * that are left over.  Source and target are exact blocks of the heap.
 */


/* sources: lib/ngx_edge_base64url.c */

#include "unit.h"
#include "lib/ngx_edge_base64url.h"


/* Decodes len characters; the caller frees *out. */

static ngx_int_t
decode(const char *text, size_t len, ngx_str_t *out)
{
    u_char     *src;
    ngx_int_t   rc;

    src = malloc(len + 1);
    src = realloc(src, len ? len : 1);
    ngx_memcpy(src, text, len);

    out->data = malloc(ngx_edge_base64url_decoded(len));
    out->len = 0;

    rc = ngx_edge_base64url_decode(out, src, len);

    free(src);

    return rc;
}


static void
check_declined(const char *text)
{
    ngx_str_t  out;

    CHECK_INT(decode(text, strlen(text), &out), NGX_DECLINED);
    free(out.data);
}


static void
check_pair(const char *text, const char *expected)
{
    u_char     buf[64];
    ngx_str_t  out;

    CHECK_INT(decode(text, strlen(text), &out), NGX_OK);
    CHECK_STR(out, expected);
    free(out.data);

    CHECK_MEM(buf, ngx_edge_base64url_encode(buf, (u_char *) expected,
                                             strlen(expected)) - buf, text);
}


static void
test_examples(void)
{
    u_char     buf[8];
    ngx_str_t  out;

    /* RFC 4648 section 10, without the padding */

    check_pair("", "");
    check_pair("Zg", "f");
    check_pair("Zm8", "fo");
    check_pair("Zm9v", "foo");
    check_pair("Zm9vYg", "foob");
    check_pair("Zm9vYmE", "fooba");
    check_pair("Zm9vYmFy", "foobar");

    /* RFC 7515 appendix C */

    CHECK_INT(decode("A-z_4ME", 7, &out), NGX_OK);
    CHECK_MEM(out.data, out.len, "\x03\xec\xff\xe0\xc1");
    CHECK_MEM(buf, ngx_edge_base64url_encode(buf, out.data, out.len) - buf,
              "A-z_4ME");
    free(out.data);
}


static void
test_refused(void)
{
    check_declined("Zg==");
    check_declined("Zm8=");
    check_declined("Zm9v=");
    check_declined("Zm9v====");
    check_declined("Zm9v\n");
    check_declined("Zm9v\r\nYmFy");
    check_declined(" Zm9v");
    check_declined("Zm9vYmFy ");
    check_declined("A+z/");
    check_declined("Z");
    check_declined("Zm9vZ");
}


static void
test_lengths(void)
{
    size_t      len, n, i;
    u_char      bytes[64], *text, *end;
    uint32_t    seed;
    ngx_str_t   out;

    seed = 1;

    for (len = 0; len <= 64; len++) {

        for (i = 0; i < len; i++) {
            seed = seed * 1103515245 + 12345;
            bytes[i] = (u_char) (seed >> 16);
        }

        n = ngx_edge_base64url_encoded(len);
        text = malloc(n ? n : 1);
        end = ngx_edge_base64url_encode(text, bytes, len);

        CHECK_INT(end - text, n);
        CHECK(n % 4 != 1);
        CHECK(ngx_edge_base64url_decoded(n) >= len);

        CHECK_INT(decode((char *) text, n, &out), NGX_OK);
        CHECK_INT(out.len, len);
        CHECK(memcmp(out.data, bytes, len) == 0);

        free(out.data);
        free(text);
    }

    /* texts of all lengths: A is always zero bits */

    for (len = 0; len <= 64; len++) {
        text = malloc(65);
        ngx_memset(text, 'A', 65);

        CHECK_INT(decode((char *) text, len, &out),
                  len % 4 == 1 ? NGX_DECLINED : NGX_OK);

        if (len % 4 != 1) {
            CHECK_INT(out.len, len * 3 / 4);
        }

        free(out.data);
        free(text);
    }
}


static ngx_int_t
value_of(ngx_uint_t c)
{
    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_";
    const char        *p;

    p = c ? strchr(alphabet, (int) c) : NULL;

    return p ? p - alphabet : -1;
}


/* Every byte at every place of texts of 2 to 12 characters. */

static void
test_bytes(void)
{
    char        text[12];
    size_t      len, i;
    uint32_t    group;
    ngx_int_t   v, rc, left;
    ngx_str_t   out;
    ngx_uint_t  c;

    for (len = 2; len <= 12; len++) {

        if (len % 4 == 1) {
            continue;
        }

        /* bits of the last character that stand for nothing */

        left = (len % 4 == 2) ? 15 : (len % 4 == 3) ? 3 : 0;

        for (i = 0; i < len; i++) {
            for (c = 0; c < 256; c++) {

                ngx_memset(text, 'A', len);
                text[i] = (char) c;

                v = value_of(c);
                rc = decode(text, len, &out);

                if (v < 0 || (i == len - 1 && (v & left))) {
                    CHECK_INT(rc, NGX_DECLINED);
                    free(out.data);
                    continue;
                }

                CHECK_INT(rc, NGX_OK);
                CHECK_INT(out.len, len * 3 / 4);

                group = (uint32_t) v << (18 - i % 4 * 6);
                ngx_memset(text, 0, len);
                text[i / 4 * 3] = (char) (group >> 16);

                if (i / 4 * 3 + 2 < 12) {
                    text[i / 4 * 3 + 1] = (char) (group >> 8);
                    text[i / 4 * 3 + 2] = (char) group;
                }

                CHECK(memcmp(out.data, text, out.len) == 0);
                free(out.data);
            }
        }
    }
}


int
main(void)
{
    RUN(test_examples);
    RUN(test_refused);
    RUN(test_lengths);
    RUN(test_bytes);

    return unit_summary();
}
