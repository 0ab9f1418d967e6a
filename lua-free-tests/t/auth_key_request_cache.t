# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for auth_jwt_key_request in front of proxy_cache: the identity provider
# is asked once for all requests of both workers, and again when the cache's
# entry is over; when it fails, an old set may serve.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Server;
use Test::More;

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

Edge::Idp::start();

my $one = Edge::Idp::key('ES256', 'one');
my $two = Edge::Idp::key('ES256', 'two');
my $good = Edge::Idp::token($one);
my $later = Edge::Idp::token($two);

Edge::Idp::publish($_, Edge::Idp::jwks($one)) for qw(a long);

my $nginx = Edge::Server->start(Edge::Idp::server() . <<"END", workers => 2);
    proxy_cache_path $Edge::Env::tmp/cache keys_zone=keys:1m
                     use_temp_path=off;
    server {
        listen $listen reuseport;
        add_header X-Worker \$pid always;
        location / {
            auth_jwt r;
            auth_jwt_key_request /_keys/a timeout=60s;
            empty_gif;
        }
        location /long {
            auth_jwt r;
            auth_jwt_key_request /_keys/long timeout=60s;
            empty_gif;
        }
        location /_keys/ {
            internal;
            proxy_pass $Edge::Idp::url/;
            # nginx forgets a session that it kept, at its exit
            proxy_ssl_session_reuse off;
            proxy_cache keys;
            proxy_cache_key \$uri;
            proxy_cache_valid 200 1s;
            proxy_cache_lock on;
            proxy_cache_lock_age 60s;
            proxy_cache_lock_timeout 60s;
            proxy_cache_use_stale error timeout http_503;
            location /_keys/long {
                internal;
                proxy_pass $Edge::Idp::url/long;
                proxy_cache_valid 200 1h;
            }
        }
    }
END

my %workers;

sub statuses {
    my ($token, $n, $uri) = @_;

    $uri = '/' unless defined $uri;

    my @sockets = map {
        my $s = connected() or die "connect: $!\n";
        print $s "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            . "Authorization: Bearer $token\r\n\r\n";
        $s;
    } 1 .. $n;

    my $text = receive(\@sockets, 60);

    for (values %$text) {
        $workers{$1}++ if /^X-Worker: (\d+)/m;
    }

    return join ' ', map { $text->{$_} =~ /^HTTP\S+ (\d+)/ ? $1 : 'none' }
        @sockets;
}

Edge::Idp::calls();

is(statuses($good, 30, '/long'), join(' ', (200) x 30),
   'keys from a cache are good');
is(scalar(keys %workers), 2, 'in both workers');
is(Edge::Idp::calls()->{long}, 1, 'the identity provider is asked once');

is(statuses($good, 1), 200, 'keys of an entry that is soon over');
Edge::Idp::publish('a', Edge::Idp::jwks($two));
ok(until_true(sub { statuses($later, 1) eq '200' }),
   'new keys come when the entry is over');
is(statuses($good, 4), '401 401 401 401', 'the old ones are gone');

Edge::Idp::publish('a', '', 'status 503');
Edge::Idp::calls();
ok(until_true(sub { statuses($later, 1); Edge::Idp::calls()->{a} }),
   'the identity provider fails');
is(statuses($later, 10), join(' ', (200) x 10), 'an old set serves');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without alarms');

done_testing();
