# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What the checks know of C: where the sources of a tree are, and their text
# without comments and strings, line for line.  And where its scripts are.

package CSource;

use strict;
use warnings;

use File::Find;

# files TREE FOLDER...: .c and .h files, sorted, relative to the tree.
sub files {
    my ($tree, @folders) = @_;
    my @found;

    for my $folder (grep { -d "$tree/$_" } @folders) {
        find({ no_chdir => 1, wanted => sub {
            push @found, substr($_, length("$tree/")) if -f && /\.[ch]\z/;
        } }, "$tree/$folder");
    }

    return sort @found;
}

# scripts TREE: what is in tools/, sorted, relative to the tree.
sub scripts {
    my ($tree) = @_;
    my @found;

    return if !-d "$tree/tools";

    find({ no_chdir => 1, wanted => sub {
        push @found, substr($_, length("$tree/")) if -f && -T;
    } }, "$tree/tools");

    return sort @found;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

# code TEXT: comments of either kind and the insides of strings blanked.
sub code {
    my ($text) = @_;

    $text =~ s{
        ( /\* .*? \*/ | //[^\n]* )
      | " ( (?: [^"\\\n] | \\. )* ) "
      | ' ( (?: [^'\\\n] | \\. )* ) '
    }{
        my $blank = defined $1 ? $1 : defined $2 ? '""' : "' '";
        $blank =~ s/[^\n]/ /g if defined $1;
        $blank;
    }gsex;

    return $text;
}

# line_comments TEXT: numbers of lines with a "//" comment.
sub line_comments {
    my ($text) = @_;
    my @lines;

    while ($text =~ m{
        /\* .*? \*/ | " (?: [^"\\\n] | \\. )* " | ' (?: [^'\\\n] | \\. )* '
      | (//)
    }gsx) {
        push @lines, 1 + (substr($text, 0, $-[0]) =~ tr/\n//) if defined $1;
        $text =~ /\G[^\n]*/g if defined $1;
    }

    return @lines;
}

1;
