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
use Edge::Stream;
use Test::More;

plan skip_all => 'a sanitizer or valgrind keeps what was freed'
    if $Edge::Server::slow;

my $count = 3400;

# One read each, so that each has a buffer of its own.
sub stream {
    my ($event) = @_;

    return ($stream_head, map({ (\0.0005, chunk($event->($_) . "\n\n")) }
                              1 .. $count), \600);
}

sub event {
    my ($text, $choice, $more) = @_;

    return 'data: {"choices":[{"delta":{"content":"' . 'x' x $text . '"}'
        . ($choice || '') . '}]' . ($more || '') . '}';
}

my %models = (
    alike => sub { stream(sub { event(1500) }) },
    grow => sub { stream(sub { event(128 + $_[0]) }) },
    reasons => sub {
        stream(sub { event(100, ',"finish_reason":"'
                           . (qw(a b))[$_[0] % 2] x 250 . '"') })
    },
    around => sub {
        stream(sub { event(1500, '', ',"z":"' . 'a' x ($_[0] * 37 % 440)
                           . '"') })
    },
);

my $nginx = start_streams(models => \%models);

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
    my $s = client($name);

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
