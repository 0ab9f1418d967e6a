
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The event loop's half of the background calls: which sockets libcurl wants
 * watched and when it wants to be called.  All timers are cancelable and no
 * socket counts as a client's, so nothing here keeps a worker from exiting.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "fetch/ngx_edge_fetch_event.h"
#include "fetch/ngx_edge_fetch_tls.h"


/* Of this process, from the first call to the exit. */
typedef struct {
    CURLM                    *multi;       /* NULL: no call was made yet */
    ngx_event_t               timer;
    ngx_edge_fetch_ended_pt   ended;
} ngx_edge_fetch_event_t;


static int ngx_edge_fetch_event_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socket_data);
static int ngx_edge_fetch_event_timer(CURLM *multi, long timeout, void *data);
static void ngx_edge_fetch_event_renew(curl_socket_t s);
static void ngx_edge_fetch_event_again(ngx_connection_t *c);
static ngx_connection_t *ngx_edge_fetch_event_open(curl_socket_t s);
static void ngx_edge_fetch_event_close(ngx_connection_t *c);
static void ngx_edge_fetch_event_want(ngx_connection_t *c, ngx_event_t *ev,
    ngx_uint_t wanted);
static void ngx_edge_fetch_event_socket_handler(ngx_event_t *ev);
static void ngx_edge_fetch_event_timer_handler(ngx_event_t *ev);
static void ngx_edge_fetch_event_run(curl_socket_t s, int what);


static ngx_edge_fetch_event_t  ngx_edge_fetch_event;


ngx_int_t
ngx_edge_fetch_event_init(ngx_edge_fetch_ended_pt ended)
{
    CURLM                   *multi;
    ngx_edge_fetch_event_t  *fe;

    fe = &ngx_edge_fetch_event;

    if (fe->multi) {
        return NGX_OK;
    }

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "edge fetch: curl_global_init() failed");
        return NGX_ERROR;
    }

    multi = curl_multi_init();

    if (multi == NULL
        || curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
                             ngx_edge_fetch_event_socket)
        || curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
                             ngx_edge_fetch_event_timer))
    {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "edge fetch: curl_multi_init() failed");

        if (multi) {
            (void) curl_multi_cleanup(multi);
        }

        curl_global_cleanup();
        return NGX_ERROR;
    }

    ngx_memzero(&fe->timer, sizeof(ngx_event_t));

    fe->multi = multi;
    fe->ended = ended;
    fe->timer.handler = ngx_edge_fetch_event_timer_handler;
    fe->timer.log = ngx_cycle->log;
    fe->timer.data = fe;
    fe->timer.cancelable = 1;

    return NGX_OK;
}


ngx_int_t
ngx_edge_fetch_event_add(CURL *easy)
{
    CURLMcode  rc;

    rc = curl_multi_add_handle(ngx_edge_fetch_event.multi, easy);

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "edge fetch: curl_multi_add_handle() failed: %s",
                      curl_multi_strerror(rc));
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_edge_fetch_event_remove(CURL *easy)
{
    CURLMcode  rc;

    rc = curl_multi_remove_handle(ngx_edge_fetch_event.multi, easy);

    ngx_edge_fetch_tls_clear();

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "edge fetch: curl_multi_remove_handle() failed: %s",
                      curl_multi_strerror(rc));
    }
}


void
ngx_edge_fetch_event_end(void)
{
    ngx_edge_fetch_event_t  *fe;

    fe = &ngx_edge_fetch_event;

    if (fe->multi == NULL) {
        return;
    }

    /* closes what connections are left, through the callbacks below */

    (void) curl_multi_cleanup(fe->multi);
    fe->multi = NULL;

    ngx_edge_fetch_tls_clear();

    if (fe->timer.timer_set) {
        ngx_del_timer(&fe->timer);
    }

    curl_global_cleanup();
}


/* libcurl wants a socket watched, differently watched, or forgotten; it
 * closes the socket itself. */

static int
ngx_edge_fetch_event_socket(CURL *easy, curl_socket_t s, int what, void *data,
    void *socket_data)
{
    ngx_connection_t  *c;

    c = socket_data;

    if (what == CURL_POLL_REMOVE) {

        if (c) {
            ngx_edge_fetch_event_close(c);
        }

        return 0;
    }

    if (c == NULL) {
        c = ngx_edge_fetch_event_open(s);

        if (c == NULL) {

            /*
             * was logged; an error here would end all calls of the process,
             * so this one is left to its timeout
             */

            return 0;
        }
    }

    ngx_edge_fetch_event_want(c, c->read, what & CURL_POLL_IN);
    ngx_edge_fetch_event_want(c, c->write, what & CURL_POLL_OUT);

    return 0;
}


/*
 * libcurl opens a socket.  It may have closed one of the same number without a
 * word (7.88 does so when a host has several addresses and the first does not
 * answer); the kernel has then forgotten what was watched, libcurl has not.
 */

curl_socket_t
ngx_edge_fetch_event_socket_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *addr)
{
    curl_socket_t  s;

    s = socket(addr->family, addr->socktype, addr->protocol);

    if (s != CURL_SOCKET_BAD) {
        ngx_edge_fetch_event_renew(s);
    }

    return s;
}


static void
ngx_edge_fetch_event_renew(curl_socket_t s)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = ngx_cycle->connections;

    for (i = 0; i < ngx_cycle->connection_n; i++) {

        if (c[i].fd == s && c[i].read
            && c[i].read->handler == ngx_edge_fetch_event_socket_handler)
        {
            ngx_edge_fetch_event_again(&c[i]);
        }
    }
}


static void
ngx_edge_fetch_event_again(ngx_connection_t *c)
{
    ngx_uint_t  in, out;

    in = c->read->active;
    out = c->write->active;

    if (in) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, NGX_CLOSE_EVENT);
    }

    if (out) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
    }

    ngx_edge_fetch_event_want(c, c->read, in);
    ngx_edge_fetch_event_want(c, c->write, out);
}


static ngx_connection_t *
ngx_edge_fetch_event_open(curl_socket_t s)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(s, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    c->read->handler = ngx_edge_fetch_event_socket_handler;
    c->read->log = ngx_cycle->log;
    c->write->handler = ngx_edge_fetch_event_socket_handler;
    c->write->log = ngx_cycle->log;

    if (curl_multi_assign(ngx_edge_fetch_event.multi, s, c) != CURLM_OK) {
        ngx_edge_fetch_event_close(c);
        return NULL;
    }

    return c;
}


static void
ngx_edge_fetch_event_close(ngx_connection_t *c)
{
    ngx_edge_fetch_event_want(c, c->read, 0);
    ngx_edge_fetch_event_want(c, c->write, 0);

    /* with accept_mutex events are posted before they are handled */

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
}


/* Level-triggered: libcurl does not promise to read all there is. */

static void
ngx_edge_fetch_event_want(ngx_connection_t *c, ngx_event_t *ev,
    ngx_uint_t wanted)
{
    ngx_int_t   rc, event;
    ngx_uint_t  closed;

    event = ev->write ? NGX_WRITE_EVENT : NGX_READ_EVENT;

    if (wanted && !ev->active) {
        rc = ngx_add_event(ev, event, NGX_LEVEL_EVENT);

    } else if (!wanted && ev->active) {

        /* what is closed already is not watched any more, see above */

        closed = (fcntl(c->fd, F_GETFD) == -1);
        rc = ngx_del_event(ev, event, closed ? NGX_CLOSE_EVENT : 0);

    } else {
        return;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0,
                      "edge fetch: a socket cannot be watched");
    }
}


static int
ngx_edge_fetch_event_timer(CURLM *multi, long timeout, void *data)
{
    ngx_event_t  *timer;

    timer = &ngx_edge_fetch_event.timer;

    /* always taken out first: nginx leaves a timer that is nearly right */

    if (timer->timer_set) {
        ngx_del_timer(timer);
    }

    if (timeout >= 0) {

        /* libcurl must not be called from here, so "now" is a little later */

        ngx_add_timer(timer, ngx_max(timeout, 1));
    }

    return 0;
}


static void
ngx_edge_fetch_event_socket_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    /* the connection may be another's when this returns */

    ngx_edge_fetch_event_run(c->fd,
                             ev->write ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
}


static void
ngx_edge_fetch_event_timer_handler(ngx_event_t *ev)
{
    ngx_edge_fetch_event_run(CURL_SOCKET_TIMEOUT, 0);
}


static void
ngx_edge_fetch_event_run(curl_socket_t s, int what)
{
    int                      n;
    CURL                    *easy;
    CURLMsg                 *msg;
    CURLcode                 code;
    CURLMcode                rc;
    ngx_edge_fetch_event_t  *fe;

    fe = &ngx_edge_fetch_event;

    rc = curl_multi_socket_action(fe->multi, s, what, &n);

    ngx_edge_fetch_tls_clear();

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "edge fetch: curl_multi_socket_action() failed: %s",
                      curl_multi_strerror(rc));
    }

    for ( ;; ) {

        msg = curl_multi_info_read(fe->multi, &n);

        if (msg == NULL) {
            return;
        }

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        /* the message goes with the handle */

        easy = msg->easy_handle;
        code = msg->data.result;

        ngx_edge_fetch_event_remove(easy);

        fe->ended(easy, code);
    }
}
