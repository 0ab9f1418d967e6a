# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A server of scripted replies, one process per test file: what an nginx
# server or a single tcp_reply cannot do (write in pieces, wait, count calls,
# tell what came and who left).  Knows HTTP's framing, no API.
#
#     Edge::Stub::start($port, { name => sub { my ($call) = @_; ... } });
#
# answers a request for /name/rest with what the code returns, a list of
#
#     'bytes'     written, each by a write of its own
#     \0.2        a pause, in seconds
#     sub { ... } waits until it says yes; asked again behind each event, and
#                 often
#     undef       close the connection
#
# $call is {method, uri, head, body, n}: head is the header as it came, n
# counts the calls of the name since they were last asked for, from 1.  Ends
# with the test file.
#
#     GET /_calls     the calls since the last /_calls or /_left, in short:
#                     "METHOD URI", a line of names of header fields,
#                     the body
#     GET /_bodies    the same, without the header fields
#     GET /_conns     the connections that those calls came on
#     GET /_hangs     the replies that are in a pause of more than a minute,
#                     "hangs 2": they end when their client leaves
#     GET /_left      waits (30 s at most) until a client left a connection
#                     whose reply was not whole: "left", else "stayed"

package Edge::Stub;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use constant LIFE => 900;              # seconds, whatever happens

my ($pid, $owner);
my ($scripts, @calls, %count, $accepted, $left, @waiting, %conns);

sub start {
    my ($port, $how) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port, Listen => 128, ReuseAddr => 1)
        or die "stub: port $port: $!\n";

    $owner = $$;
    $pid = fork();
    die "stub: $!\n" unless defined $pid;

    if ($pid) {
        close $listen;
        return;
    }

    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };
    open STDOUT, '>', '/dev/null';

    $scripts = $how;
    eval { serve($listen); 1 } or warn "stub: $@";
    POSIX::_exit(1);
}

END {
    if ($pid && $$ == $owner) {
        local $?;
        kill 'TERM', $pid;
        waitpid($pid, 0);
    }
}

sub serve {
    my ($listen) = @_;

    my $end = time + LIFE;
    my $read = IO::Select->new($listen);
    my $write = IO::Select->new;

    $left = 0;

    while (time < $end && getppid() == $owner) {
        my $pause = 0.5;

        for my $c (values %conns) {
            my $wait = act($c);

            if ($c->{over}) {
                $read->remove($c->{sock});
                $write->remove($c->{sock});
                delete $conns{$c->{sock}};
                close $c->{sock};
                next;
            }

            $pause = $wait if defined $wait && $wait < $pause;

            if (length $c->{out}) {
                $write->add($c->{sock});
            } else {
                $write->remove($c->{sock});
            }
        }

        answer_waiting();

        my ($can_read) = IO::Select->select($read, $write, undef, $pause);

        for my $sock (@{$can_read || []}) {

            if ($sock == $listen) {
                my $new = $listen->accept or next;
                $new->blocking(0);
                setsockopt($new, IPPROTO_TCP, TCP_NODELAY, 1);
                $conns{$new} = { sock => $new, in => '', out => '',
                                 acts => [], n => ++$accepted };
                $read->add($new);
                next;
            }

            my $c = $conns{$sock};
            my $n = sysread($sock, $c->{in}, 65536, length $c->{in});

            if (!$n && !(!defined $n && $!{EAGAIN})) {
                $left++ if @{$c->{acts}} || length $c->{out};
                $c->{over} = 1;
            }
        }
    }
}

# Goes on with a connection; the seconds until there is more to do.
sub act {
    my ($c) = @_;

    for ( ;; ) {
        return if $c->{over};

        if (length $c->{out}) {
            my $n = syswrite($c->{sock}, $c->{out});

            if (!defined $n) {
                return if $!{EAGAIN};
                $left++;
                $c->{over} = 1;
                return;
            }

            substr($c->{out}, 0, $n) = '';
            return if length $c->{out};
        }

        if (defined $c->{until}) {
            my $rest = $c->{until} - time;
            return $rest if $rest > 0;
            delete $c->{until};
        }

        if (ref $c->{acts}[0] eq 'CODE') {
            return 0.02 unless $c->{acts}[0]->();
            shift @{$c->{acts}};
            next;
        }

        if (!@{$c->{acts}}) {
            my $call = take($c) or return;
            push @{$c->{acts}}, reply($c, $call);
            next;
        }

        my $next = shift @{$c->{acts}};

        if (!defined $next) {
            $c->{over} = 1;

        } elsif (ref $next) {
            $c->{until} = time + $$next;
            unshift @{$c->{acts}}, '';         # not whole before it is over

        } else {
            $c->{out} = $next;
        }
    }
}

# Takes a whole request out of what was read.
sub take {
    my ($c) = @_;

    $c->{in} =~ /^(\w+) (\S+) HTTP\/1\.[01]\r\n(.*?)\r\n\r\n/s
        || $c->{in} =~ /^(\w+) (\S+) HTTP\/1\.[01]\r\n()\r\n/s
        || return;

    my ($all, $method, $uri, $head) = ($+[0], $1, $2, $3);
    my ($length) = $head =~ /^content-length: *(\d+)/mi;

    $length ||= 0;
    return if length($c->{in}) < $all + $length;

    my $body = substr($c->{in}, $all, $length);
    $c->{in} = substr($c->{in}, $all + $length);

    return { method => $method, uri => $uri, head => $head, body => $body };
}

sub reply {
    my ($c, $call) = @_;

    my ($name) = $call->{uri} =~ m{^/([^/?]*)};

    if ($name eq '_left') {
        push @waiting, { conn => $c, until => time + 30 };
        return \3600;
    }

    if ($name eq '_hangs') {
        my $hangs = grep { ($_->{until} || 0) > time + 60 } values %conns;
        return http("hangs $hangs");
    }

    if ($name eq '_conns') {
        my %came = map { $_->{conn} => 1 } @calls;
        forget();
        return http(scalar keys %came);
    }

    if ($name eq '_calls' || $name eq '_bodies') {
        my $text = join "\n", map {
            ("$_->{method} $_->{uri}",
             $name eq '_calls' ? fields($_->{head}) : (), $_->{body})
        } @calls;

        forget();
        return http($text);
    }

    $call->{conn} = $c->{n};
    $call->{n} = ++$count{$name};
    push @calls, $call;

    my $script = $scripts->{$name} or return http('no script', 404);
    return $script->($call);
}

# The names of header fields, sorted; of the type and of fields of a test's
# own (X-) the values too.
sub fields {
    return join ' ', sort map {
        /^(content-type|x-[^:]*): *(.*)$/ ? "$1=$2" : /^([^:]+)/ ? $1 : ()
    } map { lc } split /\r\n/, $_[0];
}

sub answer_waiting {
    for my $w (splice @waiting) {

        if (!$left && time < $w->{until}) {
            push @waiting, $w;
            next;
        }

        my $what = $left ? 'left' : 'stayed';

        $w->{conn}{acts} = ["HTTP/1.1 200 OK\r\nX-Left: $what\r\n"
            . 'Content-Length: ' . length($what) . "\r\n\r\n$what"];
        delete $w->{conn}{until};
        act($w->{conn});
        forget();
    }
}

# Makes a running stub forget what came: before a block of tests.
sub reset_calls {
    my ($port) = @_;

    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port, Timeout => 5) or die "stub: port $port: $!\n";

    print $sock "GET /_calls HTTP/1.1\r\n\r\n";
    sysread($sock, my $answer, 1) or die "stub: no answer\n";
    close $sock;
}

sub forget {
    @calls = ();
    %count = ();
    $left = 0;
}

# A whole reply with a length.
sub http {
    my ($body, $status, $type) = @_;

    $status ||= 200;
    $type ||= 'application/json';

    return "HTTP/1.1 $status X\r\nContent-Type: $type\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
}

1;
