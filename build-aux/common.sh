# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# What every build script shares: where the tree is, how to speak, which
# build variant the environment asks for and where that variant lives.
# Sourced, never run; knows nothing of compilers, packages or tests.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
aux=$root/build-aux
out=${EDGE_BUILD_DIR:-$root/build}

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# patiently COMMAND...: up to three times, with pauses, until it succeeds: what
# a mirror or a network did not give may come a moment later.
patiently() {
    "$@" && return
    sleep 5
    "$@" && return
    sleep 25
    "$@"
}

# A compiler other than the system's own gets its own variants.
cc=${CC:-cc}
case ${cc##*/} in
    cc | gcc) cc_suffix= ;;
    *)        cc_suffix=-${cc##*/} ;;
esac

# nginx_version TREE: the version a source tree (or nginx-dev) declares.
nginx_version() {
    sed -n 's/^#define NGINX_VERSION  *"\(.*\)"/\1/p' "$1/src/core/nginx.h"
}

# variant: "release", "debug-clang", "src-1.30.6", "src-1.30.6-asan" ...;
# EDGE_VARIANT, set by scripts of ours, overrides all but the compiler.
variant() {
    local mode=${BUILD:-release}

    if [ -n "${EDGE_VARIANT:-}" ]; then
        printf '%s%s\n' "$EDGE_VARIANT" "$cc_suffix"
        return
    fi

    case $mode in
        release | debug | asan) ;;
        *) die "BUILD=$mode is none of release, debug, asan" ;;
    esac

    if [ -n "${NGINX_SRC:-}" ]; then
        [ -f "$NGINX_SRC/src/core/nginx.h" ] \
            || die "NGINX_SRC=$NGINX_SRC is no nginx source tree"
        printf 'src-%s' "$(nginx_version "$NGINX_SRC")"
        [ "$mode" = release ] || printf -- '-%s' "$mode"
    else
        printf '%s' "$mode"
    fi

    printf '%s\n' "$cc_suffix"
}

# variant_dir: where objects, module and nginx of the variant are.
variant_dir() {
    local name

    name=$(variant) || exit 1
    printf '%s/%s\n' "$out" "$name"
}
