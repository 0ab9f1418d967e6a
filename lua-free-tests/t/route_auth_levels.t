# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for tenants by claims where configuration levels meet: the server's own
# level, "if" in it and in locations, limit_except, a location bound to a name,
# and preflights.

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
my $bare = $ENV{TEST_NGINX_RAND_PORT_2};

my $nginx = Edge::Server->start(<<"END");
    edge_rag docs { store $Edge::Env::tmp/docs.db; generate extractive; }
    edge_module m { path /m/; target http://$target; }
    edge_module r { path /r/; rag docs; target http://$target; }
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
        location ~ /re/ {
            edge_route r;
            if (\$arg_x) { set \$y 1; }
            proxy_pass http://$target;
        }
        location /except/ {
            edge_route m;
            limit_except GET { deny all; }
            proxy_pass http://$target;
        }
    }
    server {
        listen 127.0.0.1:$bare;
        auth_jwt r;
        auth_jwt_algorithms HS256;
        auth_jwt_key_file $key.jwks;
        edge_route on;
        edge_tenant \$jwt_claim_tenant_id;
        if (\$arg_x) { set \$y 1; }
    }
END

sub status {
    my ($line, @fields) = @_;

    return status_at(undef, $line, '', @fields);
}

# status_at PORT, LINE, BODY, FIELDS
sub status_at {
    my ($port, $line, $body, @fields) = @_;

    my $s = connected($port) or die "connect: $!\n";
    print $s join("\r\n", "$line HTTP/1.1", 'Host: a', 'Connection: close',
                  'Content-Length: ' . length $body, @fields),
        "\r\n\r\n$body";

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

# A server without locations.

for my $line ('POST /r/query', 'POST /r/query?x=1') {
    my @request = ($bare, $line, '{"query":"x"}',
                   'Content-Type: application/json');

    is(status_at(@request), 401, "no locations, no token: $line");
    is(status_at(@request, $nobody), 403, "no locations, no tenant: $line");
    is(status_at(@request, $acme), 200, "no locations, a tenant: $line");
}

# The location's pattern is no prefix, within "if" either.

for my $line ('POST /re/query', 'POST /re/query?x=1') {
    is(status_at(undef, $line, 'no JSON', $acme), 200,
       "a pattern has no endpoints: $line");
}

# A server's own level may leave the rest to its locations, also with an "if";
# what no location matches is refused then.

for my $if ('', 'if ($arg_x) { set $y 1; }') {
    my $http = <<"END";
    edge_module m { path /m/; target http://$target; }
    server { listen $target; location / { return 200 ok; } }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        auth_jwt r;
        edge_route on;
        $if
        location /m/ {
            auth_jwt_algorithms HS256;
            auth_jwt_key_file $key.jwks;
            edge_tenant \$jwt_claim_tenant_id;
            proxy_pass \$edge_target;
        }
    }
END
    my ($status, $text) = Edge::Server->check($http);

    is($status, 0, 'keys and a tenant in the location: ' . ($if || 'no if'))
        or diag($text);

    $nginx->signal('QUIT');
    $nginx->ended() or die "nginx does not end\n";
    $nginx = Edge::Server->start($http);

    for my $query ('', '?x=1') {
        is(status("GET /m/$query", $acme), 200, "by the location: $query");
        is(status("GET /m/$query"), 401, "and not without a token: $query");
        is(status("GET /other$query", $acme), 503, "elsewhere no keys: $query");
        is(status("GET /other$query"), 503, "nor without a token: $query");
    }
}

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
