# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what the second reading of src/auth found, see docs/security.md:
# keys of several sources, maps behind maps, control characters on their way to
# the log, and the identity header.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Server;
use MIME::Base64 qw(decode_base64url);
use Test::More;

my $home = $ENV{TEST_NGINX_TMP};
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $behind = $ENV{TEST_NGINX_RAND_PORT_1};
my $stub = $ENV{TEST_NGINX_RAND_PORT_9};
my @sources = qw(fast slow fast2 slow2 late);

Edge::Idp::start();

my $one = Edge::Idp::key('ES256', 'one');
my $two = Edge::Idp::key('ES256', 'two');
my $admin = Edge::Idp::token($one, '--claim', 'role=admin', '--sub', 'ann');
my $user = Edge::Idp::token($two, '--claim', 'role=user');
my $master = Edge::Idp::token($two, '--claim', 'role=admin');
my $bob = Edge::Idp::token($one, '--sub', 'bob');

put('one.jwks', Edge::Idp::jwks($one));
put('two.jwks', Edge::Idp::jwks($two));
Edge::Idp::publish($_, Edge::Idp::jwks($one)) for @sources, 'called';

system("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
       . " -out $home/edge.pem 2> $home/openssl.log") == 0 or die "openssl\n";

my $nginx = Edge::Server->start(http());

until_true(sub { @sources == (() = $nginx->log_text() =~ /are in force/g) })
    or die "no keys\n";

subtest 'a fetch that is wanted' => \&wanted;
subtest 'an answer that is older' => \&older;
subtest 'a variable of the token\'s field' => \&field;
subtest 'maps behind maps' => \&maps;
subtest 'control characters' => \&control;
subtest 'identity: subrequests of the access phase' => \&checked;
subtest 'identity: verdicts without a cache' => \&uncached;
subtest 'nginx -t' => \&configuration;

is($nginx->alarms, '', 'nothing alarming in the log');

done_testing();


sub http {
    my $url = "ca=$Edge::Idp::ca cooldown=1s timeout=20s";

    return Edge::Idp::server() . <<"END";
    map \$jwt_claim_role \$admin { admin 1; default 0; }
    map \$admin \$allowed { 1 yes; default 0; }
    server {
        listen 127.0.0.1:$behind;
        location / {
            return 200 'id=[\$http_x_edge_identity] copy=[\$http_x_copy]';
        }
        location = /check {
            if (\$http_x_edge_identity) { return 403; }
            if (\$http_x_request_id = mine) { return 403; }
            return 204;
        }
    }
    server {
        listen 127.0.0.1:$port;
        location / { return 200 free; }
        location /issuers {
            auth_jwt r;
            auth_jwt_key_url $Edge::Idp::url/fast issuer=fast $url;
            auth_jwt_key_url $Edge::Idp::url/slow issuer=slow $url;
            empty_gif;
        }
        location /any {
            auth_jwt r;
            auth_jwt_key_url $Edge::Idp::url/fast2 $url;
            auth_jwt_key_url $Edge::Idp::url/slow2 $url;
            empty_gif;
        }
        location = /k {
            internal;
            proxy_pass http://127.0.0.1:$stub/keys/called;
        }
        location /older {
            auth_jwt r;
            auth_jwt_key_request /k timeout=20s;
            auth_jwt_key_url $Edge::Idp::url/late $url;
            empty_gif;
        }
        location /newer {
            auth_jwt r;
            auth_jwt_key_request /k timeout=20s;
            empty_gif;
        }
        location /cached {
            auth_jwt r;
            auth_jwt_key_request /k timeout=20s;
            auth_jwt_key_cache 1h;
            empty_gif;
        }
        location /field {
            if (\$http_authorization = none) { return 404; }
            if (\$http_cookie = none) { return 404; }
            proxy_set_header X-Copy "\$http_authorization\$http_cookie";
            proxy_pass http://127.0.0.1:$behind;
            auth_jwt r;
            auth_jwt_key_file $home/one.jwks;
            location /field/cookie {
                if (\$http_cookie = none) { return 404; }
                auth_jwt r token=\$cookie_tok;
                proxy_pass http://127.0.0.1:$behind;
            }
        }
        location /first {
            auth_jwt r;
            auth_jwt_key_file $home/one.jwks;
            auth_jwt_require \$allowed;
            try_files /none /second;
        }
        location /second {
            auth_jwt r token=\$http_x_tok;
            auth_jwt_key_file $home/two.jwks;
            auth_jwt_require \$allowed;
            proxy_pass http://127.0.0.1:$behind;
        }
        location /control {
            auth_jwt r;
            auth_jwt_key_request /none\$uri;
            empty_gif;
        }
    }
    server {
        listen 127.0.0.1:$port;
        server_name identity;
        auth_jwt r;
        auth_jwt_key_file $home/one.jwks;
        auth_jwt_cache zone=verdicts:1m;
        auth_jwt_identity header=X-Edge-Identity key=$home/edge.pem;
        location /checked {
            auth_request /check;
            proxy_pass http://127.0.0.1:$behind;
        }
        location = /check { proxy_pass http://127.0.0.1:$behind; }
        location /uncached {
            auth_jwt_cache off;
            try_files /none /open;
        }
        location /open {
            auth_jwt off;
            proxy_pass http://127.0.0.1:$behind;
        }
    }
END
}

# A token of a new key waits for the source that has it, though another's
# fetch, which has no such key, ends before.
sub wanted {
    my $new = Edge::Idp::jwks($two);

    Edge::Idp::calls();
    Edge::Idp::publish($_, $new, 'slow 1') for qw(slow slow2);

    like(get('/issuers', bearer(Edge::Idp::token($two, '--iss', 'slow'))),
        qr/^HTTP\S+ 200/, 'with issuers');
    ok(!Edge::Idp::calls()->{fast}, 'the other issuer is not asked');

    like(get('/any', bearer($user)), qr/^HTTP\S+ 200/, 'without issuers');
    ok(Edge::Idp::calls()->{fast2}, 'both are asked');
}

# A request has got keys from a subrequest and waits for a fetch; meanwhile
# another's subrequest brings a set without its key.
sub older {
    Edge::Idp::calls();
    Edge::Idp::publish('late', Edge::Idp::jwks($one), 'slow 1');

    my $socket = request('/older', bearer(Edge::Idp::token($two, '--kid',
        'nobody')));

    ok(until_true(sub { Edge::Idp::calls()->{late} }), 'it waits');
    Edge::Idp::publish('called', Edge::Idp::jwks($two));

    like(get('/newer', bearer($user)), qr/^HTTP\S+ 200/, 'newer keys');
    like(reply($socket), qr/^HTTP\S+ 401/, 'it ends');
    like(get('/cached', bearer($user)), qr/^HTTP\S+ 200/, 'they stay');
    like(get('/cached', bearer($admin)), qr/^HTTP\S+ 401/, 'the old are gone');
}

sub field {
    like(get('/field', bearer($admin)), qr/copy=\[\]/, 'Authorization');
    like(get('/field/cookie', "Cookie: a=1; tok=$admin"), qr/copy=\[a=1\]/,
        'Cookie');
}

sub maps {
    like(get('/second', "X-Tok: $user"), qr/^HTTP\S+ 401/, 'no admin');
    like(get('/first', bearer($admin) . "X-Tok: $user"), qr/^HTTP\S+ 401/,
        'the first token\'s role is not the second\'s');
    like(get('/first', bearer($admin) . "X-Tok: $master"), qr/^HTTP\S+ 200/,
        'each token its own role');
}

sub control {
    for my $code (qw(0A 0D 1B 7F)) {
        like(get("/control/%$code.forged", bearer($admin)),
            qr/^HTTP\S+ 50[03]/, $code);
    }

    my $log = $nginx->log_text();

    unlike($log, qr/[\r\e\x7f]|^\.forged/m, 'the log has none');
    is(() = $log =~ /is no URI: it has a control character/g, 4, 'but why');
}

sub checked {
    my $reply = get('/checked', bearer($admin)
        . "X-Edge-Identity: forged\r\nX-Request-Id: mine mine");

    like($reply, qr/^HTTP\S+ 200/, 'no field of the client gets there');
    is(subject($reply), 'ann', 'ours goes on');
}

sub uncached {
    is(subject(get('/uncached', bearer($admin))), 'ann', 'one');
    is(subject(get('/uncached', bearer($bob))), 'bob', 'the other');
}

sub configuration {
    my ($status, $text) = Edge::Server->check(<<"END");
    server {
        listen 127.0.0.1:$port;
        auth_jwt r;
        if (\$arg_x) { set \$x 1; }
        location / {
            auth_jwt_key_file $home/one.jwks;
            if (\$arg_y) { set \$y 1; }
        }
    }
END
    is($status, 0, 'an "if" of a server needs no keys') or diag($text);
}


# --- client ---------------------------------------------------------------

sub bearer { return "Authorization: Bearer $_[0]\r\n" }

# The name of the server is chosen by the path.
sub request {
    my ($uri, $fields) = @_;

    my $host = $uri =~ m{^/(?:checked|uncached)} ? 'identity' : 'a';
    my $socket = Edge::Server::connected($port);

    $fields =~ s/\r\n\z//;
    print {$socket} "GET $uri HTTP/1.1\r\nHost: $host\r\n$fields\r\n"
        . "Connection: close\r\n\r\n";
    return $socket;
}

sub reply {
    my ($socket) = @_;

    local $/;
    return scalar <$socket>;
}

sub get { return reply(request(@_)) }

# Whom the token of the edge speaks of.
sub subject {
    my ($reply) = @_;

    my ($claims) = $reply =~ /id=\[[^.\]]+\.([^.]+)/ or return '';

    return decode_base64url($claims) =~ /"sub":"(\w+)"/ ? $1 : '';
}

sub put {
    my ($name, $text) = @_;

    open my $out, '>', "$home/$name" or die "$name: $!\n";
    print {$out} $text;
    close $out or die "$name: $!\n";
    return;
}
