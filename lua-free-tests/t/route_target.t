# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for targets: how they are found, and what arrives there.

use Edge;

run_tests();

__DATA__

=== TEST 1: an upstream block before, one behind, an address: no resolver
--- http_config
    upstream before { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_module a { path /a/; target http://before; }
    edge_module b { path /b/; target HTTP://behind; }
    edge_module c { path /c/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_module d { path /d/; target http://localhost:$TEST_NGINX_RAND_PORT_1; }
    upstream behind { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 2; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri $http_host"; }
    }
--- config
    location ~ ^/[abcd]/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
["GET /a/x", "GET /b/x", "GET /c/x", "GET /d/x"]
--- response_body eval
["/a/x before", "/b/x behind",
 "/c/x 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}",
 "/d/x localhost:$ENV{TEST_NGINX_RAND_PORT_1}"]



=== TEST 2: an upstream block may not have a port in the target
--- http_config
    upstream app { server 127.0.0.1:1; }
    edge_module a { path /a/; target http://app:8080; }
--- must_die
--- error_log
upstream "app" may not have port 8080



=== TEST 3: the path arrives normalised, the query string as it was sent
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri"; }
    }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
["GET /a/x%20y", "GET /a//%78//y", "GET /a/%ED%95%9C%ea%b8%80",
 "GET /a/100%25?a=%31&b=%20+c", "GET /a/q%3Fx%23y?z=1", "GET /a/a+b&c=d;e",
 "GET /a/%41%2B%26", "GET /a/x?", "GET /a/?a=/../&b=//", "GET /a/x?a?b",
 "GET /a/\xed\x95\x9c?q=\xed\x95\x9c"]
--- response_body eval
["/a/x%20y", "/a/x/y", "/a/%ED%95%9C%EA%B8%80",
 "/a/100%25?a=%31&b=%20+c", "/a/q%3Fx%23y?z=1", "/a/a+b&c=d;e",
 "/a/A+&", "/a/x", "/a/?a=/../&b=//", "/a/x?a?b",
 "/a/\xed\x95\x9c?q=\xed\x95\x9c"]



=== TEST 4: an absolute request target
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri"; }
    }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- raw_request eval
"GET http://edge.example/a/x%20y?z HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n"
--- response_body: /a/x%20y?z



=== TEST 5: the body goes along
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location /a/ { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/echo/; }
        location /echo/ { client_body_in_single_buffer on; return 200 "$request_method $content_length"; }
    }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
["POST /a/x
hello", "PUT /a/x
" . "y" x 20000]
--- response_body eval
["POST 5", "PUT 20000"]



=== TEST 6: a target that is down is 502, as a problem
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /a/x
--- error_code: 502
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":502
--- error_log
connect() failed



=== TEST 7: variables outside of any route are empty
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { return 200 "[$edge_module$edge_endpoint$edge_target$edge_tenant]"; }
--- request
GET /a/x
--- response_body: []



=== TEST 8: variables of a route
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200; }
    }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        add_header  X-V "$edge_module|$edge_endpoint|$edge_target|$edge_tenant" always;
        proxy_pass  $edge_target;
    }
--- request eval
["GET /a/x", "PUT /a/documents"]
--- response_headers eval
["X-V: a||http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}|t1",
 "X-V: a|documents|http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}|t1"]
--- error_code eval
[200, 403]
