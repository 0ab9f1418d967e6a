
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Claims: a set that passes the check is JSON with unique names, and its
 * times are in bounds; every reader takes any text, reads what jansson reads,
 * and the text of a variable holds no control character.  The input is a line
 * of the rules (i issuers, a audiences, c client_id), one of the path, its
 * names between slashes, one with a word, and the set.
 */


/* sources: auth/ngx_edge_claims.c auth/ngx_edge_claims_check.c */
/* sources: auth/ngx_edge_claims_text.c auth/ngx_edge_members.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_value.c */
/* sources: lib/ngx_edge_scan_decode.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_json.c */
/* libs: -ljansson -lm */
/* max_len: 1024 */
/* dict: claims */

#include "fuzz.h"
#include "auth/ngx_edge_claims.h"
#include "lib/ngx_edge_json.h"
#include "lib/ngx_edge_utf8.h"
#include <float.h>
#include <math.h>


#define FUZZ_NAMES   4
#define FUZZ_LATEST  253402300799


static ngx_edge_json_t *fuzz_set(ngx_pool_t *pool, const ngx_str_t *rules,
    const ngx_str_t *json);
static void fuzz_list(ngx_pool_t *pool, ngx_array_t **list, const char *text);
static void fuzz_number_read(ngx_edge_json_t *root, const char *name,
    ngx_uint_t has, int64_t got, ngx_uint_t up);
static void fuzz_time(const ngx_edge_claims_times_t *times);
static ngx_edge_json_t *fuzz_readers(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word,
    ngx_edge_json_t *root);
static void fuzz_same_value(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word,
    ngx_edge_json_t *value);
static ngx_uint_t fuzz_holds(ngx_edge_json_t *value, const ngx_str_t *word);
static void fuzz_compact(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_edge_json_t *root);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    ngx_str_t                rules, line, word, names[FUZZ_NAMES];
    ngx_edge_json_t         *root, *value;
    ngx_edge_claims_path_t   path;

    rules = fuzz_take(pool, in, "\n");
    line = fuzz_take(pool, in, "\n");
    word = fuzz_take(pool, in, "\n");

    path.names = names;

    for (path.n = 0; path.n < FUZZ_NAMES; path.n++) {
        names[path.n] = fuzz_take(pool, &line, "/");

        if (line.len == 0) {
            path.n++;
            break;
        }
    }

    root = fuzz_set(pool, &rules, in);
    value = fuzz_readers(pool, in, &path, &word, root);

    if (value) {
        fuzz_same_value(pool, in, &path, &word, value);
    }

    fuzz_compact(pool, in, root);
}


/* The set as jansson reads it, if it passed the check. */

static ngx_edge_json_t *
fuzz_set(ngx_pool_t *pool, const ngx_str_t *rules, const ngx_str_t *json)
{
    ngx_int_t                 rc;
    ngx_str_t                 iss;
    const char               *reason;
    ngx_edge_json_t          *root;
    ngx_edge_json_error_t     error;
    ngx_edge_claims_rules_t   r;
    ngx_edge_claims_times_t   times;

    memset(&r, 0, sizeof(ngx_edge_claims_rules_t));
    r.audience_claim = fuzz_str("aud");

    if (rules->len && memchr(rules->data, 'i', rules->len)) {
        fuzz_list(pool, &r.issuers, "https://a");
    }

    if (rules->len && memchr(rules->data, 'a', rules->len)) {
        fuzz_list(pool, &r.audiences, "me");
    }

    if (rules->len && memchr(rules->data, 'c', rules->len)) {
        r.audience_claim = fuzz_str("client_id");
    }

    memset(&times, 0, sizeof(ngx_edge_claims_times_t));
    reason = NULL;
    rc = ngx_edge_claims_check(pool, json, &r, &times, &iss, &reason);
    root = ngx_edge_json_parse(pool, json, NGX_EDGE_SCAN_DEPTH, &error);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && reason);
        return NULL;
    }

    if (root == NULL) {
        fuzz_check(strcmp(error.detail, "the body holds a number out of range")
                   == 0
                   || (memmem(json->data, json->len, "\\u", 2)
                       && strstr(error.detail, "duplicate") == NULL));
        return NULL;
    }

    fuzz_check(ngx_edge_json_type(root) == ngx_edge_json_type_object);
    fuzz_check(iss.data == NULL || fuzz_within(json, &iss));
    fuzz_check((iss.data != NULL) == (ngx_edge_json_get(root, "iss") != NULL));
    fuzz_check(r.issuers == NULL || iss.data);
    fuzz_check(r.audiences == NULL
               || ngx_edge_json_get(root, (char *) r.audience_claim.data));

    fuzz_number_read(root, "exp", times.has_exp, times.exp, 0);
    fuzz_number_read(root, "nbf", times.has_nbf, times.nbf, 1);
    fuzz_number_read(root, "iat", times.has_iat, times.iat, 1);
    fuzz_time(&times);

    return root;
}


static void
fuzz_list(ngx_pool_t *pool, ngx_array_t **list, const char *text)
{
    ngx_str_t  *s;

    *list = ngx_array_create(pool, 1, sizeof(ngx_str_t));
    s = ngx_array_push(*list);
    *s = fuzz_str(text);
}


static void
fuzz_number_read(ngx_edge_json_t *root, const char *name, ngx_uint_t has,
    int64_t got, ngx_uint_t up)
{
    double            n, bit;
    ngx_edge_json_t  *value;

    value = ngx_edge_json_get(root, name);
    fuzz_check(has == (value != NULL));

    if (value == NULL) {
        return;
    }

    fuzz_check(ngx_edge_json_type(value) == ngx_edge_json_type_number);

    n = ngx_edge_json_number(value);
    fuzz_check(got >= 0 && got <= FUZZ_LATEST);

    /*
     * The last bit of a number may be another than jansson's, and what is
     * too small for a double is 0 there and above 0 here.
     */

    bit = n * DBL_EPSILON + DBL_MIN;
    fuzz_check((double) got >= (up ? ceil(n - bit) : floor(n - bit)));
    fuzz_check((double) got <= (up ? ceil(n + bit) : floor(n + bit)));
}


static void
fuzz_time(const ngx_edge_claims_times_t *times)
{
    int64_t      now, leeway;
    ngx_int_t    rc;
    ngx_uint_t   i, valid;
    const char  *reason;

    static const int64_t  nows[] = {
        0, 1, 1699999939, 1699999940, 1700000000, 1700000060, FUZZ_LATEST
    };

    for (i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
        now = nows[i];
        leeway = i % 2 ? 60 : 0;
        reason = NULL;
        rc = ngx_edge_claims_time(times, now, leeway, &reason);

        valid = !(times->has_exp && now - leeway >= times->exp)
                && !(times->has_nbf && times->nbf > now + leeway)
                && !(times->has_iat && times->iat > now + leeway);

        fuzz_check(rc == (valid ? NGX_OK : NGX_DECLINED));
        fuzz_check(valid || reason);
    }
}


/* All readers, on any text; the value at the path as jansson reads it. */

static ngx_edge_json_t *
fuzz_readers(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word,
    ngx_edge_json_t *root)
{
    char                  *name;
    size_t                 i;
    ngx_int_t              rc, found;
    ngx_str_t              text, raw;
    ngx_edge_scan_type_e   type;

    found = ngx_edge_claims_find(json, path, &type, &raw);
    fuzz_check(found == NGX_OK || found == NGX_DECLINED);
    fuzz_check(found != NGX_OK || fuzz_within(json, &raw));

    rc = ngx_edge_claims_text(pool, json, path, &text);
    fuzz_check(rc == (found == NGX_OK && type != ngx_edge_scan_type_null
                      ? NGX_OK : NGX_DECLINED));

    for (i = 0; rc == NGX_OK && i < text.len; i++) {
        fuzz_check(text.data[i] >= 0x20 && text.data[i] != 0x7f);
    }

    fuzz_check(rc != NGX_OK || ngx_edge_utf8_valid(text.data, text.len));

    rc = ngx_edge_claims_string(pool, json, path, &text);
    fuzz_check((rc == NGX_OK) == (found == NGX_OK
                                  && type == ngx_edge_scan_type_string));

    rc = ngx_edge_claims_has(pool, json, path, word);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    for (i = 0; root && i < path->n; i++) {
        if (ngx_edge_json_type(root) != ngx_edge_json_type_object) {
            root = NULL;
            break;
        }

        if (path->names[i].len
            && memchr(path->names[i].data, '\0', path->names[i].len))
        {
            return NULL;
        }

        name = ngx_pcalloc(pool, path->names[i].len + 1);
        memcpy(name, path->names[i].data, path->names[i].len);
        root = ngx_edge_json_get(root, name);
    }

    fuzz_check(root == NULL || found == NGX_OK);

    return root;
}


static void
fuzz_same_value(ngx_pool_t *pool, const ngx_str_t *json,
    const ngx_edge_claims_path_t *path, const ngx_str_t *word,
    ngx_edge_json_t *value)
{
    size_t       k;
    ngx_str_t    text, expected;
    ngx_uint_t   i, n, commas, strings;

    if (word->len && memchr(word->data, ' ', word->len) == NULL
        && memchr(word->data, '\0', word->len) == NULL)
    {
        fuzz_check((ngx_edge_claims_has(pool, json, path, word) == NGX_OK)
                   == fuzz_holds(value, word));
    }

    if (ngx_edge_json_type(value) == ngx_edge_json_type_string) {
        fuzz_check(ngx_edge_claims_string(pool, json, path, &text) == NGX_OK);
        ngx_edge_json_string(value, &expected);
        fuzz_check(fuzz_same(&text, &expected));
        return;
    }

    if (ngx_edge_json_type(value) != ngx_edge_json_type_array) {
        return;
    }

    /* a list of strings can be parted again */

    n = ngx_edge_json_size(value);

    for (strings = 0, i = 0; i < n; i++) {
        strings += (ngx_edge_json_type(ngx_edge_json_at(value, i))
                    == ngx_edge_json_type_string);
    }

    fuzz_check(ngx_edge_claims_text(pool, json, path, &text) == NGX_OK);

    for (commas = 0, k = 0; k < text.len; k++) {
        commas += (text.data[k] == ',');
    }

    fuzz_check(strings != n || commas == (n ? n - 1 : 0));
}


static ngx_uint_t
fuzz_holds(ngx_edge_json_t *value, const ngx_str_t *word)
{
    size_t           k, start;
    ngx_str_t        text, part;
    ngx_uint_t       i;
    ngx_edge_json_t *element;

    if (ngx_edge_json_type(value) == ngx_edge_json_type_array) {
        for (i = 0; i < ngx_edge_json_size(value); i++) {
            element = ngx_edge_json_at(value, i);

            if (ngx_edge_json_type(element) == ngx_edge_json_type_string) {
                ngx_edge_json_string(element, &text);

                if (fuzz_same(&text, word)) {
                    return 1;
                }
            }
        }
    }

    if (ngx_edge_json_type(value) != ngx_edge_json_type_string) {
        return 0;
    }

    ngx_edge_json_string(value, &text);

    for (start = 0, k = 0; k <= text.len; k++) {
        if (k == text.len || text.data[k] == ' ') {
            part.data = text.data + start;
            part.len = k - start;
            start = k + 1;

            if (fuzz_same(&part, word)) {
                return 1;
            }
        }
    }

    return 0;
}


/* Compact JSON is the same JSON, and not made any shorter. */

static void
fuzz_compact(ngx_pool_t *pool, const ngx_str_t *json, ngx_edge_json_t *root)
{
    ngx_str_t               text, again;
    ngx_edge_json_error_t   error;

    fuzz_check(ngx_edge_claims_compact(pool, json, &text) == NGX_OK);
    fuzz_check(text.len <= json->len);

    fuzz_check(ngx_edge_claims_compact(pool, &text, &again) == NGX_OK);
    fuzz_check(fuzz_same(&text, &again));

    if (root) {
        fuzz_check(ngx_edge_json_parse(pool, &text, NGX_EDGE_SCAN_DEPTH,
                                       &error)
                   != NULL);
    }
}
