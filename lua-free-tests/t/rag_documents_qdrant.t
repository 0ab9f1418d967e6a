# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for documents in Qdrant: which calls are made in which order, what they
# hold, what is left alone, and what becomes of each failure.  The stub keeps
# points and knows as much of Qdrant's filters as is sent here; the e2e tests
# ask the real engine.

use Edge;
use Edge::Rag;
use JSON::PP ();

my $json = JSON::PP->new->canonical->utf8;
my %points;

sub matches {
    my ($point, $filter) = @_;

    for my $c (@{$filter->{must} || []}) {
        my $value = $point->{payload}{$c->{key}};

        return 0 if !defined $value
            || ($c->{match} && $value ne $c->{match}{value})
            || ($c->{range} && $value < $c->{range}{gte});
    }

    my $should = $filter->{should} or return 1;
    return scalar grep { matches($point, $_) } @$should;
}

sub found {
    my ($filter) = @_;

    return grep { matches($points{$_}, $filter) } sort keys %points;
}

sub result {
    return http($json->encode({ result => $_[0], status => 'ok' }));
}

# Pages of three, so that a document has several.
sub scroll {
    my ($body) = @_;

    my @ids = found($body->{filter});
    my $from = $body->{offset};

    @ids = grep { $_ ge $from } @ids if defined $from;

    my @page = splice @ids, 0, 3;
    return result({ points => [map { $points{$_} } @page],
                    next_page_offset => $ids[0] });
}

sub qdrant {
    my ($call) = @_;

    my $body = $call->{body} eq '' ? {} : $json->decode($call->{body});
    my ($what) = $call->{uri} =~ m{/points/?(\w*)};

    if ($call->{method} eq 'PUT') {
        $points{$_->{id}} = $_ for @{$body->{points}};
        return result({ operation_id => 1, status => 'completed' });
    }

    if ($what eq '') {
        return result([grep { defined } map { $points{$_} }
                       @{$body->{ids}}]);
    }

    if ($what eq 'delete') {
        delete $points{$_} for found($body->{filter});
        return result({ operation_id => 1, status => 'completed' });
    }

    return result({ count => scalar found($body->{filter}) })
        if $what eq 'count';

    return scroll($body);
}

# Fails at the given call of a kind.
sub failing {
    my ($kind, $which, $how) = @_;
    my $n = 0;

    return sub {
        my ($call) = @_;

        $n = 0 if $call->{n} == 1;
        my $name = "$call->{method} $call->{uri}";

        return $Edge::Rag::scripts{$how}->($call)
            if $name =~ $kind && ++$n == $which;
        return qdrant($call);
    };
}

# Has a point of another tenant in each answer, before and behind ours.
sub foreign {
    my ($call) = @_;

    my ($what) = $call->{uri} =~ m{/points/?(\w*)};
    my $theirs = { id => 1, payload => { title => 'Theirs', chunk => 0,
        start => 0, text => 'Secret.', doc_id => 'd', doc_hash => 'x',
        tenant_id => 'globex' } };

    return qdrant($call) if $call->{method} eq 'PUT' || $what eq 'delete';
    return result([$theirs]) if $what eq '';

    my @ours = found($json->decode($call->{body})->{filter});
    return result({ points => [$theirs, (map { $points{$_} } @ours), $theirs],
                    next_page_offset => undef });
}

my $trim = qr{points/delete};

Edge::Rag::serve(
    qdrant => \&qdrant,
    reset => sub { %points = (); http('reset') },
    ids => sub { http($json->encode([sort keys %points])) },
    trim500 => failing($trim, 1, 's500'),
    trimcut => failing($trim, 1, 'cut'),
    put500 => failing(qr{^PUT}, 1, 's500'),
    putdrop => failing(qr{^PUT}, 1, 'drop'),
    puthang => failing(qr{^PUT}, 1, 'hang'),
    put2 => failing(qr{^PUT}, 2, 's500'),
    delete500 => failing($trim, 1, 's500'),
    page2 => failing(qr{scroll}, 2, 's500'),
    embed2 => sub {
        $_[0]{n} == 2 ? http('{}', 500) : Edge::Rag::vectors($_[0], 3)
    },
    foreign => \&foreign,
    wordlist => sub { http('{"result":["x"]}') },
    nocount => sub { http('{"result":{}}') },
);

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('ingest', 'qdrant') unless defined $block->ingest;
    my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

    $block->set_value('config', <<"END");
location = /reset { proxy_pass $stub/reset/; }
location = /ids { proxy_pass $stub/ids/; }
END
});

# Requests: upsert, one document.
sub Test::Base::Filter::put {
    return "PUT /api/v1/docs/documents\n$_[0]";
}

sub Test::Base::Filter::doc {
    my ($method, $id) = @_;
    return "$method /api/v1/docs/documents/$id\n";
}

# A text of n sentences in paragraphs.
sub Test::Base::Filter::text {
    return CORE::join '', map { "Sentence number $_ of this long text."
                          . ($_ % 5 ? ' ' : '\n\n') } 1 .. $_[0];
}

run_tests();

__DATA__

=== TEST 1: a new document: retrieve, trim, embed, upsert
--- request eval
['GET /reset', put('{"id":"d-1","text":"Warm.  ","title":"T","source_uri":"s3://x","updated_at":"2026-01-02T03:04:05Z","acl":["g1","g2"]}'), 'GET /bodies']
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/^\Q{"documents":[{"id":"d-1","status":"created","chunks":1}],"request_id":"r-1"}\E$/,
qr/^GET \/reset\/\n\nPOST \/qdrant\/collections\/c1\/points
\{"ids":\["([0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"\],"with_payload":\["tenant_id","doc_id","doc_hash"\]\}
POST \/qdrant\/collections\/c1\/points\/delete\?wait=true
\Q{"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}}],"should":[{"must":[{"key":"doc_id","match":{"value":"d-1"}},{"key":"chunk","range":{"gte":1}}]}]}}\E
POST \/embed\/embeddings
\{"model":"e-1","input":\["T\\nWarm\."\],"encoding_format":"float"\}
PUT \/qdrant\/collections\/c1\/points\?wait=true
\{"points":\[\{"id":"\1","vector":\{"dense":\[0.25,0.25,0.25\]\},"payload":\{"chunk":0,"chunks":1,"start":0,"tenant_id":"acme","module":"docs","doc_id":"d-1","title":"T","source_uri":"s3:\/\/x","updated_at":"2026-01-02T03:04:05Z","text":"Warm\.","tail":"  ","acl":\["g1","g2"\],"doc_hash":"[0-9a-f]+"\}\}\]\}$/]



=== TEST 2: the same again is unchanged: nothing is embedded or written
--- request eval
['GET /reset', put('{"id":"d","text":"One."}'), 'GET /bodies', put('{"id":"d","text":"One."}'), 'GET /bodies']
--- error_code eval
[200, 200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created"/,
qr/PUT/,
qr/^\{"documents":\[\{"id":"d","status":"unchanged","chunks":1\}\]/,
qr/^POST \/qdrant\/collections\/c1\/points\n[^\n]+$/]



=== TEST 3: another text is an update
--- request eval
['GET /reset', put('{"id":"d","text":"One."}'), put('{"id":"d","text":"Two."}'), doc('GET', 'd')]
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created"/,
qr/"status":"updated","chunks":1/,
qr/"text":"Two."/]



=== TEST 4: another title is an update
--- request eval
['GET /reset', put('{"id":"d","text":"One."}'), put('{"id":"d","text":"One.","title":"T"}'), doc('GET', 'd')]
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created"/,
qr/"status":"updated","chunks":1/,
qr/"text":"One."/]



=== TEST 5: another acl is an update
--- request eval
['GET /reset', put('{"id":"d","text":"One."}'), put('{"id":"d","text":"One.","acl":["g"]}'), doc('GET', 'd')]
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created"/,
qr/"status":"updated","chunks":1/,
qr/"text":"One."/]



=== TEST 6: POST is the same as PUT
--- request eval
['GET /reset', ask('{"documents":[{"id":"d","text":"One."}]}', 'documents')]
--- error_code eval
[200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created"/]



=== TEST 7: several: created, updated, unchanged in the order of the request
--- request eval
['GET /reset', put('{"documents":[{"id":"a","text":"1"},{"id":"b","text":"1"}]}'), put('{"documents":[{"id":"b","text":"2"},{"id":"c","text":"1"},{"id":"a","text":"1"}]}')]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/created.*created/,
qr/^\Q{"documents":[{"id":"b","status":"updated","chunks":1},{"id":"c","status":"created","chunks":1},{"id":"a","status":"unchanged","chunks":1}]\E/]



=== TEST 8: a long text comes back as it was, page by page
--- request eval
['GET /reset', put('{"id":"long","text":"' . text(150) . ' 끝. "}'), doc('GET', 'long'), 'GET /bodies']
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created","chunks":\d/,
qr/^\{"id":"long","title":null,"source_uri":null,"updated_at":null,"acl":\[\],"text":"\Q${\ (text(150) . ' 끝. ') }\E","chunks":\d+\}$/,
qr/points\/scroll\n\{"filter":\{"must":\[\{"key":"tenant_id","match":\{"value":"acme"\}\},\{"key":"module","match":\{"value":"docs"\}\},\{"key":"doc_id","match":\{"value":"long"\}\}\]\},"limit":\d+,"with_payload":true\}\nPOST \/qdrant\/collections\/c1\/points\/scroll\n[^\n]+"limit":\d+,"offset":"[0-9a-f-]{36}","with_payload":true\}\n/]



=== TEST 9: a shorter version leaves no chunk of the longer one
--- request eval
['GET /reset', put('{"id":"d","text":"' . text(150) . '"}'), 'GET /bodies', put('{"id":"d","text":"Short."}'), 'GET /ids', doc('GET', 'd'), 'GET /bodies']
--- error_code eval
[200, 200, 200, 200, 200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"chunks":(?:[5-9]|1\d)\}/,
qr/PUT/,
qr/"status":"updated","chunks":1/,
qr/^\["[^",]+"\]$/,
qr/"text":"Short.","chunks":1/,
qr/points\/delete.*"gte":1.*embeddings.*PUT/s]



=== TEST 10: more than 64 chunks: batches, the first chunk of a document last
--- request eval
['GET /reset', put('{"id":"d","text":"' . text(1500) . '"}'), 'GET /bodies']
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/"status":"created","chunks":(?:6[5-9]|[7-9]\d|1[01]\d)\}/,
qr/delete\?[^\n]*\n[^\n]*
POST \/embed\/[^\n]*\n\{"model":"e-1","input":\["(?:[^"]*","){63}[^"]*"\],"enc[^\n]*
PUT [^\n]*\n\{"points":\[\{"id":"[^"]+","vector":[^\n]*"chunk":\d\d+,(?!.*"chunk":0,)[^\n]*
POST \/embed\/[^\n]*\n[^\n]*
PUT [^\n]*\n.*"chunk":1,[^\n]*"chunk":0,[^\n]*\}\}\]\}$/]



=== TEST 11: DELETE: count, delete; then it is gone
--- request eval
['GET /reset', put('{"id":"d","text":"One."}'), 'GET /bodies', doc('DELETE', 'd'), 'GET /bodies', doc('GET', 'd'), doc('DELETE', 'd')]
--- error_code eval
[200, 200, 200, 204, 200, 404, 404]
--- response_body_like eval
[qr/reset/,
qr/created/,
qr/PUT/,
qr/^$/,
qr/^POST \/qdrant\/collections\/c1\/points\/count
\Q{"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}},{"key":"doc_id","match":{"value":"d"}}]},"exact":true}\E
POST \/qdrant\/collections\/c1\/points\/delete\?wait=true
\Q{"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}},{"key":"doc_id","match":{"value":"d"}}]}}\E$/,
qr/"status":404,"detail":"there is no document with this id"/,
qr/"status":404/]



=== TEST 12: an id of the path is decoded and quoted
--- request eval
['GET /reset', put('{"id":"온 \\"d\\"?","text":"One."}'), doc('GET', '%EC%98%A8%20%22d%22%3F')]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/created/,
qr/^\{"id":"온 \\"d\\"\?",/]



=== TEST 13: one tenant's document is not another's
--- request eval
["GET /reset", put('{"id":"d","text":"Ours."}'), put('{"id":"d","text":"Theirs."}'), doc('GET', 'd'), doc('DELETE', 'd'), doc('GET', 'd'), doc('GET', 'd')]
--- more_headers eval
[map { "X-T: $_\nContent-Type: application/json\n" } qw(x one two one two two one)]
--- error_code eval
[200, 200, 200, 200, 204, 404, 200]
--- response_body_like eval
[qr/reset/, qr/created/, qr/created/, qr/Ours/, qr/^$/, qr/404/, qr/Ours/]



=== TEST 14: the check fails, 500: 503, nothing is written
--- ingest: s500
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, status 500 from "/_ingest/collections/c1/points"



=== TEST 15: the check fails, nobody listens: 503, nothing is written
--- ingest: refused
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, unreachable



=== TEST 16: the check fails, a closed connection: 503, nothing is written
--- ingest: drop
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, unreachable



=== TEST 17: the check fails, a cut answer: 503, nothing is written
--- ingest: cut
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, truncated answer



=== TEST 18: the check fails, an answer over the limit: 503, nothing is written
--- ingest: flood
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, answer over the limit



=== TEST 19: the check fails, HTML: 503, nothing is written
--- ingest: garbage
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, the answer is not a JSON object



=== TEST 20: the check fails, no result: 503, nothing is written
--- ingest: object
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, the answer holds no result



=== TEST 21: the check fails, another result: 503, nothing is written
--- ingest: nothing
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, the result is not a list



=== TEST 22: the check fails, a list of words: 503, nothing is written
--- ingest: wordlist
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, a point is not an object



=== TEST 23: the check fails, no answer in time: 503, nothing is written
--- ingest: hang
--- rag: timeout total=200ms;
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, timeout



=== TEST 24: the trim fails, status 500: 503, nothing is written
--- ingest: trim500
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, status 500 from "/_ingest/collections/c1/points/delete"



=== TEST 25: the trim fails, truncated answer: 503, nothing is written
--- ingest: trimcut
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/^(?!.*(?:embeddings|PUT))/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, truncated answer



=== TEST 26: embed fails, status 500: 503, nothing is written
--- embed: s500
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/^(?!.*PUT)/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: embed failed, status 500 from "/_embed/embeddings"



=== TEST 27: embed fails, a vector has the wrong size: 503, nothing is written
--- embed: wrongsize
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/^(?!.*PUT)/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: embed failed, a vector has the wrong size



=== TEST 28: embed fails, timeout: 503, nothing is written
--- embed: hang
--- rag: timeout embed=200ms;
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/^(?!.*PUT)/s,
qr/reset/,
qr/reset/]
--- error_log
edge rag: embed failed, timeout



=== TEST 29: the upsert fails, status 500: 503
--- ingest: put500
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, status 500 from "/_ingest/collections/c1/points"



=== TEST 30: the upsert fails, unreachable: 503
--- ingest: putdrop
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, unreachable



=== TEST 31: the upsert fails, timeout: 503
--- ingest: puthang
--- rag: timeout total=3s;
--- request eval
[put('{"id":"d","text":"One."}'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/"status":503,"detail":"no document could be stored"/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, timeout



=== TEST 32: the second batch fails in embed: 207, and the next time it is done
--- embed: embed2
--- request eval
[put('{"documents":[{"id":"a","text":"One."},{"id":"b","text":"' . text(1500) . '"}]}'), put('{"documents":[{"id":"a","text":"One."},{"id":"b","text":"' . text(1500) . '"}]}'), doc('GET', 'b'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[207, 200, 200, 200, 200, 200]
--- response_body_like eval
[qr/^\Q{"documents":[{"id":"a","status":"created","chunks":1},{"id":"b","status":"failed","chunks":0,"error":"the embedding service failed"}],"request_id":"r-1"}\E$/,
qr/"id":"a","status":"unchanged".*"id":"b","status":"created"/,
qr/"text":"\Q${\ text(1500)}\E"/,
qr/PUT/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: embed failed, status 500



=== TEST 33: the second batch fails in upsert: 207, and the next time it is done
--- ingest: put2
--- request eval
[put('{"documents":[{"id":"a","text":"One."},{"id":"b","text":"' . text(1500) . '"}]}'), put('{"documents":[{"id":"a","text":"One."},{"id":"b","text":"' . text(1500) . '"}]}'), doc('GET', 'b'), 'GET /bodies', 'GET /reset', 'GET /bodies']
--- error_code eval
[207, 200, 200, 200, 200, 200]
--- response_body_like eval
[qr/^\Q{"documents":[{"id":"a","status":"created","chunks":1},{"id":"b","status":"failed","chunks":0,"error":"the document store failed"}],"request_id":"r-1"}\E$/,
qr/"id":"a","status":"unchanged".*"id":"b","status":"created"/,
qr/"text":"\Q${\ text(1500)}\E"/,
qr/PUT/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: ingest failed, status 500



=== TEST 34: GET fails, s500: 503
--- ingest: s500
--- request eval
[doc('GET', 'd'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: documents failed, status 500



=== TEST 35: GET fails, garbage: 503
--- ingest: garbage
--- request eval
[doc('GET', 'd'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: documents failed, the answer is not a JSON object



=== TEST 36: DELETE fails, no count: 503
--- ingest: nocount
--- request eval
[doc('DELETE', 'd'), 'GET /reset', 'GET /bodies']
--- error_code eval
[503, 200, 200]
--- response_body_like eval
[qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/reset/,
qr/reset/]
--- error_log
edge rag: documents failed, the answer holds no count



=== TEST 37: GET fails on the second page: 503
--- ingest: page2
--- request eval
['GET /reset', put('{"id":"d","text":"' . text(150) . '"}'), doc('GET', 'd'), 'GET /bodies', 'GET /reset']
--- error_code eval
[200, 200, 503, 200, 200]
--- response_body_like eval
[qr/reset/,
qr/created/,
qr/^\{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the document store failed","instance":"r-1"\}\n?$/,
qr/scroll/,
qr/reset/]



=== TEST 38: refused: no id
--- request eval
[put('{"text":"x"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/id","detail":"/id is missing or empty">,
qr/^$/]



=== TEST 39: refused: no text
--- request eval
[put('{"id":"a"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/text","detail":"/text is missing or empty">,
qr/^$/]



=== TEST 40: refused: a text of white space
--- request eval
[put('{"id":"a","text":" \\n"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/text","detail":"/text is missing or empty">,
qr/^$/]



=== TEST 41: refused: an unknown member
--- request eval
[put('{"id":"a","text":"x","tenant_id":"globex"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/tenant_id","detail":"/tenant_id is not a known member">,
qr/^$/]



=== TEST 42: refused: a slash in the id
--- request eval
[put('{"id":"a/1","text":"x"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/id","detail":"/id must hold no slash and no control character">,
qr/^$/]



=== TEST 43: refused: a dot segment as id
--- request eval
[put('{"id":"..","text":"x"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/id","detail":"/id must not be a dot segment">,
qr/^$/]



=== TEST 44: refused: a bad time
--- request eval
[put('{"id":"a","text":"x","updated_at":"now"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/updated_at","detail":"/updated_at must be an RFC 3339 time">,
qr/^$/]



=== TEST 45: refused: an acl that is a word
--- request eval
[put('{"id":"a","text":"x","acl":"g"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/acl","detail":"/acl must be a list of at most 64 words of at most 128 bytes">,
qr/^$/]



=== TEST 46: refused: a title that is a number
--- request eval
[put('{"id":"a","text":"x","title":1}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/title","detail":"/title must be a string">,
qr/^$/]



=== TEST 47: refused: an empty list
--- request eval
[put('{"documents":[]}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/documents","detail":"/documents must be a list of 1 to 100 documents">,
qr/^$/]



=== TEST 48: refused: an id twice
--- request eval
[put('{"documents":[{"id":"a","text":"x"},{"id":"a","text":"y"}]}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<holds the same id twice">,
qr/^$/]



=== TEST 49: refused: the fault in the second document
--- request eval
[put('{"documents":[{"id":"a","text":"x"},{"id":"b","text":1}]}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/documents/1/text","detail":"/documents/1/text must be a string">,
qr/^$/]



=== TEST 50: refused: a member beside the list
--- request eval
[put('{"documents":[{"id":"a","text":"x"}],"tenant":"b"}'), 'GET /bodies']
--- error_code eval
[400, 200]
--- response_body_like eval
[qr<"errors":\[\{"pointer":"#/tenant","detail":"/tenant is not a known member">,
qr/^$/]



=== TEST 51: 101 documents are refused
--- request eval
put('{"documents":[' . CORE::join(',', map { qq({"id":"$_","text":"x"}) } 1 .. 101) . ']}')
--- error_code: 400
--- response_body_like: "pointer":"#/documents"



=== TEST 52: a body in a temporary file
--- api: client_body_buffer_size 1k;
--- request eval
[put('{"id":"d","text":"' . text(300) . '"}'), doc('GET', 'd'), "GET /reset"]
--- response_body_like eval
[qr/"status":"created"/, qr/\Q${\ text(300)}\E/, qr/reset/]
--- error_log
a client request body is buffered to a temporary file



=== TEST 53: a pipeline without ingest takes no documents: 501
--- ingest eval: ''
--- request eval
[put('{"id":"d","text":"x"}'), doc('GET', 'd')]
--- error_code eval
[501, 501]
--- response_body_like eval
[qr/"detail":"this module takes no documents"/, qr/"status":501/]



=== TEST 54: white space around a document's text comes back
--- request eval
[put('{"id":"d","text":"\\n  lead ' . text(300) . '\\n"}'), doc('GET', 'd'), "GET /reset"]
--- response_body_like eval
[qr/"status":"created"/, qr/"text":"\\n  lead .*\\n","chunks"/, qr/reset/]



=== TEST 55: points of another tenant are dropped, and that is an alert
--- ingest: foreign
--- request eval
[put('{"id":"d","title":"T","text":"Ours."}'), doc('GET', 'd'), doc('GET', 'none'), 'GET /reset']
--- error_code eval
[200, 200, 404, 200]
--- response_body_like eval
[qr/"status":"created"/,
qr/^\{"id":"d","title":"T",.*"text":"Ours\.","chunks":1\}$/,
qr/^(?!.*Secret).*404/,
qr/reset/]
--- allow_log: [alert]
--- error_log
[alert]
edge rag: a point of another tenant was dropped
