# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs the example of docs/directives/route.md and compares what the page
# says it answers.

use Edge;

# nginx warns of each unverified source, at every start
# The page's first block of configuration, with free ports.
sub example {
    my $page = text();

    $page =~ /^```nginx\n(.*?)^```/ms or die "no example in the page\n";
    my $example = $1;

    $example =~ s/127\.0\.0\.1:8080/127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_9}/;
    $example =~ s/127\.0\.0\.1:9001/127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}/;
    $example =~ s/127\.0\.0\.1:9002/127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2}/;

    return $example . <<"EOC";
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1};
        location / { return 200 "planning \$request_uri"; }
    }
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_2};
        location / { return 200 "support \$request_uri"; }
    }
EOC
}

# The page's first body of a response, for the request id it shows.
sub answer {
    text() =~ /^    (\{"type":.*\})$/m or die "no answer in the page\n";

    return "$1\n";
}

sub text {
    open my $fh, '<', "$ENV{TEST_NGINX_TREE}/docs/directives/route.md"
        or die "no page: $!\n";

    return do { local $/; <$fh> };
}

run_tests();

__DATA__

=== TEST 1: the example routes, and answers as shown
--- http_config eval: ::example()
--- config
    location /api/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_9;
    }
--- request eval
["GET /api/v1/planning/a?b", "GET /api/v1/help/c", "GET /api/v1/nothing/",
 "PUT /api/v1/help/c"]
--- more_headers
X-Tenant-Id: acme
X-Request-Id: 8f67c33a16a2eb5819a8182bc322ad33
--- error_code eval
[200, 200, 404, 405]
--- response_body eval
["planning /api/v1/planning/a?b", "support /api/v1/help/c", ::answer(),
 "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\",\"status\":405,"
 . "\"detail\":\"this path does not take the method\","
 . "\"instance\":\"8f67c33a16a2eb5819a8182bc322ad33\"}\n"]
