# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for auth_jwt_identity: what arrives at a service, signed by whom, for
# how long, and what nginx -t refuses.  Signatures are checked by openssl.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Digest::SHA qw(hmac_sha256);
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

my $home = $ENV{TEST_NGINX_TMP};
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $stub = $ENV{TEST_NGINX_RAND_PORT_1};
my $json = JSON::PP->new->utf8->canonical;
my $client = 'c' x 40;                 # the clients' secret
my $secret = 'hidden-secret-of-more-than-32-bytes';

put('client.jwks', $json->encode({ keys => [{ kty => 'oct', alg => 'HS256',
    k => encode_base64url($client) }] }));
put('hs.key', "$secret\r\n");
put('hs2.key', 'another-secret-of-more-than-32-bytes');
put('short.key', 's' x 31 . "\n\n");
put('empty.key', '');
put('edge.key', '');

openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$$_[1]"
        . " -out $home/$$_[0].pem")
    for ['es', 'P-256'], ['p384', 'P-384'], ['k256', 'secp256k1'];
openssl("pkey -in $home/es.pem -pubout -out $home/es.pub");
openssl("pkey -in $home/es.pem -aes256 -passout pass:x -out $home/locked.pem");
openssl("genpkey -algorithm RSA -out $home/rsa.pem");

Edge::Stub::start($stub, { map { $_ => \&show } qw(sales legal) });

my $es = "auth_jwt_identity header=X-Edge-Identity key=$home/es.pem";
my $hs = "auth_jwt_identity header=X-Edge-Identity key=$home/hs.key alg=HS256";

my $nginx = Edge::Server->start(config());

subtest 'ES256, the claims' => \&es256;
subtest 'HS256, with the options' => \&hs256;
subtest 'a client\'s own fields' => \&incoming;
subtest 'no verified token' => \&unverified;
subtest 'request id' => \&request_id;
subtest 'kept with a cache' => \&kept;
subtest 'without a cache' => \&not_kept;
subtest 'ends with the client\'s token' => \&ends;
subtest 'endpoints of the edge' => \&own_endpoints;
subtest 'off and inherited' => \&inherited;
subtest 'the client\'s token' => \&forward;
subtest 'values' => \&values_of;
subtest 'reload' => \&reload;

is($nginx->alarms, '', 'nothing alarming in the log');
unlike($nginx->log_text, qr/hidden-secret/, 'no key in the log');
ok($nginx->ended(1), 'nginx ends');

subtest 'nginx -t' => \&refused;

done_testing();


# --- the server -----------------------------------------------------------

sub config {
    my ($key) = @_;

    $key = $hs if !defined $key;

    my @servers = (
        server('es', $es),
        server('hs', "$key ttl=15s issuer=https://edge.example kid=k7"),
        server('cached', "$es ttl=1h;\nauth_jwt_cache zone=v:1m"),
        server('cached2', "$es ttl=90s;\nauth_jwt_cache zone=v:1m"),
        server('kid', "$hs kid=other;\nauth_jwt_cache zone=v:1m"),
        server('short', "$es ttl=1h;\nauth_jwt_cache zone=v:1m;\n"
               . 'auth_jwt_leeway 300s'),
        server('off', 'auth_jwt_identity off'),
        server('forward', "$es;\nauth_jwt_forward on"),
        server('any', "$es;\nsatisfy any;\nallow all"),
        server('other', "auth_jwt_identity header=X-Who key=$home/es.pem"),
    );

    return <<"END";
    log_format id '\$uri [\$http_x_edge_identity]';
    edge_rag r { store $home/r.db; generate extractive; }
    edge_module sales { path /sales/; target http://127.0.0.1:$stub; rag r; }
    edge_module legal { path /legal/; target http://127.0.0.1:$stub; }
    auth_jwt_key_file $home/client.jwks;
    @servers
END
}

sub server {
    my ($name, $directives) = @_;

    return <<"END";
    server {
        listen 127.0.0.1:$port;
        server_name $name;
        underscores_in_headers on;
        auth_jwt test;
        $directives;
        access_log $home/$name.log id;

        location / {
            edge_tenant \$jwt_claim_tenant;
            edge_route on;
            proxy_pass \$edge_target;
        }
        location /bare/ {
            if (\$http_x_edge_identity = never) { return 404; }
            if (\$http_x_request_id = never) { return 404; }
            proxy_set_header X-Copy "[\$http_x_edge_identity]";
            proxy_set_header X-Copy-Id "[\$http_x_request_id]";
            proxy_pass http://127.0.0.1:$stub/sales/;
        }
        location /off/ {
            auth_jwt_identity off;
            proxy_pass http://127.0.0.1:$stub/sales/;
        }
        location /open/ {
            auth_jwt off;
            proxy_pass http://127.0.0.1:$stub/sales/;
        }
    }
END
}

# What came is what goes back.
sub show {
    my ($call) = @_;

    my $text = "$call->{head}\r\n";

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
}


# --- what is tested -------------------------------------------------------

sub es256 {
    my $before = time;
    my ($token, $head) = identity('es', '/sales/x', client(sub => 'u1'));
    my ($header, $claims) = parts($token);

    ok(es_verified($token), 'openssl verifies it with the public key');
    ok(!es_verified(other($token)), 'and not with another claim');
    is_deeply($header, { alg => 'ES256', typ => 'JWT' }, 'header');
    is_deeply([sort keys %$claims],
              [qw(aud exp iat iss jti module sub tenant)], 'claims');
    is($claims->{iss}, 'nginx-ai-edge', 'iss');
    is($claims->{sub}, 'u1', 'sub');
    is($claims->{tenant}, 'acme', 'tenant');
    is($claims->{$_}, 'sales', $_) for qw(module aud);
    like($claims->{jti}, qr/\A[0-9a-f]{32}\z/, 'jti');
    ok($claims->{iat} >= $before - 1 && $claims->{iat} <= time, 'iat is now');
    is($claims->{exp} - $claims->{iat}, 60, 'a minute');
}

sub hs256 {
    my ($token) = identity('hs', '/legal/x', client());
    my ($header, $claims) = parts($token);

    ok(hs_verified($token, $secret), 'signed without the line\'s end');
    is_deeply($header, { alg => 'HS256', typ => 'JWT', kid => 'k7' },
              'header');
    is($claims->{iss}, 'https://edge.example', 'iss');
    is($claims->{aud}, 'legal', 'aud');
    is($claims->{exp} - $claims->{iat}, 15, 'ttl');
    ok(!exists $claims->{sub}, 'no sub if the client has none');
}

sub incoming {
    my @fields = ('X-Edge-Identity: evil', 'x-edge-identity: evil',
                  'X_Edge_Identity: evil', 'X-EDGE_IDENTITY: evil',
                  'X-Edge-Identity: evil2');

    for my $path ('/sales/x', '/bare/x') {
        my $head = ask('es', $path, client(), @fields)->{body};

        unlike($head, qr/evil/, "$path: none arrives");
        is(scalar(() = $head =~ /^x.edge.identity:/gim), 1, "$path: but one");
        my ($token) = $head =~ /^X-Edge-Identity: (\S+)\r$/m;
        ok(es_verified($token), "$path: which is ours");
    }

    my $head = ask('es', '/bare/x', client(), $fields[0])->{body};
    my ($token) = $head =~ /^X-Edge-Identity: (\S+)\r$/m;

    like($head, qr/^X-Copy: \[\Q$token\E\]\r$/m, 'the variable shows ours');

    my ($claims) = (parts($token))[1];
    ok(!exists $claims->{$_}, "no $_ without a route")
        for qw(tenant module aud);

    $head = ask('other', '/bare/x', client(), 'x_WHO: evil',
                'X-Who-Else: stays')->{body};
    unlike($head, qr/evil/, 'of another name');
    like($head, qr/^X-Who-Else: stays\r$/m, 'a longer name is no copy');
    like($head, qr/^X-Who: \S+\r$/m, 'and ours has that name');
}

sub unverified {
    my $answer = ask('any', '/bare/x', undef, 'X-Edge-Identity: evil',
                     'x_edge_identity: evil');
    my $head = $answer->{body};

    is($answer->{status}, 200, 'let through');
    unlike($head, qr/edge.identity|evil/i, 'nothing arrives');
    like($head, qr/^X-Copy: \[\]\r$/m, 'nor in the variable');

    is(ask('es', '/bare/x', undef)->{status}, 401, 'refused elsewhere');

    $head = ask('es', '/open/x', client(), 'X-Edge-Identity: evil')->{body};
    unlike($head, qr/edge.identity|evil/i, 'nothing with auth_jwt off');
}

sub request_id {
    my $answer = ask('es', '/sales/x', client(), 'X-Request-Id: evil id',
                     'x_request_id: evil2');
    my ($ours) = $answer->{head} =~ /^X-Request-Id: (\S+)\r$/m;
    my @got = $answer->{body} =~ /^x.request.id: ([^\r]*)/gim;

    ok(length $ours, 'the response has one');
    is_deeply(\@got, [$ours], 'and the service the same');

    my $head = ask('es', '/bare/x', client(),
                   'X-Request-Id: evil id')->{body};
    my ($id) = $head =~ /^X-Request-Id: (\w+)\r$/m;

    like($head, qr/^X-Copy-Id: \[\Q$id\E\]\r$/m, 'the variable shows it');
}

sub kept {
    my $u1 = client(sub => 'u1');
    my $u2 = client(sub => 'u2');
    my ($first) = identity('cached', '/sales/x', $u1);

    is((identity('cached', '/sales/y', $u1))[0], $first, 'used again');

    my %others = (
        'another module' => ['cached', '/legal/x', $u1],
        'another user' => ['cached', '/sales/x', $u2],
        'another tenant' => ['cached', '/sales/x',
                             client(sub => 'u1', tenant => 'beta')],
        'another ttl' => ['cached2', '/sales/x', $u1],
        'another key' => ['kid', '/sales/x', $u1],
        'no module' => ['cached', '/bare/x', $u1],
    );

    for my $name (sort keys %others) {
        my ($token) = identity(@{$others{$name}});

        isnt($token, $first, $name);
        is((identity(@{$others{$name}}))[0], $token, "$name: used again");
    }

    is((parts((identity('cached', '/legal/x', $u1))[0]))[1]{aud}, 'legal',
       'aud of another module');
    is((parts((identity('cached', '/sales/x', $u2))[0]))[1]{sub}, 'u2',
       'sub of another user');
    is((identity('cached', '/sales/x', $u1))[0], $first, 'and still the first');
}

sub not_kept {
    my $u1 = client(sub => 'u1');
    my ($a, $b) = map { (parts((identity('es', '/sales/x', $u1))[0]))[1] }
                  1 .. 2;

    isnt($a->{jti}, $b->{jti}, 'each request has one of its own');
}

sub ends {
    my $exp = time + 300;
    my ($token) = identity('short', '/sales/x', client(exp => $exp));

    is((parts($token))[1]{exp}, $exp, 'at most with it');

    # A token is not used in its last 10 seconds: here it has no others.
    my $last = client(exp => time + 9);
    my @jti = map { (parts((identity('short', '/sales/x', $last))[0]))[1]{jti} }
              1 .. 2;

    isnt($jti[0], $jti[1], 'not kept near the end');

    my $now = time;
    ok((parts((identity('short', '/sales/x', client(exp => undef)))[0]))[1]{exp}
       >= $now + 3590, 'one without an end');
}

sub own_endpoints {
    my $answer = ask('es', '/sales/documents/none', client(),
                     'X-Edge-Identity: evil');

    is($answer->{status}, 404, 'the edge answers');
    identity('es', '/sales/mark', client());

    my $log;
    ok(until_true(sub {
        $log = get('es.log');
        return $log =~ m{^/sales/mark }m && $log =~ m{^/sales/documents/}m;
    }), 'logged');
    like($log, qr{^/sales/documents/none \[-\]$}m, 'without a token');
    like($log, qr{^/sales/mark \[ey[^\]]+\]$}m, 'which others have');
}

sub inherited {
    like(ask('es', '/bare/x', client())->{body}, qr/^X-Edge-Identity: /m,
         'from the server');
    unlike(ask('es', '/off/x', client())->{body}, qr/^X-Edge-Identity: /m,
           'off in a location');
    unlike(ask('off', '/sales/x', client())->{body}, qr/^X-Edge-Identity: /m,
           'off for the server');
}

sub forward {
    unlike(ask('es', $_, client())->{body}, qr/^Authorization:/im,
           "$_: stays here") for '/sales/x', '/bare/x';

    my $head = ask('forward', '/sales/x', client())->{body};
    like($head, qr/^Authorization: Bearer ey/m, 'goes with auth_jwt_forward');
    like($head, qr/^X-Edge-Identity: ey/m, 'beside ours');
}

sub values_of {
    my $sub = "a\",\"tenant\":\"x\\\r\n\x{d55c}";
    my ($token) = identity('es', '/sales/x', client(sub => $sub));
    my $claims = (parts($token))[1];

    is($claims->{sub}, $sub, 'quotes, line ends, Hangul');
    is($claims->{tenant}, 'acme', 'say no more than they are');

    is(ask('es', '/sales/x', client(sub => "u1\0admin"))->{status}, 500,
       'NUL is refused, not cut');
}

sub reload {
    my ($old) = identity('hs', '/sales/x', client());
    my $user = client(sub => 'r');
    my ($kept) = identity('cached', '/sales/x', $user);
    my @workers = $nginx->workers;

    $nginx->configure(config($hs =~ s/hs\.key/hs2.key/r));
    $nginx->signal('HUP');

    ok(until_true(sub {
        my ($now) = $nginx->workers;
        return defined $now && $nginx->workers == 1 && $now != $workers[0];
    }), 'other workers');

    my ($token) = identity('hs', '/sales/x', client());

    ok(hs_verified($old, $secret), 'before: the old key');
    ok(!hs_verified($token, $secret), 'now no more');
    ok(hs_verified($token, 'another-secret-of-more-than-32-bytes'),
       'but the new one');
    is((identity('cached', '/sales/x', $user))[0], $kept,
       'what was kept with another key is still good');
}

sub refused {
    my $in = '"auth_jwt_identity" directive';
    my $h = 'header=X-Id';
    my $k = "key=$home/es.pem";
    my $bad = 'invalid parameter "%s"';
    my @cases = (
        ['', 'invalid number of arguments in ' . $in],
        [$k, qq($in needs "header=" and "key=")],
        [$h, qq($in needs "header=" and "key=")],
        ["$h key=", 'invalid parameter "key="'],
        ["$h key=$home/none", 'No such file'],
        ["$h key=$home", 'is no file of at most'],
        ["$h $k alg=RS256", 'invalid parameter "alg=RS256"'],
        ["$h $k alg=none", 'invalid parameter "alg=none"'],
        ["$h $k alg=es256", 'invalid parameter "alg=es256"'],
        ["$h $k alg=", 'invalid parameter "alg="'],
        (map { ["$h $k ttl=$_", qq(invalid parameter "ttl=$_")] }
            '', '14s', '3601s', '2h', '-1s', 'x'),
        ["$h $k issuer=", 'invalid parameter "issuer="'],
        ["$h $k kid=", 'invalid parameter "kid="'],
        ["$h $k more", 'invalid parameter "more"'],
        ["off $h", 'invalid parameter "off"'],
        ["header= $k", 'has no name in "header"'],
        ["header=X- $k", 'has no name in "header"'],
        ["header=X_Id $k", 'invalid "header" of "auth_jwt_identity": "X_Id"'],
        ["header=X:Id $k", 'invalid "header" of'],
        ["'header=X Id' $k", 'invalid "header" of'],
        (map { ["header=$_ $k", qq(cannot use "$_" as its header)] }
            qw(Authorization connection Content-Length Cookie Expect HOST
               Keep-Alive TE Transfer-Encoding Upgrade X-Request-Id)),
        (map { ["$h key=$home/$_", 'needs a "key" on P-256 in PEM'] }
            qw(p384.pem k256.pem rsa.pem es.pub locked.pem hs.key
               empty.key)),
        (map { ["$h key=$home/$_ alg=HS256",
                'needs a "key" of 32 bytes or more for HS256'] }
            qw(short.key empty.key)),
        ["$h $k; auth_jwt_identity off", 'is duplicate'],
        ["off; auth_jwt_identity $h $k", 'is duplicate'],
    );

    for my $case (@cases) {
        my ($args, $say) = @$case;
        my ($status, $text) = test_of("auth_jwt r; auth_jwt_identity $args;");
        my $name = $args =~ s{\Q$home\E/?}{}gr || 'nothing';

        isnt($status, 0, "$name: refused");
        like($text, qr/\Q$say\E/, "$name: reason");
        unlike($text, qr/hidden-secret/, "$name: no key");
    }

    for my $args ("$h $k ttl=15s", "$h $k ttl=3600s", "$h $k alg=ES256",
                  "$h key=$home/hs.key alg=HS256", 'off')
    {
        my ($status, $text) = test_of("auth_jwt r; auth_jwt_identity $args;");
        is($status, 0, $args =~ s{\Q$home\E/?}{}gr . ': taken') or diag $text;
    }

    my ($status, $text) = test_of("auth_jwt_identity $h $k;");
    isnt($status, 0, 'without auth_jwt: refused');
    like($text, qr{location "/a" has "auth_jwt_identity" but no "auth_jwt"},
         'without auth_jwt: reason');
}

sub test_of {
    my ($directives) = @_;

    return Edge::Server->check(<<"END");
    auth_jwt_key_file $home/client.jwks;
    server {
        listen 127.0.0.1:$port;
        location /a { $directives }
    }
END
}


# --- requests and tokens --------------------------------------------------

# ask SERVER, PATH, TOKEN, FIELD...: {status, head, body} of the answer.
sub ask {
    my ($server, $path, $token, @fields) = @_;
    my $s = connected() or die "no connection\n";

    unshift @fields, "Authorization: Bearer $token" if defined $token;
    print $s join("\r\n", "GET $path HTTP/1.1", "Host: $server",
                  'Connection: close', @fields, '', '');

    my $text = receive([$s], 10)->{$s};
    my ($status) = $text =~ m{\AHTTP/1\.1 (\d+)} or die "no answer\n";
    my ($head, $body) = $text =~ /\A(.*?\r\n)\r\n(.*)\z/s;

    return { status => $status, head => $head, body => $body };
}

# identity SERVER, PATH, TOKEN: the token that arrived, and the whole header.
sub identity {
    my $head = ask(@_)->{body};
    my ($token) = $head =~ /^X-Edge-Identity: (\S+)\r$/m;

    ok(defined $token, "$_[0] $_[1]: there is a token") or diag $head;

    return ($token // 'e30.e30.', $head);
}

# A token of a client: of acme and good for an hour, if nothing else is said.
sub client {
    my %claims = (tenant => 'acme', exp => time + 3600, @_);

    delete @claims{grep { !defined $claims{$_} } keys %claims};

    my $input = join '.', map { encode_base64url($json->encode($_)) }
                { alg => 'HS256' }, \%claims;

    return "$input." . encode_base64url(hmac_sha256($input, $client));
}

sub parts {
    my @parts = split /\./, $_[0];

    return map { $json->decode(decode_base64url($_)) } @parts[0, 1];
}

sub other {
    my ($head, $body, $end) = split /\./, $_[0];

    $body = encode_base64url(decode_base64url($body) =~ s/\}\z/,"x":1}/r);

    return "$head.$body.$end";
}

sub hs_verified {
    my ($token, $key) = @_;
    my ($input, $end) = $token =~ /\A(.*)\.(.*)\z/;

    return $end eq encode_base64url(hmac_sha256($input, $key));
}

sub es_verified {
    my ($token) = @_;
    my ($input, $end) = $token =~ /\A(.*)\.(.*)\z/;
    my $signature = decode_base64url($end);

    return 0 if length $signature != 64;

    my ($r, $s) = map { unpack 'H*', $_ } unpack 'a32a32', $signature;

    put('v.input', $input);
    put('v.conf', "asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x$r\ns=INTEGER:0x$s\n");
    openssl("asn1parse -noout -genconf $home/v.conf -out $home/v.der");

    return eval { openssl("dgst -sha256 -verify $home/es.pub -signature"
                          . " $home/v.der $home/v.input"); 1 };
}

sub openssl {
    my ($args) = @_;

    system("openssl $args > $home/openssl.log 2>&1") == 0
        or die "openssl $args failed\n";
}

sub put {
    my ($name, $text) = @_;

    open my $out, '>:raw', "$home/$name" or die "$name: $!\n";
    print $out $text;
    close $out or die "$name: $!\n";
}

sub get {
    my ($name) = @_;

    open my $in, '<:raw', "$home/$name" or return '';
    local $/;
    return <$in> // '';
}
