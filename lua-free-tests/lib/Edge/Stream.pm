# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What tests of long streams share: models that write them, and an nginx with
# a pipeline and a module for each, over a retrieval that finds one passage.

package Edge::Stream;

use strict;
use warnings;

use Exporter 'import';
use Edge::Server;
use Edge::Stub;

our @EXPORT = qw($stream_head chunk client start_streams token);

our $stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

# A piece of a chunked body.
sub chunk {
    my ($data) = @_;

    return sprintf "%x\r\n%s\r\n", length $data, $data;
}

# An event of a model's stream.
sub token {
    my ($text) = @_;

    return 'data: {"choices":[{"delta":{"content":"' . $text . "\"}}]}\n\n";
}

# The nginx.  models: what each of them does, as Edge::Stub has it, or where it
# is; places: what the location of its calls has besides; http, server:
# directives; timeout: of all pipelines.
sub start_streams {
    my (%args) = @_;

    my $stub = "http://127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";
    my %models = %{$args{models}};
    my $timeout = $args{timeout}
        || 'embed=60s search=60s first_token=60s idle=60s';
    my ($modules, $places) = ('', '');

    Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
        embed => sub {
            Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}')
        },
        search => sub {
            Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,'
                . '"payload":{"tenant_id":"acme","doc_id":"d","chunk":0,'
                . '"text":"t"}}]}}')
        },
        map { ref $models{$_} ? ($_ => $models{$_}) : () } keys %models,
    });

    for my $name (sort keys %models) {
        my $at = ref $models{$name} ? "$stub/$name/" : $models{$name};
        my $more = $args{places}{$name} || '';

        $modules .= <<"END";
    edge_rag $name {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_$name/ model=m;
        timeout $timeout;
    }
    edge_module $name { rag $name; }
END
        $places .= "        location /_$name/ { internal; $more"
            . " proxy_pass $at; }\n";
    }

    my $http = $args{http} || '';
    my $server = $args{server} || '';

    return Edge::Server->start(<<"END");
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    $http
    $modules
    server {
        listen 127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT};
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal; proxy_pass $stub/embed/; }
        location /_search/ { internal; proxy_pass $stub/search/; }
        $places
        $server
    }
END
}

# A client that has asked a module for a stream.
sub client {
    my ($module) = @_;

    my $s = connected() or die "no connection\n";
    print $s post("/api/v1/$module/query", '{"query":"q","stream":true}');
    return $s;
}

1;
