# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams that outlast worker_shutdown_timeout: each is told so in
# an event of its own and ends in order, before nginx cuts the connections.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Edge::Stub;
use Test::More;
use Time::HiRes qw(time);

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

sub event {
    my $data = "data: {\"choices\":[{\"delta\":{\"content\":\"$_[0] \"}}]}\n\n";

    return sprintf "%x\r\n%s\r\n", length $data, $data;
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    short => sub { ($head, event('one'), \0.5, event('two'), $done) },
    long => sub { ($head, event('one'), \60, event('two'), $done) },
    mute => sub { ($head, \60, event('one'), $done) },
});

my $nginx;
my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";
my $backend = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

sub http {
    my ($pipelines, $locations) = ('', '');

    for my $name (qw(short long mute)) {
        $pipelines .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_$name/ model=m;
        generate /_short/ model=m;
        timeout embed=60s search=60s first_token=60s idle=60s total=60s;
    }
    edge_module $name { rag $name; }
END
        $locations .= "location /_$name/ { internal;"
            . " proxy_pass http://$backend/$name/; }\n";
    }

    return <<"END";
    proxy_http_version 1.1;
    $pipelines
    server {
        listen $listen;
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal; proxy_pass http://$backend/embed/; }
        location /_search/ { internal; proxy_pass http://$backend/search/; }
        $locations
    }
END
}

# A stream in which something has been sent.
sub stream {
    my ($uri, $body, $begun) = @_;

    my $s = connected();
    print $s post("/api/v1/$uri", $body);

    my $text = '';
    until_true(sub { sysread($s, $text, 65536, length $text);
                     $text =~ $begun }) or diag "no stream: $text";
    return [$s, $text];
}

sub own { stream("$_[0]/query", '{"query":"q","stream":true}', $_[1]) }

sub chat {
    stream("$_[0]/chat/completions", '{"model":"m","stream":true,'
           . '"messages":[{"role":"user","content":"q"}]}', $_[1]);
}

# How the streams end, and after how many seconds the last one does.
sub ends {
    my ($signal, @streams) = @_;
    my ($start, $last) = (time, 0);

    $nginx->signal($signal);

    my $rest = receive([map { $_->[0] } @streams], 60,
                       sub { $last = time - $start });

    return ($last, map { $_->[1] . $rest->{$_->[0]} } @streams);
}

my $restart = qr/event:\ error\ndata:\ \{"code":"shutting_down",
                 "message":"[^"]+","retry_after":2\}\n\n\r\n0\r\n\r\n$/x;

# Two seconds before the end of ten, or half a second earlier.  What comes
# behind the end is lost: nginx has cut the connection.

$nginx = Edge::Server->start(http(), main => 'worker_shutdown_timeout 10s;');

my @streams = (own('long', qr/one /), chat('long', qr/one /),
               own('mute', qr/sources/), own('short', qr/one /));

my ($last, @text) = ends('HUP', @streams);

like($text[0], qr/"one "\}\n.*$restart/s, 'a stream ends with an error event');
like($text[1], qr/"one "\}.*"code":"shutting_down"\}\}\n\n\r\n0\r\n\r\n$/s,
     'and one of the chat form with an error object');
like($text[2], qr/sources.*$restart/s, 'and one without a token');
unlike($text[2], qr/event: token/, 'for which no other model is asked');
like($text[3], qr/"two "\}\n.*event: done\n.*\r\n0\r\n\r\n$/s,
     'one that ends in time is left alone');

cmp_ok($last, '>=', 7.2, 'and all that not long before the worker\'s end');
ok(until_true(sub { 1 == (() = $nginx->workers()) }, 30),
   'the old worker goes');

# With less time than that it is at once.

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
$nginx = Edge::Server->start(http(), main => 'worker_shutdown_timeout 2s;');

@streams = (own('long', qr/one /));
($last, @text) = ends('QUIT', @streams);

like($text[0], qr/$restart/, 'a shorter time: it still gets the event');
ok($nginx->ended(), 'nginx ends');
is($nginx->{status}, 0, 'with success');

# A worker that does not exit, and one without such a time, tells nobody.

$nginx = Edge::Server->start(http());

@streams = (own('short', qr/one /));
($last, @text) = ends('QUIT', @streams);

like($text[0], qr/event: done\n/, 'no time is set: a stream ends by itself');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without an alert, and without an open socket');

done_testing();
