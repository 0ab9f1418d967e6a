
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests of the encoding of entries: what was written is read, and one byte
 * more, less or other is not.
 */


/* sources: cache/ngx_edge_cache_entry.c lib/ngx_edge_fold.c */

#include "unit.h"
#include "cache/ngx_edge_cache_entry.h"


static u_char  key[NGX_EDGE_CACHE_KEY] = "a key";
static u_char  other[NGX_EDGE_CACHE_KEY] = "another key";


static u_char *
write_entry(const ngx_edge_cache_entry_t *e, size_t *size)
{
    u_char  *data;

    *size = ngx_edge_cache_entry_size(e);
    data = malloc(*size);
    ngx_edge_cache_entry_write(e, key, data);

    return data;
}


static ngx_edge_cache_entry_t
entry_of(const char *body)
{
    ngx_edge_cache_entry_t  e;

    memset(&e, 0, sizeof(e));
    e.kind = ngx_edge_cache_response;
    e.status = 404;
    e.stored = 1700000000;
    e.expires = 1700000060;
    e.age = 7;
    e.modified = -1;
    e.position = 1700000000123456;
    e.nparts = ngx_edge_cache_part_n;
    e.part[ngx_edge_cache_part_type] = unit_str("text/plain");
    e.part[ngx_edge_cache_part_fields] = unit_str("");
    e.part[ngx_edge_cache_part_body] = unit_str(body);

    return e;
}


static void
test_round_trip(void)
{
    size_t                   size;
    u_char                  *data;
    ngx_edge_cache_entry_t   e, got;

    e = entry_of("the body");
    data = write_entry(&e, &size);

    memset(&got, 0, sizeof(got));

    CHECK_INT(ngx_edge_cache_entry_read(&got, key, data, size), NGX_OK);
    CHECK_INT(got.kind, ngx_edge_cache_response);
    CHECK_INT(got.status, 404);
    CHECK_INT(got.stored, 1700000000);
    CHECK_INT(got.expires, 1700000060);
    CHECK_INT(got.age, 7);
    CHECK_INT(got.modified, -1);
    CHECK_INT(got.position, 1700000000123456);
    CHECK_INT(got.nparts, ngx_edge_cache_part_n);
    CHECK_STR(got.part[ngx_edge_cache_part_type], "text/plain");
    CHECK_STR(got.part[ngx_edge_cache_part_body], "the body");

    CHECK_INT(ngx_edge_cache_entry_read(&got, other, data, size),
              NGX_DECLINED);
    free(data);
}


/* All lengths up to the whole, then each bit of each byte; for bodies around
 * the checksum's block of 32. */

static void
test_damage(void)
{
    char                     body[70];
    size_t                   size, n, len;
    u_char                  *data, *part;
    ngx_uint_t               bit;
    ngx_edge_cache_entry_t   e, got;

    for (len = 0; len < sizeof(body); len += 3) {
        memset(body, 'x', len);
        body[len] = '\0';
        e = entry_of(body);
        data = write_entry(&e, &size);

        for (n = 0; n < size; n++) {
            part = malloc(n ? n : 1);
            memcpy(part, data, n);
            CHECK_INT(ngx_edge_cache_entry_read(&got, key, part, n),
                      NGX_DECLINED);
            free(part);
        }

        for (n = 0; n < size; n++) {
            for (bit = 0; bit < 8; bit++) {
                data[n] ^= 1 << bit;
                CHECK_INT(ngx_edge_cache_entry_read(&got, key, data, size),
                          NGX_DECLINED);
                data[n] ^= 1 << bit;
            }
        }

        CHECK_INT(ngx_edge_cache_entry_read(&got, key, data, size), NGX_OK);
        free(data);
    }
}


static void
test_too_large(void)
{
    ngx_edge_cache_entry_t  e;

    e = entry_of("");
    e.part[ngx_edge_cache_part_body].len = NGX_EDGE_CACHE_MAX;
    CHECK_INT(ngx_edge_cache_entry_size(&e), 0);
    e.part[ngx_edge_cache_part_body].len = (size_t) -1;
    CHECK_INT(ngx_edge_cache_entry_size(&e), 0);
}


static void
test_fields(void)
{
    size_t      len, n;
    u_char     *data, *p;
    ngx_str_t   name[2], value[2], rest, gname, gvalue;

    name[0] = unit_str("X-A");
    value[0] = unit_str("1");
    name[1] = unit_str("X-Empty");
    value[1] = unit_str("");

    len = ngx_edge_cache_field_size(&name[0], &value[0])
          + ngx_edge_cache_field_size(&name[1], &value[1]);
    data = malloc(len);
    p = ngx_edge_cache_field_write(data, &name[0], &value[0]);
    p = ngx_edge_cache_field_write(p, &name[1], &value[1]);
    CHECK_INT(p - data, len);

    rest.data = data;
    rest.len = len;

    CHECK_INT(ngx_edge_cache_field_next(&rest, &gname, &gvalue), 1);
    CHECK_STR(gname, "X-A");
    CHECK_STR(gvalue, "1");
    CHECK_INT(ngx_edge_cache_field_next(&rest, &gname, &gvalue), 1);
    CHECK_STR(gname, "X-Empty");
    CHECK_STR(gvalue, "");
    CHECK_INT(ngx_edge_cache_field_next(&rest, &gname, &gvalue), 0);

    for (n = 0; n < 12; n++) {             /* the first one, cut */
        rest.data = data;
        rest.len = n;
        CHECK_INT(ngx_edge_cache_field_next(&rest, &gname, &gvalue), 0);
    }

    free(data);
}


int
main(void)
{
    RUN(test_round_trip);
    RUN(test_damage);
    RUN(test_too_large);
    RUN(test_fields);

    return unit_summary();
}
