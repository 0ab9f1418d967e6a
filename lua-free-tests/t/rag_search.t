# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the search call: what is sent, what becomes of its points, and that
# each way in which the only search fails is a 503 with one error line.

use Edge;
use Edge::Rag;

Edge::Rag::serve(
    nopoints => sub { http('{"result":{}}') },
    resultlist => sub { http('{"result":[]}') },
    pointsword => sub { http('{"result":{"points":"x"}}') },
    pointnumber => sub { http('{"result":{"points":[1]}}') },
    scoreword => sub {
        http('{"result":{"points":[{"score":"x","payload":{}}]}}')
    },
    bare => sub {
        http('{"time":0,"result":{"points":['
             . '{"id":1,"score":1,"payload":{"tenant_id":"acme",'
             . '"text":"T \u00e9 \ud83d\ude00 \"q\" \n"}},'
             . '{"id":2,"score":0.5,"payload":{"tenant_id":"acme"}},'
             . '{"id":3,"payload":{"tenant_id":"acme","text":"no score",'
             . '"doc_id":7,"title":null,"chunk":-1}}]}}')
    },
    second => sub {
        Edge::Rag::points(
            map { passage('acme', $_, "Text $_.", 0.95 - $_ / 10) } 1 .. 3)
    },
);

run_tests();

__DATA__

=== TEST 1: search gives the passages with their text
--- request eval
ask('{"query":"How warm?"}', 'search')
--- response_headers
Content-Type: application/json
Cache-Control: private, no-store
--- response_body eval
'{"results":[{"n":1,"doc_id":"doc-1","title":"Title 1","source_uri":"s3://b/1","score":0.9,"updated_at":"2026-01-02T03:04:05Z","text":"It is warm at 21 degrees."},{"n":2,"doc_id":"doc-2","title":"Title 2","source_uri":"s3://b/2","score":0.5,"updated_at":"2026-01-02T03:04:05Z","text":"Outside it is cold."}],"degraded":false,"request_id":"r-1"}'



=== TEST 2: the whole request to Qdrant, with the defaults
--- request eval
[ask('{"query":"q"}', 'search'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"results"/, qr/^POST \/embed\/embeddings\n[^\n]+
POST \/search\/collections\/c1\/points\/query
\Q{"query":[0.25,0.25,0.25],"using":"dense","filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}},{"key":"module","match":{"value":"docs"}}],"must_not":[]},"limit":5,"score_threshold":0.3,"with_payload":["tenant_id","doc_id","title","chunk","source_uri","text","updated_at"]}\E$/]



=== TEST 3: a pipeline's top_k, threshold and scopes
--- search: search search2
--- http_config
edge_rag other {
    embed    /_embed/ model=e dimensions=3;
    search   /_search1/ collection=own-1 top_k=7 score_threshold=0.45
                        scope=tenant;
    search   /_search2/ collection=all_2 top_k=2 score_threshold=0
                        scope=shared;
    generate extractive;
}
edge_module other { rag other; }
--- request eval
["POST /api/v1/other/search\n{\"query\":\"q\"}", "GET /bodies"]
--- response_body_like eval
[qr/"n":3/,                          # the two calls come in any order
qr/(?=.*POST \/search\/collections\/own-1\/points\/query
[^\n]+\Q"filter":{"must":[{"key":"tenant_id","match":{"value":"acme"}}],"must_not":[]},"limit":7,"score_threshold":0.45,"with_\E)(?=.*POST \/search2\/collections\/all_2\/points\/query
[^\n]+\Q"filter":{"must":[{"key":"tenant_id","match":{"value":"_shared"}}],"must_not":[]},"limit":2,"with_\E)/s]



=== TEST 4: a client's top_k goes to every search and cuts what they found
--- search: search second
--- request eval
[ask('{"query":"q","top_k":3}', 'search'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"results":\[\{"n":1,"doc_id":"doc-1",.*"score":0.9,.*\{"n":2,"doc_id":"doc-1",.*"score":0.85,.*\{"n":3,"doc_id":"doc-2",.*"score":0.75,[^{]*\],"degraded":false/,
qr/"limit":3,.*"limit":3,/s]



=== TEST 5: points without text are left out, fields of other types are null
--- search: bare
--- request eval
ask('{"query":"q"}', 'search')
--- response_body eval
'{"results":[{"n":1,"doc_id":null,"title":null,"source_uri":null,"score":1,"updated_at":null,"text":"T é 😀 \"q\" \n"},{"n":2,"doc_id":null,"title":null,"source_uri":null,"score":0,"updated_at":null,"text":"no score"}],"degraded":false,"request_id":"r-1"}'



=== TEST 6: nothing found: an empty list
--- search: nothing
--- request eval
ask('{"query":"q"}', 'search')
--- response_body: {"results":[],"degraded":false,"request_id":"r-1"}



=== TEST 7: nothing found: a fixed answer, and no model is asked
--- search: nothing
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\Q{"answer":"The documents hold no answer to this question.","sources":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"model":null,"module":"docs","grounded":false,"cached":false,"degraded":false,"request_id":"r-1"}\E$/,
qr/^POST \/embed\/[^\n]+\n[^\n]+\nPOST \/nothing\/[^\n]+\n[^\n]+$/]



=== TEST 8: nothing found: in Korean to a Korean question
--- search: nothing
--- request eval
ask('{"query":"온도는?"}')
--- response_body_like: ^\{"answer":"문서에서 이 질문에 대한 답을 찾지 못했습니다\."



=== TEST 9: 500
--- search: s500
--- unavailable: the document search failed
--- error_log
edge rag: search failed, status 500 from "/_search1/collections/c1/points/query"



=== TEST 10: 503
--- search: s503
--- unavailable: the document search failed
--- error_log
edge rag: search failed, status 503 from



=== TEST 11: 404
--- search: s404
--- unavailable: the document search failed
--- error_log
edge rag: search failed, status 404 from



=== TEST 12: 204 without a body
--- search: s204
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer is not a JSON object



=== TEST 13: nobody listens
--- search: refused
--- unavailable: the document search failed
--- error_log
edge rag: search failed, unreachable from "/_search1/



=== TEST 14: the connection is closed without an answer
--- search: drop
--- unavailable: the document search failed
--- error_log
edge rag: search failed, unreachable from



=== TEST 15: an answer that is not HTTP
--- search: nohttp
--- unavailable: the document search failed
--- error_log
edge rag: search failed, unreachable from



=== TEST 16: HTML
--- search: garbage
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer is not a JSON object



=== TEST 17: an empty body
--- search: empty
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer is not a JSON object



=== TEST 18: JSON of another type
--- search: null
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer is not a JSON object



=== TEST 19: a body shorter than its Content-Length
--- search: cut
--- unavailable: the document search failed
--- error_log
edge rag: search failed, truncated answer from



=== TEST 20: chunks that end without the last one
--- search: chunkcut
--- unavailable: the document search failed
--- error_log
edge rag: search failed, truncated answer from



=== TEST 21: a Content-Length over the limit
--- search: large
--- unavailable: the document search failed
--- error_log
edge rag: search failed, answer over the limit from



=== TEST 22: chunks over the limit
--- search: flood
--- unavailable: the document search failed
--- error_log
edge rag: search failed, answer over the limit from



=== TEST 23: JSON that is not closed
--- search: open
--- unavailable: the document search failed
--- error_log
edge rag: search failed, 



=== TEST 24: an object without what is asked
--- search: object
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer holds no result



=== TEST 25: a result without points
--- search: nopoints
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer holds no points



=== TEST 26: a result that is a list
--- search: resultlist
--- unavailable: the document search failed
--- error_log
edge rag: search failed, the answer holds no result



=== TEST 27: points that are a word
--- search: pointsword
--- unavailable: the document search failed
--- error_log
edge rag: search failed, "points" is not a list



=== TEST 28: a point that is a number
--- search: pointnumber
--- unavailable: the document search failed
--- error_log
edge rag: search failed, a point is not an object



=== TEST 29: a score that is a word
--- search: scoreword
--- unavailable: the document search failed
--- error_log
edge rag: search failed, 



=== TEST 30: no answer in time
--- search: hang
--- rag: timeout search=100ms;
--- unavailable: the document search failed
--- error_log
edge rag: search failed, timeout from "/_search1/



=== TEST 31: half an answer in time
--- search: hanghead
--- rag: timeout search=100ms;
--- unavailable: the document search failed
--- error_log
edge rag: search failed, timeout from



=== TEST 32: the limit of clients' bodies is not one of ours
--- stages: client_max_body_size 16;
--- request eval
ask('{"query":"q"}', 'search')
--- response_body_like: ^\{"results":\[\{"n":1
