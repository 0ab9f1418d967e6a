# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client's servers with names: a name is looked up again
# whenever a connection is opened, so that a fail-over is followed.

use strict;
use warnings;

use Test::More;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Dns;
use Edge::Probe;
use Edge::Redis;
use Edge::Server;
use Time::HiRes qw(sleep);

# A step of the backoff is 4.8 seconds at the most, 3.2 and half of it; several
# of them may have to be waited for.
my $steps = 30;

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $dns = Edge::Dns->start();

# Two servers with one port: addresses are all that names tell.

my $one = Edge::Redis->start();
my $two = Edge::Redis->start(port => $one->{port}, bind => '127.0.0.2');

$one->call('SET', 'who', 'one');
$two->call('SET', 'who', 'two');

$dns->name('redis.test', '127.0.0.1');

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    resolver 127.0.0.1:$dns->{port} valid=1s ipv6=off;
    resolver_timeout 2s;
    edge_redis r {
        server redis.test:$one->{port};
        timeout 10s;
        connect_timeout 5s;
    }
    edge_redis later {
        server later.test:$one->{port};
        timeout 10s;
        connect_timeout 5s;
    }
    server {
        listen 127.0.0.1:$port;
        location / { redis_probe r; }
        location /later/ { redis_probe later; }
    }
END

sub logged {
    my ($pattern) = @_;

    # a second reason for a loss is told ten seconds after the first
    return until_true(sub { $nginx->log_text() =~ $pattern }, $steps);
}

ok(answers('/ready', 1, $steps), 'a name is looked up at the start');
is(ask('/send?GET+who'), 'string:one', 'and its server found');

# A name that is not known yet.

ok(logged(qr/"later" has lost later.test:\d+: Host not found/),
   'an unknown name is told');
is(ask('/later/send?GET+who'), 'declined', 'its commands are not taken');
$dns->name('later.test', '127.0.0.2');
ok(answers('/later/send?GET+who', 'string:two', $steps), 'until it is known');

# The name moves, and the old server dies.

$dns->name('redis.test', '127.0.0.2');
is(ask('/send?GET+who'), 'string:one', 'a name that moves breaks nothing');
$one->kill();
ok(answers('/send?GET+who', 'string:two', $steps),
   'until the old server dies');

# A fail-over: the name moves, the old server lives on as a replica.
# The backoff begins anew once a connection has lasted for 3.2 seconds, which
# makes all that follows quicker, and no more than that.

sleep 3.5;
$one->again();
$one->call('SET', 'who', 'one');
$dns->name('redis.test', '127.0.0.1');
$two->call('REPLICAOF', '127.0.0.1', $one->{port});

like(ask('/send?SET+x+1'), qr/^error:READONLY/, 'a write to a replica fails');
ok(logged(qr/"r" has lost \S+: it is a replica now/), 'that is told');
ok(answers('/send?SET+x+1', 'status:OK', $steps), 'the new server is found');
is($one->call('GET', 'x'), 1, 'and written to');

# Several addresses: one of them works.

$two->kill();
$dns->name('redis.test', '127.0.0.2', '127.0.0.1');
$one->kill();
ok(answers('/ready', 0), 'both servers are gone');
$one->again();
ok(answers('/ready', 1, $steps), 'one of several addresses is enough');

# A name server that is silent.

$one->kill();
ok(answers('/ready', 0), 'no server again');
$dns->silence();
ok(until_true(sub { $dns->asked('redis.test') }, $steps),
   'nobody says where it is');
$one->again();
is(ask('/send?PING'), 'declined', 'a silent name server holds up nobody')
    for 1 .. 3;
$dns->speak();
ok(answers('/ready', 1, $steps), 'it speaks again');

# An exit with a question on its way.

$dns->silence();
$one->kill();
ok(until_true(sub { $dns->asked('redis.test') }, $steps),
   'no server, no name');
$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
