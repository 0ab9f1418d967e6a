# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for limits in a real cluster, which two nginx share: exact totals of
# tenants on all its servers, whatever happens to scripts and slots meanwhile.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Limit ();
use Edge::Redis;
use Edge::Server;
use Test::More;

# None of them is away, however late it is.
my @nodes = Edge::Redis->cluster('cluster-node-timeout' => 15000);
my @ports = @ENV{qw(TEST_NGINX_SERVER_PORT TEST_NGINX_RAND_PORT_1)};


# What is not counted in the cluster is a 503, or DEGRADED.

sub http {
    my ($port) = @_;

    return <<"END";
    edge_redis r {
        server 127.0.0.1:$nodes[0]{port};
        cluster on;
        timeout 30s;
        connect_timeout 5s;
    }
    edge_redis soon {
        server 127.0.0.1:$nodes[0]{port};
        cluster on;
        timeout 3s;
        connect_timeout 5s;
    }
    edge_limit_zone \$edge_tenant zone=one:1m redis=r on_error=closed;
    edge_limit_zone \$edge_tenant zone=two:1m redis=r on_error=closed;
    edge_limit_zone \$edge_tenant zone=soon:1m redis=soon on_error=closed;
    edge_module m { target http://127.0.0.1:$port; }
    server {
        listen 127.0.0.1:$port reuseport;
        edge_tenant \$http_x_t unverified;
        edge_limit_log_level info;
        add_header X-Status \$edge_limit_status always;
        add_header X-Pid \$pid always;
        location /one {
            edge_route m;
            edge_limit zone=one requests=100r/d;
            empty_gif;
        }
        location /two {
            edge_route m;
            edge_limit zone=two requests=100r/d;
            edge_limit zone=two requests=1000r/m;
            empty_gif;
        }
        location /many {
            edge_route m;
            edge_limit zone=one requests=100000r/d;
            empty_gif;
        }
        location /manysoon {
            edge_route m;
            edge_limit zone=soon requests=100000r/d;
            empty_gif;
        }
        location /soon {
            edge_route m;
            edge_limit zone=soon requests=100r/d;
            edge_limit zone=soon requests=1000r/m;
            empty_gif;
        }
    }
END
}

my @nginx = map {
    local $ENV{TEST_NGINX_SERVER_PORT} = $ports[$_];
    local $Edge::Env::tmp = "$Edge::Env::tmp/nginx$_";
    mkdir $Edge::Env::tmp;
    Edge::Server->start(http($ports[$_]), workers => 2);
} 0 .. 1;

# A request's status and $edge_limit_status, and by which worker.
sub asked {
    my ($uri, $tenant, $port) = @_;

    my $r = Edge::Limit::reply("GET $uri HTTP/1.1\r\nHost: a\r\n"
                               . "X-T: $tenant\r\nConnection: close\r\n\r\n",
                               $port);
    return ("$r->{status} " . (Edge::Limit::field($r, 'X-Status') || ''),
            Edge::Limit::field($r, 'X-Pid') || '');
}

sub status { return (asked(@_))[0] }

# Requests of each tenant, over connections of its own to both nginx, in
# portions.  As soon as each connection has answered something of a portion, a
# piece of code runs; a reference to code runs before there are answers.  What
# came, by tenant: "100 of 200, 60 of 429".
sub spend {
    my ($uri, $tenants, @between) = @_;

    my $portions = @between || 1;
    my $n = int 80 / $portions;
    my (@clients, %n, %told);

    for my $port (@ports) {
        push @clients, map { { tenant => $_, text => '', answers => 0,
                               socket => connected($port) } } @$tenants;
    }

    for my $i (1 .. $portions) {
        for my $client (@clients) {
            print { $client->{socket} }
                "GET $uri HTTP/1.1\r\nHost: a\r\nX-T: $client->{tenant}\r\n\r\n"
                x $n;
        }

        my $code = $between[$i - 1] || sub { };

        if (ref $code eq 'REF') {
            $$code->();
            next;
        }

        read_to($_, ($i - 1) * $n + 1) for @clients;
        $code->();
    }

    for my $client (@clients) {
        read_to($client, $portions * $n);
        $n{$client->{tenant}}{$_}++
            for $client->{text} =~ m{HTTP/1\.1 (\d+) }g;
    }

    for my $tenant (@$tenants) {
        my $n = $n{$tenant};
        $told{$tenant} = join ', ', map { "$n->{$_} of $_" } sort keys %$n;
    }

    return \%told;
}

# Reads until there are so many answers.
sub read_to {
    my ($client, $wanted) = @_;

    while ($client->{answers} < $wanted) {
        IO::Select->new($client->{socket})->can_read(20) or last;
        sysread($client->{socket}, $client->{text}, 65536,
                length $client->{text}) or last;
        $client->{answers} = () = $client->{text} =~ /^X-Status: /mg;
    }
}

# The first tenants whose keys are at a node.
sub tenants_of {
    my ($node, $prefix, $n) = @_;

    return (grep { Edge::Redis::owner($_, @nodes) == $node }
            map { "$prefix$_" } 1 .. 60)[0 .. $n - 1];
}

# All workers know all servers, by both blocks.
for my $i (0, 1) {
    for my $node (@nodes) {
        my ($port, %good) = ($ports[$i]);
        my ($tenant) = tenants_of($node, 'first', 1);
        ok(until_true(sub {
            for my $uri ('/many', '/manysoon') {
                my ($said, $pid) = asked($uri, $tenant, $port);
                $good{"$pid $uri"} = $said eq '200 PASSED';
            }
            return !grep { !$good{"$_ /many"} || !$good{"$_ /manysoon"} }
                $nginx[$i]->workers;
        }), "nginx on $port counts at the server on $node->{port}");
    }
}

my @tenants = map { tenants_of($_, 't', 2) } @nodes;
my $exact = '100 of 200, 60 of 429';
my $some = sub { };

is_deeply(spend('/one', \@tenants), { map { $_ => $exact } @tenants },
          'tenants of all servers, two nginx: exact totals');

# A server, then all, that do not know the script any more.

@tenants = map { tenants_of($_, 'u', 2) } @nodes;

is_deeply(spend('/two', \@tenants, $some,
                sub { $nodes[1]->call('SCRIPT', 'FLUSH') }, $some,
                sub { $_->call('SCRIPT', 'FLUSH') for @nodes }),
          { map { $_ => $exact } @tenants },
          'scripts are forgotten meanwhile: exact totals');

# A slot that moves, key by key, while its limit is used: ASK, then MOVED.

my ($from, $to, $third) = @nodes;
my %id = map { $_ => $_->call('CLUSTER', 'MYID') } @nodes;

sub leave {
    my ($slot) = @_;

    $to->call('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id{$from});
    $from->call('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id{$to});
}

sub move {
    my ($slot) = @_;

    my $keys = $from->call('CLUSTER', 'GETKEYSINSLOT', $slot, 100);

    $from->call('MIGRATE', '127.0.0.1', $to->{port}, '', 0, 5000, 'KEYS',
                @$keys) if @$keys;
}

sub arrive {
    my ($slot) = @_;

    $_->call('CLUSTER', 'SETSLOT', $slot, 'NODE', $id{$to})
        for $to, $from, $third;
}

sub errors {
    my ($kind, $node) = @_;

    return (($node || $from)->call('INFO', 'errorstats')
            =~ /errorstat_$kind:count=(\d+)/)[0] || 0;
}

my ($old) = tenants_of($from, 'v', 1);
my $slot = $from->call('CLUSTER', 'KEYSLOT', $old);

is_deeply(spend('/one', [$old], $some, sub { leave($slot) }, $some,
                sub { move($slot) }, $some, sub { arrive($slot) }, $some,
                $some),
          { $old => $exact }, 'a slot that moves: an exact total');
cmp_ok(errors($_), '>', 0, "because of $_") for qw(ASK MOVED);
is($to->call('EXISTS', "edge:{$old}:rl:one-rpd:$old"), 1, 'it has moved');

# A tenant that comes while its slot moves: a script with two keys has to wait.

my ($new) = grep { $_ ne $old } tenants_of($from, 'w', 2);
$slot = $from->call('CLUSTER', 'KEYSLOT', $new);

sub put_off {
    my ($times) = @_;

    return until_true(sub { errors('TRYAGAIN', $to) >= $times });
}

leave($slot);
is_deeply(spend('/two', [$new], \sub { put_off(2); arrive($slot) }),
          { $new => $exact }, 'a new tenant in a moving slot: an exact total');

# One that leaves, one that is told after the timeout, and one that waits
# while nginx ends.

my ($gone) = grep { $_ ne $new } tenants_of($from, 'x', 2);
$slot = $from->call('CLUSTER', 'KEYSLOT', $gone);
leave($slot);

my $client = connected();
print $client "GET /soon HTTP/1.1\r\nHost: a\r\nX-T: $gone\r\n\r\n";
ok(put_off(errors('TRYAGAIN', $to) + 3), 'waiting');
close $client;
is(status('/soon', $gone), '503 REJECTED', 'not longer than the timeout');
is(status('/one', $gone), '200 PASSED', 'one key is enough');

$client = connected();
print $client "GET /soon HTTP/1.1\r\nHost: a\r\nX-T: $gone\r\n\r\n";
ok(put_off(errors('TRYAGAIN', $to) + 2), 'waiting');
$nginx[0]->signal('QUIT');
like(receive([$client], 20)->{$client}, qr/ 503 /, 'answered at the end');
ok($nginx[0]->ended(), 'which comes');

is($_->alarms, '', 'nothing alarming') for @nginx;

done_testing();
