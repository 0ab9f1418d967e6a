# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the headers that claim an identity: a client's never arrive.

use Edge;

run_tests();

__DATA__

=== TEST 1: the three prefixes in any spelling go, others stay
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        underscores_in_headers on;
        location / {
            return 200 "$http_x_tenant_id|$http_x_user_id|$http_x_edge_identity|$http_x_tenant|$http_x_users|$http_a|$http_b|$http_user_agent";
        }
    }
--- config
    underscores_in_headers on;
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
[("GET /a/x") x 6]
--- more_headers eval
["X-Tenant-Id: 1\nX-User-Id: 2\nX-Edge-Identity: 3\nUser-Agent: u",
 "x-tenant-id: 1\nx-USER-id: 2\nX-EDGE-IDENTITY: 3\nUser-Agent: u",
 "X_Tenant_Id: 1\nX_User-Id: 2\nX-Edge_Identity: 3\nUser-Agent: u",
 "A: a\nX-Tenant-Id: 1\nB: b\nX-User-Id: 2\nX-User-: 3\nUser-Agent: u",
 "X-Tenant: 4\nX-Users: 5\nA: a\nB: b\nUser-Agent: u",
 "X-Tenant-Id: 1\nX-Tenant-Id: 2\nX-Tenant-Id: 3\nA: a"]
--- response_body eval
["|||||||u", "|||||||u", "|||||||u", "|||||a|b|u", "|||4|5|a|b|u",
 "|||||a||"]



=== TEST 2: the tenant is read before its header goes
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_tenant_id|$http_x_t"; }
    }
--- config
    location /a/ {
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-T $edge_tenant;
        proxy_pass       $edge_target;
    }
--- request
GET /a/x
--- more_headers
X-Tenant-Id: t1
--- response_body: |t1



=== TEST 3: a proxy_set_header sees nothing of them, asked for before or not
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_a|$http_x_b|$http_x_c"; }
    }
--- config
    location /a/ {
        if ($http_x_user_id) { set $seen yes; }
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-A "[$http_x_tenant_id]";
        proxy_set_header X-B "[$http_x_user_id]$seen";
        proxy_set_header X-C "[$http_x_edge_more]";
        proxy_pass       $edge_target;
    }
--- request
GET /a/x
--- more_headers
X-Tenant-Id: t1
X-User-Id: u1
X-Edge-More: m1
--- response_body: []|[]yes|[]



=== TEST 4: what the operator sets arrives
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_tenant_id"; }
    }
--- config
    location /a/ {
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-Tenant-Id "checked-$edge_tenant";
        proxy_pass       $edge_target;
    }
--- request
GET /a/x
--- more_headers
X-Tenant-Id: t1
--- response_body: checked-t1



=== TEST 5: many headers, so that nginx keeps them in several pieces
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_user_1|$http_x_user_60|$http_n_0|$http_n_29|$http_n_59|$http_cookie|$http_user_agent"; }
    }
--- config
    location /a/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        proxy_pass       $edge_target;
    }
--- request eval
["GET /a/x", "GET /a/x", "GET /a/x"]
--- more_headers eval
[CORE::join("\n", "Cookie: c", map({ ("X-User-$_: x", "N-$_: $_") } 0 .. 60), "User-Agent: u"),
 CORE::join("\n", map({ "X-User-$_: x" } 0 .. 60), "Cookie: c", "User-Agent: u"),
 CORE::join("\n", "Cookie: c", "User-Agent: u", map({ "X-User-$_: x" } 0 .. 60))]
--- response_body eval
["||0|29|59|c|u", "|||||c|u", "|||||c|u"]



=== TEST 6: off leaves them alone
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_tenant_id"; }
    }
--- config
    location /a/ { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- request
GET /a/x
--- more_headers
X-Tenant-Id: t1
--- response_body: t1
