
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * TLS to a server, by what nginx has for its upstreams.  The certificate is
 * always verified, and that it is the server's: its name, or the address if
 * that is what the configuration or the map of a cluster says.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "redis/ngx_edge_redis_tls.h"


#define NGX_EDGE_REDIS_TLS_DEPTH  5


static ngx_int_t ngx_edge_redis_tls_name(ngx_edge_redis_conn_t *rc);
static ngx_int_t ngx_edge_redis_tls_right(ngx_edge_redis_conn_t *rc);


ngx_int_t
ngx_edge_redis_tls_init(ngx_conf_t *cf, ngx_edge_redis_t *redis, ngx_str_t *ca)
{
    ngx_pool_cleanup_t  *cln;

    redis->ssl.log = cf->log;

    if (ngx_ssl_create(&redis->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(&redis->ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = &redis->ssl;

    if (ca->len) {
        return ngx_ssl_trusted_certificate(cf, &redis->ssl, ca,
                                           NGX_EDGE_REDIS_TLS_DEPTH);
    }

    if (SSL_CTX_set_default_verify_paths(redis->ssl.ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_edge_redis_tls_start(ngx_edge_redis_conn_t *rc,
    void (*done)(ngx_connection_t *c))
{
    ngx_int_t          n;
    ngx_connection_t  *c;

    c = rc->connection;

    c->pool = ngx_create_pool(512, c->log);
    if (c->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create_connection(&rc->redis->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* what is to be written may be moved before it is */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    if (rc->server->host.len && ngx_edge_redis_tls_name(rc) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_ssl_handshake(c);

    if (n == NGX_AGAIN) {
        c->ssl->handler = done;
    }

    return n;
}


/* Says which name is meant. */

static ngx_int_t
ngx_edge_redis_tls_name(ngx_edge_redis_conn_t *rc)
{
    char  name[NGX_EDGE_REDIS_HOST_MAX + 1];

    (void) ngx_cpystrn((u_char *) name, rc->server->host.data,
                       ngx_min(rc->server->host.len, NGX_EDGE_REDIS_HOST_MAX)
                       + 1);

    if (SSL_set_tlsext_host_name(rc->connection->ssl->connection, name) == 0) {
        ngx_ssl_error(NGX_LOG_ERR, rc->connection->log, 0,
                      "SSL_set_tlsext_host_name() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


const char *
ngx_edge_redis_tls_fault(ngx_edge_redis_conn_t *rc)
{
    long               n;
    ngx_connection_t  *c;

    c = rc->connection;

    if (!c->ssl->handshaked) {
        return "the TLS handshake failed";
    }

    n = SSL_get_verify_result(c->ssl->connection);

    if (n != X509_V_OK) {
        return X509_verify_cert_error_string(n);
    }

    if (ngx_edge_redis_tls_right(rc) != NGX_OK) {
        return "its certificate is for another server";
    }

    return NULL;
}


static ngx_int_t
ngx_edge_redis_tls_right(ngx_edge_redis_conn_t *rc)
{
    int        n;
    X509      *cert;
    u_char     text[NGX_SOCKADDR_STRLEN + 1];
    size_t     len;
    ngx_str_t  name;

    if (rc->server->host.len) {
        name = rc->server->host;
        return ngx_ssl_check_host(rc->connection, &name);
    }

    len = ngx_sock_ntop(rc->server->addr.sockaddr, rc->server->addr.socklen,
                        text, NGX_SOCKADDR_STRLEN, 0);
    text[len] = '\0';

    /* an address of IPv6 is written in brackets */

    if (text[0] == '[') {
        text[len - 1] = '\0';
    }

    cert = SSL_get_peer_certificate(rc->connection->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    n = X509_check_ip_asc(cert, (char *) text + (text[0] == '['), 0);

    X509_free(cert);

    return (n == 1) ? NGX_OK : NGX_ERROR;
}
