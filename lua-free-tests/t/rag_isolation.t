# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that a tenant gets what is his and nothing else: what reaches the
# backends of the client's request, where the tenant's filter stands, and what
# a client's filter can and cannot say.

use Edge;
use Edge::Rag;

# Fields of a backend's answer that are none of the client's business.
my $more = join '', map { "$_\r\n" } 'Set-Cookie: a=b', 'X-Org: o-1',
    'ETag: "e"', 'Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT',
    'Retry-After: 99', 'Content-Language: xx';

my $fields = sub {
    my ($script) = @_;

    return sub {
        my ($first, @rest) = $Edge::Rag::scripts{$script}->(@_);
        $first =~ s/\r\n/\r\n$more/;
        return ($first, @rest);
    };
};

Edge::Rag::serve(
    fields => $fields->('chat'),
    fields_stream => $fields->('stream'),
    fields_embed => $fields->('embed'),
    fields_500 => $fields->('s500'),
    foreign => sub {
        Edge::Rag::points(passage('acme', 1, 'Ours.', 0.4),
                          passage('globex', 2, 'Secret.', 0.99),
                          passage('acme', 3, 'Ours too.', 0.3))
    },
    onlyforeign => sub {
        Edge::Rag::points(passage('globex', 2, 'Secret.', 0.99))
    },
    nobody => sub {
        http('{"result":{"points":[{"score":1,"payload":{"text":"Free."}},'
             . '{"score":1,"payload":{"tenant_id":null,"text":"Free."}},'
             . '{"score":1,"payload":{"tenant_id":["acme"],"text":"F"}},'
             . '{"score":1,"payload":{"tenant_id":"acm","text":"F"}},'
             . '{"score":1,"payload":{"tenant_id":"acmee","text":"F"}},'
             . '{"score":1,"payload":{"tenant_id":"ACME","text":"F"}},'
             . '{"score":1,"payload":{"tenant_id":"_shared","text":"F"}}]}}')
    },
);

run_tests();

__DATA__

=== TEST 1: an answer: method, type and length are the call's, no field is the client's
--- generate: chat
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/json; charset=utf-8
Authorization: Bearer secret
Cookie: session=secret
Proxy-Authorization: Basic x
X-Tenant-Id: globex
X_Tenant_Id: globex
X-User-Id: root
X-Edge-Identity: x
X-Forwarded-For: 1.2.3.4
X-Api-Key: k
Api-Key: k
Accept-Encoding: gzip
Accept: text/html
Range: bytes=0-1
If-None-Match: "x"
If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT
Expect-CT: x
Traceparent: 00-x
User-Agent: evil
Referer: http://a/
TE: trailers
Upgrade: websocket
--- request eval
[ask('{"query":"q"}'), "GET /calls"]
--- error_code eval
[200, 200]
--- response_body_like eval
[qr/21 /, qr/^POST \/embed\/embeddings
content-length content-type=application\/json host
[^\n]+
POST \/search\/collections\/c1\/points\/query
content-length content-type=application\/json host
[^\n]+
POST \/chat\/chat\/completions
content-length content-type=application\/json host
[^\n]+$/]



=== TEST 2: a stream: method, type and length are the call's, no field is the client's
--- generate: stream
--- more_headers
X-T: acme
X-Request-Id: r-1
Content-Type: application/json; charset=utf-8
Authorization: Bearer secret
Cookie: session=secret
Proxy-Authorization: Basic x
X-Tenant-Id: globex
X_Tenant_Id: globex
X-User-Id: root
X-Edge-Identity: x
X-Forwarded-For: 1.2.3.4
X-Api-Key: k
Api-Key: k
Accept-Encoding: gzip
Accept: text/html
Range: bytes=0-1
If-None-Match: "x"
If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT
Expect-CT: x
Traceparent: 00-x
User-Agent: evil
Referer: http://a/
TE: trailers
Upgrade: websocket
--- request eval
[ask('{"query":"q","stream":true}'), "GET /calls"]
--- error_code eval
[200, 200]
--- response_body_like eval
[qr/21 /, qr/^POST \/embed\/embeddings
content-length content-type=application\/json host
[^\n]+
POST \/search\/collections\/c1\/points\/query
content-length content-type=application\/json host
[^\n]+
POST \/stream\/chat\/completions
content-length content-type=application\/json host
[^\n]+$/]



=== TEST 3: an answer: no field of a backend's answer reaches the client
--- embed: fields_embed
--- generate: fields
--- request eval
ask('{"query":"q"}')
--- error_code: 200
--- response_headers
! Set-Cookie
! X-Org
! ETag
! Last-Modified
! Content-Language
! Retry-After



=== TEST 4: a stream: no field of a backend's answer reaches the client
--- embed: fields_embed
--- generate: fields_stream
--- request eval
ask('{"query":"q","stream":true}')
--- error_code: 200
--- response_headers
! Set-Cookie
! X-Org
! ETag
! Last-Modified
! Content-Language
! Retry-After



=== TEST 5: a failure: no field of a backend's answer reaches the client
--- generate: fields_500
--- request eval
ask('{"query":"q"}')
--- error_code: 503
--- response_headers
! Set-Cookie
! X-Org
! ETag
! Last-Modified
! Content-Language
Retry-After: 2



=== TEST 6: variables of the client's fields are empty behind an internal location
--- http_config
map $http_authorization $seen { "" none; default "$http_authorization"; }
--- stages
proxy_set_header X-Seen "$seen.$http_cookie.$http_x_t.$content_type.$looked";
--- api
set $looked "$seen";
--- more_headers
X-T: acme
Content-Type: application/json
Authorization: Secret
Cookie: a=b
--- request eval
[ask('{"query":"q"}'), "GET /calls"]
--- response_body_like eval
[qr/"answer":"21/, qr/^(?!.*secret)(?:POST \/\S+\n[^\n]*x-seen=none\.\.\.application\/json\.\n[^\n]*\n?){3}$/s]



=== TEST 7: the tenant's filter is first at the root, the client's is only ANDed
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"value":"d\"1"}},{"key":"title","match":{"any":["a","b"]}},{"key":"updated_at","range":{"gte":"2026-01-01T00:00:00Z","lt":"2027-01-01T00:00:00Z"}}],"must_not":[{"key":"source_uri","match":{"value":"s"}}]}}', 'search'), "GET /bodies"]
--- response_body_like eval
[qr/"results"/, qr/\Q"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}},{"key":"doc_id","match":{"\E(?:value":"d\\"1"|any":\["d\\"1"\])\Q}},{"key":"title","match":{"any":["a","b"]}},{"key":"updated_at","range":{"gte":"2026-01-01T00:00:00Z","lt":"2027-01-01T00:00:00Z"}}],"must_not":[{"key":"source_uri","match":{"\E(?:value":"s"|any":\["s"\])\Q}}]},"limit"\E/]



=== TEST 8: an empty filter changes nothing
--- request eval
[ask('{"query":"q","filter":{"must":[]}}', 'search'), "GET /bodies"]
--- response_body_like eval
[qr/"results"/, qr/\Q"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}}],"must_not":[]},"limit"\E/]



=== TEST 9: refused: the tenant's key
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"tenant_id","match":{"value":"globex"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 10: refused: the tenant's key behind a good one
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"value":"a"}},{"key":"tenant_id","match":{"value":"globex"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/1/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/1/key","detail":"/filter/must/1/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 11: refused: the tenant's key in must_not
--- request eval
[ask('{"query":"q","filter":{"must_not":[{"key":"tenant_id","match":{"value":"acme"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must_not/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must_not/0/key","detail":"/filter/must_not/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 12: refused: the module's key
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"module","match":{"value":"hr"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 13: refused: the acl's key
--- request eval
[ask('{"query":"q","filter":{"must_not":[{"key":"acl","match":{"value":"x"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must_not/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must_not/0/key","detail":"/filter/must_not/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 14: refused: the tenant's key in other letters
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"Tenant_ID","match":{"value":"globex"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 15: refused: the tenant's key with an escape
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"tenant\\u005fid","match":{"value":"globex"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 16: refused: a nested key
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"a[].tenant_id","match":{"value":"globex"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key must be doc_id, title, source_uri or updated_at"}]}> . "\n", ""]



=== TEST 17: refused: should widens
--- request eval
[ask('{"query":"q","filter":{"should":[{"key":"doc_id","match":{"value":"x"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/should unknown member, must be \"must\" or \"must_not\"","instance":"r-1","errors":[{"pointer":"#/filter/should","detail":"/filter/should unknown member, must be \"must\" or \"must_not\""}]}> . "\n", ""]



=== TEST 18: refused: min_should widens
--- request eval
[ask('{"query":"q","filter":{"min_should":{"conditions":[],"min_count":0}}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/min_should unknown member, must be \"must\" or \"must_not\"","instance":"r-1","errors":[{"pointer":"#/filter/min_should","detail":"/filter/min_should unknown member, must be \"must\" or \"must_not\""}]}> . "\n", ""]



=== TEST 19: refused: a filter inside a filter
--- request eval
[ask('{"query":"q","filter":{"must":[{"must":[]}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key is missing","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key is missing"}]}> . "\n", ""]



=== TEST 20: refused: a condition and a filter in one
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"value":"x"},"should":[]}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/should unknown member, a text has a \"match\"","instance":"r-1","errors":[{"pointer":"#/filter/must/0/should","detail":"/filter/must/0/should unknown member, a text has a \"match\""}]}> . "\n", ""]



=== TEST 21: refused: a text match
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"text":"x"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/match/text unknown member, must be \"value\" or \"any\"","instance":"r-1","errors":[{"pointer":"#/filter/must/0/match/text","detail":"/filter/must/0/match/text unknown member, must be \"value\" or \"any\""}]}> . "\n", ""]



=== TEST 22: refused: an except
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"except":["x"]}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/match/except unknown member, must be \"value\" or \"any\"","instance":"r-1","errors":[{"pointer":"#/filter/must/0/match/except","detail":"/filter/must/0/match/except unknown member, must be \"value\" or \"any\""}]}> . "\n", ""]



=== TEST 23: refused: has_id
--- request eval
[ask('{"query":"q","filter":{"must":[{"has_id":[1]}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key is missing","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key is missing"}]}> . "\n", ""]



=== TEST 24: refused: is_empty
--- request eval
[ask('{"query":"q","filter":{"must":[{"is_empty":{"key":"tenant_id"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/key is missing","instance":"r-1","errors":[{"pointer":"#/filter/must/0/key","detail":"/filter/must/0/key is missing"}]}> . "\n", ""]



=== TEST 25: refused: a value that is an object
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"value":{"a":1}}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/match/value must be a string","instance":"r-1","errors":[{"pointer":"#/filter/must/0/match/value","detail":"/filter/must/0/match/value must be a string"}]}> . "\n", ""]



=== TEST 26: refused: a value of 513 bytes
--- request eval
[ask('{"query":"q","filter":{"must":[{"key":"doc_id","match":{"value":"' . 'x' x 513 . '"}}]}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/0/match/value must have 1 to 512 bytes","instance":"r-1","errors":[{"pointer":"#/filter/must/0/match/value","detail":"/filter/must/0/match/value must have 1 to 512 bytes"}]}> . "\n", ""]



=== TEST 27: refused: 17 conditions
--- request eval
[ask('{"query":"q","filter":{"must":[' . CORE::join(',', ('{"key":"doc_id","match":{"value":"x"}}') x 17) . ']}}'), "GET /bodies"]
--- error_code eval
[400, 200]
--- response_body eval
[q<{"type":"about:blank","title":"Bad Request","status":400,"detail":"/filter/must/16 more than 16 conditions","instance":"r-1","errors":[{"pointer":"#/filter/must/16","detail":"/filter/must/16 more than 16 conditions"}]}> . "\n", ""]



=== TEST 28: members of the request that Qdrant knows are unknown to us
--- request eval
[ask('{"query":"q","with_payload":true}'), ask('{"query":"q","tenant":"globex"}'), ask('{"query":"q","tenant_id":"globex"}'), ask('{"query":"q","collection":"c2"}'), ask('{"query":"q","score_threshold":0}'), "GET /bodies"]
--- error_code eval
[400, 400, 400, 400, 400, 200]
--- response_body_like eval
[qr/#\/with_payload"/, qr/#\/tenant"/, qr/#\/tenant_id"/, qr/#\/collection"/, qr/#\/score_threshold"/, qr/^$/]



=== TEST 29: a point of another tenant is dropped, and that is an alert
--- search: foreign
--- request eval
[ask('{"query":"q"}', 'search'), ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^(?!.*Secret)\{"results":\[\{"n":1,"doc_id":"doc-1",.*\{"n":2,"doc_id":"doc-3"/,
qr/^(?!.*doc-2)\{"answer"/, qr/^(?!.*Secret).*Ours too\./s]
--- allow_log: [alert]
--- error_log
[alert]
edge rag: a point of another tenant was dropped



=== TEST 30: nothing but points of another tenant is nothing
--- search: onlyforeign
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/"sources":\[\],.*"grounded":false/, qr/^(?!.*chat\/completions)/s]
--- allow_log: [alert]
--- error_log
edge rag: a point of another tenant was dropped



=== TEST 31: points of nobody, of a name that is only alike, of _shared
--- search: nobody
--- request eval
ask('{"query":"q"}', 'search')
--- response_body: {"results":[],"degraded":false,"request_id":"r-1"}
--- allow_log: [alert]
--- error_log
edge rag: a point of another tenant was dropped



=== TEST 32: two tenants at once on one connection
--- pipelined_requests eval
[ask('{"query":"q"}', 'search'), ask('{"query":"q"}', 'search'), ask('{"query":"q"}', 'search'), "GET /bodies"]
--- more_headers eval
[map { "X-T: $_\nX-Request-Id: r-$_\nContent-Type: application/json\n" } 'one', 'two', 'one', 'x']
--- error_code eval
[200, 200, 200, 200]
--- response_body_like eval
[qr/"request_id":"r-one"/, qr/"request_id":"r-two"/, qr/"request_id":"r-one"/,
qr/"value":"one"\}.*"value":"two"\}.*"value":"one"\}/s]



=== TEST 33: no tenant, an impossible one, the reserved one: 403, no call
--- request eval
[ask('{"query":"q"}'), ask('{"query":"q"}'), ask('{"query":"q"}'), "GET /bodies"]
--- more_headers eval
["Content-Type: application/json\n", "X-T: a\"},{\nContent-Type: application/json\n", "X-T: _shared\nContent-Type: application/json\n", ""]
--- error_code eval
[403, 403, 403, 200]
--- response_body_like eval
[qr/no tenant/, qr/no valid tenant/, qr/no valid tenant/, qr/^$/]
