# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for cached answers of a pipeline: who gets one, in which forms, and
# when there is none to get.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache ();
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical->utf8;

# The model says which call this is, for which tenant's passage.
my $n = 0;

sub said {
    my ($call) = @_;

    my ($tenant) = $call->{body} =~ /note of (\w+)/;
    return $n . ' for ' . ($tenant // 'nobody');
}

my $usage = { prompt_tokens => 11, completion_tokens => 4,
              total_tokens => 15 };

# Pieces of a stream; \1 cuts it, \2 has no end.
sub model {
    my ($call, $finish, $pause, $cut) = @_;

    $n++;
    my $text = said($call);
    my @pause = $pause ? (\$pause) : ();

    if ($call->{body} !~ /"stream":true/) {
        return (@pause, Edge::Stub::http($json->encode({
            model => 'm-1', usage => $usage, choices => [{ index => 0,
                finish_reason => $finish,
                message => { content => "It is \"$text\" [1]." } }] })));
    }

    my @events = map { $json->encode($_) } (
        (map { { model => 'm-1', choices => [{ index => 0,
                 delta => { content => $_ } }] } }
            'It is "', $text, '" [1].'),
        $cut ? () : ({ choices => [{ index => 0, delta => {},
                       finish_reason => $finish }] },
                     { choices => [], usage => $usage }));

    return (@pause, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n",
        (map { sprintf "%x\r\n%s\r\n", length "data: $_\n\n", "data: $_\n\n" }
            @events, $cut ? () : '[DONE]'),
        $cut ? (\0.05, undef) : "0\r\n\r\n");
}

# None is answered before there are two.
my $gathered = 0;

sub gathered {
    my ($call) = @_;

    $gathered++;
    return (sub { $gathered > 1 }, model($call, 'stop'));
}

sub points {
    my ($tenant, $doc) = @_;

    return Edge::Stub::http($json->encode({ result => { points => [
        { id => 1, score => 0.9, payload => { tenant_id => $tenant,
          doc_id => $doc, title => "Title of $tenant", chunk => 0,
          text => "A note of $tenant." } } ] } }));
}

sub tenant_of {
    my ($call) = @_;

    return $json->decode($call->{body})->{filter}{must}[0]{match}{value};
}

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        my $inputs = $json->decode($_[0]{body})->{input};
        Edge::Stub::http($json->encode({ data => [map {
            { index => $_, embedding => [1, 2, 3] } } 0 .. $#$inputs] }))
    },
    search => sub { points(tenant_of($_[0]), 'd-1') },
    search2 => sub { points(tenant_of($_[0]), 'd-2') },
    none => sub { Edge::Stub::http('{"result":{"points":[]}}') },
    broken => sub { Edge::Stub::http('x') },
    model => sub { model($_[0], 'stop') },
    slow => sub { model($_[0], 'stop', 1) },
    gathered => \&gathered,
    length => sub { model($_[0], 'length') },
    cut => sub { model($_[0], 'stop', 0, 1) },
    write => sub {
        my ($call) = @_;
        return Edge::Stub::http('{"result":[]}')
            if $call->{method} eq 'POST' && $call->{uri} =~ /points$/;
        return Edge::Stub::http('{"result":{"points":[],"count":1}}')
            if $call->{uri} =~ /scroll|count/;
        return Edge::Stub::http('{"result":{"status":"completed"}}');
    },
    count => sub { Edge::Stub::http($n) },
});

my $stub = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
my ($pipelines, $locations) = ('', '');

sub pipeline {
    my ($name, $rest) = @_;

    $rest = "search /_search/ collection=docs; $rest" if $rest !~ /search/;

    $pipelines .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        ingest /_write/ collection=docs;
        cache zone=c valid=10m;
        timeout embed=20s search=20s total=60s;
        $rest
    }
    edge_module $name { rag $name; allow_write unverified; }
END
}

pipeline('docs', 'generate /_model/ model=m;');
pipeline('same', 'generate /_model/ model=m;');
pipeline('b', 'generate /_model/ model=other;');
pipeline('slow', 'generate /_slow/ model=m;');
pipeline('hasty', 'generate /_gathered/ model=m;');
pipeline('long', 'generate /_length/ model=m;');
pipeline('cut', 'generate /_cut/ model=m;');
pipeline('second', 'generate /_broken/ model=m; generate /_model/ model=m;');
pipeline('quotes', 'generate /_broken/ model=m; generate extractive;');
pipeline('none', 'search /_none/ collection=docs; generate /_model/ model=m;');
pipeline('half', 'search /_search/ collection=docs;'
    . ' search /_broken/ collection=docs; generate /_model/ model=m;');
pipeline('common', 'search /_search/ collection=all scope=shared;'
    . ' generate /_model/ model=m;');
pipeline('elsewhere', 'search /_search/ collection=others;'
    . ' generate /_model/ model=m;');

my $prompt = "$Edge::Env::tmp/prompt.txt";

sub prompt {
    my ($text) = @_;

    open my $out, '>', $prompt or die "$prompt: $!\n";
    print $out "$text {{context}} {{question}}\n";
    close $out or die "$prompt: $!\n";
}

prompt('Be brief.');
pipeline('prompted', "prompt $prompt; generate /_model/ model=m;");

for my $name (qw(embed search search2 none broken model slow gathered length
                 cut write))
{
    $locations .= "location /_$name/ { internal;"
        . " proxy_pass http://$stub/$name/; }\n";
}

my $nginx = Edge::Server->start(<<"END", workers => 2);
    proxy_http_version 1.1;
    edge_cache_zone zone=c:1m;
    $pipelines
    map \$http_x_variant \$variant { default docs; b b; }
    edge_module ab { rag \$variant; }
    edge_rag short {
        store $Edge::Env::tmp/docs.db;
        generate extractive;
        cache zone=c valid=1s;
    }
    edge_module short { rag short; allow_write unverified; }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT} reuseport;
        location /api/v1/hasty/ {
            edge_tenant \$http_x_t unverified;
            edge_route on;
            edge_cache_lock_timeout 50ms;
        }
        location /api/ {
            edge_tenant \$http_x_t unverified;
            edge_route on;
            edge_cache_lock_timeout 60s;
            add_header X-Status \$edge_cache_status always;
        }
        $locations
    }
END

sub request {
    my ($module, $endpoint, $body, @fields) = @_;

    push @fields, 'X-T: acme' unless grep { /^X-T:/ } @fields;

    return Edge::Cache::ask('POST', "/api/v1/$module/$endpoint",
        ref $body ? $json->encode($body) : $body,
        'Content-Type: application/json', 'X-Request-Id: r-1', @fields);
}

sub query {
    my ($module, $body, @fields) = @_;

    my $reply = request($module, 'query', $body, @fields);

    return eval { $json->decode($reply->{body}) } || { status => $reply };
}

sub events {
    my ($reply) = @_;

    return [map { /^event: (\w+)\ndata: (.*)/ ? [$1, $json->decode($2)] : () }
            split /\n\n/, $reply->{body}];
}

sub calls {
    my $s = connected($ENV{TEST_NGINX_RAND_PORT_1}) or die "connect: $!\n";
    print $s "GET /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    shutdown $s, 1;

    return Edge::Cache::parse(receive([$s], 10)->{$s})->{body};
}

# ---- one answer, all forms

my $question = { query => 'How warm is it?' };

my $reply = request('docs', 'query', $question);
my $first = $json->decode($reply->{body});
is(Edge::Cache::field($reply, 'Cache-Status'), 'ai-edge; fwd=miss', 'a miss');
is(Edge::Cache::field($reply, 'X-Status'), 'MISS', 'says the variable');
is($first->{answer}, 'It is "1 for acme" [1].');
ok(!$first->{cached}, 'a miss is not cached');

$reply = request('docs', 'query', $question);
my $second = $json->decode($reply->{body});
like(Edge::Cache::field($reply, 'Cache-Status'),
     qr/^ai-edge; hit; ttl=(600|5[3-9]\d)$/, 'a hit, with jitter');
is(Edge::Cache::field($reply, 'X-Status'), 'HIT', 'says the variable');
like(Edge::Cache::field($reply, 'Age'), qr/^\d$/, 'Age');
is(Edge::Cache::field($reply, 'Cache-Control'), 'private, no-store',
   'no cache behind this one');
ok($second->{cached}, 'cached');
is_deeply({ %$second, cached => 0 }, { %$first, cached => 0 },
          'the same answer, sources, usage, model');
is(calls(), 1, 'one call of the model');

$reply = request('docs', 'query', { %$question, stream => JSON::PP::true });
my $events = events($reply);
is_deeply([map { $_->[0] } @$events], [qw(sources token usage done)],
          'as a stream');
is_deeply($events->[0][1]{sources}, $first->{sources}, 'with its sources');
is($events->[1][1]{delta}, $first->{answer}, 'its text');
is_deeply($events->[2][1], $first->{usage}, 'its usage');
is($events->[3][1]{finish_reason}, 'stop', 'its end');
ok($events->[3][1]{cached}, 'cached');

my $chat = { model => 'x', messages => [
    { role => 'user', content => $question->{query} }] };
my $openai = $json->decode(request('docs', 'chat/completions', $chat)->{body});
is($openai->{choices}[0]{message}{content}, $first->{answer}, 'as OpenAI');
is_deeply($openai->{usage}, $first->{usage}, 'with its usage');
is_deeply($openai->{sources}, $first->{sources}, 'and sources');

$reply = request('docs', 'chat/completions',
                 { %$chat, stream => JSON::PP::true });
like($reply->{body}, qr/"content":"It is \\"1 for acme\\" \[1\]\."/,
     'as a stream of OpenAI');
like($reply->{body}, qr/data: \[DONE\]\n\n\z/, 'with its end');
is(calls(), 1, 'still one call');

# ---- from a stream

$reply = request('docs', 'query', { query => 'Streamed?',
                                    stream => JSON::PP::true });
$events = events($reply);
ok(!$events->[-1][1]{cached}, 'a streamed miss');
my $text = join '', map { $_->[0] eq 'token' ? $_->[1]{delta} : () } @$events;
my $again = query('docs', { query => 'Streamed?' });
is($again->{answer}, $text, 'a stream is found by who wants JSON');
is_deeply($again->{sources}, $events->[0][1]{sources}, 'with its sources');
is_deeply($again->{usage}, $usage, 'and usage');
ok($again->{cached}, 'cached');
is(calls(), 2);

# ---- not all end at once

# A second may begin between two requests: one apart is no jitter yet.
my @ttl = sort { $a <=> $b } map {
    my $which = { query => "Question $_?" };
    request('docs', 'query', $which);
    Edge::Cache::field(request('docs', 'query', $which), 'Cache-Status')
        =~ /; hit; ttl=(\d+)$/ ? $1 : 0;
} 1 .. 20;
cmp_ok($ttl[0], '>', 530, 'jitter takes a tenth at most');
cmp_ok($ttl[-1], '<=', 600, 'and adds nothing');
cmp_ok($ttl[-1] - $ttl[0], '>', 9, 'twenty entries end at different times');

# ---- what makes another answer

sub differs {
    my ($what, @request) = @_;

    my $before = calls();
    my $got = query(@request);
    is(calls() - $before, 1, "$what: another answer") or diag explain $got;
    ok(query(@request)->{cached}, "$what: which is kept too");
}

differs('tenant', 'docs', $question, 'X-T: globex');
differs('module', 'same', $question);
differs('documents of all', 'common', $question);
differs('documents of all, another tenant', 'common', $question,
        'X-T: globex');
differs('question', 'docs', { query => 'How warm is it' });
differs('top_k', 'docs', { %$question, top_k => 3 });
differs('max_tokens', 'docs', { %$question, max_tokens => 7 });
differs('filter', 'docs', { %$question, filter => { must => [
    { key => 'doc_id', match => { value => 'd-1' } }] } });
differs('not that', 'docs', { %$question, filter => { must_not => [
    { key => 'doc_id', match => { value => 'd-9' } }] } });

my $before = calls();
ok(query('docs', { %$question, max_tokens => 5000 })->{cached},
   'max_tokens over the limit is the limit');

my $talk = { model => 'x', messages => [
    { role => 'user', content => 'Hello' },
    { role => 'assistant', content => 'Hello!' },
    { role => 'user', content => $question->{query} }] };
request('docs', 'chat/completions', $talk);
is(calls() - $before, 1, 'a conversation');
request('docs', 'chat/completions', $talk);
is(calls() - $before, 1, 'is kept');

$before = calls();
my $a = query('ab', $question);
my $b = query('ab', $question, 'X-Variant: b');
is(calls() - $before, 2, 'two variants, two answers');
is(query('ab', $question)->{answer}, $a->{answer}, 'a has its own');
is(query('ab', $question, 'X-Variant: b')->{answer}, $b->{answer},
   'and b');
is(calls() - $before, 2, 'kept');

# ---- what is not kept

for my $test (['long', 'cut short by the model'],
              ['second', 'of the second provider'],
              ['quotes', 'degraded to quotes'],
              ['half', 'half of the searches failed'],
              ['none', 'without a passage'])
{
    my ($module, $what) = @$test;

    for my $stream (JSON::PP::false, JSON::PP::true) {
        my $how = { query => $what, stream => $stream };
        request($module, 'query', $how);
        $reply = request($module, 'query', $how);
        is($reply->{status}, 200, "$what: answered");
        is(Edge::Cache::field($reply, 'X-Status'), 'MISS', "$what: not kept");
    }
}

my $cut = { query => 'cut', stream => JSON::PP::true };
like(request('cut', 'query', $cut)->{body}, qr/event: error/, 'a cut stream');
like(request('cut', 'query', $cut)->{body}, qr/event: error/, 'is not kept');

is(Edge::Cache::field(request('docs', 'search', $question), 'Cache-Status'),
   '', 'searches have no cache');
is(Edge::Cache::field(request('docs', 'query', '{'), 'Cache-Status'), '',
   'nor has a bad request');

# ---- a change of documents

my $document = { id => 'd', text => 'Text.' };

$before = query('docs', $question, 'X-T: globex');
my $other = query('elsewhere', $question);
is(request('docs', 'documents', $document)->{status}, 200, 'a document');
my $after = query('docs', $question);
ok(!$after->{cached}, 'what was made of the old ones is not found');
isnt($after->{answer}, $first->{answer}, 'it is made anew');
ok(query('docs', $question)->{cached}, 'and kept');
ok(!query('same', $question)->{cached}, 'in all modules on the collection');
is_deeply({ %{query('docs', $question, 'X-T: globex')}, cached => 0 },
          { %$before, cached => 0 }, 'but only for this tenant');
is(query('elsewhere', $question)->{answer}, $other->{answer},
   'and this collection');

is(Edge::Cache::ask('DELETE', '/api/v1/docs/documents/d', undef,
                    'X-T: acme')->{status}, 204, 'removing one');
ok(!query('docs', $question)->{cached}, 'does it too');
ok(query('docs', $question)->{cached});
request('docs', 'documents', '{"id":1}');
ok(query('docs', $question)->{cached}, 'a bad request does not');

# ---- the embedded store, and the end of an entry

request('short', 'documents', { id => 'd', text => 'The hall is 21 m high.' });
my $high = { query => 'How high is the hall?' };
is(query('short', $high)->{model}, 'extractive', 'extractive');
ok(until_true(sub { query('short', $high)->{cached} }), 'is kept');
request('short', 'documents', { id => 'd', text => 'The hall is 30 m high.' });
like(query('short', $high)->{answer}, qr/30 m/, 'until the store changes');
ok(until_true(sub { !query('short', $high)->{cached} }), 'or it is old');

# ---- many at once: one call

sub opened {
    my ($module, $body, @fields) = @_;

    my $text = $json->encode($body);
    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "POST /api/v1/$module/query HTTP/1.1", 'Host: a',
                  'Connection: close', 'Content-Type: application/json',
                  'Content-Length: ' . length $text, @fields), "\r\n\r\n$text";

    return $s;
}

$before = calls();
my @sockets = map { opened('slow', { query => 'Together?',
                           stream => $_ % 2 ? JSON::PP::true
                                            : JSON::PP::false }, 'X-T: acme') }
    1 .. 30;
my $texts = receive(\@sockets, 20);
is(calls() - $before, 1, 'thirty questions, one call');
is(scalar(grep { /It is \\"\d+ for acme\\"/
                 || (/for acme/ && /event: done/) } values %$texts), 30,
   'and thirty answers');

$before = calls();
@sockets = map { opened('hasty', { query => 'Now?' }, 'X-T: acme') } 1 .. 3;
$texts = receive(\@sockets, 20);
cmp_ok(calls() - $before, '>', 1, 'who waits no longer than 50 ms goes itself');
is(scalar(grep { /It is \\"\d+ for acme\\"/ } values %$texts), 3,
   'and has an answer');

# ---- a leader that leaves

$before = calls();
my $leader = opened('slow', { query => 'Leaving?' }, 'X-T: acme');
ok(until_true(sub { calls() > $before }), 'a leader is on the way');
my $follower = opened('slow', { query => 'Leaving?' }, 'X-T: acme');
sleep 0.1;
close $leader;
like(receive([$follower], 20)->{$follower}, qr/for acme/,
     'the next one goes itself');

# ---- reload: the entries stay, and a changed prompt does not find them

ok(!query('prompted', $question)->{cached}, 'by the first prompt');
ok(query('prompted', $question)->{cached}, 'kept');
prompt('Be kind.');

my @old = $nginx->workers;
$nginx->signal('HUP');
ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx->workers;
    return !grep { $now{$_} } @old;
}), 'reloaded');
ok(query('docs', $question)->{cached}, 'answers stay over a reload');
ok(!query('prompted', $question)->{cached}, 'not those of another prompt');
ok(query('prompted', $question)->{cached}, 'the new one is kept');

is($nginx->alarms, '', 'no alarms');

# ---- configurations

sub check {
    my ($cache, $zone) = @_;

    my ($status, $text) = Edge::Server->check(<<"END");
        @{[ $zone // 'edge_cache_zone zone=c:1m;' ]}
        edge_rag r { store $Edge::Env::tmp/docs.db; generate extractive;
                     $cache }
        server { listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}; }
END
    return $status ? $text : '';
}

is(check('cache zone=c valid=1s;'), '', 'the least');
like(check('cache zone=c valid=1s;', ''), qr/unknown edge_cache_zone "c"/);
like(check('cache zone=c;'), qr/invalid number of arguments/);
like(check('cache zone=c zone=d;'), qr/invalid parameter "zone=d"/);
like(check('cache zone=c valid=0;'), qr/invalid time "0"/);
like(check('cache zone=c valid=x;'), qr/invalid time "x"/);
like(check('cache zone= valid=1s;'), qr/invalid parameter "zone="/);
like(check('cache valid=1s valid=2s;'), qr/invalid parameter "valid=2s"/);
like(check('cache zone=c valid=1s semantic=0.95;'),
     qr/invalid parameter "semantic=0.95"/);
is(check('cache zone=c valid=1s stale=5m;'), '', 'stale');
like(check('cache zone=c valid=1s stale=0;'), qr/invalid time "0"/);
like(check('cache zone=c valid=1s stale=x;'), qr/invalid time "x"/);
like(check('cache zone=c valid=1s stale=1m stale=2m;'),
     qr/invalid parameter "stale=2m"/);
like(check('cache zone=c stale=1m version_max_age=1s;'),
     qr/must have the "zone" and "valid" parameters/);
like(check('cache zone=c valid=1s; cache zone=c valid=1s;'),
     qr/"cache" directive is duplicate/);

done_testing();
