# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for configurations with few and with many modules.

use Edge;

# nginx warns of each unverified source, at every start
# The text of an include file with n modules, all with the same target.
sub modules {
    my ($n) = @_;

    return join '', map {
        "edge_module m$_ { target http://127.0.0.1:"
        . "$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
    } 1 .. $n;
}

run_tests();

__DATA__

=== TEST 1: ten modules
--- user_files eval
[["modules.conf" => ::modules(10)]]
--- http_config
    include ../html/modules.conf;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_m $request_uri"; }
    }
--- config
    location /api/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        proxy_set_header X-M $edge_module;
        proxy_pass       $edge_target;
    }
--- request eval
["GET /api/v1/m1/x", "GET /api/v1/m10/x", "GET /api/v1/m11/x"]
--- error_code eval
[200, 200, 404]
--- response_body_like eval
["^m1 /api/v1/m1/x\$", "^m10 /api/v1/m10/x\$", "no module has this path"]



=== TEST 2: ten thousand modules
--- user_files eval
[["modules.conf" => ::modules(10000)]]
--- http_config
    include ../html/modules.conf;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_x_m $request_uri"; }
    }
--- config
    location /api/ {
        edge_tenant      t1 unverified;
        edge_route       on;
        proxy_set_header X-M $edge_module;
        proxy_pass       $edge_target;
    }
    location /named/ {
        edge_tenant t1 unverified;
        edge_route  m7777;
        return      200 "$edge_module";
    }
--- request eval
["GET /api/v1/m1/x", "GET /api/v1/m10000/x", "GET /api/v1/m5555/x",
 "GET /api/v1/m10001/x", "GET /named/x"]
--- error_code eval
[200, 200, 200, 404, 200]
--- response_body_like eval
["^m1 /api/v1/m1/x\$", "^m10000 /api/v1/m10000/x\$",
 "^m5555 /api/v1/m5555/x\$", "no module has this path", "^m7777\$"]
