
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads a client's filter and refuses everything it does not know, with the
 * place of the fault.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_filter.h"
#include "rag/ngx_edge_time.h"


#define NGX_EDGE_FILTER_CONDS   16
#define NGX_EDGE_FILTER_VALUES  64
#define NGX_EDGE_FILTER_LENGTH  512
#define NGX_EDGE_FILTER_BOUNDS  4


typedef struct {
    ngx_pool_t             *pool;
    ngx_edge_filter_t      *filter;
    ngx_edge_json_error_t  *error;
} ngx_edge_filter_read_t;


static ngx_int_t ngx_edge_filter_list(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base, ngx_uint_t negate);
static ngx_int_t ngx_edge_filter_cond(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base, ngx_uint_t negate);
static ngx_int_t ngx_edge_filter_key(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_key_e *key);
static ngx_int_t ngx_edge_filter_any_of(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_cond_t *cond);
static ngx_int_t ngx_edge_filter_values(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *one, const ngx_edge_json_t *any,
    const ngx_str_t *base, ngx_edge_filter_cond_t *cond);
static ngx_int_t ngx_edge_filter_range_of(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_cond_t *cond);
static ngx_int_t ngx_edge_filter_text(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base, ngx_str_t *text);
static ngx_int_t ngx_edge_filter_only(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *object, const ngx_str_t *base,
    const char *const *names, const char *detail);
static ngx_uint_t ngx_edge_filter_index(const char *const *names,
    const ngx_str_t *name);
static ngx_int_t ngx_edge_filter_fault(ngx_edge_filter_read_t *f,
    const ngx_str_t *base, const char *name, const char *detail);
static ngx_int_t ngx_edge_filter_fault_at(ngx_edge_filter_read_t *f,
    const ngx_str_t *base, const ngx_str_t *name, const char *detail);
static ngx_int_t ngx_edge_filter_below(ngx_edge_filter_read_t *f,
    const ngx_str_t *base, const char *name, ngx_str_t *pointer);
static ngx_int_t ngx_edge_filter_element(ngx_edge_filter_read_t *f,
    const ngx_str_t *base, ngx_uint_t i, ngx_str_t *pointer);


static const char *const  ngx_edge_filter_members[] = {
    "must", "must_not", NULL
};

static const char *const  ngx_edge_filter_match_members[] = {
    "key", "match", NULL
};

static const char *const  ngx_edge_filter_range_members[] = {
    "key", "range", NULL
};

static const char *const  ngx_edge_filter_match_kinds[] = {
    "value", "any", NULL
};


ngx_int_t
ngx_edge_filter_parse(ngx_pool_t *pool, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_edge_filter_t *filter,
    ngx_edge_json_error_t *error)
{
    ngx_int_t               rc;
    ngx_str_t               pointer;
    ngx_uint_t              i;
    ngx_edge_json_t        *list;
    ngx_edge_filter_read_t  f;

    f.pool = pool;
    f.filter = filter;
    f.error = error;

    filter->n = 0;

    filter->conds = ngx_palloc(pool, NGX_EDGE_FILTER_CONDS
                                     * sizeof(ngx_edge_filter_cond_t));
    if (filter->conds == NULL) {
        return NGX_ERROR;
    }

    if (ngx_edge_json_type(value) != ngx_edge_json_type_object) {
        return ngx_edge_filter_fault(&f, base, NULL, "must be an object");
    }

    rc = ngx_edge_filter_only(&f, value, base, ngx_edge_filter_members,
                              "unknown member, must be \"must\" or "
                              "\"must_not\"");

    for (i = 0; rc == NGX_OK && ngx_edge_filter_members[i]; i++) {
        list = ngx_edge_json_get(value, ngx_edge_filter_members[i]);

        if (list) {
            rc = ngx_edge_filter_below(&f, base, ngx_edge_filter_members[i],
                                       &pointer);
            if (rc == NGX_OK) {
                rc = ngx_edge_filter_list(&f, list, &pointer, i);
            }
        }
    }

    return rc;
}


static ngx_int_t
ngx_edge_filter_list(ngx_edge_filter_read_t *f, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_uint_t negate)
{
    ngx_int_t   rc;
    ngx_str_t   pointer;
    ngx_uint_t  i, n;

    if (ngx_edge_json_type(value) != ngx_edge_json_type_array) {
        return ngx_edge_filter_fault(f, base, NULL, "must be an array");
    }

    n = ngx_edge_json_size(value);

    for (i = 0; i < n; i++) {

        if (ngx_edge_filter_element(f, base, i, &pointer) != NGX_OK) {
            return NGX_ERROR;
        }

        if (f->filter->n == NGX_EDGE_FILTER_CONDS) {
            return ngx_edge_filter_fault(f, &pointer, NULL,
                                         "more than 16 conditions");
        }

        rc = ngx_edge_filter_cond(f, ngx_edge_json_at(value, i), &pointer,
                                  negate);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_filter_cond(ngx_edge_filter_read_t *f, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_uint_t negate)
{
    ngx_int_t                rc;
    ngx_str_t                pointer;
    ngx_uint_t               range;
    const char              *name;
    ngx_edge_json_t         *member;
    ngx_edge_filter_cond_t  *cond;

    if (ngx_edge_json_type(value) != ngx_edge_json_type_object) {
        return ngx_edge_filter_fault(f, base, NULL, "must be an object");
    }

    cond = &f->filter->conds[f->filter->n];

    rc = ngx_edge_filter_key(f, ngx_edge_json_get(value, "key"), base,
                             &cond->key);
    if (rc != NGX_OK) {
        return rc;
    }

    range = (cond->key == ngx_edge_filter_updated_at);
    name = range ? "range" : "match";

    rc = ngx_edge_filter_only(f, value, base,
                              range ? ngx_edge_filter_range_members
                                    : ngx_edge_filter_match_members,
                              range ? "unknown member, a time has a \"range\""
                                    : "unknown member, a text has a "
                                      "\"match\"");
    if (rc != NGX_OK) {
        return rc;
    }

    member = ngx_edge_json_get(value, name);

    if (ngx_edge_filter_below(f, base, name, &pointer) != NGX_OK) {
        return NGX_ERROR;
    }

    if (member == NULL) {
        return ngx_edge_filter_fault(f, &pointer, NULL, "is missing");
    }

    if (ngx_edge_json_type(member) != ngx_edge_json_type_object) {
        return ngx_edge_filter_fault(f, &pointer, NULL, "must be an object");
    }

    cond->op = range ? ngx_edge_filter_range : ngx_edge_filter_any;
    cond->negate = negate ? 1 : 0;

    rc = range ? ngx_edge_filter_range_of(f, member, &pointer, cond)
               : ngx_edge_filter_any_of(f, member, &pointer, cond);

    if (rc == NGX_OK) {
        f->filter->n++;
    }

    return rc;
}


static ngx_int_t
ngx_edge_filter_key(ngx_edge_filter_read_t *f, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_edge_filter_key_e *key)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    if (value == NULL) {
        return ngx_edge_filter_fault(f, base, "key", "is missing");
    }

    if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
        return ngx_edge_filter_fault(f, base, "key", "must be a string");
    }

    ngx_edge_json_string(value, &name);
    i = ngx_edge_filter_index(ngx_edge_filter_keys, &name);

    if (ngx_edge_filter_keys[i] == NULL) {
        return ngx_edge_filter_fault(f, base, "key",
                                     "must be doc_id, title, source_uri or "
                                     "updated_at");
    }

    *key = (ngx_edge_filter_key_e) i;

    return NGX_OK;
}


/* {"value": text} or {"any": [text, ...]} */

static ngx_int_t
ngx_edge_filter_any_of(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_cond_t *cond)
{
    ngx_int_t         rc;
    ngx_str_t         pointer;
    ngx_edge_json_t  *one, *any;

    rc = ngx_edge_filter_only(f, value, base, ngx_edge_filter_match_kinds,
                              "unknown member, must be \"value\" or \"any\"");
    if (rc != NGX_OK) {
        return rc;
    }

    one = ngx_edge_json_get(value, "value");
    any = ngx_edge_json_get(value, "any");

    if ((one == NULL) == (any == NULL)) {
        return ngx_edge_filter_fault(f, base, NULL,
                                     "must have one of \"value\" and "
                                     "\"any\"");
    }

    if (ngx_edge_filter_below(f, base, one ? "value" : "any", &pointer)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (any && ngx_edge_json_type(any) != ngx_edge_json_type_array) {
        return ngx_edge_filter_fault(f, &pointer, NULL, "must be an array");
    }

    return ngx_edge_filter_values(f, one, any, &pointer, cond);
}


/* The one value, or those of the array. */

static ngx_int_t
ngx_edge_filter_values(ngx_edge_filter_read_t *f, const ngx_edge_json_t *one,
    const ngx_edge_json_t *any, const ngx_str_t *base,
    ngx_edge_filter_cond_t *cond)
{
    ngx_int_t   rc;
    ngx_str_t   pointer;
    ngx_uint_t  i, n;

    n = any ? ngx_edge_json_size(any) : 1;

    if (n == 0 || n > NGX_EDGE_FILTER_VALUES) {
        return ngx_edge_filter_fault(f, base, NULL,
                                     "must have 1 to 64 values");
    }

    cond->nvalues = n;

    cond->values = ngx_palloc(f->pool, n * sizeof(ngx_str_t));
    if (cond->values == NULL) {
        return NGX_ERROR;
    }

    if (one) {
        return ngx_edge_filter_text(f, one, base, &cond->values[0]);
    }

    for (i = 0; i < n; i++) {

        if (ngx_edge_filter_element(f, base, i, &pointer) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_edge_filter_text(f, ngx_edge_json_at(any, i), &pointer,
                                  &cond->values[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* {"gt"|"gte"|"lt"|"lte": time, ...} */

static ngx_int_t
ngx_edge_filter_range_of(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *value, const ngx_str_t *base,
    ngx_edge_filter_cond_t *cond)
{
    ngx_int_t         rc;
    ngx_str_t         pointer;
    ngx_uint_t        i;
    ngx_edge_time_t   t;
    ngx_edge_json_t  *bound;

    rc = ngx_edge_filter_only(f, value, base, ngx_edge_filter_bounds,
                              "unknown member, must be gt, gte, lt or lte");
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_edge_json_size(value) == 0) {
        return ngx_edge_filter_fault(f, base, NULL, "must have a bound");
    }

    cond->nvalues = NGX_EDGE_FILTER_BOUNDS;

    cond->values = ngx_pcalloc(f->pool,
                               NGX_EDGE_FILTER_BOUNDS * sizeof(ngx_str_t));
    if (cond->values == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_EDGE_FILTER_BOUNDS; i++) {
        bound = ngx_edge_json_get(value, ngx_edge_filter_bounds[i]);

        if (bound == NULL) {
            continue;
        }

        rc = ngx_edge_filter_below(f, base, ngx_edge_filter_bounds[i],
                                   &pointer);
        if (rc == NGX_OK) {
            rc = ngx_edge_filter_text(f, bound, &pointer, &cond->values[i]);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_edge_time_parse(&cond->values[i], &t) != NGX_OK) {
            return ngx_edge_filter_fault(f, &pointer, NULL,
                                         "must be an RFC 3339 time");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_edge_filter_text(ngx_edge_filter_read_t *f, const ngx_edge_json_t *value,
    const ngx_str_t *base, ngx_str_t *text)
{
    ngx_str_t  s;

    if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
        return ngx_edge_filter_fault(f, base, NULL, "must be a string");
    }

    ngx_edge_json_string(value, &s);

    if (s.len == 0 || s.len > NGX_EDGE_FILTER_LENGTH) {
        return ngx_edge_filter_fault(f, base, NULL,
                                     "must have 1 to 512 bytes");
    }

    text->len = s.len;
    text->data = ngx_pstrdup(f->pool, &s);

    return text->data ? NGX_OK : NGX_ERROR;
}


/* Refuses members that are not among the names. */

static ngx_int_t
ngx_edge_filter_only(ngx_edge_filter_read_t *f,
    const ngx_edge_json_t *object, const ngx_str_t *base,
    const char *const *names, const char *detail)
{
    void             *iter;
    ngx_str_t         name;
    ngx_edge_json_t  *value;

    iter = NULL;

    while (ngx_edge_json_member(object, &iter, &name, &value)) {
        if (names[ngx_edge_filter_index(names, &name)] == NULL) {
            return ngx_edge_filter_fault_at(f, base, &name, detail);
        }
    }

    return NGX_OK;
}


/* The place of a name, that of the NULL at the end if it is not there. */

static ngx_uint_t
ngx_edge_filter_index(const char *const *names, const ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; names[i]; i++) {
        if (ngx_strlen(names[i]) == name->len
            && ngx_memcmp(names[i], name->data, name->len) == 0)
        {
            break;
        }
    }

    return i;
}


/* Notes a fault at base, or at its member name. */

static ngx_int_t
ngx_edge_filter_fault(ngx_edge_filter_read_t *f, const ngx_str_t *base,
    const char *name, const char *detail)
{
    ngx_str_t  s;

    if (name == NULL) {
        f->error->detail = detail;
        f->error->pointer = *base;
        return NGX_DECLINED;
    }

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    return ngx_edge_filter_fault_at(f, base, &s, detail);
}


static ngx_int_t
ngx_edge_filter_fault_at(ngx_edge_filter_read_t *f, const ngx_str_t *base,
    const ngx_str_t *name, const char *detail)
{
    f->error->detail = detail;

    if (ngx_edge_json_pointer(f->pool, base, name, &f->error->pointer)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_edge_filter_below(ngx_edge_filter_read_t *f, const ngx_str_t *base,
    const char *name, ngx_str_t *pointer)
{
    ngx_str_t  s;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    return ngx_edge_json_pointer(f->pool, base, &s, pointer);
}


static ngx_int_t
ngx_edge_filter_element(ngx_edge_filter_read_t *f, const ngx_str_t *base,
    ngx_uint_t i, ngx_str_t *pointer)
{
    u_char     buf[NGX_INT_T_LEN];
    ngx_str_t  s;

    s.data = buf;
    s.len = ngx_sprintf(buf, "%ui", i) - buf;

    return ngx_edge_json_pointer(f->pool, base, &s, pointer);
}
