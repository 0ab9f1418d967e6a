# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams to a client that is of no use any more but does not say
# so: one that takes nothing, one that has reset its connection unnoticed.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Edge::Stub;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

my $stub = $ENV{TEST_NGINX_RAND_PORT_1};

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $token = 'data: {"choices":[{"delta":{"content":"' . 'x' x 900
    . "\"}}]}\n\n";

Edge::Stub::start($stub, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    flood => sub {
        my $piece = sprintf "%x\r\n%s\r\n", length $token, $token;
        return ($head, map({ $piece x 1000 } 1 .. 60), \600);
    },
    silent => sub { ($head, \600) },
});

# Pipelines, and what their locations have besides.
my %places = (flood => 'send_timeout 1s;',
              silent => 'proxy_ignore_client_abort on;');
my ($modules, $places) = ('', '');

for my $name (sort keys %places) {
    $modules .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_$name/ model=m;
        timeout embed=10m search=10m first_token=10m idle=10m stream=10m;
    }
    edge_module $name { rag $name; }
END
    $places .= "location /_$name/ { internal; $places{$name}"
        . " proxy_pass http://127.0.0.1:$stub/$name/; }\n";
}

my $nginx = Edge::Server->start(<<"END");
    error_log $Edge::Env::tmp/error.log info;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    $modules
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ {
            internal;
            proxy_pass http://127.0.0.1:$stub/embed/;
        }
        location /_search/ {
            internal;
            proxy_pass http://127.0.0.1:$stub/search/;
        }
        $places
        location = /ping { return 200 pong; }
    }
END

# A client that has asked for a stream and got the header of its response.
sub client {
    my ($module) = @_;

    my $s = connected() or die "no connection\n";
    print $s post("/api/v1/$module/query", '{"query":"q","stream":true}');
    sysread $s, my $first, 12;
    is($first, 'HTTP/1.1 200', 'a stream begins');
    return $s;
}

sub told {
    my ($port, $uri) = @_;

    my $s = connected($port) or return 'no connection';
    print $s "GET $uri HTTP/1.0\r\nHost: a\r\n\r\n";
    my $text = '';
    1 while $text !~ /\r\n\r\n./s && sysread $s, $text, 4096, length $text;

    return $text =~ /\r\n\r\n(.*)/s ? $1 : $text;
}

# A client that takes nothing has as long as send_timeout.

my $idle = client('flood');

is(told($stub, '/_left'), 'left', 'the model is left before its end');
like($nginx->log_text(), qr/client timed out/, 'because of the client');
unlike($nginx->log_text(), qr/deadline passed/, 'of nothing else');
is(told(undef, '/ping'), 'pong', 'nginx goes on');
close $idle;

# The comment of a silent stream finds nobody, after 15 seconds.

my $gone = client('silent');
ok(until_true(sub { told($stub, '/_hangs') eq 'hangs 1' }),
   'the model is silent');

setsockopt $gone, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
close $gone;

ok(until_true(sub { told($stub, '/_hangs') eq 'hangs 0' }, 60),
   'the model is left');
unlike($nginx->log_text(), qr/edge rag: generate failed/, 'which is no fault');
is(told(undef, '/ping'), 'pong', 'nginx goes on');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
