# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for kept answers that are too old, and given where there would be none:
# when, in which forms, and when not.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache ();
use Edge::Redis;
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical->utf8;
my $true = JSON::PP::true;

# What is down, as told by /set/name; "moved" is a search with other results,
# "cut" a model that stops in mid-answer, "stall" one that does not fail before
# something else is set.
my $down = 'none';
my $n = 0;

sub model {
    my ($call) = @_;

    return ($down eq 'stall' ? sub { $down ne 'stall' } : (),
            "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n")
        if $down =~ /^(?:model|moved|stall)$/;

    $n++;
    my $usage = '"usage":{"prompt_tokens":11,"completion_tokens":4,'
        . '"total_tokens":2015}';

    return Edge::Stub::http('{"model":"m-1","choices":[{"index":0,'
        . '"finish_reason":"stop","message":{"content":"It is ' . $n
        . " [1].\"}}],$usage}") if $call->{body} !~ /"stream":true/;

    my $events = join '', map { "data: $_\n\n" }
        (map { qq({"model":"m-1","choices":[{"index":0,"delta":)
               . qq({"content":"$_"}}]}) } 'It ', 'is ', $n, ' [1].'),
        $down eq 'cut' ? '{"error":"x"}'
        : ('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
           qq({"choices":[],$usage}), '[DONE]');

    return ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            . 'Content-Length: ' . length($events) . "\r\n\r\n$events");
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    set => sub { ($down) = $_[0]{uri} =~ m{/set/(\w+)}; Edge::Stub::http('') },
    embed => sub {
        my $inputs = $json->decode($_[0]{body})->{input};
        return Edge::Stub::http($down eq 'embed' ? 'x' : $json->encode({
            data => [map { { index => $_, embedding => [1, 2, 3] } }
                     0 .. $#$inputs] }));
    },
    search => sub {
        return "HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n"
            if $down eq 'search';
        my $score = $down eq 'moved' ? 0.8 : 0.9;
        my $tenant = $json->decode($_[0]{body})
            ->{filter}{must}[0]{match}{value};
        return Edge::Stub::http('{"result":{"points":[{"id":1,"score":'
            . qq($score,"payload":{"tenant_id":"$tenant","doc_id":"d",)
            . '"chunk":0,"text":"t"}}]}}');
    },
    model => sub { model($_[0]) },
    write => sub {
        my ($call) = @_;
        return Edge::Stub::http('{"result":[]}')
            if $call->{method} eq 'POST' && $call->{uri} =~ /points$/;
        return Edge::Stub::http('{"result":{"points":[],"count":1}}')
            if $call->{uri} =~ /scroll|count/;
        return Edge::Stub::http('{"result":{"status":"completed"}}');
    },
});

my $redis = Edge::Redis->start();
my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
my ($pipelines, $locations) = ('', '');

for my $pipeline (['docs', 'cache zone=c valid=1s stale=10m;'],
                  ['far', 'cache zone=far valid=1s stale=10m;'],
                  ['brief', 'cache zone=c valid=1s stale=2s;'],
                  ['plain', 'cache zone=c valid=1s;'])
{
    my ($name, $cache) = @$pipeline;

    $pipelines .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=$name;
        ingest /_write/ collection=$name;
        generate /_model/ model=m;
        max_tokens 100;
        timeout embed=20s search=20s total=60s;
        $cache
    }
    edge_module $name { rag $name; allow_write unverified; }
END
}

for my $name (qw(embed search model write)) {
    $locations .= "location /_$name/ { internal;"
        . " proxy_pass $stub/$name/; }\n";
}

my $conf = <<"END";
    proxy_http_version 1.1;
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 5s;
        connect_timeout 5s;
    }
    edge_cache_zone zone=c:1m;
    edge_cache_zone zone=far:1m redis=r;
    edge_limit_zone \$edge_tenant zone=t:1m;
    $pipelines
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        edge_tenant \$http_x_t unverified;
        location /api/ {
            edge_route on;
            edge_limit zone=t tokens=50000t/d;
            add_header X-Status \$edge_cache_status always;
        }
        location = /purge { edge_cache_purge zone=far unverified; }
        $locations
    }
END

my $nginx = Edge::Server->start($conf);

sub request {
    my ($module, $endpoint, $body, @fields) = @_;

    push @fields, 'X-T: acme' unless grep { /^X-T:/ } @fields;

    return Edge::Cache::ask('POST', "/api/v1/$module/$endpoint",
        $json->encode($body), 'Content-Type: application/json',
        'X-Request-Id: r-1', @fields);
}

sub query {
    my ($module, $question, @more) = @_;

    return request($module, 'query', { query => $question }, @more);
}

sub stream {
    my ($module, $question) = @_;

    return request($module, 'query', { query => $question, stream => $true });
}

sub status { return Edge::Cache::field($_[0], 'X-Status') }

sub set {
    my $s = connected($ENV{TEST_NGINX_RAND_PORT_1}) or die "connect: $!\n";
    print $s "GET /set/$_[0] HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    shutdown $s, 1;
    receive([$s], 10);
}

# With all that could renew it down: waits until an answer is old.
sub aged {
    my ($module, $question) = @_;

    return until_true(sub { status(query($module, $question)) ne 'HIT' });
}

# ---- each outage, as JSON, as a stream, as OpenAI's

my %first = map { $_ => query('docs', $_) } qw(embed search model);
my %stream = map { $_ => stream('docs', "$_ streamed") }
    qw(embed search model);
query('docs', 'moved');
query('docs', 'cut');
query('docs', 'later');
query('docs', 'limits');
query('brief', 'old');
query('plain', 'old');

# Redis is used when what was purged there is known
ok(until_true(sub {
    query('far', 'elsewhere');
    return scalar @{$redis->call('KEYS', 'edge:c:*')};
}), 'kept in Redis');

set('embed');
ok(aged('docs', 'later'), 'the answers are old');

for my $what (qw(embed search model)) {
    set($what);

    my $reply = query('docs', $what);
    is($reply->{status}, 200, "$what down: an answer");
    is(status($reply), 'STALE', "$what down: says the variable");
    like(Edge::Cache::field($reply, 'Cache-Status'),
         qr/^ai-edge; hit; ttl=(0|-\d+)$/, "$what down: and Cache-Status");
    like(Edge::Cache::field($reply, 'Age'), qr/^\d+$/, "$what down: Age");
    is_deeply($json->decode($reply->{body}),
              { %{$json->decode($first{$what}{body})}, cached => $true,
                degraded => $true }, "$what down: what was kept, so marked");

    my $want = $stream{$what}{body};
    $want =~ s/"cached":false,"degraded":false/"cached":true,"degraded":true/;
    $reply = stream('docs', "$what streamed");
    is($reply->{body}, $want, "$what down: the stream of before");

    $reply = request('docs', 'chat/completions', { messages => [
        { role => 'user', content => $what } ] });
    like($reply->{body}, qr/"content":"It is \d \[1\]\."/,
         "$what down: OpenAI's form");

    is(query('docs', "new to $what")->{status}, 503,
       "$what down: 503 without one");
    is(query('docs', $what, 'X-T: globex')->{status}, 503,
       "$what down: and for another tenant");
}

is(request('docs', 'search', { query => 'model' })->{status}, 200,
   'a search needs no model');
set('search');
is(request('docs', 'search', { query => 'search' })->{status}, 503,
   'and has no answer of before');

# ---- what a stream has begun

set('moved');
like(stream('docs', 'moved')->{body},
     qr/^event: sources\n.*"score":0\.8.*\n\nevent: error\n/,
     'with other sources there is no answer of before');
is(status(query('docs', 'moved')), 'STALE', 'but without a stream');
set('cut');
like(stream('docs', 'cut')->{body}, qr/event: token\n.*event: error\n/s,
     'nor in mid-answer');

# ---- tokens

sub left {
    my ($left) = Edge::Cache::field($_[0], 'RateLimit') =~ /"t-tpd";r=(\d+)/;
    return $left;
}

set('model');
my $left = left(query('docs', 'limits'));
my $now = left(query('docs', 'limits'));
ok($left && abs($now - $left) < 100, 'an answer of before costs no tokens')
    or diag "$left, $now";

# ---- how old

ok(until_true(sub { query('brief', 'old')->{status} == 503 }),
   'older than that is not given');
is(query('plain', 'old')->{status}, 503, 'nor where nothing is said');

# ---- all is well again

set('none');
my $reply = query('docs', 'later');
is(status($reply), 'EXPIRED', 'an old answer is not given without need');
is(Edge::Cache::field($reply, 'Cache-Status'), 'ai-edge; fwd=stale');
ok(!$json->decode($reply->{body})->{degraded}, 'but made anew');

# ---- while one is made anew, others do not wait

# A question that waits for the model, which has it when this returns.
sub asked {
    my ($module, $question) = @_;

    Edge::Stub::reset_calls($ENV{TEST_NGINX_RAND_PORT_1});

    my $body = $json->encode({ query => $question });
    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "POST /api/v1/$module/query HTTP/1.1", 'Host: a',
                  'X-T: acme', 'Content-Type: application/json',
                  'Connection: close', 'Content-Length: ' . length $body),
             "\r\n\r\n$body";

    ok(until_true(sub {
        my $c = connected($ENV{TEST_NGINX_RAND_PORT_1}) or return;
        print $c "GET /_calls HTTP/1.1\r\nHost: a\r\n"
            . "Connection: close\r\n\r\n";
        shutdown $c, 1;
        return receive([$c], 10)->{$c} =~ m{POST /model/};
    }), 'the model is asked');

    return $s;
}

# Old by the clock: for five seconds behind a failure nobody is waited for.
query('docs', 'renewed');
sleep 2.1;
set('stall');
my $maker = asked('docs', 'renewed');
$reply = query('docs', 'renewed');
is(status($reply), 'UPDATING', 'is given to others');
like(Edge::Cache::field($reply, 'Cache-Status'),
     qr/^ai-edge; hit; ttl=(0|-\d+)$/, 'as Cache-Status says');
my $old = $json->decode($reply->{body});
ok($old->{cached} && !$old->{degraded}, 'cached, and nothing is wrong');
like(stream('docs', 'renewed')->{body}, qr/event: token.*\Q$old->{answer}\E/s,
     'as a stream, too');
set('none');
receive([$maker], 20);

# ---- other documents

is(request('docs', 'documents', { id => 'd', text => 'T.' })->{status}, 200);
set('model');
is(query('docs', 'model')->{status}, 503,
   'what is of other documents is not given');

# ---- from Redis, to an instance that has just begun

$nginx->signal('QUIT');
ok($nginx->ended(), 'nginx ends');
is($nginx->alarms(), '', 'nothing alarming was logged');

$nginx = Edge::Server->start($conf);
ok(until_true(sub { status(query('far', 'elsewhere')) eq 'STALE' }),
   'an old answer of another instance');
set('none');
is(status(query('far', 'elsewhere')), 'EXPIRED', 'is made anew');
ok(until_true(sub { status(query('far', 'elsewhere')) eq 'HIT' }),
   'and kept');                        # to the end of this very second

# ---- while another instance makes it anew, which shows by its lock

my %before = map { $_ => 1 } @{$redis->call('KEYS', 'edge:c:*')};
my $entry;

query('far', 'renewed');
ok(until_true(sub {
    ($entry) = grep { !$before{$_} } @{$redis->call('KEYS', 'edge:c:*')};
}), 'kept in Redis');
(my $lock = $entry) =~ s/^edge:c:/edge:lock:/;

sleep 2.1;
$redis->call('SET', $lock, 'another', 'PX', 600000);
is(status(query('far', 'renewed')), 'UPDATING',
   'an old answer is given, too');
is($redis->call('GET', $lock), 'another', 'whose lock it stays');
$redis->call('DEL', $lock);
ok(until_true(sub { status(query('far', 'renewed')) ne 'UPDATING' }),
   'no longer than that');

# ---- purged while the model is waited for

set('model');
ok(aged('far', 'elsewhere'), 'old again');
set('stall');
my $s = asked('far', 'elsewhere');
is(Edge::Cache::ask('POST', '/purge?module=far', '')->{status}, 200, 'purged');
set('model');
is(Edge::Cache::parse(receive([$s], 20)->{$s})->{status}, 503,
   'the old answer is not given any more');
is($nginx->alarms(), '', 'nothing alarming was logged');

done_testing();
