# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for routing and error bodies over HTTP/2.

use Edge;

add_block_preprocessor(sub {
    my ($block) = @_;

    # Test::Nginx writes "http2 on" from 1.19.9 on, nginx has it from 1.25.1
    no warnings 'once';
    $Test::Nginx::Util::NginxVersion = '1.019'
        if $Test::Nginx::Util::NginxVersion < 1.025001;

    $block->set_value('http2', 1) unless defined $block->http2;
});

run_tests();

__DATA__

=== TEST 1: identity headers go, path and query arrive
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_tenant_id|$http_x_t|$request_uri|$http_cookie"; }
    }
--- config
    location /a/ {
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-T $edge_tenant;
        proxy_pass       $edge_target;
    }
--- request
GET /a/x%20y?a=%20b
--- more_headers
X-Tenant-Id: t1
Cookie: c=d
--- response_body: |t1|/a/x%20y?a=%20b|c=d



=== TEST 2: hidden slashes are refused
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request
GET /a/x%2fy
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":400



=== TEST 3: an error body with its exact length
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; proxy_pass $edge_target; }
--- request
GET /a/x
--- more_headers
X-Request-Id: abc
--- error_code: 403
--- response_headers
Content-Length: 112
X-Request-Id: abc
--- response_body
{"type":"about:blank","title":"Forbidden","status":403,"detail":"the request names no tenant","instance":"abc"}



=== TEST 4: HEAD gets the same fields and no body
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; proxy_pass $edge_target; }
--- request
HEAD /a/x
--- more_headers
X-Request-Id: abc
--- error_code: 403
--- response_headers
Content-Length: 112
Content-Type: application/problem+json
--- response_body:



=== TEST 5: the body of an endpoint
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- request
POST /a/query
{"query":1}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "status":400.*"errors":\[
