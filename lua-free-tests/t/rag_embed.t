# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the embedding call: what is sent, and that each way in which it
# fails is a 503 with one error line, on a connection that goes on.

use Edge;
use Edge::Rag;

Edge::Rag::serve(
    shuffled => sub {
        http('{"data":[{"index":0,"embedding":[1,-2.5e-3,3],"object":"x"}],'
             . '"model":"e","usage":{"prompt_tokens":1}}')
    },
    byclose => sub {
        ("HTTP/1.0 200 OK\r\n\r\n{\"data\":[{\"embedding\":[7,8", \0.01,
         ",9]}]}", undef)
    },
    noindex => sub { http('{"data":[{"embedding":[4,5,6]}]}') },
    novectors => sub { http('{"data":[]}') },
    words => sub { http('{"data":[{"embedding":["a","b","c"]}]}') },
    badindex => sub { http('{"data":[{"index":1,"embedding":[1,2,3]}]}') },
    twice => sub {
        http('{"data":[{"embedding":[1,2,3]},{"embedding":[1,2,3]}]}')
    },
);

run_tests();

__DATA__

=== TEST 1: the question goes out as it is, its vector goes to the search
--- embed: shuffled
--- request eval
[ask('{"query":"  \u00e9 \"a\" \\\\ \n 온도?  "}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21 degrees \[1\]\./,
qr/^POST \/shuffled\/embeddings
\{"model":"e-1","input":\["  é \\"a\\" \\\\ \\n 온도\?  "\],"encoding_format":"float"\}
POST \/search\/collections\/c1\/points\/query
\{"query":\[1,-2.5e-3,3\],"using":"dense",/]



=== TEST 2: a vector without an index
--- embed: noindex
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21/, qr/\{"query":\[4,5,6\]/]



=== TEST 3: 500
--- embed: s500
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, status 500 from "/_embed/embeddings"



=== TEST 4: 429
--- embed: s429
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, status 429 from



=== TEST 5: 401
--- embed: s401
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, status 401 from



=== TEST 6: 204 without a body
--- embed: s204
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, the answer is not a JSON object



=== TEST 7: nobody listens
--- embed: refused
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, unreachable from "/_embed/embeddings"



=== TEST 8: the connection is closed without an answer
--- embed: drop
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, unreachable from



=== TEST 9: an answer that is not HTTP
--- embed: nohttp
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, unreachable from "/_embed/embeddings"



=== TEST 10: HTML
--- embed: garbage
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, the answer is not a JSON object



=== TEST 11: an empty body
--- embed: empty
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, the answer is not a JSON object



=== TEST 12: JSON of another type
--- embed: null
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, the answer is not a JSON object



=== TEST 13: a body shorter than its Content-Length
--- embed: cut
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, truncated answer from



=== TEST 14: chunks that end without the last one
--- embed: chunkcut
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, truncated answer from



=== TEST 15: a Content-Length over the limit
--- embed: large
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, answer over the limit from



=== TEST 16: chunks over the limit
--- embed: flood
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, answer over the limit from



=== TEST 17: JSON that is not closed
--- embed: open
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, the answer is not JSON



=== TEST 18: an object without vectors
--- embed: object
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, a vector is missing



=== TEST 19: a vector of another size than configured
--- embed: wrongsize
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, a vector has the wrong size



=== TEST 20: an empty list of vectors
--- embed: novectors
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, a vector is missing



=== TEST 21: a vector of words
--- embed: words
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, a vector is not a list of numbers



=== TEST 22: an index that was not asked for
--- embed: badindex
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, an index is wrong



=== TEST 23: two vectors for one input
--- embed: twice
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, an index is wrong



=== TEST 24: no answer in time
--- embed: hang
--- rag: timeout embed=100ms;
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, timeout from "/_embed/embeddings"



=== TEST 25: half an answer in time
--- embed: hanghead
--- rag: timeout embed=100ms;
--- unavailable: the embedding service failed
--- error_log
edge rag: embed failed, timeout from



=== TEST 26: an answer whose end is the end of the connection
--- embed: byclose
--- request eval
[ask('{"query":"q"}'), "GET /bodies"]
--- response_body_like eval
[qr/^\{"answer":"21/, qr/\{"query":\[7,8,9\]/]



=== TEST 27: a model of OpenAI's is told the size
--- embed: embed
--- http_config
edge_rag other {
    embed    /_embed/ model=text-embedding-3-small dimensions=3;
    search   /_search1/ collection=c1;
    generate extractive;
}
edge_module other { rag other; }
--- request eval
["POST /api/v1/other/search\n{\"query\":\"q\"}", "GET /bodies"]
--- response_body_like eval
[qr/"results":\[\{/, qr/"encoding_format":"float","dimensions":3\}/]
