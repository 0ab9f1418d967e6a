
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of signatures against a set of keys: the examples of RFC 7515 and RFC
 * 8037, every algorithm, signatures that are wrong in every way, and which
 * key of a set is for which token.
 */


/* sources: auth/ngx_edge_keyset.c auth/ngx_edge_keyset_jwk.c */
/* sources: auth/ngx_edge_keyset_key.c auth/ngx_edge_keyset_pem.c */
/* sources: auth/ngx_edge_keyset_verify.c auth/ngx_edge_jwt.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_json.c */
/* sources: lib/ngx_edge_utf8.c */
/* libs: -ljansson -lcrypto */

#include "keyset_fixture.h"


#define JOE                                                                   \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"        \
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define SECRET  "0123456789abcdef0123456789abcdef0123456789abcdef"            \
                "0123456789abcdef"


typedef struct {
    ngx_edge_jwt_alg_e   alg;
    const char          *keys;
    const char          *signing;
    const char          *signature;
} vector_t;


static EVP_PKEY  *rsa, *p256, *p384, *p521, *k256, *ed25519, *ed448;


static const vector_t  vectors[] = {

    { ALG(hs256),                      /* RFC 7515 A.1 */
      "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"
      "-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}",
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE,
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },

    { ALG(rs256),                      /* RFC 7515 A.2 */
      "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbj"
      "i9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCg"
      "NMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5"
      "rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Z"
      "wKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
      "PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
      "eyJhbGciOiJSUzI1NiJ9." JOE,
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
      "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
      "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
      "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
      "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
      "p0igcN_IoypGlUPQGe77Rw" },

    { ALG(es256),                      /* RFC 7515 A.3 */
      "{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
      "eyJhbGciOiJFUzI1NiJ9." JOE,
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
      "pmWQxfKTUJqPP3-Kg6NU1Q" },

    { ALG(es512),                      /* RFC 7515 A.4 */
      "{\"kty\":\"EC\",\"crv\":\"P-521\","
      "\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6"
      "OvLFV1jSfS9tsz4qUxcWceqwQGk\","
      "\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79aj"
      "L4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
      "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq"
      "wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8Kp"
      "EHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn" },

    { ALG(eddsa),                      /* RFC 8037 A.4, with a private key */
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
      "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
      "hVsPt9g7sVvpAr_MuM0KAg" },
};


static ngx_str_t
unbase64(const char *s)
{
    ngx_str_t  bytes;

    bytes.data = ngx_pnalloc(fixture_pool,
                             ngx_edge_base64url_decoded(strlen(s)));
    CHECK(ngx_edge_base64url_decode(&bytes, (u_char *) s, strlen(s))
          == NGX_OK);

    return bytes;
}


static void
test_vectors(void)
{
    ngx_uint_t          i;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    for (i = 0; i < sizeof(vectors) / sizeof(vector_t); i++) {

        set = create(vectors[i].keys);
        CHECK(set != NULL);

        token = token_of(vectors[i].alg);
        token.signing = unit_str(vectors[i].signing);
        token.signature = unbase64(vectors[i].signature);

        CHECK_INT(verify(set, &token), NGX_OK);

        token.signing.len--;
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature does not match");
    }
}


/* Each bit of a signature counts, and so does each byte of its length; a good
 * one is still good afterwards. */

static void
mutate(ngx_edge_keyset_t *set, ngx_edge_token_t *token)
{
    u_char    *p;
    size_t     i;
    ngx_str_t  good;

    good = token->signature;

    p = ngx_pnalloc(fixture_pool, good.len + 1);
    ngx_memcpy(p, good.data, good.len);
    p[good.len] = 0;
    token->signature.data = p;

    for (i = 0; i < good.len; i += 7) {
        p[i] ^= 1 << (i & 7);
        CHECK_INT(verify(set, token), NGX_DECLINED);
        p[i] ^= 1 << (i & 7);
    }

    token->signature.len = good.len - 1;
    CHECK_INT(verify(set, token), NGX_DECLINED);
    CHECK_REASON("signature has a wrong length");

    token->signature.len = good.len + 1;
    CHECK_INT(verify(set, token), NGX_DECLINED);
    CHECK_REASON("signature has a wrong length");

    token->signature.len = 0;
    CHECK_INT(verify(set, token), NGX_DECLINED);
    CHECK_REASON("signature has a wrong length");

    token->signature.len = good.len;
    CHECK_INT(verify(set, token), NGX_OK);
    CHECK_INT(verify(set, token), NGX_OK);
}


/* A key verifies what it is for, with JWK and PEM, and nothing else: in must
 * hold exactly the bits of algorithms that do not fail for being unknown. */

static void
only(EVP_PKEY *pkey, ngx_uint_t in)
{
    ngx_uint_t          alg, i;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    for (i = 0; i < 2; i++) {
        set = create(i ? pem_of(pkey) : jwk_of(pkey, ""));
        CHECK(set != NULL);

        for (alg = 1; alg < ngx_edge_jwt_alg_max; alg++) {

            if (in & ((ngx_uint_t) 1 << alg)) {
                token = sign(alg, pkey);
                CHECK_INT(verify(set, &token), NGX_OK);
                mutate(set, &token);

                CHECK_INT(ngx_edge_keyset_verify(set, &token,
                                                 ALL & ~(1UL << alg),
                                                 &fixture_reason),
                          NGX_DECLINED);
                CHECK_REASON("algorithm is not allowed");
                continue;
            }

            token.alg = alg;
            CHECK_INT(verify(set, &token), NGX_DECLINED);
            CHECK_REASON("no key is for its algorithm");
        }
    }
}


static void
test_algorithms(void)
{
    only(rsa, BIT(rs256)|BIT(rs384)|BIT(rs512)
              |BIT(ps256)|BIT(ps384)|BIT(ps512));
    only(p256, BIT(es256));
    only(p384, BIT(es384));
    only(p521, BIT(es512));
    only(ed25519, BIT(ed25519)|BIT(eddsa));
    only(ed448, BIT(ed448)|BIT(eddsa));

    if (k256) {
        only(k256, BIT(es256k));
    }
}


static void
test_hmac(void)
{
    ngx_uint_t          alg;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    set = create(jwk_of_secret(SECRET, 64, ""));

    for (alg = ALG(hs256); alg <= ALG(hs512); alg++) {
        token = sign_secret(alg, SECRET, 64);
        CHECK_INT(verify(set, &token), NGX_OK);
        mutate(set, &token);

        token = sign_secret(alg, SECRET, 63);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
    }

    for ( /* void */ ; alg < ngx_edge_jwt_alg_max; alg++) {
        token.alg = alg;
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("no key is for its algorithm");
    }

    token.alg = ALG(unknown);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("algorithm is not allowed");
}


/* Whoever knows the public key must not sign with it as a secret. */

static void
test_confusion(void)
{
    char               *pem;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    pem = pem_of(rsa);
    token = sign_secret(ALG(hs256), pem, strlen(pem));

    set = create(pem);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    set = create(jwk_of(rsa, ""));
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    /* nor can the modulus be one: an RSA key with k has no secret */

    set = create(jwk_of(rsa, ",\"k\":\"" "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
                             "ODlhYmNkZWY" "\""));
    token = sign_secret(ALG(hs256), SECRET, 32);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");
}


static void
test_pss_parameters(void)
{
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    set = create(jwk_of(rsa, ""));

    token = sign_pss(ALG(ps256), rsa, 20, NULL);
    CHECK_INT(verify(set, &token), NGX_DECLINED);

    token = sign_pss(ALG(ps256), rsa, 33, NULL);
    CHECK_INT(verify(set, &token), NGX_DECLINED);

    token = sign_pss(ALG(ps256), rsa, 0, NULL);
    CHECK_INT(verify(set, &token), NGX_DECLINED);

    token = sign_pss(ALG(ps256), rsa, 32, EVP_sha1());
    CHECK_INT(verify(set, &token), NGX_DECLINED);

    token = sign_pss(ALG(ps256), rsa, 32, NULL);
    CHECK_INT(verify(set, &token), NGX_OK);

    /* PS is not RS */

    token.alg = ALG(rs256);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("signature does not match");
}


/* r and s at the ends of their range, for keys of all sizes. */

static void
out_of_range(EVP_PKEY *pkey, ngx_edge_jwt_alg_e alg)
{
    size_t              i, n;
    u_char              order[66];
    BIGNUM             *bn, *s;
    ngx_str_t           good;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    set = create(jwk_of(pkey, ""));
    token = sign(alg, pkey);
    good = token.signature;
    n = good.len / 2;

    bn = NULL;
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_ORDER, &bn);
    BN_bn2binpad(bn, order, n);

    token.signature.data = ngx_pnalloc(fixture_pool, good.len);

    for (i = 0; i < 2; i++) {

        ngx_memcpy(token.signature.data, good.data, good.len);
        ngx_memzero(token.signature.data + i * n, n);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature is out of range");

        ngx_memcpy(token.signature.data + i * n, order, n);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature is out of range");

        ngx_memset(token.signature.data + i * n, 0xff, n);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature is out of range");

        /* the first and the last within it */

        ngx_memzero(token.signature.data + i * n, n);
        token.signature.data[i * n + n - 1] = 1;
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature does not match");

        ngx_memcpy(token.signature.data + i * n, order, n);
        token.signature.data[i * n + n - 1]--;
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature does not match");
    }

    /* s + order says the same modulo the order, where it fits */

    ngx_memcpy(token.signature.data, good.data, good.len);
    s = BN_bin2bn(good.data + n, n, NULL);
    BN_add(s, s, bn);

    if ((size_t) BN_num_bytes(s) <= n) {
        BN_bn2binpad(s, token.signature.data + n, n);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature is out of range");
    }

    BN_free(s);
    BN_free(bn);
}


static void
test_ecdsa_range(void)
{
    out_of_range(p256, ALG(es256));
    out_of_range(p384, ALG(es384));
    out_of_range(p521, ALG(es512));       /* s + order always fits */
}


/* r and s of any length in DER: of 200 signatures some begin with a zero. */

static void
test_ecdsa_short(void)
{
    ngx_uint_t          i, zeros;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    set = create(jwk_of(p256, ""));
    zeros = 0;

    for (i = 0; i < 20000 && (i < 200 || zeros < 2); i++) {
        token = sign(ALG(es256), p256);

        if (i < 200 || !token.signature.data[0]
            || !token.signature.data[32])
        {
            zeros += !token.signature.data[0] || !token.signature.data[32];
            CHECK_INT(verify(set, &token), NGX_OK);
        }
    }

    CHECK(zeros >= 2);
}


static ngx_int_t
verify_kid(ngx_edge_keyset_t *set, ngx_edge_token_t *token, const char *kid)
{
    ngx_str_null(&token->kid);

    if (kid) {
        token->kid = unit_str(kid);
    }

    return verify(set, token);
}


static void
test_kid(void)
{
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    token = sign(ALG(es256), p256);

    set = create(jwk_of(p256, ",\"kid\":\"a\""));
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_OK);
    CHECK_INT(verify_kid(set, &token, "A"), NGX_AGAIN);
    CHECK_INT(verify_kid(set, &token, "ab"), NGX_AGAIN);
    CHECK_INT(verify_kid(set, &token, ""), NGX_AGAIN);
    CHECK_REASON("no key has its kid");

    set = create(jwk_of(p256, ",\"kid\":\"\""));
    CHECK_INT(verify_kid(set, &token, ""), NGX_OK);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_AGAIN);

    set = create(jwk_of(p256, ""));
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_OK);

    /* another key with that kid: tried, and not the right one */

    set = create(text("{\"keys\":[%s,%s]}",
                      jwk_of(p256, ",\"kid\":\"a\""),
                      jwk_of(rsa, ",\"kid\":\"b\"")));
    CHECK_INT(verify_kid(set, &token, "b"), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");
    CHECK_INT(verify_kid(set, &token, "c"), NGX_AGAIN);
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);

    /* no kid, no key for it: other keys are not asked for */

    token.alg = ALG(hs256);
    CHECK_INT(verify_kid(set, &token, NULL), NGX_DECLINED);

    /* nor for what is not allowed */

    CHECK_INT(ngx_edge_keyset_verify(set, &token, BIT(es256),
                                     &fixture_reason),
              NGX_DECLINED);
    CHECK_REASON("algorithm is not allowed");
}


static void
test_several_keys(void)
{
    EVP_PKEY           *other;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    set = create(text("{\"keys\":[%s,%s,%s,%s]}",
                      jwk_of(other, ",\"kid\":\"a\""),
                      jwk_of(rsa, ",\"kid\":\"a\",\"alg\":\"RS256\""),
                      jwk_of(p256, ",\"kid\":\"a\""),
                      jwk_of_secret(SECRET, 32, "")));
    CHECK_INT(ngx_edge_keyset_count(set), 4);

    token = sign(ALG(es256), p256);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_OK);
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);

    token = sign(ALG(es256), other);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_OK);

    token = sign(ALG(rs256), rsa);
    CHECK_INT(verify_kid(set, &token, "a"), NGX_OK);
    CHECK_INT(verify_kid(set, &token, "z"), NGX_DECLINED);

    token = sign_secret(ALG(hs256), SECRET, 32);
    CHECK_INT(verify_kid(set, &token, "z"), NGX_OK);

    EVP_PKEY_free(other);
}


/* Sixteen signatures are checked for a token, HMACs not counted. */

static void
test_tries(void)
{
    char               *keys, *secrets;
    EVP_PKEY           *other;
    ngx_uint_t          i;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    keys = jwk_of(other, "");
    secrets = jwk_of_secret(SECRET, 32, "");

    for (i = 1; i < 15; i++) {
        keys = text("%s,%s", keys, jwk_of(other, ""));
        secrets = text("%s,%s", secrets, jwk_of_secret(SECRET, 32, ""));
    }

    token = sign(ALG(es256), p256);

    set = create(text("{\"keys\":[%s,%s]}", keys, jwk_of(p256, "")));
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);

    keys = text("%s,%s", keys, jwk_of(other, ""));

    set = create(text("{\"keys\":[%s,%s]}", keys,
                      jwk_of(p256, ",\"kid\":\"a\"")));
    CHECK_INT(verify_kid(set, &token, NULL), NGX_DECLINED);
    CHECK(strcmp(fixture_reason, "too many keys fit it: it needs a kid")
          == 0);

    secrets = text("%s,%s,%s", secrets, secrets,
                   jwk_of_secret("another secret of thirty-two byte", 32, ""));
    token = sign_secret(ALG(hs256), "another secret of thirty-two byte", 32);

    set = create(text("{\"keys\":[%s]}", secrets));
    CHECK_INT(verify_kid(set, &token, NULL), NGX_OK);

    EVP_PKEY_free(other);
}


static void
test_alg_of_key(void)
{
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    set = create(jwk_of(rsa, ",\"alg\":\"RS384\""));

    token = sign(ALG(rs384), rsa);
    CHECK_INT(verify(set, &token), NGX_OK);

    token = sign(ALG(rs256), rsa);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    token = sign(ALG(ps384), rsa);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");

    set = create(jwk_of_secret(SECRET, 64, ",\"alg\":\"HS512\""));

    token = sign_secret(ALG(hs512), SECRET, 64);
    CHECK_INT(verify(set, &token), NGX_OK);

    token = sign_secret(ALG(hs256), SECRET, 64);
    CHECK_INT(verify(set, &token), NGX_DECLINED);
    CHECK_REASON("no key is for its algorithm");
}


/* EdDSA is either curve; the curve's own name is that curve. */

static void
test_eddsa_names(void)
{
    ngx_uint_t          i;
    ngx_edge_token_t    token;
    ngx_edge_keyset_t  *set;

    for (i = 0; i < 2; i++) {
        set = create(jwk_of(ed25519, i ? ",\"alg\":\"EdDSA\""
                                       : ",\"alg\":\"Ed25519\""));

        token = sign(ALG(eddsa), ed25519);
        CHECK_INT(verify(set, &token), NGX_OK);

        token = sign(ALG(ed25519), ed25519);
        CHECK_INT(verify(set, &token), NGX_OK);

        token = sign(ALG(ed448), ed448);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("no key is for its algorithm");

        token = sign(ALG(eddsa), ed448);
        CHECK_INT(verify(set, &token), NGX_DECLINED);
        CHECK_REASON("signature has a wrong length");
    }

    CHECK(create(jwk_of(ed25519, ",\"alg\":\"Ed448\"")) == NULL);

    set = create(text("{\"keys\":[%s,%s]}", jwk_of(ed25519, ""),
                      jwk_of(ed448, "")));
    CHECK_INT(verify(set, &token), NGX_OK);
}


int
main(void)
{
    fixture_pool = ngx_create_pool(4096, &ngx_stub_log);

    rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);
    p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    p521 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
    k256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    ERR_clear_error();                 /* secp256k1 may be missing */

    RUN(test_vectors);
    RUN(test_algorithms);
    RUN(test_hmac);
    RUN(test_confusion);
    RUN(test_pss_parameters);
    RUN(test_ecdsa_range);
    RUN(test_ecdsa_short);
    RUN(test_kid);
    RUN(test_several_keys);
    RUN(test_tries);
    RUN(test_alg_of_key);
    RUN(test_eddsa_names);

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p521);
    EVP_PKEY_free(k256);
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(ed448);
    ngx_destroy_pool(fixture_pool);

    return unit_summary();
}
