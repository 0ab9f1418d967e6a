
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the slots of keys and for redirects.  The slots are what a real
 * server says to CLUSTER KEYSLOT.
 */

/* sources: redis/ngx_edge_redis_slot.c */

#include "unit.h"
#include "redis/ngx_edge_redis_slot.h"


static ngx_uint_t
slot(const char *key)
{
    ngx_str_t  s;

    s = unit_str(key);

    return ngx_edge_redis_slot(&s);
}


static void
test_slots(void)
{
    CHECK_INT(slot(""), 0);
    CHECK_INT(slot("123456789"), 0x31c3);
    CHECK_INT(slot("foo"), 12182);
    CHECK_INT(slot("bar"), 5061);
    CHECK_INT(slot("\xff\xfe\x80"), 11813);
}


static void
test_hash_tags(void)
{
    CHECK_INT(slot("a{foo}b"), slot("foo"));
    CHECK_INT(slot("{foo}{bar}"), slot("foo"));
    CHECK_INT(slot("{{foo}}"), slot("{foo"));
    CHECK_INT(slot("}{foo}"), slot("foo"));

    /* no tag */
    CHECK_INT(slot("{}foo"), 9500);
    CHECK_INT(slot("{}{foo}"), 2263);
    CHECK_INT(slot("{foo"), 13308);
    CHECK_INT(slot("foo}"), 15679);
}


/* "ask slot host port", or "none" */

static void
check_redirect(const char *text, const char *expected)
{
    char                        got[256];
    ngx_str_t                   s;
    ngx_edge_redis_redirect_t   to;

    s = unit_str(text);

    if (ngx_edge_redis_redirect(&s, &to) == NGX_OK) {
        snprintf(got, sizeof(got), "%d %d %.*s %d", (int) to.ask,
                 (int) to.slot, (int) to.host.len, (char *) to.host.data,
                 (int) to.port);

    } else {
        snprintf(got, sizeof(got), "none");
    }

    CHECK_MEM((u_char *) got, strlen(got), expected);
}


static void
test_redirects(void)
{
    check_redirect("MOVED 3999 127.0.0.1:6381", "0 3999 127.0.0.1 6381");
    check_redirect("ASK 0 redis.test:1", "1 0 redis.test 1");
    check_redirect("MOVED 16383 ::1:65535", "0 16383 ::1 65535");
    check_redirect("MOVED 5 :6381", "0 5  6381");
}


static void
test_no_redirects(void)
{
    check_redirect("", "none");
    check_redirect("MOVED", "none");
    check_redirect("MOVED ", "none");
    check_redirect("ASK ", "none");
    check_redirect("MOVE 1 a:1", "none");
    check_redirect("ASKING 1 a:1", "none");
    check_redirect("MOVED 3999", "none");
    check_redirect("MOVED 3999 ", "none");
    check_redirect("MOVED 3999 host", "none");
    check_redirect("MOVED 3999 host:", "none");
    check_redirect("MOVED 3999 host:0", "none");
    check_redirect("MOVED 3999 host:65536", "none");
    check_redirect("MOVED 3999 host:1x", "none");
    check_redirect("MOVED 3999 host:99999999999999999999", "none");
    check_redirect("MOVED 16384 host:1", "none");
    check_redirect("MOVED -1 host:1", "none");
    check_redirect("MOVED x host:1", "none");
    check_redirect("MOVED  host:1", "none");
    check_redirect("WRONGTYPE Operation against a key: 1", "none");
}


static void
test_hosts(void)
{
    char       text[300];
    ngx_str_t  s;

    s = unit_str("redis-0001.cluster_1.use1.cache.amazonaws.com");
    CHECK_INT(ngx_edge_redis_is_host(&s), 1);
    s = unit_str("FE80::1");
    CHECK_INT(ngx_edge_redis_is_host(&s), 1);

    s = unit_str("");
    CHECK_INT(ngx_edge_redis_is_host(&s), 0);
    s = unit_str("a b");
    CHECK_INT(ngx_edge_redis_is_host(&s), 0);
    s = unit_str("a\x1b[31m");
    CHECK_INT(ngx_edge_redis_is_host(&s), 0);
    s = unit_str("a/b");
    CHECK_INT(ngx_edge_redis_is_host(&s), 0);

    memset(text, 'a', sizeof(text));
    s.data = (u_char *) text;
    s.len = NGX_EDGE_REDIS_HOST_MAX;
    CHECK_INT(ngx_edge_redis_is_host(&s), 1);
    s.len++;
    CHECK_INT(ngx_edge_redis_is_host(&s), 0);
}


int
main(void)
{
    RUN(test_slots);
    RUN(test_hash_tags);
    RUN(test_redirects);
    RUN(test_no_redirects);
    RUN(test_hosts);

    return unit_summary();
}
