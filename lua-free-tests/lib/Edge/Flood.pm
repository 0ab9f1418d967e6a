# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A model that says more than anybody can take: a server of its own process,
# whose streams are made while they are written, and which tells how far they
# came.  For one stream at a time.
#
#     Edge::Flood::start($port);
#
#     POST /<bytes>/...   a stream of at least so many bytes: tokens that are
#                         numbers and blanks, "1 ", "2 " ..., then [DONE]
#     Edge::Flood::state($port)   of the last stream: bytes written, tokens
#                         made and state: "none", "open", "done" (all was
#                         written) or "left" (the client closed before)

package Edge::Flood;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);

use constant LIFE => 600;              # seconds, whatever happens

my ($pid, $owner);
my ($stream, $state, $written, $tokens);

sub start {
    my ($port) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port, Listen => 16, ReuseAddr => 1)
        or die "flood: port $port: $!\n";

    $owner = $$;
    $pid = fork // die "flood: $!\n";

    if ($pid) {
        close $listen;
        return;
    }

    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };

    eval { serve($listen); 1 } or warn "flood: $@";
    POSIX::_exit(1);
}

END {
    if ($pid && $$ == $owner) {
        local $?;
        kill 'TERM', $pid;
        waitpid($pid, 0);
    }
}

sub state {
    my ($port) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
        Timeout => 5) or die "flood: port $port: $!\n";

    print $s "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
    my ($text) = join('', <$s>) =~ /\r\n\r\n(.*)/s;

    my ($is, $bytes, $tokens) = split ' ', $text;
    return { state => $is, written => $bytes, tokens => $tokens };
}

sub serve {
    my ($listen) = @_;

    my %in;
    my $end = time + LIFE;
    my $read = IO::Select->new($listen);

    ($state, $written, $tokens) = ('none', 0, 0);

    while (time < $end && getppid() == $owner) {
        my $write = IO::Select->new($stream ? $stream->{sock} : ());

        my ($can_read, $can_write) =
            IO::Select->select($read, $write, undef, 0.5);

        for my $s (@{$can_read || []}) {

            if ($s == $listen) {
                my $new = $listen->accept or next;
                $new->blocking(0);
                $in{$new} = '';
                $read->add($new);
                next;
            }

            my $n = sysread($s, $in{$s}, 65536, length $in{$s});

            if (!$n) {
                next if !defined $n && $!{EAGAIN};
                leave($s);
                $read->remove($s);
                delete $in{$s};
                close $s;
                next;
            }

            begin($s, \$in{$s});
        }

        more() if @{$can_write || []} && $stream;
    }
}

# A whole request: begins a stream, or answers with its state.
sub begin {
    my ($s, $in) = @_;

    my ($method, $bytes, $head, $body) =
        $$in =~ /^(\w+) \/(\d*)[^\r]*\r\n(.*?)\r\n\r\n(.*)/s or return;
    my ($length) = $head =~ /^content-length: *(\d+)/mi;

    return if length($body) < ($length || 0);

    $$in = '';

    if ($method eq 'GET') {
        syswrite $s, "HTTP/1.0 200 OK\r\n\r\n$state $written $tokens";
        shutdown $s, 1;
        return;
    }

    ($state, $written, $tokens) = ('open', 0, 0);
    $stream = { sock => $s, bytes => $bytes,
                out => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
                       . "\r\nTransfer-Encoding: chunked\r\n\r\n" };
}

sub more {
    my $n = syswrite($stream->{sock}, $stream->{out});

    if (!defined $n) {
        leave($stream->{sock}) unless $!{EAGAIN};
        return;
    }

    $written += $n;
    substr($stream->{out}, 0, $n) = '';

    return if $stream->{out} ne '';

    if ($stream->{bytes} <= $written) {

        if ($stream->{ending}++) {
            $state = 'done';
            undef $stream;
            return;
        }

        $stream->{out} = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
        return;
    }

    my $events = join '', map {
        "data: {\"choices\":[{\"delta\":{\"content\":\"$_ \"}}]}\n\n"
    } $tokens + 1 .. $tokens + 1000;

    $tokens += 1000;
    $stream->{out} = sprintf "%x\r\n%s\r\n", length $events, $events;
}

sub leave {
    my ($s) = @_;

    return unless $stream && $stream->{sock} == $s;

    $state = 'left';
    undef $stream;
}

1;
