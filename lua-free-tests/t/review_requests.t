# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what a request says that its endpoint has no use for: a body where
# none is read, conditions, names that are too long or break lines.  None of
# it may become another request, another response, or a line of the log.

use Edge;
use Edge::Rag;

my $points = sub {
    http('{"result":{"points":[{"id":1,"payload":{"tenant_id":"acme",'
         . '"doc_id":"d","chunk":0,"start":0,"text":"hello"}}]}}')
};

Edge::Rag::serve(points => $points);

our $other = "GET /forged HTTP/1.1\r\nHost: x\r\n\r\n";

our $one = '{"id":"d","title":null,"source_uri":null,"updated_at":null,'
    . '"acl":[],"text":"hello","chunks":1}';

run_tests();

__DATA__

=== TEST 1: a GET's body is not the next request
--- ingest: points
--- pipelined_requests eval
["GET /api/v1/docs/documents/d\n$main::other", "GET /ping"]
--- response_body eval
[$main::one, "pong"]



=== TEST 2: the answer to a question is not cached by a client
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/json
If-None-Match: *
--- response_body_like: ^\{"answer":"21 degrees



=== TEST 3: a stream is no 304
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/json
If-None-Match: *
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_headers
Content-Type: text/event-stream
--- response_body_like: ^event: sources\ndata: .*\n\nevent: token\n



=== TEST 4: and no 412
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/json
If-Match: "x"
If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: ^event: sources\ndata: .*\n\nevent: token\n



=== TEST 5: a name of the client makes no line in the log
--- log_level: info
--- request eval
ask('{"a\nforged: [alert]":1}')
--- error_code: 400
--- response_body_like: "pointer":"#/a%0Aforged:%20%5Balert%5D"
--- error_log
edge rag: bad request, is not a known member
--- no_error_log
forged



=== TEST 6: a name as long as the body allows
--- request eval
[map { ask($_) } '{"' . 'x' x 200000 . '":1}',
 '{"query":"q","filter":{"must":[{"key":"title","match":{"value":"x","'
 . '~' x 500 . '":1}}]}}']
--- error_code eval
[400, 400]
--- response_body eval
['{"type":"about:blank","title":"Bad Request","status":400,"detail":'
 . '"is not a known member","instance":"r-1","errors":[{"pointer":"#",'
 . '"detail":"is not a known member"}]}' . "\n",
 '{"type":"about:blank","title":"Bad Request","status":400,"detail":'
 . '"/filter/must/0/match unknown member, must be \"value\" or \"any\"",'
 . '"instance":"r-1","errors":[{"pointer":"#/filter/must/0/match","detail":'
 . '"/filter/must/0/match unknown member, must be \"value\" or \"any\""}]}'
 . "\n"]
