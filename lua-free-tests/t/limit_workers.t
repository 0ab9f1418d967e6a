# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_limit over several workers, a reload, a killed worker and
# clients that leave: the total of a limit is exact, and slots of concurrent
# requests come back.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Limit;
use Edge::Server;
use Edge::Stub;
use Test::More;

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";
my $backend = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

my $held = 0;

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    slow => sub { $held++; (\600) },
    held => sub { (Edge::Stub::http($held), undef) },
});

# The key of the zone, and a limit besides.
sub http {
    my ($key, $rate) = @_;

    return <<"END";
    edge_limit_zone $key zone=total:1m;
    edge_limit_zone \$arg_k zone=slots:1m;
    server {
        listen $listen;
        location /total { edge_limit zone=total requests=$rate;
            edge_limit_log_level info; empty_gif; }
        location /slow { edge_limit zone=slots concurrent=3;
            proxy_pass http://$backend/slow/; }
        location /slots { edge_limit zone=slots concurrent=3; empty_gif; }
    }
END
}

my $nginx = Edge::Server->start(http('all', '300r/d'), workers => 3,
                                main => 'worker_shutdown_timeout 1s;');

# Sends the same request many times at once: how many passed.
sub passed {
    my ($n, $uri) = @_;

    my @sockets = map { connected() } 1 .. $n;
    print $_ "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for @sockets;

    my $text = receive(\@sockets, 20);
    return scalar grep { m{^HTTP/1.1 200 } } values %$text;
}

is(passed(200, '/total') + passed(200, '/total'), 300,
   'three workers, one exact total');

# Another generation of workers goes on with it, at another rate too.

sub reload {
    my ($text) = @_;

    my %old = map { $_ => 1 } $nginx->workers;
    $nginx->configure($text);
    $nginx->signal('HUP');

    return until_true(sub {
        my @now = $nginx->workers;
        return @now == 3 && !grep { $old{$_} } @now;
    });
}

ok(reload(http('all', '300r/d')), 'reloaded');
is(passed(20, '/total'), 0, 'what was used stays used');

$nginx->configure(http('$arg_other', '300r/d'));
$nginx->signal('HUP');
ok(until_true(sub { index($nginx->log_text, 'edge_limit_zone "total" has the '
    . 'key "$arg_other" now and had "all" before: give it another name')
    >= 0 }), 'a zone with another key is refused');
is(passed(20, '/total'), 0, 'the old configuration goes on');

# Slots: three at once, free when a client leaves.

sub held {
    return reply("GET /held HTTP/1.1\r\nHost: a\r\n\r\n",
                 $ENV{TEST_NGINX_RAND_PORT_1})->{body};
}

# So many requests that have their slots when this returns: one that only asks
# for a slot could take theirs.
sub begin {
    my ($key, $n) = @_;

    my $before = held();
    my @sockets = map { connected() } 1 .. $n;
    print $_ "GET /slow?k=$key HTTP/1.1\r\nHost: a\r\n\r\n" for @sockets;

    ok(until_true(sub { held() == $before + $n }), "$n have begun");

    return @sockets;
}

sub full { statuses(get("/slots?k=$_[0]")) eq '429' }
sub free { statuses(get("/slots?k=$_[0]")) eq '200' }

my @running = begin('a', 3);

ok(full('a'), 'three run, a fourth does not');
is(field(get('/slots?k=a'), 'Retry-After'), 1, 'try again soon');
is(field(get('/slots?k=a'), 'RateLimit'), '"slots-concurrent";r=0', 'none');
is(statuses(get('/slots?k=b')), '200', 'another key has its own');

close shift @running;
ok(until_true(sub { free('a') }), 'a client left, a slot is free');
push @running, begin('a', 1);
ok(full('a'), 'and taken again');

# They are held over a reload, by workers that are going.

$nginx->configure(http('all', '300r/d'));
$nginx->signal('HUP');
ok(until_true(sub { free('a') }), 'the old workers are gone, so are theirs');
close $_ for @running;

# A worker that is killed leaves its slots for a minute, no lock, no crash.

@running = begin('c', 3);
ok(full('c'), 'full again');

kill 'KILL', $_ for my @dead = $nginx->workers;
my %dead = map { $_ => 1 } @dead;

ok(until_true(sub { my @now = $nginx->workers;
                    @now == 3 && !grep { $dead{$_} } @now }), 'new workers');
ok(full('c'), 'whose slots are held until they lapse');
ok(free('d'), 'all else goes on');
is(passed(20, '/total'), 0, 'the totals too');

# A killed one may have had a lock, which nginx has opened then.
is(join('', grep { !/exited on signal 9|was locked by|give it another name/ }
        split /^/, $nginx->alarms), '', 'nothing alarming');

done_testing();
