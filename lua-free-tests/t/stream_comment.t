# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the comments of a stream whose client gets nothing: one for each
# 15 seconds, whatever the reason for the silence, and none in between.  All
# clients wait at the same time.

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

my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

sub chunk {
    return sprintf "%x\r\n%s\r\n", length $_[0], $_[0];
}

sub event {
    return chunk('data: {"choices":[{"delta":{"content":"' . $_[0]
                 . "\"}}]}\n\n");
}

# What a model does, all in less than 38 seconds: what ends a silence comes
# seven seconds and a half away from where a comment would.
my %models = (
    nothing => sub { (\22.5, $head . event('late') . $done) },
    headed => sub { ($head, \22.5, event('late') . $done) },
    paused => sub { ($head . event('soon'), \37.5, event('late') . $done) },
    empty => sub {
        ($head, map({ (\3, event('')) } 1 .. 7), \1.5,
         event('late') . $done)
    },
    comments => sub {
        ($head, map({ (\3, chunk(": keep-alive\n\n")) } 1 .. 7), \1.5,
         event('late') . $done)
    },
    steady => sub {
        ($head, map({ (\6, event("t$_")) } 1 .. 3), $done)
    },
);

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
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
        timeout embed=60s search=60s first_token=60s idle=60s;
    }
    edge_module $name { rag $name; }
END
    $places .= <<"END";
        location /_$name/ { internal; proxy_pass $stub/$name/; }
END
}

my $nginx = Edge::Server->start(<<"END");
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    $modules
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal; proxy_pass $stub/embed/; }
        location /_search/ { internal; proxy_pass $stub/search/; }
        $places
    }
END

my (%client, %asked, %at, %comments, @early, @late);

sub ask {
    my ($title, $module, $endpoint) = @_;

    my $question = $endpoint eq 'query'
        ? '"query":"q"' : '"messages":[{"role":"user","content":"q"}]';

    my $s = connected() or die "no connection\n";

    $client{$title} = $s;
    $asked{$s} = time;
    print $s post("/api/v1/$module/$endpoint", "{$question,\"stream\":true}");
}

for my $name (sort keys %models) {
    ask($name, $name, 'query');
}

ask('chat', 'nothing', 'chat/completions');

# Comments that came before their time, which begins when the client has asked
# at the earliest; and those that came with what follows, seconds too late.
my $text = receive([values %client], 90, sub {
    my ($s, $got) = @_;
    my $now = time - $asked{$s};
    my $fresh = substr $$got, $at{$s} || 0;
    my $count = () = $fresh =~ /^: ka$/mg;

    push @late, $fresh if $count > 1 || $count && $fresh =~ /"late"/;

    for (1 .. $count) {
        my $due = 15 * ++$comments{$s};
        push @early, "$now, not $due" if $now < $due - 0.2;
    }

    $at{$s} = length $$got;
});

sub comments {
    my ($name) = @_;

    my $count = () = $text->{$client{$name}} =~ /^: ka\n\n/mg;
    return $count;
}

my %title = (
    nothing => 'a model that says nothing',
    headed => 'a model that sends but its header',
    empty => 'a model of empty pieces',
    comments => 'a model of comments',
    chat => 'a model that says nothing, to a client of OpenAI',
);

for my $name (sort keys %title) {
    is(comments($name), 1, "$title{$name}: one comment");
    like($text->{$client{$name}}, qr/^: ka\n\n.*"late"/ms,
         "$title{$name}: the answer follows");
}

is(comments('paused'), 2, 'a silence of 31 seconds: two comments');
like($text->{$client{paused}},
     qr/"soon".*\n: ka\n\n.*\n: ka\n\n.*"late".*\nevent: done\n/s,
     'between two pieces of the answer');

is(comments('steady'), 0, 'no comment while pieces come');
like($text->{$client{steady}}, qr/"t1".*"t2".*"t3".*\nevent: done\n/s,
     'and they all come');

is(join(', ', @early), '', 'none came before its time');
is(join(', ', @late), '', 'each came by itself');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
