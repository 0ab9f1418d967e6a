# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for streams to a client that is of no use any more but does not say
# so: one that takes nothing, one that has reset its connection unnoticed.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Edge::Stream;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;

my $stub = $ENV{TEST_NGINX_RAND_PORT_1};

my $nginx = start_streams(
    models => {
        flood => sub {
            return ($stream_head, map({ chunk(token('x' x 900)) x 1000 }
                                      1 .. 60), \600);
        },
        silent => sub { ($stream_head, \600) },
    },
    places => { flood => 'send_timeout 1s;',
                silent => 'proxy_ignore_client_abort on;' },
    timeout => 'embed=10m search=10m first_token=10m idle=10m stream=10m',
    http => "error_log $Edge::Env::tmp/error.log info;",
    server => 'location = /ping { return 200 pong; }',
);

# A client that has asked for a stream and got the header of its response.
sub begun {
    my $s = client(@_);

    sysread $s, my $first, 12;
    is($first, 'HTTP/1.1 200', 'a stream begins');
    return $s;
}

sub told {
    my ($port, $uri) = @_;

    my $s = connected($port) or return 'no connection';
    print $s "GET $uri HTTP/1.0\r\nHost: a\r\n\r\n";
    my $text = '';
    1 while $text !~ /\r\n\r\n./s && sysread $s, $text, 4096, length $text;

    return $text =~ /\r\n\r\n(.*)/s ? $1 : $text;
}

# A client that takes nothing has as long as send_timeout.

my $idle = begun('flood');

is(told($stub, '/_left'), 'left', 'the model is left before its end');
like($nginx->log_text(), qr/client timed out/, 'because of the client');
unlike($nginx->log_text(), qr/deadline passed/, 'of nothing else');
is(told(undef, '/ping'), 'pong', 'nginx goes on');
close $idle;

# The comment of a silent stream finds nobody, after 15 seconds.

my $gone = begun('silent');
ok(until_true(sub { told($stub, '/_hangs') eq 'hangs 1' }),
   'the model is silent');

setsockopt $gone, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
close $gone;

ok(until_true(sub { told($stub, '/_hangs') eq 'hangs 0' }, 60),
   'the model is left');
unlike($nginx->log_text(), qr/edge rag: generate failed/, 'which is no fault');
is(told(undef, '/ping'), 'pong', 'nginx goes on');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
