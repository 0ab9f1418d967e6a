
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the stream of what was revoked into shared memory.  Each worker has a
 * timer; who comes first when a reading is due takes a lease and reads, page
 * by page, up to the stream's end.  Then, and only then, the list counts as
 * fresh.
 *
 * Each reading begins a minute before the last entry known: the ids are the
 * server's clock, and after a fail-over another server's clock and another
 * server's last entries count.  Reading an entry twice changes nothing, not
 * even for as long as those behind it are not read again.  A new
 * configuration reads from the beginning, since its Redis may be another one;
 * what was known stays in force meanwhile.
 *
 * A worker that dies loses its lease when that is over.  A reading that fails
 * is tried again soon, since a connection may just be on its way; when none of
 * the workers has succeeded for a second it is logged, as is the recovery, and
 * tried once a second.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "auth/ngx_http_edge_auth_revoke.h"


#define NGX_HTTP_EDGE_AUTH_REVOKE_PAGE     500
#define NGX_HTTP_EDGE_AUTH_REVOKE_FIELDS   8       /* of an entry, at most */
#define NGX_HTTP_EDGE_AUTH_REVOKE_OVERLAP  60000   /* milliseconds */
#define NGX_HTTP_EDGE_AUTH_REVOKE_LEASE    10000   /* for a page */
#define NGX_HTTP_EDGE_AUTH_REVOKE_PATIENCE 1000    /* overdue so long */
#define NGX_HTTP_EDGE_AUTH_REVOKE_SOON     50      /* before that, and after */
#define NGX_HTTP_EDGE_AUTH_REVOKE_RETRY    1000


static void ngx_http_edge_auth_revoke_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_edge_auth_revoke_claim(
    ngx_http_edge_auth_revoke_t *list, ngx_msec_t *wait);
static void ngx_http_edge_auth_revoke_sleep(ngx_http_edge_auth_revoke_t *list,
    ngx_msec_t msec);
static void ngx_http_edge_auth_revoke_begin(
    ngx_http_edge_auth_revoke_t *list);
static void ngx_http_edge_auth_revoke_page(ngx_http_edge_auth_revoke_t *list);
static void ngx_http_edge_auth_revoke_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_auth_revoke_entry(
    ngx_http_edge_auth_revoke_t *list, const ngx_edge_redis_reply_t *reply);
static ngx_int_t ngx_http_edge_auth_revoke_id(const ngx_str_t *text,
    uint64_t *msec, uint64_t *seq);
static const char *ngx_http_edge_auth_revoke_read(
    const ngx_edge_redis_reply_t *reply, ngx_edge_revoked_entry_t *entry);
static void ngx_http_edge_auth_revoke_full(ngx_http_edge_auth_revoke_t *list);
static void ngx_http_edge_auth_revoke_succeed(
    ngx_http_edge_auth_revoke_t *list);
static void ngx_http_edge_auth_revoke_fail(ngx_http_edge_auth_revoke_t *list,
    const char *why, const ngx_str_t *detail);
static void ngx_http_edge_auth_revoke_cleanup(void *data);


ngx_int_t
ngx_http_edge_auth_revoke_sees(const ngx_http_edge_auth_revoke_t *list)
{
    ngx_msec_int_t                             age;
    const ngx_http_edge_auth_revoke_shared_t  *sh;

    sh = list->shared;

    if (!sh->read || sh->full) {
        return NGX_DECLINED;
    }

    age = (ngx_msec_int_t) (ngx_current_msec - sh->fresh);

    return age <= (ngx_msec_int_t) list->stale ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_edge_auth_revoke_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_list_part_t              *part;
    ngx_shm_zone_t               *zone;
    ngx_pool_cleanup_t           *cln;
    ngx_http_edge_auth_revoke_t  *list;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    for (part = &cycle->shared_memory.part; part; part = part->next) {
        zone = part->elts;

        for (i = 0; i < part->nelts; i++) {
            list = ngx_http_edge_auth_revoke_of_zone(&zone[i]);

            if (list == NULL) {
                continue;
            }

            cln = ngx_pool_cleanup_add(cycle->pool, 0);
            if (cln == NULL) {
                return NGX_ERROR;
            }

            cln->handler = ngx_http_edge_auth_revoke_cleanup;
            cln->data = list;

            list->cmd.done = ngx_http_edge_auth_revoke_done;
            list->cmd.data = list;

            list->timer.handler = ngx_http_edge_auth_revoke_timer;
            list->timer.log = cycle->log;
            list->timer.data = list;
            list->timer.cancelable = 1;

            ngx_add_timer(&list->timer, 1);
        }
    }

    return NGX_OK;
}


static void
ngx_http_edge_auth_revoke_timer(ngx_event_t *ev)
{
    ngx_msec_t                    wait;
    ngx_http_edge_auth_revoke_t  *list;

    list = ev->data;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    if (!ngx_edge_redis_ready(list->redis)) {

        /* another worker's connection may be there */

        ngx_http_edge_auth_revoke_fail(list, "Redis is not to be had", NULL);

    } else if (ngx_http_edge_auth_revoke_claim(list, &wait)) {
        ngx_http_edge_auth_revoke_begin(list);

    } else {
        ngx_http_edge_auth_revoke_sleep(list, wait);
    }
}


/* Takes the lease if a reading is due and nobody is at it. */

static ngx_uint_t
ngx_http_edge_auth_revoke_claim(ngx_http_edge_auth_revoke_t *list,
    ngx_msec_t *wait)
{
    ngx_msec_t                           end;
    ngx_msec_int_t                       left;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    sh = list->shared;

    ngx_shmtx_lock(&list->pool->mutex);

    end = sh->owner ? sh->lease : sh->due;
    left = (ngx_msec_int_t) (end - ngx_current_msec);

    if (left <= 0) {
        sh->owner = ngx_pid;
        sh->lease = ngx_current_msec + NGX_HTTP_EDGE_AUTH_REVOKE_LEASE;

        list->from_msec = sh->last_msec
                          - ngx_min(sh->last_msec,
                                    NGX_HTTP_EDGE_AUTH_REVOKE_OVERLAP);
        list->from_seq = 0;
    }

    ngx_shmtx_unlock(&list->pool->mutex);

    *wait = left > 0 ? ngx_min((ngx_msec_t) left, list->interval) : 0;

    return left <= 0;
}


static void
ngx_http_edge_auth_revoke_sleep(ngx_http_edge_auth_revoke_t *list,
    ngx_msec_t msec)
{
    ngx_add_timer(&list->timer, ngx_max(msec, 1));
}


static void
ngx_http_edge_auth_revoke_begin(ngx_http_edge_auth_revoke_t *list)
{
    list->started = 1;

    ngx_http_edge_auth_revoke_page(list);
}


/* XRANGE edge:revoked <from> + COUNT n */

static void
ngx_http_edge_auth_revoke_page(ngx_http_edge_auth_revoke_t *list)
{
    ngx_str_t  argv[6];
    u_char     from[2 * NGX_INT64_LEN + 1], count[NGX_INT_T_LEN];

    ngx_str_set(&argv[0], "XRANGE");
    ngx_str_set(&argv[1], NGX_HTTP_EDGE_AUTH_REVOKE_STREAM);

    argv[2].data = from;
    argv[2].len = ngx_sprintf(from, "%uL-%uL", list->from_msec,
                              list->from_seq)
                  - from;

    ngx_str_set(&argv[3], "+");
    ngx_str_set(&argv[4], "COUNT");

    argv[5].data = count;
    argv[5].len = ngx_sprintf(count, "%d", NGX_HTTP_EDGE_AUTH_REVOKE_PAGE)
                  - count;

    if (ngx_edge_redis_send(list->redis, &list->cmd, &argv[1], 6, argv)
        != NGX_OK)
    {
        ngx_http_edge_auth_revoke_fail(list, "Redis is not to be had", NULL);
    }
}


static void
ngx_http_edge_auth_revoke_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_str_t                     text;
    ngx_uint_t                    i, n;
    ngx_http_edge_auth_revoke_t  *list;

    list = cmd->data;

    switch (ngx_edge_redis_reply_type(reply)) {

    case ngx_edge_redis_array:
        break;

    case ngx_edge_redis_error:
        ngx_edge_redis_reply_str(reply, &text);
        ngx_http_edge_auth_revoke_fail(list, "Redis said", &text);
        return;

    case ngx_edge_redis_lost:
        ngx_http_edge_auth_revoke_fail(list, "Redis did not answer", NULL);
        return;

    default:
        ngx_http_edge_auth_revoke_fail(list, "\""
                                       NGX_HTTP_EDGE_AUTH_REVOKE_STREAM
                                       "\" is no stream", NULL);
        return;
    }

    n = ngx_edge_redis_reply_count(reply);

    for (i = 0; i < n; i++) {
        if (ngx_http_edge_auth_revoke_entry(list,
                                    ngx_edge_redis_reply_element(reply, i))
            != NGX_OK)
        {
            ngx_http_edge_auth_revoke_fail(list, "an id in \""
                                           NGX_HTTP_EDGE_AUTH_REVOKE_STREAM
                                           "\" is not understood", NULL);
            return;
        }
    }

    if (n < NGX_HTTP_EDGE_AUTH_REVOKE_PAGE) {
        ngx_http_edge_auth_revoke_succeed(list);
        return;
    }

    ngx_shmtx_lock(&list->pool->mutex);

    if (list->shared->owner == ngx_pid) {
        list->shared->lease = ngx_current_msec
                              + NGX_HTTP_EDGE_AUTH_REVOKE_LEASE;
    }

    ngx_shmtx_unlock(&list->pool->mutex);

    ngx_http_edge_auth_revoke_page(list);
}


/* An entry: its id, and names and values.  One that is not understood is told
 * of and left out, unless its place is not: then what is behind it is not to
 * be reached. */

static ngx_int_t
ngx_http_edge_auth_revoke_entry(ngx_http_edge_auth_revoke_t *list,
    const ngx_edge_redis_reply_t *reply)
{
    uint64_t                             msec, seq;
    ngx_int_t                            rc;
    ngx_str_t                            id;
    ngx_uint_t                           fresh;
    const char                          *fault;
    ngx_edge_revoked_entry_t             entry;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    if (ngx_edge_redis_reply_count(reply) != 2) {
        return NGX_ERROR;
    }

    ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(reply, 0), &id);

    if (ngx_http_edge_auth_revoke_id(&id, &msec, &seq) != NGX_OK) {
        return NGX_ERROR;
    }

    fault = ngx_http_edge_auth_revoke_read(
                             ngx_edge_redis_reply_element(reply, 1), &entry);

    entry.msec = msec;
    entry.seq = seq;

    rc = fault ? NGX_OK
               : ngx_edge_revoked_add(list->shared->revoked, list->pool,
                                      list->hash, &entry, ngx_time());

    if (rc != NGX_OK) {
        ngx_http_edge_auth_revoke_full(list);
    }

    list->from_msec = msec;
    list->from_seq = seq + 1;

    sh = list->shared;

    ngx_shmtx_lock(&list->pool->mutex);

    fresh = (msec > sh->last_msec
             || (msec == sh->last_msec && seq > sh->last_seq));

    if (fresh && sh->owner == ngx_pid) {
        sh->last_msec = msec;
        sh->last_seq = seq;
    }

    ngx_shmtx_unlock(&list->pool->mutex);

    /* told once, though it is read again and again */

    if (fault && fresh) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "edge auth: entry %V of \"%s\" in \"edge_redis %V\" "
                      "revokes nothing: %s", &id,
                      NGX_HTTP_EDGE_AUTH_REVOKE_STREAM, &list->redis_name,
                      fault);
    }

    return NGX_OK;
}


/* "<milliseconds>-<number>" */

static ngx_int_t
ngx_http_edge_auth_revoke_id(const ngx_str_t *text, uint64_t *msec,
    uint64_t *seq)
{
    off_t    m, s;
    u_char  *dash, *last;

    last = text->data + text->len;
    dash = ngx_strlchr(text->data, last, '-');

    if (dash == NULL) {
        return NGX_ERROR;
    }

    m = ngx_atoof(text->data, dash - text->data);
    s = ngx_atoof(dash + 1, last - dash - 1);

    if (m == NGX_ERROR || s == NGX_ERROR) {
        return NGX_ERROR;
    }

    *msec = m;
    *seq = s;

    return NGX_OK;
}


static const char *
ngx_http_edge_auth_revoke_read(const ngx_edge_redis_reply_t *reply,
    ngx_edge_revoked_entry_t *entry)
{
    ngx_str_t   fields[2 * NGX_HTTP_EDGE_AUTH_REVOKE_FIELDS];
    ngx_uint_t  i, n;

    n = ngx_edge_redis_reply_count(reply);

    if (n % 2 || n > 2 * NGX_HTTP_EDGE_AUTH_REVOKE_FIELDS) {
        return "it has too many fields";
    }

    for (i = 0; i < n; i++) {
        ngx_edge_redis_reply_str(ngx_edge_redis_reply_element(reply, i),
                                 &fields[i]);
    }

    return ngx_edge_revoked_parse(fields, n / 2, entry);
}


/* What finds no room would be forgotten: from now on the list is not whole. */

static void
ngx_http_edge_auth_revoke_full(ngx_http_edge_auth_revoke_t *list)
{
    if (list->shared->full) {
        return;
    }

    list->shared->full = 1;

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "edge auth: \"auth_jwt_revoke redis=%V\" has no room for "
                  "all that was revoked: its size must be larger",
                  &list->redis_name);
}


static void
ngx_http_edge_auth_revoke_succeed(ngx_http_edge_auth_revoke_t *list)
{
    ngx_uint_t                           told;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    sh = list->shared;
    told = 0;
    list->started = 0;

    ngx_shmtx_lock(&list->pool->mutex);

    if (sh->owner == ngx_pid) {
        told = sh->told;

        sh->owner = 0;
        sh->due = ngx_current_msec + list->interval;
        sh->wanted = sh->due;
        sh->fresh = ngx_current_msec;
        sh->read = 1;
        sh->told = 0;
    }

    ngx_shmtx_unlock(&list->pool->mutex);

    if (told) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "edge auth: what was revoked could be read again from "
                      "\"edge_redis %V\"", &list->redis_name);
    }

    ngx_http_edge_auth_revoke_sleep(list, list->interval);
}


static void
ngx_http_edge_auth_revoke_fail(ngx_http_edge_auth_revoke_t *list,
    const char *why, const ngx_str_t *detail)
{
    ngx_str_t                            none = ngx_null_string;
    ngx_msec_t                           wait;
    ngx_uint_t                           tell;
    ngx_msec_int_t                       overdue;
    ngx_http_edge_auth_revoke_shared_t  *sh;

    sh = list->shared;
    list->started = 0;

    ngx_shmtx_lock(&list->pool->mutex);

    overdue = (ngx_msec_int_t) (ngx_current_msec - sh->wanted);

    wait = overdue < NGX_HTTP_EDGE_AUTH_REVOKE_PATIENCE
           ? NGX_HTTP_EDGE_AUTH_REVOKE_SOON
           : NGX_HTTP_EDGE_AUTH_REVOKE_RETRY;

    if (sh->owner == ngx_pid) {
        sh->owner = 0;
        sh->due = ngx_current_msec + wait;
    }

    tell = (!sh->told && overdue >= NGX_HTTP_EDGE_AUTH_REVOKE_PATIENCE);
    sh->told |= tell;

    ngx_shmtx_unlock(&list->pool->mutex);

    if (tell) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "edge auth: what was revoked cannot be read from "
                      "\"edge_redis %V\": %s%s%V", &list->redis_name, why,
                      detail ? ": " : "", detail ? detail : &none);
    }

    ngx_http_edge_auth_revoke_sleep(list, wait);
}


/* The process ends. */

static void
ngx_http_edge_auth_revoke_cleanup(void *data)
{
    ngx_http_edge_auth_revoke_t *list = data;

    ngx_edge_redis_cancel(&list->cmd);

    if (list->timer.timer_set) {
        ngx_del_timer(&list->timer);
    }

    if (!list->started) {
        return;
    }

    ngx_shmtx_lock(&list->pool->mutex);

    if (list->shared->owner == ngx_pid) {
        list->shared->owner = 0;
    }

    ngx_shmtx_unlock(&list->pool->mutex);
}
