
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the embedded store: documents, tenants, search.
 */

/* sources: rag/ngx_edge_store.c rag/ngx_edge_store_sql.c */
/* sources: rag/ngx_edge_store_search.c rag/ngx_edge_terms.c */
/* sources: rag/ngx_edge_termset.c rag/ngx_edge_chunk.c */
/* sources: rag/ngx_edge_document.c rag/ngx_edge_filter_match.c */
/* sources: rag/ngx_edge_time.c lib/ngx_edge_utf8.c lib/ngx_edge_buf.c */
/* sources: rag/ngx_edge_digest.c rag/ngx_edge_acl.c lib/ngx_edge_scan.c */
/* sources: lib/ngx_edge_scan_value.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_decimal.c */
/* libs: -lsqlite3 -lcrypto -lm -lpthread */

#include "store_fixture.h"


static ngx_edge_store_scope_t globex = { ngx_string("globex"),
                                         ngx_string("planning") };
static ngx_edge_store_scope_t other_module = { ngx_string("acme"),
                                               ngx_string("support") };


static void
test_put_get_delete(void)
{
    ngx_str_t            id;
    ngx_uint_t           n;
    ngx_edge_document_t  doc;

    begin();

    CHECK_INT(put(store, &acme, "d1", "Title", "Some text.", &n),
              ngx_edge_document_created);
    CHECK_INT(n, 1);
    CHECK_INT(put(store, &acme, "d1", "Title", "Some text.", &n),
              ngx_edge_document_unchanged);
    CHECK_INT(n, 1);
    CHECK_INT(put(store, &acme, "d1", "Other", "Some text.", &n),
              ngx_edge_document_updated);

    id = unit_str("d1");
    n = 0;
    CHECK_INT(ngx_edge_store_get(store, &acme, &id, pool, &doc, &n), NGX_OK);
    CHECK_INT(n, 1);
    CHECK_STR(doc.id, "d1");
    CHECK_STR(doc.title, "Other");
    CHECK_STR(doc.text, "Some text.");
    CHECK_STR(doc.source_uri, "s3://bucket/x.md");
    CHECK_STR(doc.updated_at, "2026-04-14T06:40:00Z");
    CHECK_STR(doc.acl, "[\"a\"]");

    CHECK_INT(ngx_edge_store_delete(store, &acme, &id), NGX_OK);
    CHECK_INT(ngx_edge_store_delete(store, &acme, &id), NGX_DECLINED);
    CHECK_INT(ngx_edge_store_get(store, &acme, &id, pool, &doc, &n),
              NGX_DECLINED);
    CHECK_FOUND(&acme, "some text", 0, "");

    CHECK_INT(count("SELECT count(*) FROM documents"), 0);
    CHECK_INT(count("SELECT count(*) FROM chunks"), 0);
    CHECK_INT(count("SELECT count(*) FROM chunk_terms"), 0);

    end();
}


static void
test_empty_document(void)
{
    ngx_str_t            id;
    ngx_uint_t           n;
    ngx_edge_document_t  doc;

    begin();

    CHECK_INT(put(store, &acme, "e", "", " \n", &n),
              ngx_edge_document_created);
    CHECK_INT(n, 0);

    id = unit_str("e");
    CHECK_INT(ngx_edge_store_get(store, &acme, &id, pool, &doc, &n), NGX_OK);
    CHECK_STR(doc.title, "");
    CHECK_STR(doc.text, " \n");

    end();
}


static void
test_search(void)
{
    ngx_array_t         *a;
    ngx_edge_passage_t  *p;

    begin();

    put(store, &acme, "rush", "Rush orders",
        "The surcharge of a rush order is 18 percent.", NULL);
    put(store, &acme, "stock", "Safety stock",
        "Safety stock covers two weeks of demand. No order needed.", NULL);
    put(store, &acme, "px", "PX-204-B", "Code PX-204-B is a shaft.", NULL);

    CHECK_FOUND(&acme, "What is the surcharge for rush orders?", 0.3, "rush");
    CHECK_FOUND(&acme, "order", 0, "rush stock");
    CHECK_FOUND(&acme, "PX-204-B", 0.3, "px");
    CHECK_FOUND(&acme, "px 204 b", 0.3, "px");
    CHECK_FOUND(&acme, "elephant", 0, "");
    CHECK_FOUND(&acme, "?!", 0, "");
    CHECK_FOUND(&acme, "", 0, "");

    /* what looks like the index's query language is text */

    CHECK_FOUND(&acme, "rush\" OR scope:\"* NEAR(a) - ^ NOT", 0, "rush");

    a = search(&acme, "surcharge", 0.3, NULL);
    CHECK_INT(a->nelts, 1);
    p = a->elts;
    CHECK_STR(p->title, "Rush orders");
    CHECK_STR(p->text, "The surcharge of a rush order is 18 percent.");
    CHECK_STR(p->source_uri, "s3://bucket/x.md");
    CHECK_STR(p->updated_at, "2026-04-14T06:40:00Z");
    CHECK_INT(p->chunk, 0);
    CHECK(p->score > 0.99);

    /* the title counts, and a term nobody has pulls the score down */

    put(store, &acme, "terms", "Warranty", "It lasts 18 months.", NULL);
    CHECK_FOUND(&acme, "warranty", 0.9, "terms");
    CHECK_FOUND(&acme, "order of elephants and giraffes", 0.3, "");

    end();
}


static void
test_korean(void)
{
    begin();

    put(store, &acme, "plan", "생산 계획",
        "주간 생산 계획 회의는 매주 월요일에 열린다.", NULL);
    put(store, &acme, "stock", "재고",
        "재고 실사는 분기마다 한다. 차이가 2퍼센트를 넘으면 다시 센다.", NULL);

    CHECK_FOUND(&acme, "생산계획 회의는 언제 열립니까?", 0.3, "plan");
    CHECK_FOUND(&acme, "재고실사의 차이", 0.3, "stock");
    CHECK_FOUND(&acme, "휴가 신청은 어떻게 하나요?", 0.3, "");

    end();
}


static void
test_top_k_and_chunks(void)
{
    u_char                 *p, text[8000];
    ngx_uint_t              i, n;
    ngx_array_t            *a;
    ngx_edge_passage_t     *hit;
    ngx_edge_store_query_t  query;

    begin();

    p = text;

    for (i = 0; i < 60; i++) {
        p += snprintf((char *) p, 200, "Sentence number n%u tells of the "
                      "common thing in a line that is long enough.\n\n",
                      (unsigned) i);
    }

    put(store, &acme, "long", "", (char *) text, &n);
    CHECK(n > 3);
    CHECK_INT(count("SELECT count(*) FROM chunks"), n);

    query.question = unit_str("n59");
    query.top_k = 5;
    query.threshold = 0;
    query.filter = NULL;
    query.acl = NULL;

    a = ngx_array_create(pool, 5, sizeof(ngx_edge_passage_t));
    CHECK_INT(ngx_edge_store_search(store, &acme, &query, pool, a), NGX_OK);
    CHECK_INT(a->nelts, 1);
    hit = a->elts;
    CHECK_INT(hit->chunk, n - 1);
    CHECK(hit->text.len <= conf.target);
    CHECK(ngx_strnstr(hit->text.data, "n59", hit->text.len) != NULL);

    query.question = unit_str("common");
    query.top_k = 2;
    a = ngx_array_create(pool, 5, sizeof(ngx_edge_passage_t));
    CHECK_INT(ngx_edge_store_search(store, &acme, &query, pool, a), NGX_OK);
    CHECK_INT(a->nelts, 2);

    /* a shorter version leaves nothing of the longer one */

    CHECK_INT(put(store, &acme, "long", "", "A new beginning.", &n),
              ngx_edge_document_updated);
    CHECK_INT(n, 1);
    CHECK_INT(count("SELECT count(*) FROM chunks"), 1);
    CHECK_INT(count("SELECT count(*) FROM chunk_terms"), 1);
    CHECK_FOUND(&acme, "n59", 0, "");
    CHECK_FOUND(&acme, "common", 0, "");
    CHECK_FOUND(&acme, "beginning", 0, "long");

    end();
}


static void
test_tenants(void)
{
    double               before;
    ngx_str_t            id;
    ngx_uint_t           i, n;
    ngx_array_t         *a;
    ngx_edge_document_t  doc;
    char                 name[16];

    begin();

    put(store, &acme, "same", "", "The secret colour of acme is red.", NULL);
    put(store, &globex, "same", "", "The secret colour of globex is blue.",
        NULL);

    CHECK_FOUND(&acme, "secret colour", 0, "same");
    a = search(&acme, "secret colour red blue globex", 0, NULL);
    CHECK_INT(a->nelts, 1);
    CHECK(ngx_strstr(((ngx_edge_passage_t *) a->elts)->text.data, "red"));

    a = search(&globex, "secret colour red blue acme", 0, NULL);
    CHECK_INT(a->nelts, 1);
    CHECK(ngx_strstr(((ngx_edge_passage_t *) a->elts)->text.data, "blue"));

    CHECK_FOUND(&globex, "red", 0, "");
    CHECK_FOUND(&other_module, "secret colour", 0, "");

    /* a score tells nothing about other tenants' documents */

    a = search(&acme, "secret colour planet", 0, NULL);
    before = ((ngx_edge_passage_t *) a->elts)->score;

    for (i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "p%u", (unsigned) i);
        put(store, &globex, name, "", "The planet has a secret.", NULL);
    }

    a = search(&acme, "secret colour planet", 0, NULL);
    CHECK_INT(a->nelts, 1);
    CHECK(((ngx_edge_passage_t *) a->elts)->score == before);

    /* the token in the index cannot be written by a document */

    put(store, &globex, "fake", "", "t61636d65_706c616e6e696e67 secret", NULL);
    CHECK_FOUND(&acme, "t61636d65_706c616e6e696e67", 0, "");

    /* names that run together are still two */

    id = unit_str("same");
    CHECK_INT(ngx_edge_store_delete(store, &other_module, &id), NGX_DECLINED);
    CHECK_INT(ngx_edge_store_delete(store, &globex, &id), NGX_OK);
    CHECK_INT(ngx_edge_store_get(store, &acme, &id, pool, &doc, &n), NGX_OK);
    CHECK_INT(ngx_edge_store_get(store, &globex, &id, pool, &doc, &n),
              NGX_DECLINED);
    CHECK_FOUND(&acme, "secret colour", 0, "same");

    end();
}


/* An index that lies about the scope must not open another tenant's rows. */
static void
test_tenant_checked_twice(void)
{
    begin();

    put(store, &globex, "g", "", "The secret colour of globex.", NULL);
    put(store, &acme, "a", "", "The weather.", NULL);

    ngx_edge_store_close(store);
    run_sql("UPDATE chunk_terms SET scope = 't61636d65_706c616e6e696e67'");
    store = ngx_edge_store_open(path, err, sizeof(err));

    CHECK_FOUND(&acme, "secret colour weather", 0, "a");

    end();
}


static void
test_filter(void)
{
    ngx_str_t               values[2], range[4];
    const char             *got;
    ngx_edge_filter_t       filter;
    ngx_edge_filter_cond_t  cond;

    begin();

    put(store, &acme, "a", "", "common words", NULL);
    put(store, &acme, "b", "", "common words here", NULL);
    put(store, &acme, "c", "", "common words here too", NULL);

    values[0] = unit_str("c");
    values[1] = unit_str("b");

    cond.key = ngx_edge_filter_doc_id;
    cond.op = ngx_edge_filter_any;
    cond.values = values;
    cond.nvalues = 2;
    cond.negate = 0;

    filter.conds = &cond;
    filter.n = 1;

    got = found(&acme, "common", 0, &filter);
    CHECK_MEM(got, strlen(got), "b c");

    cond.negate = 1;
    got = found(&acme, "common", 0, &filter);
    CHECK_MEM(got, strlen(got), "a");

    ngx_memzero(range, sizeof(range));
    range[0] = unit_str("2026-04-14T08:40:00+02:00");

    cond.key = ngx_edge_filter_updated_at;
    cond.op = ngx_edge_filter_range;
    cond.values = range;
    cond.nvalues = 4;
    cond.negate = 0;

    got = found(&acme, "common", 0, &filter);
    CHECK_MEM(got, strlen(got), "");

    range[1] = range[0];
    range[0].len = 0;
    got = found(&acme, "common", 0, &filter);
    CHECK_MEM(got, strlen(got), "a b c");

    end();
}


static void
test_no_memory(void)
{
    ngx_int_t                   i, rc;
    ngx_str_t                   id;
    ngx_uint_t                  n, failed;
    ngx_array_t                *a;
    ngx_edge_document_t         doc;
    ngx_edge_store_query_t      query;
    ngx_edge_document_status_e  status;

    begin();

    put(store, &acme, "a", "Title", "common words", NULL);

    query.question = unit_str("common words");
    query.top_k = 5;
    query.threshold = 0;
    query.filter = NULL;
    query.acl = NULL;

    id = unit_str("a");
    failed = 0;

    for (i = 0; i < 60; i++) {
        ngx_memzero(&doc, sizeof(ngx_edge_document_t));
        doc.id = unit_str("b");
        doc.text = unit_str("other text");

        ngx_stub_alloc_budget = i;
        rc = ngx_edge_store_put(store, &acme, &doc, &conf, pool, &status, &n);
        ngx_stub_alloc_budget = -1;

        if (rc != NGX_OK) {
            failed++;
            CHECK_INT(status, ngx_edge_document_failed);
            CHECK(strstr(ngx_edge_store_error(store), "memory") != NULL);
        }

        a = ngx_array_create(pool, 1, sizeof(ngx_edge_passage_t));
        ngx_stub_alloc_budget = i;
        rc = ngx_edge_store_search(store, &acme, &query, pool, a);
        ngx_stub_alloc_budget = -1;
        failed += (rc != NGX_OK);

        ngx_stub_alloc_budget = i;
        rc = ngx_edge_store_get(store, &acme, &id, pool, &doc, &n);
        ngx_stub_alloc_budget = -1;
        failed += (rc != NGX_OK);
    }

    CHECK(failed > 15);
    CHECK_FOUND(&acme, "common words", 0, "a");
    CHECK_FOUND(&acme, "other text", 0, "b");

    end();
}


int
main(void)
{
    if (!make_dir()) {
        return 1;
    }

    RUN(test_put_get_delete);
    RUN(test_empty_document);
    RUN(test_search);
    RUN(test_korean);
    RUN(test_top_k_and_chunks);
    RUN(test_tenants);
    RUN(test_tenant_checked_twice);
    RUN(test_filter);
    RUN(test_no_memory);

    remove_dir();

    return unit_summary();
}
