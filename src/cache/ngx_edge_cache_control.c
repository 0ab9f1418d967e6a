
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Cache-Control, read leniently where that can only shorten the life of an
 * entry, and the judgements of RFC 9111.  There is no heuristic freshness: a
 * response lives as long as it says, or as the operator says.
 */


#include "cache/ngx_edge_cache_control.h"


static void ngx_edge_cache_control_directive(ngx_edge_cache_control_t *cc,
    const ngx_str_t *element);
static ngx_uint_t ngx_edge_cache_control_is(const ngx_str_t *name,
    const char *word);
static void ngx_edge_cache_control_shorter(time_t *seconds,
    const ngx_str_t *argument);
static const char *ngx_edge_cache_control_refusal(
    const ngx_edge_cache_facts_t *facts);
static ngx_uint_t ngx_edge_cache_control_understood(ngx_uint_t status);


void
ngx_edge_cache_control_init(ngx_edge_cache_control_t *cc)
{
    ngx_memzero(cc, sizeof(ngx_edge_cache_control_t));

    cc->max_age = -1;
    cc->s_maxage = -1;
    cc->min_fresh = -1;
}


void
ngx_edge_cache_control_parse(ngx_edge_cache_control_t *cc,
    const ngx_str_t *value)
{
    ngx_str_t  rest, element;

    rest = *value;

    while (ngx_edge_cache_list_next(&rest, &element)) {
        ngx_edge_cache_control_directive(cc, &element);
    }
}


static void
ngx_edge_cache_control_directive(ngx_edge_cache_control_t *cc,
    const ngx_str_t *element)
{
    u_char     *p;
    ngx_str_t   name, argument;

    name = *element;
    ngx_str_null(&argument);

    p = ngx_strlchr(element->data, element->data + element->len, '=');

    if (p) {
        name.len = p - element->data;
        argument.data = p + 1;
        argument.len = element->data + element->len - argument.data;

        if (argument.len >= 2 && argument.data[0] == '"'
            && argument.data[argument.len - 1] == '"')
        {
            argument.data++;
            argument.len -= 2;
        }
    }

    if (ngx_edge_cache_control_is(&name, "no-store")) {
        cc->no_store = 1;

    } else if (ngx_edge_cache_control_is(&name, "no-cache")) {
        cc->no_cache = 1;

    } else if (ngx_edge_cache_control_is(&name, "private")) {
        cc->private = 1;

    } else if (ngx_edge_cache_control_is(&name, "public")) {
        cc->public = 1;

    } else if (ngx_edge_cache_control_is(&name, "must-revalidate")) {
        cc->must_revalidate = 1;

    } else if (ngx_edge_cache_control_is(&name, "must-understand")) {
        cc->must_understand = 1;

    } else if (ngx_edge_cache_control_is(&name, "only-if-cached")) {
        cc->only_if_cached = 1;

    } else if (ngx_edge_cache_control_is(&name, "max-age")) {
        ngx_edge_cache_control_shorter(&cc->max_age, &argument);

    } else if (ngx_edge_cache_control_is(&name, "s-maxage")) {
        ngx_edge_cache_control_shorter(&cc->s_maxage, &argument);

    } else if (ngx_edge_cache_control_is(&name, "min-fresh")) {
        cc->min_fresh = ngx_max(cc->min_fresh,
                                ngx_edge_cache_seconds(argument.data,
                                                       argument.len));
    }
}


static ngx_uint_t
ngx_edge_cache_control_is(const ngx_str_t *name, const char *word)
{
    return name->len == ngx_strlen(word)
           && ngx_strncasecmp(name->data, (u_char *) word, name->len) == 0;
}


static void
ngx_edge_cache_control_shorter(time_t *seconds, const ngx_str_t *argument)
{
    time_t  n;

    n = ngx_edge_cache_seconds(argument->data, argument->len);

    if (n == -1) {
        n = 0;
    }

    if (*seconds == -1 || n < *seconds) {
        *seconds = n;
    }
}


time_t
ngx_edge_cache_seconds(const u_char *p, size_t len)
{
    size_t  i;
    time_t  n;

    n = 0;

    for (i = 0; i < len; i++) {

        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }

        n = n * 10 + (p[i] - '0');

        if (n > NGX_EDGE_CACHE_SECONDS_MAX) {
            n = NGX_EDGE_CACHE_SECONDS_MAX;
        }
    }

    return len ? n : -1;
}


time_t
ngx_edge_cache_control_ttl(ngx_edge_cache_facts_t *facts, time_t now,
    const char **why)
{
    time_t                           life;
    const ngx_edge_cache_control_t  *cc;

    cc = &facts->control;

    *why = ngx_edge_cache_control_refusal(facts);

    if (*why) {
        return 0;
    }

    /* a response that has been on its way since its date */

    if (facts->date != -1 && now - facts->date > facts->age) {
        facts->age = now - facts->date;
    }

    if (cc->s_maxage != -1) {
        life = cc->s_maxage - facts->age;

    } else if (cc->max_age != -1) {
        life = cc->max_age - facts->age;

    } else if (facts->has_expires) {
        life = facts->expires
               - ((facts->date != -1) ? facts->date : now) - facts->age;

    } else if (facts->fallback != -1) {
        life = facts->fallback;

    } else {
        *why = "no freshness";
        return 0;
    }

    if (life <= 0) {
        *why = "stale";
        return 0;
    }

    return ngx_min(life, NGX_EDGE_CACHE_SECONDS_MAX);
}


static const char *
ngx_edge_cache_control_refusal(const ngx_edge_cache_facts_t *facts)
{
    const ngx_edge_cache_control_t  *cc;

    cc = &facts->control;

    /* a part, or a word about a response that somebody else has */

    if (facts->status < 200
        || facts->status == 206
        || facts->status == 304)
    {
        return "status";
    }

    if (facts->fallback == -1
        && !ngx_edge_cache_control_understood(facts->status))
    {
        return "status";
    }

    if (facts->set_cookie) {
        return "set-cookie";
    }

    if (facts->vary_any) {
        return "vary";
    }

    if (cc->no_store
        && !(cc->must_understand
             && ngx_edge_cache_control_understood(facts->status)))
    {
        return "no-store";
    }

    if (cc->private) {
        return "private";
    }

    /* nothing here asks the target whether an entry still holds */

    if (cc->no_cache) {
        return "no-cache";
    }

    if (facts->authorized
        && !cc->public && !cc->must_revalidate && cc->s_maxage == -1)
    {
        return "authorization";
    }

    return NULL;
}


/* Statuses whose responses mean the same when they are used again. */

static ngx_uint_t
ngx_edge_cache_control_understood(ngx_uint_t status)
{
    switch (status) {

    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 302:
    case 307:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
        return 1;
    }

    return 0;
}


ngx_uint_t
ngx_edge_cache_control_usable(const ngx_edge_cache_control_t *cc, time_t age,
    time_t fresh)
{
    if (cc->no_cache) {
        return 0;
    }

    if (cc->max_age != -1 && age > cc->max_age) {
        return 0;
    }

    return cc->min_fresh == -1 || fresh >= cc->min_fresh;
}


ngx_uint_t
ngx_edge_cache_list_next(ngx_str_t *rest, ngx_str_t *element)
{
    u_char      *p, *last;
    ngx_uint_t   quoted;

    p = rest->data;
    last = p + rest->len;

    while (p < last && (*p == ',' || *p == ' ' || *p == '\t')) {
        p++;
    }

    if (p == last) {
        return 0;
    }

    element->data = p;

    for (quoted = 0; p < last && (quoted || *p != ','); p++) {

        if (*p == '"') {
            quoted = !quoted;

        } else if (*p == '\\' && quoted && p + 1 < last) {
            p++;
        }
    }

    rest->data = p;
    rest->len = last - p;

    while (p > element->data && (p[-1] == ' ' || p[-1] == '\t')) {
        p--;
    }

    element->len = p - element->data;

    return 1;
}
