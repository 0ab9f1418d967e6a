# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_health: the two probes, the drain file, methods, bodies and
# the access log.  How long a look at the drain file lasts is a unit test.

use Edge;

run_tests();

__DATA__

=== TEST 1: the location itself is readiness
--- config
    location /actuator/health { edge_health; }
--- request
GET /actuator/health
--- error_code: 200
--- response_headers
Content-Type: application/json
Content-Length: 15
--- response_body chomp
{"status":"UP"}



=== TEST 2: with a slash too
--- config
    location /actuator/health { edge_health; }
--- request
GET /actuator/health/
--- response_body chomp
{"status":"UP"}



=== TEST 3: readiness by name
--- config
    location /actuator/health { edge_health; }
--- request
GET /actuator/health/readiness
--- response_body chomp
{"status":"UP"}



=== TEST 4: liveness by name
--- config
    location /actuator/health { edge_health; }
--- request
GET /actuator/health/liveness
--- response_body chomp
{"status":"UP"}



=== TEST 5: anything else below the location is not found
--- config
    location /actuator/health { edge_health; }
--- request eval
["GET /actuator/healthz", "GET /actuator/health/x",
 "GET /actuator/health/Liveness"]
--- error_code eval
[404, 404, 404]



=== TEST 6: HEAD gets the header only
--- config
    location /actuator/health { edge_health; }
--- request
HEAD /actuator/health
--- response_headers
Content-Type: application/json
Content-Length: 15
--- response_body chomp



=== TEST 7: other methods are refused and told which are not
--- config
    location /actuator/health { edge_health; }
--- request eval
["POST /actuator/health\nx", "PUT /actuator/health\nx",
 "DELETE /actuator/health", "OPTIONS /actuator/health"]
--- error_code eval
[405, 405, 405, 405]
--- response_headers eval
["Allow: GET, HEAD", "Allow: GET, HEAD", "Allow: GET, HEAD",
 "Allow: GET, HEAD"]



=== TEST 8: a body is thrown away, the connection stays usable
--- config
    location /actuator/health { edge_health; }
--- pipelined_requests eval
["GET /actuator/health\n" . ("x" x 20000), "GET /actuator/health"]
--- response_body eval
['{"status":"UP"}', '{"status":"UP"}']



=== TEST 9: the drain file takes readiness down, not liveness
--- user_files
>>> drain
--- config
    location /actuator/health { edge_health drain_file=html/drain; }
--- request eval
["GET /actuator/health", "GET /actuator/health/readiness",
 "HEAD /actuator/health", "GET /actuator/health/liveness"]
--- error_code eval
[503, 503, 503, 200]
--- response_body eval
['{"status":"DOWN"}', '{"status":"DOWN"}', '', '{"status":"UP"}']
--- response_headers eval
["Content-Type: application/json", "Content-Type: application/json",
 "Content-Length: 17", "Content-Type: application/json"]



=== TEST 10: without the file the process is ready
--- config
    location /actuator/health { edge_health drain_file=html/no-drain; }
--- request
GET /actuator/health
--- response_body chomp
{"status":"UP"}



=== TEST 11: a drain file that cannot be looked for is an error, not health
--- config
    location /actuator/health { edge_health drain_file=html/loop; }
--- init
my $loop = Test::Nginx::Util::server_root() . "/html/loop";
symlink $loop, $loop;
--- request
GET /actuator/health
--- error_code: 503
--- response_body chomp
{"status":"DOWN"}



=== TEST 12: two locations, two drain files
--- user_files
>>> drain
--- config
    location /a { edge_health drain_file=html/drain; }
    location /b { edge_health drain_file=html/other; }
    location /c { edge_health; }
--- request eval
["GET /a", "GET /b", "GET /c"]
--- error_code eval
[503, 200, 200]



=== TEST 13: exact and regex locations
--- config
    location = /ready { edge_health; }
    location ~ ^/live/(a|b)/liveness$ { edge_health; }
    location ~ ^/regex { edge_health; }
--- request eval
["GET /ready", "GET /live/b/liveness", "GET /regex/anything"]
--- error_code eval
[200, 200, 200]



=== TEST 14: the error_page of the operator does not replace a probe
--- user_files
>>> drain
--- config
    error_page 503 /busy;
    location = /busy { return 200 busy; }
    location /actuator/health { edge_health drain_file=html/drain; }
--- request
GET /actuator/health
--- error_code: 503
--- response_body chomp
{"status":"DOWN"}



=== TEST 15: a probe is not in the access log
--- http_config
    log_format probe '[probe] $request_uri';
--- config
    access_log logs/error.log probe;
    location /actuator/health { edge_health; }
--- request eval
["GET /actuator/health", "HEAD /actuator/health/liveness",
 "GET /actuator/health"]
--- error_code eval
[200, 200, 200]
--- no_error_log
[probe] /actuator



=== TEST 16: a refused method is in the access log
--- http_config
    log_format probe '[probe] $request_uri';
--- config
    access_log logs/error.log probe;
    location /actuator/health { edge_health; }
--- request
DELETE /actuator/health?4
--- error_code: 405
--- grep_error_log eval
qr/\[probe\] \S+/
--- grep_error_log_out
[probe] /actuator/health?4



=== TEST 17: as the subject of auth_request
--- user_files
>>> drain
--- config
    location /t { auth_request /health; return 204; try_files /none =204; }
    location = /health { internal; edge_health drain_file=html/none; }
--- request
GET /t
--- error_code: 204



=== TEST 18: an unknown parameter is refused
--- config
    location /t { edge_health drain=/x; }
--- must_die
--- error_log
invalid parameter "drain=/x" of "edge_health"



=== TEST 19: an empty drain file is refused
--- config
    location /t { edge_health drain_file=; }
--- must_die
--- error_log
invalid parameter "drain_file=" of "edge_health"



=== TEST 20: twice in a location is refused
--- config
    location /t { edge_health; edge_health; }
--- must_die
--- error_log
"edge_health" directive is duplicate



=== TEST 21: beside another content handler is refused
--- config
    location /t { proxy_pass http://127.0.0.1:1; edge_health; }
--- must_die
--- error_log
"edge_health" directive conflicts with another content handler



=== TEST 22: only in a location
--- config
    edge_health;
--- must_die
--- error_log
"edge_health" directive is not allowed here
