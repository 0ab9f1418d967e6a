
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * RFC 3339 times: one that is read is the instant that the C library makes of
 * its fields, and written in UTC it is the same instant.
 */


/* sources: rag/ngx_edge_time.c */
/* max_len: 48 */
/* dict: time */

#include <time.h>
#include "fuzz.h"
#include "rag/ngx_edge_time.h"


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    int               zone;
    char              z[49], utc[64];
    size_t            i, n;
    time_t            sec;
    struct tm         tm;
    ngx_str_t         text;
    ngx_edge_time_t   t, again;

    if (ngx_edge_time_parse(in, &t) != NGX_OK) {
        return;
    }

    fuzz_check(in->len >= 20 && in->len < sizeof(z));
    fuzz_check(t.nsec < 1000000000);

    memcpy(z, in->data, in->len);
    z[in->len] = '\0';

    memset(&tm, 0, sizeof(struct tm));
    fuzz_check(sscanf(z, "%4d-%2d-%2d%*c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
                      &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec)
               == 6);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    zone = 0;

    if (z[in->len - 1] != 'Z' && z[in->len - 1] != 'z') {
        zone = atoi(z + in->len - 5) * 60 + atoi(z + in->len - 2);
        zone = z[in->len - 6] == '-' ? -zone : zone;
    }

    fuzz_check(t.sec == timegm(&tm) - zone * 60);

    sec = t.sec;
    n = strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%S", gmtime_r(&sec, &tm));
    n += snprintf(utc + n, sizeof(utc) - n, ".%09uZ", (unsigned) t.nsec);

    for (i = 0; i < 4; i++) {
        if (utc[i] < '0' || utc[i] > '9') {
            return;                     /* over a zone out of four digits */
        }
    }

    if (utc[4] != '-') {
        return;
    }

    text = fuzz_copy(pool, (u_char *) utc, n);
    fuzz_check(ngx_edge_time_parse(&text, &again) == NGX_OK);
    fuzz_check(ngx_edge_time_cmp(&t, &again) == 0);
}
