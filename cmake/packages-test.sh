#!/bin/sh
# One run of cmake names all that is missing, with the command that installs it. Packages are hidden behind an empty PATH or an empty
# folder of pkg-config's.
# usage: packages-test.sh CMAKE SOURCE_FOLDER
set -u
cmake=$(command -v "$1") source=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# usage: refused WHAT PACKAGES COMMAND...     the command fails, and names these packages in this order, in one line
refused() {
    what=$1 packages=$2
    shift 2
    if "$@" >"$work/said" 2>&1; then
        echo "$what: was not refused"
        failed=1
    fi
    line=$(grep -E '^ +([a-z0-9-]+ )*(gcc|lib[a-z0-9-]*-dev)' "$work/said" | sed 's/.*--no-install-recommends//; s/^ *//; s/ *$//')
    if [ "$line" != "$packages" ]; then
        printf '%s: expected "%s", got "%s" in:\n' "$what" "$packages" "$line"
        cat "$work/said"
        failed=1
    fi
}

libraries='libmicrohttpd-dev libcjson-dev libsqlite3-dev zlib1g-dev'
mkdir "$work/bin" "$work/none"
unset CC
refused 'without any command' "gcc make pkg-config $libraries" env PATH="$work/bin" "$cmake" -S "$source" -B "$work/a"
refused 'without libraries' "$libraries" env PKG_CONFIG_LIBDIR="$work/none" PKG_CONFIG_PATH= "$cmake" -S "$source" -B "$work/b"
refused 'with an option whose library is not there' "$libraries libzstd-dev" \
    env PKG_CONFIG_LIBDIR="$work/none" PKG_CONFIG_PATH= "$cmake" -S "$source" -B "$work/c" -DMLPD_ZSTD=ON
refused 'the engine alone, without any command' 'gcc make pkg-config' env PATH="$work/bin" "$cmake" -S "$source" -B "$work/d" -DMLPD_ENGINE_ONLY=ON
exit $failed
