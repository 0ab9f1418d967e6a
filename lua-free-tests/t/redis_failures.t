# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What a Redis that is of no use means for all that uses it: limits by their
# on_error, the cache, and revoked tokens.  A table of servers, some of them
# real ones in a bad state, some that say what no Redis should; the client's
# own tests are redis_*.t.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Limit;
use Edge::Redis;
use Edge::Server;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $slow = $Edge::Server::slow ? 6 : 1;
my $port = $ENV{TEST_NGINX_SERVER_PORT};

# What a server answers to anything but the greeting; a reference waits first,
# for longer than any connection to it is kept, and nothing at all is a
# connection whose other end is gone without a word.

my %says = (
    garbage => ["HTTP/1.1 400 Bad Request\r\n\r\n"],
    loading => ["-LOADING Redis is loading the dataset in memory\r\n"],
    moved => ["-MOVED 1 127.0.0.1:1\r\n"],
    half => [],
    slow => [\(20 * $slow), "*2\r\n:1\r\n:0\r\n"],
    few => ["*1\r\n:1\r\n"],
    beyond => ["*2\r\n:1\r\n:4503599627370496\r\n"],
    text => ["*2\r\n+1\r\n+0\r\n"],
);

my (%port, @servers);

for my $kind (keys %says) {
    $port{$kind} = Edge::Env::free_ports(1);

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port{$kind}, Listen => 64, ReuseAddr => 1)
        or die "$port{$kind}: $!\n";

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        setpgrp;
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';

        while (1) {
            my $s = $listen->accept() or next;
            speak($s, $says{$kind}) if fork == 0;
        }
    }

    push @servers, $pid;
}

END { local $?; kill "-KILL", $_ for @servers }

sub speak {
    my ($s, $says) = @_;

    my $text = '';

    while (sysread $s, $text, 65536, length $text) {
        while ($text =~ /\A\*(\d+)\r\n/) {
            my ($words, $rest, @words) = ($1, substr $text, $+[0]);

            while ($words && $rest =~ /\A\$(\d+)\r\n/) {
                my $size = $+[0] + $1 + 2;
                last if length $rest < $size;
                push @words, substr $rest, $+[0], $1;
                substr($rest, 0, $size) = '';
                $words--;
            }

            last if $words;
            $text = $rest;

            for my $part ($words[0] eq 'PING' ? "+PONG\r\n" : @$says) {
                ref $part ? sleep $$part : syswrite $s, $part;
            }
        }
    }

    POSIX::_exit(0);
}

# Real ones: with another password, a replica, one whose memory is full.

my $master = Edge::Redis->start('repl-diskless-sync-delay' => 0);

my %real = (
    password => Edge::Redis->start(requirepass => 'other'),
    readonly => Edge::Redis->start(replicaof => "127.0.0.1 $master->{port}"),
    full => Edge::Redis->start('maxmemory-policy' => 'noeviction'),
);

$real{full}->call('CONFIG', 'SET', 'maxmemory', 1);
until_true(sub {
    ($real{readonly}->info('replication')->{master_link_status} // '') eq 'up'
}) or die "no replica\n";

$port{$_} = $real{$_}{port} for keys %real;

# These can be read from, and say that there is nothing.
my %reads = (readonly => 1, full => 1);

Edge::Idp::start();

my $key = Edge::Idp::key('HS256', 'one');
my $token = Edge::Idp::token($key, '--tenant', 'acme');

sub http {
    my $text = '';

    for my $kind (sort keys %port) {
        my $locations = '';

        for my $on_error (qw(local open closed)) {
            # what Redis may count though its answer is lost is refused here
            my $rate = $on_error eq 'closed' ? 1000 : 2;

            $text .= <<"END";
    edge_limit_zone all zone=$kind-$on_error:64k redis=$kind on_error=$on_error;
END
            $locations .= <<"END";
        location /$kind/$on_error {
            edge_limit zone=$kind-$on_error requests=${rate}r/d;
            empty_gif;
        }
END
        }

        $text .= <<"END";
    edge_redis $kind {
        server 127.0.0.1:$port{$kind};
        password mine;
        timeout @{[ 200 * $slow ]}ms;
        connect_timeout @{[ 500 * $slow ]}ms;
    }
    edge_cache_zone zone=c-$kind:64k redis=$kind blind=1h;
    server {
        listen 127.0.0.1:$port;
        server_name $kind;
        edge_tenant \$who unverified;
        $locations
        location /$kind/cache/ {
            edge_route m;
            edge_cache c-$kind;
            edge_cache_valid 1h;
            edge_cache_lock on;
            edge_cache_lock_timeout @{[ 60 * $slow ]}s;
            proxy_pass http://127.0.0.1:$port/made/;
        }
        location /$kind/revoke {
            auth_jwt r;
            auth_jwt_key_file $key.jwks;
            auth_jwt_revoke redis=$kind interval=100ms stale=60s;
            empty_gif;
        }
        location /$kind/known {
            auth_jwt r;
            auth_jwt_key_file $key.jwks;
            auth_jwt_revoke redis=$kind interval=100ms stale=60s on_error=open;
            empty_gif;
        }
    }
END
    }

    # A password that a server does not ask for is taken by the real ones.
    $text =~ s/(edge_redis (?!password)\w+ \{[^}]*?) *password mine;\n/$1/g;

    return $text;
}

my $nginx = Edge::Server->start(http() . <<"END");
    map \$host \$who { default acme; }
    edge_module m { target http://127.0.0.1:$port; }
    add_header X-Status \$edge_limit_status always;
    server {
        listen 127.0.0.1:$port default_server;
        location /made/ { return 200 \$request_id; }
    }
END

# A request's reply, that came in time.
sub of {
    my ($kind, $what) = @_;

    my $start = time;
    my $r = get("/$kind/$what", "Host: $kind",
                $what =~ /revoke|known/ ? "Authorization: Bearer $token" : ());

    cmp_ok(time - $start, '<', 15 * $slow, "$what: in time");
    return $r;
}

sub status {
    my ($r) = @_;

    return "$r->{status} " . (field($r, 'X-Status') // '');
}

sub fails {
    my ($kind) = @_;

    is(status(of($kind, 'local')), '200 DEGRADED', 'local: counted here')
        for 1 .. 2;
    is(status(of($kind, 'local')), '429 REJECTED', 'and refused here');
    is(status(of($kind, 'open')), '200 DEGRADED', 'open') for 1 .. 3;

    my $closed = of($kind, 'closed');
    is(status($closed), '503 REJECTED', 'closed');
    is(field($closed, 'Retry-After'), 1, 'and when to come again');

    my @made = map { of($kind, 'cache/a') } 1 .. 3;
    is(statuses(@made), '200 200 200', 'the cache');
    is($made[$_]{body}, $made[0]{body}, 'in shared memory') for 1, 2;

    is(of($kind, 'revoke')->{status}, $reads{$kind} ? 200 : 503,
       $reads{$kind} ? 'nothing is revoked' : 'no token is let in');
    is(of($kind, 'known')->{status}, 200, 'on_error=open: it is');
}

# Those that can be read from have been.
ok(until_true(sub {
    get("/$_/revoke", "Host: $_",
        "Authorization: Bearer $token")->{status} == 200
}), "$_: read") for sort keys %reads;

subtest $_ => \&fails, $_ for sort keys %port;

# One of them gets well.

$real{full}->call('CONFIG', 'SET', 'maxmemory', 0);
ok(until_true(sub { status(get('/full/closed', 'Host: full')) eq '200 PASSED' }),
   'memory is there again');
is($nginx->alarms(), '', 'nothing alarming');

done_testing();
