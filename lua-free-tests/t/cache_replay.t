# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams of kept answers: the events that the first client got, in
# either form, whoever reads them and how fast.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache ();
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical->utf8;
my $true = JSON::PP::true;

# What the model says, piece by piece, as the inside of JSON strings; empty
# ones are no events.
my %said = (
    few => ['It', ' is ', '\\"21\\"', '', ' \\u00b0C', "\xed\x95\x9c\xea\xb5\xad",
            '\\n', '\\ud83d', '\\ude00', 'x' x 3000, ' [1]', ' [7].'],
    many => [map { "$_ " } 1 .. 3000],
    late => ['a', 'b'],
);

my ($calls, $unended) = (0, 0);

sub model {
    my ($call) = @_;

    $calls++;

    my ($name) = $call->{body} =~ /(many|late) words/ ? $1 : 'few';
    my @pieces = @{$said{$name}};
    my $usage = '"usage":{"prompt_tokens":11,"completion_tokens":40,'
        . '"total_tokens":51}';

    if ($call->{body} !~ /"stream":true/) {
        return Edge::Stub::http('{"model":"m-1","choices":[{"index":0,'
            . '"finish_reason":"stop","message":{"content":"'
            . join('', @pieces) . "\"}}],$usage}");
    }

    my $events = join '', map { "data: $_\n\n" }
        (map { qq({"model":"m-1","choices":[{"index":0,"delta":)
               . qq({"content":"$_"}}]}) } @pieces),
        '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
        qq({"choices":[],$usage}), '[DONE]';

    my ($begin, $end) = $events =~ /^(.*?\n\n)(.*)$/s;

    # The first one of these never ends.
    $unended++ if $name eq 'late';

    return ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            . 'Content-Length: ' . length($events) . "\r\n\r\n$begin",
            $name eq 'late' && $unended == 1 ? \600 : (), $end);
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    model => sub { model($_[0]) },
    count => sub { Edge::Stub::http($calls) },
});

my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
my $info = "$Edge::Env::tmp/info.log";

my $nginx = Edge::Server->start(<<"END");
    proxy_http_version 1.1;
    edge_cache_zone zone=c:1m;
    edge_rag docs {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_model/ model=m;
        timeout embed=20s search=20s;
        cache zone=c valid=10m;
    }
    edge_rag short {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_model/ model=m;
        timeout embed=20s search=20s stream=1s;
        cache zone=c valid=10m;
    }
    edge_module docs { rag docs; }
    edge_module short { rag short; }
    gzip_types text/event-stream;
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2} sndbuf=32k;
        edge_tenant \$http_x_t unverified;
        error_log $info info;
        location /api/ { edge_route on; }
        location /zip/ { rewrite ^/zip(.*) \$1 break; gzip on; edge_route on; }
        location /rate/ {
            rewrite ^/rate(.*) \$1 break; limit_rate 300k; edge_route on;
        }
        location /hasty/ {
            rewrite ^/hasty(.*) \$1 break; send_timeout 500ms; edge_route on;
        }
        location /_embed/ { internal; proxy_pass $stub/embed/; }
        location /_search/ { internal; proxy_pass $stub/search/; }
        location /_model/ { internal; proxy_pass $stub/model/; }
    }
END

sub opened {
    my ($port, $uri, $body, @fields) = @_;

    my $text = $json->encode({ %$body, stream => $true });
    my $s = connected($port) or die "connect: $!\n";
    print $s join("\r\n", "POST $uri HTTP/1.1", 'Host: a', 'X-T: acme',
                  'X-Request-Id: r-1', 'Connection: close', @fields,
                  'Content-Type: application/json',
                  'Content-Length: ' . length $text), "\r\n\r\n$text";
    return $s;
}

# The response to a question, as a stream.
sub stream {
    my $s = opened(undef, @_);

    return Edge::Cache::parse(receive([$s], 20)->{$s});
}

sub own { return { query => $_[0] } }

sub chat {
    return { messages => [{ role => 'user', content => $_[0] }],
             stream_options => { include_usage => $true } };
}

my ($query, $completions) = map { "/api/v1/docs/$_" }
    qw(query chat/completions);

# The pieces of the answer in a stream of either form.
sub deltas {
    my ($text) = @_;

    return [grep { defined && length }
            map { $_->{choices} ? ($_->{choices}[0] || {})->{delta}{content}
                                : $_->{delta} }
            map { $json->decode($_) } $text =~ /^data: (\{.*)$/mg];
}

# A stream as that of another time.
sub later {
    my ($text) = @_;

    $text =~ s/"created":\d+/"created":0/g;
    $text =~ s/"cached":false/"cached":true/;
    return $text;
}

sub calls {
    my $s = connected($ENV{TEST_NGINX_RAND_PORT_1}) or die "connect: $!\n";
    print $s "GET /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    shutdown $s, 1;

    return Edge::Cache::parse(receive([$s], 10)->{$s})->{body};
}

# ---- the same events, in both forms, from either

for my $first (['own', \&own, $query], ['chat', \&chat, $completions]) {
    my ($name, $ask, $uri) = @$first;

    for my $words ('few', 'many') {
        my $question = "$name: $words words";
        my $miss = stream($uri, $ask->($question));
        my $before = calls();
        my $hit = stream($uri, $ask->($question));

        like($hit->{head}, qr/^Cache-Status: ai-edge; hit/m,
             "$question: a hit");
        ok(later($hit->{body}) eq later($miss->{body}),
           "$question: the same events byte for byte")
            or diag substr $hit->{body}, 0, 3000;

        my $own = stream($query, own($question))->{body};
        my $chat = stream($completions, chat($question))->{body};

        is_deeply(deltas($own), deltas($miss->{body}),
                  "$question: the same pieces in the edge's form");
        is_deeply(deltas($chat), deltas($miss->{body}),
                  "$question: and in OpenAI's");
        is(calls(), $before, "$question: without the model");

        my $pieces = grep { length } @{$said{$words}};
        is(scalar @{deltas($own)}, $pieces, "$question: all $pieces");
        like($own, qr/\nevent: usage\ndata: [^\n]*51\}\n\nevent: done\n/,
             "$question: with usage");
        like($own, qr/"stop"[^\n]*"cached":true[^\n]*\}\n\n\z/,
             "$question: and end");
        like($chat, qr/"choices":\[\],"usage":[^\n]*51\}\}\n\ndata: \[DONE\]/,
             "$question: in OpenAI's form too");
    }
}

# ---- what came whole has no pieces

my $reply = Edge::Cache::ask('POST', $query, '{"query":"few"}', 'X-T: acme',
                             'Content-Type: application/json');
my $answer = $json->decode($reply->{body});
my $whole = deltas(stream($query, own('few'))->{body});
is_deeply($whole, [$answer->{answer}], 'one event for a JSON answer');
is_deeply(deltas(stream($completions, chat('few'))->{body}), $whole,
          'and one chunk');

# ---- nothing of the first client's, and what this one asked for

sub written {
    my $s = connected() or die "connect: $!\n";
    print $s @_;
    return receive([$s], 20)->{$s};
}

# A request as text, of which there can be several in a connection.
sub asking {
    my ($version, $uri, $body, @fields) = @_;

    my $text = $json->encode({ %$body, stream => $true });

    return join("\r\n", "POST $uri HTTP/$version", 'Host: a', 'X-T: acme',
                @fields, 'Content-Type: application/json',
                'Content-Length: ' . length $text), "\r\n\r\n$text";
}

my $plain = { messages => [{ role => 'user', content => 'mine' }] };
my $got = written(asking('1.1', $query, own('mine'), 'Connection: close',
                         'X-Request-Id: the-first'));
like($got, qr/"request_id":"the-first"/, 'the first client');
$got = written(asking('1.1', $completions, $plain, 'X-Request-Id: second'),
               asking('1.1', $query, own('mine'), 'X-Request-Id: third',
                      'Connection: close'));
is(scalar(() = $got =~ /^Cache-Status: ai-edge; hit/mg), 2,
   'two hits in one connection');
unlike($got, qr/the-first/, 'tell nothing of the first client');
unlike($got, qr/"id":"chatcmpl-(?!second")/, 'have an identifier of their own');
like($got, qr/"request_id":"third"/, 'in the other form, too');
unlike((split /^HTTP/m, $got)[1], qr/"usage"/, 'no usage for who asks for none');

$got = written(asking('1.0', $completions, $plain));
like($got, qr/; hit.*\r\n\r\ndata: .*data: \[DONE\]\n\n\z/s, 'HTTP/1.0: whole');
unlike($got, qr/^Transfer-Encoding/mi, 'and not chunked');

# ---- a first client that leaves in the middle leaves nothing

# Whether somebody has left the stub since it was asked last.
sub left {
    my $s = connected($ENV{TEST_NGINX_RAND_PORT_1}) or die "connect: $!\n";
    my $text = '';

    print $s "GET /_left HTTP/1.1\r\nHost: a\r\n\r\n";

    while ($text !~ /^X-Left: \w+\r/m) {
        sysread $s, $text, 4096, length $text or last;
    }

    return $text =~ /^X-Left: left/m;
}

{
    Edge::Stub::reset_calls($ENV{TEST_NGINX_RAND_PORT_1});

    my $s = connected() or die "connect: $!\n";
    my $text = '';

    print $s asking('1.1', $query, own('late words'));

    while ($text !~ /"delta":"a"/) {
        sysread $s, $text, 4096, length $text or last;
    }

    close $s;
    ok(until_true(sub { left() }), 'nginx leaves the model, too');

    my @reply = map { stream($query, own('late words')) } 1, 2;

    like($reply[0]{head}, qr/; fwd=miss/, 'left in the middle: not kept');
    is_deeply(deltas($_->{body}), ['a', 'b'], 'the next one is') for @reply;
    like($reply[1]{head}, qr/; hit/, 'and kept');
}

# ---- through filters

my $want = later(stream($completions, chat('own: many words'))->{body});

SKIP: {
    skip 'no IO::Uncompress::Gunzip', 1
        unless eval { require IO::Uncompress::Gunzip };
    my $zipped = stream('/zip/api/v1/docs/chat/completions',
                        chat('own: many words'), 'Accept-Encoding: gzip');
    IO::Uncompress::Gunzip::gunzip(\$zipped->{body}, \my $plain);
    ok(later($plain // '') eq $want, 'compressed');
}

ok(later(stream('/rate/api/v1/docs/chat/completions',
                chat('own: many words'))->{body}) eq $want,
   'with a limited rate');

# ---- clients that do not read

# One for whom the kernel keeps little.
sub slow {
    my $s = opened($ENV{TEST_NGINX_RAND_PORT_2}, @_);
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, 32768;
    return $s;
}

sub peak {
    my ($worker) = $nginx->workers();

    open my $in, '<', "/proc/$worker/status" or return;
    my ($kb) = join('', <$in>) =~ /^VmHWM:\s+(\d+) kB/m;
    return $kb;
}

# How many lines say so.
sub lines {
    my ($what) = @_;

    open my $in, '<', $info or return 0;
    return scalar grep { /$what/ } <$in>;
}

# Waits until one more does.
sub informed {
    my ($what, $before) = @_;

    return until_true(sub { lines($what) > $before });
}

my $start = peak();
my @slow = map { slow($completions, chat('own: many words')) } 1 .. 20;
my %begun;

for my $s (@slow) {
    sysread $s, $begun{$s}, 1;
}

# behind the last one's first byte all are written, or wait
is(stream($query, own('few'))->{status}, 200, 'others are served');

SKIP: {
    skip 'memory is not measured here', 1
        if $Edge::Server::slow || !defined $start;

    cmp_ok(peak() - $start, '<', 4_000,
           'twenty that do not read cost little each');
}

my $texts = receive(\@slow, 30);
is(scalar(grep { later(Edge::Cache::parse("$begun{$_}$texts->{$_}")->{body})
                 eq $want } @slow), 20, 'all of them get all of it');

my $before = lines(qr/client timed out/);
my $hasty = slow('/hasty/api/v1/docs/chat/completions',
                   chat('own: many words'));
ok(informed(qr/client timed out/, $before), 'send_timeout holds');
$got = receive([$hasty], 20)->{$hasty};
ok(length $got && $got !~ /DONE/, 'and ends it');

# To be kept it must be made in a second.
ok(until_true(sub { stream('/api/v1/short/query', own('many words'))->{head}
                    =~ /^Cache-Status: ai-edge; hit/m }), 'it is kept');
$before = lines(qr/deadline passed/);
my $late = slow('/api/v1/short/chat/completions', chat('many words'));
ok(informed(qr/deadline passed/, $before), 'the deadline of a stream holds');
$got = Edge::Cache::parse(receive([$late], 20)->{$late})->{body};
like($got, qr/\}\n\ndata: \{"error":\{"message":"the stream took too long"/,
     'and ends it in order');

my $left = slow($completions, chat('own: many words'));
sysread $left, my $byte, 1;
close $left;
is(stream($query, own('few'))->{status}, 200, 'a client that leaves');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
