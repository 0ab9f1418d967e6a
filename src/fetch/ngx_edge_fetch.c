
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Background calls: what is asked of libcurl for one, what is kept of the
 * response, and how it ends.  Sockets and timers are ngx_edge_fetch_event.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <curl/curl.h>
#include "fetch/ngx_edge_fetch.h"
#include "fetch/ngx_edge_fetch_event.h"
#include "fetch/ngx_edge_max_age.h"
#include "lib/ngx_edge_buf.h"


#define NGX_EDGE_FETCH_BODY   4096     /* first allocation */
#define NGX_EDGE_FETCH_ERROR  (CURL_ERROR_SIZE + 64)


/* A running call; goes with its pool. */
typedef struct {
    ngx_queue_t         queue;
    ngx_edge_fetch_t   *fetch;
    ngx_pool_t         *pool;
    CURL               *easy;
    ngx_edge_buf_t      body;
    char                error[CURL_ERROR_SIZE];
} ngx_edge_fetch_transfer_t;


/* Of this process. */
typedef struct {
    ngx_queue_t         running;
    ngx_uint_t          ready;         /* the queue is one */
} ngx_edge_fetch_running_t;


static ngx_edge_fetch_transfer_t *ngx_edge_fetch_create(
    ngx_edge_fetch_t *fetch);
static CURLcode ngx_edge_fetch_set_peer(ngx_edge_fetch_transfer_t *t);
static CURLcode ngx_edge_fetch_set_rest(ngx_edge_fetch_transfer_t *t);
static void ngx_edge_fetch_free(ngx_edge_fetch_transfer_t *t);
static size_t ngx_edge_fetch_write(char *data, size_t size, size_t n,
    void *userdata);
static void ngx_edge_fetch_ended(CURL *easy, CURLcode code);
static void ngx_edge_fetch_max_age(ngx_edge_fetch_transfer_t *t);
static void ngx_edge_fetch_error(ngx_edge_fetch_transfer_t *t,
    CURLcode code, u_char *text);


static ngx_edge_fetch_running_t  ngx_edge_fetch_running;


ngx_int_t
ngx_edge_fetch_start(ngx_edge_fetch_t *fetch)
{
    ngx_edge_fetch_running_t   *fr;
    ngx_edge_fetch_transfer_t  *t;

    fetch->status = 0;
    fetch->max_age = -1;
    ngx_str_null(&fetch->body);
    ngx_str_null(&fetch->error);

    if (ngx_edge_fetch_event_init(ngx_edge_fetch_ended) != NGX_OK) {
        return NGX_ERROR;
    }

    t = ngx_edge_fetch_create(fetch);
    if (t == NULL) {
        return NGX_ERROR;
    }

    if (ngx_edge_fetch_event_add(t->easy) != NGX_OK) {
        ngx_edge_fetch_free(t);
        return NGX_ERROR;
    }

    fr = &ngx_edge_fetch_running;

    if (!fr->ready) {
        ngx_queue_init(&fr->running);
        fr->ready = 1;
    }

    ngx_queue_insert_tail(&fr->running, &t->queue);
    fetch->transfer = t;

    return NGX_OK;
}


void
ngx_edge_fetch_cancel(ngx_edge_fetch_t *fetch)
{
    ngx_edge_fetch_transfer_t  *t;

    t = fetch->transfer;

    if (t == NULL) {
        return;
    }

    fetch->transfer = NULL;
    ngx_queue_remove(&t->queue);

    ngx_edge_fetch_event_remove(t->easy);
    ngx_edge_fetch_free(t);
}


void
ngx_edge_fetch_end(void)
{
    ngx_queue_t                *q;
    ngx_edge_fetch_running_t   *fr;
    ngx_edge_fetch_transfer_t  *t;

    fr = &ngx_edge_fetch_running;

    while (fr->ready && !ngx_queue_empty(&fr->running)) {
        q = ngx_queue_head(&fr->running);
        t = ngx_queue_data(q, ngx_edge_fetch_transfer_t, queue);

        ngx_edge_fetch_cancel(t->fetch);
    }

    ngx_edge_fetch_event_end();
}


static ngx_edge_fetch_transfer_t *
ngx_edge_fetch_create(ngx_edge_fetch_t *fetch)
{
    CURLcode                    code;
    ngx_pool_t                 *pool;
    ngx_edge_fetch_transfer_t  *t;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    t = ngx_pcalloc(pool, sizeof(ngx_edge_fetch_transfer_t));
    if (t == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    t->fetch = fetch;
    t->pool = pool;
    t->easy = curl_easy_init();

    if (t->easy == NULL) {
        code = CURLE_OUT_OF_MEMORY;

    } else {
        code = ngx_edge_fetch_set_peer(t);

        if (code == CURLE_OK) {
            code = ngx_edge_fetch_set_rest(t);
        }
    }

    if (code != CURLE_OK) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "edge fetch: no call of \"%V\" can be made: %s",
                      &fetch->url, curl_easy_strerror(code));
        ngx_edge_fetch_free(t);
        return NULL;
    }

    ngx_edge_buf_init(&t->body, pool, NGX_EDGE_FETCH_BODY, fetch->limit);

    return t;
}


/* Whom to call, and whom to believe. */

static CURLcode
ngx_edge_fetch_set_peer(ngx_edge_fetch_transfer_t *t)
{
    CURL              *easy;
    CURLcode           code;
    ngx_edge_fetch_t  *fetch;

    easy = t->easy;
    fetch = t->fetch;

    if ((code = curl_easy_setopt(easy, CURLOPT_URL, fetch->url.data))
        || (code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https"))
        || (code = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L))
        || (code = curl_easy_setopt(easy, CURLOPT_PROXY, ""))
        || (code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L))
        || (code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L))
        || (code = curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                                    (long) CURL_SSLVERSION_TLSv1_2)))
    {
        return code;
    }

    if (fetch->ca.len == 0) {
        return CURLE_OK;
    }

    /* the file replaces the system's certificates, also those in a folder */

    code = curl_easy_setopt(easy, CURLOPT_CAINFO, fetch->ca.data);

    if (code == CURLE_OK) {
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }

    return code;
}


static CURLcode
ngx_edge_fetch_set_rest(ngx_edge_fetch_transfer_t *t)
{
    CURL              *easy;
    CURLcode           code;
    ngx_edge_fetch_t  *fetch;

    easy = t->easy;
    fetch = t->fetch;

    /*
     * No signals: lookups run in threads.  A quick exit: or the exit of a
     * worker would wait for them.  No connection is kept: the next call is
     * minutes away.
     */

    if ((code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L))
        || (code = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L))
        || (code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
                                    ngx_edge_fetch_event_socket_open))
        || (code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                                    (long) CURL_HTTP_VERSION_1_1))
        || (code = curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L))
        || (code = curl_easy_setopt(easy, CURLOPT_USERAGENT,
                                    "nginx-ai-edge"))
        || (code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                                    (long) fetch->timeout))
        || (code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION,
                                    ngx_edge_fetch_write))
        || (code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, t))
        || (code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error)))
    {
        return code;
    }

    return curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}


/* Frees what is not in the loop any more. */

static void
ngx_edge_fetch_free(ngx_edge_fetch_transfer_t *t)
{
    if (t->easy) {
        curl_easy_cleanup(t->easy);
    }

    ngx_destroy_pool(t->pool);
}


/* A part of the body.  One over the limit ends the call. */

static size_t
ngx_edge_fetch_write(char *data, size_t size, size_t n, void *userdata)
{
    ngx_edge_fetch_transfer_t  *t;

    t = userdata;
    n *= size;

    ngx_edge_buf_add(&t->body, (u_char *) data, n);

    return t->body.rc == NGX_OK ? n : CURL_WRITEFUNC_ERROR;
}


static void
ngx_edge_fetch_ended(CURL *easy, CURLcode code)
{
    long                        status;
    char                       *private;
    u_char                      error[NGX_EDGE_FETCH_ERROR];
    ngx_edge_fetch_t           *fetch;
    ngx_edge_fetch_transfer_t  *t;

    private = NULL;
    (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);

    t = (ngx_edge_fetch_transfer_t *) private;
    fetch = t->fetch;

    status = 0;

    if (code == CURLE_OK) {
        (void) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    }

    if (status > 0 && ngx_edge_buf_done(&t->body, &fetch->body) == NGX_OK) {
        fetch->status = status;
        ngx_edge_fetch_max_age(t);

    } else {
        ngx_edge_fetch_error(t, code, error);
    }

    /* idle before it is told: done may start it again */

    fetch->transfer = NULL;
    ngx_queue_remove(&t->queue);

    fetch->done(fetch);

    ngx_edge_fetch_free(t);
}


static void
ngx_edge_fetch_max_age(ngx_edge_fetch_transfer_t *t)
{
    size_t               i;
    ngx_str_t            field;
    ngx_edge_fetch_t    *fetch;
    struct curl_header  *h;

    fetch = t->fetch;

    for (i = 0; curl_easy_header(t->easy, "Cache-Control", i, CURLH_HEADER, -1,
                                 &h) == CURLHE_OK; i++)
    {
        field.data = (u_char *) h->value;
        field.len = ngx_strlen(h->value);

        ngx_edge_max_age_control(&fetch->max_age, &field);
    }

    if (curl_easy_header(t->easy, "Age", 0, CURLH_HEADER, -1, &h)
        == CURLHE_OK)
    {
        field.data = (u_char *) h->value;
        field.len = ngx_strlen(h->value);

        ngx_edge_max_age_aged(&fetch->max_age, &field);
    }
}


/* Why there is no response: a sentence without what could break a line of the
 * log, because names in certificates get into it. */

static void
ngx_edge_fetch_error(ngx_edge_fetch_transfer_t *t, CURLcode code, u_char *text)
{
    u_char            *p, *last;
    ngx_edge_fetch_t  *fetch;

    fetch = t->fetch;

    if (t->body.rc == NGX_DECLINED) {
        last = ngx_snprintf(text, NGX_EDGE_FETCH_ERROR,
                            "the body is larger than %uz bytes",
                            fetch->limit);

    } else if (t->error[0]) {
        last = ngx_snprintf(text, NGX_EDGE_FETCH_ERROR, "%s", t->error);

    } else {
        last = ngx_snprintf(text, NGX_EDGE_FETCH_ERROR, "%s",
                            code ? curl_easy_strerror(code) : "no status");
    }

    for (p = text; p < last; p++) {
        if (*p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }

    fetch->error.data = text;
    fetch->error.len = last - text;
}
