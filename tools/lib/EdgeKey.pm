# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Keys and signatures for edge-token: makes keys, reads them (JWK, PEM),
# signs, and writes files.  It knows DER and the openssl command; it knows no
# options and no claims.  What fails dies with a line for the operator.
#
# Secrets go to openssl in files of a folder only we can read, and never to
# a command line, standard output or a message.

package EdgeKey;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 sha256);
use Encode ();
use Errno ();
use Exporter qw(import);
use Fcntl qw(O_CREAT O_EXCL O_RDONLY O_WRONLY);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use POSIX ();

our @EXPORT_OK = qw(%algs bytes decode default_kid exists_already failure
    key_alg new_key public_key random read_handle read_key sign utf8
    write_files);

# What a key has to be for an algorithm; "size" is that of a coordinate.
our %algs = (
    HS256 => { kty => 'oct' },
    RS256 => { kty => 'RSA' },
    PS256 => { kty => 'RSA' },
    ES256 => { kty => 'EC', crv => 'P-256', size => 32, hash => 'sha256' },
    ES384 => { kty => 'EC', crv => 'P-384', size => 48, hash => 'sha384' },
    EdDSA => { kty => 'OKP', crv => 'Ed25519', size => 32 },
);

# Object identifiers, as the bytes of their DER.
my %oids = (
    'RSA'     => pack('H*', '06092a864886f70d010101'),
    'EC'      => pack('H*', '06072a8648ce3d0201'),
    'P-256'   => pack('H*', '06082a8648ce3d030107'),
    'P-384'   => pack('H*', '06052b81040022'),
    'Ed25519' => pack('H*', '06032b6570'),
);

my @rsa = qw(n e d p q dp dq qi);
my %private = map { $_ => 1 } qw(d p q dp dq qi);

my $hmac_min = 32;
my $rsa_min = 2048;
my $file_max = 65536;

my $json = JSON::PP->new->canonical;
my $folder;


sub failure {
    my ($text) = @_;

    die "$text\n";
}

sub utf8 { return Encode::encode('UTF-8', $_[0]) }

sub bytes { return utf8($json->encode($_[0])) }

# decode(TEXT): bytes of strict base64url, or undef.
sub decode {
    my ($text) = @_;

    return if $text !~ /\A[A-Za-z0-9_-]*\z/;

    my $bytes = decode_base64url($text);

    return encode_base64url($bytes) eq $text ? $bytes : undef;
}


# --- keys -----------------------------------------------------------------

# new_key(ALG): a private JWK and, where there is one, its PEM.
sub new_key {
    my ($alg) = @_;
    my $want = $algs{$alg};

    return { kty => 'oct', k => encode_base64url(random($hmac_min)) }
        if $want->{kty} eq 'oct';

    my %how = (
        RSA => ['RSA', '-pkeyopt', "rsa_keygen_bits:$rsa_min"],
        EC  => ['EC', '-pkeyopt', 'ec_paramgen_curve:' . ($want->{crv} // ''),
                '-pkeyopt', 'ec_param_enc:named_curve'],
        OKP => ['ED25519'],
    );
    my $file = temporary('new.pem');

    openssl('genpkey', '-out', $file, '-algorithm', @{$how{$want->{kty}}});

    return (jwk_of_pem($file), read_file($file));
}

sub public_key {
    my ($jwk) = @_;
    my %public = %$jwk;

    delete @public{keys %private};

    return \%public;
}

# default_kid(JWK): the thumbprint of RFC 7638; of a secret, none is made.
sub default_kid {
    my ($jwk) = @_;

    return encode_base64url(random(12)) if $jwk->{kty} eq 'oct';

    my %public = map { $_ => $jwk->{$_} }
                 grep { exists $jwk->{$_} } qw(crv e kty n x y);

    return encode_base64url(sha256(bytes(\%public)));
}

# read_key(FILE): the private key as JWK.
sub read_key {
    my ($file) = @_;
    my $text = read_file($file);

    if ($text =~ /^-----BEGIN /m) {
        failure("$file: keys with a passphrase are not supported")
            if $text =~ /ENCRYPTED/;
        failure("$file: no private key")
            if $text !~ /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/m;
        return jwk_of_pem($file);
    }

    # Parser's messages quote what they read: not here.
    my $jwk = eval { $json->decode(Encode::decode('UTF-8', $text)) };

    failure("$file: neither a JWK nor a PEM") if ref $jwk ne 'HASH';
    failure("$file: a key set; give the file of the private key")
        if exists $jwk->{keys};

    for my $name (qw(kty crv alg kid k x y), @rsa) {
        failure("$file: \"$name\" is no string")
            if exists $jwk->{$name} && (ref $jwk->{$name}
                                        || !defined $jwk->{$name});
    }

    check_jwk($file, $jwk);

    return $jwk;
}

sub check_jwk {
    my ($file, $jwk) = @_;
    my $kty = $jwk->{kty} // '';
    my $crv = $jwk->{crv} // '';

    my ($alg) = grep {
        $algs{$_}{kty} eq $kty && ($algs{$_}{crv} // $crv) eq $crv
    } sort keys %algs;

    failure("$file: no key for any of " . join(' ', sort keys %algs))
        if !defined $alg;

    my %need = (oct => ['k'], RSA => \@rsa, EC => [qw(x y d)],
                OKP => [qw(x d)]);
    my $size = $algs{$alg}{size};

    for my $name (@{$need{$kty}}) {
        failure("$file: no private key (\"$name\" is missing)")
            if !defined $jwk->{$name};

        my $bytes = decode($jwk->{$name});

        failure("$file: \"$name\" is not base64url") if !defined $bytes;
        failure("$file: \"$name\" has the wrong length")
            if $bytes eq '' || defined $size && length $bytes != $size;
    }
}

# key_alg(KEY, ALG): the algorithm to use.  The key decides, if it says one.
sub key_alg {
    my ($jwk, $asked) = @_;
    my %first = ('oct' => 'HS256', 'RSA' => 'RS256', 'P-256' => 'ES256',
                 'P-384' => 'ES384', 'Ed25519' => 'EdDSA');
    my $kind = $jwk->{kty} =~ /\A(?:EC|OKP)\z/ ? $jwk->{crv} : $jwk->{kty};
    my $alg = $asked // $jwk->{alg} // $first{$kind};
    my $want = $algs{$alg} or failure("the key is for another algorithm");

    failure("the key is for $jwk->{alg}, not for $alg")
        if defined $jwk->{alg} && $jwk->{alg} ne $alg;
    failure("$alg does not go with a key of type $kind")
        if ($want->{crv} // $want->{kty}) ne $kind;

    failure("the secret is shorter than $hmac_min bytes")
        if $want->{kty} eq 'oct' && length(decode($jwk->{k})) < $hmac_min;
    failure("the RSA key is shorter than $rsa_min bits")
        if $want->{kty} eq 'RSA' && bits(decode($jwk->{n})) < $rsa_min;

    return $alg;
}

sub bits {
    my ($number) = @_;

    return length(unpack('B*', $number) =~ s/\A0+//r);
}

# jwk_of_pem(FILE): PKCS#8 for the private half, the public key for x and y,
# which not every private key has in it.
sub jwk_of_pem {
    my ($file) = @_;
    my (undef, $algorithm, $octets)
        = der_list(openssl('pkcs8', '-topk8', '-nocrypt', '-in', $file,
                           '-outform', 'DER'));
    my ($oid, $curve) = der_list($algorithm);
    my $inner = der_body($octets);

    if ($oid eq $oids{RSA}) {
        my (undef, @numbers) = der_list($inner);
        my %jwk = (kty => 'RSA');

        @jwk{@rsa} = map { encode_base64url(unsigned($_)) } @numbers;
        return \%jwk;
    }

    my (undef, $bits) = der_list(
        openssl('pkey', '-in', $file, '-pubout', '-outform', 'DER'));
    my $point = substr der_body($bits), 1;

    return { kty => 'OKP', crv => 'Ed25519', x => encode_base64url($point),
             d => encode_base64url(der_body($inner)) }
        if $oid eq $oids{Ed25519};

    my ($crv) = grep { $oid eq $oids{EC} && ($curve // '') eq $oids{$_} }
                qw(P-256 P-384);
    failure("$file: no key for any of " . join(' ', sort keys %algs))
        if !defined $crv;

    my $size = $crv eq 'P-256' ? 32 : 48;
    my (undef, $d) = der_list($inner);

    failure("$file: a compressed public key; convert it first")
        if length $point != 1 + 2 * $size;

    return { kty => 'EC', crv => $crv,
             x => encode_base64url(substr $point, 1, $size),
             y => encode_base64url(substr $point, 1 + $size),
             d => encode_base64url(padded(der_body($d), $size)) };
}

# pem_of_jwk(JWK): the name of a file.
sub pem_of_jwk {
    my ($jwk) = @_;
    my %raw = map { $_ => decode($jwk->{$_}) }
              grep { defined $jwk->{$_} } @rsa, qw(x y);
    my ($label, $der);

    if ($jwk->{kty} eq 'RSA') {
        $label = 'RSA PRIVATE KEY';
        $der = der(0x30, join '', map { der_number($_) } "\0", @raw{@rsa});

    } elsif ($jwk->{kty} eq 'EC') {
        $label = 'EC PRIVATE KEY';
        $der = der(0x30, der_number("\1") . der(0x04, $raw{d})
                   . der(0xa0, $oids{$jwk->{crv}})
                   . der(0xa1, der(0x03, "\0\4$raw{x}$raw{y}")));

    } else {
        $label = 'PRIVATE KEY';
        $der = der(0x30, der_number("\0") . der(0x30, $oids{Ed25519})
                   . der(0x04, der(0x04, $raw{d})));
    }

    my $file = temporary('key.pem');

    write_new($file, 0600, "-----BEGIN $label-----\n"
              . MIME::Base64::encode_base64($der) . "-----END $label-----\n");

    return $file;
}


# --- signatures -----------------------------------------------------------

sub sign {
    my ($jwk, $alg, $input) = @_;

    return hmac_sha256($input, decode($jwk->{k})) if $alg eq 'HS256';

    my $key = pem_of_jwk($jwk);
    my $file = temporary('input');

    write_new($file, 0600, $input);

    return openssl('pkeyutl', '-sign', '-rawin', '-inkey', $key, '-in', $file)
        if $alg eq 'EdDSA';

    my @pss = $alg eq 'PS256'
        ? ('-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32')
        : ();
    my $hash = $algs{$alg}{hash} // 'sha256';
    my $size = $algs{$alg}{size};
    my $signature = openssl('dgst', "-$hash", @pss, '-sign', $key, $file);

    return defined $size ? fixed_size($signature, $size) : $signature;
}

# fixed_size(SIGNATURE, SIZE): openssl's is a sequence of two integers, that
# of a token two strings of SIZE bytes.
sub fixed_size {
    my ($signature, $size) = @_;

    return join '', map { padded(unsigned($_), $size) } der_list($signature);
}


# --- DER ------------------------------------------------------------------

sub der {
    my ($tag, $body) = @_;
    my $length = length $body;

    return pack('CC', $tag, $length) . $body if $length < 128;

    my $bytes = pack('N', $length) =~ s/\A\0+//r;

    return pack('CC', $tag, 0x80 | length $bytes) . $bytes . $body;
}

sub der_number {
    my ($bytes) = @_;

    $bytes =~ s/\A\0+(?=.)//s;

    return der(0x02, ord $bytes > 127 ? "\0$bytes" : $bytes);
}

# der_next(BYTES): length of the head and of the body of the first element.
sub der_next {
    my ($bytes) = @_;

    die "DER too short\n" if length $bytes < 2;

    my $length = ord substr $bytes, 1, 1;
    my $head = 2;

    if ($length > 127) {
        my $more = $length & 127;

        die "DER length\n" if $more < 1 || $more > 4;
        $head += $more;
        $length = unpack 'N', padded(substr($bytes, 2, $more), 4);
    }

    die "DER too short\n" if length $bytes < $head + $length;

    return ($head, $length);
}

sub der_body {
    my ($bytes) = @_;

    my ($head, $length) = der_next($bytes);

    return substr $bytes, $head, $length;
}

# der_list(BYTES): the elements of a sequence, each with its head.
sub der_list {
    my ($bytes) = @_;
    my $rest = der_body($bytes);
    my @list;

    while ($rest ne '') {
        my ($head, $length) = der_next($rest);
        push @list, substr $rest, 0, $head + $length, '';
    }

    return @list;
}

sub unsigned {
    my ($element) = @_;

    return der_body($element) =~ s/\A\0+(?=.)//sr;
}

sub padded {
    my ($bytes, $size) = @_;

    return "\0" x ($size - length $bytes) . $bytes;
}


# --- files and openssl ----------------------------------------------------

sub exists_already {
    my ($file) = @_;

    failure("$file exists; --force writes over it");
}

sub read_handle {
    my ($in, $name) = @_;
    my $text = '';

    binmode $in;
    while (length $text <= $file_max) {
        my $got = read $in, $text, 8192, length $text;

        failure("$name: $!") if !defined $got;
        return $text if $got == 0;
    }

    failure("$name: more than $file_max bytes");
}

sub read_file {
    my ($file) = @_;

    sysopen my $in, $file, O_RDONLY or failure("$file: $!");

    return read_handle($in, $file);
}

# try_new(FILE, MODE, BYTES): creates a file; false with $! otherwise, and
# then leaves none behind.
sub try_new {
    my ($file, $mode, $bytes) = @_;

    sysopen my $out, $file, O_WRONLY | O_CREAT | O_EXCL, 0600 or return;
    return 1 if chmod($mode, $out) && print({$out} $bytes) && close $out;

    my $error = $!;
    unlink $file;
    $! = $error;
    return;
}

sub write_new {
    my ($file, $mode, $bytes) = @_;

    try_new($file, $mode, $bytes) or failure("$file: $!");
}

# write_files(FORCE, [FILE, MODE, BYTES]...): all or none, as far as files go.
sub write_files {
    my ($force, @files) = @_;
    my $suffix = $force ? ".new.$$" : '';
    my @done;

    for my $entry (@files) {
        my ($file, $mode, $bytes) = @$entry;

        if (!try_new("$file$suffix", $mode, $bytes)) {
            my ($error, $exists) = ($!, $!{EEXIST});
            unlink @done;
            exists_already($file) if $exists && !$force;
            failure("$file: $error");
        }

        push @done, "$file$suffix";
    }

    return if !$force;

    for my $entry (@files) {
        my $file = $entry->[0];

        if (!rename "$file$suffix", $file) {
            my $error = $!;
            unlink @done;
            failure("$file: $error");
        }
    }
}

sub random {
    my ($size) = @_;

    open my $in, '<:raw', '/dev/urandom' or failure("/dev/urandom: $!");
    read($in, my $bytes, $size) == $size or failure('/dev/urandom: too short');

    return $bytes;
}

sub temporary {
    my ($name) = @_;

    $folder //= File::Temp->newdir('edge-token-XXXXXXXX', TMPDIR => 1);

    return "$folder/$name";
}

# openssl(ARGS): what it prints.  Nobody answers questions, and what it
# complains about goes to a file: only its first line is ours to show.
sub openssl {
    my @args = @_;
    my $complaints = temporary('stderr');

    defined(my $pid = open my $out, '-|') or failure("fork: $!");

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>', $complaints;
        { no warnings 'exec'; exec { 'openssl' } 'openssl', @args; }
        print STDERR "$!\n";
        POSIX::_exit(127);
    }

    binmode $out;
    my $text = do { local $/; <$out> } // '';

    return $text if close $out;

    my ($line) = split /\n/, read_file($complaints);

    failure("openssl $args[0]: " . ($line // 'failed'));
}

1;
