
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What can be said about a URL when nginx reads its configuration, by
 * libcurl's own parser, so that what is checked is what will be called.
 * Nothing is started and no name looked up.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <curl/curl.h>
#include "fetch/ngx_edge_fetch.h"


static ngx_uint_t ngx_edge_fetch_check_part(CURLU *u, CURLUPart part,
    const char *value);


const char *
ngx_edge_fetch_check_url(const ngx_str_t *url)
{
    CURLU       *u;
    ngx_uint_t   i;
    const char  *error;

    for (i = 0; i < url->len; i++) {
        if (url->data[i] <= ' ' || url->data[i] >= 0x7f) {
            return "it has a byte that no URL has";
        }
    }

    if (url->len < 8 || ngx_strncasecmp(url->data, (u_char *) "https://", 8)) {
        return "it must begin with \"https://\"";
    }

    /* libcurl would take what follows a third slash for the host */

    if (url->data[8] == '/') {
        return "it has no host";
    }

    u = curl_url();
    if (u == NULL) {
        return "no memory";
    }

    if (curl_url_set(u, CURLUPART_URL, (char *) url->data, 0) != CURLUE_OK
        || !ngx_edge_fetch_check_part(u, CURLUPART_SCHEME, "https"))
    {
        error = "it is not valid";

    } else if (ngx_edge_fetch_check_part(u, CURLUPART_USER, NULL)
               || ngx_edge_fetch_check_part(u, CURLUPART_PASSWORD, NULL))
    {
        error = "it must not hold a user or a password";

    } else if (ngx_edge_fetch_check_part(u, CURLUPART_FRAGMENT, NULL)) {
        error = "it must not have a fragment";

    } else {
        error = NULL;
    }

    curl_url_cleanup(u);

    return error;
}


/* Is a part there, and if value is given, is it that? */

static ngx_uint_t
ngx_edge_fetch_check_part(CURLU *u, CURLUPart part, const char *value)
{
    char        *text;
    ngx_uint_t   is;

    if (curl_url_get(u, part, &text, 0) != CURLUE_OK) {
        return 0;
    }

    is = (value == NULL || ngx_strcmp(text, value) == 0);

    curl_free(text);

    return is;
}
