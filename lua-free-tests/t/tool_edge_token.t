# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests for tools/edge-token: tokens of every algorithm verified by openssl
# with the numbers of the key set, what the tool refuses, the files it makes.
#
# openssl builds the public keys and the DER of signatures itself (asn1parse
# -genconf), so nothing of the tool's own encoding is used to judge it.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use File::Temp ();
use FindBin;
use IPC::Open3 qw(open3);
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

use lib "$FindBin::Bin/../../tools/lib";
use EdgeKey ();

my $tool = "$FindBin::Bin/../../tools/edge-token";
my $dir = File::Temp->newdir;
my $json = JSON::PP->new->utf8->canonical;
my @algs = qw(HS256 RS256 PS256 ES256 ES384 EdDSA);

# The tool's openssl is the real one; each call's arguments go to a file.
my $real = (grep { -x } map { "$_/openssl" } split /:/, $ENV{PATH})[0]
    or plan skip_all => 'no openssl';

mkdir "$dir/bin";
mkdir "$dir/tmp";
put("$dir/bin/openssl", <<"EOW");
#!/bin/sh
echo "\$*" >> $dir/calls
if [ -n "\$EDGE_T_SIGNAL" ]; then kill -s \$EDGE_T_SIGNAL \$PPID; fi
if [ -n "\$EDGE_T_CREATE" ]; then echo theirs > "\$EDGE_T_CREATE"; fi
exec $real "\$@"
EOW
chmod 0755, "$dir/bin/openssl";

$ENV{PATH} = "$dir/bin:$ENV{PATH}";
$ENV{TMPDIR} = "$dir/tmp";
umask 022;

subtest "$_: minted, and verified by openssl" => \&algorithm, $_ for @algs;
subtest 'keys as PEM, of the tool and of others' => \&pem_keys;
subtest 'claims' => \&claims;
subtest 'files of keys' => \&key_files;
subtest 'refused keys' => \&refused_keys;
subtest 'wrong usage' => \&wrong_usage;
subtest 'show' => \&show;
subtest 'the examples of the page' => \&page;
subtest 'a signature with short numbers' => \&short_numbers;
subtest 'secrets stay where they are' => \&secrets;
subtest 'nothing is left behind' => \&left_behind;

done_testing();


# --- what is tested -------------------------------------------------------

sub algorithm {
    my ($alg) = @_;
    my $file = "$dir/$alg";

    my ($status, $out) = tool('key', '--alg', $alg, '--out', $file);
    is($status, 0, 'a key is made');

    my $set = $json->decode(get("$file.jwks"));
    my $key = $set->{keys}[0];

    is(scalar @{$set->{keys}}, 1, 'one key in the set');
    is($key->{alg}, $alg, 'the set names the algorithm');
    is($key->{use}, 'sig', 'and the use');
    ok(length $key->{kid}, 'and the key');
    is(mode($file), '600', 'the private key is for its owner');
    is(mode("$file.jwks"), $alg eq 'HS256' ? '600' : '644', 'mode of the set');
    is_deeply([grep { exists $key->{$_} } qw(d p q dp dq qi)], [],
              'nothing private in the set');

    if ($alg ne 'HS256') {
        my %part = map { $_ => $key->{$_} }
                   grep { exists $key->{$_} } qw(kty crv x y n e);
        is($key->{kid}, encode_base64url(sha256($json->encode(\%part))),
           'kid is the thumbprint');
    }

    my $token = mint('--key', $file, '--sub', 'u1');
    my ($header) = parts($token);

    is_deeply($header, { alg => $alg, typ => 'JWT', kid => $key->{kid} },
              'header');
    ok(verify($token, $key), 'the signature is right');
    ok(!verify(other($token), $key), 'and is not for other claims');
}

sub pem_keys {
    for my $alg (grep { $_ ne 'HS256' } @algs) {
        my $file = "$dir/pem-$alg";

        tool('key', '--alg', $alg, '--pem', '--kid', 'p1', '--out', $file);
        is(mode($file), '600', "$alg: mode");
        is(system("$real pkey -in $file -noout -check >> $dir/log 2>&1"), 0,
           "$alg: openssl takes the PEM");

        my $key = $json->decode(get("$file.jwks"))->{keys}[0];
        my $token = mint('--key', $file, '--alg', $alg, '--kid', 'p1');

        is((parts($token))[0]{kid}, 'p1', "$alg: kid");
        ok(verify($token, $key), "$alg: verified");

        next if $alg eq 'PS256';
        $token = mint('--key', $file);
        is_deeply((parts($token))[0], { alg => $alg, typ => 'JWT' },
                  "$alg: the key says the algorithm, and no kid");
    }

    # What openssl writes by itself in its older forms.
    my %forms = (
        RS256 => "genrsa -traditional -out $dir/old-RS256 2048",
        ES256 => "ecparam -name prime256v1 -genkey -noout -out $dir/old-ES256",
        ES384 => "ecparam -name secp384r1 -genkey -out $dir/old-ES384",
    );

    for my $alg (sort keys %forms) {
        system("$real $forms{$alg} 2>> $dir/log");
        system("$real pkey -in $dir/old-$alg -pubout -out $dir/old.pub");
        ok(verify(mint('--key', "$dir/old-$alg"), undef, "$dir/old.pub"),
           "$alg: a key in the older form");
    }
}

sub claims {
    my @key = ('--key', "$dir/HS256");
    my $now = time;
    my ($header, $claims, $text) = parts(mint(@key, '--ttl', '90m', '--typ',
        'at+jwt', '--tenant', 'acme', '--sub', 's', '--iss', 'https://i',
        '--aud', 'a', '--claim', 'n=1', '--claim', 'e=a=b', '--claim', 'v=',
        '--claim', "u=\xc3\xa4\"", '--claim-json', 'list=["a", 2]',
        '--claim-json', 'f=1.50', '--claim-json', 'big=12345678901234567890'));

    is($header->{typ}, 'at+jwt', 'typ');
    is($claims->{tenant_id}, 'acme', 'tenant');
    is($claims->{aud}, 'a', 'one audience is a string');
    is($claims->{e}, 'a=b', 'the first = separates');
    is($claims->{v}, '', 'an empty value');
    is($claims->{u}, "\x{e4}\"", 'a value that is not ASCII');
    like($text, qr/"n":"1"/, 'a claim is a string');
    like($text, qr/"list":\["a", 2\],"f":1\.50,"big":12345678901234567890,/,
         'JSON stays as it was written');
    is($claims->{exp} - $claims->{iat}, 5400, 'ttl');
    ok($claims->{iat} >= $now && $claims->{iat} <= time, 'iat is now');
    like($text, qr/"iat":[0-9]+,"exp":[0-9]+,"jti":"[\w-]{22}"\}/, 'numbers');

    my (undef, $second, $plain) = parts(mint(@key, '--aud', 'a', '--aud', 'b'));

    is_deeply($second->{aud}, ['a', 'b'], 'two audiences');
    is($second->{exp} - $second->{iat}, 3600, 'an hour without ttl');
    isnt($second->{jti}, $claims->{jti}, 'jti differs');
    is_deeply([sort keys %$second], [qw(aud exp iat jti)], 'nothing else');

    my %ttl = ('30' => 30, '30s' => 30, '2h' => 7200, '1d' => 86400,
               '-5m' => -300);

    for my $ttl (sort keys %ttl) {
        my (undef, $got) = parts(mint(@key, "--ttl=$ttl"));
        is($got->{exp} - $got->{iat}, $ttl{$ttl}, "ttl $ttl");
    }

    (undef, $claims) = parts(mint(@key, '--claim-json', 'exp=5',
        '--claim-json', 'iat=4', '--claim-json', 'nbf=3', '--claim', 'jti=j'));
    is_deeply($claims, { exp => 5, iat => 4, nbf => 3, jti => 'j' },
              'dates and jti of the caller');
}

sub key_files {
    my $file = "$dir/again";

    is((tool('key', '--out', $file))[0], 0, 'made');
    is($json->decode(get($file))->{alg}, 'ES256', 'ES256 without --alg');

    my @before = (get($file), get("$file.jwks"));
    refused('an existing key stays', 1, qr/again exists; --force/,
            'key', '--out', $file);
    unlink $file;
    refused('an existing set stays', 1, qr/again\.jwks exists; --force/,
            'key', '--out', $file);
    ok(!-e $file, 'and no key is made beside it');
    put($file, $before[0]);
    is_deeply([get($file), get("$file.jwks")], \@before, 'both as before');

    chmod 0644, $file;
    is((tool('key', '--force', '--alg', 'HS256', '--out', $file))[0], 0,
       '--force');
    isnt(get($file), $before[0], 'a new key');
    is(mode($_), '600', "mode of a replaced $_") for $file, "$file.jwks";

    {
        local $ENV{EDGE_T_CREATE} = "$dir/raced.jwks";
        refused('a set that appears meanwhile', 1, qr/raced\.jwks exists;/,
                'key', '--out', "$dir/raced");
    }
    is(get("$dir/raced.jwks"), "theirs\n", 'stays');
    ok(!-e "$dir/raced", 'and the key goes');

    symlink 'nowhere', "$dir/link";
    refused('a link is no free name', 1, qr/link exists/,
            'key', '--out', "$dir/link");
    refused('a folder', 1, qr/is a folder/, 'key', '--force', '--out', $dir);
    refused('no such folder', 1, qr/No such file/,
            'key', '--out', "$dir/none/key");

    refused('a set that cannot be written', 1, qr/No such file/, 'key',
            '--out', "$dir/alone", '--jwks', "$dir/none/set");
    ok(!-e "$dir/alone", 'leaves no key');

    is((tool('key', '--kid', "k\xc3\xa9y", '--out', "$dir/a", '--jwks',
             "$dir/b"))[0], 0, '--jwks and --kid');
    is($json->decode(get("$dir/b"))->{keys}[0]{kid}, "k\x{e9}y", 'kid');
    is((parts(mint('--key', "$dir/a")))[0]{kid}, "k\x{e9}y", 'in the token');
    is((parts(mint('--key', "$dir/a", '--kid', 'x')))[0]{kid}, 'x',
       'another kid in the token');
    is_deeply([glob "$dir/*.new.*"], [], 'no unfinished files');

    my ($status, undef, $err) = tool('mint', '--key', "$dir/\xc3\xa9");
    is($err, "edge-token: $dir/\xc3\xa9: No such file or directory\n",
       'the name of a file in a message');
}

sub refused_keys {
    my $jwk = $json->decode(get("$dir/ES256"));
    my $hmac = $json->decode(get("$dir/HS256"));
    my $change = sub {
        my ($key, %by) = @_;
        my %new = (%$key, %by);

        delete @new{grep { !defined $new{$_} } keys %new};
        return $json->encode(\%new);
    };

    system("$real genrsa -out $dir/rsa1024 1024 2>> $dir/log");
    system("$real genpkey -algorithm X25519 -out $dir/x25519");
    system("$real ecparam -name secp521r1 -genkey -noout -out $dir/p521");
    system("$real pkey -in $dir/pem-ES256 -aes256 -passout pass:x "
           . "-out $dir/locked");
    system("$real pkey -in $dir/pem-ES256 -pubout -out $dir/public");

    my @cases = (
        ['a key set', get("$dir/HS256.jwks"), qr/a key set/],
        ['a public key', $change->($jwk, d => undef), qr/no private key/],
        ['no JSON', '{"kty":"oct","k":"hidden-7f31"', qr/neither a JWK nor/],
        ['an array', '[]', qr/neither a JWK nor/],
        ['nothing', '', qr/neither a JWK nor/],
        ['an unknown type', $change->($jwk, kty => 'EX'), qr/no key for any/],
        ['an unknown curve', $change->($jwk, crv => 'P-1'), qr/no key for any/],
        ['padding', $change->($hmac, k => 'hidden-7f31='), qr/"k" is not base/],
        ['a list', $change->($hmac, k => ['hidden-7f31']), qr/"k" is no str/],
        ['null', '{"kty":"oct","k":null}', qr/"k" is no string/],
        ['a short number', $change->($jwk, d => 'AAAA'), qr/"d" has the wrong/],
        ['a short secret', $change->($hmac, k => 'A' x 42),
         qr/shorter than 32/],
        ['another algorithm', $change->($hmac, alg => 'HS512'),
         qr/for another algorithm/],
        ['a curve of another', $change->($jwk, alg => 'ES384'),
         qr/ES384 does not go with/],
        ['a broken PEM', "-----BEGIN PRIVATE KEY-----\nMAA=\n"
         . "-----END PRIVATE KEY-----\n", qr/openssl pkcs8: /],
        ['a large file', ' ' x 65537, qr/more than 65536 bytes/],
    );

    for my $case (@cases) {
        my ($name, $text, $say) = @$case;

        put("$dir/bad", $text);
        refused($name, 1, $say, 'mint', '--key', "$dir/bad");
    }

    refused('RSA of 1024 bits', 1, qr/shorter than 2048/,
            'mint', '--key', "$dir/rsa1024");
    refused('X25519', 1, qr/no key for any/, 'mint', '--key', "$dir/x25519");
    refused('P-521', 1, qr/no key for any/, 'mint', '--key', "$dir/p521");
    refused('a passphrase', 1, qr/passphrase/, 'mint', '--key', "$dir/locked");
    refused('a public PEM', 1, qr/no private/, 'mint', '--key', "$dir/public");
    refused('no file', 1, qr/No such file/, 'mint', '--key', "$dir/nothing");
    refused('a folder', 1, qr/Is a directory/, 'mint', '--key', $dir);

    refused('RS256 with a key for PS256', 1, qr/for PS256, not for RS256/,
            'mint', '--key', "$dir/PS256", '--alg', 'RS256');
    refused('HS256 with a PEM', 1, qr/HS256 does not go with/,
            'mint', '--key', "$dir/pem-RS256", '--alg', 'HS256');
    refused('ES384 with P-256', 1, qr/ES384 does not go with/,
            'mint', '--key', "$dir/pem-ES256", '--alg', 'ES384');

    local $ENV{PATH} = "$dir/tmp";
    my ($status, undef, $err) = run([$^X, $tool, 'key', '--out', "$dir/no"]);
    is($status, 1, 'without openssl');
    like($err, qr/openssl genpkey: No such file/, 'and says so');
}

sub wrong_usage {
    my @mint = ('mint', '--key', "$dir/HS256");
    my @cases = (
        [qr/no command$/m],
        [qr/no command "sing"/, 'sing'],
        [qr/takes no arguments/, 'help', 'mint'],
        [qr/needs --out/, 'key'],
        [qr/options only/, 'key', '--out', "$dir/u", 'more'],
        [qr/no algorithm "HS1"; there are ES256 ES384/, 'key', '--out',
         "$dir/u", '--alg', 'HS1'],
        [qr/no algorithm "none"/, @mint, '--alg', 'none'],
        [qr/same file/, 'key', '--out', "$dir/u", '--jwks', "$dir/u"],
        [qr/not "-"/, 'key', '--out', '-'],
        [qr/no file name/, 'key', '--out', ''],
        [qr/no PEM form/, 'key', '--pem', '--alg', 'HS256', '--out', "$dir/u"],
        [qr/--kid takes/, 'key', '--out', "$dir/u", '--kid', ''],
        [qr/--kid takes/, 'key', '--out', "$dir/u", '--kid', "a\nb"],
        [qr/--kid takes/, 'key', '--out', "$dir/u", '--kid', 'k' x 257],
        [qr/unknown option: forse/, 'key', '--out', "$dir/u", '--forse'],
        [qr/unknown option: f$/m, 'key', '--out', "$dir/u", '--f'],
        [qr/requires an argument/, 'key', '--out'],
        [qr/needs --key/, 'mint'],
        [qr/options only/, @mint, 'more'],
        [qr/unknown option: out/, @mint, '--out', 'x'],
        (map { [qr/--ttl takes/, @mint, "--ttl=$_"] }
            'h', '1w', '1.5h', '1h30m', '9999999999', "1\n"),
        [qr/--claim takes NAME/, @mint, '--claim', 'name'],
        [qr/--claim takes NAME/, @mint, '--claim', '=value'],
        [qr/"exp" is a number/, @mint, '--claim', 'exp=1'],
        (map { [qr/"a" is not JSON/, @mint, '--claim-json', "a=$_"] }
            '', 'x', '01', '{', '1 2', "'a'", '"' . "\t" . '"'),
        [qr/"sub" is given twice/, @mint, '--sub', 'a', '--claim', 'sub=b'],
        [qr/"a" is given twice/, @mint, '--claim', 'a=1', '--claim-json',
         'a=1'],
        [qr/exclude each other/, @mint, '--ttl', '1h', '--claim-json', 'exp=1'],
        [qr/not UTF-8/, @mint, '--sub', "\xff"],
        [qr/one token/, 'show', 'a', 'b'],
        [qr/unknown option: verify/, 'show', '--verify'],
    );

    for my $case (@cases) {
        my ($say, @args) = @$case;
        my $name = join ' ', map { s{\Q$dir\E/}{}r =~ s/[^ -~]/?/gr } @args;

        refused(substr($name, 0, 60) || 'nothing', 2, $say, @args);
    }

    ok(!-e "$dir/u", 'no key was made');

    for my $help (qw(help --help -h)) {
        my ($status, $out, $err) = tool($help);

        is($status, 0, $help);
        like($out, qr/^edge-token $_ /m, "$help names $_")
            for qw(key mint show);
        is($err, '', "$help has no complaints");
    }
}

sub show {
    my $token = mint('--key', "$dir/ES256", '--claim-json', 'exp=1767225600',
                     '--claim-json', 'nbf=4102444800.5', '--claim-json',
                     'iat="x"', '--claim-json', 'o={"a":[],"exp":{}}');

    my ($status, $out) = tool('show', $token);
    is($status, 0, 'shown');
    like($out, qr/\ANOT VERIFIED: /, 'and says that it verified nothing');
    like($out, qr/^  "alg": "ES256",$/m, 'header');
    like($out, qr/^  "o": \{\n    "a": \[\],\n    "exp": \{\}\n  \},$/m,
         'claims');
    like($out, qr/^exp  2026-01-01 00:00:00 UTC( \(expired\))?$/m, 'exp');
    like($out, qr/^nbf  2100-01-01 00:00:00 UTC \(in the future\)$/m, 'nbf');
    like($out, qr/^iat  not a number$/m, 'iat');

    is((run([$tool, 'show', '-'], "$token\n"))[1], $out, 'of standard input');
    is((run([$tool, 'show'], "$token\n"))[1], $out, 'without argument as well');

    my $old = mint('--key', "$dir/ES256", '--ttl=-5m');
    like((tool('show', $old))[1], qr/^exp  .*\(expired\)$/m, 'expired');

    # Twice the same name, and what a terminal would obey.
    my $odd = join '.', map { encode_base64url($_) } '{"alg":"none"}',
        "{\"a\":1,\"a\":2.0,\"exp\":1e99,\"t\":\"\xc2\x9b\xe2\x80\xae\"}", '';
    $out = (tool('show', $odd))[1];
    like($out, qr/"a": 1,\n  "a": 2\.0,/, 'duplicates and numbers as they are');
    like($out, qr/"t": "\\u\{009b\}\\u\{202e\}"/, 'no control characters');
    like($out, qr/^exp  out of range$/m, 'a date beyond the calendar');

    my ($head, $body, $end) = split /\./, $token;
    my @cases = (
        [qr/three parts, this has 1/, 'abc'],
        [qr/three parts, this has 0/, ' '],
        [qr/three parts, this has 4/, "$token."],
        [qr/encrypted/, "$token.."],
        [qr/header is not base64url/, "$head=.$body.$end"],
        [qr/claims is not base64url/, "$head.a+b.$end"],
        [qr/signature is not base64url/, "$head.$body.a b"],
        [qr/signature is not base64url/, "$head.$body.AB"],
        [qr/signature is not base64url/, "$head.$body.AAAAA"],
        [qr/claims is not a JSON object/, "$head.W10.$end"],
        [qr/header is not a JSON object/, ".$body.$end"],
        [qr/header is not UTF-8/, encode_base64url("\xff") . ".$body.$end"],
    );

    for my $case (@cases) {
        my ($say, $text) = @$case;
        my ($code, $printed, $err) = run([$tool, 'show', '-'], $text);

        is($code, 1, "$say");
        like($err, $say, 'says so');
        is($printed, '', 'and shows nothing');
    }

    is((run([$tool, 'show'], 'a' x 70000))[0], 1, 'too large');
}

# The commands of docs/edge-token.md, and what it says "show" prints.
sub page {
    my $page = get("$FindBin::Bin/../../docs/edge-token.md");
    my ($commands) = $page =~ /^```sh\n(.*?)^```/ms;
    my ($shown) = $page =~ /prints[^\n]*:\n\n((?:    [^\n]*\n|\n)+)/;

    mkdir "$dir/page";
    local $ENV{PATH} = "$FindBin::Bin/../../tools:$ENV{PATH}";
    my ($status, $out, $err) = run(['sh', '-ec', "cd $dir/page; $commands"]);

    is("$status $err", '0 ', 'the examples run');

    $shown =~ s/^    //mg;

    for ($out, $shown) {
        s/\A.*?(?=^NOT)//ms;
        s/\(expired\)\K.*//s;
        s/"(kid|jti)": "[\w-]+"/"$1": ID/g;
        s/"(iat|exp)": \d+/"$1": DATE/g;
        s/^(iat|exp)  [\d-]+ [\d:]+/$1  DATE/mg;
    }
    is($shown, $out, 'and print what the page says');
}

# Numbers with leading zeros come once in a hundred signatures.
sub short_numbers {
    my $der = asn1('SEQUENCE:s', "[s]\nr=INTEGER:0x01\ns=INTEGER:0xff02\n");
    my $raw = EdgeKey::fixed_size($der, 32);

    is(unpack('H*', $raw), '00' x 31 . '01' . '00' x 30 . 'ff02', 'filled up');
}

sub secrets {
    my $calls = get("$dir/calls");

    cmp_ok(scalar(() = $calls =~ /^(?:dgst|pkeyutl) /mg), '>', 20,
           'openssl was called, and seen');

    for my $alg (@algs) {
        my $key = $json->decode(get("$dir/$alg"));
        my $said = join '', (tool('key', '--alg', $alg, '--kid', 'k', '--force',
                                  '--out', "$dir/said"))[1, 2],
                            (tool('mint', '--key', "$dir/$alg"))[1, 2];
        my $new = $json->decode(get("$dir/said"));

        for my $name (grep { exists $key->{$_} } qw(k d p q dp dq qi)) {
            my $hex = unpack 'H*', decode_base64url($key->{$name});

            is(index($calls, $key->{$name}), -1, "$alg: $name not in calls");
            is(index(lc $calls, $hex), -1, "$alg: nor in hex");
            is(index($said, $key->{$name}), -1, "$alg: $name not printed");
            is(index($said, $new->{$name}), -1, "$alg: nor a new one");
        }
    }
}

sub left_behind {
    is_deeply([glob "$dir/tmp/*"], [], 'no temporary files');

    for my $signal (qw(INT TERM HUP)) {
        local $ENV{EDGE_T_SIGNAL} = $signal;

        isnt((tool('mint', '--key', "$dir/ES256"))[0], 0, "$signal ends it");
        is_deeply([glob "$dir/tmp/*"], [], 'and leaves nothing');
    }

    my $status = system("$tool mint --key $dir/ES256 > /dev/full "
                        . "2> $dir/full");
    is($status >> 8, 1, 'a full disk is a failure');
    like(get("$dir/full"), qr/No space left/, 'and is named');

    # A reader that is gone before the first byte.
    pipe my $in, my $out;
    close $in;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>&', $out;
        open STDERR, '>', "$dir/pipe";
        exec $tool, 'mint', '--key', "$dir/ES256";
    }
    close $out;
    waitpid $pid, 0;
    is($?, 1 << 8, 'a reader that has gone is a failure');
    is_deeply([glob "$dir/tmp/*"], [], 'nothing is left then either');
}


# --- verification ---------------------------------------------------------

# verify(TOKEN, JWK or undef, PEM): by openssl, with the public numbers.
sub verify {
    my ($token, $key, $pem) = @_;
    my ($head, $body, $end) = split /\./, $token;
    my $alg = $json->decode(decode_base64url($head))->{alg};
    my $signature = decode_base64url($end);

    put("$dir/v.input", "$head.$body");

    if ($alg eq 'HS256') {
        my $hex = unpack 'H*', decode_base64url($key->{k});

        return (run([$real, qw(dgst -sha256 -binary -mac HMAC -macopt),
                     "hexkey:$hex", "$dir/v.input"]))[1] eq $signature;
    }

    if ($alg =~ /^ES/) {
        my $size = $alg eq 'ES256' ? 32 : 48;

        return 0 if length $signature != 2 * $size;
        my ($r, $s) = map { unpack 'H*', $_ }
                      unpack "a${size}a${size}", $signature;
        $signature = asn1('SEQUENCE:s',
                          "[s]\nr=INTEGER:0x$r\ns=INTEGER:0x$s\n");
    }

    put("$dir/v.signature", $signature);

    if (!defined $pem) {
        $pem = "$dir/v.der";
        put($pem, public_key($key));
    }

    my @key = ($pem, '-keyform', $pem =~ /der$/ ? 'DER' : 'PEM');
    my @command = $alg eq 'EdDSA'
        ? (qw(pkeyutl -verify -rawin -pubin -inkey), @key,
           '-in', "$dir/v.input", '-sigfile', "$dir/v.signature")
        : ('dgst', $alg eq 'ES384' ? '-sha384' : '-sha256',
           ($alg eq 'PS256' ? (qw(-sigopt rsa_padding_mode:pss
                                  -sigopt rsa_pss_saltlen:32)) : ()),
           '-verify', @key, '-signature', "$dir/v.signature", "$dir/v.input");

    return (run([$real, @command]))[0] == 0;
}

sub public_key {
    my ($key) = @_;
    my %hex = map { $_ => unpack 'H*', decode_base64url($key->{$_}) }
              grep { exists $key->{$_} } qw(n e x y);
    my %algorithm = (
        'RSA'     => "o=OID:rsaEncryption\np=NULL\n",
        'P-256'   => "o=OID:id-ecPublicKey\np=OID:prime256v1\n",
        'P-384'   => "o=OID:id-ecPublicKey\np=OID:secp384r1\n",
        'Ed25519' => "o=OID:ED25519\n",
    );
    my $point = ($key->{kty} eq 'EC' ? '04' : '') . ($hex{x} // '')
                . ($hex{y} // '');
    my $bits = $key->{kty} eq 'RSA' ? 'BITWRAP,SEQUENCE:rsa'
                                    : "FORMAT:HEX,BITSTRING:$point";

    return asn1('SEQUENCE:spki',
        "[spki]\na=SEQUENCE:alg\nk=$bits\n[alg]\n"
        . $algorithm{$key->{crv} // 'RSA'}
        . (exists $hex{n} ? "[rsa]\nn=INTEGER:0x$hex{n}\ne=INTEGER:0x$hex{e}\n"
                          : ''));
}

sub asn1 {
    my ($first, $sections) = @_;

    put("$dir/v.conf", "asn1=$first\n$sections");
    unlink "$dir/v.out";
    run([$real, qw(asn1parse -noout -genconf), "$dir/v.conf", '-out',
         "$dir/v.out"]);

    return get("$dir/v.out");
}


# --- running --------------------------------------------------------------

sub run {
    my ($command, $input) = @_;

    put("$dir/run.in", $input // '');
    open my $in, '<', "$dir/run.in" or die "run.in: $!\n";
    open my $out, '+>', "$dir/run.out" or die "run.out: $!\n";
    open my $err, '+>', "$dir/run.err" or die "run.err: $!\n";

    my $pid = open3('<&' . fileno $in, '>&' . fileno $out,
                    '>&' . fileno $err, @$command);
    waitpid $pid, 0;

    return ($? & 127 ? "signal $?" : $? >> 8, get("$dir/run.out"),
            get("$dir/run.err"));
}

sub tool { return run([$tool, @_]) }

sub mint {
    my ($status, $out, $err) = tool('mint', @_);

    is("$status $err", '0 ', 'minted without complaint');
    like($out, qr/\A[\w-]+\.[\w-]+\.[\w-]+\n\z/, 'one line, three parts');
    chomp $out;

    return $out;
}

sub refused {
    my ($name, $want, $say, @args) = @_;
    my ($status, $out, $err) = tool(@args);

    is($status, $want, "$name: status");
    like($err, $say, "$name: reason");
    like($err, qr/\Aedge-token: [^\n]+\n(?:try "edge-token help"\n)?\z/,
         "$name: one line");
    unlike($out . $err, qr/hidden-7f31/, "$name: no secret");
    is($out, '', "$name: no output");
}

sub parts {
    my ($token) = @_;
    my ($head, $body) = map { decode_base64url($_) } split /\./, $token;

    return ($json->decode($head), $json->decode($body), $body);
}

# other(TOKEN): the same with one claim more.
sub other {
    my ($head, $body, $end) = split /\./, $_[0];

    $body = encode_base64url(decode_base64url($body) =~ s/\}\z/,"x":1}/r);

    return "$head.$body.$end";
}

sub mode { return sprintf '%o', 07777 & (stat $_[0])[2] }

sub get {
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!\n";
    return do { local $/; <$in> } // '';
}

sub put {
    my ($file, $text) = @_;

    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
}
