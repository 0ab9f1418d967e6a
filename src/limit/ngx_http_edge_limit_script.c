
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The scripts, and how their arguments read.  Times in Redis are microseconds
 * since 1970 by the server's clock; a reply says how far each limit is ahead
 * of it, so that no clock of ours matters.
 *
 * A key of a rate is a string, tat; one of slots is a sorted set of who holds
 * one, by the time at which it lapses.  All keys of a call have the same hash
 * tag, so that they are on one server of a cluster.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_decimal.h"
#include "limit/ngx_edge_limit_decision.h"
#include "limit/ngx_http_edge_limit_script.h"


#define NGX_HTTP_EDGE_LIMIT_WORDS  4       /* arguments for each key */
#define NGX_HTTP_EDGE_LIMIT_ARGS                                              \
    (NGX_HTTP_EDGE_LIMIT_POLICIES * (NGX_HTTP_EDGE_LIMIT_WORDS + 1) + 2)


static void ngx_http_edge_limit_number(ngx_str_t *word, u_char **last,
    int64_t n);
static void ngx_http_edge_limit_arguments(ngx_str_t *word, u_char **last,
    const ngx_http_edge_limit_charge_t *charge,
    const ngx_edge_limit_cell_t *cell);


/* ARGV: least, most; then for each key window, limit, tau and an empty word,
 * or 0, how many slots, 0 and the holder's name.  Gives what was taken (0:
 * nothing) and the state that each key had before. */

static ngx_str_t  ngx_http_edge_limit_take_text = ngx_string(
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local least, take = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    "local full, state, w, l = false, {}, {}, {}\n"
    "for i, key in ipairs(KEYS) do\n"
    "  w[i], l[i] = tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])\n"
    "  if w[i] > 0 then\n"
    "    state[i] = math.max((redis.call('GET', key) or now) - now, 0)\n"
    "    local left = tonumber(ARGV[i * 4 + 1]) - state[i]\n"
    "    take = math.min(take, math.floor(left * l[i] / w[i]))\n"
    "  else\n"
    "    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)\n"
    "    state[i] = redis.call('ZCARD', key)\n"
    "    full = full or state[i] >= l[i]\n"
    "  end\n"
    "end\n"
    "if full or take < least then return {0, unpack(state)} end\n"
    "for i, key in ipairs(KEYS) do\n"
    "  if w[i] > 0 then\n"
    "    local ahead = state[i] + math.ceil(take * w[i] / l[i])\n"
    "    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX',\n"
    "               string.format('%.0f', math.ceil(ahead / 1000)))\n"
    "  else\n"
    "    redis.call('ZADD', key, string.format('%.0f', now + 60000000),\n"
    "               ARGV[i * 4 + 2])\n"
    "    redis.call('PEXPIRE', key, 60000)\n"
    "  end\n"
    "end\n"
    "return {take, unpack(state)}\n");


static ngx_str_t  ngx_http_edge_limit_renew_text = ngx_string(
    "local t = redis.call('TIME')\n"
    "local until_ = t[1] * 1000000 + t[2] + 60000000\n"
    "redis.call('ZADD', KEYS[1], string.format('%.0f', until_), ARGV[1])\n"
    "redis.call('PEXPIRE', KEYS[1], 60000)\n");


/* For each key window, limit, the units and what they are: 1, more were used,
 * or -1, fewer. */

static ngx_str_t  ngx_http_edge_limit_settle_text = ngx_string(
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local ahead = math.max((redis.call('GET', key) or now) - now, 0)\n"
    "  local time = math.ceil(ARGV[i * 4 - 1] * ARGV[i * 4 - 3]\n"
    "                         / ARGV[i * 4 - 2])\n"
    "  ahead = math.min(ahead + ARGV[i * 4] * time, 4503599627370496)\n"
    "  if ahead > 0 then\n"
    "    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX',\n"
    "               string.format('%.0f', math.ceil(ahead / 1000)))\n"
    "  else\n"
    "    redis.call('DEL', key)\n"
    "  end\n"
    "end\n");


/* Window, tau and how many; no more than half of what is left, so that the
 * last ones are there for whoever asks.  Gives the units, how far ahead the
 * key is with them, and the time. */

static ngx_str_t  ngx_http_edge_limit_lease_text = ngx_string(
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local ahead = math.max((redis.call('GET', KEYS[1]) or now) - now, 0)\n"
    "local half = math.floor((ARGV[2] - ahead) / ARGV[1] / 2)\n"
    "local take = math.max(math.min(tonumber(ARGV[3]), half), 0)\n"
    "if take > 0 then\n"
    "  ahead = ahead + take * ARGV[1]\n"
    "  redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX',\n"
    "             string.format('%.0f', math.ceil(ahead / 1000)))\n"
    "end\n"
    "return {take, ahead, now}\n");


/* The time that was charged, and when; what may have flowed back since is not
 * given back once more. */

static ngx_str_t  ngx_http_edge_limit_back_text = ngx_string(
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local back = ARGV[1] - math.max(now - ARGV[2], 0)\n"
    "local tat = redis.call('GET', KEYS[1])\n"
    "if not tat or back <= 0 then return end\n"
    "local ahead = tat - now - back\n"
    "if ahead > 0 then\n"
    "  redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX',\n"
    "             string.format('%.0f', math.ceil(ahead / 1000)))\n"
    "else\n"
    "  redis.call('DEL', KEYS[1])\n"
    "end\n");


/* Filled before the fork, and only read since. */

static ngx_edge_redis_script_t  ngx_http_edge_limit_take_script;
static ngx_edge_redis_script_t  ngx_http_edge_limit_renew_script;
static ngx_edge_redis_script_t  ngx_http_edge_limit_settle_script;
static ngx_edge_redis_script_t  ngx_http_edge_limit_lease_script;
static ngx_edge_redis_script_t  ngx_http_edge_limit_back_script;


void
ngx_http_edge_limit_script_init(void)
{
    ngx_edge_redis_script_init(&ngx_http_edge_limit_take_script,
                               &ngx_http_edge_limit_take_text);
    ngx_edge_redis_script_init(&ngx_http_edge_limit_renew_script,
                               &ngx_http_edge_limit_renew_text);
    ngx_edge_redis_script_init(&ngx_http_edge_limit_settle_script,
                               &ngx_http_edge_limit_settle_text);
    ngx_edge_redis_script_init(&ngx_http_edge_limit_lease_script,
                               &ngx_http_edge_limit_lease_text);
    ngx_edge_redis_script_init(&ngx_http_edge_limit_back_script,
                               &ngx_http_edge_limit_back_text);
}


ngx_int_t
ngx_http_edge_limit_script_take(ngx_http_edge_limit_take_t *take)
{
    u_char                        *last;
    u_char                         numbers[NGX_HTTP_EDGE_LIMIT_ARGS
                                           * NGX_INT64_LEN];
    ngx_str_t                     *word, argv[NGX_HTTP_EDGE_LIMIT_ARGS];
    ngx_uint_t                     i, n;
    ngx_http_edge_limit_charge_t  *charge;

    charge = take->charge;
    last = numbers;
    word = argv;

    for (i = 0; i < take->n; i++) {

        if (!take->cell[i].held) {
            *word++ = charge[i].key;
        }
    }

    n = word - argv;

    ngx_http_edge_limit_number(word++, &last, take->least);
    ngx_http_edge_limit_number(word++, &last, take->most);

    for (i = 0; i < take->n; i++) {

        if (take->cell[i].held) {
            continue;
        }

        ngx_http_edge_limit_arguments(word, &last, &charge[i],
                                      &take->cell[i]);
        word += NGX_HTTP_EDGE_LIMIT_WORDS;
    }

    return ngx_edge_redis_eval(charge->policy->zone->redis, &take->cmd,
                               &ngx_http_edge_limit_take_script, n,
                               word - argv, argv);
}


static void
ngx_http_edge_limit_arguments(ngx_str_t *word, u_char **last,
    const ngx_http_edge_limit_charge_t *charge,
    const ngx_edge_limit_cell_t *cell)
{
    if (cell->gcra) {
        ngx_http_edge_limit_number(&word[0], last, cell->gcra->window);
        ngx_http_edge_limit_number(&word[1], last, cell->gcra->limit);
        ngx_http_edge_limit_number(&word[2], last, cell->gcra->tau);
        ngx_str_null(&word[3]);

    } else {
        ngx_http_edge_limit_number(&word[0], last, 0);
        ngx_http_edge_limit_number(&word[1], last, cell->slots);
        ngx_http_edge_limit_number(&word[2], last, 0);
        word[3] = charge->holder;
    }
}


static void
ngx_http_edge_limit_number(ngx_str_t *word, u_char **last, int64_t n)
{
    word->data = *last;
    *last = ngx_edge_decimal(*last, n);
    word->len = *last - word->data;
}


ngx_int_t
ngx_http_edge_limit_script_read(ngx_http_edge_limit_take_t *take,
    const ngx_edge_redis_reply_t *reply)
{
    int64_t     taken;
    ngx_uint_t  i;

    taken = ngx_edge_limit_decision_read(take->cell, take->n, take->now,
                                         take->least, take->most, reply);
    if (taken == NGX_ERROR) {
        return NGX_ERROR;
    }

    for (i = 0; i < take->n; i++) {
        if (take->cell[i].gcra == NULL) {
            take->charge[i].held = (taken > 0);
        }
    }

    take->taken = taken;

    return taken ? NGX_OK : NGX_DECLINED;
}


void
ngx_http_edge_limit_script_release(const ngx_http_edge_limit_charge_t *charge)
{
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "ZREM");
    argv[1] = charge->key;
    argv[2] = charge->holder;

    (void) ngx_edge_redis_send(charge->policy->zone->redis, NULL,
                               &charge->key, 3, argv);
}


void
ngx_http_edge_limit_script_renew(const ngx_http_edge_limit_charge_t *charge)
{
    ngx_str_t  argv[2];

    argv[0] = charge->key;
    argv[1] = charge->holder;

    (void) ngx_edge_redis_eval(charge->policy->zone->redis, NULL,
                               &ngx_http_edge_limit_renew_script, 1, 2, argv);
}


void
ngx_http_edge_limit_script_settle(const ngx_http_edge_limit_take_t *take,
    int64_t units)
{
    u_char                       *last;
    u_char                        numbers[NGX_HTTP_EDGE_LIMIT_ARGS
                                          * NGX_INT64_LEN];
    ngx_str_t                    *word, argv[NGX_HTTP_EDGE_LIMIT_ARGS];
    ngx_uint_t                    i;
    const ngx_edge_limit_cell_t  *cell;

    last = numbers;
    word = argv;

    for (i = 0; i < take->n; i++) {
        *word++ = take->charge[i].key;
    }

    for (i = 0; i < take->n; i++) {
        cell = &take->cell[i];

        ngx_http_edge_limit_number(word++, &last, cell->gcra->window);
        ngx_http_edge_limit_number(word++, &last, cell->gcra->limit);
        ngx_http_edge_limit_number(word++, &last, units < 0 ? -units : units);
        ngx_http_edge_limit_number(word++, &last, units < 0 ? -1 : 1);
    }

    (void) ngx_edge_redis_eval(take->charge->policy->zone->redis, NULL,
                               &ngx_http_edge_limit_settle_script, take->n,
                               word - argv, argv);
}


ngx_int_t
ngx_http_edge_limit_script_lease(ngx_edge_redis_t *redis,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key,
    const ngx_edge_gcra_t *gcra, int64_t units)
{
    u_char     *last, numbers[3 * NGX_INT64_LEN];
    ngx_str_t   argv[4];

    last = numbers;
    argv[0] = *key;
    ngx_http_edge_limit_number(&argv[1], &last, gcra->window);
    ngx_http_edge_limit_number(&argv[2], &last, gcra->tau);
    ngx_http_edge_limit_number(&argv[3], &last, units);

    return ngx_edge_redis_eval(redis, cmd, &ngx_http_edge_limit_lease_script,
                               1, 4, argv);
}


void
ngx_http_edge_limit_script_back(ngx_edge_redis_t *redis, const ngx_str_t *key,
    const ngx_edge_gcra_t *gcra, int64_t units, int64_t born)
{
    u_char     *last, numbers[2 * NGX_INT64_LEN];
    ngx_str_t   argv[3];

    last = numbers;
    argv[0] = *key;
    ngx_http_edge_limit_number(&argv[1], &last,
                               ngx_edge_gcra_cost(gcra, units));
    ngx_http_edge_limit_number(&argv[2], &last, born);

    (void) ngx_edge_redis_eval(redis, NULL, &ngx_http_edge_limit_back_script,
                               1, 3, argv);
}
