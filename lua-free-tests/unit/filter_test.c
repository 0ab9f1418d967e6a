
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the client's filter: what is read, where faults are, what is
 * written for Qdrant and which passages pass.
 */

/* sources: rag/ngx_edge_filter.c rag/ngx_edge_filter_match.c */
/* sources: rag/ngx_edge_time.c lib/ngx_edge_json.c lib/ngx_edge_buf.c */
/* sources: lib/ngx_edge_utf8.c lib/ngx_edge_decimal.c */
/* libs: -ljansson */

#include "unit.h"
#include "rag/ngx_edge_filter.h"


static ngx_pool_t             *pool;
static ngx_edge_json_error_t   error;


static ngx_int_t
parse(const char *text, ngx_edge_filter_t *filter)
{
    ngx_str_t         s, base;
    ngx_edge_json_t  *json;

    s = unit_str(text);
    base = unit_str("/filter");

    ngx_memzero(&error, sizeof(ngx_edge_json_error_t));

    json = ngx_edge_json_parse(pool, &s, NGX_EDGE_JSON_DEPTH, &error);
    if (json == NULL) {
        printf("not JSON: %s\n", text);
        return NGX_ERROR;
    }

    return ngx_edge_filter_parse(pool, json, &base, filter, &error);
}


#define CHECK_FAULT(text, where, word)                                        \
    do {                                                                      \
        ngx_edge_filter_t  filter_;                                           \
        CHECK_INT(parse(text, &filter_), NGX_DECLINED);                       \
        CHECK_STR(error.pointer, where);                                      \
        CHECK(error.detail && strstr(error.detail, word));                    \
    } while (0)


/* The conditions of a filter as Qdrant gets them, of a copy too. */
static const char *
render(const char *text, ngx_uint_t negate, ngx_uint_t first,
    ngx_uint_t expected)
{
    ngx_str_t          out;
    ngx_edge_buf_t     b;
    ngx_edge_filter_t  filter, copy;

    CHECK_INT(parse(text, &filter), NGX_OK);
    CHECK_INT(ngx_edge_filter_copy(pool, &filter, &copy), NGX_OK);

    ngx_edge_buf_init(&b, pool, 256, 100000);
    CHECK_INT(ngx_edge_filter_render(&copy, negate, first, &b), expected);
    ngx_edge_buf_byte(&b, '\0');
    CHECK_INT(ngx_edge_buf_done(&b, &out), NGX_OK);

    return (char *) out.data;
}


#define CHECK_RENDER(text, negate, first, n, expected)                        \
    do {                                                                      \
        const char  *got_ = render(text, negate, first, n);                   \
        CHECK_MEM(got_, strlen(got_), expected);                              \
    } while (0)


static void
test_render(void)
{
    const char  *text;

    CHECK_RENDER("{}", 0, 0, 0, "");
    CHECK_RENDER("{\"must\":[],\"must_not\":[]}", 0, 0, 0, "");

    text = "{\"must_not\":[{\"key\":\"title\",\"match\":{\"value\":\"x\"}}],"
           "\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\","
           "\"b\\\"\"]}},{\"range\":{\"lt\":\"2026-01-01T00:00:00Z\","
           "\"gte\":\"2025-01-01T00:00:00+09:00\"},\"key\":\"updated_at\"}]}";

    CHECK_RENDER(text, 0, 0, 2,
                 ",{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\",\"b\\\"\"]}}"
                 ",{\"key\":\"updated_at\",\"range\":{"
                 "\"gte\":\"2025-01-01T00:00:00+09:00\","
                 "\"lt\":\"2026-01-01T00:00:00Z\"}}");
    CHECK_RENDER(text, 1, 1, 1,
                 "{\"key\":\"title\",\"match\":{\"any\":[\"x\"]}}");
    CHECK_RENDER(text, 1, 0, 1,
                 ",{\"key\":\"title\",\"match\":{\"any\":[\"x\"]}}");
}


static void
test_faults(void)
{
    CHECK_FAULT("[]", "/filter", "object");
    CHECK_FAULT("{\"should\":[]}", "/filter/should", "unknown");
    CHECK_FAULT("{\"a/b~c\":[]}", "/filter/a~1b~0c", "unknown");
    CHECK_FAULT("{\"must\":{}}", "/filter/must", "array");
    CHECK_FAULT("{\"must_not\":[1]}", "/filter/must_not/0", "object");
    CHECK_FAULT("{\"must\":[{}]}", "/filter/must/0/key", "missing");
    CHECK_FAULT("{\"must\":[{\"key\":1}]}", "/filter/must/0/key", "string");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\"}]}", "/filter/must/0/match",
                "missing");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":\"a\"}]}",
                "/filter/must/0/match", "object");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{}}]}",
                "/filter/must/0/match", "one of");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"value\":\"a\","
                "\"any\":[\"b\"]}}]}", "/filter/must/0/match", "one of");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"except\":[]}}]}",
                "/filter/must/0/match/except", "unknown");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"value\":7}}]}",
                "/filter/must/0/match/value", "string");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"value\":\"\"}}]}",
                "/filter/must/0/match/value", "512");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":\"a\"}}]}",
                "/filter/must/0/match/any", "array");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":[]}}]}",
                "/filter/must/0/match/any", "64");
    CHECK_FAULT("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\","
                "null]}}]}", "/filter/must/0/match/any/1", "string");
}


/* What could name or widen the tenant is refused wherever it stands. */
static void
test_separating_keys(void)
{
    char                       text[200];
    ngx_uint_t                 i;
    static const char *const   keys[] = {
        "tenant_id", "module", "acl", "tenant", "text", "chunk", "DOC_ID",
        "doc_id ", "doc_id[]", "a.doc_id", "", NULL
    };

    for (i = 0; keys[i]; i++) {
        snprintf(text, sizeof(text), "{\"must\":[{\"key\":\"%s\",\"match\":"
                 "{\"value\":\"x\"}}]}", keys[i]);
        CHECK_FAULT(text, "/filter/must/0/key", "must be doc_id");
    }

    CHECK_FAULT("{\"must\":[{\"key\":\"title\",\"match\":{\"value\":\"a\"}},"
                "{\"key\":\"title\",\"match\":{\"value\":\"a\"},"
                "\"tenant_id\":\"x\"}]}", "/filter/must/1/tenant_id",
                "unknown");
    CHECK_FAULT("{\"must\":[{\"must\":[],\"key\":\"title\",\"match\":"
                "{\"value\":\"a\"}}]}", "/filter/must/0/must", "unknown");
}


static void
test_range_faults(void)
{
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"match\":"
                "{\"value\":\"x\"}}]}", "/filter/must/0/match", "range");
    CHECK_FAULT("{\"must\":[{\"key\":\"title\",\"range\":"
                "{\"gt\":\"2026-01-01T00:00:00Z\"}}]}",
                "/filter/must/0/range", "match");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\"}]}",
                "/filter/must/0/range", "missing");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"range\":[]}]}",
                "/filter/must/0/range", "object");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"range\":{}}]}",
                "/filter/must/0/range", "bound");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"range\":{\"eq\":1}}]}",
                "/filter/must/0/range/eq", "unknown");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"range\":{\"gt\":1}}]}",
                "/filter/must/0/range/gt", "string");
    CHECK_FAULT("{\"must\":[{\"key\":\"updated_at\",\"range\":"
                "{\"lte\":\"yesterday\"}}]}", "/filter/must/0/range/lte",
                "3339");
}


static void
test_limits(void)
{
    char               *p, text[60000];
    ngx_uint_t          i;
    ngx_edge_filter_t   filter;

    /* 16 conditions over both lists */

    p = text + sprintf(text, "{\"must_not\":[");

    for (i = 0; i < 8; i++) {
        p += sprintf(p, "%s{\"key\":\"title\",\"match\":{\"value\":\"a\"}}",
                     i ? "," : "");
    }

    p += sprintf(p, "],\"must\":[");

    for (i = 0; i < 8; i++) {
        p += sprintf(p, "%s{\"key\":\"title\",\"match\":{\"value\":\"a\"}}",
                     i ? "," : "");
    }

    strcpy(p, "]}");
    CHECK_INT(parse(text, &filter), NGX_OK);
    CHECK_INT(filter.n, 16);

    strcpy(p, ",{\"key\":\"title\",\"match\":{\"value\":\"a\"}}]}");
    CHECK_FAULT(text, "/filter/must_not/7", "16");

    /* 64 values of 512 bytes */

    p = text + sprintf(text, "{\"must\":[{\"key\":\"title\",\"match\":"
                             "{\"any\":[");

    for (i = 0; i < 64; i++) {
        p += sprintf(p, "%s\"%0512d\"", i ? "," : "", (int) i);
    }

    strcpy(p, "]}}]}");
    CHECK_INT(parse(text, &filter), NGX_OK);
    CHECK_INT(filter.conds[0].nvalues, 64);

    strcpy(p, ",\"x\"]}}]}");
    CHECK_FAULT(text, "/filter/must/0/match/any", "64");

    sprintf(text, "{\"must\":[{\"key\":\"title\",\"match\":{\"value\":"
                  "\"%0513d\"}}]}", 1);
    CHECK_FAULT(text, "/filter/must/0/match/value", "512");
}


static ngx_uint_t
match(const char *text, const char *id, const char *updated_at)
{
    ngx_edge_filter_t   filter;
    ngx_edge_passage_t  passage;

    ngx_memzero(&passage, sizeof(ngx_edge_passage_t));
    passage.doc_id = unit_str(id);
    passage.updated_at = unit_str(updated_at);
    passage.source_uri = unit_str("s3://x");

    CHECK_INT(parse(text, &filter), NGX_OK);

    return ngx_edge_filter_match(&filter, &passage);
}


static void
test_match(void)
{
    const char  *t, *must, *must_not, *range;

    t = "2026-04-14T06:40:00Z";
    must = "{\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\","
           "\"bb\"]}}]}";
    must_not = "{\"must_not\":[{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\","
               "\"bb\"]}}]}";

    CHECK_INT(match("{}", "a", t), 1);
    CHECK_INT(match(must, "a", t), 1);
    CHECK_INT(match(must, "bb", t), 1);
    CHECK_INT(match(must, "b", t), 0);
    CHECK_INT(match(must, "", t), 0);
    CHECK_INT(match(must_not, "a", t), 0);
    CHECK_INT(match(must_not, "b", t), 1);
    CHECK_INT(match(must_not, "", t), 1);

    /* all conditions must hold */

    CHECK_INT(match("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"value\":"
                    "\"a\"}},{\"key\":\"source_uri\",\"match\":{\"value\":"
                    "\"s3://x\"}}]}", "a", t), 1);
    CHECK_INT(match("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"value\":"
                    "\"a\"}},{\"key\":\"title\",\"match\":{\"value\":"
                    "\"none\"}}]}", "a", t), 0);

    range = "{\"must\":[{\"key\":\"updated_at\",\"range\":{"
            "\"gt\":\"2026-04-14T08:39:59+02:00\","
            "\"lte\":\"2026-04-14T06:40:00.000Z\"}}]}";

    CHECK_INT(match(range, "a", t), 1);
    CHECK_INT(match(range, "a", "2026-04-14T06:39:59Z"), 0);
    CHECK_INT(match(range, "a", "2026-04-14T06:40:00.1Z"), 0);
    CHECK_INT(match(range, "a", ""), 0);
    CHECK_INT(match(range, "a", "soon"), 0);

    range = "{\"must_not\":[{\"key\":\"updated_at\",\"range\":{"
            "\"gte\":\"2026-04-14T06:40:00Z\"}}]}";

    CHECK_INT(match(range, "a", t), 0);
    CHECK_INT(match(range, "a", "2026-04-14T06:39:59Z"), 1);
    CHECK_INT(match(range, "a", ""), 1);

    range = "{\"must\":[{\"key\":\"updated_at\",\"range\":{"
            "\"lt\":\"2026-04-14T06:40:00Z\"}}]}";

    CHECK_INT(match(range, "a", t), 0);
    CHECK_INT(match(range, "a", "2026-04-14T06:39:59Z"), 1);
}


static void
test_no_memory(void)
{
    ngx_int_t           i, rc;
    ngx_str_t           s, base;
    ngx_uint_t          failed;
    ngx_edge_json_t    *json;
    ngx_edge_filter_t   filter, copy;

    s = unit_str("{\"must\":[{\"key\":\"doc_id\",\"match\":{\"any\":[\"a\","
                 "\"b\"]}},{\"key\":\"updated_at\",\"range\":{\"gt\":"
                 "\"2026-04-14T06:40:00Z\"}}]}");
    base = unit_str("/filter");
    json = ngx_edge_json_parse(pool, &s, NGX_EDGE_JSON_DEPTH, &error);
    failed = 0;

    for (i = 0; i < 40; i++) {
        ngx_stub_alloc_budget = i;
        rc = ngx_edge_filter_parse(pool, json, &base, &filter, &error);
        ngx_stub_alloc_budget = -1;
        failed += (rc == NGX_ERROR);
        CHECK(rc == NGX_ERROR || rc == NGX_OK);
    }

    CHECK(failed > 8 && failed < 40);

    for (i = 0; i < 12; i++) {
        ngx_stub_alloc_budget = i;
        rc = ngx_edge_filter_copy(pool, &filter, &copy);
        ngx_stub_alloc_budget = -1;
        failed += (rc == NGX_ERROR);
    }

    CHECK_INT(rc, NGX_OK);
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_render);
    RUN(test_faults);
    RUN(test_separating_keys);
    RUN(test_range_faults);
    RUN(test_limits);
    RUN(test_match);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
