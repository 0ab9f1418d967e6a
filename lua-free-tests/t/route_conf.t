# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t takes and refuses of edge_module, edge_route and
# edge_tenant.

use Edge;

run_tests();

__DATA__

=== TEST 1: every parameter at once, from an included file
--- user_files
>>> module.conf
path        /p/;
methods     GET POST;
allow_write unverified;
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a {
        include   ../html/module.conf;
        target    http://127.0.0.1:$TEST_NGINX_SERVER_PORT;
        rag       r;
        endpoints query search documents;
    }
    edge_module b { }
--- config
    location /p/ { edge_tenant a unverified; edge_route on; }
    location /b/ { edge_tenant a unverified; edge_route b; }
--- request
GET /p/nowhere
--- error_code: 404



=== TEST 2: a name of 64 characters, a path of one slash
--- http_config
    edge_module aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa { path /; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$request_uri"; }
    }
--- config
    location /x {
        edge_tenant a unverified;
        edge_route  on;
        proxy_pass  $edge_target;
    }
--- request
GET /x
--- response_body: /x



=== TEST 3: off undoes what the server says
--- http_config
    edge_module a { }
--- config
    edge_route  on;
    edge_tenant a unverified;
    location /plain/ { edge_route off; return 200 "[$edge_module]"; }
    location /b/ { edge_route off; }
--- request
GET /plain/
--- response_body: []
--- raw_response_headers_unlike: X-Request-Id



=== TEST 4: edge_route and edge_tenant in the http block
--- http_config
    edge_module a { path /a/; target http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; }
    edge_route  on;
    edge_tenant t1 unverified;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        edge_route off;
        location / { return 200 "$http_x_t"; }
    }
--- config
    location /a/ {
        proxy_set_header X-T $edge_tenant;
        proxy_pass       $edge_target;
    }
--- request
GET /a/
--- response_body: t1



=== TEST 5: two modules of one name
--- http_config
    edge_module a { }
    edge_module a { path /b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
duplicate edge_module "a"



=== TEST 6: two modules with one path
--- http_config
    edge_module a { path /x/; }
    edge_module b { path /x/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
edge_module "a" and edge_module "b" have the same path "/x/"



=== TEST 7: a default path that is taken
--- http_config
    edge_module a { path /api/v1/b/; }
    edge_module b { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
edge_module "a" and edge_module "b" have the same path "/api/v1/b/"



=== TEST 8: a module name with upper case
--- http_config
    edge_module Planning { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "Planning" in "edge_module" directive



=== TEST 9: a module name with a leading underscore
--- http_config
    edge_module _a { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "_a" in "edge_module" directive



=== TEST 10: a module name with a dot
--- http_config
    edge_module a.b { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "a.b" in "edge_module" directive



=== TEST 11: a module named "on"
--- http_config
    edge_module on { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "on" in "edge_module" directive



=== TEST 12: a module named "off"
--- http_config
    edge_module off { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "off" in "edge_module" directive



=== TEST 13: a module name with 65 characters
--- http_config
    edge_module aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" in "edge_module" directive



=== TEST 14: an empty module name
--- http_config
    edge_module "" { }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid name "" in "edge_module" directive



=== TEST 15: a path without the first slash
--- http_config
    edge_module a { path api/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "api/" in "path" directive



=== TEST 16: a path without the last slash
--- http_config
    edge_module a { path /api; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/api" in "path" directive



=== TEST 17: a path with an empty segment
--- http_config
    edge_module a { path /a//b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a//b/" in "path" directive



=== TEST 18: a path with a dot segment
--- http_config
    edge_module a { path /a/../b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a/../b/" in "path" directive



=== TEST 19: a path with an escape
--- http_config
    edge_module a { path /a%20b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a%20b/" in "path" directive



=== TEST 20: a path with a space
--- http_config
    edge_module a { path "/a b/"; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a b/" in "path" directive



=== TEST 21: a path with a query
--- http_config
    edge_module a { path /a?b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a?b/" in "path" directive



=== TEST 22: a path with path parameters
--- http_config
    edge_module a { path "/a;b/"; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid path "/a;b/" in "path" directive



=== TEST 23: path twice
--- http_config
    edge_module a { path /a/; path /b/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"path" directive is duplicate



=== TEST 24: an unknown method
--- http_config
    edge_module a { methods GET FETCH; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid method "FETCH" in "methods" directive



=== TEST 25: a method in lower case
--- http_config
    edge_module a { methods get; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid method "get" in "methods" directive



=== TEST 26: a method twice
--- http_config
    edge_module a { methods GET POST GET; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
duplicate method "GET" in "methods" directive



=== TEST 27: methods twice
--- http_config
    edge_module a { methods GET; methods POST; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"methods" directive is duplicate



=== TEST 28: methods without a value
--- http_config
    edge_module a { methods; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid number of arguments in "methods" directive



=== TEST 29: a target without a scheme
--- http_config
    edge_module a { target 127.0.0.1:8080; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "127.0.0.1:8080" in "target" directive



=== TEST 30: a target with another scheme
--- http_config
    edge_module a { target ftp://127.0.0.1; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "ftp://127.0.0.1" in "target" directive



=== TEST 31: a target without a name
--- http_config
    edge_module a { target http://; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://" in "target" directive



=== TEST 32: a target with a slash behind it
--- http_config
    edge_module a { target http://127.0.0.1/; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://127.0.0.1/" in "target" directive



=== TEST 33: a target with a path
--- http_config
    edge_module a { target http://127.0.0.1:80/app; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://127.0.0.1:80/app" in "target" directive



=== TEST 34: a target with a query
--- http_config
    edge_module a { target http://127.0.0.1?x; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://127.0.0.1?x" in "target" directive



=== TEST 35: a target with a user
--- http_config
    edge_module a { target http://u@127.0.0.1; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://u@127.0.0.1" in "target" directive



=== TEST 36: a target with a variable
--- http_config
    edge_module a { target http://$host; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://$host" in "target" directive



=== TEST 37: a target of a unix socket
--- http_config
    edge_module a { target http://unix:/tmp/s; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid target "http://unix:/tmp/s" in "target" directive



=== TEST 38: a target with a bad port
--- http_config
    edge_module a { target http://127.0.0.1:99999; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid port in upstream "127.0.0.1:99999"



=== TEST 39: a target that no one knows
--- http_config
    edge_module a { target http://no-such-host.invalid; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
host not found in upstream "no-such-host.invalid"



=== TEST 40: a target that is resolved later
--- http_config
    edge_module a { target http://app.internal resolve; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid parameter "resolve" in "target" directive



=== TEST 41: target twice
--- http_config
    edge_module a { target http://127.0.0.1; target http://127.0.0.2; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"target" directive is duplicate



=== TEST 42: allow by what is no claim
--- http_config
    edge_module a { allow $http_x_modules a; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"$http_x_modules" in edge_module "a" is no claim



=== TEST 43: allow_write by a claim, and for all
--- http_config
    edge_module a { allow_write $jwt_claim_scope w; allow_write unverified; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"allow_write" directive is duplicate



=== TEST 44: allow_write with another word
--- http_config
    edge_module a { allow_write on; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid parameter "on" in "allow_write" directive



=== TEST 45: allow_write twice
--- http_config
    edge_module a { allow_write unverified; allow_write unverified; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"allow_write" directive is duplicate



=== TEST 46: shared_write
--- http_config
    edge_module a { shared_write $jwt_claim_scope w; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"shared_write" directive is not supported by this build



=== TEST 47: an unknown parameter
--- http_config
    edge_module a { tenant x; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
unknown directive "tenant"



=== TEST 48: rag twice
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; rag r; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"rag" directive is duplicate



=== TEST 49: an empty rag
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag ""; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid parameter "" in "rag" directive



=== TEST 50: endpoints without rag
--- http_config
    edge_module a { endpoints query; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
edge_module "a" has "endpoints" but no "rag"



=== TEST 51: an unknown endpoint
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; endpoints query ask; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
invalid parameter "ask" in "endpoints" directive



=== TEST 52: the endpoint models, which is not built
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; endpoints models; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
endpoint "models" is not in this build



=== TEST 53: the endpoint feedback, which is not built
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; endpoints feedback; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
endpoint "feedback" is not in this build



=== TEST 54: an endpoint twice
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; endpoints query query; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
duplicate endpoint "query" in "endpoints" directive



=== TEST 55: endpoints twice
--- http_config
    edge_rag r { store %TMP%/r.db; generate extractive; }
    edge_module a { rag r; endpoints query; endpoints search; }
--- config
    location /api/ { edge_tenant a unverified; edge_route on; }
--- must_die
--- error_log
"endpoints" directive is duplicate



=== TEST 56: edge_module in a server
--- http_config
--- config
    edge_module a { }
--- must_die
--- error_log
"edge_module" directive is not allowed here



=== TEST 57: edge_route with an unknown module
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant a unverified; edge_route b; }
--- must_die
--- error_log
"edge_route" names the unknown edge_module "b"



=== TEST 58: edge_route with a bad name
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant a unverified; edge_route B; }
--- must_die
--- error_log
invalid parameter "B" in "edge_route" directive



=== TEST 59: edge_route twice
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant a unverified; edge_route on; edge_route off; }
--- must_die
--- error_log
"edge_route" directive is duplicate



=== TEST 60: edge_route without edge_tenant
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_route on; }
--- must_die
--- error_log
location "/b/" has "edge_route" but no "edge_tenant"



=== TEST 61: an inherited edge_route without edge_tenant
--- http_config
    edge_module a { }
--- config
    edge_route on;
    location /b/ { }
--- must_die
--- error_log
location "/b/" has "edge_route" but no "edge_tenant"



=== TEST 62: edge_tenant without "unverified"
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant $http_x_t; edge_route on; }
--- must_die
--- error_log
"edge_tenant $http_x_t" is no verified source: neither $jwt_claim_<name> nor



=== TEST 63: edge_tenant with another word
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant $http_x_t trusted; edge_route on; }
--- must_die
--- error_log
invalid parameter "trusted" in "edge_tenant" directive



=== TEST 64: edge_tenant with an unknown variable
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant $nope unverified; edge_route on; }
--- must_die
--- error_log
unknown "nope" variable



=== TEST 65: an empty edge_tenant
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant "" unverified; edge_route on; }
--- must_die
--- error_log
invalid parameter "" in "edge_tenant" directive



=== TEST 66: edge_tenant twice
--- http_config
    edge_module a { }
--- config
    location /b/ { edge_tenant a unverified; edge_tenant b unverified; edge_route on; }
--- must_die
--- error_log
"edge_tenant" directive is duplicate
