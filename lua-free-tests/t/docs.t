# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that the pages in docs/ are true: nginx -t takes every example, every
# directive's entry says what it must, and the examples answer as shown.

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

my $home = $Edge::Env::tmp;
my $tree = $ENV{TEST_NGINX_TREE};
my ($planning, $support) = @ENV{qw(TEST_NGINX_RAND_PORT_1
                                   TEST_NGINX_RAND_PORT_2)};

# What the examples name.
Edge::Idp::edge_token('key', '--out', "$home/key",
                      '--jwks', "$home/keys.jwks");
Edge::Idp::edge_token('key', '--out', "$home/edge.pem", '--pem', '--kid',
                      'edge-1');
Edge::Idp::write_file("$home/clients.jwks",
                      Edge::Idp::read_file("$home/keys.jwks"));
Edge::Idp::write_file("$home/secret", "a-value\n");

my %text = map { s{^\Q$tree/}{}r => Edge::Idp::read_file($_) }
    "$tree/README.md", glob "$tree/docs/*.md $tree/docs/directives/*.md";

# examples PAGE: its blocks of configuration, fit for an http block here.
sub examples {
    my ($page) = @_;

    return map { fit($_) } $text{$page} =~ /^```nginx\n(.*?)^```/msg;
}

sub fit {
    my ($conf) = @_;

    $conf = $1 if $conf =~ /^http \{\n(.*)^\}/ms;
    $conf = "server {\n$conf}\n" if $conf =~ /^location /m;

    # the first server of the file listens where it is asked
    my $listen = "listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};";
    $conf =~ s/listen +[0-9.:]+;/$listen/
        or $conf =~ s/^( *)server \{\n/$1server {\n$listen\n/m;

    $conf =~ s/127\.0\.0\.1:9001/127.0.0.1:$planning/g;
    $conf =~ s/127\.0\.0\.1:9002/127.0.0.1:$support/g;
    $conf =~ s{/run/secrets/\w+}{$home/secret}g;
    $conf =~ s{https://api\.openai\.com}{https://127.0.0.1}g;
    $conf =~ s{/tmp/drain}{$home/drain}g;

    return $conf;
}

# What they ask the environment for.
$ENV{$_} = 'a-value' for map { /\benv=([A-Z][A-Z0-9_]*)/g } values %text;

# Every example.

my $count = 0;

for my $page (sort keys %text) {
    my $n = 0;

    for my $conf (examples($page)) {
        my ($status, $said) = Edge::Server->check($conf);
        ok($status == 0, "$page: example " . ++$n) or diag($said);
        unlike($said, qr/unverified/, "$page: $n is no bad example");
        $count++;
    }
}

ok($count > 8, 'the examples are found');

# Every entry.

for my $page (grep { m{/directives/} } sort keys %text) {
    my $strict = $page =~ m{/(?:auth|cache|cors|limit|redis)\.md$};

    for my $entry (split /^(?=##+ )/m, $text{$page}) {
        next unless $entry =~ /^\| Syntax/m;

        my ($name) = $entry =~ /^#+ (.*)/;
        my @rows = ('Default', 'Context',
                    $strict ? ('Phase', 'Inherited', 'On failure') : ());
        my @missing = grep { $entry !~ /^\| \Q$_\E \| [^|]/m } @rows;

        is("@missing", '', "$page: $name has its rows");
    }
}

# What the pages show of responses.

my $nginx;

# serve CONF: the example, with services that tell what they got.
sub serve {
    my ($conf) = @_;

    if ($nginx) {
        $nginx->signal('QUIT');
        $nginx->ended() or die "nginx does not end\n";
    }

    $nginx = Edge::Server->start($conf . <<"END");
    server {
        listen 127.0.0.1:$planning;
        location / {
            return 200 "planning \$request_uri id=\$http_x_edge_identity.";
        }
    }
    server {
        listen 127.0.0.1:$support;
        location / { return 200 "support \$request_uri"; }
    }
END
}

# ask LINE, FIELDS: gives the status line, the other fields and the body.
sub ask {
    my ($line, @fields) = @_;

    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "$line HTTP/1.1", 'Host: a', 'Connection: close',
                  @fields), "\r\n\r\n";

    my $text = receive([$s], 10)->{$s};
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status, @more) = split /\r\n/, $head;

    return ($status, \@more, $body);
}

sub bearer {
    return 'Authorization: Bearer ' . Edge::Idp::token("$home/key", @_);
}

# shown PAGE, COMMAND: the response that the page shows below a command.
sub shown {
    my ($page, $command) = @_;

    $text{$page} =~ /^    \$ \Q$command\E.*?\n(    HTTP.*?)(?:\n(?! |\n)|\z)/ms
        or die "$page: nothing shown for $command\n";
    my ($head, $body) = split /\n\n/, $1 =~ s/^    //mgr, 2;
    my ($status, @fields) = split /\n/, $head;

    return ($status, \@fields, $body);
}

# answers PAGE, COMMAND, the response: is as shown.
sub answers {
    my ($page, $command, $status, $fields, $body) = @_;
    my ($line, $lines, $content) = shown($page, $command);

    is($status, $line, "$page: the status");
    for my $field (@$lines) {
        ok(scalar(grep { $_ eq $field } @$fields), "$page: $field");
    }
    s/\s+\z// for $content //= '', $body;
    is($body, $content, "$page: the body");
}

my $route = 'docs/directives/route.md';
my $id = 'X-Request-Id: 8f67c33a16a2eb5819a8182bc322ad33';
my @roles = ('--claim-json', 'roles=["planning","support","sales"]');
my $acme = bearer('--tenant', 'acme', @roles);

serve((examples($route))[0]);
answers($route, 'curl', ask('GET /api/v1/nothing/', $acme, $id));

for (['GET /api/v1/planning/a?b', qr{^planning /api/v1/planning/a\?b }],
     ['GET /api/v1/help/c', qr{^support /api/v1/help/c$}],
     ['PUT /api/v1/help/c', qr{"status":405.*the method}],
     ['GET /api/v1/help/c', qr{"status":403.*names no tenant}, bearer(@roles)],
     ['GET /api/v1/help/c', qr{"status":403}, bearer('--tenant', 'acme')],
     ['GET /api/v1/help/c', qr{"status":401}, ''])
{
    my ($line, $match, $token) = @$_;
    like((ask($line, grep { $_ } $token // $acme))[2], $match,
         "$route: $line");
}

my $cors = 'docs/directives/cors.md';

serve((examples($cors))[0]);
answers($cors, 'curl', ask('OPTIONS /api/v1/planning/query',
                           'Origin: https://app.example.com',
                           'Access-Control-Request-Method: POST',
                           'Access-Control-Request-Headers: '
                           . 'authorization,content-type'));

my ($status, $fields) = ask('GET /internal/', 'Origin: https://app.example.com');
like($status, qr/200/, "$cors: the other location");
is((grep { /^(?:Access-Control|Vary)/ } @$fields), 0, "$cors: has no policy");

my $auth = 'docs/directives/auth.md';
my ($first, $require, undef, $identity, $sets) = examples($auth);

# its keys and its names, from a file
$first =~ s/auth_jwt_key_url .*/auth_jwt_key_file keys.jwks;/;
serve("error_log $home/info.log info;\n$first");

my @login = ('--iss', 'https://login.example.com', '--aud', 'edge', '--tenant',
             'acme', @roles);

# the table's rows for 401, in its order
my @table = $text{$auth} =~ /^\| 401 \| .*? \| `(.*?)` \|$/mg;
is(scalar(@table), 3, "$auth: the table of responses");
s/^\.\.\./Bearer realm="..."/, s/"\.\.\."/"edge"/ for @table;

my $uri = 'GET /api/v1/planning/a';

for ([$table[0]], [$table[1], bearer(@login, '--ttl=-5m')],
     [$table[2], bearer(@login, '--claim-json', 'nbf="x"')],
     [$table[2], bearer('--iss', 'https://login.example.com')])
{
    my ($expected, @token) = @$_;
    ($status, $fields) = ask($uri, @token);
    like($status, qr/ 401 /, "$auth: 401");
    is((grep { s/^WWW-Authenticate: // } @$fields)[0], $expected,
       "$auth: $expected");
}

like((ask($uri, bearer(@login)))[2], qr{^planning /api/v1/planning/a },
     "$auth: the first example lets a good token in");

Edge::Idp::edge_token('key', '--out', "$home/new", '--kid', 'other');
my $new = Edge::Idp::token("$home/new", @login);
ask($uri, "Authorization: Bearer $new");
my ($line) = $text{$auth} =~ /^in `(JWT refused: .*?)`/m;
my $log = Edge::Idp::read_file("$home/info.log");
like($log, qr/\[info\].*\Q$line\E,/, "$auth: the log has its line");
unlike($log, qr/\Q${\substr($new, 0, 20)}\E/, "$auth: and no token");

serve($require . <<"END");
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        auth_jwt r;
        auth_jwt_key_file keys.jwks;
        location / { proxy_pass http://127.0.0.1:$planning; }
    }
END
like((ask('GET /', bearer('--claim', 'token_use=access')))[0], qr/ 200 /,
     "$auth: auth_jwt_require is content");
like((ask('GET /', bearer('--claim', 'token_use=id')))[0], qr/ 403 /,
     "$auth: and is not");

serve($identity);
my ($text) = (ask('GET /sales/a', $acme))[2] =~ /id=(.+)\.$/;
my $shown = Edge::Idp::edge_token('show', $text // '');
like($shown, qr/"kid":\s*"edge-1"/, "$auth: the identity's key");
like($shown, qr/"tenant":\s*"acme"/, "$auth: and its tenant");

serve($sets . <<"END");
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        auth_jwt r;
        auth_jwt_key_file keys.jwks;
        location / {
            add_header X-Claims "\$tenant \$roles";
            proxy_pass http://127.0.0.1:$planning;
        }
    }
END
($status, $fields) = ask('GET /', bearer('--claim', 'custom:tenant_id=acme',
                              '--claim-json',
                              'realm_access={"roles":["a","b"]}'));
ok(scalar(grep { $_ eq 'X-Claims: acme a,b' } @$fields),
   "$auth: auth_jwt_claim_set");

my $observe = 'docs/directives/observe.md';

serve((examples($observe))[0]);
answers($observe, 'curl', ask('GET /actuator/health'));

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is(join("\n", $nginx->alarms()), '', 'without alarms');

done_testing();
