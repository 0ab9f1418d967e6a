
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of making a set of keys: which JWK and PEM are usable, what the log
 * says of the others, and limits.
 */


/* sources: auth/ngx_edge_keyset.c auth/ngx_edge_keyset_jwk.c */
/* sources: auth/ngx_edge_keyset_key.c auth/ngx_edge_keyset_pem.c */
/* sources: auth/ngx_edge_keyset_verify.c auth/ngx_edge_jwt.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_json.c */
/* sources: lib/ngx_edge_utf8.c */
/* libs: -ljansson -lcrypto */

#include "keyset_fixture.h"


#define K32  "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
#define OCT  "{\"kty\":\"oct\",\"k\":\"" K32 "\"}"

#define LEFT_OUT  "edge auth: key 1 \"\" of \"keys.json\" is left out: "


static EVP_PKEY  *rsa, *p256, *ed25519;


/* The only key of a set is left out, with these words in the log, and a good
 * one beside it is kept. */

static void
unusable_flags(const char *jwk, const char *words, ngx_uint_t flags)
{
    char                *want;
    ngx_edge_keyset_t   *set;

    want = text("%s%s", LEFT_OUT, words);

    CHECK(create_flags(jwk, flags) == NULL);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last),
              "edge auth: no keys from \"keys.json\": it has no usable key");

    set = create_flags(text("{\"keys\":[%s,%s]}", jwk, jwk_of(p256, "")),
                       flags);
    CHECK(set != NULL && ngx_edge_keyset_count(set) == 1);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last), want);
}


static void
unusable(const char *jwk, const char *words)
{
    unusable_flags(jwk, words, 0);
}


static void
refused(const char *keys, const char *words)
{
    char  *want;

    want = text("edge auth: no keys from \"keys.json\": %s", words);

    CHECK(create(keys) == NULL);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last), want);
}


static void
test_texts(void)
{
    refused("", "it is empty");
    refused(" \r\n", "it is empty");
    refused("garbage", "the body is not JSON");
    refused("{\"keys\":[" OCT "]", "the body is not JSON");
    refused("[" OCT "]", "it is no JSON object");
    refused("\"-----BEGI\"", "it is no JSON object");
    refused("{}", "it has neither keys nor kty");
    refused("{\"keys\":{}}", "\"keys\" is no array");
    refused("{\"keys\":[]}", "it has no usable key");
    refused("{\"kty\":\"oct\",\"kty\":\"oct\",\"k\":\"" K32 "\"}",
            "the body holds a duplicate member name");
    refused("{\"keys\":[" OCT ",{\"a\":{\"b\":1,\"b\":2}}]}",
            "the body holds a duplicate member name");

    CHECK(create(OCT) != NULL);
    CHECK(create("\r\n\t {\"keys\":[" OCT "]}\n") != NULL);

    /* JSON that names PEM is JSON still */

    CHECK(create("{\"x5c\":\"-----BEGIN CERTIFICATE-----\",\"keys\":[" OCT
                 "]}")
          != NULL);
}


static void
test_members(void)
{
    CHECK(create(text("{\"keys\":[1,%s]}", jwk_of(p256, ""))) != NULL);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last),
              LEFT_OUT "no JSON object");
    unusable("{\"kty\":1}", "kty is missing or no string");
    unusable("{\"kty\":\"rsa\"}", "kty is not known");
    unusable("{\"kty\":\"oct\",\"kid\":1,\"k\":\"" K32 "\"}",
             "kid is no string");
    unusable(jwk_of(p256, ",\"use\":\"enc\""), "use is not sig");
    unusable(jwk_of(p256, ",\"use\":1"), "use is not sig");
    unusable(jwk_of(p256, ",\"key_ops\":[]"), "key_ops is without verify");
    unusable(jwk_of(p256, ",\"key_ops\":[\"sign\"]"),
             "key_ops is without verify");
    unusable(jwk_of(p256, ",\"key_ops\":\"verify\""),
             "key_ops is without verify");
    unusable(jwk_of(p256, ",\"key_ops\":[1,\"verify\"]"),
             "key_ops is without verify");
    unusable(jwk_of(p256, ",\"alg\":1"), "alg is no string");
    unusable(jwk_of(p256, ",\"alg\":\"ECDH-ES\""),
             "alg is not for signatures we know");
    unusable(jwk_of(p256, ",\"alg\":\"none\""),
             "alg is not for signatures we know");
    unusable(jwk_of(p256, ",\"alg\":\"ES384\""), "alg is not for its type");
    unusable(jwk_of(p256, ",\"alg\":\"HS256\""), "alg is not for its type");
    unusable(jwk_of(rsa, ",\"alg\":\"HS256\""), "alg is not for its type");
    unusable(jwk_of(rsa, ",\"alg\":\"ES256\""), "alg is not for its type");
    unusable(jwk_of(ed25519, ",\"alg\":\"Ed448\""),
             "alg is not for its type");

    CHECK(create(jwk_of(p256, ",\"use\":\"sig\",\"alg\":\"ES256\","
                              "\"key_ops\":[\"sign\",\"verify\"],"
                              "\"ext\":true,\"d\":\"not even base64url!\""))
          != NULL);
}


static void
test_secrets(void)
{
    char  *s;

    s = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    unusable(jwk_of_secret(s, 31, ""), "secret is shorter than its hash");
    unusable(jwk_of_secret(s, 47, ",\"alg\":\"HS384\""),
             "secret is shorter than its hash");
    unusable(jwk_of_secret(s, 63, ",\"alg\":\"HS512\""),
             "secret is shorter than its hash");
    unusable(jwk_of_secret(s, 64, ",\"alg\":\"RS256\""),
             "alg is not for its type");
    unusable("{\"kty\":\"oct\"}", "k is missing or no base64url");
    unusable("{\"kty\":\"oct\",\"k\":\"\"}", "k is missing or no base64url");
    unusable("{\"kty\":\"oct\",\"k\":1}", "k is missing or no base64url");
    unusable("{\"kty\":\"oct\",\"k\":\"" K32 "=\"}",
             "k is missing or no base64url");
    unusable_flags(OCT, "a symmetric key from a public place",
                   NGX_EDGE_KEYSET_PUBLIC);

    CHECK(create(jwk_of_secret(s, 32, "")) != NULL);
    CHECK(create(jwk_of_secret(s, 48, ",\"alg\":\"HS384\"")) != NULL);
}


static char *
rsa_jwk(int bits, const char *e)
{
    char    *n;
    BIGNUM  *bn;
    u_char   bytes[2200];

    /* no modulus anybody made, but one that looks like it */

    bn = BN_new();
    BN_rand(bn, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    n = base64(bytes, BN_bn2bin(bn, bytes));
    BN_free(bn);

    return text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, e);
}


static void
test_rsa(void)
{
    char    *n;
    u_char   even[256];

    unusable(rsa_jwk(1024, "AQAB"), "RSA modulus under 2048 bits");
    unusable(rsa_jwk(2047, "AQAB"), "RSA modulus under 2048 bits");
    unusable(rsa_jwk(16385, "AQAB"), "RSA modulus over 16384 bits");
    unusable(rsa_jwk(2048, "AQ"), "RSA exponent is even or below 3");
    unusable(rsa_jwk(2048, "Ag"), "RSA exponent is even or below 3");
    unusable(rsa_jwk(2048, "BA"), "RSA exponent is even or below 3");
    unusable(rsa_jwk(2048, "AA"), "RSA exponent is even or below 3");
    unusable(rsa_jwk(2048, "AQAAAAAAAAAB"), "RSA exponent over 64 bits");
    unusable(rsa_jwk(2048, ""), "e is missing or no base64url");
    unusable(rsa_jwk(2048, "AQAB="), "e is missing or no base64url");
    unusable("{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
             "n is missing or no base64url");

    ngx_memset(even, 0xfe, sizeof(even));
    n = base64(even, sizeof(even));
    unusable(text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", n),
             "RSA modulus is even");

    CHECK(create(rsa_jwk(2048, "Aw")) != NULL);
    CHECK(create(rsa_jwk(16384, "AQAB")) != NULL);
}


static void
test_curves(void)
{
    char  *x, *y;

    x = bn_of(p256, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    y = bn_of(p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32);

    unusable(text("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                  "\"y\":\"%s\"}", x, x),
             "point is not on its curve, or OpenSSL lacks the curve");
    unusable(text("{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"%s\","
                  "\"y\":\"%s\"}", x, y),
             "point is not on its curve, or OpenSSL lacks the curve");
    unusable(text("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\","
                  "\"y\":\"%s\"}", x, y),
             "x or y has not the length of its curve");
    unusable(text("{\"kty\":\"EC\",\"crv\":\"P-224\",\"x\":\"%s\","
                  "\"y\":\"%s\"}", x, y), "crv is not known");
    unusable(text("{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"%s\","
                  "\"y\":\"%s\"}", x, y), "crv is not known");
    unusable(text("{\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y),
             "crv is missing or no string");
    unusable(text("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\"}", x),
             "x or y is missing or no base64url");

    unusable(text("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%s\"}", x),
             "crv is not known");
    unusable(text("{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"%s\"}", x),
             "x has not the length of its curve");
    unusable("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
             "x is missing or no base64url");
}


/* The log names a kid, but lets it say nothing of its own. */

static void
test_log(void)
{
    char  *long_kid;

    CHECK(create("{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}") == NULL);
    CHECK(create(text("{\"keys\":[%s,{\"kty\":\"oct\",\"k\":\"AAAA\","
                      "\"kid\":\"a\\n\\\"b\\u00e9\"}]}", jwk_of(p256, "")))
          != NULL);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last),
              "edge auth: key 2 \"a??b??\" of \"keys.json\" is left out: "
              "secret is shorter than its hash");

    long_kid = text("%0100d", 0);
    CHECK(create(text("{\"keys\":[%s,{\"kty\":\"oct\",\"kid\":\"%s\"}]}",
                      jwk_of(p256, ""), long_kid))
          != NULL);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last),
              text("edge auth: key 2 \"%064d\" of \"keys.json\" is left out:"
                   " k is missing or no base64url", 0));
}


static void
test_limits(void)
{
    char               *keys, *big;
    ngx_uint_t          i;
    ngx_edge_keyset_t  *set;

    keys = OCT;

    for (i = 1; i < 64; i++) {
        keys = text("%s,%s", keys, OCT);
    }

    set = create(text("{\"keys\":[%s]}", keys));
    CHECK(set != NULL && ngx_edge_keyset_count(set) == 64);

    refused(text("{\"keys\":[%s,%s]}", keys, OCT),
            "it has more than 64 keys");

    keys = pem_of(p256);

    for (i = 1; i < 64; i++) {
        keys = text("%s%s", keys, pem_of(p256));
    }

    set = create(keys);
    CHECK(set != NULL && ngx_edge_keyset_count(set) == 64);

    refused(text("%s%s", keys, pem_of(p256)), "it has more than 64 keys");

    big = text("%s%*s", OCT, NGX_EDGE_KEYSET_TEXT_MAX - (int) strlen(OCT),
               "");
    CHECK(create(big) != NULL);
    refused(text("%s ", big), "it is over 256 KB");
}


static void
test_digest(void)
{
    u_char              digest[NGX_EDGE_KEYSET_DIGEST];
    ngx_edge_keyset_t  *set;
    const char         *jwk;

    jwk = jwk_of(p256, "");
    set = create(jwk);
    ngx_memcpy(digest, ngx_edge_keyset_digest(set), sizeof(digest));

    set = create(jwk);
    CHECK(memcmp(digest, ngx_edge_keyset_digest(set), sizeof(digest)) == 0);

    set = create_flags(jwk, NGX_EDGE_KEYSET_PUBLIC);
    CHECK(memcmp(digest, ngx_edge_keyset_digest(set), sizeof(digest)) != 0);

    set = create(jwk_of(p256, ",\"kid\":\"a\""));
    CHECK(memcmp(digest, ngx_edge_keyset_digest(set), sizeof(digest)) != 0);
}


static char *
private_key(EVP_PKEY *pkey, const char *password)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, pkey,
                                  password ? EVP_aes_128_cbc() : NULL,
                                  password, password ? strlen(password) : 0,
                                  NULL, NULL);

    return bio_text(bio);
}


static char *
pkcs1(EVP_PKEY *pkey)
{
    int      len;
    BIO     *bio;
    u_char  *der;

    der = NULL;
    len = i2d_PublicKey(pkey, &der);

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, PEM_STRING_RSA_PUBLIC, "", der, len);
    OPENSSL_free(der);

    return bio_text(bio);
}


static void
test_pem(void)
{
    ngx_edge_token_t    es, rs, ed;
    ngx_edge_keyset_t  *set;

    es = sign(ALG(es256), p256);
    rs = sign(ALG(rs256), rsa);
    ed = sign(ALG(eddsa), ed25519);

    set = create(certificate(p256));
    CHECK_INT(verify(set, &es), NGX_OK);

    set = create(text("Some words\nbefore it.\n%s", certificate(rsa)));
    CHECK_INT(verify(set, &rs), NGX_OK);

    set = create(pkcs1(rsa));
    CHECK_INT(verify(set, &rs), NGX_OK);
    rs = sign(ALG(ps384), rsa);
    CHECK_INT(verify(set, &rs), NGX_OK);

    set = create(text("%s\n# more\n%s%s", pem_of(p256), certificate(ed25519),
                      pem_of(rsa)));
    CHECK_INT(ngx_edge_keyset_count(set), 3);
    CHECK_INT(verify(set, &es), NGX_OK);
    CHECK_INT(verify(set, &rs), NGX_OK);
    CHECK_INT(verify(set, &ed), NGX_OK);

    /* no kid, so it is asked whatever the token's is */

    es.kid = unit_str("some");
    CHECK_INT(verify(set, &es), NGX_OK);
}


/* A block that makes no key: left out beside a good one. */

static void
bad_block(const char *block, const char *words)
{
    char               *want;
    ngx_edge_keyset_t  *set;

    want = text("%s%s", LEFT_OUT, words);

    refused(block, "it has no usable key");

    set = create(text("%s%s", block, pem_of(p256)));
    CHECK(set != NULL && ngx_edge_keyset_count(set) == 1);
    CHECK_MEM(ngx_stub_log_last, strlen((char *) ngx_stub_log_last), want);
}


/* A block with a zero behind the key. */

static char *
with_more(EVP_PKEY *pkey)
{
    int      len;
    BIO     *bio;
    u_char  *p, der[128];

    p = der;
    len = i2d_PUBKEY(pkey, &p);
    *p = 0;

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio(bio, PEM_STRING_PUBLIC, "", der, len + 1);

    return bio_text(bio);
}


static void
test_pem_refused(void)
{
    EVP_PKEY  *pkey;

    bad_block(private_key(p256, NULL),
              "a private key, which should not be here");
    bad_block(private_key(rsa, "password"),
              "a private key, which should not be here");
    bad_block("-----BEGIN PUBLIC KEY-----\nMFkw\n", "malformed PEM");
    bad_block("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
              "malformed key in PEM");
    bad_block("-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----"
              "\n", "malformed key in PEM");
    bad_block("-----BEGIN DH PARAMETERS-----\nMFkw\n"
              "-----END DH PARAMETERS-----\n", "no public key or certificate");
    bad_block("-----BEGIN ", "malformed PEM");

    bad_block(with_more(p256), "malformed key in PEM");

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 1024);
    bad_block(pem_of(pkey), "RSA modulus under 2048 bits");
    bad_block(pkcs1(pkey), "RSA modulus under 2048 bits");
    EVP_PKEY_free(pkey);

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    bad_block(pem_of(pkey), "its type is not for signatures we know");
    EVP_PKEY_free(pkey);

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-224");
    bad_block(pem_of(pkey), "its curve is not for signatures we know");
    EVP_PKEY_free(pkey);
}


/* An RSASSA-PSS key, bound to SHA-384 by its own parameters. */

static void
test_pem_pss(void)
{
    EVP_PKEY           *pkey;
    EVP_PKEY_CTX       *ctx;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
    EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha384());
    EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha384());
    EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 48);
    CHECK(EVP_PKEY_keygen(ctx, &pkey) == 1);
    EVP_PKEY_CTX_free(ctx);

    set = create(pem_of(pkey));
    CHECK(set != NULL);

    token = sign(ALG(ps384), pkey);
    CHECK_INT(verify(set, &token), NGX_OK);

    token.alg = ALG(rs384);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    token.alg = ALG(ps256);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    EVP_PKEY_free(pkey);
}


int
main(void)
{
    ngx_stub_log.log_level = NGX_LOG_WARN;
    fixture_pool = ngx_create_pool(4096, &ngx_stub_log);

    rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);
    p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    RUN(test_texts);
    RUN(test_members);
    RUN(test_secrets);
    RUN(test_rsa);
    RUN(test_curves);
    RUN(test_log);
    RUN(test_limits);
    RUN(test_digest);
    RUN(test_pem);
    RUN(test_pem_refused);
    RUN(test_pem_pss);

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(ed25519);
    ngx_destroy_pool(fixture_pool);

    return unit_summary();
}
