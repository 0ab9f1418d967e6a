
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * OpenSSL's part in the background calls: certificates that nginx -t can look
 * at, and the queue of errors.  Knows no call.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include "fetch/ngx_edge_fetch.h"
#include "fetch/ngx_edge_fetch_tls.h"


const char *
ngx_edge_fetch_check_ca(const ngx_str_t *ca)
{
    X509_STORE  *store;
    ngx_uint_t   usable;

    store = X509_STORE_new();
    if (store == NULL) {
        return "no memory";
    }

    usable = X509_STORE_load_locations(store, (char *) ca->data, NULL) == 1;

    X509_STORE_free(store);

    ngx_edge_fetch_tls_clear();

    return usable ? NULL : "it cannot be read, or holds no certificate";
}


void
ngx_edge_fetch_tls_clear(void)
{
    ERR_clear_error();
}
