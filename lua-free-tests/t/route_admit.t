# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for admission: methods and Allow, the tenant, writing of documents,
# limits of bodies, and which requests it runs for.

use Edge;

run_tests();

__DATA__

=== TEST 1: a method that is not listed is 405 with Allow
--- http_config
    edge_module a { path /a/; methods GET POST; target http://127.0.0.1:1; }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
["PUT /a/x", "DELETE /a/x", "PATCH /a/x", "OPTIONS /a/x", "PROPFIND /a/x",
 "FETCH /a/x"]
--- error_code eval
[405, 405, 405, 405, 405, 405]
--- response_headers eval
[("Allow: GET, HEAD, POST") x 6]



=== TEST 2: the default list, and HEAD that follows GET
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_module b { path /b/; methods POST; target http://127.0.0.1:1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_method"; }
    }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["GET /a/", "POST /a/", "PUT /a/", "PATCH /a/", "DELETE /a/", "HEAD /a/",
 "OPTIONS /a/", "HEAD /b/"]
--- error_code eval
[200, 200, 200, 200, 200, 200, 405, 405]
--- response_headers eval
["Allow: ", "Allow: ", "Allow: ", "Allow: ", "Allow: ", "Allow: ",
 "Allow: GET, HEAD, POST, PUT, PATCH, DELETE", "Allow: POST"]



=== TEST 3: endpoints keep their own list, within the module's
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; allow_write unverified; target http://127.0.0.1:1; }
    edge_module b { path /b/; rag r; methods GET; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["GET /a/query", "PUT /a/search", "GET /a/chat/completions",
 "GET /a/documents", "DELETE /a/documents", "POST /a/documents/x",
 "PUT /a/documents/x", "POST /b/query", "DELETE /b/documents/x"]
--- error_code eval
[405, 405, 405, 405, 405, 405, 405, 405, 405]
--- response_headers eval
["Allow: POST", "Allow: POST", "Allow: POST", "Allow: POST, PUT",
 "Allow: POST, PUT", "Allow: GET, HEAD, DELETE", "Allow: GET, HEAD, DELETE",
 "Allow: ", "Allow: GET, HEAD"]



=== TEST 4: the tenant is missing
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["GET /a/x", "GET /a/x"]
--- more_headers eval
["", "X-T: "]
--- error_code eval
[403, 403]
--- response_body_like eval
[("the request names no tenant") x 2]



=== TEST 5: tenants that are none
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
[("GET /a/x") x 7]
--- more_headers eval
["X-T: a b", "X-T: a/b", "X-T: a:b", "X-T: \xed\x95\x9c", "X-T: _shared",
 "X-T: " . "a" x 65, "X-T: a\x01"]
--- error_code eval
[(403) x 7]
--- response_body_like eval
[("the request names no valid tenant") x 7]



=== TEST 6: tenants that are some, from a value of several parts
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_is"; }
    }
--- config
    location /a/ {
        edge_tenant      "$http_x_t$arg_t" unverified;
        edge_route       on;
        proxy_set_header X-Is $edge_tenant;
        proxy_pass       $edge_target;
    }
--- request eval
["GET /a/x", "GET /a/x", "GET /a/x", "GET /a/x?t=.x", "GET /a/x?t=_shared"]
--- more_headers eval
["X-T: A.b_c-9", "X-T: " . "a" x 64, "X-T: _Shared", "X-T: a", "X-T: x"]
--- response_body eval
["A.b_c-9", "a" x 64, "_Shared", "a.x", "x_shared"]



=== TEST 7: documents are read-only without allow_write
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- request eval
["PUT /a/documents", "POST /a/documents", "DELETE /a/documents/x",
 "GET /a/documents/x"]
--- error_code eval
[403, 403, 403, 404]
--- response_body_like eval
["read-only", "read-only", "read-only", "(?!.*read-only)"]



=== TEST 8: a body that is announced over the limit is not read
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; max_body 10; }
    edge_module a { path /a/; rag r; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_content_length"; }
    }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["POST /a/query
12345678901", "POST /a/other
12345678901"]
--- error_code eval
[413, 200]
--- response_body_like eval
["the request body is over the limit", "^11\$"]



=== TEST 9: the order of refusals: path, module, method, tenant, write
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; }
    location /b/ { edge_tenant $http_x_t unverified; edge_route on; }
--- request eval
["PUT /b/%2e/documents", "PUT /b/documents", "PUT /a/query",
 "PUT /a/documents", "PUT /a/documents"]
--- more_headers eval
["", "", "", "", "X-T: t1"]
--- error_code eval
[400, 404, 405, 403, 403]
--- response_body_like eval
["dot segments", "no module", "does not take the method",
 "names no tenant", "read-only"]



=== TEST 10: "satisfy any" does not go round it
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ {
        satisfy     any;
        allow       all;
        deny        all;
        edge_tenant $http_x_t unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /a/x
--- error_code: 403
--- response_body_like: names no tenant



=== TEST 11: a subrequest before admission gets no target
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200; }
    }
--- config
    location /a/ {
        auth_request /auth/;
        edge_tenant  t1 unverified;
        edge_route   on;
        proxy_pass   $edge_target;
    }
    location /auth/ {
        internal;
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /a/x
--- error_code: 500
--- error_log
invalid URL prefix in ""



=== TEST 12: mirrored requests are not admitted a second time
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_user_id.$http_x_t"; }
    }
--- config
    location /a/ {
        mirror           /mirror/;
        edge_tenant      $http_x_user_id unverified;
        edge_route       on;
        proxy_set_header X-T $edge_tenant;
        proxy_pass       $edge_target;
    }
    location /mirror/ {
        internal;
        edge_tenant $http_x_user_id unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
POST /a/x
body
--- more_headers
X-User-Id: t1
--- response_body: .t1



=== TEST 13: an internal redirect of the target stays with the first module
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_module b { path /b/; target http://127.0.0.1:1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location /a/ { add_header X-Accel-Redirect /b/y; return 200; }
        location /b/ { return 200 "$request_uri $http_x_t $http_x_m"; }
    }
--- config
    location ~ ^/[ab]/ {
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-T $edge_tenant;
        proxy_set_header X-M $edge_module;
        proxy_pass       $edge_target;
    }
--- request
GET /a/x
--- more_headers
X-Tenant-Id: t1
--- response_body: /b/y t1 a



=== TEST 14: the body of an endpoint may come late and in pieces
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- raw_request eval
["POST /a/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
 . "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n", "{\"que",
 "ry\":1}"]
--- raw_request_middle_delay: 0.1
--- error_code: 400
--- response_body_like: "status":400.*"errors":\[



=== TEST 15: the same in chunks
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- raw_request eval
["POST /a/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
 . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
 "5\r\n{\"que\r\n", "6\r\nry\":1}\r\n", "0\r\n\r\n"]
--- raw_request_middle_delay: 0.1
--- error_code: 400
--- response_body_like: "status":400.*"errors":\[



=== TEST 16: requests of one connection do not share anything
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_t $http_x_user_id $request_uri"; }
    }
--- config
    location /a/ {
        edge_tenant      $http_x_tenant_id unverified;
        edge_route       on;
        proxy_set_header X-T $edge_tenant;
        proxy_pass       $edge_target;
    }
--- pipelined_requests eval
["GET /a/x", "GET /a/y", "GET /b", "PUT /a/documents", "GET /a/z"]
--- more_headers eval
["X-Tenant-Id: t1\nX-User-Id: u", "X-Tenant-Id: t2", "X-Tenant-Id: t3",
 "X-Tenant-Id: t4", ""]
--- error_code eval
[200, 200, 404, 403, 403]
--- response_body_like eval
["^t1  /a/x\$", "^t2  /a/y\$", "404 Not Found", "read-only",
 "names no tenant"]



=== TEST 17: a body announced over the limit is refused before it comes
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; max_body 10; }
    edge_module a { path /a/; rag r; }
--- config
    lingering_timeout 10ms;
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- raw_request eval
"POST /a/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
. "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n"
--- error_code: 413
--- response_body_like: the request body is over the limit
