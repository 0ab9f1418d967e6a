# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Two tenants ask the same at the same time: 10,000 requests over connections
# that both use, at two instances, in all forms that an answer has, with the
# cache in shared memory alone, with Redis behind it, and with Redis behind so
# little memory that most comes from there.  While documents change, too.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Redis;
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use constant {
    CONNECTIONS => 20,                 # to each instance
    ROUNDS => $ENV{TEST_NGINX_USE_VALGRIND} ? 3 : 25,
    BATCH => 10,                       # requests at once on a connection
    QUESTIONS => 12,
};

use constant ALL => 2 * CONNECTIONS * ROUNDS * BATCH;

my $json = JSON::PP->new->canonical->utf8;
my $redis = Edge::Redis->start();
my @ports = @ENV{qw(TEST_NGINX_SERVER_PORT TEST_NGINX_RAND_PORT_2)};
my @modules = qw(both tight alone shared);
my %other = (acme => 'globex', globex => 'acme');
my $n = 0;

# Whatever the services say, they say for whom.

sub model {
    my ($call) = @_;

    my ($tenant) = $call->{head} =~ /^X-Who: (\w+)/mi;
    my $text = ++$n . " for $tenant" . ' and so on' x 300;

    return Edge::Stub::http($json->encode({ model => 'm-1', choices => [{
        index => 0, finish_reason => 'stop', message => {
            content => "$text [1]." } }] })) if $call->{body} !~ /"stream":true/;

    return Edge::Stub::http(join('', map { "data: $_\n\n" } (map {
        $json->encode($_)
    } (map { { model => 'm-1', choices => [{ index => 0,
               delta => { content => $_ } }] } } $text, ' [1].'),
      { model => 'm-1', choices => [{ index => 0, delta => {},
        finish_reason => 'stop' }] }), '[DONE]'), 200, 'text/event-stream');
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        my $inputs = $json->decode($_[0]{body})->{input};
        Edge::Stub::http($json->encode({ data => [map {
            { index => $_, embedding => [1, 2, 3] } } 0 .. $#$inputs] }))
    },
    search => sub {
        my ($tenant) = $_[0]{head} =~ /^X-Who: (\w+)/mi;
        Edge::Stub::http($json->encode({ result => { points => [
            { id => 1, score => 0.9, payload => {
              tenant_id => $_[0]{body} =~ /_shared/ ? '_shared' : $tenant,
              doc_id => 'd', chunk => 0, title => "Title of $tenant",
              text => "A note of $tenant." } } ] } }))
    },
    model => \&model,
    write => sub {
        my ($call) = @_;
        return Edge::Stub::http('{"result":[]}')
            if $call->{method} eq 'POST' && $call->{uri} =~ /points$/;
        return Edge::Stub::http('{"result":{"status":"completed"}}');
    },
    service => sub {
        my ($tenant) = $_[0]{head} =~ /^X-Who: (\w+)/mi;
        Edge::Stub::http(++$n . " for $tenant", 200, 'text/plain');
    },
});

my $stub = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

sub http {
    my ($port) = @_;

    my $locations = join '', map { <<"END" } qw(embed search model write);
        location /_$_/ {
            internal;
            proxy_set_header X-Who \$edge_tenant;
            proxy_pass http://$stub/$_/;
        }
END

    # Each tenant's documents have a version, which is a part of a key, too;
    # those of all have one.

    my $pipelines = join '', map { <<"END" } @modules;
    edge_rag $_ {
        embed /_embed/ model=e dimensions=3;
        search /_search/ @{[ $_ eq 'shared' ? 'collection=all scope=shared'
                             : 'collection=docs' ]};
        generate /_model/ model=m;
        ingest /_write/ collection=docs;
        cache zone=$_ valid=10m version_max_age=500ms;
        timeout embed=20s search=20s total=60s;
    }
    edge_module $_ { rag $_; allow_write unverified; }
END

    return <<"END";
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 5s;
        connect_timeout 5s;
    }
    edge_cache_zone zone=both:1m redis=r;
    edge_cache_zone zone=tight:64k redis=r;
    edge_cache_zone zone=alone:1m;
    edge_cache_zone zone=shared:1m redis=r;
    $pipelines
    edge_module service { target http://$stub; }
    proxy_http_version 1.1;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:$port reuseport;
        edge_tenant \$http_x_t unverified;
        location /api/ { edge_route on; }
        location /api/v1/service/ {
            edge_route on;
            edge_cache both;
            edge_cache_valid 10m;
            proxy_set_header X-Who \$edge_tenant;
            proxy_pass http://$stub/service/;
        }
        $locations
    }
END
}

my @nginx = map {
    my $port = $ports[$_];
    local $ENV{TEST_NGINX_SERVER_PORT} = $port;
    local $Edge::Env::tmp = "$Edge::Env::tmp/nginx$_";
    mkdir $Edge::Env::tmp;
    Edge::Server->start(http($port), workers => 2);
} 0 .. 1;

# A request of some form: its text.  Both tenants ask the same in the end.

my $seed = 1;

sub random {
    my ($n) = @_;

    $seed = ($seed * 1103515245 + 12345) % 2 ** 31;
    return int($seed / 2 ** 16) % $n;
}

sub request {
    my ($tenant) = @_;

    my $form = random(5);
    my $question = 'Question ' . random(QUESTIONS);
    my $module = $modules[random(scalar @modules)];

    return "GET /api/v1/service/" . ($question =~ s/ /-/r)
        . " HTTP/1.1\r\nHost: a\r\nX-T: $tenant\r\n\r\n" if $form == 4;

    my ($endpoint, $body) = $form < 2 ? ('query', { query => $question })
        : ('chat/completions', { model => $module, messages => [
              { role => 'user', content => $question }] });

    $body->{stream} = $form % 2 ? JSON::PP::true : JSON::PP::false;

    my $text = $json->encode($body);

    return "POST /api/v1/$module/$endpoint HTTP/1.1\r\nHost: a\r\n"
        . "X-T: $tenant\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
}

# Takes a whole response off the text.

sub response {
    my ($text) = @_;

    my $head = index $$text, "\r\n\r\n";
    return if $head < 0;

    my $body = $head + 4;
    my $fields = substr $$text, 0, $body;
    my $end = $body;

    if ($fields =~ /^Content-Length: (\d+)/mi) {
        $end += $1;

    } else {
        $end = index $$text, "\r\n0\r\n\r\n", $head;
        return if $end < 0;
        $end += 7;
    }

    return if length($$text) < $end;

    return substr $$text, 0, $end, '';
}

my %seen = (crossed => 0, answered => 0, hits => 0, odd => '');

sub judge {
    my ($tenant, $response) = @_;

    $seen{crossed}++ if index($response, $other{$tenant}) >= 0;

    if ($response =~ m{^HTTP/1.1 200 } && $response =~ /for $tenant/) {
        $seen{answered}++;

    } else {
        $seen{odd} = $response;
    }

    $seen{hits}++ if $response =~ /^Cache-Status: ai-edge; hit/mi;
}

# The tenants take turns, each time another way, on each connection.

sub batch {
    my ($c) = @_;

    $c->{who} = [map { random(2) ? 'acme' : 'globex' } 1 .. BATCH];
    print { $c->{socket} } map { request($_) } @{$c->{who}};
    $c->{left}--;
}

sub changed {
    my ($tenant, $module) = @_;

    my $body = '{"id":"d","text":"New."}';
    my $s = connected();
    print $s "POST /api/v1/$module/documents HTTP/1.1\r\nHost: a\r\n"
        . "X-T: $tenant\r\nContent-Type: application/json\r\n"
        . "Connection: close\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";

    return receive([$s], 20)->{$s} =~ m{^HTTP/1.1 200 };
}

my @all = map {
    my $port = $_;
    map { { socket => connected($port), text => '', left => ROUNDS } }
        1 .. CONNECTIONS;
} @ports;

my %by = map { $_->{socket} => $_ } @all;
my $select = IO::Select->new(map { $_->{socket} } @all);
my $end = time + 300 * ($Edge::Server::slow ? 6 : 1);
my $changes = 0;

batch($_) for @all;

while ($select->count && time < $end) {

    for my $socket ($select->can_read(1)) {
        my $c = $by{$socket};

        if (!sysread($socket, $c->{text}, 65536, length $c->{text})) {
            $seen{odd} = 'a connection was closed';
            $select->remove($socket);
            next;
        }

        while (defined(my $response = response(\$c->{text}))) {
            judge(shift @{$c->{who}}, $response);
        }

        next if @{$c->{who}};

        if ($c->{left}) {
            batch($c);
            next;
        }

        $select->remove($socket);
    }

    $changes += changed((keys %other)[$changes % 2], $modules[$changes % 3])
        if $changes < 6 && $seen{answered} > ALL / 7 * ($changes + 1);
}

is($seen{answered}, ALL, 'ten thousand answers') or diag($seen{odd});
is($seen{crossed}, 0, 'none of them to the other tenant');
is($changes, 6, 'while documents changed');
cmp_ok($seen{hits}, '>', ALL / 2, 'most of them from the cache');
cmp_ok($redis->info('stats')->{keyspace_hits}, '>', ALL / 20, 'and from Redis');
is($_->alarms(), '', 'nothing alarming') for @nginx;
note("$seen{hits} hits, " . $redis->info('stats')->{keyspace_hits});

done_testing();
