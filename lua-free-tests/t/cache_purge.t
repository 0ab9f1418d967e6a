# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for purges of a zone that instances share: what goes, where and when,
# what comes too late, and what becomes of it without Redis.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache;
use Edge::Redis;
use Edge::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $redis = Edge::Redis->start();
my @ports = @ENV{qw(TEST_NGINX_SERVER_PORT TEST_NGINX_RAND_PORT_2)};
my $stub = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

Edge::Cache::target($ENV{TEST_NGINX_RAND_PORT_1});

sub http {
    my ($port, $blind) = @_;

    return <<"END";
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 3s;
        connect_timeout 3s;
    }
    edge_cache_zone zone=c:1m redis=r $blind;
    edge_module m { path /m/; target http://$stub; }
    edge_module n { path /n/; target http://$stub; }
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:$port reuseport;
        edge_tenant \$http_x_t unverified;
        location / {
            edge_route on;
            edge_cache c;
            edge_cache_bypass \$http_x_bypass;
            edge_cache_key \$uri;
            edge_cache_max_size 100k;
            add_header X-Status \$edge_cache_status always;
            proxy_pass \$edge_target;
        }
        location = /purge {
            edge_cache_purge zone=c unverified;
            add_header X-Pid \$pid always;
        }
    }
END
}

# The second goes blind after eight seconds.
my @http = (http($ports[0], ''), http($ports[1], 'blind=8s'));

my @nginx = map {
    my $port = $ports[$_];
    my $nginx = Edge::Server->start($http[$_], workers => 2);
    until_true(sub { connected($port) }) or die "no nginx on $port\n";
    $nginx;
} 0 .. 1;

sub at {
    my ($i, $code) = @_;

    local $ENV{TEST_NGINX_SERVER_PORT} = $ports[$i];
    return $code->();
}

my $fresh = 'h=Cache-Control:max-age=600';

# The body of a URI at an instance; of another call, another one.
sub body {
    my ($i, $uri, $tenant) = @_;

    return at($i, sub {
        get("$uri?$fresh", 'X-T: ' . ($tenant // 'acme'))->{body}
    });
}

sub purge {
    my ($i, $what) = @_;

    return at($i, sub { ask('POST', "/purge?$what", '') });
}

sub opened {
    my ($i, $uri, @fields) = @_;

    my $s = connected($ports[$i]) or die "connect: $!\n";
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\nX-T: acme\r\n"
        . join('', map { "$_\r\n" } @fields, 'Connection: close') . "\r\n";

    return $s;
}

# All workers have Redis; what one instance stores the other finds.
sub share {
    my %can;

    for my $i (0, 1) {
        ok(until_true(sub {
            my $reply = purge($i, 'tenant=nobody');
            $can{field($reply, 'X-Pid')} = $reply->{status} == 200;
            return !grep { !$can{$_} } $nginx[$i]->workers;
        }, 20), "$_[0]: all at $i can");
    }

    ok(until_true(sub {
        my $uri = '/m/up' . time;
        my $body = body(0, $uri);
        return body(1, $uri) eq $body;
    }), "$_[0]: they share");
}

share('the start');

# ---- what goes

my @all = map { my $t = $_; map { [$t, $_] } qw(/m/a /n/a) } qw(acme globex);

# What each of them has now, by instance and "tenant uri".
sub warm {
    my @body;

    for my $i (0, 1) {
        $body[$i]{"@$_"} = body($i, $_->[1], $_->[0]) for @all;
    }

    return @body;
}

for my $case (['tenant=acme&module=m', 'acme /m/a'],
              ['tenant=acme', 'acme /m/a', 'acme /n/a'],
              ['module=n', 'acme /n/a', 'globex /n/a'],
              ['all=1', map { "@$_" } @all])
{
    my ($what, @gone) = @$case;
    my %gone = map { $_ => 1 } @gone;
    my @body = warm();
    my $reply = purge(0, $what);

    is($reply->{status}, 200, "$what: purged");
    like($reply->{body}, qr/^\{"purged":[1-9]\d*\}$/, "$what: so many");

    for my $i (0, 1) {
        for my $name (sort keys %gone) {
            my ($tenant, $uri) = split / /, $name;
            my $old = $body[$i]{$name};

            if ($i == 0) {
                isnt(body(0, $uri, $tenant), $old, "$what: $name at once");
                next;
            }

            ok(until_true(sub { body(1, $uri, $tenant) ne $old }),
               "$what: $name at the other");
        }
    }

    for my $name (grep { !$gone{$_} } sort keys %{$body[0]}) {
        my ($tenant, $uri) = split / /, $name;

        is(body($_, $uri, $tenant), $body[$_]{$name},
           "$what: not $name at $_") for 0, 1;
    }
}

# ---- a body is not waited for, nor an answer needed

{
    my $s = connected($ports[0]);
    print $s "POST /purge?tenant=x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "Content-Length: 3\r\n\r\na";
    my $line = <$s>;
    print $s 'bc';
    like($line, qr/^HTTP\/1.1 200/, 'a body that comes slowly');
    close $s;
}

{
    my $old = body(1, '/m/left');
    my $s = connected($ports[0]);
    print $s "POST /purge?tenant=acme HTTP/1.1\r\nHost: a\r\n"
        . "Content-Length: 0\r\n\r\n";
    close $s;
    ok(until_true(sub { body(1, '/m/left') ne $old }),
       'a client that does not stay');
}

# ---- what is in Redis alone

sub large_at {
    my ($i) = @_;

    return at($i, sub { get("/m/large?$fresh&b=50000") })->{body};
}

my $first = large_at(0);
ok(until_true(sub {
    grep { $redis->call('STRLEN', $_) > 50000 } @{$redis->call('KEYS', 'edge:c:*')}
}), 'too long for a zone');
ok(large_at(1) eq $first, 'the other finds it');
is(purge(1, 'module=m')->{status}, 200, 'and purges it');
ok(large_at(1) ne $first, 'gone there at once');
ok(until_true(sub { large_at(0) ne $first }), 'and here');

my $text = $redis->call('ZRANGE', 'edge:purge:{c}', 0, -1);
is(scalar(grep { !/^[0-9a-f]{32}$/ } @$text), 0, 'labels tell no names');

# ---- what began before a purge and ends after it

for my $i (0, 1) {
    my $before = calls();
    my $late = opened($i, "/m/late$i?wait=1&$fresh");

    ok(until_true(sub { calls() > $before }), "at $i: on its way");
    is(purge(0, 'tenant=acme')->{status}, 200, "at $i: meanwhile purged");

    my $old = Edge::Cache::parse(receive([$late], 20)->{$late})->{body};

    like($old, qr/^\d+ \[/, "at $i: it comes");
    ok(until_true(sub { body(1, "/m/late$i") ne $old }),
       "at $i: too late for the other");
    isnt(body(0, "/m/late$i"), $old, "at $i: and for the one that purged");
}

{
    my $before = calls();
    my $late = opened(0, "/m/asked?wait=1&$fresh", 'X-Bypass: 1');

    ok(until_true(sub { calls() > $before }), 'one past the cache');
    is(purge(0, 'tenant=acme')->{status}, 200, 'meanwhile purged');

    my $old = Edge::Cache::parse(receive([$late], 20)->{$late})->{body};

    isnt(body(0, '/m/asked'), $old, 'is not kept either');
}

# ---- a reload keeps both

share('before a reload');
my $kept = body(0, '/m/kept');
my $gone = body(0, '/n/gone');
is(purge(0, 'module=n')->{status}, 200, 'purged');
my @before = $nginx[0]->workers;
$nginx[0]->configure($http[0]);
$nginx[0]->signal('HUP');
ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx[0]->workers;
    return %now && !grep { $now{$_} } @before;
}), 'a reload');
is(body(0, '/m/kept'), $kept, 'entries stay over a reload');
share('after it');
isnt(body(0, '/n/gone'), $gone, 'and so do purges');

# ---- Redis loses all

my %old = map { $_ => body($_, "/m/lost$_") } 0, 1;
$redis->call('FLUSHALL');
for my $i (0, 1) {
    ok(until_true(sub { body($i, "/m/lost$i") ne $old{$i} }),
       "Redis has lost its purges: all goes at $i");
}

# ---- a fail-over loses the last one, and another is made at once

is(purge(0, 'tenant=other')->{status}, 200, 'a purge');
%old = map { $_ => body($_, "/m/over$_") } 0, 1;
$redis->call('EVAL', "local last = redis.call('ZRANGE', KEYS[1], -1, -1,"
             . " 'WITHSCORES') redis.call('ZREM', KEYS[1], last[1])"
             . " redis.call('ZADD', KEYS[1], string.format('%.0f',"
             . " last[2] + 1), string.rep('f', 32))", 1, 'edge:purge:{c}');
for my $i (0, 1) {
    ok(until_true(sub { body($i, "/m/over$i") ne $old{$i} }),
       "who knew it tells: all goes at $i");
}

# ---- more labels than are kept

$old{$_} = body($_, "/m/many$_") for 0, 1;
$redis->call('EVAL', "for i = 1, 1000 do redis.call('ZADD', KEYS[1], i,"
             . " string.format('%032x', 1000 + i)) end", 1, 'edge:purge:{c}');
is(purge(0, 'tenant=other')->{status}, 200, 'one label too many');
is($redis->call('ZCARD', 'edge:purge:{c}') <= 1001, 1, 'the oldest go');
share('after it');
is(body($_, "/m/many$_"), $old{$_}, "no entry at $_ is older than they")
    for 0, 1;

# ---- without Redis

%old = map { $_ => body($_, '/m/down') } 0, 1;
$redis->kill();

my $reply = purge(0, 'tenant=acme');
is($reply->{status}, 503, 'a purge without Redis');
like($reply->{body}, qr/"code":"purged_in_part"/, 'says so');
is(field($reply, 'Retry-After'), 1, 'and when to repeat it');
isnt(body(0, '/m/down'), $old{0}, 'but it is done here');

ok(until_true(sub { body(1, '/m/down') ne $old{1} }, 40),
   'who is blind for too long keeps nothing that is older');
ok(until_true(sub { body(1, '/m/down') eq body(1, '/m/down') }),
   'what is newer it does keep');
my %said = map { $_ => 1 } $nginx[0]->log_text
    =~ / \[warn\] (\d+)#.* zone "c" has not heard of purges for 8000 ms/g;
ok(scalar(grep { $said{$_} } $nginx[1]->workers), 'which is logged');
ok(!(grep { $said{$_} } $nginx[0]->workers), 'by it alone');

$redis->again();
share('Redis is back');
like($nginx[0]->log_text, qr/zone "c" hears of purges again/, 'and logged');

# ---- a Redis that hangs

$redis->hang();
my $left = connected($ports[0]);
print $left "POST /purge?all=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
is(purge(0, 'tenant=acme')->{status}, 503, 'a Redis that hangs');
close $left;
$redis->go_on();
share('it goes on');

# ---- something else in its place

# at once, or an instance puts a set there between the two
$redis->call('EVAL', "redis.call('DEL', KEYS[1])"
             . " redis.call('LPUSH', KEYS[1], 'x')", 1, 'edge:purge:{c}');
is(purge(0, 'tenant=acme')->{status}, 503, 'a list in its place');
ok(until_true(sub {
    $nginx[0]->log_text =~ /purges of zone "c" cannot be read.*WRONGTYPE/
}), 'is told of');
$redis->call('DEL', 'edge:purge:{c}');
share('without it');

is($_->alarms, '', 'no alarms') for @nginx;

done_testing();
