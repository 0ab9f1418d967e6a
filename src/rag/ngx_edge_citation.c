
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Citations, byte by byte: what stands in a bracket counts when the bracket
 * closes, and only if it holds numbers, commas and blanks.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_citation.h"


#define NGX_EDGE_CITATION_NUMBER  1000000000   /* a longer one stays here */


typedef enum {
    sw_text = 0,
    sw_open,                   /* behind the bracket or a comma */
    sw_number,
    sw_behind                  /* blanks behind a number */
} ngx_edge_citation_state_e;


static void ngx_edge_citation_number(ngx_edge_citation_t *c);
static void ngx_edge_citation_close(ngx_edge_citation_t *c);
static void ngx_edge_citation_bad(ngx_uint_t *list, ngx_uint_t *n,
    ngx_uint_t number);


void
ngx_edge_citation_init(ngx_edge_citation_t *c, ngx_uint_t passages)
{
    ngx_memzero(c, sizeof(ngx_edge_citation_t));

    c->passages = ngx_min(passages, 64);
}


void
ngx_edge_citation_feed(ngx_edge_citation_t *c, const u_char *text, size_t len)
{
    u_char         ch;
    size_t         i;
    const u_char  *next;

    for (i = 0; i < len; i++) {
        ch = text[i];

        if (ch == '[') {
            c->state = sw_open;
            c->number = 0;
            c->good = 0;
            c->npending = 0;

        } else if (c->state == sw_text) {
            next = memchr(text + i, '[', len - i);
            i = (next ? (size_t) (next - text) : len) - 1;

        } else if (ch >= '0' && ch <= '9' && c->state != sw_behind) {
            c->state = sw_number;
            c->number = ngx_min(c->number * 10 + (ch - '0'),
                                NGX_EDGE_CITATION_NUMBER);

        } else if (ch == ' ') {
            if (c->state == sw_number) {
                c->state = sw_behind;
            }

        } else if (c->state != sw_open && (ch == ',' || ch == ']')) {
            ngx_edge_citation_number(c);

            if (ch == ']') {
                ngx_edge_citation_close(c);
            }

            c->state = (ch == ',') ? sw_open : sw_text;
            c->number = 0;

        } else {
            c->state = sw_text;
        }
    }
}


static void
ngx_edge_citation_number(ngx_edge_citation_t *c)
{
    if (c->number >= 1 && c->number <= c->passages) {
        c->good |= (uint64_t) 1 << (c->number - 1);
        return;
    }

    ngx_edge_citation_bad(c->pending, &c->npending, c->number);
}


static void
ngx_edge_citation_close(ngx_edge_citation_t *c)
{
    ngx_uint_t  i;

    c->cited |= c->good;

    for (i = 0; i < c->npending; i++) {
        ngx_edge_citation_bad(c->bad, &c->nbad, c->pending[i]);
    }
}


/* Adds a number once, while there is room. */

static void
ngx_edge_citation_bad(ngx_uint_t *list, ngx_uint_t *n, ngx_uint_t number)
{
    ngx_uint_t  i;

    for (i = 0; i < *n; i++) {
        if (list[i] == number) {
            return;
        }
    }

    if (*n < NGX_EDGE_CITATION_BAD) {
        list[(*n)++] = number;
    }
}
