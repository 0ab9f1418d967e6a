
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


/* Names of servers that a cluster tells are no longer than this. */
#define NGX_EDGE_REDIS_HOST_MAX  255


typedef struct ngx_edge_redis_map_s  ngx_edge_redis_map_t;


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
    ngx_flag_t              cluster;
    ngx_flag_t              tls;
    ngx_ssl_t               ssl;         /* if tls is on */
    ngx_msec_t              timeout;
    ngx_msec_t              connect_timeout;
    ngx_resolver_t         *resolver;    /* NULL: there is none */
    ngx_msec_t              resolver_timeout;

    /* of a worker */
    ngx_queue_t             conns;       /* prev NULL: no worker of ours */
    ngx_edge_redis_map_t   *map;         /* NULL: no cluster */
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
    ngx_queue_t             queue;       /* in the block */
    ngx_edge_redis_t       *redis;
    ngx_edge_redis_server_t
                           *server;      /* the configuration's, or own */
    ngx_edge_redis_server_t
                            own;
    ngx_sockaddr_t          sockaddr;    /* of own */
    u_char                  text[NGX_EDGE_REDIS_HOST_MAX + sizeof(":65535")];
    ngx_edge_redis_state_e  state;
    ngx_resolver_ctx_t     *resolving;   /* NULL: its name is known */
    ngx_uint_t              tries;       /* of several addresses of a name */
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

    unsigned                seed:1;      /* of the configuration */
    unsigned                mapped:1;    /* of the map of a cluster */
    unsigned                resting:1;   /* stays closed until it is woken */
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
    ngx_uint_t              hops;        /* redirects of a cluster */
    unsigned                wanted:1;    /* not cancelled, not late */
    unsigned                ask:1;       /* ASKING goes before it */
    u_char                  words[1];    /* longer: to be sent again */
};


/* ngx_edge_redis_block.c: for the init and exit of a process. */

ngx_int_t ngx_edge_redis_start(ngx_edge_redis_t *redis, ngx_cycle_t *cycle);
void ngx_edge_redis_end(ngx_edge_redis_t *redis);

/* The connection for a key, an empty one: any; NULL: none is ready. */
ngx_edge_redis_conn_t *ngx_edge_redis_route(ngx_edge_redis_t *redis,
    const ngx_str_t *key);


/* ngx_edge_redis_node.c */

/* A connection of the worker, in the block's queue, closed; it needs a name
 * and to be woken.  NULL: no memory. */
ngx_edge_redis_conn_t *ngx_edge_redis_conn_create(ngx_edge_redis_t *redis);

/* Makes a copy of what a server is called its own. */
void ngx_edge_redis_conn_name(ngx_edge_redis_conn_t *rc,
    const ngx_edge_redis_server_t *server);

/* An address without a port; NGX_DECLINED: it is none. */
ngx_int_t ngx_edge_redis_parse_addr(ngx_addr_t *addr, ngx_sockaddr_t *sockaddr,
    const ngx_str_t *text);

/* For the end of the process: closes and frees it, nobody is told. */
void ngx_edge_redis_conn_end(ngx_edge_redis_conn_t *rc);


/* ngx_edge_redis_conn.c */

/* Makes the events of a new one. */
void ngx_edge_redis_conn_events(ngx_edge_redis_conn_t *rc);

/* Opens it, now and whenever it is lost; nothing if that is done already. */
void ngx_edge_redis_conn_wake(ngx_edge_redis_conn_t *rc);

/* Closes it when what was sent is answered; it stays so until it is woken. */
void ngx_edge_redis_conn_rest(ngx_edge_redis_conn_t *rc);

/* Where its server is, or the fault why that is not known. */
void ngx_edge_redis_conn_linkable(ngx_edge_redis_conn_t *rc,
    const ngx_addr_t *addr, const char *fault);

/* Gives back the socket, the memory and the events; nobody is told. */
void ngx_edge_redis_conn_drop(ngx_edge_redis_conn_t *rc);

/* Whether it takes commands of features. */
ngx_uint_t ngx_edge_redis_conn_ready(const ngx_edge_redis_conn_t *rc);

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


/* ngx_edge_redis_out.c */

/* Room behind what is to be written; the caller moves out.last and then calls
 * flush: it leaves at the end of this turn of the event loop.  NULL: no
 * memory. */
u_char *ngx_edge_redis_out_reserve(ngx_edge_redis_conn_t *rc, size_t size);
void ngx_edge_redis_conn_flush(ngx_edge_redis_conn_t *rc);

/* Writes; NGX_AGAIN: not all. */
ngx_int_t ngx_edge_redis_out_write(ngx_edge_redis_conn_t *rc);
void ngx_edge_redis_out_free(ngx_edge_redis_conn_t *rc);


/* ngx_edge_redis_resolve.c: looks the name up, and calls linkable. */

void ngx_edge_redis_resolve(ngx_edge_redis_conn_t *rc);
void ngx_edge_redis_resolve_cancel(ngx_edge_redis_conn_t *rc);


/* ngx_edge_redis_tls.c */

/* For the configuration; ca empty: the system's.  An error was logged. */
ngx_int_t ngx_edge_redis_tls_init(ngx_conf_t *cf, ngx_edge_redis_t *redis,
    ngx_str_t *ca);

/* Shakes hands; NGX_AGAIN: done will be called when that has ended. */
ngx_int_t ngx_edge_redis_tls_start(ngx_edge_redis_conn_t *rc,
    void (*done)(ngx_connection_t *c));

/* NULL if hands were shaken with the right one, else why not. */
const char *ngx_edge_redis_tls_fault(ngx_edge_redis_conn_t *rc);


/* ngx_edge_redis_socket.c */

/* A socket that is being connected, as a connection of nginx whose handlers
 * the caller sets; one of them will be called.  NULL: fault says why. */
ngx_connection_t *ngx_edge_redis_socket_open(const ngx_addr_t *addr,
    const char **fault);

/* For the first event of it: NULL if it is connected, else why not. */
const char *ngx_edge_redis_socket_fault(ngx_connection_t *c);

void ngx_edge_redis_socket_close(ngx_connection_t *c);


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
