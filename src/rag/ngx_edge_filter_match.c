
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a filter does: decides on a passage, is written for Qdrant, is copied.
 * How a client writes it is known by the other half of the unit.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_filter.h"
#include "rag/ngx_edge_time.h"


static const ngx_str_t *ngx_edge_filter_field(
    const ngx_edge_passage_t *passage, ngx_edge_filter_key_e key);
static ngx_uint_t ngx_edge_filter_is_any(const ngx_edge_filter_cond_t *cond,
    const ngx_str_t *field);
static ngx_uint_t ngx_edge_filter_in_range(const ngx_edge_filter_cond_t *cond,
    const ngx_str_t *field);
static void ngx_edge_filter_render_any(const ngx_edge_filter_cond_t *cond,
    ngx_edge_buf_t *b);
static void ngx_edge_filter_render_range(const ngx_edge_filter_cond_t *cond,
    ngx_edge_buf_t *b);


const char *const  ngx_edge_filter_keys[] = {
    "doc_id", "title", "source_uri", "updated_at", NULL
};

const char *const  ngx_edge_filter_bounds[] = {
    "gt", "gte", "lt", "lte", NULL
};


ngx_uint_t
ngx_edge_filter_match(const ngx_edge_filter_t *filter,
    const ngx_edge_passage_t *passage)
{
    ngx_uint_t                     i, yes;
    const ngx_str_t               *field;
    const ngx_edge_filter_cond_t  *cond;

    for (i = 0; i < filter->n; i++) {
        cond = &filter->conds[i];
        field = ngx_edge_filter_field(passage, cond->key);

        yes = (cond->op == ngx_edge_filter_any)
              ? ngx_edge_filter_is_any(cond, field)
              : ngx_edge_filter_in_range(cond, field);

        if (yes == cond->negate) {
            return 0;
        }
    }

    return 1;
}


static const ngx_str_t *
ngx_edge_filter_field(const ngx_edge_passage_t *passage,
    ngx_edge_filter_key_e key)
{
    switch (key) {

    case ngx_edge_filter_doc_id:
        return &passage->doc_id;

    case ngx_edge_filter_title:
        return &passage->title;

    case ngx_edge_filter_source_uri:
        return &passage->source_uri;

    case ngx_edge_filter_updated_at:
        break;
    }

    return &passage->updated_at;
}


static ngx_uint_t
ngx_edge_filter_is_any(const ngx_edge_filter_cond_t *cond,
    const ngx_str_t *field)
{
    ngx_uint_t  i;

    if (field->len == 0) {
        return 0;
    }

    for (i = 0; i < cond->nvalues; i++) {
        if (cond->values[i].len == field->len
            && ngx_memcmp(cond->values[i].data, field->data, field->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_edge_filter_in_range(const ngx_edge_filter_cond_t *cond,
    const ngx_str_t *field)
{
    ngx_int_t        cmp;
    ngx_uint_t       i, yes;
    ngx_edge_time_t  t, bound;

    if (ngx_edge_time_parse(field, &t) != NGX_OK) {
        return 0;
    }

    for (i = 0; i < cond->nvalues; i++) {

        if (cond->values[i].len == 0) {
            continue;
        }

        if (ngx_edge_time_parse(&cond->values[i], &bound) != NGX_OK) {
            return 0;
        }

        cmp = ngx_edge_time_cmp(&t, &bound);

        switch (i) {

        case 0:
            yes = (cmp > 0);
            break;

        case 1:
            yes = (cmp >= 0);
            break;

        case 2:
            yes = (cmp < 0);
            break;

        default:
            yes = (cmp <= 0);
        }

        if (!yes) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_edge_filter_render(const ngx_edge_filter_t *filter, ngx_uint_t negate,
    ngx_uint_t first, ngx_edge_buf_t *b)
{
    ngx_uint_t                     i, n;
    const char                    *key;
    const ngx_edge_filter_cond_t  *cond;

    n = 0;

    for (i = 0; i < filter->n; i++) {
        cond = &filter->conds[i];

        if (cond->negate != negate) {
            continue;
        }

        if (!first || n) {
            ngx_edge_buf_byte(b, ',');
        }

        key = ngx_edge_filter_keys[cond->key];

        ngx_edge_buf_lit(b, "{\"key\":\"");
        ngx_edge_buf_add(b, (u_char *) key, ngx_strlen(key));
        ngx_edge_buf_byte(b, '"');

        if (cond->op == ngx_edge_filter_any) {
            ngx_edge_filter_render_any(cond, b);

        } else {
            ngx_edge_filter_render_range(cond, b);
        }

        n++;
    }

    return n;
}


static void
ngx_edge_filter_render_any(const ngx_edge_filter_cond_t *cond,
    ngx_edge_buf_t *b)
{
    ngx_uint_t  i;

    ngx_edge_buf_lit(b, ",\"match\":{\"any\":[");

    for (i = 0; i < cond->nvalues; i++) {
        if (i) {
            ngx_edge_buf_byte(b, ',');
        }

        ngx_edge_buf_json(b, cond->values[i].data, cond->values[i].len);
    }

    ngx_edge_buf_lit(b, "]}}");
}


static void
ngx_edge_filter_render_range(const ngx_edge_filter_cond_t *cond,
    ngx_edge_buf_t *b)
{
    ngx_uint_t   i, n;
    const char  *bound;

    n = 0;

    ngx_edge_buf_lit(b, ",\"range\":{");

    for (i = 0; i < cond->nvalues; i++) {

        if (cond->values[i].len == 0) {
            continue;
        }

        if (n++) {
            ngx_edge_buf_byte(b, ',');
        }

        bound = ngx_edge_filter_bounds[i];

        ngx_edge_buf_byte(b, '"');
        ngx_edge_buf_add(b, (u_char *) bound, ngx_strlen(bound));
        ngx_edge_buf_lit(b, "\":");
        ngx_edge_buf_json(b, cond->values[i].data, cond->values[i].len);
    }

    ngx_edge_buf_lit(b, "}}");
}


ngx_int_t
ngx_edge_filter_copy(ngx_pool_t *pool, const ngx_edge_filter_t *from,
    ngx_edge_filter_t *to)
{
    ngx_str_t               *value;
    ngx_uint_t               i, j;
    ngx_edge_filter_cond_t  *cond;

    to->n = from->n;

    to->conds = ngx_palloc(pool, from->n * sizeof(ngx_edge_filter_cond_t));
    if (to->conds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < from->n; i++) {
        cond = &to->conds[i];
        *cond = from->conds[i];

        cond->values = ngx_palloc(pool, cond->nvalues * sizeof(ngx_str_t));
        if (cond->values == NULL) {
            return NGX_ERROR;
        }

        for (j = 0; j < cond->nvalues; j++) {
            value = &from->conds[i].values[j];
            cond->values[j].len = value->len;

            cond->values[j].data = ngx_pstrdup(pool, value);
            if (cond->values[j].data == NULL) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
