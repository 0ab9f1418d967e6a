
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tests for the drain file: what its presence means, how long a look lasts,
 * and what happens where the look fails.
 */

/* sources: observe/ngx_edge_drain.c */

#include "unit.h"
#include "observe/ngx_edge_drain.h"


static char  dir[] = "/tmp/edge-drain-XXXXXX";


static ngx_edge_drain_t
drain_of(const char *path)
{
    ngx_edge_drain_t  drain;

    ngx_memzero(&drain, sizeof(ngx_edge_drain_t));
    drain.path = unit_str(path);

    return drain;
}


static void
touch(const char *path)
{
    int  fd;

    fd = open(path, O_CREAT|O_WRONLY, 0600);
    CHECK(fd != -1);
    close(fd);
}


static void
test_a_look_lasts_a_second(void)
{
    char              path[64];
    ngx_edge_drain_t  drain;

    snprintf(path, sizeof(path), "%s/drain", dir);
    drain = drain_of(path);

    ngx_stub_set_time(1000, 0);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);

    touch(path);

    ngx_stub_advance(999);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);
    ngx_stub_advance(1);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);

    CHECK_INT(unlink(path), 0);

    ngx_stub_advance(999);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);
    ngx_stub_advance(1);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);

    CHECK_INT(ngx_stub_log_lines, 0);
}


static void
test_the_first_look_is_a_look(void)
{
    ngx_edge_drain_t  drain;

    /* the clock of a fresh process may be anything, 0 too */

    ngx_stub_set_time(0, 0);
    drain = drain_of(dir);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);
}


static void
test_a_missing_directory_is_a_missing_file(void)
{
    char              path[64];
    ngx_edge_drain_t  drain;

    snprintf(path, sizeof(path), "%s/none/drain", dir);
    drain = drain_of(path);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);

    /* a file where a directory should be */

    drain = drain_of("/dev/null/drain");
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);

    CHECK_INT(ngx_stub_log_lines, 0);
}


static void
test_a_failed_look_drains_and_is_logged_once(void)
{
    char              path[64];
    ngx_uint_t        lines;
    ngx_edge_drain_t  drain;

    snprintf(path, sizeof(path), "%s/loop", dir);
    drain = drain_of(path);
    lines = ngx_stub_log_lines;

    CHECK_INT(symlink(path, path), 0);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);
    ngx_stub_advance(1000);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);
    CHECK_INT(ngx_stub_log_lines, lines + 1);

    CHECK_INT(unlink(path), 0);
    ngx_stub_advance(1000);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 0);

    CHECK_INT(symlink(path, path), 0);
    ngx_stub_advance(1000);
    CHECK_INT(ngx_edge_drain(&drain, &ngx_stub_log), 1);
    CHECK_INT(ngx_stub_log_lines, lines + 2);
    CHECK_INT(unlink(path), 0);
}


int
main(void)
{
    if (mkdtemp(dir) == NULL) {
        perror("mkdtemp");
        return 1;
    }

    RUN(test_a_look_lasts_a_second);
    RUN(test_the_first_look_is_a_look);
    RUN(test_a_missing_directory_is_a_missing_file);
    RUN(test_a_failed_look_drains_and_is_logged_once);

    rmdir(dir);

    return unit_summary();
}
