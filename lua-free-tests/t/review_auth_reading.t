# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what the independent reading of src/auth found, see
# docs/security.md: key sets of two sources with one URI, maps of claims over
# an internal redirect, cookies in odd spellings.

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
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $behind = $ENV{TEST_NGINX_RAND_PORT_1};

Edge::Idp::start();

my $one = Edge::Idp::key('ES256', 'one');
my $two = Edge::Idp::key('ES256', 'two');
my $keys = Edge::Idp::jwks($one);
my $admin = Edge::Idp::token($one, '--claim', 'role=admin');
my $user = Edge::Idp::token($two, '--claim', 'role=user');
my $master = Edge::Idp::token($two, '--claim', 'role=admin');

put('one.jwks', $keys);
put('two.jwks', Edge::Idp::jwks($two));

# A body that differs each time.
(my $fresh = $keys) =~ s/\}\s*\z/,"x":"\$request_id"}/;

my $nginx = Edge::Server->start(<<"CONF");
map \$jwt_claim_role \$admin { admin 1; default 0; }
server {
    listen 127.0.0.1:$behind;
    location / { return 200 'cookie=\$http_cookie'; }
    location = /keys { return 200 '$fresh'; }
}
server {
    listen 127.0.0.1:$port;
    location = /seen { return 200 \$cookie_tok; }
    location = /k { internal; proxy_pass http://127.0.0.1:$behind/keys; }
    location /same {
        auth_jwt x;
        auth_jwt_key_request /k;
        auth_jwt_key_request /k;
        proxy_pass http://127.0.0.1:$behind;
    }
    location /cookie {
        auth_jwt x token=\$cookie_tok;
        auth_jwt_key_file $home/one.jwks;
        proxy_pass http://127.0.0.1:$behind;
    }
    location /first {
        auth_jwt x;
        auth_jwt_key_file $home/one.jwks;
        auth_jwt_require \$admin;
        try_files /none /second;
    }
    location /second {
        auth_jwt x token=\$http_x_tok;
        auth_jwt_key_file $home/two.jwks;
        auth_jwt_require \$admin;
        proxy_pass http://127.0.0.1:$behind;
    }
}
CONF

# With valgrind or ASan a set that is used after its end fails the file.
like(get('/same', "Authorization: Bearer $admin"), qr/^HTTP\S+ 200/, $_)
    for 'two sources, one URI', 'again';

for my $cookie ("tok=$admin", "a=1,tok=$admin", "tok = $admin; b=2",
    "b=2; TOK  =$admin")
{
    my $reply = get('/cookie', "Cookie: $cookie");

    # newer nginx does not part cookies by ","
    my $seen = $cookie !~ /,/ || get('/seen', "Cookie: $cookie") =~ /\Q$admin/;
    my $status = $seen ? 200 : 401;

    like($reply, qr/^HTTP\S+ $status/, "a cookie lets in: $status");
    unlike($reply, qr/\Q$admin/, 'and is taken off');
}

like(get('/second', "X-Tok: $user"), qr/^HTTP\S+ 401/, 'no admin');
like(get('/first', "Authorization: Bearer $admin\r\nX-Tok: $user"),
    qr/^HTTP\S+ 401/, 'the first token\'s role is not the second\'s');
like(get('/first', "Authorization: Bearer $admin\r\nX-Tok: $master"),
    qr/^HTTP\S+ 200/, 'each token its own role');

done_testing();


sub get {
    my ($uri, $fields) = @_;

    my $socket = Edge::Server::connected($port);
    print {$socket} "GET $uri HTTP/1.1\r\nHost: a\r\n$fields\r\n"
        . "Connection: close\r\n\r\n";
    local $/;
    return scalar <$socket>;
}

sub put {
    my ($name, $text) = @_;

    open my $out, '>', "$home/$name" or die "$name: $!\n";
    print {$out} $text;
    close $out or die "$name: $!\n";
    return;
}
