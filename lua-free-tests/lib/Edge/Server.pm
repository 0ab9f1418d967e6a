# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# An nginx of a test file's own, with a master, for what a block of
# Test::Nginx cannot do: many clients at once, signals, the processes
# themselves.  Runs under valgrind when the suite does.
#
#     my $nginx = Edge::Server->start($directives_of_http, workers => 2);
#     $nginx->configure($other_directives);
#     $nginx->signal('HUP');
#     my ($status, $text) = Edge::Server->check($directives_of_http);
#
# start waits until it serves on $TEST_NGINX_SERVER_PORT; one worker with 1024
# connections does if nothing is said, main => $text adds directives of the
# main level, modules => \@files, for both, takes the place of our module.  When
# the file ends it is killed if it still runs, and any report of a sanitizer
# fails the file.

package Edge::Server;

use strict;
use warnings;

use Edge::Env ();
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use parent 'Exporter';
our @EXPORT = qw(connected until_true post receive);

# Everything takes longer under valgrind or a sanitizer, and holds more.
our $slow = $ENV{TEST_NGINX_USE_VALGRIND} || $Edge::Env::variant =~ /asan/;

my @all;

sub start {
    my ($class, $http, %more) = @_;

    my $self = bless { home => $Edge::Env::tmp, owner => $$,
                       count => $more{workers} || 1,
                       connections => $more{connections},
                       main => $more{main},
                       modules => $more{modules} }, $class;
    my $home = $self->{home};

    $self->configure($http);

    my @command = ($ENV{TEST_NGINX_BINARY}, '-p', "$home/", '-e',
                   "$home/error.log", '-c', "$home/nginx.conf");

    if (my $options = $ENV{TEST_NGINX_USE_VALGRIND}) {
        unshift @command, 'valgrind', split ' ', $options;
    }

    local $ENV{ASAN_OPTIONS} = $ENV{ORI_ASAN_OPTIONS}
        if $ENV{ORI_ASAN_OPTIONS};

    $self->{pid} = fork // die "fork: $!\n";

    if ($self->{pid} == 0) {
        open STDERR, '>>', "$home/stderr";
        exec @command or die "exec: $!\n";
    }

    push @all, $self;

    until_true(sub { connected() })
        or die 'nginx does not start: ' . $self->log_text();

    return $self;
}

# What nginx -t says of a configuration: its exit status and its lines.
sub check {
    my ($class, $http, %more) = @_;

    my $home = $Edge::Env::tmp;

    bless({ home => $home, count => 1, %more }, $class)->configure($http);

    local $ENV{ASAN_OPTIONS} = 'detect_odr_violation=0,detect_leaks=0'
        if $ENV{ASAN_OPTIONS};

    open my $out, '-|', "$ENV{TEST_NGINX_BINARY} -t -p $home/"
        . " -e $home/check.log -c $home/nginx.conf 2>&1" or die "nginx: $!\n";
    local $/;
    my $text = <$out>;
    close $out;

    return ($?, $text);
}

# Writes the configuration, for the next start or reload.
sub configure {
    my ($self, $http) = @_;

    my $home = $self->{home};
    my $connections = $self->{connections} || 1024;
    my $main = $self->{main} || '';
    my $modules = join "\n", map { "load_module $_;" }
        @{$self->{modules} || [$Edge::Env::module]};

    open my $out, '>', "$home/nginx.conf" or die "$home/nginx.conf: $!\n";
    print $out <<"END";
$modules
daemon off;
worker_processes $self->{count};
error_log $home/error.log notice;
pid $home/nginx.pid;
$main
@{[ $> == 0 ? 'user root;' : '' ]}
events { worker_connections $connections; }
http {
    access_log off;
    client_body_temp_path $home/body;
    proxy_temp_path $home/proxy;
    fastcgi_temp_path $home/fastcgi;
    uwsgi_temp_path $home/uwsgi;
    scgi_temp_path $home/scgi;
    $http
}
END
    close $out;
}

END {
    my $status = $?;

    for my $self (grep { $_->{owner} == $$ } @all) {
        $self->ended(1) or kill 'KILL', workers($self), $self->{pid};
    }

    $? = $status;
    $? = 1 if Edge::Env::finish($status) && $status == 0;
}

sub signal {
    my ($self, $name) = @_;

    kill $name, $self->{pid};
}

# Waits for the end of the master, a minute at most; asks it to end if now.
sub ended {
    my ($self, $now) = @_;

    return 1 if $self->{gone};

    kill 'TERM', $self->{pid} if $now;

    return $self->{gone} = until_true(sub {
        return 0 unless waitpid($self->{pid}, 1) == $self->{pid};
        $self->{status} = $?;
        return 1;
    }, 60);
}

sub workers {
    my ($self) = @_;

    return split ' ', `pgrep -P $self->{pid}`;
}

sub log_text {
    my ($self) = @_;

    open my $in, '<', "$self->{home}/error.log" or return '';
    local $/;
    return <$in>;
}

# Lines of the log that no test should have left.
sub alarms {
    my ($self) = @_;

    return join '', map { "$_\n" }
        grep { /\[(?:alert|crit|emerg)\]|open socket|Sanitizer/ }
        split /\n/, $self->log_text();
}

# Waits for a condition, 30 s at most if nothing else is said.
sub until_true {
    my ($condition, $seconds) = @_;

    my $end = time + ($seconds || 30) * ($slow ? 6 : 1);

    while (time < $end) {
        return 1 if $condition->();
        sleep 0.02;
    }

    return 0;
}

sub connected {
    my ($port, @more) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port || $ENV{TEST_NGINX_SERVER_PORT}, Timeout => 30,
        @more) or return;

    $s->autoflush(1);
    return $s;
}

# The text of a request whose connection is closed behind the response.
sub post {
    my ($uri, $body) = @_;

    return "POST $uri HTTP/1.1\r\nHost: a\r\nX-T: acme\r\n"
        . "Content-Type: application/json\r\nConnection: close\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

# Reads several connections at once until all are closed, or the seconds are
# over: a hash of what came, by socket.  Each piece that comes is also told to
# the code, with its socket.
sub receive {
    my ($sockets, $seconds, $code) = @_;

    my %text = map { $_ => '' } @$sockets;
    my $select = IO::Select->new(@$sockets);
    my $end = time + $seconds * ($slow ? 6 : 1);

    while ($select->count && time < $end) {

        for my $s ($select->can_read(0.1)) {
            my $n = sysread($s, $text{$s}, 65536, length $text{$s});

            if (!$n) {
                $select->remove($s);
                close $s;              # or nginx waits for that, 5 seconds
                next;
            }

            $code->($s, \$text{$s}) if $code;
        }
    }

    return \%text;
}

1;
