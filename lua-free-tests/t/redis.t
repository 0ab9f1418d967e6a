# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client against one real server: commands and replies,
# scripts, loss of the server in all its forms, return without hands.

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
my $redis = Edge::Redis->start();

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 10s;
        connect_timeout 10s;
    }
    edge_redis short {
        server 127.0.0.1:$redis->{port};
        timeout 500ms;
        connect_timeout 2s;
    }
    edge_redis long {
        server 127.0.0.1:$redis->{port};
        timeout 200s;
        connect_timeout 10s;
    }
    server {
        listen 127.0.0.1:$port;
        location /short/ { redis_probe short; }
        location /long/ { redis_probe long; }
        location / { redis_probe r; }
    }
END

sub logged {
    my ($pattern) = @_;

    return until_true(sub { $nginx->log_text() =~ $pattern });
}

sub ready { answers('/ready', 1, 20) }

ok(ready(), 'it is ready before any command');

is(ask('/send?SET+a+1'), 'status:OK', 'a status');
is(ask('/send?GET+a'), 'string:1', 'a string');
is(ask('/send?INCR+a'), 'integer:2', 'an integer');
is(ask('/send?GET+nothing'), 'nil', 'nil');
is(ask('/send?MGET+a+b'), 'array:2[string:2,nil]', 'an array');
like(ask('/send?HGET+a+x'), qr/^error:WRONGTYPE/, 'an error of the server');


# Scripts: the server learns them, and learns them again.

my $script = 'return%20redis.call(%22INCRBY%22%2CKEYS%5B1%5D%2CARGV%5B1%5D)';

is(ask("/eval?$script+n+5"), 'integer:5', 'a script the server does not know');
is(ask("/eval?$script+n+5"), 'integer:10', 'one it does');
$redis->call('SCRIPT', 'FLUSH');
is(ask("/eval?$script+n+5"), 'integer:15', 'one it has forgotten');
is($redis->info('commandstats')->{cmdstat_eval} =~ /calls=(\d+)/ && $1, 2,
   'the whole script was sent when it had to be');

is(ask('/many?100+INCR+m'), '100:integer:100', 'a hundred commands at once');

# More than a socket takes at once, both ways.

my $piece = 'x' x 4000;
is(ask("/long/many?3000+APPEND+big+$piece"), '3000:integer:12000000',
   'twelve megabytes');
is(ask('/long/eval?return%20%23redis.call(%22GET%22%2CKEYS%5B1%5D)+big'),
   'integer:12000000', 'are there');
is(ask('/long/send?STRLEN+big'), 'integer:12000000', 'and all is in order');
like(ask('/long/send?GET+big'), qr/^string:x{4000}/, 'and come back');
is(ask('/long/send?GET+a'), 'string:2', 'in order again');

is(ask('/forget?INCR+f'), 'forgotten', 'a command nobody waits for');
ok(until_true(sub { $redis->call('GET', 'f') eq '1' }), 'is done');

# A server that was killed.

$redis->kill();
ok(answers('/send?GET+a', 'declined'), 'no server: declined');
is(ask('/ready'), 0, 'it is not ready');
$redis->again();
ok(ready(), 'the server is back, and so is the connection');
is(ask('/send?SET+a+1'), 'status:OK', 'it works');

# One that hangs: the answer comes in time, then none is waited for.

ok(answers('/short/ready', 1), 'a server with little time is ready');
$redis->hang();
is(ask('/short/send?GET+a'), 'lost', 'a server hangs: lost');
is(ask('/short/send?GET+a'), 'declined', 'and the next does not wait');
ok(logged(qr/"short" waits for .*, which is silent/), 'that is told');
ok(logged(qr/"short" has lost .*: it hangs/), 'the connection is given up');
$redis->go_on();
ok(answers('/short/send?GET+a', 'string:1'),
   'it answers again, and the right thing');
ok(answers('/long/send?GET+a', 'string:1'), 'by another connection too');

# One of the timeouts is 200 s, and has begun just now; nobody waits.

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends long before');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
