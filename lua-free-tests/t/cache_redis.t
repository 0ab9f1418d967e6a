# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for the cache's second level: two instances that share a Redis, one
# that lies, and one that is not there.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Cache;
use Edge::Redis;
use Edge::Server;
use Edge::Stub;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical->utf8;
my $redis = Edge::Redis->start();
my @ports = @ENV{qw(TEST_NGINX_SERVER_PORT TEST_NGINX_RAND_PORT_2)};

Edge::Cache::target($ENV{TEST_NGINX_RAND_PORT_1}, {
    embed => sub {
        my $inputs = $json->decode($_[0]{body})->{input};
        Edge::Stub::http($json->encode({ data => [map {
            { index => $_, embedding => [1, 2, 3] } } 0 .. $#$inputs] }))
    },
    search => sub {
        my $tenant =
            $json->decode($_[0]{body})->{filter}{must}[0]{match}{value};
        Edge::Stub::http($json->encode({ result => { points => [
            { id => 1, score => 0.9, payload => { tenant_id => $tenant,
              doc_id => 'd', chunk => 0, text => "A note of $tenant." } }
        ] } }))
    },
    model => sub {
        my ($tenant) = $_[0]{body} =~ /note of (\w+)/;
        my $n = Edge::Cache::counted();
        Edge::Stub::http($json->encode({ model => 'm-1', choices => [{
            index => 0, finish_reason => 'stop', message => {
                content => "$n for $tenant [1]." } }] }))
    },
    free => sub { Edge::Stub::http('') },
    write => sub {
        my ($call) = @_;
        return Edge::Stub::http('{"result":[]}')
            if $call->{method} eq 'POST' && $call->{uri} =~ /points$/;
        return Edge::Stub::http('{"result":{"status":"completed"}}');
    },
});

my $stub = "127.0.0.1:$ENV{TEST_NGINX_RAND_PORT_1}";

sub http {
    my ($port) = @_;

    my $locations = join '', map {
        "location /_$_/ { internal; proxy_pass http://$stub/$_/; }\n"
    } qw(embed search model write);

    return <<"END";
    edge_redis r {
        server 127.0.0.1:$redis->{port};
        timeout 5s;
        connect_timeout 5s;
    }
    edge_cache_zone zone=c:1m redis=r;
    edge_rag docs {
        embed /_embed/ model=e dimensions=3;
        search /_search/ collection=docs;
        generate /_model/ model=m;
        ingest /_write/ collection=docs;
        cache zone=c valid=10m version_max_age=500ms;
        timeout embed=20s search=20s total=60s;
    }
    edge_module docs { rag docs; allow_write unverified; }
    edge_module m { path /m/; target http://$stub; methods GET DELETE; }
    edge_module n { path /n/; target http://$stub; }
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:$port reuseport;
        add_header X-Pid \$pid always;
        edge_tenant \$http_x_t unverified;
        location /m/ {
            edge_route on;
            edge_cache c;
            edge_cache_lock on;
            edge_cache_lock_timeout 60s;
            edge_cache_max_size 100k;
            proxy_buffer_size 64k;
            proxy_buffers 4 64k;
            add_header X-Status \$edge_cache_status always;
            add_header X-Pid \$pid always;
            proxy_pass \$edge_target;
        }
        location /free/ {
            edge_route m;
            edge_cache c;
            edge_cache_lock on;
            edge_cache_valid 1m;
            proxy_pass http://$stub;
        }
        location /n/ {
            edge_route on;
            edge_cache c;
            edge_cache_lock on;
            edge_cache_lock_timeout 1s;
            proxy_pass \$edge_target;
        }
        location /api/ { edge_route on; edge_cache_lock_timeout 60s; }
        location = /purge { edge_cache_purge zone=c unverified; }
        location = /ping { return 200; }
        $locations
    }
END
}

my @nginx = map {
    my $port = $ports[$_];
    my $nginx = Edge::Server->start(http($port), workers => 2 - $_);
    until_true(sub { connected($port) }) or die "no nginx on $port\n";
    $nginx;
} 0 .. 1;

# Code as a client of one of the two.
sub at {
    my ($i, $code) = @_;

    local $ENV{TEST_NGINX_SERVER_PORT} = $ports[$i];
    return $code->();
}

sub get_at {
    my ($i, @request) = @_;

    return at($i, sub { get(@request) });
}

sub ask_at {
    my ($i, $question, @fields) = @_;

    push @fields, 'X-T: acme' unless @fields;

    my $reply = at($i, sub { ask('POST', '/api/v1/docs/query',
        $json->encode({ query => $question }),
        'Content-Type: application/json', @fields) });

    return eval { $json->decode($reply->{body}) } || { failed => $reply };
}

sub opened_at {
    my ($i, $uri) = @_;

    my $s = connected($ports[$i]) or die "connect: $!\n";
    print $s "GET $uri HTTP/1.1\r\nHost: a\r\nX-T: acme\r\n"
        . "Connection: close\r\n\r\n";

    return $s;
}

sub keys_of {
    return @{$redis->call('KEYS', $_[0])};
}

my $fresh = 'h=Cache-Control:max-age=60';

# A response's pattern; b= makes it different from all others.
sub body_of {
    my ($length) = @_;

    return qr/\]x{$length}\z/;
}

sub names_of {
    my ($pattern) = @_;

    return grep { ($redis->call('GET', $_) // '') =~ $pattern }
        keys_of('edge:c:*');
}

# Waits until each worker of an instance has stored something in Redis.
my $up = 1000;

sub has_redis {
    my ($i) = @_;
    my %has;

    return until_true(sub {
        my $b = ++$up;
        my $pid = field(get_at($i, "/m/up?$fresh&b=$b"), 'X-Pid');

        $has{$pid} ||= until_true(sub { names_of(body_of($b)) }, 0.5);
        return !grep { !$has{$_} } $nginx[$i]->workers;
    }, 20);
}

ok(has_redis($_), "instance $_ has its Redis") for 0, 1;

# What was sent to an instance before this returns has asked Redis for its entry
# and its lock: each worker has, for what came after it.
my $n = 0;

sub settled {
    my ($i) = @_;
    my %pids;

    until_true(sub {
        $pids{field(get_at($i, '/free/' . ++$n), 'X-Pid')} = 1;
        return !grep { !$pids{$_} } $nginx[$i]->workers;
    }) or die "a worker does not answer\n";
}

# ---- one stores, the other finds

# The names of the n entries whose values match, as soon as Redis has them: an
# entry is written behind the answer to the client.
sub kept {
    my ($pattern, $n) = @_;

    my @names;
    until_true(sub {
        @names = names_of($pattern);
        return @names == ($n // 1);
    }) or die "not in Redis: $pattern\n";

    return @names;
}

my $shared = "/m/a?$fresh&h=X-More:1&b=100";
my $first = get_at(0, $shared);
my ($name) = kept(body_of(100));
is(field($first, 'X-Status'), 'MISS', 'a miss');
my $second = get_at(1, $shared);
is(field($second, 'X-Status'), 'HIT', 'the other instance has a hit');
is($second->{body}, $first->{body}, 'with the body');
is(field($second, 'X-More'), 1, 'and the fields');
like(field($second, 'Cache-Status'), qr/^ai-edge; hit; ttl=\d+$/, 'alone');
isnt(get_at(1, $shared, 'X-T: globex')->{body},
     $first->{body}, 'another tenant has not');

like($name, qr/^edge:c:\{[0-9a-f]{64}\}$/, 'names tell nothing');
my $ttl = $redis->call('TTL', $name);
ok($ttl > 0 && $ttl <= 60, 'and have an end');

my $large = "/m/large?$fresh&b=50000";
$first = get_at(0, $large);
kept(qr{x{30000}});
is(get_at(0, $large)->{body}, $first->{body}, 'what is too long for the zone');
is(get_at(1, $large)->{body}, $first->{body}, 'is found in Redis');

my $vary = "/m/v?$fresh&h=Vary:X-V&b=200";
my %body = map { $_ => get_at(0, $vary, "X-V: $_")->{body} } 1, 2;
kept(body_of(200), 2);
kept(qr{x-v,\z});
is(get_at(1, $vary, "X-V: $_")->{body}, $body{$_}, "variant $_") for 1, 2;
isnt(get_at(1, $vary, 'X-V: 3')->{body}, $body{1}, 'a third one is not there');

# What tells variants apart may be too long for the zone, as they are.
my $wide = "/m/wide?$fresh&vary=40000";
is(get_at($_, "$wide&b=40000")->{status}, 200, 'a long Vary') for 0, 1, 1;

# ---- a DELETE takes it away in Redis too

my $marked = "/m/d?$fresh&b=777";
$first = get_at(0, $marked);
my @new = kept(body_of(777));
at(0, sub { ask('DELETE', $marked, undef, with()) });
ok(until_true(sub { !$redis->call('EXISTS', @new) }), 'and taken away there');
isnt(get_at(1, $marked)->{body}, $first->{body}, 'gone in Redis');

# ---- values that are none

my $length = 300;

sub spoiled {
    my ($what, $code) = @_;

    $length++;
    my $uri = "/m/spoiled?$fresh&b=$length";
    my $body = get_at(0, $uri)->{body};
    my ($key) = kept(body_of($length));
    my $value = $code->($redis->call('GET', $key));
    $redis->call('SET', $key, $value);
    my $reply = get_at(1, $uri);
    is($reply->{status}, 200, "$what: answered");
    isnt($reply->{body}, $body, "$what: by the target");
    ok(until_true(sub { $redis->call('GET', $key) ne $value }),
       "$what: and replaced");
}

spoiled('empty', sub { '' });
spoiled('cut', sub { substr $_[0], 0, -1 });
spoiled('longer', sub { "$_[0]x" });
spoiled('a bit', sub { my $v = $_[0]; substr($v, 90, 1) ^= "\1"; $v });
spoiled('garbage', sub { 'x' x 5000 });

get_at(0, "/m/x?$fresh&b=401");
my ($x) = kept(body_of(401));
get_at(0, "/m/y?$fresh&b=402");
my ($y) = kept(body_of(402));
$redis->call('SET', $y, $redis->call('GET', $x));
my $reply = get_at(1, "/m/y?$fresh&b=402");
like($reply->{body}, body_of(402), 'an entry under the name of another');
is(field($reply, 'X-Status'), 'MISS', 'is none');

$redis->call('DEL', $y);
$redis->call('LPUSH', $y, 'a');
is(get_at(1, "/m/z?$fresh")->{status}, 200, 'a list in its place');

# ---- one flight over both

my $before = calls();
my @sockets = map { opened_at($_ % 2, "/m/f?hold=1&$fresh") } 1 .. 30;
settled($_) for 0, 1;
called($before + 1);
release($before + 1);
my $texts = receive(\@sockets, 20);
is(calls() - $before, 1, 'thirty requests at two instances, one call');
is(scalar(grep { m{^HTTP/1.1 200} } values %$texts), 30, 'all answered');
ok(until_true(sub { keys_of('edge:lock:*') == 0 }), 'no lock is left');

# An instance may look before the entry is there, and ask for the lock when it
# was given up.  A pause lets it look, and holds whatever writes, in its order.

sub gets {
    my $stats = $redis->call('INFO', 'commandstats') || '';
    return $stats =~ /cmdstat_get:calls=(\d+)/ ? $1 : 0;
}

sub held {
    return scalar(() = $redis->call('CLIENT', 'LIST') =~ / flags=b /g);
}

# Both texts, if the second instance has looked in the pause: it may also have
# been held with a look for purges.
sub crossed {
    my ($uri) = @_;

    my $before = calls();
    my $one = opened_at(0, $uri);
    called($before + 1);
    $redis->call('CLIENT', 'PAUSE', 60000, 'WRITE');
    release($before + 1);
    my $first = receive([$one], 20)->{$one};
    until_true(sub { held() });

    my $gets = gets();
    my $two = opened_at(1, $uri);
    my $looked = until_true(sub { gets() > $gets }, 1);
    until_true(sub { held() == 2 }, 1) if $looked;
    $redis->call('CLIENT', 'UNPAUSE');
    my $second = receive([$two], 20)->{$two};
    until_true(sub { keys_of('edge:lock:*') == 0 });

    return $looked ? ($first, $second) : ();
}

my ($i, @crossed) = (0);
until_true(sub {
    $before = calls();
    @crossed = crossed("/m/crossed?hold=1&$fresh&b=50" . ++$i);
    return scalar @crossed;
}, 40);
is(calls() - $before, 1, 'a look before, the lock behind: one call');
is($_ =~ s/.*\r\n\r\n//sr, $crossed[0] =~ s/.*\r\n\r\n//sr, 'one body')
    for $crossed[1];

# A client that leaves while the lock is asked for: it is granted, and given up.

sub dels {
    my $stats = $redis->call('INFO', 'commandstats') || '';
    return $stats =~ /cmdstat_del:calls=(\d+)/ ? $1 : 0;
}

# Whether the lock was asked for in the pause, in which the client left.
sub left {
    my ($uri) = @_;

    $redis->call('CLIENT', 'PAUSE', 60000, 'WRITE');

    my $gets = gets();
    my $client = opened_at(1, $uri);
    my $looked = until_true(sub { gets() > $gets }, 1);
    my $asked = $looked && until_true(sub { held() }, 1);
    close $client;
    get_at(1, '/ping');                # the one worker has seen that
    $redis->call('CLIENT', 'UNPAUSE');

    return $asked;
}

my $dels = dels();
ok(until_true(sub { left("/m/left?hold=1&$fresh&b=60" . ++$i) }, 40),
   'a client leaves while the lock is asked for');
ok(until_true(sub { dels() > $dels }), 'which is given up');
is(keys_of('edge:lock:*'), 0, 'none is left');

$before = calls();
my $leader = opened_at(0, "/m/g?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my @followers = map { opened_at(1, "/m/g?hold=1&$fresh") } 1 .. 3;
settled(1);
is(calls() - $before, 1, 'the others wait');
close $leader;
ok(called($before + 2), 'the leader leaves: the other instance goes');
release($before + 2);
$texts = receive(\@followers, 20);
is(scalar(grep { m{^HTTP/1.1 200} } values %$texts), 3, 'all are answered');

$before = calls();
$leader = opened_at(0, "/n/h?hold=1&$fresh");
ok(called($before + 1), 'a leader is on the way');
my @dead = $nginx[0]->workers;
kill 'KILL', $_ for @dead;
my $heir = opened_at(1, "/n/h?hold=1&$fresh");
ok(called($before + 2), 'a leader that dies blocks nobody');
release($before + 2);
like(receive([$heir], 20)->{$heir}, qr{^HTTP/1.1 200}, 'who is answered');

$redis->call('DEL', keys_of('edge:lock:*')) if keys_of('edge:lock:*');
@sockets = ();

# ---- answers

ok(until_true(sub {
    my %now = map { $_ => 1 } $nginx[0]->workers;
    return keys %now == 2 && !grep { $now{$_} } @dead;
}), 'both workers are back');
ok(has_redis(0), 'and have their Redis');

# A question whose answer is in Redis when this returns, by whomever made.
sub answered_at {
    my ($i, @question) = @_;

    my $reply = ask_at($i, @question);
    kept(qr/\Q$reply->{answer}\E/);

    return $reply;
}

my $q = 'How warm is it?';
$first = answered_at(0, $q);
ok(!$first->{cached}, 'an answer');
$second = ask_at(1, $q);
ok($second->{cached}, 'is found by the other instance');
is($second->{answer}, $first->{answer}, 'the same');
isnt(answered_at(1, $q, 'X-T: globex')->{answer}, $first->{answer},
     'but by no other tenant');

my $globex = answered_at(0, $q, 'X-T: globex');
my ($version) = keys_of('edge:ver:{acme}:docs');
is($version, 'edge:ver:{acme}:docs', 'the version of the documents');

sub ingest_at {
    my ($i, $tenant) = @_;

    return at($i, sub { ask('POST', '/api/v1/docs/documents',
        '{"id":"d","text":"Text."}', 'Content-Type: application/json',
        'X-T: ' . ($tenant // 'acme'))->{status} });
}

# A question that overtook it would make one more version.
my $was = $redis->call('GET', $version);
is(ingest_at(0), 200, 'documents change');
until_true(sub { $redis->call('GET', $version) ne $was });

my $changed = time;

my $third = answered_at(0, $q);
isnt($third->{answer}, $first->{answer}, 'here it is made anew at once');
ok(until_true(sub { ask_at(1, $q)->{answer} eq $third->{answer} }),
   'and there soon')
    && cmp_ok(time - $changed, '<', 20, 'not as late as without Redis');
is(ask_at(1, $q, 'X-T: globex')->{answer}, $globex->{answer},
   'for this tenant only');

is(at(1, sub { ask('POST', '/purge?tenant=acme&module=docs', '')
   ->{status} }), 200, 'purged by the other instance');
isnt(answered_at(1, $q)->{answer}, $third->{answer}, 'answers go there at once');
ok(until_true(sub { ask_at(0, $q)->{answer} ne $third->{answer} }),
   'and here soon');
$third = answered_at(0, $q);
is(ask_at(1, $q)->{answer}, $third->{answer}, 'one for both again');
is(ask_at($_, $q, 'X-T: globex')->{answer}, $globex->{answer},
   "another tenant's stay at $_") for 0, 1;

# Nobody has a version yet: the first questions agree on one, at both.

my $first_text = $json->encode({ query => $q });
$before = calls();
@sockets = map {
    my $s = connected($ports[$_ % 2]) or die "connect: $!\n";
    print $s "POST /api/v1/docs/query HTTP/1.1\r\nHost: a\r\nX-T: first\r\n",
        "Connection: close\r\nContent-Type: application/json\r\n",
        'Content-Length: ', length $first_text, "\r\n\r\n$first_text";
    $s;
} 1 .. 40;
$texts = receive(\@sockets, 20);
is(scalar(grep { m{^HTTP/1.1 200} } values %$texts), 40, 'first questions');
is(calls() - $before, 1, 'are one call');
@sockets = ();

# A version that was current never comes back, whoever changed what and whoever
# asks next.

my $old = answered_at(0, $q, 'X-T: one');
is(ingest_at(1, 'one'), 200, 'a change at the other instance');
ok(until_true(sub {
    ask_at(0, $q, 'X-T: one')->{answer} ne $old->{answer}
}), 'is seen by who made the first version');

is(ingest_at(0, 'two'), 200, 'a change here');
$old = answered_at(1, $q, 'X-T: two');
is(ingest_at(1, 'two'), 200, 'and a later one there');
isnt(answered_at(1, $q, 'X-T: two')->{answer}, $old->{answer}, 'seen there');
ok(until_true(sub {
    ask_at(0, $q, 'X-T: two')->{answer} ne $old->{answer}
}), 'and here');
sleep 1;
isnt(ask_at($_, $q, 'X-T: two')->{answer}, $old->{answer}, "for good at $_")
    for 0, 1;

# A change that Redis refuses is told when it takes it, with nobody asking here.

$old = answered_at(1, $q, 'X-T: three');
$redis->call('CONFIG', 'SET', 'maxmemory', 1);
is(ingest_at(0, 'three'), 200, 'a change while Redis is full');
is(ask_at(1, $q, 'X-T: three')->{answer}, $old->{answer}, 'is not seen');
$redis->call('CONFIG', 'SET', 'maxmemory', 0);
ok(until_true(sub {
    ask_at(1, $q, 'X-T: three')->{answer} ne $old->{answer}
}), 'until Redis has room');

# So is one that was crowded out of the zone meanwhile, by changes of others.

$old = answered_at(1, $q, 'X-T: four');
$redis->call('CONFIG', 'SET', 'maxmemory', 1);
is(ingest_at(0, 'four'), 200, 'a change');
is(scalar(grep { ingest_at(0, "crowd$_") != 200 } 1 .. 300), 0, 'and others');
$redis->call('CONFIG', 'SET', 'maxmemory', 0);
ok(until_true(sub {
    ask_at(1, $q, 'X-T: four')->{answer} ne $old->{answer}
}), 'all of which are told');
isnt(ask_at(0, $q, 'X-T: four')->{answer}, $old->{answer}, 'and known here');

# A Redis that takes no changes is not believed what it has, which may be old.

ask_at(0, $q, 'X-T: six');
ok($redis->call('GET', 'edge:ver:{six}:docs'), 'a version in Redis');
$redis->call('CONFIG', 'SET', 'min-replicas-to-write', 1);
ok(!ask_at(1, $q, 'X-T: six')->{cached}, 'Redis takes nothing') for 1 .. 3;
$redis->call('CONFIG', 'SET', 'min-replicas-to-write', 0);
ok(until_true(sub { ask_at(1, $q, 'X-T: six')->{cached} }), 'until it does');

# A Redis that goes back to what it once had does not bring back what was
# replaced.

# nothing is stored in Redis before purges were read there again
my ($number, $stored) = (0, scalar keys_of('edge:c:*'));
ok(until_true(sub {
    ask_at(0, 'Is there room? ' . $number++, 'X-T: five');
    return keys_of('edge:c:*') > $stored;
}), 'Redis takes answers again');

$old = answered_at(0, $q, 'X-T: five');
$redis->call('SAVE');
is(ingest_at(1, 'five'), 200, 'a change that Redis will not remember');
ok(until_true(sub {
    ask_at(0, $q, 'X-T: five')->{answer} ne $old->{answer}
}), 'is seen');
$redis->kill();
$redis->again();
unlink "$redis->{home}/dump.rdb";
my $back = $redis->call('GET', 'edge:ver:{five}:docs');
ok($back, 'it has the old version');
my @seen;
ok(until_true(sub {
    push @seen, map { ask_at($_, $q, 'X-T: five')->{answer} } 0, 1;
    return $redis->call('GET', 'edge:ver:{five}:docs') ne $back;
}), 'until somebody asks');
push @seen, map { ask_at($_, $q, 'X-T: five')->{answer} } 0, 1;
is(scalar(grep { $_ eq $old->{answer} } @seen), 0, 'an old answer is not given');

# ---- without Redis

$redis->kill();

is(get_at(0, "/m/a?$fresh&h=X-More:1")->{status}, 200, 'without Redis');
$first = get_at(1, "/m/local?$fresh");
is($first->{status}, 200, 'responses come');
is(get_at(1, "/m/local?$fresh")->{body}, $first->{body},
   'and are kept in the zone');
is(ingest_at(0), 200, 'documents change');
my $fourth = ask_at(0, $q);
isnt($fourth->{answer}, $third->{answer}, 'which is known here');
is(ask_at(0, $q)->{answer}, $fourth->{answer}, 'and kept');

$redis->again();

ok(until_true(sub {
    ask_at(0, $q);
    return keys_of('edge:ver:{acme}:docs');
}, 20), 'with Redis again it is told');
ok(until_true(sub { ask_at(1, $q)->{answer} ne $third->{answer} }, 20),
   'and the other instance learns');

# ---- a Redis that hangs

$redis->hang();
my $start = time;
is(get_at(0, "/m/hang?$fresh")->{status}, 200, 'a Redis that hangs');
ok(!ask_at(0, 'And now?')->{failed}, 'no more than delays');
cmp_ok(time - $start, '<', 50, 'for a time, as long as no lock is');
$redis->go_on();

# A killed worker may have had a lock, which nginx has opened then.
is(join('', grep { !/exited on signal 9|was locked by/ }
        split /^/, $nginx[0]->alarms), '', 'no alarms');

# ---- nginx -t

my ($status, $said) = Edge::Server->check(<<"END");
    edge_cache_zone zone=c:1m redis=unknown;
    server { listen 127.0.0.1:$ports[0]; }
END
like($said, qr/edge_cache_zone.*unknown|unknown.*edge_cache_zone/s,
     'an unknown Redis');

done_testing();
