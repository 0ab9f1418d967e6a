
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Request targets: one that is called plain has, decoded, the same segments
 * as before, and none of them leads elsewhere.
 */


/* sources: route/ngx_edge_path.c */
/* max_len: 128 */
/* dict: path */

#include "fuzz.h"
#include "route/ngx_edge_path.h"


static size_t fuzz_decode(const ngx_str_t *path, u_char *text);
static ngx_uint_t fuzz_dots(const u_char *text, size_t len);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t      i, n, slashes, start;
    u_char      text[128];
    ngx_str_t   path;
    ngx_uint_t  bad;

    path = *in;
    slashes = 0;

    for (i = 0; i < in->len; i++) {
        if (in->data[i] == '?' || in->data[i] == '#') {
            path.len = i;
            break;
        }

        slashes += (in->data[i] == '/');
    }

    n = fuzz_decode(&path, text);
    bad = 0;

    /* what is before the first slash is no segment */

    for (start = n, i = 0; i <= n; i++) {
        if (i < n && (text[i] == '\\' || text[i] == '\0')) {
            bad = 1;
        }

        if (i == n || text[i] == '/') {
            if (start < i && fuzz_dots(text + start, i - start)) {
                bad = 1;
            }

            slashes -= (i < n);
            start = i + 1;
        }
    }

    bad |= (slashes != 0);

    fuzz_check(ngx_edge_path_plain(in) == !bad);
    fuzz_check(ngx_edge_path_plain(&path) == !bad);

    if (ngx_edge_path_prefix(in)) {
        fuzz_check(!bad);
        fuzz_check(path.len == in->len && n == in->len);
        fuzz_check(in->data[0] == '/' && in->data[in->len - 1] == '/');
        fuzz_check(!ngx_edge_path_doubled(in));

        for (i = 0; i < in->len; i++) {
            fuzz_check(in->data[i] > ' ' && strchr("%;", in->data[i]) == NULL);
        }
    }

    bad = in->len > 1 && memmem(in->data, in->len, "//", 2) != NULL;
    fuzz_check(ngx_edge_path_doubled(in) == bad);
}


static size_t
fuzz_decode(const ngx_str_t *path, u_char *text)
{
    char    hex[3];
    size_t  i, n;

    for (n = 0, i = 0; i < path->len; i++, n++) {
        text[n] = path->data[i];

        if (text[n] == '%' && path->len - i > 2
            && isxdigit(path->data[i + 1]) && isxdigit(path->data[i + 2]))
        {
            hex[0] = path->data[i + 1];
            hex[1] = path->data[i + 2];
            hex[2] = '\0';
            text[n] = (u_char) strtol(hex, NULL, 16);
            i += 2;
        }
    }

    return n;
}


/* "." and "..", with parameters behind them too. */

static ngx_uint_t
fuzz_dots(const u_char *text, size_t len)
{
    size_t  n;

    for (n = 0; n < len && text[n] == '.'; n++) { /* void */ }

    return (n == 1 || n == 2) && (n == len || text[n] == ';');
}
