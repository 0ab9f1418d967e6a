
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tokens that Redis was asked for by a request which is gone: if they are
 * granted, they are given back.  What the answer is read with was the
 * request's, so it is copied; the copy goes with the answer, or with word that
 * there is none.  A worker that ends at once frees neither requests nor these.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "limit/ngx_http_edge_limit_script.h"


typedef struct {
    ngx_http_edge_limit_take_t    take;
    ngx_http_edge_limit_charge_t  charge[NGX_HTTP_EDGE_LIMIT_POLICIES];
    ngx_edge_limit_cell_t         cell[NGX_HTTP_EDGE_LIMIT_POLICIES];
    u_char                        keys[];
} ngx_http_edge_limit_orphan_t;


static void ngx_http_edge_limit_orphan_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply);


void
ngx_http_edge_limit_take_leave(ngx_http_edge_limit_take_t *take)
{
    size_t                         len;
    u_char                        *p;
    ngx_uint_t                     i;
    ngx_http_edge_limit_charge_t  *charge;
    ngx_http_edge_limit_orphan_t  *orphan;

    if (take->cmd.pending == NULL) {
        return;
    }

    for (i = 0, len = 0; i < take->n; i++) {
        len += take->charge[i].key.len;
    }

    orphan = ngx_alloc(sizeof(ngx_http_edge_limit_orphan_t) + len,
                       ngx_cycle->log);
    if (orphan == NULL) {
        ngx_edge_redis_cancel(&take->cmd);
        return;
    }

    orphan->take = *take;
    orphan->take.request = NULL;
    orphan->take.charge = orphan->charge;
    orphan->take.cell = orphan->cell;

    p = orphan->keys;

    for (i = 0; i < take->n; i++) {
        charge = &orphan->charge[i];

        *charge = take->charge[i];
        charge->key.data = p;
        p = ngx_cpymem(p, take->charge[i].key.data, charge->key.len);

        charge->own_gcra = *take->cell[i].gcra;

        orphan->cell[i] = take->cell[i];
        orphan->cell[i].gcra = &charge->own_gcra;
    }

    ngx_edge_redis_move(&take->cmd, &orphan->take.cmd);

    orphan->take.cmd.done = ngx_http_edge_limit_orphan_done;
    orphan->take.cmd.data = orphan;
}


static void
ngx_http_edge_limit_orphan_done(ngx_edge_redis_cmd_t *cmd,
    const ngx_edge_redis_reply_t *reply)
{
    ngx_http_edge_limit_orphan_t  *orphan;

    orphan = cmd->data;

    if (ngx_http_edge_limit_script_read(&orphan->take, reply) == NGX_OK) {
        ngx_http_edge_limit_script_settle(&orphan->take,
                                          -orphan->take.taken);
    }

    ngx_free(orphan);
}
