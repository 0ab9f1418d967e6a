
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of this folder share: a block, its connections, its pending
 * commands.  Blocks are made when the configuration is read; connections and
 * pending commands belong to the worker.
 */


#ifndef _NGX_EDGE_REDIS_CORE_H_INCLUDED_
#define _NGX_EDGE_REDIS_CORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis.h"
#include "redis/ngx_edge_redis_reader.h"


typedef struct ngx_edge_redis_conn_s     ngx_edge_redis_conn_t;
typedef struct ngx_edge_redis_pending_s  ngx_edge_redis_pending_t;


/* Where a server is: an address, or a name to be looked up. */
typedef struct {
    ngx_str_t               text;        /* as written, for the log */
    ngx_str_t               host;        /* a name; empty: addr holds */
    in_port_t               port;
    ngx_addr_t              addr;
} ngx_edge_redis_server_t;


struct ngx_edge_redis_s {
    ngx_str_t               name;
    ngx_array_t             servers;     /* of ngx_edge_redis_server_t */
    ngx_str_t               user;
    ngx_str_t               password;    /* never logged */
    ngx_uint_t              database;
    ngx_msec_t              timeout;
    ngx_msec_t              connect_timeout;

    /* of a worker */
    ngx_edge_redis_conn_t  *conn;        /* NULL: this process has none */
    ngx_queue_t             waiting;     /* of pending commands, the one with
                                            the earliest deadline first */
    ngx_event_t             timer;       /* of the first of them */
};


typedef enum {
    ngx_edge_redis_st_closed = 0,        /* timer: when to open */
    ngx_edge_redis_st_connecting,        /* until the server has greeted;
                                            timer: when to give up */
    ngx_edge_redis_st_ready              /* timer: if stalled, when to close */
} ngx_edge_redis_state_e;


struct ngx_edge_redis_conn_s {
    ngx_edge_redis_t       *redis;
    ngx_edge_redis_server_t
                           *server;
    ngx_edge_redis_state_e  state;
    ngx_connection_t       *connection;  /* NULL: closed */
    ngx_edge_redis_reader_t
                           *reader;
    ngx_buf_t               out;         /* not yet written */
    ngx_queue_t             sent;        /* pending commands in the order of
                                            the replies */
    ngx_event_t             timer;
    ngx_event_t             flush;       /* posted: writes out */
    ngx_uint_t              reads;       /* counts; tells a server that is
                                            silent from a slow one */
    ngx_msec_t              backoff;
    ngx_msec_t              since;       /* ready since */

    unsigned                linked:1;    /* the socket is connected */
    unsigned                failed:1;    /* has to be closed */
    unsigned                stalled:1;   /* silent for a whole timeout */
    unsigned                leaving:1;   /* closes when sent is empty */
    unsigned                lost:1;      /* the loss was logged */
};


/* Told of the reply (NULL: lost) to a command of the client itself. */
typedef void (*ngx_edge_redis_own_pt)(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_reply_t *reply);


/*
 * A command on its way, malloc'ed.  It stays in "sent" until its reply came or
 * the connection is gone, however long ago its sender lost interest.
 */
struct ngx_edge_redis_pending_s {
    ngx_queue_t             sent;        /* in a connection */
    ngx_queue_t             waiting;     /* in the block; next NULL: it has no
                                            deadline, or that is over */
    ngx_edge_redis_conn_t  *conn;
    ngx_edge_redis_cmd_t   *cmd;         /* NULL: nobody waits */
    ngx_edge_redis_own_pt   own;         /* NULL: a feature's */
    ngx_msec_t              deadline;
    ngx_uint_t              reads;       /* of the connection when sent */
    ngx_edge_redis_script_t
                           *script;      /* NULL: none */
    ngx_uint_t              argc;        /* of the words that are kept */
    size_t                  len;         /* of them */
    unsigned                wanted:1;    /* not cancelled, not late */
    u_char                  words[1];    /* longer: to be sent again */
};


/* ngx_edge_redis_block.c: for the init and exit of a process. */

ngx_int_t ngx_edge_redis_start(ngx_edge_redis_t *redis, ngx_cycle_t *cycle);
void ngx_edge_redis_end(ngx_edge_redis_t *redis);


/* ngx_edge_redis_conn.c */

/* A connection of the worker to a server; it is opened at once, and again
 * whenever it was lost.  NULL: no memory. */
ngx_edge_redis_conn_t *ngx_edge_redis_conn_create(ngx_edge_redis_t *redis,
    ngx_edge_redis_server_t *server);

/* For the end of the process: closes and frees it, nobody is told. */
void ngx_edge_redis_conn_end(ngx_edge_redis_conn_t *rc);

/* Whether it takes commands of features. */
ngx_uint_t ngx_edge_redis_conn_ready(const ngx_edge_redis_conn_t *rc);

/* Room behind what is to be written; the caller moves out.last and then calls
 * flush: it leaves at the end of this turn of the event loop.  NULL: no
 * memory. */
u_char *ngx_edge_redis_conn_reserve(ngx_edge_redis_conn_t *rc, size_t size);
void ngx_edge_redis_conn_flush(ngx_edge_redis_conn_t *rc);

/* The server has greeted. */
void ngx_edge_redis_conn_greeted(ngx_edge_redis_conn_t *rc);

/* Logs why the connection is of no use, once until it is again; it is closed
 * when the reply at hand is done with. */
void ngx_edge_redis_conn_fail(ngx_edge_redis_conn_t *rc, const char *fault,
    const ngx_edge_redis_reply_t *reply);

/* The same, but what was sent is still waited for. */
void ngx_edge_redis_conn_leave(ngx_edge_redis_conn_t *rc, const char *fault);

/* A command that was sent to it has timed out. */
void ngx_edge_redis_conn_late(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_pending_t *p);


/* ngx_edge_redis_socket.c */

/* A socket that is being connected, as a connection of nginx whose handlers
 * the caller sets; one of them will be called.  NULL: fault says why. */
ngx_connection_t *ngx_edge_redis_socket_open(const ngx_addr_t *addr,
    const char **fault);

/* For the first event of it: NULL if it is connected, else why not. */
const char *ngx_edge_redis_socket_fault(ngx_connection_t *c);


/* ngx_edge_redis_greet.c: says what a server must hear first. */

ngx_int_t ngx_edge_redis_greet(ngx_edge_redis_conn_t *rc);


/* ngx_edge_redis_cmd.c */

/* A command of the client itself; own is called when its reply is there or
 * the connection is lost. */
ngx_int_t ngx_edge_redis_send_own(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_own_pt own, ngx_uint_t argc, const ngx_str_t *argv);

/* The reply to a pending command that was taken out of its connection; NULL:
 * it is lost.  Frees the command or sends it again. */
void ngx_edge_redis_deliver(ngx_edge_redis_conn_t *rc,
    ngx_edge_redis_pending_t *p, const ngx_edge_redis_reply_t *reply);

/* Frees it without a word. */
void ngx_edge_redis_discard(ngx_edge_redis_pending_t *p);

/* The timer of a block. */
void ngx_edge_redis_expire(ngx_event_t *ev);


#endif /* _NGX_EDGE_REDIS_CORE_H_INCLUDED_ */
