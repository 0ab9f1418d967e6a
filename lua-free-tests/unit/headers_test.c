
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for taking request headers out of nginx's list: none that stays may
 * move, and the list must still be one for those who read it or add to it.
 */

/* sources: lib/ngx_http_edge_headers.c */

#include "unit.h"
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"


static const ngx_str_t  prefixes[] = {
    ngx_string("x-tenant-"),
    ngx_string("x-user-"),
    ngx_string("authorization"),
    ngx_null_string
};


static ngx_pool_t  *pool;


static void
fill(ngx_http_request_t *r, const char *keys, ngx_uint_t nalloc)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    memset(r, 0, sizeof(ngx_http_request_t));

    r->pool = pool;

    CHECK_INT(ngx_list_init(&r->headers_in.headers, pool, nalloc,
                            sizeof(ngx_table_elt_t)), NGX_OK);

    for (i = 0; keys[i]; i++) {
        h = ngx_list_push(&r->headers_in.headers);
        memset(h, 0, sizeof(ngx_table_elt_t));

        h->key = (keys[i] >= 'A' && keys[i] <= 'Z')
                 ? unit_str("X_Tenant-id") : unit_str("Accept");
        h->value.data = (u_char *) &keys[i];
        h->value.len = 1;
    }
}


/* The values in the order a reader sees them, walked as nginx does it: the
 * first part may be empty, a later one may not. */

static const char *
values(ngx_http_request_t *r)
{
    static char       buf[256];

    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; n < sizeof(buf) - 1; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                CHECK(part == r->headers_in.headers.last);
                break;
            }

            part = part->next;
            CHECK(part->nelts > 0);
            h = part->elts;
            i = 0;
        }

        buf[n++] = *h[i].value.data;
    }

    buf[n] = '\0';

    return buf;
}


static void
check(const char *keys, ngx_uint_t nalloc, const char *left)
{
    ngx_uint_t           i;
    const char          *got;
    char                 expected[300];
    ngx_table_elt_t     *h;
    ngx_http_request_t   r;

    fill(&r, keys, nalloc);

    CHECK_INT(ngx_http_edge_headers_strip(&r, prefixes),
              strlen(keys) - strlen(left));

    got = values(&r);
    CHECK_MEM(got, strlen(got), left);

    /* whoever adds fields must not write over others or past a part */

    for (i = 0; i < 20; i++) {
        h = ngx_list_push(&r.headers_in.headers);
        memset(h, 0, sizeof(ngx_table_elt_t));
        h->value.data = (u_char *) "+";
        h->value.len = 1;
    }

    snprintf(expected, sizeof(expected), "%s++++++++++++++++++++", left);

    got = values(&r);
    CHECK_MEM(got, strlen(got), expected);
}


static void
test_strip(void)
{
    ngx_uint_t  n;

    for (n = 1; n <= 9; n++) {
        check("", n, "");
        check("a", n, "a");
        check("A", n, "");
        check("aB", n, "a");
        check("Ab", n, "b");
        check("aBc", n, "ac");
        check("ABC", n, "");
        check("abcdefg", n, "abcdefg");
        check("aBcDeFg", n, "aceg");
        check("ABCdefGHI", n, "def");
        check("abcDEFghi", n, "abcghi");
    }
}


static void
test_nothing_moves(void)
{
    ngx_table_elt_t     *h;
    ngx_http_request_t   r;

    fill(&r, "aBc", 4);

    h = r.headers_in.headers.part.elts;
    h = &h[2];

    CHECK_INT(ngx_http_edge_headers_strip(&r, prefixes), 1);
    CHECK(r.headers_in.headers.last->elts == h);
    CHECK_INT(*h->value.data, 'c');
}


static void
test_no_memory(void)
{
    ngx_http_request_t  r;

    fill(&r, "aBc", 4);

    ngx_stub_alloc_budget = 0;
    CHECK_INT(ngx_http_edge_headers_strip(&r, prefixes), NGX_ERROR);
    ngx_stub_alloc_budget = -1;
}


static ngx_uint_t
prefixed(const char *name)
{
    return ngx_http_edge_header_prefixed((u_char *) name, strlen(name),
                                         prefixes);
}


static void
test_prefixes(void)
{
    CHECK(prefixed("x-tenant-"));
    CHECK(prefixed("X-Tenant-Id"));
    CHECK(prefixed("x_tenant_id"));
    CHECK(prefixed("X-USER-"));
    CHECK(!prefixed("X-Tenant"));
    CHECK(!prefixed("X-Tenants-Id"));
    CHECK(!prefixed("X-Use"));
    CHECK(!prefixed("AX-User-Id"));
    CHECK(!prefixed(""));
    CHECK(prefixed("Authorization"));
    CHECK(!prefixed("Authorization-"));
    CHECK(!prefixed("Authorizatio"));
    CHECK(!prefixed("Authorizations"));
}


/* Every field of the name, over all parts of a list; values as one text. */

static void
check_search(ngx_uint_t nalloc, const char *name, const char *expected)
{
    char                           *p, found[16];
    ngx_uint_t                      i;
    ngx_list_t                     *list;
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    static const char *const        keys[] = {
        "Vary", "vary", "Very", "VARY", "@ary", "Var", "Varyy", "", "vARY"
    };

    list = ngx_list_create(pool, nalloc, sizeof(ngx_table_elt_t));

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        h = ngx_list_push(list);
        memset(h, 0, sizeof(ngx_table_elt_t));
        h->key = unit_str(keys[i]);
        h->hash = i;
    }

    p = found;
    ngx_http_edge_header_search(&search, list, name);

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        *p++ = (char) ('0' + h->hash);
    }

    *p = '\0';

    CHECK(strcmp(found, expected) == 0);
    CHECK(ngx_http_edge_header_next(&search) == NULL);
}


static void
test_search(void)
{
    ngx_uint_t  nalloc;

    for (nalloc = 1; nalloc <= 10; nalloc++) {
        check_search(nalloc, "Vary", "0138");
        check_search(nalloc, "vary", "0138");
        check_search(nalloc, "Very", "2");
        check_search(nalloc, "Age", "");
    }
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_strip);
    RUN(test_nothing_moves);
    RUN(test_no_memory);
    RUN(test_prefixes);
    RUN(test_search);

    ngx_destroy_pool(pool);

    return unit_summary();
}
