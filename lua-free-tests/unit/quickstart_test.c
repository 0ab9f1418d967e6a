
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The quick start's questions on the quick start's documents: the right
 * document comes first, what has no answer finds nothing, and no tenant sees
 * another one's documents.  With -v it prints what each question found.
 */

/* sources: rag/ngx_edge_store.c rag/ngx_edge_store_sql.c */
/* sources: rag/ngx_edge_store_search.c rag/ngx_edge_terms.c */
/* sources: rag/ngx_edge_termset.c rag/ngx_edge_chunk.c */
/* sources: rag/ngx_edge_document.c rag/ngx_edge_filter_match.c */
/* sources: rag/ngx_edge_time.c lib/ngx_edge_utf8.c lib/ngx_edge_buf.c */
/* sources: rag/ngx_edge_digest.c rag/ngx_edge_acl.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lsqlite3 -lcrypto -lm */

#include <dirent.h>
#include <libgen.h>
#include "unit.h"
#include "rag/ngx_edge_store.h"


#define THRESHOLD  0.3


static char                    corpus[512];
static char                    dir[] = "/tmp/edge_quick_XXXXXX";
static char                    path[64];
static int                     verbose;
static ngx_uint_t              documents;
static ngx_pool_t             *pool;
static ngx_edge_store_t       *store;


/* A whole file, NUL-ended, in the pool. */
static ngx_str_t
read_file(const char *name)
{
    FILE       *f;
    long        len;
    ngx_str_t   text;

    ngx_str_null(&text);

    f = fopen(name, "r");
    if (f == NULL) {
        return text;
    }

    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);

    text.data = ngx_pcalloc(pool, len + 1);
    text.len = fread(text.data, 1, len, f);
    fclose(f);

    return text;
}


/* Takes the first line off a text. */
static ngx_str_t
line(ngx_str_t *text)
{
    u_char     *p;
    ngx_str_t   l;

    l = *text;
    p = memchr(text->data, '\n', text->len);

    if (p == NULL) {
        text->len = 0;
        return l;
    }

    l.len = p - text->data;
    text->len -= l.len + 1;
    text->data = p + 1;

    return l;
}


static ngx_str_t
after(ngx_str_t text, const char *prefix)
{
    size_t  len;

    len = strlen(prefix);
    CHECK(text.len >= len && ngx_memcmp(text.data, prefix, len) == 0);

    text.data += len;
    text.len -= len;

    return text;
}


static void
put(const ngx_edge_store_scope_t *scope, const char *name, const char *file)
{
    ngx_str_t                   text;
    ngx_uint_t                  n;
    ngx_edge_document_t         doc;
    ngx_edge_chunk_conf_t       conf;
    ngx_edge_document_status_e  status;

    conf.target = 1200;
    conf.overlap = 200;

    text = read_file(file);

    doc.id = unit_str(name);
    doc.id.len -= 3;                                /* .md */
    doc.title = after(line(&text), "# ");
    doc.source_uri = after(line(&text), "source_uri: ");
    doc.updated_at = after(line(&text), "updated_at: ");
    doc.acl = unit_str("[]");
    doc.text = text;

    CHECK_INT(ngx_edge_store_put(store, scope, &doc, &conf, pool, &status, &n),
              NGX_OK);
    CHECK_INT(status, ngx_edge_document_created);

    documents++;
}


/* conf/quickstart/<tenant>/<module>/<document>.md */
static void
put_all(ngx_edge_store_scope_t *scope, const char *folder, ngx_uint_t level)
{
    DIR            *d;
    char           *name, sub[1100];
    struct dirent  *entry;

    d = opendir(folder);
    CHECK(d != NULL);

    while (d && (entry = readdir(d)) != NULL) {
        name = entry->d_name;
        snprintf(sub, sizeof(sub), "%s/%s", folder, name);

        if (name[0] == '.' || strstr(name, ".tsv")) {
            continue;
        }

        if (level == 0) {
            scope->tenant = unit_str(name);
            put_all(scope, sub, 1);

        } else if (level == 1) {
            scope->module = unit_str(name);
            put_all(scope, sub, 2);

        } else {
            put(scope, name, sub);
        }
    }

    closedir(d);
}


static ngx_array_t *
ask(ngx_str_t tenant, ngx_str_t module, ngx_str_t question, double threshold)
{
    ngx_array_t             *a;
    ngx_edge_store_query_t   query;
    ngx_edge_store_scope_t   scope;

    scope.tenant = tenant;
    scope.module = module;
    query.question = question;
    query.top_k = 5;
    query.threshold = threshold;
    query.filter = NULL;
    query.acl = NULL;

    a = ngx_array_create(pool, 5, sizeof(ngx_edge_passage_t));

    CHECK_INT(ngx_edge_store_search(store, &scope, &query, pool, a), NGX_OK);

    return a;
}


static ngx_str_t
field(ngx_str_t *rest)
{
    u_char     *tab;
    ngx_str_t   f;

    f = *rest;
    tab = memchr(rest->data, '\t', rest->len);

    if (tab) {
        f.len = tab - rest->data;
        rest->data = tab + 1;
        rest->len -= f.len + 1;
    }

    return f;
}


static void
test_questions(void)
{
    int                  ok;
    char                 name[600];
    ngx_str_t            text, l, tenant, module, question, expected;
    ngx_uint_t           i, asked, right;
    ngx_array_t         *a;
    ngx_edge_passage_t  *p;

    snprintf(name, sizeof(name), "%s/questions.tsv", corpus);
    text = read_file(name);
    asked = 0;
    right = 0;

    while (text.len) {
        l = line(&text);

        if (l.len == 0 || l.data[0] == '#') {
            continue;
        }

        tenant = field(&l);
        module = field(&l);
        question = field(&l);
        expected = l;
        asked++;

        a = ask(tenant, module, question, THRESHOLD);
        p = a->elts;

        ok = (expected.len == 1 && expected.data[0] == '-')
             ? a->nelts == 0
             : a->nelts > 0 && p[0].doc_id.len == expected.len
               && ngx_memcmp(p[0].doc_id.data, expected.data, expected.len)
                  == 0;
        right += ok;

        if (!ok || verbose) {
            a = ask(tenant, module, question, 0);
            p = a->elts;
            printf("%s %.*s %.*s: %.*s (%.*s)\n", ok ? "    " : "NOT ",
                   (int) tenant.len, tenant.data,
                   (int) module.len, module.data,
                   (int) question.len, question.data,
                   (int) expected.len, expected.data);

            for (i = 0; i < a->nelts && i < 3; i++) {
                printf("        %.3f %.*s/%d\n", p[i].score,
                       (int) p[i].doc_id.len, p[i].doc_id.data,
                       (int) p[i].chunk);
            }
        }
    }

    CHECK(asked > 40);
    CHECK_INT(right, asked);
}


/* Every question to every other tenant's modules: only own documents. */
static void
test_tenants(void)
{
    char                      file[1200];
    ngx_str_t                 text, l, module, question;
    ngx_uint_t                i, t, seen;
    ngx_array_t              *a;
    ngx_edge_passage_t       *p;
    static const char *const  tenants[] = { "acme", "globex", "none" };

    snprintf(file, sizeof(file), "%s/questions.tsv", corpus);
    text = read_file(file);
    seen = 0;

    while (text.len) {
        l = line(&text);

        if (l.len == 0 || l.data[0] == '#') {
            continue;
        }

        (void) field(&l);
        module = field(&l);
        question = field(&l);

        for (t = 0; t < 3; t++) {
            a = ask(unit_str(tenants[t]), module, question, 0);
            p = a->elts;

            for (i = 0; i < a->nelts; i++) {
                seen++;
                snprintf(file, sizeof(file), "%s/%s/%.*s/%.*s.md", corpus,
                         tenants[t], (int) module.len, module.data,
                         (int) p[i].doc_id.len, p[i].doc_id.data);
                CHECK_INT(access(file, R_OK), 0);
            }
        }
    }

    CHECK(seen > 100);
}


int
main(int argc, char *const argv[])
{
    char                    name[300];
    ngx_edge_store_scope_t  scope;
    u_char                  err[256];

    verbose = (argc > 1 && strcmp(argv[1], "-v") == 0);

    snprintf(name, sizeof(name), "%s", __FILE__);
    snprintf(corpus, sizeof(corpus), "%s/../../conf/quickstart",
             dirname(name));

    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    snprintf(path, sizeof(path), "%s/docs.db", dir);

    pool = ngx_create_pool(4096, &ngx_stub_log);

    store = ngx_edge_store_open(path, err, sizeof(err));
    if (store == NULL) {
        printf("open: %s\n", err);
        return 1;
    }

    put_all(&scope, corpus, 0);
    CHECK(documents > 30);

    RUN(test_questions);
    RUN(test_tenants);

    ngx_edge_store_close(store);
    ngx_destroy_pool(pool);

    (void) unlink(path);
    (void) rmdir(dir);

    return unit_summary();
}
