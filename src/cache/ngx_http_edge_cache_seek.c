
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The way through both levels, and the two locks: a flight in shared memory
 * among the workers, and by the one who has it, a key in Redis among the
 * instances.  Both die with their leader: they have a token and 5 seconds of
 * life, which the leader renews.
 *
 * Between the look at Redis and the lock another instance may have stored the
 * entry and given up the lock.  So whoever asks for the lock says what it has
 * seen, and gets it only if that is still what is there; else it looks again.
 * (A variant of a Vary lies under another key, of which this tells nothing.)
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "cache/ngx_http_edge_cache.h"
#include "lib/ngx_edge_hex.h"
#include "lib/ngx_edge_random.h"


/* What the script of the lock answers, or 0: it is another's. */
#define NGX_HTTP_EDGE_CACHE_LOCKED   1
#define NGX_HTTP_EDGE_CACHE_CHANGED  2

#define NGX_HTTP_EDGE_CACHE_POLL    20     /* ms between two looks */
#define NGX_HTTP_EDGE_CACHE_REMOTE  100    /* the same at Redis */
#define NGX_HTTP_EDGE_CACHE_GUARD   5000   /* ms: no answer is that late */
#define NGX_HTTP_EDGE_CACHE_NAME    (sizeof("edge:lock:{}") - 1               \
                                     + 2 * NGX_EDGE_CACHE_KEY)


static ngx_int_t ngx_http_edge_cache_seek_near(
    ngx_http_edge_cache_seek_t *seek, const u_char *key,
    ngx_edge_cache_entry_t *e);
static ngx_http_edge_cache_asked_t *ngx_http_edge_cache_seek_asked(
    ngx_http_edge_cache_seek_t *seek, const u_char *key);
static ngx_int_t ngx_http_edge_cache_seek_ask(
    ngx_http_edge_cache_seek_t *seek, const u_char *key);
static void ngx_http_edge_cache_seek_answered(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_cache_seek_lock(
    ngx_http_edge_cache_seek_t *seek);
static void ngx_http_edge_cache_seek_locked(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static void ngx_http_edge_cache_seek_follow(
    ngx_http_edge_cache_seek_t *seek);
static ngx_int_t ngx_http_edge_cache_seek_go(
    ngx_http_edge_cache_seek_t *seek);
static void ngx_http_edge_cache_seek_script(ngx_http_edge_cache_seek_t *seek,
    ngx_msec_t life);
static void ngx_http_edge_cache_seek_arm(ngx_http_edge_cache_seek_t *seek,
    ngx_event_handler_pt handler, ngx_msec_t msec);
static void ngx_http_edge_cache_seek_poll(ngx_event_t *ev);
static void ngx_http_edge_cache_seek_guard(ngx_event_t *ev);
static void ngx_http_edge_cache_seek_renew(ngx_event_t *ev);
static void ngx_http_edge_cache_seek_name(const char *prefix,
    const u_char *key, u_char *buf, ngx_str_t *name);


ngx_int_t
ngx_http_edge_cache_seek_get(ngx_http_edge_cache_seek_t *seek,
    const u_char *key, ngx_edge_cache_entry_t *e)
{
    ngx_int_t                     rc, far;
    ngx_http_edge_cache_asked_t  *ask;

    ask = ngx_http_edge_cache_seek_asked(seek, key);

    if (ask && ask->far && ngx_time() < ask->found.expires) {
        *e = ask->found;
        return NGX_OK;
    }

    rc = ngx_http_edge_cache_seek_near(seek, key, e);

    if (rc == NGX_OK && (e->kind != ngx_edge_cache_answer
                         || ngx_time() < e->expires))
    {
        return NGX_OK;
    }

    if (rc == NGX_ERROR || seek->zone->redis == NULL) {
        return rc;
    }

    /* an answer that is old here may have been made anew elsewhere */

    if (ask == NULL && seek->asked < NGX_HTTP_EDGE_CACHE_ASKS) {
        far = ngx_http_edge_cache_seek_ask(seek, key);

        return (far == NGX_DECLINED) ? rc : far;
    }

    if (rc == NGX_DECLINED && ask && ask->far) {
        *e = ask->found;
        return NGX_OK;
    }

    return rc;
}


static ngx_int_t
ngx_http_edge_cache_seek_near(ngx_http_edge_cache_seek_t *seek,
    const u_char *key, ngx_edge_cache_entry_t *e)
{
    ngx_int_t  rc;
    ngx_str_t  data;

    rc = ngx_edge_cache_l1_get(seek->zone->l1, key, seek->request->pool,
                               &data);

    return (rc == NGX_OK) ? ngx_edge_cache_entry_open(e, key, data.data,
                                                      data.len)
                          : rc;
}


static ngx_http_edge_cache_asked_t *
ngx_http_edge_cache_seek_asked(ngx_http_edge_cache_seek_t *seek,
    const u_char *key)
{
    ngx_uint_t  i;

    for (i = 0; i < seek->asked; i++) {

        if (ngx_memcmp(seek->ask[i].key, key, NGX_EDGE_CACHE_KEY) == 0) {
            return &seek->ask[i];
        }
    }

    return NULL;
}


/* NGX_DECLINED: Redis is not to be had, or what was purged there not known. */

static ngx_int_t
ngx_http_edge_cache_seek_ask(ngx_http_edge_cache_seek_t *seek,
    const u_char *key)
{
    u_char                         buf[NGX_HTTP_EDGE_CACHE_NAME];
    ngx_int_t                      rc;
    ngx_str_t                      argv[2];
    ngx_http_edge_cache_asked_t   *ask;
    ngx_http_edge_cache_errand_t  *errand;

    errand = ngx_http_edge_cache_seek_errand(seek);
    if (errand == NULL) {
        return NGX_ERROR;
    }

    if (seek->ask == NULL) {
        seek->ask = ngx_palloc(seek->request->pool,
                               NGX_HTTP_EDGE_CACHE_ASKS
                               * sizeof(ngx_http_edge_cache_asked_t));
        if (seek->ask == NULL) {
            return NGX_ERROR;
        }
    }

    ask = &seek->ask[seek->asked++];

    ngx_memcpy(ask->key, key, NGX_EDGE_CACHE_KEY);
    ask->size = 0;
    ask->heard = 0;
    ask->far = 0;

    ngx_http_edge_cache_seek_begin(seek);

    if (seek->since.position == 0) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "GET");
    ngx_http_edge_cache_seek_name("edge:c:{", key, buf, &argv[1]);

    errand->cmd.done = ngx_http_edge_cache_seek_answered;
    errand->cmd.data = seek;

    rc = ngx_edge_redis_send(seek->zone->redis, &errand->cmd, &argv[1], 2,
                             argv);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_guard,
                                 NGX_HTTP_EDGE_CACHE_GUARD);

    return NGX_AGAIN;
}


/* What is whole and was not purged fills the zone: what is in it is not fresh,
 * or Redis would not have been asked. */

static void
ngx_http_edge_cache_seek_answered(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    u_char                       *p;
    ngx_str_t                     value;
    ngx_edge_redis_type_e         type;
    ngx_http_edge_cache_seek_t   *seek;
    ngx_http_edge_cache_asked_t  *ask;

    seek = cmd->data;
    ask = &seek->ask[seek->asked - 1];
    type = ngx_edge_redis_reply_type(reply);

    ask->heard = (type == ngx_edge_redis_string || type == ngx_edge_redis_nil);

    if (type == ngx_edge_redis_string) {

        ngx_edge_redis_reply_str(reply, &value);

        ask->size = ngx_min(value.len, sizeof(ask->head));
        ngx_memcpy(ask->head, value.data, ask->size);

        p = (value.len && value.len <= NGX_EDGE_CACHE_MAX)
            ? ngx_pnalloc(seek->request->pool, value.len) : NULL;

        if (p) {
            ngx_memcpy(p, value.data, value.len);

            if (ngx_edge_cache_entry_read(&ask->found, ask->key, p, value.len)
                == NGX_OK
                && (ask->found.kind == ngx_edge_cache_answer
                    || ngx_time() < ask->found.expires)
                && !ngx_edge_cache_purges_past_shared(
                                     ngx_edge_cache_l1_purges(seek->zone->l1),
                                     &seek->label, ask->found.position))
            {
                ask->far = 1;

                (void) ngx_edge_cache_l1_put(seek->zone->l1, ask->key,
                                             &seek->label, seek->since.mark,
                                             p, value.len);
            }
        }
    }

    if (seek->errand->timer.timer_set) {
        ngx_del_timer(&seek->errand->timer);
    }

    seek->wake(seek->data);
}


ngx_http_edge_cache_errand_t *
ngx_http_edge_cache_seek_errand(ngx_http_edge_cache_seek_t *seek)
{
    if (seek->errand == NULL) {
        seek->errand = ngx_pcalloc(seek->request->pool,
                                   sizeof(ngx_http_edge_cache_errand_t));
    }

    return seek->errand;
}


ngx_int_t
ngx_http_edge_cache_seek_lead(ngx_http_edge_cache_seek_t *seek)
{
    ngx_msec_t                     now;
    ngx_edge_cache_flight_e        flight;
    ngx_http_edge_cache_errand_t  *errand;

    errand = ngx_http_edge_cache_seek_errand(seek);
    if (errand == NULL) {
        return NGX_OK;                 /* it goes as well without */
    }

    now = ngx_current_msec;

    if (errand->until == 0) {
        errand->until = now + seek->wait;
    }

    if (errand->flight == 0) {

        flight = ngx_edge_cache_flight_begin(seek->zone->l1, seek->key, now,
                                             NGX_HTTP_EDGE_CACHE_LIFE,
                                             &errand->flight);

        if (flight == ngx_edge_cache_flight_free) {
            return NGX_OK;
        }

        if (flight == ngx_edge_cache_flight_other) {

            if ((ngx_msec_int_t) (errand->until - now) <= 0) {
                return NGX_OK;
            }

            seek->waited = 1;
            ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_poll,
                                    ngx_min(NGX_HTTP_EDGE_CACHE_POLL,
                                            errand->until - now));
            return NGX_AGAIN;
        }
    }

    if (seek->zone->redis == NULL || seek->locked || seek->lockless
        || (ngx_msec_int_t) (errand->until - now) <= 0)
    {
        return ngx_http_edge_cache_seek_go(seek);
    }

    return ngx_http_edge_cache_seek_lock(seek);
}


static ngx_int_t
ngx_http_edge_cache_seek_lock(ngx_http_edge_cache_seek_t *seek)
{
    u_char                        lock[NGX_HTTP_EDGE_CACHE_NAME];
    u_char                        entry[NGX_HTTP_EDGE_CACHE_NAME];
    u_char                        life[NGX_INT_T_LEN];
    uint64_t                      n;
    ngx_str_t                     argv[5];
    ngx_http_edge_cache_asked_t  *ask;

    n = ngx_edge_random_word();

    (void) ngx_edge_hex(seek->errand->token, (u_char *) &n, sizeof(n));

    ngx_http_edge_cache_seek_name("edge:lock:{", seek->key, lock, &argv[0]);
    ngx_http_edge_cache_seek_name("edge:c:{", seek->key, entry, &argv[1]);
    argv[2].data = seek->errand->token;
    argv[2].len = NGX_HTTP_EDGE_CACHE_TOKEN;
    argv[3].data = life;
    argv[3].len = ngx_sprintf(life, "%d", NGX_HTTP_EDGE_CACHE_LIFE) - life;

    ask = ngx_http_edge_cache_seek_asked(seek, seek->key);

    if (ask && ask->heard) {
        argv[4].data = ask->head;
        argv[4].len = ask->size;

    } else {
        ngx_str_set(&argv[4], "-");    /* it was not looked at */
    }

    seek->errand->cmd.done = ngx_http_edge_cache_seek_locked;
    seek->errand->cmd.data = seek;
    seek->locking = 1;

    if (ngx_edge_redis_eval(seek->zone->redis, &seek->errand->cmd,
                            &seek->zone->lock, 2, 5, argv)
        != NGX_OK)
    {
        seek->locking = 0;
        return ngx_http_edge_cache_seek_go(seek);
    }

    ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_guard,
                                 NGX_HTTP_EDGE_CACHE_GUARD);

    return NGX_AGAIN;
}


static void
ngx_http_edge_cache_seek_locked(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_http_edge_cache_seek_t  *seek;

    seek = cmd->data;

    if (ngx_edge_redis_reply_type(reply) != ngx_edge_redis_integer) {
        seek->lockless = 1;

    } else {
        seek->locking = 0;

        switch (ngx_edge_redis_reply_integer(reply)) {

        case NGX_HTTP_EDGE_CACHE_LOCKED:
            seek->locked = 1;
            break;

        case NGX_HTTP_EDGE_CACHE_CHANGED:
            seek->asked = 0;
            break;

        default:
            ngx_http_edge_cache_seek_follow(seek);
            return;
        }
    }

    if (seek->errand->timer.timer_set) {
        ngx_del_timer(&seek->errand->timer);
    }

    seek->wake(seek->data);
}


/* Another instance goes; our own workers' flight must not die of it. */

static void
ngx_http_edge_cache_seek_follow(ngx_http_edge_cache_seek_t *seek)
{
    seek->waited = 1;

    if (seek->impatient) {
        ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_poll, 1);
        return;
    }

    seek->asked = 0;

    ngx_edge_cache_flight_renew(seek->zone->l1, seek->key,
                                seek->errand->flight, ngx_current_msec,
                                NGX_HTTP_EDGE_CACHE_LIFE);

    ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_poll,
                                 NGX_HTTP_EDGE_CACHE_REMOTE
                                 + ngx_random() % 20);
}


static ngx_int_t
ngx_http_edge_cache_seek_go(ngx_http_edge_cache_seek_t *seek)
{
    ngx_http_edge_cache_seek_arm(seek, ngx_http_edge_cache_seek_renew,
                                 NGX_HTTP_EDGE_CACHE_LIFE / 2);

    /* what the request waits for now has timers of its own */

    seek->errand->timer.cancelable = 1;

    return NGX_OK;
}


void
ngx_http_edge_cache_seek_begin(ngx_http_edge_cache_seek_t *seek)
{
    ngx_edge_cache_purges_now(ngx_edge_cache_l1_purges(seek->zone->l1),
                              seek->zone->sync.reader, &seek->since);
}


void
ngx_http_edge_cache_seek_put(ngx_http_edge_cache_seek_t *seek,
    const u_char *key, const ngx_str_t *data, time_t ttl)
{
    u_char     buf[NGX_HTTP_EDGE_CACHE_NAME];
    u_char     life[NGX_TIME_T_LEN];
    ngx_str_t  argv[5];

    /* no room in a full zone: the next one makes it again */

    (void) ngx_edge_cache_l1_put(seek->zone->l1, key, &seek->label,
                                 seek->since.mark, data->data, data->len);

    if (seek->zone->redis == NULL || ttl <= 0 || seek->since.position == 0) {
        return;
    }

    ngx_str_set(&argv[0], "SET");
    ngx_http_edge_cache_seek_name("edge:c:{", key, buf, &argv[1]);
    argv[2] = *data;
    ngx_str_set(&argv[3], "EX");
    argv[4].data = life;
    argv[4].len = ngx_sprintf(life, "%T", ttl) - life;

    (void) ngx_edge_redis_send(seek->zone->redis, NULL, &argv[1], 5, argv);
}


void
ngx_http_edge_cache_seek_remove(ngx_http_edge_cache_seek_t *seek)
{
    u_char     buf[NGX_HTTP_EDGE_CACHE_NAME];
    ngx_str_t  argv[2];

    ngx_edge_cache_l1_remove(seek->zone->l1, seek->key);

    if (seek->zone->redis == NULL) {
        return;
    }

    ngx_str_set(&argv[0], "DEL");
    ngx_http_edge_cache_seek_name("edge:c:{", seek->key, buf, &argv[1]);

    (void) ngx_edge_redis_send(seek->zone->redis, NULL, &argv[1], 2, argv);
}


void
ngx_http_edge_cache_seek_end(ngx_http_edge_cache_seek_t *seek,
    ngx_msec_t open)
{
    ngx_http_edge_cache_errand_t  *errand;

    errand = seek->errand;

    if (errand == NULL) {
        return;
    }

    ngx_edge_redis_cancel(&errand->cmd);

    if (errand->timer.timer_set) {
        ngx_del_timer(&errand->timer);
    }

    /* also what was asked for and not answered: it may be granted yet */

    if (seek->locked || seek->locking) {
        seek->locked = 0;
        seek->locking = 0;
        ngx_http_edge_cache_seek_script(seek, 0);
    }

    if (errand->flight) {
        ngx_edge_cache_flight_end(seek->zone->l1, seek->key, errand->flight,
                                  ngx_current_msec, open);
        errand->flight = 0;
    }
}


/* Renews the lock in Redis for life ms, or gives it up with 0; nothing if it
 * is another's by now. */

static void
ngx_http_edge_cache_seek_script(ngx_http_edge_cache_seek_t *seek,
    ngx_msec_t life)
{
    u_char     buf[NGX_HTTP_EDGE_CACHE_NAME];
    u_char     ms[NGX_TIME_T_LEN];
    ngx_str_t  argv[3];

    ngx_http_edge_cache_seek_name("edge:lock:{", seek->key, buf, &argv[0]);
    argv[1].data = seek->errand->token;
    argv[1].len = NGX_HTTP_EDGE_CACHE_TOKEN;
    argv[2].data = ms;
    argv[2].len = ngx_sprintf(ms, "%M", life) - ms;

    (void) ngx_edge_redis_eval(seek->zone->redis, NULL, &seek->zone->renew,
                               1, 3, argv);
}


static void
ngx_http_edge_cache_seek_arm(ngx_http_edge_cache_seek_t *seek,
    ngx_event_handler_pt handler, ngx_msec_t msec)
{
    ngx_event_t  *timer;

    timer = &seek->errand->timer;

    if (timer->timer_set) {
        ngx_del_timer(timer);
    }

    timer->handler = handler;
    timer->data = seek;
    timer->log = seek->request->connection->log;
    timer->cancelable = 0;

    ngx_add_timer(timer, msec);
}


static void
ngx_http_edge_cache_seek_poll(ngx_event_t *ev)
{
    ngx_http_edge_cache_seek_t *seek = ev->data;

    seek->wake(seek->data);
}


/* Redis owes an answer; it also keeps a worker that exits until then. */

static void
ngx_http_edge_cache_seek_guard(ngx_event_t *ev)
{
    ngx_http_edge_cache_seek_t *seek = ev->data;

    ngx_edge_redis_cancel(&seek->errand->cmd);
    seek->lockless = 1;

    seek->wake(seek->data);
}


static void
ngx_http_edge_cache_seek_renew(ngx_event_t *ev)
{
    ngx_http_edge_cache_seek_t *seek = ev->data;

    ngx_edge_cache_flight_renew(seek->zone->l1, seek->key,
                                seek->errand->flight, ngx_current_msec,
                                NGX_HTTP_EDGE_CACHE_LIFE);

    if (seek->locked) {
        ngx_http_edge_cache_seek_script(seek, NGX_HTTP_EDGE_CACHE_LIFE);
    }

    ngx_add_timer(ev, NGX_HTTP_EDGE_CACHE_LIFE / 2);
}


/* prefix + 64 digits + "}" */

static void
ngx_http_edge_cache_seek_name(const char *prefix, const u_char *key,
    u_char *buf, ngx_str_t *name)
{
    u_char  *p;

    name->data = buf;

    p = ngx_cpymem(buf, prefix, ngx_strlen(prefix));
    p = ngx_edge_hex(p, key, NGX_EDGE_CACHE_KEY);
    *p++ = '}';

    name->len = p - buf;
}
