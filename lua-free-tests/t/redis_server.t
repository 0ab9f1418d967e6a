# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client's greeting (password, user, database, socket) and
# for servers that refuse, load, or are full; for clients that leave and
# workers that exit while a command is on its way.

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
my $tmp = $Edge::Env::tmp;

my $redis = Edge::Redis->start(requirepass => 'sesame',
    unixsocket => "$tmp/socket", 'enable-debug-command' => 'yes');

$redis->call('ACL', 'SETUSER', 'edge', 'on', '>opensesame', '~*', '+@all',
             '-ping');

open my $out, '>', "$tmp/password" or die;
print $out "opensesame\n";
close $out;

# Nothing here is to end by a time.
my $times = 'timeout 60s; connect_timeout 20s;';
my $at = "server 127.0.0.1:$redis->{port}; $times";

my %block = (
    plain => "$at password sesame;",
    user => "$at user edge; password \$redis_password; database 3;",
    socket => "server unix:$tmp/socket; password sesame; $times",
    long => "$at password sesame;",
    wrong => "$at password simsalabim;",
    none => $at,
    many => "$at password sesame; database 99;",
);

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    edge_secret \$redis_password file=$tmp/password;
    @{[ map { "edge_redis $_ { $block{$_} }\n" } sort keys %block ]}
    server {
        listen 127.0.0.1:$port;
        @{[ map { "location /$_/ { redis_probe $_; }\n" } sort keys %block ]}
        location = /status { stub_status; }
    }
END

sub logged {
    my ($pattern, $n) = @_;

    return until_true(sub {
        (() = $nginx->log_text() =~ /$pattern/g) >= ($n || 1);
    }, 20);
}

# The greeting.

ok(answers('/plain/ready', 1), 'a password');
is(ask('/plain/send?SET+a+plain'), 'status:OK', 'a command');
ok(answers('/user/ready', 1), 'a user who may not PING, with a secret');
is(ask('/user/send?SET+a+user'), 'status:OK', 'a command');
is(ask('/plain/send?GET+a'), 'string:plain', 'in a database of its own');
like($redis->call('CLIENT', 'LIST'), qr/ db=3 .* user=edge /, 'which is 3');
ok(answers('/socket/ready', 1), 'a unix socket');
is(ask('/socket/send?GET+a'), 'string:plain', 'a command');

ok(logged(qr/"wrong" has lost \S+: it refuses us: WRONGPASS/),
   'a wrong password is told');
ok(logged(qr/"none" has lost \S+: it refuses us: NOAUTH/), 'so is none');
ok(logged(qr/"many" has lost \S+: it refuses us: ERR DB index/),
   'so is a database that is not there');
is(ask("/$_/ready"), 0, "and not used: $_") for qw(wrong none many);

$redis->call('CONFIG', 'SET', 'requirepass', 'simsalabim');
ok(answers('/wrong/ready', 1, 20), 'the password becomes the right one');
$redis->call('CONFIG', 'SET', 'requirepass', 'sesame');

unlike($nginx->log_text(), qr/sesame|simsalabim/, 'no password in the log');

# Refusals of commands are answers.

$redis->call('CONFIG', 'SET', 'maxmemory', 1);
like(ask('/plain/send?SET+b+1'), qr/^error:OOM/, 'the server is full');
is(ask('/plain/send?GET+a'), 'string:plain', 'reading goes on');
$redis->call('CONFIG', 'SET', 'maxmemory', 0);
is(ask('/plain/send?SET+b+1'), 'status:OK', 'writing too when it is not');

# Loading: not ready until it is done, which is as soon as enough was seen.

$redis->call('DEBUG', 'POPULATE', 20000);
$redis->call('SAVE');
$redis->kill();
ok(answers('/plain/ready', 0), 'the server is gone');
$redis->again('key-load-delay' => 5000,
              'loading-process-events-interval-bytes' => 1024);

my $told = 0;

sub gets {
    my ($wanted) = @_;

    my $answer = ask('/plain/send?GET+a');

    $told++ if $answer =~ /LOADING/;
    return $answer eq $wanted;
}

# ... the greetings that it has refused, and one of ours
sub refusals {
    my $stats = $redis->info('errorstats')->{errorstat_LOADING} // '';

    return $stats =~ /count=(\d+)/ ? $1 : 0;
}

ok(until_true(sub {
    my $declined = gets('declined');
    return refusals() > 5 && $declined
        && $redis->info('persistence')->{loading};
}, 20), 'no command is sent to a server that loads');

$redis->call('CONFIG', 'SET', 'key-load-delay', 0);
ok(until_true(sub { gets('string:plain') }, 30), 'then it is used');
is($told, 0, 'and none was refused');

# A client that leaves while its command is on its way: BLPOP is answered when
# something is pushed.

sub waits {
    my $s = connected();

    print $s "GET /long/send?BLPOP+list+100 HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\n\r\n";

    ok(until_true(sub {
        ($redis->info('clients')->{blocked_clients} // 0) == 1
    }),
       'a command is on its way');

    return $s;
}

ok(answers('/long/ready', 1, 20), 'ready');

my $s = waits();
close $s;
ok(until_true(sub { ask('/status') =~ /Active connections: 1 / }),
   'its client leaves');
$redis->call('RPUSH', 'list', 'x');
is(ask('/long/send?GET+a'), 'string:plain', 'the answer touches nothing');

# Workers that exit finish what is waited for.

my $exits = 0;

for my $signal ('HUP', 'QUIT') {
    ok(answers('/long/ready', 1, 20), 'ready');

    $s = waits();
    $nginx->signal($signal);
    ok(logged(qr/gracefully shutting down/, ++$exits),
       'its worker is told to exit');
    $redis->call('RPUSH', 'list', $signal);

    my ($text) = values %{receive([$s], 10)};
    like($text, qr/array:2\[string:list,string:$signal\]/, 'it is answered');
    ok(logged(qr/exited with code 0/, $exits), 'before the worker ends');
}

ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
