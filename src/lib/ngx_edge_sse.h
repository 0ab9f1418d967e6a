
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Server-sent events (WHATWG HTML, section 9.2): an incremental reader that
 * may be fed any split of the stream, and a writer.
 */


#ifndef _NGX_EDGE_SSE_H_INCLUDED_
#define _NGX_EDGE_SSE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "lib/ngx_edge_buf.h"


/*
 * The reader's state.  An event of one data line that lies whole in the input
 * is not copied.  For others there is one buffer, which starts small, grows to
 * max and holds the event being collected and nothing else.
 */
typedef struct {
    ngx_str_t    event;        /* of the event just returned, may be empty */
    ngx_str_t    data;         /* data lines joined by LF */

    ngx_str_t    line;         /* the only data line, in the input; or empty */
    u_char      *buf;
    size_t       len;
    size_t       size;
    size_t       max;
    ngx_pool_t  *pool;
    size_t       name_len;     /* bytes of the event name kept in name */
    u_char       name[32];     /* a longer event name is cut */

    ngx_uint_t   state;        /* where in a line, see the .c */
    ngx_uint_t   field;        /* whose value is read, see the .c */
    size_t       field_len;    /* bytes of the field's name so far */
    u_char       field_name[8];
    unsigned     started:1;    /* a line was read: no BOM can come */
    unsigned     cr:1;         /* the last byte was CR: swallow an LF */
    unsigned     has_data:1;
    unsigned     too_long:1;   /* this event passed max: skip to its end */
    unsigned     returned:1;   /* event and data are handed out */
} ngx_edge_sse_t;


void ngx_edge_sse_init(ngx_edge_sse_t *sse, ngx_pool_t *pool, size_t max);

/*
 * Reads from *pos to last and stops behind the first complete event that has
 * data; moves *pos.  sse->event and sse->data stay valid until the next call
 * and as long as the input.
 *
 *   NGX_OK        an event
 *   NGX_AGAIN     all input consumed, no event complete
 *   NGX_DECLINED  an event was longer than max and was dropped
 *   NGX_ERROR     no memory
 */
ngx_int_t ngx_edge_sse_read(ngx_edge_sse_t *sse, u_char **pos, u_char *last);

/* Writes "event: <name>\ndata: <json>\n\n", without the first line if name is
 * NULL; json must hold no line break. */
void ngx_edge_sse_write(ngx_edge_buf_t *b, const char *name,
    const ngx_str_t *json);


#endif /* _NGX_EDGE_SSE_H_INCLUDED_ */
