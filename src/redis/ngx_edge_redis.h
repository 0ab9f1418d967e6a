
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Redis, as other features see it: commands of a worker to the servers of an
 * edge_redis block, over one pipelined connection to each that this client
 * opens, keeps and opens again by itself.  All commands of one turn of the
 * event loop leave in one write.
 *
 * A command is idle -> pending -> idle.  "pending" ends exactly once: by done,
 * called from the event loop and never inside send, or by cancel, which does
 * not call it.  Whoever frees the memory of a pending command cancels or moves
 * it first.  A command may have been carried out although its answer is lost.
 */


#ifndef _NGX_EDGE_REDIS_H_INCLUDED_
#define _NGX_EDGE_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_edge_redis_s        ngx_edge_redis_t;
typedef struct ngx_edge_redis_cmd_s    ngx_edge_redis_cmd_t;
typedef struct ngx_edge_redis_reply_s  ngx_edge_redis_reply_t;


typedef enum {
    ngx_edge_redis_nil = 0,
    ngx_edge_redis_string,
    ngx_edge_redis_status,
    ngx_edge_redis_integer,
    ngx_edge_redis_array,
    ngx_edge_redis_error,      /* the server answered with an error */
    ngx_edge_redis_lost        /* no answer: connection, timeout */
} ngx_edge_redis_type_e;


/* The reply is valid while done runs. */
typedef void (*ngx_edge_redis_done_pt)(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);


/* The caller's, zeroed before its first use. */
struct ngx_edge_redis_cmd_s {
    ngx_edge_redis_done_pt   done;
    void                    *data;
    void                    *pending;   /* private; NULL: idle */
};


/* A script, for the life of the cycle; made by ngx_edge_redis_script_init. */
typedef struct {
    ngx_str_t   text;
    u_char      sha1[40];
} ngx_edge_redis_script_t;


/*
 * The block of that name, at configuration time, which may also come later in
 * the file: nginx -t fails if it never does, and names the directive that is
 * being read now.  NULL: no memory.
 */
ngx_edge_redis_t *ngx_edge_redis_by_name(ngx_conf_t *cf,
    const ngx_str_t *name);

/*
 * Sends a command; in a cluster the key decides the server, an empty one says
 * that any will do.  NGX_OK: done will be called unless cancelled, at the
 * latest after the block's timeout (type lost).  NGX_DECLINED: the server is
 * not to be had now, done will not be called; nothing was logged, because the
 * loss of a server is, once.  NGX_ERROR: no memory, or the server is too far
 * behind.  The memory of argv may go after the call.  cmd may be NULL: nobody
 * waits for the answer.
 */
ngx_int_t ngx_edge_redis_send(ngx_edge_redis_t *redis,
    ngx_edge_redis_cmd_t *cmd, const ngx_str_t *key, ngx_uint_t argc,
    const ngx_str_t *argv);

/* The same for a script: argv is its keys, nkeys of them, then its arguments.
 * A server that does not know the script gets it, unseen by the caller. */
ngx_int_t ngx_edge_redis_eval(ngx_edge_redis_t *redis,
    ngx_edge_redis_cmd_t *cmd, ngx_edge_redis_script_t *script,
    ngx_uint_t nkeys, ngx_uint_t argc, const ngx_str_t *argv);

void ngx_edge_redis_script_init(ngx_edge_redis_script_t *script,
    const ngx_str_t *text);

/* done is not called any more; nothing if idle. */
void ngx_edge_redis_cancel(ngx_edge_redis_cmd_t *cmd);

/* What is pending of from is to's, which is idle, with its done and data; from
 * is idle then, and its memory may go. */
void ngx_edge_redis_move(ngx_edge_redis_cmd_t *from,
    ngx_edge_redis_cmd_t *to);

/* Whether a command sent now would leave. */
ngx_uint_t ngx_edge_redis_ready(ngx_edge_redis_t *redis);


ngx_edge_redis_type_e ngx_edge_redis_reply_type(
    const ngx_edge_redis_reply_t *reply);

/* The bytes of a string, a status or an error; empty for all others. */
void ngx_edge_redis_reply_str(const ngx_edge_redis_reply_t *reply,
    ngx_str_t *s);

/* 0 if it is none. */
int64_t ngx_edge_redis_reply_integer(const ngx_edge_redis_reply_t *reply);

/* Elements of an array; 0 if it is none. */
ngx_uint_t ngx_edge_redis_reply_count(const ngx_edge_redis_reply_t *reply);
const ngx_edge_redis_reply_t *ngx_edge_redis_reply_element(
    const ngx_edge_redis_reply_t *reply, ngx_uint_t i);


#endif /* _NGX_EDGE_REDIS_H_INCLUDED_ */
