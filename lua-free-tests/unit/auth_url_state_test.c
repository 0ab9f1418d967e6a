
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the shared state of keys by URL: who may fetch and when, over
 * several workers, and which text is in force.
 */

/* sources: auth/ngx_http_edge_auth_url_state.c */

#include "unit.h"
#include "auth/ngx_edge_keyset.h"
#include "auth/ngx_http_edge_auth_url_state.h"


#define LEASE     6000
#define REFRESH   60000
#define COOLDOWN  30000


static ngx_http_edge_auth_url_state_t  s;


static void
start(void)
{
    ngx_shm_zone_t  zone;

    ngx_memzero(&zone, sizeof(ngx_shm_zone_t));
    zone.shm.addr = (u_char *) ngx_stub_shpool();

    ngx_stub_set_time(1000, 0);
    ngx_pid = 1;

    CHECK_INT(ngx_http_edge_auth_url_state_init(&s, &zone, NULL), NGX_OK);
}


static void
end(void)
{
    CHECK_INT(ngx_stub_lock_depth, 0);

    ngx_slab_free(s.pool, s.shared->text[0]);
    ngx_slab_free(s.pool, s.shared->text[1]);
    ngx_slab_free(s.pool, s.shared);

    CHECK_INT(ngx_stub_slab_blocks, 0);
    ngx_stub_shpool_free(s.pool);
}


/* Worker pid looks whether a fetch is due: 0 if it got the lease, or how long
 * it has to wait. */

static ngx_msec_t
due(ngx_pid_t pid)
{
    ngx_int_t   rc;
    ngx_msec_t  wait;

    ngx_pid = pid;
    rc = ngx_http_edge_auth_url_state_claim_due(&s, LEASE, &wait);

    CHECK((rc == NGX_OK) == (wait == 0));

    return wait;
}


static ngx_int_t
kid(ngx_pid_t pid)
{
    ngx_pid = pid;
    return ngx_http_edge_auth_url_state_claim_kid(&s, LEASE, COOLDOWN);
}


static ngx_int_t
good(ngx_pid_t pid, const char *text, ngx_uint_t failures)
{
    ngx_int_t   rc;
    ngx_str_t   str;
    ngx_uint_t  n;

    ngx_pid = pid;
    str = unit_str(text);
    n = 0;

    rc = ngx_http_edge_auth_url_state_succeed(&s, &str, REFRESH, &n);

    CHECK_INT(n, failures);

    return rc;
}


static ngx_int_t
bad(ngx_pid_t pid, ngx_uint_t failures)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    ngx_pid = pid;
    n = 0;

    rc = ngx_http_edge_auth_url_state_fail(&s, REFRESH, &n);

    CHECK_INT(n, failures);

    return rc;
}


static void
text_is(const char *text, ngx_uint_t version)
{
    ngx_str_t      str;
    static u_char  buf[NGX_EDGE_KEYSET_TEXT_MAX];

    str.data = buf;

    CHECK_INT(ngx_http_edge_auth_url_state_text(&s, &str), version);
    CHECK_STR(str, text);
}


static void
test_one_worker_fetches(void)
{
    start();

    CHECK_INT(due(1), 0);
    CHECK_INT(due(2), LEASE);
    CHECK_INT(kid(2), NGX_AGAIN);
    CHECK_INT(ngx_http_edge_auth_url_state_running(&s), 1);

    CHECK_INT(good(1, "a", 0), NGX_OK);
    text_is("a", 1);

    CHECK_INT(ngx_http_edge_auth_url_state_running(&s), 0);
    CHECK_INT(due(1), REFRESH);
    CHECK_INT(due(2), REFRESH);
    CHECK_INT(s.shared->attempts, 1);

    ngx_stub_advance(REFRESH);
    CHECK_INT(due(2), 0);
    CHECK_INT(due(1), LEASE);

    end();
}


static void
test_text(void)
{
    ngx_str_t  str;

    start();

    str = unit_str("");
    CHECK_INT(ngx_http_edge_auth_url_state_equal(&s, &str), 0);

    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "first", 0), NGX_OK);
    ngx_stub_advance(REFRESH);
    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "first", 0), NGX_OK);
    text_is("first", 1);

    ngx_stub_advance(REFRESH);
    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "firsT", 0), NGX_OK);
    text_is("firsT", 2);

    ngx_stub_advance(REFRESH);
    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "x", 0), NGX_OK);
    text_is("x", 3);

    str = unit_str("x");
    CHECK_INT(ngx_http_edge_auth_url_state_equal(&s, &str), 1);
    str = unit_str("xx");
    CHECK_INT(ngx_http_edge_auth_url_state_equal(&s, &str), 0);

    CHECK_INT(s.shared->attempts, 4);

    end();
}


static void
test_cooldown(void)
{
    start();

    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "a", 0), NGX_OK);

    /* the first unknown kid after a regular fetch may fetch */

    CHECK_INT(kid(2), NGX_OK);
    CHECK_INT(kid(1), NGX_AGAIN);
    CHECK_INT(good(2, "b", 0), NGX_OK);

    CHECK_INT(kid(1), NGX_DECLINED);
    ngx_stub_advance(COOLDOWN - 1);
    CHECK_INT(kid(2), NGX_DECLINED);
    ngx_stub_advance(1);
    CHECK_INT(kid(1), NGX_OK);

    /* a failure does not shorten it */

    CHECK_INT(bad(1, 0), NGX_OK);
    CHECK_INT(kid(2), NGX_DECLINED);

    end();
}


static void
test_backoff(void)
{
    ngx_uint_t  i;
    ngx_msec_t  wait, step;

    start();

    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "a", 0), NGX_OK);
    ngx_stub_advance(REFRESH);

    step = 1000;

    for (i = 0; i < 100; i++) {
        CHECK_INT(due(1), 0);
        CHECK_INT(bad(1, i), NGX_OK);

        wait = due(1);
        CHECK(wait <= step && wait >= step - step / 10);

        ngx_stub_advance(wait);
        step = ngx_min(step * 2, REFRESH);
    }

    text_is("a", 1);

    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "a", 100), NGX_OK);
    text_is("a", 1);
    CHECK_INT(due(1), REFRESH);

    end();
}


static void
test_dead_worker(void)
{
    start();

    CHECK_INT(due(1), 0);
    ngx_stub_advance(LEASE - 1);
    CHECK_INT(due(2), 1);
    CHECK_INT(kid(2), NGX_AGAIN);
    ngx_stub_advance(1);
    CHECK_INT(ngx_http_edge_auth_url_state_running(&s), 0);
    CHECK_INT(due(2), 0);

    /* not dead but late: another has the lease */

    CHECK_INT(good(1, "late", 0), NGX_DECLINED);
    CHECK_INT(bad(1, 0), NGX_DECLINED);
    CHECK_INT(s.shared->attempts, 0);
    CHECK_INT(due(3), LEASE);

    CHECK_INT(good(2, "a", 0), NGX_OK);
    text_is("a", 1);

    end();
}


static void
test_release(void)
{
    start();

    CHECK_INT(kid(1), NGX_OK);

    ngx_pid = 2;
    ngx_http_edge_auth_url_state_release(&s);
    CHECK_INT(kid(2), NGX_AGAIN);

    ngx_pid = 1;
    ngx_http_edge_auth_url_state_release(&s);
    CHECK_INT(s.shared->attempts, 1);
    CHECK_INT(s.shared->failures, 0);

    /* nothing came of it, so it does not count */

    CHECK_INT(kid(2), NGX_OK);

    end();
}


static void
test_adopted(void)
{
    ngx_shm_zone_t                  zone;
    ngx_http_edge_auth_url_state_t  adopted;

    start();

    CHECK_INT(due(1), 0);
    CHECK_INT(good(1, "a", 0), NGX_OK);

    ngx_memzero(&zone, sizeof(ngx_shm_zone_t));
    zone.shm.addr = (u_char *) s.pool;

    CHECK_INT(ngx_http_edge_auth_url_state_init(&adopted, &zone, &s), NGX_OK);
    CHECK(adopted.shared == s.shared);

    end();
}


/* The interval is most, or up to a tenth less, evenly. */

static void
interval(ngx_msec_t refresh, time_t max_age, ngx_msec_t most)
{
    ngx_uint_t  i, less;
    ngx_msec_t  msec;

    less = 0;

    for (i = 0; i < 1000; i++) {
        msec = ngx_http_edge_auth_url_state_interval(refresh, max_age);
        CHECK(msec <= most && msec >= most - most / 10);
        less += (msec < most - most / 20);
    }

    CHECK(less > 300 && less < 700);
}


static void
test_interval(void)
{
    interval(900000, -1, 900000);
    interval(900000, 86400, 900000);
    interval(900000, 1125, 900000);
    interval(900000, 1124, 899200);
    interval(900000, 600, 480000);
    interval(900000, 300, 240000);
    interval(900000, 299, 240000);
    interval(900000, 0, 240000);
    interval(1000, 0, 1000);
    interval(86400000, 86400, 69120000);
    interval(86400000, 2147483648LL, 69120000);
}


int
main(void)
{
    RUN(test_one_worker_fetches);
    RUN(test_text);
    RUN(test_cooldown);
    RUN(test_backoff);
    RUN(test_dead_worker);
    RUN(test_release);
    RUN(test_adopted);
    RUN(test_interval);

    return unit_summary();
}
