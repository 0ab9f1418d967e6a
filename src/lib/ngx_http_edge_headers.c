
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Header fields.  Knows nginx's lists of them, no field in particular.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_http_edge_headers.h"


/* Where a list is being rebuilt. */
typedef struct {
    ngx_pool_t       *pool;
    ngx_list_part_t  *first;     /* the list's own, embedded part */
    ngx_list_part_t  *last;      /* NULL: nothing kept yet */
    ngx_int_t         taken;
} ngx_http_edge_headers_kept_t;


static ngx_uint_t ngx_http_edge_headers_any(const ngx_list_t *list,
    const ngx_str_t *prefixes);
static ngx_int_t ngx_http_edge_headers_strip_part(
    const ngx_list_part_t *part, const ngx_str_t *prefixes,
    ngx_http_edge_headers_kept_t *kept);
static ngx_int_t ngx_http_edge_headers_keep(
    ngx_http_edge_headers_kept_t *kept, ngx_table_elt_t *elts, ngx_uint_t n);


void
ngx_http_edge_header_search(ngx_http_edge_header_search_t *search,
    const ngx_list_t *list, const char *name)
{
    search->part = &list->part;
    search->i = 0;
    search->name = name;
    search->len = ngx_strlen(name);
}


ngx_table_elt_t *
ngx_http_edge_header_next(ngx_http_edge_header_search_t *search)
{
    ngx_table_elt_t  *h;

    while (search->part) {
        h = search->part->elts;

        while (search->i < search->part->nelts) {
            if (ngx_http_edge_header_named(&h[search->i], search->name,
                                           search->len))
            {
                return &h[search->i++];
            }

            search->i++;
        }

        search->part = search->part->next;
        search->i = 0;
    }

    return NULL;
}


ngx_uint_t
ngx_http_edge_header_prefixed(const u_char *name, size_t len,
    const ngx_str_t *prefixes)
{
    u_char      c;
    ngx_uint_t  i;

    for ( /* void */ ; prefixes->len; prefixes++) {

        if (len < prefixes->len
            || (len > prefixes->len
                && prefixes->data[prefixes->len - 1] != '-'))
        {
            continue;
        }

        for (i = 0; i < prefixes->len; i++) {
            c = (name[i] == '_') ? '-' : ngx_tolower(name[i]);

            if (c != prefixes->data[i]) {
                break;
            }
        }

        if (i == prefixes->len) {
            return 1;
        }
    }

    return 0;
}


/*
 * A field is cut out by describing the runs of fields around it as parts of
 * the list: nothing moves.  Two habits of those who use the list are kept:
 * only its first part may be empty, and a part holds nalloc fields before
 * ngx_list_push() makes a new one.
 */

ngx_int_t
ngx_http_edge_headers_strip(ngx_http_request_t *r, const ngx_str_t *prefixes)
{
    ngx_list_t                    *list;
    ngx_list_part_t                first;
    const ngx_list_part_t         *part;
    ngx_http_edge_headers_kept_t   kept;

    list = &r->headers_in.headers;

    if (!ngx_http_edge_headers_any(list, prefixes)) {
        return 0;
    }

    /* the old parts are read while the embedded one is written anew */

    first = list->part;

    kept.pool = r->pool;
    kept.first = &list->part;
    kept.last = NULL;
    kept.taken = 0;

    for (part = &first; part; part = part->next) {
        if (ngx_http_edge_headers_strip_part(part, prefixes, &kept) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (kept.last == NULL) {
        list->part.nelts = 0;
        list->part.next = NULL;
        list->last = &list->part;

    } else {
        list->last = kept.last;
        list->nalloc = kept.last->nelts;
    }

    return kept.taken;
}


static ngx_uint_t
ngx_http_edge_headers_any(const ngx_list_t *list, const ngx_str_t *prefixes)
{
    ngx_uint_t              i;
    ngx_table_elt_t        *h;
    const ngx_list_part_t  *part;

    for (part = &list->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_edge_header_prefixed(h[i].key.data, h[i].key.len,
                                              prefixes))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_edge_headers_strip_part(const ngx_list_part_t *part,
    const ngx_str_t *prefixes, ngx_http_edge_headers_kept_t *kept)
{
    ngx_uint_t        i, start;
    ngx_table_elt_t  *h;

    h = part->elts;
    start = 0;

    for (i = 0; i < part->nelts; i++) {

        if (!ngx_http_edge_header_prefixed(h[i].key.data, h[i].key.len,
                                           prefixes))
        {
            continue;
        }

        if (ngx_http_edge_headers_keep(kept, &h[start], i - start)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        start = i + 1;
        kept->taken++;
    }

    return ngx_http_edge_headers_keep(kept, &h[start], i - start);
}


/* Appends a run of fields, which may be empty, as a part. */

static ngx_int_t
ngx_http_edge_headers_keep(ngx_http_edge_headers_kept_t *kept,
    ngx_table_elt_t *elts, ngx_uint_t n)
{
    ngx_list_part_t  *part;

    if (n == 0) {
        return NGX_OK;
    }

    if (kept->last == NULL) {
        part = kept->first;

    } else {
        part = ngx_palloc(kept->pool, sizeof(ngx_list_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        kept->last->next = part;
    }

    part->elts = elts;
    part->nelts = n;
    part->next = NULL;

    kept->last = part;

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_header_add(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* newer nginx has a field more in it, which must be NULL */

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


ngx_int_t
ngx_http_edge_header_set(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t                *h;
    ngx_http_edge_header_search_t   search;

    ngx_http_edge_header_search(&search, &r->headers_out.headers, name);

    while ((h = ngx_http_edge_header_next(&search)) != NULL) {
        h->hash = 0;
    }

    return ngx_http_edge_header_add(r, name, value);
}


void
ngx_http_edge_content_type(ngx_http_request_t *r, const char *type)
{
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);
}
