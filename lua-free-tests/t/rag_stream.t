# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streamed answers over HTTP/1.1: the events and their order, a
# model's stream cut into pieces anywhere, its failures before and behind the
# first token, times, and OpenAI's form.

use Edge;
use Edge::Rag;

my $finish = '{"choices":[{"delta":{},"finish_reason":"stop"}]}';
my $usage = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,'
    . '"total_tokens":3}}';
my $type = 'text/event-stream';

# A stream with all that is awkward in it.
my $awkward = "\xef\xbb\xbf: hello\r\n\r\n"
    . "id: 7\r\nevent: message\r\ndata: {\"model\":\"m-1\",\"choices\":[]}"
    . "\r\n\r\n"
    . "data:{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
    . "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    . "\"온도 😀 \\ud83d\\ude00 [1]\"},\"finish_reason\":null}]}\r\r"
    . ": comment\n:\ndata: {\"choices\":\ndata: [{\"delta\":\r\n"
    . "data: {\"content\":\" \\\"b\\\"\\n\"}}]}\n\n"
    . "retry: 5\nunknown\n\ndata: {\"choices\":[{\"delta\":null}]}\n\n"
    . "data: {\"choices\":[{\"delta\":{\"content\":null}}]}\n\n"
    . "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n"
    . "data: $finish\n\ndata: $usage\r\n\r\ndata: [DONE]\n\n";

# A chunk that says its model and what was used so far.
my $counted = '{"model":"m-3","choices":[{"index":0,"delta":{"content":"%s"},'
    . '"finish_reason":null}],"usage":{"prompt_tokens":%d}}';

# One with what OpenAI sends so that its length tells nothing.
my $padded = '{"choices":[{"index":0,"delta":{"content":"%s"},'
    . '"finish_reason":null}],"usage":null,"obfuscation":"%s"}';

# What a model sends and then does.
my $partly = sub {
    my ($events, @then) = @_;

    return sub { (chunked($type, $events), @then) };
};

Edge::Rag::serve(
    whole => sub { chunked($type, $awkward, '') },
    bytes => sub { chunked($type, split(//, $awkward), '') },
    writes => sub {
        ("HTTP/1.1 200 OK\r\nContent-Type: $type\r\n\r\n",
         (map { (\0.0005, $_) } split //, $awkward), undef)
    },
    length => sub { http($awkward, 200, $type) },
    events => sub {
        chunked($type, split(/(?<=\n\n)/, sse(map { "$_ " } 1 .. 2000)
                                          . "data: [DONE]\n\n"), '')
    },
    oneread => sub { chunked($type, sse(map { "$_ " } 1 .. 20), '') },
    afterdone => sub {
        chunked($type, sse('a', \'[DONE]', 'b'), 'data: {"x', '')
    },
    nodone => sub { chunked($type, sse('a ', 'b'), '') },
    closed => sub {
        ("HTTP/1.1 200 OK\r\nContent-Type: $type\r\n"
            . "Connection: close\r\n\r\n" . sse('a ', 'b'), undef)
    },
    closedend => sub {
        ("HTTP/1.1 200 OK\r\nContent-Type: $type\r\n"
            . "Connection: close\r\n\r\n" . sse('a ', 'b',
            \'{"choices":[{"delta":{},"finish_reason":"length"}]}'), undef)
    },
    donecut => sub { (chunked($type, sse('a ', \'[DONE]')), undef) },
    cutoff => sub {
        chunked($type, sse(\('{"choices":[{"delta":{"content":"a"},'
                             . '"finish_reason":"length"}]}'), \'[DONE]'),
                '')
    },
    repeats => sub {
        chunked($type, sse(map { ref $_ ? $_ : \sprintf $counted, $_, 1 }
                           'a [1', ']', '\\"b\\"', '', "\xc3\xa9 \\u00e9",
                           '","x":"', \sprintf($counted, 'c', 2),
                           \'{"choices":[],"usage":{"prompt_tokens":7}}',
                           'd', 'e', \'[DONE]'), '')
    },
    cites => sub {
        chunked($type, sse('a [', '9', '] [1] [', '2,', ' 7] [x', '5]',
                           \'[DONE]'), '')
    },
    other => sub {
        chunked($type, sse(\('{"model":"m-2","choices":[{"delta":'
                             . '{"content":"Other."}}]}'), \'[DONE]'), '')
    },

    silent => sub { chunked($type, ": hi\n\ndata: [DONE]\n\n", '') },
    nothing_ => sub { chunked($type, '') },
    first_error => sub {
        chunked($type, sse(\('{"model":"bad","choices":[],"usage":'
                             . '{"prompt_tokens":9}}'),
                           \'{"choices":[{"delta":{},"finish_reason":"x"}]}',
                           \'{"error":{"message":"overloaded"}}'), '')
    },
    first_garbage => sub { chunked($type, "data: oops\n\n", '') },
    first_cut => $partly->("data: {\"choi", undef),
    first_hang => $partly->(": hi\n\n", \600),
    first_trickle => sub {
        (chunked($type, ''), \600)
    },
    html => sub { http('<html>It works!</html>', 200, 'text/html') },

    mid_error => $partly->(sse('half', \'{"error":{"message":"x"}}', 'b'),
                           \600),
    mid_garbage => $partly->(sse('half') . "data: oops\n\n", \600),
    padded => sub {
        chunked($type, sse(map { \sprintf $padded, @$_ }
                           ['a', 'x'], ['b', 'yy'], ['c', ''], ['d', '\\"']),
                sse(\sprintf($padded, 'e', "\xff"), 'f'), '')
    },
    mid_repeat => $partly->(sse(map { \sprintf $counted, $_, 1 }
                                'half', "\xff", 'b'), \600),
    mid_cut => $partly->(sse('half') . 'data: {"choices":[{"de', undef),
    mid_cutlen => sub {
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" . sse('half'),
         undef)
    },
    mid_hang => $partly->(sse('half'), \600),
    mid_long => $partly->(sse('half') . 'data: ' . 'x' x 70000 . "\n\n",
                          \600),
    slow => sub {
        (chunked($type, sse('a')), map { (\0.15, piece($_)) } 'b' .. 'j')
    },
);

# One more chunk of a stream.
sub piece {
    my ($text) = map { sse($_) } @_;

    return sprintf "%x\r\n%s\r\n", length $text, $text;
}

run_tests();

__DATA__

=== TEST 1: sources, tokens, usage, done
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_headers
Content-Type: text/event-stream
X-Request-Id: r-1
Transfer-Encoding: chunked
! Content-Length
! Accept-Ranges
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



=== TEST 2: the model is asked for a stream and its usage
--- generate: stream
--- request eval
[ask('{"query":"q","stream":true}'), "GET /bodies"]
--- response_body_like eval
[qr/^event: sources/, qr/"max_tokens":1024,"stream":true,"stream_options":\{"include_usage":true\}\}$/]



=== TEST 3: one read: comments, CR, LF, CRLF, a mark, data in lines
--- generate: whole
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"온도 😀 😀 [1]"}

event: token
data: {"delta":" \"b\"\n"}

event: usage
data: {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 4: a chunk per byte
--- generate: bytes
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"온도 😀 😀 [1]"}

event: token
data: {"delta":" \"b\"\n"}

event: usage
data: {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 5: a write per byte: inside UTF-8, CRLF, names, escapes
--- generate: writes
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"온도 😀 😀 [1]"}

event: token
data: {"delta":" \"b\"\n"}

event: usage
data: {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 6: a Content-Length
--- generate: length
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"온도 😀 😀 [1]"}

event: token
data: {"delta":" \"b\"\n"}

event: usage
data: {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 7: events in one read are tokens in their order
--- generate: oneread
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"1 "}

event: token
data: {"delta":"2 "}

event: token
data: {"delta":"3 "}

event: token
data: {"delta":"4 "}

event: token
data: {"delta":"5 "}

event: token
data: {"delta":"6 "}

event: token
data: {"delta":"7 "}

event: token
data: {"delta":"8 "}

event: token
data: {"delta":"9 "}

event: token
data: {"delta":"10 "}

event: token
data: {"delta":"11 "}

event: token
data: {"delta":"12 "}

event: token
data: {"delta":"13 "}

event: token
data: {"delta":"14 "}

event: token
data: {"delta":"15 "}

event: token
data: {"delta":"16 "}

event: token
data: {"delta":"17 "}

event: token
data: {"delta":"18 "}

event: token
data: {"delta":"19 "}

event: token
data: {"delta":"20 "}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 8: 2000 events: none lost, none reordered
--- generate: events
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
qr/^event: sources\n[^\n]+\n\n\Q${\ CORE::join '', map { qq(event: token\ndata: {"delta":"$_ "}\n\n) } 1 .. 2000}\Eevent: usage\n[^\n]+\n\nevent: done\n[^\n]+\n\n$/



=== TEST 9: what comes behind [DONE] is nothing
--- generate: afterdone
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"a"}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 10: a stream that ends whole without [DONE]
--- generate: nodone
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"a "}

event: token
data: {"delta":"b"}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-1","cached":false,"degraded":false}

~



=== TEST 11: finish_reason is the model's
--- generate: cutoff
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"a"}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"length","model":null,"cached":false,"degraded":false}

~



=== TEST 12: citations of nothing, split over tokens
--- generate: cites
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
qr/"degraded":false,"invalid_citations":\[9,7\]\}\n\n$/



=== TEST 13: no passage: the fixed answer, no model
--- search: nothing
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[],"grounded":false,"request_id":"r-1"}

event: token
data: {"delta":"The documents hold no answer to this question."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":null,"cached":false,"degraded":false}

~



=== TEST 14: generate extractive streams its quotes
--- generate: extractive
--- request eval
ask('{"query":"How warm is it?","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"It is warm at 21 degrees. [1]"}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"extractive","cached":false,"degraded":false}

~



=== TEST 15: stream:false is no stream
--- request eval
ask('{"query":"q","stream":false}')
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"answer":"21



=== TEST 16: HTTP/1.0: the end is the end of the connection
--- generate: stream
--- request eval
qq(POST /api/v1/docs/query HTTP/1.0\n{"query":"q","stream":true})
--- response_headers
! Transfer-Encoding
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



=== TEST 17: gzip on for all types holds nothing back and changes nothing
--- config
gzip on;
gzip_types *;
gzip_min_length 0;
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_headers
! Content-Encoding
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



=== TEST 18: a failure of retrieval is a status, not a stream
--- search: s500
--- generate: stream
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- error_code eval
[503, 200]
--- response_headers eval
["Content-Type: application/problem+json\nRetry-After: 2\n", ""]
--- response_body_like eval
[qr/"detail":"the document search failed"/, qr/pong/]



=== TEST 19: first 500: the second model answers
--- generate: s500 other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, status 500 from "/_generate1/chat/completions"



=== TEST 20: first 429: the second model answers
--- generate: s429 other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, status 429



=== TEST 21: first nobody listens: the second model answers
--- generate: refused other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, unreachable



=== TEST 22: first a closed connection: the second model answers
--- generate: drop other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, unreachable



=== TEST 23: first HTML with status 200: the second model answers
--- generate: html other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, the stream holds no answer



=== TEST 24: first a stream of a comment and [DONE]: the second model answers
--- generate: silent other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, the stream holds no answer



=== TEST 25: first an empty stream: the second model answers
--- generate: nothing_ other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, the stream holds no answer



=== TEST 26: first an error object: the second model answers
--- generate: first_error other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, the model reported an error



=== TEST 27: first an event that is not JSON: the second model answers
--- generate: first_garbage other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, the answer is not a JSON object



=== TEST 28: first half an event, then the end: the second model answers
--- generate: first_cut other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, truncated answer



=== TEST 29: first no token in time: the second model answers
--- generate: first_hang other
--- rag: timeout first_token=3s;
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, no first token in time



=== TEST 30: first no header in time: the second model answers
--- generate: hang other
--- rag: timeout first_token=3s;
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"Other."}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"m-2","cached":false,"degraded":false}

~
--- error_log
edge rag: generate failed, no first token in time



=== TEST 31: the only model fails at first: an error event behind the sources
--- generate: s500
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~
--- error_log
edge rag: generate failed, status 500



=== TEST 32: all models fail at first
--- generate: s500 first_cut refused
--- request eval
ask('{"query":"q","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~



=== TEST 33: all models fail at first: quotes, degraded
--- generate: s500 first_error extractive
--- request eval
ask('{"query":"How warm is it?","stream":true}')
--- response_body eval
q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"It is warm at 21 degrees. [1]"}

event: usage
data: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}

event: done
data: {"finish_reason":"stop","model":"extractive","cached":false,"degraded":true}

~



=== TEST 34: in mid-answer an error object: an error event, no second model
--- generate: mid_error other
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, the model reported an error



=== TEST 35: in mid-answer an event that is not JSON: an error event, no second model
--- generate: mid_garbage other
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, the answer is not a JSON object



=== TEST 36: in mid-answer chunks cut short: an error event, no second model
--- generate: mid_cut other
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, truncated answer



=== TEST 37: in mid-answer a length cut short: an error event, no second model
--- generate: mid_cutlen other
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, truncated answer



=== TEST 38: in mid-answer an event of 70000 bytes: an error event, no second model
--- generate: mid_long other
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, an event is too long



=== TEST 39: in mid-answer silence: an error event, no second model
--- generate: mid_hang other
--- rag: timeout idle=200ms;
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, silence in mid-answer



=== TEST 40: in mid-answer the time for a stream: an error event, no second model
--- generate: mid_hang other
--- rag: timeout stream=3s;
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body eval
[q~event: sources
data: {"sources":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z"},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z"}],"grounded":true,"request_id":"r-1"}

event: token
data: {"delta":"half"}

event: error
data: {"code":"service_unavailable","message":"no language model answered","retry_after":2}

~, 'pong']
--- error_log
edge rag: generate failed, timeout



=== TEST 41: chat/completions: OpenAI's chunks and [DONE], usage unasked
--- generate: stream
--- request eval
ask('{"stream":true,"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- response_headers
Content-Type: text/event-stream
--- response_body eval
qr/^(?<h>data: \{"id":"chatcmpl-r-1","object":"chat.completion.chunk","created":\d{10},"model":"docs","choices":\[)\{"index":0,"delta":\{"role":"assistant","content":""\},"finish_reason":null\}\],"sources":\[\{"n":1,[^\n]*\]\}

(?&h)\{"index":0,"delta":\{"content":"21 "\},"finish_reason":null\}\]\}

(?&h)\{"index":0,"delta":\{"content":"degrees \[1\]\."\},"finish_reason":null\}\]\}

(?&h)\{"index":0,"delta":\{\},"finish_reason":"stop"\}\]\}

data: \[DONE\]

$/



=== TEST 42: chat/completions: usage when asked
--- generate: stream
--- request eval
ask('{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- response_body eval
qr/"finish_reason":"stop"\}\]\}\n\ndata: \{"id":"chatcmpl-r-1","object":"chat.completion.chunk","created":\d+,"model":"docs","choices":\[\],"usage":\{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15\}\}\n\ndata: \[DONE\]\n\n$/



=== TEST 43: chat/completions: an error in mid-answer
--- generate: mid_error
--- request eval
ask('{"stream":true,"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- response_body eval
qr/"content":"half"\},"finish_reason":null\}\]\}\n\n\Qdata: {"error":{"message":"no language model answered","type":"server_error","param":null,"code":"service_unavailable"}}\E\n\n$/



=== TEST 44: chat/completions: retrieval fails before the stream
--- embed: s500
--- request eval
ask('{"stream":true,"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- error_code: 503
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"error":\{"message":"the embedding service failed","type":"server_error"



=== TEST 45: streams and others on one connection
--- generate: stream
--- pipelined_requests eval
[ask('{"query":"q","stream":true}'), ask('{"query":"q"}', 'search'), ask('{"query":"q","stream":true}'), "GET /ping"]
--- response_body_like eval
[qr/^event: sources.*event: done/s, qr/^\{"results"/, qr/^event: sources.*event: done/s, qr/^pong/]



=== TEST 46: without a length, a reason to finish or [DONE], it may be cut
--- generate: closed
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
qr/"delta":"b"\}\n\nevent: error\ndata: \{"code":"service_unavailable",/
--- error_log
edge rag: generate failed, the stream has no end



=== TEST 47: a reason to finish is an end
--- generate: closedend
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
qr/"delta":"b"\}\n\nevent: usage.*"finish_reason":"length"/s



=== TEST 48: what breaks behind [DONE] does not matter
--- generate: donecut
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
qr/"delta":"a "\}\n\nevent: usage.*event: done/s
--- no_error_log
edge rag: generate failed



=== TEST 49: chunks that differ by their text, and by more
--- generate: repeats
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
my @texts = ('a [1', ']', '\"b\"', "\xc3\xa9 \xc3\xa9", 'c', 'd', 'e');
my $tokens = CORE::join '', map { qq(event: token\ndata: {"delta":"$_"}\n\n) }
    @texts;
qr/"request_id":"r-1"\}\n\n\Q$tokens\Eevent: usage\ndata: \{"prompt_tokens":1,[^\n]*\n\nevent: done\ndata: [^\n]*"model":"m-3"/



=== TEST 50: a chunk like the one before whose text is no UTF-8
--- generate: mid_repeat other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
qr/"delta":"half"\}\n\nevent: error\ndata: \{"code":"service_unavailable",[^\n]*\n\n\z/
--- error_log
edge rag: generate failed, the answer is not JSON



=== TEST 51: chunks that differ by their text and their padding
--- generate: padded other
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like eval
my $tokens = CORE::join '', map { qq(event: token\ndata: {"delta":"$_"}\n\n) }
    'a' .. 'd';
qr/"request_id":"r-1"\}\n\n\Q$tokens\Eevent: error\ndata: \{"code":"service_unavailable",[^\n]*\n\n\z/
--- error_log
edge rag: generate failed, the answer is not JSON
