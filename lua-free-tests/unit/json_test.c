
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of client JSON: what is refused and in which words, the tree, its
 * release, and pointers (RFC 6901).
 */


/* sources: lib/ngx_edge_json.c lib/ngx_edge_utf8.c */
/* libs: -ljansson */

#include "unit.h"
#include "lib/ngx_edge_json.h"

#include <jansson.h>


#define NOT_JSON   "the body is not JSON"
#define NOT_UTF8   "the body is not valid UTF-8"
#define DUPLICATE  "the body holds a duplicate member name"
#define HAS_NUL    "the body holds a NUL character"
#define RANGE      "the body holds a number out of range"
#define TOO_DEEP   "the body is nested too deep"


static ngx_pool_t  *pool;
static ngx_int_t    blocks;            /* jansson's, in use */
static ngx_int_t    blocks_left = -1;  /* that succeed; -1: all */


static void *
counted_malloc(size_t size)
{
    if (blocks_left == 0) {
        return NULL;
    }

    if (blocks_left > 0) {
        blocks_left--;
    }

    blocks++;

    return malloc(size);
}


static void
counted_free(void *p)
{
    if (p) {
        blocks--;
        free(p);
    }
}


/* Parses a block of exactly the text, gone before the tree is looked at. */

static ngx_edge_json_t *
parse_len(const char *text, size_t len, ngx_uint_t depth,
    ngx_edge_json_error_t *error)
{
    ngx_str_t         s;
    ngx_edge_json_t  *root;

    s.len = len;
    s.data = malloc(len ? len : 1);
    ngx_memcpy(s.data, text, len);

    error->detail = "not touched";
    root = ngx_edge_json_parse(pool, &s, depth, error);

    free(s.data);

    return root;
}


static ngx_edge_json_t *
parse(const char *text)
{
    ngx_edge_json_t        *root;
    ngx_edge_json_error_t   error;

    root = parse_len(text, strlen(text), NGX_EDGE_JSON_DEPTH, &error);

    if (root == NULL) {
        printf("%s: <%s>: %s\n", unit_name, text,
               error.detail ? error.detail : "no memory");
    }

    CHECK(root != NULL);
    CHECK(error.detail == NULL);

    return root;
}


static void
refuse_len(const char *text, size_t len, const char *detail)
{
    ngx_edge_json_error_t  error;

    CHECK(parse_len(text, len, NGX_EDGE_JSON_DEPTH, &error) == NULL);
    CHECK_STR(error.pointer, "");
    CHECK(error.detail != NULL);

    if (error.detail) {
        CHECK_MEM(error.detail, strlen(error.detail), detail);
    }
}


static void
refuse(const char *text, const char *detail)
{
    refuse_len(text, strlen(text), detail);
}


static void
test_refused(void)
{
    size_t                  len;
    ngx_str_t               null;
    ngx_edge_json_error_t   error;
    static const char       whole[] =
        "{\"a\":[1,\"\\u00e9\xed\x95\x9c\",true]}";

    refuse("", NOT_JSON);
    refuse(" ", NOT_JSON);
    refuse("{", NOT_JSON);
    refuse("{} {}", NOT_JSON);
    refuse("{\"a\":1,}", NOT_JSON);
    refuse("{'a':1}", NOT_JSON);
    refuse("{a:1}", NOT_JSON);
    refuse("[01]", NOT_JSON);
    refuse("[1.]", NOT_JSON);
    refuse("nul", NOT_JSON);
    refuse("NaN", NOT_JSON);
    refuse("[\"\t\"]", NOT_JSON);
    refuse("[\"\\x\"]", NOT_JSON);
    refuse("[\"\\ud800\"]", NOT_JSON);
    refuse("[\"\\udc00\"]", NOT_JSON);
    refuse("\xef\xbb\xbf{}", NOT_JSON);
    refuse("]]]]", NOT_JSON);
    refuse("]]]][", NOT_JSON);
    refuse("\"", NOT_JSON);
    refuse("\"\\", NOT_JSON);
    refuse("\"\\\"", NOT_JSON);

    refuse("[\"\xff\"]", NOT_UTF8);
    refuse("[\"\xed\xa0\x80\"]", NOT_UTF8);
    refuse("[\"\xc0\x80\"]", NOT_UTF8);
    refuse("\xed\x95", NOT_UTF8);

    refuse("{\"a\":1,\"b\":2,\"a\":3}", DUPLICATE);
    refuse("{\"x\":[{\"a\":1,\"\\u0061\":2}]}", DUPLICATE);

    refuse("[\"a\\u0000b\"]", HAS_NUL);
    refuse("{\"a\\u0000b\":1}", HAS_NUL);
    refuse_len("[\"a\0b\"]", 7, NOT_JSON);
    refuse_len("{}\0", 3, NOT_JSON);
    refuse_len("[1\0]", 4, NOT_JSON);
    refuse_len("[1.5\0,2]", 8, NOT_JSON);
    refuse_len("[true\0]", 7, NOT_JSON);
    refuse_len("1\0", 2, NOT_JSON);
    refuse_len("\0", 1, NOT_JSON);

    refuse("[9223372036854775808]", RANGE);
    refuse("[-9223372036854775809]", RANGE);
    refuse("[1e309]", RANGE);
    refuse("[-1e309]", RANGE);

    for (len = 0; len < sizeof(whole) - 1; len++) {
        CHECK(parse_len(whole, len, NGX_EDGE_JSON_DEPTH, &error) == NULL);
        CHECK(error.detail != NULL);
    }

    CHECK(parse(whole) != NULL);

    ngx_str_null(&null);
    CHECK(ngx_edge_json_parse(pool, &null, 1, &error) == NULL);
    CHECK(error.detail != NULL);
}


static void
check_depth(const char *text, ngx_uint_t depth)
{
    ngx_edge_json_error_t  error;

    CHECK(parse_len(text, strlen(text), depth, &error) != NULL);
    CHECK(error.detail == NULL);

    if (depth == 0) {
        return;
    }

    CHECK(parse_len(text, strlen(text), depth - 1, &error) == NULL);
    CHECK_MEM(error.detail, strlen(error.detail), TOO_DEEP);
    CHECK_STR(error.pointer, "");
}


static void
test_depth(void)
{
    char                   *text;
    size_t                  n;
    ngx_edge_json_error_t   error;

    check_depth("1", 0);
    check_depth("\"[{[{\"", 0);
    check_depth("[]", 1);
    check_depth("{\"a\":{}}", 2);
    check_depth("[[],[],[[]],{}]", 3);
    check_depth("[{\"[[[[\":\"{{{{\"}]", 2);
    check_depth("[\"\\\"[[[\",\"\\\\\",[\"\\\\\\\"[[\"]]", 2);
    check_depth("[\"\\\"\",[[]]]", 3);
    check_depth("[\"\\\\\\\\\",[\"\\\\\\\\\\\"[\"]]", 2);

    n = 16;
    text = malloc(2 * 100000 + 1);
    ngx_memset(text, '[', n);
    ngx_memset(text + n, ']', n);
    text[2 * n] = '\0';
    check_depth(text, NGX_EDGE_JSON_DEPTH);

    /* no stack is used for it, and none for a bound over jansson's own */

    n = 100000;
    ngx_memset(text, '[', n);
    ngx_memset(text + n, ']', n);
    text[2 * n] = '\0';
    refuse(text, TOO_DEEP);

    CHECK(parse_len(text, 2 * n, 200000, &error) == NULL);
    CHECK_MEM(error.detail, strlen(error.detail), TOO_DEEP);

    free(text);
}


static void
test_types(void)
{
    ngx_uint_t  i;

    static const struct {
        const char            *text;
        ngx_edge_json_type_e   type;
    } types[] = {
        { "null", ngx_edge_json_type_null },
        { "true", ngx_edge_json_type_bool },
        { " false ", ngx_edge_json_type_bool },
        { "1", ngx_edge_json_type_number },
        { "-1.5", ngx_edge_json_type_number },
        { "\"\"", ngx_edge_json_type_string },
        { "[]", ngx_edge_json_type_array },
        { "{}", ngx_edge_json_type_object }
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_INT(ngx_edge_json_type(parse(types[i].text)), types[i].type);
    }
}


static void
test_values(void)
{
    int64_t           n;
    ngx_str_t         s;
    ngx_edge_json_t  *root;

    root = parse("{\"s\":\"a\\n\\u00e9\\ud83d\\ude00\",\"i\":-7,\"r\":2.5,"
                 "\"e\":1e2,\"max\":9223372036854775807,"
                 "\"min\":-9223372036854775808,\"t\":true,\"f\":false,"
                 "\"z\":null,\"tiny\":1e-999,\"empty\":\"\"}");

    ngx_edge_json_string(ngx_edge_json_get(root, "s"), &s);
    CHECK_STR(s, "a\n\xc3\xa9\xf0\x9f\x98\x80");
    ngx_edge_json_string(ngx_edge_json_get(root, "empty"), &s);
    CHECK_STR(s, "");

    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "i"), &n), 1);
    CHECK_INT(n, -7);
    CHECK(ngx_edge_json_number(ngx_edge_json_get(root, "i")) == -7);
    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "max"), &n), 1);
    CHECK_INT(n, INT64_MAX);
    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "min"), &n), 1);
    CHECK_INT(n, INT64_MIN);

    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "r"), &n), 0);
    CHECK_INT(n, 0);
    CHECK(ngx_edge_json_number(ngx_edge_json_get(root, "r")) == 2.5);
    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "e"), &n), 0);
    CHECK(ngx_edge_json_number(ngx_edge_json_get(root, "e")) == 100);
    CHECK(ngx_edge_json_number(ngx_edge_json_get(root, "tiny")) == 0);

    CHECK_INT(ngx_edge_json_bool(ngx_edge_json_get(root, "t")), 1);
    CHECK_INT(ngx_edge_json_bool(ngx_edge_json_get(root, "f")), 0);
    CHECK_INT(ngx_edge_json_bool(ngx_edge_json_get(root, "z")), 0);
    CHECK_INT(ngx_edge_json_bool(ngx_edge_json_get(root, "i")), 0);

    CHECK(ngx_edge_json_get(root, "absent") == NULL);
    CHECK(ngx_edge_json_get(ngx_edge_json_get(root, "i"), "a") == NULL);

    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_get(root, "s"), &n), 0);
    CHECK_INT(n, 0);
    CHECK(ngx_edge_json_number(ngx_edge_json_get(root, "s")) == 0);
    ngx_edge_json_string(ngx_edge_json_get(root, "i"), &s);
    CHECK_INT(s.len, 0);
}


static void
test_containers(void)
{
    int64_t           n;
    ngx_edge_json_t  *root;

    root = parse("[10,[],{\"a\":1,\"b\":2}]");

    CHECK_INT(ngx_edge_json_size(root), 3);
    CHECK_INT(ngx_edge_json_integer(ngx_edge_json_at(root, 0), &n), 1);
    CHECK_INT(n, 10);
    CHECK_INT(ngx_edge_json_size(ngx_edge_json_at(root, 0)), 0);
    CHECK_INT(ngx_edge_json_size(ngx_edge_json_at(root, 1)), 0);
    CHECK_INT(ngx_edge_json_size(ngx_edge_json_at(root, 2)), 2);
    CHECK(ngx_edge_json_at(root, 3) == NULL);
    CHECK(ngx_edge_json_at(ngx_edge_json_at(root, 2), 0) == NULL);
}


/* In the order of the text, whatever the hash says. */

static void
test_members(void)
{
    char              text[1024], *p;
    void             *iter;
    int64_t           n;
    ngx_int_t         i;
    ngx_str_t         name;
    ngx_edge_json_t  *root, *value;

    p = text;
    *p++ = '{';

    for (i = 0; i < 40; i++) {
        p = (char *) ngx_sprintf((u_char *) p, "%s\"%xi%i\":%i",
                                 i ? "," : "", (i * 37) % 40, i, i);
    }

    *p++ = '}';
    *p = '\0';

    root = parse(text);
    iter = NULL;

    for (i = 0; ngx_edge_json_member(root, &iter, &name, &value); i++) {
        p = (char *) ngx_sprintf((u_char *) text, "%xi%i", (i * 37) % 40, i);
        *p = '\0';
        CHECK_STR(name, text);
        CHECK_INT(ngx_edge_json_integer(value, &n), 1);
        CHECK_INT(n, i);
    }

    CHECK_INT(i, 40);
    CHECK(iter == NULL);
    CHECK_INT(ngx_edge_json_member(parse("{}"), &iter, &name, &value), 0);
    CHECK_INT(ngx_edge_json_member(parse("[1]"), &iter, &name, &value), 0);
}


/* The pool gives the tree back; a refused text leaves nothing. */

static void
test_release(void)
{
    ngx_int_t    used;
    ngx_pool_t  *saved;

    saved = pool;
    used = blocks;
    pool = ngx_create_pool(4096, &ngx_stub_log);

    CHECK(parse("{\"a\":[1,\"two\",{\"b\":null}]}") != NULL);
    CHECK(parse("[1.5]") != NULL);
    CHECK(blocks > used);
    refuse("{\"a\":[1,\"two\",{\"b\":nil}]}", NOT_JSON);

    ngx_destroy_pool(pool);
    CHECK_INT(blocks, used);
    pool = saved;
}


/* No memory, in each place: NULL, no leak, mostly no sentence. */

static void
test_no_memory(void)
{
    ngx_int_t               i, used, told;
    ngx_pool_t             *saved;
    ngx_edge_json_t        *root;
    ngx_edge_json_error_t   error;
    static const char       text[] = "{\"a\":[1,2.5,\"two\",{\"b\":null}]}";

    saved = pool;
    used = blocks;
    told = 0;

    for (i = 0; i < 200; i++) {
        pool = ngx_create_pool(4096, &ngx_stub_log);

        blocks_left = i;
        root = parse_len(text, sizeof(text) - 1, 16, &error);
        blocks_left = -1;

        told += (root == NULL && error.detail == NULL);
        ngx_destroy_pool(pool);
        CHECK_INT(blocks, used);

        if (root) {
            break;
        }
    }

    /* its lexer, short of memory for a string, says "invalid token" */

    CHECK(i > 5 && i < 200);
    CHECK(told > i / 2);

    pool = ngx_create_pool(4096, &ngx_stub_log);
    ngx_stub_alloc_budget = 0;
    CHECK(parse_len(text, sizeof(text) - 1, 16, &error) == NULL);
    CHECK(error.detail == NULL);
    ngx_stub_alloc_budget = -1;
    ngx_destroy_pool(pool);
    CHECK_INT(blocks, used);

    pool = saved;
}


static void
check_pointer(const char *base, const char *name, const char *expected)
{
    ngx_str_t  b, n, pointer;

    b = unit_str(base);
    n = unit_str(name);
    CHECK_INT(ngx_edge_json_pointer(pool, &b, &n, &pointer), NGX_OK);
    CHECK_STR(pointer, expected);
}


static void
test_pointer(void)
{
    ngx_str_t  base, name, pointer;

    check_pointer("", "a", "/a");
    check_pointer("", "", "/");
    check_pointer("/a", "b", "/a/b");
    check_pointer("/a", "0", "/a/0");
    check_pointer("", "a/b", "/a~1b");
    check_pointer("", "m~n", "/m~0n");
    check_pointer("", "~1", "/~01");
    check_pointer("/x~1y", "//~~", "/x~1y/~1~1~0~0");
    check_pointer("", "c%d \"\\", "/c%d \"\\");
    check_pointer("", "\xed\x95\x9c", "/\xed\x95\x9c");

    ngx_str_null(&base);
    name = unit_str("a");
    CHECK_INT(ngx_edge_json_pointer(pool, &base, &name, &pointer), NGX_OK);
    CHECK_STR(pointer, "/a");

    ngx_stub_alloc_budget = 0;
    CHECK_INT(ngx_edge_json_pointer(pool, &base, &name, &pointer), NGX_ERROR);
    ngx_stub_alloc_budget = -1;
}


int
main(void)
{
    json_set_alloc_funcs(counted_malloc, counted_free);
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_refused);
    RUN(test_depth);
    RUN(test_types);
    RUN(test_values);
    RUN(test_containers);
    RUN(test_members);
    RUN(test_release);
    RUN(test_no_memory);
    RUN(test_pointer);

    ngx_destroy_pool(pool);
    CHECK_INT(blocks, 0);

    return unit_summary();
}
