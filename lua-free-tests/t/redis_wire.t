# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client against a server that says what no Redis would,
# or says it late, in pieces, or never.  The key of a GET is what it does.

use strict;
use warnings;

use Test::More;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Probe;
use Edge::Server;
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP);
use Time::HiRes qw(sleep time);

use constant TCP_INFO => 11;

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $tmp = $Edge::Env::tmp;
my $wire = Edge::Env::free_ports(1);
my $slow = $Edge::Server::slow ? 6 : 1;

# A reference is a pause in seconds, or until a file is there.

my %says = (
    pieces => [map { ($_, \0.002) } split //, "\$5\r\nhello\r\n"],
    nil => ["*-1\r\n"],
    none => ["*0\r\n"],
    negative => [":-5\r\n"],
    empty => ["\$0\r\n\r\n"],
    nested => ["*2\r\n*1\r\n:1\r\n\$-1\r\n"],

    garbage => ["HTTP/1.1 400 Bad Request\r\n\r\n"],
    number => [":five\r\n"],
    less => ["*-2\r\n"],
    more => ["*2000000000\r\n"],
    longer => ["\$99999999999999999999\r\n"],
    deep => ["*1\r\n" x 20],
    resp3 => ["%1\r\n+a\r\n+b\r\n"],
    cut => ["\$10\r\nabc", undef],
    close => [undef],
    hang => [\1000],
);

my %given_up = (
    garbage => 'it does not speak the protocol',
    number => 'it does not speak the protocol',
    less => 'it does not speak the protocol',
    more => 'it does not speak the protocol',
    longer => 'it does not speak the protocol',
    deep => 'it does not speak the protocol',
    resp3 => 'it does not speak the protocol',
    cut => 'the server closed it',
    close => 'the server closed it',
    hang => 'it hangs',
);

# These say more than they were asked, or wait for as long as the test wants.

$says{extra} = ["+OK\r\n+OK\r\n"];
$says{error} = ["\$-1\r\n-ERR bye \e[31m\x80\r\n"];
$says{late} = [\"$tmp/late", "\$4\r\nlate\r\n"];

my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
    LocalPort => $wire, Listen => 64, ReuseAddr => 1) or die "$wire: $!\n";

my $pid = fork // die "fork: $!\n";

if ($pid == 0) {
    # one group, with those that still wait at the end
    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';

    while (1) {
        my $s = $server->accept() or next;
        speak($s) if fork == 0;
    }
}

close $server;

END { local $?; kill '-KILL', $pid if $pid }

sub speak {
    my ($s) = @_;

    my $text = '';

    while (sysread $s, $text, 4096, length $text) {

        # a command has as many lines as it has words, twice, and one

        while ($text =~ s/\A\*(\d+)\r\n((?:[^\n]*\n){2,4}?)(?=\*|\z)//) {
            my @words = $2 =~ /\$\d+\r\n([^\r]*)\r\n/g;

            if ($words[0] eq 'AUTH') {
                syswrite $s, "-ERR unknown command 'AUTH', with args "
                    . "beginning with: '$words[1]'\r\n";
                next;
            }

            if (@words == 1) {
                syswrite $s, "+PONG\r\n";
                next;
            }

            if ($words[1] eq 'segments') {
                my $info = getsockopt $s, IPPROTO_TCP, TCP_INFO;
                syswrite $s, ':' . unpack('x152 L', $info) . "\r\n";
                next;
            }

            my $says = $says{$words[1]} || ["\$2\r\nok\r\n"];

            for my $part (@$says) {
                POSIX::_exit(0) if !defined $part;
                ref $part ? pause($$part) : syswrite $s, $part;
            }
        }
    }

    POSIX::_exit(0);
}

sub pause {
    my ($what) = @_;

    return sleep $what if $what !~ /^\//;

    sleep 0.02 until -e $what;
}

# One that closes whatever comes at once, and counts.

my $door = Edge::Env::free_ports(1);
my $closer = fork // die "fork: $!\n";

if ($closer == 0) {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $door, Listen => 64, ReuseAddr => 1) or die "$!\n";

    while (my $s = $listen->accept()) {
        open my $out, '>>', "$tmp/door" or die;
        print $out time, "\n";
        close $out;
        close $s;
    }
}

END { local $?; kill 'KILL', $closer if $closer }

sub came { scalar split /\n/, `cat $tmp/door 2>/dev/null` }

# The time of a reply is over only where the test wants it to be.

my %times = map { $_ => 'timeout 20s; connect_timeout 20s;' } keys %says;

my $short = "timeout @{[ 300 * $slow ]}ms;";

$times{hang} = "$short connect_timeout @{[ 2 * $slow ]}s;";
$times{late} = "$short connect_timeout 600s;";

my $start = time;

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    @{[ map { "edge_redis $_ { server 127.0.0.1:$wire; $times{$_} }\n" }
        sort keys %says ]}
    edge_redis door { server 127.0.0.1:$door; }
    edge_redis pass {
        server 127.0.0.1:$wire;
        password qaErTzUi;
        connect_timeout 20s;
    }
    server {
        listen 127.0.0.1:$port;
        @{[ map { "location /$_/ { redis_probe $_; }\n" } sort keys %says ]}
        location /door/ { redis_probe door; }
        location /pass/ { redis_probe pass; }
    }
END

sub logged {
    my ($pattern) = @_;

    return until_true(sub { $nginx->log_text() =~ $pattern });
}

ok(answers("/$_/ready", 1, 20), "ready: $_") for sort keys %says;

# Unusual, but right.

is(ask('/pieces/send?GET+pieces'), 'string:hello', 'a reply byte by byte');
is(ask('/nil/send?GET+nil'), 'nil', 'an array that is nil');
is(ask('/none/send?GET+none'), 'array:0[]', 'an empty array');
is(ask('/negative/send?GET+negative'), 'integer:-5', 'a negative number');
is(ask('/empty/send?GET+empty'), 'string:', 'an empty string');
is(ask('/nested/send?GET+nested'), 'array:2[array:1[integer:1],nil]',
   'an array in an array');
is(ask("/$_/send?GET+x"), 'string:ok', "the connection is good: $_")
    for qw(pieces nil none negative empty nested);

# The commands of one turn leave in one write, which the kernel has counted as
# segments with data; a hundred writes would be tens of them.

my ($before) = ask('/nil/send?GET+segments') =~ /^integer:(\d+)/;

SKIP: {
    skip 'this kernel does not count them', 2 unless $before;

    is(ask('/nil/many?100+GET+negative'), '100:integer:-5', 'a hundred commands');
    my ($after) = ask('/nil/send?GET+segments') =~ /^integer:(\d+)/;
    cmp_ok($after - $before, '<=', 6, 'leave in one write');
}

# Wrong: the connection is given up, and a new one is good.

for my $what (sort keys %given_up) {
    is(ask("/$what/send?GET+$what"), 'lost', "lost: $what");
    ok(logged(qr/"$what" has lost \S+: $given_up{$what}/), 'that is told');
    ok(answers("/$what/send?GET+x", 'string:ok', 20),
       'a new connection is good');
}

is(ask('/extra/send?GET+extra'), 'status:OK', 'more than was asked');
ok(logged(qr/"extra" has lost \S+: it says what was not asked: OK\n/),
   'ends the connection');
ok(answers('/extra/send?GET+x', 'string:ok', 20), 'a new one is good');

is(ask('/error/send?GET+error'), 'nil', 'an error that was not asked for');
ok(logged(qr/"error" has lost \S+: it says .* asked: ERR bye \?\[31m\?\n/),
   'is told, without what a terminal would obey');

# Late: the reply of one command is not taken for that of the next.

is(ask('/late/send?GET+late'), 'lost', 'a late reply is lost');
is(ask('/late/send?GET+x'), 'declined', 'no command is taken meanwhile');
ok(logged(qr/"late" waits for \S+, which is silent/), 'that is told');
open my $out, '>', "$tmp/late" or die "late: $!\n";
close $out;
ok(answers('/late/send?GET+x', 'string:ok'), 'the next reply is its own');
unlike($nginx->log_text(), qr/"late" has lost/, 'of the same connection');

# A server that repeats the password.

ok(logged(qr/"pass" has lost \S+: it refuses us, in words/),
   'AUTH is not known');
unlike($nginx->log_text(), qr/qaErTz/, 'the log does not have the password');

# A server that closes at once is not stormed.

ok(until_true(sub { came() > 5 }, 20), 'a closed connection is tried again');
my $came = came();
my $seconds = time - $start;
cmp_ok($came, '<=', 8 + $seconds, "not often: in $seconds seconds");
my $told = () = $nginx->log_text() =~ /"door" has lost/g;
$seconds = time - $start;              # the first at once, rounded up, then 9
cmp_ok($told, '<=', 2 + $seconds / 9, 'and told once in a while');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');

done_testing();
