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
use Edge::Stream;
use Test::More;
use Time::HiRes qw(time);

my $done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

sub event { chunk(token(@_)) }

# What a model does, all in less than 38 seconds: what ends a silence comes
# seven seconds and a half away from where a comment would.
my %models = (
    nothing => sub { (\22.5, $stream_head . event('late') . $done) },
    headed => sub { ($stream_head, \22.5, event('late') . $done) },
    paused => sub {
        ($stream_head . event('soon'), \37.5, event('late') . $done)
    },
    empty => sub {
        ($stream_head, map({ (\3, event('')) } 1 .. 7), \1.5,
         event('late') . $done)
    },
    comments => sub {
        ($stream_head, map({ (\3, chunk(": keep-alive\n\n")) } 1 .. 7), \1.5,
         event('late') . $done)
    },
    steady => sub {
        ($stream_head, map({ (\6, event("t$_")) } 1 .. 3), $done)
    },
);

my $nginx = start_streams(models => \%models);

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
