
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: formatted output, comparison and
 * number parsing.  Encodings are in ngx_stub_encode.c.
 */


#include "ngx_stub.h"


/* One conversion of a format: what stands between '%' and the letter. */

typedef struct {
    ngx_uint_t  width;
    ngx_uint_t  frac;
    size_t      slen;
    unsigned    zero:1;
    unsigned    sign:1;
    unsigned    hex:1;
    unsigned    upper:1;
    unsigned    sized:1;
} ngx_stub_spec_t;


typedef struct {
    va_list  args;
} ngx_stub_args_t;


static const char *ngx_stub_spec(const char *fmt, ngx_stub_spec_t *spec,
    ngx_stub_args_t *a);
static u_char *ngx_stub_integer(u_char *buf, u_char *last, u_char letter,
    ngx_stub_args_t *a, ngx_stub_spec_t *spec);
static u_char *ngx_stub_number(u_char *buf, u_char *last, uint64_t n,
    ngx_uint_t negative, ngx_stub_spec_t *spec);
static u_char *ngx_stub_bytes(u_char *buf, u_char *last, const u_char *src,
    size_t len, ngx_stub_spec_t *spec);
static u_char *ngx_stub_double(u_char *buf, u_char *last, double f,
    ngx_stub_spec_t *spec);


u_char * ngx_cdecl
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, (u_char *) -1, fmt, args);
    va_end(args);

    return p;
}


u_char * ngx_cdecl
ngx_snprintf(u_char *buf, size_t max, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + max, fmt, args);
    va_end(args);

    return p;
}


u_char * ngx_cdecl
ngx_slprintf(u_char *buf, u_char *last, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    return p;
}


u_char *
ngx_vslprintf(u_char *buf, u_char *last, const char *fmt, va_list args)
{
    ngx_str_t             *s;
    const char            *cs;
    ngx_stub_args_t        a;
    ngx_stub_spec_t        spec;
    ngx_variable_value_t  *vv;

    va_copy(a.args, args);

    while (*fmt && buf < last) {

        if (*fmt != '%') {
            *buf++ = (u_char) *fmt++;
            continue;
        }

        fmt = ngx_stub_spec(fmt + 1, &spec, &a);

        switch (*fmt++) {

        case 'V':
            s = va_arg(a.args, ngx_str_t *);
            buf = ngx_stub_bytes(buf, last, s->data, s->len, &spec);
            continue;

        case 'v':
            vv = va_arg(a.args, ngx_variable_value_t *);
            buf = ngx_stub_bytes(buf, last, vv->data, vv->len, &spec);
            continue;

        case 's':
            cs = va_arg(a.args, const char *);
            buf = ngx_stub_bytes(buf, last, (const u_char *) cs,
                                 spec.sized ? spec.slen : strlen(cs), &spec);
            continue;

        case 'c':
            *buf++ = (u_char) va_arg(a.args, int);
            continue;

        case 'Z':
            *buf++ = '\0';
            continue;

        case 'N':
            *buf++ = '\n';
            continue;

        case '%':
            *buf++ = '%';
            continue;

        case 'f':
            buf = ngx_stub_double(buf, last, va_arg(a.args, double), &spec);
            continue;

        default:
            buf = ngx_stub_integer(buf, last, fmt[-1], &a, &spec);
        }
    }

    va_end(a.args);

    return buf;
}


/* Reads "[0][width|*][u][x|X][*][.frac]"; returns where the letter is. */

static const char *
ngx_stub_spec(const char *fmt, ngx_stub_spec_t *spec, ngx_stub_args_t *a)
{
    ngx_memzero(spec, sizeof(ngx_stub_spec_t));
    spec->sign = 1;
    spec->zero = (*fmt == '0');

    while (*fmt >= '0' && *fmt <= '9') {
        spec->width = spec->width * 10 + (*fmt++ - '0');
    }

    for ( ;; ) {
        switch (*fmt) {

        case 'u':
            spec->sign = 0;
            fmt++;
            continue;

        case 'X':
            spec->upper = 1;
            spec->hex = 1;
            spec->sign = 0;
            fmt++;
            continue;

        case 'x':
            spec->hex = 1;
            spec->sign = 0;
            fmt++;
            continue;

        case '.':
            fmt++;
            while (*fmt >= '0' && *fmt <= '9') {
                spec->frac = spec->frac * 10 + (*fmt++ - '0');
            }
            return fmt;

        case '*':
            spec->slen = va_arg(a->args, size_t);
            spec->sized = 1;
            fmt++;
            continue;

        default:
            return fmt;
        }
    }
}


/* Signed or not, the value travels in n: spec->sign tells how to read it. */

static u_char *
ngx_stub_integer(u_char *buf, u_char *last, u_char letter, ngx_stub_args_t *a,
    ngx_stub_spec_t *spec)
{
    int64_t     n;
    ngx_uint_t  negative;

    switch (letter) {

    case 'p':
        n = (uintptr_t) va_arg(a->args, void *);
        spec->hex = 1;
        spec->upper = 1;
        spec->sign = 0;
        spec->zero = 1;
        spec->width = 2 * sizeof(void *);
        break;

    case 'O':
        n = va_arg(a->args, off_t);
        spec->sign = 1;
        break;

    case 'P':
        n = va_arg(a->args, ngx_pid_t);
        spec->sign = 1;
        break;

    case 'T':
        n = va_arg(a->args, time_t);
        spec->sign = 1;
        break;

    case 'M':
        n = (ngx_msec_int_t) va_arg(a->args, ngx_msec_t);
        spec->sign = (n == -1) ? 1 : 0;
        break;

    case 'z':
        n = spec->sign ? va_arg(a->args, ssize_t)
                       : (int64_t) va_arg(a->args, size_t);
        break;

    case 'i':
        n = spec->sign ? va_arg(a->args, ngx_int_t)
                       : (int64_t) va_arg(a->args, ngx_uint_t);
        break;

    case 'd':
        n = spec->sign ? va_arg(a->args, int)
                       : (int64_t) va_arg(a->args, u_int);
        break;

    case 'l':
        n = spec->sign ? va_arg(a->args, long)
                       : (int64_t) va_arg(a->args, u_long);
        break;

    case 'D':
        n = spec->sign ? va_arg(a->args, int32_t)
                       : (int64_t) va_arg(a->args, uint32_t);
        break;

    case 'L':
        n = spec->sign ? va_arg(a->args, int64_t)
                       : (int64_t) va_arg(a->args, uint64_t);
        break;

    case 'A':
        n = spec->sign ? va_arg(a->args, ngx_atomic_int_t)
                       : (int64_t) va_arg(a->args, ngx_atomic_uint_t);
        break;

    default:

        /* nginx would print the letter and lose the argument */

        fprintf(stderr, "unknown conversion %%%c\n", letter);
        abort();
    }

    negative = spec->sign && n < 0;

    return ngx_stub_number(buf, last,
                           negative ? - (uint64_t) n : (uint64_t) n,
                           negative, spec);
}


static u_char *
ngx_stub_number(u_char *buf, u_char *last, uint64_t n, ngx_uint_t negative,
    ngx_stub_spec_t *spec)
{
    u_char       tmp[NGX_INT64_LEN + 1];
    size_t       len;
    ngx_uint_t   base;
    const char  *digits;

    base = spec->hex ? 16 : 10;
    digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    len = 0;

    if (negative && buf < last) {
        *buf++ = '-';
    }

    do {
        tmp[len++] = digits[n % base];
        n /= base;
    } while (n);

    while (spec->width > len && buf < last) {
        *buf++ = spec->zero ? '0' : ' ';
        spec->width--;
    }

    while (len && buf < last) {
        *buf++ = tmp[--len];
    }

    return buf;
}


static u_char *
ngx_stub_bytes(u_char *buf, u_char *last, const u_char *src, size_t len,
    ngx_stub_spec_t *spec)
{
    size_t       i;
    const char  *digits;

    digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";

    for (i = 0; i < len && buf < last; i++) {

        if (!spec->hex) {
            *buf++ = src[i];
            continue;
        }

        if (last - buf < 2) {
            break;
        }

        *buf++ = digits[src[i] >> 4];
        *buf++ = digits[src[i] & 0xf];
    }

    return buf;
}


static u_char *
ngx_stub_double(u_char *buf, u_char *last, double f, ngx_stub_spec_t *spec)
{
    char  tmp[512];
    int   len;

    len = snprintf(tmp, sizeof(tmp), "%*.*f", (int) spec->width,
                   (int) spec->frac, f);

    return ngx_cpymem(buf, tmp, ngx_min((ssize_t) len, last - buf));
}


u_char *
ngx_cpystrn(u_char *dst, u_char *src, size_t n)
{
    if (n == 0) {
        return dst;
    }

    while (--n && *src) {
        *dst++ = *src++;
    }

    *dst = '\0';

    return dst;
}


u_char *
ngx_pstrdup(ngx_pool_t *pool, ngx_str_t *src)
{
    u_char  *dst;

    dst = ngx_pnalloc(pool, src->len);
    if (dst && src->len) {
        ngx_memcpy(dst, src->data, src->len);
    }

    return dst;
}


void
ngx_strlow(u_char *dst, u_char *src, size_t n)
{
    while (n--) {
        *dst++ = ngx_tolower(*src);
        src++;
    }
}


ngx_int_t
ngx_strcasecmp(u_char *s1, u_char *s2)
{
    return strcasecmp((char *) s1, (char *) s2);
}


ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
    return strncasecmp((char *) s1, (char *) s2, n);
}


/* Stops at a zero byte of s1, as nginx's does. */

u_char *
ngx_strnstr(u_char *s1, char *s2, size_t n)
{
    size_t  len;

    len = strlen(s2);
    n = strnlen((char *) s1, n);

    return memmem(s1, n, s2, len);
}


/* n is the length of s2 less one, in all of this family. */

u_char *
ngx_strstrn(u_char *s1, char *s2, size_t n)
{
    return memmem(s1, strlen((char *) s1), s2, n + 1);
}


u_char *
ngx_strcasestrn(u_char *s1, char *s2, size_t n)
{
    return ngx_strlcasestrn(s1, s1 + strlen((char *) s1), (u_char *) s2, n);
}


u_char *
ngx_strlcasestrn(u_char *s1, u_char *last, u_char *s2, size_t n)
{
    for ( /* void */ ; last - s1 > (ssize_t) n; s1++) {
        if (strncasecmp((char *) s1, (char *) s2, n + 1) == 0) {
            return s1;
        }
    }

    return NULL;
}


ngx_int_t
ngx_memn2cmp(u_char *s1, u_char *s2, size_t n1, size_t n2)
{
    ngx_int_t  rc;

    rc = memcmp(s1, s2, ngx_min(n1, n2));
    if (rc != 0) {
        return rc;
    }

    return (n1 > n2) - (n1 < n2);
}


ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    ngx_int_t  value;

    if (n == 0) {
        return NGX_ERROR;
    }

    for (value = 0; n--; line++) {

        if (*line < '0' || *line > '9'
            || value > (NGX_MAX_INT_T_VALUE - (*line - '0')) / 10)
        {
            return NGX_ERROR;
        }

        value = value * 10 + (*line - '0');
    }

    return value;
}


ssize_t
ngx_atosz(u_char *line, size_t n)
{
    return ngx_atoi(line, n);
}


off_t
ngx_atoof(u_char *line, size_t n)
{
    return ngx_atoi(line, n);
}


time_t
ngx_atotm(u_char *line, size_t n)
{
    return ngx_atoi(line, n);
}


/* "12.34" with point 2 is 1234; more digits than point is an error. */

ngx_int_t
ngx_atofp(u_char *line, size_t n, size_t point)
{
    u_char      c;
    ngx_int_t   value;
    ngx_uint_t  dot;

    if (n == 0) {
        return NGX_ERROR;
    }

    value = 0;
    dot = 0;

    while (n--) {
        c = *line++;

        if (c == '.' && !dot) {
            dot = 1;
            continue;
        }

        if (c < '0' || c > '9' || (dot && point == 0)
            || value > (NGX_MAX_INT_T_VALUE - (c - '0')) / 10)
        {
            return NGX_ERROR;
        }

        value = value * 10 + (c - '0');
        point -= dot;
    }

    while (point--) {
        if (value > NGX_MAX_INT_T_VALUE / 10) {
            return NGX_ERROR;
        }

        value *= 10;
    }

    return value;
}


ngx_int_t
ngx_hextoi(u_char *line, size_t n)
{
    u_char     c;
    ngx_int_t  value;

    if (n == 0) {
        return NGX_ERROR;
    }

    for (value = 0; n--; line++) {

        c = ngx_tolower(*line);

        if (value > NGX_MAX_INT_T_VALUE / 16) {
            return NGX_ERROR;
        }

        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + (c - 'a' + 10);

        } else {
            return NGX_ERROR;
        }
    }

    return value;
}


/* The compiler may not leave it out: it does not see what becomes of buf. */

void
ngx_explicit_memzero(void *buf, size_t n)
{
    ngx_memzero(buf, n);
    __asm__ volatile ("" : : "r" (buf) : "memory");
}
