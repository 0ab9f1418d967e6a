
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the stub itself: the expectations are nginx's behaviour, written
 * down from its documentation and from known vectors.
 */


/* sources: */

#include "unit.h"
#include <ngx_sha1.h>


static u_char  buf[256];


static ngx_str_t
format(const char *fmt, ...)
{
    va_list    args;
    ngx_str_t  s;

    va_start(args, fmt);
    s.data = buf;
    s.len = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args) - buf;
    va_end(args);

    return s;
}


static void
test_format(void)
{
    u_char                *p;
    ngx_str_t              s;
    ngx_variable_value_t   vv;

    s = unit_str("edge");

    vv.data = (u_char *) "value";
    vv.len = 3;

    CHECK_STR(format("%V|%v", &s, &vv), "edge|val");
    CHECK_STR(format("%s|%*s|", "abc", (size_t) 2, "xyz"), "abc|xy|");
    CHECK_STR(format("%d %i %ui", -5, (ngx_int_t) -6, (ngx_uint_t) 7),
              "-5 -6 7");
    CHECK_STR(format("%uz %z", (size_t) 8, (ssize_t) -9), "8 -9");
    CHECK_STR(format("%O %T", (off_t) 1 << 40, (time_t) 12),
              "1099511627776 12");
    CHECK_STR(format("%xd %Xd %04xd", 255, 255, 10), "ff FF 000a");
    CHECK_STR(format("%02d|%3d|%c%%", 7, 7, 'z'), "07|  7|z%");
    CHECK_STR(format("%L %uL", (int64_t) INT64_MAX, (uint64_t) -1),
              "9223372036854775807 18446744073709551615");
    CHECK_STR(format("%.3f|%M", 1.5, (ngx_msec_t) 250), "1.500|250");
    CHECK_STR(format("%xV", &s), "65646765");
    CHECK_STR(format("%p", (void *) 0xabc), "0000000000000ABC");

    /* never past the end, never a terminating zero */

    buf[4] = '#';
    p = ngx_snprintf(buf, 4, "%V%V", &s, &s);
    CHECK_MEM(buf, (size_t) (p - buf), "edge");
    CHECK(buf[4] == '#');
}


static void
test_numbers(void)
{
    CHECK_INT(ngx_atoi((u_char *) "12", 2), 12);
    CHECK_INT(ngx_atoi((u_char *) "9223372036854775807", 19),
              NGX_MAX_INT_T_VALUE);
    CHECK_INT(ngx_atoi((u_char *) "9223372036854775808", 19), NGX_ERROR);
    CHECK_INT(ngx_atoi((u_char *) "1x", 2), NGX_ERROR);
    CHECK_INT(ngx_atoi((u_char *) "", 0), NGX_ERROR);
    CHECK_INT(ngx_atofp((u_char *) "0.35", 4, 3), 350);
    CHECK_INT(ngx_atofp((u_char *) "0.3567", 6, 3), NGX_ERROR);
    CHECK_INT(ngx_hextoi((u_char *) "fF", 2), 255);
}


static void
test_strings(void)
{
    u_char  s[] = "one two THREE";

    CHECK(ngx_strstrn(s, "two", 3 - 1) == s + 4);
    CHECK(ngx_strcasestrn(s, "three", 5 - 1) == s + 8);
    CHECK(ngx_strlcasestrn(s, s + 12, (u_char *) "three", 5 - 1) == NULL);
    CHECK(ngx_strnstr(s, "two", 6) == NULL);
    CHECK(ngx_strnstr(s, "two", 7) == s + 4);
    CHECK_INT(ngx_strncasecmp(s, (u_char *) "ONE", 3), 0);
    CHECK(ngx_memn2cmp(s, s, 3, 4) < 0);
}


static void
test_encodings(void)
{
    u_char     *p, out[64];
    ngx_str_t   in, dst, back;
    u_char      cut[] = "\xed\x95", korean[] = "\xed\x95\x9c";

    in = unit_str("edge?>");
    dst.data = buf;
    back.data = out;

    ngx_encode_base64(&dst, &in);
    CHECK_STR(dst, "ZWRnZT8+");
    CHECK_INT(ngx_decode_base64(&back, &dst), NGX_OK);
    CHECK_STR(back, "edge?>");

    in = unit_str("a");
    ngx_encode_base64(&dst, &in);
    CHECK_STR(dst, "YQ==");
    ngx_encode_base64url(&dst, &in);
    CHECK_STR(dst, "YQ");

    dst = unit_str("YQ*=");
    CHECK_INT(ngx_decode_base64(&back, &dst), NGX_ERROR);

    p = korean;
    CHECK_INT(ngx_utf8_decode(&p, 3), 0xd55c);
    CHECK(p == korean + 3);
    p = cut;
    CHECK_INT(ngx_utf8_decode(&p, 2), 0xfffffffe);

    CHECK_INT(ngx_escape_json(NULL, (u_char *) "a\"\n\x01", 4), 7);
    p = (u_char *) ngx_escape_json(out, (u_char *) "a\"\n\x01", 4);
    CHECK_MEM(out, (size_t) (p - out), "a\\\"\\n\\u0001");

    p = (u_char *) ngx_escape_uri(out, (u_char *) "a/b c", 5,
                                  NGX_ESCAPE_URI_COMPONENT);
    CHECK_MEM(out, (size_t) (p - out), "a%2Fb%20c");
}


static void
test_hashes(void)
{
    u_char       sum[20], hex[40];
    ngx_sha1_t   sha1;
    const char  *abc = "abc";

    CHECK_INT(ngx_crc32_long((u_char *) "123456789", 9), 0xcbf43926);
    CHECK_INT(ngx_crc32_short((u_char *) "123456789", 9), 0xcbf43926);
    CHECK_INT(ngx_murmur_hash2((u_char *) "", 0), 0);

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, abc, 3);
    ngx_sha1_final(sum, &sha1);
    ngx_hex_dump(hex, sum, 20);
    CHECK_MEM(hex, 40, "a9993e364706816aba3e25717850c26c9cd0d89d");

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmno"
                           "mnopnopq", 56);
    ngx_sha1_final(sum, &sha1);
    ngx_hex_dump(hex, sum, 20);
    CHECK_MEM(hex, 40, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}


static ngx_uint_t  cleaned;


static void
count_cleanup(void *data)
{
    cleaned = cleaned * 10 + *(ngx_uint_t *) data;
}


static void
test_pool(void)
{
    ngx_pool_t          *pool;
    ngx_uint_t          *n, i;
    ngx_list_t          *list;
    ngx_array_t         *a;
    ngx_pool_cleanup_t  *cln;

    pool = ngx_create_pool(1024, &ngx_stub_log);

    for (i = 1; i <= 2; i++) {
        cln = ngx_pool_cleanup_add(pool, sizeof(ngx_uint_t));
        cln->handler = count_cleanup;
        *(ngx_uint_t *) cln->data = i;
    }

    a = ngx_array_create(pool, 1, sizeof(ngx_uint_t));
    list = ngx_list_create(pool, 2, sizeof(ngx_uint_t));

    for (i = 0; i < 100; i++) {
        n = ngx_array_push(a);
        *n = i;
        n = ngx_list_push(list);
        *n = i;
    }

    n = a->elts;
    CHECK_INT(a->nelts, 100);
    CHECK_INT(n[57], 57);
    CHECK_INT(list->part.nelts, 2);

    ngx_stub_alloc_budget = 1;
    CHECK(ngx_palloc(pool, 1) != NULL);
    CHECK(ngx_palloc(pool, 1) == NULL);
    CHECK(ngx_alloc(1, &ngx_stub_log) == NULL);
    ngx_stub_alloc_budget = -1;

    ngx_destroy_pool(pool);
    CHECK_INT(cleaned, 21);
}


static void
test_slab(void)
{
    void             *p;
    ngx_slab_pool_t  *shpool;

    shpool = ngx_stub_shpool();
    ngx_stub_slab_budget = 100;

    p = ngx_slab_calloc(shpool, 60);
    CHECK(p != NULL);
    CHECK(ngx_slab_alloc(shpool, 60) == NULL);
    CHECK_INT(ngx_stub_slab_bytes, 60);

    ngx_shmtx_lock(&shpool->mutex);
    CHECK_INT(ngx_shmtx_trylock(&shpool->mutex), 0);
    ngx_slab_free_locked(shpool, p);
    ngx_shmtx_unlock(&shpool->mutex);

    CHECK_INT(ngx_stub_slab_blocks, 0);
    CHECK_INT(ngx_stub_slab_budget, 100);
    CHECK_INT(ngx_stub_lock_depth, 0);

    ngx_stub_slab_budget = -1;
    ngx_stub_shpool_free(shpool);
}


static void
test_tree(void)
{
    ngx_uint_t           i, key, seen;
    ngx_rbtree_t         tree;
    ngx_rbtree_node_t    sentinel, nodes[64], *node;

    ngx_rbtree_init(&tree, &sentinel, ngx_rbtree_insert_value);

    for (i = 0; i < 64; i++) {
        nodes[i].key = i * 37 % 64;
        ngx_rbtree_insert(&tree, &nodes[i]);
    }

    for (i = 0; i < 64; i += 2) {
        ngx_rbtree_delete(&tree, &nodes[i]);
    }

    key = 0;
    seen = 0;

    for (node = ngx_rbtree_min(tree.root, &sentinel);
         node;
         node = ngx_rbtree_next(&tree, node))
    {
        CHECK(node->key >= key);
        key = node->key;
        seen++;
    }

    CHECK_INT(seen, 32);
}


static void
test_time(void)
{
    ngx_stub_set_time(1700000000, 900);
    ngx_stub_advance(200);
    CHECK_INT(ngx_time(), 1700000001);
    CHECK_INT(ngx_timeofday()->msec, 100);
    CHECK_INT(ngx_current_msec % 1000, 100);
}


static void
test_log(void)
{
    ngx_uint_t  lines;

    lines = ngx_stub_log_lines;

    ngx_log_error(NGX_LOG_INFO, &ngx_stub_log, 0, "below the level");
    CHECK_INT(ngx_stub_log_lines, lines);

    ngx_log_error(NGX_LOG_ERR, &ngx_stub_log, 0, "a line of the test: %d", 1);
    CHECK_INT(ngx_stub_log_lines, lines + 1);
    CHECK(ngx_strcmp(ngx_stub_log_last, "a line of the test: 1") == 0);
}


int
main(void)
{
    RUN(test_format);
    RUN(test_numbers);
    RUN(test_strings);
    RUN(test_encodings);
    RUN(test_hashes);
    RUN(test_pool);
    RUN(test_slab);
    RUN(test_tree);
    RUN(test_time);
    RUN(test_log);

    return unit_summary();
}
