
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads server-sent events byte by byte where a line begins, and by memchr()
 * inside a value.  The state is all in the struct, so a stream may be cut
 * anywhere.  UTF-8 is not looked at: a cut inside a character is as good as
 * any other.
 */


#include "lib/ngx_edge_sse.h"


#define NGX_EDGE_SSE_FIRST_SIZE  512
#define NGX_EDGE_SSE_PIECE       512


enum {
    sw_start = 0,              /* at the first byte of a line */
    sw_field,                  /* in the field's name */
    sw_space,                  /* behind the colon: one space is dropped */
    sw_value,
    sw_skip                    /* comment or a field we do not use */
};


enum {
    sf_none = 0,
    sf_data,
    sf_event
};


static void ngx_edge_sse_reset(ngx_edge_sse_t *sse);
static ngx_int_t ngx_edge_sse_part(ngx_edge_sse_t *sse, u_char **pos,
    u_char *last);
static u_char *ngx_edge_sse_name(ngx_edge_sse_t *sse, u_char *p,
    u_char *last);
static u_char *ngx_edge_sse_line(u_char *p, u_char *last);
static ngx_uint_t ngx_edge_sse_field(ngx_edge_sse_t *sse);
static ngx_int_t ngx_edge_sse_begin_value(ngx_edge_sse_t *sse);
static ngx_int_t ngx_edge_sse_value(ngx_edge_sse_t *sse, const u_char *data,
    size_t len);
static ngx_int_t ngx_edge_sse_append(ngx_edge_sse_t *sse, const u_char *data,
    size_t len);
static ngx_int_t ngx_edge_sse_keep(ngx_edge_sse_t *sse);
static ngx_int_t ngx_edge_sse_end_line(ngx_edge_sse_t *sse);
static ngx_int_t ngx_edge_sse_dispatch(ngx_edge_sse_t *sse);


void
ngx_edge_sse_init(ngx_edge_sse_t *sse, ngx_pool_t *pool, size_t max)
{
    ngx_memzero(sse, sizeof(ngx_edge_sse_t));

    sse->pool = pool;
    sse->max = max;
}


ngx_int_t
ngx_edge_sse_read(ngx_edge_sse_t *sse, u_char **pos, u_char *last)
{
    u_char     *p;
    ngx_int_t   rc;

    if (sse->returned) {
        ngx_edge_sse_reset(sse);
    }

    for (p = *pos; p < last; /* void */) {

        if (sse->cr) {
            sse->cr = 0;

            if (*p == LF) {
                p++;
                continue;
            }
        }

        if (*p != LF && *p != CR) {

            if (ngx_edge_sse_part(sse, &p, last) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        sse->cr = (*p++ == CR);

        rc = (sse->state == sw_start) ? ngx_edge_sse_dispatch(sse)
                                      : ngx_edge_sse_end_line(sse);
        if (rc != NGX_AGAIN) {
            *pos = p;
            return rc;
        }
    }

    *pos = p;

    return (ngx_edge_sse_keep(sse) == NGX_OK) ? NGX_AGAIN : NGX_ERROR;
}


/* Reads the next part of a line: its field's name or its value, as far as it
 * is there.  *pos < last, and it is not the line's end. */

static ngx_int_t
ngx_edge_sse_part(ngx_edge_sse_t *sse, u_char **pos, u_char *last)
{
    u_char  *p, *start;

    p = *pos;

    switch (sse->state) {

    case sw_start:
        sse->field_len = 0;
        sse->state = sw_field;

        /* fall through */

    case sw_field:
        *pos = ngx_edge_sse_name(sse, p, last);
        return (sse->state == sw_field) ? NGX_OK
                                        : ngx_edge_sse_begin_value(sse);

    case sw_space:
        sse->state = sw_value;
        *pos = p + (*p == ' ');
        return NGX_OK;

    case sw_value:
        start = p;
        p = ngx_edge_sse_line(p, last);
        *pos = p;

        if (p < last && sse->field == sf_data && sse->len == 0
            && !sse->too_long && (size_t) (p - start) <= sse->max)
        {
            /* a whole line: most often the event's only one */
            sse->line.data = start;
            sse->line.len = p - start;
            return NGX_OK;
        }

        return ngx_edge_sse_value(sse, start, p - start);

    default: /* sw_skip */
        *pos = ngx_edge_sse_line(p, last);
        return NGX_OK;
    }
}


/* The name of a field up to its colon, the line's end, or last. */

static u_char *
ngx_edge_sse_name(ngx_edge_sse_t *sse, u_char *p, u_char *last)
{
    for ( /* void */ ; p < last && *p != LF && *p != CR; p++) {

        if (*p == ':') {
            sse->field = ngx_edge_sse_field(sse);
            sse->state = (sse->field == sf_none) ? sw_skip : sw_space;
            return p + 1;
        }

        if (sse->field_len < sizeof(sse->field_name)) {
            sse->field_name[sse->field_len] = *p;
        }

        sse->field_len++;
    }

    return p;
}


/* The first line break at or behind p, or last.  In pieces: looking for an LF
 * as far as there is input would read a stream of CR over and over. */

static u_char *
ngx_edge_sse_line(u_char *p, u_char *last)
{
    size_t   len;
    u_char  *lf, *cr;

    for ( /* void */ ; p < last; p += len) {
        len = ngx_min(last - p, NGX_EDGE_SSE_PIECE);

        lf = memchr(p, LF, len);
        cr = memchr(p, CR, lf ? (size_t) (lf - p) : len);

        if (cr || lf) {
            return cr ? cr : lf;
        }
    }

    return p;
}


/* Makes ready for the next event. */

static void
ngx_edge_sse_reset(ngx_edge_sse_t *sse)
{
    sse->len = 0;
    sse->line.len = 0;
    sse->name_len = 0;
    sse->has_data = 0;
    sse->too_long = 0;
    sse->returned = 0;
}


static ngx_uint_t
ngx_edge_sse_field(ngx_edge_sse_t *sse)
{
    size_t   len;
    u_char  *name;

    name = sse->field_name;
    len = sse->field_len;

    /* a byte order mark may stand before the first line */

    if (!sse->started
        && len >= 3
        && name[0] == 0xef && name[1] == 0xbb && name[2] == 0xbf)
    {
        name += 3;
        len -= 3;
    }

    sse->started = 1;

    if (len == 4 && ngx_memcmp(name, "data", 4) == 0) {
        return sf_data;
    }

    if (len == 5 && ngx_memcmp(name, "event", 5) == 0) {
        return sf_event;
    }

    return sf_none;
}


static ngx_int_t
ngx_edge_sse_begin_value(ngx_edge_sse_t *sse)
{
    if (sse->field == sf_event) {
        sse->name_len = 0;             /* the last one counts */
        return NGX_OK;
    }

    if (sse->field == sf_data) {

        if (sse->has_data
            && ngx_edge_sse_value(sse, (u_char *) "\n", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

        sse->has_data = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_sse_value(ngx_edge_sse_t *sse, const u_char *data, size_t len)
{
    if (sse->field == sf_event) {
        len = ngx_min(len, sizeof(sse->name) - sse->name_len);
        ngx_memcpy(sse->name + sse->name_len, data, len);
        sse->name_len += len;
        return NGX_OK;
    }

    return (ngx_edge_sse_keep(sse) == NGX_OK)
           ? ngx_edge_sse_append(sse, data, len) : NGX_ERROR;
}


static ngx_int_t
ngx_edge_sse_append(ngx_edge_sse_t *sse, const u_char *data, size_t len)
{
    size_t   size;
    u_char  *p;

    if (sse->too_long || len > sse->max - sse->len) {
        sse->too_long = 1;
        return NGX_OK;
    }

    if (len > sse->size - sse->len) {
        size = sse->size ? sse->size * 2 : NGX_EDGE_SSE_FIRST_SIZE;
        size = ngx_min(ngx_max(size, sse->len + len), sse->max);

        p = ngx_palloc(sse->pool, size);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (sse->buf) {
            ngx_memcpy(p, sse->buf, sse->len);
            (void) ngx_pfree(sse->pool, sse->buf);     /* a small one stays */
        }

        sse->buf = p;
        sse->size = size;
    }

    ngx_memcpy(sse->buf + sse->len, data, len);
    sse->len += len;

    return NGX_OK;
}


/* Copies a line of the input which will not be there when the event ends. */

static ngx_int_t
ngx_edge_sse_keep(ngx_edge_sse_t *sse)
{
    size_t  len;

    len = sse->line.len;
    sse->line.len = 0;

    return len ? ngx_edge_sse_append(sse, sse->line.data, len) : NGX_OK;
}


static ngx_int_t
ngx_edge_sse_end_line(ngx_edge_sse_t *sse)
{
    /* a name without a colon is a field with an empty value */

    if (sse->state == sw_field) {
        sse->field = ngx_edge_sse_field(sse);

        if (ngx_edge_sse_begin_value(sse) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    sse->state = sw_start;

    return NGX_AGAIN;
}


/* An empty line: the event is complete; one without data is none. */

static ngx_int_t
ngx_edge_sse_dispatch(ngx_edge_sse_t *sse)
{
    sse->started = 1;

    if (!sse->has_data) {
        ngx_edge_sse_reset(sse);
        return NGX_AGAIN;
    }

    sse->returned = 1;

    if (sse->too_long) {
        return NGX_DECLINED;
    }

    sse->event.data = sse->name;
    sse->event.len = sse->name_len;

    if (sse->line.len) {
        sse->data = sse->line;

    } else {
        sse->data.data = sse->buf ? sse->buf : (u_char *) "";
        sse->data.len = sse->len;
    }

    return NGX_OK;
}


void
ngx_edge_sse_write(ngx_edge_buf_t *b, const char *name, const ngx_str_t *json)
{
    if (name) {
        ngx_edge_buf_lit(b, "event: ");
        ngx_edge_buf_add(b, (u_char *) name, ngx_strlen(name));
        ngx_edge_buf_byte(b, '\n');
    }

    ngx_edge_buf_lit(b, "data: ");
    ngx_edge_buf_str(b, json);
    ngx_edge_buf_lit(b, "\n\n");
}
