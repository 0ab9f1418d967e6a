# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t takes and refuses of edge_rag: each directive of the
# block, the block as a whole, and what must hold between pipelines, modules
# and locations.

use Edge;

run_tests();

__DATA__

=== TEST 1: every directive, from an included file
--- user_files
>>> p.txt
{{context}} {{question}}
>>> rag.conf
embed      /_e/ model=text-embedding-3-small dimensions=65536;
search     /_s/ collection=a_B-9 top_k=1 score_threshold=0 scope=module;
search     /_s/ collection=c top_k=50 score_threshold=1000 scope=tenant;
search     /_s/ collection=c scope=shared;
ingest     /_i/ collection=c;
generate   /_g/ model=m;
generate   /_g/ model=n;
generate   extractive;
prompt     html/p.txt;
timeout    embed=1ms search=1s first_token=1m idle=1h total=1d;
timeout    stream=2s;
max_body   1;
max_context 1m;
max_tokens 1;
--- http_config
edge_rag r { include ../html/rag.conf; }
edge_module a { rag r; }
--- config
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
--- request
GET /api/v1/a/query
--- error_code: 405



=== TEST 2: a pipeline that no module uses in a server without edge_route
--- http_config
edge_rag r { embed /_e/ model=m dimensions=3; search /_s/ collection=c; generate extractive; }



=== TEST 3: eight searches, a store, two pipelines
--- http_config
edge_rag r { embed /_e/ model=m dimensions=3;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
search /_s/ collection=c;
generate extractive; }
edge_rag s { store %TMP%/s.db top_k=50 score_threshold=1; generate extractive; }



=== TEST 4: a pipeline twice
--- http_config
edge_rag r { store %TMP%/r.db; generate extractive; }
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
duplicate edge_rag "r"



=== TEST 5: a pipeline without a name
--- http_config
edge_rag { generate extractive; }
--- config
--- must_die
--- error_log
invalid number of arguments in "edge_rag" directive



=== TEST 6: edge_rag in a server
--- config
edge_rag r { generate extractive; }
--- must_die
--- error_log
"edge_rag" directive is not allowed here



=== TEST 7: a block that is not closed
--- http_config
edge_rag r { generate extractive;
--- config
--- must_die
--- error_log
[emerg]



=== TEST 8: an unknown directive
--- http_config
edge_rag r {
    answer now;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
unknown directive "answer"



=== TEST 9: a directive not built yet: rerank
--- http_config
edge_rag r {
    rerank /_r/ model=m;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
unknown directive "rerank"



=== TEST 10: a parameter not built yet: cache
--- http_config
edge_rag r {
    cache zone=z valid=1m semantic=0.95;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid parameter "semantic=0.95" in "cache" directive



=== TEST 11: a directive not built yet: breaker
--- http_config
edge_rag r {
    breaker failures=3;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
unknown directive "breaker"



=== TEST 12: a directive not built yet: mask
--- http_config
edge_rag r {
    mask prompt on;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
unknown directive "mask"



=== TEST 13: a directive of nginx
--- http_config
edge_rag r {
    root /;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
unknown directive "root"



=== TEST 14: a block inside
--- http_config
edge_rag r {
    x { }
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log



=== TEST 15: an included file that is not there
--- http_config
edge_rag r {
    include /nonexistent.conf;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
open() "/nonexistent.conf" failed



=== TEST 16: embed, a location without a slash at the end
--- http_config
edge_rag r {
    embed /_x model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/_x" must begin and end with "/"



=== TEST 17: embed, a location without a slash at the start
--- http_config
edge_rag r {
    embed _x/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "_x/" must begin and end with "/"



=== TEST 18: embed, a location of one character
--- http_config
edge_rag r {
    embed / model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/" must begin and end with "/"



=== TEST 19: embed without anything
--- http_config
edge_rag r {
    embed;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "embed" directive



=== TEST 20: embed with a location only
--- http_config
edge_rag r {
    embed /_x/;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "embed" directive



=== TEST 21: search, a location without a slash at the end
--- http_config
edge_rag r {
    search /_x collection=c;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/_x" must begin and end with "/"



=== TEST 22: search, a location without a slash at the start
--- http_config
edge_rag r {
    search _x/ collection=c;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "_x/" must begin and end with "/"



=== TEST 23: search, a location of one character
--- http_config
edge_rag r {
    search / collection=c;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/" must begin and end with "/"



=== TEST 24: search without anything
--- http_config
edge_rag r {
    search;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "search" directive



=== TEST 25: search with a location only
--- http_config
edge_rag r {
    search /_x/;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "search" directive



=== TEST 26: ingest, a location without a slash at the end
--- http_config
edge_rag r {
    ingest /_x collection=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/_x" must begin and end with "/"



=== TEST 27: ingest, a location without a slash at the start
--- http_config
edge_rag r {
    ingest _x/ collection=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "_x/" must begin and end with "/"



=== TEST 28: ingest, a location of one character
--- http_config
edge_rag r {
    ingest / collection=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
location "/" must begin and end with "/"



=== TEST 29: ingest without anything
--- http_config
edge_rag r {
    ingest;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "ingest" directive



=== TEST 30: ingest with a location only
--- http_config
edge_rag r {
    ingest /_x/;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "ingest" directive



=== TEST 31: generate, a location without a slash at the end
--- http_config
edge_rag r {
    generate /_x model=m;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
location "/_x" must begin and end with "/"



=== TEST 32: generate, a location without a slash at the start
--- http_config
edge_rag r {
    generate _x/ model=m;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
location "_x/" must begin and end with "/"



=== TEST 33: generate, a location of one character
--- http_config
edge_rag r {
    generate / model=m;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
location "/" must begin and end with "/"



=== TEST 34: generate without anything
--- http_config
edge_rag r {
    generate;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "generate" directive



=== TEST 35: embed twice
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"embed" directive is duplicate



=== TEST 36: embed without dimensions
--- http_config
edge_rag r {
    embed /_e/ model=m;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"embed" directive needs "model" and "dimensions"



=== TEST 37: embed without model
--- http_config
edge_rag r {
    embed /_e/ dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"embed" directive needs "model" and "dimensions"



=== TEST 38: embed with an empty model
--- http_config
edge_rag r {
    embed /_e/ model= dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"embed" directive needs "model" and "dimensions"



=== TEST 39: embed dimensions=0
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=0;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "0" in "embed" directive, must be between 1 and 65536



=== TEST 40: embed dimensions=65537
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=65537;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "65537" in "embed" directive, must be between 1 and 65536



=== TEST 41: embed dimensions=-1
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=-1;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "-1" in "embed" directive, must be between 1 and 65536



=== TEST 42: embed dimensions=x
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=x;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "x" in "embed" directive, must be between 1 and 65536



=== TEST 43: embed dimensions=3.5
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3.5;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "3.5" in "embed" directive, must be between 1 and 65536



=== TEST 44: embed dimensions=
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "" in "embed" directive, must be between 1 and 65536



=== TEST 45: embed with an unknown parameter
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3 on_error=fail;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
on_error=fail



=== TEST 46: search without a collection
--- http_config
edge_rag r {
    search /_s/ top_k=3;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 47: search in collection ""
--- http_config
edge_rag r {
    search /_s/ "collection=";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 48: search in collection "a/b"
--- http_config
edge_rag r {
    search /_s/ "collection=a/b";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 49: search in collection "a.b"
--- http_config
edge_rag r {
    search /_s/ "collection=a.b";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 50: search in collection "a%20"
--- http_config
edge_rag r {
    search /_s/ "collection=a%20";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 51: search in collection "a b"
--- http_config
edge_rag r {
    search /_s/ "collection=a b";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 52: search in collection ".."
--- http_config
edge_rag r {
    search /_s/ "collection=..";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 53: search in collection "ccccccccc"
--- http_config
edge_rag r {
    search /_s/ "collection=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive needs a valid "collection"



=== TEST 54: search in a collection of 255 characters
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc;
    generate extractive;
}



=== TEST 55: search top_k=0
--- http_config
edge_rag r {
    search /_s/ collection=c top_k=0;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "0" in "search" directive, must be between 1 and 50



=== TEST 56: search top_k=51
--- http_config
edge_rag r {
    search /_s/ collection=c top_k=51;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "51" in "search" directive, must be between 1 and 50



=== TEST 57: search top_k=x
--- http_config
edge_rag r {
    search /_s/ collection=c top_k=x;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "x" in "search" directive, must be between 1 and 50



=== TEST 58: search score_threshold=-1
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=-1;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "-1" in "search" directive



=== TEST 59: search score_threshold=1001
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=1001;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "1001" in "search" directive



=== TEST 60: search score_threshold=x
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=x;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "x" in "search" directive



=== TEST 61: search score_threshold=0.3x
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=0.3x;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "0.3x" in "search" directive



=== TEST 62: search score_threshold=nan
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=nan;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "nan" in "search" directive



=== TEST 63: search score_threshold=1e3
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=1e3;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "1e3" in "search" directive



=== TEST 64: search score_threshold=
--- http_config
edge_rag r {
    search /_s/ collection=c score_threshold=;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "" in "search" directive



=== TEST 65: search scope=all
--- http_config
edge_rag r {
    search /_s/ collection=c scope=all;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
scope=all



=== TEST 66: search with a parameter not built yet
--- http_config
edge_rag r {
    search /_s/ collection=c hybrid;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
hybrid



=== TEST 67: nine searches
--- http_config
edge_rag r {
    search /_s/ collection=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"search" directive is given too often



=== TEST 68: ingest twice
--- http_config
edge_rag r {
    ingest /_i/ collection=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
    ingest /_i/ collection=c;
}
--- config
--- must_die
--- error_log
"ingest" directive is duplicate



=== TEST 69: ingest with another parameter
--- http_config
edge_rag r {
    ingest /_i/ into=c;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
into=c



=== TEST 70: ingest in a bad collection
--- http_config
edge_rag r {
    ingest /_i/ collection=a/b;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"ingest" directive needs a valid "collection"



=== TEST 71: store without a path
--- http_config
edge_rag r {
    store;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "store" directive



=== TEST 72: store twice
--- http_config
edge_rag r {
    store %TMP%/x.db;
    store %TMP%/x.db;
    generate extractive;
}
--- config
--- must_die
--- error_log
"store" directive is duplicate



=== TEST 73: store top_k=0
--- http_config
edge_rag r {
    store %TMP%/x.db top_k=0;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "0" in "store" directive



=== TEST 74: store top_k=51
--- http_config
edge_rag r {
    store %TMP%/x.db top_k=51;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid value "51" in "store" directive



=== TEST 75: store score_threshold=-0.1
--- http_config
edge_rag r {
    store %TMP%/x.db score_threshold=-0.1;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "-0.1" in "store" directive



=== TEST 76: store score_threshold=1.1
--- http_config
edge_rag r {
    store %TMP%/x.db score_threshold=1.1;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "1.1" in "store" directive



=== TEST 77: store score_threshold=x
--- http_config
edge_rag r {
    store %TMP%/x.db score_threshold=x;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number "x" in "store" directive



=== TEST 78: store with an unknown parameter
--- http_config
edge_rag r {
    store %TMP%/x.db size=1g;
    generate extractive;
}
--- config
--- must_die
--- error_log
size=1g



=== TEST 79: generate without model
--- http_config
edge_rag r {
    generate /_g/;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
"generate" directive needs "model"



=== TEST 80: generate with an empty model
--- http_config
edge_rag r {
    generate /_g/ model=;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
model=



=== TEST 81: generate with another parameter
--- http_config
edge_rag r {
    generate /_g/ weight=3;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
weight=3



=== TEST 82: generate with a parameter not built yet
--- http_config
edge_rag r {
    generate /_g/ model=m backup;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
backup



=== TEST 83: generate extractive with a parameter
--- http_config
edge_rag r {
    generate extractive model=m;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
model=m



=== TEST 84: generate behind extractive
--- http_config
edge_rag r {
    generate extractive;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate /_g/ model=m;
}
--- config
--- must_die
--- error_log
"generate" directive follows "generate extractive", which never fails



=== TEST 85: prompt without a file
--- http_config
edge_rag r {
    prompt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "prompt" directive



=== TEST 86: prompt of a file that is not there
--- http_config
edge_rag r {
    prompt /nonexistent.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
open() "/nonexistent.txt" failed



=== TEST 87: prompt of an empty file
--- user_files eval
[[ 'p.txt' => '' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
is empty or larger than 64k



=== TEST 88: prompt of 65537 bytes
--- user_files eval
[[ 'p.txt' => '{{context}}{{question}}' . 'x' x 65514 ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
is empty or larger than 64k



=== TEST 89: prompt without a question
--- user_files eval
[[ 'p.txt' => '{{context}}' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
must have {{question}} once



=== TEST 90: prompt without a context
--- user_files eval
[[ 'p.txt' => '{{question}}' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
must have {{context}} once



=== TEST 91: prompt with two questions
--- user_files eval
[[ 'p.txt' => '{{question}} {{context}} {{question}}' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
must have {{question}} once



=== TEST 92: prompt with an unknown placeholder
--- user_files eval
[[ 'p.txt' => '{{context}} {{question}} {{tenant}}' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
has an unknown placeholder



=== TEST 93: prompt with an open placeholder
--- user_files eval
[[ 'p.txt' => '{{context}} {{question' ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
has "{{" without "}}"



=== TEST 94: prompt with a context among the rules
--- user_files eval
[[ 'p.txt' => "{{context}}\n---\n{{question}}" ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
has {{context}} or {{question}} before the line "---"



=== TEST 95: prompt that is not UTF-8
--- user_files eval
[[ 'p.txt' => "{{context}} {{question}} \xff" ]]
--- http_config
edge_rag r {
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
is not valid UTF-8



=== TEST 96: prompt twice
--- user_files
>>> p.txt
{{context}} {{question}}
--- http_config
edge_rag r {
    prompt html/p.txt;
    prompt html/p.txt;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"prompt" directive is duplicate



=== TEST 97: prompt of a directory
--- http_config
edge_rag r {
    prompt html;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log



=== TEST 98: timeout embed of 0
--- http_config
edge_rag r {
    timeout embed=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 99: timeout search of 0
--- http_config
edge_rag r {
    timeout search=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 100: timeout first_token of 0
--- http_config
edge_rag r {
    timeout first_token=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 101: timeout idle of 0
--- http_config
edge_rag r {
    timeout idle=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 102: timeout total of 0
--- http_config
edge_rag r {
    timeout total=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 103: timeout stream of 0
--- http_config
edge_rag r {
    timeout stream=0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "0" in "timeout" directive



=== TEST 104: timeout with a word
--- http_config
edge_rag r {
    timeout embed=soon;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "soon" in "timeout" directive



=== TEST 105: timeout without a value
--- http_config
edge_rag r {
    timeout embed=;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid time "" in "timeout" directive



=== TEST 106: timeout of an unknown stage
--- http_config
edge_rag r {
    timeout rerank=1s;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
rerank=1s



=== TEST 107: timeout without a name
--- http_config
edge_rag r {
    timeout 1s;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"1s"



=== TEST 108: a time twice
--- http_config
edge_rag r {
    timeout embed=1s embed=2s;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"timeout" directive sets one time twice



=== TEST 109: a time twice, in two lines
--- http_config
edge_rag r {
    timeout embed=1s;
    timeout embed=2s;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"timeout" directive sets one time twice



=== TEST 110: timeout without anything
--- http_config
edge_rag r {
    timeout;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "timeout" directive



=== TEST 111: max_body 0
--- http_config
edge_rag r {
    max_body 0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has a limit of zero



=== TEST 112: max_body x
--- http_config
edge_rag r {
    max_body x;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_body" directive invalid



=== TEST 113: max_body twice
--- http_config
edge_rag r {
    max_body 5;
    max_body 6;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_body" directive is duplicate



=== TEST 114: max_body without a value
--- http_config
edge_rag r {
    max_body;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "max_body" directive



=== TEST 115: max_context 0
--- http_config
edge_rag r {
    max_context 0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has a limit of zero



=== TEST 116: max_context x
--- http_config
edge_rag r {
    max_context x;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_context" directive invalid



=== TEST 117: max_context twice
--- http_config
edge_rag r {
    max_context 5;
    max_context 6;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_context" directive is duplicate



=== TEST 118: max_context without a value
--- http_config
edge_rag r {
    max_context;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "max_context" directive



=== TEST 119: max_tokens 0
--- http_config
edge_rag r {
    max_tokens 0;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has a limit of zero



=== TEST 120: max_tokens x
--- http_config
edge_rag r {
    max_tokens x;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_tokens" directive invalid



=== TEST 121: max_tokens twice
--- http_config
edge_rag r {
    max_tokens 5;
    max_tokens 6;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
"max_tokens" directive is duplicate



=== TEST 122: max_tokens without a value
--- http_config
edge_rag r {
    max_tokens;
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
invalid number of arguments in "max_tokens" directive



=== TEST 123: an empty block
--- http_config
edge_rag r {
}
--- config
--- must_die
--- error_log
edge_rag "r" has no "generate"



=== TEST 124: neither store nor search
--- http_config
edge_rag r {
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has neither "store" nor "search"



=== TEST 125: embed without search
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has neither "store" nor "search"



=== TEST 126: search without embed
--- http_config
edge_rag r {
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has "search" without "embed"



=== TEST 127: no generate
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
}
--- config
--- must_die
--- error_log
edge_rag "r" has no "generate"



=== TEST 128: store and embed
--- http_config
edge_rag r {
    store %TMP%/x.db;
    embed /_e/ model=m dimensions=3;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has both "store" and "embed", "search" or "ingest"



=== TEST 129: store and search
--- http_config
edge_rag r {
    store %TMP%/x.db;
    search /_s/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has both "store" and "embed", "search" or "ingest"



=== TEST 130: store and ingest
--- http_config
edge_rag r {
    store %TMP%/x.db;
    ingest /_i/ collection=c;
    generate extractive;
}
--- config
--- must_die
--- error_log
edge_rag "r" has both "store" and "embed", "search" or "ingest"



=== TEST 131: a routed server without the location of embed
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has no location for "/_e/embeddings", which edge_rag "r" in



=== TEST 132: the location of embed is not internal
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_e/embeddings"



=== TEST 133: a routed server without the location of search
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has no location for "/_s/collections/c/points/query", which edge_rag "r" in



=== TEST 134: the location of search is not internal
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_s/collections/c/points/query"



=== TEST 135: a routed server without the location of ingest
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has no location for "/_i/collections/c/points", which edge_rag "r" in



=== TEST 136: the location of ingest is not internal
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_i/collections/c/points"



=== TEST 137: a routed server without the location of generate
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has no location for "/_g/chat/completions", which edge_rag "r" in



=== TEST 138: the location of generate is not internal
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_g/chat/completions"



=== TEST 139: a location / that is not internal takes what has none
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location / { return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_e/embeddings"



=== TEST 140: a longer location that is not internal goes before
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }
location /_s/collections/ { return 204; }
}
--- config
--- must_die
--- error_log
has a location that is not internal for "/_s/collections/c/points/query"



=== TEST 141: a module names an unknown pipeline
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag x; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
}
--- config
--- must_die
--- error_log
edge_module "a" names the unknown edge_rag "x"



=== TEST 142: a module names a pipeline and there is none
--- http_config
edge_module a { rag x; }
server {
listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
}
--- config
--- must_die
--- error_log
names the unknown edge_rag "x"



=== TEST 143: a server without edge_route needs none of the locations
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
edge_module a { rag r; }
server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2; }
--- config
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }



=== TEST 144: a pipeline that a variable names at run time and that is unknown: 500
--- http_config
edge_rag r {
    embed /_e/ model=m dimensions=3;
    search /_s/ collection=c;
    ingest /_i/ collection=c;
    generate /_g/ model=m;
}
map $http_x_p $p { default r; x other; }
edge_module a { rag $p; }
--- config
location /api/ { edge_tenant a unverified; edge_route on; }
location /_e/ { internal; return 204; }
location /_s/ { internal; return 204; }
location /_i/ { internal; return 204; }
location /_g/ { internal; return 204; }

--- request eval
[map { "POST /api/v1/a/query\n{\"query\":1}" } 1 .. 2]
--- more_headers eval
["X-P: y\nContent-Type: application/json\n", "X-P: x\nContent-Type: application/json\n"]
--- error_code eval
[400, 500]
