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
use Time::HiRes qw(sleep time);

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

# ---- one call for many, over the workers

my $before = calls();
my @replies = all([map { opened("/m/a?wait=1&$fresh") } 1 .. 40]);

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
my $start = time;
@replies = all([map { opened('/m/b?wait=0.5') } 1 .. 10]);
is(calls() - $before, 10, 'ten calls for what is not stored');
cmp_ok(time - $start, '<', 4, 'side by side');

# ---- a leader that leaves

$before = calls();
my $leader = opened("/m/c?wait=2&$fresh");
ok(until_true(sub { calls() > $before }), 'a leader is on the way');
my @followers = map { opened("/m/c?wait=2&$fresh") } 1 .. 5;
sleep 0.1;
close $leader;
$start = time;
@replies = all(\@followers);
is(scalar(grep { $_->{status} == 200 } @replies), 5, 'the others are answered');
is(calls() - $before, 2, 'by one of them');
cmp_ok(time - $start, '<', 20, 'without waiting for the lock to die');

# ---- waiting has an end

$before = calls();
@replies = all([map { opened("/n/d?wait=1.5&$fresh") } 1 .. 3]);
is(calls() - $before, 3, 'after lock_timeout each goes itself');

# ---- no-store and HEAD do not wait

$leader = opened("/m/e?wait=3&$fresh");
$start = time;
is(get("/m/e?wait=0&$fresh", 'Cache-Control: no-store')->{status}, 200);
cmp_ok(time - $start, '<', 2.5, 'who stores nothing does not wait');
close $leader;

# ---- off

$before = calls();
@replies = all([map { opened("/direct/f?wait=0.5&$fresh") } 1 .. 4]);
is(calls() - $before, 4, 'off');

# ---- a worker that dies with the flight

$before = calls();
$leader = opened("/n/g?wait=30&$fresh");
ok(until_true(sub { calls() > $before }), 'a leader is on the way');
my @old = $nginx->workers;
kill 'KILL', $_ for @old;
ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx->workers;
    return keys %now == 2 && !grep { $now{$_} } @old;
}), 'new workers');
is(get("/n/g?$fresh")->{status}, 200, 'a dead leader blocks nobody');
is(get("/m/a?wait=1&$fresh")->{status}, 200, 'the zone is whole');

# ---- a waiting request lives through a graceful exit

$before = calls();
$leader = opened("/m/h?wait=1&$fresh");
ok(until_true(sub { calls() > $before }), 'a leader is on the way');
my @waiting = map { opened("/m/h?wait=1&$fresh") } 1 .. 5;
sleep 0.1;
$nginx->signal('HUP');
@replies = all([$leader, @waiting]);
is(scalar(grep { $_->{status} == 200 } @replies), 6,
   'a reload loses nobody who waits');

my @alarms = grep { !/exited on signal 9/ } split /\n/, $nginx->alarms;
is("@alarms", '', 'no alarms');

done_testing();
