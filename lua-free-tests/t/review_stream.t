# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams to a client that is of no use any more but does not say
# so: one that takes nothing, one that has reset its connection unnoticed.
#
# The client is nginx itself.  /slow reads a few bytes a second; /reset has no
# room for the header of a response and closes with the rest unread.

use Edge;
use Edge::Rag;

repeat_each(1);                  # the second test takes what it takes: 16 s

add_block_preprocessor(sub {
    my ($block) = @_;

    my $api = 'proxy_set_header X-T acme; '
        . 'proxy_set_header Content-Type application/json; '
        . 'proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/api/v1/docs/;';

    my $wait = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}/wait/";

    $block->set_value('config', <<"END");
location /slow/ { proxy_ignore_headers X-Accel-Buffering; proxy_limit_rate 10;
                  $api }
location /reset/ { proxy_buffer_size 64; proxy_buffers 8 64; $api }
location = /wait { proxy_method GET; proxy_pass $wait; }
END
    $block->set_value('log_level', 'info');
    $block->set_value('timeout', '30s') unless defined $block->timeout;
});

Edge::Rag::serve(
    flood_events => sub {
        (chunked('text/event-stream', sse('x' x 900) x 20000), \600)
    },
    silent => sub { (chunked('text/event-stream'), \600) },
    wait => sub { (\16, http('waited')) },
);

run_tests();

__DATA__

=== TEST 1: a client that takes nothing has as long as send_timeout
--- generate: flood_events
--- stages: send_timeout 1s;
--- rag: timeout stream=4s;
--- timeout: 6s
--- abort
--- request eval
[q<POST /slow/query
{"query":"q","stream":true}>, "GET /left", "GET /ping"]
--- ignore_response
--- error_log
client timed out
--- no_error_log
deadline passed



=== TEST 2: the comment of a silent stream finds nobody
--- generate: silent
--- stages: proxy_ignore_client_abort on;
--- rag: timeout first_token=60s idle=60s stream=90s;
--- request eval
[q<POST /reset/query
{"query":"q","stream":true}>, "GET /wait", "GET /left", "GET /ping"]
--- error_code eval
[502, 200, 200, 200]
--- response_body_like eval
[qr/502/, qr/^waited$/, qr/^left$/, qr/^pong$/]
--- error_log
upstream sent too big header
--- no_error_log
edge rag: generate failed
