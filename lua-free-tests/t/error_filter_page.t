# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for error bodies where the operator has an error_page: it wins.

use Edge;

run_tests();

__DATA__

=== TEST 1: a file, in a location that inherits edge_route
--- user_files
>>> 404.html
operator's page
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    error_page  404 /404.html;
    location /b/ { proxy_pass $edge_target; }
    location = /404.html { }
--- request
GET /b/x
--- error_code: 404
--- response_body
operator's page
--- response_headers
Content-Type: text/html
--- raw_response_headers_like: X-Request-Id: [0-9a-f]{32}



=== TEST 2: a file outside of any route
--- user_files
>>> 404.html
operator's page
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    error_page  404 /404.html;
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request
GET /b/x
--- error_code: 404
--- response_body
operator's page
--- raw_response_headers_unlike: X-Request-Id



=== TEST 3: a named location with its own text, same status and another
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    location /b/ { error_page 404 @same; proxy_pass $edge_target; }
    location /c/ { error_page 404 @other; proxy_pass $edge_target; }
    location /d/ { error_page 404 = @good; proxy_pass $edge_target; }
    location /e/ { error_page 404 =410 @same; proxy_pass $edge_target; }
    location @same { return 404 "operator's text"; }
    location @other { return 503 "operator's text"; }
    location @good { return 200 "operator's text"; }
--- request eval
["GET /b/x", "GET /c/x", "GET /d/x", "GET /e/x"]
--- error_code eval
[404, 404, 200, 410]
--- response_body eval
[("operator's text") x 4]



=== TEST 4: content of an upstream
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "upstream's page"; }
    }
--- config
    location /b/ { error_page 404 /err/; edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /c/ { error_page 404 @err; edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /err/ { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    location @err { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- request eval
["GET /b/x", "GET /c/x"]
--- error_code eval
[404, 404]
--- response_body eval
["upstream's page", "upstream's page"]



=== TEST 5: a page that hands the request on is checked like any request
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri"; }
    }
--- config
    edge_tenant $http_x_t unverified;
    edge_route  on;
    location ~ ^/[ab]/ { error_page 404 = /a/fallback; proxy_pass $edge_target; }
--- request eval
["GET /b/x", "GET /b/x"]
--- more_headers eval
["X-T: t1", ""]
--- error_code eval
[200, 403]
--- response_body_like eval
["^/a/fallback\$", "names no tenant"]



=== TEST 6: an error of another status behind error_page is ours again
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    location /b/ { error_page 404 @down; proxy_pass $edge_target; }
    location /c/ { error_page 404 = @dead; proxy_pass $edge_target; }
    location @down { return 503; }
    location @dead { edge_route a; proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- request eval
["GET /b/x", "GET /c/x"]
--- error_code eval
[503, 502]
--- response_body_like eval
["\"title\":\"Service Unavailable\",\"status\":503", "\"status\":502"]
--- allow_log: [error]



=== TEST 7: a page that is missing leaves nginx's own
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    error_page  404 /missing.html;
    location /b/ { proxy_pass $edge_target; }
    location = /missing.html { }
--- request
GET /b/x
--- error_code: 404
--- response_body_like: <h1>404 Not Found</h1>



=== TEST 8: recursive error pages, the last one answers
--- user_files
>>> last.html
last page
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    recursive_error_pages on;
    edge_tenant t1 unverified;
    edge_route  on;
    location /b/ { error_page 404 @one; proxy_pass $edge_target; }
    location @one { error_page 403 @two; return 403; }
    location @two { error_page 410 /last.html; return 410; }
    location = /last.html { }
--- request
GET /b/x
--- error_code: 410
--- response_body
last page



=== TEST 9: recursive error pages, the last one fails
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    recursive_error_pages on;
    edge_tenant t1 unverified;
    edge_route  on;
    location /b/ { error_page 404 @one; proxy_pass $edge_target; }
    location @one { error_page 403 @two; return 403; }
    location @two { return 410; }
--- request
GET /b/x
--- error_code: 410
--- response_body_like: "title":"Gone","status":410



=== TEST 10: a redirect away
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ {
        error_page  404 http://example.org/;
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /b/x
--- error_code: 302
--- response_headers
Location: http://example.org/
--- response_body_like: <h1>302 Found</h1>



=== TEST 11: an error of the target that error_page intercepts
--- user_files
>>> 500.html
operator's page
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 500 "upstream's text"; }
    }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    location /a/ { proxy_intercept_errors on; error_page 500 /500.html; proxy_pass $edge_target; }
    location = /500.html { }
--- request
GET /a/x
--- error_code: 500
--- response_body
operator's page



=== TEST 12: an endpoint's error leads to the page, not to the endpoint again
--- user_files
>>> err.html
operator's page
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    error_page  400 413 415 /err.html;
    location /a/ { client_max_body_size 100; }
    location = /err.html { }
--- request eval
["POST /a/query
{}", "POST /a/query
" . "x" x 101]
--- error_code eval
[415, 413]
--- response_body eval
["operator's page\n", "operator's page\n"]



=== TEST 13: a page for one status leaves the others to us
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ {
        error_page  403 /403.html;
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /b/x
--- error_code: 404
--- response_body_like: "status":404
