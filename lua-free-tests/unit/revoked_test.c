
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the table of what was revoked: how entries read, what they take
 * back and from when, and that nothing is forgotten in silence.
 */


/* sources: auth/ngx_edge_revoked.c lib/ngx_edge_hash.c lib/ngx_edge_shm.c */
/* libs: -lcrypto */

#include "unit.h"
#include "auth/ngx_edge_revoked.h"


#define NOW  1700000000

#define KIND(name)  ngx_edge_revoked_##name


static ngx_pool_t          *memory;
static ngx_slab_pool_t     *pool;
static ngx_edge_hash_t     *hash;
static ngx_edge_revoked_t  *table;
static uint64_t             place;


static void
open_table(void)
{
    memory = ngx_create_pool(4096, &ngx_stub_log);
    hash = ngx_edge_hash_create(memory);

    pool = ngx_stub_shpool();
    pool->log_nomem = 1;
    ngx_stub_slab_budget = -1;

    ngx_shmtx_lock(&pool->mutex);
    table = ngx_edge_revoked_create(pool, 16);
    ngx_shmtx_unlock(&pool->mutex);
}


static void
close_table(void)
{
    ngx_queue_t           *q;
    ngx_edge_shm_t        *t;
    ngx_edge_shm_entry_t  *e;

    t = table->entries;

    ngx_shmtx_lock(&pool->mutex);

    while (!ngx_queue_empty(&t->lru)) {
        q = ngx_queue_last(&t->lru);
        e = ngx_queue_data(q, ngx_edge_shm_entry_t, lru);
        ngx_edge_shm_remove(t, pool, e->key);
    }

    ngx_slab_free_locked(pool, t);
    ngx_slab_free_locked(pool, table);
    ngx_shmtx_unlock(&pool->mutex);

    CHECK_INT(ngx_stub_slab_blocks, 0);

    ngx_stub_shpool_free(pool);
    ngx_destroy_pool(memory);
}


static const char *
parse(const char **words, ngx_edge_revoked_entry_t *entry)
{
    ngx_str_t   fields[16];
    ngx_uint_t  n;

    for (n = 0; words[n]; n++) {
        fields[n] = unit_str(words[n]);
    }

    return ngx_edge_revoked_parse(fields, n / 2, entry);
}


#define PARSE(entry, ...)                                                     \
    parse((const char *[]) { __VA_ARGS__, NULL }, entry)


static ngx_int_t
add(const char *name, const char *value, const char *iss, const char *nbf,
    const char *until)
{
    const char                *words[9];
    ngx_uint_t                 n;
    ngx_edge_revoked_entry_t   entry;

    n = 0;
    words[n++] = name;
    words[n++] = value;

    if (iss) {
        words[n++] = "iss";
        words[n++] = iss;
    }

    if (nbf) {
        words[n++] = "nbf";
        words[n++] = nbf;
    }

    if (until) {
        words[n++] = "until";
        words[n++] = until;
    }

    words[n] = NULL;

    CHECK(parse(words, &entry) == NULL);

    entry.msec = place / 10;
    entry.seq = place % 10;
    place++;

    return ngx_edge_revoked_add(table, pool, hash, &entry, NOW);
}


static ngx_int_t
check(ngx_edge_revoked_kind_e kind, const char *value, const char *iss,
    int64_t iat)
{
    ngx_str_t  v, i;

    v = unit_str(value);
    i = unit_str(iss);

    return ngx_edge_revoked_check(table, pool, hash, kind, &v, &i, iat, NOW);
}


static void
test_parse(void)
{
    ngx_edge_revoked_entry_t  e;

    CHECK(PARSE(&e, "jti", "a") == NULL);
    CHECK_INT(e.kind, KIND(jti));
    CHECK_INT(e.nbf, 0);
    CHECK_INT(e.until, 0);

    CHECK(PARSE(&e, "until", "17", "sub", "b", "nbf", "5", "iss", "c")
          == NULL);
    CHECK_INT(e.kind, KIND(sub));
    CHECK_INT(e.nbf, 5);
    CHECK_INT(e.until, 17);
    CHECK_INT(e.iss.len, 1);

    CHECK(PARSE(&e, "until", "17") != NULL);
    CHECK(PARSE(&e, "jti", "a", "sub", "b") != NULL);
    CHECK(PARSE(&e, "jti", "a", "jti", "b") != NULL);
    CHECK(PARSE(&e, "jti", "") != NULL);
    CHECK(PARSE(&e, "jti", "a", "nbf", "5") != NULL);
    CHECK(PARSE(&e, "tenant", "a", "iss", "b") != NULL);
    CHECK(PARSE(&e, "jti", "a", "what", "b") != NULL);
    CHECK(PARSE(&e, "jti", "a", "until", "x") != NULL);
    CHECK(PARSE(&e, "jti", "a", "until", "0") != NULL);
    CHECK(PARSE(&e, "jti", "a", "until", "-1") != NULL);
    CHECK(PARSE(&e, "jti", "a", "until", "1.5") != NULL);
    CHECK(PARSE(&e, "jti", "a", "until", "253402300800") != NULL);
    CHECK(PARSE(&e, "sub", "a", "nbf", "99999999999999999999") != NULL);
}


static void
test_kinds(void)
{
    open_table();

    CHECK(!ngx_edge_revoked_any(table, KIND(jti)));
    CHECK_INT(check(KIND(jti), "a", "i", NOW), NGX_OK);

    CHECK_INT(add("jti", "a", NULL, NULL, NULL), NGX_OK);

    CHECK(ngx_edge_revoked_any(table, KIND(jti)));
    CHECK(!ngx_edge_revoked_any(table, KIND(sub)));
    CHECK_INT(check(KIND(jti), "a", "i", NOW), NGX_DECLINED);
    CHECK_INT(check(KIND(jti), "a", "", -1), NGX_DECLINED);
    CHECK_INT(check(KIND(jti), "b", "i", NOW), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_OK);
    CHECK_INT(check(KIND(tenant), "a", "", NOW), NGX_OK);

    CHECK_INT(add("tenant", "a", NULL, NULL, NULL), NGX_OK);
    CHECK_INT(check(KIND(tenant), "a", "", NOW), NGX_DECLINED);

    close_table();
}


static void
test_issuers(void)
{
    open_table();

    CHECK_INT(add("sub", "a", "i", NULL, NULL), NGX_OK);

    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);
    CHECK_INT(check(KIND(sub), "a", "j", NOW), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "", NOW), NGX_OK);

    /* an issuer and a value that join to the same */

    CHECK_INT(check(KIND(sub), "", "ia", NOW), NGX_OK);
    CHECK_INT(add("sub", "cd", "ab", NULL, NULL), NGX_OK);
    CHECK_INT(check(KIND(sub), "bcd", "a", NOW), NGX_OK);
    CHECK_INT(check(KIND(sub), "d", "abc", NOW), NGX_OK);
    CHECK_INT(check(KIND(sub), "cd", "ab", NOW), NGX_DECLINED);

    close_table();
}


static void
test_times(void)
{
    open_table();

    CHECK_INT(add("sub", "a", NULL, "1699999000", NULL), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", 1699998999), NGX_DECLINED);
    CHECK_INT(check(KIND(sub), "a", "i", 1699999000), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", -1), NGX_DECLINED);

    /* the later entry counts */

    CHECK_INT(add("sub", "a", NULL, NULL, "1700000001"), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);

    CHECK_INT(add("sub", "a", NULL, NULL, "1700000000"), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", 0), NGX_OK);

    close_table();
}


/* All of it is read again: what was replaced stays replaced meanwhile. */

static void
test_again(void)
{
    uint64_t  first;

    open_table();
    first = place;

    CHECK_INT(add("sub", "a", NULL, "1699999000", NULL), NGX_OK);
    CHECK_INT(add("sub", "a", NULL, NULL, "1699999999"), NGX_OK);
    CHECK_INT(add("sub", "a", NULL, NULL, NULL), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);

    place = first;

    CHECK_INT(add("sub", "a", NULL, "1699999000", NULL), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);
    CHECK_INT(add("sub", "a", NULL, NULL, "1699999999"), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);
    CHECK_INT(add("sub", "a", NULL, NULL, NULL), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_DECLINED);

    /* the next one counts */

    CHECK_INT(add("sub", "a", NULL, NULL, "1699999999"), NGX_OK);
    CHECK_INT(check(KIND(sub), "a", "i", NOW), NGX_OK);

    close_table();
}


/* A zone that is full: it is told, whether an older entry went or not. */

static void
test_full(void)
{
    char        value[16];
    ngx_int_t   rc;
    ngx_uint_t  i;

    open_table();

    ngx_stub_slab_budget = 4096;
    rc = NGX_OK;

    for (i = 0; i < 1000 && rc == NGX_OK; i++) {
        (void) snprintf(value, sizeof(value), "t%u", (unsigned) i);
        rc = add("jti", value, NULL, NULL, NULL);
    }

    CHECK(i > 4 && i < 1000);
    CHECK_INT(rc, NGX_DECLINED);

    ngx_stub_slab_budget = -1;
    close_table();
}


int
main(void)
{
    RUN(test_parse);
    RUN(test_kinds);
    RUN(test_issuers);
    RUN(test_times);
    RUN(test_again);
    RUN(test_full);

    return unit_summary();
}
