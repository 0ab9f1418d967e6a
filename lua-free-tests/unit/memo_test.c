
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of remembered digests: whatever was asked before, the digest is the
 * text's own.
 */


/* sources: lib/ngx_edge_memo.c lib/ngx_edge_hash.c lib/ngx_edge_fold.c */
/* libs: -lcrypto */

#include "unit.h"
#include "lib/ngx_edge_fold.h"
#include "lib/ngx_edge_memo.h"


#define TEXTS  5000                    /* more than are remembered */


static ngx_pool_t       *pool;
static ngx_edge_hash_t  *hash;
static ngx_edge_memo_t  *memo;


static ngx_uint_t
right(ngx_str_t *text)
{
    u_char  own[NGX_EDGE_HASH_SIZE], remembered[NGX_EDGE_HASH_SIZE];

    CHECK_INT(ngx_edge_hash(hash, text, 1, own), NGX_OK);
    CHECK_INT(ngx_edge_memo_digest(memo, text, remembered), NGX_OK);

    return memcmp(own, remembered, sizeof(own)) == 0;
}


static void
test_every_text_has_its_own(void)
{
    u_char      buf[32];
    ngx_str_t   text;
    ngx_uint_t  i, round, wrong;

    wrong = 0;
    text.data = buf;

    for (round = 0; round < 3; round++) {
        for (i = 0; i < TEXTS; i++) {
            text.len = (size_t) snprintf((char *) buf, sizeof(buf), "key %d",
                                         (int) i);
            wrong += !right(&text) + !right(&text);
        }
    }

    CHECK_INT(wrong, 0);
}


/* What is remembered is the text as it was, not where it stood. */

static void
test_a_text_that_changes(void)
{
    u_char      buf[8];
    ngx_str_t   text;
    ngx_uint_t  i, wrong;

    wrong = 0;
    memset(buf, 'a', sizeof(buf));
    text.data = buf;
    text.len = sizeof(buf);

    for (i = 0; i < 256; i++) {
        buf[i % sizeof(buf)] = (u_char) i;
        wrong += !right(&text);
    }

    CHECK_INT(wrong, 0);
}


static void
test_lengths(void)
{
    u_char      buf[1024];
    ngx_str_t   text;
    ngx_uint_t  wrong;

    memset(buf, 'x', sizeof(buf));
    text.data = buf;
    wrong = 0;

    for (text.len = 0; text.len <= sizeof(buf); text.len++) {
        wrong += !right(&text) + !right(&text);
    }

    CHECK_INT(wrong, 0);
}


/* Any bit, any length and the order of blocks change the sum. */

static void
test_sums(void)
{
    u_char      buf[256], swapped[256];
    uint64_t    sum;
    ngx_uint_t  i, len, same;

    for (i = 0; i < sizeof(buf); i++) {
        buf[i] = (u_char) (i * 37 + 11);
    }

    same = 0;

    for (len = 1; len <= sizeof(buf); len++) {
        sum = ngx_edge_fold(buf, len);
        same += (sum == ngx_edge_fold(buf, len - 1));

        for (i = 0; i < len * 8; i++) {
            buf[i / 8] ^= (u_char) (1 << i % 8);
            same += (sum == ngx_edge_fold(buf, len));
            buf[i / 8] ^= (u_char) (1 << i % 8);
        }
    }

    CHECK_INT(same, 0);

    for (len = 8; len <= 128; len *= 2) {
        memcpy(swapped, buf + len, len);
        memcpy(swapped + len, buf, len);
        CHECK(ngx_edge_fold(swapped, 2 * len) != ngx_edge_fold(buf, 2 * len));
    }

    memset(buf, 0, sizeof(buf));
    CHECK(ngx_edge_fold(buf, 64) != ngx_edge_fold(buf, 65));
    CHECK(ngx_edge_fold(NULL, 0) != ngx_edge_fold(buf, 1));
}


int
main(void)
{
    pool = ngx_create_pool(1024, &ngx_stub_log);
    hash = ngx_edge_hash_create(pool);
    memo = ngx_edge_memo_create(pool);

    RUN(test_every_text_has_its_own);
    RUN(test_a_text_that_changes);
    RUN(test_lengths);
    RUN(test_sums);

    ngx_destroy_pool(pool);

    return unit_summary();
}
