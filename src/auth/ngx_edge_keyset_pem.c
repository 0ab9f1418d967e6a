
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A PEM block (RFC 7468) made a key: a public key, or that of a certificate.
 * A certificate is only the wrapping of a key that the operator trusts: its
 * dates, names and issuer say nothing here.  A PEM never makes a secret.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "auth/ngx_edge_keyset_key.h"


static ngx_int_t ngx_edge_keyset_pem_decode(ngx_edge_keyset_key_t *key,
    const char *label, const u_char *der, long len, const char **reason);


ngx_int_t
ngx_edge_keyset_pem(const ngx_str_t *block, ngx_edge_keyset_key_t *key,
    const char **reason)
{
    BIO        *bio;
    char       *label, *header;
    long        len;
    u_char     *der;
    ngx_int_t   rc;

    bio = BIO_new_mem_buf(block->data, block->len);
    if (bio == NULL) {
        return NGX_ERROR;
    }

    label = NULL;
    header = NULL;
    der = NULL;
    len = 0;

    if (PEM_read_bio(bio, &label, &header, &der, &len) == 1) {
        rc = ngx_edge_keyset_pem_decode(key, label, der, len, reason);

        OPENSSL_clear_free(der, len);  /* a private key perhaps */
        OPENSSL_free(header);
        OPENSSL_free(label);

    } else {
        *reason = "malformed PEM";
        rc = ngx_edge_keyset_failed();
    }

    BIO_free(bio);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_edge_keyset_key_public(key, (ngx_uint_t) -1, reason);
}


/* NGX_OK: key->pkey is set. */

static ngx_int_t
ngx_edge_keyset_pem_decode(ngx_edge_keyset_key_t *key, const char *label,
    const u_char *der, long len, const char **reason)
{
    X509          *cert;
    const u_char  *p;

    p = der;
    *reason = "malformed key in PEM";

    if (ngx_strcmp(label, PEM_STRING_PUBLIC) == 0) {
        key->pkey = d2i_PUBKEY(NULL, &p, len);

    } else if (ngx_strcmp(label, PEM_STRING_RSA_PUBLIC) == 0) {
        key->pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, len);

    } else if (ngx_strcmp(label, PEM_STRING_X509) == 0
               || ngx_strcmp(label, PEM_STRING_X509_OLD) == 0)
    {
        cert = d2i_X509(NULL, &p, len);

        if (cert) {
            key->pkey = X509_get_pubkey(cert);
        }

        X509_free(cert);

    } else {
        *reason = ngx_strstr(label, "PRIVATE KEY")
                  ? "a private key, which should not be here"
                  : "no public key or certificate";
        return NGX_DECLINED;
    }

    if (key->pkey == NULL) {
        return ngx_edge_keyset_failed();
    }

    return (p == der + len) ? NGX_OK : NGX_DECLINED;
}
