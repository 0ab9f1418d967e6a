
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * RFC 3339 times as instants, so that two zones compare.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "rag/ngx_edge_time.h"


typedef struct {
    const u_char  *pos;
    const u_char  *last;
    unsigned       bad:1;
} ngx_edge_time_text_t;


static ngx_int_t ngx_edge_time_number(ngx_edge_time_text_t *text,
    ngx_uint_t digits);
static void ngx_edge_time_mark(ngx_edge_time_text_t *text, u_char mark);
static ngx_int_t ngx_edge_time_zone(ngx_edge_time_text_t *text);
static uint32_t ngx_edge_time_fraction(ngx_edge_time_text_t *text);
static int64_t ngx_edge_time_days(ngx_int_t year, ngx_int_t month,
    ngx_int_t day);
static ngx_int_t ngx_edge_time_month_days(ngx_int_t year, ngx_int_t month);


ngx_int_t
ngx_edge_time_parse(const ngx_str_t *value, ngx_edge_time_t *t)
{
    ngx_int_t             year, month, day, hour, min, sec, zone;
    ngx_edge_time_text_t  text;

    text.pos = value->data;
    text.last = value->data + value->len;
    text.bad = 0;

    year = ngx_edge_time_number(&text, 4);
    ngx_edge_time_mark(&text, '-');
    month = ngx_edge_time_number(&text, 2);
    ngx_edge_time_mark(&text, '-');
    day = ngx_edge_time_number(&text, 2);
    ngx_edge_time_mark(&text, 't');
    hour = ngx_edge_time_number(&text, 2);
    ngx_edge_time_mark(&text, ':');
    min = ngx_edge_time_number(&text, 2);
    ngx_edge_time_mark(&text, ':');
    sec = ngx_edge_time_number(&text, 2);
    t->nsec = ngx_edge_time_fraction(&text);
    zone = ngx_edge_time_zone(&text);

    /* second 60 is a leap second */

    if (text.bad || text.pos != text.last
        || month < 1 || month > 12
        || day < 1 || day > ngx_edge_time_month_days(year, month)
        || hour > 23 || min > 59 || sec > 60)
    {
        return NGX_DECLINED;
    }

    t->sec = ngx_edge_time_days(year, month, day) * 86400
             + hour * 3600 + min * 60 + sec - zone;

    return NGX_OK;
}


ngx_int_t
ngx_edge_time_cmp(const ngx_edge_time_t *a, const ngx_edge_time_t *b)
{
    if (a->sec != b->sec) {
        return a->sec < b->sec ? -1 : 1;
    }

    if (a->nsec != b->nsec) {
        return a->nsec < b->nsec ? -1 : 1;
    }

    return 0;
}


static ngx_int_t
ngx_edge_time_number(ngx_edge_time_text_t *text, ngx_uint_t digits)
{
    ngx_int_t  n;

    n = 0;

    while (digits--) {
        if (text->pos == text->last || *text->pos < '0' || *text->pos > '9') {
            text->bad = 1;
            return 0;
        }

        n = n * 10 + (*text->pos++ - '0');
    }

    return n;
}


static void
ngx_edge_time_mark(ngx_edge_time_text_t *text, u_char mark)
{
    if (text->pos == text->last || ngx_tolower(*text->pos) != mark) {
        text->bad = 1;
        return;
    }

    text->pos++;
}


static uint32_t
ngx_edge_time_fraction(ngx_edge_time_text_t *text)
{
    uint32_t  n, unit;

    if (text->pos == text->last || *text->pos != '.') {
        return 0;
    }

    text->pos++;
    n = (uint32_t) ngx_edge_time_number(text, 1) * 100000000;

    for (unit = 10000000;
         text->pos < text->last && *text->pos >= '0' && *text->pos <= '9';
         unit /= 10)
    {
        n += (*text->pos++ - '0') * unit;
    }

    return n;
}


/* Seconds to take off for UTC. */

static ngx_int_t
ngx_edge_time_zone(ngx_edge_time_text_t *text)
{
    u_char     sign;
    ngx_int_t  hour, min;

    if (text->pos == text->last || (*text->pos != '+' && *text->pos != '-')) {
        ngx_edge_time_mark(text, 'z');
        return 0;
    }

    sign = *text->pos++;
    hour = ngx_edge_time_number(text, 2);
    ngx_edge_time_mark(text, ':');
    min = ngx_edge_time_number(text, 2);

    if (hour > 23 || min > 59) {
        text->bad = 1;
    }

    min += hour * 60;

    return (sign == '+' ? min : -min) * 60;
}


/* Days since 1970-01-01; counted in years that begin in March, so that a leap
 * day is the last of its year. */

static int64_t
ngx_edge_time_days(ngx_int_t year, ngx_int_t month, ngx_int_t day)
{
    ngx_int_t  before;

    if (month < 3) {
        year--;
        month += 12;
    }

    year += 400;                        /* year 0 in March terms stays >= 0 */
    before = year * 365 + year / 4 - year / 100 + year / 400;

    /* months from March on have 30.6 days on average: 31 30 31 30 31 ... */

    return (int64_t) before + (month - 3) * 306 / 10
           + ((month - 3) * 306 % 10 >= 5) + day - 1 - 719468 - 146097;
}


static ngx_int_t
ngx_edge_time_month_days(ngx_int_t year, ngx_int_t month)
{
    if (month == 2) {
        return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
               ? 29 : 28;
    }

    return (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31;
}
