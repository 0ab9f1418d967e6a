# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for tenants by claims where configuration levels meet: the server's own
# level, "if", limit_except, a location bound to a name, and preflights.

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

my $key = "$Edge::Env::tmp/key";

Edge::Idp::edge_token('key', '--alg', 'HS256', '--out', $key);

my $target = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

my $nginx = Edge::Server->start(<<"END");
    edge_module m { path /m/; target http://$target; }
    server { listen $target; location / { return 200 ok; } }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        auth_jwt r;
        auth_jwt_algorithms HS256;
        auth_jwt_key_file $key.jwks;
        edge_route on;
        edge_tenant \$jwt_claim_tenant_id;
        location /m/ {
            edge_cors https://a.example;
            proxy_pass \$edge_target;
        }
        location /if/ {
            edge_route m;
            if (\$arg_x) { proxy_pass http://$target; }
            proxy_pass http://$target;
        }
        location /except/ {
            edge_route m;
            limit_except GET { deny all; }
            proxy_pass http://$target;
        }
    }
END

sub status {
    my ($line, @fields) = @_;

    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "$line HTTP/1.1", 'Host: a', 'Connection: close',
                  @fields), "\r\n\r\n";

    return (receive([$s], 10)->{$s} =~ /^HTTP\S+ (\d+)/)[0];
}

sub bearer { return 'Authorization: Bearer ' . Edge::Idp::token($key, @_) }

my $acme = bearer('--tenant', 'acme');
my $nobody = bearer();

is(status('OPTIONS /m/x', 'Origin: https://a.example',
          'Access-Control-Request-Method: POST'), 204, 'a preflight is first');

for my $uri (qw(/m/x /if/ /if/?x=1 /except/)) {
    is(status("GET $uri"), 401, "without a token: $uri");
    is(status("GET $uri", $nobody), 403, "without a tenant: $uri");
    is(status("GET $uri", $acme), 200, "with one: $uri");
}

is(status('DELETE /except/', $acme), 403, 'limit_except denies');
is(status('GET /other'), 401, 'no location, no token');
is(status('GET /other', $acme), 404, 'no location, no module');
is(status('GET /mm', $nobody), 404,
   'nor a module by the start of its path');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
