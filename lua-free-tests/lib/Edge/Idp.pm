# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# An identity provider for tests: an https server that publishes key sets,
# several by name, and keys and tokens to go with them.  The server is a part
# of the tested nginx's configuration, in front of a stub that does for each
# call what the test has said last.
#
#     Edge::Idp::start();
#     my $key = Edge::Idp::key('ES256', 'k1');
#     Edge::Idp::publish('a', Edge::Idp::jwks($key));
#     ... Edge::Idp::server() ... auth_jwt_key_url $Edge::Idp::url/a ca=...
#     my $token = Edge::Idp::token($key);
#
# It listens on $TEST_NGINX_RAND_PORT_8, the stub on $TEST_NGINX_RAND_PORT_9.

package Edge::Idp;

use strict;
use warnings;

use Edge::Env ();
use Edge::Stub ();
use IO::Socket::INET;
use JSON::PP ();

our ($url, $ca);

my ($tmp, $tls_port, $stub_port);

sub start {
    $tmp = $Edge::Env::tmp;
    $tls_port = $ENV{TEST_NGINX_RAND_PORT_8};
    $stub_port = $ENV{TEST_NGINX_RAND_PORT_9};
    $url = "https://localhost:$tls_port/keys";
    $ca = "$tmp/ca.pem";

    for my $name (qw(ca other)) {
        authority($name);
        issue($name, 'localhost', $name);
    }

    Edge::Stub::start($stub_port, { keys => \&reply });
}

# authority NAME: its certificate is NAME.pem.
sub authority {
    my ($name) = @_;

    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=$name'"
            . " -keyout $tmp/$name.ca.key -out $tmp/$name.pem");
}

# issue AUTHORITY, HOST, NAME: the authority's certificate for a host, with its
# key, in NAME.crt and NAME.key.
sub issue {
    my ($authority, $host, $name) = @_;

    openssl("req -newkey rsa:2048 -nodes -subj '/CN=$host'"
            . " -keyout $tmp/$name.key -out $tmp/$name.csr");

    write_file("$tmp/$name.ext", "subjectAltName=DNS:$host\n");
    openssl("x509 -req -days 2 -in $tmp/$name.csr -CA $tmp/$authority.pem"
            . " -CAkey $tmp/$authority.ca.key -set_serial 1"
            . " -out $tmp/$name.crt -extfile $tmp/$name.ext");
}

sub openssl {
    my ($args) = @_;

    system("openssl $args > $tmp/openssl.log 2>&1") == 0
        or die "openssl $args failed\n";
}

# The server, for the http block; more: lines for its location.
sub server {
    my ($more) = @_;

    $more = '' unless defined $more;

    return <<"END";
    server {
        listen 127.0.0.1:$tls_port ssl;
        ssl_certificate $tmp/ca.crt;
        ssl_certificate_key $tmp/ca.key;
        location / {
            proxy_pass http://127.0.0.1:$stub_port;
            proxy_buffers 8 64k;
            $more
        }
    }
END
}

# publish NAME, BODY, HOW: what a call of NAME gets from now on.  HOW is
#
#     ''            the body at once; this is what nothing means
#     status N      the body with that status
#     moved URL     the body with status 302 and that Location
#     field NAME: VALUE
#                   the body with that field in the header
#     slow S        the body after so many seconds
#     close         nothing: the connection is closed
sub publish {
    my ($name, $body, $how) = @_;

    write_file("$tmp/idp.$name.new", (defined $how ? $how : '') . "\n$body");
    rename "$tmp/idp.$name.new", "$tmp/idp.$name" or die "idp.$name: $!\n";
}

sub reply {
    my ($call) = @_;

    my ($name) = $call->{uri} =~ m{^/keys/(\w+)};

    open my $in, '<', "$tmp/idp.$name" or return Edge::Stub::http('', 404);
    my $how = <$in>;
    local $/;
    my $body = <$in>;
    close $in;

    $body = '' unless defined $body;
    my $http = Edge::Stub::http($body);

    return undef if $how =~ /^close/;

    if (my ($seconds) = $how =~ /^slow ([\d.]+)/) {
        return (\$seconds, $http);
    }

    return Edge::Stub::http($body, $1) if $how =~ /^status (\d+)/;

    if ($how =~ /^field (.*)/) {
        my $field = $1;
        $http =~ s/\r\n/\r\n$field\r\n/;
    }

    if ($how =~ /^moved (.*)/) {
        my $url = $1;
        $http =~ s/200 X\r\n/302 X\r\nLocation: $url\r\n/;
    }

    return $http;
}

# How often each name was called since this was last asked: a hash.
sub calls {
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $stub_port, Timeout => 5) or die "idp: $!\n";

    print $sock "GET /_calls HTTP/1.1\r\n\r\n";

    my ($text, %calls) = ('');

    while ($text !~ /\r\n\r\n/
           || length($') < ($text =~ /Content-Length: (\d+)/)[0])
    {
        sysread($sock, $text, 65536, length $text) or die "idp: no answer\n";
    }

    $calls{$1}++ while $text =~ m{^GET /keys/(\w+)}mg;

    return \%calls;
}

# key ALG, KID: makes a key; gives its file, which has its set beside it.
sub key {
    my ($alg, $kid) = @_;

    my $file = "$tmp/$alg.$kid";

    if (!-f $file) {
        edge_token('key', '--alg', $alg, '--kid', $kid, '--out', $file);
    }

    return $file;
}

# The text of a set of these keys; a hash is a key as it is.
sub jwks {
    my @keys = map {
        ref $_ ? $_ : @{JSON::PP::decode_json(read_file("$_.jwks"))->{keys}}
    } @_;

    return JSON::PP->new->canonical->encode({ keys => \@keys });
}

# token KEY, OPTIONS...: as of "edge-token mint".
sub token {
    my ($key, @options) = @_;

    my $token = edge_token('mint', '--key', $key, @options);
    chomp $token;

    return $token;
}

sub edge_token {
    open my $out, '-|', "$Edge::Env::tree/tools/edge-token", @_
        or die "edge-token: $!\n";
    local $/;
    my $text = <$out>;
    close $out or die "edge-token @_ failed\n";

    return $text;
}

sub read_file {
    my ($name) = @_;

    open my $in, '<', $name or die "$name: $!\n";
    local $/;
    return <$in>;
}

sub write_file {
    my ($name, $text) = @_;

    open my $out, '>', $name or die "$name: $!\n";
    print $out $text;
    close $out or die "$name: $!\n";
}

1;
