# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Real redis-servers of a test file's own, and a client to look into them.
#
#     my $redis = Edge::Redis->start(requirepass => 'x');
#     ... "server 127.0.0.1:$redis->{port};" ...
#     $redis->call('SET', 'a', 1);       # the reply; arrays as references, an
#                                        # error as "-ERR ..."
#     $redis->kill(); $redis->again();   # kill -9, and the same port again
#     $redis->hang(); $redis->go_on();   # SIGSTOP, SIGCONT
#
#     my @nodes = Edge::Redis->cluster();        # three masters
#     my $node = Edge::Redis::owner($key, @nodes);
#     my $replica = $node->replica(@nodes);      # one more, its replica
#     $replica->promoted($node);                 # takes its place; the node
#                                                # may be gone
#
# Options of start are lines of redis.conf: port, unixsocket, requirepass ...
# Nothing is saved unless asked for.  When the file ends all are killed.

package Edge::Redis;

use strict;
use warnings;

use Edge::Env ();
use Edge::Server ();
use IO::Select;
use IO::Socket::INET;

my @all;

sub start {
    my ($class, %options) = @_;

    my $port = delete $options{port} || Edge::Env::free_ports(1);
    my $home = "$Edge::Env::tmp/redis-" . @all;

    mkdir $home or die "$home: $!\n" unless -d $home;

    my $self = bless { port => $port, home => $home, owner => $$,
                       password => $options{requirepass},
                       options => { bind => '127.0.0.1', save => '""',
                                    appendonly => 'no', %options } }, $class;

    push @all, $self;
    $self->again();

    return $self;
}

# Starts it again where it was, and waits until it answers.
sub again {
    my ($self, %more) = @_;

    my $options = { %{$self->{options}}, %more };

    open my $out, '>', "$self->{home}/redis.conf"
        or die "$self->{home}/redis.conf: $!\n";
    print $out "port $self->{port}\ndir $self->{home}\n",
        "logfile $self->{home}/log\ndaemonize no\n",
        map { "$_ $options->{$_}\n" } sort keys %$options;
    close $out;

    $self->{pid} = fork // die "fork: $!\n";

    if ($self->{pid} == 0) {
        open STDOUT, '>', "$self->{home}/out";
        open STDERR, '>&', \*STDOUT;
        exec 'redis-server', "$self->{home}/redis.conf";
        die "redis-server: $!\n";
    }

    Edge::Server::until_true(sub { defined $self->call('PING') })
        or die "redis-server does not start, see $self->{home}/log\n";
}

sub signal {
    my ($self, $name) = @_;

    CORE::kill($name, $self->{pid});
}

# It has stopped when this returns.
sub hang {
    my ($self) = @_;

    $self->signal('STOP');

    Edge::Server::until_true(sub {
        open my $in, '<', "/proc/$self->{pid}/stat" or return 1;
        return <$in> =~ /\) T/;
    });
}

sub go_on { $_[0]->signal('CONT') }
sub kill { $_[0]->end('KILL') }
sub stop { $_[0]->end('TERM') }

sub end {
    my ($self, $name) = @_;

    return unless $self->{pid};

    CORE::kill($name, $self->{pid});
    CORE::kill('CONT', $self->{pid});
    waitpid $self->{pid}, 0;
    delete @$self{qw(pid client)};
}

# One command.  undef is no reply at all: the server is gone or hangs; nil is
# a reference to undef.
sub call {
    my ($self, @argv) = @_;

    $self->{client} ||= $self->client() or return;

    my $reply = $self->{client}->ask(@argv);

    delete $self->{client} unless defined $reply;

    return $reply;
}

# Lines of INFO as a hash.
sub info {
    my ($self, @section) = @_;

    return { map { /^([^:#]+):([^\r\n]*)/ ? ($1, $2) : () }
             split /\n/, $self->call('INFO', @section) || '' };
}

# How many scripts it has run.
sub scripts {
    my ($self) = @_;

    my $stats = $self->call('INFO', 'commandstats') || '';
    my $n = 0;

    $n += $1 while $stats =~ /cmdstat_eval(?:sha)?:calls=(\d+)/g;

    return $n;
}

# Waits until so many workers have said who they are: one that has not yet
# counts by itself, caches for itself.
sub greeted {
    my ($self, $workers) = @_;

    return Edge::Server::until_true(sub {
        my $list = $self->call('CLIENT', 'LIST') || '';
        my $n = () = $list =~ / cmd=(?!NULL|client)/g;
        return $n >= $workers;
    });
}

# A connection of its own.
sub client {
    my ($self) = @_;

    my ($address) = split ' ', $self->{options}{bind};

    my $s = IO::Socket::INET->new(PeerAddr => $address,
        PeerPort => $self->{port}, Timeout => 5) or return;

    my $client = bless { socket => $s, text => '' }, 'Edge::Redis::Client';

    $client->ask('AUTH', $self->{password}) if defined $self->{password};

    return $client;
}

# Three masters that share all slots and know of each other; one that says
# nothing for less than five seconds is not given up by the others.
sub cluster {
    my ($class, %options) = @_;

    my @nodes = map {
        $class->start('cluster-enabled' => 'yes',
                      'cluster-port' => Edge::Env::free_ports(1),
                      'cluster-node-timeout' => 5000, %options);
    } 1 .. 3;

    my @first = (0, 5461, 10923, 16384);

    for my $i (0 .. 2) {
        $nodes[$i]->call('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
        $nodes[$i]->call('CLUSTER', 'ADDSLOTSRANGE', $first[$i],
                         $first[$i + 1] - 1);
        $nodes[$i]->{first} = $first[$i];
        $nodes[$i]->{last} = $first[$i + 1] - 1;
    }

    for my $i (1, 2) {
        $nodes[0]->call('CLUSTER', 'MEET', '127.0.0.1', $nodes[$i]{port},
                        $nodes[$i]{options}{'cluster-port'});
    }

    for my $node (@nodes) {
        Edge::Server::until_true(sub {
            my $info = $node->call('CLUSTER', 'INFO') || '';
            return $info =~ /cluster_state:ok/
                && $info =~ /cluster_known_nodes:3/
                && $node->call('CLUSTER', 'SLOTS')->[2];
        }, 20) or die "the cluster does not come together\n";
    }

    return @nodes;
}

# One more node of a cluster: a replica of this one, which has all of it.
sub replica {
    my ($self, @nodes) = @_;

    my $class = ref $self;
    my $replica = $class->start(%{$self->{options}},
        'cluster-port' => Edge::Env::free_ports(1));

    $replica->call('CLUSTER', 'MEET', '127.0.0.1', $_->{port},
                   $_->{options}{'cluster-port'}) for @nodes;
    $replica->follows($self, @nodes);

    return $replica;
}

# Becomes the other's replica, unless it is that, and waits until it has all
# that it has, and all nodes know.
sub follows {
    my ($self, $master, @nodes) = @_;

    my $id = $self->call('CLUSTER', 'MYID');
    my $other = $master->call('CLUSTER', 'MYID');

    Edge::Server::until_true(sub {
        $self->call('CLUSTER', 'NODES') =~ /myself,slave $other /
            || $self->call('CLUSTER', 'REPLICATE', $other) eq 'OK';
    }, 20) or die "$self->{port} does not know $master->{port}\n";

    Edge::Server::until_true(sub {
        my $info = $self->info('replication');
        return ($info->{master_link_status} // '') eq 'up'
            && $info->{master_port} == $master->{port}
            && $self->call('CLUSTER', 'INFO') =~ /cluster_state:ok/
            && !grep { $_->call('CLUSTER', 'NODES')
                       !~ /^$id .*slave $other /m } @nodes;
    }, 20) or die "$self->{port} is no replica of $master->{port}\n";
}

# Takes the place of a master that is away.
sub promoted {
    my ($self, $master) = @_;

    $self->call('CLUSTER', 'FAILOVER', 'TAKEOVER');

    Edge::Server::until_true(sub {
        $self->info('replication')->{role} eq 'master'
    }, 20) or die "$self->{port} is not promoted\n";

    @$self{qw(first last)} = @$master{qw(first last)};
}

# The node of a cluster that has the key at its start.
sub owner {
    my ($key, @nodes) = @_;

    my $slot = $nodes[0]->call('CLUSTER', 'KEYSLOT', $key);

    return (grep { $_->{first} <= $slot && $slot <= $_->{last} } @nodes)[0];
}

END {
    my $status = $?;

    $_->end('KILL') for grep { $_->{owner} == $$ } @all;

    $? = $status;
}

package Edge::Redis::Client;

sub ask {
    my ($self, @argv) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $text = '*' . @argv . "\r\n"
        . join '', map { '$' . length($_) . "\r\n$_\r\n" } @argv;

    print { $self->{socket} } $text or return;
    $self->{socket}->flush();

    return $self->reply();
}

sub reply {
    my ($self) = @_;

    my $line = $self->take(qr/\A(.*?)\r\n/s) // return;
    my ($kind, $rest) = $line =~ /\A(.)(.*)/s or return;

    return $rest if $kind eq '+' || $kind eq ':';
    return $line if $kind eq '-';
    return \undef if $rest eq '-1';
    return $self->bulk($rest) if $kind eq '$';

    return $kind eq '*' ? [map { $self->reply() } 1 .. $rest] : undef;
}

# A string of so many bytes, and the end of its line.
sub bulk {
    my ($self, $length) = @_;

    while (length $self->{text} < $length + 2) {
        $self->more() or return;
    }

    return substr substr($self->{text}, 0, $length + 2, ''), 0, $length;
}

# Takes what the pattern finds off what was read.
sub take {
    my ($self, $pattern) = @_;

    while (1) {
        return $1 if $self->{text} =~ s/$pattern//;
        $self->more() or return;
    }
}

# Reads what comes next; waits 5 seconds for it.
sub more {
    my ($self) = @_;

    IO::Select->new($self->{socket})->can_read(5) or return 0;

    return sysread $self->{socket}, $self->{text}, 65536,
        length $self->{text};
}

1;
