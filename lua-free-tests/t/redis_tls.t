# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the Redis client with TLS, and for who it says it is.

use strict;
use warnings;

use Test::More;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Dns;
use Edge::Probe;
use Edge::Redis;
use Edge::Server;

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $tmp = $Edge::Env::tmp;

# Two authorities; certificates of the first for a name and an address, and
# for another name.

sub openssl {
    system("openssl $_[0] > $tmp/openssl.log 2>&1") == 0
        or die "openssl $_[0] failed\n";
}

openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$_"
        . " -keyout $tmp/$_.key -out $tmp/$_.pem") for 'ca', 'stranger';

sub issue {
    my ($name, $names) = @_;

    open my $out, '>', "$tmp/$name.ext" or die;
    print $out "subjectAltName=$names\n";
    close $out;

    openssl("req -newkey rsa:2048 -nodes -subj /CN=$name"
            . " -keyout $tmp/$name.key -out $tmp/$name.csr");
    openssl("x509 -req -days 2 -in $tmp/$name.csr -CA $tmp/ca.pem"
            . " -CAkey $tmp/ca.key -set_serial 1 -out $tmp/$name.crt"
            . " -extfile $tmp/$name.ext");
}

issue('right', 'DNS:redis.test,IP:127.0.0.1');
issue('wrong', 'DNS:other.test,IP:127.0.0.9');

sub redis {
    my ($name) = @_;

    my $tls = Edge::Env::free_ports(1);
    my $redis = Edge::Redis->start('tls-port' => $tls,
        'tls-cert-file' => "$tmp/$name.crt", 'tls-key-file' => "$tmp/$name.key",
        'tls-ca-cert-file' => "$tmp/ca.pem", 'tls-auth-clients' => 'no',
        requirepass => 'sesame');

    return ($redis, $tls);
}

my ($redis, $right) = redis('right');
my (undef, $wrong) = redis('wrong');

my $dns = Edge::Dns->start();
$dns->name('redis.test', '127.0.0.1');

my %block = (
    address => "server 127.0.0.1:$right; tls on ca=$tmp/ca.pem;",
    name => "server redis.test:$right; tls on ca=$tmp/ca.pem;",
    other => "server 127.0.0.1:$wrong; tls on ca=$tmp/ca.pem;",
    othername => "server redis.test:$wrong; tls on ca=$tmp/ca.pem;",
    authority => "server 127.0.0.1:$right; tls on ca=$tmp/stranger.pem;",
    system => "server 127.0.0.1:$right; tls on;",
    plain => "server 127.0.0.1:$redis->{port}; tls on ca=$tmp/ca.pem;",
);

my $nginx = Edge::Server->start(<<"END", main => Edge::Probe::load('redis'));
    resolver 127.0.0.1:$dns->{port} ipv6=off;
    @{[ map { "edge_redis $_ { $block{$_} password sesame; timeout 10s;"
              . " connect_timeout 5s; }\n" } sort keys %block ]}
    server {
        listen 127.0.0.1:$port;
        @{[ map { "location /$_/ { redis_probe $_; }\n" } sort keys %block ]}
    }
END

sub logged {
    my ($pattern) = @_;

    # a second reason for a loss is told ten seconds after the first
    return until_true(sub { $nginx->log_text() =~ $pattern }, 30);
}

for my $name ('address', 'name') {
    ok(answers("/$name/ready", 1, 30), "a certificate for the $name");
    is(ask("/$name/send?SET+a+$name"), 'status:OK', 'a command');
    is(ask("/$name/send?GET+a"), "string:$name", 'and another');
}

# More than one record, both ways.

my $long = 'x' x 200;
is(ask("/name/eval?return%20string.rep(ARGV%5B1%5D%2C15)+k+$long"),
   'string:' . $long x 15, 'a long answer');
is(ask('/name/many?2000+INCR+n'), '2000:integer:2000', 'many commands');
is(ask('/name/send?STRLEN+a'), 'integer:4', 'all in order');

my %fault = (
    other => 'its certificate is for another server',
    othername => 'its certificate is for another server',
    authority => '(?:self-signed|unable to get local issuer) certificate',
    system => '(?:self-signed|unable to get local issuer) certificate',
    plain => '(?:the TLS handshake failed|it does not greet in time)',
);

for my $name (sort keys %fault) {
    ok(logged(qr/"$name" has lost \S+: $fault{$name}/), "refused: $name");
    is(ask("/$name/ready"), 0, 'not used');
}

# It comes back, and goes when nginx does.

$redis->kill();
ok(answers('/name/ready', 0), 'the server is killed');
$redis->again();
ok(answers('/name/send?SET+a+1', 'status:OK', 30), 'it is back');

$nginx->signal('HUP');
ok(logged(qr/exited with code 0/), 'a reload');
ok(answers('/name/send?GET+a', 'string:1', 30),
   'the new worker is connected');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'and leaves nothing behind');
unlike($nginx->log_text(), qr/sesame/, 'the password is in no log');

done_testing();
