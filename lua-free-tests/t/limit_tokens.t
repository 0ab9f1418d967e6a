# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_limit tokens=, in shared memory and in Redis: what a question
# reserves, what is settled for each way in which an answer can end, and when
# a question does not pass.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Limit;
use Edge::Redis;
use Edge::Server;
use Edge::Stub;
use JSON::PP;
use Test::More;

my $json = JSON::PP->new->canonical;
my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $backend = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
my $redis = Edge::Redis->start();

# A model's answer, whole.
sub whole {
    my (%more) = @_;

    return Edge::Stub::http($json->encode({ model => 'm', choices => [{
        index => 0, finish_reason => 'stop',
        message => { content => '21 degrees [1].' } }], %more }));
}

# The pieces of one in a stream; what follows them.
sub pieces {
    my ($pieces, @rest) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . join '', map { sprintf "%x\r\n%s\r\n", length, $_ } map {
            "data: $_\n\n"
        } (map { $json->encode({ choices => [{ delta => { content => $_ } }]
                               }) } @$pieces), @rest;
}

my $usage = { prompt_tokens => 60, completion_tokens => 40,
              total_tokens => 100 };
my $last = $json->encode({ choices => [], usage => $usage });

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
    },
    search => sub {
        my ($tenant) = $_[0]{body} =~ /"value":"([\w.]+)"/;
        Edge::Stub::http('{"result":{"points":[' . ($tenant eq 'nothing' ? ''
            : '{"id":1,"score":0.9,"payload":{"tenant_id":"' . $tenant
              . '","doc_id":"d","chunk":0,"text":"It is warm."}}') . ']}}')
    },
    chat => sub {
        return $_[0]{body} =~ /"stream":true/
            ? (pieces(['21 ', 'degrees'], $last, '[DONE]') . "0\r\n\r\n")
            : whole(usage => $usage);
    },
    cached => sub { whole(usage => $usage) },
    silent => sub {
        return $_[0]{body} =~ /"stream":true/
            ? (pieces(['x' x 150, 'y' x 150], '[DONE]') . "0\r\n\r\n")
            : whole();
    },
    much => sub { whole(usage => { total_tokens => 5000 }) },
    odd => sub { whole(usage => { total_tokens => 900000000000 }) },
    broken => sub { Edge::Stub::http('{}', 500) },
    half => sub { (pieces(['z' x 300]), undef) },
    hang => sub { (pieces(['z' x 300]), \60) },
    mute => sub { (\60) },
    flood => sub { (pieces([('w') x 300]), \60) },
});

my @models = qw(chat cached silent much odd broken half hang mute flood extractive);

my ($pipelines, $places) = ('', '');

for my $name (@models) {
    my $generate = $name eq 'extractive' ? 'extractive' : "/_$name/ model=m";

    $pipelines .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate $generate;
        max_tokens 200;
        timeout embed=20s search=20s total=60s;
        @{[ $name eq 'cached' ? 'cache zone=answers valid=10m;' : '' ]}
    }
    edge_module $name { rag $name; }
END
    $places .= "location /_$name/ { internal;"
        . " proxy_pass http://$backend/$name/; }\n";
}

my $nginx = Edge::Server->start(<<"END");
    proxy_http_version 1.1;
    edge_cache_zone zone=answers:1m;
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 10s;
        connect_timeout 10s;
    }
    edge_redis brief { server 127.0.0.1:$redis->{port}; timeout 200ms; }
    edge_limit_zone \$edge_tenant zone=local:1m;
    edge_limit_zone \$edge_tenant zone=shared:1m redis=r;
    edge_limit_zone \$edge_tenant zone=shared2:1m redis=r;
    edge_limit_zone \$edge_tenant zone=brief:1m redis=brief;
    map \$edge_tenant \$budget {
        default 1000t/d; small 300t/d; tiny 10t/d; "~^two" 500t/d; off off;
        bad 1000r/d;
    }
    $pipelines
    add_header X-Status \$edge_limit_status always;
    server {
        listen 127.0.0.1:$port;
        edge_tenant \$http_x_t unverified;
        edge_route on;

        location /api/ { edge_limit zone=local tokens=\$budget cut=on; }
        location /redis/chat/ { edge_route chat;
            edge_limit zone=shared tokens=\$budget;
            edge_limit zone=shared requests=1000r/d; }
        location /redis/silent/ { edge_route silent;
            edge_limit zone=shared tokens=\$budget; }
        location /redis/hang/ { edge_route hang;
            edge_limit zone=shared tokens=\$budget; }
        location /redis/broken/ { edge_route broken;
            edge_limit zone=shared tokens=\$budget; }
        location /redis/two/ { edge_route chat;
            edge_limit zone=shared tokens=\$budget;
            edge_limit zone=shared2 tokens=300t/d; }
        location /redis/brief/ { edge_route chat;
            edge_limit zone=brief tokens=\$budget; }
        location /dry/ { edge_route chat; edge_limit_dry_run on;
            edge_limit zone=local tokens=\$budget; }

        location /_embed/ { internal; proxy_pass http://$backend/embed/; }
        location /_search/ { internal; proxy_pass http://$backend/search/; }
        $places
    }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2};
        location / { proxy_pass http://$backend; }
    }
END

my $question = { query => 'How warm is it?' };

# A question to a module, by a tenant; more members.
sub question {
    my ($place, $tenant, %more) = @_;

    $place = "/api/v1/$place" unless $place =~ m{^/};
    return ask("$place/query", $tenant, $json->encode({ %$question, %more }));
}

sub left {
    my ($r) = @_;

    my ($n) = (field($r, 'RateLimit') || '') =~ /-tpd";r=(\d+)/;
    return defined $n ? $n : -1;
}

# What a question costs: the next reserves as much as it did.
sub costs {
    my ($place, $tenant, %more) = @_;

    my $first = left(question($place, $tenant, %more));

    return $first - left(question('chat', $tenant, %more));
}

# What is left, by a question that costs nothing.
sub look { left(question('broken', $_[0])) }

# The request to the model.
sub asked_for {
    my ($text) = reply("GET /_bodies HTTP/1.1\r\nHost: a\r\n"
                       . "Connection: close\r\n\r\n",
                       $ENV{TEST_NGINX_RAND_PORT_2})->{body};

    return join ' ', $text =~ /"max_tokens":(\d+)/g;
}

# What is reserved and settled.

my $r = question('chat', 'a');
is(statuses($r), 200, 'a question passes');
is(field($r, 'X-Status'), 'PASSED', 'with a status');
is(field($r, 'RateLimit-Policy'),
   '"local-tpd";q=1000;qu="tokens";w=86400', 'and a policy');

my $prompt = 1000 - 200 - left($r);
ok($prompt > 40 && $prompt < 400, "the prompt is some $prompt tokens");

is(left(question('chat', 'a')), 1000 - 100 - 200 - $prompt,
   'what a model said is settled');

is(costs('chat', 'b', stream => JSON::PP::true), 100, 'the same of a stream');
is(costs('silent', 'c'), $prompt + 5, 'an estimate of an answer');
is(costs('silent', 'd', stream => JSON::PP::true), $prompt + 100,
   'and of a stream');
is(costs('broken', 'e'), 0, 'a model that fails costs nothing');
is(costs('half', 'f', stream => JSON::PP::true), $prompt + 100,
   'a stream that breaks costs what was produced');
is(left(question('extractive', 'g')), -1, 'no model, no tokens');
is(left(question('chat', 'nothing')), -1, 'no passage, no tokens');
is(statuses(question('chat', 'off')), 200, 'no limit');
is(left(question('chat', 'off')), -1, 'nothing to tell');
is(statuses(question('chat', 'bad')), 500, 'not of requests');

$r = question('cached', 'q');
is(left($r), 800 - $prompt, 'an answer that is made');
$r = question('cached', 'q');
like($r->{body}, qr/"cached":true/, 'and given again');
is(left($r), -1, 'costs nothing then');
is(look('q'), 700 - $prompt, 'nothing at all');

# What costs nothing is there for who has nothing left.

is(statuses(question('cached', 'r')), 200, 'an answer to keep');
question('chat', 'r') for 1 .. 10;
is(statuses(question('cached', 'r', query => 'How cold is it?')), 429,
   'a new question is too much');
$r = question('cached', 'r');
is(statuses($r), 200, 'what is in the cache is not');
like($r->{body}, qr/"cached":true/, 'and comes from there');

# More than was reserved is a debt.

$r = question('much', 'h');
is(statuses($r), 200, 'a model that takes more');
$r = question('chat', 'h');
is(statuses($r), 429, 'is paid for by the next question');
is(field($r, 'X-Status'), 'REJECTED', 'which is refused');
ok(field($r, 'Retry-After') > 4 * 86400 - 100, 'for as long as it takes');
like($r->{body}, qr/"detail":"the\ allowance\ of\ tokens\ is\ used\ up".*
                    "violated-policies":\["local-tpd"\]/x, 'and told why');
is(costs('odd', 'i'), $prompt + 200, 'a number that cannot be is none');

# A small budget: what is left, if the client did not ask for more.

asked_for();
$r = question('chat', 'small');
is(statuses($r), 200, 'a small budget is enough');
is(asked_for(), 300 - $prompt, 'for a short answer');
is(statuses(question('chat', 'small2')), 200, 'usually');
is(asked_for(), 200, 'it may be longer');
is(statuses(question('chat', 'small', max_tokens => 190)), 429,
   'who asks for more does not pass');
is(statuses(question('chat', 'tiny')), 429, 'nor a prompt that is too long');
$r = question('chat', 'tiny');
is(field($r, 'Retry-After'), undef, 'which never would');
like($r->{body}, qr/more tokens than the limit ever allows/, 'and is told');
is(statuses(question('chat', 'tiny', stream => JSON::PP::true)), 429,
   'a stream is refused before it begins');
is(statuses(question('/dry', 'tiny')), 200, 'not in a dry run');
is(field(question('/dry', 'tiny'), 'X-Status'), 'REJECTED_DRY_RUN', 'it says');

# OpenAI's fields.

$r = ask('/api/v1/chat/chat/completions', 'j',
         '{"model":"m","messages":[{"role":"user","content":"q"}]}');
is(statuses($r), 200, 'chat');
is(field($r, 'x-ratelimit-limit-tokens'), 1000, 'limit');
ok(field($r, 'x-ratelimit-remaining-tokens') > 600, 'remaining');
like(field($r, 'x-ratelimit-reset-tokens'), qr/^\d+h\d+m\d+s$/, 'reset');

# A stream that a budget ends.

$r = question('flood', 'k', stream => JSON::PP::true, max_tokens => 100);
is(statuses($r), 200, 'a model that does not stop');
is(scalar(() = $r->{body} =~ /event: token/g), 101, 'is stopped');
like($r->{body}, qr/event:\ done\ndata:\ \{"finish_reason":"length".*\n\n$/x,
     'in order');

# A client that leaves: while a model thinks, and in mid-answer.

sub leaves {
    my ($place, $tenant, $seen) = @_;

    my $s = connected();
    print $s post("$place/query", $json->encode({ %$question,
        stream => JSON::PP::true })) =~ s/X-T: acme/X-T: $tenant/r;

    my $text = '';
    until_true(sub { sysread($s, $text, 65536, length $text);
                     $text =~ $seen });
    close $s;
}

my $full = look('l');
leaves('/api/v1/hang', 'l', qr/event: token/);
ok(until_true(sub { look('l') == $full - $prompt - 100 }),
   'what was produced is paid for');
leaves('/api/v1/mute', 'm', qr/event: sources/);
ok(until_true(sub { look('m') == $full - $prompt }), 'or the prompt');

# In Redis, as soon as the worker has reached it.

ok(until_true(sub { field(question('/redis/broken', 'ready'), 'X-Status')
                    eq 'PASSED' }), 'Redis is there');
$r = question('/redis/chat', 'n');
is(field($r, 'RateLimit-Policy'), '"shared-rpd";q=1000;w=86400, '
   . '"shared-tpd";q=1000;qu="tokens";w=86400', 'requests and tokens');
is(left($r), 800 - $prompt, 'reserved in Redis');
my $then = left(question('/redis/chat', 'n'));
is($then, 700 - $prompt, 'settled in Redis');
question('/redis/silent', 'n', stream => JSON::PP::true);
is(left(question('/redis/chat', 'n')), $then - 100 - $prompt - 100,
   'by an estimate');
$full = left(question('/redis/broken', 'p'));
leaves('/redis/hang', 'p', qr/event: token/);
ok(until_true(sub { left(question('/redis/broken', 'p'))
                    == $full - $prompt - 100 }), 'a client that leaves');

# One that leaves while Redis is asked: what it grants then goes back.

sub held {
    return scalar(() = $redis->call('CLIENT', 'LIST') =~ / flags=b /g);
}

sub charged { scalar @{$redis->call('KEYS', "edge:{$_[0]}:*")} }

sub granted_late {
    my ($tenant, $leaves) = @_;

    $redis->call('CLIENT', 'PAUSE', 9000, 'WRITE');
    my $s = connected();
    print $s post('/redis/two/query', $json->encode($question))
        =~ s/X-T: acme/X-T: $tenant/r;
    ok(until_true(\&held), 'tokens are asked for');
    close $s if $leaves;
    asked_for();                       # the one worker has seen that
    $redis->call('CLIENT', 'UNPAUSE');
    until_true(sub { !held() });

    return if $leaves;
    return substr receive([$s], 1)->{$s}, 9, 3;
}

granted_late('gone', 1);
ok(until_true(sub { charged('gone') == 0 }), 'for one that is gone');
is(granted_late('here', 0), 200, 'for one that is there');
is(charged('here'), 2, 'of two limits');

is(statuses(question('/redis/chat', 'tiny')), 429, 'or refused');
asked_for();
is(statuses(question('/redis/chat', 'small')), 200, 'a small budget');
is(asked_for(), 300 - $prompt, 'for a short answer');
is(statuses(question('/redis/two', 'twox')), 200, 'two limits');
ok(asked_for() < 200, 'the smaller one counts');
$r = question('/redis/two', 'twox', max_tokens => 150);
is(statuses($r), 429, 'it is used up');
like($r->{body}, qr/"violated-policies":\["shared2-tpd"\]/, 'it alone');

my @many = map { my $s = connected();
    print $s post('/redis/chat/query', $json->encode($question))
        =~ s/X-T: acme/X-T: many/r;
    $s } 1 .. 20;
my $text = receive(\@many, 20);
my $good = grep { m{^HTTP/1.1 200} } values %$text;
ok($good >= 3 && $good <= 10, "$good of 20 at once: none slips past");

$redis->hang();
$r = question('/redis/brief', 'o');
is(field($r, 'X-Status'), 'DEGRADED', 'without Redis');
is(left($r), 800 - $prompt, 'local');
is(left(question('/redis/brief', 'o')), 700 - $prompt, 'settled too');
$redis->go_on();

is($nginx->alarms, '', 'nothing alarming');

done_testing();
