# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for edge_limit in shared memory: what passes and what does not, what
# clients are told, several limits at once, where a request is charged, dry
# run, and inheritance.  Every part has zones of its own, and rates so low
# that nothing flows back while it runs; times are told to the second, and may
# be those of a slow machine, a hundred seconds less.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Limit;
use Edge::Server;
use Test::More;

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";
my $status = 'add_header X-Status "<$edge_limit_status>" always;';
my $tmp = $Edge::Env::tmp;

mkdir "$tmp/html";
for my $name (qw(t p e)) {
    open my $out, '>', "$tmp/html/$name.txt" or die "$!\n";
    print $out "$name\n";
    close $out;
}

my $file = "alias $tmp/html/t.txt;";

my $nginx = Edge::Server->start(<<"END");
    map \$arg_k \$rate { a 2r/d; b 1r/m; c off; w 2r/w; t 2t/s; z 0r/s; }
    map \$arg_k \$most { a 2; c off; w many; z 0; }

    edge_limit_zone \$http_x_key zone=burst:256k;
    edge_limit_zone \$arg_k zone=keys:256k;
    edge_limit_zone \$arg_k zone=plan:256k;
    edge_limit_zone \$arg_k zone=each:256k;
    edge_limit_zone all zone=all:256k;
    edge_limit_zone all zone=redirect:256k;
    edge_limit_zone all zone=redirect2:256k;
    edge_limit_zone all zone=page:256k;
    edge_limit_zone all zone=sub:256k;
    edge_limit_zone all zone=dry:256k;
    edge_limit_zone all zone=code:256k;
    edge_limit_zone all zone=inherit:256k;
    edge_limit_zone all zone=inherit2:256k;
    edge_limit_zone \$edge_tenant zone=tenant:256k;
    edge_limit_zone all zone=refused:256k;

    edge_limit zone=inherit requests=2r/h;

    edge_rag docs { store $tmp/docs.db; generate extractive; }
    edge_module docs { rag docs; target http://$listen; }

    server {
        listen $listen;
        root $tmp/html;

        location /burst { $status $file
            edge_limit zone=burst requests=6r/h burst=3; }
        location /keys { $status $file edge_limit zone=keys requests=1r/h; }
        location /plan { $file edge_limit zone=plan requests=\$rate; }
        location /plan/dry { $file edge_limit zone=plan requests=\$rate;
            edge_limit_dry_run on; }
        location /plan/page {
            error_page 500 = \@up;
            edge_limit zone=plan requests=\$rate;
            try_files /none =500;
        }
        location \@up {
            edge_limit zone=plan requests=\$rate;
            proxy_pass http://127.0.0.1:1;
        }
        location /most { $file edge_limit zone=plan concurrent=\$most; }
        location /several { $file
            edge_limit zone=each requests=2r/d;
            edge_limit zone=all requests=3r/h;
            edge_limit zone=each requests=1000r/s; }

        location /dry { $status $file edge_limit zone=dry requests=1r/h;
            edge_limit_dry_run on; edge_limit_log_level warn; }
        location /code { $file edge_limit zone=code requests=1r/h;
            edge_limit_status 503; edge_limit_log_level info; }

        location /inherit/a { $file }
        location /inherit/b { $file edge_limit zone=inherit2 requests=1r/h; }
        location /inherit/off { $file edge_limit off; }

        location /ok { edge_limit off; return 200 ok; }

        location /api/ {
            edge_tenant \$http_x_t unverified; edge_route on;
            edge_limit zone=tenant requests=1r/h;
            edge_limit zone=tenant requests=50r/s;
            proxy_pass http://$listen/ok;
        }
        location /api/v1/docs/refused {
            edge_tenant \$http_x_t unverified; edge_route on;
            edge_limit zone=refused requests=1r/h;
            proxy_pass http://$listen/ok;
        }
    }

    server {
        listen $listen;
        server_name redirect;
        root $tmp/html;

        edge_limit zone=redirect requests=2r/h;

        location /one { rewrite ^ /two last; }
        location /two { try_files /no \@named; }
        location \@named { error_page 404 = /three; }
        location /three { $file edge_limit zone=redirect2 requests=1r/h; }
    }

    server {
        listen $listen;
        server_name page;
        root $tmp/html;

        edge_limit zone=page requests=2r/h;

        location / { deny all; error_page 403 /p.txt; }
        location /p.txt { }
        location /hack { error_page 418 = \@api; return 418; }
        location \@api { rewrite ^ /ok break; proxy_pass http://$listen; }
    }

    server {
        listen $listen;
        server_name sub;
        root $tmp/html;

        edge_limit zone=sub requests=2r/h;

        location / { mirror /m; mirror /m; add_after_body /m; }
        location /m { proxy_pass http://$listen/ok; }
    }
END

# A burst, and what a client needs to know.

my @r = map { get('/burst', 'X-Key: a') } 1 .. 5;

is(statuses(@r), '200 200 200 429 429', 'three at once, no more');
is(field($r[0], 'RateLimit-Policy'), '"burst-rph";q=6;w=3600', 'policy');
is(field($r[0], 'RateLimit'), '"burst-rph";r=2;t=600', 'two are left');
like(field($r[2], 'RateLimit'), qr/^"burst-rph";r=0;t=(?:600|5\d\d)$/,
     'none is left');
is(field($r[2], 'Retry-After'), undef, 'nothing to be tried again');
is(field($r[2], 'X-Status'), '<PASSED>', 'status of one that passes');
like(field($r[3], 'RateLimit'), qr/^"burst-rph";r=0;t=(?:600|5\d\d)$/,
     'when there is more');
like(field($r[3], 'Retry-After'), qr/^(?:60[01]|5\d\d)$/, 'not before');
is(field($r[3], 'X-Status'), '<REJECTED>', 'status of one that does not');
is(field($r[3], 'X-Ratelimit-Limit-Requests'), undef, 'not for OpenAI');

# Keys.

@r = map { get("/keys$_") } qw(?k=a ?k=b ?k=a ?k=b ?k= ?k= ?x ?x);
is(statuses(@r), '200 200 429 429 200 200 200 200', 'an empty key is free');
is(field($r[4], 'X-Status'), '<>', 'and was not judged');
is(field($r[4], 'RateLimit'), undef, 'nor told about');

# A plan decides.

@r = map { get("/plan?k=$_") } qw(a a a b b c c c);
is(statuses(@r), '200 200 429 200 429 200 200 200', 'rates by plan');
like(field($r[1], 'RateLimit'), qr/^"plan-rpd";r=0;t=43(?:200|1\d\d)$/,
     'per day');
like(field($r[2], 'Retry-After'), qr/^43(?:20[01]|1\d\d)$/, 'half a day');
is(field($r[3], 'RateLimit-Policy'), '"plan-rpm";q=1;w=60', 'per minute');
is(field($r[5], 'RateLimit'), undef, 'off is no limit');

@r = map { get("/plan?k=$_") } qw(w t z none);
is(statuses(@r), '500 500 500 500', 'what is no rate does not pass');
is(statuses(get('/plan/dry?k=w')), '500', 'nor in a dry run');
is(statuses(get('/plan/page?k=w')), '500', 'nor behind an error_page');
is(logged('invalid rate "2r/w" from "$rate" for zone "plan"'), 4, 'a line');
is(logged('edge limit: invalid rate'), 7, 'one for each time');

@r = map { get("/most?k=$_") } qw(a c w z none);
is(statuses(@r), '200 200 500 500 500', 'how many at once, by plan');
is(field($r[0], 'RateLimit-Policy'),
   '"plan-concurrent";q=2;qu="concurrent-requests"', 'their policy');
is(field($r[0], 'RateLimit'), '"plan-concurrent";r=1', 'one more may run');
is(logged('edge limit: invalid number'), 3, 'one line each');

# Several: all are charged or none is.

@r = map { get("/several?k=$_") } qw(a a a a b b);
is(statuses(@r), '200 200 429 429 200 429', 'what one refuses none charges');
is(field($r[0], 'RateLimit-Policy'), '"all-rph";q=3;w=3600, '
   . '"each-rpd";q=2;w=86400, "each-rps";q=1000;w=1', 'three policies');
is(field($r[0], 'RateLimit'), '"all-rph";r=2;t=1200, '
   . '"each-rpd";r=1;t=43200, "each-rps";r=999;t=1', 'three states');
like(field($r[2], 'Retry-After'), qr/^43(?:20[01]|1\d\d)$/,
     'the day is over');
like(field($r[5], 'Retry-After'), qr/^1(?:20[01]|1\d\d)$/,
     'or the hour of all');

# Redirects, error pages, subrequests.

@r = map { get($_, 'Host: redirect') } qw(/one /one /one /three /three);
is(statuses(@r), '200 200 429 200 429', 'once, in the first location');

@r = map { get($_, 'Host: page') } qw(/x /x /x /x /hack /hack /hack);
is(statuses(@r), '403 403 403 403 200 200 429',
   'a page of error_page is free, a handler is not');

@r = map { get($_, 'Host: sub') } qw(/t.txt /t.txt /t.txt);
is(statuses(@r), '200 200 429', 'subrequests are free');

# Dry run, status, log level, inheritance.

@r = map { get('/dry') } 1 .. 2;
is(statuses(@r), '200 200', 'a dry run passes all');
is(field($r[1], 'X-Status'), '<REJECTED_DRY_RUN>', 'and says so');
is(field($r[1], 'RateLimit'), undef, 'not to the client');
is(logged('[warn] .*edge limit: rejected by "dry-rph", dry run'), 1,
   'its line in the log');

@r = map { get('/code') } 1 .. 2;
is(statuses(@r), '200 503', 'another status');
like(field($r[1], 'Retry-After'), qr/^3(?:5\d\d|60[01])$/, 'and when');
is(logged('rejected by "code-rph"'), 0, 'below the log level');
is(logged('[error] .*edge limit: rejected by "burst-rph"'), 2, 'over it');

@r = map { get("/inherit/$_") } qw(a b b a a off off);
is(statuses(@r), '200 200 429 200 429 200 200', 'inherited as a whole');

# With routes: admission first, then the forms of errors.

@r = (get('/api/v1/docs/refused'), get('/api/v1/other/x', 'X-T: acme'),
      get('/api/v1/docs/refused', 'X-T: acme'),
      get('/api/v1/docs/refused', 'X-T: acme'));
is(statuses(@r), '403 404 200 429', 'what admission refuses is free');

@r = map { get('/api/v1/docs/x', "X-T: $_", 'X-Request-Id: r-1') }
    qw(acme acme other);
is(statuses(@r), '200 429 200', 'tenants');
is(field($r[1], 'Content-Type'), 'application/problem+json', 'a problem');
is($r[1]{body}, '{"type":"https://iana.org/assignments/http-problem-types'
   . '#quota-exceeded","title":"Too Many Requests","status":429,"detail":'
   . '"the allowance of requests is used up","instance":"r-1",'
   . "\"violated-policies\":[\"tenant-rph\"]}\n", 'that names the policy');

@r = map { ask('/api/v1/docs/chat/completions', 'new',
               '{"model":"m","messages":[{"role":"user","content":"q"}]}') }
    1 .. 2;
is(statuses(@r), '200 429', 'chat');
is(field($r[0], 'X-Ratelimit-Limit-Requests'), 1, 'the rate with least left');
is(field($r[0], 'X-Ratelimit-Remaining-Requests'), 0, 'what is left');
is(field($r[0], 'X-Ratelimit-Reset-Requests'), '1h0m0s', 'until when');
like(field($r[1], 'Retry-After'), qr/^3(?:5\d\d|60[01])$/, 'when to come again');
is($r[1]{body}, '{"error":{"message":"the allowance of requests is used up",'
   . '"type":"rate_limit_error","param":null,'
   . "\"code\":\"rate_limit_exceeded\"}}\n", 'an error of OpenAI');

is($nginx->alarms, '', 'nothing alarming');

done_testing();

# How many lines of the log match.
sub logged {
    my ($text) = @_;

    my $pattern = join '.*', map { quotemeta } split /\.\*/, $text;

    return scalar grep { /$pattern/ } split /\n/, $nginx->log_text;
}
