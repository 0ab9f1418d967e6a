# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams of HTTP/2 that wait for Redis, which hangs: for a limit, a
# slot, a cached response, a cached answer, a model's tokens.  Clients reset some of them, at once or later, and
# whole connections; the others are answered, the connections go on, and
# nothing is left.  They are for memory checkers as much as for themselves.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Http2;
use Edge::Redis;
use Edge::Server;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

use constant STREAMS => 100;           # of a connection

my $redis = Edge::Redis->start();
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $h2 = $ENV{TEST_NGINX_RAND_PORT_1};
my @kinds = qw(limit slots cache answers tokens);

# Of two edge_redis with one server, one waits for long, and one tells its
# requests soon but goes on with the connection.

sub locations {
    my ($redis) = @_;

    return <<"END";
        location /$redis/limit/ {
            edge_route m;
            edge_limit zone=$redis requests=1000000r/d;
            empty_gif;
        }
        location /$redis/slots/ {
            edge_route m;
            edge_limit zone=$redis concurrent=1000;
            empty_gif;
        }
        location /$redis/cache/ {
            edge_route m;
            edge_cache c_$redis;
            edge_cache_valid 1m;
            edge_cache_lock on;
            proxy_pass http://127.0.0.1:$port/free/;
        }
        location /$redis/answers/ { edge_route $redis; }
        location /$redis/tokens/ {
            edge_route tokens;
            edge_limit zone=$redis tokens=1000000000t/d;
        }
END
}

sub pipeline {
    my ($name, $more) = @_;

    return <<"END";
    edge_rag $name {
        embed /_/embed/ model=e dimensions=3;
        search /_/search/ collection=c;
        generate /_/model/ model=m;
        timeout embed=20s search=20s total=60s;
        $more
    }
    edge_module $name { rag $name; }
END
}

my $nginx = Edge::Server->start(<<"END");
    edge_redis patient {
        server 127.0.0.1:$redis->{port};
        timeout 30s;
        connect_timeout 30s;
    }
    edge_redis brief {
        server 127.0.0.1:$redis->{port};
        timeout 200ms;
        connect_timeout 30s;
    }
    edge_limit_zone \$edge_tenant zone=patient:1m redis=patient on_error=closed;
    edge_limit_zone \$edge_tenant zone=brief:1m redis=brief;
    edge_cache_zone zone=c_patient:1m redis=patient;
    edge_cache_zone zone=c_brief:1m redis=brief;
    edge_module m { target http://127.0.0.1:$port; }
    @{[ pipeline('patient', 'cache zone=c_patient valid=1m;') ]}
    @{[ pipeline('brief', 'cache zone=c_brief valid=1m;') ]}
    @{[ pipeline('tokens', '') ]}
    map \$uri \$made {
        ~^/made/embed/ '{"data":[{"index":0,"embedding":[1,2,3]}]}';
        ~^/made/search/ '{"result":{"points":[{"id":1,"score":0.9,"payload":{
            "tenant_id":"acme","doc_id":"d","chunk":0,"text":"A note."}}]}}';
        ~^/made/model/ '{"model":"m","choices":[{"index":0,
            "finish_reason":"stop","message":{"content":"So it is [1]."}}]}';
    }
    http2_max_concurrent_streams 256;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:$port;
        listen 127.0.0.1:$h2 http2;
        edge_tenant \$http_x_t unverified;
        @{[ locations('patient') ]}
        @{[ locations('brief') ]}
        location /free/ { return 200 free; }
        location /made/ { default_type application/json; return 200 \$made; }
        location /_/ { internal; proxy_pass http://127.0.0.1:$port/made/; }
    }
END

# Streams and what they got: 200, or something else.
my %answers;

sub answered {
    my ($client, @streams) = @_;

    return until_true(sub {
        for my $frame (frames($client)) {
            my ($type, $stream, $first) = @$frame;
            next unless $type == 1;
            $answers{$client}{$stream} = $first == 0x88 ? 200 : 'other';
        }

        return !grep { !$answers{$client}{$_} } @streams;
    });
}

sub good {
    my ($client, @streams) = @_;

    return answered($client, @streams)
        && !grep { $answers{$client}{$_} ne 200 } @streams;
}

sub asked {
    my ($client, $uri, @streams) = @_;

    my ($question) = $uri =~ m{^(/\w+/(?:answers|tokens)/)};

    for my $stream (@streams) {
        print $client $question
            ? body($stream, "${question}query", "{\"query\":\"$uri $stream\"}",
                   'x-t', 'acme', 'content-type', 'application/json')
            : headers($stream, "$uri$stream", 'x-t', 'acme');
    }
}


sub slots {
    return $redis->call('ZCARD', "edge:{acme}:rl:$_[0]-concurrent:acme");
}

# Redis answers on this connection, before anything else.

sub ready {
    my ($client, $uri) = @_;

    my $stream = 1001;

    until_true(sub {
        asked($client, "$uri/ready/", $stream += 2);
        return good($client, $stream);
    });
}

sub hangs {
    my ($name, $kind) = @_;

    my $uri = "/$name/$kind/";
    my @streams = map { 2 * $_ + 2001 } 0 .. STREAMS - 1;
    my @clients = map { connected($h2) } 1 .. 4;

    # they may be where those of another time were
    %answers = ();

    print $_ preface() for @clients;
    ready($_, "/$name/$kind") for @clients;

    $redis->hang();

    for my $client (@clients) {
        for my $stream (@streams) {
            asked($client, $uri, $stream);
            print $client Edge::Http2::reset($stream)
                if $client != $clients[1] && $stream % 8 == 1;
        }
    }

    my @left = grep { $_ % 8 != 1 } @streams;

    # What needs no Redis is answered: all the others are waiting then.
    asked($_, '/free/', 3001) for @clients;
    ok(good($_, 3001), 'a stream beside them') for @clients;
    is(scalar(grep { $answers{$clients[0]}{$_} } @streams), 0, 'they wait')
        if $name eq 'patient';

    # Half of the rest is reset, of one connection; two go away.
    my %reset = map { $_ => 1 } grep { $_ % 8 == 3 } @left;
    print { $clients[0] } map { Edge::Http2::reset($_) } sort keys %reset;
    @left = grep { !$reset{$_} } @left;

    setsockopt($clients[1], SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
    close $clients[1];
    print { $clients[2] } frame(7, 0, 0, pack 'NN', 0, 0);
    close $clients[2];

    my @stay = @clients[0, 3];

    if ($name eq 'brief') {
        ok(good($_, @left), 'told after the timeout') for @stay;
    }

    $redis->go_on();
    ok(good($_, @left), 'who stays is answered') for @stay;

    # Ids go on on the same connections.
    my @more = map { 2 * $_ + 4001 } 0 .. 9;
    asked($_, $uri, @more) for @stay;
    ok(good($_, @more), 'the connection goes on') for @stay;

    ok(until_true(sub { slots($name) == 0 }), 'no slot is left')
        if $kind eq 'slots';

    close $_ for @stay;
}

for my $kind (@kinds) {
    subtest "$kind: Redis hangs, and goes on" => \&hangs, 'patient', $kind;
    subtest "$kind: for longer than its timeout" => \&hangs, 'brief', $kind;
}

# nginx ends while streams wait.

%answers = ();
my $client = connected($h2);
print $client preface();
ready($client, '/brief/limit');
$redis->hang();
asked($client, '/brief/limit/', map { 2 * $_ + 2001 } 0 .. 9);
asked($client, '/free/', 3001);
ok(good($client, 3001), 'waiting');
print $client Edge::Http2::reset(2001);
$nginx->signal('QUIT');
ok(good($client, map { 2 * $_ + 2001 } 1 .. 9), 'answered at the end');

# What the worker asked for itself may wait as long as the patient one does.
$redis->go_on();
ok($nginx->ended(), 'which comes');

is($nginx->alarms(), '', 'nothing alarming');

done_testing();
