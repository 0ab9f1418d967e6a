# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for backends behind TLS, as hosted ones are: an answer and a stream
# over connections that are kept, and a certificate that is not theirs.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Edge::Stub;
use Test::More;

my $tokens = 300;
my $tmp = $Edge::Env::tmp;
my $stub = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
my $tls = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2}";
my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=model.test"
    . " -addext subjectAltName=DNS:model.test -keyout $tmp/tls.key"
    . " -out $tmp/tls.crt > $tmp/openssl.log 2>&1") == 0
    or die "openssl failed\n";

sub chunk { sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }

sub token {
    'data: {"choices":[{"delta":{"content":"w' . $_[0] . ' "}}]}' . "\n\n"
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    model => sub {
        my ($call) = @_;

        return Edge::Stub::http('{"choices":[{"message":{"content":'
                . '"over TLS [1]"},"finish_reason":"stop"}]}')
            unless $call->{body} =~ /"stream":true/;

        return ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n",
            (map { chunk(token($_)) } 1 .. $tokens),
            chunk("data: [DONE]\n\n"), "0\r\n\r\n");
    },
});

sub http {
    my ($name) = @_;

    return <<"END";
    server {
        listen $tls ssl;
        ssl_certificate $tmp/tls.crt;
        ssl_certificate_key $tmp/tls.key;
        location / {
            proxy_pass http://$stub;
            proxy_buffering off;
        }
    }
    upstream backend {
        server $tls;
        keepalive 8;
    }
    edge_rag docs {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_model/ model=m;
        timeout embed=60s search=60s first_token=60s idle=60s total=60s;
    }
    edge_module docs { rag docs; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    # nginx forgets a session that it kept, at its exit
    proxy_ssl_session_reuse off;
    proxy_ssl_server_name on;
    proxy_ssl_name $name;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $tmp/tls.crt;
    server {
        listen $listen;
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal; proxy_pass https://backend/embed/; }
        location /_search/ { internal; proxy_pass https://backend/search/; }
        location /_model/ { internal; proxy_pass https://backend/model/; }
    }
END
}

sub ask {
    my ($body) = @_;

    my $s = connected() or die "connect: $!\n";
    print $s post('/api/v1/docs/query', $body);

    return receive([$s], 60)->{$s};
}

my $nginx = Edge::Server->start(http('model.test'));

for (1 .. 2) {
    like(ask('{"query":"q"}'), qr/^HTTP\S+ 200 .*"answer":"over TLS \[1\]"/s,
         'an answer');

    my $stream = ask('{"query":"q","stream":true}');

    is(join(' ', $stream =~ /"delta":"w(\d+) "/g), join(' ', 1 .. $tokens),
       'a stream is whole and in order');
    like($stream, qr/event: done\n/, 'and ends');
}

# A certificate of another name: no call is made, and the log says why.

$nginx->configure(http('other.test'));
$nginx->signal('HUP');
ok(until_true(sub { ask('{"query":"q"}') =~ /^HTTP\S+ 503 / }),
   'a backend that is another is not asked');
like($nginx->log_text(), qr/certificate does not match "other\.test"/,
     'the log says why');

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'without alarms');

done_testing();
