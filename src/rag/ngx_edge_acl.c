
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Permission sets: see the header.
 */


#include "lib/ngx_edge_scan.h"
#include "rag/ngx_edge_acl.h"


static int ngx_libc_cdecl ngx_edge_acl_cmp(const void *one, const void *two);
static ngx_int_t ngx_edge_acl_word(const ngx_edge_acl_t *acl,
    ngx_pool_t *pool, ngx_edge_scan_t *s);


ngx_int_t
ngx_edge_acl_init(ngx_edge_acl_t *acl, ngx_str_t *words, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (words[i].len > NGX_EDGE_ACL_WORD) {
            return NGX_DECLINED;
        }
    }

    acl->words = words;
    acl->n = 0;

    if (n > 1) {
        ngx_qsort(words, n, sizeof(ngx_str_t), ngx_edge_acl_cmp);
    }

    for (i = 0; i < n; i++) {
        if (acl->n && ngx_edge_acl_cmp(&words[acl->n - 1], &words[i]) == 0) {
            continue;
        }

        words[acl->n++] = words[i];
    }

    return (acl->n > NGX_EDGE_ACL_WORDS) ? NGX_DECLINED : NGX_OK;
}


static int ngx_libc_cdecl
ngx_edge_acl_cmp(const void *one, const void *two)
{
    int               rc;
    size_t            len;
    const ngx_str_t  *a = one, *b = two;

    len = ngx_min(a->len, b->len);
    rc = len ? ngx_memcmp(a->data, b->data, len) : 0;

    return rc ? rc : (a->len > b->len) - (a->len < b->len);
}


void
ngx_edge_acl_render(const ngx_edge_acl_t *acl, ngx_edge_buf_t *b)
{
    ngx_uint_t  i;

    ngx_edge_buf_lit(b, "{\"should\":[{\"is_empty\":{\"key\":\"acl\"}}");

    for (i = 0; i < acl->n; i++) {

        if (i) {
            ngx_edge_buf_byte(b, ',');

        } else {
            ngx_edge_buf_lit(b, ",{\"key\":\"acl\",\"match\":{\"any\":[");
        }

        ngx_edge_buf_json(b, acl->words[i].data, acl->words[i].len);
    }

    if (acl->n) {
        ngx_edge_buf_lit(b, "]}}");
    }

    ngx_edge_buf_lit(b, "]}");
}


/* Each word behind its length: "a b" is not "a" and "b". */

void
ngx_edge_acl_text(const ngx_edge_acl_t *acl, ngx_edge_buf_t *b)
{
    ngx_uint_t  i;

    ngx_edge_buf_int(b, acl->n);

    for (i = 0; i < acl->n; i++) {
        ngx_edge_buf_byte(b, ' ');
        ngx_edge_buf_int(b, acl->words[i].len);
        ngx_edge_buf_byte(b, ':');
        ngx_edge_buf_str(b, &acl->words[i]);
    }
}


ngx_int_t
ngx_edge_acl_match(const ngx_edge_acl_t *acl, ngx_pool_t *pool,
    const ngx_str_t *json)
{
    ngx_int_t              rc, found;
    ngx_uint_t             n;
    ngx_edge_scan_t        s;
    ngx_edge_scan_type_e   type;

    if (json->len == 0) {
        return NGX_OK;
    }

    ngx_edge_scan_init(&s, json->data, json->len);

    type = ngx_edge_scan_type(&s);

    if (type == ngx_edge_scan_type_null) {
        (void) ngx_edge_scan_skip(&s);
        return ngx_edge_scan_end(&s) == NGX_OK ? NGX_OK : NGX_DECLINED;
    }

    if (type == ngx_edge_scan_type_string) {
        rc = ngx_edge_acl_word(acl, pool, &s);

        return (rc == NGX_OK && ngx_edge_scan_end(&s) != NGX_OK)
               ? NGX_DECLINED : rc;
    }

    if (ngx_edge_scan_array(&s) != NGX_OK) {
        return NGX_DECLINED;
    }

    found = NGX_DECLINED;

    for (n = 0; ngx_edge_scan_element(&s) == NGX_OK; n++) {
        rc = ngx_edge_acl_word(acl, pool, &s);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            found = NGX_OK;
        }
    }

    if (ngx_edge_scan_end(&s) != NGX_OK) {
        return NGX_DECLINED;
    }

    return n ? found : NGX_OK;
}


/* Whether the set has the string that comes next. */

static ngx_int_t
ngx_edge_acl_word(const ngx_edge_acl_t *acl, ngx_pool_t *pool,
    ngx_edge_scan_t *s)
{
    ngx_str_t   word;
    ngx_uint_t  i;

    if (ngx_edge_scan_string_or_skip(s, &word) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_edge_scan_decode(pool, &word, &word) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < acl->n; i++) {
        if (ngx_edge_acl_cmp(&acl->words[i], &word) == 0) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_edge_acl_t *
ngx_edge_acl_copy(ngx_pool_t *pool, const ngx_edge_acl_t *acl)
{
    size_t           len;
    u_char          *p;
    ngx_uint_t       i;
    ngx_edge_acl_t  *copy;

    len = 0;

    for (i = 0; i < acl->n; i++) {
        len += acl->words[i].len;
    }

    copy = ngx_palloc(pool, sizeof(ngx_edge_acl_t)
                            + acl->n * sizeof(ngx_str_t) + len);
    if (copy == NULL) {
        return NULL;
    }

    copy->words = (ngx_str_t *) (copy + 1);
    copy->n = acl->n;

    p = (u_char *) (copy->words + acl->n);

    for (i = 0; i < acl->n; i++) {
        copy->words[i].data = p;
        copy->words[i].len = acl->words[i].len;
        p = ngx_cpymem(p, acl->words[i].data, acl->words[i].len);
    }

    return copy;
}
