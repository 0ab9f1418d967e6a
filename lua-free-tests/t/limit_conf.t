# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What nginx -t says of edge_limit_zone and edge_limit.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Test::More;

my $zone = 'edge_limit_zone $arg_k zone=z:256k;';

my $redis = 'edge_redis r { server 127.0.0.1:6379; }';
my $shared = 'edge_limit_zone $arg_k zone=s:1m redis=r;';

my $rag = 'edge_rag p { embed /_e/ model=e dimensions=3;'
    . ' search /_s/ collection=c; generate /_g/ model=m; }';
my $internal = 'listen 127.0.0.1:1; edge_tenant $arg_t unverified; '
    . join ' ', map { "location /_$_/ { internal;"
                      . ' proxy_pass http://127.0.0.1:9; }' } qw(e s g);

# Directives of http, what is said; nothing: it is right.
my @cases = (
    ["$zone edge_limit zone=z requests=1r/s;"],
    ["edge_limit zone=z requests=1r/s; $zone"],
    ["$zone edge_limit zone=z requests=\$arg_r burst=1000000000;"],
    ["$zone edge_limit zone=z concurrent=10000;"],
    ["$zone edge_limit zone=z requests=1r/s; edge_limit zone=z concurrent=1;"
     . ' edge_limit zone=z requests=9r/m;'],
    ["$zone edge_limit zone=z requests=1r/s;"
     . ' server { listen 127.0.0.1:1; edge_limit off;'
     . ' edge_limit_dry_run on; edge_limit_status 400;'
     . ' edge_limit_log_level notice; }'],

    ['edge_limit_zone $arg_k;', 'invalid number of arguments'],
    ['edge_limit_zone $arg_k x=y;',
     'invalid parameter "x=y" in "edge_limit_zone"'],
    ['edge_limit_zone "" zone=z:1m;', 'needs a key'],
    ['edge_limit_zone $nosuch zone=z:1m;', 'unknown "nosuch" variable'],
    ['edge_limit_zone $arg_k zone=z;', 'needs "zone=name:size"'],
    ['edge_limit_zone $arg_k zone=z:1k;', 'invalid size "1k"'],
    ['edge_limit_zone $arg_k zone=z:x;', 'invalid size "x"'],
    ['edge_limit_zone $arg_k zone=:1m;', 'invalid zone name ""'],
    ['edge_limit_zone $arg_k zone=a"b:1m;', 'invalid zone name "a"b"'],
    ["$zone$zone", 'zone "z" in "edge_limit_zone" is duplicate'],
    ['edge_limit_zone $arg_k zone=a:1m zone=b:1m;',
     'invalid parameter "zone=b:1m"'],
    ["limit_req_zone \$arg_k zone=z:1m rate=1r/s; $zone",
     'is already declared for a different use'],

    ['edge_limit zone=z requests=1r/s;',
     '"edge_limit" names the unknown zone "z"'],
    ["$zone edge_limit requests=1r/s;", 'needs a "zone" parameter'],
    ["$zone edge_limit zone=z;", 'needs a "requests"'],
    ["$zone edge_limit zone=z zone=z requests=1r/s;",
     'invalid parameter "zone=z" in "edge_limit"'],
    ["$zone edge_limit zone= requests=1r/s;", 'invalid parameter "zone="'],
    ["$zone edge_limit zone=z requests=;", 'invalid parameter "requests="'],
    ["$zone edge_limit zone=z requests=1r/w;",
     'invalid rate "1r/w" in "edge_limit"'],
    ["$zone edge_limit zone=z requests=0r/s;", 'invalid rate "0r/s"'],
    ["$zone edge_limit zone=z requests=1t/s;", 'invalid rate "1t/s"'],
    ["$zone edge_limit zone=z requests=off;", 'invalid rate "off"'],
    ["$zone edge_limit zone=z requests=1000001r/s;",
     'invalid rate "1000001r/s"'],
    ["$zone edge_limit zone=z requests=\$nosuch;",
     'unknown "nosuch" variable'],
    ["$zone edge_limit zone=z requests=1r/s burst=0;", 'invalid value "0"'],
    ["$zone edge_limit zone=z requests=1r/s burst=-1;", 'invalid value "-1"'],
    ["$zone edge_limit zone=z requests=1r/s burst=1000000001;",
     'invalid value "1000000001"'],
    ["$zone edge_limit zone=z requests=1r/s burst=2 burst=3;",
     'invalid parameter "burst=3"'],
    ["$zone edge_limit zone=z concurrent=1 burst=2;",
     '"burst" in "edge_limit" is for "requests" only'],
    ["$zone edge_limit zone=z concurrent=0;", 'invalid number "0"'],
    ["$zone edge_limit zone=z concurrent=10001;", 'invalid number "10001"'],
    ["$zone edge_limit zone=z concurrent=x;", 'invalid number "x"'],
    ["$zone edge_limit zone=z requests=1r/s concurrent=2;",
     '"concurrent=2" in "edge_limit" is one limit too many'],
    ["$zone edge_limit zone=z requests=1r/s delay=2;",
     'invalid parameter "delay=2"'],
    ["$zone edge_limit zone=z requests=1r/s; edge_limit zone=z"
     . ' requests=2r/s;', 'has two limits of one kind in zone "z"'],
    ["$zone edge_limit zone=z requests=1r/s; edge_limit zone=z"
     . ' requests=$arg_r;', 'has two limits of one kind in zone "z"'],
    ["$zone edge_limit zone=z concurrent=1; edge_limit zone=z concurrent=2;",
     'has two limits of one kind in zone "z"'],
    ["$zone edge_limit off; edge_limit off;", '"edge_limit" directive is dup'],
    ["$zone edge_limit off; edge_limit zone=z requests=1r/s;",
     'it is "off" already'],
    ["$zone edge_limit zone=z requests=1r/s; edge_limit off;",
     '"edge_limit" directive is duplicate'],
    [join(' ', map { "edge_limit_zone \$arg_k zone=z$_:256k;"
         . " edge_limit zone=z$_ requests=1r/s;" } 1 .. 9),
     'is one too many for one location'],
    ["$zone edge_limit_status 399;", 'value must be'],
    ["$zone edge_limit_status 600;", 'value must be'],
    ["$zone edge_limit_log_level debug;", 'invalid value "debug"'],
    ["$zone edge_limit zone=z tokens=200000t/m cut=on;"],
    ["$zone edge_limit zone=z tokens=\$arg_r cut=off;"
     . ' edge_limit zone=z requests=1r/s;'],
    ["$zone edge_limit zone=z tokens=1r/s;",
     'must be such as "100t/s"'],
    ["$zone edge_limit zone=z tokens=1t/s cut=maybe;",
     'invalid parameter "cut=maybe"'],
    ["$zone edge_limit zone=z tokens=1t/s cut=on cut=on;",
     'invalid parameter "cut=on"'],
    ["$zone edge_limit zone=z requests=1r/s cut=on;",
     'has "cut", which is for "tokens" only'],
    ["$zone edge_limit zone=z tokens=1t/s burst=2;",
     '"burst" in "edge_limit" is for "requests" only'],
    ["$zone edge_limit zone=z tokens=1t/s; edge_limit zone=z tokens=2t/s;",
     'has two limits of one kind in zone "z"'],
    ["$redis $shared edge_limit zone=s requests=1r/s;"
     . ' edge_limit zone=s concurrent=2;'],
    ["edge_limit zone=s requests=1r/s; $shared $redis"],
    ["$redis edge_limit_zone a zone=s:1m redis=r mode=exact on_error=closed"
     . ' replicas=1000;'],
    [$shared, 'r'],
    ['edge_limit_zone a zone=s:1m redis=;', 'invalid parameter "redis="'],
    ["$redis edge_limit_zone a zone=s:1m redis=r mode=lease on_error=open"
     . ' replicas=3; edge_limit zone=s requests=1r/s;'
     . ' edge_limit zone=s concurrent=2; edge_limit zone=s tokens=9t/s;'],
    ["$redis edge_limit_zone a zone=s:1m redis=r mode=lease mode=lease;",
     'invalid parameter "mode=lease"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r mode=lease slice=9;",
     'invalid parameter "slice=9"'],
    ['edge_limit_zone a zone=s:1m mode=lease;', 'and no "redis"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r mode=near;",
     'invalid parameter "mode=near"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r on_error=shut;",
     'invalid parameter "on_error=shut"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r on_error=open"
     . ' on_error=local;', 'invalid parameter "on_error=local"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r replicas=0;",
     'invalid value "0"'],
    ["$redis edge_limit_zone a zone=s:1m redis=r replicas=1001;",
     'invalid value "1001"'],
    ['edge_limit_zone a zone=s:1m replicas=2;', 'and no "redis"'],
    ['edge_limit_zone a zone=s:1m mode=exact;', 'and no "redis"'],
    ["$redis $shared $zone edge_limit zone=s requests=1r/s;"
     . ' edge_limit zone=z requests=1r/s; server { listen 127.0.0.1:1; }',
     'which need the same "redis"'],
    ["$redis $shared edge_limit_zone a zone=o:1m redis=r on_error=open;"
     . ' edge_limit zone=s requests=1r/s; edge_limit zone=o requests=1r/s;'
     . ' server { listen 127.0.0.1:1; }',
     'which need the same "redis" and "on_error"'],
    ["server { $zone }", 'directive is not allowed here'],
);

for my $case (@cases) {
    my ($text, $message) = @$case;
    my ($status, $said) = Edge::Server->check($text);

    if (defined $message) {
        ok($status != 0 && index($said, $message) >= 0, $text) or diag $said;

    } else {
        is($status, 0, $text) or diag $said;
    }
}

# A limit of tokens where no request reaches a pipeline: module's text, text of
# the location, whether it is told.
my $led = 'rag p;';
my $away = 'target http://127.0.0.1;';

for my $case ([$led, 'edge_route on;', 0],
              [$led, 'edge_route m;', 0],
              [$led, 'location /m/n/ { edge_route m; }', 0],
              [$led, 'edge_route m; if ($arg_x) { set $x 1; }', 0],
              [$led, '', 1],
              [$away, 'edge_route on;', 1],
              [$away, 'edge_route m;', 1],
              [$away, 'edge_route m; if ($arg_x) { set $x 1; }', 1])
{
    my ($module, $location, $told) = @$case;
    my ($status, $said) = Edge::Server->check(<<"END");
        $zone
        $rag
        edge_module m { path /m/; $module }
        server {
            $internal
            edge_limit zone=z tokens=9t/s;
            location /m/ { edge_limit zone=z tokens=5t/s; $location }
        }
END
    is($status, 0, "$module $location") or diag $said;
    is(scalar(() = $said =~ m{\[warn\].*"tokens" in location "/m/" limits}g),
       $told, $told ? 'is told of' : 'is nothing to tell');
}

done_testing();
