# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for a client that leaves while a backend is awaited: the backend sees
# its connection closed, nothing is logged as a fault, and the same worker
# answers the next request.  A client leaves once the backend has been asked
# and, of a stream, what it waits for has come; over HTTP/1.1 by closing its
# connection, over HTTP/2 by that or by resetting its stream.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Http2;
use Edge::Server;
use Edge::Stub;
use Test::More;

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $h2 = $ENV{TEST_NGINX_RAND_PORT_2};
my $stub = $ENV{TEST_NGINX_RAND_PORT_1};

my $query = '{"query":"q"}';
my $asked = '"messages":[{"role":"user","content":"q"}]';
my $document = '{"id":"d","text":"Some text."}';

# What a pipeline's backends do (default: answer), what it is asked, what the
# client has got when it leaves, and how many backends it leaves.
my @cases = (
    ['embed, before the answer', embed => 'hang'],
    ['search, before the answer', search => 'hang'],
    ['two searches, before the answer', search => 'hang hang',
     to => 'search', hangs => 2],
    ['one of two searches, before the answer', search => 'search hang'],
    ['generate, before the answer', generate => 'hang'],
    ['chat, before the answer', generate => 'hang',
     to => 'chat/completions', body => "{$asked}"],
    ['embed, in mid-answer', embed => 'hanghead'],
    ['search, in mid-answer', search => 'hanghead'],
    ['two searches, in mid-answer', search => 'hanghead hanghead',
     to => 'search', hangs => 2],
    ['one of two searches, in mid-answer', search => 'search hanghead'],
    ['generate, in mid-answer', generate => 'hanghead'],
    ['chat, in mid-answer', generate => 'hanghead',
     to => 'chat/completions', body => "{$asked}"],
    ['generate, second model', generate => 's500 hang'],
    ['generate, in mid-chunk', generate => 'partjson'],
    ['embed of a stream: no byte was sent', embed => 'hang',
     body => '{"query":"q","stream":true}'],
    ["stream, before the model's first byte", generate => 'hang',
     body => '{"query":"q","stream":true}', got => qr/event: sources/],
    ['stream, behind the first tokens', generate => 'partstream',
     body => '{"query":"q","stream":true}', got => qr/"two"/],
    ['chat stream, behind the first tokens', generate => 'partstream',
     to => 'chat/completions', body => "{\"stream\":true,$asked}",
     got => qr/"two"/],
    ['stream, second model', generate => 's500 partstream',
     body => '{"query":"q","stream":true}', got => qr/"two"/],
    ['documents, check', ingest => 'hang',
     to => 'documents', body => $document],
    ['documents, embed', ingest => 'hangupsert', embed => 'hang',
     to => 'documents', body => $document],
    ['documents, upsert', ingest => 'hangupsert',
     to => 'documents', body => $document],
);

sub http { Edge::Stub::http(@_) }

sub chunks {
    my ($type, @parts) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Type: $type\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @parts;
}

my %scripts = (
    embed => sub { http('{"data":[{"index":0,"embedding":[1,2,3]}]}') },
    search => sub {
        http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
             . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    chat => sub {
        http('{"choices":[{"message":{"content":"21 degrees [1]."}}]}')
    },
    s500 => sub { http('{"error":"x"}', 500) },
    hang => sub { \600 },
    hanghead => sub {
        ("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"data\":[", \600)
    },
    partjson => sub { (chunks('application/json', '{"choices":['), \600) },
    partstream => sub {
        (chunks('text/event-stream', map {
            "data: {\"choices\":[{\"delta\":{\"content\":\"$_\"}}]}\n\n"
        } qw(one two)), \600)
    },
    hangupsert => sub {
        $_[0]{method} eq 'PUT' ? \600
            : http('{"result":[],"status":"ok"}')
    },
);

Edge::Stub::start($stub, \%scripts);

# A pipeline whose backends are scripts of the stub.
sub pipeline {
    my ($name, %backends) = @_;

    my $n = 0;
    my @lines = ('embed /_/' . ($backends{embed} || 'embed')
                 . '/ model=e dimensions=3;');

    push @lines, map { "search /_/$_/ collection=c" . ++$n . ';' }
        split ' ', $backends{search} || 'search';
    push @lines, map { "generate /_/$_/ model=m;" }
        split ' ', $backends{generate} || 'chat';
    push @lines, "ingest /_/$backends{ingest}/ collection=c1;"
        if $backends{ingest};

    return "edge_rag $name {\n" . join("\n", @lines,
        'timeout embed=10m search=10m first_token=10m idle=10m total=10m;')
        . "\n}\nedge_module $name { rag $name; allow_write unverified; }\n";
}

my $pipelines = pipeline('whole') . join '', map {
    my ($title, %case) = @{$cases[$_]};
    pipeline("case$_", %case)
} 0 .. $#cases;

my $nginx = Edge::Server->start(<<"END");
    error_log $Edge::Env::tmp/error.log info;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_read_timeout 10m;
    $pipelines
    server {
        listen 127.0.0.1:$port;
        listen 127.0.0.1:$h2 http2;
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_/ { internal; proxy_pass http://127.0.0.1:$stub/; }
        location = /ping { return 200 pong; }
    }
END

my @workers = $nginx->workers();

# Whether so many replies of the stub hang.
sub hangs {
    my ($n) = @_;

    my $s = connected($stub) or return 0;
    print $s "GET /_hangs HTTP/1.1\r\nHost: a\r\n\r\n";
    my $text = '';
    1 while $text !~ /hangs \d+$/ && sysread $s, $text, 4096, length $text;

    return $text =~ /hangs $n$/;
}

# Reads what is there; whether it is what was waited for.
sub has {
    my ($s, $text, $wanted) = @_;

    $s->blocking(0);
    1 while sysread $s, $$text, 65536, length $$text;
    $s->blocking(1);

    return $$text =~ $wanted;
}

my %ways = (
    'closes' => {
        ask => sub {
            my ($path, $body) = @_;

            my $s = connected() or die "no connection\n";
            print $s post($path, $body);
            return $s;
        },
        leave => sub { close $_[0] },
    },
    'closes its HTTP/2 connection' => {
        ask => \&ask_h2,
        leave => sub { close $_[0] },
    },
    'resets its HTTP/2 stream' => {
        ask => \&ask_h2,
        leave => sub {
            my ($s) = @_;

            print $s Edge::Http2::reset(1), headers(3, '/ping');
            my $text = '';
            ok(until_true(sub { has($s, \$text, qr/pong/) }),
               'and the connection goes on');
        },
    },
);

sub ask_h2 {
    my ($path, $body) = @_;

    my $s = connected($h2) or die "no connection\n";
    print $s preface(), body(1, $path, $body, 'x-t', 'acme',
                             'content-type', 'application/json');
    return $s;
}

sub log_since {
    my ($before) = @_;

    return substr $nginx->log_text(), $before;
}

for my $n (0 .. $#cases) {
    my ($title, %case) = @{$cases[$n]};
    my $path = "/api/v1/case$n/" . ($case{to} || 'query');
    my $failed = join '|', 'embed', 'search',
        ($case{generate} || '') =~ /s500/ ? () : 'generate';

    for my $way (sort keys %ways) {
        subtest "$title: a client $way" => sub {
            my $before = length $nginx->log_text();
            my $text = '';
            my $s = $ways{$way}{ask}->($path, $case{body} || $query);

            ok(until_true(sub { hangs($case{hangs} || 1) }),
               'the backend is asked');
            ok(until_true(sub { has($s, \$text, $case{got} || qr//) }),
               'the client has what it waits for');
            unlike($text, qr/HTTP\/1/, 'and no answer')
                unless $case{got};

            $ways{$way}{leave}->($s);

            ok(until_true(sub { hangs(0) }), 'the backend is left');
            ok(until_true(sub {
                log_since($before)
                    =~ /client (?:prematurely closed|canceled stream)/
            }), 'the log says why');
            unlike(log_since($before), qr/edge rag: (?:$failed) failed/,
                   'and of no fault');
        };
    }
}

# A client that leaves at once, with its request half sent.

my $before = length $nginx->log_text();
my $half = connected() or die "no connection\n";
print $half "POST /api/v1/whole/query HTTP/1.1\r\nHost: a\r\nX-T: acme\r\n"
    . "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"que";
close $half;

ok(until_true(sub {
    log_since($before) =~ /client prematurely closed connection/
}), 'a request half sent');

# After all of this.

sub answer {
    my ($to) = @_;

    my $s = connected() or die "no connection\n";
    print $s post("/api/v1/whole/$to", $query);
    return receive([$s], 60)->{$s};
}

like(answer('query'), qr/"answer":"21/, 'an answer');
like(answer('search'), qr/"results"/, 'and a search');
is(join(' ', $nginx->workers()), join(' ', @workers), 'of the same worker');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without an alert, and without an open socket');

done_testing();
