# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what a client may send to query, search and chat/completions: each
# refusal with the JSON pointer of its fault, the limits at n and n + 1, and
# bodies that come in parts, in chunks or through a temporary file.

use Edge;
use Edge::Rag;

Edge::Rag::serve();

run_tests();

__DATA__

=== TEST 1: not JSON
--- request eval
ask('{"query":', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not JSON","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not JSON"}]}> . "\n"



=== TEST 2: text behind the JSON
--- request eval
ask('{"query":"q"} x', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not JSON","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not JSON"}]}> . "\n"



=== TEST 3: a list
--- request eval
ask('["q"]', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body must be a JSON object","instance":"r-1","errors":[{"pointer":"#","detail":"the body must be a JSON object"}]}> . "\n"



=== TEST 4: a string
--- request eval
ask('"q"', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body must be a JSON object","instance":"r-1","errors":[{"pointer":"#","detail":"the body must be a JSON object"}]}> . "\n"



=== TEST 5: bad UTF-8
--- request eval
ask(qq({"query":"a\xff"}), 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not valid UTF-8","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not valid UTF-8"}]}> . "\n"



=== TEST 6: UTF-8 of a surrogate
--- request eval
ask(qq({"query":"\xed\xa0\x80"}), 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not valid UTF-8","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not valid UTF-8"}]}> . "\n"



=== TEST 7: UTF-8 cut short
--- request eval
ask(qq({"query":"\xea\xb0"}), 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not valid UTF-8","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not valid UTF-8"}]}> . "\n"



=== TEST 8: an escaped NUL
--- request eval
ask('{"query":"a\u0000b"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body holds a NUL character","instance":"r-1","errors":[{"pointer":"#","detail":"the body holds a NUL character"}]}> . "\n"



=== TEST 9: half an escaped surrogate pair
--- request eval
ask('{"query":"\ud83d"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is not JSON","instance":"r-1","errors":[{"pointer":"#","detail":"the body is not JSON"}]}> . "\n"



=== TEST 10: a member name twice
--- request eval
ask('{"query":"a","query":"b"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body holds a duplicate member name","instance":"r-1","errors":[{"pointer":"#","detail":"the body holds a duplicate member name"}]}> . "\n"



=== TEST 11: 17 levels: nested too deep
--- request eval
ask('{"filter":' . '[' x 16 . ']' x 16 . ',"query":"q"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is nested too deep","instance":"r-1","errors":[{"pointer":"#","detail":"the body is nested too deep"}]}> . "\n"



=== TEST 12: nested far too deep
--- request eval
ask('{"filter":' . '[' x 100000, 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body is nested too deep","instance":"r-1","errors":[{"pointer":"#","detail":"the body is nested too deep"}]}> . "\n"



=== TEST 13: a number out of range
--- request eval
ask('{"query":"q","top_k":99999999999999999999}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"the body holds a number out of range","instance":"r-1","errors":[{"pointer":"#","detail":"the body holds a number out of range"}]}> . "\n"



=== TEST 14: no query
--- request eval
ask('{"top_k":3}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query is missing","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query is missing"}]}> . "\n"



=== TEST 15: an empty object
--- request eval
ask('{}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query is missing","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query is missing"}]}> . "\n"



=== TEST 16: an empty query
--- request eval
ask('{"query":""}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query is empty","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query is empty"}]}> . "\n"



=== TEST 17: a query of white space
--- request eval
ask('{"query":" \n\t "}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query is empty","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query is empty"}]}> . "\n"



=== TEST 18: a query that is a number
--- request eval
ask('{"query":1}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query must be a string","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query must be a string"}]}> . "\n"



=== TEST 19: a query that is null
--- request eval
ask('{"query":null}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query must be a string","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query must be a string"}]}> . "\n"



=== TEST 20: a query of 8193 bytes
--- request eval
ask('{"query":"' . 'q' x 8193 . '"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/query is longer than 8192 bytes","instance":"r-1","errors":[{"pointer":"#/query","detail":"/query is longer than 8192 bytes"}]}> . "\n"



=== TEST 21: top_k of 0
--- request eval
ask('{"query":"q","top_k":0}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/top_k must be an integer from 1 to 50","instance":"r-1","errors":[{"pointer":"#/top_k","detail":"/top_k must be an integer from 1 to 50"}]}> . "\n"



=== TEST 22: top_k of 51
--- request eval
ask('{"query":"q","top_k":51}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/top_k must be an integer from 1 to 50","instance":"r-1","errors":[{"pointer":"#/top_k","detail":"/top_k must be an integer from 1 to 50"}]}> . "\n"



=== TEST 23: top_k below 0
--- request eval
ask('{"query":"q","top_k":-1}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/top_k must be an integer from 1 to 50","instance":"r-1","errors":[{"pointer":"#/top_k","detail":"/top_k must be an integer from 1 to 50"}]}> . "\n"



=== TEST 24: top_k of 1.5
--- request eval
ask('{"query":"q","top_k":1.5}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/top_k must be an integer from 1 to 50","instance":"r-1","errors":[{"pointer":"#/top_k","detail":"/top_k must be an integer from 1 to 50"}]}> . "\n"



=== TEST 25: top_k as a word
--- request eval
ask('{"query":"q","top_k":"5"}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/top_k must be an integer from 1 to 50","instance":"r-1","errors":[{"pointer":"#/top_k","detail":"/top_k must be an integer from 1 to 50"}]}> . "\n"



=== TEST 26: max_tokens of 0
--- request eval
ask('{"query":"q","max_tokens":0}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/max_tokens must be a positive integer","instance":"r-1","errors":[{"pointer":"#/max_tokens","detail":"/max_tokens must be a positive integer"}]}> . "\n"



=== TEST 27: stream as a number
--- request eval
ask('{"query":"q","stream":1}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/stream must be true or false","instance":"r-1","errors":[{"pointer":"#/stream","detail":"/stream must be true or false"}]}> . "\n"



=== TEST 28: an unknown member
--- request eval
ask('{"query":"q","topk":1}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/topk is not a known member","instance":"r-1","errors":[{"pointer":"#/topk","detail":"/topk is not a known member"}]}> . "\n"



=== TEST 29: an unknown member whose name needs escapes
--- request eval
ask('{"query":"q","a/b~c d":1}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/a~1b~0c d is not a known member","instance":"r-1","errors":[{"pointer":"#/a~1b~0c%20d","detail":"/a~1b~0c d is not a known member"}]}> . "\n"



=== TEST 30: search knows no stream
--- request eval
ask('{"query":"q","stream":true}', 'search')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/stream is not a known member","instance":"r-1","errors":[{"pointer":"#/stream","detail":"/stream is not a known member"}]}> . "\n"



=== TEST 31: search knows no max_tokens
--- request eval
ask('{"query":"q","max_tokens":5}', 'search')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/max_tokens is not a known member","instance":"r-1","errors":[{"pointer":"#/max_tokens","detail":"/max_tokens is not a known member"}]}> . "\n"



=== TEST 32: a filter that is a list
--- request eval
ask('{"query":"q","filter":[]}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter must be an object","instance":"r-1","errors":[{"pointer":"#/filter","detail":"/filter must be an object"}]}> . "\n"



=== TEST 33: a filter with a bad time
--- request eval
ask('{"query":"q","filter":{"must":[{"key":"updated_at","range":{"gte":"today"}}]}}', 'query')
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body eval
q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/range/gte must be an RFC 3339 time","instance":"r-1","errors":[{"pointer":"#/filter/must/0/range/gte","detail":"/filter/must/0/range/gte must be an RFC 3339 time"}]}> . "\n"



=== TEST 34: no body
--- request
POST /api/v1/docs/query
--- error_code: 400
--- response_body_like: "detail":"the body is not JSON"



=== TEST 35: a query of 8192 bytes
--- request eval
ask('{"query":"' . 'q' x 8192 . '"}', 'search')
--- response_body_like: ^\{"results":\[\{



=== TEST 36: top_k of 1 and of 50
--- request eval
[ask('{"query":"q","top_k":1}', 'search'),
ask('{"query":"q","top_k":50}', 'search'), "GET /bodies"]
--- response_body_like eval
[qr/"results"/, qr/"results"/, qr/"limit":1,.*"limit":50,/s]



=== TEST 37: 16 levels are read, what holds them is refused by name
--- request eval
ask('{"query":"q","filter":' . '[' x 15 . ']' x 15 . '}')
--- error_code: 400
--- response_body_like: "pointer":"#/filter"



=== TEST 38: chat/completions: no messages
--- request eval
ask('{"model":"docs"}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/messages must be a list of messages","type":"invalid_request_error","param":"messages","code":"invalid_request"\}\}$



=== TEST 39: chat/completions: an empty list of messages
--- request eval
ask('{"messages":[]}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/messages must be a list of messages","type":"invalid_request_error","param":"messages","code":"invalid_request"\}\}$



=== TEST 40: chat/completions: messages that are words
--- request eval
ask('{"messages":["hi"]}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/messages[^"]* must [^"]*","type":"invalid_request_error","param":"messages[^"]*","code":"invalid_request"\}\}$



=== TEST 41: chat/completions: the last message is not the user's
--- request eval
ask('{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/messages[^"]* must [^"]*","type":"invalid_request_error","param":"messages[^"]*","code":"invalid_request"\}\}$



=== TEST 42: chat/completions: n of 2
--- request eval
ask('{"n":2,"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/n must be 1","type":"invalid_request_error","param":"n","code":"invalid_request"\}\}$



=== TEST 43: chat/completions: stream as a word
--- request eval
ask('{"stream":"yes","messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"/stream must be true or false","type":"invalid_request_error","param":"stream","code":"invalid_request"\}\}$



=== TEST 44: Content-Type with a parameter, in any case
--- more_headers
X-T: acme
Content-Type: Application/JSON ; charset=utf-8
--- response_body_like: ^\{"answer"



=== TEST 45: Content-Type text/plain: 415
--- pipelined_requests eval
[ask('{"query":"q"}'), "GET /ping"]
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: text/plain
--- error_code eval
[415, 200]
--- response_headers eval
["Content-Type: application/problem+json", ""]
--- response_body_like eval
[qr/"status":415,"detail":"the Content-Type must be application\/json"/, qr/pong/]



=== TEST 46: Content-Type application/jsonl: 415
--- pipelined_requests eval
[ask('{"query":"q"}'), "GET /ping"]
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/jsonl
--- error_code eval
[415, 200]
--- response_headers eval
["Content-Type: application/problem+json", ""]
--- response_body_like eval
[qr/"status":415,"detail":"the Content-Type must be application\/json"/, qr/pong/]



=== TEST 47: Content-Type none: 415
--- pipelined_requests eval
[ask('{"query":"q"}'), "GET /ping"]
--- more_headers
X-T: acme
X-Request-Id: r-1
X-A: b
--- error_code eval
[415, 200]
--- response_headers eval
["Content-Type: application/problem+json", ""]
--- response_body_like eval
[qr/"status":415,"detail":"the Content-Type must be application\/json"/, qr/pong/]



=== TEST 48: GET: 405
--- request
GET /api/v1/docs/query
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/problem+json
--- response_body_like: "title":"Method Not Allowed","status":405,



=== TEST 49: PUT: 405
--- request
PUT /api/v1/docs/query
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/problem+json
--- response_body_like: "title":"Method Not Allowed","status":405,



=== TEST 50: DELETE: 405
--- request
DELETE /api/v1/docs/query
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/problem+json
--- response_body_like: "title":"Method Not Allowed","status":405,



=== TEST 51: PATCH: 405
--- request
PATCH /api/v1/docs/query
--- error_code: 405
--- response_headers
Allow: POST
Content-Type: application/problem+json
--- response_body_like: "title":"Method Not Allowed","status":405,



=== TEST 52: a body of max_body bytes
--- rag: max_body 1000;
--- request eval
ask('{"query":"q"' . ' ' x 987 . '}', 'search')
--- response_body_like: "results"



=== TEST 53: a body of max_body + 1 bytes: 413
--- rag: max_body 1000;
--- request eval
ask('{"query":"q"' . ' ' x 988 . '}', 'search')
--- error_code: 413
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":413,"detail":"the request body is over the limit"



=== TEST 54: chunks of max_body + 1 bytes: 413
--- rag: max_body 1000;
--- more_headers
X-T: acme
Content-Type: application/json
Transfer-Encoding: chunked
--- request eval
"POST /api/v1/docs/search\n3e9\r\n" . '{"query":"q"' . ' ' x 988 . '}' . "\r\n0\r\n\r\n"
--- error_code: 413
--- response_body_like: "status":413,"detail":"the request body is over the limit"



=== TEST 55: over client_max_body_size: 413 in our form
--- api
client_max_body_size 500;
--- request eval
ask('{"query":"q"' . ' ' x 988 . '}', 'search')
--- error_code: 413
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":413



=== TEST 56: a chunked body
--- more_headers
X-T: acme
Content-Type: application/json
Transfer-Encoding: chunked
--- request eval
[qq(POST /api/v1/docs/query\n5\r\n{"que\r\n1\r\nr\r\n9\r\ny":"how"}\r\n0\r\n\r\n), "GET /bodies\n0\r\n\r\n"]
--- response_body_like eval
[qr/"answer":"21/, qr/"input":\["how"\]/]



=== TEST 57: a body in a temporary file
--- config
client_body_buffer_size 1k;
--- request eval
[ask('{"query":"' . 'how ' x 1500 . '?"}'), "GET /bodies"]
--- response_body_like eval
[qr/"answer":"21/, qr/"input":\["(?:how ){1500}\?"\]/]
--- error_log
a client request body is buffered to a temporary file



=== TEST 58: a chunked body in a temporary file
--- config
client_body_buffer_size 1k;
--- more_headers
X-T: acme
Content-Type: application/json
Transfer-Encoding: chunked
--- request eval
["POST /api/v1/docs/query\nb\r\n{\"query\":\"w\r\nfa0\r\n" . 'how ' x 1000 . "\r\n3\r\n?\"}\r\n0\r\n\r\n", "GET /bodies\n0\r\n\r\n"]
--- response_body_like eval
[qr/"answer":"21/, qr/"input":\["w(?:how ){1000}\?"\]/]
--- error_log
a client request body is buffered to a temporary file



=== TEST 59: client_body_in_file_only
--- config
client_body_in_file_only clean;
--- request eval
[ask('{"query":"how?"}'), "GET /bodies"]
--- response_body_like eval
[qr/"answer":"21/, qr/"input":\["how\?"\]/]



=== TEST 60: a fault in a body of a temporary file
--- config
client_body_buffer_size 1k;
--- request eval
ask('{"query":"q","x":"' . 'how ' x 1500 . '"}')
--- error_code: 400
--- response_body_like: "pointer":"#/x"



=== TEST 61: a request in parts
--- raw_request eval
["POST /api/v1/docs/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-T: acme\r\nContent-Ty", "pe: application/json\r\nContent-Length: 15\r\n\r\n{\"que", "ry\":\"ho", "w\"}"]
--- raw_request_middle_delay: 0.03
--- response_body_like: "answer":"21



=== TEST 62: 100 Continue
--- raw_request eval
["POST /api/v1/docs/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-T: acme\r\nContent-Type: application/json\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\r\n", '{"query":"q"}']
--- raw_request_middle_delay: 0.05
--- ignore_response
--- error_log
send 100 Continue
edge rag: generate -> answer



=== TEST 63: HTTP/1.0
--- request eval
qq(POST /api/v1/docs/query HTTP/1.0\n{"query":"q"})
--- response_body_like: "answer":"21



=== TEST 64: HEAD is not asked of query: 405 without a body
--- request
HEAD /api/v1/docs/query
--- error_code: 405
--- response_body:
