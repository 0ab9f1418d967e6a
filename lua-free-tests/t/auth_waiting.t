# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for requests that wait for keys, of auth_jwt_key_url and of
# auth_jwt_key_request: clients that go meanwhile, in every way and over
# HTTP/2, pipelined requests, a reload, the exit.  They are for memory checkers
# as much as for themselves.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Http2;
use Edge::Idp;
use Edge::Server;
use IO::Select;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $h2 = $ENV{TEST_NGINX_RAND_PORT_1};
my $stub = $ENV{TEST_NGINX_RAND_PORT_9};
my @kinds = qw(url request);

Edge::Idp::start();

my $one = Edge::Idp::key('ES256', 'one');
my $two = Edge::Idp::key('ES256', 'two');
my $keys = Edge::Idp::jwks($one);
my $good = Edge::Idp::token($one);
my $bogus = Edge::Idp::token($two, '--kid', 'nobody');

Edge::Idp::publish($_, $keys) for @kinds;

my $nginx = Edge::Server->start(http());

until_true(sub { $nginx->log_text() =~ m{/url" are in force} })
    or die "no keys\n";

for my $kind (@kinds) {
    subtest "$kind: clients go" => \&clients_go, $kind;
    subtest "$kind: HTTP/2" => \&streams_go, $kind;
    subtest "$kind: pipelined" => \&pipelined, $kind;
}

subtest 'reload' => \&reload;
subtest 'exit' => \&at_exit;

is($nginx->alarms, '', 'nothing alarming in the log');

done_testing();


sub http {
    return Edge::Idp::server() . <<"END";
    server {
        listen 127.0.0.1:$port;
        listen 127.0.0.1:$h2 http2;
        location /url {
            auth_jwt r;
            auth_jwt_key_url $Edge::Idp::url/url ca=$Edge::Idp::ca
                             cooldown=1s timeout=20s;
            empty_gif;
        }
        location /request {
            auth_jwt r;
            auth_jwt_key_request /k timeout=20s;
            empty_gif;
        }
        location = /k {
            internal;
            proxy_pass http://127.0.0.1:$stub/keys/request;
        }
        location / { return 200 free; }
    }
END
}

sub clients_go {
    my ($kind) = @_;

    my @clients = waiting($kind, 60);

    for my $i (0 .. $#clients) {
        reset_of($clients[$i]) if $i % 3 == 0;
        shutdown($clients[$i], 1) if $i % 3 == 1;
        close $clients[$i] if $i % 3 != 2;
    }

    my @left = @clients[grep { $_ % 3 == 2 } 0 .. $#clients];

    is(statuses(@left), join(' ', (401) x @left), 'who stays is answered');
    serves($kind);
}

sub streams_go {
    my ($kind) = @_;

    waiting($kind, 0);

    my @clients = map { connected($h2) } 1 .. 4;

    # Requests on odd streams; half of them are reset at once, half later.
    for my $client (@clients) {
        print {$client} preface();
        print {$client} headers($_, "/$kind", authorization => "Bearer $bogus"),
            $_ % 4 == 1 ? frame(3, 0, $_, pack 'N', 8) : ''
            for map { 2 * $_ + 1 } 0 .. 59;
    }

    called($kind) if $kind ne 'url';

    for my $client (@clients[0 .. 1]) {
        print {$client} map { frame(3, 0, 4 * $_ + 3, pack 'N', 8) } 0 .. 29;
    }

    reset_of($clients[1]);
    close $clients[1];
    print {$clients[2]} frame(7, 0, 0, pack 'NN', 0, 0);
    close $clients[2];

    my $last = $clients[3];
    my %answers;

    # The headers of streams that nobody has reset.
    ok(until_true(sub {
        $answers{$_->[1]} = 1
            for grep { $_->[0] == 1 && $_->[1] % 4 == 3 } frames($last);
        return keys %answers == 30;
    }), 'streams that stay are answered');

    close $_ for @clients;
    serves($kind);
}

sub pipelined {
    my ($kind) = @_;

    waiting($kind, 0);
    my $client = connected();

    print {$client} request("/$kind", $bogus), request('/'),
        request("/$kind", $good), request("/$kind", $bogus),
        request('/', undef, 'close');

    my $text = join '', values %{receive([$client], 30)};

    is(join(' ', $text =~ m{HTTP/1.1 (\d+)}g), '401 200 200 401 200',
        'in their order');
}

sub reload {
    my %clients = map { $_ => [under_way($_, 10)] } @kinds;
    my ($old) = $nginx->workers;

    $nginx->signal('HUP');
    until_true(sub { grep { $_ != $old } $nginx->workers });

    reset_of($_->[0]), close shift @$_ for values %clients;

    is(statuses(@{$clients{$_}}), join(' ', (401) x 9), "$_ is answered")
        for @kinds;

    ok(until_true(sub { !grep { $_ == $old } $nginx->workers }),
        'the old worker ends');
    serves($_) for @kinds;
}

sub at_exit {
    my %clients = map { $_ => [under_way($_, 10)] } @kinds;

    $nginx->signal('QUIT');
    reset_of($_->[0]), close shift @$_ for values %clients;

    is(statuses(@{$clients{$_}}), join(' ', (401) x 9), "$_ is answered")
        for @kinds;

    ok($nginx->ended, 'nginx ends');
}


# --- clients --------------------------------------------------------------

# Keys come late from now on.
sub slow {
    my ($kind) = @_;

    Edge::Idp::calls();
    Edge::Idp::publish($kind, $keys, 'slow 0.7');
}

# A call for them is under way.
sub called {
    my ($kind) = @_;

    return until_true(sub { Edge::Idp::calls()->{$kind} });
}

# So many clients wait for keys, once nginx has read their requests.  The
# cooldown may be running, so for keys by URL bogus tokens are shown until there
# is a call.
sub waiting {
    my ($kind, $n) = @_;

    slow($kind);

    if ($kind eq 'url') {
        until_true(sub {
            print {connected()} request('/url', $bogus, 'close');
            return Edge::Idp::calls()->{url};
        });
    }

    my @clients = map { connected() } 1 .. $n;

    print {$_} request("/$kind", $bogus, 'close') for @clients;
    called($kind) if $kind ne 'url' && $n;

    return @clients;
}

# Likewise, and nginx has all of their requests: each came in one piece with
# another one that is answered by now.
sub under_way {
    my ($kind, $n) = @_;

    waiting($kind, 0);

    my @clients = map { connected() } 1 .. $n;

    print {$_} request('/') . request("/$kind", $bogus, 'close') for @clients;
    until_true(sub { @{[IO::Select->new(@clients)->can_read(0)]} == $n })
        or die "no answers\n";

    return @clients;
}

sub request {
    my ($uri, $token, $connection) = @_;

    return "GET $uri HTTP/1.1\r\nHost: a\r\n"
        . ($token ? "Authorization: Bearer $token\r\n" : '')
        . 'Connection: ' . ($connection || 'keep-alive') . "\r\n\r\n";
}

sub statuses {
    my $text = receive(\@_, 30);

    return join ' ', map { (last_status($text->{$_}), 'none')[0] } @_;
}

sub last_status {
    my @all = $_[0] =~ m{HTTP/1\.1 (\d+)}g;

    return @all ? $all[-1] : ();
}

sub serves {
    my ($kind) = @_;

    my $client = connected();

    print {$client} request("/$kind", $good, 'close');
    is(statuses($client), 200, 'a good token passes');
}

# The socket's close will send RST.
sub reset_of {
    setsockopt($_[0], SOL_SOCKET, SO_LINGER, pack 'll', 1, 0);
}

