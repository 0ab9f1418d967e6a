# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client while many requests come: the server is killed
# and started again and again, nginx is reloaded; no request fails of it, no
# command is answered with the reply of another, no connection too many is
# made.

use strict;
use warnings;

use Test::More;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Probe;
use Edge::Redis;
use Edge::Server;
use POSIX ();
use Time::HiRes qw(sleep time);

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $tmp = $Edge::Env::tmp;
my $redis = Edge::Redis->start();

my $nginx = Edge::Server->start(<<"END",
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 10s;
        connect_timeout 10s;
    }
    server {
        listen 127.0.0.1:$port;
        location / { redis_probe r; }
    }
END
    main => Edge::Probe::load('redis'), workers => 2);

ok(answers('/ready', 1), 'ready') for 1 .. 4;

# Clients that ask for what only one answer is right to, until told to stop.

sub client {
    my ($n) = @_;

    my %seen;

    for (my $i = 0; !-e "$tmp/stop"; $i++) {
        my $s = connected() or do { $seen{'no connection'}++; next };
        my $text = '';

        print $s "GET /send?ECHO+$n.$i HTTP/1.1\r\nHost: a\r\n"
            . "Connection: close\r\n\r\n";
        1 while sysread $s, $text, 4096, length $text;

        my ($status) = $text =~ m{^HTTP/1.1 (\d+)};
        my ($body) = $text =~ /\r\n\r\n(.*)/s;

        $body = 'right' if ($body // '') eq "string:$n.$i";
        $seen{($status // 'none') . ' ' . ($body // 'none')}++;
    }

    open my $out, '>', "$tmp/seen.$n.new" or die;
    print $out map { "$_: $seen{$_}\n" } sort keys %seen;
    close $out;
    rename "$tmp/seen.$n.new", "$tmp/seen.$n";
}

my @clients;

for my $n (1 .. 4) {
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        client($n);
        POSIX::_exit(0);
    }

    push @clients, $pid;
}

# Each Redis has had some work when it dies.  The connections are counted, so
# that their timeouts are longer than a busy machine makes anything last.

sub echoes {
    my $stats = $redis->info('commandstats')->{cmdstat_echo} // '';

    return $stats =~ /calls=(\d+)/ ? $1 : 0;
}

sub asked {
    my $before = echoes();

    return until_true(sub { echoes() >= $before + 25 }, 20);
}

my $connections = 0;

for my $round (1 .. 3) {
    ok(asked(), "it is asked: $round");
    $connections += $redis->info('stats')->{total_connections_received};
    $redis->kill();
    sleep 0.3;
    $redis->again();
    ok(answers('/ready', 1), "killed and started again: $round") for 1 .. 2;
}

$nginx->signal('HUP');
ok(until_true(sub { (() = $nginx->log_text() =~ /exited with code 0/g) == 2 }),
   'a reload');
ok(answers('/ready', 1), 'ready');
ok(asked(), 'and asked');

# Each of two workers has one, the test has two, and nginx was reloaded.
$connections += $redis->info('stats')->{total_connections_received};
cmp_ok($connections, '<=', 4 * (2 + 3) + 4, 'a few connections were enough');

open my $out, '>', "$tmp/stop" or die;
close $out;
waitpid $_, 0 for @clients;

my %seen;

for my $n (1 .. 4) {
    open my $in, '<', "$tmp/seen.$n" or next;
    /(.*): (\d+)/ and $seen{$1} += $2 while <$in>;
}

diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen);

cmp_ok(delete $seen{'200 right'} // 0, '>', 50, 'answers are right');
delete @seen{'200 lost', '200 declined'};
is(join(', ', %seen), '', 'or known to be missing');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
