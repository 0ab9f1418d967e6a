# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What the limit_*.t files share: requests one by one, and what came back.

package Edge::Limit;

use strict;
use warnings;

use Edge::Server;

use parent 'Exporter';
our @EXPORT = qw(get ask reply field statuses three_ports start_three);

# get($uri, @header_lines): a response.
sub get {
    my ($uri, @headers) = @_;

    return reply(join "\r\n", "GET $uri HTTP/1.1", 'Connection: close',
                 (grep { /^Host:/ } @headers) ? () : 'Host: a', @headers,
                 '', '');
}

# ask($uri, $tenant, $json): the same of a POST.
sub ask {
    my ($uri, $tenant, $body) = @_;

    return reply(post($uri, $body) =~ s/X-T: acme/X-T: $tenant/r);
}

# Sends a request, to another port if one is given.
sub reply {
    my ($request, $port) = @_;

    my $s = connected($port) or return { status => 0, head => '', body => '' };
    print $s $request;

    my $text = receive([$s], 20)->{$s};
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status) = ($head || '') =~ m{^HTTP/1\.1 (\d+)};

    $body = unchunked($body) if ($head || '') =~ /^transfer-encoding: chunk/mi;

    return { status => $status || 0, head => $head || '',
             body => defined $body ? $body : '' };
}

sub unchunked {
    my ($text) = @_;

    my $body = '';

    while ($text =~ s/^([0-9a-f]+)\r\n//i) {
        my $n = hex $1 or last;
        $body .= substr $text, 0, $n;
        $text = substr $text, $n + 2;
    }

    return $body;
}

# The value of a response field, undef if there is none.
sub field {
    my ($r, $name) = @_;

    return $r->{head} =~ /^\Q$name\E: (.*?)\r?$/mi ? $1 : undef;
}

# Of three nginx that share a Redis; the last is the file's own port.
sub three_ports {
    return (@ENV{qw(TEST_NGINX_RAND_PORT_1 TEST_NGINX_RAND_PORT_2
                    TEST_NGINX_SERVER_PORT)});
}

# start_three(sub { the http block of a port }): the last one asks for the most
# workers.
sub start_three {
    my ($http) = @_;

    my @ports = three_ports();

    return map {
        local $ENV{TEST_NGINX_SERVER_PORT} = $ports[$_];
        local $Edge::Env::tmp = "$Edge::Env::tmp/nginx$_";
        mkdir $Edge::Env::tmp;
        Edge::Server->start($http->($ports[$_]), workers => $_ + 1);
    } 0 .. 2;
}

sub statuses {
    return join ' ', map { $_->{status} } @_;
}

1;
