# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for answers and streams over HTTP/2, by curl.  Clients that leave are in
# rag_abort.t.

use Test::More;
my $curl;

BEGIN {
    $curl = `curl --version 2>&1` =~ /^Features:.*\bHTTP2\b/m;
    plan(skip_all => 'no curl that speaks HTTP/2') unless $curl;
}

use Edge;
use Edge::Rag;

# Test::Nginx writes "http2 on" for versions that do not have it yet.
add_block_preprocessor(sub {
    $Test::Nginx::Util::NginxVersion = '1.019008'
        if $Test::Nginx::Util::NginxVersion < 1.025001;
});

my $type = 'text/event-stream';

# Made before the time of a stream begins.
my $long = sse(('x' x 1000) x 1500);
my $longer = chunked($type, sse(('x' x 1000) x 12000));

Edge::Rag::serve(
    bytes => sub {
        chunked($type, split(//, sse(
            \'{"model":"m-1","choices":[{"delta":{"content":"온 "}}]}',
            \'{"choices":[{"delta":{"content":"😀"}}]}', \'[DONE]')), '')
    },
    events => sub {
        chunked($type, split(/(?<=\n\n)/, sse(map { "$_ " } 1 .. 2000)
                                          . "data: [DONE]\n\n"), '')
    },
    long => sub {
        chunked($type, $long . sse(\'[DONE]'), '')
    },
    long_error => sub {
        (chunked($type, $long . sse(\'{"error":"x"}')), \600)
    },
    longer => sub { ($longer, \600) },
    long_cut => sub { (chunked($type, $long), undef) },
    mid_cut => sub { (chunked($type, sse('half')), undef) },
    mid_hang => sub { (chunked($type, sse('half')), \600) },
);

run_tests();

__DATA__

=== TEST 1: an answer
--- http2
--- request eval
ask('{"query":"q"}')
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"answer":"21 



=== TEST 2: a stream
--- generate: stream
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_headers
Content-Type: text/event-stream
! Content-Length
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"21 "}

event: token
data: {"delta":"degrees [1]."}

event: usage
data: {"prompt_tokens":11,"completion_tokens":4,"total_tokens":15}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 3: a model's stream in single bytes
--- generate: bytes
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: "delta":"온 ".*"delta":"😀".*event: done



=== TEST 4: 2000 events, in their order
--- generate: events
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n\Q${\ CORE::join '', map { qq(event: token\ndata: {"delta":"$_ "}\n\n) } 1 .. 2000}\Eevent: usage\n[^\n]+\n\nevent: done\n[^\n]+\n\n$/



=== TEST 5: 1.5 MB to a client that reads slowly
--- generate: long
--- rag: timeout idle=3s;
--- timeout: 60
--- user_files
>>> rc
limit-rate = 250k
--- curl_options: -K$TEST_NGINX_HTML_DIR/rc
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n(?:event: token\ndata: \{"delta":"x{1000}"\}\n\n){1500}event: usage\n[^\n]+\n\nevent: done\n/



=== TEST 6: 1.5 MB, then an error, to a client that reads slowly
--- generate: long_error
--- user_files
>>> rc
limit-rate = 1M
--- curl_options: -K$TEST_NGINX_HTML_DIR/rc
--- timeout: 60
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n(?:event: token\ndata: \{"delta":"x{1000}"\}\n\n){1500}event: error\ndata: [^\n]+\n\n$/



=== TEST 7: 1.5 MB, then the end of the connection, to a client that reads slowly
--- generate: long_cut
--- user_files
>>> rc
limit-rate = 1M
--- curl_options: -K$TEST_NGINX_HTML_DIR/rc
--- timeout: 60
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n(?:event: token\ndata: \{"delta":"x{1000}"\}\n\n){1500}event: error\ndata: [^\n]+\n\n$/



=== TEST 8: the time for a stream ends while a client reads slowly
--- generate: longer
--- rag: timeout stream=4s;
--- user_files
>>> rc
limit-rate = 2M
--- curl_options: -K$TEST_NGINX_HTML_DIR/rc
--- timeout: 60
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n(?:event: token\ndata: \{"delta":"x{1000}"\}\n\n)+event: error\ndata: [^\n]+\n\n$/



=== TEST 9: retrieval fails: a status
--- embed: s500
--- generate: stream
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- error_code: 503
--- response_headers
Content-Type: application/problem+json
Retry-After: 2
--- response_body_like: "status":503



=== TEST 10: a model cut short: an error event
--- generate: mid_cut
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: "delta":"half"\}\n\nevent: error\ndata: [^\n]*\n\n$



=== TEST 11: a silent model: an error event
--- generate: mid_hang
--- rag: timeout idle=200ms;
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: "delta":"half"\}\n\nevent: error\ndata: [^\n]*\n\n$



=== TEST 12: the second model
--- generate: s500 stream
--- http2
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: "delta":"21 ".*event: done



=== TEST 13: a body in a temporary file
--- http2
--- api: client_body_buffer_size 1k;
--- request eval
ask('{"query":"' . 'how ' x 1500 . '"}')
--- response_body_like: "answer":"21 
--- error_log
a client request body is buffered to a temporary file



=== TEST 14: chat/completions
--- http2
--- generate: stream
--- request eval
ask('{"stream":true,"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- response_body_like: "content":"21 ".*data: \[DONE\]
