# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for silence in a stream: a comment tells the client and what is in
# between that it lives.  A file of its own, because it takes its time.

use Edge;
use Edge::Rag;

repeat_each(1);

my $type = 'text/event-stream';

Edge::Rag::serve(
    silent => sub {
        (chunked($type, sse('a')), \22,
         map { sprintf "%x\r\n%s\r\n", length, $_ } sse('b', \'[DONE]'), '')
    },
);

run_tests();

__DATA__

=== TEST 1: a comment behind 15 seconds of silence, then the stream goes on
--- generate: silent
--- rag: timeout idle=60s total=60s;
--- timeout: 60
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/\Qevent: token
data: {"delta":"a"}

: ka

event: token
data: {"delta":"b"}

event: usage\E/
