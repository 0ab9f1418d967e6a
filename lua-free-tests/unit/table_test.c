
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the table of modules: whole keys, longest prefixes, bounds, and
 * that a search costs the same whatever the table holds.
 */

/* sources: route/ngx_edge_table.c */

#include "unit.h"
#include "route/ngx_edge_table.h"


#define MANY  10000


static ngx_pool_t  *pool;


static ngx_edge_table_t *
table_of(const char **keys, ngx_uint_t n)
{
    ngx_str_t          *key;
    ngx_uint_t          i;
    ngx_edge_table_t   *table;

    table = ngx_edge_table_create(pool, n);

    for (i = 0; i < n; i++) {
        key = ngx_palloc(pool, sizeof(ngx_str_t));
        *key = unit_str(keys[i]);

        CHECK_INT(ngx_edge_table_add(table, key, (void *) keys[i]), NGX_OK);
    }

    return table;
}


static const char *
find(ngx_edge_table_t *table, const char *key)
{
    char       *value;
    ngx_str_t   k;

    k = unit_str(key);
    value = ngx_edge_table_find(table, &k);

    return value ? value : "none";
}


static const char *
prefix(ngx_edge_table_t *table, const char *path)
{
    char       *value;
    size_t      len;
    ngx_str_t   p;

    p = unit_str(path);
    len = 0;
    value = ngx_edge_table_prefix(table, &p, &len);

    CHECK_INT(len, value ? strlen(value) : 0);

    return value ? value : "none";
}


#define CHECK_FIND(table, key, value)                                         \
    CHECK_MEM(find(table, key), strlen(find(table, key)), value)

#define CHECK_PREFIX(table, path, value)                                      \
    CHECK_MEM(prefix(table, path), strlen(prefix(table, path)), value)


static void
test_whole_keys(void)
{
    ngx_edge_table_t  *t;
    const char        *keys[] = { "planning", "plan", "support", "" };

    t = table_of(keys, 4);

    CHECK_FIND(t, "planning", "planning");
    CHECK_FIND(t, "plan", "plan");
    CHECK_FIND(t, "support", "support");
    CHECK_FIND(t, "", "");
    CHECK_FIND(t, "planningx", "none");
    CHECK_FIND(t, "planni", "none");
    CHECK_FIND(t, "Planning", "none");
}


static void
test_empty_table(void)
{
    ngx_edge_table_t  *t;

    t = ngx_edge_table_create(pool, 0);

    CHECK_FIND(t, "a", "none");
    CHECK_PREFIX(t, "/a/", "none");
}


static void
test_longest_prefix(void)
{
    ngx_edge_table_t  *t;
    const char        *keys[] = { "/api/", "/api/v1/plan/",
                                  "/api/v1/plan/deep/er/", "/x/" };

    t = table_of(keys, 4);

    CHECK_PREFIX(t, "/api/", "/api/");
    CHECK_PREFIX(t, "/api/v1/other", "/api/");
    CHECK_PREFIX(t, "/api/v1/plan", "/api/");
    CHECK_PREFIX(t, "/api/v1/plan/", "/api/v1/plan/");
    CHECK_PREFIX(t, "/api/v1/plan/query", "/api/v1/plan/");
    CHECK_PREFIX(t, "/api/v1/planning/query", "/api/");
    CHECK_PREFIX(t, "/api/v1/plan/deep/query", "/api/v1/plan/");
    CHECK_PREFIX(t, "/api/v1/plan/deep/er/query", "/api/v1/plan/deep/er/");
    CHECK_PREFIX(t, "/API/v1/plan/query", "none");
    CHECK_PREFIX(t, "/api/v1/Plan/query", "/api/");
    CHECK_PREFIX(t, "/api", "none");
    CHECK_PREFIX(t, "", "none");
    CHECK_PREFIX(t, "/", "none");
    CHECK_PREFIX(t, "//api/", "none");
}


static void
test_root_prefix(void)
{
    ngx_edge_table_t  *t;
    const char        *keys[] = { "/", "/a/" };

    t = table_of(keys, 2);

    CHECK_PREFIX(t, "/", "/");
    CHECK_PREFIX(t, "/b", "/");
    CHECK_PREFIX(t, "/a", "/");
    CHECK_PREFIX(t, "/a/b", "/a/");
    CHECK_PREFIX(t, "a/b", "none");
}


/* a key that does not end in a slash is no prefix, whatever its length */

static void
test_names_are_no_prefixes(void)
{
    ngx_edge_table_t  *t;
    const char        *keys[] = { "/a", "/a/b" };

    t = table_of(keys, 2);

    CHECK_PREFIX(t, "/a/b", "none");
    CHECK_PREFIX(t, "/a/b/", "none");
}


static void
test_long_path(void)
{
    u_char             *p;
    size_t              len;
    ngx_str_t           path;
    ngx_edge_table_t   *t;
    const char         *keys[] = { "/a/" };

    t = table_of(keys, 1);

    p = ngx_palloc(pool, 100000);
    memset(p, '/', 100000);
    memcpy(p, "/a/", 3);

    path.data = p;
    path.len = 100000;

    CHECK(ngx_edge_table_prefix(t, &path, &len) == (void *) keys[0]);
    CHECK_INT(len, 3);
}


static void
test_duplicate(void)
{
    ngx_str_t           key;
    ngx_edge_table_t   *t;

    t = ngx_edge_table_create(pool, 2);
    key = unit_str("/a/");

    CHECK_INT(ngx_edge_table_add(t, &key, "first"), NGX_OK);
    CHECK_INT(ngx_edge_table_add(t, &key, "second"), NGX_DECLINED);
    CHECK_FIND(t, "/a/", "first");
}


static void
test_full(void)
{
    ngx_str_t           a, b;
    ngx_edge_table_t   *t;

    t = ngx_edge_table_create(pool, 1);
    a = unit_str("a");
    b = unit_str("b");

    CHECK_INT(ngx_edge_table_add(t, &a, "a"), NGX_OK);
    CHECK_INT(ngx_edge_table_add(t, &b, "b"), NGX_ERROR);
    CHECK_INT(ngx_edge_table_add(t, &a, "a"), NGX_DECLINED);
    CHECK_FIND(t, "b", "none");
}


/* keys that differ in their last bytes only, the usual case */

static void
test_many(void)
{
    char                buf[64];
    ngx_str_t          *key;
    ngx_uint_t          i, wrong;
    ngx_edge_table_t   *t;

    t = ngx_edge_table_create(pool, MANY);

    for (i = 0; i < MANY; i++) {
        key = ngx_palloc(pool, sizeof(ngx_str_t));
        key->data = ngx_palloc(pool, 64);
        key->len = snprintf((char *) key->data, 64, "/api/v1/m%05u/",
                            (unsigned) i);

        CHECK_INT(ngx_edge_table_add(t, key, key), NGX_OK);
    }

    wrong = 0;

    for (i = 0; i < MANY; i++) {
        size_t      len;
        ngx_str_t   path, *found;

        path.data = (u_char *) buf;
        path.len = snprintf(buf, sizeof(buf), "/api/v1/m%05u/query",
                            (unsigned) i);

        found = ngx_edge_table_prefix(t, &path, &len);

        if (found == NULL || len != found->len
            || memcmp(found->data, path.data, len) != 0)
        {
            wrong++;
        }
    }

    CHECK_INT(wrong, 0);
    CHECK_PREFIX(t, "/api/v1/m10000/query", "none");
}


static double
seconds_of(ngx_uint_t n)
{
    char                buf[64];
    ngx_str_t          *key, path;
    ngx_uint_t          i, hits;
    struct timespec     from, to;
    ngx_edge_table_t   *t;

    t = ngx_edge_table_create(pool, n);

    for (i = 0; i < n; i++) {
        key = ngx_palloc(pool, sizeof(ngx_str_t));
        key->data = ngx_palloc(pool, 64);
        key->len = snprintf((char *) key->data, 64, "/api/v1/m%05u/",
                            (unsigned) i);

        CHECK_INT(ngx_edge_table_add(t, key, key), NGX_OK);
    }

    path.data = (u_char *) buf;
    path.len = snprintf(buf, sizeof(buf), "/api/v1/m%05u/query",
                        (unsigned) n / 2);
    hits = 0;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);

    for (i = 0; i < 20000; i++) {
        size_t  len;

        hits += ngx_edge_table_prefix(t, &path, &len) != NULL;
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);

    CHECK_INT(hits, 20000);

    return (double) (to.tv_sec - from.tv_sec)
           + (double) (to.tv_nsec - from.tv_nsec) / 1e9;
}


/* A scan of all keys would be a thousand times slower; the bound is wide, for
 * the machine may be busy and the code instrumented. */

static void
test_cost_is_flat(void)
{
    double  few, many;

    few = seconds_of(10);
    many = seconds_of(MANY);

    CHECK(many < few * 20 + 0.01);
}


static void
test_no_memory(void)
{
    ngx_stub_alloc_budget = 0;
    CHECK(ngx_edge_table_create(pool, 4) == NULL);

    ngx_stub_alloc_budget = 1;
    CHECK(ngx_edge_table_create(pool, 4) == NULL);

    ngx_stub_alloc_budget = -1;
}


int
main(void)
{
    pool = ngx_create_pool(4096, &ngx_stub_log);

    RUN(test_whole_keys);
    RUN(test_empty_table);
    RUN(test_longest_prefix);
    RUN(test_root_prefix);
    RUN(test_names_are_no_prefixes);
    RUN(test_long_path);
    RUN(test_duplicate);
    RUN(test_full);
    RUN(test_many);
    RUN(test_cost_is_flat);
    RUN(test_no_memory);

    ngx_destroy_pool(pool);

    return unit_summary();
}
