# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for documents in the embedded store: what is stored comes back, what
# is replaced leaves nothing, and what may not be stored is named.

use Edge;
use Edge::Store;

open my $broken, '>', "$ENV{TEST_NGINX_TMP}/broken.db" or die;
print $broken 'no database ' x 1000;
close $broken;

run_tests();

__DATA__

=== TEST 1: created, unchanged, updated, read, deleted, gone
--- request eval
[ask(doc('d1', 'The crane lifts 5 tons.', '"title":"Crane","source_uri":"s3://b/k","updated_at":"2026-01-02T03:04:05Z","acl":["ops","a\"b"]'), 'documents', 'plans', 'PUT'),
 ask(doc('d1', 'The crane lifts 5 tons.', '"title":"Crane","source_uri":"s3://b/k","updated_at":"2026-01-02T03:04:05Z","acl":["ops","a\"b"]'), 'documents'),
 "GET /api/v1/plans/documents/d1",
 ask(doc('d1', 'The crane lifts 6 tons.'), 'documents'),
 "GET /api/v1/plans/documents/d1",
 "DELETE /api/v1/plans/documents/d1",
 "GET /api/v1/plans/documents/d1",
 "DELETE /api/v1/plans/documents/d1"]
--- error_code eval
[200, 200, 200, 200, 200, 204, 404, 404]
--- response_body_like eval
[qr/^\{"documents":\[\{"id":"d1","status":"created","chunks":1\}\],"request_id":"r-1"\}$/,
 qr/"status":"unchanged","chunks":1/,
 qr/^\Q{"id":"d1","title":"Crane","source_uri":"s3:\/\/b\/k","updated_at":"2026-01-02T03:04:05Z","acl":["ops","a\"b"],"text":"The crane lifts 5 tons.","chunks":1}\E$/,
 qr/"status":"updated"/,
 qr/^\Q{"id":"d1","title":null,"source_uri":null,"updated_at":null,"acl":[],"text":"The crane lifts 6 tons.","chunks":1}\E$/,
 qr/^$/,
 qr/"status":404.*there is no document with this id/,
 qr/"status":404/]



=== TEST 2: a shorter version leaves nothing over
--- request eval
[ask(doc('long', text_of(6)), 'documents'),
 ask('{"query":"V-5 valve"}', 'search'),
 ask(doc('long', text_of(2)), 'documents'),
 ask('{"query":"V-5"}', 'search'),
 ask('{"query":"V-2"}', 'search'),
 "DELETE /api/v1/plans/documents/long",
 ask('{"query":"V-2"}', 'search')]
--- error_code eval
[200, 200, 200, 200, 200, 204, 200]
--- response_body_like eval
[qr/"status":"created","chunks":[4-9]/, qr/Paragraph 5/,
 qr/"status":"updated","chunks":[23]/,
 qr/^(?!.*Paragraph 5)/, qr/Paragraph 2/, qr/^$/, qr/"results":\[\]/]



=== TEST 3: the text comes back as it was, white space and all
--- request eval
[ask(doc('w', 'One.\n\n\n  Two is here.\tThree!\r\n' . text_of(4) . '\n'), 'documents'),
 "GET /api/v1/plans/documents/w",
 "DELETE /api/v1/plans/documents/w"]
--- error_code eval
[200, 200, 204]
--- response_body_like eval
[qr/created/, qr/"text":"One\.\\n\\n\\n  Two is here\.\\tThree!\\r\\nParagraph 1 .*Paragraph 4 .*stand here\. \\n","chunks"/, qr/^$/]



=== TEST 4: many at once, in their order
--- request eval
[ask('{"documents":[' . CORE::join(',', map { doc("m$_", "Text number $_.") } 1 .. 100) . ']}', 'documents', 'plans', 'PUT'),
 ask('{"documents":[' . CORE::join(',', map { doc("m$_", "Text number " . ($_ % 2 ? $_ : -$_) . ".") } 1 .. 3) . ']}', 'documents'),
 map { "DELETE /api/v1/plans/documents/m$_" } 1 .. 100]
--- error_code eval
[200, 200, (204) x 100]
--- response_body_like eval
[qr/^\{"documents":\[\{"id":"m1","status":"created","chunks":1\},.*"id":"m100","status":"created","chunks":1\}\],/,
 qr/"m1","status":"unchanged","chunks":1\},\{"id":"m2","status":"updated","chunks":1\},\{"id":"m3","status":"unchanged"/,
 (qr/^$/) x 100]



=== TEST 5: ids are one segment of a path, in any script
--- request eval
[ask(doc('정비 7', '설비는 매일 점검합니다.'), 'documents'),
 "GET /api/v1/plans/documents/%EC%A0%95%EB%B9%84%207",
 "HEAD /api/v1/plans/documents/%EC%A0%95%EB%B9%84%207",
 "DELETE /api/v1/plans/documents/%EC%A0%95%EB%B9%84%207",
 "GET /api/v1/plans/documents/",
 "GET /api/v1/plans/documents/a/b"]
--- error_code eval
[200, 200, 200, 204, 404, 404]
--- response_body_like eval
[qr/"id":"정비 7","status":"created"/, qr/"text":"설비는 매일 점검합니다\."/, qr/^$/, qr/^$/,
 qr/the path holds no document id/, qr/the path holds no document id/]



=== TEST 6: each fault of a document is named by its pointer
--- request eval
[map { ask($_, 'documents') }
 '[]', '{}', '{"id":"a"}', '{"text":"t"}', '{"id":"","text":"t"}',
 '{"id":"a/b","text":"t"}', '{"id":"..","text":"t"}', '{"id":"a\u0001","text":"t"}',
 '{"id":7,"text":"t"}', '{"id":"' . 'x' x 257 . '","text":"t"}',
 '{"id":"a","text":" \n\t "}', '{"id":"a","text":["t"]}',
 '{"id":"a","text":"t","title":1}', '{"id":"a","text":"t","title":"' . 'x' x 513 . '"}',
 '{"id":"a","text":"t","source_uri":"' . 'x' x 2049 . '"}',
 '{"id":"a","text":"t","updated_at":"yesterday"}', '{"id":"a","text":"t","updated_at":"2026-02-30T00:00:00Z"}',
 '{"id":"a","text":"t","acl":"x"}', '{"id":"a","text":"t","acl":[""]}', '{"id":"a","text":"t","acl":[1]}',
 '{"id":"a","text":"t","acl":[' . CORE::join(',', ('"w"') x 65) . ']}',
 '{"id":"a","text":"t","tenant_id":"other"}',
 '{"documents":[]}', '{"documents":{}}', '{"documents":[' . CORE::join(',', ('{"id":"a","text":"t"}') x 101) . ']}',
 '{"documents":[{"id":"a","text":"t"},{"id":"b"}]}', '{"documents":[{"id":"a","text":"t"},7]}',
 '{"documents":[{"id":"a","text":"t"},{"id":"b","text":"t"},{"id":"a","text":"u"}]}',
 '{"documents":[{"id":"a","text":"t"}],"more~/x":1}']
--- error_code eval
[(400) x 29]
--- response_body_like eval
[map { my $p = $_; qr/"errors":\[\{"pointer":"#\Q$p\E"/ }
 '', '/id', '/text', '/id', '/id', '/id', '/id', '/id', '/id', '/id', '/text', '/text',
 '/title', '/title', '/source_uri', '/updated_at', '/updated_at',
 '/acl', '/acl', '/acl', '/acl', '/tenant_id',
 '/documents', '/documents', '/documents', '/documents/1/text', '/documents/1',
 '/documents', '/more~0~1x']



=== TEST 7: at the limits
--- request eval
[ask(doc('x' x 256, 't', '"title":"' . 't' x 512 . '","source_uri":"' . 'u' x 2048 . '","acl":[' . CORE::join(',', ('"' . 'w' x 128 . '"') x 64) . '],"updated_at":null'), 'documents'),
 "DELETE /api/v1/plans/documents/" . 'x' x 256]
--- error_code eval
[200, 204]
--- response_body_like eval
[qr/created/, qr/^$/]



=== TEST 8: tenants and modules keep the same id apart
--- request eval
[ask(doc('same', 'The acme plan needs 11 days.'), 'documents'),
 ask(doc('same', 'The parts plan needs 22 days.'), 'documents', 'parts'),
 ask(doc('same', 'The globex plan needs 33 days.'), 'documents'),
 ask('{"query":"How many days does the plan need?"}'),
 ask('{"query":"How many days does the plan need?"}', 'query', 'parts'),
 ask('{"query":"How many days does the plan need?"}'),
 "DELETE /api/v1/plans/documents/same",
 "GET /api/v1/plans/documents/same",
 "GET /api/v1/parts/documents/same",
 "DELETE /api/v1/plans/documents/same",
 "DELETE /api/v1/parts/documents/same"]
--- more_headers eval
[map { "X-Tenant-Id: $_\nX-Request-Id: r-1\nContent-Type: application/json" }
 qw(acme acme globex acme acme globex globex acme acme acme acme)]
--- error_code eval
[200, 200, 200, 200, 200, 200, 204, 200, 200, 204, 204]
--- response_body_like eval
[qr/created/, qr/created/, qr/created/,
 qr/^(?!.*(?:22|33)).*needs 11 days/, qr/^(?!.*(?:11|33) days).*needs 22 days/,
 qr/^(?!.*(?:11|22) days).*needs 33 days/, qr/^$/,
 qr/11 days/, qr/22 days/, qr/^$/, qr/^$/]



=== TEST 9: a module that does not allow it is read-only
--- request eval
[ask(doc('a', 't'), 'documents', 'locked', 'PUT'),
 ask(doc('a', 't'), 'documents', 'locked', 'POST'),
 "DELETE /api/v1/locked/documents/a",
 "GET /api/v1/locked/documents/a"]
--- error_code eval
[403, 403, 403, 404]
--- response_body_like eval
[qr/read-only/, qr/read-only/, qr/read-only/, qr/no document/]



=== TEST 10: methods of the collection and of a document
--- request eval
["GET /api/v1/plans/documents", "DELETE /api/v1/plans/documents",
 ask('{}', 'documents/a'), ask('{}', 'documents/a', 'plans', 'PUT')]
--- error_code eval
[405, 405, 405, 405]
--- response_headers eval
["Allow: POST, PUT", "Allow: POST, PUT", "Allow: GET, HEAD, DELETE", "Allow: GET, HEAD, DELETE"]



=== TEST 11: a document that nginx put into a temporary file
--- config
client_body_buffer_size 1k;
--- request eval
[ask(doc('spill', text_of(40)), 'documents'),
 ask('{"query":"valve V-33"}', 'search'),
 "DELETE /api/v1/plans/documents/spill"]
--- error_code eval
[200, 200, 204]
--- response_body_like eval
[qr/created/, qr/Paragraph 33/, qr/^$/]
--- allow_log: [warn]



=== TEST 12: over max_body, with and without a length
--- rag
max_body 2k;
--- raw_request eval
["POST /api/v1/plans/documents HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: acme\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 2049\r\n\r\n" . 'x' x 2049]
--- error_code: 413
--- response_body_like: over the limit



=== TEST 13: over max_body in chunks
--- rag
max_body 2k;
--- raw_request eval
["POST /api/v1/plans/documents HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: acme\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n801\r\n" . 'x' x 2049 . "\r\n0\r\n\r\n"]
--- error_code: 413
--- response_body_like: over the limit



=== TEST 14: what one worker writes another reads
--- workers: 2
--- request eval
[ask(doc('w2', 'The second worker sees bolt B-77.'), 'documents'),
 (ask('{"query":"bolt B-77"}', 'search')) x 20,
 "DELETE /api/v1/plans/documents/w2",
 (ask('{"query":"bolt B-77"}', 'search')) x 20]
--- error_code eval
[200, (200) x 20, 204, (200) x 20]
--- response_body_like eval
[qr/created/, (qr/bolt B-77/) x 20, qr/^$/, (qr/"results":\[\]/) x 20]



=== TEST 15: a store whose folder is not there is refused
--- rag
store /nonexistent/folder/docs.db;
--- must_die
--- error_log
/nonexistent/folder



=== TEST 16: a file that is no database is a 503, not a crash
--- rag
store %TMP%/broken.db;
--- request eval
[ask(doc('a', 't'), 'documents'), ask('{"query":"a"}'), "GET /api/v1/plans/documents/a"]
--- error_code eval
[503, 503, 503]
--- response_headers_like eval
["Retry-After: \\d+", "Retry-After: \\d+", "Retry-After: \\d+"]
--- error_log
store: 
