
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: memory, containers, time and log.
 * Slab pools and locks are in ngx_stub_slab.c, strings in ngx_stub_string.c,
 * hashes in ngx_stub_hash.c, trees in ngx_stub_tree.c.  Knows nothing of the
 * module.
 */


#include "ngx_stub.h"


/*
 * nginx keeps allocations of a pool in pool->large; the stub does the same,
 * one ngx_pool_large_t and one malloc() for each, so overruns are seen.
 */

static void *ngx_stub_pool_block(ngx_pool_t *pool, size_t size);
static void ngx_stub_pool_release(ngx_pool_t *pool);


volatile ngx_msec_t       ngx_current_msec;
volatile ngx_time_t      *ngx_cached_time;
volatile ngx_str_t        ngx_cached_err_log_time = ngx_string("");
volatile ngx_str_t        ngx_cached_http_time = ngx_string("");
volatile ngx_str_t        ngx_cached_http_log_time = ngx_string("");
volatile ngx_str_t        ngx_cached_http_log_iso8601 = ngx_string("");
volatile ngx_str_t        ngx_cached_syslog_time = ngx_string("");
volatile ngx_cycle_t     *ngx_cycle;

ngx_uint_t                ngx_pagesize = 4096;
ngx_uint_t                ngx_pagesize_shift = 12;
ngx_uint_t                ngx_cacheline_size = 64;
ngx_int_t                 ngx_ncpu = 1;
ngx_pid_t                 ngx_pid;
ngx_uint_t                ngx_process;
ngx_uint_t                ngx_worker;
ngx_uint_t                ngx_exiting;

ngx_log_t                 ngx_stub_log;
ngx_uint_t                ngx_stub_log_lines;
u_char                    ngx_stub_log_last[1024];
ngx_int_t                 ngx_stub_alloc_budget = -1;

static ngx_time_t         ngx_stub_time;
static ngx_cycle_t        ngx_stub_cycle;


/* Runs before main(): nginx's globals are never NULL in a worker either. */

__attribute__((constructor))
static void
ngx_stub_init(void)
{
    ngx_stub_log.log_level = NGX_LOG_ERR;
    ngx_stub_cycle.log = &ngx_stub_log;
    ngx_cycle = &ngx_stub_cycle;
    ngx_cached_time = &ngx_stub_time;
    ngx_stub_set_time(1700000000, 0);
}


void
ngx_stub_set_time(time_t sec, ngx_msec_t msec)
{
    ngx_stub_time.sec = sec;
    ngx_stub_time.msec = msec;
    ngx_current_msec = (ngx_msec_t) sec * 1000 + msec;
}


void
ngx_stub_advance(ngx_msec_t msec)
{
    ngx_msec_t  now;

    now = ngx_current_msec + msec;

    ngx_stub_set_time(now / 1000, now % 1000);
}


ngx_int_t
ngx_stub_alloc_allowed(void)
{
    if (ngx_stub_alloc_budget < 0) {
        return 1;
    }

    if (ngx_stub_alloc_budget == 0) {
        return 0;
    }

    ngx_stub_alloc_budget--;

    return 1;
}


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return ngx_stub_alloc_allowed() ? malloc(size) : NULL;
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return ngx_stub_alloc_allowed() ? calloc(1, size) : NULL;
}


ngx_pool_t *
ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    pool = ngx_calloc(sizeof(ngx_pool_t), log);
    if (pool == NULL) {
        return NULL;
    }

    pool->max = size;
    pool->current = pool;
    pool->log = log ? log : &ngx_stub_log;

    return pool;
}


void
ngx_destroy_pool(ngx_pool_t *pool)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {
        if (cln->handler) {
            cln->handler(cln->data);
        }
    }

    ngx_stub_pool_release(pool);
    free(pool);
}


void
ngx_reset_pool(ngx_pool_t *pool)
{
    ngx_stub_pool_release(pool);
    pool->chain = NULL;
}


static void
ngx_stub_pool_release(ngx_pool_t *pool)
{
    ngx_pool_large_t  *l, *next;

    for (l = pool->large; l; l = next) {
        next = l->next;
        free(l->alloc);
        free(l);
    }

    pool->large = NULL;
}


static void *
ngx_stub_pool_block(ngx_pool_t *pool, size_t size)
{
    ngx_pool_large_t  *l;

    if (!ngx_stub_alloc_allowed()) {
        return NULL;
    }

    l = malloc(sizeof(ngx_pool_large_t));
    if (l == NULL) {
        return NULL;
    }

    l->alloc = malloc(size);
    if (l->alloc == NULL) {
        free(l);
        return NULL;
    }

    l->next = pool->large;
    pool->large = l;

    return l->alloc;
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    return ngx_stub_pool_block(pool, size);
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_stub_pool_block(pool, size);
}


void *
ngx_pmemalign(ngx_pool_t *pool, size_t size, size_t alignment)
{
    /* malloc() aligns for every type, which is what the callers need */

    return ngx_stub_pool_block(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_stub_pool_block(pool, size);
    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


/* Unlike nginx's it can free any block: a later use is then seen. */

ngx_int_t
ngx_pfree(ngx_pool_t *pool, void *p)
{
    ngx_pool_large_t  *l;

    for (l = pool->large; l; l = l->next) {
        if (l->alloc == p) {
            free(l->alloc);
            l->alloc = NULL;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_pool_cleanup_t *
ngx_pool_cleanup_add(ngx_pool_t *pool, size_t size)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pcalloc(pool, sizeof(ngx_pool_cleanup_t));
    if (cln == NULL) {
        return NULL;
    }

    if (size) {
        cln->data = ngx_palloc(pool, size);
        if (cln->data == NULL) {
            return NULL;
        }
    }

    cln->next = pool->cleanup;
    pool->cleanup = cln;

    return cln;
}


ngx_array_t *
ngx_array_create(ngx_pool_t *pool, ngx_uint_t n, size_t size)
{
    ngx_array_t  *a;

    a = ngx_palloc(pool, sizeof(ngx_array_t));
    if (a == NULL || ngx_array_init(a, pool, n, size) != NGX_OK) {
        return NULL;
    }

    return a;
}


void
ngx_array_destroy(ngx_array_t *a)
{
    (void) ngx_pfree(a->pool, a->elts);  /* nginx, too, may not find it */
    a->elts = NULL;
}


void *
ngx_array_push(ngx_array_t *a)
{
    return ngx_array_push_n(a, 1);
}


/* Moves on every growth, so that a pointer kept across a push is seen. */

void *
ngx_array_push_n(ngx_array_t *a, ngx_uint_t n)
{
    void        *elts;
    ngx_uint_t   nalloc;

    if (a->nelts + n > a->nalloc) {
        nalloc = 2 * (n > a->nalloc ? n : a->nalloc);

        elts = ngx_palloc(a->pool, nalloc * a->size);
        if (elts == NULL) {
            return NULL;
        }

        if (a->nelts) {
            ngx_memcpy(elts, a->elts, a->nelts * a->size);
        }

        (void) ngx_pfree(a->pool, a->elts);  /* elts may be foreign */

        a->elts = elts;
        a->nalloc = nalloc;
    }

    a->nelts += n;

    return (u_char *) a->elts + (a->nelts - n) * a->size;
}


ngx_list_t *
ngx_list_create(ngx_pool_t *pool, ngx_uint_t n, size_t size)
{
    ngx_list_t  *list;

    list = ngx_palloc(pool, sizeof(ngx_list_t));
    if (list == NULL || ngx_list_init(list, pool, n, size) != NGX_OK) {
        return NULL;
    }

    return list;
}


void *
ngx_list_push(ngx_list_t *list)
{
    ngx_list_part_t  *part;

    part = list->last;

    if (part->nelts == list->nalloc) {

        part = ngx_pcalloc(list->pool, sizeof(ngx_list_part_t));
        if (part == NULL) {
            return NULL;
        }

        part->elts = ngx_palloc(list->pool, list->nalloc * list->size);
        if (part->elts == NULL) {
            return NULL;
        }

        list->last->next = part;
        list->last = part;
    }

    return (u_char *) part->elts + list->size * part->nelts++;
}


ngx_buf_t *
ngx_create_temp_buf(ngx_pool_t *pool, size_t size)
{
    ngx_buf_t  *b;

    b = ngx_calloc_buf(pool);
    if (b == NULL) {
        return NULL;
    }

    b->start = ngx_palloc(pool, size);
    if (b->start == NULL) {
        return NULL;
    }

    b->pos = b->start;
    b->last = b->start;
    b->end = b->start + size;
    b->temporary = 1;

    return b;
}


ngx_chain_t *
ngx_alloc_chain_link(ngx_pool_t *pool)
{
    ngx_chain_t  *cl;

    cl = pool->chain;

    if (cl) {
        pool->chain = cl->next;
        return cl;
    }

    return ngx_palloc(pool, sizeof(ngx_chain_t));
}


ngx_int_t
ngx_chain_add_copy(ngx_pool_t *pool, ngx_chain_t **chain, ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    while (*chain) {
        chain = &(*chain)->next;
    }

    for ( /* void */ ; in; in = in->next) {
        cl = ngx_alloc_chain_link(pool);
        if (cl == NULL) {
            *chain = NULL;
            return NGX_ERROR;
        }

        cl->buf = in->buf;
        cl->next = NULL;
        *chain = cl;
        chain = &cl->next;
    }

    return NGX_OK;
}


ngx_chain_t *
ngx_chain_get_free_buf(ngx_pool_t *pool, ngx_chain_t **free)
{
    ngx_chain_t  *cl;

    cl = *free;

    if (cl) {
        *free = cl->next;

    } else {
        cl = ngx_alloc_chain_link(pool);
        if (cl == NULL) {
            return NULL;
        }

        cl->buf = ngx_calloc_buf(pool);
        if (cl->buf == NULL) {
            return NULL;
        }
    }

    cl->next = NULL;

    return cl;
}


void ngx_cdecl
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(ngx_stub_log_last,
                      ngx_stub_log_last + sizeof(ngx_stub_log_last) - 1,
                      fmt, args);
    va_end(args);

    *p = '\0';
    ngx_stub_log_lines++;

    if (err) {
        fprintf(stderr, "[%lu] %s (%d: %s)\n", (unsigned long) level,
                ngx_stub_log_last, err, strerror(err));
    } else {
        fprintf(stderr, "[%lu] %s\n", (unsigned long) level,
                ngx_stub_log_last);
    }
}


void ngx_cdecl
ngx_conf_log_error(ngx_uint_t level, ngx_conf_t *cf, ngx_err_t err,
    const char *fmt, ...)
{
    u_char    buf[sizeof(ngx_stub_log_last)], *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf) - 1, fmt, args);
    va_end(args);

    ngx_log_error_core(level, &ngx_stub_log, err, "%*s",
                       (size_t) (p - buf), buf);
}
