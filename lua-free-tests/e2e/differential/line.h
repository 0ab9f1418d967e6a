
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the programs that judge tokens share: a line with a key's name and a
 * token in hexadecimal comes in, one with the verdict goes out.  A token is in
 * a block of its own, so that a sanitizer sees who reads beyond its end.
 */


#ifndef _LINE_H_INCLUDED_
#define _LINE_H_INCLUDED_


#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define LINE_MAX_HEX  (256 * 1024)


static inline void
line_die(const char *what)
{
    fprintf(stderr, "cannot go on: %s\n", what);
    exit(2);
}


/* The key's name, until the next call, or NULL at the end; *token is the
 * caller's to free and has a NUL behind its len bytes. */

static inline char *
line_read(char **token, size_t *len)
{
    char        *hex, digits[3];
    size_t       i;

    static char  line[LINE_MAX_HEX];

    if (fgets(line, sizeof(line), stdin) == NULL) {
        return NULL;
    }

    hex = strchr(line, ' ');

    if (hex == NULL || strchr(hex, '\n') == NULL) {
        line_die("a line of another form");
    }

    *hex++ = '\0';
    *len = strcspn(hex, "\n") / 2;
    *token = malloc(*len + 1);
    digits[2] = '\0';

    for (i = 0; i < *len; i++) {
        memcpy(digits, hex + 2 * i, 2);
        (*token)[i] = (char) strtoul(digits, NULL, 16);
    }

    (*token)[i] = '\0';

    return line;
}


/* Why a token is refused; NULL: it is not. */

static inline void
line_answer(const char *reason)
{
    printf("%d %s\n", reason == NULL, reason ? reason : "");
    fflush(stdout);
}


/* A file in memory, a NUL behind it; NULL: there is none. */

static inline char *
line_file(const char *folder, const char *name, const char *ending,
    size_t *len)
{
    char   path[PATH_MAX], *text;
    FILE  *f;
    long   size;

    snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);

    f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }

    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);

    text = malloc(size + 1);

    if (text == NULL || fread(text, 1, size, f) != (size_t) size) {
        line_die(path);
    }

    text[size] = '\0';
    *len = size;
    fclose(f);

    return text;
}


#endif /* _LINE_H_INCLUDED_ */
