# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A target for tests of the cache, and a client.  The target does what the
# query says, and says in its body the how-manieth call this was:
#
#     h=Name:value    a header field; any number of them ("+" is a space)
#     s=404           the status
#     b=n             n more bytes of body
#     vary=n          a Vary field with a name of n bytes
#     wait=s          seconds before it answers
#     hold=1          it does not answer before release() lets this call go
#     chunked=1       without a length; chunked=cut loses the end
#     raw=1           neither length nor chunks: until the connection closes
#     short=1         a length that the body does not have
#
#     Edge::Cache::target($port, { name => sub ... });   /m/... and /n/...,
#                                   and scripts of Edge::Stub
#     my $reply = get('/m/a?h=Cache-Control:max-age=60', 'X-T: acme');
#     $reply->{status} {head} {body}; field($reply, 'Age')
#     calls()                                       so far
#     called($n)      waits until there were so many
#     release($n)     lets held calls go, those up to this number

package Edge::Cache;

use strict;
use warnings;

use Edge::Server;
use Edge::Stub;

use parent 'Exporter';
our @EXPORT = qw(get ask field calls called release with);

my $stub;

my $n = 0;
my $released = 0;

# The number of the call, for scripts of a test's own.
sub counted {
    return ++$n;
}

sub target {
    my ($port, $more) = @_;

    my $answer = sub {
        my ($call) = @_;

        $n++;
        return answer($n, $call);
    };

    $stub = $port;
    Edge::Stub::start($port, {
        m => $answer, n => $answer,
        count => sub { Edge::Stub::http($n) },
        release => sub {
            ($released) = $_[0]{uri} =~ m{/release/(\d+)};
            Edge::Stub::http('');
        },
        %{$more || {}},
    });
}

sub answer {
    my ($n, $call) = @_;

    my ($query) = $call->{uri} =~ /\?(.*)/;
    my ($status, $more, $wait, $chunked, $raw, $short) = (200, 0, 0, 0, 0, 0);
    my (@fields, @hold);

    for my $arg (split /&/, $query // '') {
        my ($name, $value) = split /=/, $arg, 2;
        $value //= '';
        $value =~ tr/+/ /;
        $value =~ s/%(..)/chr hex $1/ge;

        push @fields, "$value\r\n" if $name eq 'h';
        $status = $value if $name eq 's';
        $more = $value if $name eq 'b';
        push @fields, 'Vary: ' . 'a' x $value . "\r\n" if $name eq 'vary';
        $wait = $value if $name eq 'wait';
        @hold = (sub { $n <= $released }) if $name eq 'hold';
        $chunked = $value if $name eq 'chunked';
        $raw = 1 if $name eq 'raw';
        $short = 1 if $name eq 'short';
    }

    my ($line) = "$call->{method} $call->{uri}";
    my $seen = join ' ', sort map { lc } $call->{head}
        =~ /^((?:if-[a-z-]+|range|authorization|x-edge-identity)):/gim;
    my $body = "$n [$seen]" . 'x' x $more;
    my @pause = ($wait ? (\$wait) : (), @hold);
    my $head = "HTTP/1.1 $status OK\r\n" . join('', @fields);

    if ($status == 204 || $status == 304) {
        return (@pause, "$head\r\n");
    }

    if ($chunked) {
        my $text = sprintf "%x\r\n%s\r\n", length $body, $body;
        return (@pause, "${head}Transfer-Encoding: chunked\r\n\r\n$text",
                $chunked eq 'cut' ? (\0.05, undef) : "0\r\n\r\n");
    }

    return (@pause, "$head\r\n$body", \0.05, undef) if $raw;

    my $length = length($body) + ($short ? 10 : 0);
    $body = '' if $call->{method} eq 'HEAD';

    return (@pause, "${head}Content-Length: $length\r\n\r\n$body",
            $short ? (\0.05, undef) : ());
}

sub parse {
    my ($text) = @_;

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1.1 (\d+)};

    if (($head // '') =~ /^Transfer-Encoding: chunked/mi) {
        my $whole = '';
        my $rest = $body;

        while ($rest =~ s/^([0-9a-f]+)\r\n//i) {
            my $n = hex $1;
            last unless $n;
            $whole .= substr $rest, 0, $n, '';
            $rest =~ s/^\r\n//;
        }

        $body = $whole;
    }

    return { status => $status // 0, head => $head // '',
             body => $body // '' };
}

# A request with its line, fields and body.
sub ask {
    my ($method, $uri, $body, @fields) = @_;

    push @fields, 'Content-Length: ' . length $body if defined $body;

    my $s = connected() or die "connect: $!\n";
    print $s join("\r\n", "$method $uri HTTP/1.1", 'Host: a',
                  'Connection: close', @fields), "\r\n\r\n", $body // '';

    return parse(receive([$s], 10)->{$s});
}

sub get {
    my ($uri, @fields) = @_;

    return ask('GET', $uri, undef, with(@fields));
}

# The fields, and a tenant if none is there.
sub with {
    my (@fields) = @_;

    push @fields, 'X-T: acme' unless grep { /^X-T:/ } @fields;

    return @fields;
}

sub field {
    my ($reply, $name) = @_;

    return join ' | ', $reply->{head} =~ /^\Q$name\E: (.*?)\r?$/mgi;
}

sub told {
    my ($uri) = @_;

    my $s = connected($stub) or die "connect: $!\n";
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    shutdown $s, 1;

    return parse(receive([$s], 10)->{$s})->{body};
}

sub calls {
    return told('/count');
}

sub called {
    my ($n) = @_;

    return until_true(sub { calls() >= $n });
}

sub release {
    my ($n) = @_;

    told("/release/$n");
}

1;
