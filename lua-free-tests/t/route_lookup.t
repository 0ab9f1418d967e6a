# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the way from a path to a module and its endpoint: longest prefix,
# tricks with slashes, dots and case, and edge_route with a name.

use Edge;

add_block_preprocessor(sub {
    my ($block) = @_;

    if (!defined $block->http_config) {
        $block->set_value('http_config', <<"EOC");
    edge_rag r { store $ENV{TEST_NGINX_TMP}/r.db; generate extractive; }
    edge_module api   { path /api/; target http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }
    edge_module plan  { target http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; rag r; }
    edge_module deep  { path /api/v1/plan/deep/; target http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }
    edge_module alone { rag r; endpoints query documents; }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1};
        location / { return 200 "\$http_x_m \$request_method \$request_uri"; }
    }
EOC
    }

    if (!defined $block->config || $block->config eq '') {
        $block->set_value('config', <<'EOC');
    location /api/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        add_header       X-Route "$edge_module:$edge_endpoint" always;
        proxy_set_header X-M $edge_module;
        proxy_pass       $edge_target;
    }
EOC
    }
});

run_tests();

__DATA__

=== TEST 1: the longest prefix wins
--- request eval
["GET /api/v1/plan/x", "GET /api/v1/plan/deep/x", "GET /api/v1/plan/dee",
 "GET /api/v1/plan/deep", "GET /api/v1/plan", "GET /api/v1/planx/y",
 "GET /api/"]
--- response_body eval
["plan GET /api/v1/plan/x", "deep GET /api/v1/plan/deep/x",
 "plan GET /api/v1/plan/dee", "plan GET /api/v1/plan/deep",
 "api GET /api/v1/plan", "api GET /api/v1/planx/y", "api GET /api/"]



=== TEST 2: case decides
--- request eval
["GET /api/V1/plan/x", "GET /api/v1/Plan/x", "GET /api/v1/plan/Deep/x"]
--- response_body eval
["api GET /api/V1/plan/x", "api GET /api/v1/Plan/x",
 "plan GET /api/v1/plan/Deep/x"]



=== TEST 3: escaped letters are the letters they stand for
--- request
GET /api/v1/%70lan/%64eep/x
--- response_body: deep GET /api/v1/plan/deep/x



=== TEST 4: double slashes are merged before the lookup and for the target
--- request
GET /api//v1///plan//deep/x
--- response_body: deep GET /api/v1/plan/deep/x



=== TEST 5: double slashes that nginx keeps are refused
--- config
    merge_slashes off;
    location /api/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request eval
["GET /api//v1/plan/x", "GET /api/v1/plan//deep/x", "GET /api/v1/plan/x//"]
--- error_code eval
[400, 400, 400]
--- response_body_like eval
["must have no encoded slash", "must have no encoded slash",
 "must have no encoded slash"]



=== TEST 6: what hides a slash or a NUL is refused
--- request eval
["GET /api/v1/plan%2fdeep/x", "GET /api/v1/plan%2Fdeep/x",
 "GET /api/v1/plan/%5c..%5cx", "GET /api/v1/plan/%5Cx",
 "GET /api/v1/plan/a\\b"]
--- error_code eval
[400, 400, 400, 400, 400]
--- response_body_like eval
["must have no encoded slash", "must have no encoded slash",
 "must have no encoded slash", "must have no encoded slash",
 "must have no encoded slash"]



=== TEST 7: a NUL is refused, by nginx itself
--- request
GET /api/v1/plan/a%00b
--- error_code: 400



=== TEST 8: dot segments are refused, also those that stay inside
--- request eval
["GET /api/v1/plan/../support/x", "GET /api/v1/plan/x/../y",
 "GET /api/v1/plan/./x", "GET /api/v1/plan/..",
 "GET /api/v1/plan/%2e%2e/support/x", "GET /api/v1/plan/.%2E/support/x",
 "GET /api/v1/plan/..;/support/x", "GET /api/v1/plan/..;a=b/support/x"]
--- error_code eval
[400, 400, 400, 400, 400, 400, 400, 400]
--- response_body_like eval
[("empty or dot segments") x 8]



=== TEST 9: dots that are no segment, and anything in a query, pass
--- request eval
["GET /api/v1/plan/a..b/.c/...", "GET /api/v1/plan/x?p=/../%2f%5c",
 "GET /api/v1/plan/%252f"]
--- response_body eval
["plan GET /api/v1/plan/a..b/.c/...", "plan GET /api/v1/plan/x?p=/../%2f%5c",
 "plan GET /api/v1/plan/%252f"]



=== TEST 10: a path of no module is 404
--- config
    location /elsewhere/ {
        edge_tenant t1 unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /elsewhere/x
--- error_code: 404
--- response_body_like: "detail":"no module has this path"



=== TEST 11: endpoints of the module's path
--- request eval
["POST /api/v1/plan/query", "POST /api/v1/plan/search",
 "POST /api/v1/plan/chat/completions", "PUT /api/v1/plan/documents",
 "POST /api/v1/plan/documents", "DELETE /api/v1/plan/documents/a%20b"]
--- response_headers eval
["X-Route: plan:query", "X-Route: plan:search", "X-Route: plan:chat",
 "X-Route: plan:documents", "X-Route: plan:documents",
 "X-Route: plan:documents"]
--- error_code eval
[415, 415, 415, 403, 403, 403]



=== TEST 12: what only looks like an endpoint goes to the target
--- request eval
["POST /api/v1/plan/queryx", "POST /api/v1/plan/query/",
 "POST /api/v1/plan/Query", "POST /api/v1/plan/x/query",
 "GET /api/v1/plan/documentsx", "GET /api/v1/plan/models",
 "POST /api/v1/plan/chat", "POST /api/v1/plan/feedback",
 "POST /api/v1/plan/"]
--- response_body eval
["plan POST /api/v1/plan/queryx", "plan POST /api/v1/plan/query/",
 "plan POST /api/v1/plan/Query", "plan POST /api/v1/plan/x/query",
 "plan GET /api/v1/plan/documentsx", "plan GET /api/v1/plan/models",
 "plan POST /api/v1/plan/chat", "plan POST /api/v1/plan/feedback",
 "plan POST /api/v1/plan/"]
--- error_code eval
[200, 200, 200, 200, 200, 200, 200, 200, 200]



=== TEST 13: endpoints that are not listed go to the target, without one 404
--- request eval
["POST /api/v1/alone/search", "GET /api/v1/alone/x"]
--- error_code eval
[404, 404]
--- response_body_like eval
["the module has no such endpoint", "the module has no such endpoint"]



=== TEST 14: document ids
--- request eval
["GET /api/v1/plan/documents/", "GET /api/v1/plan/documents/a/b",
 "GET /api/v1/plan/documents/" . "x" x 257,
 "GET /api/v1/plan/documents/%ff", "DELETE /api/v1/plan/documents/"]
--- error_code eval
[404, 404, 404, 404, 404]
--- response_body_like eval
[("the path holds no document id") x 5]



=== TEST 15: a document id of 256 bytes is one
--- request eval
"DELETE /api/v1/plan/documents/" . "x" x 256
--- error_code: 403



=== TEST 16: edge_route with a name, below the location's prefix
--- config
    location /ask/ {
        edge_tenant t1 unverified;
        edge_route  plan;
        add_header  X-Route "$edge_module:$edge_endpoint" always;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/moved/;
    }
    location /bare {
        edge_tenant t1 unverified;
        edge_route  plan;
        add_header  X-Route "$edge_module:$edge_endpoint" always;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
    location ~ ^/re/ {
        edge_tenant t1 unverified;
        edge_route  plan;
        add_header  X-Route "$edge_module:$edge_endpoint" always;
        proxy_pass  http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request eval
["POST /ask/query", "GET /ask/x%20y?a=b", "POST /bare/query",
 "POST /barequery", "POST /bare-query", "POST /bare", "POST /re/query"]
--- response_headers eval
["X-Route: plan:query", "X-Route: plan:", "X-Route: plan:query",
 "X-Route: plan:", "X-Route: plan:", "X-Route: plan:", "X-Route: plan:"]
--- error_code eval
[415, 200, 415, 200, 200, 200, 200]



=== TEST 17: the literal proxy_pass of a named route may replace the prefix
--- config
    location /ask/ {
        edge_tenant      t1 unverified;
        edge_route       alone;
        proxy_set_header X-M $edge_module;
        proxy_pass       http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/moved/;
    }
--- request
GET /ask/x%20y?a=b
--- response_body: alone GET /moved/x%20y?a=b



=== TEST 18: a named route inside "if" and limit_except keeps its prefix
--- config
    location /ask/ {
        edge_tenant t1 unverified;
        edge_route  plan;
        add_header  X-Route "$edge_module:$edge_endpoint" always;
        if ($arg_a) { add_header X-Route "$edge_module:$edge_endpoint:if" always; }
        limit_except GET { deny all; }
    }
--- request eval
["DELETE /ask/documents/x", "GET /ask/documents/x?a=1"]
--- response_headers eval
["X-Route: plan:documents", "X-Route: plan:documents:if"]
--- error_code eval
[403, 404]



=== TEST 19: a rewrite before the lookup counts, asked for or not
--- config
    location /old/ {
        edge_tenant t1 unverified;
        edge_route  on;
        set $seen "$edge_module";
        rewrite ^/old/(.*)$ /api/v1/plan/deep/$1 last;
    }
    location /api/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        proxy_set_header X-M "[$seen]$edge_module";
        proxy_pass       $edge_target;
    }
--- request
GET /old/x
--- response_body: []deep GET /api/v1/plan/deep/x



=== TEST 20: the module is known for a request that nginx refuses before admission
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:1; }
--- config
    location /a/ {
        edge_tenant t1 unverified;
        edge_route  on;
        client_max_body_size 1;
        add_header  X-Route "$edge_module" always;
        proxy_pass  $edge_target;
    }
--- request
POST /a/x
too long
--- error_code: 413
--- response_headers
X-Route: a
--- response_body_like: "status":413
