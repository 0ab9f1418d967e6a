# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for a client that leaves while a backend is awaited: the backend sees
# its connection closed, nothing is logged as a fault, and the same worker
# answers the next request.
# 
# The client that leaves is nginx itself: /leave proxies to the server's own
# /api/ and gives up soon.

use Edge;
use Edge::Rag;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('config', <<'END');
location /leave/ {
    proxy_set_header   X-T acme;
    proxy_set_header   Content-Type application/json;
    proxy_read_timeout $TEST_NGINX_PATIENCE_MS;
    proxy_buffering    off;
    proxy_pass         http://127.0.0.1:$TEST_NGINX_SERVER_PORT/api/v1/docs/;
}
END
    $block->set_value('log_level', 'info');
});

Edge::Rag::serve(
    partstream => sub {
        (chunked('text/event-stream', sse('one ', 'two')), \600)
    },
    flood_events => sub {
        (chunked('text/event-stream', sse('x' x 900) x 4000), \600)
    },
    partjson => sub { (chunked('application/json', '{"choices":['), \600) },
    hangupsert => sub {
        $_[0]{method} eq 'PUT' ? \600
            : http('{"result":[],"status":"ok"}')
    },
);

run_tests();

__DATA__

=== TEST 1: embed, before the answer
--- embed: hang
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 2: search, before the answer
--- search: hang
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 3: two searches, before the answer
--- search: hang hang
--- request eval
[q<POST /leave/search
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 4: one of two searches, before the answer
--- search: search hang
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 5: generate, before the answer
--- generate: hang
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 6: chat, before the answer
--- generate: hang
--- request eval
[q<POST /leave/chat/completions
{"messages":[{"role":"user","content":"q"}]}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 7: embed, in mid-answer
--- embed: hanghead
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 8: search, in mid-answer
--- search: hanghead
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 9: two searches, in mid-answer
--- search: hanghead hanghead
--- request eval
[q<POST /leave/search
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 10: one of two searches, in mid-answer
--- search: search hanghead
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 11: generate, in mid-answer
--- generate: hanghead
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 12: chat, in mid-answer
--- generate: hanghead
--- request eval
[q<POST /leave/chat/completions
{"messages":[{"role":"user","content":"q"}]}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 13: generate, second model
--- generate: s500 hang
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed



=== TEST 14: generate, in mid-chunk
--- generate: partjson
--- request eval
[q<POST /leave/query
{"query":"q"}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 15: embed of a stream: no byte was sent
--- embed: hang
--- request eval
[q<POST /leave/query
{"query":"q","stream":true}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 16: stream, before the model's first byte
--- generate: hang
--- request eval
[q<POST /leave/query HTTP/1.0
{"query":"q","stream":true}>, "GET /left", "GET /ping"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/^event: sources|^data:/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 17: stream, behind the first tokens
--- generate: partstream
--- request eval
[q<POST /leave/query HTTP/1.0
{"query":"q","stream":true}>, "GET /left", "GET /ping"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/^event: sources|^data:/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 18: chat stream, behind the first tokens
--- generate: partstream
--- request eval
[q<POST /leave/chat/completions HTTP/1.0
{"stream":true,"messages":[{"role":"user","content":"q"}]}>, "GET /left", "GET /ping"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/^event: sources|^data:/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 19: stream, second model
--- generate: s500 partstream
--- request eval
[q<POST /leave/query HTTP/1.0
{"query":"q","stream":true}>, "GET /left", "GET /ping"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/^event: sources|^data:/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed



=== TEST 20: documents, check
--- ingest: hang
--- request eval
[q<PUT /leave/documents
{"id":"d","text":"Some text."}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 21: documents, embed
--- ingest: hangupsert
--- embed: hang
--- request eval
[q<PUT /leave/documents
{"id":"d","text":"Some text."}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 22: documents, upsert
--- ingest: hangupsert
--- request eval
[q<PUT /leave/documents
{"id":"d","text":"Some text."}>, "GET /left", "GET /ping"]
--- error_code eval
[504, 200, 200]
--- response_body_like eval
[qr/504/, qr/^left$/, qr/^pong$/]
--- error_log
client prematurely closed connection
--- no_error_log
edge rag: embed failed
edge rag: search failed
edge rag: generate failed



=== TEST 23: a client that leaves at once, with its request half sent
--- raw_request eval
"POST /api/v1/docs/query HTTP/1.1\r\nHost: a\r\nX-T: acme\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"que"
--- timeout: $TEST_NGINX_PATIENCE
--- abort
--- ignore_response
--- wait: 0.1
--- error_log
client prematurely closed connection



=== TEST 24: a client that leaves a stream by closing its connection
--- generate: partstream
--- request eval
[ask('{"query":"q","stream":true}'), "GET /left", "GET /ping"]
--- timeout: $TEST_NGINX_PATIENCE
--- abort
--- ignore_response
--- error_log
client prematurely closed connection



=== TEST 25: after all of this
--- request eval
[ask('{"query":"q"}'), ask('{"query":"q"}', 'search')]
--- response_body_like eval
[qr/"answer":"21/, qr/"results"/]
