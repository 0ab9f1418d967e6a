# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs conf/examples/{cognito,keycloak,entra}.conf, with a key of the test's in
# place of the provider's, on tokens of the shape that each provider makes.

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
my $key = "$home/key";
my $id = '11111111-2222-3333-4444-555555555555';

Edge::Idp::edge_token('key', '--alg', 'RS256', '--out', $key);

# The inside of an example's http block, on this machine.
sub example {
    my ($name) = @_;
    my $text = Edge::Idp::read_file(
        "$ENV{TEST_NGINX_TREE}/conf/examples/$name.conf");

    $text =~ s/.*^http \{\n//ms;
    $text =~ s/^\}\n\z//m or die "$name: no http block\n";
    $text =~ s/^ *(?:access_log|keepalive_timeout) .*\n//mg;
    $text =~ s/auth_jwt_key_url +https:\S+;/auth_jwt_key_file $key.jwks;/
        or die "$name: no keys\n";
    $text =~ s/127\.0\.0\.1:8080/127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}/;
    $text =~ s/127\.0\.0\.1:9001/127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}/;

    return $text . <<"END";
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1};
        location / {
            return 200 "tenant=[\$http_x_tenant_id] user=[\$http_x_user_id]";
        }
    }
END
}

sub ask {
    my (%claims) = @_;
    my @options = map { ('--claim-json', "$_=$claims{$_}") } sort keys %claims;
    my $token = Edge::Idp::token($key, '--ttl=1h', '--sub', 'u1', @options);

    my $s = connected() or die "connect: $!\n";
    print $s "GET /api/v1/planning/ HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\nAuthorization: Bearer $token\r\n\r\n";

    my $text = receive([$s], 10)->{$s};
    my ($status) = $text =~ /^HTTP\S+ (\d+)/;

    return ($status, $text);
}

# Claims as JSON; then what is changed in them, and what becomes of that.
my $pool = '"https://cognito-idp.eu-central-1.amazonaws.com/'
    . 'eu-central-1_example"';

my %provider = (
    cognito => [
        { iss => $pool, client_id => '"example-app-client"',
          token_use => '"access"', 'custom:tenant_id' => '"acme"',
          'cognito:groups' => '["planning"]', version => 2,
          scope => '"openid"' },
        'acme',
        ['an ID token', 401, token_use => '"id"'],
        ['another client', 401, client_id => '"other"'],
        ['another pool', 401, iss => '"https://evil.example/"'],
        ['no tenant', 403, 'custom:tenant_id' => '""'],
        ['another group', 403, 'cognito:groups' => '["support"]'],
    ],
    keycloak => [
        { iss => '"https://keycloak.example.com/realms/example"',
          typ => '"Bearer"', azp => '"front"', aud => '["edge","account"]',
          realm_access => '{"roles":["planning","offline_access"]}',
          tenant_id => '"acme"' },
        'acme',
        ['an ID token', 401, typ => '"ID"'],
        ['another audience', 401, aud => '"account"'],
        ['another realm', 401,
         iss => '"https://keycloak.example.com/realms/other"'],
        ['another role', 403, realm_access => '{"roles":["plan"]}'],
    ],
    entra => [
        { iss => qq("https://login.microsoftonline.com/$id/v2.0"),
          aud => '"99999999-8888-7777-6666-555555555555"', ver => '"2.0"',
          tid => qq("$id"), oid => '"o"', scp => '"ask"',
          roles => '["planning"]' },
        $id,
        ['version 1', 401, ver => '"1.0"'],
        ['another audience', 401, aud => '"api://other"'],
        ['another directory', 401,
         iss => '"https://login.microsoftonline.com/x/v2.0"'],
        ['no app role', 403, roles => '["x"]'],
        ['neither scope nor role', 401, roles => '""', scp => '""'],
    ],
);

my $nginx;

for my $name (sort keys %provider) {
    my ($claims, $tenant, @wrong) = @{$provider{$name}};

    if ($nginx) {
        my @old = $nginx->workers();
        $nginx->configure(example($name));
        $nginx->signal('HUP');
        until_true(sub { !grep { my $p = $_; grep { $p == $_ } @old }
                         $nginx->workers() }) or die "no reload\n";

    } else {
        $nginx = Edge::Server->start(example($name));
    }

    my ($status, $text) = ask(%$claims);
    is($status, 200, "$name: a token of its shape");
    like($text, qr/tenant=\[$tenant\] user=\[u1\]/, "$name: its tenant");

    for (@wrong) {
        my ($what, $expected, @change) = @$_;
        is((ask(%$claims, @change))[0], $expected, "$name: $what");
    }
}

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
