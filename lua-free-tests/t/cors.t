# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_cors: preflights, what stands before them and what does not,
# and the fields of every kind of response.

use Edge;

run_tests();

__DATA__

=== TEST 1: a preflight of a known origin
--- config
    location /t { edge_cors http://b.test http://a.test credentials max_age=5; }
--- request
OPTIONS /t
--- more_headers
Origin: http://a.test
Access-Control-Request-Method: POST
Access-Control-Request-Headers: authorization,content-type
--- error_code: 204
--- response_body:
--- response_headers
Access-Control-Allow-Origin: http://a.test
Access-Control-Allow-Credentials: true
Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
Access-Control-Allow-Headers: authorization,content-type
Access-Control-Max-Age: 5
Vary: Origin, Access-Control-Request-Headers
! Access-Control-Expose-Headers
! Content-Length
! Content-Type
! Transfer-Encoding



=== TEST 2: before return, auth_basic, deny, limit_except and an unknown module
--- http_config
    limit_req_zone $server_name zone=z:1m rate=1r/m;
--- config
    location /return/ { edge_cors http://a.test; return 403; }
    location /if/ { edge_cors http://a.test; if ($request_method = OPTIONS) { return 405; } }
    location /rewrite/ { edge_cors http://a.test; rewrite ^ /return/ last; }
    location /auth/ {
        edge_cors http://a.test; auth_basic x; auth_basic_user_file none;
    }
    location /deny/ { edge_cors http://a.test; deny all; }
    location /except/ { edge_cors http://a.test; limit_except GET { deny all; } }
    location /limit/ { edge_cors http://a.test; limit_req zone=z; }
    location /module/ { edge_cors http://a.test; edge_tenant $arg_t unverified; edge_route on; }
    location /static.html { edge_cors http://a.test; }
--- request eval
[map { "OPTIONS /$_" } qw(return/ if/ rewrite/ auth/ deny/ except/ limit/
                          limit/ module/x static.html)]
--- more_headers
Origin: http://a.test
Access-Control-Request-Method: PUT
--- error_code eval
[(204) x 10]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test\nAccess-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS") x 10]



=== TEST 3: the same without an origin, or not OPTIONS, meets them
--- config
    location /return/ { edge_cors http://a.test; return 403; }
    location /auth/ {
        edge_cors http://a.test; auth_basic x; auth_basic_user_file %TMP%/none;
    }
    location /module/ { edge_cors http://a.test; edge_tenant t unverified; edge_route on; }
--- request eval
["OPTIONS /return/", "OPTIONS /return/", "GET /return/", "GET /auth/",
 "GET /module/x", "OPTIONS /module/x"]
--- more_headers eval
["Access-Control-Request-Method: PUT", "Origin: http://a.test",
 ("Origin: http://a.test\nAccess-Control-Request-Method: PUT") x 3,
 "Origin: http://a.test"]
--- error_code eval
[403, 403, 403, 401, 404, 404]
--- response_headers eval
["!Access-Control-Allow-Origin",
 ("Access-Control-Allow-Origin: http://a.test\n!Access-Control-Allow-Methods") x 5]



=== TEST 4: a preflight of an unknown origin
--- config
    location /t { edge_cors http://a.test credentials; return 200; }
    location /m/ { edge_cors http://a.test; edge_tenant t unverified; edge_route on; }
    location /p/ { edge_cors http://a.test; error_page 403 /page.html; }
    location /n/ { edge_cors http://a.test; error_page 403 @named; recursive_error_pages on; }
    location = /page.html { return 200 "page"; }
    location @named { edge_cors http://a.test; return 200 "named $request_method"; }
--- request eval
["OPTIONS /t", "OPTIONS /m/x", "OPTIONS /p/", "OPTIONS /n/"]
--- more_headers
Origin: http://b.test
Access-Control-Request-Method: PUT
Access-Control-Request-Headers: authorization
--- error_code eval
[(403) x 4]
--- response_body_like eval
["403 Forbidden", '"status":403,"detail":"pages of this origin', '^page$',
 '^named OPTIONS$']
--- raw_response_headers_unlike eval
[("(?i)Access-Control") x 4]
--- response_headers eval
[("Vary: Origin") x 4]
--- error_log
edge cors: preflight of an unknown origin refused



=== TEST 5: requested headers are reflected if they are tokens, and not too many
--- config
    location /t { edge_cors *; }
--- request eval
[("OPTIONS /t") x 11]
--- more_headers eval
[map { "Origin: http://a.test\nAccess-Control-Request-Method: PUT" . $_ }
 "", map { "\nAccess-Control-Request-Headers: $_" } "x", "x-a , X_b,!#\$%&'*+-.^_`|~9", "a b",
 "a,,b", "a,", "a;b", "a\"", "a\x80",
 "x" x 1024, "x" x 1025]
--- error_code eval
[(204) x 11]
--- response_headers eval
["!Access-Control-Allow-Headers",
 "Access-Control-Allow-Headers: x",
 "Access-Control-Allow-Headers: x-a , X_b,!#\$%&'*+-.^_`|~9",
 ("!Access-Control-Allow-Headers") x 6,
 "Access-Control-Allow-Headers: " . "x" x 1024,
 "!Access-Control-Allow-Headers"]



=== TEST 6: two of a field are none
--- config
    location /t { edge_cors http://a.test http://b.test; return 200 "[$request_method]"; }
--- request eval
["OPTIONS /t", "OPTIONS /t", "OPTIONS /t"]
--- more_headers eval
["Origin: http://a.test\nOrigin: http://b.test\nAccess-Control-Request-Method: PUT",
 "Origin: http://a.test\nOrigin: http://a.test\nAccess-Control-Request-Method: PUT",
 "Origin: http://a.test\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: a\nAccess-Control-Request-Headers: b"]
--- error_code eval
[200, 200, 204]
--- response_headers eval
["!Access-Control-Allow-Origin", "!Access-Control-Allow-Origin",
 "Access-Control-Allow-Origin: http://a.test\n!Access-Control-Allow-Headers"]



=== TEST 7: "*" is said to all and does not vary
--- config
    location /t { edge_cors *; return 200 x; }
--- request eval
["GET /t", "GET /t", "HEAD /t"]
--- more_headers eval
["", "Origin: http://a.test", "Origin: null"]
--- response_headers eval
[("Access-Control-Allow-Origin: *\n!Access-Control-Allow-Credentials\n!Vary") x 3]
--- response_body eval
["x", "x", ""]



=== TEST 8: what a page may read
--- config
    location /t { edge_cors http://a.test credentials; return 200 x; }
--- request
GET /t
--- more_headers
Origin: http://a.test
--- response_headers
Access-Control-Allow-Origin: http://a.test
Access-Control-Allow-Credentials: true
Access-Control-Expose-Headers: X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens, Cache-Status, WWW-Authenticate
! Access-Control-Allow-Methods
! Access-Control-Max-Age
Vary: Origin



=== TEST 9: every status that nginx makes
--- user_files
>>> s.txt
--- config
    edge_cors http://a.test;
    location /204 { return 204; }
    location /302 { return 302 /x; }
    location /400 { return 400; }
    location /401 { auth_basic x; auth_basic_user_file %TMP%/none; }
    location /403 { deny all; }
    location /404 { }
    location /s.txt { }
    location /413 { client_max_body_size 1; }
    location /429 { return 429; }
    location /500 { rewrite ^ /500 last; }
    location /502 { proxy_pass http://127.0.0.1:1; }
    location /503 { return 503; }
--- request eval
["GET /204", "GET /302", "GET /400", "GET /401", "GET /403", "GET /404",
 "POST /s.txt", "POST /413\nxx", "GET /429", "GET /500", "GET /502",
 "GET /503"]
--- more_headers
Origin: http://a.test
--- error_code eval
[204, 302, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test\nVary: Origin") x 12]
--- ignore_response_body



=== TEST 10: every status of the gateway, with its request id
--- http_config
    edge_module a { path /a/; methods GET; target http://127.0.0.1:1; }
    edge_module b { path /b/; rag r; }
    edge_rag r { store %TMP%/b.db; generate extractive; max_body 16; }
--- config
    edge_cors   http://a.test;
    edge_tenant $arg_t unverified;
    edge_route  on;
    location /a/ { proxy_pass $edge_target; }
    location /b/ { }
    location /c/ { }
--- request eval
["GET /a/%2f?t=t", "GET /a/x", "GET /c/?t=t", "POST /a/x?t=t\nx",
 "GET /a/x?t=t", "POST /b/query?t=t\n{\"query\":\"aaaaaaaaaaaaaa\"}",
 "POST /b/query?t=t\nx", "PUT /b/documents?t=t\n{}"]
--- more_headers
Origin: http://a.test
X-Request-Id: r1
Content-Type: application/json
--- error_code eval
[400, 403, 404, 405, 502, 413, 400, 403]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test\nX-Request-Id: r1\nContent-Type: application/problem+json\nVary: Origin") x 8]
--- ignore_response_body



=== TEST 11: an error_page elsewhere is still the answer to the page
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 500; }
    }
--- config
    location /a/ { edge_cors http://a.test; error_page 404 /page; }
    location /n/ { edge_cors http://a.test; error_page 404 @named; }
    location /o/ { edge_cors http://a.test; error_page 404 /off; }
    location /p/ {
        edge_cors http://a.test;
        proxy_intercept_errors on;
        error_page 500 =200 /page;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
    location /t/ { edge_cors http://a.test; try_files /nowhere /page; }
    location /r/ { edge_cors http://a.test; rewrite ^ /page last; }
    location /off/ { edge_cors off; error_page 404 /on; }
    location /none/ { rewrite ^ /on last; }
    location = /page { return 200 "page"; }
    location = /off { edge_cors off; return 200 "page"; }
    location = /on { edge_cors http://a.test; return 200 "page"; }
    location @named { return 200 "page"; }
--- request eval
["GET /a/x", "GET /n/x", "GET /o/x", "GET /p/x", "GET /t/x", "GET /r/x",
 "GET /off/x", "GET /none/x", "GET /page"]
--- more_headers
Origin: http://a.test
--- error_code eval
[404, 404, 404, 200, 200, 200, 404, 200, 200]
--- response_body eval
[("page") x 9]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test\nVary: Origin") x 6,
 "!Access-Control-Allow-Origin\n!Vary",
 "Access-Control-Allow-Origin: http://a.test\nVary: Origin",
 "!Access-Control-Allow-Origin\n!Vary"]



=== TEST 12: what the service and add_header say of it is replaced
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        add_header Access-Control-Allow-Origin *;
        add_header access-control-allow-credentials true;
        add_header Access-Control-Expose-Headers X-Own;
        add_header Access-Control-Allow-Private-Network true;
        add_header X-Own x;
        location / { return 200 "x"; }
    }
--- config
    location /t {
        edge_cors  http://a.test;
        add_header Access-Control-Allow-Origin http://other.test always;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
    location /off/ {
        edge_cors  off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /off/"]
--- more_headers eval
["Origin: http://a.test", "Origin: http://b.test", "", ""]
--- raw_response_headers_unlike eval
["(?i)Allow-Origin(.|\\n)*Allow-Origin|Allow-Credentials|X-Own,|Headers: X-Own|Private",
 "(?i)Access-Control", "(?i)Access-Control", "Vary"]
--- response_headers eval
["Access-Control-Allow-Origin: http://a.test\nX-Own: x",
 "X-Own: x", "X-Own: x",
 "Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: X-Own"]



=== TEST 13: Vary is merged
--- http_config
    map $arg_v $v { default ""; 1 Accept; 2 "accept , ORIGIN"; 3 "*"; 4 "X-Origin"; 5 "Accept,  *"; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { add_header Vary $v; return 200 "x"; }
        location /t2 { add_header Vary Accept; add_header Vary Cookie; return 200 "x"; }
        location /t3 { add_header Vary Origin; add_header Vary Cookie; return 200 "x"; }
    }
--- config
    edge_cors http://a.test;
    location /t { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    location /added { add_header vary Accept; return 200; }
--- request eval
["GET /t?v=0", "GET /t?v=1", "GET /t?v=2", "GET /t?v=3", "GET /t?v=4", "GET /t?v=5",
 "GET /t2", "GET /t3", "GET /added"]
--- more_headers
Origin: http://a.test
--- response_headers eval
["Vary: Origin", "Vary: Accept, Origin", "Vary: accept , ORIGIN", "Vary: *",
 "Vary: X-Origin, Origin", "Vary: Accept,  *", "Vary: Accept, Cookie, Origin",
 "Vary: Origin, Cookie", "vary: Accept, Origin"]



=== TEST 14: one stored response serves two origins, each its own
--- http_config
    proxy_cache_path %TMP%/cache keys_zone=c:1m;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / {
            add_header Access-Control-Allow-Origin $http_origin;
            add_header Vary Accept;
            expires 1h;
            return 200 "$request_id";
        }
    }
--- config
    location /t {
        edge_cors         http://a.test http://b.test;
        proxy_cache       c;
        proxy_cache_valid 1h;
        add_header        X-Cache $upstream_cache_status;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request eval
["GET /tc", "GET /tc", "GET /tc", "GET /tc", "GET /tc"]
--- more_headers eval
["Origin: http://a.test", "Origin: http://b.test", "Origin: http://evil.test",
 "", "Origin: http://a.test"]
--- response_headers eval
["Access-Control-Allow-Origin: http://a.test\nVary: Accept, Origin",
 "Access-Control-Allow-Origin: http://b.test\nX-Cache: HIT\nVary: Accept, Origin",
 "!Access-Control-Allow-Origin\nX-Cache: HIT\nVary: Accept, Origin",
 "!Access-Control-Allow-Origin\nX-Cache: HIT\nVary: Accept, Origin",
 "Access-Control-Allow-Origin: http://a.test\nX-Cache: HIT\nVary: Accept, Origin"]



=== TEST 15: a stream of events
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location /v1/chat/completions {
            default_type text/event-stream;
            return 200 "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        }
    }
    edge_rag r { store %TMP%/s.db; generate /_openai/ model=m; }
    edge_module b { path /b/; rag r; allow_write unverified; }
--- config
    location /b/ {
        edge_cors   http://a.test;
        edge_tenant t unverified;
        edge_route  on;
    }
    location /_openai/ {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/v1/;
    }
--- request eval
["PUT /b/documents\n{\"id\":\"d\",\"text\":\"apples are red\"}",
 "POST /b/query\n{\"query\":\"apples\",\"stream\":true}"]
--- more_headers
Origin: http://a.test
Content-Type: application/json
--- response_headers eval
["Access-Control-Allow-Origin: http://a.test\nContent-Type: application/json",
 "Access-Control-Allow-Origin: http://a.test\nContent-Type: text/event-stream\nVary: Origin"]
--- response_body_like eval
["documents", "event: sources\n(.|\n)*event: token\n(.|\n)*event: done\n"]



=== TEST 16: inherited as a whole, and off
--- http_config
    edge_cors http://a.test credentials max_age=7;
--- config
    location /inherits/ { return 200; location /inherits/deep/ { return 200; } }
    location /own/ { edge_cors http://b.test; return 200; }
    location /off/ { edge_cors off; return 405; location /off/deep/ { return 405; } }
    location /off/on/ { edge_cors http://a.test; return 200; }
--- request eval
[map { "OPTIONS /$_/" } qw(inherits inherits/deep own off off/deep off/on)]
--- more_headers eval
[map { "Access-Control-Request-Method: GET\nOrigin: http://$_.test" } qw(a a b a a a)]
--- error_code eval
[204, 204, 204, 405, 405, 204]
--- response_headers eval
["Access-Control-Allow-Origin: http://a.test\nAccess-Control-Allow-Credentials: true\nAccess-Control-Max-Age: 7",
 "Access-Control-Allow-Origin: http://a.test\nAccess-Control-Allow-Credentials: true\nAccess-Control-Max-Age: 7",
 "Access-Control-Allow-Origin: http://b.test\n!Access-Control-Allow-Credentials\nAccess-Control-Max-Age: 600",
 "!Access-Control-Allow-Origin\n!Vary", "!Access-Control-Allow-Origin\n!Vary",
 "Access-Control-Allow-Origin: http://a.test\n!Access-Control-Allow-Credentials\nAccess-Control-Max-Age: 600"]



=== TEST 17: one connection: a body with the preflight, then others
--- config
    location /t { edge_cors http://a.test; return 200 "[$request_method $http_origin $connection_requests]"; }
--- raw_request eval
"OPTIONS /t HTTP/1.1\r
Host: localhost\r
Origin: http://a.test\r
Access-Control-Request-Method: GET\r
Content-Length: 5\r
\r
hello" .
"GET /t HTTP/1.1\r
Host: localhost\r
\r
" .
"OPTIONS /t HTTP/1.1\r
Host: localhost\r
Origin: http://b.test\r
Access-Control-Request-Method: GET\r
\r
" .
"GET /t HTTP/1.1\r
Host: localhost\r
Origin: http://a.test\r
Connection: close\r
\r
"
--- error_code: 204
--- response_body_like eval
qr{\A[^\n]*200 OK\r\n(?:(?!Access-Control).)*\[GET  2\](?:(?!Access-Control).)*403 Forbidden(?:(?!Access-Control).)*200 OK\r\n.*Access-Control-Allow-Origin: http://a\.test\r\n.*\[GET http://a\.test 4\]\z}s



=== TEST 18: responses made before a location is known
--- config
    edge_cors http://a.test;
    large_client_header_buffers 2 1k;
    location /t { edge_cors off; }
--- raw_request eval
"GET /t HTTP/1.1\r
Host: localhost\r
Origin: http://a.test\r
Content-Length: x\r
Connection: close\r
\r
"
--- error_code: 400
--- response_headers
Access-Control-Allow-Origin: http://a.test



=== TEST 19: 206, 304 and 416 have it too
--- user_files
>>> f.txt
0123456789
--- config
    location /f { edge_cors http://a.test; if_modified_since before; }
--- request eval
["GET /f.txt", "GET /f.txt", "GET /f.txt"]
--- more_headers eval
["Origin: http://a.test\nRange: bytes=2-3",
 "Origin: http://a.test\nIf-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT",
 "Origin: http://a.test\nRange: bytes=99-"]
--- error_code eval
[206, 304, 416]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test\nVary: Origin") x 3]
--- ignore_response_body



=== TEST 20: HEAD where GET is, of our endpoints and of proxied ones
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_method"; }
    }
    edge_rag r { store %TMP%/h.db; generate extractive; }
    edge_module b { path /b/; rag r; allow_write unverified; }
    edge_module p { path /p/; methods GET; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_module w { path /w/; methods POST; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- config
    edge_cors   http://a.test;
    edge_tenant t unverified;
    edge_route  on;
    location /b/ { }
    location /p/ { proxy_pass $edge_target; }
    location /w/ { proxy_pass $edge_target; }
    location /actuator/health { edge_route off; edge_health; }
--- request eval
["PUT /b/documents\n{\"id\":\"d\",\"text\":\"apples are red\"}",
 "GET /b/documents/d", "HEAD /b/documents/d", "HEAD /b/documents/none",
 "GET /p/x", "HEAD /p/x", "HEAD /w/x",
 "HEAD /b/documents", "HEAD /actuator/health"]
--- more_headers
Origin: http://a.test
Content-Type: application/json
--- error_code eval
[200, 200, 200, 404, 200, 200, 405, 405, 200]
--- response_headers eval
[("Access-Control-Allow-Origin: http://a.test") x 9]
--- ignore_response_body



=== TEST 21: the example of the directive's page
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { add_header Access-Control-Allow-Origin *; return 200; }
    }
--- config
    edge_cors https://app.example.com https://admin.example.com:8443;

    location /api/ {
        edge_tenant $http_x_tenant_id unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }

    location /internal/ {
        edge_cors  off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request eval
["OPTIONS /api/v1/planning/query", "OPTIONS /internal/"]
--- more_headers
Origin: https://app.example.com
Access-Control-Request-Method: POST
Access-Control-Request-Headers: authorization,content-type
--- error_code eval
[204, 200]
--- response_headers eval
["Vary: Origin, Access-Control-Request-Headers
Access-Control-Allow-Origin: https://app.example.com
Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
Access-Control-Max-Age: 600
Access-Control-Allow-Headers: authorization,content-type",
"!Vary
Access-Control-Allow-Origin: *"]
