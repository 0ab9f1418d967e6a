# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The module loads, nothing changes for who does not use it, and what this
# test library promises every other file holds.

use Edge 'no_plan';
use Test::More;

# A symbol of ours without prefix could take the place of nginx's own.  ASan
# adds its own names to a module built with it.
my @symbols = grep { !/^__odr_asan/ }
    map { (split)[2] } `nm -D --defined-only $Edge::Env::module`;
my $allowed = qr/^(ngx_edge_|ngx_http_edge_
                 |ngx_modules$|ngx_module_names$|ngx_module_order$)/x;

cmp_ok(scalar @symbols, '>', 3, 'the module exports symbols');
is(join(' ', grep { !/$allowed/ } @symbols), '', 'all have our prefix');

run_tests();

__DATA__

=== TEST 1: the module loads and leaves other locations alone


=== TEST 2: a location without our directives answers as before
--- config
location = /plain { return 200 "plain\n"; }
--- request
GET /plain
--- response_body
plain


=== TEST 3: an unknown directive is refused, by nginx
--- config
edge_no_such_directive on;
--- must_die
--- error_log
unknown directive "edge_no_such_directive"


=== TEST 4: ports, folders and mocks of the test library
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    location / { return 200 "%TMP% $TEST_NGINX_TMP"; }
}
--- config
location = /one { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/; }
location = /two { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_2/; }
--- tcp_listen: $TEST_NGINX_RAND_PORT_2
--- tcp_reply eval
"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nmock"
--- request eval
["GET /one", "GET /two"]
--- response_body eval
["$ENV{TEST_NGINX_TMP} $ENV{TEST_NGINX_TMP}", "mock"]
