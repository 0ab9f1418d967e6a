
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The pull parser against another parser, jansson: on random texts, most of
 * them damaged, both accept or both refuse, and read the same values.  The
 * texts are the same in each run; a number given as argument makes others.
 */


/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */
/* libs: -ljansson -lm */

#include "unit.h"
#include "lib/ngx_edge_scan.h"

#include <float.h>
#include <jansson.h>
#include <math.h>


#define ROUNDS  10000
#define MAX     4096


static void make_value(ngx_uint_t depth);
static ngx_uint_t same(ngx_edge_scan_t *s, const json_t *value);


static uint64_t     seed = 20251;
static char         text[MAX];
static size_t       len;
static ngx_pool_t  *pool;


/* xorshift: the same numbers on any machine. */

static ngx_uint_t
any(ngx_uint_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (ngx_uint_t) ((seed >> 11) % n);
}


static void
add_len(const char *s, size_t n)
{
    n = ngx_min(n, MAX - len);
    ngx_memcpy(text + len, s, n);
    len += n;
}


static void
add(const char *s)
{
    add_len(s, strlen(s));
}


static void
make_space(void)
{
    static const char  *space[] = {
        "", "", "", " ", "\n", "\r\n", "\t", "          \t          "
    };

    add(space[any(sizeof(space) / sizeof(space[0]))]);
}


/* No lone surrogates and no \u0000: jansson knows neither as text. */

static void
make_string(void)
{
    char                part[16];
    unsigned            code;
    ngx_uint_t          n;
    static const char  *parts[] = {
        "a", "bc", "word of eight", "\\n", "\\\"", "\\\\", "\\/", "\\b\\f",
        "\xc3\xa9", "\xed\x95\x9c", "\xf0\x9f\x98\x80", "\x7f", "[", "{\\\"",
        "\\ud83d\\ude00", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\\uD7ff"
    };

    add("\"");

    for (n = any(6); n; n--) {

        if (any(4) == 0) {
            code = 1 + (unsigned) any(0xd7ff);
            snprintf(part, sizeof(part), any(2) ? "\\u%04x" : "\\u%04X",
                     code);
            add(part);
            continue;
        }

        add(parts[any(sizeof(parts) / sizeof(parts[0]))]);
    }

    add("\"");
}


static void
make_digits(ngx_uint_t n)
{
    char  digit;

    while (n--) {
        digit = (char) ('0' + any(10));
        add_len(&digit, 1);
    }
}


static void
make_number(void)
{
    char  part[16];

    add(any(3) ? "" : "-");

    if (any(3) == 0) {
        add("0");

    } else {
        part[0] = (char) ('1' + any(9));
        add_len(part, 1);
        make_digits(any(8) ? any(6) : any(24));
    }

    if (any(2)) {
        add(".");
        make_digits(1 + any(20));
    }

    if (any(4) == 0) {
        add(any(2) ? "e" : "E");
        add(any(3) == 0 ? "+" : any(2) ? "-" : "");
        make_digits(1 + any(3));
    }
}


static void
make_object(ngx_uint_t depth)
{
    char        key[16];
    ngx_uint_t  i, n;

    n = any(5);

    add("{");

    for (i = 0; i < n; i++) {
        make_space();

        if (any(4)) {
            snprintf(key, sizeof(key), "\"k%u\"", (unsigned) i);
            add(key);

        } else {
            make_string();
        }

        make_space();
        add(":");
        make_value(depth + 1);
        add(i + 1 < n ? "," : "");
    }

    make_space();
    add("}");
}


static void
make_array(ngx_uint_t depth)
{
    ngx_uint_t  n, numbers;

    numbers = any(2);

    add("[");

    for (n = any(5); n; n--) {
        make_space();

        if (numbers) {
            make_number();
            make_space();

        } else {
            make_value(depth + 1);
        }

        add(n > 1 ? "," : "");
    }

    make_space();
    add("]");
}


static void
make_value(ngx_uint_t depth)
{
    static const char  *literals[] = { "true", "false", "null" };

    make_space();

    switch (any(depth < 5 ? 9 : 5)) {

    case 0:
        add(literals[any(3)]);
        break;

    case 1:
    case 2:
        make_string();
        break;

    case 3:
    case 4:
        make_number();
        break;

    case 5:
    case 6:
        make_array(depth);
        break;

    default:
        make_object(depth);
    }

    make_space();
}


/* One byte changed, put in, taken out, or an end cut off. */

static void
damage(void)
{
    char               c;
    size_t             at;
    static const char  bytes[] =
        "{}[]:,\"\\ \n\t019-+.eEu/tfnadD\x1f\0\x7f\x80\xbf\xc3\xed\xf0\xff";

    at = any(len);
    c = any(8) ? bytes[any(sizeof(bytes) - 1)] : (char) any(256);

    switch (any(8)) {

    case 0:
        len = at;
        break;

    case 1:
    case 2:
        ngx_memmove(text + at, text + at + 1, len - at - 1);
        len--;
        break;

    case 3:
    case 4:
        if (len < MAX) {
            ngx_memmove(text + at + 1, text + at, len - at);
            text[at] = c;
            len++;
        }

        break;

    default:
        text[at] = c;
    }
}


/* 1 if jansson refuses what is JSON all the same. */

static ngx_uint_t
is_limit(const json_error_t *e)
{
    switch (json_error_code(e)) {

    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
        return 1;

    default:
        return strncmp(e->text, "invalid Unicode '", 17) == 0;
    }
}


static ngx_uint_t
same_object(ngx_edge_scan_t *s, const json_t *object)
{
    char          name[MAX + 1];
    size_t        n;
    ngx_str_t     raw, key;
    ngx_int_t     rc;
    const json_t  *value;

    n = 0;

    if (ngx_edge_scan_object(s) != NGX_OK) {
        return 0;
    }

    while ((rc = ngx_edge_scan_member(s, &raw)) == NGX_OK) {

        if (ngx_edge_scan_decode(pool, &raw, &key) != NGX_OK) {
            return 0;
        }

        ngx_memcpy(name, key.data, key.len);
        name[key.len] = '\0';
        n++;

        value = json_object_get(object, name);

        if (value == NULL || !same(s, value)) {
            return 0;
        }
    }

    return rc == NGX_DONE && n == json_object_size(object);
}


static ngx_uint_t
same_array(ngx_edge_scan_t *s, const json_t *array)
{
    size_t         n;
    ngx_int_t      rc;
    const json_t  *value;

    if (ngx_edge_scan_array(s) != NGX_OK) {
        return 0;
    }

    for (n = 0; (rc = ngx_edge_scan_element(s)) == NGX_OK; n++) {
        value = json_array_get(array, n);

        if (value == NULL || !same(s, value)) {
            return 0;
        }
    }

    return rc == NGX_DONE && n == json_array_size(array);
}


/* The last bit of a number may differ, but of no integer in 0..2^53. */

static ngx_uint_t
same_number(ngx_edge_scan_t *s, const json_t *value)
{
    double           d, expected;
    uint64_t         u;
    json_int_t       i;
    ngx_int_t        rc;
    ngx_edge_scan_t  again;

    again = *s;
    rc = ngx_edge_scan_uint(&again, &u);
    i = json_integer_value(value);

    /* jansson does not tell 0 from -0 */

    if (json_is_integer(value) && i >= 0 && i <= ((json_int_t) 1 << 53)
        && *s->pos != '-')
    {
        if (rc != NGX_OK || u != (uint64_t) i) {
            return 0;
        }

    } else if (rc != NGX_DECLINED) {
        return 0;
    }

    if (ngx_edge_scan_number(s, &d) != NGX_OK) {
        return 0;
    }

    expected = json_number_value(value);

    return s->pos == again.pos
           && fabs(d - expected) <= fabs(expected) * DBL_EPSILON
                                    + 4.9406564584124654e-324;
}


static ngx_uint_t
same_string(ngx_edge_scan_t *s, const json_t *value)
{
    ngx_str_t  raw, string;

    return ngx_edge_scan_string(s, &raw) == NGX_OK
           && ngx_edge_scan_decode(pool, &raw, &string) == NGX_OK
           && string.len == json_string_length(value)
           && memcmp(string.data, json_string_value(value), string.len) == 0;
}


/* Reads the next value and tells if it is the one jansson read. */

static ngx_uint_t
same(ngx_edge_scan_t *s, const json_t *value)
{
    switch (ngx_edge_scan_type(s)) {

    case ngx_edge_scan_type_object:
        return json_is_object(value) && same_object(s, value);

    case ngx_edge_scan_type_array:
        return json_is_array(value) && same_array(s, value);

    case ngx_edge_scan_type_string:
        return json_is_string(value) && same_string(s, value);

    case ngx_edge_scan_type_number:
        return json_is_number(value) && same_number(s, value);

    case ngx_edge_scan_type_true:
        return json_is_true(value) && ngx_edge_scan_skip(s) == NGX_OK;

    case ngx_edge_scan_type_false:
        return json_is_false(value) && ngx_edge_scan_skip(s) == NGX_OK;

    case ngx_edge_scan_type_null:
        return json_is_null(value) && ngx_edge_scan_skip(s) == NGX_OK;

    default:
        return 0;
    }
}


/* 1 if the text is an array of numbers, and nothing else. */

static ngx_uint_t
is_vector(const json_t *value)
{
    size_t  i;

    for (i = 0; i < json_array_size(value); i++) {
        if (!json_is_number(json_array_get(value, i))) {
            return 0;
        }
    }

    return json_is_array(value);
}


/* Each way of the parser through a text that is in a block of its size. */

static ngx_uint_t
agrees(u_char *data, const json_t *value, ngx_uint_t unique)
{
    ngx_int_t        rc;
    ngx_str_t        raw;
    ngx_uint_t       n;
    ngx_edge_scan_t  s;

    ngx_edge_scan_init(&s, data, len);
    (void) ngx_edge_scan_skip(&s);

    if ((ngx_edge_scan_end(&s) == NGX_OK) != (value != NULL)) {
        return 0;
    }

    ngx_edge_scan_init(&s, data, len);
    rc = ngx_edge_scan_vector(&s, &raw, &n);

    if ((rc == NGX_OK && ngx_edge_scan_end(&s) == NGX_OK)
        != (value != NULL && is_vector(value)))
    {
        return 0;
    }

    if (value && is_vector(value) && n != json_array_size(value)) {
        return 0;
    }

    /* of two members of a name jansson has the last only */

    if (value && unique) {
        ngx_edge_scan_init(&s, data, len);

        return same(&s, value) && ngx_edge_scan_end(&s) == NGX_OK;
    }

    return 1;
}


/* Returns 1 if jansson accepts the text. */

static ngx_uint_t
compare(void)
{
    u_char        *copy;
    json_t        *value, *strict;
    ngx_uint_t     accepted, ok;
    json_error_t   error;

    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, text, len);

    ngx_memzero(&error, sizeof(json_error_t));
    value = NULL;

    /* jansson overlooks a NUL byte behind a number or a literal */

    if (memchr(text, '\0', len) == NULL) {
        value = json_loadb(text, len, JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);
    }

    accepted = (value != NULL);

    if (accepted || !is_limit(&error)) {
        strict = json_loadb(text, len, JSON_DECODE_ANY|JSON_ALLOW_NUL
                                       |JSON_REJECT_DUPLICATES, &error);
        ok = agrees(copy, value, strict != NULL);
        CHECK(ok);

        if (!ok) {
            printf("%s: jansson %s <%.*s>\n", unit_name,
                   accepted ? "accepts" : "refuses", (int) len, text);
        }

        json_decref(strict);
    }

    json_decref(value);
    free(copy);

    return accepted;
}


static void
test_random(void)
{
    ngx_uint_t  i, n, whole, accepted, damaged;

    whole = 0;
    accepted = 0;
    damaged = 0;

    for (i = 0; i < ROUNDS; i++) {
        pool = ngx_create_pool(4096, &ngx_stub_log);

        len = 0;
        make_value(0);
        whole += compare();

        for (n = any(3); n < 4 && len; n++) {
            damage();
            damaged++;
            accepted += compare();
        }

        ngx_destroy_pool(pool);
    }

    /* the texts are worth comparing: whole ones are JSON but for numbers out
     * of range, and of the others not all are refused */

    CHECK(whole > ROUNDS * 8 / 10);
    CHECK(accepted > damaged / 20);
    CHECK(accepted < damaged / 2);
}


int
main(int argc, char **argv)
{
    if (argc > 1) {
        seed = strtoull(argv[1], NULL, 10) + 1;
    }

    RUN(test_random);

    return unit_summary();
}
