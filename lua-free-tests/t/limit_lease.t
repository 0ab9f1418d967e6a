# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_limit_zone with mode=lease: instances take slices of the
# allowance from Redis and decide by themselves, within the bound that the
# directive's page names; what is not used comes back; without Redis it is as
# in mode=exact.

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
use Test::More;
use Time::HiRes qw(time);

my $redis = Edge::Redis->start();
my $port = $ENV{TEST_NGINX_SERVER_PORT};

# An nginx that listens on the port.
sub http {
    my ($port) = @_;

    my $lease = '1m redis=r mode=lease';
    my $wait = $Edge::Server::slow ? '4s' : '2s';

    return <<"END";
    keepalive_requests 100000;
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout $wait;
        connect_timeout $wait;
    }

    edge_limit_zone \$arg_k zone=one:$lease;
    edge_limit_zone \$arg_k zone=total:$lease replicas=3;
    edge_limit_zone \$arg_k zone=two:$lease;
    edge_limit_zone \$arg_k zone=few:$lease;
    edge_limit_zone \$arg_k zone=exact:1m redis=r;
    edge_limit_zone \$arg_k zone=plan:$lease;
    edge_limit_zone \$arg_k zone=small:64k redis=r mode=lease;
    edge_limit_zone \$arg_k zone=share:$lease replicas=3;
    edge_limit_zone all zone=open:$lease on_error=open;
    edge_limit_zone all zone=closed:$lease on_error=closed;

    map \$arg_k \$rate { default 20r/d; ~^gold 1000r/d; free off; bad 1x/s; }

    add_header X-Status \$edge_limit_status always;
    add_header X-Pid \$pid always;
    edge_limit_log_level info;

    server {
        listen 127.0.0.1:$port reuseport;
        location /one { edge_limit zone=one requests=1000r/d; empty_gif; }
        location /minute { edge_limit zone=one requests=1000r/m; empty_gif; }
        location /other { edge_limit zone=one requests=2000r/d; empty_gif; }
        location /total { edge_limit zone=total requests=300r/d; empty_gif; }
        location /two { edge_limit zone=two requests=1000r/d;
            edge_limit zone=few requests=3r/d; empty_gif; }
        location /mixed { edge_limit zone=two requests=1000r/d;
            edge_limit zone=exact requests=3r/d;
            edge_limit zone=exact concurrent=5; empty_gif; }
        location /ready { edge_limit zone=exact requests=1000000r/d;
            empty_gif; }
        location /plan { edge_limit zone=plan requests=\$rate; empty_gif; }
        location /small { edge_limit zone=small requests=9r/d; empty_gif; }
        location /dry { edge_limit zone=few requests=2r/d;
            edge_limit_dry_run on; empty_gif; }
        location /share { edge_limit zone=share requests=6r/d; empty_gif; }
        location /open { edge_limit zone=open requests=9r/d; empty_gif; }
        location /closed { edge_limit zone=closed requests=100000r/m;
            empty_gif; }
    }
END
}

my @ports = three_ports();
my @nginx = start_three(\&http);

# Requests one behind the other on one connection: how often each status came.
sub many {
    my ($n, $uri, $port) = @_;

    my $s = connected($port);
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\n\r\n" x ($n - 1),
        "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    my $text = receive([$s], 20)->{$s};
    my %count = (200 => 0, 429 => 0);
    $count{$1}++ while $text =~ m{HTTP/1\.1 (\d+) }g;
    return \%count;
}

# What a request got, and of whom.
sub asked {
    my ($uri, $port) = @_;

    my $r = reply("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                  $port);
    return ("$r->{status} " . (field($r, 'X-Status') || ''),
            field($r, 'X-Pid') || 0);
}

sub status { return (asked(@_))[0] }

# A worker that is asked before it has reached Redis counts by itself: waits
# until none of an nginx does.
sub counting {
    my ($port) = @_;
    my ($nginx) = map { $nginx[$_] } grep { $ports[$_] == $port } 0 .. 2;
    my %counts;

    return until_true(sub {
        my ($said, $pid) = asked('/ready?k=ready', $port);

        $counts{$pid} = $said eq '200 PASSED';

        return !grep { !$counts{$_} } $nginx->workers;
    }, 20);
}

sub source {
    my ($path) = @_;

    open my $in, '<', "../src/$path" or die "$path: $!\n";
    local $/;
    return scalar <$in>;
}

# What Redis has left of a key whose unit takes so many seconds.
sub left {
    my ($key, $burst, $seconds) = @_;

    my $tat = $redis->call('GET', "edge:{:}:rl:$key");
    my $now = $redis->call('TIME');

    return $burst if ref $tat;
    my $ahead = ($tat / 1_000_000 - $now->[0]) / $seconds;
    return $burst - ($ahead > 0 ? $ahead : 0);
}

ok(counting($_), "nginx on port $_ counts in Redis") for @ports;

# One instance: nearly exact, and a command for many requests.  What a slice
# has left when its time is over comes later.

my $began = time;

# Units of 1000 a day that may have come back by themselves.
sub flowed { 1 + int((time - $began) / 86.4) }

my $before = $redis->scripts();
my $count = many(900, '/one?k=a', $ports[0]);
is($count->{200}, 900, '900 of 1000 pass');
my $asked = $redis->scripts() - $before;
cmp_ok($asked, '<', 300, "at the price of $asked commands");
cmp_ok(left('one-rpd:a', 1000, 86.4), '<', 100 + flowed(),
       'which are charged for all');

my $more = 0;
ok(until_true(sub {
    $more += many(400, '/one?k=a', $ports[0])->{200};
    return $more >= 98;
}), 'nearly a hundred more pass') or diag $more;
cmp_ok($more, '<=', 100 + flowed(), 'at most so many');

$before = $redis->scripts();
$more += many(900, '/one?k=a', $ports[0])->{200};
cmp_ok($more, '<=', 100 + flowed(), 'no more');
$asked = $redis->scripts() - $before;
cmp_ok($asked, '<', 100, "refusals need no commands: $asked");

my @r;
ok(until_true(sub {
    @r = map { reply("GET /one?k=a HTTP/1.1\r\nHost: a\r\n"
                     . "Connection: close\r\n\r\n", $ports[0]) } 1, 2;
    return statuses(@r) eq '429 429';
}), 'refused');
is(field($_, 'RateLimit-Policy'), '"one-rpd";q=1000;w=86400', 'policy')
    for @r;
like(field($_, 'RateLimit'), qr/^"one-rpd";r=0;t=\d+$/, 'state') for @r;
cmp_ok(field($r[1], 'Retry-After'), '>=', 1, 'when to come again');
is(field($r[1], 'X-Status'), 'REJECTED', 'REJECTED');

# What is not used comes back within seconds.

$count = many(200, '/one?k=idle', $port);
is($count->{200}, 200, 'a burst');
ok(until_true(sub { left('one-rpd:idle', 1000, 86.4) > 798 }),
   'all that was not used is given back');
cmp_ok(left('one-rpd:idle', 1000, 86.4), '<=', 800 + flowed(),
       'and not more');

# Less the time since it was paid for, which has flowed back by itself.  Each
# delay of ours makes that longer: then once more.

my ($try, $spent) = (0);
ok(until_true(sub {
    my $key = 'age' . ++$try;
    my $start = $redis->call('TIME');

    # How many seconds of the allowance were used since the start.
    my $used = sub {
        $spent = $redis->call('GET', "edge:{:}:rl:one-rpm:$key") / 1_000_000
            - $start->[0] - $start->[1] / 1_000_000;
    };

    many(200, "/minute?k=$key", $ports[0])->{200} == 200 or return 0;
    my $charged = $used->();

    return until_true(sub { $used->() < $charged }, 2) && $spent < 14.5;
}, 30), 'of 12 seconds of a minute the rest is given back') or diag $spent;
cmp_ok($spent, '>=', 12.95, 'but for its age, a second');

# The script that gives back, with clocks of Redis that have been set: a new
# master's may be behind that of the one which charged.

sub given_back {
    my ($born) = @_;                   # seconds before now

    my ($lua) = source('limit/ngx_http_edge_limit_script.c')
        =~ /limit_back_text = ngx_string\((.*?)\);/s;
    $lua = join "\n", $lua =~ /"(.*?)\\n"/g;

    my ($second) = @{$redis->call('TIME')};
    $redis->call('SET', 'set', ($second + 100) * 1_000_000);
    $redis->call('EVAL', $lua, 1, 'set', 10 * 1_000_000,
                 ($second - $born) * 1_000_000);

    my $tat = $redis->call('GET', 'set');
    return ref $tat ? 100 : $second + 100 - $tat / 1_000_000;
}

my $given = given_back(4);
ok($given > 0 && $given <= 6, 'less what may have flowed back') or diag $given;
is(given_back(20), 0, 'or nothing');
cmp_ok(given_back(-3600), '<=', 10, 'a clock that was set back adds nothing');

# Another rate for the same key: the slice is not for it.

$count = many(50, '/one?k=rate', $port);
$count->{200} += many(50, '/other?k=rate', $port)->{200};
$count->{200} += many(50, '/one?k=rate', $port)->{200};
is($count->{200}, 150, 'two rates of one key');

# The total of all instances.

my ($total, $uri);
$try = 0;

# A slice whose time was over before it was used up is no part of it.
ok(until_true(sub {
    $uri = '/total?k=' . ++$try;
    my @sockets = map { my $p = $_; map { connected($p) } 1 .. 150 } @ports;
    print $_ "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for @sockets;
    my $text = receive(\@sockets, 20);
    $total = grep { m{^HTTP/1.1 200 } } values %$text;
    return $total >= 300 - 3 * 10;
}), 'three nginx, six workers: not less but for their slices') or diag $total;
cmp_ok($total, '<=', 301, 'no more than is paid');

ok(until_true(sub {
    $total += many(20, $uri, $_)->{200} for @ports;
    return $total >= 297;
}), 'which come back') or diag $total;
cmp_ok($total, '<=', 301, 'and no more than that');

# Several limits: all or nothing.  What is held for a second before it goes back
# is a second's worth less: then another key.

my ($field, $key);
$try = 0;
ok(until_true(sub {
    $key = 'a' . ++$try;
    is(join(' ', map { status("/two?k=$key") } 1 .. 5), join(' ',
       ('200 PASSED') x 3, ('429 REJECTED') x 2), 'one of them refuses');
    many(100, "/two?k=$key");
    $field = field(get("/two?k=$key"), 'RateLimit');
    return $field =~ /"few-rpd";r=0;t=\d+, "two-rpd";r=997;t=\d+/;
}), 'the other is not charged') or diag $field;
ok(until_true(sub { abs(left("two-rpd:$key", 1000, 86.4) - 997) < 1 }),
   'not in Redis either');

$try = 0;
ok(until_true(sub {
    $key = 'm' . ++$try;
    is(many(50, "/two?k=$key")->{200}, 3, 'a key of theirs');
    is(many(200, "/mixed?k=$key")->{200}, 3, 'an exact one besides');
    $field = field(get("/mixed?k=$key"), 'RateLimit');
    return $field =~ /"exact-concurrent";r=5, "two-rpd";r=994/;
}), 'what all say') or diag $field;
ok(until_true(sub { abs(left("two-rpd:$key", 1000, 86.4) - 994) < 1 }),
   'what was held goes back') or diag left("two-rpd:$key", 1000, 86.4);

is(join(' ', map { status('/dry?k=d') } 1 .. 3),
   '200 PASSED 200 PASSED 200 REJECTED_DRY_RUN', 'a dry run');

# Plans; a small allowance has no slices.

is(many(60, '/plan?k=gold')->{200}, 60, 'a plan');
my $iron = 0;
ok(until_true(sub { ($iron += many(60, '/plan?k=iron')->{200}) >= 20 }),
   'another');
is($iron + many(60, '/plan?k=iron')->{200}, 20, 'it is used up');
is(many(60, '/plan?k=free')->{200}, 60, 'none');
is(status('/plan?k=bad'), '500 ', 'a misspelled one');
is(status('/plan?k='), '200 ', 'no key');

# A zone that is full forgets slices, not what was used.

for my $round (1 .. 2) {
    my @got = map { get("/small?k=s$_") } 1 .. 300;
    is(scalar(grep { $_->{status} == 200 } @got), 300, 'a full zone');
}
is(many(20, '/small?k=s1')->{200}, 7, 'what was used counts');

# A reload keeps the slices: while Redis hangs they are all there is, for a
# second.

$try = 0;
ok(until_true(sub {
    my $key = 'gold-' . ++$try;
    my ($old) = $nginx[0]->workers;
    my ($said, $pid);
    many(300, "/plan?k=$key", $ports[0]);
    $redis->hang();
    $nginx[0]->signal('HUP');
    until_true(sub {
        ($said, $pid) = asked("/plan?k=$key", $ports[0]);
        return $pid && $pid != $old;
    });
    $redis->go_on();
    counting($ports[0]);
    return $said eq '200 PASSED';
}, 60), 'a reload keeps a slice');

# Redis hangs: as in mode=exact, once the slices are used up.

$redis->hang();
ok(until_true(sub { status('/closed') eq '503 REJECTED' }), 'closed');
is(status('/open'), '200 DEGRADED', 'open') for 1 .. 4;
is(status('/share?k=s'), '200 DEGRADED', 'a third of six') for 1 .. 2;
is(status('/share?k=s'), '429 REJECTED', 'and no more');

my @gone = map { connected() } 1 .. 5;
print $_ "GET /two?k=gone HTTP/1.1\r\nHost: a\r\n\r\n" for @gone;
close $_ for @gone;                    # clients that leave while it waits

is(scalar(() = $nginx[2]->log_text
          =~ /zone "closed" is without redis, on_error=closed/g), 1,
   'one line for all');

$redis->go_on();
ok(until_true(sub { status('/closed') eq '200 PASSED' }), 'it goes on');
ok(counting($port), 'all workers have it');
my $again = qr/zone "closed" counts in redis again/;
ok(until_true(sub { many(50, '/closed'); $nginx[2]->log_text =~ $again }),
   'and is told');
is(scalar(() = $nginx[2]->log_text =~ /$again/g), 1, 'in one line');

$redis->kill();
ok(until_true(sub { status('/closed') eq '503 REJECTED' }), 'killed: closed');
is(status('/open'), '200 DEGRADED', 'open');
$redis->again();
ok(until_true(sub { status('/closed') eq '200 PASSED' }), 'another one');
ok(counting($port), 'and all is well');

# What is no state of ours is an error of Redis.

$redis->call('LPUSH', 'edge:{:}:rl:one-rpd:list', 1);
is(status('/one?k=list'), '200 DEGRADED', 'a wrong type') for 1 .. 3;
like($nginx[2]->log_text, qr/edge limit: redis says "WRONGTYPE/, 'is told');
$redis->call('DEL', 'edge:{:}:rl:one-rpd:list');
ok(until_true(sub { status('/one?k=list') eq '200 PASSED' }), 'and mended');

# A worker that dies with a slice, and maybe with a renewal under way.

my @busy = map { connected() } 1 .. 3;
print $_ "GET /closed HTTP/1.1\r\nHost: a\r\n\r\n" x 300 for @busy;
kill 'KILL', my @dead = $nginx[2]->workers;
close $_ for @busy;
my %dead = map { $_ => 1 } @dead;
ok(until_true(sub { my @now = $nginx[2]->workers;
                    @now == 3 && !grep { $dead{$_} } @now }), 'new workers');
ok(until_true(sub { status('/closed') eq '200 PASSED' }), 'go on');

# It may have had a lock, which nginx has opened then.
is(join('', grep { !/exited on signal 9|was locked by/ } split /^/,
        $_->alarms), '', 'nothing alarming') for @nginx;

done_testing();
