
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for citations, each answer cut in every place.
 */

/* sources: rag/ngx_edge_citation.c */

#include "unit.h"
#include "rag/ngx_edge_citation.h"


/* Feeds the answer whole, byte by byte, and in every two pieces. */
static void
check(const char *text, ngx_uint_t passages, uint64_t cited, const char *bad)
{
    char                 out[128], *o;
    size_t               cut, i, len;
    const u_char        *p;
    ngx_edge_citation_t  c;

    p = (const u_char *) text;
    len = strlen(text);

    for (cut = 0; cut <= len + 1; cut++) {
        ngx_edge_citation_init(&c, passages);

        if (cut <= len) {
            ngx_edge_citation_feed(&c, p, cut);
            ngx_edge_citation_feed(&c, p + cut, len - cut);

        } else {
            for (i = 0; i < len; i++) {
                ngx_edge_citation_feed(&c, p + i, 1);
            }
        }

        CHECK_INT(c.cited, cited);

        o = out;
        *o = '\0';

        for (i = 0; i < c.nbad; i++) {
            o += snprintf(o, out + sizeof(out) - o, "%s%lu", i ? " " : "",
                          (unsigned long) c.bad[i]);
        }

        CHECK_MEM(out, strlen(out), bad);
    }
}


static void
test_good(void)
{
    check("", 3, 0, "");
    check("It is blue [1].", 3, 1, "");
    check("[1][3] and [2]", 3, 7, "");
    check("both [1, 3]", 3, 5, "");
    check("[1,2 , 3 ] [ 2 ]", 3, 7, "");
    check("[[2]] [x][1]", 3, 3, "");
    check("[64]", 64, (uint64_t) 1 << 63, "");
    check("생산 계획[2]은", 3, 2, "");
}


static void
test_bad_numbers(void)
{
    check("[0] [4] [4] [12, 2]", 3, 2, "0 4 12");
    check("[1]", 0, 0, "1");
    check("[99999999999999999999999]", 3, 0, "1000000000");
    check("[4,5,6,7,8,9,10,11,12,13]", 3, 0, "4 5 6 7 8 9 10 11");
    check("[4][5][6][7][8][9][10][11][12][1]", 3, 1, "4 5 6 7 8 9 10 11");
    check("[65]", 100, 0, "65");
}


static void
test_no_citation(void)
{
    check("1] [a] [] [,] [1,] [1 2] [1-2] [1.5] [+1] [1", 3, 0, "");
    check("[9, x]", 3, 0, "");
    check("[1, x] [9, [2]", 3, 2, "");
    check("[1\n]", 3, 0, "");
}


int
main(void)
{
    RUN(test_good);
    RUN(test_bad_numbers);
    RUN(test_no_citation);

    return unit_summary();
}
