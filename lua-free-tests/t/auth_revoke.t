# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for auth_jwt_revoke over two workers and a real Redis: tokens, subjects
# and tenants that are taken back by edge-token and given again, entries that
# say nothing, more of them than a page, reload, and a Redis that is not there.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Redis;
use Edge::Server;
use Test::More;

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

Edge::Idp::start();

my $key = Edge::Idp::key('HS256', 'one');
my $redis = Edge::Redis->start();
my $absent = Edge::Env::free_ports(1);

# Nothing is lost by a machine that is busy, and what is known never becomes
# too old; it does for a list of its own, which is read from the same Redis.
my $times = 'timeout 20s; connect_timeout 20s;';
my $from = 'redis=main interval=100ms stale=1h';
my $brief = 'redis=brief interval=100ms stale=2s';
my $nginx;

sub token {
    my ($name, @claims) = @_;

    return Edge::Idp::token($key, '--claim', "jti=$name", @claims);
}

sub http {
    my ($more) = @_;

    return <<"END";
    edge_redis main { server 127.0.0.1:$redis->{port}; $times }
    edge_redis brief { server 127.0.0.1:$redis->{port}; $times }
    edge_redis gone { server 127.0.0.1:$absent; }
    edge_module docs { path /docs/; target http://127.0.0.1:1; }
    server {
        listen $listen reuseport;
        auth_jwt r;
        auth_jwt_key_file $key.jwks;
        auth_jwt_cache zone=tokens:1m;
        auth_jwt_revoke $from;
        location / { empty_gif; }
        location /off/ { auth_jwt_revoke off; empty_gif; }
        location /brief/ { auth_jwt_revoke $brief; empty_gif; }
        location /open/ { auth_jwt_revoke $brief on_error=open; empty_gif; }
        location /gone/ {
            auth_jwt_revoke redis=gone;
            edge_tenant \$jwt_claim_tenant_id;
            edge_route on;
            proxy_pass \$edge_target;
        }
        location /goneopen/ {
            auth_jwt_revoke redis=gone on_error=open;
            empty_gif;
        }
        location /docs/ {
            edge_tenant \$jwt_claim_tenant_id;
            edge_route on;
            proxy_pass \$edge_target;
        }
        $more
    }
END
}

sub response {
    my ($uri, $token) = @_;

    my $s = connected() or return '';
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "Authorization: Bearer $token\r\n\r\n";

    return receive([$s], 10)->{$s};
}

sub status { response(@_) =~ /^HTTP\S+ (\d+)/ ? $1 : 'none' }

sub becomes {
    my ($status, @request) = @_;

    return until_true(sub { status(@request) eq $status }, 20)
        && status(@request) eq $status;
}

sub lines {
    my ($pattern) = @_;

    return scalar grep { /$pattern/ } split /\n/, $nginx->log_text();
}

# edge-token revoke: its exit status, and what it said.
sub revoke {
    my ($options, $input, $port) = @_;

    $input //= '';
    $port //= $redis->{port};

    my $tool = "$Edge::Env::tree/tools/edge-token";

    Edge::Idp::write_file("$Edge::Env::tmp/input", $input);

    my $text = `$tool revoke $options -- -p $port \\
                < $Edge::Env::tmp/input 2>&1`;

    return ($? >> 8, $text);
}

sub revoked {
    my ($options, $input) = @_;

    my ($status, $text) = revoke($options, $input);

    is($status, 0, "edge-token revoke $options") or diag $text;
}

sub add { $redis->call('XADD', 'edge:revoked', '*', @_) }

my %good = map { $_ => token($_, '--sub', "s$_", '--tenant', "t$_",
                             '--iss', 'i') } qw(a b c d e f);

$nginx = Edge::Server->start(http('error_log ' . $Edge::Env::tmp
                                  . '/error.log info;'), workers => 2);

ok(becomes(200, '/', $good{a}), 'nothing is revoked, without a stream');

# Tokens.

revoked('--token -', $good{a});
ok(becomes(401, '/', $good{a}), 'a token is revoked');
like(response('/', $good{a}),
     qr/\r\nWWW-Authenticate: Bearer realm="r", error="invalid_token"/,
     'as invalid');
is(join(' ', map { status('/', $good{a}) } 1 .. 16), join(' ', (401) x 16),
   'in both workers, though the verdict is remembered');
is(status('/', $good{b}), 200, 'another is not');
is(status('/off/', $good{a}), 200, 'where it is off it is not asked');
ok(lines(qr/JWT refused: revoked/), 'the log says why');

revoked('--jti b --iss j');
revoked('--jti c --iss i --for 1h');
ok(becomes(401, '/', $good{c}), 'by its issuer too');
is(status('/', $good{b}), 200, 'another issuer has the same jti');

revoked('--jti c --iss i --restore');
ok(becomes(200, '/', $good{c}), 'it is given back');

# For some seconds: more of them if they were over before that was seen.

for my $seconds (3, 12, 48) {
    revoked("--jti c --for ${seconds}s");
    last if until_true(sub { status('/', $good{c}) eq '401' }, $seconds);
    fail('for some seconds') if $seconds == 48;
}

ok(until_true(sub { status('/', $good{c}) eq '200' }, 60), 'and then not');

# Subjects.

revoked('--sub sc');
ok(becomes(401, '/', $good{c}), 'a subject is revoked');

revoked('--sub sd --before 1000');
revoked('--sub se --before ' . (time + 1000));
ok(becomes(401, '/', $good{e}), 'a token from before is not good');
is(status('/', $good{d}), 200, 'one from later is');

# Tenants.

is(status('/docs/x', $good{f}), 502, 'a tenant is let through');
revoked('--tenant tf');
ok(becomes(403, '/docs/x', $good{f}), 'a tenant is revoked');
like(response('/docs/x', $good{f}), qr/the tenant has been revoked/, 'and told so');
is(status('/docs/x', $good{d}), 502, 'another is not');
is(status('/', $good{f}), 200, 'its token is as good as it was');

# What the tool does not do.

my @wrong = ('', '--jti a --sub b', '--jti ""', '--jti a --before now',
             '--tenant a --iss i', '--sub a --before x', '--sub a --for 0s',
             '--sub a --restore --for 1s', '--token x --for 1s', '--what a');

for my $wrong (@wrong) {
    is((revoke($wrong))[0], 2, "wrong usage: $wrong");
}

for (['--token x.y', qr/three parts/], ['--token -', qr/not a JSON|no jti/]) {
    my ($status, $text) = revoke($_->[0], 'x.e30.y');

    is($status, 1, "$_->[0] fails");
    like($text, $_->[1], 'and says why');
}

my ($status, $text) = revoke('--jti a', '', $absent);

is($status, 1, 'no Redis: it fails');
like($text, qr/redis-cli/, 'and says so');

# Entries that say nothing stop nothing.

add(what => 'ever');
add(jti => 'x', until => 'y');
add(jti => 'f');
ok(becomes(401, '/', $good{f}), 'the entry behind two wrong ones counts');
ok(until_true(sub { lines(qr/revokes nothing: it has an unknown field/) }),
   'a wrong one is told');
is(lines(qr/"edge_redis main" revokes nothing: until is no time/), 1, 'once');

# Many.

$redis->call('EVAL', "for i = 1, 1700 do redis.call('XADD', 'edge:revoked',"
    . " '*', 'jti', 'n' .. i) end", 0);
my @many = map { token("n$_") } 1, 499, 500, 501, 1000, 1699, 1700;
ok(becomes(401, '/', $many[-1]), 'more than a page is read');
is(join(' ', map { status('/', $_) } @many), join(' ', (401) x @many),
   'and none is left out');

# A reload reads all of it again and forgets nothing.

$redis->call('DEL', 'edge:revoked');
add(jti => 'd');
$nginx->signal('HUP');
ok(until_true(sub { lines(qr/exited with code 0/) >= 2 }), 'a reload');
ok(becomes(401, '/', $good{d}), 'what was new is read');
is(status('/', $good{a}), 401, 'what was known is known');

# Redis is not there.

is(status('/gone/', $good{b}), 503, 'never read: no token is let in');
like(response('/gone/', $good{b}), qr/\r\nRetry-After: \d+\r\n/,
     'for a while');
is(status('/goneopen/', $good{b}), 200, 'but where that is asked for');

# a worker that is not connected yet may tell a loss, which ends at once
sub lost { lines(qr/cannot be read from "edge_redis main"/) }
sub back { lines(qr/could be read again from "edge_redis main"/) }

# two of each worker, and the test's own
sub connected_all {
    return until_true(sub {
        ($redis->info('clients')->{connected_clients} // 0) >= 5;
    }, 30) && until_true(sub { lost() == back() });
}

ok(becomes(401, '/open/', $good{d}), 'another list has the same');
ok(connected_all(), 'all workers are connected');

my $lost = lost();

$redis->kill();
is(status('/', $good{b}), 200, 'Redis is gone: what is known serves');
is(status('/', $good{a}), 401, 'both ways');
ok(becomes(503, '/brief/', $good{b}), 'until it is too old');
is(status('/open/', $good{b}), 200, 'which may be ignored');
is(status('/open/', $good{d}), 401, 'and is still known');
ok(until_true(sub { lost() > $lost }), 'the loss is told');
is(lost(), $lost + 1, 'once');

my $back = back();

$redis->again();
ok(until_true(sub { status('/brief/', $good{b}) eq '200' }, 20),
   'Redis is back');
is(status('/open/', $good{d}), 401, 'empty, which gives nothing back');
is(status('/', $good{a}), 401, 'to nobody');
ok(until_true(sub { back() > $back }), 'the return is told');
ok(connected_all(), 'and that of all workers not more often than their loss');

$back = back();
$redis->call('SET', 'edge:revoked', 1);
ok(until_true(sub { lines(qr/"edge_redis main": Redis said: WRONGTYPE/) }),
   'a key that is no stream is told');

# What cannot be read on from is not left out in silence.

$redis->call('DEL', 'edge:revoked');
ok(until_true(sub { back() > $back }), 'no key is no revocation');
$redis->call('XADD', 'edge:revoked', '9223372036854775808-1', jti => 'z');
ok(until_true(sub { lines(qr/an id in "edge:revoked" is not understood/) }),
   'an id that is too large is told');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without alarms');

# A zone that is full does not forget.

$redis->call('DEL', 'edge:revoked');
$redis->call('EVAL', "for i = 1, 1700 do redis.call('XADD', 'edge:revoked',"
    . " '*', 'jti', 'n' .. i) end", 0);

$nginx = Edge::Server->start("edge_redis main"
    . " { server 127.0.0.1:$redis->{port}; $times }"
    . " server { listen $listen; auth_jwt r; auth_jwt_key_file $key.jwks;"
    . " auth_jwt_revoke redis=main size=64k interval=100ms;"
    . " location / { empty_gif; } }");
ok(until_true(sub { lines(qr/\[crit\].*has no room/) }), 'a full zone');
is(status('/', $good{b}), 503, 'lets nobody in');

# What nginx -t refuses.

my %refused = (
    '' => qr/number of arguments/,
    'on' => qr/invalid parameter "on"/,
    'redis=' => qr/invalid parameter/,
    'interval=1s' => qr/needs redis=/,
    'redis=main interval=1ms' => qr/invalid parameter "interval=1ms"/,
    'redis=main stale=10s interval=5s' => qr/at least three times/,
    'redis=main on_error=maybe' => qr/invalid parameter "on_error=maybe"/,
    'redis=main size=1k' => qr/invalid parameter "size=1k"/,
    'redis=other' => qr/"other"/,
    'redis=main; auth_jwt_revoke off' => qr/is duplicate/,
);

for my $args (sort keys %refused) {
    my ($status, $text) = Edge::Server->check(
        "edge_redis main { server 127.0.0.1:$absent; }"
        . " server { listen $listen; location / { auth_jwt r;"
        . " auth_jwt_key_file $key.jwks; auth_jwt_revoke $args; } }");

    like($text, $refused{$args}, "refused: $args");
    isnt($status, 0, 'with a status');
}

done_testing();
