# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for what nginx -t takes and refuses of edge_cors.

use Edge;

# Each of these alone in a location, and what nginx -t says of it.
my $exact = 'origins are exact, without wildcards';
my $form  = 'it must be scheme://host or scheme://host:port';
my $host  = 'its host is not valid';
my $port  = 'its port is not valid';
my $own   = "browsers leave out the port that is the scheme's own";
my $path  = 'an origin has no path';

my @refused = (
    ['', 'invalid number of arguments in "edge_cors" directive'],
    ['""', 'invalid parameter "" in "edge_cors" directive'],
    ['on', 'invalid parameter "on" in "edge_cors" directive'],
    ['a.test', 'invalid parameter "a.test" in "edge_cors" directive'],
    ['off off', 'invalid parameter "off" in "edge_cors" directive'],
    ['off http://a.test', 'invalid parameter "off" in "edge_cors" directive'],
    ['http://a.test off', 'invalid parameter "off" in "edge_cors" directive'],
    ['NULL', 'invalid parameter "NULL" in "edge_cors" directive'],
    ['* credentials', 'must not have "*" with "credentials": name the origins'],
    ['credentials *', 'must not have "*" with "credentials": name the origins'],
    ['* max_age=5 credentials',
        'must not have "*" with "credentials": name the origins'],
    ['* http://a.test', 'directive names origins beside "*"'],
    ['http://a.test *', 'directive names origins beside "*"'],
    ['null * credentials', 'directive names origins beside "*"'],
    ['* *', 'invalid parameter "*" in "edge_cors" directive'],
    ['credentials', '"edge_cors" directive names no origin'],
    ['max_age=5', '"edge_cors" directive names no origin'],
    ['http://a.test credentials credentials',
        'invalid parameter "credentials" in "edge_cors" directive'],
    ['http://a.test max_age=5 max_age=5',
        'invalid parameter "max_age=5" in "edge_cors" directive'],
    ['http://a.test max_age=', 'invalid max_age "" in "edge_cors" directive'],
    ['http://a.test max_age=x', 'invalid max_age "x" in "edge_cors" directive'],
    ['http://a.test max_age=-1',
        'invalid max_age "-1" in "edge_cors" directive'],
    ['http://a.test max_age=86401',
        'invalid max_age "86401" in "edge_cors" directive'],
    ['http://a.test http://A.test', 'duplicate origin "http://a.test"'],
    ['null null', 'duplicate origin "null"'],
    ['http:a.test', qq("http:a.test" in "edge_cors" directive: $form)],
    ['http:/a.test', qq("http:/a.test" in "edge_cors" directive: $form)],
    ['://a.test', $form],
    ['1a://a.test', $form],
    ['h_t://a.test', $form],
    ['a.test:8080', $form],
    ['http://', 'it has no host'],
    ['http://:80', 'it has no host'],
    ['http://a.test/', $path],
    ['http://a.test:81/', $path],
    ['http://a.test/x', $path],
    ['http://a.test?x', $path],
    ['"http://a.test#x"', $path],
    ['http://*.a.test', $exact],
    ['http://a.*', $exact],
    ['http://*', $exact],
    ['http://u@a.test', $host],
    ['http://a,b.test', $host],
    ['"http://a b"', $host],
    ['http://$host', $host],
    ['"http://b\xc3\xbccher.test"', $host],
    ['http://.a.test', $host],
    ['http://a..test', $host],
    ['http://[::1', $host],
    ['http://[]', $host],
    ['http://[::x]', $host],
    ['http://[::1]x', $port],
    ['http://a.test:', $port],
    ['http://a.test:0', $port],
    ['http://a.test:080', $port],
    ['http://a.test:65536', $port],
    ['http://a.test:123456', $port],
    ['http://a.test:8x', $port],
    ['http://a.test:*', $port],
    ['http://a.test:80', $own],
    ['https://a.test:443', $own],
    ['http://[::1]:80', $own],
);

my $n = 0;

my @blocks = map {
    my ($args, $message) = @$_;
    my $title = $args eq '' ? 'nothing' : $args;

    sprintf "=== TEST %d: refused: %s\n"
        . "--- config\n    location /t { edge_cors %s; }\n"
        . "--- must_die\n--- error_log\n%s\n\n\n\n",
        ++$n, $title, $args, $message;
} @refused;

my $rest = do { local $/; <DATA> };
$rest =~ s/TEST (\d+)/'TEST ' . ($1 + $n)/ge;

Test::Base::default_object()->spec_string(join '', @blocks, $rest);

run_tests();

__DATA__
=== TEST 1: refused: twice on a level
--- config
    location /t {
        edge_cors http://a.test;
        edge_cors off;
    }
--- must_die
--- error_log
"edge_cors" directive is duplicate



=== TEST 2: refused: in an if
--- config
    location /t { if ($arg_x) { edge_cors *; } }
--- must_die
--- error_log
"edge_cors" directive is not allowed here



=== TEST 3: a child cannot add credentials to the "*" it would inherit
--- http_config
    edge_cors *;
--- config
    location /t { edge_cors credentials; }
--- must_die
--- error_log
"edge_cors" directive names no origin



=== TEST 4: taken: every form of an origin, matched as a browser writes it
--- config
    location /t {
        edge_cors HTTP://A.Test https://b-c.d_e.test:8443 http://127.0.0.1:8080
                  http://[::1]:3000 https://[2001:DB8::1] https://a.test:80
                  http://a.test:443 http://localhost https://dot.test.
                  chrome-extension://abcdefgh capacitor://localhost null;
        return 204;
    }
--- request eval
[("GET /t") x 17]
--- more_headers eval
[map { "Origin: $_" } qw(http://a.test https://b-c.d_e.test:8443
 http://127.0.0.1:8080 http://[::1]:3000 https://[2001:db8::1]
 https://a.test:80 http://a.test:443 http://localhost https://dot.test.
 chrome-extension://abcdefgh capacitor://localhost null
 HTTP://A.Test https://a.test http://a.test:80 http://a.test.evil.test
 http://a.tes)]
--- error_code eval
[(204) x 17]
--- response_headers eval
[map({ "Access-Control-Allow-Origin: $_" } qw(http://a.test
 https://b-c.d_e.test:8443
 http://127.0.0.1:8080 http://[::1]:3000 https://[2001:db8::1]
 https://a.test:80 http://a.test:443 http://localhost https://dot.test.
 chrome-extension://abcdefgh capacitor://localhost null)),
 ("!Access-Control-Allow-Origin") x 5]



=== TEST 5: "null" is an origin only where it is written
--- config
    location /t { edge_cors http://a.test; return 204; }
--- request
GET /t
--- more_headers
Origin: null
--- error_code: 204
--- response_headers
! Access-Control-Allow-Origin
Vary: Origin



=== TEST 6: "null" with credentials warns
--- config
    location /a { edge_cors credentials null; }
    location /c { edge_cors; }
--- must_die
--- error_log
"edge_cors" lets pages of origin "null" use credentials: any site can make such a page in



=== TEST 7: how long a preflight's answer is kept
--- config
    location /default/ { edge_cors *; }
    location /none/ { edge_cors * max_age=0; }
    location /time/ { edge_cors max_age=1h *; }
    location /most/ { edge_cors * max_age=1d; }
--- request eval
["OPTIONS /default/", "OPTIONS /none/", "OPTIONS /time/", "OPTIONS /most/"]
--- more_headers
Origin: http://a.test
Access-Control-Request-Method: GET
--- error_code eval
[(204) x 4]
--- response_headers eval
["Access-Control-Max-Age: 600", "Access-Control-Max-Age: 0",
 "Access-Control-Max-Age: 3600", "Access-Control-Max-Age: 86400"]
