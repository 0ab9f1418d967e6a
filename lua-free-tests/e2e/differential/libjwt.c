
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libjwt's verdict on tokens, to compare the edge's with.
 *
 *     libjwt KEYS < "KEY HEX\n"... > "0|1 reason\n"...
 *
 * KEYS has a file KEY.key for every key, PEM or a secret.  As its documentation
 * demands, the algorithm is compared with what the key is for: the first two
 * letters of its name.  It judges no dates and knows no kid.
 */


/* libs: -ljwt */

#include <jwt.h>
#include "line.h"


static const char *
judge(const char *folder, const char *name, const char *token)
{
    int            rc;
    char          *key;
    jwt_t         *jwt;
    size_t         len;
    const char    *reason, *alg;

    static char    answer[64];

    key = line_file(folder, name, ".key", &len);

    if (key == NULL) {
        line_die(name);
    }

    jwt = NULL;
    reason = NULL;

    rc = jwt_decode(&jwt, token, (unsigned char *) key, (int) len);

    if (rc != 0) {
        snprintf(answer, sizeof(answer), "%s", strerror(rc));
        reason = answer;

    } else {
        alg = jwt_alg_str(jwt_get_alg(jwt));

        if (alg == NULL || strncasecmp(alg, name, 2) != 0) {
            reason = "not the key's algorithm";
        }
    }

    jwt_free(jwt);
    free(key);

    return reason;
}


int
main(int argc, char *argv[])
{
    char    *name, *token;
    size_t   len;

    if (argc != 2) {
        line_die("usage: libjwt KEYS");
    }

    while ((name = line_read(&token, &len)) != NULL) {
        line_answer(judge(argv[1], name, token));
        free(token);
    }

    return 0;
}
