# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t says of the cache's directives.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Test::More;

# What is said of directives of http and of a location; '' if all is well.
sub said {
    my ($http, $location) = @_;

    my ($status, $text) = Edge::Server->check(<<"END");
        $http
        edge_module m { path /m/; target http://127.0.0.1:1; }
        server {
            listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
            location /m/ {
                edge_tenant \$http_x_t unverified;
                $location
                proxy_pass \$edge_target;
            }
        }
END

    return '' if $status == 0;

    return join "\n", $text =~ /\[emerg\] (.*)/g;
}

my $zone = 'edge_cache_zone zone=c:1m;';
my $on = 'edge_route on; edge_cache c;';

is(said($zone, $on), '', 'the least');
is(said($zone, "$on edge_cache_key \$uri; edge_cache_valid 200 404 1m;"
        . ' edge_cache_valid any 5s; edge_cache_scope user;'
        . ' edge_cache_methods GET POST; edge_cache_bypass $arg_a $arg_b;'
        . ' edge_no_cache $arg_a; edge_cache_lock on;'
        . ' edge_cache_lock_timeout 1s; edge_cache_max_size 32k;'), '',
   'all there is');
is(said("$zone edge_cache c;", 'edge_route on;'), '', 'inherited');
is(said("$zone edge_cache c;", 'edge_route off;'), '',
   'inherited where there is no route');
is(said('', 'edge_cache off;'), '', 'off needs no zone');

my $redis = 'edge_redis r { server 127.0.0.1:1; }'
    . ' edge_cache_zone zone=c:1m redis=r';

is(said("$redis blind=2s;", $on), '', 'with Redis');
is(said("$redis;", 'edge_cache_purge zone=c unverified;'), '', 'and a purge');

for my $test (
    ['edge_cache_zone;', '', qr/invalid number of arguments/],
    ['edge_cache_zone zone=c;', '', qr/invalid zone "c", must be name:size/],
    ['edge_cache_zone zone=:1m;', '', qr/invalid zone ":1m"/],
    ['edge_cache_zone zone=c:1k;', '', qr/"c:1k" needs a size of at least/],
    ['edge_cache_zone zone=c:x;', '', qr/"c:x" needs a size of at least/],
    ['edge_cache_zone zone=c:1m redis=;', '', qr/invalid parameter "redis="/],
    ['edge_redis r { server 127.0.0.1:1; } edge_cache_zone zone=c:1m redis=r;',
     "$on edge_cache_max_size 1025k;", qr/must be between 1 and 1m/],
    ['edge_cache_zone zone=c:1m zone=d:1m;', '', qr/invalid parameter/],
    ["$zone $zone", '', qr/duplicate edge_cache_zone "c"/],
    ['', $on, qr/"edge_cache" names the unknown edge_cache_zone "c"/],
    [$zone, "$on edge_cache c;", qr/"edge_cache" directive is duplicate/],
    [$zone, 'edge_cache c;', qr/location "\/m\/" needs "edge_route"/],
    [$zone, "$on edge_cache_valid 1x;", qr/invalid time "1x"/],
    [$zone, "$on edge_cache_valid 206 1m;", qr/status "206" cannot be cached/],
    [$zone, "$on edge_cache_valid 304 1m;", qr/status "304" cannot be cached/],
    [$zone, "$on edge_cache_valid 99 1m;", qr/status "99" cannot be cached/],
    [$zone, "$on edge_cache_valid x 1m;", qr/status "x" cannot be cached/],
    [$zone, "$on edge_cache_scope all;", qr/invalid parameter "all"/],
    [$zone, "$on edge_cache_scope user; edge_cache_scope user;",
     qr/"edge_cache_scope" directive is duplicate/],
    [$zone, "$on edge_cache_methods PUT;", qr/invalid value "PUT"/],
    [$zone, "$on edge_cache_max_size 33k;", qr/must be between 1 and 32k/],
    [$zone, "$on edge_cache_max_size 0;", qr/must be between 1 and 32k/],
    [$zone, "$on edge_cache_lock maybe;", qr/invalid value "maybe"/],
    [$zone, "$on edge_cache_lock_timeout x;", qr/invalid value/],
    [$zone, 'edge_cache_purge zone=c;', qr/invalid number of arguments/],
    [$zone, 'edge_cache_purge c unverified;', qr/invalid parameter "c"/],
    [$zone, 'edge_cache_purge zone=c all;', qr/invalid parameter "all"/],
    [$zone, 'edge_cache_purge zone=c jwt_claim_scope purge;',
     qr/invalid parameter "jwt_claim_scope"/],
    [$zone, 'edge_cache_purge zone=d unverified;',
     qr/"edge_cache_purge" names the unknown edge_cache_zone "d"/],
    [$zone, 'edge_cache_purge zone=c $http_x purge;', qr/"\$http_x" in/],
    [$zone, 'edge_cache_purge zone=c $jwt_claim_scope purge;',
     qr/"edge_cache_purge" with a claim needs "auth_jwt"/],
    [$zone, 'edge_cache_purge zone=c unverified;'
     . ' edge_cache_purge zone=c unverified;', qr/is duplicate/],
    ["$redis blind=1999ms;", '', qr/invalid parameter "blind=1999ms"/],
    ["$redis blind=x;", '', qr/"x"/],
    ["$redis blind=5s blind=5s;", '', qr/invalid parameter "blind=5s"/],
    ['edge_cache_zone zone=c:1m blind=5s;', '',
     qr/has "blind" without "redis"/],
    ["$zone map \$uri \$edge_cache_status { default 1; }", $on,
     qr/edge_cache_status/],
)
{
    my ($http, $location, $expected) = @$test;
    like(said($http, $location), $expected, "$http $location");
}

done_testing();
