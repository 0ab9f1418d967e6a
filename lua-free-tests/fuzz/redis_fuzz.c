
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a Redis server says: the same replies come out of it in one piece and
 * in two, cut at the place that the first line says; an error that is a
 * redirect names a slot, a port and a host that is a part of it; a command
 * made of the strings of a reply is that reply when it is read.
 */


/* sources: redis/ngx_edge_redis_reader.c redis/ngx_edge_redis_reply.c */
/* sources: redis/ngx_edge_redis_slot.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lhiredis */
/* max_len: 2048 */
/* dict: redis */

#include "fuzz.h"
#include "redis/ngx_edge_redis_reader.h"
#include "redis/ngx_edge_redis_slot.h"


/* A sum of all that can be seen of a reply. */

static ngx_uint_t
see(const ngx_edge_redis_reply_t *reply, ngx_uint_t sum)
{
    ngx_str_t                   s;
    ngx_uint_t                  i;
    ngx_edge_redis_redirect_t   to;

    sum = sum * 31 + ngx_edge_redis_reply_type(reply);
    sum = sum * 31 + ngx_edge_redis_reply_integer(reply);
    sum = sum * 31 + ngx_edge_redis_reply_count(reply);

    ngx_edge_redis_reply_str(reply, &s);

    for (i = 0; i < s.len; i++) {
        sum = sum * 31 + s.data[i];
    }

    if (s.len == 0) {
        ngx_str_set(&s, "a");
    }

    if (ngx_edge_redis_redirect(&s, &to) == NGX_OK) {
        fuzz_check(to.slot < NGX_EDGE_REDIS_SLOTS);
        fuzz_check(to.port != 0);
        fuzz_check(to.host.data >= s.data
                   && to.host.data + to.host.len <= s.data + s.len);
    }

    fuzz_check(ngx_edge_redis_slot(&s) < NGX_EDGE_REDIS_SLOTS);

    for (i = 0; i < ngx_edge_redis_reply_count(reply); i++) {
        sum = see(ngx_edge_redis_reply_element(reply, i), sum);
    }

    return sum;
}


/* A string that is sent as a word comes back as it was. */

static void
echo(ngx_pool_t *pool, const ngx_edge_redis_reply_t *reply)
{
    u_char                   *p, *last;
    ngx_str_t                 s, again;
    ngx_edge_redis_reply_t   *copy;
    ngx_edge_redis_reader_t  *reader;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_string) {
        return;
    }

    ngx_edge_redis_reply_str(reply, &s);

    p = ngx_pnalloc(pool, ngx_edge_redis_words_size(1, &s));
    last = ngx_edge_redis_words(p, 1, &s);

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);

    fuzz_check(ngx_edge_redis_reader_feed(reader, p, last - p) == NGX_OK);
    fuzz_check(ngx_edge_redis_reader_next(reader, &copy) == NGX_OK);

    ngx_edge_redis_reply_str(copy, &again);
    fuzz_check(fuzz_same(&s, &again));

    ngx_edge_redis_reader_free(reader);
}


static ngx_uint_t
read_all(ngx_pool_t *pool, const ngx_str_t *in, size_t cut)
{
    size_t                    n;
    ngx_int_t                 rc;
    ngx_str_t                 piece;
    ngx_uint_t                sum;
    ngx_edge_redis_reply_t   *reply;
    ngx_edge_redis_reader_t  *reader;

    reader = ngx_edge_redis_reader_create(&ngx_stub_log);
    sum = 0;
    rc = NGX_AGAIN;

    for (n = 0; n < in->len && rc != NGX_ERROR; n += piece.len) {
        piece = fuzz_copy(pool, in->data + n, n < cut ? cut : in->len - n);

        fuzz_check(ngx_edge_redis_reader_feed(reader, piece.data, piece.len)
                   == NGX_OK);

        while ((rc = ngx_edge_redis_reader_next(reader, &reply)) == NGX_OK) {
            sum = see(reply, sum);
            echo(pool, reply);
        }
    }

    ngx_edge_redis_reader_free(reader);

    return sum * 2 + (rc == NGX_ERROR);
}


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t   line;
    ngx_uint_t  cut;

    line = fuzz_take(pool, in, "\n");

    if (in->len == 0) {
        return;
    }

    cut = fuzz_number(&line, in->len);

    fuzz_check(read_all(pool, in, 0) == read_all(pool, in, cut));
}
