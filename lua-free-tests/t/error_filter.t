# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for error bodies and X-Request-Id in locations with edge_route.

use Edge;

run_tests();

__DATA__

=== TEST 1: a problem document, byte by byte
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request
GET /b/x
--- more_headers
X-Request-Id: req-1.A_z
--- error_code: 404
--- response_headers
Content-Type: application/problem+json
Content-Length: 114
X-Request-Id: req-1.A_z
Connection: close
--- response_body
{"type":"about:blank","title":"Not Found","status":404,"detail":"no module has this path","instance":"req-1.A_z"}



=== TEST 2: a request id is kept if it is one, else made
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
[("GET /b/x") x 5]
--- more_headers eval
["X-Request-Id: " . "a" x 64, "X-Request-Id: " . "a" x 65,
 "X-Request-Id: a b", "X-Request-Id: a\"b", ""]
--- error_code eval
[404, 404, 404, 404, 404]
--- raw_response_headers_like eval
["X-Request-Id: a{64}\r\n", ("X-Request-Id: [0-9a-f]{32}\r\n") x 4]
--- response_body_like eval
["\"instance\":\"a{64}\"}\$", ("\"instance\":\"[0-9a-f]{32}\"}\$") x 4]



=== TEST 3: the id is on good responses too, in place of the target's
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        add_header X-Request-ID theirs;
        location / { return 200 "$http_x_id"; }
    }
--- config
    location /a/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        proxy_set_header X-Id $edge_request_id;
        proxy_pass       $edge_target;
    }
--- request
GET /a/x
--- more_headers
X-Request-Id: mine
--- response_body: mine
--- response_headers
X-Request-Id: mine
--- raw_response_headers_unlike: theirs



=== TEST 4: bodies of the target are its own, whatever the status
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location /a/text { return 404 "their text"; }
        location /a/page { return 503; }
        location /a/none { return 418; }
    }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["GET /a/text", "GET /a/page", "GET /a/none"]
--- error_code eval
[404, 503, 418]
--- response_body_like eval
["^their text\$", "<h1>503 Service Temporarily Unavailable</h1>", "^\$"]
--- raw_response_headers_like eval
["X-Request-Id: ", "X-Request-Id: ", "X-Request-Id: "]



=== TEST 5: so is the text of "return", but not its bare code
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/text { edge_tenant t1 unverified; edge_route on; return 404 "text"; }
    location /a/bare { edge_tenant t1 unverified; edge_route on; return 410; }
    location /a/odd { edge_tenant t1 unverified; edge_route on; return 451; }
    location /a/good { edge_tenant t1 unverified; edge_route on; return 204; }
    location /a/away { edge_tenant t1 unverified; edge_route on; return 302 /x; }
--- request eval
["GET /a/text", "GET /a/bare", "GET /a/odd", "GET /a/good", "GET /a/away"]
--- error_code eval
[404, 410, 451, 204, 302]
--- response_body_like eval
["^text\$", "\"title\":\"Gone\",\"status\":410",
 "\"title\":\"Error\",\"status\":451", "^\$", "<h1>302 Found</h1>"]
--- raw_response_headers_like eval
["X-Request-Id: ", "Content-Type: application/problem\\+json",
 "Content-Type: application/problem\\+json", "X-Request-Id: ",
 "X-Request-Id: "]



=== TEST 6: errors of nginx's modules keep their fields
--- user_files
>>> users
a:{PLAIN}b
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/auth {
        auth_basic           "realm";
        auth_basic_user_file ../html/users;
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
    location /a/deny { deny all; edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /a/only { limit_except GET { deny all; } edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /a/small { client_max_body_size 2; edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request eval
["GET /a/auth", "GET /a/deny", "POST /a/only", "POST /a/small
abc"]
--- error_code eval
[401, 403, 403, 413]
--- response_body_like eval
["\"title\":\"Unauthorized\",\"status\":401", "\"status\":403",
 "\"status\":403", "\"title\":\"Content Too Large\",\"status\":413"]
--- raw_response_headers_like eval
["WWW-Authenticate: Basic realm=\"realm\"", "application/problem\\+json",
 "application/problem\\+json", "application/problem\\+json"]



=== TEST 7: errors before a location is known are the server's
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        edge_tenant t1 unverified;
        edge_route  on;
        location / { edge_route off; return 200 "fine"; }
    }
--- config
    location /p/ { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; proxy_set_header Host ""; proxy_http_version 1.1; }
    location /q/ { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
--- request eval
["GET /p/x", "GET /q/x"]
--- error_code eval
[400, 200]
--- response_body_like eval
["\"title\":\"Bad Request\",\"status\":400", "^fine\$"]



=== TEST 8: a request target over the limit
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    large_client_header_buffers 2 512;
    client_header_buffer_size 512;
    edge_tenant t1 unverified;
    edge_route  on;
    location /a/ { proxy_pass $edge_target; }
--- raw_request eval
["GET /a/" . "x" x 600 . " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
--- error_code: 414
--- response_body_like: "title":"URI Too Long","status":414



=== TEST 9: a header over the limit
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    large_client_header_buffers 2 512;
    client_header_buffer_size 512;
    edge_tenant t1 unverified;
    edge_route  on;
    location /a/ { proxy_pass $edge_target; }
--- raw_request eval
["GET /a/x HTTP/1.1\r\nHost: a\r\nX-Large: " . "x" x 600 . "\r\nConnection: close\r\n\r\n"]
--- error_code: 400
--- response_body_like: "title":"Bad Request","status":400



=== TEST 10: a request line that is none
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    edge_tenant t1 unverified;
    edge_route  on;
    location /a/ { proxy_pass $edge_target; }
--- raw_request eval
["GET /a/x HTTP/9.9\r\nHost: a\r\n\r\n"]
--- error_code: 505
--- response_body_like: "title":"HTTP Version Not Supported","status":505



=== TEST 11: other servers and locations keep nginx's pages
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
    location /b/ { deny all; }
--- request
GET /b/x
--- error_code: 403
--- response_body_like: <h1>403 Forbidden</h1>
--- raw_response_headers_unlike: X-Request-Id



=== TEST 12: HEAD has the length and no body
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request
HEAD /b/x
--- more_headers
X-Request-Id: req-1.A_z
--- error_code: 404
--- response_headers
Content-Length: 114
Content-Type: application/problem+json
--- response_body:



=== TEST 13: browsers that nginx pads its pages for
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- request
GET /b/x
--- more_headers
X-Request-Id: req-1.A_z
User-Agent: Mozilla/5.0 Chrome/119.0
--- error_code: 404
--- response_headers
Content-Length: 114
--- response_body
{"type":"about:blank","title":"Not Found","status":404,"detail":"no module has this path","instance":"req-1.A_z"}



=== TEST 14: HTTP/1.0
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /b/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- raw_request eval
"GET /b/x HTTP/1.0\r\n\r\n"
--- error_code: 404
--- response_headers
Connection: close
Content-Type: application/problem+json
--- response_body_like: "status":404



=== TEST 15: a connection goes on behind an error, also one with a body
--- http_config
    edge_module a { path /a/; methods GET; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri"; }
    }
--- config
    location ~ ^/[ab]/ { edge_tenant t1 unverified; edge_route on; proxy_pass $edge_target; }
--- pipelined_requests eval
["GET /b/x", "GET /a/x", "POST /a/y
0123456789", "GET /b/x", "GET /a/z"]
--- error_code eval
[404, 200, 405, 404, 200]
--- response_body_like eval
["no module", "^/a/x\$", "does not take the method",
 "no module", "^/a/z\$"]



=== TEST 16: the same on a gzipped connection, add_header always, server_tokens off
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
    gzip on;
    gzip_types application/problem+json;
    gzip_min_length 1;
    server_tokens off;
--- config
    location /b/ {
        edge_tenant t1 unverified;
        edge_route  on;
        add_header  X-Type $sent_http_content_type always;
        proxy_pass  $edge_target;
    }
--- request eval
["GET /b/x", "GET /b/x"]
--- more_headers eval
["Accept-Encoding: gzip", ""]
--- error_code eval
[404, 404]
--- response_headers eval
["Content-Encoding: gzip\nX-Type: application/problem+json",
 "Content-Encoding: \nX-Type: application/problem+json"]
--- raw_response_headers_like eval
["Transfer-Encoding: chunked", "Content-Length: 13"]



=== TEST 17: an OpenAI error object on an OpenAI endpoint
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant $http_x_t unverified; edge_route on; }
--- request eval
["GET /a/chat/completions", "POST /a/chat/completions"]
--- error_code eval
[405, 403]
--- response_headers eval
["Content-Type: application/json\nAllow: POST",
 "Content-Type: application/json"]
--- response_body eval
["{\"error\":{\"message\":\"this path does not take the method\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"method_not_allowed\"}}\n",
 "{\"error\":{\"message\":\"the request names no tenant\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"tenant_missing\"}}\n"]



=== TEST 18: also for errors that nginx found first, and on /v1/
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { client_max_body_size 2; edge_tenant t1 unverified; edge_route on; }
    location /v1/ { edge_tenant t1 unverified; edge_route on; }
--- request eval
["POST /a/chat/completions
abc", "POST /v1/chat/completions
{}", "GET /v1/models"]
--- error_code eval
[413, 404, 404]
--- response_body eval
["{\"error\":{\"message\":\"the request body is over the limit\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"body_too_large\"}}\n",
 ("{\"error\":{\"message\":\"no module has this path\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"module_not_found\"}}\n") x 2]



=== TEST 19: 5xx and 429 in OpenAI's words
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /v1/a { edge_tenant t1 unverified; edge_route on; return 500; }
    location /v1/b { edge_tenant t1 unverified; edge_route on; return 429; }
--- request eval
["GET /v1/a", "GET /v1/b"]
--- error_code eval
[500, 429]
--- response_body_like eval
["\"type\":\"server_error\",\"param\":null,\"code\":\"internal_error\"}}",
 "\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}"]



=== TEST 20: the fault in a body, for both dialects
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { path /a/; rag r; }
--- config
    location /a/ { edge_tenant t1 unverified; edge_route on; }
--- request eval
["POST /a/query
{\"query\":\"a\",\"a~b/c \x{c3}\x{a9}\":1}", "POST /a/chat/completions
{\"messages\":[{\"role\":1}]}"]
--- more_headers
Content-Type: application/json
X-Request-Id: r
--- error_code eval
[400, 400]
--- response_body_like eval
["\"instance\":\"r\",\"errors\":\\[\\{\"pointer\":\"#/a~0b~1c%20%C3%A9\",\"detail\":\"",
 "\"param\":\"messages\",\"code\":\""]
