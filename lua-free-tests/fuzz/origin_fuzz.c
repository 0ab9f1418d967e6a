
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What browsers send about themselves: an origin that is accepted is accepted
 * again as it stands then; lists of tokens hold each of their tokens.
 */


/* sources: cors/ngx_edge_origin.c */
/* max_len: 256 */
/* dict: origin */

#include <arpa/inet.h>
#include "fuzz.h"
#include "cors/ngx_edge_origin.h"


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t      i;
    ngx_str_t   origin, once, token;
    ngx_uint_t  tokens;

    origin = fuzz_copy(pool, in->data, in->len);

    if (ngx_edge_origin_check(&origin) == NULL) {
        fuzz_check(origin.len == in->len);
        once = fuzz_copy(pool, origin.data, origin.len);
        fuzz_check(ngx_edge_origin_check(&origin) == NULL);
        fuzz_check(fuzz_same(&origin, &once));

        for (i = 0; i < origin.len; i++) {
            fuzz_check(origin.data[i] > ' ' && origin.data[i] < 0x7f
                       && origin.data[i] != ','
                       && (origin.data[i] < 'A' || origin.data[i] > 'Z'));
        }
    }

    tokens = ngx_edge_origin_tokens(in);
    origin = fuzz_copy(pool, in->data, in->len);

    while (tokens) {
        token = fuzz_take(pool, &origin, ",");

        while (token.len && (*token.data == ' ' || *token.data == '\t')) {
            token.data++;
            token.len--;
        }

        while (token.len && (token.data[token.len - 1] == ' '
                             || token.data[token.len - 1] == '\t'))
        {
            token.len--;
        }

        fuzz_check(token.len > 0);
        fuzz_check(ngx_edge_origin_listed(in, &token));

        if (origin.len == 0) {
            break;
        }
    }
}


/* nginx's, for the origin's host: the stub has no addresses. */

ngx_int_t
ngx_inet6_addr(u_char *p, size_t len, u_char *addr)
{
    char  text[64];

    if (len >= sizeof(text) || memchr(p, 0, len)) {
        return NGX_ERROR;
    }

    memcpy(text, p, len);
    text[len] = '\0';

    return inet_pton(AF_INET6, text, addr) == 1 ? NGX_OK : NGX_ERROR;
}
