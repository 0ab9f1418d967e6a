# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for connections that serve more than one request, the client's and the
# backends', and for a reload while requests are under way.  All rag_*.t files
# are also meant to be run with TEST_NGINX_USE_HUP=1, where one nginx is
# reloaded from block to block.

use Edge;
use Edge::Rag;

master_on();

# Reloads the nginx under test, from within a backend's answer.
sub hup {
    open my $in, '<', "$ENV{TEST_NGINX_SERVROOT}/logs/nginx.pid" or return;
    kill 'HUP', scalar <$in>;
}

Edge::Rag::serve(
    flaky => sub {
        my ($call) = @_;
        $call->{n} % 2 ? http('{}', 500) : Edge::Rag::vectors($call, 3)
    },
    hupembed => sub {
        hup();
        (\0.3, Edge::Rag::vectors($_[0], 3))
    },
    hupstream => sub {
        hup();
        my $type = 'text/event-stream';
        my @parts = split /(?<=\n\n)/, sse('a', 'b', \'[DONE]');
        my @chunks = map { sprintf "%x\r\n%s\r\n", length, $_ } @parts, '';
        (chunked($type), map { (\0.15, $_) } @chunks)
    },
);

run_tests();

__DATA__

=== TEST 1: twenty questions at once on one connection
--- pipelined_requests eval
[map { ask(qq({"query":"q$_"})) } 1 .. 20]
--- error_code eval
[(200) x 20]
--- response_body_like eval
[(qr/^\{"answer":"21 degrees \[1\]\.".*"request_id":"r-1"\}$/) x 20]



=== TEST 2: all kinds of requests on one connection
--- generate: stream
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), ask('{"query":"q"}', 'search'), "GET /ping", "GET /api/v1/none/query", "GET /api/v1/docs/query", ask('{"messages":[{"role":"user","content":"q"}],"stream":true}', 'chat/completions'), ask('{"query":"q"}', 'search'), "GET /ping"]
--- error_code eval
[200, 200, 200, 404, 405, 200, 200, 200]
--- response_body_like eval
[qr/^event: sources.*\nevent: done\n/s, qr/^\{"results"/, qr/^pong$/, qr/"status":404/, qr/"status":405/, qr/data: \[DONE\]\n\n$/, qr/^\{"results"/, qr/^pong$/]



=== TEST 3: a failure leaves nothing behind for the next request
--- embed: flaky
--- pipelined_requests eval
[(ask('{"query":"q"}'), ask('{"query":"q"}')) x 3, "GET /bodies"]
--- error_code eval
[(503, 200) x 3, 200]
--- response_headers eval
[("Retry-After: 2", "! Retry-After") x 3, ""]
--- response_body_like eval
[(qr/"status":503/, qr/"answer":"21/) x 3, qr/flaky/]



=== TEST 4: what one request asked is not asked by the next
--- pipelined_requests eval
[ask('{"query":"q","max_tokens":5}'), ask('{"query":"q"}'), "GET /bodies"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/"answer"/, qr/"answer"/, qr/"max_tokens":5\}.*"max_tokens":1024\}/s]



=== TEST 5: backends' connections are used again
--- http_config
upstream kept { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 8; }
edge_rag other {
    embed    /_k/embed/ model=e dimensions=3;
    search   /_k/search/ collection=c;
    
    generate /_k/chat/ model=g;
}
edge_module other { rag other; }
--- config
location /_k/ { internal; proxy_pass http://kept/; }
--- pipelined_requests eval
[("POST /api/v1/other/query\n{\"query\":\"q\"}") x 4, "GET /conns"]
--- error_code eval
[(200) x 5]
--- response_body_like eval
[(qr/"answer":"21/) x 4, qr/^1$/]



=== TEST 6: a model's connection is used again behind a whole stream
--- http_config
upstream kept { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 8; }
edge_rag other {
    embed    /_k/embed/ model=e dimensions=3;
    search   /_k/search/ collection=c;
    
    generate /_k/stream/ model=g;
}
edge_module other { rag other; }
--- config
location /_k/ { internal; proxy_pass http://kept/; }
--- pipelined_requests eval
[("POST /api/v1/other/query\n{\"query\":\"q\",\"stream\":true}") x 4, "GET /conns"]
--- error_code eval
[(200) x 5]
--- response_body_like eval
[(qr/event: done/) x 4, qr/^1$/]



=== TEST 7: a failed status keeps the connection, too
--- http_config
upstream kept { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 8; }
edge_rag other {
    embed    /_k/embed/ model=e dimensions=3;
    search   /_k/search/ collection=c;
    generate /_k/s500/ model=g;
    generate /_k/chat/ model=g;
}
edge_module other { rag other; }
--- config
location /_k/ { internal; proxy_pass http://kept/; }
--- pipelined_requests eval
[("POST /api/v1/other/query\n{\"query\":\"q\"}") x 3, "GET /conns"]
--- error_code eval
[(200) x 4]
--- response_body_like eval
[(qr/"answer":"21/) x 3, qr/^1$/]



=== TEST 8: two searches at a time take two connections, kept
--- http_config
upstream kept { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 8; }
edge_rag other {
    embed    /_k/embed/ model=e dimensions=3;
    search   /_k/search/ collection=c;
    search /_k/search2/ collection=d;
    generate /_k/chat/ model=g;
}
edge_module other { rag other; }
--- config
location /_k/ { internal; proxy_pass http://kept/; }
--- pipelined_requests eval
[("POST /api/v1/other/query\n{\"query\":\"q\"}") x 3, "GET /conns"]
--- error_code eval
[(200) x 4]
--- response_body_like eval
[(qr/"answer":"21/) x 3, qr/^2$/]



=== TEST 9: a connection with an answer cut off by us is not used again
--- http_config
upstream kept { server 127.0.0.1:$TEST_NGINX_RAND_PORT_1; keepalive 8; }
edge_rag other {
    embed    /_k/embed/ model=e dimensions=3;
    search   /_k/search/ collection=c;
    generate /_k/flood/ model=g;
    generate /_k/chat/ model=g;
}
edge_module other { rag other; }
--- config
location /_k/ { internal; proxy_pass http://kept/; }
--- pipelined_requests eval
[("POST /api/v1/other/query\n{\"query\":\"q\"}") x 2, "GET /conns"]
--- error_code eval
[(200) x 3]
--- response_body_like eval
[(qr/"answer":"21/) x 2, qr/^[2-4]$/]



=== TEST 10: a reload while embed is awaited
--- embed: hupembed
--- request eval
[ask('{"query":"q"}'), ask('{"query":"q"}')]
--- response_body_like eval
[(qr/"answer":"21/) x 2]



=== TEST 11: a reload in mid-stream
--- generate: hupstream
--- request eval
[ask('{"query":"q","stream":true}'), ask('{"query":"q","stream":true}')]
--- response_body_like eval
[(qr/"delta":"a".*"delta":"b".*event: done/s) x 2]
