# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for auth_jwt and what goes with it: where tokens come from and where
# they go, refusals, rules, remembered verdicts, claims as variables, keys by
# subrequest, and a change of keys by reload.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Server;
use IO::Socket::INET;
use Test::More;

my $home = $Edge::Env::tmp;
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $echo = $ENV{TEST_NGINX_RAND_PORT_1};

for (qw(HS256 ES256 other)) {
    Edge::Idp::edge_token('key', '--alg', $_ eq 'other' ? 'ES256' : $_,
                          '--out', "$home/$_");
}

Edge::Idp::write_file("$home/keys/now",
                      Edge::Idp::read_file("$home/ES256.jwks"))
    if mkdir "$home/keys";
Edge::Idp::write_file("$home/keys/reload",
                      Edge::Idp::read_file("$home/ES256.jwks"));
Edge::Idp::write_file("$home/keys/garbage", 'no JSON');
Edge::Idp::write_file("$home/keys/empty", '');
Edge::Idp::write_file("$home/keys/huge", 'x' x 262145);

my $hs = "auth_jwt_key_file $home/HS256.jwks;";
my $es = "auth_jwt_key_file $home/ES256.jwks;";
my $zone = 'auth_jwt_cache zone=tokens:64k;';
my $show = 'add_header X-Seen "$jwt_claim_sub|$jwt_claim_list|$jwt_claim_evil'
    . '|$jwt_claim_n|$jwt_claim_o|$jwt_header_alg|$deep|$custom" always;';

# location NAME, LINES: what passes is told by another server what it has got.
sub location {
    my ($name, $lines) = @_;

    return "location /$name { $lines proxy_pass http://127.0.0.1:$echo; }\n";
}

sub http {
    my ($more) = @_;

    return <<"END";
    error_log $home/refusals info;
    auth_jwt_claim_set \$deep realm_access roles;
    auth_jwt_claim_set \$custom custom:tenant_id;
    map \$jwt_claim_sub \$is_joe { joe 1; zero 0; }
    server {
        listen 127.0.0.1:$port;
        $more
    }
    server {
        listen 127.0.0.1:$echo;
        location / {
            return 200 'auth=[\$http_authorization] x=[\$http_x_token] cookie=[\$http_cookie] uri=[\$request_uri]';
        }
    }
END
}

my $all = join '', map { location(@$_) } (
    [es => "auth_jwt \"a realm\"; $es $show"],
    [hs => "auth_jwt hs; $hs"],
    [both => "auth_jwt r; $hs $es"],
    [quoted => "auth_jwt 'a \"\$arg_q\\\\'; $es"],
    [header => "auth_jwt r token=\$http_x_token; $es"],
    [cookie => "auth_jwt r token=\$cookie_tok; $es"],
    [arg => "auth_jwt r token=\$arg_tok; $es"],
    [forward => "auth_jwt r; auth_jwt_forward on; $es"],
    [joe => "auth_jwt r; auth_jwt_require \$is_joe; $es $zone"],
    [joe403 => "auth_jwt r; auth_jwt_require \$is_joe error=403; $es $zone"],
    [early => "set \$x \$is_joe; auth_jwt r; auth_jwt_require \$is_joe; $es"],
    [iss => "auth_jwt r; auth_jwt_issuer https://a/ https://b/; $es $zone"],
    [aud => "auth_jwt r; auth_jwt_audience one two; $es $zone"],
    [client => "auth_jwt r; auth_jwt_audience one claim=client_id; $es $zone"],
    [typ => "auth_jwt r; auth_jwt_type signed typ=at+jwt; $es $zone"],
    [alg => "auth_jwt r; auth_jwt_algorithms RS256; $es $zone"],
    [leeway => "auth_jwt r; auth_jwt_leeway 300s; $es $zone"],
    [strict => "auth_jwt r; $es $zone"],
    [wrongkey => "auth_jwt r; auth_jwt_key_file $home/other.jwks; $zone"],
    [small => "auth_jwt r; auth_jwt_max_size 100; $es"],
    [changing => "auth_jwt r; auth_jwt_key_file $home/keys/reload; $zone"],
    [request => "auth_jwt r; auth_jwt_key_request /keys/now;"],
    [kept => "auth_jwt r; auth_jwt_key_request /keys/now;"
             . " auth_jwt_key_cache 1h;"],
    [bad_status => "auth_jwt r; auth_jwt_key_request /keys/none;"],
    [bad_json => "auth_jwt r; auth_jwt_key_request /keys/garbage;"],
    [bad_empty => "auth_jwt r; auth_jwt_key_request /keys/empty;"],
    [bad_huge => "auth_jwt r; auth_jwt_key_request /keys/huge;"],
    [bad_slow => "auth_jwt r; auth_jwt_key_request /slow/ timeout=200ms;"],
    [one_bad => "auth_jwt r; auth_jwt_key_request /keys/garbage;"
                . " auth_jwt_key_request /keys/now;"],
    [any => "satisfy any; allow 127.0.0.1; auth_jwt r; $es $show"],
    [all => "satisfy all; deny all; auth_jwt r; $es"],
    [files => "auth_jwt r; $es try_files /none \@named;"],
) ;

my $nginx = Edge::Server->start(http(<<"END" . $all));
    location \@named { auth_jwt r; $es proxy_pass http://127.0.0.1:$echo; }
    location /limit/ {
        limit_except GET { auth_jwt r; $es }
        proxy_pass http://127.0.0.1:$echo/;
    }
    location /keys/ {
        internal;
        alias $home/keys/;
        add_header X-Got \$http_authorization always;
    }
    location /slow/ {
        internal;
        proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2};
    }
END

# A server that takes calls and says nothing.
my $silent = IO::Socket::INET->new(
    LocalAddr => "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2}", Listen => 5,
    ReuseAddr => 1) or die "listen: $!\n";

# ask URI, FIELDS: status and text of a GET.
sub ask {
    my ($uri, @fields) = @_;
    my $method = $uri =~ s/^POST // ? 'POST' : 'GET';

    my $s = connected() or die "connect: $!\n";
    print $s join "\r\n", "$method $uri HTTP/1.1", 'Host: a',
        'Connection: close', 'Content-Length: 0', @fields, '', '';

    my $text = receive([$s], 10)->{$s};
    my ($status) = $text =~ /^HTTP\S+ (\d+)/;

    return ($status || 0, $text);
}

sub with { return "Authorization: Bearer $_[0]" }

sub token {
    my ($key, @options) = @_;

    return Edge::Idp::token("$home/$key", '--ttl=1h', @options);
}

# is_status URI, TOKEN, STATUS, NAME
sub is_status {
    my ($uri, $token, $status, $name) = @_;
    my ($got, $text) = ask($uri, defined $token ? with($token) : ());

    is($got, $status, $name);

    return $text;
}

my $joe = token('ES256', '--sub', 'joe');
my $secret = token('HS256', '--sub', 'joe');

# Refusals.

my $text = is_status('/es', undef, 401, 'no token');
like($text, qr/^WWW-Authenticate: Bearer realm="a realm"\r$/m,
     'which is no error');

$text = is_status('/es', token('ES256', '--ttl=-1m'), 401, 'expired');
like($text, qr/^WWW-Authenticate: Bearer realm="a realm", error="invalid_token", error_description="expired"\r$/m,
     'and the client is told');

for (['not for us' => $secret], ['another key' => token('other')],
     ['cut' => substr($joe, 0, -2)], ['two parts' => $joe =~ s/\.[^.]*$//r],
     ['four parts' => "$joe.x"], ['no token at all' => 'x'],
     ['not yet' => token('ES256', '--claim-json', 'nbf=99999999999')],
     ['issued later' => token('ES256', '--claim-json', 'iat=99999999999')],
     ['a date in quotes' => token('ES256', '--claim-json', 'nbf="1"')])
{
    my ($name, $token) = @$_;

    $text = is_status('/es', $token, 401, $name);
    like($text, qr/error="invalid_token", error_description="invalid"\r$/m,
         "and no more is said: $name");
}

is((ask('/es', "Authorization: Basic $joe"))[0], 401, 'another scheme');
is((ask('/es', "Authorization: bearer   $joe"))[0], 200, 'a scheme in any case');
like((ask('/quoted?q="%0d'))[1], qr/realm="a \\"\\"%0d\\\\"\r$/m,
     'the realm is quoted');

my $log = Edge::Idp::read_file("$home/refusals");
like($log, qr/\[info\].*JWT refused: expired/, 'the log has the reason');
unlike($log, qr/\Q$joe\E/, 'and never the token');

# Keys and algorithms.

$text = is_status('/es', $joe, 200, 'a good token');
like($text, qr/auth=\[\]/, 'which goes no further');
is_status('/hs', $secret, 200, 'a symmetric one');
is_status('/hs', $joe, 401, 'no other algorithm with that key');
is_status('/both', $_, 200, 'several files') for $joe, $secret;
is_status('/alg', $joe, 401, 'an algorithm that is not allowed');
is_status('/small', $joe, 401, 'longer than auth_jwt_max_size');

# Sources of the token.

($_, $text) = ask('/header', "X-Token: $joe");
is($_, 200, 'from a header');
like($text, qr/ x=\[\]/, 'taken off the header');

($_, $text) = ask('/cookie', "Cookie: a=b; tok=$joe; c=d");
is($_, 200, 'from a cookie');
like($text, qr/cookie=\[a=b; c=d\]/, 'taken off the cookies');

($_, $text) = ask("/arg?a=b&tok=$joe&c=d");
is($_, 200, 'from an argument');
like($text, qr/uri=\[\/arg\?a=b&c=d\]/, 'taken off the arguments');

like(is_status('/forward', $joe, 200, 'forwarded'), qr/auth=\[Bearer \Q$joe\E\]/,
     'auth_jwt_forward lets it through');
is_status('/files', $joe, 200, 'another location sees what was taken off');
is_status('/files', undef, 401, 'and demands it');

# Rules.  The same tokens at several locations with one zone, twice.

my %rule = (
    iss => token('ES256', '--iss', 'https://b/'),
    aud => token('ES256', '--aud', 'x', '--aud', 'two'),
    client => token('ES256', '--claim', 'client_id=one'),
    typ => token('ES256', '--typ', 'at+jwt'),
    joe => $joe,
    leeway => token('ES256', '--ttl=-10s'),
);

for my $round (1, 2) {
    for my $own (sort keys %rule) {
        for my $where (sort keys %rule) {
            my $status = $own eq $where || $where eq 'leeway' ? 200 : 401;
            is_status("/$where", $rule{$own}, $status,
                      "$own at $where, round $round");
        }
    }

    is_status('/strict', $rule{$_}, 200, "$_ where nothing is asked")
        for qw(iss aud client typ joe);
    is_status('/strict', $rule{leeway}, 401, 'no leeway');
    is_status('/wrongkey', $rule{$_}, 401, "no verdict for another key: $_")
        for qw(iss joe);
}

$text = is_status('/joe403', $rule{iss}, 403, 'auth_jwt_require error=403');
like($text, qr/error="insufficient_scope"/, 'which is a scope');
is_status('/joe', token('ES256', '--sub', 'zero'), 401, '0 is not enough');
is_status('/early', $joe, 200, 'a map that was asked too early');

# A zone of few entries goes on.

is_status('/strict', token('ES256', '--claim', "pad=$_" . 'x' x 2000), 200,
          "a long token, $_") for 1 .. 40;
is_status('/strict', $joe, 200, 'behind the eviction');
is_status('/strict', token('ES256', '--claim', 'pad=' . 'x' x 5000), 200,
          'one too long to be remembered');

# Claims.

my @claims = ('--sub', 'joe', '--claim-json', 'list=["a","b,c"]',
    '--claim-json', 'evil="x\r\nX-Evil: 1"', '--claim-json', 'n=1.50',
    '--claim-json', 'o={"a": [1, 2]}', '--claim', 'custom:tenant_id=t',
    '--claim-json', 'realm_access={"roles":["r1","r2"]}');
my $seen = 'X-Seen: joe|a,b\u002cc|x\u000d\u000aX-Evil: 1|1.50|{"a":[1,2]}'
    . '|ES256|r1,r2|t';

$text = is_status('/es', token('ES256', @claims), 200, 'claims');
like($text, qr/^\Q$seen\E\r$/m, 'are shown, and split nothing');
like((ask('/any'))[1], qr/^X-Seen: \|{7}\r$/m, 'none without a token');
like((ask('/any', with($rule{leeway})))[1], qr/^X-Seen: \|{7}\r$/m,
     'none of a bad token');

# Other access rules.

is_status('/any', undef, 200, 'satisfy any by address');
unlike((ask('/any'))[1], qr/WWW-Authenticate/, 'is no refusal');
is_status('/all', $joe, 403, 'satisfy all');
is_status('/limit/', undef, 200, 'limit_except leaves GET alone');
is_status('POST /limit/', undef, 401, 'and not POST');
is_status('POST /limit/', $joe, 200, 'but for a token');

# Keys by subrequest.

for (1, 2) {
    is_status('/request', $joe, 200, 'keys by a subrequest');
    is_status('/kept', $joe, 200, 'kept keys');
}

is_status('/request', token('other'), 401, 'another key');
is_status("/bad_$_", $joe, 503, "no keys: $_")
    for qw(status json empty huge slow);
is_status('/one_bad', $joe, 200, 'one source is enough');
is_status('/one_bad', token('other'), 503, 'one that is missing might be');
is_status('/bad_json', 'x', 401, 'keys do not matter to what is no token');

Edge::Idp::write_file("$home/keys/now",
                      Edge::Idp::read_file("$home/other.jwks"));
is_status('/kept', $joe, 200, 'auth_jwt_key_cache does not ask');
is_status('/request', $joe, 401, 'without it the new keys are in force');
is_status('/request', token('other'), 200, 'for the new tokens');

# New keys by reload: what was remembered is not found any more.

is_status('/changing', $joe, 200, 'before the reload');
Edge::Idp::write_file("$home/keys/reload",
                      Edge::Idp::read_file("$home/other.jwks"));
my @old = $nginx->workers();
$nginx->signal('HUP');
ok(until_true(sub { !grep { my $p = $_; grep { $p == $_ } @old }
                    $nginx->workers() }), 'reloaded');
is_status('/changing', $joe, 401, 'the old key is gone');
is_status('/strict', $joe, 200, 'where it stayed it is good');

# nginx -t.

sub refused {
    my ($lines, $match) = @_;
    my ($status, $said) = Edge::Server->check(http("location / { $lines }"));

    ok($status != 0, "refused: $lines");
    like($said, $match, "and why: $lines");
}

refused('auth_jwt r;', qr/no keys/);
refused("auth_jwt r; auth_jwt s; $es", qr/duplicate/);
refused("auth_jwt off token=\$arg_a;", qr/invalid parameter/);
refused("auth_jwt r token=x; $es", qr/no variable/);
refused("auth_jwt r realm=x; $es", qr/invalid parameter/);
refused('auth_jwt_key_file none;', qr/No such file/);
refused("auth_jwt_key_file $home;", qr/no file of at most/);
refused("auth_jwt_key_file $home/keys/garbage;", qr/no keys from/);
refused("auth_jwt_key_file $home/keys/huge;", qr/no file of at most/);
refused('auth_jwt_key_file $uri;', qr/no variables/);
refused('auth_jwt_key_request keys;', qr/URI of a location/);
refused('auth_jwt_key_request /keys time=1;', qr/invalid parameter/);
refused('auth_jwt_leeway 301s;', qr/over 300s/);
refused('auth_jwt_type encrypted;', qr/not supported/);
refused('auth_jwt_type nested;', qr/not supported/);
refused('auth_jwt_type x;', qr/invalid parameter/);
refused('auth_jwt_type signed typ=a,;', qr/invalid parameter/);
refused('auth_jwt_require x;', qr/invalid parameter/);
refused('auth_jwt_require error=401;', qr/names no variable/);
refused('auth_jwt_require $uri error=404;', qr/invalid parameter/);
refused('auth_jwt_algorithms none;', qr/invalid parameter/);
refused('auth_jwt_audience a claim=;', qr/invalid parameter/);
refused('auth_jwt_audience a claim=b; auth_jwt_audience c;', qr/two claims/);
refused('auth_jwt_cache zone=a:1;', qr/size of at least/);
refused('auth_jwt_cache a;', qr/invalid parameter/);
refused("auth_jwt r; $es auth_jwt_cache zone=nowhere;", qr/nowhere/);
refused('set $jwt_x 1;', qr/kept for what the edge has verified/);
refused('set $edge_x 1;', qr/kept for what the edge has verified/);
refused('if ($uri ~ "(?<jwt_claim_x>.)") { }', qr/kept for what the edge/);

like((Edge::Server->check(http("location / { auth_jwt r token=\$uri; $es }")))[1],
     qr/cannot be taken off/, 'a source that keeps its token is told');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
unlike(Edge::Idp::read_file("$home/refusals"), qr/\[(alert|crit|emerg)\]/,
       'without alarms');

done_testing();
