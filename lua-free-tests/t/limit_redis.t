# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_limit_zone with redis: three nginx share a limit and let
# pass exactly what it allows; slots; what happens without Redis, by
# on_error, and how long a client waits.

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

my $redis = Edge::Redis->start();
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $backend = $ENV{TEST_NGINX_RAND_PORT_3};

Edge::Stub::start($backend, { slow => sub {
    ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", \600)
} });

# An nginx that listens on the port.
sub http {
    my ($port) = @_;

    return <<"END";
    edge_redis r { server 127.0.0.1:$redis->{port}; timeout 3s; }

    edge_limit_zone all zone=total:1m redis=r;
    edge_limit_zone all zone=much:1m redis=r;
    edge_limit_zone \$arg_k zone=keys:1m redis=r mode=exact on_error=local;
    edge_limit_zone \$arg_k zone=plan:1m redis=r;
    edge_limit_zone \$arg_k zone=slots:1m redis=r;
    edge_limit_zone \$arg_k zone=share:1m redis=r replicas=3;
    edge_limit_zone all zone=open:1m redis=r on_error=open;
    edge_limit_zone all zone=closed:1m redis=r on_error=closed;
    edge_limit_zone \$edge_tenant zone=tenant:1m redis=r;

    map \$arg_r \$rate { default 100r/d; off off; bad 1x/s; }

    edge_module m { target http://127.0.0.1:$port; }
    add_header X-Status \$edge_limit_status always;

    server {
        listen 127.0.0.1:$port;
        location /total { edge_limit zone=total requests=300r/d;
            edge_limit_log_level info; empty_gif; }
        location /two { edge_limit zone=keys requests=3r/d;
            edge_limit zone=much requests=700r/m; empty_gif; }
        location /ready { edge_limit zone=plan requests=9000000r/d;
            empty_gif; }
        location /plan { edge_limit zone=plan requests=\$rate burst=2;
            empty_gif; }
        location /slow { edge_limit zone=slots concurrent=3;
            proxy_buffering off;
            proxy_pass http://127.0.0.1:$backend/slow/; }
        location /slots { edge_limit zone=slots concurrent=3; empty_gif; }
        location /share { edge_limit zone=share requests=6r/d; empty_gif; }
        location /one { edge_limit zone=share requests=1r/h; empty_gif; }
        location /open { edge_limit zone=open requests=2r/d; empty_gif; }
        location /closed { edge_limit zone=closed requests=99r/m; empty_gif; }
        location /dry { edge_limit zone=closed requests=99r/m;
            edge_limit_dry_run on; empty_gif; }
        location /ok { return 200 ok; }
        location /api/ {
            edge_tenant \$http_x_t unverified; edge_route on;
            edge_limit zone=tenant requests=1r/d;
            proxy_pass http://127.0.0.1:$port/ok;
        }
    }
END
}

my @ports = three_ports();
my @nginx = start_three(\&http);

# One that is asked before it has reached Redis counts by itself.
sub counting {
    my ($port) = @_;
    my $good = 0;

    return until_true(sub {
        $good = status('/ready?k=ready', $port) eq '200 PASSED'
            ? $good + 1 : 0;
        return $good >= 20;
    });
}

sub status {
    my ($uri, $port) = @_;

    my $r = reply("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                  $port);
    return "$r->{status} " . (field($r, 'X-Status') || '');
}

ok($redis->greeted(6), 'six workers have Redis');
ok(counting($_), "nginx on port $_ counts in it") for @ports;

# The total of all of them.

my @sockets = map { my $p = $_; map { connected($p) } 1 .. 150 } @ports;
print $_ "GET /total HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for @sockets;
my $text = receive(\@sockets, 20);
is(scalar(grep { m{^HTTP/1.1 200 } } values %$text), 300,
   'three nginx, six workers, 450 requests: one exact total');
is(scalar(grep { m{^HTTP/1.1 429 } } values %$text), 150, 'and 429 for others');

my @r = get('/total');
is(statuses(@r), 429, 'no more');
is(field($r[0], 'RateLimit-Policy'), '"total-rpd";q=300;w=86400', 'policy');
is(field($r[0], 'RateLimit'), '"total-rpd";r=0;t=288', 'state');
ok(field($r[0], 'Retry-After') >= 287, 'not before');

# Keys; all or none of two limits.

@r = map { get("/two?k=$_") } qw(a a a a b);
is(statuses(@r), '200 200 200 429 200', 'keys');
is(field($r[0], 'RateLimit'), '"keys-rpd";r=2;t=28800, '
   . '"much-rpm";r=699;t=1', 'what both say');
my $before = $redis->scripts();
is(status('/two?k=once'), '200 PASSED', 'two policies');
is($redis->scripts() - $before, 1, 'are one script');
ok($redis->call('PTTL', 'edge:{:}:rl:keys-rpd:a') > 80_000_000,
   'a key of Redis, which goes by itself');
my $long = 'x' x 200;
is(statuses(get("/two?k=$long"), get("/two?k=$long")), '200 200', 'a long one');
is(scalar(grep { /^edge:\{:\}:rl:keys-rpd#[0-9a-f]{40}$/ }
          @{$redis->call('KEYS', '*keys-rpd*')}), 1,
   'is digested, under a name that no short one has');

@r = map { get("/plan?k=p&r=$_") } qw(x x x off off bad);
is(statuses(@r), '200 200 429 200 200 500', 'rates by plan');

@r = map { get('/api/v1/m/x', "X-T: $_") } qw(acme acme other);
is(statuses(@r), '200 429 200', 'tenants');
is($redis->call('EXISTS', 'edge:{acme}:rl:tenant-rpd:acme'), 1,
   'in a key with the tenant as its tag');
like($r[1]{body}, qr/"violated-policies":\["tenant-rpd"\]/, 'a problem');

# Slots, over all instances.

# A request that has its slot: what comes behind it finds it taken.
sub begin {
    my ($key, $port) = @_;

    my $s = connected($port);
    print $s "GET /slow?k=$key HTTP/1.1\r\nHost: a\r\n\r\n";
    like(scalar <$s>, qr{^HTTP/1.1 200 }, "a slot of $key");
    return $s;
}

sub slots { $redis->call('ZCARD', "edge:{:}:rl:slots-concurrent:$_[0]") }

my @running = map { begin('a', $_) } @ports;
is(slots('a'), 3, 'one slot in each');
is(status('/slots?k=a'), '429 REJECTED', 'no fourth');
is(status('/slots?k=b'), '200 PASSED', 'another key');
ok(until_true(sub { slots('b') == 0 }), 'a slot is given back');
close shift @running;
ok(until_true(sub { slots('a') == 2 }), 'also by a client that leaves');
is(status('/slots?k=a'), '200 PASSED', 'for another');

$redis->call('ZADD', 'edge:{:}:rl:slots-concurrent:a', 1, 'dead');
is(status('/slots?k=a'), '200 PASSED', 'what has lapsed does not count');
close $_ for @running;
ok(until_true(sub { slots('a') == 0 }), 'none is left');

# What is no state of ours.

$redis->call('SET', 'edge:{:}:rl:keys-rpd:odd', 'garbage');
$redis->call('LPUSH', 'edge:{:}:rl:keys-rpd:list', 1);
is(status('/two?k=odd'), '200 DEGRADED', 'garbage is an error of Redis');
is(status('/two?k=list'), '200 DEGRADED', 'a wrong type, too');
is(status('/two?k=c'), '200 PASSED', 'others are counted');

# A server that knows no scripts any more.

$redis->call('SCRIPT', 'FLUSH');
is(status('/two?k=d'), '200 PASSED', 'the script is sent again');

# Redis hangs: nobody waits longer than the timeout.

my $patience = $Edge::Server::slow ? 40 : 20;
$redis->hang();

my $start = time;
is(status('/closed'), '503 REJECTED', 'closed');
cmp_ok(time - $start, '<', $patience, 'in time');
is(status('/open'), '200 DEGRADED', 'open') for 1 .. 4;
is(field(get('/open'), 'RateLimit'), undef, 'nothing is known of it');
is(status('/dry'), '200 REJECTED_DRY_RUN', 'closed, dry run');
is(status("/share?k=s"), '200 DEGRADED', 'a third of six') for 1 .. 2;
is(status("/share?k=s"), '429 REJECTED', 'and no more');
is(status("/one?k=s"), '200 DEGRADED', 'one is the least');
is(status("/one?k=s"), '429 REJECTED', 'but one it is');
my @c = get('/closed');
is(field($c[0], 'Retry-After'), 1, 'when to come again');
my @local = map { begin('z', $port) } 1 .. 3;
is(status('/slots?k=z'), '429 REJECTED', 'slots are counted here');
close $_ for @local;
ok(until_true(sub { status('/slots?k=z') eq '200 DEGRADED' }), 'and back');

is(scalar(() = $nginx[2]->log_text
          =~ /zone "closed" is without redis, on_error=closed/g), 1,
   'one line, whatever the number of requests');

# It comes back.

$redis->go_on();
ok($redis->greeted(6), 'all workers have it');
ok(until_true(sub { status('/closed') eq '200 PASSED' }), 'it goes on');
my $again = qr/zone "closed" counts in redis again/;
ok(until_true(sub { status('/closed'); $nginx[2]->log_text =~ $again }),
   'and is told');
status('/closed') for 1 .. 10;
is(scalar(() = $nginx[2]->log_text =~ /$again/g), 1, 'in one line');

# It dies.

$redis->kill();
ok(until_true(sub { status('/closed') eq '503 REJECTED' }), 'killed: closed');
is(status('/open'), '200 DEGRADED', 'open');
is(status("/share?k=t"), '200 DEGRADED', 'local');
$redis->again();
ok(until_true(sub { status('/closed') eq '200 PASSED' }), 'another one');
ok(until_true(sub {
    status('/closed');
    return $nginx[2]->log_text =~ /$again, lost 2 times so far/;
}), 'losses are counted');

is($_->alarms, '', 'nothing alarming') for @nginx;

done_testing();
