
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Looks for a drain file, at most once a second.  The look is a blocking
 * stat(): of a local file, best in a tmpfs, it costs about a microsecond, and
 * a thread for it would cost more.  It knows no request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include "observe/ngx_edge_drain.h"


#define NGX_EDGE_DRAIN_INTERVAL  1000


ngx_uint_t
ngx_edge_drain(ngx_edge_drain_t *drain, ngx_log_t *log)
{
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (drain->known
        && ngx_current_msec - drain->checked < NGX_EDGE_DRAIN_INTERVAL)
    {
        return drain->draining;
    }

    drain->known = 1;
    drain->checked = ngx_current_msec;

    if (ngx_file_info(drain->path.data, &fi) != NGX_FILE_ERROR) {
        drain->draining = 1;
        drain->failed = 0;
        return 1;
    }

    err = ngx_errno;

    if (err == NGX_ENOENT || err == NGX_ENOTDIR) {
        drain->draining = 0;
        drain->failed = 0;
        return 0;
    }

    if (!drain->failed) {
        ngx_log_error(NGX_LOG_ERR, log, err,
                      "edge health: drain file \"%V\" cannot be looked for, "
                      "not ready", &drain->path);
    }

    drain->draining = 1;
    drain->failed = 1;

    return 1;
}
