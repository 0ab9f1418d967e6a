
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The edge's verdict on tokens, by the units that the module is made of and in
 * the order in which it asks them: form, claims, signature, dates.
 *
 *     ours KEYS NOW ISSUER AUDIENCE < "KEY HEX\n"... > "0|1 reason\n"...
 *
 * KEYS has a file KEY.jwks for every key; one whose name begins with "rules-"
 * goes with the issuer and the audience.
 */


/* sources: auth/ngx_edge_token.c auth/ngx_edge_jwt.c auth/ngx_edge_members.c */
/* sources: auth/ngx_edge_claims_check.c auth/ngx_edge_keyset.c */
/* sources: auth/ngx_edge_keyset_jwk.c auth/ngx_edge_keyset_key.c */
/* sources: auth/ngx_edge_keyset_pem.c auth/ngx_edge_keyset_verify.c */
/* sources: lib/ngx_edge_base64url.c lib/ngx_edge_json.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_utf8.c */
/* libs: -ljansson -lcrypto */

#include "auth/ngx_edge_claims.h"
#include "auth/ngx_edge_keyset.h"
#include "auth/ngx_edge_token.h"
#include "line.h"
#include "ngx_stub.h"


#define KEYS  64


typedef struct {
    char               *name;
    ngx_edge_keyset_t  *set;       /* NULL: no usable key in the file */
} entry_t;


static ngx_pool_t               *keep;
static ngx_edge_claims_rules_t   no_rules, rules;


static ngx_edge_keyset_t *
key_set(const char *folder, const char *name)
{
    ngx_str_t           text, source;
    ngx_uint_t          i;

    static entry_t      keys[KEYS];
    static ngx_uint_t   n;

    for (i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return keys[i].set;
        }
    }

    if (n == KEYS) {
        line_die("too many keys");
    }

    text.data = (u_char *) line_file(folder, name, ".jwks", &text.len);

    if (text.data == NULL) {
        line_die(name);
    }

    keys[n].name = strdup(name);
    source.data = (u_char *) keys[n].name;
    source.len = strlen(name);

    keys[n].set = ngx_edge_keyset_create(keep, &ngx_stub_log, NGX_LOG_INFO,
                                         &source, &text, 0);
    free(text.data);

    return keys[n++].set;
}


static const char *
judge(ngx_edge_keyset_t *set, const ngx_edge_claims_rules_t *wanted,
    ngx_pool_t *pool, const ngx_str_t *text, int64_t now)
{
    ngx_str_t                 iss;
    const char               *reason;
    ngx_edge_token_t          token;
    ngx_edge_claims_times_t   times;

    reason = "no reason was given";

    if (set == NULL) {
        return "no usable key";
    }

    if (ngx_edge_token_parse(pool, text, &token, &reason) != NGX_OK
        || ngx_edge_claims_check(pool, &token.payload, wanted, &times, &iss,
                                 &reason)
           != NGX_OK
        || ngx_edge_keyset_verify(set, &token, (ngx_uint_t) -1, &reason)
           != NGX_OK
        || ngx_edge_claims_time(&times, now, 0, &reason) != NGX_OK)
    {
        return reason;
    }

    return NULL;
}


static ngx_array_t *
list_of(char *text)
{
    ngx_str_t    *s;
    ngx_array_t  *list;

    list = ngx_array_create(keep, 1, sizeof(ngx_str_t));
    s = ngx_array_push(list);
    s->data = (u_char *) text;
    s->len = strlen(text);

    return list;
}


int
main(int argc, char *argv[])
{
    char        *name;
    ngx_str_t    text;
    ngx_pool_t  *pool;

    if (argc != 5) {
        line_die("usage: ours KEYS NOW ISSUER AUDIENCE");
    }

    keep = ngx_create_pool(4096, &ngx_stub_log);
    ngx_str_set(&rules.audience_claim, "aud");
    no_rules.audience_claim = rules.audience_claim;
    rules.issuers = list_of(argv[3]);
    rules.audiences = list_of(argv[4]);

    while ((name = line_read((char **) &text.data, &text.len)) != NULL) {
        pool = ngx_create_pool(4096, &ngx_stub_log);

        line_answer(judge(key_set(argv[1], name),
                          strncmp(name, "rules-", 6) ? &no_rules : &rules,
                          pool, &text, strtoll(argv[2], NULL, 10)));

        ngx_destroy_pool(pool);
        free(text.data);
    }

    ngx_destroy_pool(keep);

    return 0;
}
