# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t says of edge_redis blocks.

use strict;
use warnings;

use Test::More;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Probe;
use Edge::Server;

my $main = Edge::Probe::load('redis');

sub check {
    my ($http) = @_;

    return Edge::Server->check($http, main => $main);
}

sub refused {
    my ($block, $pattern, $name) = @_;

    my ($status, $text) = check("edge_redis r { $block }");

    like($text, $pattern, $name);
    isnt($status, 0, 'is refused');
}

sub accepted {
    my ($http, $name) = @_;

    my ($status, $text) = check($http);

    is($status, 0, $name) or diag($text);
}

my $server = 'server 127.0.0.1;';

for my $case (
    ['no server', '', qr/edge_redis "r" has no "server"/],
    ['several', 'server 127.0.0.1:1; server 127.0.0.1:2;',
     qr/edge_redis "r" has several "server" without "cluster on"/],
    ['a bad port', 'server 127.0.0.1:99999;',
     qr/invalid port in "server" directive "127.0.0.1:99999"/],
    ['a path behind it', 'server 127.0.0.1:1/x;', qr/in "server" directive/],
    ['a name', 'server redis.test;',
     qr/"redis.test", and the http block has no "resolver"/],
    ['two words', 'server 127.0.0.1 weight=2;',
     qr/invalid number of arguments in "server"/],
    ['an unknown directive', "$server sentinel on;",
     qr/unknown directive "sentinel"/],
    ['a user alone', "$server user a;",
     qr/edge_redis "r" has a "user" without "password"/],
    ['two users', "$server user a; user b; password c;",
     qr/"user" directive is duplicate/],
    ['an empty user', "$server user ''; password c;",
     qr/"user" directive is empty/],
    ['two passwords', "$server password a; password b;",
     qr/"password" directive is duplicate/],
    ['an empty password', "$server password '';",
     qr/"password" directive is empty/],
    ['no secret', "$server password \$nothing;",
     qr/edge_redis "r" has a "password" that is no "edge_secret"/],
    ['no name of one', "$server password \$;",
     qr/"password" directive names no "edge_secret"/],
    ['a bad database', "$server database x;",
     qr/invalid value "x" in "database" directive/],
    ['two databases', "$server database 1; database 2;",
     qr/"database" directive is duplicate/],
    ['a database of a cluster', "$server cluster on; database 1;",
     qr/has a "database", which a cluster has not/],
    ['a socket of a cluster', 'server unix:/x; cluster on;',
     qr/is a cluster and has a "server" that is a unix socket/],
    ['neither on nor off', "$server cluster yes;",
     qr/invalid value "yes" in "cluster" directive/],
    ['two clusters', "$server cluster on; cluster on;",
     qr/"cluster" directive is duplicate/],
    ['tls to a socket', 'server unix:/x; tls on;',
     qr/has "tls" to a unix socket/],
    ['tls neither on nor off', "$server tls yes;",
     qr/invalid parameter "yes" in "tls" directive/],
    ['tls off with a ca', "$server tls off ca=x;",
     qr/invalid parameter "ca=x" in "tls" directive/],
    ['tls of what', "$server tls on cert=x;",
     qr/invalid parameter "cert=x" in "tls" directive/],
    ['tls with no file', "$server tls on ca=nothing.pem;",
     qr/nothing.pem/],
    ['two tls', "$server tls off; tls off;",
     qr/"tls" directive is duplicate/],
    ['no time', "$server timeout 0;",
     qr/invalid time "0" in "timeout" directive/],
    ['two times', "$server timeout 1s; timeout 2s;",
     qr/"timeout" directive is duplicate/],
    ['no time to connect', "$server connect_timeout x;",
     qr/invalid time "x" in "connect_timeout" directive/],
) {
    my ($name, $block, $pattern) = @$case;

    refused($block, $pattern, $name);
}

my ($status, $text) = check("edge_redis r { $server } edge_redis r { $server }");
like($text, qr/"edge_redis" directive is duplicate/, 'two blocks of a name');

($status, $text) = check("edge_redis '' { $server }");
like($text, qr/"edge_redis" directive has an empty name/, 'an empty name');

my $use = "server { listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};\n"
    . 'location / { redis_probe r; } }';

($status, $text) = check("edge_redis other { $server } $use");
like($text, qr{edge_redis "r" is not defined, but "redis_probe" in \S+:\d+ names},
     'a block that never comes');

($status, $text) = check('edge_redis r { server 127.0.0.1; user u; '
                         . 'password hunter2; password hunter2; }');
unlike($text, qr/hunter2/, 'a password is never printed');

accepted("$use edge_redis r { $server }", 'a block behind its use');
accepted("edge_redis r { $server database 3; timeout 10ms; tls off;"
         . ' connect_timeout 1s; user u; password p; }', 'all of it');
accepted("resolver 127.0.0.1; edge_redis r { server redis.test; }",
         'a name with a resolver');
accepted("edge_redis r { server redis.test; } resolver 127.0.0.1;",
         'that comes later');
accepted("edge_redis r { server [::1]:7000; server 127.0.0.1; cluster on; }",
         'servers of a cluster');
accepted("edge_redis r { server unix:/x; }", 'a socket');

open my $out, '>', "$Edge::Env::tmp/block.conf" or die;
print $out "$server timeout 1s;\n";
close $out;
accepted("edge_redis r { include $Edge::Env::tmp/block.conf; }", 'an include');

$ENV{EDGE_TEST_PASSWORD} = 'x';
accepted("edge_redis r { $server password \$redis_password; }"
         . ' edge_secret $redis_password env=EDGE_TEST_PASSWORD;',
         'a secret that comes later');

done_testing();
