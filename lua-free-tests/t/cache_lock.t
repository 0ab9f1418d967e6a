# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_cache_lock: many want the same, one fetches it, whatever
# becomes of that one.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache;
use Edge::Server;
use Test::More;
use Time::HiRes qw(time);

Edge::Cache::target($ENV{TEST_NGINX_RAND_PORT_1});

my $target = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

my $nginx = Edge::Server->start(<<"END", workers => 2);
    edge_cache_zone zone=c:1m;
    edge_module m { path /m/; target $target; }
    edge_module n { path /n/; target $target; }
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT} reuseport;
        edge_cache c;
        edge_tenant \$http_x_t unverified;
        edge_cache_lock on;
        edge_cache_lock_timeout 60s;
        location /m/ {
            edge_route on;
            add_header X-Pid \$pid;
            proxy_pass \$edge_target;
        }
        location /n/ {
            edge_route on;
            edge_cache_lock_timeout 300ms;
            proxy_pass \$edge_target;
        }
        location /direct/ {
            edge_route m;
            edge_cache_lock off;
            proxy_pass $target/m/;
        }
        location = /pid { return 200 \$pid; }
    }
END

my $fresh = 'h=Cache-Control:max-age=60';

sub opened {
    my ($uri, @fields) = @_;

    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "GET $uri HTTP/1.1", 'Host: a', 'Connection: close',
                  with(@fields)), "\r\n\r\n";

    return $s;
}

sub all {
    my ($sockets) = @_;

    my $text = receive($sockets, 20);

    return map { Edge::Cache::parse($text->{$_}) } @$sockets;
}

# Each worker takes connections in their order: who sent a request before this
# returns has gone or waits.
sub settled {
    my %pids;

    until_true(sub {
        $pids{get('/pid')->{body}} = 1;
        return keys %pids == 2;
    }) or die "a worker does not answer\n";
}

# ---- one call for many, over the workers

my $before = calls();
my $sockets = [map { opened("/m/a?hold=1&$fresh") } 1 .. 40];
settled();
called($before + 1);
release($before + 1);
my @replies = all($sockets);

is(calls() - $before, 1, 'one call');
is(scalar(grep { $_->{status} == 200 } @replies), 40, 'all are answered');
my %bodies = map { $_->{body} => 1 } @replies;
is(scalar(keys %bodies), 1, 'with the same');
my %pids = map { field($_, 'X-Pid') => 1 } @replies;
is(scalar(keys %pids), 2, 'by both workers');
is(scalar(grep { field($_, 'Cache-Status') =~ /hit.*; collapsed/ } @replies),
   39, 'collapsed');

# ---- each tenant has a leader of its own

$before = calls();
@replies = all([map { opened("/m/t?wait=0.5&$fresh", "X-T: t" . $_ % 2) }
                1 .. 10]);
is(calls() - $before, 2, 'one call a tenant');
%bodies = map { $_->{body} => 1 } @replies;
is(scalar(keys %bodies), 2, 'and no answer for both');

# ---- what cannot be stored holds nobody up

$before = calls();
$sockets = [map { opened('/m/b?hold=1') } 1 .. 10];
ok(called($before + 1), 'what is not stored');
settled();
release($before + 1);
ok(called($before + 10), 'the others go side by side');
release($before + 10);
@replies = all($sockets);
is(calls() - $before, 10, 'ten calls');
is(scalar(grep { $_->{status} == 200 } @replies), 10, 'ten answers');

# ---- a leader that leaves

$before = calls();
my $leader = opened("/m/c?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my @followers = map { opened("/m/c?hold=1&$fresh") } 1 .. 5;
settled();
my $start = time;
close $leader;
ok(called($before + 2), 'it leaves, another one goes');
release($before + 2);
@replies = all(\@followers);
is(scalar(grep { $_->{status} == 200 } @replies), 5, 'the others are answered');
is(calls() - $before, 2, 'by one of them');
cmp_ok(time - $start, '<', 20, 'without waiting for the lock to die');

# ---- waiting has an end

$before = calls();
$sockets = [map { opened("/n/d?hold=1&$fresh") } 1 .. 3];
ok(called($before + 3), 'after lock_timeout each goes itself');
release($before + 3);
@replies = all($sockets);

# ---- no-store and HEAD do not wait

$before = calls();
$leader = opened("/m/e?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my $other = opened("/m/e?hold=1&$fresh", 'Cache-Control: no-store');
ok(called($before + 2), 'who stores nothing does not wait');
release($before + 2);
@replies = all([$leader, $other]);
is(scalar(grep { $_->{status} == 200 } @replies), 2, 'both are answered');

# ---- off

$before = calls();
$sockets = [map { opened("/direct/f?hold=1&$fresh") } 1 .. 4];
ok(called($before + 4), 'off');
release($before + 4);
@replies = all($sockets);

# ---- a worker that dies with the flight

$before = calls();
$leader = opened("/n/g?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my @old = $nginx->workers;
kill 'KILL', $_ for @old;
ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx->workers;
    return keys %now == 2 && !grep { $now{$_} } @old;
}), 'new workers');
release($before + 2);
is(get("/n/g?hold=1&$fresh")->{status}, 200, 'a dead leader blocks nobody');
is(get("/m/a?hold=1&$fresh")->{status}, 200, 'the zone is whole');

# ---- a waiting request lives through a graceful exit

$before = calls();
$leader = opened("/m/h?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my @waiting = map { opened("/m/h?hold=1&$fresh") } 1 .. 5;
settled();
my %going = map { $_ => 1 } $nginx->workers;
$nginx->signal('HUP');
ok(until_true(sub { 2 <= grep { !$going{$_} } $nginx->workers }),
   'others come meanwhile');
release($before + 1);
@replies = all([$leader, @waiting]);
is(scalar(grep { $_->{status} == 200 } @replies), 6,
   'a reload loses nobody who waits');

# One that was killed may have had a lock, which nginx has opened then.
my @alarms = grep { !/exited on signal 9|was locked by/ }
    split /\n/, $nginx->alarms;
is("@alarms", '', 'no alarms');

done_testing();
