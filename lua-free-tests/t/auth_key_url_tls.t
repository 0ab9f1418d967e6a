# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for whom auth_jwt_key_url believes: certificates, names, redirects, and
# what a failed handshake leaves for nginx's own TLS in the same worker.

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

my $tmp = $ENV{TEST_NGINX_TMP};
my $wrong_name = $ENV{TEST_NGINX_RAND_PORT_1};
my $old = $ENV{TEST_NGINX_RAND_PORT_2};
my $nobody = $ENV{TEST_NGINX_RAND_PORT_3};
my $plain = $ENV{TEST_NGINX_RAND_PORT_4};
my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

Edge::Idp::start();

my $key = Edge::Idp::key('ES256', 'one');
my $token = Edge::Idp::token($key);
my $ca = "ca=$Edge::Idp::ca";

# The worker under test is the provider too: ten handshakes at once in one
# process, which valgrind makes slow; and a resolver may be slow to say no.
my $timeout = 'timeout=60s';

Edge::Idp::publish('a', Edge::Idp::jwks($key));
Edge::Idp::publish('moved', Edge::Idp::jwks($key),
                   "moved $Edge::Idp::url/a");

Edge::Idp::issue('ca', 'wrong.test', 'wrong');

# The URL and parameters of each location, and what the log says.
my %wrong = (
    system => ["$Edge::Idp::url/a", qr/unable to get local issuer/],
    authority => ["$Edge::Idp::url/a ca=$tmp/other.pem",
                  qr/certificate problem|unable to get|signature/],
    name => ["https://localhost:$wrong_name/keys/a $ca",
             qr/no alternative|does not match/],
    address => ["https://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_8}/keys/a $ca",
                qr/does not match|no alternative/],
    version => ["https://localhost:$old/keys/a $ca",
                qr/unsupported protocol|protocol version|SSL|TLS/],
    nobody => ["https://localhost:$nobody/keys/a $ca", qr/connect/],
    unknown => ["https://nobody.invalid/keys/a $ca", qr/resolve host/],
    plain => ["https://localhost:$plain/keys/a $ca", qr/SSL|TLS/],
    redirect => ["$Edge::Idp::url/moved $ca", qr/status 302/],
);

my $locations = join '', map {
    "location /$_/ { auth_jwt r; auth_jwt_algorithms ES256;"
        . " auth_jwt_key_url $wrong{$_}[0] $timeout; empty_gif; }\n"
} sort keys %wrong;

# So few connections that one lost in each fetch is soon one too many.
my $nginx = Edge::Server->start(<<"END", connections => 32);
@{[Edge::Idp::server()]}
server {
    listen 127.0.0.1:$wrong_name ssl;
    ssl_certificate $tmp/wrong.crt;
    ssl_certificate_key $tmp/wrong.key;
    return 200 "called";
}
server {
    listen 127.0.0.1:$old ssl;
    ssl_protocols TLSv1 TLSv1.1;
    ssl_ciphers ALL:\@SECLEVEL=0;
    ssl_certificate $tmp/ca.crt;
    ssl_certificate_key $tmp/ca.key;
    return 200 "called";
}
server {
    listen 127.0.0.1:$plain;
    return 200 "called";
}
server {
    listen $listen;
    location / { empty_gif; }
    location /good/ {
        auth_jwt r;
        auth_jwt_algorithms ES256;
        auth_jwt_key_url $Edge::Idp::url/a $ca $timeout;
        empty_gif;
    }
    $locations
}
END

sub status {
    my ($name) = @_;

    my $s = connected() or return 'none';
    print $s "GET /$name/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "Authorization: Bearer $token\r\n\r\n";

    my ($text) = values %{receive([$s], 70)};

    return $text =~ /^HTTP\S+ (\d+)/ ? $1 : 'none';
}

for my $name (sort keys %wrong) {
    my ($url) = $wrong{$name}[0] =~ /^(\S+)/;

    my $match = qr/"\Q$url\E" cannot be fetched, there are none yet: /;

    ok(until_true(sub {
        $nginx->log_text() =~ /\[error\].*$match.*$wrong{$name}[1]/
    }, 60), "told: $name");

    like(status($name), qr/^50[03]$/, "and without keys: $name");
}

ok(until_true(sub { status('good') eq '200' }), 'the right one is believed');

# Handshakes of nginx itself, which look at what failed ones have left.

for (1 .. 3) {
    Edge::Idp::publish('a', Edge::Idp::jwks($key));
    status($_) for 'system', 'authority', 'good';
}

my $moved = 0;

ok(until_true(sub { ($moved += Edge::Idp::calls()->{moved} || 0) >= 4 }, 60),
   'what fails is tried again');
is(status('good'), 200, 'and what works still does');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without alarms');

done_testing();
