
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Between libFuzzer and a target: the pool, the input's block, the log, and
 * small tools to cut inputs.  Knows nothing of what is fuzzed.
 */


#include "fuzz.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t    in;
    ngx_pool_t  *pool;

    /* what is refused is said, and said a million times */
    ngx_stub_log.log_level = NGX_LOG_STDERR;

    pool = ngx_create_pool(4096, &ngx_stub_log);
    in = fuzz_copy(pool, data, size);

    fuzz_one(pool, &in);

    ngx_destroy_pool(pool);

    return 0;
}


void
fuzz_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
}


ngx_str_t
fuzz_take(ngx_pool_t *pool, ngx_str_t *in, const char *mark)
{
    size_t      i, n;
    ngx_str_t   part;

    n = strlen(mark);

    for (i = 0; i < in->len; i++) {
        if (in->len - i >= n && memcmp(in->data + i, mark, n) == 0) {
            break;
        }
    }

    part = fuzz_copy(pool, in->data, i);

    i = ngx_min(i + n, in->len);
    *in = fuzz_copy(pool, in->data + i, in->len - i);

    return part;
}


ngx_str_t
fuzz_copy(ngx_pool_t *pool, const u_char *data, size_t len)
{
    ngx_str_t  copy;

    copy.len = len;
    copy.data = ngx_pnalloc(pool, len);
    fuzz_check(copy.data != NULL);

    if (len) {
        memcpy(copy.data, data, len);
    }

    return copy;
}


ngx_uint_t
fuzz_number(const ngx_str_t *line, ngx_uint_t max)
{
    size_t      i;
    ngx_uint_t  n;

    n = 0;

    for (i = 0; i < line->len; i++) {
        if (line->data[i] >= '0' && line->data[i] <= '9') {
            n = ngx_min(n * 10 + (line->data[i] - '0'), max);
        }
    }

    return n;
}


ngx_str_t
fuzz_str(const char *text)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = strlen(text);

    return s;
}


ngx_uint_t
fuzz_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


ngx_uint_t
fuzz_within(const ngx_str_t *whole, const ngx_str_t *part)
{
    return part->len == 0
           || (part->data >= whole->data
               && part->data + part->len <= whole->data + whole->len);
}
