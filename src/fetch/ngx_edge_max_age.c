
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Freshness of a response.  Knows two fields and nothing of where they come
 * from.
 */


#include "fetch/ngx_edge_max_age.h"


/* RFC 9111 section 1.2.2: what is more counts as this. */
#define NGX_EDGE_MAX_AGE  2147483648LL


static u_char *ngx_edge_max_age_directive(u_char *p, u_char *last,
    ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_edge_max_age_is(const ngx_str_t *name,
    const char *directive, size_t len);
static void ngx_edge_max_age_trim(ngx_str_t *s);
static time_t ngx_edge_max_age_seconds(const ngx_str_t *s);


void
ngx_edge_max_age_control(time_t *max_age, const ngx_str_t *field)
{
    time_t      age;
    u_char     *p, *last;
    ngx_str_t   name, value;

    p = field->data;
    last = p + field->len;

    while (p < last) {

        p = ngx_edge_max_age_directive(p, last, &name, &value);

        if (ngx_edge_max_age_is(&name, "max-age", sizeof("max-age") - 1)) {

            age = ngx_edge_max_age_seconds(&value);

            if (age == NGX_ERROR) {
                age = 0;
            }

        } else if (ngx_edge_max_age_is(&name, "no-store",
                                       sizeof("no-store") - 1)
                   || ngx_edge_max_age_is(&name, "no-cache",
                                          sizeof("no-cache") - 1))
        {
            age = 0;

        } else {
            continue;
        }

        if (*max_age == -1 || age < *max_age) {
            *max_age = age;
        }
    }
}


void
ngx_edge_max_age_aged(time_t *max_age, const ngx_str_t *field)
{
    time_t     age;
    ngx_str_t  value;

    value = *field;
    ngx_edge_max_age_trim(&value);

    age = ngx_edge_max_age_seconds(&value);

    if (age == NGX_ERROR || *max_age == -1) {
        return;
    }

    *max_age = (age < *max_age) ? *max_age - age : 0;
}


/* Splits the directive at p, "name" or "name=value", and gives the place
 * behind its comma; a comma within quotes is none. */

static u_char *
ngx_edge_max_age_directive(u_char *p, u_char *last, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char      *start, *equals;
    ngx_uint_t   quoted;

    start = p;
    equals = NULL;
    quoted = 0;

    for ( /* void */ ; p < last && (quoted || *p != ','); p++) {

        if (quoted && *p == '\\' && last - p > 1) {
            p++;

        } else if (*p == '"') {
            quoted = !quoted;

        } else if (*p == '=' && equals == NULL) {
            equals = p;
        }
    }

    name->data = start;
    name->len = (equals ? equals : p) - start;
    ngx_edge_max_age_trim(name);

    value->data = equals ? equals + 1 : p;
    value->len = p - value->data;
    ngx_edge_max_age_trim(value);

    /* tokens may be quoted: RFC 9111 section 5.2 */

    if (value->len > 1 && value->data[0] == '"'
        && value->data[value->len - 1] == '"')
    {
        value->data++;
        value->len -= 2;
    }

    return (p < last) ? p + 1 : p;
}


static ngx_uint_t
ngx_edge_max_age_is(const ngx_str_t *name, const char *directive, size_t len)
{
    return name->len == len
           && ngx_strncasecmp(name->data, (u_char *) directive, len) == 0;
}


static void
ngx_edge_max_age_trim(ngx_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t')) {
        s->data++;
        s->len--;
    }

    while (s->len
           && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'))
    {
        s->len--;
    }
}


static time_t
ngx_edge_max_age_seconds(const ngx_str_t *s)
{
    int64_t  n;
    size_t   i;

    if (s->len == 0) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] < '0' || s->data[i] > '9') {
            return NGX_ERROR;
        }

        n = ngx_min(n * 10 + (s->data[i] - '0'), NGX_EDGE_MAX_AGE);
    }

    return (time_t) n;
}
