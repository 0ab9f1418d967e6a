# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client against a real cluster of three masters: every
# key at its server, slots that move, servers that go and come.

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

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $nobody = Edge::Env::free_ports(1);
my @nodes = Edge::Redis->cluster(bind => '127.0.0.1 127.0.0.2');
my $alone = Edge::Redis->start();

# Two clusters of one server each, which do not know their own address.

my @single = map {
    Edge::Redis->start('cluster-enabled' => 'yes',
                       'cluster-port' => Edge::Env::free_ports(1));
} 1, 2;

for my $node (@single) {
    $node->call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
    until_true(sub { $node->call('CLUSTER', 'INFO') =~ /cluster_state:ok/ });
}

$single[1]->kill();

# One server of the three is enough to find them all; the map calls it by
# another address.

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    edge_redis r {
        server 127.0.0.1:$nobody;
        server 127.0.0.2:$nodes[1]{port};
        cluster on;
        timeout 10s;
        connect_timeout 5s;
    }
    edge_redis alone {
        server 127.0.0.1:$alone->{port};
        cluster on;
        timeout 10s;
        connect_timeout 5s;
    }
    edge_redis ways {
        server 127.0.0.1:$single[0]{port};
        server 127.0.0.1:$single[1]{port};
        cluster on;
        timeout 10s;
        connect_timeout 5s;
    }
    server {
        listen 127.0.0.1:$port;
        location / { redis_probe r; }
        location /alone/ { redis_probe alone; }
        location /ways/ { redis_probe ways; }
    }
END

sub logged {
    my ($pattern) = @_;

    return until_true(sub { $nginx->log_text() =~ $pattern });
}

ok(answers('/ready', 1), 'it is ready');
ok(answers("/send?GET+$_", 'nil'), "a key of some server: $_") for 'a' .. 'f';

# How many redirects a node has answered with.
sub errors {
    my ($node) = @_;

    my $text = $node->call('INFO', 'errorstats');

    return join ',', map { $text =~ /errorstat_$_:count=(\d+)/ ? $1 : 0 }
        qw(MOVED ASK);
}

my %used;
my $start = join ' ', map { errors($_) } @nodes;

for my $i (1 .. 60) {
    my $key = "key$i";
    my $owner = Edge::Redis::owner($key, @nodes);

    $used{$owner->{port}} = 1;

    fail("SET $key") unless ask("/send?SET+$key+$i") eq 'status:OK';
    fail("GET $key") unless ($owner->call('GET', $key) // '') eq $i;
}

is(scalar(keys %used), 3, 'sixty keys are at their servers, which are three');
is(join(' ', map { errors($_) } @nodes), $start, 'without a redirect');

my $script = 'return%20redis.call(%22INCRBY%22%2CKEYS%5B1%5D%2CARGV%5B1%5D)';

is(ask("/eval?$script+$_%7Btag%7D+2"), 'integer:2', "scripts: $_")
    for 'n', 'm';

my $tagged = Edge::Redis::owner('tag', @nodes);
is($tagged->call('GET', 'm{tag}'), 2, 'the part in braces decides');
like(ask('/send?PING'), qr/^status:PONG/, 'a command without a key');

# A slot on its way: ASK.

my $from = $tagged;
my ($to) = grep { $_ != $from } @nodes;
my ($third) = grep { $_ != $from && $_ != $to } @nodes;
my $slot = $from->call('CLUSTER', 'KEYSLOT', 'tag');
my %id = map { $_ => $_->call('CLUSTER', 'MYID') } @nodes;

sub begins_to_move {
    $to->call('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $id{$from});
    $from->call('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $id{$to});
}

# The keys that are still there follow, and all are told, but nobody else.
sub moves {
    $from->call('MIGRATE', '127.0.0.1', $to->{port}, '', 0, 5000, 'KEYS',
                map { "$_\{tag}" } qw(m n new other));

    $_->call('CLUSTER', 'SETSLOT', $slot, 'NODE', $id{$to})
        for $to, $from, $third;
}

begins_to_move();

is(ask('/send?SET+new%7Btag%7D+1'), 'status:OK', 'a slot on its way');
is($from->call('EXISTS', 'm{tag}'), 1, 'what was there is there');
is(ask('/send?GET+m%7Btag%7D'), 'string:2', 'and found there');
is(ask('/send?GET+new%7Btag%7D'), 'string:1', 'what is new is found too');
is(ask("/eval?$script+other%7Btag%7D+3"), 'integer:3', 'by scripts as well');
like(errors($from), qr/,[1-9]/, 'because of ASK');

# It has moved: MOVED.  The map may have been asked for in between, which it
# is until all servers are connected: then the slot moves back, and so on.

sub moved { (errors($from) =~ /^(\d+)/)[0] }

my $told;

for (1 .. 5) {
    my $before = moved();

    moves();
    is(ask('/send?GET+m%7Btag%7D'), 'string:2', 'a slot that has moved');
    is(ask('/send?GET+n%7Btag%7D'), 'string:2', 'is found');

    last if $told = moved() > $before;

    ($from, $to) = ($to, $from);
    begins_to_move();
}

ok($told, 'because of MOVED');

# the servers themselves may tell an older map until all have heard of it
ok(until_true(sub {
    my $before = moved();
    return 3 == (grep { ask('/send?GET+n%7Btag%7D') eq 'string:2' } 1 .. 3)
        && moved() == $before;
}), 'and again, without asking the old one');

# A server that is killed: the others go on.

my ($lost_key) = grep { Edge::Redis::owner($_, @nodes) == $third }
    map { "key$_" } 1 .. 60;
my ($other_key) = grep { Edge::Redis::owner($_, @nodes) == $to }
    map { "key$_" } 1 .. 60;

# the answer of the others, while a server is away, is their own business
$_->call('CONFIG', 'SET', 'cluster-require-full-coverage', 'no') for @nodes;

$third->kill();
ok(answers("/send?GET+$lost_key", 'declined'), 'a server is killed');
like(ask("/send?GET+$other_key"), qr/^string:/, 'the others go on');
is(ask('/ready'), 1, 'it is ready for them');
ok(logged(qr/"r" has lost 127.0.0.1:$third->{port}/), 'that is told');

$third->again('cluster-require-full-coverage' => 'no');
ok(answers("/send?SET+$lost_key+x", 'status:OK', 30), 'the server is back');

# All are killed.

$_->kill() for @nodes;
ok(answers('/ready', 0), 'all servers are killed');
is(ask('/send?GET+a'), 'declined', 'no command is taken');
$_->again() for @nodes;
ok(answers('/send?SET+a+1', 'status:OK', 30), 'they are back');
ok(answers("/send?SET+$lost_key+y", 'status:OK', 30), 'all of them');

# A server that is no cluster.

ok(logged(qr/"alone" has lost .* no map of a cluster: ERR This instance/),
   'a server without a cluster is told');
is(ask('/alone/ready'), 0, 'and not used');

# All that the map names is gone: the servers of the configuration are the
# way in again.

ok(answers('/ways/send?SET+a+1', 'status:OK'), 'a cluster of one server');
$single[0]->kill();
ok(answers('/ways/ready', 0), 'which is killed');
$single[1]->again();
ok(answers('/ways/send?GET+a', 'nil', 20), 'another takes its place');

# One connection of the worker to each server, and none for what left.

ok(until_true(sub {
    join(' ', map { $_->call('CLIENT', 'LIST', 'TYPE', 'normal')
                    =~ tr/\n// } @nodes) eq '2 2 2'
}), 'one connection to each') or diag(map { $_->call('CLIENT', 'LIST') } @nodes);

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
