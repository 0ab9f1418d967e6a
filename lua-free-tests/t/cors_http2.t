# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_cors over HTTP/2.

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

=== TEST 1: a preflight
--- config
    location /t { edge_cors http://a.test credentials; return 403; }
--- request
OPTIONS /t
--- more_headers
Origin: http://a.test
Access-Control-Request-Method: POST
Access-Control-Request-Headers: authorization
--- error_code: 204
--- response_body:
--- response_headers
access-control-allow-origin: http://a.test
access-control-allow-credentials: true
access-control-allow-headers: authorization
access-control-max-age: 600
! content-length



=== TEST 2: a preflight of an unknown origin
--- config
    location /t { edge_cors http://a.test; return 200; }
--- request
OPTIONS /t
--- more_headers
Origin: http://b.test
Access-Control-Request-Method: POST
--- error_code: 403
--- response_headers
! access-control-allow-origin
vary: Origin
--- ignore_response_body



=== TEST 3: the request itself, with what the service says replaced
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        add_header Access-Control-Allow-Origin *;
        add_header Vary Accept;
        location / { return 200 "x"; }
    }
--- config
    location /t {
        edge_cors  http://a.test;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /t
--- more_headers
Origin: http://a.test
--- response_body: x
--- response_headers
access-control-allow-origin: http://a.test
vary: Accept, Origin
