# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t takes and refuses of auth_jwt_key_url; it calls
# nobody.

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

my $home = $ENV{TEST_NGINX_TMP};

Edge::Idp::start();

# Each of these alone in a location, and what nginx -t says of it.
my $in = 'in "auth_jwt_key_url" directive';
my $https = 'it must begin with "https://"';
my $byte = 'it has a byte that no URL has';
my $user = 'it must not hold a user or a password';
my $url = 'https://a.test/k';

my @refused = (
    ['', 'invalid number of arguments in "auth_jwt_key_url" directive'],
    ['""', qq(invalid URL "" $in: $https)],
    ['http://a.test/k', qq(invalid URL "http://a.test/k" $in: $https)],
    ['ftp://a.test/k', $https],
    ['file:///etc/passwd', $https],
    ['a.test/k', $https],
    ['/k', $https],
    ['https:/a.test/k', $https],
    ['https://', 'it is not valid'],
    ['https:///k', 'it has no host'],
    ['https://a.test:0x1/k', 'it is not valid'],
    ['https://a.test:65536/k', 'it is not valid'],
    ['https://[::1/k', 'it is not valid'],
    ['"https://a.test/k k"', $byte],
    ["'https://a.test/k\x01'", $byte],
    ["https://a.test/k\xc3\xa9", $byte],
    ['https://u@a.test/k', $user],
    ['https://u:p@a.test/k', $user],
    ['https://a.test/k#x', 'it must not have a fragment'],
    ['https://a.test/' . 'k' x 1010,
        qq(the URL $in is longer than 1024 bytes)],
    ["$url x", qq(invalid parameter "x" $in)],
    ["$url refresh", qq(invalid parameter "refresh" $in)],
    ["$url Refresh=5s", qq(invalid parameter "Refresh=5s" $in)],
    ["$url refresh=", qq(invalid time "" $in)],
    ["$url refresh=0", qq(invalid time "0" $in)],
    ["$url refresh=x", qq(invalid time "x" $in)],
    ["$url refresh=-1s", qq(invalid time "-1s" $in)],
    ["$url refresh=999ms",
        qq(invalid refresh "999ms" $in, must be between 1s and 24h)],
    ["$url refresh=86401s",
        qq(invalid refresh "86401s" $in, must be between 1s and 24h)],
    ["$url cooldown=999ms",
        qq(invalid cooldown "999ms" $in, must be between 1s and 1h)],
    ["$url cooldown=3601s",
        qq(invalid cooldown "3601s" $in, must be between 1s and 1h)],
    ["$url timeout=99ms",
        qq(invalid timeout "99ms" $in, must be between 100ms and 60s)],
    ["$url timeout=61s",
        qq(invalid timeout "61s" $in, must be between 100ms and 60s)],
    ["$url refresh=5s refresh=6s", "duplicate refresh $in"],
    ["$url cooldown=5s cooldown=5s", "duplicate cooldown $in"],
    ["$url timeout=5s timeout=5s", "duplicate timeout $in"],
    ["$url ca=$home/ca.pem ca=$home/ca.pem", "duplicate ca $in"],
    ["$url ca=", qq(invalid ca "" $in: it has no name)],
    ["$url ca=$home/none",
        qq(none" $in: it cannot be read, or holds no certificate)],
    ["$url ca=$home/ca.key",
        qq(ca.key" $in: it cannot be read, or holds no certificate)],
);

# And these are taken.
my @taken = (
    'https://a.test',
    'HTTPS://a.test:8443/k?a=b&c=%20d',
    'https://127.0.0.1/k',
    'https://[::1]:443/k',
    'https://a.test/' . 'k' x 1009,
    "$url refresh=1s cooldown=1s timeout=100ms",
    "$url timeout=60s cooldown=1h refresh=24h ca=$home/ca.pem",
    "$url ca=$home/ca.pem",
);

sub http {
    my $n = 0;

    return "server {\nlisten 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};\n"
        . join('', map { $n++; "location /$n/ { auth_jwt r;"
                         . " auth_jwt_key_url $_; }\n" } @_)
        . "}\n";
}

for (@refused) {
    my ($text, $why) = @$_;

    my ($status, $said) = Edge::Server->check(http($text));
    my $name = length $text > 60 ? substr($text, 0, 60) . '...' : $text;

    ok($status != 0 && $said =~ /\[emerg\].*\Q$why\E/, "refused: $name")
        or diag($said);
}

for my $text (@taken) {
    my ($status, $said) = Edge::Server->check(http($text));
    my $name = length $text > 60 ? substr($text, 0, 60) . '...' : $text;

    is($status, 0, "taken: $name") or diag($said);
}

my ($status, $said) = Edge::Server->check(http(@taken, @taken));
is($status, 0, 'taken: all of them, twice') or diag($said);

# nginx -t is no worker: it calls nobody, though somebody would answer.

($status, $said) = Edge::Server->check(Edge::Idp::server()
    . http("$Edge::Idp::url/t ca=$Edge::Idp::ca"));
is($status, 0, 'taken: what could be called') or diag($said);
is_deeply(Edge::Idp::calls(), {}, 'nginx -t calls nobody');

done_testing();
