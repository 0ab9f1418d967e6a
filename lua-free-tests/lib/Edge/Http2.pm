# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Frames of HTTP/2, for tests of what a client does between them: many streams
# at once, resets in mid-request.  Takes a megabyte of a connection, 64 KB of a
# stream, and compresses nothing; responses are for those who need no more than
# their status.
#
#     print $s preface(), headers(1, '/a', name => 'value'), reset(1),
#         body(3, '/b', '{}', name => 'value');
#     for (frames($s)) { my ($type, $stream, $first) = @$_; ... }

package Edge::Http2;

use strict;
use warnings;

use IO::Select;

use parent 'Exporter';
our @EXPORT = qw(preface frame headers body reset frames);

sub preface {
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '')
        . frame(8, 0, 0, pack 'N', 2 ** 20);
}

sub frame {
    my ($type, $flags, $stream, $body) = @_;

    return substr(pack('N', length $body), 1)
        . pack('CCN', $type, $flags, $stream) . $body;
}

# A whole request: GET, http, the path and a host, then fields, all literal.
sub headers {
    my ($stream, $path, @fields) = @_;

    return frame(1, 5, $stream, block("\x82", $path, @fields));
}

# The same with POST and a body.
sub body {
    my ($stream, $path, $body, @fields) = @_;

    return frame(1, 4, $stream, block("\x83", $path, @fields))
        . frame(0, 1, $stream, $body);
}

sub block {
    my ($method, $path, @fields) = @_;

    my $block = "$method\x86\x04" . text($path) . "\x01" . text('a');

    while (my ($name, $value) = splice @fields, 0, 2) {
        $block .= "\x00" . text($name) . text($value);
    }

    return $block;
}

# RST_STREAM: the client wants no more of it.
sub reset {
    my ($stream) = @_;

    return frame(3, 0, $stream, pack 'N', 8);
}

sub text {
    my ($text) = @_;

    my $n = length $text;
    return chr($n) . $text if $n < 127;

    my $size = "\x7f";

    for ($n -= 127; $n > 127; $n >>= 7) {
        $size .= chr($n & 127 | 128);
    }

    return $size . chr($n) . $text;
}

# The frames that have come: of each its type, its stream and the first byte
# of what it says.  That of a response's header is 0x88 for a 200.  What is not
# whole stays with the socket: another one may be where this one was.
sub frames {
    my ($client) = @_;

    my ($fresh, @frames) = ('');
    my $rest = \(${*$client}{edge_http2} //= '');
    my $select = IO::Select->new($client);

    $$rest .= $fresh
        while $select->can_read(0) && sysread $client, $fresh, 65536;

    while (length $$rest >= 9) {
        my $size = unpack 'N', "\0" . substr $$rest, 0, 3;
        last if length $$rest < 9 + $size;

        my $all = substr $$rest, 0, 9 + $size, '';
        push @frames, [ord substr($all, 3, 1), unpack('x5 N', $all),
                       $size ? ord substr($all, 9, 1) : 0];
    }

    return @frames;
}

1;
