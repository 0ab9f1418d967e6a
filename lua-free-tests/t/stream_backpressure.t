# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for a model that is faster than its reader: the model has to wait, the
# worker keeps its size, and nothing is lost, doubled or out of order.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Flood;
use Edge::Server;
use Edge::Stream;
use Test::More;
use Time::HiRes qw(sleep);

my $flood = $ENV{TEST_NGINX_RAND_PORT_2};

# The pipelines, and how much the model of each has to say.
my %bytes = (little => 100, docs => 5_000_000, much => 100_000_000);

# Kilobytes that the worker has held at most until now.
sub peak {
    my ($nginx) = @_;
    my ($worker) = $nginx->workers();

    open my $in, '<', "/proc/$worker/status" or return;
    my ($kb) = join('', <$in>) =~ /^VmHWM:\s+(\d+) kB/m;
    return $kb;
}

# Waits until the model has written nothing for a while; how much it has.
sub settled {
    my $before = -1;

    until_true(sub {
        my $now = Edge::Flood::state($flood)->{written};
        my $same = $now == $before;
        $before = $now;
        sleep 0.3 unless $same;
        return $same;
    });

    return $before;
}

# The numbers that are not where they belong: none.
sub disorder {
    my ($text) = @_;
    my $n = 0;

    while ($text =~ /^data: \{"delta":"(\d+) "\}$/mg) {
        return "$1 behind $n" if $1 != ++$n;
    }

    return $n ? '' : 'no tokens';
}

Edge::Flood::start($flood);

my $nginx = start_streams(models => {
    map { $_ => "http://127.0.0.1:$flood/$bytes{$_}/" } keys %bytes
});

# What the first answer takes, of code not used before most of all, is no
# growth.
receive([client('little')], 60);
my $start = peak($nginx);

# A client that takes 4 KB now and then, forty times, then nothing.

my $slow = client('much');
my $text = '';

for (1 .. 40) {
    sysread $slow, $text, 4096, length $text or last;
    sleep 0.05;
}

like($text, qr/"delta":"1 "/, 'a slow client gets its tokens');
is(disorder(substr $text, 0, rindex($text, "\n")), '', 'in their order');

cmp_ok(settled(), '<', 60_000_000, 'the model had to stop long before its end');
is(Edge::Flood::state($flood)->{state}, 'open', 'its connection is still open');

SKIP: {
    skip 'memory is not measured here', 1
        if $Edge::Server::slow || !defined $start;

    cmp_ok(peak($nginx) - $start, '<', 2048, 'the worker has not grown');
}

# It leaves in mid-flood.

close $slow;
ok(until_true(sub { Edge::Flood::state($flood)->{state} eq 'left' }),
   'with the client gone, the model is left');

# One that leaves while all flows at full speed.

my $hasty = client('much');
my $got = 0;

while ($got < 1_000_000) {
    my $n = sysread $hasty, my $piece, 65536 or last;
    $got += $n;
}

cmp_ok($got, '>=', 1_000_000, 'a fast client gets its first megabyte');
close $hasty;
ok(until_true(sub { Edge::Flood::state($flood)->{state} eq 'left' }),
   'with the client gone in full flow, the model is left');

# At full speed, whole.

my $fast = client('docs');
my $all = receive([$fast], 60)->{$fast};

# The framing of chunks is not part of the events.
my ($body) = $all =~ /\r\n\r\n(.*)/s;
my $events = '';

while ($body =~ /\G([0-9a-f]+)\r\n/gc) {
    my $size = hex $1;
    $events .= substr $body, pos $body, $size;
    pos($body) += $size + 2;
}

is(disorder($events), '', 'every token once and in its order');
is(scalar(() = $events =~ /^event: token$/mg),
   Edge::Flood::state($flood)->{tokens}, 'all of them');
like($events, qr/\nevent: done\ndata: [^\n]*"stop"[^\n]*\n\n\z/,
     'to the end');
is(Edge::Flood::state($flood)->{state}, 'done', 'the model could say all');

SKIP: {
    skip 'memory is not measured here', 1
        if $Edge::Server::slow || !defined $start;

    cmp_ok(peak($nginx) - $start, '<', 2048, 'the worker has still not grown');
}

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
