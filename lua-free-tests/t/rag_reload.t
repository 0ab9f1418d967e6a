# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the worker that goes while requests are under way: reloads under
# load lose none of them, and a shutdown waits for what is pending in a
# backend or in a thread.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Server;
use Edge::Stub;
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

my $file = "$ENV{TEST_NGINX_TMP}/docs.db";
my $free = "$ENV{TEST_NGINX_TMP}/free";    # slowembed waits for this file

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";

my $done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

sub event {
    my $data = "data: {\"choices\":[{\"delta\":{\"content\":\"$_[0] \"}}]}\n\n";

    return sprintf "%x\r\n%s\r\n", length $data, $data;
}

my $vector = Edge::Stub::http('{"data":[{"index":0,"embedding":[1,2,3]}]}');

Edge::Stub::start($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub { (\0.1, $vector) },
    slowembed => sub { (sub { -e $free }, $vector) },
    search => sub {
        Edge::Stub::http('{"result":{"points":[{"id":1,"score":0.9,"payload":'
            . '{"tenant_id":"acme","doc_id":"d","chunk":0,"text":"t"}}]}}')
    },
    chat => sub {
        my ($call) = @_;

        return (\0.1, Edge::Stub::http('{"choices":[{"message":'
                . '{"content":"21 degrees [1]."}}]}'))
            if $call->{body} !~ /"stream":true/;

        return ($head, (map { (\0.1, event("t$_")) } 1 .. 10), $done);
    },
});

my $listen = "127.0.0.1:$ENV{TEST_NGINX_SERVER_PORT}";

# The configuration: with the pipelines, or with nothing but a page.
sub http {
    return "server { listen $listen; location / { return 200 empty; } }"
        if @_;

    return <<"END";
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    client_max_body_size 4m;
    upstream backend {
        server 127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1};
        keepalive 8;
    }
    edge_rag docs {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_chat/ model=m;
        timeout embed=60s search=60s first_token=60s idle=60s total=60s;
    }
    edge_rag slow {
        embed /_slowembed/ model=e dimensions=3;
        search /_search/ collection=c;
        generate /_chat/ model=m;
        timeout embed=60s search=60s first_token=60s idle=60s total=60s;
    }
    edge_rag stored {
        store $file;
        generate extractive;
    }
    edge_module docs { rag docs; }
    edge_module slow { rag slow; }
    edge_module stored { rag stored; allow_write unverified; }
    server {
        listen $listen;
        location /api/ { edge_tenant \$http_x_t unverified; edge_route on; }
        location /_embed/ { internal; proxy_pass http://backend/embed/; }
        location /_slowembed/ {
            internal;
            proxy_pass http://backend/slowembed/;
        }
        location /_search/ { internal; proxy_pass http://backend/search/; }
        location /_chat/ { internal; proxy_pass http://backend/chat/; }
    }
END
}

my $documents = 0;

# What clients ask, and how the whole response to it looks.
my %kinds = (
    question => {
        ask => sub { post('/api/v1/docs/query', '{"query":"q"}') },
        whole => qr/^HTTP\S+ 200 .*"answer":"21 degrees \[1\]\.".*\}\s*$/s,
    },
    stream => {
        ask => sub {
            post('/api/v1/docs/query', '{"query":"q","stream":true}')
        },
        whole => qr/^HTTP\S+\ 200\ .*event:\ sources.*
                    @{[join '.*', map { qq("t$_\\ ") } 1 .. 10]}
                    .*event:\ done\n.*\r\n0\r\n\r\n$/xs,
    },
    write => {
        ask => sub {
            my $n = ++$documents;
            post('/api/v1/stored/documents',
                 qq({"id":"d$n","text":"Valve V-$n is open."}))
        },
        whole => qr/^HTTP\S+ 200 .*"status":"created".*\}\s*$/s,
    },
    read => {
        ask => sub {
            post('/api/v1/stored/query', '{"query":"Which valve is open?"}')
        },
        whole => qr/^HTTP\S+ 200 .*"answer":"[^"]*V-\d.*\}\s*$/s,
    },
);

sub client {
    my ($kind) = @_;

    my $s = connected() or return;
    print $s $kinds{$kind}{ask}->();
    return $s;
}

# Keeps three clients of each kind busy until a code says that it is enough,
# and each kind has had nine answers; what was answered as it should, by kind,
# and a list of what was not.
sub load {
    my ($enough) = @_;

    my (%clients, %answered, @lost, $over);
    my $select = IO::Select->new;
    my $end = time + ($Edge::Server::slow ? 480 : 120);

    my $begin = sub {
        my ($kind) = @_;

        my $s = client($kind);

        if (!$s) {
            push @lost, "$kind: not connected: $!";
            return;
        }

        $clients{$s} = { kind => $kind, text => '' };
        $select->add($s);
    };

    $begin->($_) for map { ($_) x 3 } sort keys %kinds;

    while ($select->count && time < $end) {
        $over ||= $enough->()
            && !grep { ($answered{$_} || 0) < 9 } keys %kinds;

        for my $s ($select->can_read(0.05)) {
            my $c = $clients{$s};
            my $n = sysread $s, $c->{text}, 65536, length $c->{text};

            next if $n;

            $select->remove($s);
            delete $clients{$s};
            close $s;

            if ($c->{text} =~ $kinds{$c->{kind}}{whole}) {
                $answered{$c->{kind}}++;

            } else {
                push @lost, "$c->{kind}: " . (defined $n ? '' : $!)
                    . $c->{text};
            }

            $begin->($c->{kind}) unless $over;
        }
    }

    push @lost, map { "$_->{kind}: no end: $_->{text}" } values %clients;

    return (\%answered, @lost);
}

# Holds the store as another process of SQLite does to write: by a lock on the
# byte 120 of its log's index.  Ends with the closing of the handle.
sub held_store {
    my $s = client('read');
    receive([$s], 60);                 # somebody has the file open

    open my $index, '+<', "$file-shm" or die "$file-shm: $!\n";

    my $lock = pack 's! s! x![q] q q i x![q]', F_WRLCK, SEEK_SET, 120, 1, 0;
    until_true(sub { fcntl $index, F_SETLK, $lock })
        or die "$file-shm: no lock: $!\n";

    return $index;
}

my $nginx = Edge::Server->start(http());
my ($first) = receive([client('write')], 60);

like((values %$first)[0], $kinds{write}{whole}, 'a document is there');

# Reloads under load.

my ($old) = $nginx->workers();
my @gone;
my $next = time + 0.3;

my ($answered, @lost) = load(sub {
    return 1 if @gone == 3;

    my @now = $nginx->workers();

    if ($next && time > $next) {
        $nginx->signal('HUP');
        $next = 0;

    } elsif (!$next && @now == 1 && $now[0] != $old) {
        push @gone, $old;
        $old = $now[0];
        $next = time + 0.3;
    }

    return 0;
});

is(scalar @gone, 3, 'three reloads under load, three workers gone');
is(join("\n", splice @lost, 0, 3), '', 'no request was lost');

for my $kind (sort keys %kinds) {
    cmp_ok($answered->{$kind} || 0, '>=', 9, "of kind $kind enough came");
}

ok(until_true(sub {
    my $log = $nginx->log_text();
    return !grep { $log !~ /worker process $_ exited with code 0\b/ } @gone;
}), 'the old workers ended with success');
is($nginx->alarms(), '', 'without an alert, and without an open socket');

# What the stub was asked since the last look.
sub calls {
    my $s = connected($ENV{TEST_NGINX_RAND_PORT_1}) or return '';

    print $s "GET /_calls HTTP/1.1\r\nHost: a\r\n\r\n";
    sysread $s, my $text, 65536;
    return $text;
}

# Reads until a text is there.
sub read_until {
    my ($s, $text, $wanted) = @_;
    my $select = IO::Select->new($s);

    until_true(sub {
        return 1 if $$text =~ $wanted;
        return 0 unless $select->can_read(0);
        return !sysread $s, $$text, 65536, length $$text;
    });

    return $$text =~ $wanted;
}

# A reload that takes the pipelines away while a stream uses them.

my $stream = client('stream');
my $text = '';
ok(read_until($stream, \$text, qr/"t1 "/), 'a stream begins');

$nginx->configure(http(without => 'pipelines'));
$nginx->signal('HUP');

ok(until_true(sub {
    my $s = connected() or return;
    print $s "GET / HTTP/1.0\r\n\r\n";
    return join('', <$s>) =~ /empty/;
}), 'a reload takes its pipeline away');

$text .= receive([$stream], 60)->{$stream};
like($text, $kinds{stream}{whole}, 'it goes on to its end');
ok(until_true(sub { 1 == (() = $nginx->workers()) }), 'its worker goes');

$nginx->configure(http());
$nginx->signal('HUP');

ok(until_true(sub {
    my $s = client('question');
    return receive([$s], 60)->{$s} =~ $kinds{question}{whole};
}), 'a reload brings the pipeline back');

# A shutdown with requests pending: in embed, in a stream, in a thread that
# waits for the store, behind that in the queue, and one whose client is gone.

Edge::Stub::reset_calls($ENV{TEST_NGINX_RAND_PORT_1});

my %pending = (stream => client('stream'), embed => connected());
print {$pending{embed}} post('/api/v1/slow/query', '{"query":"q"}');

$text = '';
ok(read_until($pending{stream}, \$text, qr/"t1 "/), 'a stream is under way');
ok(until_true(sub { calls() =~ m{/slowembed/} }), 'and an embedding');

# From here on a thread waits, which it does for five seconds at most.
my $store = held_store();

$pending{$_} = client('write') for qw(write queued);
my $lost = client('write');
my $later = client('read');
like(receive([$later], 60)->{$later}, $kinds{read}{whole},
     'a request behind them has been answered');
close $lost;

my %whole = (map({ $_ => $kinds{$_}{whole} } qw(write stream)),
             embed => $kinds{question}{whole},
             queued => $kinds{write}{whole});

my $select = IO::Select->new(@pending{qw(embed write queued)});
is(scalar(() = $select->can_read(0)), 0, 'three requests wait');

$nginx->signal('QUIT');
ok(until_true(sub { !connected() }), 'the shutdown begins');

close $store;

open my $now, '>', $free or die "$free: $!\n";
close $now;

my $rest = receive([values %pending], 60);

for my $name (sort keys %pending) {
    my $all = ($name eq 'stream' ? $text : '') . $rest->{$pending{$name}};
    like($all, $whole{$name}, "what was pending is answered: $name");
}

ok($nginx->ended(), 'nginx ends');
is($nginx->{status}, 0, 'with success');
is($nginx->alarms(), '', 'without an alert, and without an open socket');

# A shutdown with nothing pending but a thread's job, whose client has gone.

$nginx = Edge::Server->start(http());
$store = held_store();

$lost = client('write');
$later = client('read');
like(receive([$later], 60)->{$later}, $kinds{read}{whole},
     'a later request has been answered');
close $lost;

$nginx->signal('QUIT');
ok(until_true(sub { !connected() }), 'the shutdown begins');

close $store;

ok($nginx->ended(), 'nginx ends');
is($nginx->{status}, 0, 'with success');
is($nginx->alarms(), '', 'without an alert, and without an open socket');

done_testing();
