# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for questions to the embedded store: what is found, in which order, in
# which form it is answered, and when nothing is.

use Edge;
use Edge::Store;

run_tests();

__DATA__

=== TEST 1: the documents of this file
--- request eval
ask('{"documents":[' . CORE::join(',',
    doc('press', 'The setup time of press PX-204-B is 35 minutes. The press has a guard.\n\nError E-417 stops the press. Reset it at panel 3.', '"title":"Press","updated_at":"2026-03-01T00:00:00Z","source_uri":"s3://b/press"'),
    doc('oven', 'The oven heats to 840 degrees. Parts stay in the oven for 95 minutes.', '"title":"Oven","updated_at":"2025-03-01T00:00:00Z"'),
    doc('shift', '주간 근무는 오전 7시에 시작합니다. 야간 근무는 오후 7시에 시작합니다.', '"title":"근무표"'))
. ']}', 'documents')
--- response_body_like: "press","status":"(?:created|unchanged)".*"shift","status":"(?:created|unchanged)"



=== TEST 2: a whole answer
--- request eval
ask('{"query":"What is the setup time of the press?","top_k":1}')
--- response_headers
Content-Type: application/json
Cache-Control: private, no-store
X-Request-Id: r-1
--- response_body_like eval
qr/^\Q{"answer":"The setup time of press PX-204-B is 35 minutes. [1]\E.*\Q","sources":[{"n":1,"doc_id":"press","title":"Press","source_uri":"s3:\/\/b\/press","score":\E[01][0-9.]*\Q,"updated_at":"2026-03-01T00:00:00Z"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"model":"extractive","module":"plans","grounded":true,"cached":false,"degraded":false,"request_id":"r-1"}\E$/



=== TEST 3: codes, numbers and Korean words with their particles
--- request eval
[map { ask(qq({"query":"$_"}), 'search') }
 'PX-204-B', 'px-204-b setup', 'E-417', '840', '주간 근무 시작', '야간근무는 언제 시작하나요?']
--- response_body_like eval
[(qr/^\{"results":\[\{"n":1,"doc_id":"press"/) x 3,
 qr/"n":1,"doc_id":"oven"/, (qr/"n":1,"doc_id":"shift"/) x 2]



=== TEST 4: nothing found: a fixed answer in the question's language
--- request eval
[ask('{"query":"Who became football champion?"}'), ask('{"query":"축구 우승팀은 누구입니까?"}')]
--- response_body eval
['{"answer":"The documents hold no answer to this question.","sources":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"model":null,"module":"plans","grounded":false,"cached":false,"degraded":false,"request_id":"r-1"}',
 '{"answer":"문서에서 이 질문에 대한 답을 찾지 못했습니다.","sources":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"model":null,"module":"plans","grounded":false,"cached":false,"degraded":false,"request_id":"r-1"}']



=== TEST 5: the threshold decides what is found
--- rag
store $TEST_NGINX_TMP/docs.db score_threshold=1;
--- request eval
[ask('{"query":"oven heats"}', 'search'), ask('{"query":"oven heats elephants"}', 'search')]
--- response_body_like eval
[qr/"doc_id":"oven"/, qr/"results":\[\]/]



=== TEST 6: the pipeline's top_k, and the client's
--- rag
store $TEST_NGINX_TMP/docs.db top_k=1 score_threshold=0;
--- request eval
[ask('{"query":"press oven"}', 'search'), ask('{"query":"press oven","top_k":50}', 'search')]
--- response_body_like eval
[qr/^(?!.*"n":2)/, qr/"n":2/]



=== TEST 7: filters narrow
--- request eval
[map { ask(qq({"query":"press oven minutes","filter":$_}), 'search') }
 '{"must":[{"key":"doc_id","match":{"value":"oven"}}]}',
 '{"must_not":[{"key":"doc_id","match":{"any":["oven","none"]}}]}',
 '{"must":[{"key":"updated_at","range":{"lt":"2026-01-01T00:00:00Z"}}]}',
 '{"must":[{"key":"updated_at","range":{"gte":"2026-03-01T01:00:00+01:00"}}]}',
 '{"must":[{"key":"title","match":{"value":"Oven"}}],"must_not":[{"key":"title","match":{"value":"Oven"}}]}']
--- response_body_like eval
[qr/^(?!.*press).*oven/, qr/^(?!.*oven).*press/, qr/^(?!.*press).*oven/, qr/^(?!.*oven).*press/, qr/"results":\[\]/]



=== TEST 8: keys that separate tenants cannot be named
--- request eval
[map { ask(qq({"query":"press","filter":{"must":[{"key":"$_","match":{"value":"x"}}]}}), 'search') }
 qw(tenant_id module acl text nothing)]
--- error_code eval
[(400) x 5]
--- response_body_like eval
[(qr/"pointer":"#\/filter\/must\/0\/key"/) x 5]



=== TEST 9: another tenant finds nothing
--- tenant: globex
--- request eval
ask('{"query":"press oven"}', 'search')
--- response_body: {"results":[],"degraded":false,"request_id":"r-1"}



=== TEST 10: a stream
--- request eval
ask('{"query":"How hot is the oven in degrees?","top_k":1,"stream":true}')
--- response_headers
Content-Type: text/event-stream
Cache-Control: private, no-store
X-Accel-Buffering: no
! Content-Length
--- response_body_like eval
qr/^event: sources\ndata: \{"sources":\[\{"n":1,"doc_id":"oven",[^\n]+\],"grounded":true,"request_id":"r-1"\}

event: token\ndata: \{"delta":"The oven heats to 840 degrees\. \[1\][^\n]*"\}

event: usage\ndata: \{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0\}

event: done\ndata: \{"finish_reason":"stop","model":"extractive","cached":false,"degraded":false\}

$/



=== TEST 11: a stream without a passage
--- request eval
ask('{"query":"Who became football champion?","stream":true}')
--- response_body eval
qq(event: sources\ndata: {"sources":[],"grounded":false,"request_id":"r-1"}\n\n)
. qq(event: token\ndata: {"delta":"The documents hold no answer to this question."}\n\n)
. qq(event: usage\ndata: {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}\n\n)
. qq(event: done\ndata: {"finish_reason":"stop","model":null,"cached":false,"degraded":false}\n\n)



=== TEST 12: chat/completions
--- request eval
ask('{"model":"plans","messages":[{"role":"system","content":"Be rude."},{"role":"user","content":[{"type":"text","text":"How hot is the oven "},{"type":"text","text":"in degrees?"}]}]}', 'chat/completions')
--- response_body_like eval
qr/^\{"id":"chatcmpl-r-1","object":"chat\.completion","created":\d+,"model":"plans","choices":\[\{"index":0,"message":\{"role":"assistant","content":"The oven heats to 840 degrees\. \[1\][^"]*","refusal":null\},"logprobs":null,"finish_reason":"stop"\}\],"usage":\{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0\},"sources":\[\{"n":1,"doc_id":"oven"/



=== TEST 13: chat/completions as a stream, usage only if asked for
--- request eval
[map { ask('{"messages":[{"role":"user","content":"How hot is the oven in degrees?"}],"stream":true' . $_ . '}', 'chat/completions') }
 '', ',"stream_options":{"include_usage":true}']
--- response_body_like eval
[qr/^data: \{"id":"chatcmpl-r-1","object":"chat\.completion\.chunk","created":\d+,"model":"plans","choices":\[\{"index":0,"delta":\{"role":"assistant","content":""\},"finish_reason":null\}\],"sources":\[.*\n\ndata: .*"delta":\{"content":"The oven (?!.*"usage").*"delta":\{\},"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$/s,
 qr/"finish_reason":"stop"\}\]\}\n\ndata: [^\n]*"choices":\[\],"usage":\{"prompt_tokens":0,[^\n]*\n\ndata: \[DONE\]\n\n$/]



=== TEST 14: chat/completions: faults are OpenAI's error object
--- request eval
[map { ask($_, 'chat/completions') }
 '{}', '{"messages":[]}', '{"messages":[{"role":"user"}]}', '{"messages":[{"role":"assistant","content":"x"}]}',
 '{"messages":[{"role":"user","content":""}]}', '{"messages":[{"role":"user","content":"x"}],"n":2}',
 '{"messages":[{"role":"user","content":"x"}],"stream":1}', '{"messages":[{"role":"user","content":"x"}],"max_tokens":0}', 'x']
--- error_code eval
[(400) x 9]
--- response_body_like eval
[map { my $p = $_; qr/^\{"error":\{"message":"[^"]+","type":"invalid_request_error","param":\Q$p\E,"code":"invalid_request"\}\}$/ }
 ('"messages"') x 5, '"n"', '"stream"', '"max_tokens"', 'null']



=== TEST 15: pipelined questions are answered in their order
--- pipelined_requests eval
[ask('{"query":"oven degrees","top_k":1}'), "GET /api/v1/plans/documents/press",
 ask('{"query":"x","top_k":99}'), ]
--- error_code eval
[200, 200, 400]
--- response_body_like eval
[qr/"answer":"The oven/, qr/"id":"press"/, qr/top_k/]



=== TEST 16: clean up
--- request eval
[map { "DELETE /api/v1/plans/documents/$_" } qw(press oven shift)]
--- error_code_like eval
[(qr/^(?:204|404)$/) x 3]
