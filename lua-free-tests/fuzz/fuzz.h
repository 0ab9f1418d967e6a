
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the fuzz targets share.  A target is one file:
 *
 *     / * sources: lib/ngx_edge_sse.c * /      (relative to src/, one line)
 *     / * libs: -ljansson * /                  (only if needed)
 *     / * max_len: 4096 * /                    (bytes of an input)
 *     / * dict: json * /                       (json.dict; only if useful)
 *     #include "fuzz.h"
 *     ...
 *     void
 *     fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
 *
 * It is called with every input in a block of its size, and a pool that ends
 * with the call.  Inputs are text wherever possible: what steers a target
 * stands in lines before the text that is read, so seeds are written by hand.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include "ngx_stub.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fuzz_fail(__FILE__, __LINE__, #cond);                             \
        }                                                                     \
    } while (0)


void fuzz_one(ngx_pool_t *pool, ngx_str_t *in);

void fuzz_fail(const char *file, int line, const char *text)
    __attribute__((noreturn));

/* Takes the bytes up to the next mark off in, all of them if there is none,
 * into a block of their own size; the mark is dropped. */
ngx_str_t fuzz_take(ngx_pool_t *pool, ngx_str_t *in, const char *mark);

/* The bytes in a block of their own size. */
ngx_str_t fuzz_copy(ngx_pool_t *pool, const u_char *data, size_t len);

/* A number from a line of digits, at most max. */
ngx_uint_t fuzz_number(const ngx_str_t *line, ngx_uint_t max);

ngx_str_t fuzz_str(const char *text);
ngx_uint_t fuzz_same(const ngx_str_t *a, const ngx_str_t *b);

/* 1 if part is empty or lies within whole, not only has its bytes. */
ngx_uint_t fuzz_within(const ngx_str_t *whole, const ngx_str_t *part);


#endif /* _FUZZ_H_INCLUDED_ */
