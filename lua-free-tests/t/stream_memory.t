# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what a stream keeps: not more the longer it is, whatever a model
# sends to make it so.

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

plan skip_all => 'a sanitizer or valgrind keeps what was freed'
    if $Edge::Server::slow;

my $stub = $ENV{TEST_NGINX_RAND_PORT_1};
my $count = 3400;

# One read each, so that each has a buffer of its own.
sub stream {
    my ($chunk) = @_;

    return ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n",
        (map { my $text = $chunk->($_) . "\n\n";
               (\0.0005, sprintf "%x\r\n%s\r\n", length $text, $text)
         } 1 .. $count), \600);
}

sub chunk {
    my ($text, $choice, $more) = @_;

    return 'data: {"choices":[{"delta":{"content":"' . 'x' x $text . '"}'
        . ($choice || '') . '}]' . ($more || '') . '}';
}

my %models = (
    alike => sub { stream(sub { chunk(1500) }) },
    grow => sub { stream(sub { chunk(128 + $_[0]) }) },
    reasons => sub {
        stream(sub { chunk(100, ',"finish_reason":"'
                           . (qw(a b))[$_[0] % 2] x 250 . '"') })
    },
    around => sub {
        stream(sub { chunk(1500, '', ',"z":"' . 'a' x ($_[0] * 37 % 440)
                           . '"') })
    },
);

Edge::Stub::start($stub, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    %models,
});

my ($modules, $places) = ('', '');

for my $name (sort keys %models) {
    $modules .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_$name/ model=m;
    }
    edge_module $name { rag $name; }
END
    $places .= "location /_$name/ { internal;"
        . " proxy_pass http://127.0.0.1:$stub/$name/; }\n";
}

my $nginx = Edge::Server->start(<<"END");
    proxy_http_version 1.1;
    $modules
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal;
            proxy_pass http://127.0.0.1:$stub/embed/; }
        location /_search/ { internal;
            proxy_pass http://127.0.0.1:$stub/search/; }
        $places
    }
END

# The worker's memory, in KB.
sub memory {
    my ($pid) = $nginx->workers();

    open my $in, '<', "/proc/$pid/status" or die "$pid: $!\n";
    my ($kb) = join('', <$in>) =~ /^VmRSS:\s+(\d+)/m;
    return $kb;
}

# What a stream has added when all of its tokens came, and it goes on.
sub added {
    my ($name) = @_;

    my $before = memory();
    my ($text, $tokens) = ('', 0);
    my $s = connected();
    print $s post("/api/v1/$name/query", '{"query":"q","stream":true}');

    while ($tokens < $count && sysread $s, $text, 65536, length $text) {
        $tokens += () = $text =~ /event: token\n[^\n]*\n\n/g;
        $text =~ s/.*\n\n//s;
    }

    my $after = memory();
    close $s;
    is($tokens, $count, "$name: all tokens");
    return $after - $before;
}

added('alike');                        # what a worker needs the first time

for my $name (sort keys %models) {
    cmp_ok(added($name), '<', 512, "$name: in memory that does not grow");
}

is($nginx->alarms, '', 'nothing alarming');

done_testing();
