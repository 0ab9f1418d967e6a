# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Where a test file runs: its own folder under build/t, its own ports, the
# module and the nginx it tests, and the sanitizer or valgrind reports that
# appeared meanwhile.  Knows nothing of test blocks.  Loaded before
# Test::Nginx, which reads its environment at load time.

package Edge::Env;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use IO::Socket::UNIX;

our $tree = abs_path(dirname(__FILE__) . '/../../..');
our $out = $ENV{EDGE_BUILD_DIR} || "$tree/build";

# The variant to test is a folder of build/, as build-aux/build leaves it.
our $variant = $ENV{TEST_EDGE_VARIANT} || 'release';
our $module = $ENV{TEST_EDGE_MODULE}
    || "$out/$variant/ngx_http_edge_module.so";

our $home = "$out/t/" . basename($0, '.t') . "-$$";
our $tmp = "$home/tmp";
our $reports = "$home/reports";

my $owner = $$;
my @reserved;

sub setup {
    die "no module at $module: run make build first\n" unless -f $module;

    remove_tree($home);
    make_path($tmp, $reports);

    # Below the range the kernel takes for outgoing connections.  The server
    # port has a neighbour, which Test::Nginx gives to stream blocks.
    my $port = free_ports(2);

    $ENV{TEST_NGINX_BINARY} ||= "$out/$variant/nginx";
    $ENV{TEST_NGINX_LOAD_MODULES} = $module;
    $ENV{TEST_NGINX_PORT} = $port;
    $ENV{TEST_NGINX_SERVER_PORT} = $port;
    $ENV{TEST_NGINX_SERVROOT} = "$home/servroot";
    $ENV{TEST_NGINX_HTML_DIR} = "$home/servroot/html";
    $ENV{TEST_NGINX_TMP} = $tmp;
    $ENV{TEST_NGINX_TREE} = $tree;

    # Of a client, in seconds: three, as Test::Nginx has it, are not always
    # enough for a machine with other things to do.
    $ENV{TEST_NGINX_TIMEOUT} ||= 30;

    for my $n (1 .. 9) {
        $ENV{"TEST_NGINX_RAND_PORT_$n"} = free_ports(1);
    }

    # Options are parted by commas: Test::Nginx edits log_path in the list.
    if ($variant =~ /asan/) {
        $ENV{ASAN_OPTIONS} = "log_path=$reports/asan";
        leak_check(1);
        # LSan guesses where a thread-local block begins, and crashes when it
        # guessed wrong, which an innocent allocation may bring about.
        $ENV{LSAN_OPTIONS} = 'print_suppressions=0,intercept_tls_get_addr=0,'
            . "suppressions=$tree/build-aux/lsan.suppress";
        $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1';
    }

    if ($ENV{TEST_NGINX_USE_VALGRIND}) {
        $ENV{TEST_NGINX_USE_VALGRIND} = '-q --tool=memcheck --leak-check=full'
            . ' --show-possibly-lost=no --keep-debuginfo=yes --num-callers=30'
            . ' --child-silent-after-fork=no'
            . " --suppressions=$tree/build-aux/valgrind.suppress"
            . " --log-file=$reports/valgrind.%p";
    }
}

# free_ports N: the first of N neighbouring ports nobody listens on.  The
# name of an abstract socket is the lock that keeps them ours, on the whole
# machine, as long as we live.
sub free_ports {
    my ($n) = @_;

    for (1 .. 2000) {
        my $first = 20000 + int(rand(10000 - $n));
        my @locks = grep { defined } map {
            IO::Socket::UNIX->new(Local => "\0edge-test-port-$_", Listen => 1)
        } $first .. $first + $n - 1;

        next if @locks < $n;

        my @probes = grep { defined } map {
            IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $_,
                                  Listen => 1, ReuseAddr => 1)
        } $first .. $first + $n - 1;

        next if @probes < $n;

        push @reserved, @locks;
        return $first;
    }

    die "no free ports between 20000 and 30000\n";
}

# The text of all reports; an empty string is what every file must end with.
sub reports {
    my $text = '';

    for my $file (sort glob("$reports/*")) {
        next unless -s $file;
        open my $in, '<', $file or die "$file: $!\n";
        local $/;
        $text .= "$file:\n" . <$in>;
    }

    return $text;
}

# An nginx that refuses its configuration exits from main() with the pool of
# its first cycle unfreed: for blocks that must die leaks are not looked for.
# ORI_ASAN_OPTIONS is where Test::Nginx takes a block's options from.
sub leak_check {
    my ($on) = @_;

    return unless defined $ENV{ASAN_OPTIONS};

    $ENV{ORI_ASAN_OPTIONS} = "detect_odr_violation=0,detect_leaks="
        . ($on ? 1 : 0) . ",log_path=$reports/asan";
}

# Called when nginx is gone; a failed file keeps its folder for a look.
sub finish {
    my ($failed) = @_;

    return 0 if $$ != $owner;

    if ((my $text = reports()) ne '') {
        $text =~ s/^/# /mg;
        print STDERR "# sanitizer or valgrind reports:\n$text\n";
        return 1;
    }

    if ($failed) {
        print STDERR "# logs are kept in $home\n";

    } elsif (!$ENV{TEST_NGINX_NO_CLEAN}) {
        remove_tree($home);
    }

    return 0;
}

1;
