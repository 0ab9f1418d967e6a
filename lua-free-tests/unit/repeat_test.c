
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for chunks that repeat: which are taken for the kept one with another
 * text, which are not, and what is kept.
 */

/* sources: rag/ngx_edge_repeat.c lib/ngx_edge_scan.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "rag/ngx_edge_repeat.h"


static ngx_pool_t  *pool;


/* Keeps the chunk around the first "one" in it, and the first "pad". */
static void
keep(ngx_edge_repeat_t *repeat, const char *chunk)
{
    ngx_str_t  json, text, padding;

    json = unit_str(chunk);
    text.data = (u_char *) strstr(chunk, "one");
    text.len = 3;
    padding.data = (u_char *) strstr(chunk, "pad");
    padding.len = 3;

    ngx_edge_repeat_keep(repeat, pool, &json, &text, &padding);
}


/* What is read of a chunk, NULL if it is not the kept one.  The chunk is in a
 * block of its size, so that ASan sees a byte read behind it. */
static const char *
read_chunk(const ngx_edge_repeat_t *repeat, const char *chunk)
{
    ngx_int_t    rc;
    ngx_str_t    json, text;
    static char  out[256];

    json.len = strlen(chunk);
    json.data = malloc(json.len + 1);
    ngx_memcpy(json.data, chunk, json.len);

    rc = ngx_edge_repeat_read(repeat, &json, &text);

    if (rc == NGX_OK) {
        snprintf(out, sizeof(out), "%.*s", (int) text.len, text.data);
    }

    free(json.data);

    return (rc == NGX_OK) ? out : NULL;
}


#define CHECK_READ(chunk, expected)                                           \
    do {                                                                      \
        const char  *got_ = read_chunk(&repeat, chunk);                       \
        CHECK(got_ != NULL);                                                  \
        CHECK_MEM(got_ ? got_ : "", got_ ? strlen(got_) : 0, expected);       \
    } while (0)


static void
test_read(void)
{
    ngx_edge_repeat_t  repeat;

    ngx_memzero(&repeat, sizeof(ngx_edge_repeat_t));
    CHECK(read_chunk(&repeat, "{\"a\":\"one\",\"b\":1}") == NULL);

    keep(&repeat, "{\"a\":\"one\",\"b\":1}");

    CHECK_READ("{\"a\":\"one\",\"b\":1}", "one");
    CHECK_READ("{\"a\":\"\",\"b\":1}", "");
    CHECK_READ("{\"a\":\"a longer text than that\",\"b\":1}",
               "a longer text than that");
    CHECK_READ("{\"a\":\"\\\"\\\\\\u00e9 \xc3\xa9\",\"b\":1}",
               "\\\"\\\\\\u00e9 \xc3\xa9");
    CHECK_READ("{\"a\":\"\\\",\\\"b\\\":1}\",\"b\":1}", "\\\",\\\"b\\\":1}");
}


static void
test_other(void)
{
    ngx_edge_repeat_t  repeat;

    ngx_memzero(&repeat, sizeof(ngx_edge_repeat_t));
    keep(&repeat, "{\"a\":\"one\",\"b\":1}");

    /* around the text */
    CHECK(read_chunk(&repeat, "") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"one\",\"b\":2}") == NULL);
    CHECK(read_chunk(&repeat, "{\"b\":\"one\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"one\",\"b\":1} ") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":null,\"b\":1}") == NULL);

    /* the text is no string, or ends before those bytes begin */
    CHECK(read_chunk(&repeat, "{\"a\":\"\xff\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"\n\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"\\x\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"\\\",\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"b\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"a\":\"y\",\"b\":1}") == NULL);
}


static void
test_padding(void)
{
    ngx_edge_repeat_t  repeat;

    ngx_memzero(&repeat, sizeof(ngx_edge_repeat_t));
    keep(&repeat, "{\"a\":\"one\",\"b\":1,\"p\":\"pad\"}");

    CHECK_READ("{\"a\":\"one\",\"b\":1,\"p\":\"pad\"}", "one");
    CHECK_READ("{\"a\":\"two\",\"b\":1,\"p\":\"\"}", "two");
    CHECK_READ("{\"a\":\"\",\"b\":1,\"p\":\"a long \\\" one\"}", "");

    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":2,\"p\":\"pad\"}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":\"\xff\"}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":\"x}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":\"x\"") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":1}") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x\",\"b\":1,\"p\":\"\",\"c\":1}")
          == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"x") == NULL);
    CHECK(read_chunk(&repeat, "{\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"")
          == NULL);

    /* one that stands before the text is as the rest */
    keep(&repeat, "{\"p\":\"pad\",\"a\":\"one\"}");
    CHECK_READ("{\"p\":\"pad\",\"a\":\"two\"}", "two");
    CHECK(read_chunk(&repeat, "{\"p\":\"p\",\"a\":\"two\"}") == NULL);
}


static void
test_keep(void)
{
    u_char             *data, big[NGX_EDGE_REPEAT_MAX + 8];
    ngx_str_t           json, text, none;
    ngx_edge_repeat_t   repeat;

    ngx_str_null(&none);
    ngx_memzero(&repeat, sizeof(ngx_edge_repeat_t));
    keep(&repeat, "{\"a\":\"one\"}");
    data = repeat.data;

    /* the last one is kept, where the one before was if it is as short */
    keep(&repeat, "{\"b\":\"one\",\"c\":null}");
    CHECK(repeat.data == data);
    CHECK(read_chunk(&repeat, "{\"a\":\"two\"}") == NULL);
    CHECK_READ("{\"b\":\"two\",\"c\":null}", "two");

    /* a chunk without a text replaces one that had some */
    keep(&repeat, "{\"a\":\"one\"}");
    json = unit_str("{\"a\":\"\"}");
    text.data = json.data + 6;
    text.len = 0;
    ngx_edge_repeat_keep(&repeat, pool, &json, &text, &none);
    CHECK(read_chunk(&repeat, "{\"a\":\"two\"}") == NULL);

    /* as much as fits, and not a byte more */
    ngx_memset(big, ' ', sizeof(big));
    ngx_memcpy(big, "{\"a\":\"one\"}", 11);
    json.data = big;
    text.data = big + 6;
    text.len = 3;

    json.len = NGX_EDGE_REPEAT_MAX + 3;
    ngx_edge_repeat_keep(&repeat, pool, &json, &text, &none);
    CHECK_INT(ngx_edge_repeat_read(&repeat, &json, &text), NGX_OK);

    json.len = NGX_EDGE_REPEAT_MAX + 4;
    ngx_edge_repeat_keep(&repeat, pool, &json, &text, &none);
    CHECK_INT(ngx_edge_repeat_read(&repeat, &json, &text), NGX_DECLINED);
}


static void
test_no_memory(void)
{
    ngx_edge_repeat_t  repeat;

    ngx_memzero(&repeat, sizeof(ngx_edge_repeat_t));

    ngx_stub_alloc_budget = 0;
    keep(&repeat, "{\"a\":\"one\"}");
    ngx_stub_alloc_budget = -1;

    CHECK(read_chunk(&repeat, "{\"a\":\"one\"}") == NULL);

    keep(&repeat, "{\"a\":\"one\"}");
    CHECK_READ("{\"a\":\"two\"}", "two");
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_read);
    RUN(test_other);
    RUN(test_padding);
    RUN(test_keep);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
