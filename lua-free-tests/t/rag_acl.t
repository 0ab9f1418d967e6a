# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_acl: what a caller's permissions let him find, read and get
# out of the cache, with Qdrant and with the embedded store, and what nginx -t
# refuses.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache ();
use Edge::Idp;
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Test::More;

my $json = JSON::PP->new->canonical->utf8;
my $home = $Edge::Env::tmp;
my $port = $ENV{TEST_NGINX_RAND_PORT_1};
my $listen = "listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};";
my $key = "$home/key";

Edge::Idp::edge_token('key', '--alg', 'HS256', '--out', $key);

my $auth = "auth_jwt r; auth_jwt_algorithms HS256;"
    . " auth_jwt_key_file $key.jwks;";

# ---- a Qdrant that knows no permissions, and has everything

my %acl = (none => undef, empty => '[]', null => 'null', hr => '["hr"]',
           eng => '["eng","x"]', escaped => '["\\u0068r"]', word => '"hr"',
           number => '[1]', object => '{"hr":"hr"}');
my $body = '';

sub payload {
    my ($doc, $n) = @_;

    return qq({"tenant_id":"acme","module":"docs","doc_id":"$doc",)
        . qq("chunk":$n,"chunks":2,"start":$n,"text":"The hall of $doc.")
        . (defined $acl{$doc} ? qq(,"acl":$acl{$doc}}) : '}');
}

Edge::Stub::start($port, {
    embed => sub { Edge::Stub::http(
        '{"data":[{"index":0,"embedding":[1,2,3]}]}') },
    search => sub {
        ($body) = $_[0]{body};
        Edge::Stub::http('{"result":{"points":['
            . join(',', map { qq({"id":1,"score":0.9,"payload":)
                              . payload($_, 0) . '}' } sort keys %acl)
            . ']}}')
    },
    ingest => sub {
        my ($call) = @_;
        my ($doc) = $call->{body} =~ /"doc_id","match":\{"value":"(\w+)"/;
        my @points = $doc eq 'mixed' ? (payload('none', 0), payload('hr', 1))
                     : $doc eq 'gone' ? () : payload($doc, 0);
        Edge::Stub::http('{"result":{"points":['
            . join(',', map { qq({"id":1,"payload":$_}) } @points) . ']}}')
    },
    last => sub { Edge::Stub::http($body) },
});

my $http = <<"END";
    proxy_http_version 1.1;
    edge_cache_zone zone=c:1m;
    edge_rag docs {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=docs top_k=50;
        ingest /_ingest/ collection=docs;
        generate extractive;
        timeout embed=60s search=60s total=60s;
    }
    edge_rag own {
        store $home/docs.db top_k=20;
        generate extractive;
        cache zone=c valid=10m;
    }
    edge_module docs { rag docs; }
    edge_module own { rag own; allow_write \$jwt_claim_scope write; }
END

my $locations = join '', map { "location /_$_/ { internal;"
    . " proxy_pass http://127.0.0.1:$port/$_/; }\n" } qw(embed search ingest);

my $nginx = Edge::Server->start(<<"END", workers => 1);
    $http
    server {
        $listen
        edge_acl \$jwt_claim_groups;
        location /api/ { $auth edge_tenant \$jwt_claim_tenant_id;
                         edge_route on; }
        $locations
    }
    server {
        $listen
        server_name off;
        edge_acl \$jwt_claim_groups;
        location /api/ { $auth edge_tenant \$jwt_claim_tenant_id;
                         edge_acl off; edge_route on; }
        $locations
    }
    server {
        $listen
        server_name led;
        location /api/ { $auth edge_tenant \$jwt_claim_tenant_id;
                         edge_acl \$jwt_claim_groups; edge_route on;
                         try_files /none /plain/x; }
        location /plain/ { }
        $locations
    }
END

sub token {
    my ($groups, @more) = @_;

    return 'Authorization: Bearer ' . Edge::Idp::token($key, '--ttl', '1h',
        '--tenant', 'acme', '--claim', 'scope=write', @more,
        defined $groups ? ('--claim-json', "groups=$groups") : ());
}

sub call {
    my ($method, $path, $token, $what) = @_;

    return Edge::Cache::ask($method, $path,
        ref $what ? $json->encode($what) : $what,
        'Content-Type: application/json', $token);
}

sub ids {
    my ($reply) = @_;

    my $said = eval { $json->decode($reply->{body}) } || {};
    my $list = $said->{results} || $said->{sources};

    return $list ? join ' ', sort map { $_->{doc_id} } @$list
                 : "$reply->{status} $reply->{body}";
}

sub sent {
    my $s = connected($port) or die "connect: $!\n";
    print $s "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    shutdown $s, 1;

    return Edge::Cache::parse(receive([$s], 60)->{$s})->{body};
}

my $hr = token('["hr"]');
my $eng = token('["eng"]');
my $both = token('["hr","eng"]');
my $same = token('["eng","hr","eng"]');
my $nobody = token();

# ---- Qdrant: what it is asked, and what is taken of its answer

my $ask = { query => 'hall' };
my $search = '/api/v1/docs/search';

is(ids(call('POST', $search, $hr, $ask)),
   'empty escaped hr none null word', 'points outside the set are dropped');
is(sent(), '{"query":[1,2,3],"using":"dense","filter":{"must":['
   . '{"key":"tenant_id","match":{"value":"acme"}},'
   . '{"key":"module","match":{"value":"docs"}},'
   . '{"should":[{"is_empty":{"key":"acl"}},'
   . '{"key":"acl","match":{"any":["hr"]}}]}],"must_not":[]},"limit":50,'
   . '"score_threshold":0.3,"with_payload":["tenant_id","doc_id","title",'
   . '"chunk","source_uri","text","updated_at","acl"]}', 'the whole request');
like($nginx->log_text(),
     qr/\[alert\].*a point outside the caller's permissions was dropped/,
     'and an alert');

is(ids(call('POST', $search, $eng, $ask)), 'empty eng none null', 'another');
is(ids(call('POST', $search, $same, $ask)),
   'empty eng escaped hr none null word', 'both');
like(sent(), qr/"any":\["eng","hr"\]/, 'sorted, once');
is(ids(call('POST', $search, token('"eng hr"'), $ask)),
   'empty eng escaped hr none null word', 'words between spaces');

for ('[]', '""', 'null', undef) {
    is(ids(call('POST', $search, token($_), $ask)), 'empty none null',
       'none: ' . ($_ // 'absent'));
    like(sent(), qr/\{"should":\[\{"is_empty":\{"key":"acl"\}\}\]\}\]/,
         'and Qdrant is asked so');
}

is(ids(call('POST', $search, $hr, { %$ask, filter => { must => [
    { key => 'doc_id', match => { value => 'eng' } }] } })),
   'empty escaped hr none null word', "a client's filter opens nothing");
like(sent(), qr/\["hr"\]\}\}\]\},\{"key":"doc_id"/, 'it stands behind');

for (qw(must must_not)) {
    my $reply = call('POST', $search, $hr, { %$ask, filter => { $_ => [
        { key => 'acl', match => { value => 'eng' } }] } });
    is($reply->{status}, 400, "acl is no key of a filter: $_");
}

is(ids(call('POST', 'http://off/api/v1/docs/search', $hr, $ask)),
   join(' ', sort keys %acl), 'edge_acl off');
unlike(sent(), qr/acl/, 'does not ask either');

# ---- Qdrant: documents

sub statuses {
    my ($path, $token) = @_;

    return join ' ', map { "$_=" . call('GET', "$path/documents/$_",
                                        $token)->{status} }
        (sort keys %acl), 'mixed', 'gone';
}

is(statuses('/api/v1/docs', $hr),
   'empty=200 eng=404 escaped=200 hr=200 none=200 null=200 number=404'
   . ' object=404 word=200 mixed=200 gone=404', 'what hr may read');
is(statuses('/api/v1/docs', $eng),
   'empty=200 eng=200 escaped=404 hr=404 none=200 null=200 number=404'
   . ' object=404 word=404 mixed=404 gone=404', 'and eng');

my $told = sub { $_[0]{body} =~ s/"instance":"\w+"//r };
is($told->(call('GET', '/api/v1/docs/documents/eng', $hr)),
   $told->(call('GET', '/api/v1/docs/documents/gone', $hr)),
   'as if there were none');

# ---- the embedded store

my @docs = map { { id => $_, text => "The hall has the code $_.",
                   acl => { public => [], hr => ['hr'], eng => ['eng'],
                            all => ['eng', 'hr', 'x'] }->{$_} } }
    qw(public hr eng all);

is(call('PUT', '/api/v1/own/documents', $nobody, { documents => \@docs })
   ->{status}, 200, 'writing is by allow_write alone');

is(ids(call('POST', '/api/v1/own/search', $hr, $ask)), 'all hr public');
is(ids(call('POST', '/api/v1/own/search', $eng, $ask)), 'all eng public');
is(ids(call('POST', '/api/v1/own/search', $both, $ask)), 'all eng hr public');
is(ids(call('POST', '/api/v1/own/search', $nobody, $ask)), 'public');
is(ids(call('POST', 'http://off/api/v1/own/search', $nobody, $ask)),
   'all eng hr public', 'edge_acl off');

for ([hr => $hr, 200], [hr => $eng, 404], [hr => $nobody, 404],
     [public => $nobody, 200], [all => $eng, 200], [gone => $hr, 404])
{
    my ($doc, $token, $status) = @$_;
    is(call('GET', "/api/v1/own/documents/$doc", $token)->{status}, $status,
       "reading $doc");
}

isnt(call('GET', 'http://led/api/v1/own/documents/hr', $eng)->{status}, 200,
     'a location without edge_route and edge_acl is no way round');

# ---- answers that are kept

sub answer {
    my ($token, $question, $host) = @_;

    my $reply = call('POST', ($host // '') . '/api/v1/own/query', $token,
                     { query => $question });
    my $said = eval { $json->decode($reply->{body}) }
        || die "$reply->{status} $reply->{body}";

    return (ids($reply), $said->{cached} ? 1 : 0, $said->{answer});
}

for my $pair ([$hr, 'hr', $eng, 'eng'], [$eng, 'eng', $hr, 'hr']) {
    my ($first, $mine, $second, $other) = @$pair;
    my $question = "What code has the hall of $mine?";

    my ($ids, $cached, $text) = answer($first, $question);
    is($ids, "all $mine public", "$mine: an answer");
    is($cached, 0, 'made now');
    is((answer($first, $question))[1], 1, 'kept for him');

    ($ids, $cached, $text) = answer($second, $question);
    is($ids, "all $other public", "$other: the same question");
    is($cached, 0, 'is another');
    unlike($text, qr/\b$mine\b/, 'with nothing of the first');

    is((answer($nobody, $question))[0], 'public', 'nobody');
    ($ids, $cached) = answer($nobody, $question, 'http://off');
    is($ids, 'all eng hr public', 'edge_acl off');
    is($cached, 0, 'shares nothing with nobody');
    is((answer($both, $question))[1], 0, 'both');
    is((answer($same, $question))[1], 1, 'in another order is the same');
}

# ---- what is no set

my %bad = (number => '7', true => 'true', object => '{"hr":"hr"}',
           'a list of more' => '["hr",1]',
           'a long word' => '["' . 'x' x 257 . '"]',
           'many words' => '[' . join(',', map { "\"$_\"" } 1 .. 257) . ']');

for (sort keys %bad) {
    my $token = token($bad{$_});
    my $reply = call('POST', $search, $token, $ask);
    is($reply->{status}, 403, "403: $_");
    like($reply->{body}, qr/"the token's permissions cannot be read"/, 'says');
    is(call('GET', '/api/v1/own/documents/public', $token)->{status}, 403,
       'for documents too');
}

is(ids(call('POST', $search, token('[' . join(',', map { "\"$_\"" } 1 .. 256)
    . ']'), $ask)), 'empty none null', '256 words are not too many');

# ---- nginx -t

sub refused {
    my ($name, $lines, $message, $before) = @_;

    my ($status, $text) = Edge::Server->check(($before // '') . $http
        . "server { $listen $lines $locations }");
    isnt($status, 0, "refused: $name");
    like($text, $message, "says why: $name");
}

my $api = 'location /api/ { edge_tenant $host unverified; edge_route on;';

refused('no claim', "$api $auth edge_acl \$host; }",
        qr/"edge_acl \$host" is no verified source/);
refused('no variable', "$api $auth edge_acl groups; }",
        qr/invalid parameter "groups" in "edge_acl"/);
refused('a lone dollar', "$api $auth edge_acl \$; }",
        qr/invalid parameter "\$" in "edge_acl"/);
refused('a header of a token', "$api $auth edge_acl \$jwt_header_kid; }",
        qr/is no verified source/);
refused('twice', "$api $auth edge_acl off; edge_acl \$jwt_claim_a; }",
        qr/"edge_acl" directive is duplicate/);
refused('no auth_jwt', "$api edge_acl \$jwt_claim_a; }",
        qr{location "/api/" has "edge_acl \$jwt_claim_a" but no "auth_jwt"});
refused('inherited, and no auth_jwt', "edge_acl \$jwt_claim_a; $api }",
        qr{location "/api/" has "edge_acl \$jwt_claim_a" but no "auth_jwt"});

my ($status, $text) = Edge::Server->check($http . "server { $listen"
    . " $api $auth edge_acl \$mine; }"
    . " location /off/ { edge_acl off; edge_tenant \$host unverified;"
    . " edge_route on; } $locations }"
    . ' auth_jwt_claim_set $mine custom:groups;');
is($status, 0, 'a claim by auth_jwt_claim_set, and off without auth_jwt')
    or diag $text;

done_testing();
