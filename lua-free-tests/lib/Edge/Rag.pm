# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What the rag_*.t files share: scripts for Edge::Stub in the dialects of our
# backends, good and broken, and sections that make a block's configuration.
#
#     --- embed: hang              the script of a stage (default: embed)
#     --- search: search s500      one search line each (default: search)
#     --- generate: s500 extractive    one generate line each (default: chat)
#     --- ingest: qdrant           default: none
#     --- rag                      more directives for the edge_rag block
#     --- api                      more directives for the location /api/
#     --- stages                   more directives for the stages' locations
#     --- unavailable: <detail>    the request is answered with a 503 of this
#                                  detail, and the next on its connection
#
# A script is called with /name/ and the rest of the stage's URI; "refused"
# is a port where nobody listens.  A block without a request asks a question.
# GET /calls, /bodies and /conns are the stub's /_calls and so on, GET
# /ping says pong.  The tenant is acme, the module docs, the request id
# r-1.  A block with a config section has that besides.

package Edge::Rag;

use strict;
use warnings;

use Edge::Stub;
use JSON::PP ();
use Test::Nginx::Socket ();

use parent 'Exporter';
our @EXPORT = qw(ask http chunked sse passage);

# The code of sections runs in this package.
Edge::Rag->export('Test::Base::Filter');

my $json = JSON::PP->new->canonical->utf8;

our $question = 'How warm is it?';

# A request for one of the endpoints.
sub ask {
    my ($body, $endpoint) = @_;

    $endpoint = 'query' unless defined $endpoint;
    return "POST /api/v1/docs/$endpoint\n$body";
}

sub http {
    return Edge::Stub::http(@_);
}

# A reply in chunks, one per argument, without the last.
sub chunked {
    my ($type, @parts) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Type: $type\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @parts;
}

# The events of a model's stream: text as its pieces, code as it is.
sub sse {
    return join '', map {
        "data: " . (ref $_ ? $$_ : $json->encode({
            object => 'chat.completion.chunk', model => 'm-1',
            choices => [{ index => 0, delta => { content => $_ } }]
        })) . "\n\n"
    } @_;
}

# A point of Qdrant.
sub passage {
    my ($tenant, $n, $text, $score) = @_;

    return { id => $n, version => 1, score => $score, payload => {
        tenant_id => $tenant, doc_id => "doc-$n", title => "Title $n",
        source_uri => "s3://b/$n", updated_at => '2026-01-02T03:04:05Z',
        chunk => 0, text => $text } };
}

sub points {
    return http($json->encode({ result => { points => [@_] },
                                status => 'ok', time => 0.001 }));
}

sub vectors {
    my ($call, $size) = @_;

    my $inputs = $json->decode($call->{body})->{input};

    return http($json->encode({ object => 'list', model => 'm', data => [
        map { { object => 'embedding', index => $_,
                embedding => [(0.25) x $size] } } 0 .. $#$inputs
    ], usage => { prompt_tokens => 3, total_tokens => 3 } }));
}

# The tenant whose points a query asks for.
sub asked_tenant {
    my ($call) = @_;

    my ($first) = @{$json->decode($call->{body})->{filter}{must}};
    return $first->{match}{value};
}

my $usage = { prompt_tokens => 11, completion_tokens => 4,
              total_tokens => 15 };

our %scripts = (
    embed => sub { vectors($_[0], 3) },
    wrongsize => sub { vectors($_[0], 4) },

    search => sub {
        my $tenant = asked_tenant($_[0]);
        return points(passage($tenant, 1, 'It is warm at 21 degrees.', 0.9),
                      passage($tenant, 2, 'Outside it is cold.', 0.5));
    },
    search2 => sub {
        return points(passage(asked_tenant($_[0]), 3, 'It may rain.', 0.7));
    },
    nothing => sub { points() },

    chat => sub {
        return http($json->encode({
            id => 'c', object => 'chat.completion', model => 'm-1',
            choices => [{ index => 0, finish_reason => 'stop',
                message => { role => 'assistant',
                             content => '21 degrees [1].' } }],
            usage => $usage }));
    },
    stream => sub {
        return chunked('text/event-stream', sse('21 ', 'degrees [1].',
            \'{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            \$json->encode({ choices => [], usage => $usage }),
            \'[DONE]'), '');
    },

    # what can go wrong with any of them

    s500 => sub { http('{"error":"x"}', 500) },
    s503 => sub { http('{"error":"x"}', 503) },
    s429 => sub { http('{"error":"x"}', 429) },
    s401 => sub { http('{"error":"x"}', 401) },
    s404 => sub { http('{"error":"x"}', 404) },
    s204 => sub { "HTTP/1.1 204 No Content\r\n\r\n" },
    hang => sub { \600 },
    hanghead => sub {
        ("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"data\":[", \600)
    },
    drop => sub { undef },
    nohttp => sub { ("+PONG\r\n", undef) },
    garbage => sub { http('<html>It works!</html>', 200, 'text/html') },
    empty => sub { http('') },
    null => sub { http('null') },
    open => sub { http('{"result":{"points":[') },
    object => sub { http('{"object":"list"}') },
    cut => sub {
        ("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
            . '{"data":[{"embedding":[1,2', undef)
    },
    chunkcut => sub {
        (chunked('application/json', '{"data":[', '{"embedding":[1'), undef)
    },
    large => sub {
        ("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" . '[' x 65536,
         \600)
    },
    flood => sub {
        (chunked('application/json', ('[' x 65536) x 100), \600)
    },
);

# serve(name => code, ...): starts the file's stub with these scripts too.
sub serve {
    Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, { %scripts, @_ });
}

sub words {
    my ($text, $default) = @_;

    return split ' ', defined $text ? $text : $default;
}

# An internal location for a stage.
sub place {
    my ($path, $script, $more) = @_;

    my $port = $script eq 'refused' ? $ENV{TEST_NGINX_RAND_PORT_9}
                                    : $ENV{TEST_NGINX_RAND_PORT_1};

    return "location $path { internal;\n"
        . "    proxy_pass http://127.0.0.1:$port/$script/; $more }\n";
}

# What a pipeline has of time, but for what its own lines say.
sub patience {
    my ($lines) = @_;

    my $said = join ' ', $lines =~ /^\s*timeout ([^;]*);/mg;
    my @rest = grep { $said !~ /\b$_=/ }
        qw(embed search first_token idle total stream);

    return @rest ? '    timeout ' . join(' ', map { "$_=60s" } @rest) . ";\n"
                 : '';
}

# A block's requests are several: the line of the first is still there when
# the log is looked at behind the second.
Test::Nginx::Socket::check_accum_error_log();

Test::Nginx::Socket::add_block_preprocessor(sub {
    my ($block) = @_;

    return if defined $block->must_die;

    Edge::Stub::reset_calls($ENV{TEST_NGINX_RAND_PORT_1});

    my ($rag, $places) = ('', '');
    my $more = defined $block->stages ? $block->stages : '';
    my $stage = sub {
        my ($line, $path, $script) = @_;
        $rag .= "    $line;\n";
        $places .= place($path, $script, $more);
    };

    $stage->('embed /_embed/ model=e-1 dimensions=3', '/_embed/',
             words($block->embed, 'embed'));

    my $n = 0;

    for my $script (words($block->search, 'search')) {
        $n++;
        $stage->("search /_search$n/ collection=c$n", "/_search$n/", $script);
    }

    $n = 0;

    for my $script (words($block->generate, 'chat')) {

        if ($script eq 'extractive') {
            $rag .= "    generate extractive;\n";
            next;
        }

        $n++;
        $stage->("generate /_generate$n/ model=g-$n", "/_generate$n/",
                 $script);
    }

    for my $script (words($block->ingest, '')) {
        $stage->('ingest /_ingest/ collection=c1', '/_ingest/', $script);
    }

    $rag .= $block->rag if defined $block->rag;
    $rag .= "\n" . patience($rag);

    my $http = defined $block->http_config ? $block->http_config : '';
    $http =~ s/^(edge_rag \w+ \{\n)(.*?)^\}/$1 . $2 . patience($2) . '}'/gmse;

    $block->set_value('http_config', <<"END" . $http);
proxy_http_version 1.1;
proxy_set_header Connection "";
edge_rag docs {
$rag
}
edge_module docs { rag docs; allow_write unverified; }
END

    my $api = defined $block->api ? $block->api : '';
    my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

    $block->set_value('config', <<"END" . $places . ($block->config || ''));
location /api/ { edge_tenant \$http_x_t unverified; edge_route on; $api }
location = /ping { return 200 pong; }
location = /calls { proxy_method GET; proxy_pass $stub/_calls; }
location = /bodies { proxy_method GET; proxy_pass $stub/_bodies; }
location = /conns { proxy_method GET; proxy_pass $stub/_conns; }
END

    defined $block->more_headers
        or $block->set_value('more_headers', "X-T: acme\n"
            . "X-Request-Id: r-1\nContent-Type: application/json\n");

    my $request = ask($json->encode({ query => $question }));

    defined $block->request || defined $block->pipelined_requests
        or $block->set_value('request', $request);

    if (defined(my $detail = $block->unavailable)) {
        $detail =~ s/\s+\z//;
        unavailable($block, scalar $block->request, $detail);
    }
});

sub unavailable {
    my ($block, $request, $detail) = @_;

    $block->set_value('pipelined_requests', [$request, "GET /ping\n"]);
    $block->set_value('error_code', [503, 200]);
    $block->set_value('response_headers',
        ["Content-Type: application/problem+json\nRetry-After: 2\n", '']);
    $block->set_value('response_body',
        ['{"type":"about:blank","title":"Service Unavailable","status":503,'
         . "\"detail\":\"$detail\",\"instance\":\"r-1\"}\n", 'pong']);
}

1;
