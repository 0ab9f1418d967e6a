# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for secrets and probes over reload and shutdown, with an nginx of our
# own: what is read again, what old workers say, what stays in memory.

use strict;
use warnings;
no warnings 'portable';          # addresses have more than 32 bits

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $port = $ENV{TEST_NGINX_SERVER_PORT};
my $home = $ENV{TEST_NGINX_TMP};
my $key = "$home/key";
my $master;

$ENV{ASAN_OPTIONS} = $ENV{ORI_ASAN_OPTIONS} if $ENV{ORI_ASAN_OPTIONS};
$ENV{EDGE_T_KEY} = 'sk-from-env';

sub write_file {
    my ($name, $text) = @_;

    open my $out, '>', $name or die "$name: $!\n";
    print $out $text;
    close $out;
}

sub log_text {
    open my $in, '<', "$home/error.log" or return '';
    local $/;
    return <$in>;
}

# until CONDITION: waits for it, half a minute at most.
sub until_true {
    my ($condition) = @_;
    my $end = time + 30;

    while (time < $end) {
        return 1 if $condition->();
        sleep 0.02;
    }

    return 0;
}

sub connected {
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 5)
        or return;
    $s->autoflush(1);
    return $s;
}

# The rest of a connection, which the other side closes.
sub rest {
    my ($s) = @_;

    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 30;
    my $text = join '', <$s>;
    alarm 0;
    return $text;
}

sub get {
    my ($uri) = @_;

    my $s = connected() or return '';
    print $s "GET $uri HTTP/1.0\r\n\r\n";
    return rest($s);
}

sub workers {
    return split ' ', `pgrep -P $master 2>/dev/null` if $master;
}

# The old worker has gone, and the new one is alone.
sub replaced {
    my ($old) = @_;

    return until_true(sub {
        my @now = workers();
        return @now == 1 && $now[0] != $old;
    });
}

# How often a text occurs in what the process may write to.
sub in_memory {
    my ($pid, $text) = @_;
    my $found = 0;

    open my $maps, '<', "/proc/$pid/maps" or return;
    open my $mem, '<:raw', "/proc/$pid/mem" or return;

    while (<$maps>) {
        next unless /^([0-9a-f]+)-([0-9a-f]+) rw.. /;
        my ($from, $to) = (hex $1, hex $2);
        next if /\[(vvar|vsyscall|vdso)\]/ || $to - $from > 1 << 28;

        my $data;
        sysseek $mem, $from, 0 or next;
        sysread $mem, $data, $to - $from or next;
        $found++ while $data =~ /\Q$text\E/g;
    }

    return $found;
}

sub start {
    write_file("$home/nginx.conf", <<"END");
load_module $Edge::Env::module;
daemon off;
worker_processes 1;
error_log $home/error.log notice;
pid $home/nginx.pid;
@{[ $> == 0 ? 'user root;' : '' ]}
events { }
http {
    access_log off;
    client_body_temp_path $home/body;
    proxy_temp_path $home/proxy;
    fastcgi_temp_path $home/fastcgi;
    uwsgi_temp_path $home/uwsgi;
    scgi_temp_path $home/scgi;
    edge_secret \$file_key file=$key;
    edge_secret \$env_key env=EDGE_T_KEY;
    server {
        listen 127.0.0.1:$port;
        location = /file { return 200 \$file_key; }
        location = /env { return 200 \$env_key; }
        location /health { edge_health; add_header X-Pid \$pid always; }
    }
}
END

    $master = fork // die "fork: $!\n";

    if ($master == 0) {
        exec $ENV{TEST_NGINX_BINARY}, '-p', "$home/", '-e', "$home/error.log",
            '-c', "$home/nginx.conf" or die "exec: $!\n";
    }

    return until_true(sub { connected() });
}

END {
    my $status = $?;

    if ($master) {
        kill KILL => $master if waitpid($master, 1) == 0;
    }

    $? = $status;
    $? = 1 if Edge::Env::finish($status) && $status == 0;
}

write_file($key, "sk-first-0a1b2c3d\n");
start() or BAIL_OUT('nginx does not start: ' . log_text());

# Secrets over a reload.

like(get('/file'), qr/\r\n\r\nsk-first-0a1b2c3d\z/, 'the file is read');
like(get('/env'), qr/\r\n\r\nsk-from-env\z/, 'the environment is read');

my ($old) = workers();

write_file($key, "sk-second-4e5f6a7b\n");
kill HUP => $master;
ok(until_true(sub { get('/file') =~ /sk-second-4e5f6a7b\z/ }),
   'a reload reads the file again');
ok(replaced($old), 'and replaces the worker');
like(get('/env'), qr/sk-from-env\z/, 'the environment survives a reload');

SKIP: {
    my $now = in_memory($master, 'sk-second-4e5f6a7b');
    skip 'the memory of a process cannot be read here', 2 unless $now;

    ok($now, 'the value in force is in the memory of the master');
    is(in_memory($master, 'sk-first-0a1b2c3d'), 0,
       'the replaced value is not');
}

write_file($key, "sk-third-8c9d\nsk-fourth\n");
kill HUP => $master;
ok(until_true(sub { log_text() =~ /holds a line break/ }),
   'a reload with a bad file is refused');
like(get('/file'), qr/sk-second-4e5f6a7b\z/, 'and the value stays');

SKIP: {
    my $now = in_memory($master, 'sk-second-4e5f6a7b');
    skip 'the memory of a process cannot be read here', 1 unless $now;

    # what was refused is told before it is thrown away
    ok(until_true(sub { !in_memory($master, 'sk-third-8c9d') }),
       'the refused value is not kept in memory');
}

write_file($key, "sk-second-4e5f6a7b\n");

# Probes over a reload.  One of them may just have been accepted by the old
# worker when that is told to end: it is DOWN then.

($old) = workers();

my (@states, @down);

kill HUP => $master;
ok(until_true(sub {
    my $answer = get('/health');
    push @{$answer =~ /"UP"/ ? \@states : \@down}, $answer;
    my @now = workers();
    return @now == 1 && $now[0] != $old && @states > 20;
}), 'the old worker ends after a reload');
cmp_ok(scalar(@down), '<=', 1, 'and the probes meanwhile were UP');
is(join('', grep { !/^X-Pid: $old\r$/m } @down), '',
   'but for one of the old worker');

# Probes of a worker that shuts down: requests it had begun to read.

my ($ready, $alive) = (connected(), connected());
print $ready "GET /health HTTP/1.1\r\n";
print $alive "GET /health/liveness HTTP/1.1\r\n";

# Both are accepted when a later connection has been answered.
like(get('/health'), qr/"UP"/, 'a worker that runs is ready');

kill QUIT => $master;
ok(until_true(sub { log_text() =~ /gracefully shutting down/
                        && !connected() }), 'shutdown begins');

print $ready "Host: a\r\nConnection: close\r\n\r\n";
print $alive "Host: a\r\nConnection: close\r\n\r\n";
like(rest($ready), qr/ 503 .*\r\n\r\n\{"status":"DOWN"\}\z/s,
     'a worker that shuts down is not ready');
like(rest($alive), qr/ 200 .*\r\n\r\n\{"status":"UP"\}\z/s, 'but alive');

ok(until_true(sub { waitpid($master, 1) == $master }), 'nginx ends');
is($?, 0, 'with success');
undef $master;

unlike(log_text(), qr/\[(alert|crit)\]/, 'nothing alarming was logged');
unlike(log_text(), qr/sk-/, 'no value was logged');

done_testing();
