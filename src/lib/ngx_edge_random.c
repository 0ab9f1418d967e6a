
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Two counters that start where OpenSSL's generator says, and step by odd
 * numbers; what they show is mixed (SplitMix64).  A process that was forked
 * starts anew.
 */


#include "lib/ngx_edge_random.h"

#include <openssl/rand.h>


#define NGX_EDGE_RANDOM_STEP_1  0x9e3779b97f4a7c15ULL
#define NGX_EDGE_RANDOM_STEP_2  0xd1342543de82ef95ULL


static void ngx_edge_random_start(void);
static ngx_inline uint64_t ngx_edge_random_mix(uint64_t n);


static uint64_t   ngx_edge_random_state[2];
static ngx_pid_t  ngx_edge_random_pid;


void
ngx_edge_random(uint64_t n[2])
{
    if (ngx_edge_random_pid != ngx_pid) {
        ngx_edge_random_start();
    }

    ngx_edge_random_state[0] += NGX_EDGE_RANDOM_STEP_1;
    ngx_edge_random_state[1] += NGX_EDGE_RANDOM_STEP_2;

    n[0] = ngx_edge_random_mix(ngx_edge_random_state[0]);
    n[1] = ngx_edge_random_mix(ngx_edge_random_state[1]);
}


uint64_t
ngx_edge_random_word(void)
{
    uint64_t  n[2];

    ngx_edge_random(n);

    return n[0] ^ n[1];
}


static void
ngx_edge_random_start(void)
{
    uint64_t  seed[2];

    ngx_edge_random_pid = ngx_pid;

    if (RAND_bytes((u_char *) seed, sizeof(seed)) != 1) {

        /* rather what nginx itself would use than no request at all */

        seed[0] = (uint64_t) ngx_random() << 32 ^ (uint64_t) ngx_random();
        seed[1] = (uint64_t) ngx_time() << 32 ^ (uint64_t) ngx_pid;
    }

    ngx_edge_random_state[0] = seed[0];
    ngx_edge_random_state[1] = seed[1];
}


static ngx_inline uint64_t
ngx_edge_random_mix(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9ULL;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebULL;

    return n ^ (n >> 31);
}
