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
    map \$edge_tenant \$copy { default \$edge_tenant; }
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
    . "location /either/ { $auth satisfy any; deny all; $echo"
    . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
    . "location /ip/ { deny all; $auth $echo }\n"
    . "location /copy/ { $auth $echo"
    . " proxy_set_header X-Tenant-Id \"\$copy/\$edge_tenant\";"
    . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
    . "location /early-copy/ { set \$x \$copy; $auth $echo"
    . " proxy_set_header X-Tenant-Id \"\$copy/\$edge_tenant\";"
    . " proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}; }\n"
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

# forbidden NAME, DETAIL, METHOD, URI, TOKEN, BODY: is 403, as a problem that
# says this and no more.
sub forbidden {
    my ($name, $detail, @request) = @_;

    my ($status, $text) = ask(@request);
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($id) = $head =~ /^X-Request-Id: (\w+)\r?$/m;
    my ($type) = $head =~ /^Content-Type: (.*?)\r?$/m;

    is($status, 403, "403: $name");
    is($type, 'application/problem+json', "as a problem: $name");
    is($body, '{"type":"about:blank","title":"Forbidden","status":403,'
              . "\"detail\":\"$detail\",\"instance\":\"$id\"}\n",
       "that says: $name");
}

my $no_tenant = 'the request names no tenant';
my $no_valid_tenant = 'the request names no valid tenant';
my $no_module = 'this client may not use the module';
my $no_write = "this module's documents are read-only for this client";

# Tenants.  What is no string is not made one.

my %none = (
    missing => undef, empty => '""', number => '7', array => '["acme"]',
    'array of one valid name and more' => '["acme","other"]',
    object => '{"a":"acme"}', true => 'true', null => 'null',
);
my %invalid = (
    slash => '"a/b"', shared => '"_shared"', nul => '"acme\u0000"',
    newline => '"acme\nx"', space => '" acme"', comma => '"acme,other"',
    'no ASCII' => '"acm\u00e9"', long => '"' . 'a' x 65 . '"',
);

for my $case ([$no_tenant, \%none], [$no_valid_tenant, \%invalid]) {
    my ($detail, $claims) = @$case;

    for (sort keys %$claims) {
        my @claim = defined $claims->{$_}
            ? ('--claim-json', "tenant_id=$claims->{$_}") : ();
        forbidden("a tenant: $_", $detail, 'POST', '/claim/query',
                  token(@claim, @write), '{"query":"x"}');
    }
}

is(status('POST', '/claim/query', token('--tenant', 'a' x 64, @write),
          '{"query":"x"}'), 200, 'a tenant of 64 characters');

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

# nginx keeps a map's first value: what was asked for before there was a tenant
# stays empty, and the tenant itself is none the worse.
like((ask('GET', '/copy/', $acme))[1], qr{\[acme/acme\]$},
     'a map of $edge_tenant behind the gate');
like((ask('GET', '/early-copy/', $acme))[1], qr{\[/acme\]$},
     'a map of $edge_tenant that was asked too early');
forbidden('a map of $edge_tenant brings none', $no_tenant,
          'GET', '/early-copy/', token());

# Order.

forbidden('satisfy any brings no tenant', $no_tenant, 'GET', '/any/');
forbidden('nor does a broken token', $no_tenant, 'GET', '/any/', 'a.b.c');
forbidden('nor one that has expired', $no_tenant, 'GET', '/any/',
          token('--ttl=-1h', '--tenant', 'acme'));
forbidden('nor a good one, which nobody looks at behind "allow"', $no_tenant,
          'GET', '/any/', $acme);
is(status('GET', '/either/', $acme), 200, 'where "deny" is, it counts');
is(status('GET', '/either/', undef), 401, 'and is missed');
is(status('GET', '/ip/', undef), 403, 'addresses come first');
is(status('GET', '/claim/none', undef), 401, 'the token before the module');
is(status('GET', '/claim/none', token()), 404, 'the module before the method');
is(status('GET', '/claim/query', token()), 405, 'the method before the tenant');
forbidden('the tenant before allow', $no_tenant, 'POST', '/claim/query',
          token());

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
    my @request = ('POST', '/claim/query', $token, '{"query":"x"}');

    if ($expected == 403) {
        forbidden("allow with $_", $no_module, @request);
    } else {
        is(status(@request), $expected, "allow with $_");
    }
}

my $reader = token('--tenant', 'acme', '--claim-json', 'roles=["use"]');
($status, $text) = ask('POST', '/two/chat/completions', $reader, '{}');
is($status, 403, 'every line of allow must hold');
like($text, qr/^Content-Type:\ application\/json\r\n
               .*\r\n\r\n\{"error":\{"message":"\Q$no_module\E","type":"[a-z_]+",
               "param":null,"code":"module_forbidden"\}\}\n\z/msx,
     'as an OpenAI error');
forbidden('as a problem elsewhere', $no_module, 'POST', '/two/query', $reader,
          '{"query":"x"}');
is(status('POST', '/two/query', $acme, '{"query":"x"}'), 200, 'both hold');

my $doc = '{"id":"d1","text":"Valve V-1 is red."}';
my $half = token('--tenant', 'acme', '--claim-json', $roles);

for my $token ($reader, $half) {
    for (['PUT', '', $doc], ['POST', '', $doc], ['DELETE', '/d1']) {
        my ($method, $id, $body) = @$_;
        forbidden("no $method", $no_write, $method, "/claim/documents$id",
                  $token, $body);
    }
}

like(status('PUT', '/claim/documents', $acme, $doc), qr/^20/, 'a PUT');
is(status('GET', '/claim/documents/d1', $reader), 200, 'reading stays open');
is(status('GET', '/claim/documents/d1', $other), 404, 'not to another tenant');
unlike((ask('POST', '/claim/search', $other, '{"query":"valve"}'))[1],
       qr/V-1/, 'nor found by it');

# The same id is another document of another tenant.

like(status('PUT', '/claim/documents', $other,
            '{"id":"d1","text":"Valve V-2 is green."}'), qr/^20/,
     'another tenant has a document of that id');

for (['acme', $acme, 'V-1', 'V-2'], ['other', $other, 'V-2', 'V-1']) {
    my ($name, $token, $own, $foreign) = @$_;

    for my $answer ((ask('GET', '/claim/documents/d1', $token))[1],
                    (ask('POST', '/claim/search', $token,
                         '{"query":"valve"}'))[1])
    {
        like($answer, qr/$own/, "$name has its own");
        unlike($answer, qr/$foreign/, "$name has no other");
    }
}

like(status('DELETE', '/claim/documents/d1', $other), qr/^20/,
     'one of them is removed');
is(status('GET', '/claim/documents/d1', $other), 404, 'it is gone');
like((ask('GET', '/claim/documents/d1', $acme))[1], qr/V-1/,
     'the other one is not');

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

for my $variable (qw(jwt_claim_t jwt_payload jwt_x edge_tenant edge_x)) {
    my $location = location('a', 'edge_tenant $jwt_claim_t;');
    my %definition = (
        map => "map \$uri \$$variable { default b; }",
        geo => "geo \$$variable { default b; }",
        split_clients => "split_clients \$uri \$$variable { * b; }",
    );

    # of a name that is there already nginx says so itself
    my $said = qr/the (?:duplicate )?"?(?:variable "\$)?$variable/;

    for (sort keys %definition) {
        refused($definition{$_} . http($location), $said, "$_ \$$variable");
    }

    for ("set \$$variable b;", "auth_request_set \$$variable b;") {
        refused(http(location('a', "edge_tenant \$jwt_claim_t; $_")), $said,
                $_);
    }
}

refused('edge_module m { allow $uri use; }' . http(''), qr/is no claim/,
        'allow without a claim');
like((Edge::Server->check(http('')))[1], qr/"echo" has no "allow"/,
     'a module without allow is told');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
