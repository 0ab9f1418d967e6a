# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for auth_jwt_key_url over two workers: the first fetch, unknown keys,
# rotation, an identity provider that fails in every way, reload, a worker that
# dies, and what is left at the exit.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Server;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

Edge::Idp::start();

my $one = Edge::Idp::key('ES256', 'one');
my $two = Edge::Idp::key('ES256', 'two');
my $three = Edge::Idp::key('RS256', 'three');
my $secret = Edge::Idp::key('HS256', 'secret');

my $good = Edge::Idp::token($one);
my $later = Edge::Idp::token($two);
my $bogus = Edge::Idp::token($two, '--kid', 'nobody');

# What is wrong with a response, and how the log says it.
my %wrong = (
    status => ['', 'status 503', qr/status 503/],
    redirect => ['', 'status 302', qr/status 302/],
    garbage => ['no JSON at all', '', qr/no keys from/],
    empty => ['', '', qr/no keys from/],
    useless => ['{"keys":[{"kty":"x"}]}', '', qr/no keys from/],
    huge => ['x' x 262145, '', qr/the body is larger than 262144 bytes/],
    cut => ['', 'close', qr/status 502/],
    slow => [Edge::Idp::jwks($one), 'slow 30', qr/timed out/],
);

# Of the fetch that its worker does not survive: its lease must end as well.
my $timeout = $Edge::Server::slow ? '20s' : '5s';

my @locations = (
    [a => 'cooldown=1h timeout=20s'],
    [kid => 'cooldown=1h timeout=20s'],
    [flood => 'cooldown=2s timeout=20s'],
    [quick => 'refresh=1s timeout=20s'],
    [wait => 'cooldown=1h timeout=20s'],
    [none => 'refresh=1s cooldown=1h timeout=20s'],
    [mixed => 'timeout=20s'],
    [full => 'timeout=20s'],
    [dead => "refresh=1s timeout=$timeout"],
    map { [$_ => 'timeout=' . ($_ eq 'slow' ? '1s' : '20s')] }
        sort keys %wrong,
);

Edge::Idp::publish($_->[0], Edge::Idp::jwks($one)) for @locations;
Edge::Idp::publish($_, @{$wrong{$_}}[0, 1]) for keys %wrong;
Edge::Idp::publish('none', '', 'status 500');

my $odd = { kty => 'EC', crv => 'P-256', kid => 'odd', x => 'AA', y => 'AA' };
my $mixed = Edge::Idp::jwks($odd, $secret, $three, $one);

Edge::Idp::publish('mixed', $mixed);

# As large as a body may be.
my $full = Edge::Idp::jwks($one);

Edge::Idp::publish('full', $full . ' ' x (262144 - length $full));

sub http {
    my $text = Edge::Idp::server();

    $text .= "server {\n"
        . "listen $listen reuseport;\n"
        . "add_header X-Worker \$pid always;\n"
        . "location / { empty_gif; }\n";

    for (@locations) {
        my ($name, $parameters) = @$_;

        $text .= "location /$name/ {\n"
            . "auth_jwt r;\n"
            . "auth_jwt_algorithms ES256 RS256 HS256;\n"
            . "auth_jwt_key_url $Edge::Idp::url/$name ca=$Edge::Idp::ca"
            . " $parameters;\n"
            . "empty_gif;\n}\n";
    }

    return "$text}\n";
}

# get NAME, TOKEN...: asks with each of the tokens, all at once; gives the
# statuses.
my ($nginx, %workers);

sub get {
    my ($name, @tokens) = @_;

    my @sockets = map {
        my $s = connected() or die "connect: $!\n";
        print $s "GET /$name/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            . "Authorization: Bearer $_\r\n\r\n";
        $s;
    } @tokens;

    my $text = receive(\@sockets, 30);

    for (values %$text) {
        $workers{$1}++ if /^X-Worker: (\d+)/m;
    }

    return join ' ', map { $text->{$_} =~ /^HTTP\S+ (\d+)/ ? $1 : 'none' }
        @sockets;
}

sub lines {
    my ($match) = @_;

    return scalar grep { /$match/ } split /\n/, $nginx->log_text();
}

# The log has so many lines that match.
sub logged {
    my ($match, $n) = @_;

    return until_true(sub { lines($match) >= $n }) && lines($match) == $n;
}

$nginx = Edge::Server->start(http(), workers => 2);

# Wait for the first fetches: each is told in the log.

ok(logged(qr{keys of "\S+/$_" are in force}, 1), "keys are fetched: $_")
    for qw(a dead flood full kid mixed quick wait);

ok(logged(qr{\[error\](?=.*/$_")(?=.*$wrong{$_}[2])}, 1), "refused: $_")
    for sort keys %wrong;

my $calls = Edge::Idp::calls();

is($calls->{a}, 1, 'one worker fetches for both, before any request');

is(get('a', $good), 200, 'a token of a fetched key is good');
is(get('a', ($good) x 20), join(' ', (200) x 20), 'and so it is often');
is(scalar(keys %workers), 2, 'in both workers');
is(Edge::Idp::calls()->{a} || 0, 0, 'without another fetch');

like(get($_, $good), qr/^50[03]$/, "without keys it is no answer: $_")
    for sort grep { $_ ne 'slow' } keys %wrong;

# A set of several keys.

is(get('mixed', $good), 200, 'a good key behind a bad one works');
is(get('mixed', Edge::Idp::token($three)), 200, 'so does an RSA key');
is(get('mixed', Edge::Idp::token($secret)), 401,
   'a secret that was published does not');
ok(logged(qr/\[warn\].*"odd".*\/mixed/, 1), 'the bad one is told once');

# Rotation: an unknown kid leads to one fetch.

Edge::Idp::publish('kid', Edge::Idp::jwks($one, $two));
Edge::Idp::calls();

is(get('kid', $good), 200, 'a known kid');
is(Edge::Idp::calls()->{kid} || 0, 0, 'fetches nothing');
is(get('kid', ($later) x 12), join(' ', (200) x 12),
   'a new kid is good at once, in both workers');
is(Edge::Idp::calls()->{kid}, 1, 'after one fetch');

Edge::Idp::publish('kid', Edge::Idp::jwks($two));

is(get('kid', $bogus), 401, 'an unknown kid within the cooldown is refused');
is(Edge::Idp::calls()->{kid} || 0, 0, 'without a fetch');

# A flood of unknown kids.

%workers = ();

my $start = time;
my ($asked, $fetches, %status) = (0, 0);

until_true(sub {
    $status{$_}++ for split / /, get('flood', ($bogus) x 25);
    $asked += 25;
    $fetches += Edge::Idp::calls()->{flood} || 0;

    return $fetches >= 4;
}, 30);

is(join(' ', keys %status), 401, "$asked unknown kids are refused");
is(scalar(keys %workers), 2, 'by both workers');
cmp_ok($fetches, '>=', 4, 'the cooldown ends');
cmp_ok($fetches, '<=', 2 + (time - $start) / 2, 'one fetch a cooldown');

# Times: refresh, and a failing identity provider.

Edge::Idp::calls();
ok(until_true(sub { (Edge::Idp::calls()->{quick} || 0) > 0 }),
   'keys are fetched again when that is due');
is(lines(qr{keys of "\S+/quick" are in force}), 1,
   'keys that are the same change nothing');

Edge::Idp::publish('quick', Edge::Idp::jwks($two));
ok(until_true(sub { get('quick', $good) == 401 }),
   'a key that was taken back is not good any more');
is(get('quick', $later), 200, 'the new one is');

Edge::Idp::publish('quick', '', 'close');
ok(logged(qr{\[warn\].*/quick".*those in force stay: status 502}, 1),
   'a failure is told');
is(get('quick', $later), 200, 'the old keys stay');

# The second call shows that the garbage of the first has been looked at.
my $tries = 0;

Edge::Idp::publish('quick', 'garbage');
Edge::Idp::calls();
ok(until_true(sub { ($tries += Edge::Idp::calls()->{quick} || 0) > 1 }),
   'it is tried again');
is(get('quick', $later), 200, 'the old keys stay after garbage');

$nginx->signal('HUP');
ok(logged(qr/exited with code 0/, 2), 'both workers end after a reload');
is(get('quick', ($later) x 8), join(' ', (200) x 8),
   'the new ones have the keys without a fetch');

Edge::Idp::publish('quick', Edge::Idp::jwks($one));
ok(logged(qr{keys of "\S+/quick" could be fetched again}, 1),
   'its end is told');
ok(until_true(sub { get('quick', $good) == 200 }), 'and the keys are new');
is(lines(qr{/quick".*cannot be fetched}), 1, 'the failures between are not');

# A slow identity provider: requests wait, but not for ever.

Edge::Idp::publish('wait', Edge::Idp::jwks($one, $two), 'slow 0.3');
is(get('wait', $later), 200, 'a request waits for a slow fetch');

Edge::Idp::publish('slow', Edge::Idp::jwks($one), 'slow 30');
$start = time;
like(get('slow', $good), qr/^50[03]$/, 'and not for one that hangs');
cmp_ok(time - $start, '<', 20, 'the timeout is kept');

# Keys that come at last.

like(get('none', $good), qr/^50[03]$/, 'an identity provider is down');
Edge::Idp::publish('none', Edge::Idp::jwks($one));
ok(until_true(sub { get('none', $good) == 200 }), 'its keys come by themselves');

# A worker that dies in a fetch.

Edge::Idp::publish('dead', Edge::Idp::jwks($two), 'slow 30');
Edge::Idp::calls();
ok(until_true(sub { (Edge::Idp::calls()->{dead} || 0) > 0 }), 'a fetch hangs');
Edge::Idp::publish('dead', Edge::Idp::jwks($two));
kill 'KILL', $nginx->workers();
ok(until_true(sub { get('dead', $later) eq '200' }, 30),
   'the workers after those that died in it fetch again');

# Nothing is left behind: of the connections that are open now, while keys are
# fetched each second, none stays.

sub connections {
    return map { /TCP (\S+) \((?:ESTABLISHED|CLOSE_WAIT)\)/ ? $1 : () }
        map { `lsof -nP -a -p $_ -i TCP 2>/dev/null` } $nginx->workers();
}

if (system('command -v lsof > /dev/null') == 0) {
    my %open = map { $_ => 1 } connections();

    ok(until_true(sub {
        my %now = map { $_ => 1 } connections();
        delete @open{grep { !$now{$_} } keys %open};

        return !%open;
    }), 'no connection stays open');
}

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');

# A fetch that hangs at the exit.  Nobody accepts its connection: had nginx
# itself taken the call, it would wait for that request and not for the fetch.

my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
    or die "listen: $!\n";
my $url = 'https://127.0.0.1:' . $deaf->sockport() . '/keys';

$nginx = Edge::Server->start("server { listen $listen; auth_jwt r;"
    . " auth_jwt_key_url $url timeout=60s; }");
ok(IO::Select->new($deaf)->can_read(60), 'a fetch hangs');

$start = time;
$nginx->signal('QUIT');
ok($nginx->ended(), 'it does not hold up the exit');
cmp_ok(time - $start, '<', 40, 'in time');
is($nginx->{status}, 0, 'with success');
# A worker that was killed may have held the lock of a zone.
my @alarms = grep { !/exited on signal 9| was locked by / }
    split /\n/, $nginx->alarms();
is(join("\n", @alarms), '', 'without alarms');
unlike($nginx->log_text(), qr/exited on signal (?!9)/, 'nobody crashed');

done_testing();
