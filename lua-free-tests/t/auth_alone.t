# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that a second module with directives of our names is refused, and one
# with others is not.  The modules are compiled here, for the nginx under test.

use strict;
use warnings;

use lib 'lib';

BEGIN {
    require Edge::Env;
    Edge::Env::setup();
}

use Edge::Idp;
use Edge::Server;
use File::Basename qw(dirname);
use Test::More;

my $home = $Edge::Env::tmp;
my $build = dirname($Edge::Env::module);

# variable NAME: of the Makefile that our own module was built with.
sub variable {
    my ($name) = @_;
    my $makefile = Edge::Idp::read_file("$build/objs/Makefile");

    $makefile =~ s/\\\n/ /g;
    $makefile =~ /^$name\s*=(.*)$/m or die "no $name in the Makefile\n";

    return $1;
}

# other NAME, DIRECTIVE: the file of a module that has this directive.
sub other {
    my ($name, $directive) = @_;

    Edge::Idp::write_file("$home/$name.c", <<"END");
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

extern ngx_module_t  $name;

static char *
nothing(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return NGX_CONF_OK;
}

static ngx_command_t  commands[] = {
    { ngx_string("$directive"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      nothing, 0, 0, NULL },
      ngx_null_command
};

static ngx_http_module_t  context = {
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
};

ngx_module_t  $name = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING
};

ngx_module_t *ngx_modules[] = { &$name, NULL };
char *ngx_module_names[] = { "$name", NULL };
char *ngx_module_order[] = { NULL };
END

    my $cc = variable('CC') . variable('CFLAGS') . ' -shared -fPIC'
        . " -o $home/$name.so $home/$name.c" . variable('ALL_INCS');

    system("cd $build/tree && $cc > $home/cc.log 2>&1") == 0
        or die "no module: " . Edge::Idp::read_file("$home/cc.log");

    return "$home/$name.so";
}

# Each order: nginx gives a directive to the module that was loaded first.
for (['ngx_http_other_jwt_module', 'auth_jwt', 'auth_jwt r;'],
     ['ngx_http_other_keys_module', 'auth_jwt_key_file', ''])
{
    my ($name, $directive, $use) = @$_;
    my $other = other($name, $directive);

    for my $modules ([$Edge::Env::module, $other],
                     [$other, $Edge::Env::module])
    {
        my $order = $modules->[0] eq $other ? 'first' : 'last';
        my ($status, $text) = Edge::Server->check("server { $use }",
                                                  modules => $modules);
        ok($status != 0, "$directive of another module, loaded $order");
        like($text, qr/\[emerg\].*module\ "$name"\ defines\ the\ directive
                       \ "$directive".*load\ only\ one/x,
             "is told: $directive, $order");
    }

    is((Edge::Server->check("server { $use }", modules => [$other]))[0], 0,
       "without ours $name is a module like any other");
}

my $fine = other('ngx_http_other_module', 'auth_jw');

for my $modules ([$Edge::Env::module, $fine], [$fine, $Edge::Env::module]) {
    my ($status, $text) = Edge::Server->check('server { auth_jw r; }',
                                              modules => $modules);
    is($status, 0, 'a module without a clash') or diag($text);
}

done_testing();
