
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
#include "redis/ngx_edge_redis_slot.h"


typedef struct ngx_edge_redis_map_s      ngx_edge_redis_map_t;
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
    ngx_queue_t             put_off;     /* pending commands that a server
                                            wants to have later, by "sent" */
    ngx_event_t             resume;      /* when to send them */
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
    time_t                  warned;      /* of its silence */
    uint32_t                told;        /* the cause of its loss, a hash */
    time_t                  told_at;

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
 * the connection is gone, however long ago its sender lost interest; one that
 * is put off is in the block's queue meanwhile.
 */
struct ngx_edge_redis_pending_s {
    ngx_queue_t             sent;        /* in a connection */
    ngx_queue_t             waiting;     /* in the block; next NULL: it has no
                                            deadline, or that is over */
    ngx_edge_redis_t       *redis;       /* NULL: it has no deadline */
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


#endif /* _NGX_EDGE_REDIS_CORE_H_INCLUDED_ */
