# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# How pure code is compiled alone, for unit tests and fuzz targets: against
# nginx's headers and the stub of nginx, with the sources and libraries that
# a test names in its comments.  Sourced behind common.sh, never run.

stub=$root/lua-free-tests/unit

# pure_flags TREE DIR: sets flags for the headers of TREE as configured in
# DIR.  nonnull-attribute: as in an ASan nginx, see configure.
pure_flags() {
    local sub

    flags=(-g -O1 -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror
           -fno-omit-frame-pointer -I"$root/src" -I"$stub" -I"$2/objs")
    for sub in core event event/modules event/quic os/unix http http/modules \
        http/v2 http/v3
    do
        flags+=(-I"$1/src/$sub")
    done

    san=(-fsanitize=address,undefined -fno-sanitize=nonnull-attribute
         -fno-sanitize-recover=undefined)
}

# field FILE NAME: the words of the "/* NAME: ... */" lines.
field() { sed -n "s,^/\* $2: *\(.*[^ ]\) *\*/ *\$,\1,p" "$1"; }
