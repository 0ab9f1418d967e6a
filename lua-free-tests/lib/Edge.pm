# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Test::Nginx::Socket for this module.  A test file is
#
#     use Edge;
#
#     run_tests();
#
#     __DATA__
#     === TEST 1: what it does
#     ...
#
# and has no plan of its own.  Every block, unless it must_die, asserts that
# neither the error log nor the log of the shutdown has [alert], [crit] or
# [emerg] (`--- allow_log: [crit]` permits one level), and gets `GET /` if it
# has no request.  In all sections but those of code,
#
#     $TEST_NGINX_RAND_PORT_1 .. _9   are free ports, the same in every block
#     $TEST_NGINX_SERVER_PORT         is nginx's own
#     $TEST_NGINX_TMP or %TMP%        is a folder, empty when the file starts
#     $TEST_NGINX_HTML_DIR            is nginx's html folder
#     $TEST_NGINX_TREE                is the top of the source tree
#
# and code (`eval` sections) finds them in %ENV.  Blocks run in their order,
# twice each.  Lines of error_log may come a moment behind the response: they
# are waited for.  Any report of a sanitizer or valgrind fails the file.

package Edge;

use strict;
use warnings;

use lib ();
use Time::HiRes qw(sleep time);

# Compiled before Test::Nginx is loaded, hence run after its own END, which
# stops nginx: only then is the last report written.
END {
    $? = 1 if Edge::Env::finish($?) && $? == 0;
}

BEGIN {
    require Edge::Env;
    Edge::Env::setup();

    if (!eval { require Test::Nginx::Socket; 1 }) {
        my $path = `$Edge::Env::tree/build-aux/test-nginx`;
        chomp $path;
        lib->import(split /:/, $path);
    }
}

use Test::Nginx::Socket -Base;

no_shuffle();
no_long_string();
worker_connections(256);
repeat_each($ENV{TEST_EDGE_REPEAT} || 2);

my @levels = ('[alert]', '[crit]', '[emerg]');

# Test::Nginx warns of each [emerg] line, also of those a block asks for.
my $expected = '';

$SIG{__WARN__} = sub () {
    warn @_ unless $_[0] =~ /^WARNING: .*\[(\w+)\]/s
        && index($expected, "[$1]") >= 0;
};

# Whether all that a block wants to find in the error log is there, as far as
# this check of Test::Nginx reads it.
my $logged = sub () {
    my ($wanted) = @_;

    open my $in, '<', $Test::Nginx::Util::ErrLogFile or return 0;
    seek $in, $Test::Nginx::Util::ErrLogFilePos || 0, 0
        unless $Test::Nginx::Util::CheckAccumErrLog;

    my @lines = <$in>;

    for my $pattern (@$wanted) {
        my $known = ref $pattern ? $pattern : qr/\Q$pattern\E/;
        return 0 unless grep { $_ =~ $known } @lines;
    }

    return 1;
};

# Test::Nginx looks once, 45 ms behind the response.
my $check_error_log = \&Test::Nginx::Socket::check_error_log;

my $check_when_logged = sub () {
    my ($block, undef, $dry_run) = @_;

    if (!$dry_run && defined(my $wanted = $block->error_log)) {
        my @wanted = ref $wanted eq 'ARRAY' ? @$wanted
                     : ref $wanted ? $wanted : split /\n+/, $wanted;
        my $end = time + $ENV{TEST_NGINX_TIMEOUT};

        sleep 0.02 until time > $end || $logged->(\@wanted);
    }

    goto &$check_error_log;
};

# nginx without a master notices a signal that comes just before it waits for
# events with the next of them only: it is told until it is gone.
my $kill_process = \&Test::Nginx::Util::kill_process;

my $kill_patiently = sub () {
    my ($pid, $wait) = @_;

    for (my $n = 0; $wait && $pid && $n < 600; $n++) {
        kill 'QUIT', $pid if $n % 20 == 0;
        waitpid $pid, 1;
        last unless Test::Nginx::Util::is_running($pid);
        sleep 0.05;
    }

    goto &$kill_process;
};

{
    no warnings qw(prototype redefine);
    *Test::Nginx::Socket::check_error_log = $check_when_logged;
    *Test::Nginx::Util::kill_process = $kill_patiently;
}

# Replaces our names in text, and in the text inside of lists and hashes;
# leaves code alone.
my $expand;
$expand = sub () {
    my ($value) = @_;

    if (ref $value eq 'ARRAY') {
        return [map { $expand->($_) } @$value];
    }

    if (ref $value eq 'HASH') {
        return { map { $_ => $expand->($value->{$_}) } keys %$value };
    }

    return $value if ref $value || !defined $value;

    $value =~ s/%TMP%/$Edge::Env::tmp/g;
    $value =~ s/\$(TEST_NGINX_[A-Z0-9_]+)/$ENV{$1} \/\/ "\$$1"/ge;

    return $value;
};

# Adds lines to a section, be it text or a list.
my $append = sub () {
    my ($block, $section, @lines) = @_;

    my $old = $block->$section;

    if (ref $old eq 'ARRAY') {
        $block->set_value($section, [@$old, @lines]);

    } else {
        $old = '' unless defined $old;
        $old .= "\n" if $old ne '' && $old !~ /\n\z/;
        $block->set_value($section, $old . join("\n", @lines) . "\n");
    }
};

add_block_preprocessor(sub {
    my ($block) = @_;

    plan('no_plan') unless Test::More->builder->has_plan;

    for my $section (@{$block->_section_order}) {
        my @values = $block->$section;
        $block->set_value($section, map { $expand->($_) } @values);
    }

    # Test::Nginx would take the configuration of the block before.
    $block->set_value('config', '') unless defined $block->config;

    Edge::Env::leak_check(!defined $block->must_die);

    # nginx says on stderr what the error log has too: "unverified" warns at
    # every start.
    $block->set_value('suppress_stderr', 1);

    if (defined $block->must_die) {
        $expected = '[emerg]';
        return;
    }

    if (!defined $block->request && !defined $block->raw_request) {
        $block->set_value('request', "GET /\n");
    }

    my $allowed = defined $block->allow_log ? $block->allow_log : '';
    $expected = $allowed;

    my @never = grep { index($allowed, $_) < 0 } @levels;

    if (@never) {
        $append->($block, 'no_error_log', @never);
        $append->($block, 'no_shutdown_error_log', @never);
    }
});

1;
