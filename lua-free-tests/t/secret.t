# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_secret: where a value comes from, where it arrives, what
# nginx -t refuses, and that no message holds a value.

BEGIN {
    $ENV{EDGE_T_KEY} = 'sk-from-env-7f31';
    $ENV{EDGE_T_EMPTY} = '';
    $ENV{EDGE_T_BREAK} = "sk-hidden-91ab\nX-Evil: 1";
    $ENV{EDGE_T_CR} = "sk-hidden-91ab\r";
    $ENV{EDGE_T_LARGE} = 'q' x 65536;
    $ENV{EDGE_T_TOO_LARGE} = 'q' x 65537;
    delete $ENV{EDGE_T_UNSET};
}

use Edge;

run_tests();

__DATA__

=== TEST 1: a value of the environment arrives in a proxied header
--- http_config
    edge_secret $openai_key env=EDGE_T_KEY;
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / { return 200 "$http_authorization"; }
    }
--- config
    location = /t {
        proxy_set_header Authorization "Bearer $openai_key";
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /t
--- response_body: Bearer sk-from-env-7f31
--- log_level: info
--- no_error_log
sk-from-env-7f31



=== TEST 2: a file loses one line feed at its end
--- user_files
>>> key
sk-from-file
--- http_config
    edge_secret $k file=../html/key;
--- config
    location = /t { return 200 "<$k>"; }
--- request
GET /t
--- response_body: <sk-from-file>



=== TEST 3: a file loses one CRLF at its end, spaces stay
--- user_files eval
[[ "key" => " a key \r\n" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
    location = /t { return 200 "<$k>"; }
--- request
GET /t
--- response_body: < a key >



=== TEST 4: a file without a line break is taken whole
--- user_files eval
[[ "key" => "abc" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
    location = /t { return 200 "<$k>"; }
--- request
GET /t
--- response_body: <abc>



=== TEST 5: several secrets, one seen through a map and a subrequest
--- http_config
    edge_secret $first env=EDGE_T_KEY;
    edge_secret $second_2 env=EDGE_T_LARGE;
    map $first $shape { sk-from-env-7f31 known; default unknown; }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / {
            if ($http_x_key != sk-from-env-7f31) { return 403; }
            return 200;
        }
    }
--- config
    location = /t {
        auth_request /auth;
        add_header X-Shape $shape;
        try_files /none =204;
    }
    location = /auth {
        internal;
        proxy_set_header X-Key $first;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /t
--- error_code: 204
--- response_headers
X-Shape: known



=== TEST 6: a name is one name in any case
--- http_config
    edge_secret $MyKey env=EDGE_T_KEY;
--- config
    location = /t { return 200 "$mykey"; }
--- request
GET /t
--- response_body: sk-from-env-7f31



=== TEST 7: 65536 bytes are allowed
--- http_config
    edge_secret $k env=EDGE_T_LARGE;
--- config
    location = /t { return 200 "$k"; }
--- request
GET /t
--- response_headers
Content-Length: 65536



=== TEST 8: 65537 bytes in a file are refused
--- user_files eval
[[ "key" => "k" x 65537 ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
--- must_die
--- error_log
of "edge_secret" is larger than 65536 bytes
--- no_error_log
kkkkkkkk



=== TEST 9: 65537 bytes in the environment are refused
--- http_config
    edge_secret $k env=EDGE_T_TOO_LARGE;
--- config
--- must_die
--- error_log
environment variable "EDGE_T_TOO_LARGE" of "edge_secret" is larger than
--- no_error_log
qqqqqqqq



=== TEST 10: a variable that is not set is refused
--- http_config
    edge_secret $k env=EDGE_T_UNSET;
--- config
--- must_die
--- error_log
environment variable "EDGE_T_UNSET" of "edge_secret" is not set



=== TEST 11: an empty variable is refused
--- http_config
    edge_secret $k env=EDGE_T_EMPTY;
--- config
--- must_die
--- error_log
environment variable "EDGE_T_EMPTY" of "edge_secret" is empty



=== TEST 12: a line feed inside is refused, and not shown
--- http_config
    edge_secret $k env=EDGE_T_BREAK;
--- config
--- must_die
--- error_log
"EDGE_T_BREAK" of "edge_secret" holds a line break or a zero byte
--- no_error_log
sk-hidden-91ab



=== TEST 13: a carriage return is refused, and not shown
--- http_config
    edge_secret $k env=EDGE_T_CR;
--- config
--- must_die
--- error_log
"EDGE_T_CR" of "edge_secret" holds a line break or a zero byte
--- no_error_log
sk-hidden-91ab



=== TEST 14: a zero byte in a file is refused, and the rest not shown
--- user_files eval
[[ "key" => "sk-hidden-91ab\0b" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
--- must_die
--- error_log
of "edge_secret" holds a line break or a zero byte
--- no_error_log
sk-hidden-91ab



=== TEST 15: two line breaks at the end: only one is taken off
--- user_files eval
[[ "key" => "sk-hidden-91ab\n\n" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
--- must_die
--- error_log
of "edge_secret" holds a line break or a zero byte
--- no_error_log
sk-hidden-91ab



=== TEST 16: a file that is not there is refused
--- http_config
    edge_secret $k file=/nonexistent/key;
--- config
--- must_die
--- error_log
file "/nonexistent/key" of "edge_secret" cannot be opened (2:



=== TEST 17: an empty file is refused
--- user_files eval
[[ "key" => "" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
--- must_die
--- error_log
of "edge_secret" is empty



=== TEST 18: a file with nothing but a line break is refused
--- user_files eval
[[ "key" => "\n" ]]
--- http_config
    edge_secret $k file=../html/key;
--- config
--- must_die
--- error_log
of "edge_secret" is empty



=== TEST 19: a directory is refused
--- http_config
    edge_secret $k file=/;
--- config
--- must_die
--- error_log
file "/" of "edge_secret" is not a regular file



=== TEST 20: a key written in the place of the source is refused, unseen
--- http_config
    edge_secret $k sk-hidden-91ab;
--- config
--- must_die
--- error_log
the source of "edge_secret" must be "env=NAME" or "file=/path"
--- no_error_log
sk-hidden-91ab



=== TEST 21: a key written as the name of a variable is refused, unseen
--- http_config
    edge_secret $k env=sk-hidden-91ab;
--- config
--- must_die
--- error_log
"env=" of "edge_secret" must be the name of an environment variable
--- no_error_log
sk-hidden-91ab



=== TEST 22: swapped arguments are refused, unseen
--- http_config
    edge_secret sk-hidden-91ab $k;
--- config
--- must_die
--- error_log
the first parameter of "edge_secret" must be a variable
--- no_error_log
sk-hidden-91ab



=== TEST 23: aws= is not built yet
--- http_config
    edge_secret $k aws=arn:aws:secretsmanager:eu-west-1:1:secret:x;
--- config
--- must_die
--- error_log
"aws=" of "edge_secret" is not supported in this version



=== TEST 24: refresh= is not built yet
--- http_config
    edge_secret $k env=EDGE_T_KEY refresh=5m;
--- config
--- must_die
--- error_log
"refresh=" is not supported in this version



=== TEST 25: one variable is one secret
--- http_config
    edge_secret $k env=EDGE_T_KEY;
    edge_secret $K env=EDGE_T_KEY;
--- config
--- must_die
--- error_log
duplicate "edge_secret" for variable "$k"



=== TEST 26: names of the edge are reserved
--- http_config
    edge_secret $edge_key env=EDGE_T_KEY;
--- config
--- must_die
--- error_log
"edge_secret" cannot define "$edge_key"



=== TEST 27: names of claims are reserved, in any case
--- http_config
    edge_secret $JWT_key env=EDGE_T_KEY;
--- config
--- must_die
--- error_log
"edge_secret" cannot define "$jwt_key"



=== TEST 28: a variable of nginx cannot be a secret
--- http_config
    edge_secret $host env=EDGE_T_KEY;
--- config
--- must_die
--- error_log
the duplicate "host" variable



=== TEST 29: a variable that a map defined cannot be a secret
--- http_config
    map $uri $k { default 1; }
    edge_secret $k env=EDGE_T_KEY;
--- config
--- must_die
--- error_log
"edge_secret" cannot define "$k": another directive does



=== TEST 30: a secret cannot be set to something else
--- http_config
    edge_secret $k env=EDGE_T_KEY;
--- config
    set $k public;
--- must_die
--- error_log
the duplicate "k" variable



=== TEST 31: a source is needed
--- http_config
    edge_secret $k;
--- config
--- must_die
--- error_log
invalid number of arguments in "edge_secret" directive



=== TEST 32: only in http
--- config
    edge_secret $k env=EDGE_T_KEY;
--- must_die
--- error_log
"edge_secret" directive is not allowed here
