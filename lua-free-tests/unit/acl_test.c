
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for permission sets: their order and bounds, what is written of them,
 * and which documents they open.
 */

/* sources: rag/ngx_edge_acl.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_decimal.c */

#include "unit.h"
#include "rag/ngx_edge_acl.h"


static ngx_pool_t  *pool;


/* A set of words between commas; NULL: of none. */

static ngx_edge_acl_t
set(const char *list)
{
    const char      *end;
    ngx_uint_t       n;
    ngx_str_t       *words;
    ngx_edge_acl_t   acl;

    words = ngx_palloc(pool, 16 * sizeof(ngx_str_t));
    n = 0;

    while (list) {
        end = strchr(list, ',');

        words[n].data = (u_char *) list;
        words[n++].len = end ? (size_t) (end - list) : strlen(list);

        list = end ? end + 1 : NULL;
    }

    CHECK_INT(ngx_edge_acl_init(&acl, words, n), NGX_OK);

    return acl;
}


static ngx_str_t
written(const char *list,
    void (*write)(const ngx_edge_acl_t *acl, ngx_edge_buf_t *b))
{
    ngx_str_t       text;
    ngx_edge_buf_t  b;
    ngx_edge_acl_t  acl, *copy;

    acl = set(list);
    copy = ngx_edge_acl_copy(pool, &acl);

    ngx_edge_buf_init(&b, pool, 64, 65536);
    write(copy, &b);

    CHECK_INT(ngx_edge_buf_done(&b, &text), NGX_OK);

    return text;
}


static void
test_text(void)
{
    CHECK_STR(written(NULL, ngx_edge_acl_text), "0");
    CHECK_STR(written("", ngx_edge_acl_text), "1 0:");
    CHECK_STR(written("b,a,b,aa", ngx_edge_acl_text), "3 1:a 2:aa 1:b");
    CHECK_STR(written("aa,b,a", ngx_edge_acl_text), "3 1:a 2:aa 1:b");
    CHECK_STR(written("a 1:b", ngx_edge_acl_text), "1 5:a 1:b");
}


static void
test_render(void)
{
    CHECK_STR(written(NULL, ngx_edge_acl_render),
              "{\"should\":[{\"is_empty\":{\"key\":\"acl\"}}]}");
    CHECK_STR(written("b\",a", ngx_edge_acl_render),
              "{\"should\":[{\"is_empty\":{\"key\":\"acl\"}},"
              "{\"key\":\"acl\",\"match\":{\"any\":[\"a\",\"b\\\"\"]}}]}");
}


static void
test_bounds(void)
{
    u_char          *data;
    ngx_uint_t       i;
    ngx_str_t        words[NGX_EDGE_ACL_WORDS + 2];
    ngx_edge_acl_t   acl;

    data = ngx_palloc(pool, 2 * (NGX_EDGE_ACL_WORDS + 2));

    for (i = 0; i < NGX_EDGE_ACL_WORDS + 2; i++) {
        data[2 * i] = 'a' + i / 20;
        data[2 * i + 1] = 'a' + i % 20;
        words[i].data = &data[2 * i];
        words[i].len = 2;
    }

    /* the same word twice counts once */

    words[NGX_EDGE_ACL_WORDS] = words[0];
    CHECK_INT(ngx_edge_acl_init(&acl, words, NGX_EDGE_ACL_WORDS + 1), NGX_OK);
    CHECK_INT(acl.n, NGX_EDGE_ACL_WORDS);

    words[NGX_EDGE_ACL_WORDS] = words[NGX_EDGE_ACL_WORDS + 1];
    CHECK_INT(ngx_edge_acl_init(&acl, words, NGX_EDGE_ACL_WORDS + 1),
              NGX_DECLINED);

    words[0].data = ngx_pcalloc(pool, NGX_EDGE_ACL_WORD + 1);
    words[0].len = NGX_EDGE_ACL_WORD;
    CHECK_INT(ngx_edge_acl_init(&acl, words, 1), NGX_OK);

    words[0].len++;
    CHECK_INT(ngx_edge_acl_init(&acl, words, 1), NGX_DECLINED);
}


static ngx_int_t
match(const char *list, const char *json)
{
    ngx_str_t       text;
    ngx_edge_acl_t  acl;

    acl = set(list);
    text = unit_str(json);

    return ngx_edge_acl_match(&acl, pool, &text);
}


static void
test_match(void)
{
    ngx_uint_t                i;
    static const char *const  all[] = { "", "[]", " [ ] ", "null" };
    static const char *const  some[] = {
        "[\"b\"]", "[\"x\",\"b\"]", "[\"b\",\"x\"]", "[\"\\u0062\"]",
        "[1,\"b\"]", "\"b\""
    };
    static const char *const  none[] = {
        "[\"x\"]", "[\"bb\"]", "[\"B\"]", "[\"\"]", "[null]", "[1]",
        "[[\"b\"]]", "[[]]", "{}", "{\"b\":\"b\"}", "1", "true", "\"x\"",
        "[\"b\"", "[\"b\"]x", "\"b\"x", "[\"b\",]", "x", "nullx", "[", "[]]"
    };

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_INT(match(NULL, all[i]), NGX_OK);
        CHECK_INT(match("a,b", all[i]), NGX_OK);
    }

    for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        CHECK_INT(match("a,b", some[i]), NGX_OK);
        CHECK_INT(match("a,c", some[i]), NGX_DECLINED);
        CHECK_INT(match(NULL, some[i]), NGX_DECLINED);
    }

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK_INT(match("a,b", none[i]), NGX_DECLINED);
    }
}


static void
test_memory(void)
{
    ngx_int_t        rc;
    ngx_str_t        text;
    ngx_edge_acl_t   acl, *copy;

    acl = set("b");
    text = unit_str("[\"\\u0062\"]");

    ngx_stub_alloc_budget = 0;
    rc = ngx_edge_acl_match(&acl, pool, &text);
    copy = ngx_edge_acl_copy(pool, &acl);
    ngx_stub_alloc_budget = -1;

    CHECK_INT(rc, NGX_ERROR);
    CHECK(copy == NULL);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_text);
    RUN(test_render);
    RUN(test_bounds);
    RUN(test_match);
    RUN(test_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
