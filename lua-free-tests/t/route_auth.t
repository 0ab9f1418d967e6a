# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for tenants and grants by claims of a verified token: edge_tenant,
# allow and allow_write with claims.

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

my $home = $Edge::Env::tmp;
my $listen = "listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};";
my $key = "$home/key";

Edge::Idp::edge_token('key', '--alg', 'HS256', '--out', $key);

my $auth = "auth_jwt r; auth_jwt_algorithms HS256;"
    . " auth_jwt_key_file $key.jwks;";

# location PATH, LINES: one that demands a token and asks for any module.
sub location {
    my ($path, $lines) = @_;

    return "location /$path/ { $auth edge_route on; $lines }\n";
}

sub http {
    my ($locations, $server) = @_;

    $server = '' unless defined $server;

    return <<"END";
    auth_jwt_claim_set \$early custom:tenant_id;
    edge_rag docs { store $home/docs.db; generate extractive; }
    edge_module claim { path /claim/; rag docs; allow \$jwt_claim_roles use;
                        allow_write \$jwt_claim_roles write;
                        allow_write \$jwt_claim_scope docs:write; }
    edge_module two   { path /two/; rag docs; allow \$jwt_claim_roles use;
                        allow \$jwt_claim_scope ask; }
    edge_module echo  { path /echo/; target http://127.0.0.1:1; }
    server { $listen $server $locations }
    auth_jwt_claim_set \$late custom:tenant_id;
    auth_jwt_claim_set \$deep org unit;
END
}

my $echo = 'edge_tenant $jwt_claim_tenant_id; edge_route echo;';

my $nginx = Edge::Server->start(http(
    location('claim', 'edge_tenant $jwt_claim_tenant_id;')
    . location('two', 'edge_tenant $jwt_claim_tenant_id;')
    . join('', map {
        "location /$_/ { $auth edge_route echo; edge_tenant \$$_;"
        . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
    } qw(early late deep))
    . "location /any/ { $auth satisfy any; allow all; $echo"
    . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
    . "location /ip/ { deny all; $auth $echo }\n"
    . "location /plain/ { set \$x \$jwt_claim_tenant_id; $auth $echo"
    . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
) . <<"END");
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1};
        location / { return 200 "[\$http_x_tenant_id]"; }
    }
END

# ask METHOD, URI, TOKEN, BODY: gives the status and the code or body.
sub ask {
    my ($method, $uri, $token, $body) = @_;

    $body = '' unless defined $body;
    my $s = connected() or die "connect: $!\n";

    print $s "$method $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "X-Tenant-Id: evil\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n"
        . (defined $token ? "Authorization: Bearer $token\r\n" : '')
        . "\r\n$body";

    my $text = receive([$s], 10)->{$s};
    my ($status) = $text =~ /^HTTP\S+ (\d+)/;

    return ($status || 0, $text);
}

sub status { return (ask(@_))[0] }

sub token { return Edge::Idp::token($key, '--ttl', '1h', @_) }

my $roles = 'roles=["use","write"]';
my @write = ('--claim-json', $roles, '--claim', 'scope=docs:write ask');
my $acme = token('--tenant', 'acme', @write);
my $other = token('--tenant', 'other', @write);

# Tenants.

my %bad = (
    missing => [], empty => ['""'], number => ['7'], array => ['["acme"]'],
    object => ['{"a":"acme"}'], slash => ['"a/b"'], shared => ['"_shared"'],
    nul => ['"acme\u0000"'], newline => ['"acme\nx"'],
    long => ['"' . 'a' x 65 . '"'],
);

for (sort keys %bad) {
    my @claim = map { ('--claim-json', "tenant_id=$_") } @{$bad{$_}};
    my ($status, $text) = ask('POST', '/claim/query', token(@claim, @write),
                              '{"query":"x"}');
    is($status, 403, "the tenant is none: $_");
    like($text, qr/names no (valid )?tenant/, "and that is why: $_");
}

for (qw(early late)) {
    is(status('GET', "/$_/", token('--claim', 'custom:tenant_id=acme')), 200,
       "auth_jwt_claim_set names the claim: $_");
    is(status('GET', "/$_/", $acme), 403, "and no other: $_");
}

is(status('GET', '/deep/', token('--claim-json', 'org={"unit":"acme"}')), 200,
   'a claim within a claim');

my ($status, $text) = ask('GET', '/plain/', $acme);
is($status, 200, 'a variable asked for too early changes nothing');
like($text, qr/\[\]$/, "the client's X-Tenant-Id goes no further");

# Order.

is(status('GET', '/any/', undef), 403, 'satisfy any brings no tenant');
is(status('GET', '/ip/', undef), 403, 'addresses come first');
is(status('GET', '/claim/none', undef), 401, 'the token before the module');
is(status('GET', '/claim/none', token()), 404, 'the module before the method');
is(status('GET', '/claim/query', token()), 405, 'the method before the tenant');
like((ask('POST', '/claim/query', token()))[1], qr/names no tenant/,
     'the tenant before allow');

# allow and allow_write.

my %allow = (
    'a list' => ['roles=["a","use"]', 200], 'a string' => ['roles="use"', 200],
    'a scope' => ['roles="a use b"', 200], 'a part' => ['roles=["user"]', 403],
    'a part of a scope' => ['roles="a.use"', 403], case => ['roles="Use"', 403],
    'an object' => ['roles={"use":true}', 403], none => ['x=1', 403],
);

for (sort keys %allow) {
    my ($json, $expected) = @{$allow{$_}};
    my $token = token('--tenant', 'acme', '--claim-json', $json);
    is(status('POST', '/claim/query', $token, '{"query":"x"}'), $expected,
       "allow with $_");
}

my $reader = token('--tenant', 'acme', '--claim-json', 'roles=["use"]');
($status, $text) = ask('POST', '/two/chat/completions', $reader, '{}');
is($status, 403, 'every line of allow must hold');
like($text, qr/\{"error":\{"message"/, 'as an OpenAI error');
is(status('POST', '/two/query', $acme, '{"query":"x"}'), 200, 'both hold');

my $doc = '{"id":"d1","text":"Valve V-1 is red."}';
my $half = token('--tenant', 'acme', '--claim-json', $roles);

for my $token ($reader, $half) {
    is(status('PUT', '/claim/documents', $token, $doc), 403, 'no PUT');
    is(status('POST', '/claim/documents', $token, $doc), 403, 'no POST');
    is(status('DELETE', '/claim/documents/d1', $token), 403, 'no DELETE');
}

like(status('PUT', '/claim/documents', $acme, $doc), qr/^20/, 'a PUT');
is(status('GET', '/claim/documents/d1', $reader), 200, 'reading stays open');
is(status('GET', '/claim/documents/d1', $other), 404, 'not to another tenant');
unlike((ask('POST', '/claim/search', $other, '{"query":"valve"}'))[1],
       qr/V-1/, 'nor found by it');

# What nginx -t says.

sub refused {
    my ($http, $match, $name) = @_;

    my ($status, $text) = Edge::Server->check($http);

    ok($status != 0, "refused: $name");
    like($text, $match, "said: $name");
}

refused(http(location('a', 'edge_tenant $http_x_t;')), qr/verified source/,
        'a header');
refused(http('location /a/ { edge_route on; edge_tenant $jwt_claim_t; }'),
        qr/no "auth_jwt"/, 'no auth_jwt');
refused(http(location('a', 'edge_tenant $jwt_claim_T;')),
        qr/auth_jwt_claim_set/, 'capital letters');
refused(http(location('a', 'edge_tenant $jwt_claim_t; set $jwt_claim_t b;')),
        qr/jwt_claim_t/, 'set');
refused('map $uri $jwt_claim_t { default b; }'
        . http(location('a', 'edge_tenant $jwt_claim_t;')),
        qr/jwt_claim_t/, 'map');
refused('edge_module m { allow $uri use; }' . http(''), qr/is no claim/,
        'allow without a claim');
like((Edge::Server->check(http('')))[1], qr/"echo" has no "allow"/,
     'a module without allow is told');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
