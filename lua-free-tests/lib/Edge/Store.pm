# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# The gateway over the embedded store, for test files: two modules, one file,
# the tenant from X-Tenant-Id, extractive answers.  A block adds to it with
#
#     --- rag: lines of the edge_rag block
#     --- tenant: acme (the default)

package Edge::Store;

use strict;
use warnings;

use Test::Nginx::Socket ();

use parent 'Exporter';
our @EXPORT = qw(ask doc text_of);

# The code of sections runs in this package.
Edge::Store->export('Test::Base::Filter');

Test::Nginx::Socket::add_block_preprocessor(sub {
    my ($block) = @_;

    my $rag = defined $block->rag ? $block->rag : '';
    my $http = defined $block->http_config ? $block->http_config : '';
    my $config = defined $block->config ? $block->config : '';
    my $tenant = defined $block->tenant ? $block->tenant : 'acme';
    $rag =~ s/%TMP%/$ENV{TEST_NGINX_TMP}/g;

    my $file = $rag =~ /\bstore\b/ ? '' : "store $ENV{TEST_NGINX_TMP}/docs.db;";

    $block->set_value('http_config', <<"END" . $http);
edge_rag docs {
    $file
    generate extractive;
    $rag
}
edge_module plans { rag docs; allow_write unverified; }
edge_module parts { rag docs; allow_write unverified; }
edge_module locked { rag docs; }
END

    $block->set_value('config', <<'END' . $config);
location /api/ {
    edge_tenant $http_x_tenant_id unverified;
    edge_route  on;
}
END

    $block->set_value('more_headers', <<"END")
X-Tenant-Id: $tenant
X-Request-Id: r-1
Content-Type: application/json
END
        unless defined $block->more_headers;

    $block->set_value('timeout', '20s') unless defined $block->timeout;
});

# A request to an endpoint of a module.
sub ask ($;$$$) {
    my ($body, $endpoint, $module, $method) = @_;

    $endpoint = 'query' unless defined $endpoint;
    $module = 'plans' unless defined $module;
    $method = 'POST' unless defined $method;

    return "$method /api/v1/$module/$endpoint\n$body";
}

# A document's JSON; more members as they are to be written.
sub doc ($$;$) {
    my ($id, $text, $more) = @_;

    return qq({"id":"$id","text":"$text") . ($more ? ",$more" : '') . '}';
}

# n paragraphs, each of which fills most of a chunk and says its number.
sub text_of ($) {
    my ($n) = @_;

    return join '\n\n', map {
        "Paragraph $_ tells of valve V-$_. " . ("Filler words stand here. " x 24)
    } 1 .. $n;
}

1;
