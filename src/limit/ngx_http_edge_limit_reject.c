
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a request that is over a limit: the client's status, when
 * to come again, the operator's line in the log.  In a dry run, only that.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "lib/ngx_edge_buf.h"
#include "lib/ngx_http_edge_headers.h"
#include "limit/ngx_edge_limit_decision.h"
#include "limit/ngx_http_edge_limit.h"


#define NGX_HTTP_EDGE_LIMIT_QUOTA                                             \
    "https://iana.org/assignments/http-problem-types#quota-exceeded"


static void ngx_http_edge_limit_log(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take);
static ngx_int_t ngx_http_edge_limit_retry_field(ngx_http_request_t *r,
    time_t retry);
static ngx_int_t ngx_http_edge_limit_violated(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take, ngx_str_t *members);


ngx_int_t
ngx_http_edge_limit_reject(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take)
{
    time_t                                 retry;
    const char                            *detail;
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);
    rec = ngx_http_edge_record_get(r);

    rec->limit->status = llcf->dry_run ? ngx_http_edge_limit_rejected_dry_run
                                       : ngx_http_edge_limit_rejected;

    if (r->connection->log->log_level >= llcf->log_level) {
        ngx_http_edge_limit_log(r, take);
    }

    if (llcf->dry_run) {
        return NGX_DECLINED;
    }

    retry = ngx_edge_limit_decision_retry(take->cell, take->n);

    detail = (take == &rec->limit->take)
             ? "the allowance of requests is used up"
             : retry ? "the allowance of tokens is used up"
             : "the question needs more tokens than the limit ever allows";

    (void) ngx_http_edge_fail(r, llcf->status, "rate_limit_exceeded", detail);

    rec->failure.retry_after = retry;
    rec->failure.type = NGX_HTTP_EDGE_LIMIT_QUOTA;

    if (ngx_http_edge_limit_violated(r, take, &rec->failure.members) != NGX_OK
        || ngx_http_edge_limit_retry_field(r, retry) != NGX_OK
        || ngx_http_edge_limit_fields(r) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return llcf->status;
}


ngx_int_t
ngx_http_edge_limit_unavailable(ngx_http_request_t *r)
{
    ngx_http_edge_record_t                *rec;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);
    rec = ngx_http_edge_record_get(r);

    if (llcf->dry_run) {
        rec->limit->status = ngx_http_edge_limit_rejected_dry_run;
        return NGX_DECLINED;
    }

    rec->limit->status = ngx_http_edge_limit_rejected;

    (void) ngx_http_edge_fail(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                              "service_unavailable",
                              "the limits cannot be checked at present");

    rec->failure.retry_after = 1;

    return (ngx_http_edge_limit_retry_field(r, 1) == NGX_OK)
           ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* The first policy that refused. */

static void
ngx_http_edge_limit_log(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take)
{
    u_char                                 name[NGX_HTTP_EDGE_LIMIT_NAME];
    ngx_str_t                              text;
    ngx_uint_t                             i;
    const ngx_http_edge_limit_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_edge_limit_module);

    for (i = 0; i < take->n - 1 && take->cell[i].wait == 0; i++) {
        /* void */
    }

    text.data = name;
    text.len = ngx_http_edge_limit_name(name, &take->charge[i]) - name;

    ngx_log_error(llcf->log_level, r->connection->log, 0,
                  "edge limit: rejected by \"%V\"%s", &text,
                  llcf->dry_run ? ", dry run" : "");
}


/* The error filter sets the same, but not in all locations. */

static ngx_int_t
ngx_http_edge_limit_retry_field(ngx_http_request_t *r, time_t retry)
{
    ngx_str_t  value;

    if (retry == 0) {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", retry) - value.data;

    return ngx_http_edge_header_set(r, "Retry-After", &value);
}


static ngx_int_t
ngx_http_edge_limit_violated(ngx_http_request_t *r,
    const ngx_http_edge_limit_take_t *take, ngx_str_t *members)
{
    u_char          name[NGX_HTTP_EDGE_LIMIT_NAME];
    ngx_uint_t      i, n;
    ngx_edge_buf_t  b;

    ngx_edge_buf_init(&b, r->pool, 128,
                      NGX_HTTP_EDGE_LIMIT_POLICIES
                      * (NGX_HTTP_EDGE_LIMIT_NAME + 4) + 64);

    ngx_edge_buf_lit(&b, ",\"violated-policies\":[");
    n = 0;

    for (i = 0; i < take->n; i++) {

        if (take->cell[i].wait == 0) {
            continue;
        }

        if (n++) {
            ngx_edge_buf_byte(&b, ',');
        }

        ngx_edge_buf_json(&b, name,
                          ngx_http_edge_limit_name(name, &take->charge[i])
                          - name);
    }

    ngx_edge_buf_byte(&b, ']');

    return ngx_edge_buf_done(&b, members);
}
