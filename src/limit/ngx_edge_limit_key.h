
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The name under which a zone keeps the state of one key and one policy.
 */


#ifndef _NGX_EDGE_LIMIT_KEY_H_INCLUDED_
#define _NGX_EDGE_LIMIT_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_shm.h"


#define NGX_EDGE_LIMIT_SEED  4         /* words, random for each zone */


/* The digest of text (SipHash-2-4, whose output without the seed cannot be
 * guessed): clients choose keys, and must not choose which of them share a
 * place in the table.  tag tells policies of one zone apart. */
void ngx_edge_limit_key(const uint64_t *seed, const ngx_str_t *text,
    uint32_t tag, u_char key[NGX_EDGE_SHM_KEY]);


#endif /* _NGX_EDGE_LIMIT_KEY_H_INCLUDED_ */
