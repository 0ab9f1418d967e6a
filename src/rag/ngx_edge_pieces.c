
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing and reading of the list of a text's pieces.  It is read whole before
 * a piece is given: half a replay could not be taken back.
 */


#include "rag/ngx_edge_pieces.h"


#define NGX_EDGE_PIECES_VERSION  1


static ngx_int_t ngx_edge_pieces_length(ngx_str_t *list, size_t *len);
static ngx_uint_t ngx_edge_pieces_whole(const u_char *p, size_t len);


void
ngx_edge_pieces_add(ngx_edge_buf_t *list, size_t len)
{
    if (len == 0) {
        return;
    }

    if (len > NGX_EDGE_PIECES_LENGTH_MAX) {
        list->rc = (list->rc == NGX_OK) ? NGX_DECLINED : list->rc;
        return;
    }

    if (list->pos == list->start) {
        ngx_edge_buf_byte(list, NGX_EDGE_PIECES_VERSION);
    }

    for ( /* void */ ; len > 0x7f; len >>= 7) {
        ngx_edge_buf_byte(list, (u_char) (0x80 | (len & 0x7f)));
    }

    ngx_edge_buf_byte(list, (u_char) len);
}


ngx_int_t
ngx_edge_pieces_open(ngx_edge_pieces_t *pieces, const ngx_str_t *list,
    const ngx_str_t *text)
{
    size_t      len;
    ngx_str_t   rest, left;
    ngx_uint_t  n;

    left = *text;
    ngx_str_null(&rest);
    n = (text->len != 0);

    if (list->len) {

        if (list->data[0] != NGX_EDGE_PIECES_VERSION) {
            return NGX_DECLINED;
        }

        rest.data = list->data + 1;
        rest.len = list->len - 1;
        pieces->list = rest;

        for (n = 0; rest.len; n++) {

            if (ngx_edge_pieces_length(&rest, &len) != NGX_OK
                || len > left.len
                || !ngx_edge_pieces_whole(left.data, len))
            {
                return NGX_DECLINED;
            }

            left.data += len;
            left.len -= len;
        }

        if (left.len) {
            return NGX_DECLINED;
        }

    } else {
        pieces->list = rest;
    }

    pieces->text = *text;
    pieces->n = n;

    return NGX_OK;
}


void
ngx_edge_pieces_next(ngx_edge_pieces_t *pieces, ngx_str_t *piece)
{
    size_t  len;

    len = pieces->text.len;

    if (pieces->list.len) {
        (void) ngx_edge_pieces_length(&pieces->list, &len);
    }

    piece->data = pieces->text.data;
    piece->len = len;

    pieces->text.data += len;
    pieces->text.len -= len;
    pieces->n--;
}


static ngx_int_t
ngx_edge_pieces_length(ngx_str_t *list, size_t *len)
{
    u_char      c;
    size_t      value;
    ngx_uint_t  shift;

    value = 0;

    for (shift = 0; shift < 21 && list->len; shift += 7) {
        c = *list->data++;
        list->len--;

        value |= (size_t) (c & 0x7f) << shift;

        if (c < 0x80) {
            *len = value;
            return c ? NGX_OK : NGX_DECLINED;
        }
    }

    return NGX_DECLINED;
}


/* A piece can be seen in itself: one that begins inside a character or an
 * escape has had its beginning in the piece before. */

static ngx_uint_t
ngx_edge_pieces_whole(const u_char *p, size_t len)
{
    size_t         need;
    const u_char  *last;

    last = p + len;

    if ((*p & 0xc0) == 0x80) {
        return 0;
    }

    while (p < last) {

        if (*p == '\\') {
            need = (last - p > 1 && p[1] == 'u') ? 6 : 2;

        } else {
            need = (*p < 0xc0) ? 1 : (*p < 0xe0) ? 2 : (*p < 0xf0) ? 3 : 4;
        }

        if ((size_t) (last - p) < need) {
            return 0;
        }

        p += need;
    }

    return 1;
}
