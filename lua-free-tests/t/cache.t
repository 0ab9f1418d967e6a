# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the cache of proxied responses: what is stored and for whom, what
# a hit looks like, and what never is one.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache;
use Edge::Idp;
use Edge::Server;
use Test::More;
use Time::HiRes qw(sleep);

my $key = "$Edge::Env::tmp/key";

Edge::Idp::edge_token('key', '--alg', 'HS256', '--out', $key);
Edge::Cache::target($ENV{TEST_NGINX_RAND_PORT_1});

my $target = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

my $nginx = Edge::Server->start(<<"END", workers => 2);
    edge_cache_zone zone=c:1m;
    edge_limit_zone \$edge_tenant zone=l:1m;
    edge_module m { path /m/; target $target; methods GET POST PUT DELETE; }
    edge_module n { path /n/; target $target; }
    proxy_http_version 1.1;
    log_format s '\$edge_cache_status';
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        edge_cache c;
        edge_tenant \$http_x_t unverified;
        location /m/ {
            edge_route on;
            edge_cache_bypass \$arg_bypass;
            edge_no_cache \$arg_nocache \$upstream_http_x_no;
            add_header X-Status \$edge_cache_status always;
            proxy_pass \$edge_target;
        }
        location /n/ {
            edge_route on;
            edge_cache_valid 404 1m;
            edge_cache_valid 1m;
            edge_cache_valid any 1s;
            edge_cache_key \$uri\$arg_v;
            edge_cache_max_size 2000;
            edge_cache_methods GET POST;
            proxy_pass \$edge_target;
        }
        location /limited/ {
            edge_route m;
            edge_limit zone=l requests=4r/d;
            proxy_pass $target/m/;
        }
        location /off/ {
            edge_route m;
            edge_cache off;
            proxy_pass $target/m/;
        }
        location /other/ {
            edge_route m;
            rewrite ^/other(/.*) \$1 break;
            proxy_pass $target;
        }
        location /hidden/ {
            edge_route m;
            proxy_hide_header Cache-Control;
            proxy_hide_header Set-Cookie;
            proxy_pass $target/m/;
        }
        location /user/ {
            auth_jwt r;
            auth_jwt_algorithms HS256;
            auth_jwt_key_file $key.jwks;
            edge_tenant \$jwt_claim_tenant_id;
            edge_route m;
            edge_cache_scope user;
            edge_cache_valid 1m;
            proxy_pass $target/m/;
        }
        location /purge {
            auth_jwt r;
            auth_jwt_algorithms HS256;
            auth_jwt_key_file $key.jwks;
            edge_cache_purge zone=c \$jwt_claim_scope cache:purge;
        }
        location /token/ {
            auth_jwt r;
            auth_jwt_algorithms HS256;
            auth_jwt_key_file $key.jwks;
            edge_tenant \$jwt_claim_tenant_id;
            edge_route m;
            edge_cache_valid 1m;
            proxy_pass $target/m/;
        }
    }
END

my $n = 0;

# Two requests for the same: the second one's fate, or both replies.
sub twice {
    my ($how, %more) = @_;

    my $uri = ($more{path} // '/m/') . 'u' . ++$n . "?$how";
    my $first = get($uri, @{$more{first} // $more{fields} // []});
    my $second = get($uri, @{$more{second} // $more{fields} // []});

    return ($first, $second);
}

sub stored {
    my ($first, $second) = twice(@_);

    die "no answer\n" unless $first->{status} && $second->{status};

    return $first->{body} eq $second->{body} ? 1 : 0;
}

my $fresh = 'h=Cache-Control:max-age=60';

# ---- a miss, then a hit

my ($first, $second) = twice("$fresh&h=X-More:1&h=Content-Type:text/plain");

is($first->{status}, 200);
is(field($first, 'Cache-Status'),
   'ai-edge; fwd=uri-miss; fwd-status=200; stored', 'Cache-Status of a miss');
is(field($first, 'X-Status'), 'MISS', 'variable of a miss');
is(field($first, 'Age'), '', 'a miss has no Age');
is($second->{body}, $first->{body}, 'a hit has the body');
like(field($second, 'Cache-Status'), qr/^ai-edge; hit; ttl=(60|[45]\d)$/,
     'Cache-Status of a hit');
is(field($second, 'X-Status'), 'HIT', 'variable of a hit');
like(field($second, 'Age'), qr/^1?\d$/, 'a hit has an Age');
is(field($second, 'X-More'), 1, 'a hit has the fields of the target');
is(field($second, 'Content-Type'), 'text/plain', 'and its type');
is(field($second, 'Content-Length'), length $first->{body}, 'and its length');
is(field($second, 'Cache-Control'), 'max-age=60', 'and its Cache-Control');
isnt(field($second, 'X-Request-Id'), field($first, 'X-Request-Id'),
     'but a request id of its own');
like(field($second, 'ETag'), qr/^"[0-9a-f]{32}"$/, 'an ETag is made');

# ---- conditions, HEAD, ranges on a hit

my $uri = "/m/u$n?$fresh&h=X-More:1&h=Content-Type:text/plain";
my $etag = field($second, 'ETag');

my $reply = get($uri, "If-None-Match: W/$etag");
is($reply->{status}, 304, 'If-None-Match compares weakly');
is(field($reply, 'ETag'), $etag, '304 has the ETag');
is(field($reply, 'Cache-Control'), 'max-age=60', '304 has Cache-Control');
is($reply->{body}, '', '304 has no body');
is(get($uri, 'If-None-Match: "x"')->{status}, 200, 'another ETag');
is(get($uri, 'If-Match: "x"')->{status}, 412, 'If-Match fails');

$reply = ask('HEAD', $uri, undef, 'X-T: acme');
is(field($reply, 'X-Status'), 'HIT', 'HEAD is answered from a GET');
is(field($reply, 'Content-Length'), length $first->{body}, 'with the length');
is($reply->{body}, '', 'without a body');

$reply = get($uri, 'Range: bytes=0-0');
is($reply->{status}, 206, 'a range of a hit');
is($reply->{body}, substr($first->{body}, 0, 1), 'has its bytes');

$reply = get($uri, 'X-T: acme', "Transfer-Encoding: chunked\r\n\r\nzz");
is($reply->{status}, 400, 'a body that is none');
is(field($reply, 'Cache-Status'), '', 'is not answered by a hit');

# ---- the target is asked for the whole

$reply = get('/m/cond?' . $fresh, 'If-None-Match: "x"', 'Range: bytes=0-0',
             'If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT');
is($reply->{status}, 200, 'conditions and ranges do not pass a miss');
like($reply->{body}, qr/^\d+ \[\]$/, 'nor reach the target');
is(get('/m/cond?' . $fresh)->{body}, $reply->{body}, 'and it is stored');

$reply = get('/m/cond2?' . $fresh, 'Cache-Control: no-store',
             'If-None-Match: "x"');
like($reply->{body}, qr/\[if-none-match\]/,
     'what will not be stored keeps them');

# ---- what is never stored

is(stored($fresh), 1, 'max-age');
is(stored('h=Cache-Control:s-maxage=60'), 1, 's-maxage');
is(stored('h=Expires:Sat,%2021%20Nov%202099%2000:00:00%20GMT'), 1, 'Expires');
is(stored(''), 0, 'no freshness');
is(stored('h=Cache-Control:max-age=0'), 0, 'max-age=0');
is(stored('h=Expires:0'), 0, 'Expires: 0');
is(stored('h=Cache-Control:no-store,max-age=60'), 0, 'no-store');
is(stored('h=Cache-Control:private,max-age=60'), 0, 'private');
is(stored('h=Cache-Control:no-cache,max-age=60'), 0, 'no-cache');
is(stored("$fresh&h=Set-Cookie:a=b"), 0, 'Set-Cookie');
is(stored("$fresh&h=Vary:*"), 0, 'Vary: *');
is(stored("$fresh&s=206"), 0, 'a part');
is(stored("$fresh&s=500"), 0, 'a failure');
is(stored("$fresh&s=404"), 1, '404 with a time');
is(stored("$fresh&h=Age:60"), 0, 'as old as it may be');
is(stored("$fresh&b=40000"), 0, 'too large');
is(stored("$fresh&chunked=1"), 1, 'chunked');
is(stored("$fresh&chunked=1&b=40000"), 0, 'chunked and too large');
is(stored("$fresh&raw=1"), 0, 'a body that only ends with the connection');
is(stored("$fresh&nocache=1"), 0, 'edge_no_cache by the request');
is(stored("$fresh&h=X-No:1"), 0, 'edge_no_cache by the response');
is(stored($fresh, path => '/off/'), 0, 'off');
is(stored('h=Cache-Control:no-store,max-age=60', path => '/hidden/'), 0,
   'a hidden Cache-Control counts');
is(stored("$fresh&h=Set-Cookie:a=b", path => '/hidden/'), 0,
   'a hidden Set-Cookie counts');
is(stored("$fresh&h=Vary:X-V", fields => ['X-V: 1']), 1, 'Vary');
is(stored($fresh, fields => ['Authorization: Bearer x']), 0, 'Authorization');
is(stored("$fresh,public", fields => ['Authorization: Bearer x']), 1,
   'Authorization and public');

for my $how ('chunked=cut', 'short=1') {
    get("/m/cut?$fresh&$how");
    my $cut = get("/m/cut?$fresh&$how");
    like(field($cut, 'Cache-Status'), qr/fwd=/, "$how: a cut body is no hit");
}

$reply = get("/m/204?$fresh&s=204");
is(get("/m/204?$fresh&s=204")->{status}, 204, '204 from the cache');
is(field(get("/m/204?$fresh&s=204"), 'X-Status'), 'HIT', 'is a hit');

# ---- words of the request

is(stored($fresh, first => ['Cache-Control: no-store']), 0,
   'a request with no-store stores nothing');
is(stored($fresh, second => ['Cache-Control: no-cache']), 0,
   'no-cache goes to the target');
is(stored($fresh, second => ['Pragma: no-cache']), 0, 'so does Pragma');
is(stored($fresh, second => ['Pragma: no-cache', 'Cache-Control: x']), 1,
   'but not beside Cache-Control');
is(stored($fresh, second => ['Cache-Control: min-fresh=100']), 0,
   'min-fresh');
is(get('/m/only?' . $fresh, 'Cache-Control: only-if-cached')->{status}, 504,
   'only-if-cached');

get("/m/re?$fresh");
$reply = get("/m/re?$fresh", 'Cache-Control: no-cache');
is(field($reply, 'Cache-Status'),
   'ai-edge; fwd=request; fwd-status=200; stored', 'no-cache says why');
is(get("/m/re?$fresh")->{body}, $reply->{body}, 'and replaces the entry');

get("/m/by?$fresh");
$reply = get("/m/by?bypass=1&$fresh");
is(field($reply, 'X-Status'), 'BYPASS', 'edge_cache_bypass');

# ---- keys

is(get("/m/q?b=1&$fresh&a=1")->{body}, get("/m/q?a=1&b=1&$fresh")->{body},
   'the order of arguments does not matter');
isnt(get("/m/q2?a=1&a=2&$fresh")->{body}, get("/m/q2?a=2&a=1&$fresh")->{body},
     'that of values of one argument does');
isnt(get("/m/x?$fresh")->{body}, get("/n/x?$fresh")->{body}, 'the module');
isnt(get("/m/x?$fresh")->{body},
     get("/m/x?$fresh", 'X-T: globex')->{body}, 'the tenant');
isnt(get("/m/x?$fresh")->{body},
     get("/other/m/x?$fresh")->{body}, 'the location');
isnt(get("/m/x?$fresh")->{body}, get("/m/x?$fresh", 'Host: b')->{body} // '',
     'the host');
is(get("/n/k?v=1&a=1")->{body}, get("/n/k?v=1&a=2")->{body},
   'edge_cache_key chooses');
isnt(get("/n/k?v=1")->{body}, get("/n/k?v=2")->{body}, 'and tells apart');
isnt(get("/n/k?v=1")->{body}, get("/n/k?v=1", 'X-T: globex')->{body},
     'below the tenant');

# ---- Vary

my $vary = "/m/vary?$fresh&h=Vary:X-V,+x-w&h=Vary:x-z";

my %seen;
for my $fields (['X-V: 1'], ['X-V: 2'], ['X-W: 1'], ['X-V: 1', 'X-Z: 1'], [],
                ['X-V:'])
{
    my $body = get($vary, @$fields)->{body};
    is($seen{$body}++, 0, "a variant of its own: @$fields");
    is(get($vary, @$fields)->{body}, $body, "found again: @$fields");
}

like(field(get($vary, 'X-V: 9'), 'Cache-Status'), qr/fwd=vary-miss/,
     'vary-miss');

# ---- edge_cache_valid

is(stored('', path => '/n/'), 1, 'edge_cache_valid for 200');
is(stored('s=404', path => '/n/'), 1, 'for 404');
is(stored('h=Cache-Control:no-store', path => '/n/'), 0, 'not over no-store');
is(stored('h=Cache-Control:max-age=0', path => '/n/'), 0, 'nor max-age');
is(stored('s=206', path => '/n/'), 0, 'any is not 206');
is(stored('b=3000', path => '/n/'), 0, 'edge_cache_max_size');
is(stored('b=1900', path => '/n/'), 1, 'just below it');

get('/n/exp?s=500&v=e');
sleep 0.1 until field(get('/n/exp?s=500&v=e'), 'Cache-Status') !~ /hit/;
pass('an entry ends');

# ---- methods

my $body = '{"a":1}';
my @post = with('Content-Type: application/json');
my $post = ask('POST', '/n/p', $body, @post);
is(ask('POST', '/n/p', $body, @post)->{body}, $post->{body},
   'POST where it is named');
isnt(ask('POST', '/n/p', '{"a":2}', @post)->{body}, $post->{body},
     'by its body');
is(ask('POST', '/n/p', ' { "a" : 1 }', @post)->{body}, $post->{body},
   'by what it means');
isnt(ask('POST', '/n/p', '{"a":1,}', @post)->{body}, $post->{body},
     'not by what it looks like');
isnt(ask('POST', '/n/p', '{"a":1', @post)->{body},
     ask('POST', '/n/p', '{"a":1 ', @post)->{body},
     'or as it is, where it is no JSON');
isnt(ask('POST', '/n/p', $body, with('Content-Type: text/x'))->{body},
     $post->{body}, 'and type');
isnt(get('/n/p')->{body}, $post->{body}, 'and method');
isnt(ask('POST', '/n/p', $body, with('Content-Type: application/json',
                                     'content-encoding: gzip'))->{body},
     $post->{body}, 'not where it is encoded');
my $large = 'x' x 100000;
isnt(ask('POST', '/n/p', $large, @post)->{body},
     ask('POST', '/n/p', $large, @post)->{body}, 'not with one in a file');
isnt(ask('POST', "/m/p?$fresh", $body, @post)->{body},
     ask('POST', "/m/p?$fresh", $body, @post)->{body}, 'not else');

my $before = get("/m/unsafe?$fresh")->{body};
is(get("/m/unsafe?$fresh")->{body}, $before);
ask('POST', "/m/unsafe?$fresh&s=500", '', with());
ask('DELETE', "/m/unsafe?$fresh", undef, 'X-T: globex');
is(get("/m/unsafe?$fresh")->{body}, $before, 'a failure changes nothing');
ask('DELETE', "/m/unsafe?$fresh", undef, with());
isnt(get("/m/unsafe?$fresh")->{body}, $before,
     'a DELETE takes the entry away');

$vary = "/m/unsafe-vary?$fresh&h=Vary:X-V";
my %variant = map { $_ => get($vary, "X-V: $_")->{body} } 1, 2;
is(get($vary, "X-V: $_")->{body}, $variant{$_}, "variant $_ is kept")
    for 1, 2;
ask('DELETE', $vary, undef, with());
isnt(get($vary, "X-V: $_")->{body}, $variant{$_},
     "a DELETE takes variant $_ away") for 1, 2;

# ---- users

sub token {
    my (%claims) = @_;

    my $token = Edge::Idp::edge_token('mint', '--key', $key,
        map { ('--claim', "$_=$claims{$_}") } sort keys %claims);
    chomp $token;

    return "Authorization: Bearer $token";
}

my $ann = token(tenant_id => 'acme', sub => 'ann', iss => 'i');
my $bob = token(tenant_id => 'acme', sub => 'bob', iss => 'i');
my $ann2 = token(tenant_id => 'acme', sub => 'ann', iss => 'j');
my $none = token(tenant_id => 'acme');

%seen = ();
for my $who ($ann, $bob, $ann2) {
    my $text = get('/user/a', $who)->{body};
    is($seen{$text}++, 0, 'a user of his own');
    is(get('/user/a', $who)->{body}, $text, 'found again');
}

isnt(get('/user/a', $none)->{body}, get('/user/a', $none)->{body},
     'who is nobody shares with nobody');

isnt(get('/token/a', $ann)->{body}, get('/token/a', $ann)->{body},
     'edge_cache_valid does not do for a token');
is(get("/token/b?$fresh,public", $ann)->{body},
   get("/token/b?$fresh,public", $bob)->{body}, 'public does');
isnt(get("/token/v?$fresh,public&h=Vary:Authorization", $ann)->{body},
     get("/token/v?$fresh,public&h=Vary:Authorization", $bob)->{body},
     'Vary: Authorization, though the token is taken off');
is(get("/token/v?$fresh,public&h=Vary:Authorization", $ann)->{body},
   get("/token/v?$fresh,public&h=Vary:Authorization", $ann)->{body},
   'each has his own');

# ---- purge

my $may = token(scope => 'read cache:purge');

sub purge {
    my ($args, @fields) = @_;

    return ask('POST', "/purge$args", '', @fields);
}

sub hit {
    return field(get("/$_[0]/purged?$fresh", "X-T: $_[1]"), 'Cache-Status')
        =~ /hit/ ? 1 : 0;
}

sub fill {
    for my $module (qw(m n)) {
        get("/$module/purged?$fresh", "X-T: $_") for qw(acme globex);
    }
}

is(purge('?all=1')->{status}, 401, 'purging needs a token');
is(purge('?all=1', $ann)->{status}, 403, 'and a word in it');
is(purge('', $may)->{status}, 400, 'and to say what');
is(purge('?tenant=', $may)->{status}, 400, 'not nothing');
is(purge('?all', $may)->{status}, 400, 'all=1');
is(purge("?$_", $may)->{status}, 400, "$_ is not clear")
    for qw(all=1&tenant=acme tenant=acme&tenant=globex tenant=acme&modul=m
           all=1&all=1 tenant=acme&& Tenant=acme all=10);
is(get('/purge?all=1', $may)->{status}, 405, 'not by GET');

fill();
ok(hit('m', 'acme'), 'still there');
like(purge('?tenant=acme&module=m', $may)->{body}, qr/^\{"purged":\d+\}$/,
     'a tenant in a module');
is(join(' ', hit('n', 'acme'), hit('n', 'globex'), hit('m', 'globex'),
        hit('m', 'acme')), '1 1 1 0', 'no other');
purge('?tenant=acme', $may);
is(join(' ', hit('n', 'globex'), hit('m', 'globex'), hit('m', 'acme'),
        hit('n', 'acme')), '1 1 0 0', 'a tenant');
fill();
purge('?tenant=%61cme', $may);
is(hit('m', 'acme'), 0, 'also one that is encoded');
fill();
purge('?module=n', $may);
is(join(' ', hit('m', 'acme'), hit('m', 'globex'), hit('n', 'acme'),
        hit('n', 'globex')), '1 1 0 0', 'a module');
fill();
purge('?all=1', $may);
is(join(' ', hit('m', 'acme'), hit('n', 'globex')), '0 0', 'all');

# ---- reload

$before = get("/m/reload?$fresh")->{body};
my @old = $nginx->workers;
$nginx->signal('HUP');
ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx->workers;
    return !grep { $now{$_} } @old;
}), 'reloaded');
is(get("/m/reload?$fresh")->{body}, $before, 'entries stay over a reload');

# ---- a hit costs a request, and says what is left for this one

my @limited = map { get("/limited/a?$fresh") } 1 .. 5;
is(join(' ', map { $_->{status} } @limited), '200 200 200 200 429',
   'hits cost requests');
like(field($limited[1], 'Cache-Status'), qr/; hit/, 'and are hits');
like(field($limited[1], 'RateLimit'), qr/^"l-rpd";r=2;t=\d+$/,
     'with one RateLimit, of their own');
like(field($limited[1], 'RateLimit-Policy'), qr/^[^|]+$/, 'and one policy');

is($nginx->alarms, '', 'no alarms');

done_testing();
