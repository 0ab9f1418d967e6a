# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Compiles a module of lua-free-tests/probe/ against the tree that the tested
# module was built with, for a test of what has no directive of its own.
#
#     my $nginx = Edge::Server->start($http,
#                                     main => Edge::Probe::load('redis'));
#     my $text = ask('/send?PING');        # the body of the response

package Edge::Probe;

use strict;
use warnings;

use Edge::Env ();
use Edge::Server;

use parent 'Exporter';
our @EXPORT = qw(ask answers);

# load NAME: the directive that loads it behind the tested module.
sub load {
    my ($name) = @_;

    my $dir = "$Edge::Env::out/$Edge::Env::variant";
    my $so = "$Edge::Env::tmp/probe_$name.so";
    my $log = "$Edge::Env::tmp/probe_$name.log";
    my %flags;

    open my $in, '<', "$dir/objs/Makefile" or die "$dir/objs/Makefile: $!\n";
    my $text = do { local $/; <$in> };
    close $in;

    $text =~ s/\\\n/ /g;
    ($flags{$_}) = $text =~ /^$_\s*=\s*(.*)/m for qw(CC CFLAGS ALL_INCS);

    my $command = "$flags{CC} $flags{CFLAGS} $flags{ALL_INCS} -fPIC -shared"
        . " -o $so $Edge::Env::tree/lua-free-tests/probe/$name.c";

    system("cd '$dir/tree' && $command > $log 2>&1") == 0
        or die "the probe cannot be compiled, see $log\n" . `cat $log`;

    return "load_module $so;";
}

# The body of the response to a GET.
sub ask {
    my ($uri) = @_;

    my $s = connected() or return 'no nginx';
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    my ($text) = values %{receive([$s], 10)};

    return $text =~ /\r\n\r\n(.*)/s ? $1 : $text;
}

# Waits for an answer that is the text, or matches the pattern.
sub answers {
    my ($uri, $wanted, $seconds) = @_;

    $wanted = qr/\A\Q$wanted\E\z/ unless ref $wanted;

    return until_true(sub { ask($uri) =~ $wanted }, $seconds);
}

1;
