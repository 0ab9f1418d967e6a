
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of taking tokens apart: the examples of the RFCs, and each refusal.
 */


/* sources: auth/ngx_edge_token.c auth/ngx_edge_jwt.c */
/* sources: auth/ngx_edge_members.c lib/ngx_edge_base64url.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "auth/ngx_edge_token.h"
#include "lib/ngx_edge_base64url.h"


#define JOE                                                                   \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"        \
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define JOE_PAYLOAD                                                           \
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "                          \
    "\"http://example.com/is_root\":true}"


static ngx_pool_t        *pool;
static const char        *reason;
static ngx_edge_token_t   token;


/* Parses a token that ends where its block of the heap does. */

static ngx_int_t
parse(const char *text, size_t len)
{
    ngx_int_t         rc;
    static ngx_str_t  copy;

    free(copy.data);
    copy.data = malloc(len ? len : 1);
    copy.len = len;
    ngx_memcpy(copy.data, text, len);

    reason = "";
    rc = ngx_edge_token_parse(pool, &copy, &token, &reason);

    if (rc == NGX_OK) {
        CHECK(token.signing.data == copy.data);
    }

    return rc;
}


/* Parses a token with a header of this text. */

static ngx_int_t
header_of(const char *header, size_t len)
{
    u_char     *text, *p;
    ngx_int_t   rc;

    text = malloc(ngx_edge_base64url_encoded(len) + 16);

    p = ngx_edge_base64url_encode(text, (u_char *) header, len);
    p = ngx_cpymem(p, ".e30.QUJD", 9);

    rc = parse((char *) text, p - text);

    free(text);

    return rc;
}


static ngx_int_t
header(const char *text)
{
    return header_of(text, strlen(text));
}


static void
check_declined(const char *text, const char *why)
{
    CHECK_INT(header(text), NGX_DECLINED);
    CHECK_MEM(reason, strlen(reason), why);
}


static void
check_text(const char *text, const char *why)
{
    CHECK_INT(parse(text, strlen(text)), NGX_DECLINED);
    CHECK_MEM(reason, strlen(reason), why);
}


static void
test_rfc7515(void)
{
    const char  *text;

    /* A.1, which RFC 7519 section 3.1 has too */

    text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
           ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    CHECK_INT(parse(text, strlen(text)), NGX_OK);
    CHECK_STR(token.header, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}");
    CHECK_STR(token.payload, JOE_PAYLOAD);
    CHECK_INT(token.signing.len, strrchr(text, '.') - text);
    CHECK_INT(token.signature.len, 32);
    CHECK(ngx_memcmp(token.signature.data, "\x74\x18\xdf\xb4\x97\x99", 6)
          == 0);
    CHECK_INT(token.signature.data[31], 121);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_hs256);
    CHECK_STR(token.typ, "JWT");
    CHECK(token.kid.data == NULL);

    /* A.2 */

    text = "eyJhbGciOiJSUzI1NiJ9." JOE
           ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
           "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
           "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
           "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
           "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
           "p0igcN_IoypGlUPQGe77Rw";

    CHECK_INT(parse(text, strlen(text)), NGX_OK);
    CHECK_STR(token.header, "{\"alg\":\"RS256\"}");
    CHECK_STR(token.payload, JOE_PAYLOAD);
    CHECK_INT(token.signature.len, 256);
    CHECK_INT(token.signature.data[0], 112);
    CHECK_INT(token.signature.data[255], 71);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_rs256);
    CHECK(token.typ.data == NULL);

    /* A.3 */

    text = "eyJhbGciOiJFUzI1NiJ9." JOE
           ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
           "pmWQxfKTUJqPP3-Kg6NU1Q";

    CHECK_INT(parse(text, strlen(text)), NGX_OK);
    CHECK_STR(token.payload, JOE_PAYLOAD);
    CHECK_INT(token.signature.len, 64);
    CHECK_INT(token.signature.data[0], 14);
    CHECK_INT(token.signature.data[63], 213);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_es256);

    /* A.5, which has no signature */

    check_text("eyJhbGciOiJub25lIn0." JOE ".", "alg is not supported");
}


static void
test_rfc8037(void)
{
    const char  *text;

    text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
           "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
           "hVsPt9g7sVvpAr_MuM0KAg";

    CHECK_INT(parse(text, strlen(text)), NGX_OK);
    CHECK_STR(token.header, "{\"alg\":\"EdDSA\"}");
    CHECK_STR(token.payload, "Example of Ed25519 signing");
    CHECK_INT(token.signature.len, 64);
    CHECK_INT(token.signature.data[0], 0x86);
    CHECK_INT(token.signature.data[63], 0x02);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_eddsa);
}


static void
test_parts(void)
{
    check_text("", "not three parts");
    check_text("e30", "not three parts");
    check_text("e30.e30", "not three parts");
    check_text(".", "not three parts");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.QUJD.", "not three parts");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.QUJD.QUJD.QUJD", "not three parts");
    check_text("..", "no JSON object");
    check_text(".e30.QUJD", "no JSON object");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.", "no signature");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30=.QUJD", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9==.e30.QUJD", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9.e31.QUJD", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.QUJD\n", "not base64url");
    check_text(" eyJhbGciOiJFUzI1NiJ9.e30.QUJD", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.QUJ+", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.QUI/", "not base64url");
    check_text("eyJhbGciOiJFUzI1NiJ9.e30.Q", "not base64url");

    CHECK_INT(parse("eyJhbGciOiJFUzI1NiJ9.e30.QUJD", 29), NGX_OK);
    CHECK_STR(token.payload, "{}");
    CHECK_STR(token.signature, "ABC");
    CHECK_STR(token.signing, "eyJhbGciOiJFUzI1NiJ9.e30");

    CHECK_INT(parse("eyJhbGciOiJFUzI1NiJ9\0.e30.QUJD", 30), NGX_DECLINED);

    /* what the payload is, is asked later */

    CHECK_INT(parse("eyJhbGciOiJFUzI1NiJ9..QUJD", 26), NGX_OK);
    CHECK_INT(token.payload.len, 0);
}


static void
test_alg(void)
{
    ngx_str_t           name;
    ngx_uint_t          i;
    ngx_edge_jwt_alg_e  alg;

    static const char  *const names[] = {
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
        "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "Ed25519",
        "Ed448", "EdDSA"
    };

    static const char  *const others[] = {
        "none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", " HS256",
        "HS25", "HS2567", "ES256k", "EDDSA", "ed25519", "RSA-OAEP", "dir"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        name = unit_str(names[i]);
        alg = ngx_edge_jwt_alg_hs256 + i;

        CHECK_INT(ngx_edge_jwt_alg(&name), alg);

        if (alg != ngx_edge_jwt_alg_eddsa) {
            CHECK_INT(ngx_edge_jwt_alg_bits(&name), 1 << alg);
        }
    }

    CHECK_INT(i, ngx_edge_jwt_alg_max - 1);

    name = unit_str("EdDSA");
    CHECK_INT(ngx_edge_jwt_alg_bits(&name),
              1 << ngx_edge_jwt_alg_eddsa | 1 << ngx_edge_jwt_alg_ed25519
              | 1 << ngx_edge_jwt_alg_ed448);

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        name = unit_str(others[i]);

        CHECK_INT(ngx_edge_jwt_alg(&name), ngx_edge_jwt_alg_unknown);
        CHECK_INT(ngx_edge_jwt_alg_bits(&name), 0);
    }

    name.data = (u_char *) "HS256\0";
    name.len = 6;
    CHECK_INT(ngx_edge_jwt_alg(&name), ngx_edge_jwt_alg_unknown);

    check_declined("{}", "no alg");
    check_declined("{\"ALG\":\"HS256\"}", "no alg");
    check_declined("{\"alg\":\"none\"}", "alg is not supported");
    check_declined("{\"alg\":\"nOnE\"}", "alg is not supported");
    check_declined("{\"alg\":\"\"}", "alg is not supported");
    check_declined("{\"alg\":\"HS256\\u0000\"}", "alg is not supported");
    check_declined("{\"alg\":null}", "alg is no algorithm");
    check_declined("{\"alg\":[\"HS256\"]}", "alg is no algorithm");
    check_declined("{\"alg\":256}", "alg is no algorithm");

    /* an escape is another spelling, not another name */

    CHECK_INT(header("{\"\\u0061lg\":\"\\u0048S256\"}"), NGX_OK);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_hs256);
}


static void
test_strings(void)
{
    char  text[2048];

    CHECK_INT(header("{\"alg\":\"ES384\",\"kid\":\"a\\u0062\\/\\n\","
                     "\"typ\":\"at+jwt\"}"), NGX_OK);
    CHECK_STR(token.kid, "ab/\n");
    CHECK_STR(token.typ, "at+jwt");

    CHECK_INT(header("{\"alg\":\"ES384\",\"kid\":\"\",\"typ\":\"\"}"), NGX_OK);
    CHECK_INT(token.kid.len, 0);
    CHECK(token.kid.data != NULL);
    CHECK(token.typ.data != NULL);

    CHECK_INT(header("{\"alg\":\"ES384\",\"kid\":\"a\\u0000b\"}"), NGX_OK);
    CHECK_INT(token.kid.len, 3);
    CHECK(ngx_memcmp(token.kid.data, "a\0b", 3) == 0);

    check_declined("{\"alg\":\"ES384\",\"kid\":1}",
                   "kid is no string, or too long");
    check_declined("{\"alg\":\"ES384\",\"kid\":null}",
                   "kid is no string, or too long");
    check_declined("{\"alg\":\"ES384\",\"kid\":[\"a\"]}",
                   "kid is no string, or too long");
    check_declined("{\"alg\":\"ES384\",\"typ\":true}",
                   "typ is no string, or too long");
    check_declined("{\"alg\":\"ES384\",\"typ\":{}}",
                   "typ is no string, or too long");

    (void) snprintf(text, sizeof(text), "{\"alg\":\"ES384\",\"kid\":\"%0*d\"}",
                    NGX_EDGE_TOKEN_KID_MAX, 7);
    CHECK_INT(header(text), NGX_OK);
    CHECK_INT(token.kid.len, NGX_EDGE_TOKEN_KID_MAX);

    (void) snprintf(text, sizeof(text), "{\"alg\":\"ES384\",\"kid\":\"%0*d\"}",
                    NGX_EDGE_TOKEN_KID_MAX + 1, 7);
    check_declined(text, "kid is no string, or too long");

    (void) snprintf(text, sizeof(text), "{\"alg\":\"ES384\",\"typ\":\"%064d\"}",
                    7);
    CHECK_INT(header(text), NGX_OK);
    CHECK_INT(token.typ.len, 64);

    (void) snprintf(text, sizeof(text), "{\"alg\":\"ES384\",\"typ\":\"%065d\"}",
                    7);
    check_declined(text, "typ is no string, or too long");

    /* the limit is on what it says */

    (void) snprintf(text, sizeof(text),
                    "{\"alg\":\"ES384\",\"typ\":\"\\u0041%063d\"}", 7);
    CHECK_INT(header(text), NGX_OK);
    CHECK_INT(token.typ.len, 64);
}


static void
test_extensions(void)
{
    check_declined("{\"alg\":\"HS256\",\"crit\":[]}",
                   "crit names what is not understood");
    check_declined("{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
                   "crit names what is not understood");
    check_declined("{\"alg\":\"HS256\",\"\\u0063rit\":null}",
                   "crit names what is not understood");
    check_declined("{\"alg\":\"HS256\",\"b64\":false}", "b64 is not true");
    check_declined("{\"alg\":\"HS256\",\"b64\":null}", "b64 is not true");
    check_declined("{\"alg\":\"HS256\",\"b64\":\"true\"}", "b64 is not true");
    check_declined("{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
                   "b64 is not true");
    check_declined("{\"alg\":\"HS256\",\"zip\":\"DEF\"}",
                   "zip or enc in a signed token");
    check_declined("{\"alg\":\"HS256\",\"enc\":null}",
                   "zip or enc in a signed token");
    check_declined("{\"alg\":\"HS256\",\"b64\":trve}", "no valid JSON");

    CHECK_INT(header("{\"alg\":\"HS256\",\"b64\":true}"), NGX_OK);

    /* where keys might be is read by nobody */

    CHECK_INT(header("{\"jku\":\"https://a.example/\",\"jwk\":{\"kty\":\"oct\","
                     "\"k\":\"\"},\"x5u\":[1,{}],\"x5c\":null,\"cty\":\"JWT\","
                     "\"alg\":\"HS256\"}"), NGX_OK);
    CHECK_INT(token.alg, ngx_edge_jwt_alg_hs256);

    /* names that only begin like one of ours */

    CHECK_INT(header("{\"alg\":\"HS256\",\"critical\":1,\"zi\":1,\"b641\":0,"
                     "\"crit\\u0000\":1,\"\":1}"), NGX_OK);
}


static void
test_grammar(void)
{
    char    text[2048];
    size_t  i;

    check_declined("", "no JSON object");
    check_declined(" ", "no JSON object");
    check_declined("[]", "no JSON object");
    check_declined("\"alg\"", "no JSON object");
    check_declined("\xef\xbb\xbf{\"alg\":\"HS256\"}", "no JSON object");
    check_declined("{\"alg\":\"HS256\"", "no valid JSON");
    check_declined("{\"alg\":\"HS256\"}{}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\"},", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",}", "no valid JSON");
    check_declined("{'alg':\"HS256\"}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"a\":01}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"a\":}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"a\":\"\xc3\"}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"\xff\":1}", "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"a\":\"\xed\xa0\x80\"}",
                   "no valid JSON");
    check_declined("{\"alg\":\"HS256\",\"a\":\"\x01\"}", "no valid JSON");

    CHECK_INT(header_of("{\"alg\":\"HS256\"}\0", 16), NGX_DECLINED);
    CHECK_INT(header(" {\"alg\":\"HS256\"}\r\n\t"), NGX_OK);

    check_declined("{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
                   "a member twice in an object");
    check_declined("{\"alg\":\"HS256\",\"a\\u006cg\":\"none\"}",
                   "a member twice in an object");
    check_declined("{\"alg\":\"HS256\",\"jwk\":{\"k\":1,\"k\":1}}",
                   "a member twice in an object");
    check_declined("{\"alg\":\"HS256\",\"x\":[[{\"k\":1},{\"k\":1,\"k\":1}]]}",
                   "a member twice in an object");

    CHECK_INT(header("{\"alg\":\"HS256\",\"x\":[{\"k\":1},{\"k\":1}],"
                     "\"y\":{\"x\":{\"x\":1},\"alg\":1}}"), NGX_OK);

    /* the limit of the header, and one byte more */

    (void) snprintf(text, sizeof(text), "{\"alg\":\"HS256\",\"a\":\"%0*d\"}",
                    NGX_EDGE_TOKEN_HEADER_MAX - 22, 7);
    CHECK_INT(strlen(text), NGX_EDGE_TOKEN_HEADER_MAX);
    CHECK_INT(header(text), NGX_OK);

    (void) snprintf(text, sizeof(text), "{\"alg\":\"HS256\",\"a\":\"%0*d\"}",
                    NGX_EDGE_TOKEN_HEADER_MAX - 21, 7);
    check_declined(text, "header too large");

    /* nesting */

    for (i = 30; i < 33; i++) {
        (void) snprintf(text, sizeof(text),
                        "{\"alg\":\"HS256\",\"a\":%.*s%.*s}",
                        (int) i, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                        (int) i, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");

        CHECK_INT(header(text), i < 32 ? NGX_OK : NGX_DECLINED);
    }
}


static void
test_memory(void)
{
    ngx_int_t   rc;
    ngx_uint_t  budget;

    for (budget = 0; budget < 100; budget++) {
        ngx_stub_alloc_budget = budget;
        rc = header("{\"\\u0061lg\":\"\\u0048S256\",\"kid\":\"\\n\","
                    "\"a\":{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,"
                    "\"7\":0,\"8\":0,\"9\":0,\"a\":0,\"b\":0,\"c\":0,\"d\":0,"
                    "\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0,"
                    "\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"r\":0,"
                    "\"s\":0,\"t\":0,\"u\":0,\"v\":0,\"w\":0,\"x\":0}}");
        ngx_stub_alloc_budget = -1;

        if (rc == NGX_OK) {
            break;
        }

        CHECK_INT(rc, NGX_ERROR);
    }

    /* one for the parts, one for each escaped text, two for the names */

    CHECK(budget >= 6 && budget < 100);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_rfc7515);
    RUN(test_rfc8037);
    RUN(test_parts);
    RUN(test_alg);
    RUN(test_strings);
    RUN(test_extensions);
    RUN(test_grammar);
    RUN(test_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
