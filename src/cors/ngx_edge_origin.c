
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What browsers send about themselves.  Knows the forms of RFC 6454 and of
 * field names, no request and no directive.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "cors/ngx_edge_origin.h"


static size_t ngx_edge_origin_scheme(const ngx_str_t *origin);
static const char *ngx_edge_origin_host(const u_char *p, const u_char *last);
static const char *ngx_edge_origin_literal(const u_char *p,
    const u_char *last);
static const char *ngx_edge_origin_port(const ngx_str_t *scheme,
    const u_char *p, const u_char *last);
static ngx_uint_t ngx_edge_origin_element(const u_char **pos,
    const u_char *last, ngx_str_t *element);
static ngx_uint_t ngx_edge_origin_tchar(u_char c);


const char *
ngx_edge_origin_check(ngx_str_t *origin)
{
    u_char      *p, *last, *host;
    ngx_str_t    scheme;
    const char  *wrong;

    if (origin->len == 4 && ngx_strncmp(origin->data, "null", 4) == 0) {
        return NULL;
    }

    ngx_strlow(origin->data, origin->data, origin->len);

    scheme.data = origin->data;
    scheme.len = ngx_edge_origin_scheme(origin);

    if (scheme.len == 0) {
        return "it must be scheme://host or scheme://host:port";
    }

    host = origin->data + scheme.len + 3;
    last = origin->data + origin->len;

    for (p = host; p < last; p++) {
        if (*p == '/' || *p == '?' || *p == '#') {
            return "an origin has no path";
        }
    }

    if (host < last && *host == '[') {
        p = ngx_strlchr(host, last, ']');

        if (p == NULL) {
            return "its host is not valid";
        }

        p++;
        wrong = ngx_edge_origin_literal(host, p);

    } else {
        p = ngx_strlchr(host, last, ':');

        if (p == NULL) {
            p = last;
        }

        wrong = ngx_edge_origin_host(host, p);
    }

    if (wrong || p == last) {
        return wrong;
    }

    return ngx_edge_origin_port(&scheme, p, last);
}


/* The length of what stands before "://"; 0 if that is no scheme. */

static size_t
ngx_edge_origin_scheme(const ngx_str_t *origin)
{
    u_char  c;
    size_t  i;

    for (i = 0; i + 3 <= origin->len; i++) {
        c = origin->data[i];

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        if (i && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))
        {
            continue;
        }

        return ngx_strncmp(&origin->data[i], "://", 3) == 0 ? i : 0;
    }

    return 0;
}


static const char *
ngx_edge_origin_host(const u_char *p, const u_char *last)
{
    u_char  c, prev;

    if (p == last) {
        return "it has no host";
    }

    /* as if a dot stood before: the first label must not be empty either */

    for (prev = '.'; p < last; prev = c, p++) {
        c = *p;

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
            || c == '-' || c == '_')
        {
            continue;
        }

        if (c == '.' && prev != '.') {
            continue;
        }

        if (c == '*') {
            return "origins are exact, without wildcards";
        }

        return "its host is not valid";
    }

    return NULL;
}


static const char *
ngx_edge_origin_literal(const u_char *p, const u_char *last)
{
#if (NGX_HAVE_INET6)
    u_char  addr[16];

    if (ngx_inet6_addr((u_char *) p + 1, last - p - 2, addr) == NGX_OK) {
        return NULL;
    }
#endif

    return "its host is not valid";
}


/* p is where the host ends. */

static const char *
ngx_edge_origin_port(const ngx_str_t *scheme, const u_char *p,
    const u_char *last)
{
    ngx_int_t  port;

    port = NGX_ERROR;

    if (*p == ':' && last - p > 1 && last - p <= 6 && p[1] != '0') {
        port = ngx_atoi((u_char *) p + 1, last - p - 1);
    }

    if (port == NGX_ERROR || port > 65535) {
        return "its port is not valid";
    }

    if ((port == 80 && scheme->len == 4
         && ngx_strncmp(scheme->data, "http", 4) == 0)
        || (port == 443 && scheme->len == 5
            && ngx_strncmp(scheme->data, "https", 5) == 0))
    {
        return "browsers leave out the port that is the scheme's own";
    }

    return NULL;
}


ngx_uint_t
ngx_edge_origin_tokens(const ngx_str_t *s)
{
    size_t         i;
    ngx_str_t      element;
    const u_char  *p, *last;

    p = s->data;
    last = s->data + s->len;

    while (ngx_edge_origin_element(&p, last, &element)) {

        if (element.len == 0) {
            return 0;
        }

        for (i = 0; i < element.len; i++) {
            if (!ngx_edge_origin_tchar(element.data[i])) {
                return 0;
            }
        }
    }

    return 1;
}


ngx_uint_t
ngx_edge_origin_listed(const ngx_str_t *s, const ngx_str_t *name)
{
    ngx_str_t      element;
    const u_char  *p, *last;

    p = s->data;
    last = s->data + s->len;

    while (ngx_edge_origin_element(&p, last, &element)) {

        if (element.len == name->len
            && ngx_strncasecmp(element.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* The element at *pos without the blanks around it, and moves *pos behind its
 * comma, at the end to NULL; 0: there was none left. */

static ngx_uint_t
ngx_edge_origin_element(const u_char **pos, const u_char *last,
    ngx_str_t *element)
{
    const u_char  *p, *end;

    p = *pos;

    if (p == NULL) {
        return 0;
    }

    for (end = p; end < last && *end != ','; end++) { /* void */ }

    *pos = (end < last) ? end + 1 : NULL;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (p < end && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    element->data = (u_char *) p;
    element->len = end - p;

    return 1;
}


static ngx_uint_t
ngx_edge_origin_tchar(u_char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9'))
    {
        return 1;
    }

    return c && ngx_strchr("!#$%&'*+-.^_`|~", c) != NULL;
}
