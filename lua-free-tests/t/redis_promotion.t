# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for a fail-over inside a real cluster: a master dies, or hangs, and
# its replica takes its place.  The edge follows by itself, no request fails,
# and what was counted stays counted.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Limit;
use Edge::Redis;
use Edge::Server;
use Edge::Stub;
use Test::More;
use Time::HiRes qw(time);

# What is not lost is answered in this time, by a machine that is busy too: the
# rest is counted exactly.  A server that hangs is given up after twice that.
my $timeout = 4;
my $soon = 30 * ($Edge::Server::slow ? 4 : 1);

my @nodes = Edge::Redis->cluster('repl-diskless-sync-delay' => 0);
my $master = $nodes[1];
my $replica = $master->replica(@nodes);
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $service = $ENV{TEST_NGINX_RAND_PORT_1};

Edge::Stub::start($service, { page => sub {
    my ($tenant) = $_[0]{head} =~ /^X-Who: (\w+)/mi;
    Edge::Stub::http("page of $tenant", 200, 'text/plain');
} });

my $nginx = Edge::Server->start(<<"END", workers => 2);
    edge_redis r {
        server 127.0.0.1:$nodes[0]{port};
        cluster on;
        timeout ${timeout}s;
        connect_timeout ${timeout}s;
    }
    edge_limit_zone \$edge_tenant zone=many:1m redis=r;
    edge_limit_zone \$edge_tenant zone=few:1m redis=r;
    edge_cache_zone zone=c:64k redis=r;
    edge_module m { target http://127.0.0.1:$service; }
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:$port reuseport;
        edge_tenant \$http_x_t unverified;
        edge_limit_log_level info;
        add_header X-Status \$edge_limit_status always;
        location /many {
            edge_route m;
            edge_limit zone=many requests=1000000r/d;
            empty_gif;
        }
        location /few {
            edge_route m;
            edge_limit zone=few requests=30r/d;
            empty_gif;
        }
        location /page {
            edge_route m;
            edge_limit zone=many requests=1000000r/d;
            edge_cache c;
            edge_cache_lock on;
            edge_cache_valid 1m;
            proxy_set_header X-Who \$edge_tenant;
            proxy_pass http://127.0.0.1:$service;
        }
    }
END

sub status {
    my ($uri, $tenant) = @_;

    my $r = get($uri, "X-T: $tenant");
    return "$r->{status} " . (field($r, 'X-Status') || '');
}

sub few {
    my ($tenant, $times) = @_;

    my %n;

    $n{status('/few', $tenant)}++ for 1 .. $times;

    return join ', ', map { "$n{$_} of $_" } sort keys %n;
}

sub counted {
    my ($tenant) = @_;

    my $good = 0;

    return until_true(sub {
        $good = status('/many', $tenant) eq '200 PASSED' ? $good + 1 : 0;
        return $good >= 20;
    }, 20);
}

sub tenants_of {
    my ($node, $n) = @_;

    return (grep { Edge::Redis::owner($_, @nodes) == $node }
            map { "t$_" } 1 .. 60)[0 .. $n - 1];
}

# Clients that ask all the time: while Redis counts, while it is lost, and when
# another has taken its place until the tenant is counted in Redis again: how
# long that took.  What any of them got is noted.

my %got;

sub until_counted {
    my ($tenant, $lost, $replaced) = @_;

    my @clients = map { { text => '', n => 0 } } 1 .. 16;
    my ($n, $start) = (0, 0);

    %got = ();

    for my $client (@clients) {
        $client->{uri} = $n++ % 4 ? '/many' : '/page/' . $n;
        $client->{socket} = connected();
        asked($client, $tenant);
    }

    my $select = IO::Select->new(map { $_->{socket} } @clients);
    my %by = map { $_->{socket} => $_ } @clients;
    my $end = time + 3 * $soon;

    while (time < $end) {

        if ($lost && ($got{'200 PASSED'} || 0) > 200) {
            $lost->();
            undef $lost;
        }

        if (!$start && $got{'200 DEGRADED'}) {
            $replaced->();
            $start = time;
        }

        for my $socket ($select->can_read(1)) {
            my $client = $by{$socket};

            sysread($socket, $client->{text}, 65536, length $client->{text})
                or return 'a connection was closed';

            while ($client->{text} =~ s{\AHTTP/1\.1 (\d+) (.*?)\r\n\r\n}{}s) {
                my ($status, $head) = ($1, $2);
                my ($length) = $head =~ /^Content-Length: (\d+)/mi;
                my ($limit) = $head =~ /^X-Status: (\w+)/m;

                $client->{text} = substr $client->{text}, $length;
                $got{"$status $limit"}++;

                $client->{since} = $start && $limit eq 'PASSED'
                    ? ($client->{since} || 0) + 1 : 0;
                asked($client, $tenant);
            }
        }

        # by all workers, for a while
        return time - $start
            if @clients == grep { ($_->{since} || 0) >= 20 } @clients;
    }

    return 'never again';
}

sub asked {
    my ($client, $tenant) = @_;

    my $n = ++$client->{n};

    $client->{socket}->print("GET $client->{uri}?$n HTTP/1.1\r\nHost: a\r\n"
                             . "X-T: $tenant\r\n\r\n");
}

my ($tenant, $hung) = tenants_of($master, 2);
my ($other) = tenants_of($nodes[2], 1);

ok(counted($_), 'counted') for $tenant, $hung, $other;

is(few($tenant, 20), '20 of 200 PASSED', 'twenty of thirty are used');
$master->call('DEL', "x{$tenant}");
is($master->call('WAIT', 1, 5000), 1, 'the replica knows');

# kill -9

my $took = until_counted($tenant, sub { $master->kill() },
                         sub { $replica->promoted($master) });

like($took, qr/^[0-9.]+(?:e.*)?$/, 'a master is killed: the edge follows')
    && cmp_ok($took, '<', $soon, 'soon');
is(join(' ', grep { !/^200 / } sort keys %got), '', 'no request fails');
is(few($tenant, 12), '10 of 200 PASSED, 2 of 429 REJECTED',
   'what was counted is counted');
is(status('/many', $other), '200 PASSED', 'others have not noticed');

# It comes back as a replica.  Now the other one hangs, and wakes up later as
# a master that is none.

$master->again();
$master->follows($replica, @nodes[0, 2], $replica);

is(few($hung, 20), '20 of 200 PASSED', 'the same with another tenant');
$replica->call('DEL', "x{$hung}");
is($replica->call('WAIT', 1, 5000), 1, 'the replica knows');

$took = until_counted($hung, sub { $replica->hang() },
                      sub { $master->promoted($replica) });

like($took, qr/^[0-9.]+(?:e.*)?$/, 'a master hangs: the edge follows')
    && cmp_ok($took, '<', $soon, 'soon');
is(join(' ', grep { !/^200 / } sort keys %got), '', 'no request fails');

$replica->go_on();
is(few($hung, 12), '10 of 200 PASSED, 2 of 429 REJECTED',
   'what was counted is counted');
ok(until_true(sub { $replica->info('replication')->{role} eq 'slave' }, 20),
   'the old one is a replica');
ok(counted($_), 'all is counted in Redis') for $tenant, $hung, $other;

is($nginx->alarms(), '', 'nothing alarming');

done_testing();
