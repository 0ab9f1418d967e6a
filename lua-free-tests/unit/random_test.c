
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the numbers nobody else draws: none comes twice, and a process that
 * was forked from one that had drawn goes another way.
 */


/* sources: lib/ngx_edge_random.c */
/* libs: -lcrypto */

#include "unit.h"
#include "lib/ngx_edge_random.h"

#include <sys/wait.h>
#include <unistd.h>


#define NUMBERS  4096


static int
compare(const void *a, const void *b)
{
    uint64_t  x, y;

    x = *(const uint64_t *) a;
    y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}


static ngx_uint_t
doubles(uint64_t *n, ngx_uint_t count)
{
    ngx_uint_t  i, found;

    qsort(n, count, sizeof(uint64_t), compare);

    found = 0;

    for (i = 1; i < count; i++) {
        found += (n[i] == n[i - 1]);
    }

    return found;
}


static void
test_no_number_comes_twice(void)
{
    uint64_t    n[NUMBERS], ones;
    ngx_uint_t  i, bit;

    for (i = 0; i < NUMBERS; i += 2) {
        ngx_edge_random(&n[i]);
    }

    for (bit = 0; bit < 64; bit++) {
        ones = 0;

        for (i = 0; i < NUMBERS; i++) {
            ones += (n[i] >> bit) & 1;
        }

        CHECK(ones > NUMBERS / 2 - NUMBERS / 8
              && ones < NUMBERS / 2 + NUMBERS / 8);
    }

    CHECK_INT(doubles(n, NUMBERS), 0);
}


static void
test_a_child_goes_another_way(void)
{
    int         fds[2];
    pid_t       pid;
    uint64_t    n[2 * NUMBERS];
    ngx_uint_t  i;

    CHECK_INT(pipe(fds), 0);

    (void) ngx_edge_random_word();
    pid = fork();

    if (pid == 0) {
        ngx_pid = getpid();            /* as nginx does */

        for (i = 0; i < 256; i++) {
            n[i] = ngx_edge_random_word();
        }

        _exit(write(fds[1], n, 256 * sizeof(uint64_t)) < 0);
    }

    CHECK(pid > 0);
    CHECK_INT(read(fds[0], n, 256 * sizeof(uint64_t)), 256 * 8);
    CHECK_INT(waitpid(pid, NULL, 0), pid);

    close(fds[0]);
    close(fds[1]);

    for (i = 256; i < 512; i++) {
        n[i] = ngx_edge_random_word();
    }

    CHECK_INT(doubles(n, 512), 0);
}


int
main(void)
{
    RUN(test_no_number_comes_twice);
    RUN(test_a_child_goes_another_way);

    return unit_summary();
}
