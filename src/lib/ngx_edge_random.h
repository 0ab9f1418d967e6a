
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers that no other process draws: for identifiers, owners and seeds.
 * nginx's own generator starts from the process number and the time of day,
 * which two containers may share.  Not for secrets: who has seen one number
 * can tell the next.
 */


#ifndef _NGX_EDGE_RANDOM_H_INCLUDED_
#define _NGX_EDGE_RANDOM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* 128 bits; no two calls of a process give the same. */
void ngx_edge_random(uint64_t n[2]);

/* 64 of them. */
uint64_t ngx_edge_random_word(void);


#endif /* _NGX_EDGE_RANDOM_H_INCLUDED_ */
