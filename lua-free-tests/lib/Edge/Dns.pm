# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# A name server for tests: it answers with the addresses that the test has
# said last, valid for a second.
#
#     my $dns = Edge::Dns->start();
#     $dns->name('redis.test', '127.0.0.1');
#     ... "resolver 127.0.0.1:$dns->{port} valid=1s ipv6=off;" ...
#
# A name without addresses does not exist.
#
#     $dns->silence();          # no answer to anything, until it is to speak
#     $dns->asked('redis.test') # how often the name was asked for meanwhile
#     $dns->speak();

package Edge::Dns;

use strict;
use warnings;

use Edge::Env ();
use IO::Socket::INET;

my @all;

sub start {
    my ($class) = @_;

    my $port = Edge::Env::free_ports(1);
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port, Proto => 'udp') or die "port $port: $!\n";

    my $self = bless { port => $port, home => $Edge::Env::tmp, owner => $$ },
        $class;

    $self->{pid} = fork // die "fork: $!\n";

    if ($self->{pid} == 0) {
        $self->{owner} = 0;
        serve($self, $socket);
    }

    push @all, $self;

    return $self;
}

sub name {
    my ($self, $name, @addresses) = @_;

    my $file = "$self->{home}/dns.$name";

    open my $out, '>', "$file.new" or die "$file: $!\n";
    print $out "@addresses";
    close $out;
    rename "$file.new", $file or die "$file: $!\n";
}

sub silence {
    my ($self) = @_;

    unlink "$self->{home}/dns_asked";
    open my $out, '>', "$self->{home}/dns_silent" or die "dns_silent: $!\n";
    close $out;
}

sub speak {
    my ($self) = @_;

    unlink "$self->{home}/dns_silent" or die "dns_silent: $!\n";
}

sub asked {
    my ($self, $name) = @_;

    open my $in, '<', "$self->{home}/dns_asked" or return 0;
    return scalar grep { $_ eq "$name\n" } <$in>;
}

sub serve {
    my ($self, $socket) = @_;

    while (1) {
        my $from = $socket->recv(my $query, 512) // next;
        my ($name, $question) = question($query);

        if (-e "$self->{home}/dns_silent") {
            open my $out, '>>', "$self->{home}/dns_asked" or die "$!\n";
            print $out "$name\n";
            close $out;
            next;
        }

        $socket->send(answer($self, $query, $name, $question), 0, $from);
    }
}

# The name that is asked for, and the question as it came.
sub question {
    my ($query) = @_;

    my ($at, @labels) = (12);

    while (my $length = ord substr $query, $at, 1) {
        push @labels, lc substr $query, $at + 1, $length;
        $at += 1 + $length;
    }

    return (join('.', @labels), substr $query, 12, $at + 5 - 12);
}

# Header, the question again, and an A record for each address.
sub answer {
    my ($self, $query, $name, $question) = @_;

    my ($id) = unpack 'n', $query;
    my $addresses = '';

    if (open my $in, '<', "$self->{home}/dns.$name") {
        $addresses = <$in> // '';
    }

    my @addresses = split ' ', $addresses;

    return pack('n6', $id, @addresses ? 0x8180 : 0x8183, 1, scalar @addresses,
                0, 0)
        . $question
        . join '', map { pack('n3 N n a4', 0xc00c, 1, 1, 1, 4,
                              pack 'C4', split /\./) } @addresses;
}

END {
    my $status = $?;

    for my $self (grep { $_->{owner} == $$ } @all) {
        kill 'KILL', $self->{pid};
        waitpid $self->{pid}, 0;
    }

    $? = $status;
}

1;
