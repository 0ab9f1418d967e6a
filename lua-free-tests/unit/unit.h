
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The test macros of the unit tests.  A test file is one program:
 *
 *     / * sources: lib/ngx_edge_sse.c * /      (relative to src/, one line)
 *     / * libs: -ljansson * /                  (only if needed)
 *     #include "unit.h"
 *     ...
 *     int
 *     main(void)
 *     {
 *         RUN(test_split_in_utf8);
 *         return unit_summary();
 *     }
 *
 * A failed check prints its place and goes on, so one run shows them all.
 */


#ifndef _UNIT_H_INCLUDED_
#define _UNIT_H_INCLUDED_


#include "ngx_stub.h"


static ngx_uint_t   unit_passed;
static ngx_uint_t   unit_failed;
static const char  *unit_name = "";


/* Runs a void function without arguments, naming it in failure lines. */
#define RUN(fn)                                                               \
    do {                                                                      \
        unit_name = #fn;                                                      \
        fn();                                                                 \
    } while (0)


#define CHECK(cond)                                                           \
    unit_check((cond) ? 1 : 0, __FILE__, __LINE__, #cond)


/* Two integers of any type; prints both when they differ. */
#define CHECK_INT(got, expected)                                              \
    unit_check_int((long long) (got), (long long) (expected),                 \
                   __FILE__, __LINE__, #got)


/* An ngx_str_t against a C string. */
#define CHECK_STR(got, expected)                                              \
    unit_check_str((got), (expected), __FILE__, __LINE__, #got)


/* A pointer and a length against a C string. */
#define CHECK_MEM(data, len, expected)                                        \
    unit_check_mem((data), (len), (expected), strlen(expected),               \
                   __FILE__, __LINE__, #data)


/* An ngx_str_t from a C string that lives as long. */
static inline ngx_str_t
unit_str(const char *s)
{
    ngx_str_t  str;

    str.data = (u_char *) s;
    str.len = strlen(s);

    return str;
}


static inline void
unit_check(int ok, const char *file, int line, const char *text)
{
    if (ok) {
        unit_passed++;
        return;
    }

    unit_failed++;
    printf("%s:%d: %s: failed: %s\n", file, line, unit_name, text);
}


static inline void
unit_check_int(long long got, long long expected, const char *file, int line,
    const char *text)
{
    if (got == expected) {
        unit_passed++;
        return;
    }

    unit_failed++;
    printf("%s:%d: %s: %s is %lld, not %lld\n",
           file, line, unit_name, text, got, expected);
}


static inline void
unit_check_mem(const void *got, size_t len, const char *expected,
    size_t expected_len, const char *file, int line, const char *text)
{
    if (len == expected_len
        && (len == 0 || memcmp(got, expected, len) == 0))
    {
        unit_passed++;
        return;
    }

    unit_failed++;
    printf("%s:%d: %s: %s is (%zu)\"%.*s\", not (%zu)\"%s\"\n",
           file, line, unit_name, text, len, (int) len,
           got ? (const char *) got : "", expected_len, expected);
}


static inline void
unit_check_str(ngx_str_t got, const char *expected, const char *file,
    int line, const char *text)
{
    unit_check_mem(got.data, got.len, expected, strlen(expected), file, line,
                   text);
}


/* Prints the last line of a test program; its result is main()'s. */
static inline int
unit_summary(void)
{
    printf("%lu passed, %lu failed\n",
           (unsigned long) unit_passed, (unsigned long) unit_failed);

    return unit_failed == 0 ? 0 : 1;
}


#endif /* _UNIT_H_INCLUDED_ */
