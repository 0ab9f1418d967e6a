
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the embedded store's file: several connections, a restart, files
 * that are not ours or are broken.
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

#include <pthread.h>
#include "store_fixture.h"


#define WRITERS  2
#define WRITES   40


static void *
writer(void *data)
{
    int                         number;
    char                        id[32], text[64];
    ngx_uint_t                  i, n;
    ngx_pool_t                 *own;
    ngx_edge_store_t           *s;
    ngx_edge_document_t         doc;
    ngx_edge_document_status_e  status;
    u_char                      message[256];

    number = *(int *) data;

    s = ngx_edge_store_open(path, message, sizeof(message));
    if (s == NULL) {
        printf("writer: %s\n", message);
        return "open";
    }

    own = ngx_create_pool(4096, &ngx_stub_log);
    ngx_memzero(&doc, sizeof(ngx_edge_document_t));

    for (i = 0; i < WRITES; i++) {
        snprintf(id, sizeof(id), "w%d-%d", number, (int) i);
        snprintf(text, sizeof(text), "writer %d wrote line %d", number,
                 (int) i);
        doc.id = unit_str(id);
        doc.text = unit_str(text);

        if (ngx_edge_store_put(s, &acme, &doc, &conf, own, &status, &n)
            != NGX_OK)
        {
            printf("writer: %s\n", ngx_edge_store_error(s));
            data = "put";
            break;
        }
    }

    ngx_destroy_pool(own);
    ngx_edge_store_close(s);

    return i == WRITES ? NULL : data;
}


/* Connections of several threads, as the thread pool has them, all of which
 * find no file at first. */
static void
test_two_writers(void)
{
    int          i, numbers[WRITERS];
    void        *rc;
    pthread_t    threads[WRITERS];

    remove_file();

    for (i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, writer, &numbers[i]), 0);
    }

    for (i = 0; i < WRITERS; i++) {
        CHECK_INT(pthread_join(threads[i], &rc), 0);
        CHECK(rc == NULL);
    }

    CHECK_INT(count("SELECT count(*) FROM documents"), WRITERS * WRITES);
    CHECK_INT(count("SELECT count(*) FROM chunk_terms"), WRITERS * WRITES);
}


static void
test_reopen(void)
{
    struct stat  st;

    begin();
    put(store, &acme, "d1", "", "Kept over a restart.", NULL);
    ngx_edge_store_close(store);

    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);

    store = ngx_edge_store_open(path, err, sizeof(err));
    CHECK(store != NULL);
    CHECK_FOUND(&acme, "restart", 0, "d1");
    CHECK_INT(count("SELECT count(*) FROM pragma_journal_mode"
                    " WHERE journal_mode = 'wal'"), 1);

    end();
}


/* A reader sees what another connection has committed, and nothing else. */
static void
test_reader_and_writer(void)
{
    ngx_edge_store_t  *second;

    begin();

    second = ngx_edge_store_open(path, err, sizeof(err));
    CHECK(second != NULL);

    CHECK_FOUND(&acme, "fresh", 0, "");
    put(second, &acme, "d", "", "Fresh news.", NULL);
    CHECK_FOUND(&acme, "fresh", 0, "d");

    ngx_edge_store_close(second);
    end();
}


static void
test_foreign_files(void)
{
    FILE         *f;
    u_char        junk[8192];
    const char   *message;

    message = (char *) err;

    /* no directory */

    CHECK(ngx_edge_store_open("/nonexistent/x.db", err, sizeof(err)) == NULL);
    CHECK(strstr(message, "create") != NULL);

    /* no database */

    remove_file();
    ngx_memset(junk, 'x', sizeof(junk));
    f = fopen(path, "w");
    CHECK(fwrite(junk, sizeof(junk), 1, f) == 1);
    fclose(f);

    CHECK(ngx_edge_store_open(path, err, sizeof(err)) == NULL);
    CHECK(strstr(message, "not a database") != NULL);

    /* a newer version of ours */

    begin();
    end();
    run_sql("PRAGMA user_version = 99");
    CHECK(ngx_edge_store_open(path, err, sizeof(err)) == NULL);
    CHECK(strstr(message, "version 99") != NULL);

    /* another program's, which stays as it is */

    remove_file();
    run_sql("CREATE TABLE t (x)");
    CHECK(ngx_edge_store_open(path, err, sizeof(err)) == NULL);
    CHECK(strstr(message, "another program") != NULL);
    CHECK_INT(count("SELECT count(*) FROM sqlite_master"), 1);
    CHECK_INT(count("SELECT count(*) FROM pragma_journal_mode"
                    " WHERE journal_mode = 'wal'"), 0);
}


/* Pages overwritten under us: errors or nothing found, no crash. */
static void
test_corrupt_pages(void)
{
    FILE                   *f;
    long                    size;
    u_char                  junk[512];
    ngx_uint_t              i, opened;
    ngx_array_t            *a;
    ngx_edge_store_query_t  query;

    opened = 0;
    query.question = unit_str("common words");
    query.top_k = 5;
    query.threshold = 0;
    query.filter = NULL;
    query.acl = NULL;

    for (i = 0; i < 12; i++) {
        begin();
        put(store, &acme, "a", "", "common words", NULL);
        put(store, &acme, "b", "", "more common words", NULL);
        ngx_edge_store_close(store);

        f = fopen(path, "r+");
        fseek(f, 0, SEEK_END);
        size = ftell(f);
        ngx_memset(junk, (int) (i * 17), sizeof(junk));
        fseek(f, 100 + (size - 700) * (long) i / 12, SEEK_SET);
        CHECK(fwrite(junk, sizeof(junk), 1, f) == 1);
        fclose(f);

        store = ngx_edge_store_open(path, err, sizeof(err));

        if (store) {
            opened++;
            a = ngx_array_create(pool, 5, sizeof(ngx_edge_passage_t));
            (void) ngx_edge_store_search(store, &acme, &query, pool, a);
            ngx_edge_store_close(store);

        } else {
            CHECK(err[0] != '\0');
        }

        ngx_destroy_pool(pool);
    }

    CHECK(opened > 0);
}


int
main(void)
{
    if (!make_dir()) {
        return 1;
    }

    RUN(test_two_writers);
    RUN(test_reopen);
    RUN(test_reader_and_writer);
    RUN(test_foreign_files);
    RUN(test_corrupt_pages);

    remove_dir();

    return unit_summary();
}
