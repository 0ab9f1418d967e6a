
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Server-sent events: a stream gives the same events however it is cut, and
 * an event written gives itself when read.  The first line is the bound of an
 * event, the second how the stream is cut: each letter a read of so many
 * bytes, over and over.
 */


/* sources: lib/ngx_edge_sse.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_decimal.c */
/* max_len: 1024 */
/* dict: sse */

#include "fuzz.h"
#include "lib/ngx_edge_sse.h"


static void fuzz_read(ngx_pool_t *pool, ngx_edge_sse_t *sse,
    const ngx_str_t *part, ngx_edge_buf_t *said);
static void fuzz_written(ngx_pool_t *pool, const ngx_edge_sse_t *sse);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t           i, n, max;
    ngx_str_t        line, cuts, part, whole, pieces;
    ngx_edge_buf_t   said;
    ngx_edge_sse_t   sse;

    line = fuzz_take(pool, in, "\n");
    max = fuzz_number(&line, 4096);
    cuts = fuzz_take(pool, in, "\n");

    ngx_edge_sse_init(&sse, pool, max);
    ngx_edge_buf_init(&said, pool, 256, 1 << 20);
    fuzz_read(pool, &sse, in, &said);
    fuzz_check(ngx_edge_buf_done(&said, &whole) == NGX_OK);

    ngx_edge_sse_init(&sse, pool, max);
    ngx_edge_buf_init(&said, pool, 256, 1 << 20);

    for (n = 0, i = 0; i < in->len; n++) {
        part.data = in->data + i;
        part.len = cuts.len ? cuts.data[n % cuts.len] & 0x1f : 1;

        if (part.len == 0 && n % (cuts.len + 1) == 0) {
            part.len = 1;               /* it has to end */
        }

        part.len = ngx_min(part.len, in->len - i);
        i += part.len;
        part = fuzz_copy(pool, part.data, part.len);
        fuzz_read(pool, &sse, &part, &said);
    }

    fuzz_check(ngx_edge_buf_done(&said, &pieces) == NGX_OK);
    fuzz_check(fuzz_same(&whole, &pieces));
}


/* Each event as its name and data with a length, "!" for one too long. */

static void
fuzz_read(ngx_pool_t *pool, ngx_edge_sse_t *sse, const ngx_str_t *part,
    ngx_edge_buf_t *said)
{
    u_char     *pos, *last;
    ngx_int_t   rc;

    pos = part->data;
    last = pos + part->len;

    for ( ;; ) {
        rc = ngx_edge_sse_read(sse, &pos, last);

        if (rc == NGX_DECLINED) {
            ngx_edge_buf_byte(said, '!');
            continue;
        }

        if (rc != NGX_OK) {
            break;
        }

        fuzz_check(sse->data.len <= sse->max);

        ngx_edge_buf_int(said, sse->event.len);
        ngx_edge_buf_byte(said, ':');
        ngx_edge_buf_str(said, &sse->event);
        ngx_edge_buf_int(said, sse->data.len);
        ngx_edge_buf_byte(said, ':');
        ngx_edge_buf_str(said, &sse->data);

        fuzz_written(pool, sse);
    }

    fuzz_check(rc == NGX_AGAIN);
    fuzz_check(pos == last);
}


static void
fuzz_written(ngx_pool_t *pool, const ngx_edge_sse_t *sse)
{
    u_char          *pos;
    ngx_str_t        name, text;
    ngx_edge_buf_t   b;
    ngx_edge_sse_t   again;

    if ((sse->data.len && memchr(sse->data.data, '\n', sse->data.len))
        || (sse->event.len && memchr(sse->event.data, '\0', sse->event.len)))
    {
        return;
    }

    name = fuzz_copy(pool, (u_char *) "", 1);

    if (sse->event.len) {
        name.data = ngx_pcalloc(pool, sse->event.len + 1);
        memcpy(name.data, sse->event.data, sse->event.len);
    }

    ngx_edge_buf_init(&b, pool, 64, 8192);
    ngx_edge_sse_write(&b, sse->event.len ? (char *) name.data : NULL,
                       &sse->data);
    fuzz_check(ngx_edge_buf_done(&b, &text) == NGX_OK);

    ngx_edge_sse_init(&again, pool, 8192);
    pos = text.data;

    fuzz_check(ngx_edge_sse_read(&again, &pos, text.data + text.len)
               == NGX_OK);
    fuzz_check(pos == text.data + text.len);
    fuzz_check(fuzz_same(&again.event, &sse->event));
    fuzz_check(fuzz_same(&again.data, &sse->data));
}
