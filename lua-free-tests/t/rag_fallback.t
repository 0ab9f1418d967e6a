# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what is left of an answer when part of the backends fails: the
# next model, quotes, the other searches, and the deadline of the whole.

use Edge;
use Edge::Rag;

# Answers once all three of a question have been asked.
my $late = 0;

Edge::Rag::serve(
    late => sub {
        my $three = 3 * int($late++ / 3) + 3;
        return (sub { $late >= $three },
                Edge::Rag::points(passage('acme', 9, 'Late.', 1)));
    },
    dropfirst => sub {
        $_[0]{n} == 1 ? undef : Edge::Rag::vectors($_[0], 3)
    },
    latechat => sub { (\0.1, http('{"choices":[{"message":{"content":'
                                  . '"late [1]"}}],"model":"m-2"}')) },
    badmodel => sub {
        http('{"model":"bad","usage":{"prompt_tokens":9},"choices":[{'
             . '"finish_reason":"x","message":{}}]}')
    },
    badpoints => sub {
        http('{"result":{"points":[{"score":9,"payload":{"tenant_id":"acme",'
             . '"text":"Half."}},7]}}')
    },
);

run_tests();

__DATA__

=== TEST 1: the second model answers after 500
--- generate: s500 chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, status 500 from "/_generate1/



=== TEST 2: the second model answers after 429
--- generate: s429 chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, status 429



=== TEST 3: the second model answers after nobody listens
--- generate: refused chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, unreachable



=== TEST 4: the second model answers after a cut answer
--- generate: cut chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, truncated answer



=== TEST 5: the second model answers after an answer over the limit
--- generate: flood chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, answer over the limit



=== TEST 6: the second model answers after HTML
--- generate: garbage chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, the answer is not a JSON object



=== TEST 7: the second model answers after no message
--- generate: badmodel chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 .*"usage":\{"prompt_tokens":11,.*"model":"m-1",.*"degraded":false,/, qr/"model":"g-2","messages":.*"max_tokens":1024\}$/s]
--- error_log
edge rag: generate failed, the answer holds no message



=== TEST 8: the second model's answer is asked with the same prompt
--- generate: s500 chat
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/"answer"/, qr/\{"model":"g-1",(.*?)edge-\w+(.*)\nPOST.*\n\{"model":"g-2",\1edge-\w+/]



=== TEST 9: the third of three
--- generate: s500 refused chat
--- response_body_like: ^\{"answer":"21 .*"degraded":false



=== TEST 10: no model answers: quotes, degraded
--- generate: s500 s503 extractive
--- response_body eval
qr/^\{"answer":"It is warm at 21 degrees. \[1\]","sources":\[.*"usage":\{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0\},"model":"extractive","module":"docs","grounded":true,"cached":false,"degraded":true,"request_id":"r-1"\}$/



=== TEST 11: extractive alone is not degraded
--- generate: extractive
--- request eval
[ask('{"query":"How warm is it?"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"It is warm at 21 degrees. \[1\]",.*"model":"extractive",.*"degraded":false/, qr/^(?!.*chat\/completions)/s]



=== TEST 12: chat/completions: the second model
--- generate: s500 chat
--- request eval
ask('{"messages":[{"role":"user","content":"q"}]}', 'chat/completions')
--- response_body_like: "content":"21 degrees



=== TEST 13: a model that hangs leaves a share of the time to the second one
--- generate: hang chat
--- rag: timeout total=6s;
--- response_body_like: ^\{"answer":"21 
--- error_log
edge rag: generate failed, timeout from "/_generate1/



=== TEST 14: the total time: quotes are made without time
--- generate: hang extractive
--- rag: timeout total=3s;
--- response_body_like: ^\{"answer":"It is warm at 21 degrees. \[1\]",.*"degraded":true



=== TEST 15: a proxy's own time lets the second model answer
--- generate: hang chat
--- stages: proxy_read_timeout 3s;
--- response_body_like: ^\{"answer":"21 
--- error_log
edge rag: generate failed, timeout from "/_generate1/



=== TEST 16: the total time runs out in embed
--- embed: hang
--- rag: timeout total=200ms embed=60s;
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, timeout



=== TEST 17: the total time runs out in search
--- search: hang hang
--- rag: timeout total=3s search=60s;
--- unavailable: the document search failed
--- error_log
edge rag: search failed, timeout from "/_search2/



=== TEST 18: search 1 of 2 fails, 500: an answer from the other, degraded
--- search: s500 search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, status 500
--- no_error_log
edge rag: a point of



=== TEST 19: search 2 of 2 fails, 500: an answer from the other, degraded
--- search: search2 s500
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, status 500
--- no_error_log
edge rag: a point of



=== TEST 20: search 1 of 2 fails, nobody listens: an answer from the other, degraded
--- search: refused search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, unreachable
--- no_error_log
edge rag: a point of



=== TEST 21: search 2 of 2 fails, nobody listens: an answer from the other, degraded
--- search: search2 refused
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, unreachable
--- no_error_log
edge rag: a point of



=== TEST 22: search 1 of 2 fails, a closed connection: an answer from the other, degraded
--- search: drop search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, unreachable
--- no_error_log
edge rag: a point of



=== TEST 23: search 2 of 2 fails, a closed connection: an answer from the other, degraded
--- search: search2 drop
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, unreachable
--- no_error_log
edge rag: a point of



=== TEST 24: search 1 of 2 fails, a cut answer: an answer from the other, degraded
--- search: cut search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, truncated answer
--- no_error_log
edge rag: a point of



=== TEST 25: search 2 of 2 fails, a cut answer: an answer from the other, degraded
--- search: search2 cut
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, truncated answer
--- no_error_log
edge rag: a point of



=== TEST 26: search 1 of 2 fails, an answer over the limit: an answer from the other, degraded
--- search: flood search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, answer over the limit
--- no_error_log
edge rag: a point of



=== TEST 27: search 2 of 2 fails, an answer over the limit: an answer from the other, degraded
--- search: search2 flood
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, answer over the limit
--- no_error_log
edge rag: a point of



=== TEST 28: search 1 of 2 fails, HTML: an answer from the other, degraded
--- search: garbage search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, the answer is not a JSON object
--- no_error_log
edge rag: a point of



=== TEST 29: search 2 of 2 fails, HTML: an answer from the other, degraded
--- search: search2 garbage
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, the answer is not a JSON object
--- no_error_log
edge rag: a point of



=== TEST 30: search 1 of 2 fails, no answer in time: an answer from the other, degraded
--- search: hang search2
--- rag: timeout search=3s;
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, timeout
--- no_error_log
edge rag: a point of



=== TEST 31: search 2 of 2 fails, no answer in time: an answer from the other, degraded
--- search: search2 hang
--- rag: timeout search=3s;
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, timeout
--- no_error_log
edge rag: a point of



=== TEST 32: search 1 of 2 fails, half an answer that makes sense: an answer from the other, degraded
--- search: badpoints search2
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, a point is not an object
--- no_error_log
edge rag: a point of



=== TEST 33: search 2 of 2 fails, half an answer that makes sense: an answer from the other, degraded
--- search: search2 badpoints
--- response_body_like: ^(?!.*Half)\{"answer":"21 .*"sources":\[\{"n":1,"doc_id":"doc-3",[^\{]*\],.*"degraded":true
--- error_log
edge rag: search failed, a point is not an object
--- no_error_log
edge rag: a point of



=== TEST 34: search tells that it is degraded
--- search: s500 search2
--- request eval
ask('{"query":"q"}', 'search')
--- response_body_like: ^\{"results":\[\{"n":1,.*\}\],"degraded":true,



=== TEST 35: a stream's done event tells that it is degraded
--- search: s500 search2
--- generate: stream
--- request eval
ask('{"query":"q","stream":true}')
--- response_body_like: "cached":false,"degraded":true\}\n\n$



=== TEST 36: all of several searches fail
--- search: s500 refused hang
--- rag: timeout search=3s;
--- unavailable: the document search failed
--- error_log
edge rag: search failed, status 500 from "/_search1/
edge rag: search failed, unreachable from "/_search2/
edge rag: search failed, timeout from "/_search3/



=== TEST 37: the good searches found nothing: ungrounded and degraded
--- search: nothing s500
--- response_body_like: "grounded":false,"cached":false,"degraded":true



=== TEST 38: searches run at the same time and are ranked together
--- search: search late late late search2
--- request eval
ask('{"query":"q","top_k":5}', 'search')
--- response_body_like: ^\{"results":\[\{"n":1,"doc_id":"doc-9",.*"n":2,"doc_id":"doc-9",.*"n":3,"doc_id":"doc-9",.*"n":4,"doc_id":"doc-1",.*"n":5,"doc_id":"doc-3",[^\{]*\],"degraded":false



=== TEST 39: eight searches
--- search: search2 search2 search2 search2 search2 search2 search2 search
--- request eval
ask('{"query":"q"}', 'search')
--- response_body_like: "n":9,"doc_id":"doc-2",[^\{]*\],"degraded":false



=== TEST 40: proxy_next_upstream sends the same body again
--- http_config
upstream two {
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_9;
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_1 backup;
}
edge_rag other {
    embed    /_two/ model=e-2 dimensions=3;
    search   /_search1/ collection=c1;
    generate /_generate1/ model=g;
}
edge_module other { rag other; }
--- config
location /_two/ { internal; proxy_pass http://two/embed/; }
--- request eval
["POST /api/v1/other/query\n{\"query\":\"retried\"}", "GET /bodies"]
--- response_body_like eval
[qr/"answer":"21/, qr/^POST \/embed\/embeddings\n\{"model":"e-2","input":\["retried"\]/]



=== TEST 41: proxy_next_upstream behind a request that was sent whole
--- http_config
upstream two {
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_1 max_fails=0;
    server 127.0.0.1:$TEST_NGINX_RAND_PORT_1 max_fails=0;
}
edge_rag other {
    embed    /_two/ model=e-2 dimensions=3;
    search   /_search1/ collection=c1;
    generate /_generate1/ model=g;
}
edge_module other { rag other; }
--- config
location /_two/ {
    internal;
    proxy_next_upstream error non_idempotent;
    proxy_pass http://two/dropfirst/;
}
--- request eval
["POST /api/v1/other/query\n{\"query\":\"retried\"}", "GET /bodies"]
--- response_body_like eval
[qr/"answer":"21/, qr/^(POST \/dropfirst\/embeddings\n\{"model":"e-2","input":\["retried"\][^\n]*\n)\1POST \/search/]



=== TEST 42: proxy_intercept_errors: the status counts, not the error page
--- embed: s503
--- stages
proxy_intercept_errors on;
error_page 503 = @other;
--- config
location @other { return 200; }
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, status 503 from
