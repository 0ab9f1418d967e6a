
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Digests by OpenSSL's EVP.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/evp.h>
#include "rag/ngx_edge_digest.h"


ngx_int_t
ngx_edge_digest(const ngx_str_t *pieces, ngx_uint_t n, u_char *digest,
    size_t len)
{
    ngx_uint_t     i, ok;
    EVP_MD_CTX    *md;
    const EVP_MD  *type;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    type = (len == NGX_EDGE_DIGEST_SHA1) ? EVP_sha1() : EVP_sha256();
    ok = (EVP_DigestInit_ex(md, type, NULL) == 1);

    for (i = 0; ok && i < n; i++) {
        ok = (EVP_DigestUpdate(md, pieces[i].data, pieces[i].len) == 1);
    }

    ok = ok && EVP_DigestFinal_ex(md, digest, NULL) == 1;

    EVP_MD_CTX_free(md);

    return ok ? NGX_OK : NGX_ERROR;
}
