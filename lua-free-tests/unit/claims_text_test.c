
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of reading single claims: by path, as strings, as the text of a
 * variable, as lists of words, and of JSON without white space.
 */


/* sources: auth/ngx_edge_claims.c auth/ngx_edge_claims_text.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */

#include "unit.h"
#include "auth/ngx_edge_claims.h"


static ngx_pool_t  *pool;


/* A set that ends where its block of the heap does. */

static const ngx_str_t *
set_of(const char *text)
{
    static ngx_str_t  copy;

    free(copy.data);
    copy.len = strlen(text);
    copy.data = malloc(copy.len ? copy.len : 1);
    ngx_memcpy(copy.data, text, copy.len);

    return &copy;
}


/* A path of names behind each other, "a>b>c". */

static const ngx_edge_claims_path_t *
path_of(const char *text)
{
    size_t                         len;
    static ngx_str_t               names[8];
    static ngx_edge_claims_path_t  path;

    path.names = names;

    for (path.n = 0; /* void */ ; text += len + 1) {
        len = strcspn(text, ">");

        names[path.n].data = (u_char *) text;
        names[path.n++].len = len;

        if (text[len] == '\0') {
            return &path;
        }
    }
}


static void
check_find(const char *set, const char *path, ngx_edge_scan_type_e expected,
    const char *text)
{
    ngx_str_t             raw;
    ngx_edge_scan_type_e  type;

    CHECK_INT(ngx_edge_claims_find(set_of(set), path_of(path), &type, &raw),
              NGX_OK);
    CHECK_INT(type, expected);
    CHECK_STR(raw, text);
}


static void
check_absent(const char *set, const char *path)
{
    ngx_str_t             raw;
    ngx_edge_scan_type_e  type;

    CHECK_INT(ngx_edge_claims_find(set_of(set), path_of(path), &type, &raw),
              NGX_DECLINED);
}


static void
test_find(void)
{
    static const char  set[] =
        "{ \"a\" : \"x\\n\", \"b\":{\"a\":1.5e3 ,\"c\":{\"a\":[ 1 ]}, "
        "\"d\":{} },"
        "\"t\":true,\"f\":false,\"n\":null,\"\":\"e\",\"k\\u00e9y\":\"esc\","
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\":\"all\",\"x\\u0000\":\"nul\","
        "\"custom:tenant_id\":\"acme\",\"\\ud83d\\ude00\":\"grin\"}";

    ngx_str_t               name, raw;
    ngx_edge_scan_type_e    type;
    ngx_edge_claims_path_t  path;

    check_find(set, "a", ngx_edge_scan_type_string, "x\\n");
    check_find(set, "b>a", ngx_edge_scan_type_number, "1.5e3");
    check_find(set, "b>c>a", ngx_edge_scan_type_array, "[ 1 ]");
    check_find(set, "b>d", ngx_edge_scan_type_object, "{}");
    check_find(set, "b>c", ngx_edge_scan_type_object, "{\"a\":[ 1 ]}");
    check_find(set, "t", ngx_edge_scan_type_true, "true");
    check_find(set, "f", ngx_edge_scan_type_false, "false");
    check_find(set, "n", ngx_edge_scan_type_null, "null");
    check_find(set, "", ngx_edge_scan_type_string, "e");
    check_find(set, "k\xc3\xa9y", ngx_edge_scan_type_string, "esc");
    check_find(set, "\"\\/\b\f\n\r\t", ngx_edge_scan_type_string, "all");
    check_find(set, "custom:tenant_id", ngx_edge_scan_type_string, "acme");
    check_find(set, "\xf0\x9f\x98\x80", ngx_edge_scan_type_string, "grin");

    name.data = (u_char *) "x\0";
    name.len = 2;
    path.names = &name;
    path.n = 1;
    CHECK_INT(ngx_edge_claims_find(set_of(set), &path, &type, &raw), NGX_OK);
    CHECK_STR(raw, "nul");

    check_absent(set, "x");
    check_absent(set, "A");
    check_absent(set, "c");
    check_absent(set, "a>b");
    check_absent(set, "t>b");
    check_absent(set, "b>c>a>a");
    check_absent(set, "b>x");
    check_absent(set, "k\\u00e9y");
    check_absent(set, "k\xc3");
    check_absent(set, "k\xc3\xa9yy");
    check_absent(set, "k");
    check_absent(set, "\"\\/\b\f\n\r");
    check_absent("{}", "a");

    /* safe on any text */

    check_absent("", "a");
    check_absent("[]", "a");
    check_absent("{\"a\"", "a");
    check_absent("{\"a\":", "a");
    check_absent("{\"a\":\"x", "a");
    check_absent("{\"a\":{\"b\"", "a>b");
    check_absent("{\"a\\u00", "a");
    check_absent("{\"a\\", "a");
    check_absent("{\"b\":x,\"a\":1}", "a");
}


static void
check_string(const char *set, const char *path, const char *expected)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    ngx_str_null(&text);
    rc = ngx_edge_claims_string(pool, set_of(set), path_of(path), &text);

    CHECK_INT(rc, expected ? NGX_OK : NGX_DECLINED);

    if (expected && rc == NGX_OK) {
        CHECK_STR(text, expected);
    }
}


static void
test_string(void)
{
    check_string("{\"a\":\"x,y\"}", "a", "x,y");
    check_string("{\"a\":\"\"}", "a", "");
    check_string("{\"a\":{\"b\":\"x\\ny\\u00e9\"}}", "a>b", "x\ny\xc3\xa9");
    check_string("{\"a\":1}", "a", NULL);
    check_string("{\"a\":null}", "a", NULL);
    check_string("{\"a\":[\"b\"]}", "a", NULL);
    check_string("{\"a\":\"b\"}", "b", NULL);
}


static void
check_text(const char *value, const char *expected)
{
    char       set[512];
    ngx_int_t  rc;
    ngx_str_t  text;

    (void) snprintf(set, sizeof(set), "{\"a\":%s}", value);

    ngx_str_null(&text);
    rc = ngx_edge_claims_text(pool, set_of(set), path_of("a"), &text);

    CHECK_INT(rc, expected ? NGX_OK : NGX_DECLINED);

    if (expected && rc == NGX_OK) {
        CHECK_STR(text, expected);
    }
}


static void
test_text(void)
{
    ngx_int_t   i;
    ngx_str_t   text;

    check_text("\"plain\"", "plain");
    check_text("\"\"", "");
    check_text("\"a,b\"", "a,b");
    check_text("\"a\\u0041\\/\\\\\\\"\"", "aA/\\\"");
    check_text("\"\\r\\nSet-Cookie: a=b\"", "\\u000d\\u000aSet-Cookie: a=b");
    check_text("\"a\\u0000b\"", "a\\u0000b");
    check_text("\"\\u001f \\u007f\x7f~\"", "\\u001f \\u007f\\u007f~");
    check_text("\"\x7f\x7f\"", "\\u007f\\u007f");
    check_text("\"\xed\x95\x9c\\ud83d\\ude00\"",
               "\xed\x95\x9c\xf0\x9f\x98\x80");
    check_text("\"\\ud800\"", "\xef\xbf\xbd");

    check_text("0", "0");
    check_text("-1.50E+3", "-1.50E+3");
    check_text(" true ", "true");
    check_text("false", "false");
    check_text("null", NULL);

    check_text("[]", "");
    check_text("[ ]", "");
    check_text("[\"a\"]", "a");
    check_text("[\"a\",\"b\" , 1,true,false]", "a,b,1,true,false");
    check_text("[\"a,b\",\"\\u002c\",\"c\"]", "a\\u002cb,\\u002c,c");
    check_text("[\"\",\"\"]", ",");
    check_text("[\"\\n\",\"\x7f\"]", "\\u000a,\\u007f");
    check_text("[null,\"a\"]", "null,a");

    check_text("{}", "{}");
    check_text("{ \"a\" : [ 1 , \"b c\" ] ,\n\"d\":{ } }",
               "{\"a\":[1,\"b c\"],\"d\":{}}");
    check_text("{\"a\":\"\\\" \\\\\", \"b\" : \"\\n\x7f\"}",
               "{\"a\":\"\\\" \\\\\",\"b\":\"\\n\\u007f\"}");
    check_text("[ { \"a\" : \"x\" , \"b\" : 1 } , [ 1 , 2 ] , \"c\" ]",
               "{\"a\":\"x\",\"b\":1},[1,2],c");
    check_text("[{\"a\":\",admin,\"}]", "{\"a\":\"\\u002cadmin\\u002c\"}");
    check_text("{\"a\":\",admin,\"}", "{\"a\":\",admin,\"}");

    /* nothing that has to be written in another way: no memory */

    ngx_stub_alloc_budget = 0;
    check_text("\"plain text\"", "plain text");
    check_text("12", "12");
    ngx_stub_alloc_budget = -1;

    CHECK_INT(ngx_edge_claims_text(pool, set_of("{}"), path_of("a"), &text),
              NGX_DECLINED);

    for (i = 0; i < 2; i++) {
        ngx_stub_alloc_budget = i;
        CHECK_INT(ngx_edge_claims_text(pool, set_of("{\"a\":\"\\n\"}"),
                                       path_of("a"), &text), NGX_ERROR);
        ngx_stub_alloc_budget = i;
        CHECK_INT(ngx_edge_claims_text(pool, set_of("{\"a\":[\"\\n\"]}"),
                                       path_of("a"), &text), NGX_ERROR);
    }

    ngx_stub_alloc_budget = -1;
}


/* No claim of any characters has a byte that splits a line. */

static void
test_text_controls(void)
{
    char        set[64];
    size_t      i;
    ngx_str_t   text;
    ngx_uint_t  c, form;

    static const char  *const forms[] = {
        "{\"a\":\"\\u%04x\"}", "{\"a\":[\"\\u%04x\"]}",
        "{\"a\":{\"\\u%04x\":1}}", "{\"a\":[{\"\\u%04x\":1}]}"
    };

    for (form = 0; form < 4; form++) {
        for (c = 0; c < 0x100; c++) {

            (void) snprintf(set, sizeof(set), forms[form], (unsigned) c);

            CHECK_INT(ngx_edge_claims_text(pool, set_of(set), path_of("a"),
                                           &text), NGX_OK);

            for (i = 0; i < text.len; i++) {
                CHECK(text.data[i] >= 0x20 && text.data[i] != 0x7f);
                CHECK(form != 1 || text.data[i] != ',');
            }
        }
    }
}


static void
check_has(const char *value, const char *word, ngx_int_t expected)
{
    char       set[512];
    ngx_str_t  w;

    (void) snprintf(set, sizeof(set), "{\"a\":%s}", value);
    w = unit_str(word);

    CHECK_INT(ngx_edge_claims_has(pool, set_of(set), path_of("a"), &w),
              expected);
}


static void
test_has(void)
{
    ngx_str_t  w;

    check_has("[\"x\",\"y\"]", "y", NGX_OK);
    check_has("[\"x\",\"y\"]", "x", NGX_OK);
    check_has("[\"\\u0078\"]", "x", NGX_OK);
    check_has("[1,{\"x\":\"x\"},[\"x\"],null,\"z\"]", "z", NGX_OK);
    check_has("[1,{\"x\":\"x\"},[\"x\"],null,\"z\"]", "x", NGX_DECLINED);
    check_has("[\"x y\"]", "x", NGX_DECLINED);
    check_has("[\"x y\"]", "x y", NGX_OK);
    check_has("[]", "x", NGX_DECLINED);
    check_has("[\"xx\",\"X\",\"\"]", "x", NGX_DECLINED);
    check_has("[1]", "1", NGX_DECLINED);
    check_has("[true]", "true", NGX_DECLINED);

    check_has("\"x\"", "x", NGX_OK);
    check_has("\"documents:write x y\"", "documents:write", NGX_OK);
    check_has("\"documents:write x y\"", "x", NGX_OK);
    check_has("\"documents:write x y\"", "y", NGX_OK);
    check_has("\"documents:write x y\"", "documents", NGX_DECLINED);
    check_has("\"documents:write x y\"", "x y", NGX_DECLINED);
    check_has("\"documents:write x y\"", "write", NGX_DECLINED);
    check_has("\"xy yx\"", "y", NGX_DECLINED);
    check_has("\"x\\u0020y\"", "y", NGX_OK);
    check_has("\"x\\ty,y\\u00a0\"", "y", NGX_DECLINED);
    check_has("\"\"", "x", NGX_DECLINED);
    check_has("\" x \"", "x", NGX_OK);
    check_has("\"x  y\"", "", NGX_DECLINED);
    check_has("\"\"", "", NGX_DECLINED);

    check_has("1", "1", NGX_DECLINED);
    check_has("true", "true", NGX_DECLINED);
    check_has("{\"x\":1}", "x", NGX_DECLINED);
    check_has("null", "null", NGX_DECLINED);

    w = unit_str("x");
    CHECK_INT(ngx_edge_claims_has(pool, set_of("{}"), path_of("a"), &w),
              NGX_DECLINED);

    ngx_stub_alloc_budget = 0;
    check_has("\"\\u0078\"", "x", NGX_ERROR);
    check_has("\"y x\"", "x", NGX_OK);
    ngx_stub_alloc_budget = -1;
}


static void
check_compact(const char *json, const char *expected)
{
    ngx_str_t         text;
    const ngx_str_t  *set;

    set = set_of(json);

    CHECK_INT(ngx_edge_claims_compact(pool, set, &text), NGX_OK);
    CHECK_STR(text, expected);
    CHECK((text.data == set->data) == (strcmp(json, expected) == 0));
}


static void
test_compact(void)
{
    ngx_str_t  text;

    check_compact("{}", "{}");
    check_compact("{\"a b\":\"c \\\" d\",\"e\":[1,2]}",
                  "{\"a b\":\"c \\\" d\",\"e\":[1,2]}");
    check_compact(" { } ", "{}");
    check_compact("{\"a\":1}\n", "{\"a\":1}");
    check_compact("{\r\n\t\"a b\" : \"c \\\" \\\\\" , \"d\" : [ 1 , true ] }",
                  "{\"a b\":\"c \\\" \\\\\",\"d\":[1,true]}");
    check_compact("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                  "\"http://example.com/is_root\":true}",
                  "{\"iss\":\"joe\",\"exp\":1300819380,"
                  "\"http://example.com/is_root\":true}");

    /* safe on any text */

    check_compact("", "");
    check_compact("\"a b", "\"a b");
    check_compact("\"\\", "\"\\");
    check_compact(" \"\\", "\"\\");

    ngx_stub_alloc_budget = 0;
    check_compact("{\"a\":\"b c\"}", "{\"a\":\"b c\"}");
    CHECK_INT(ngx_edge_claims_compact(pool, set_of("{ }"), &text), NGX_ERROR);
    ngx_stub_alloc_budget = -1;
}


/* The words of a claim "a", between bars. */

static void
check_words(const char *json, ngx_int_t expected, const char *list)
{
    char                     text[256], *p;
    ngx_str_t                set, name, *word;
    ngx_uint_t               i;
    ngx_array_t              words;
    ngx_edge_claims_path_t   path;

    set = unit_str(json);
    name = unit_str("a");
    path.names = &name;
    path.n = 1;

    (void) ngx_array_init(&words, pool, 2, sizeof(ngx_str_t));

    CHECK_INT(ngx_edge_claims_words(pool, &set, &path, &words), expected);

    if (expected != NGX_OK) {
        return;
    }

    word = words.elts;
    p = text;

    for (i = 0; i < words.nelts; i++) {
        p += sprintf(p, "%.*s|", (int) word[i].len, word[i].data);
    }

    CHECK_MEM(text, (size_t) (p - text), list);
}


static void
test_words(void)
{
    check_words("{}", NGX_OK, "");
    check_words("{\"a\":null}", NGX_OK, "");
    check_words("{\"a\":[]}", NGX_OK, "");
    check_words("{\"a\":[\"x\",\"y z\",\"\\u0062\"]}", NGX_OK,
                "x|y z|b|");
    check_words("{\"a\":\"\"}", NGX_OK, "");
    check_words("{\"a\":\" x  y\\u0020z \"}", NGX_OK, "x|y|z|");

    check_words("{\"a\":1}", NGX_DECLINED, "");
    check_words("{\"a\":true}", NGX_DECLINED, "");
    check_words("{\"a\":{}}", NGX_DECLINED, "");
    check_words("{\"a\":[\"x\",1]}", NGX_DECLINED, "");
    check_words("{\"a\":[\"x\",null]}", NGX_DECLINED, "");
    check_words("{\"a\":[[\"x\"]]}", NGX_DECLINED, "");
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_find);
    RUN(test_string);
    RUN(test_text);
    RUN(test_text_controls);
    RUN(test_has);
    RUN(test_words);
    RUN(test_compact);

    ngx_destroy_pool(pool);

    return unit_summary();
}
